import asyncio

import pytest
from attrs import evolve

from autogenesis_core import (
    Assessment,
    Candidate,
    Cell,
    ConfigurationError,
    Episode,
    Evaluation,
    Failed,
    InputError,
    Question,
    Scored,
    structure,
)
from autogenesis_core.testing import GateContract
from autogenesis_gate_no_regression.gate import NoRegressionGate

LOST = Failed("infra", "no connection")
TRAIN = (Question("v0", "of train, with the name of one of val", metadata={"family": "none"}), Question("t1", "sort"))
VAL = tuple(
    Question(f"v{i}", f"Please {kind} number {i}", metadata={"family": kind, "level": i % 2})
    for i, kind in enumerate(["sort", "count"] * 5)
)


class TestNoRegression(GateContract):
    option = "gate/no_regression"
    settings = ("gate.no_regression.slices=['id:*']",)


def assessed(before, after, val=VAL, **more):
    def side(results):
        made = (r if isinstance(r, Failed) else Scored(r) for r in results)
        return Evaluation("", "val", tuple(Cell(e.id, r) for e, r in zip(val, made, strict=False)))

    return Assessment(side(after), side(before), examples=(*TRAIN, *val), holdout=tuple(e.id for e in val), **more)


def vote(before, after, val=VAL, **settings):
    return asyncio.run(NoRegressionGate(**settings).sepl_gate(Candidate({}), assessed(before, after, val)))


BETTER_BUT = [1.0] * 10, [0.0, 1.0] + [1.0] * 8  # v0, a sort, is lost


def test_a_slice_that_falls_is_rejected_whatever_the_others_gain():
    found = vote([1.0, 0.0] * 5, [0.0, 1.0] + [1.0] * 8, slices=("family=sort",))
    assert (found.decision, found.reason) == ("reject", "family=sort fell: 1.00 → 0.80, 1 broken, 0 fixed")
    assert found.evidence["slices"] == [
        {"slice": "family=sort", "n": 5, "before": 1.0, "after": 0.8, "fixed": 0, "broken": 1}
    ]
    assert vote([1.0, 0.0] * 5, [1.0, 0.0] + [1.0, 0.0] * 4, slices=("family=sort",)).reason == "none of 1 slices fell"


@pytest.mark.parametrize(
    ("slice_", "n"),
    [
        ("family=sort", 5), ("family = count", 5), ("level=1", 5), ("id:v0", 1), ("id:v[0-3]", 4), ("id:*", 10),
        ("text:NUMBER 3", 1), ("text:please", 10),
    ],
)  # fmt: skip
def test_slices_are_told_by_metadata_id_and_text_and_hold_examples_of_val_only(slice_, n):
    assert vote([1.0] * 10, [1.0] * 10, slices=(slice_,)).evidence["slices"][0]["n"] == n


def test_every_value_of_a_key_is_a_slice():
    found = vote(*BETTER_BUT, by=("family", "level"))
    assert [entry["slice"] for entry in found.evidence["slices"]] == [
        "family=sort",
        "family=count",
        "level=0",
        "level=1",
    ]
    assert found.reason.startswith("family=sort fell")


def test_a_fall_within_the_tolerance_is_none():
    assert vote(*BETTER_BUT, slices=("family=sort",), tolerance=0.2).decision == "commit"
    found = vote(*BETTER_BUT, slices=("family=sort",), tolerance=0.19)
    assert found.reason == "family=sort fell by more than 0.19: 1.00 → 0.80, 1 broken, 0 fixed"


def test_losses_and_gains_within_a_slice_make_up_for_each_other():
    assert vote([1.0, 0.0], [0.0, 1.0], VAL[:2], slices=("text:please",)).decision == "commit"
    assert vote([1.0, 0.0], [0.0, 1.0], VAL[:2], slices=("id:v0",)).decision == "reject"


@pytest.mark.parametrize("slice_", ["family=dance", "id:x*", "text:nowhere", "colour=red"])
def test_a_slice_without_examples_decides_nothing(slice_):
    found = vote([0.0] * 10, [1.0] * 10, slices=("family=sort", slice_))
    assert (found.decision, found.reason) == ("indecisive", f"no example of val is in the slice {slice_}")


