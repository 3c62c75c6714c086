"""Of the optimizer that assesses proposals: one a round, the oldest first, decided by the gates like every change."""

import asyncio
import json

import pytest

from autogenesis_core import (
    Benchmark,
    Candidate,
    ConfigurationError,
    Edit,
    Hypothesis,
    InputError,
    ModelAnswer,
    Proposal,
    Question,
    Registry,
    Round,
    Runtime,
    Score,
    SeplContext,
    ToolCall,
    Verdict,
    structure,
)
from autogenesis_core.testing import FunctionModel
from autogenesis_optimizer_proposals.optimizer import ProposalsOptimizer

RULES = "prompt/tool_calling#rules"
GOOD = {"variable": RULES, "value": "Give only the bare value.", "reason": "answers are compared as text"}
USELESS = {"variable": RULES, "value": "Answer the user's question, please.", "reason": "be polite"}


def proposal(number, value="v", variable=RULES):
    return Proposal(f"id{number}", float(number), "run", variable, value, f"reason {number}", "open")


class Setting(SeplContext):
    """A round with open proposals; the optimizer may ask for nothing else."""

    def __init__(self, proposals=(), history=()):
        self._proposals, self.history = proposals, history

    proposals = property(lambda self: self._proposals)

    def _refuse(self, *_):
        raise AssertionError("proposals need nothing else")

    records = variables = tools = model = property(_refuse)
    traces = evaluate = _refuse

    def improve(self, edits):
        return Candidate({}, tuple(edits))


def round_of(context, hypotheses=None):
    async def main():
        optimizer = ProposalsOptimizer()
        found = list(await optimizer.sepl_reflect(context)) if hypotheses is None else hypotheses
        return found, list(await optimizer.sepl_select(context, found))

    return asyncio.run(main())


def test_a_proposal_is_a_hypothesis_and_the_oldest_is_the_edit():
    hypotheses, edits = round_of(Setting([proposal(1, "a"), proposal(2, ["b"], "agent/x#y")]))
    assert hypotheses == [Hypothesis("reason 1", (RULES,)), Hypothesis("reason 2", ("agent/x#y",))]
    assert edits == [Edit(RULES, "a", "reason 1", (0,))]


@pytest.mark.parametrize("value", ["a", 1.5, ["a"], {"a": [1]}, None])
def test_what_a_gate_was_indecisive_about_is_not_tried_again_in_this_run(value):
    earlier = Round(1, (Edit(RULES, value),), Verdict("indecisive", "too little was scored"))
    first, second = proposal(1, value), proposal(2, "other")
    assert round_of(Setting([first, second], [earlier]))[1] == [Edit(RULES, "other", "reason 2", (0,))]
    assert round_of(Setting([first], [earlier])) == ([], [])


def test_an_edit_names_its_own_hypothesis():
    both = [Hypothesis("another's"), Hypothesis("reason 1", (RULES,))]
    assert round_of(Setting([proposal(1)]), both)[1] == [Edit(RULES, "v", "reason 1", (1,))]


def test_a_proposal_that_came_after_reflection_waits_for_the_next_round():
    assert round_of(Setting([proposal(1)]), [])[1] == []


def test_with_nothing_open_nothing_is_proposed():
    assert round_of(Setting()) == ([], [])


def test_a_run_has_at_least_one_round():
    with pytest.raises(ConfigurationError, match="rounds"):
        structure({"rounds": 0}, ProposalsOptimizer, "optimizer")


# Whole runs


class Sums(Benchmark):
    """Sums whose answer is compared as text."""

    def examples(self, sizes, seed):
        starts = {"train": 0, "val": 1000, "test": 2000}
        return {
            split: [Question(f"{split}-{n}", f"{n} + 1", str(n + 1)) for n in range(starts[split], starts[split] + 10)]
            for split in sizes
        }

    def score(self, example, outcome):
        return Score(float(outcome.text == example.target))


def answer(request):
    """Adds, in a sentence unless it is told otherwise; makes the proposals that its task is."""
    system, *_, last = request.messages
    task = next(message["content"] for message in request.messages if message["role"] == "user")
    if task.startswith("["):
        made = json.loads(task)
        if last["role"] == "tool":
            return "done"
        return ModelAnswer(
            "", tool_calls=tuple(ToolCall(f"c{n}", "propose_edit", json.dumps(a)) for n, a in enumerate(made))
        )
    value = str(int(task.partition(" ")[0]) + 1)
    return value if "bare value" in system["content"] else f"The answer is {value}."


