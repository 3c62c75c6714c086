"""A run that is killed at any instant goes on to the end that it would have come to; nothing is paid for or decided twice."""

import importlib.util
import json
import os
import random
import signal
import sys
import time
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace

import pytest

from autogenesis_core import InputError, StoreError
from autogenesis_core.rspl import database
from autogenesis_core.sepl import journal as journal_module

PROGRAM = Path(__file__).with_name("evolving.py")
SPEC = importlib.util.spec_from_file_location("evolving", PROGRAM)
evolving = sys.modules.setdefault("evolving", importlib.util.module_from_spec(SPEC))
SPEC.loader.exec_module(evolving)

FULL = bool(os.environ.get("AUTOGENESIS_TORTURE"))
KILLED = 137
SHORT = {}  # a rejection and two commits
WIDE = {"width": 3, "workers": 4, "seed": 4}  # three rejections and a commit, most of them while more is proposed


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """What an evolution with these options comes to when nobody disturbs it: result and state, made once."""
    known = {}

    def ran(options):
        key = json.dumps(options, sort_keys=True)
        if key not in known:
            folder = tmp_path_factory.mktemp("whole")
            result = evolving.evolved(folder, **options)
            known[key] = evolving.found(folder, result)
        return known[key]

    return ran


def in_child(function):
    """The exit code of a process, forked from this one, that calls `function`."""
    process = os.fork()
    if process == 0:
        code = 1
        try:
            function()
            code = 0
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])


