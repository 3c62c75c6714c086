"""The store against MLflow's prompt registry, against a JSON file rewritten at each version, and against bare SQLite.

`python benchmarks/rspl.py [--quick] [--peer | --peer-python PYTHON]` prints one JSON object a figure, and a table to
stderr; `ratio` is ours over theirs. MLflow lives in a virtual environment of its own: `--peer` makes one below .nox,
`--peer-python` names one; with neither its figures are left out.
"""

import argparse
import gc
import json
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import autogenesis_core
from autogenesis_core import Record, parse_prompt
from autogenesis_core.rspl.reader import Reader
from autogenesis_core.rspl.reference import Reference
from autogenesis_core.rspl.store import Change, Store

ROOT = Path(__file__).parents[1]
NOX = ROOT / ".nox"  # on the disk of the checkout, where the temporary folder of many systems is memory; git ignores it
TEMPLATE = ("You answer {{question}} carefully. Say what you know, and what you do not. " * 20)[:1000] + " Edit "
LONG = (TEMPLATE * 9)[:8180] + " Edit "
HEAD, ALIAS = Reference.parse("prompt/x"), Reference.parse("prompt/x@production")
DURABLE = "WAL, synchronous=FULL"
PAGE, FIRST_PAGE = "page of 100 of the history", "page of 100, nothing read before"
FASTER = 20  # times than MLflow: issue 3
BLOCK, ROWS = 100, 4  # a commit of one change writes a record, a version, a head and a log entry
LOAD = "import autogenesis_core; autogenesis_core.load('prompt/x@champion', workdir={!r}).render(question='why')"

Operations = Mapping[Any, Callable[[], object]]
Key = tuple[str, int]  # operation, number of versions


class Timing(NamedTuple):
    """Of one operation: median and 95th percentile in µs, of how many runs."""

    median: float
    p95: float
    n: int


def timed(operations: Operations, runs: int = 200, warm: int = 20, seconds: float = 60.0) -> dict[Any, Timing]:
    """Each operation in turn, so that drift of the machine meets all alike; after `seconds` no more than 3 times."""
    times: dict[Any, list[float]] = {key: [] for key in operations}
    gc.collect()
    gc.disable()
    until = time.monotonic() + seconds
    for run in range(-warm, runs):
        for key, operation in operations.items():
            start = time.perf_counter()
            operation()
            if run >= 0:
                times[key].append((time.perf_counter() - start) * 1e6)
        if run >= 2 and time.monotonic() > until:
            break
    gc.enable()
    p95 = {key: statistics.quantiles(values, n=20, method="inclusive")[-1] for key, values in times.items()}
    return {key: Timing(statistics.median(values), p95[key], len(values)) for key, values in times.items()}


class Ours:
    """A store of one prompt of many versions, every one of them a durable commit."""

    def __init__(self, path: Path, text: str, count: int) -> None:
        self.store, self.text, self.base = Store.open(path), text, parse_prompt(text, "x", "benchmark")
        self.last: str | None = None
        self.number = 0
        for _ in range(count):
            self.register()
        self.unread = iter([f"1.0.{number}" for number in range(count)])

    def edit(self) -> Record:
        self.number += 1
        return self.base.with_values({"preamble": f"{self.text}{self.number}"})

    def register(self) -> Record:
        record = self.edit()
        self.last = self.store.commit("main", [Change(record, self.last)])[1]["prompt/x"]
        return record

    def load(self, reference: Reference) -> object:
        return self.store.record(self.store.find(reference, "main").digest).parameters["preamble"]


def page(store: Reader) -> list[object]:
    """The newest 100 versions with their texts, as MLflow answers."""
    versions = store.history("prompt", "x", limit=100)
    records = store.records(version.digest for version in versions)
    return [(version, records[version.digest].parameters["preamble"]) for version in versions]


def first_page(path: Path) -> list[object]:
    """The same where no record was read and checked before; it pays for opening the file, too."""
    with Reader.open(path) as reader:
        return page(reader)


