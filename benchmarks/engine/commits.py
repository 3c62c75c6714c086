"""What is committed that is no better, and what is found that is: our side of the sections `aa` and `power`.

The gate is the default one, `paired_test` as it ships, at `alpha=0.05` for a whole lineage: the configuration of
search.py, which the metric calls to a target are counted under.
"""

import asyncio
import os
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from typing import ClassVar

import attrs
from attrs import frozen
from engine.search import GATE
from tasks.noop import RATE, Lucky, Renamer, questions
from tasks.rules import Rules

from autogenesis_core import Runtime
from autogenesis_core.sepl.sequential import simulate
from autogenesis_core.settings import Composition, Part
from autogenesis_gate_paired_test.gate import PairedTestGate
from autogenesis_optimizer_reflection.optimizer import ReflectionOptimizer

RUNS = 20  # of a lineage
_VAL, _TRIES = 50, 10_000


@frozen
class Unscreened(ReflectionOptimizer):
    """Reflection whose every proposal is assessed: a run is a decision."""

    screen: ClassVar[bool] = False


@frozen
class Kind:
    """How the runs of a lineage are made.

    Arguments:
        rounds: of each run, each with one proposal
        spread: how much the chances of passing differ between examples
        fixed: whether scores are functions of prompt and example, so that all decisions see the same cells
        screened: as by default; else every proposal is assessed
    """

    rounds: int = 3
    spread: float = 0.0
    fixed: bool = False
    screened: bool = True


KINDS = {
    "lineages of 20 runs with a false commit": Kind(),
    "the same, every proposal assessed": Kind(1, screened=False),
    "the same, and some examples harder than others": Kind(1, 0.3, screened=False),
    "the same, and always on the same cells (deterministic)": Kind(1, fixed=True, screened=False),
}


@frozen
class Lineage:
    """What came of one: decisions and commits in its ledger, and the head's mean on val as its last run knew it."""

    decisions: int
    commits: int
    claimed: float | None


def aa(quick: bool, folder: Path) -> Mapping[str, Sequence[float]]:
    """Lineages of whole runs in a store each: `Runtime.evolve`, reflection, screen, pool, ledger, gate and commit."""
    found: dict[str, list[float]] = {}
    with ProcessPoolExecutor(os.cpu_count()) as processes:
        for number, (name, kind) in enumerate(KINDS.items()):
            count = (4 if quick else 1000) if not number else (2 if quick else 100)
            places = [folder / f"{number}-{i}" for i in range(count)]
            lineages = list(processes.map(partial(lineage, kind), range(count), places))
            found[f"A/A: {name}"] = [100 * sum(one.commits > 0 for one in lineages) / count]
            if not number:
                decisions, commits = (sum(getattr(one, key) for one in lineages) for key in ("decisions", "commits"))
                found["A/A: false commits a decision"] = [100 * commits / max(decisions, 1)]
                claims = [one.claimed - RATE for one in lineages if one.claimed is not None]
                found["A/A: val score of the head over its true score"] = claims
    return found


def lineage(kind: Kind, number: int, folder: Path) -> Lineage:
    """RUNS runs on one branch of one store; each goes on from what the one before committed."""
    folder.mkdir()
    composition = _composition(kind, number, folder)
    return asyncio.run(_runs(composition, number))


async def _runs(composition: Composition, number: int) -> Lineage:
    claimed = None
    for run in range(RUNS):
        settings = attrs.evolve(composition.settings, seed=number * RUNS + run)
        async with Runtime(attrs.evolve(composition, settings=settings)) as ag:
            await ag.evolve()
            ledger = ag.store.ledger()
            assessed = [report for report in ag.loop.reports if report.assessment is not None]
        if assessed:
            claimed = assessed[-1].after if assessed[-1].commit else assessed[-1].before
    return Lineage(len(ledger), sum(grant.committed for grant in ledger), claimed)


def _composition(kind: Kind, number: int, folder: Path) -> Composition:
    made = Runtime.compose(
        "+optimizer=reflection", "optimizer.batch=3", *GATE, f"rounds={kind.rounds}",
        f"splits={{train: 24, val: {_VAL}, test: 0}}", f"deterministic={str(kind.fixed).lower()}",
        folder=folder, agent=Lucky(world=str(number) if kind.fixed else ""),
        benchmark=Rules(questions(24, kind.spread), questions(_VAL, kind.spread)), model=Renamer(),
    ).composition  # fmt: skip
    if kind.screened:
        return made
    assert made.optimizer is not None
    return attrs.evolve(made, optimizer=Part(made.optimizer.name, Unscreened(batch=3)))


def power(quick: bool, folder: Path) -> Mapping[str, Sequence[float]]:
    """The gate's test against the exact one of all pairs, on the same simulated pairs."""
    test = partial(
        simulate, n=_VAL, rate=RATE, shared=0.7, tries=_TRIES // 10 if quick else _TRIES,
        looks=PairedTestGate().plan(_VAL, 0.05),
    )  # fmt: skip
    better, first, same = test(0.2, 0.05), test(0.2, 0.025), test(0.0, 0.05)
    return {
        "power at +0.20, n = 50, shared 0.7": [100 * better.found],
        "power at +0.20 over that of the exact fixed-n test at the same alpha": [100 * better.found / better.fixed],
        "the same at the level of a lineage's first decision, 0.025": [100 * first.found / first.fixed],
        "pairs used at +0.20, mean": [better.pairs],
        "accepts at no effect": [100 * same.found],
    }
