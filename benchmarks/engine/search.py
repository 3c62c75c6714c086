"""Metric calls to a target: the whole engine on tasks whose best prompt is known, with the peers' stubs and budget.

Every rollout counts, those of traces, screens, checks and assessments alike. One and the same configuration for all
tasks, that of `CONFIGURATION`: the real `reflection` optimizer with a stand-in for its model, and the default gate.
"""

import asyncio
import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

from attrs import define, field, frozen
from engine.running import composed
from peers import conflict_task
from tasks.rules import Clock, Task, additive, rules

from autogenesis_core import Runtime, hookimpl

BUDGET = 3000  # metric calls
GATE = ("gate=paired_test", "alpha=0.05")
CONFIGURATION = (*GATE, "optimizer.batch=3", "width=1", f"rounds={BUDGET // 3}", f"budget.rollouts={BUDGET}")


@frozen
class Problem:
    """A task of the peers' benchmarks: its examples, its checker, and the true scores to be reached.

    `flip` is the share of scores turned round, `spoil` that of proposals that drop a rule.
    """

    task: Task
    train: Sequence[str]
    val: Sequence[str]
    targets: Sequence[float]
    flip: float = 0.0
    spoil: float = 0.0

    def true_score(self, prompt: str) -> float:
        """Without noise, on val: what no optimizer sees."""
        return sum(self.task(prompt, rule)[0] for rule in self.val) / len(self.val)


def conflicting(prompt: str, rule: str) -> tuple[float, str]:
    """The checker of rules that conflict."""
    return conflict_task.answered(prompt, conflict_task.Example("", rule))


def _conflict(**noise: float) -> Problem:
    needed = ([example.rule for example in split] for split in (conflict_task.TRAIN, conflict_task.VAL))
    return Problem(conflicting, *needed, (conflict_task.TARGET, conflict_task.BEST), **noise)


def _additive(**noise: float) -> Problem:
    return Problem(additive, rules(36, 12), rules(24, 12), (0.5, 1.0), **noise)


_NOISY = {"flip": 0.15, "spoil": 0.5}
ADDITIVE = {"noisy": _additive(**_NOISY), "clean": _additive()}
CONFLICT = {"noisy": _conflict(**_NOISY), "clean": _conflict()}


@define(eq=False)
class Curve:
    """After each round: metric calls so far, and the true scores of the pool's tip and of the head."""

    problem: Problem
    clock: Clock = field(factory=Clock)
    runtime: Runtime | None = None
    tip: list[tuple[int, float]] = field(factory=list)
    head: list[tuple[int, float]] = field(factory=list)
    spent: Mapping[str, Any] = field(factory=dict)

    @hookimpl
    async def sepl_observe(self, event: str, data: Mapping[str, Any]) -> None:
        """Takes a point of both curves."""
        assert self.runtime is not None
        if event == "round":
            loop = self.runtime.loop
            for curve, records in ((self.tip, loop.tip.records), (self.head, loop.records)):
                (prompt,) = (r.values()["prompt"] for r in records.values() if r.kind == "agent")
                curve.append((self.clock.calls, self.problem.true_score(prompt)))


def evolved(problem: Problem, seed: int, folder: Path, *more: str) -> Curve:
    """The curve of one whole evolution, which ends when the budget does: no oracle stops it."""
    watch = Curve(problem)
    watch.runtime = composed(
        folder, *CONFIGURATION, f"seed={seed}", *more, train=problem.train, val=problem.val, clock=watch.clock,
        spoil=problem.spoil, task=problem.task, flip=problem.flip,
    )  # fmt: skip
    watch.runtime.observe(watch)

    async def run(runtime: Runtime) -> Mapping[str, Any]:
        async with runtime as ag:
            return (await ag.evolve())["spent"]  # type: ignore[no-any-return]

    watch.spent = asyncio.run(run(watch.runtime))
    if watch.spent["rollouts"] != watch.clock.calls:
        raise RuntimeError(f"{watch.clock.calls} metric calls were made, {watch.spent['rollouts']} counted")
    watch.runtime = None  # which no other process is sent
    return watch


def curves(problem: Problem, seeds: Iterable[int], folder: Path, *more: str) -> list[Curve]:
    """A run a seed, each in a store of its own."""
    with ProcessPoolExecutor(os.cpu_count()) as processes:
        made = [processes.submit(evolved, problem, seed, folder / str(seed), *more) for seed in seeds]
        return [run.result() for run in made]


def reached(points: Sequence[tuple[int, float]], target: float) -> int:
    """The metric calls at the first point that reaches the target; the budget where none does."""
    return next((calls for calls, score in points if score >= target - 1e-9), BUDGET)


def target(quick: bool, folder: Path) -> Mapping[str, Sequence[float]]:
    """Rules that add up."""
    names = ("metric calls to half", "metric calls to full", "final true score")
    return _figures("rules", ADDITIVE, names, "", quick, folder)


def conflict(quick: bool, folder: Path) -> Mapping[str, Sequence[float]]:
    """Rules that conflict."""
    names = (f"calls to {conflict_task.TARGET}", f"calls to {conflict_task.BEST}", "final true score of best called")
    return _figures("conflicting rules", CONFLICT, names, f"runs that end at {conflict_task.BEST}", quick, folder)


def _figures(
    said: str, problems: Mapping[str, Problem], names: tuple[str, str, str], ended: str, quick: bool, folder: Path
) -> dict[str, Sequence[float]]:
    print(f"{said}: {' '.join(CONFIGURATION)}", file=sys.stderr)
    found: dict[str, Sequence[float]] = {}
    for noise, problem in problems.items():
        (place := folder / noise).mkdir()
        made = curves(problem, range(5 if quick else 25), place)
        for whose, of in (("tip", "the pool's tip"), ("head", "the head")):
            points = [getattr(curve, whose) for curve in made]
            final = [curve[-1][1] for curve in points]
            calls = [[float(reached(curve, score)) for curve in points] for score in problem.targets]
            for name, values in zip(names, (*calls, final), strict=True):
                found[f"{said}, {noise}, {of}: {name}"] = values
            if ended and whose == "tip":
                share = 100 * sum(score >= problem.targets[-1] - 1e-9 for score in final) / len(final)
                found[f"{said}, {noise}, {of}: {ended}"] = [share]
    return found
