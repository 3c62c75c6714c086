"""What the core owes gates, and asks of them."""

import asyncio

import pytest
from attrs import define, evolve, field

from autogenesis_core import Assessment, Cell, Evaluation, Failed, InputError, Runtime, Scored, Vote, hookimpl
from autogenesis_core.hooks import Hooks


@define(eq=False)
class Tests:
    """A gate with a test, that says the same at every look."""

    __test__ = False

    interim: str = "continue"
    seen: list[Assessment] = field(factory=list)
    asked: list[tuple[int, float]] = field(factory=list)
    looks: int = 0

    def plan(self, examples, alpha):
        self.asked.append((examples, alpha))
        return (self.looks or examples,)

    @hookimpl
    async def sepl_interim(self, assessment):
        self.seen.append(assessment)
        return Vote("tests", self.interim, "as it was told")

    @hookimpl
    async def sepl_gate(self, assessment):
        self.seen.append(assessment)
        return Vote("tests", "commit", "as it was told")


class Refuses:
    """A gate that guards: no skill of 5."""

    guards = True

    @hookimpl
    async def sepl_interim(self, candidate, assessment):
        found = candidate.records["agent/skilled"].parameters["skill"]
        assert (assessment.look, len(assessment.examples)) == (-1, 20)
        before = assessment.committed["agent/skilled"].parameters["skill"]
        return Vote("refuses", "reject", f"{before} to {found}") if found == 5 else NotImplemented

    @hookimpl
    async def sepl_gate(self, candidate):
        return Vote("refuses", "commit", "no skill of 5")


class Guards:
    guards = True

    @hookimpl
    async def sepl_gate(self, candidate):
        return Vote("guards", "commit", "nothing is broken")


def ledger(made):
    """The ledger of a composition's store, after an evolution."""

    async def evolve_():
        async with Runtime(made) as ag:
            result = await ag.evolve()
            loop = ag.loop
            return result, ag.store.ledger(loop.assessor.lineage, loop.assessor.holdout)

    return asyncio.run(evolve_())


@pytest.mark.parametrize("decision", ["indecisive", "reject"])
def test_what_is_decided_before_any_evidence_costs_nothing(composition, decision):
    gate = Tests(decision)
    result, grants = ledger(composition([5], gate=gate))
    (entry,) = result["rounds"]
    assert (entry["decision"], entry["reason"], entry["looks"]["n"]) == (decision, "as it was told", 0)
    assert (grants, result["alpha"]["spent"]) == ([], 0)
    assert [assessment.look for assessment in gate.seen] == [-1]


def test_before_any_evidence_a_gate_knows_the_level_and_how_many_pairs_there_will_be(composition):
    gate = Tests("continue")
    result, grants = ledger(composition([5], gate=gate, alpha=0.06))
    assert [assessment.alpha for assessment in gate.seen] == pytest.approx([0.03, 0.03])  # half of what is left
    assert [assessment.planned for assessment in gate.seen] == [10, 10]
    assert set(gate.asked) == {(10, gate.seen[0].alpha)}
    assert ([grant.alpha for grant in grants], len(result["commits"])) == ([pytest.approx(0.03)], 1)


def test_a_gate_that_plans_fewer_pairs_than_there_are_pays_for_no_more(composition):
    gate = Tests("continue", looks=6)
    result, _ = ledger(composition([5], gate=gate))
    assert len(gate.seen[-1].baseline.cells) == len(gate.seen[-1].candidate.cells) == 6
    assert gate.seen[-1].complete
    assert result["rounds"][0]["looks"]["planned"] == [6]


def test_a_gate_that_needs_all_of_val_gets_it_after_the_looks_that_another_plans(composition):
    class Whole(Guards):
        whole = True

    gate = Tests("continue", looks=6)
    ledger(composition([5], gate=[gate, Whole()]))
    assert [(assessment.looks, assessment.look) for assessment in gate.seen] == [((6, 10), look) for look in (-1, 0, 1)]
    assert len(gate.seen[-1].baseline.cells) == 10


