"""The engine against the peers: what its loop costs, how well it fills the machine, what it commits and what it loses.

`python benchmarks/sepl.py [--quick] [--only overhead,…] [--peer | --peer-python PYTHON]` prints one JSON object a
figure, and a table to stderr; `ratio` is ours over theirs, and no value means that our side was not run. The peers'
scripts are the project's shared yardsticks, beside the checkout, and those in benchmarks/peers; each runs in a process
of its own, in the peers' environment: `--peer` makes one below .nox, `--peer-python` names one. Ours and theirs take
turns, round by round.
"""

import argparse
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from engine import commits, crash, failures, search, speed, workers

ROOT = Path(__file__).parents[1]
NOX = ROOT / ".nox"  # on the disk of the checkout, where the temporary folder of many systems is memory; git ignores it
YARDSTICKS = ROOT.parent / "shared/peers/optimizers"
PINNED = ("gepa==0.1.4", "dspy==3.4.1", "optuna==5.0.0", "textgrad==0.1.8", "openevolve==0.4.0")
LINE = re.compile(r"(?P<name>\S+): (?P<said>.*?)(?:  \(min (?P<low>\S+), max (?P<high>\S+), n=(?P<n>\d+)\))?")
THEIRS = "theirs"


class Spread(NamedTuple):
    """A figure of one side: the median, and of what it is the median."""

    median: float
    low: float
    high: float
    n: int


class Figure(NamedTuple):
    """What is measured, and the peers' figures (patterns of their names) that it stands beside.

    `target` is in `unit`, the most or, of what should be `more`, the least that meets it; THEIRS is the best value of
    what stands beside it.
    """

    name: str
    unit: str
    against: tuple[str, ...] = ()
    target: float | str | None = None
    more: bool = False


class Script(NamedTuple):
    """A script of the peers and its argument (repeats or seeds; None where it takes none), in full and quick."""

    file: str
    full: int | None
    quick: int | None


class Section(NamedTuple):
    """Figures that are measured together, in how many rounds of ours and theirs."""

    figures: tuple[Figure, ...]
    scripts: tuple[Script, ...] = ()
    rounds: int = 1  # in full; quick has one


GEPA_COST, TEXTGRAD_COST = (
    "gepa_.*_rundir_{}accepted_overhead_per_metric_call",
    "textgrad_.*_overhead_per_metric_call",
)
IDEAL = tuple(
    rf"{peer}_share_of_ideal"
    for peer in ("dspy_.*_Parallel_64threads", "gepa_.*_optimize_anything_64workers", "reference_threadpool64")
)
SINGLE, PARALLEL = "gepa_.*_loop_single_{}", "gepa_.*_loop_PxN_2x4_{}"
RULES, CONFLICT = r"gepa_[\d.]+_{}_(pareto|current_best)_{}", r"gepa_.*_conflict_{}_(pareto|current_best)_{}"


def to_target(said: str, pattern: str, noise: str, half: str, whole: str, final: str) -> tuple[Figure, ...]:
    """Calls to two scores and the true score at the end, of the pool's tip and of the head."""
    of = {"tip": f"{said}, {noise}, the pool's tip", "head": f"{said}, {noise}, the head"}
    names = [(half, "calls", False), (whole, "calls", False), (final, "score", True)]
    return tuple(
        Figure(f"{where}: {name.replace('_', ' ')}", unit, (pattern.format(noise, re.escape(name)),), THEIRS, more)
        for where in of.values()
        for name, unit, more in names
    )


def aimed(figures: Sequence[Figure], targets: Mapping[str, float]) -> tuple[Figure, ...]:
    """The same figures, some with the target that issue 4 sets in place of the peer's value."""
    return tuple(figure._replace(target=targets.get(figure.name, figure.target)) for figure in figures)


