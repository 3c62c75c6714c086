import asyncio

import pytest
from attrs import define, evolve, field, frozen

from autogenesis_core import (
    Agent,
    Answer,
    Candidate,
    Edit,
    InputError,
    PluginError,
    Question,
    Runtime,
    Score,
    UnknownName,
    Verdict,
    Vote,
    hookimpl,
    variable,
)
from autogenesis_core.rspl.store import Change, Store
from autogenesis_core.settings import Part

SKILL = "agent/skilled#skill"
STYLE = "prompt/rules#style"


def decisions(result) -> list[str]:
    return [entry["decision"] for entry in result["rounds"]]


def test_what_is_better_is_committed_and_the_next_round_starts_from_it(run, composition):
    ran = run(composition([5, 8]))
    assert decisions(ran.result) == ["commit", "commit"]
    assert [(entry["before"], entry["after"]) for entry in ran.result["rounds"]] == [(0.3, 0.5), (0.5, 0.8)]
    assert (ran.values[SKILL], ran.heads) == (8, {"agent/skilled": "1.0.2"})
    assert ran.result["heads"] == ran.heads
    assert [entry["from"] for entry in ran.result["rounds"]] == [{"agent/skilled": "1.0.0"}, {"agent/skilled": "1.0.1"}]


def test_what_is_no_better_on_train_is_not_assessed_and_leaves_nothing_in_the_store(run, composition, better):
    gate = better()
    ran = run(composition([2], gate=gate))
    assert (ran.events, gate.assessments) == ([("install", "")], [])
    assert ran.result["rounds"][0]["proposed"] == [
        {"state": "rejected", "reason": "no better on train: 0.30 → 0.20", "before": 0.3, "after": 0.2,
         "edits": [{"variable": SKILL, "reason": "try it"}], "expected": [], "held": []}
    ]  # fmt: skip
    assert (ran.values[SKILL], ran.heads, ran.result["commits"]) == (3, {"agent/skilled": "1.0.0"}, [])
    assert ran.fault is None


def test_a_rejection_leaves_only_its_log_entry(run, composition, proposes):
    ran = run(composition(optimizer=unscreened(proposes)([[(SKILL, 2)]])))
    assert ran.events == [("install", ""), ("reject", ran.result["run"])]
    assert (ran.values[SKILL], ran.heads, ran.result["commits"]) == (3, {"agent/skilled": "1.0.0"}, [])
    assert ran.fault is None


def unscreened(optimizer):
    """An optimizer's class, with each of its proposals assessed at once."""
    return type("Unscreened", (optimizer,), {"screen": False})


def test_after_a_rejection_the_next_round_starts_from_where_it_stood(run, composition, proposes):
    ran = run(composition(optimizer=unscreened(proposes)([[(SKILL, 2)], [(SKILL, 4)]])))
    assert [(entry["before"], entry["after"]) for entry in ran.result["rounds"]] == [(0.3, 0.2), (0.3, 0.4)]
    assert decisions(ran.result) == ["reject", "commit"]


def test_the_log_says_what_changed_why_on_which_evidence_at_what_cost_and_from_where(run, composition):
    entry = run(composition([5])).entries[-1]
    assert entry.event == "commit"
    assert entry.body["changes"][0] | {"digest": ""} == {
        "resource": "agent/skilled", "version": "1.0.1", "digest": "", "from": "1.0.0",
    }  # fmt: skip
    assert entry.body["hypotheses"] == [{"text": "too little skill", "variables": [SKILL], "examples": []}]
    assert entry.body["edits"][0]["variable"] == SKILL
    assert entry.body["verdict"]["votes"][0] | {"evidence": {}} == {
        "gate": "better", "decision": "commit", "reason": "0.3 to 0.5", "evidence": {},
    }  # fmt: skip
    assert (entry.body["before"], entry.body["after"], entry.body["author"]) == (0.3, 0.5, "optimizer")
    assert set(entry.body["spent"]) >= {"calls", "input_tokens", "output_tokens", "money", "seconds"}