def ours(folder: Path, sizes: Sequence[int]) -> dict[Key, Timing]:
    stores = {size: Ours(folder / f"ours-{size}.db", TEMPLATE, size) for size in sizes}
    for size, one in stores.items():
        one.store.set_alias("prompt/x", "production", f"1.0.{size // 2}")
        assert [one.load(HEAD), one.load(ALIAS)] == [f"{TEMPLATE}{number}" for number in (size, size // 2 + 1)]
        assert len(page(one.store)) == 100
    operations: dict[str, Callable[[Ours], object]] = {
        "load a version not read before": lambda one: one.load(Reference("prompt", "x", next(one.unread))),
        "load the head": lambda one: one.load(HEAD),
        "load by alias": lambda one: one.load(ALIAS),
        PAGE: lambda one: page(one.store),
        FIRST_PAGE: lambda one: first_page(one.store.path),
        "register a version": Ours.register,
    }
    found: dict[Key, Timing] = {}
    for name, operation in operations.items():
        fit = {size: one for size, one in stores.items() if name != "load a version not read before" or size > 220}
        found |= timed({(name, size): partial(operation, one) for size, one in fit.items()})
    for one in stores.values():
        one.store.close()
    return found


def json_file(folder: Path, size: int) -> dict[Key, Timing]:
    """A dict of all versions, dumped whole at each, as the seed system does; a load reads it, as a new process must."""
    path, record = folder / "versions.json", parse_prompt(TEMPLATE, "x", "benchmark").to_json()
    versions: dict[str, Any] = {}
    prompt = {"current_version": "", "production": "1.0.0", "versions": versions}

    def add() -> None:
        number, prompt["current_version"] = len(versions) + 1, f"1.0.{len(versions)}"
        made = {"version": prompt["current_version"], "created_at": time.time()}
        versions[prompt["current_version"]] = {**record, **made, "parameters": {"preamble": f"{TEMPLATE}{number}"}}

    def register() -> None:
        add()
        with path.open("w") as file:
            json.dump({"metadata": {"num_versions": len(versions)}, "prompt": {"x": prompt}}, file, indent=4)

    def load(pointer: str) -> list[Any]:
        loaded = json.loads(path.read_text())["prompt"]["x"]
        return [loaded["versions"][loaded[pointer]]] if pointer else list(loaded["versions"].values())[-100:]

    for _ in range(size - 1):
        add()
    operations = {"register a version": register, PAGE: partial(load, "")}
    operations |= {"load the head": partial(load, "current_version"), "load by alias": partial(load, "production")}
    # Not in turn: each round would write the file anew.
    runs = [timed({(name, size): call}, warm=1, seconds=0.5) for name, call in operations.items()]
    return {key: timing for found in runs for key, timing in found.items()}


def mlflow(python: Path | None, folder: Path, sizes: Sequence[int]) -> tuple[dict[str, Any], dict[Key, Timing]]:
    """What MLflow is (version, import seconds, pragmas) and its timings; `python` None makes an environment for it.

    Raises OSError or CalledProcessError if it cannot be installed or run.
    """
    if python is None:
        environment = NOX / "bench-mlflow"
        python = environment / ("Scripts" if sys.platform == "win32" else "bin") / "python"
        subprocess.run([sys.executable, "-m", "venv", str(environment)], check=True)
        subprocess.run([str(python), "-m", "pip", "install", "-q", "mlflow"], check=True, stdout=sys.stderr)
    (folder / "template.txt").write_text(TEMPLATE)
    command = [str(python), str(ROOT / "benchmarks/peers/mlflow_registry.py"), str(folder), "template.txt"]
    command += map(str, sizes)
    answer = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, cwd=folder).stdout
    about, *rows = [json.loads(line) for line in answer.splitlines() if line.startswith("{")]
    about["probe"] = statistics.median(row["probe"] for row in rows)
    found = {(row["operation"], row["versions"]): Timing(row["median"], row["p95"], row["n"]) for row in rows}
    return about, found | {(FIRST_PAGE, size): found[PAGE, size] for size in sizes}


def bare(path: Path, synchronous: str, rows: int) -> Callable[[], None]:
    """A commit of `rows` rows into as many tables, the first a text of our record's size, through sqlite3 alone."""
    connection = sqlite3.connect(path, isolation_level=None)
    body = parse_prompt(TEMPLATE, "x", "benchmark").body
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute(f"PRAGMA synchronous={synchronous}")
    for table in range(rows):
        connection.execute(f"CREATE TABLE t{table} (key INTEGER PRIMARY KEY, body TEXT NOT NULL)")

    def commit() -> None:
        connection.execute("BEGIN IMMEDIATE")
        for table in range(rows):
            connection.execute(f"INSERT INTO t{table} (body) VALUES (?)", (body[:200] if table else body,))
        connection.execute("COMMIT")

    return commit


def commits(folder: Path, blocks: int) -> None:
    """Commits per second in blocks of 100, so that checkpoints count and a hiccup of the machine does not."""
    one = Ours(folder / "commits.db", TEMPLATE, BLOCK)
    operations: Operations = {
        "commit": one.register,
        "record": lambda: one.edit().digest,
        "one row": bare(folder / "one.db", "FULL", 1),
        "rows": bare(folder / "rows.db", "FULL", ROWS),
        "rows, no fsync": bare(folder / "off.db", "OFF", ROWS),
    }
    in_blocks = {name: lambda call=call: [call() for _ in range(BLOCK)] for name, call in operations.items()}
    found = {name: timing.median / BLOCK for name, timing in timed(in_blocks, blocks, 1).items()}
    whole, least = found["commit"], found["one row"]
    against = f"bare SQLite, one insert a commit ({DURABLE})"
    figure(f"durable commits ({DURABLE})", 1e6 / whole, "1/s", against, least / whole, 0.5e6 / least, more=True)
    figure(f"bare SQLite, {ROWS} inserts a commit", 1e6 / found["rows"], "1/s", against, least / found["rows"])
    for name, part in {
        "record, canonical JSON and digest": found["record"],
        f"{ROWS} bare inserts": found["rows, no fsync"],
        "fsync": found["rows"] - found["rows, no fsync"],
        "checks, log chain, indexes, Python": whole - found["record"] - found["rows"],
    }.items():
        figure(f"of a durable commit: {name}", part, "µs", f"the whole commit, {whole:.0f} µs", part / whole)
    head = timed({"": lambda: one.store.head("main", "prompt", "x")}, 2000)[""]
    figure("head lookup, warm", head.median, "µs", target=50.0, timing=head)
    one.store.close()


def size_on_disk(folder: Path, edits: int) -> None:
    one = Ours(folder / "size.db", LONG, 0)
    unique = sum(len(one.register().body.encode()) for _ in range(edits)) / 1e6
    one.store.close()
    taken = sum(path.stat().st_size for path in folder.glob("size.db*")) / 1e6
    name = f"store after {edits:,} small edits of a prompt of 8 KB"
    figure(name, taken, "MB", "the unique records' bytes", taken / unique, 2 * unique)


def outside(folder: Path, about: Mapping[str, Any], registry: Mapping[Key, Timing]) -> None:
    """Loading from a service that knows only the store's folder."""
    Ours(folder / "autogenesis.db", TEMPLATE, 100).store.close()
    codes = {"bare": "pass", "load": LOAD.format(str(folder))}
    run = partial(subprocess.run, check=True)
    cold = timed({name: partial(run, [sys.executable, "-c", code]) for name, code in codes.items()}, 20, 2)
    bare_ms, over = cold["bare"].median / 1e3, (cold["load"].median - cold["bare"].median) / 1e3
    name = "load and render, cold, over python -c pass"
    figure(name, over, "ms", f"python -c pass, {bare_ms:.0f} ms", over / bare_ms, 100.0)
    load = autogenesis_core.load
    warm = timed({"": lambda: load("prompt/x@champion", workdir=folder).render(question="why")}, 2000)[""]
    figure("load and render, warm", warm.median, "µs", target=50.0, timing=warm)
    if about:
        against = f"MLflow {about['version']}, its import alone, {about['import']:.1f} s"
        figure(name, over, "ms", against, over / 1e3 / about["import"])
        peer = registry["load by alias, cached", 100]
        against = f"MLflow {about['version']}, from its cache: up to 60 s stale, and not rendered"
        figure("load and render, warm", warm.median, "µs", against, warm.median / peer.median, timing=warm, peer=peer)


def figure(
    name: str, value: float, unit: str, against: str | None = None, ratio: float | None = None,
    target: float | None = None, *, more: bool = False, timing: Timing | None = None, peer: Timing | None = None,
) -> None:  # fmt: skip
    """Prints one figure; `target` is in `unit`, the most or, of what should be `more`, the least that meets it."""
    met = None if target is None else (value >= target if more else value <= target)
    row = {"name": name, "value": value, "unit": unit, "against": against, "ratio": ratio, "target": target, "met": met}
    row |= {"p95": timing.p95, "n": timing.n} if timing else {}
    row |= {"against_value": peer.median, "against_p95": peer.p95, "against_n": peer.n} if peer else {}
    print(json.dumps({key: float(f"{x:.4g}") if isinstance(x, float) else x for key, x in row.items()}), flush=True)
    said = "" if ratio is None else f"{1 / ratio:9,.1f} times less" if peer else f"{ratio:9.2f} of"
    mark = {True: "met", False: "MISSED", None: ""}[met]
    print(f"{name:60} {value:10,.1f} {unit:3} {mark:6} {said:20} {against or ''}", file=sys.stderr)


def compare(found: Mapping[Key, Timing], theirs: Mapping[Key, Timing], against: str, faster: float | None) -> None:
    for (name, size), peer in theirs.items():
        if mine := found.get((name, size)):
            target = peer.median / faster if faster else None
            said = f"{name}, {size:,} versions" + (f" ({DURABLE})" if "register" in name else "")
            figure(said, mine.median, "µs", against, mine.median / peer.median, target, timing=mine, peer=peer)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="up to 10,000 versions, where it is 100,000 otherwise")
    parser.add_argument("--peer", action="store_true", help="install MLflow below .nox")
    parser.add_argument("--peer-python", type=Path, help="a Python that has MLflow")
    arguments = parser.parse_args()
    sizes = (100, 1_000, 10_000) if arguments.quick else (100, 10_000, 100_000)
    about, registry = dict[str, Any](), dict[Key, Timing]()
    NOX.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=NOX) as temporary:
        folder = Path(temporary)
        if arguments.peer or arguments.peer_python:
            try:
                about, registry = mlflow(arguments.peer_python, folder, sizes)
            except (OSError, subprocess.CalledProcessError) as error:
                print(f"MLflow is left out, it could not be installed or run: {error}", file=sys.stderr)
        else:
            print("MLflow is left out: --peer installs it, --peer-python names one", file=sys.stderr)
        found = ours(folder, sizes)
        if about:
            said = "MLflow {}, no cache ({} journal, synchronous={})".format(about["version"], *about["pragmas"])
            compare(found, registry, said, FASTER)
            probe = timed({"": partial(sum, range(100_000))})[""].median
            name = "a sum in Python; the same while MLflow was timed tells how far the two were of one moment"
            figure(name, probe, "µs", f"{about['probe']:.0f} µs then", probe / about["probe"])
        for size in sizes:
            compare(found, json_file(folder, size), "a JSON file, whole at each operation (no fsync)", None)
        for name in dict.fromkeys(name for name, _ in found):
            few, many = (edge(size for known, size in found if known == name) for edge in (min, max))
            ratio = found[name, many].median / found[name, few].median
            figure(f"{name}, {many:,} versions over {few:,}", ratio, "", f"{few:,} versions", ratio, 1.5)
        commits(folder, 30 if arguments.quick else 100)
        size_on_disk(folder, 1_000 if arguments.quick else 10_000)
        outside(folder, about, registry)


if __name__ == "__main__":
    main()
