"""GEPA on rules that conflict, for benchmarks/sepl.py; runs where GEPA is installed.

`python gepa_conflict.py [SEEDS]` prints one line `name: median unit  (min, max, n)` a figure, clean and noisy. A run
ends when GEPA's budget of metric calls does: no oracle stops it. Scores are the true ones, of the candidate that GEPA
calls best, and of the best one in its pool, which only an oracle could pick.
"""

import contextlib
import io
import random
import statistics
import sys
from collections.abc import Iterable
from importlib.metadata import version
from typing import Any

import conflict_task as task
import gepa
from gepa import EvaluationBatch

FINAL = "final_true_score_of_best_called, score"


class Quiet:
    def log(self, message: str) -> None:
        """GEPA's logger; its lines are no figures."""


class Adapter:
    """The task in GEPA's terms."""

    propose_new_texts = None

    def __init__(self, flip: float, seed: int) -> None:
        self.flip, self.rng = flip, random.Random(seed)

    def evaluate(self, batch: Any, candidate: Any, capture_traces: bool = False) -> Any:
        rows = [task.scored(candidate["prompt"], example, self.flip, self.rng) for example in batch]
        feedback = [text for _, text in rows]
        return EvaluationBatch(outputs=feedback, scores=[score for score, _ in rows], trajectories=feedback)

    def make_reflective_dataset(self, candidate: Any, evaluated: Any, components: Any) -> Any:
        rows = [{"Inputs": "-", "Generated Outputs": "-", "Feedback": text} for text in evaluated.trajectories]
        return dict.fromkeys(components, rows)


class Curve:
    """After each iteration: metric calls so far, and the true score of the candidate that GEPA calls best."""

    def __init__(self) -> None:
        self.points: list[tuple[int, float]] = []

    def on_iteration_end(self, event: Any) -> None:
        state = event["state"]
        scores = state.program_full_scores_val_set
        best = state.program_candidates[scores.index(max(scores))]
        self.points.append((state.total_num_evals, task.true_score(best["prompt"])))


def run(setting: task.Setting, strategy: str, seed: int) -> dict[str, float]:
    curve, rng = Curve(), random.Random(seed + 1)

    def reflect(prompt: str) -> str:
        # GEPA's own reflection prompt: the text to improve stands in its first fence.
        current = prompt.split("```")[1].strip("\n")
        return f"```\n{task.proposed(current, prompt, setting.spoil, rng)}\n```"

    with contextlib.redirect_stdout(io.StringIO()):
        result = gepa.optimize(
            seed_candidate={"prompt": task.SEED_PROMPT}, trainset=task.TRAIN, valset=task.VAL,
            adapter=Adapter(setting.flip, seed), reflection_lm=reflect, max_metric_calls=task.BUDGET, seed=seed,
            logger=Quiet(), callbacks=[curve], candidate_selection_strategy=strategy,
        )  # fmt: skip
    pool = [task.true_score(candidate["prompt"]) for candidate in result.candidates]
    return {
        f"calls_to_{task.TARGET}, calls": task.calls_to(task.TARGET, curve.points),
        f"calls_to_{task.BEST}, calls": task.calls_to(task.BEST, curve.points),
        FINAL: pool[result.best_idx],
        "final_true_score_of_best_in_pool, score": max(pool),
        "final_claimed_score, score": result.val_aggregate_scores[result.best_idx],
        "calls_over_budget, calls": (result.total_metric_calls or 0) - task.BUDGET,
    }


def show(name: str, values: Iterable[float], unit: str) -> None:
    found = list(values)
    spread = f"(min {min(found):.4g}, max {max(found):.4g}, n={len(found)})"
    print(f"{name}: {statistics.median(found):.4g} {unit}  {spread}", flush=True)


def main(seeds: int) -> None:
    for setting in (task.CLEAN, task.NOISY):
        for strategy in ("pareto", "current_best"):
            rows = [run(setting, strategy, seed) for seed in range(seeds)]
            tag = f"gepa_{version('gepa')}_conflict_{setting.name}_{strategy}"
            for key in rows[0]:
                name, unit = key.split(", ")
                show(f"{tag}_{name}", [row[key] for row in rows], unit)
            ended = sum(row[FINAL] >= task.BEST for row in rows)
            print(f"{tag}_runs_that_end_at_{task.BEST}: {ended} of {len(rows)}", flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 25)
