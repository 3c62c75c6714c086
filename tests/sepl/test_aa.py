"""Candidates that are no better, over whole lineages: at most as many lineages as the level says ever commit one."""

import asyncio
import random
from math import sqrt

import pytest
from attrs import evolve, frozen

from autogenesis_core import (
    Agent,
    Answer,
    Assessment,
    Benchmark,
    Candidate,
    Cell,
    Evaluation,
    Question,
    Runtime,
    Score,
    Scored,
    variable,
)
from autogenesis_core.rspl.store import Store
from autogenesis_core.sepl.ledger import granted
from autogenesis_gate_paired_test.gate import PairedTestGate

LEVEL, RUNS, VAL = 0.05, 20, 50


def evaluation(rng, size):
    """Scores of something that passes six of ten examples."""
    return Evaluation("s", "val", tuple(Cell(f"v{i}", Scored(float(rng.random() < 0.6))) for i in range(size)))


def seen(whole, end):
    return evolve(whole, cells=whole.cells[:end])


async def is_committed(gate, alpha, rng):
    """One decision, look by look as the loop takes them."""
    before, after, looks = evaluation(rng, VAL), evaluation(rng, VAL), gate.plan(VAL, alpha)
    for look, end in enumerate(looks):
        last = end == VAL
        found = Assessment(seen(after, end), seen(before, end), alpha, looks, look, complete=last)
        vote = await (gate.sepl_gate if last else gate.sepl_interim)(Candidate({}), found)
        if vote.decision != "continue":
            return vote.decision == "commit"
    raise AssertionError("the last look decides")


async def first_commit(lineage, level):
    """The number of the first decision of a lineage that commits, a decision a run; None if none does."""
    rng, gate, store = random.Random(f"lineage {lineage}"), PairedTestGate(), Store.memory()
    try:
        for run in range(RUNS):
            grant = store.spend(
                "l", "h", f"run {run}", "0", lambda earlier: granted(level, earlier, reused=False), False
            )
            if await is_committed(gate, grant.alpha, rng):
                return run
    finally:
        store.close()
    return None


def test_few_lineages_of_twenty_runs_ever_commit_what_is_no_better():
    """At a level of one half, where a few hundred lineages tell a broken rule from a sound one."""
    level, tries = 0.5, 80

    async def count():
        return sum([await first_commit(lineage, level) is not None for lineage in range(tries)])

    share = asyncio.run(count()) / tries
    assert 0.2 < share <= level + 2 * sqrt(level * (1 - level) / tries)


def test_a_decision_errs_no_more_often_than_its_level_however_often_it_looks():
    tries, level, rng = 700, 0.2, random.Random(5)

    async def count():
        return sum([await is_committed(PairedTestGate(), level, rng) for _ in range(tries)])

    assert asyncio.run(count()) / tries <= level + 2 * sqrt(level * (1 - level) / tries)


@frozen
class Lucky(Agent):
    """Passes by luck alone."""

    uses_model = False
    style: str = variable(default="plain")

    async def run(self, task, context):
        return Answer("right" if context.rng(self.style).random() < 0.6 else "wrong")


class Tasks(Benchmark):
    def examples(self, sizes, seed):
        return {split: [Question(f"{split}-{i}", f"{split} {i}") for i in range(size)] for split, size in sizes.items()}

    def score(self, example, outcome):
        return Score(float(outcome.text == "right"))


def test_runs_of_a_lineage_share_one_level(composition, proposes, tmp_path):
    """Through the whole loop: each run's decision is granted what the runs before have left."""

    @frozen
    class Unscreened(proposes):
        screen = False

    async def ledger():
        for run in range(4):
            plan = [[("agent/skilled#style", f"style {run}")]]
            made = composition(
                optimizer=Unscreened(plan), agent=Lucky(), benchmark=Tasks(), gate=PairedTestGate(),
                sizes=(5, VAL, 0), seed=run, folder=tmp_path,
            )  # fmt: skip
            async with Runtime(made) as ag:
                await ag.evolve()
                found = ag.store.ledger()
        return found

    grants = asyncio.run(ledger())
    assert [grant.number for grant in grants] == [1, 2, 3, 4]
    assert [grant.committed for grant in grants] == [False] * 4
    assert [grant.alpha for grant in grants] == pytest.approx([LEVEL / (k * (k + 1)) for k in (1, 2, 3, 4)])
