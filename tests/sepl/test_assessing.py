import pytest
from attrs import frozen

from autogenesis_core import Edit, Vote, hookimpl

SKILL = "agent/skilled#skill"


@pytest.fixture
def noted(skilled):
    """The agent, and what it was asked: (task, seed, skill)."""
    calls = []

    @frozen
    class Notes(skilled):
        async def run(self, task, context):
            calls.append((task, context.seed, self.skill))
            return await skilled.run(self, task, context)

    return Notes(), calls


def on_val(calls):
    return [call for call in calls if call[0].startswith("10")]


def test_parent_and_child_meet_the_same_cells_which_neither_has_met_before(run, composition, noted):
    agent, calls = noted
    run(composition([5, 8], agent=agent))
    cells = {skill: {(task, seed) for task, seed, has in on_val(calls) if has == skill} for skill in (3, 5, 8)}
    assert (len(cells[3]), len(cells[5]), len(cells[8])) == (10, 20, 10)
    assert cells[5] == cells[3] | cells[8]
    assert not cells[3] & cells[8]


def test_where_scores_are_deterministic_nothing_is_drawn_anew(run, composition, noted):
    agent, calls = noted
    run(composition([5, 8], agent=agent, deterministic=True))
    assert {skill: sum(has == skill for _, _, has in on_val(calls)) for skill in (3, 5, 8)} == {3: 10, 5: 10, 8: 10}


def test_val_is_drawn_in_an_order_of_each_decisions_own_whatever_the_workers(run, composition, better, tmp_path):
    found = []
    for workers in (1, 16):
        gate = better()
        run(composition([5, 8], gate=gate, workers=workers, folder=tmp_path / str(workers)))
        found.append([[cell.example for cell in seen.candidate.cells] for seen in gate.assessments])
    (first, second), again = found
    assert again == [first, second]
    assert (sorted(first), first != second) == (sorted(second), True)


def test_a_search_leaves_the_rollouts_that_test_needs(run, composition):
    """Each round takes 20 rollouts on train and 20 on val; the last of them may not use test's."""
    for limit in range(60, 150, 15):
        result = run(composition([4, 5, 6, 7], limits={"rollouts": limit})).result
        assert result["spent"]["rollouts"] <= limit
        assert (result["scores"]["test"]["before"]["n"], result["scores"]["test"]["after"]["n"]) == (10, 10)


def test_an_optimizer_names_the_parent_and_gets_a_pool_that_it_cannot_change(run, composition, better):
    seen = []

    class Names:
        rounds = 2
        screen = False

        @hookimpl
        async def sepl_parent(self, context):
            return context.pool[0]

        @hookimpl
        async def sepl_select(self, context):
            skill = next(v.value for v in context.variables if v.id == SKILL)
            seen.append((context.parent.number, skill, len(context.pool)))
            with pytest.raises(AttributeError):
                context.pool.append(context.parent)
            with pytest.raises(TypeError):
                context.pool[0] = context.parent
            return [Edit("agent/skilled#style", f"style {context.round}")]

    class Yes(better):
        @hookimpl
        async def sepl_gate(self):
            return Vote("yes", "commit", "always")

    run(composition(optimizer=Names(), gate=Yes()))
    assert seen == [(0, 3, 1), (0, 3, 2)]


class Looks:
    """A gate that looks after each fifth of val, and keeps what it saw; it says `answers[look]`."""

    def __init__(self, *answers, verdict="commit"):
        self.answers, self.verdict, self.seen = answers, verdict, []

    def plan(self, examples, alpha):
        return tuple(range(examples // 5, examples + 1, examples // 5))

    @hookimpl
    async def sepl_interim(self, assessment):
        if assessment.look < 0:
            return NotImplemented
        self.seen.append((assessment.look, len(assessment.pairs), assessment.complete))
        answer = self.answers[assessment.look] if assessment.look < len(self.answers) else "continue"
        return Vote("looks", answer, f"look {assessment.look}")

    @hookimpl
    async def sepl_gate(self, assessment):
        self.seen.append((assessment.look, len(assessment.pairs), assessment.complete))
        return Vote("looks", self.verdict, "at last", {"alpha": assessment.alpha, "reused": assessment.reused})


def test_an_assessment_ends_at_the_look_at_which_enough_is_known(run, composition):
    gate = Looks("continue", "commit")
    ran = run(composition([5], gate=gate))
    assert gate.seen == [(0, 2, False), (1, 4, False), (1, 4, True)]
    assert (ran.result["rounds"][0]["decision"], ran.result["rounds"][0]["looks"]["n"]) == ("commit", 4)


def test_an_assessment_without_hope_ends_at_that_look_with_its_reason(run, composition):
    gate = Looks("continue", "reject")
    ran = run(composition([5], gate=gate))
    assert gate.seen == [(0, 2, False), (1, 4, False)]
    assert (ran.result["rounds"][0]["decision"], ran.result["rounds"][0]["reason"]) == ("reject", "look 1")
    assert ran.events[-1][0] == "reject"


def test_without_an_early_end_all_of_val_is_looked_at_once_each(run, composition):
    gate = Looks()
    run(composition([5], gate=gate))
    assert gate.seen == [(0, 2, False), (1, 4, False), (2, 6, False), (3, 8, False), (4, 10, True)]


@pytest.fixture
def each(proposes):
    """An optimizer each of whose proposals is assessed at once."""

    class Each(proposes):
        screen = False

    return lambda *skills: Each([[(SKILL, skill)] for skill in skills])


def test_a_level_is_spent_before_any_evidence_is_seen(run, composition, noted, each):
    """The journal has the grant before the first rollout on val."""
    ran = run(composition(agent=noted[0], gate=Looks(), optimizer=each(5, 8)))
    events = [event if event != "rollout" else f"rollout {body['split']}" for event, body in ran.journal]
    first = events.index("rollout val")
    assert events.index("grant") < first
    assert events.count("grant") == 2
    assert events.index("grant", first) < events.index("rollout val", events.index("grant", first))


@pytest.mark.parametrize(
    ("deterministic", "levels"),
    # Fresh cells: 1/2, then 1/6 and what was committed before it. Reused: 1/2, then 1/6 over the commits that may have
    # told of the cells (one of one: 1 * 2 * 3), and nothing inherited.
    [(False, [0.025, 0.05 / 6 + 0.025]), (True, [0.025, 0.05 / 6 / 6])],
)
def test_where_cells_are_reused_the_level_is_corrected_and_the_record_says_so(
    run, composition, each, deterministic, levels
):
    gate = Looks()
    ran = run(composition(gate=gate, optimizer=each(5, 8), deterministic=deterministic))
    looks = [entry["looks"] for entry in ran.result["rounds"]]
    assert [look["alpha"] for look in looks] == pytest.approx(levels)
    assert [look["reused"] for look in looks] == [deterministic] * 2
    votes = [entry.body["verdict"]["votes"][0]["evidence"] for entry in ran.entries if entry.event == "commit"]
    assert [vote["reused"] for vote in votes] == [deterministic] * 2
    assert ran.result["alpha"]["spent"] == pytest.approx(sum(levels))