def test_the_log_says_by_which_optimizer(run, composition):
    assert "proposes" in str(run(composition([5])).entries[-1].body)


def test_several_resources_are_one_commit(run, composition, rules):
    ran = run(composition([[(SKILL, 5), (STYLE, "Be very brief.")]], more=[rules]))
    assert ran.events[-1] == ("commit", ran.result["run"])
    assert len(ran.result["commits"]) == 1
    assert ran.result["rounds"][0]["versions"] == {"agent/skilled": "1.0.1", "prompt/rules": "1.0.1"}
    assert (ran.values[SKILL], ran.values[STYLE]) == (5, "Be very brief.")


def test_only_what_changed_gets_a_new_version(run, composition, rules):
    ran = run(composition([5], more=[rules]))
    assert ran.heads == {"agent/skilled": "1.0.1", "prompt/rules": "1.0.0"}


def test_several_edits_of_one_resource_are_one_version(run, composition):
    ran = run(composition([[(SKILL, 5), ("agent/skilled#style", "bold")]]))
    assert (ran.values[SKILL], ran.values["agent/skilled#style"]) == (5, "bold")
    assert ran.heads == {"agent/skilled": "1.0.1"}


def test_a_round_that_proposes_nothing_writes_nothing(run, composition):
    ran = run(composition([[], 5]))
    assert [entry["reason"] for entry in ran.result["rounds"]][0] == "nothing was proposed"
    assert [event for event, _ in ran.events] == ["install", "commit"]


def test_an_edit_that_changes_nothing_is_not_assessed(run, composition, better):
    gate = better()
    ran = run(composition([3], gate=gate))
    assert ran.result["rounds"][0]["reason"] == "the edits change nothing"
    assert (gate.assessments, ran.heads) == ([], {"agent/skilled": "1.0.0"})


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("agent/skilled#fixed", "other", "no trainable variable 'agent/skilled#fixed'"),
        ("agent/skilled#skil", 5, "did you mean agent/skilled#skill?"),
        ("prompt/rules#fixed", "Lie.", "no trainable variable 'prompt/rules#fixed'"),
        (SKILL, "five", "'five' is no whole number"),
        (STYLE, "Be brief.\n## Another\nsection", "heading"),
        (STYLE, 3, "is text"),
        (STYLE, "Use {{ secret }}.", "may not add"),
        ("agent/nobody#x", 1, "no trainable variable"),
    ],
)
def test_an_edit_that_may_not_be_is_rejected_with_its_reason_and_the_run_goes_on(
    run, composition, rules, name, value, reason
):
    ran = run(composition([[(SKILL, 9), (name, value)], 5], more=[rules]))
    assert decisions(ran.result) == ["reject", "commit"]
    (proposed,) = ran.result["rounds"][0]["proposed"]
    assert (proposed["state"], reason in proposed["reason"]) == ("invalid", True)
    assert ran.result["rounds"][0]["edits"][1]["variable"] == name
    assert (ran.values[SKILL], ran.heads["prompt/rules"]) == (5, "1.0.0")


def test_evolve_names_what_is_trainable(run, composition, rules, proposes):
    optimizer = proposes([[(STYLE, "Be very brief.")], [(SKILL, 5)]])
    ran = run(composition(optimizer=optimizer, more=[rules], evolve=["agent/skilled#sk*"]))
    assert [variable.id for variable in optimizer.contexts[0].trainable] == [SKILL]
    assert decisions(ran.result) == ["reject", "commit"]


def test_a_pinned_resource_is_used_at_its_version_and_is_not_trainable(run, composition, rules, proposes):
    run(composition([5], more=[rules]))
    optimizer = proposes([[(SKILL, 9)]])
    ran = run(composition(optimizer=optimizer, more=[rules], pins=["agent/skilled@1.0.0"]))
    assert [variable.id for variable in optimizer.contexts[0].trainable] == [STYLE]
    assert (decisions(ran.result), ran.result["scores"]["test"]["before"]["mean"]) == (["reject"], 0.3)
    assert ran.heads["agent/skilled"] == "1.0.1"