SECTIONS = {
    "overhead": Section(
        (
            *(
                Figure(f"overhead a metric call, journal durable, {count:,} candidates", "µs", against, 60.0)
                for count, against in {
                    90: (GEPA_COST.format(90), TEXTGRAD_COST),
                    360: (GEPA_COST.format(360), TEXTGRAD_COST),
                    1440: (TEXTGRAD_COST,),  # GEPA's yardstick ends at 360: its rules have three digits
                }.items()
            ),
            Figure("overhead a metric call, 1,440 candidates over 90", "times", target=1.2),
        ),
        (Script("a_overhead_gepa.py", 1, 1), Script("a_overhead_textgrad.py", 1, 1)),
        rounds=3,
    ),
    "throughput": Section(
        (Figure("640 evaluations of 50 ms at 64, share of ideal", "%", IDEAL, 96.0, more=True),),
        (Script("b_throughput.py", 1, 1),),
        rounds=5,
    ),
    "loop": Section(
        (
            Figure("whole loop to val 0.5 at 64", "s", (SINGLE.format("wall_.*"), PARALLEL.format("wall_.*")), 4.0),
            Figure("whole loop to val 0.5 at 64, metric calls", "calls", (SINGLE.format("metric_calls_.*"),), THEIRS),
            Figure("whole loop to val 0.5 at 64, share of ideal", "%", (SINGLE.format("share_of_ideal"),), None, True),
        ),
        (Script("b_loop_throughput.py", 1, 1),),
        rounds=3,
    ),
    "target": Section(
        aimed(
            [
                figure
                for noise in ("noisy", "clean")
                for figure in to_target(
                    "rules", RULES, noise, "metric_calls_to_half", "metric_calls_to_full", "final_true_score"
                )
            ],
            {
                "rules, noisy, the pool's tip: metric calls to half": 600.0,
                "rules, noisy, the pool's tip: final true score": 1.0,
            },
        ),
        (Script("c_rollouts_to_target.py", 25, 5),),
    ),
    "conflict": Section(
        tuple(
            figure
            for noise in ("noisy", "clean")
            for figure in (
                *to_target(
                    "conflicting rules", CONFLICT, noise,
                    "calls_to_0.4", "calls_to_0.75", "final_true_score_of_best_called",
                ),
                Figure(
                    f"conflicting rules, {noise}, the pool's tip: runs that end at 0.75", "%",
                    (CONFLICT.format(noise, r"runs_that_end_at_0\.75"),), THEIRS, more=True,
                ),
            )
        ),
        (Script("gepa_conflict.py", 25, 5),),
    ),
    "crash": Section(
        (
            Figure(
                "kill -9: metric calls repeated beyond those in flight", "calls",
                ("gepa_.*_work_lost_per_crash", "openevolve_.*_checkpoint_interval_1_work_lost_per_crash"), 0.0,
            ),
            Figure("kill -9: runs that were resumed", "%", ("gepa_.*_runs_that_succeeded",), 100.0, more=True),
            Figure("kill -9: the same result", "%", ("gepa_.*_with_the_same_final_prompt",), 100.0, more=True),
            Figure("kill -9: metric calls not counted", "calls", ("gepa_.*_missing_from_its_own_.*",), 0.0),
        ),
        (Script("d_crash_resume.py", 7, 3),),  # the first kill comes before GEPA has a state to lose
    ),
    "durability": Section(
        (Figure("cost of durability", "% wall", ("openevolve_.*_cost_of_durability",), 5.0),),
        (Script("d_crash_resume.py", 1, 3),),
        rounds=3,
    ),
    "aa": Section(
        (
            Figure("A/A: lineages of 20 runs with a false commit", "%", (".*_val50_seed_replaced_by_noise",), 5.0),
            *(
                Figure(f"A/A: the same, {kind}", "%", (), 5.0)
                for kind in (
                    "every proposal assessed", "and some examples harder than others",
                    "and always on the same cells (deterministic)",
                )
            ),
            Figure("A/A: false commits a decision", "%", (".*_minibatch3_val50_false_accept_rate",)),
            Figure("A/A: val score of the head over its true score", "score", (".*_minibatch3_val50_winners_curse",)),
        ),
        (Script("e_false_accept.py", 50, 5),),
    ),
    "power": Section(
        (
            Figure(
                "power at +0.20, n = 50, shared 0.7", "%",
                tuple(
                    f"shared0.7_effect0.2_{gate}_accepts"
                    for gate in ("mean_over_1.645SE_n50", "e_process_max50", "minibatch3_sum_test")
                ),
            ),
            Figure("power at +0.20 over that of the exact fixed-n test at the same alpha", "%", (), 95.0, more=True),
            Figure("the same at the level of a lineage's first decision, 0.025", "%", (), 95.0, more=True),
            Figure("pairs used at +0.20, mean", "pairs", ("shared0.7_effect0.2_e_process_max50_pairs_used",), 50.0),
            Figure("accepts at no effect", "%", ("shared0.7_effect0_mean_over_1.645SE_n50_accepts",), 5.0),
        ),
        (Script("i_gate_power.py", None, None),),
    ),
    "workers": Section((Figure("1 against 64 workers: runs that are identical", "%", (), 100.0, more=True),)),
    "dead": Section(
        (
            Figure("dead optimizer model: calls spent of 1,000", "calls", ("gepa_.*_raises_metric_calls_spent",), 20.0),
            Figure("dead optimizer model: error seen", "", ("gepa_.*_raises_exception_seen_by_caller",), 1.0, True),
            Figure("babbling optimizer model: error seen", "", (), 1.0, True),
            Figure(
                "babbling optimizer model: calls spent of 1,000", "calls",
                ("gepa_.*_truncated_text_metric_calls_spent",), 20.0,
            ),
            Figure(
                "babbling optimizer model: candidates taken", "candidates",
                ("gepa_.*_truncated_text_candidates_accepted",), 0.0,
            ),
        ),
        (Script("g_silent_failure.py", None, None),),
    ),
    "budget": Section(
        (
            Figure("budget overshoot, the worst run", "calls", ("gepa_.*_noisy_pareto_calls_over_budget_max",), 0.0),
            *(
                Figure(f"budget overshoot of {what}, the worst run", unit, (), 0.0)
                for what, unit in (("model calls", "calls"), ("tokens", "tokens"), ("money", "USD"))
            ),
        ),
        (Script("gepa_conflict.py", 25, 5),),
    ),
}  # fmt: skip

