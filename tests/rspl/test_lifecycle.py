"""The lifecycles: of a resource in a running system, and of a version in the store."""

from itertools import product

import pytest

from autogenesis_core import Installed, LifecycleError, Record, UnknownName
from autogenesis_core.rspl.lifecycle import move_resource, move_version
from autogenesis_core.rspl.store import Change, Store

VERSION_STATES = ("candidate", "active", "deprecated", "archived")
VERSION_MOVES = {
    ("candidate", "active"),
    ("active", "deprecated"),
    ("deprecated", "active"),
    ("deprecated", "archived"),
}


@pytest.mark.parametrize(("state", "to"), [*product(VERSION_STATES, VERSION_STATES)])
def test_a_version_moves_only_along_its_lifecycle(state, to):
    if (state, to) in VERSION_MOVES:
        assert to == move_version("prompt/x@1.0.0", state, to)
    else:
        with pytest.raises(LifecycleError, match=rf"prompt/x@1.0.0 is {state} and cannot become {to}"):
            move_version("prompt/x@1.0.0", state, to)


@pytest.mark.parametrize(
    ("state", "to"),
    [("registered", "built"), ("registered", "failed"), ("built", "retired"), ("built", "built"), ("failed", "built")],
)
def test_a_resource_is_registered_then_built_then_retired_and_may_fail_to_build(state, to):
    assert to == move_resource("tool/x", state, to)


@pytest.mark.parametrize(
    ("state", "to"),
    [
        ("retired", "registered"),
        ("retired", "built"),
        ("retired", "failed"),
        ("retired", "retired"),
        ("built", "registered"),
        ("failed", "registered"),
    ],
)
def test_an_illegal_move_of_a_resource_is_an_error(state, to):
    with pytest.raises(LifecycleError, match=f"tool/x is {state} and cannot become {to}"):
        move_resource("tool/x", state, to)


@pytest.fixture
def versioned(tmp_path):
    with Store.open(tmp_path / "autogenesis.db") as store:
        store.commit("main", [Change(Record("tool", "x", "", Installed("d", "tool/x", "h")), None)])
        yield store


def test_a_stored_version_moves_along_its_lifecycle_and_stays_where_it_got(versioned):
    for state in ("deprecated", "active", "deprecated", "archived"):
        versioned.set_state("tool", "x", "1.0.0", state)
        assert state == versioned.history("tool", "x")[0].state
    with pytest.raises(LifecycleError, match=r"tool/x@1\.0\.0 is archived"):
        versioned.set_state("tool", "x", "1.0.0", "active")
    assert versioned.history("tool", "x")[0].state == "archived"


def test_a_state_of_an_unknown_version_is_answered_with_the_known_ones(versioned):
    with pytest.raises(UnknownName, match=r"no version 'tool/x@1\.0\.9'"):
        versioned.set_state("tool", "x", "1.0.9", "deprecated")