def test_with_nothing_trainable_there_is_nothing_to_do(run, composition):
    with pytest.raises(InputError, match="nothing here is trainable"):
        run(composition([5], pins=["agent/skilled@1.0.0"]))


def test_what_is_to_evolve_and_names_nothing_is_said(run, composition):
    with pytest.raises(
        UnknownName, match="no variable for evolve= 'agent/skiled#skill'; did you mean agent/skilled#skill"
    ):
        run(composition([5], evolve=["agent/skilled", "agent/skiled#skill"]))


@define(eq=False)
class Cheats:
    """Answers Improve itself, with whatever `change` makes of the records."""

    change: object
    rounds: int = 1

    @hookimpl
    async def sepl_select(self):
        return [Edit(SKILL, 9)]

    @hookimpl
    async def sepl_improve(self, context):
        return Candidate(self.change(dict(context.records)))


def changed(name, **fields):
    return lambda records: {**records, name: evolve(records[name], **fields)}


def without(records):
    return {name: record for name, record in records.items() if name != "prompt/rules"}


def with_another(records):
    return {**records, "prompt/more": evolve(records["prompt/rules"], name="more")}


@pytest.mark.parametrize(
    "change",
    [
        changed("agent/skilled", parameters={"skill": 9, "style": "plain", "fixed": "other"}),
        changed("agent/skilled", description="Better"),
        changed("agent/skilled", trainable={"skill": True, "style": True, "fixed": True}),
        changed("prompt/rules", parameters={"style": "Be brief.", "fixed": "Lie."}),
        changed("agent/skilled", parameters={"skill": 9, "style": "plain", "fixed": "as installed", "more": 1}),
        without,
        with_another,
        lambda records: {},
    ],
    ids=["fixed", "description", "marks", "section", "added", "removed", "another", "nothing"],
)
def test_an_improve_that_leaves_the_trainable_subspace_is_an_error_that_says_so(
    run, composition, rules, tmp_path, change
):
    with pytest.raises(PluginError, match="trainable"):
        run(composition(optimizer=Cheats(change), more=[rules]))
    with Store.open(tmp_path / "workdir" / "autogenesis.db", create=False) as store:
        assert [entry.event for entry in store.entries()] == ["install"]


@pytest.mark.parametrize(
    "change",
    [
        changed("prompt/rules", parameters={"style": "Be brief.\n## More\nsections", "fixed": "Never lie."}),
        changed("prompt/rules", parameters={"style": "{{ secret }}", "fixed": "Never lie."}),
        changed("agent/skilled", parameters={"skill": "nine", "style": "plain", "fixed": "as installed"}),
    ],
    ids=["heading", "tag", "type"],
)
def test_an_improve_of_its_own_cannot_commit_a_value_that_is_not_valid(run, composition, rules, change):
    class Yes:
        @hookimpl
        async def sepl_gate(self):
            return Vote("yes", "commit", "always")

    try:
        ran = run(composition(optimizer=Cheats(change), more=[rules], gate=Yes()))
    except (PluginError, InputError):
        return
    assert ran.result["commits"] == []


def test_an_improve_of_its_own_within_the_trainable_subspace_is_fine(run, composition, rules):
    change = changed("agent/skilled", parameters={"skill": 9, "style": "plain", "fixed": "as installed"})
    assert run(composition(optimizer=Cheats(change), more=[rules])).values[SKILL] == 9