Values = Mapping[str, Sequence[float]]  # by the name of a Figure; of a round as many as it has runs or seeds

# --- Our side: one function a section, one call a round. What it returns is named as the section's figures are. ---

OURS: dict[str, Callable[[bool, Path], Values]] = {  # (quick, an empty folder on the disk of the checkout) -> values
    "overhead": speed.overhead,
    "throughput": speed.throughput,
    "loop": speed.loop,
    "durability": speed.durability,
    "workers": workers.workers,
    "target": search.target,
    "conflict": search.conflict,
    "crash": crash.crash,
    "aa": commits.aa,
    "power": commits.power,
    "dead": failures.dead,
    "budget": failures.budget,
}

# --- The peers' side. ---


class Peers:
    """The peers' scripts in their environment; what one round printed is not run again for another section."""

    def __init__(self, python: Path, folder: Path) -> None:
        self.python, self.folder = python, folder
        self.printed: dict[tuple[str, int | None, int], dict[str, Spread]] = {}

    def figures(self, script: Script, quick: bool, turn: int) -> dict[str, Spread]:
        key = (script.file, script.quick if quick else script.full, turn)
        if key not in self.printed:
            self.printed[key] = self.run(*key[:2])
        return self.printed[key]

    def run(self, file: str, argument: int | None) -> dict[str, Spread]:
        """What a script measured, by name; what it printed before it failed counts."""
        path = next((path for path in (ROOT / "benchmarks/peers" / file, YARDSTICKS / file) if path.is_file()), None)
        if path is None:
            print(f"{file} is left out: it is one of the yardsticks of {YARDSTICKS}", file=sys.stderr)
            return {}
        command = [str(self.python), str(path), *([] if argument is None else [str(argument)])]
        # Ours write below the same folder; no model is called, and no key of the user's is passed on.
        environment = {name: value for name, value in os.environ.items() if not name.endswith(("_API_KEY", "_TOKEN"))}
        environment |= {"TMPDIR": str(self.folder), "PYTHONDONTWRITEBYTECODE": "1"}
        answer = subprocess.run(command, capture_output=True, text=True, cwd=self.folder, env=environment)
        if answer.returncode:
            last = (answer.stderr.strip() or f"exit code {answer.returncode}").splitlines()[-1]
            print(f"{file} failed, what it did not print is left out: {last}", file=sys.stderr)
        return derived(parsed(answer.stdout))


def parsed(printed: str) -> dict[str, Spread]:
    """The lines `name: value unit  (min, max, n)`, `name: 3 of 7` (as a percentage), and of errors seen 1 or 0."""
    found: dict[str, Spread] = {}
    for line in printed.splitlines():
        if not (match := LINE.fullmatch(line)):
            continue
        name, said, n = match["name"], match["said"], int(match["n"] or 1)
        if part := re.fullmatch(r"(\d+) of (\d+)", said):
            value, n = 100 * int(part[1]) / int(part[2]), int(part[2])
        elif number := re.match(r"-?[\d.]+(?:e[+-]?\d+)?(?= )", said):
            value = float(number[0])
        elif name.endswith("exception_seen_by_caller"):
            value = float(said != "none")
        else:
            continue
        found[name] = Spread(value, float(match["low"] or value), float(match["high"] or value), n)
    return found


def derived(found: dict[str, Spread]) -> dict[str, Spread]:
    """`found`, and what follows from it: OpenEvolve's cost of durability, and the worst overshoot of a budget."""
    more: dict[str, Spread] = {}
    for name, one in found.items():
        if name.endswith("_checkpoint_interval_1_uninterrupted_wall"):
            stem = name.removesuffix("_checkpoint_interval_1_uninterrupted_wall")
            rare = found[f"{stem}_default_checkpoint_interval_100_uninterrupted_wall"]
            more[f"{stem}_cost_of_durability"] = spread([100 * (one.median / rare.median - 1)])
        if name.endswith("_calls_over_budget"):
            more[f"{name}_max"] = one._replace(median=one.high)
    return found | more


def spread(values: Sequence[float]) -> Spread:
    return Spread(statistics.median(values), min(values), max(values), len(values))