def test_a_key_that_no_example_has_decides_nothing():
    found = vote([0.0] * 10, [1.0] * 10, by=("colour",))
    assert (found.decision, found.reason) == ("indecisive", "no example of val has the metadata colour")


def test_missing_evidence_of_a_slice_decides_nothing():
    found = vote([1.0] * 10, [LOST] + [1.0] * 9, slices=("family=sort",))
    assert (found.decision, found.reason) == (
        "indecisive", "family=sort: only 80% of the rollouts have a score both before and after, not 100%",
    )  # fmt: skip
    assert vote([1.0] * 10, [LOST] + [1.0] * 9, slices=("family=sort",), coverage=0.8).decision == "commit"
    assert vote([1.0] * 10, [LOST] + [1.0] * 9, slices=("family=count",)).decision == "commit"
    assert vote([1.0] * 4, [1.0] * 4, slices=("family=sort",)).reason == "family=sort: 3 of its 5 examples were not run"
    assert vote([], [], slices=("family=sort",)).decision == "indecisive"
    assert vote([1.0], [1.0], (), slices=("id:*",)).decision == "indecisive"


def test_a_fall_that_is_known_is_rejected_though_other_evidence_is_missing():
    assert vote([1.0] * 10, [0.0, LOST] + [1.0] * 8, slices=("family=count", "id:v0")).decision == "reject"


def test_episodes_are_told_by_id():
    episodes = tuple(Episode(f"val-{i}", i) for i in range(4))
    assert vote([1.0] * 4, [1.0, 1.0, 1.0, 0.0], episodes, slices=("id:val-3",)).decision == "reject"
    assert vote([1.0] * 4, [1.0] * 4, episodes, by=("family",)).decision == "indecisive"


def test_a_slice_without_examples_is_named_before_anything_is_spent():
    with pytest.raises(InputError, match="no example of val is in the slice 'family=dance'") as error:
        NoRegressionGate(slices=("family=sort", "family=dance")).check(VAL)
    assert error.value.hint == "its examples have family=sort|count, level=0|1, id:v0"
    with pytest.raises(InputError, match="no example of val has the metadata 'colour'"):
        NoRegressionGate(by=("family", "colour")).check(VAL)
    NoRegressionGate(slices=("family=sort",), by=("level",)).check(VAL)


def test_looks_end_for_a_fall_and_go_on_until_every_slice_is_whole():
    gate = NoRegressionGate(slices=("id:v0", "family=count"))

    def interim(before, after, look=0):
        found = assessed(before, after, looks=(4, 10), look=look, complete=False)
        return asyncio.run(gate.sepl_interim(Candidate({}), found))

    assert interim([1.0] * 4, [0.0] + [1.0] * 3).decision == "reject"  # v0 will not be run again
    assert interim([1.0] * 4, [1.0] * 4).decision == "continue"
    assert interim([1.0] * 4, [1.0, 0.0, 1.0, 1.0]).decision == "continue"  # the rest of the slice may make up for it
    assert interim([1.0] * 10, [1.0] * 10) is NotImplemented
    assert interim([], [], look=-1) is NotImplemented
    empty = assessed([], [], looks=(10,), look=-1, complete=False)
    found = asyncio.run(NoRegressionGate(slices=("id:x",)).sepl_interim(Candidate({}), empty))
    assert (found.decision, found.reason) == ("indecisive", "no example of val is in the slice id:x")
    found = asyncio.run(NoRegressionGate(by=("x",)).sepl_interim(Candidate({}), evolve(empty)))
    assert found.decision == "indecisive"


@pytest.mark.parametrize(
    "data",
    [
        {}, {"slices": ["sort"]}, {"slices": ["=x"]}, {"slices": ["id:"]}, {"slices": ["text: "]},
        {"by": ["a"], "tolerance": -1}, {"by": ["a"], "coverage": 0},
    ],
)  # fmt: skip
def test_settings_that_mean_nothing_are_refused(data):
    with pytest.raises(ConfigurationError, match="nothing to guard|no slice|after the colon|tolerance|coverage"):
        structure(data, NoRegressionGate, "gate")