def test_an_optimizer_sees_train_only(run, composition):
    seen = {}

    class Looks:
        rounds = 1

        @hookimpl
        async def sepl_reflect(self, context):
            seen["train"] = [example.id for example in context.train]
            seen["traces"] = [trace.example.id for trace in await context.traces()]
            return []

    run(composition(optimizer=Looks(), sizes=(7, 10, 10)))
    assert seen["train"] == [f"train-{i}" for i in range(7)]
    assert sorted(seen["traces"]) == sorted(seen["train"])


@pytest.mark.parametrize("split", ["val", "test"])
def test_an_optimizer_cannot_evaluate_on_val_or_test(run, composition, digits, split):
    stolen = digits().examples({split: 10}, 0)[split]
    disguised = [Question("train-0", example.input) for example in stolen]
    found = []

    class Steals:
        rounds = 1

        @hookimpl
        async def sepl_reflect(self, context):
            candidate = context.improve([Edit(SKILL, 9)])
            for examples in (stolen, disguised, [context.train[0], stolen[0]]):
                try:
                    await context.evaluate([candidate], examples)
                except InputError as error:
                    found.append(error.reason)
            (evaluation,) = await context.evaluate([candidate], context.train)
            found.append(evaluation.mean)
            return []

    run(composition(optimizer=Steals()))
    assert found == ["an optimizer may only evaluate on examples of train"] * 3 + [0.9]


def test_traces_are_made_once_a_round_and_of_at_most_a_batch(run, composition):
    seen = []

    class Looks:
        rounds = 2
        batch = 4

        @hookimpl
        async def sepl_reflect(self, context):
            first, again = await context.traces(), await context.traces()
            seen.append([trace.example.id for trace in first])
            assert first is again
            return []

    run(composition(optimizer=Looks()))
    assert [len(set(ids)) for ids in seen] == [4, 4]
    assert seen[0] != seen[1]


def test_a_round_knows_what_became_of_the_earlier_ones(run, composition, proposes):
    """A proposal that was kept is there twice: as it was kept, and as it was assessed."""
    optimizer = proposes([[(SKILL, 2)], [(SKILL, 5)], [(SKILL, 6)]])
    run(composition(optimizer=optimizer))
    history = optimizer.contexts[2].history
    assert [(entry.number, entry.verdict.decision, entry.edits[0].value) for entry in history] == [
        (1, "reject", 2), (2, "indecisive", 5), (2, "commit", 5),
    ]  # fmt: skip
    assert len(optimizer.contexts[1].history) == 1


def test_of_held_out_examples_a_round_knows_nothing_but_the_decision(run, composition, proposes, better):
    optimizer = unscreened(proposes)([[(SKILL, 2)], [(SKILL, 5)], [(SKILL, 6)]])
    run(composition(optimizer=optimizer))
    told = [entry for entry in optimizer.contexts[2].history if entry.verdict.decision != "indecisive"]
    assert [(entry.verdict, entry.fixed, entry.broken) for entry in told] == [
        (Verdict("reject", "not proved to be better on held-out examples"), (), ()),
        (Verdict("commit", "committed"), (), ()),
    ]


def test_a_rejection_before_any_evidence_is_told_with_its_reason(run, composition, proposes):
    class Forbids:
        @hookimpl
        async def sepl_interim(self, assessment):
            return Vote("forbids", "reject" if assessment.look < 0 else "continue", "skill is not to be 5")

        @hookimpl
        async def sepl_gate(self):
            return Vote("forbids", "commit", "fine")

    optimizer = proposes([[(SKILL, 5)], [(SKILL, 6)]])
    ran = run(composition(optimizer=optimizer, gate=Forbids()))
    assert optimizer.contexts[1].history[-1].verdict.reason == "skill is not to be 5"
    assert not [body for event, body in ran.journal if event == "rollout" and body["split"] == "val"]


@define(eq=False)
class Interferes:
    """Votes commit; before its first vote, another writer moves a head."""

    path: object
    change: object
    times: int = 1
    votes: list = field(factory=list)

    @hookimpl
    async def sepl_gate(self, assessment):
        self.votes.append((assessment.baseline.mean, assessment.candidate.mean))
        if len(self.votes) <= self.times:
            with Store.open(self.path) as other:
                self.change(other)
        return Vote("interferes", "commit", "fine")