def environment(python: Path | None) -> Path:
    """The Python that has the peers; None makes an environment below .nox.

    Raises OSError or CalledProcessError if they cannot be installed, or GEPA not be found.
    """
    if python is None:
        folder = NOX / "bench-optimizers"
        python = folder / ("Scripts" if sys.platform == "win32" else "bin") / "python"
        subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
        subprocess.run([str(python), "-m", "pip", "install", "-q", *PINNED], check=True, stdout=sys.stderr)
    subprocess.run([str(python), "-c", "import importlib.metadata as m; m.version('gepa')"], check=True)
    return python


# --- Both, side by side. ---


def measured(name: str, peers: Peers | None, quick: bool, folder: Path) -> tuple[Values, dict[str, Spread]]:
    """Ours and theirs of one section, in turns."""
    section, ours = SECTIONS[name], OURS.get(name)
    found: dict[str, list[float]] = {}
    theirs: dict[str, list[Spread]] = {}
    for turn in range(1 if quick else section.rounds):
        if ours:
            with tempfile.TemporaryDirectory(dir=folder) as empty:
                for key, values in ours(quick, Path(empty)).items():
                    found.setdefault(key, []).extend(values)
        for script in section.scripts:
            for key, one in (peers.figures(script, quick, turn) if peers else {}).items():
                theirs.setdefault(key, []).append(one)
    if unknown := found.keys() - {figure.name for figure in section.figures}:
        raise KeyError(f"{name} has no figure {', '.join(sorted(unknown))}")
    together = {
        key: rounds[0] if len(rounds) == 1 else spread([one.median for one in rounds]) for key, rounds in theirs.items()
    }
    return found, together


def compare(section: Section, found: Values, theirs: Mapping[str, Spread]) -> None:
    for figure in section.figures:
        beside = {key: one for pattern in figure.against for key, one in theirs.items() if re.fullmatch(pattern, key)}
        mine = spread(found[figure.name]) if figure.name in found else None
        target = figure.target
        if isinstance(target, str):
            best = max if figure.more else min
            target = best((one.median for one in beside.values()), default=None)
        for against, peer in beside.items() or [(None, None)]:
            show(figure, target, mine, against, peer)


def show(figure: Figure, target: float | None, mine: Spread | None, against: str | None, peer: Spread | None) -> None:
    """Prints one figure beside one peer."""
    value, ratio, met = (mine.median if mine else None), None, None
    if value is not None and target is not None:
        met = value >= target if figure.more else value <= target
    if value is not None and peer and peer.median:
        ratio = value / peer.median
    row = {"name": figure.name, "value": value, "unit": figure.unit, "against": against, "ratio": ratio}
    row |= {"target": target, "met": met}
    row |= {"min": mine.low, "max": mine.high, "n": mine.n} if mine else {}
    if peer:
        row |= {"against_value": peer.median, "against_min": peer.low, "against_max": peer.high, "against_n": peer.n}
    print(json.dumps({key: float(f"{x:.4g}") if isinstance(x, float) else x for key, x in row.items()}), flush=True)
    said = (
        f"{'-' if value is None else f'{value:,.4g}':>9} {figure.unit:10} {'' if ratio is None else f'{ratio:.3g} x':9}"
    )
    mark = {True: "met", False: "MISSED", None: ""}[met]
    print(f"{figure.name:66} {said} {mark:6} {f'{peer.median:,.4g}  {against}' if peer else ''}", file=sys.stderr)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="one round of each section, and fewer seeds")
    parser.add_argument("--only", default=",".join(SECTIONS), metavar="SECTIONS", help=f"of {', '.join(SECTIONS)}")
    parser.add_argument("--peer", action="store_true", help="install the peers below .nox")
    parser.add_argument("--peer-python", type=Path, help="a Python that has the peers")
    arguments = parser.parse_args()
    names = arguments.only.split(",")
    if unknown := [name for name in names if name not in SECTIONS]:
        parser.error(f"no section {', '.join(unknown)}; there are {', '.join(SECTIONS)}")
    python = None
    if arguments.peer or arguments.peer_python:
        try:
            python = environment(arguments.peer_python).absolute()
        except (OSError, subprocess.CalledProcessError) as error:
            print(f"The peers are left out, they could not be installed or found: {error}", file=sys.stderr)
    else:
        print(
            "The peers are left out: --peer installs them, --peer-python names a Python that has them", file=sys.stderr
        )
    NOX.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=NOX) as temporary:
        peers = Peers(python, Path(temporary)) if python else None
        for name in names:
            if name not in OURS:
                print(f"{name}: our side is not written yet", file=sys.stderr)
            compare(SECTIONS[name], *measured(name, peers, arguments.quick, Path(temporary)))


if __name__ == "__main__":
    main()
