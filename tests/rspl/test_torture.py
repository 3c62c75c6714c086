"""Many writers on one store, and kill -9 at any instant. Small here; `nox -s torture` sets AUTOGENESIS_TORTURE."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from autogenesis_core.rspl.reference import Reference
from autogenesis_core.rspl.store import Store

FULL = bool(os.environ.get("AUTOGENESIS_TORTURE"))
PROCESSES, COMMITS, RESOURCES = 8, 500 if FULL else 20, 10
KILLS = 200 if FULL else 8

# Each commits to resources that all share; one whose head moved is told so, and makes its change again.
_WRITER = """
import pathlib, random, sys
from autogenesis_core import Conflict, Installed, Record
from autogenesis_core.rspl.store import Change, Store
path, me, commits, resources = pathlib.Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
draw, conflicts = random.Random(me), 0
with Store.open(path) as store:
    for count in range(commits):
        name = f"shared_{draw.randrange(resources)}"
        while True:
            head = store.head("main", "tool", name)
            record = Record("tool", name, "", Installed("d", "tool/t", "h"), {"by": me, "count": count})
            try:
                store.commit("main", [Change(record, head.version if head else None)], run=f"run{me}")
                break
            except Conflict:
                conflicts += 1
print(conflicts)
"""


def test_no_commit_of_several_processes_is_lost_and_the_chain_holds(tmp_path):
    path = tmp_path / "autogenesis.db"
    arguments = [str(path), str(COMMITS), str(RESOURCES)]
    running = [
        subprocess.Popen(
            [sys.executable, "-c", _WRITER, arguments[0], str(me), *arguments[1:]], stdout=subprocess.PIPE, text=True
        )
        for me in range(PROCESSES)
    ]
    said = [process.communicate()[0] for process in running]
    assert [process.returncode for process in running] == [0] * PROCESSES, said
    with Store.open(path, create=False) as store:
        entries = store.entries()
        assert len(entries) == PROCESSES * COMMITS
        assert {f"run{me}": COMMITS for me in range(PROCESSES)} == {
            run: sum(entry.run == run for entry in entries) for run in {entry.run for entry in entries}
        }
        made = [
            (record.parameters["by"], record.parameters["count"])
            for id_ in store.resources()
            for record in (store.record(version.digest) for version in store.history(*id_.split("/")))
        ]
        assert sorted(made) == [(me, count) for me in range(PROCESSES) for count in range(COMMITS)]
        assert store.verify() is None


# Everything that writes: commits of several resources, grants and fences, artifacts, aliases, branches, states, gc, backups.
_EVERYTHING = """
import hashlib, pathlib, random, sys
from autogenesis_core import Installed, Record
from autogenesis_core.rspl.changes import restore
from autogenesis_core.rspl.store import Change, Store
path, seed = pathlib.Path(sys.argv[1]), int(sys.argv[2])
draw = random.Random(seed)
with Store.open(path) as store:
    expected, count = None, 0
    print("open", flush=True)
    while True:
        records = [
            Record("tool", name, "", Installed("d", "tool/t", "h"), {"n": count, "pad": "x" * draw.randrange(9000)})
            for name in "ab"
        ]
        token = store.fence("r")
        store.spend("l", "h", "r", str(count), lambda earlier: 0.01 + len(earlier), reused=False)
        changes = [Change(record, expected) for record in records]
        store.commit("main", changes, run="r", token=token, grant=("r", str(count)))
        expected, count = store.head("main", "tool", "a").version, count + 1
        print(count, flush=True)
        what = draw.randrange(7)
        if what == 0:
            store.set_alias("tool/a", "best", expected)
        elif what == 1:
            store.create_branch(f"b{count}", "main")
        elif what == 2:
            version = store.history("tool", "a", limit=1)[0]
            store.set_state("tool", "a", version.version, "deprecated")
        elif what == 3:
            body = draw.randbytes(20_000)
            store.put({hashlib.sha256(body).hexdigest(): body})
        elif what == 4:
            store.gc()
        elif what == 5:
            restore(store, "main", [store.version("tool", name, "1.0.0") for name in "ab"])
            expected = store.head("main", "tool", "a").version
        else:
            store.backup(path.with_name(f"backup{count}.db"))
"""


def killed(path: Path, seed: int, seconds: float) -> int:
    """How many commits a writer said it had made when it was killed."""
    command = [sys.executable, "-c", _EVERYTHING, str(path), str(seed)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout
    assert process.stderr
    first = process.stdout.readline()
    time.sleep(seconds)
    process.send_signal(signal.SIGKILL)
    said = [first, *process.stdout.read().splitlines()]
    error = process.stderr.read()
    process.stdout.close()
    process.stderr.close()
    assert process.wait() == -signal.SIGKILL, error
    return int(said[-1]) if said[-1].strip().isdigit() else 0


@pytest.mark.parametrize("seed", range(KILLS))
def test_a_store_whose_writer_is_killed_opens_verifies_and_goes_on(tmp_path, seed):
    path = tmp_path / "autogenesis.db"
    commits = killed(path, seed, random.Random(seed).uniform(0, 0.25))
    with Store.open(path, create=False) as store:
        assert store.verify() is None
        found = store.entries(run="r")
        assert len(found) in (commits, commits + 1)
        grants = store.ledger("l", "h")
        assert [grant.committed for grant in grants[: len(found)]] == [True] * len(found)
        assert [grant.committed for grant in grants[len(found) :]] in ([], [False])
        assert [(grant.number, grant.decision, grant.alpha) for grant in grants] == [
            (n + 1, str(n), 0.01 + n) for n in range(len(grants))
        ]
        assert store.fence("r") - 1 in (len(grants), len(grants) + 1)
    for backup in tmp_path.glob("backup*.db"):
        with Store.open(backup, create=False) as store:
            assert store.verify() is None
    with Store.open(path) as store:
        if commits:
            store.create_branch("afterwards", "main")
            assert store.find(Reference.parse("tool/a@afterwards"), "main").id == "tool/a"
        assert store.verify() is None