def user_sets(name: str, **values):
    """Commits other values for a resource, as a second program would."""

    def change(store: Store) -> None:
        kind, _, short = name.partition("/")
        head = store.head("main", kind, short) or store.head("shipped", kind, short)
        record = store.record(head.digest).with_values(values)
        store.commit("main", [Change(record, head.version)], body={"author": "user"})

    return change


def test_a_candidate_whose_head_moved_is_assessed_again_and_neither_change_is_lost(run, composition, tmp_path):
    gate = Interferes(tmp_path / "workdir" / "autogenesis.db", user_sets("agent/skilled", style="bold"))
    ran = run(composition([5], gate=gate))
    assert len(gate.votes) == 2
    assert decisions(ran.result) == ["commit"]
    assert (ran.values[SKILL], ran.values["agent/skilled#style"]) == (5, "bold")
    assert ran.heads == {"agent/skilled": "1.0.2"}
    assert ran.result["rounds"][0]["from"] == {"agent/skilled": "1.0.1"}


@frozen
class Double(Agent):
    """Is right on as many of ten tasks as its two skills together say."""

    uses_model = False
    skill: int = variable(default=3)
    more: int = variable(default=0)

    async def run(self, task, context):
        return Answer(task if int(task) % 10 < self.skill + self.more else "?")


def test_a_candidate_is_assessed_again_against_the_heads_of_now(run, composition, resource, tmp_path):
    gate = Interferes(tmp_path / "workdir" / "autogenesis.db", user_sets("agent/skilled", more=2))
    made = composition([5], gate=gate)
    ran = run(evolve(made, resources=[resource(Double())]))
    assert gate.votes == [(0.3, 0.5), (0.5, 0.7)]
    assert (ran.values[SKILL], ran.values["agent/skilled#more"]) == (5, 2)


def test_a_candidate_that_conflicts_with_the_heads_of_now_is_rejected_and_the_other_change_stays(
    run, composition, tmp_path
):
    gate = Interferes(tmp_path / "workdir" / "autogenesis.db", user_sets("agent/skilled", skill=7))
    ran = run(composition([5, 8], gate=gate))
    assert decisions(ran.result) == ["reject", "commit"]
    assert "one that conflicts with it" in ran.result["rounds"][0]["reason"]
    assert gate.votes == [(0.3, 0.5), (0.7, 0.8)]
    assert ran.result["rounds"][1]["from"] == {"agent/skilled": "1.0.1"}


def test_a_candidate_is_assessed_again_too_if_a_head_moved_that_it_does_not_change(run, composition, rules, tmp_path):
    gate = Interferes(tmp_path / "workdir" / "autogenesis.db", user_sets("prompt/rules", style="Be long."))
    ran = run(composition([5], gate=gate, more=[rules]))
    assert (len(gate.votes), ran.values[SKILL], ran.values[STYLE]) == (2, 5, "Be long.")


def test_if_another_writer_made_the_same_change_nothing_is_committed_twice(run, composition, tmp_path):
    gate = Interferes(tmp_path / "workdir" / "autogenesis.db", user_sets("agent/skilled", skill=5))
    ran = run(composition([5], gate=gate))
    assert (ran.result["commits"], ran.heads, ran.values[SKILL]) == ([], {"agent/skilled": "1.0.1"}, 5)


def test_heads_that_keep_moving_end_the_round_without_a_commit(run, composition, tmp_path):
    number = iter(range(100))

    def change(store: Store) -> None:
        user_sets("agent/skilled", style=f"style {next(number)}")(store)

    gate = Interferes(tmp_path / "workdir" / "autogenesis.db", change, times=100)
    ran = run(composition([5], gate=gate))
    assert (decisions(ran.result), ran.result["commits"]) == (["indecisive"], [])
    assert ran.fault is None