def test_gates_know_what_is_held_out_and_whether_calls_are_priced(composition):
    gate = Tests("continue")
    ledger(composition([5], gate=gate))
    assert gate.seen[0].holdout == tuple(f"val-{i}" for i in range(10))
    assert gate.seen[-1].examples[-10:] == gate.seen[0].examples[10:]
    assert gate.seen[0].priced  # without a model nothing is paid for


def test_gates_that_only_guard_commit_nothing_and_val_is_not_paid_for(run, composition):
    ran = run(composition([5], gate=Guards()))
    (entry,) = ran.result["rounds"]
    assert (entry["decision"], entry["looks"]["n"], ran.result["commits"]) == ("indecisive", 0, [])
    assert "+gate=auto" in entry["reason"]
    assert any("no gate compares scores" in note for note in ran.notes)


def test_a_gate_that_guards_stands_beside_one_that_compares(run, composition, better):
    ran = run(composition([5], gate=[Guards(), better()]))
    assert len(ran.result["commits"]) == 1
    assert not any("no gate compares scores" in note for note in ran.notes)


def test_what_a_gate_that_guards_refuses_is_not_even_tried(run, composition, better):
    """The first proposal is refused, the second is not, and nothing of the first is in what is committed."""
    gate = better()
    ran = run(composition([5, 6], gate=[Refuses(), gate]))
    first, second = ran.result["rounds"]
    assert (first["decision"], first["reason"]) == ("reject", "gate refuses: 3 to 5")
    assert (first["proposed"][0]["state"], first["proposed"][0]["before"]) == ("rejected", None)
    assert (second["decision"], ran.values["agent/skilled#skill"]) == ("commit", 6)
    assert len(gate.assessments) == 1


def test_a_refused_proposal_is_no_failure_of_the_optimizer(run, composition, better):
    assert run(composition([5] * 7, gate=[Refuses(), better()])).result["stopped"] == "all rounds done"


def test_a_gate_sees_the_votes_before_it(run, composition, better):
    gate = Tests("continue")
    run(composition([5], gate=[better(), gate]))
    assert [[vote.gate for vote in assessment.votes] for assessment in gate.seen] == [[], ["better"]]


def test_an_interim_reject_comes_before_an_interim_indecision(composition):
    class Says:
        def __init__(self, decision):
            self.decision = decision

        @hookimpl
        async def sepl_interim(self, candidate):
            return Vote(self.decision, self.decision, self.decision)

        @hookimpl
        async def sepl_gate(self, candidate):
            return Vote("says", "commit", "")

    result, _ = ledger(composition([5], gate=[Says("indecisive"), Says("reject")]))
    assert result["rounds"][0]["decision"] == "reject"


def test_hooks_know_whether_a_gate_compares():
    hooks = Hooks()
    assert not hooks.compares
    hooks.register(Guards(), "gate guards")
    assert not hooks.compares


def cells(results, epoch=0):
    return tuple(Cell(f"e{i}", r if isinstance(r, Failed) else Scored(r), epoch) for i, r in enumerate(results))


def assessed(before, after, **more):
    return Assessment(Evaluation("new", "val", after), Evaluation("old", "val", before), **more)


def test_coverage_is_of_the_rollouts_that_have_a_score_on_both_sides():
    lost = Failed("infra", "no connection")
    assert assessed(cells([1.0, lost, 0.0, 1.0]), cells([1.0, 1.0, lost, 1.0])).coverage == 0.5
    assert assessed(cells([1.0] * 4), cells([1.0] * 3 + [Failed("invalid", "raised")])).coverage == 1.0
    assert assessed((), ()).coverage == 0.0
    two = cells([1.0, 1.0]) + cells([1.0, lost], epoch=1)
    assert assessed(two, two).coverage == 0.75


def test_coverage_counts_what_was_planned_and_what_only_one_side_ran():
    found = assessed(cells([1.0] * 4), cells([1.0] * 4), looks=(4, 8), look=0)
    assert (found.coverage, evolve(found, look=1).coverage) == (1.0, 0.5)
    assert assessed(cells([1.0] * 4), cells([1.0])).coverage == 0.25