@pytest.fixture
def system(tmp_path):
    """Runs of one system, in one store: `system.proposes(edit, …)`, `system.evolves(…)`."""
    for package in ("agent_tool_calling", "gate_paired_test", "gate_safety", "tool_registry"):
        pytest.importorskip(f"autogenesis_{package}")
    return Runs(tmp_path)


class Runs:
    def __init__(self, folder):
        self.folder = folder
        self.model = FunctionModel(answer)

    def runtime(self, *overrides):
        parts = ("+agent=tool_calling", "+tool=[propose_edit]", "branch=main", *overrides)
        return Runtime.compose(*parts, folder=self.folder, model=self.model, benchmark=Sums())

    def proposes(self, *edits):
        async def main():
            async with self.runtime() as ag:
                return (await ag.act(json.dumps(edits))).text

        assert asyncio.run(main()) == "done"

    def sets(self, value):
        async def main():
            async with self.runtime() as ag:
                ag.prompt.set_variables("tool_calling", {"rules": value})

        asyncio.run(main())

    def evolves(self, *overrides):
        async def main():
            async with self.runtime("+optimizer=proposals", *overrides) as ag:
                return await ag.evolve()

        return asyncio.run(main())

    def proposals(self, state="open"):
        with Registry.open(folder=self.folder) as registry:
            return [found.value for found in registry.proposals(state)]

    def head(self):
        with Registry.open(folder=self.folder) as registry:
            return registry.find("prompt/tool_calling").version, registry.record("prompt/tool_calling").parameters[
                "rules"
            ]

    def log(self):
        with Registry.open(folder=self.folder) as registry:
            return [entry for entry in registry.log() if entry.event in ("commit", "reject")]


def test_the_gates_commit_a_good_proposal_and_reject_a_useless_one_and_the_log_tells_of_both(system):
    system.proposes(USELESS, GOOD)
    assert system.head() == ("1.0.0", "Answer the user's question.")
    assert system.proposals() == [USELESS["value"], GOOD["value"]]
    result = system.evolves()
    assert [entry["decision"] for entry in result["rounds"]] == ["reject", "commit", "reject"]
    assert result["rounds"][2]["reason"] == "nothing was proposed"
    assert (result["scores"]["test"]["before"]["mean"], result["scores"]["test"]["after"]["mean"]) == (0.0, 1.0)
    assert system.head() == ("1.0.1", GOOD["value"])
    assert (system.proposals(), system.proposals("rejected"), system.proposals("committed")) == (
        [], [USELESS["value"]], [GOOD["value"]],
    )  # fmt: skip
    told = [(entry.event, entry.body["edits"][0]["value"], entry.body["edits"][0]["reason"]) for entry in system.log()]
    assert told == [
        ("reject", USELESS["value"], "be polite"), ("commit", GOOD["value"], "answers are compared as text"),
    ]  # fmt: skip
    reject, commit = system.log()
    assert reject.body["verdict"]["reason"] == "no score changed"
    assert commit.body["hypotheses"] == [{"text": GOOD["reason"], "variables": [RULES], "examples": []}]


def test_no_model_is_asked_for_a_proposal(system):
    system.proposes(GOOD)
    system.model.requests.clear()
    system.evolves()
    assert {request.messages[0]["content"].partition(".")[0] for request in system.model.requests} == {
        "You are a helpful assistant"
    }


def test_a_run_without_open_proposals_is_told_so_before_anything_is_measured(system):
    with pytest.raises(InputError, match="no open proposal"):
        system.evolves()
    assert list((system.folder / "workdir" / "runs").glob("*")) == []
    assert system.log() == []


def test_what_is_not_trainable_in_this_run_stays_open(system):
    system.proposes(GOOD)
    with pytest.raises(InputError, match="no open proposal"):
        system.evolves("evolve=[prompt/tool_calling#tools]")
    assert system.proposals() == [GOOD["value"]]


def test_no_more_than_rounds_are_assessed_and_the_rest_waits(system):
    system.proposes(USELESS, GOOD)
    assert [entry["decision"] for entry in system.evolves("optimizer.rounds=1")["rounds"]] == ["reject"]
    assert system.proposals() == [GOOD["value"]]
    assert system.evolves("optimizer.rounds=1")["commits"] != []
    assert system.proposals() == []


def test_a_proposal_that_has_become_the_present_value_is_closed_without_a_measurement(system):
    system.proposes(GOOD)
    system.sets(GOOD["value"])
    assert system.evolves("optimizer.rounds=1")["rounds"][0]["reason"] == "the edits change nothing"
    assert system.proposals() == []