def test_a_candidate_is_invisible_to_everybody_else_until_its_commit(run, composition, tmp_path):
    seen = []

    class Looks:
        @hookimpl
        async def sepl_gate(self):
            with Store.open(tmp_path / "workdir" / "autogenesis.db") as other:
                versions = other.history("agent", "skilled")
                seen.append([other.record(version.digest).values()["skill"] for version in versions])
            return Vote("looks", "commit", "fine")

    run(composition([5, 8], gate=Looks()))
    assert seen == [[3], [5, 3]]


def test_evolution_accumulates_over_runs(run, composition):
    run(composition([5]))
    ran = run(composition([8]))
    assert ran.result["scores"]["test"]["before"]["mean"] == 0.5
    assert (ran.values[SKILL], ran.heads) == (8, {"agent/skilled": "1.0.2"})


def test_a_runs_own_setting_is_kept_when_its_record_is_committed(run, composition, skilled, resource):
    base = resource(skilled())
    made = composition([5])
    made = evolve(made, resources=[evolve(base, overrides={"style": "bold"})])
    ran = run(made)
    assert (ran.values["agent/skilled#style"], ran.values[SKILL]) == ("bold", 5)


def test_a_branch_of_its_own_leaves_main_alone(run, composition):
    ran = run(composition([5], branch="trial"))
    assert (ran.result["branch"], ran.values[SKILL]) == ("trial", 5)
    assert run(composition([4])).result["scores"]["test"]["before"]["mean"] == 0.3


def test_rounds_of_the_settings_come_before_the_optimizers(run, composition):
    assert len(run(composition([4, 5, 6], rounds=2)).result["rounds"]) == 2


@pytest.mark.parametrize("hook", ["sepl_reflect", "sepl_select", "sepl_improve", "sepl_evaluate", "sepl_commit"])
def test_an_optimizer_that_raises_ends_the_run_with_its_name(run, composition, proposes, hook):
    async def fails(self):
        raise KeyError("oh")

    broken = type("Broken", (proposes,), {hook: hookimpl(fails)})
    with pytest.raises(PluginError, match=f"optimizer proposes failed in {hook}: KeyError"):
        run(composition(optimizer=broken([[(SKILL, 5)]])))


def test_a_gate_that_raises_ends_the_run_with_its_name_and_commits_nothing(run, composition, tmp_path):
    class Broken:
        @hookimpl
        async def sepl_gate(self):
            raise ZeroDivisionError

    with pytest.raises(PluginError, match="gate broken 0 failed in sepl_gate"):
        run(composition([5], gate=Broken()))
    with Store.open(tmp_path / "workdir" / "autogenesis.db", create=False) as store:
        assert [entry.event for entry in store.entries()] == ["install"]


@pytest.mark.parametrize(
    ("hook", "answer"),
    [
        ("sepl_reflect", None),
        ("sepl_select", None),
        ("sepl_select", ["an edit"]),
        ("sepl_improve", 3),
        ("sepl_commit", True),
    ],
)
def test_an_optimizer_that_answers_something_else_is_named(run, composition, proposes, hook, answer):
    async def answers(self):
        return answer

    broken = type("Broken", (proposes,), {hook: hookimpl(answers)})
    with pytest.raises(PluginError, match="optimizer proposes"):
        run(composition(optimizer=broken([[(SKILL, 5)]])))


def test_a_gate_that_answers_something_else_is_named(run, composition):
    class Broken:
        @hookimpl
        async def sepl_gate(self):
            return True

    with pytest.raises(PluginError, match="gate broken"):
        run(composition([5], gate=Broken()))


@frozen
class Nested(Agent):
    """Its variables are a mapping: one variable for each key."""

    uses_model = False
    skills: dict[str, int] = variable(factory=lambda: {"even": 3, "odd": 3})

    async def run(self, task, context):
        return Answer(task if int(task) % 10 < self.skills["even" if int(task) % 2 == 0 else "odd"] else "?")