def test_what_is_missing_is_said_in_a_few_words():
    assert assessed((), ()).missing(0.9) == "no example has a score both before and after"
    half = assessed(cells([1.0] * 4), cells([1.0] * 2))
    assert half.missing(0.9) == "only 50% of the rollouts have a score both before and after, not 90%"
    assert half.missing(0.5) == ""


def test_examples_of_one_cluster_are_one_planned_pair():
    clusters = {"e0": "a", "e1": "a", "e2": "b"}
    nothing = Evaluation("", "val", (), clusters=clusters)
    assert Assessment(nothing, nothing, looks=(5,), look=-1).planned == 4
    found = assessed(cells([1.0] * 5), cells([1.0] * 5))
    assert (found.planned, len(found.differences)) == (5, 5)
    grouped = evolve(found, baseline=evolve(found.baseline, clusters=clusters))
    assert (grouped.planned, len(grouped.differences)) == (4, 4)


def test_observers_know_while_a_person_is_asked_and_what_is_recorded_is_not_asked_again(run, composition, better):
    told = []

    class Person:
        external = True

        @hookimpl
        async def sepl_gate(self, candidate):
            told.append("the question")
            return Vote("person", "commit", "yes")

    class Watches:
        @hookimpl
        async def sepl_observe(self, event, data):
            if event in ("asking", "answered"):
                told.append((event, data["gate"]))

    async def evolve_():
        async with Runtime(composition([5], gate=[better(), Person()])) as ag:
            ag.observe(Watches())
            await ag.evolve()

    asyncio.run(evolve_())
    assert told == [("asking", "gate person 1"), "the question", ("answered", "gate person 1")]
    hooks = Hooks()
    hooks.register(Person(), "gate person")
    vote = Vote("person", "reject", "no")
    assert asyncio.run(hooks.votes(None, None, lambda _: vote)) == (vote,)
    assert len(told) == 3


def test_a_gate_that_can_do_nothing_with_the_examples_says_so_before_anything_is_spent(composition, better):
    class Checks(Guards):
        def check(self, examples):
            raise InputError(f"none of {len(examples)} examples will do")

    class Never:
        @hookimpl
        async def sepl_reflect(self, context):
            raise AssertionError("nothing is proposed")

    with pytest.raises(InputError, match="none of 10 examples will do"):
        ledger(composition(optimizer=Never(), gate=[better(), Checks()]))


def test_what_is_refused_though_it_is_better_is_not_built_upon(run, composition, better):
    """A test says that the first is better, and a person is against it: the second starts from what is committed."""

    class Proves:
        @hookimpl
        async def sepl_gate(self, candidate):
            return Vote("proves", "commit", "+0.2, p = 0.01", {"p": 0.01, "delta": 0.2})

    class Against:
        external = True

        @hookimpl
        async def sepl_gate(self, candidate):
            found = candidate.records["agent/skilled"].parameters
            return Vote("against", "reject" if found["skill"] == 5 else "commit", f"{found['style']} {found['skill']}")

    plan = [5, [("agent/skilled#style", "bold"), ("agent/skilled#skill", 6)]]
    ran = run(composition(plan, gate=[Proves(), Against()]))
    assert [entry["decision"] for entry in ran.result["rounds"]] == ["reject", "commit"]
    assert ran.result["rounds"][1]["before"] == 0.3
    assert [proposed["before"] for proposed in ran.result["rounds"][1]["proposed"]] == [0.3]


def test_a_gain_that_is_not_proved_yet_is_built_upon(run, composition):
    class NotYet:
        @hookimpl
        async def sepl_gate(self, candidate, assessment):
            return Vote("not_yet", "reject", "+0.2, may be chance: p = 0.2", {"p": 0.2, "delta": 0.2})

    ran = run(composition([5, 6], gate=NotYet()))
    assert [entry["proposed"][0]["before"] for entry in ran.result["rounds"]] == [0.3, 0.5]
