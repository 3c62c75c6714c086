"""Rounds of several proposals: what goes on side by side, and that nothing depends on what arrives first."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from attrs import define, evolve, field, frozen

from autogenesis_core import Agent, Answer, Benchmark, Edit, Hypothesis, Patch, Question, Score, hookimpl, variable

TEXT = "agent/skilled#text"


@frozen
class Worded(Agent):
    """Is right on tasks whose word its text names, and where it has luck; of several tasks the last is done first."""

    uses_model = False
    text: str = variable(default="Answer.")
    luck: float = 0.0
    seen: list[Any] = field(factory=list, metadata={"parameter": False})

    async def run(self, task, context):
        self.seen.append(("begun", task))
        word, _, number = task.partition(" ")
        await asyncio.sleep(0.001 * (7 - int(number) % 7))
        lucky = self.luck > 0 and context.rng(self.text).random() < self.luck
        return Answer("right" if (f"{word}." in self.text) != lucky else "wrong")


class Words(Benchmark):
    """Tasks of eight words; those that are held out have numbers from 100."""

    def examples(self, sizes, seed):
        starts = {"train": 0, "val": 100, "test": 200}
        return {
            split: [Question(f"{split}-{i}", f"w{i % 8} {starts[split] + i}") for i in range(size)]
            for split, size in sizes.items()
        }

    def score(self, example, outcome):
        return Score(float(outcome.text == "right"))


@define(eq=False)
class Patches:
    """Proposes in each round and slot the patch that a function names, and says what it is to fix."""

    concurrent = True
    make: Callable[[Any], Patch]
    rounds: int = 3
    batch: int = 4
    seen: list[Any] = field(factory=list)

    @hookimpl
    async def sepl_reflect(self, context):
        await context.traces()
        self.seen.append(("proposing", context.round))
        await asyncio.sleep(0.01 * (3 - context.slot))
        return [Hypothesis(f"{context.round}.{context.slot}", (TEXT,))]

    @hookimpl
    async def sepl_select(self, context, hypotheses):
        patch = self.make(context)
        fixes = tuple(example.id for example in context.train if f"{example.input.split()[0]}." in patch.text)
        return [Edit(TEXT, None, "try it", (0,), fixes, (patch,))]


def another(context: Any) -> Patch:
    """A word of its own in every slot, three a round."""
    return Patch("add", "", f"Mind w{(context.round - 1) * 3 + context.slot}.")


@pytest.fixture
def several(composition, resource):
    """A composition of three proposals a round, and the list in which is noted what was begun when."""

    def make(patch: Callable[[Any], Patch] = another, *, luck: float = 0.0, rounds: int = 2, **given: Any):
        seen: list[Any] = []
        agent = Worded(luck=luck, seen=seen)
        made = composition(
            optimizer=Patches(patch, rounds, seen=seen), benchmark=Words(),
            **{"width": 3, "workers": 64, "sizes": (16, 16, 0), **given},
        )  # fmt: skip
        return evolve(made, resources=[evolve(resource(agent), instance=agent)]), seen

    return make


def lines(ran) -> Sequence[str]:
    return str(ran.values[TEXT]).split("\n")


def test_improvements_of_one_text_that_were_made_side_by_side_are_put_together(run, several):
    ran = run(several(rounds=1)[0])
    (entry,) = ran.result["rounds"]
    assert [made["state"] for made in entry["proposed"]] == ["kept"] * 3
    assert (lines(ran)[0], sorted(lines(ran)[1:])) == ("Answer.", ["Mind w0.", "Mind w1.", "Mind w2."])
    assert (entry["decision"], entry["before"], entry["after"]) == ("commit", 0.0, 6 / 16)


def test_of_edits_of_the_same_line_the_better_is_kept_and_the_other_is_a_conflict(run, several):
    def same(context):
        return Patch(
            "replace", "Answer.", ("Mind w0. Mind w1.", "Mind w0.", "Mind w0. Mind w1. Mind w2.")[context.slot]
        )

    ran = run(several(same, rounds=1)[0])
    assert lines(ran) == ["Mind w0. Mind w1. Mind w2."]
    (entry,) = ran.result["rounds"]
    assert [made["state"] for made in entry["proposed"]] == ["conflict", "conflict", "kept"]
    assert "same lines" in entry["proposed"][0]["reason"]
    assert ran.result["candidates"] == 3


@pytest.mark.parametrize(
    ("second", "state", "reason"),
    [
        ("Mind w1.", "rejected", "it fixes 2 of train and breaks 2"),
        ("Mind w1. Mind w2.", "kept", ""),
        ("Mind w0. Mind w1.", "kept", ""),
    ],
)
def test_what_an_earlier_edit_fixed_is_given_up_only_for_more(run, several, second, state, reason):
    """The second edit takes the place of the first, which fixed two examples of train."""

    def make(context):
        return Patch("add", "", "Mind w0.") if context.round == 1 else Patch("replace", "Mind w0.", second)

    for deterministic in (False, True):
        folder = {"folder": several()[0].folder / str(deterministic)}
        ran = run(several(make, width=1, deterministic=deterministic, **folder)[0])
        (made,) = ran.result["rounds"][1]["proposed"]
        assert (made["state"], made["reason"]) == (state, reason)


def test_an_assessment_goes_on_while_the_next_round_is_proposed(run, several):
    made, seen = several(rounds=2, workers=1)
    ran = run(made)
    assert [entry["decision"] for entry in ran.result["rounds"]] == ["commit", "commit"]
    held_out = [at for at, (event, task) in enumerate(seen) if event == "begun" and int(task.split()[1]) >= 100]
    assert held_out[0] < seen.index(("proposing", 2)) < held_out[31]  # 16 of each system in the first assessment


def test_with_one_proposal_at_a_time_the_next_round_waits_for_the_verdict(run, several):
    made, seen = several(rounds=2, width=1)
    run(made)
    held_out = [at for at, (event, task) in enumerate(seen) if event == "begun" and int(task.split()[1]) >= 100]
    assert held_out[31] < seen.index(("proposing", 2))


@pytest.mark.parametrize("luck", [0.0, 0.1])
@pytest.mark.parametrize("seed", range(3))
def test_one_and_many_workers_decide_the_same(run, several, tmp_path, seed, luck):
    found = []
    for workers in (1, 64):
        made, seen = several(rounds=3, luck=luck, seed=seed, workers=workers, folder=tmp_path / str(workers))
        result = run(made).result
        spent = {key: value for key, value in result.pop("spent").items() if key != "seconds"}
        del result["objectives"]  # latencies are among them
        found.append((result, spent, sum(event == "begun" for event, _ in seen)))
    assert found[0] == found[1]
    assert found[0][0]["commits"]


def test_what_is_committed_names_the_hypotheses_since_the_last_commit_once_each(run, several):
    """The edits of one text are one, which follows from all of them and is to fix what any of them is to fix."""
    ran = run(several(rounds=2)[0])
    first, second = [entry.body for entry in ran.entries if entry.event == "commit"]
    assert sorted(made["text"] for made in first["hypotheses"]) == ["1.0", "1.1", "1.2"]
    assert sorted(made["text"] for made in second["hypotheses"]) == ["2.0", "2.1", "2.2"]
    (edit,) = second["edits"]
    assert (edit["value"], edit["hypotheses"]) == (ran.values[TEXT], [0, 1, 2])
    assert sorted(edit["expects"]) == sorted(f"train-{word + more}" for word in (3, 4, 5) for more in (0, 8))