def dying(at, count_to=None, *, power=False):
    """Makes this process die at its `at`-th write to a journal (before it, or in its middle) or statement of a store.

    With `power` everything fails: what the journal did not have on the disk is gone.
    """
    points, journal, synced = 0, None, 0

    def fsync(file):
        nonlocal synced
        synced = os.fstat(file).st_size

    def point(first=lambda: None):
        nonlocal points
        points += 1
        if points == at:
            first()
            if power and journal is not None:
                os.ftruncate(journal, synced)
            os._exit(KILLED)
        if count_to is not None:
            count_to.write_text(str(points))

    def write(file, data):
        nonlocal journal
        journal = file
        point()
        point(lambda: os.write(file, data[: len(data) // 2]))
        return os.write(file, data)

    connect = database.connect

    def connected(path):
        connection = connect(path)
        connection.set_trace_callback(lambda statement: None if statement.startswith(("SELECT", "PRAGMA")) else point())
        return connection

    database.connect = connected
    journal_module._fsync = fsync
    journal_module.os = SimpleNamespace(**{**vars(os), "write": write})


def killed_at(folder, at, options, count_to=None, *, power=False):
    def run():
        dying(at, count_to, power=power)
        evolving.evolved(folder, **options)

    return in_child(run)


def points(tmp_path, options):
    """How many writes an evolution makes."""
    counted = tmp_path / "points"
    assert killed_at(tmp_path / "counted", 0, options, counted) == 0
    return int(counted.read_text())


@pytest.mark.parametrize("power", [False, True], ids=["killed", "power lost"])
@pytest.mark.parametrize("options", [SHORT, WIDE], ids=["width 1", "width 3"])
def test_killed_at_any_write_it_goes_on_to_the_same_end(tmp_path, whole, options, power):
    """At every write with AUTOGENESIS_TORTURE; else at some, drawn anew each day."""
    expected, total = whole(options), points(tmp_path, options)
    assert total > 500
    chosen = range(1, total + 1) if FULL else sorted(random.Random(time.time() // 86400).sample(range(1, total + 1), 2))
    for at in chosen:
        folder = tmp_path / f"at{at}"
        folder.mkdir()
        assert killed_at(folder, at, options, power=power) == KILLED, at
        evolving.check_resumed(folder, options, expected)


def test_a_line_of_the_traces_that_was_cut_off_does_not_spoil_the_next(tmp_path, whole):
    run = evolving.evolved(tmp_path, **SHORT)["run"]
    traces = tmp_path / "workdir/runs" / run / "traces.jsonl"
    lines = traces.read_text().splitlines()
    traces.write_text("\n".join(lines[:100])[:-20])
    journal = traces.with_name("journal.jsonl")
    journal.write_text("".join(journal.read_text().splitlines(keepends=True)[:100]))
    evolving.check_resumed(tmp_path, SHORT, whole(SHORT))
    lines = traces.read_text().splitlines()
    damaged = [number for number, line in enumerate(lines) if not line.endswith("}")]
    assert damaged == [99]
    assert all(json.loads(line) for line in lines[100:])


# More rounds, more budget


def metric_calls(path):
    return path.read_text().splitlines()


def test_more_rounds_go_on_where_the_run_had_ended(tmp_path):
    calls = tmp_path / "calls"
    first = evolving.evolved(tmp_path, rounds=2, calls=str(calls))
    more = evolving.evolved(tmp_path, rounds=5, calls=str(calls), resume=first["run"])
    again = evolving.evolved(tmp_path, rounds=5, calls=str(calls), resume=first["run"])
    assert [entry["reason"] for entry in more["rounds"]][:2] == [entry["reason"] for entry in first["rounds"]]
    assert len(more["rounds"]) == 5
    assert evolving.found(tmp_path, again) == evolving.found(tmp_path, more)
    assert len(metric_calls(calls)) == len(set(metric_calls(calls))) == more["spent"]["rollouts"]
    with pytest.raises(InputError, match="has done 5 rounds already"):
        evolving.evolved(tmp_path, rounds=4, resume=first["run"])


@pytest.mark.parametrize(("width", "workers"), [(1, 1), (3, 16)])
def test_a_larger_budget_goes_on_where_the_run_had_ended(tmp_path, width, workers):
    calls, stopped = tmp_path / "calls", []
    options = {"rounds": 8, "width": width, "workers": workers, "calls": str(calls), "seed": 4}
    results = [evolving.evolved(tmp_path, "budget.rollouts=120", **options)]
    run = results[0]["run"]
    for limit in (120, 200, 260, 2000):
        results.append(evolving.evolved(tmp_path, f"budget.rollouts={limit}", resume=run, **options))
        assert results[-1]["spent"]["rollouts"] == len(set(metric_calls(calls))) <= limit
        assert (
            evolving.evolved(tmp_path, f"budget.rollouts={limit}", resume=run, replay=True, **options)["digests"]
            == (results[-1]["digests"])
        )
    assert len(metric_calls(calls)) == len(set(metric_calls(calls)))
    assert results[1]["spent"]["rollouts"] == results[0]["spent"]["rollouts"]
    stopped = [result["stopped"] for result in results]
    assert stopped[0].startswith("budget.rollouts is spent")
    assert stopped[-1] == "all rounds done"
    for earlier, later in pairwise(results):
        decided = [entry for entry in earlier["rounds"] if entry["edits"] or entry["commit"]]
        assert [entry["commit"] for entry in later["rounds"]][: len(decided)] == [
            entry["commit"] for entry in earlier["rounds"]
        ][: len(decided)]
        assert set(earlier["commits"]) <= set(later["commits"])


@pytest.mark.parametrize("workers", [1, 16])
@pytest.mark.parametrize("limit", ["rollouts=240", "calls=150", "tokens=18000", "money=0.035"])
def test_a_budget_is_not_overshot_by_a_run_that_is_killed_and_resumed(tmp_path, workers, limit):
    """What the model and the agent count, beside what the result says; only what was in flight at the kill is not known."""
    counted = tmp_path / "model"
    options = {"agent": evolving.Asks(calls=str(tmp_path / "calls")), "rounds": 30, "width": 3, "workers": workers}
    options["model"] = evolving.Counted(file=str(counted))
    override = f"budget.{limit}"
    killed = in_child(lambda: (dying(260), evolving.evolved(tmp_path, override, **options)))
    assert killed == KILLED
    result = evolving.evolved(tmp_path, override, resume=evolving.the_run(tmp_path), **options)
    name, _, most = limit.partition("=")
    assert result["stopped"].startswith(f"budget.{name} is spent")
    spent = {**result["spent"], "tokens": result["spent"]["input_tokens"] + result["spent"]["output_tokens"]}
    assert spent[name] <= float(most)
    used = [json.loads(line) for line in metric_calls(counted)]
    really = {
        "rollouts": len(metric_calls(tmp_path / "calls")),
        "calls": len(used),
        "tokens": sum(sum(line) for line in used),
        "money": sum(line[0] * 1e-6 + line[1] * 2e-6 for line in used),
    }
    in_flight = {"rollouts": workers, "calls": workers, "tokens": 300 * workers, "money": 0.0005 * workers}
    assert spent[name] <= really[name] + 1e-9
    assert really[name] <= spent[name] + in_flight[name]


def test_seconds_of_earlier_processes_count(tmp_path):
    options = {"delay": 0.02, "rounds": 30}
    first = evolving.evolved(tmp_path, "budget.seconds=1", **options)
    again = evolving.evolved(tmp_path, "budget.seconds=1", resume=first["run"], **options)
    assert (first["stopped"], again["stopped"]) == ("budget.seconds is spent: 1",) * 2
    assert 1 <= first["spent"]["seconds"] <= 1.5
    assert again["spent"]["rollouts"] == first["spent"]["rollouts"]
    assert again["spent"]["seconds"] >= first["spent"]["seconds"]
    more = evolving.evolved(tmp_path, "budget.seconds=2", resume=first["run"], **options)
    assert more["spent"]["rollouts"] > first["spent"]["rollouts"]
    assert 2 <= more["spent"]["seconds"] <= 2.5


# Two processes


def paused(folder, options):
    """The id of a process, forked from this one and stopped in the middle of its evolution."""
    process = os.fork()
    if process == 0:
        code = 1
        try:
            evolving.evolved(folder, **options)
            code = 0
        except StoreError as error:
            folder.joinpath("said").write_text(str(error))
        finally:
            os._exit(code)
    while (run := evolving.the_run(folder)) is None or len(evolving.lines(folder, run)) < 60:
        time.sleep(0.001)
    os.kill(process, signal.SIGSTOP)
    os.waitpid(process, os.WUNTRACED)
    return process


def goes_on(process):
    """The exit code of a process that was stopped."""
    os.kill(process, signal.SIGCONT)
    return os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])


def test_of_two_processes_one_is_told_that_the_other_has_the_run(tmp_path, whole):
    options = {**SHORT, "delay": 0.002}
    process = paused(tmp_path, options)
    run = evolving.the_run(tmp_path)
    with pytest.raises(InputError, match=f"the run {run} is going on in another process"):
        evolving.evolved(tmp_path, resume=run, **options)
    assert not (tmp_path / "workdir/runs" / run / "result.json").exists()
    assert goes_on(process) == 0
    evolving.check_resumed(tmp_path, options, whole(SHORT))


def test_where_no_lock_reaches_the_older_process_writes_neither_journal_nor_store(tmp_path, whole, monkeypatch):
    """As on Windows, or in a folder shared by machines that do not share locks."""
    monkeypatch.setattr(journal_module, "_lock", lambda *_: None)
    options = {**SHORT, "delay": 0.002}
    process = paused(tmp_path, options)
    evolving.check_resumed(tmp_path, options, whole(SHORT))
    run = evolving.the_run(tmp_path)
    journal = (tmp_path / "workdir/runs" / run / "journal.jsonl").read_bytes()
    assert goes_on(process) == 1
    assert "another process has taken over the run" in (tmp_path / "said").read_text()
    assert (tmp_path / "workdir/runs" / run / "journal.jsonl").read_bytes() == journal
    evolving.check_resumed(tmp_path, options, whole(SHORT))