def test_a_trainable_mapping_is_one_variable_for_each_key(run, composition, resource):
    made = composition([[("agent/nested#skills.even", 9)]])
    ran = run(evolve(made, resources=[resource(Nested(), "nested")]))
    assert (ran.values["agent/nested#skills.even"], ran.values["agent/nested#skills.odd"]) == (9, 3)


def test_ctrl_c_in_process_keeps_what_was_committed(composition, tmp_path, better):
    """The task of an evolution may be cancelled at any time; what was committed stays, and the store verifies."""

    async def start() -> None:
        async with Runtime(composition([5, 8], gate=gate)) as ag:
            await ag.evolve()

    class Waits(better):
        @hookimpl
        async def sepl_gate(self, assessment):
            if len(self.assessments) == 1:
                reached.set()
                await asyncio.sleep(60)
            return await better.sepl_gate(self, assessment)

    async def cancel() -> None:
        task = asyncio.create_task(start())
        await reached.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    gate, reached = Waits(), asyncio.Event()
    asyncio.run(cancel())
    with Store.open(tmp_path / "workdir" / "autogenesis.db", create=False) as store:
        assert store.verify() is None
        assert [entry.event for entry in store.entries()] == ["install", "commit"]


def test_two_objects_of_one_gate_class_both_vote(run, composition, better):
    gates = [better(), better()]
    made = composition([5], gate=gates)
    run(made)
    assert [len(gate.assessments) for gate in gates] == [1, 1]


def test_the_scores_name_the_gates_and_the_optimizer(run, composition):
    result = run(evolve(composition([5]), optimizer=Part("optimizer mine", composition([5]).optimizer.instance))).result
    assert (result["optimizer"], result["gates"]) == ("mine", ["better 0"])
    assert result["scores"]["val"]["change"]["delta"] == pytest.approx(0.2)


def test_score_feedback_reaches_reflection(run, composition):
    seen = []

    class Looks:
        rounds = 1

        @hookimpl
        async def sepl_reflect(self, context):
            seen.extend(trace.result for trace in await context.traces())
            return []

    run(composition(optimizer=Looks(), sizes=(4, 4, 0)))
    assert sorted(result.feedback for result in seen) == [
        "train-0 said 0", "train-1 said 1", "train-2 said 2", "train-3 said ?3",
    ]  # fmt: skip
    assert Score(1.0).feedback == ""


def test_what_others_committed_meanwhile_is_no_gain_of_a_run_that_committed_nothing(composition, better):
    """Another process commits a skill of 9 while this run decides on 5, which is no better then."""

    class Meddles(better):
        @hookimpl
        async def sepl_gate(self, assessment):
            vote = await super().sepl_gate(assessment)
            if not self.meddled:
                self.meddled = True
                record = self.ag.store.record(self.ag.store.head("shipped", "agent", "skilled").digest)
                self.ag.store.commit("main", [Change(record.with_values({"skill": 9}), "1.0.0")])
            return vote

    async def evolve_():
        gate = Meddles()
        async with Runtime(composition([5], gate=gate)) as ag:
            gate.ag, gate.meddled = ag, False
            result = await ag.evolve()
            return result, list(ag.notes)

    result, notes = asyncio.run(evolve_())
    test = result["scores"]["test"]
    assert (result["commits"], test["before"]["mean"], test["after"]["mean"]) == ([], 0.3, 0.3)
    assert notes[-1].startswith("another writer changed agent/skilled meanwhile")


@pytest.mark.parametrize("branch", ["shipped", "champion"])
def test_nothing_is_evolved_on_a_branch_that_is_none_of_ones_own(run, composition, branch):
    with pytest.raises(InputError, match=f"nothing can be committed on the branch {branch}"):
        run(composition([5], branch=branch))
