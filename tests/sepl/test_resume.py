"""A run that is killed at any instant goes on to the end that it would have come to; nothing is paid for or decided twice."""

import importlib.util
import json
import os
import random
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

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


def dying(at, count_to=None):
    """Makes this process die at its `at`-th write to a journal (before it, or in its middle) or statement of a store."""
    points = 0

    def point(first=lambda: None):
        nonlocal points
        points += 1
        if points == at:
            first()
            os._exit(KILLED)
        if count_to is not None:
            count_to.write_text(str(points))

    def write(file, data):
        point()
        point(lambda: os.write(file, data[: len(data) // 2]))
        return os.write(file, data)

    connect = database.connect

    def connected(path):
        connection = connect(path)
        connection.set_trace_callback(lambda statement: None if statement.startswith(("SELECT", "PRAGMA")) else point())
        return connection

    database.connect = connected
    journal_module.os = SimpleNamespace(**{**vars(os), "write": write})


def killed_at(folder, at, options, count_to=None):
    def run():
        dying(at, count_to)
        evolving.evolved(folder, **options)

    return in_child(run)


def points(tmp_path, options):
    """How many writes an evolution makes."""
    counted = tmp_path / "points"
    assert killed_at(tmp_path / "counted", 0, options, counted) == 0
    return int(counted.read_text())


@pytest.mark.parametrize("options", [SHORT, WIDE], ids=["width 1", "width 3"])
def test_killed_at_any_write_it_goes_on_to_the_same_end(tmp_path, whole, options):
    """At every write with AUTOGENESIS_TORTURE; else at some, drawn anew each day."""
    expected, total = whole(options), points(tmp_path, options)
    assert total > 500
    chosen = range(1, total + 1) if FULL else sorted(random.Random(time.time() // 86400).sample(range(1, total + 1), 4))
    for at in chosen:
        folder = tmp_path / f"at{at}"
        folder.mkdir()
        assert killed_at(folder, at, options) == KILLED, at
        evolving.check_resumed(folder, options, expected)
