"""What is known of the tip, and when a difference is clear."""

import pytest

from autogenesis_core import Assessment, Cell, Evaluation, Scored
from autogenesis_core.sepl.trial import Known, Trial, is_clear, scores_of


def evaluation(scores):
    cells = [Cell(example, Scored(v), n) for example, found in scores.items() for n, v in enumerate(found)]
    return Evaluation("s", "train", tuple(cells))


def trial(after, **more):
    return Trial(Assessment(evaluation(after), evaluation({})), ("a",), **more)


def test_a_gain_is_clear_where_it_is_more_than_its_standard_error_and_of_exact_scores_where_there_is_any():
    assert is_clear([1.0, 1.0])
    assert is_clear([1.0, 1.0, 0.0])
    assert not is_clear([1.0, 0.0])
    assert not is_clear([1.0, 0.0, 0.0])
    assert not is_clear([0.0, 0.0], exact=True)
    assert is_clear([1.0, 0.0, 0.0], exact=True)
    assert not is_clear([])


def test_the_gain_is_that_of_examples_which_no_result_chose():
    known = Known()
    assert known.gained == 0
    known.deal({"a": [0.0], "b": [0.0], "c": [1.0]}, committed=True)
    known.replace(trial({"a": [1.0], "z": [1.0]}, fixed=("a", "z")))
    assert known.gained == pytest.approx(1 / 3 * 3 / 12)  # z was not dealt, and three say little
    known.deal({str(n): [1.0] for n in range(24)}, committed=False)
    assert known.gained == pytest.approx(1 - 1 / 3)
    known.commit()
    assert known.gained == 0


def test_what_is_known_does_not_grow_with_the_run():
    known = Known()
    known.deal({"again": [0.0]}, committed=True)
    for n in range(1000):
        known.deal({str(n): [1.0], "again": [0.0]}, committed=False)
    assert len(known.scores) == len(known.means) == 256
    assert {str(n) for n in range(977, 1000)} | {"again"} == set(known.dealt) <= set(known.scores)
    assert known.gained == pytest.approx(23 / 24)


def test_what_an_attempt_broke_stays_known_when_the_tip_goes_back():
    known = Known()
    known.deal({"a": [0.0]}, committed=True)
    known.replace(trial({"a": [1.0]}, fixed=("a",)))
    known.warn(trial({}, lost=("b",)))
    known.go_back()
    assert (known.scores, dict(known.fixed), known.before) == ({}, {}, {"a": [0.0]})
    assert list(known.risks["a"]) == ["b"]


def test_what_an_edit_fixed_is_broken_where_two_scores_say_so_and_one_says_nothing():
    known = Known()
    known.replace(trial({"a": [1.0, 1.0], "b": [1.0]}, fixed=("a",)))
    assert known.add({"a": [0.0], "b": [0.0, 0.0]}) == []
    assert known.add({"a": [0.0, 1.0]}) == []
    assert known.add({"a": [0.0, 0.0]}) == ["a"]


def test_the_moves_that_may_have_broken_something_are_those_since_it_was_seen_to_be_fixed():
    known = Known()
    known.replace(trial({"a": [1.0, 1.0]}, fixed=("a",)))
    known.replace(trial({"b": [1.0, 1.0]}, fixed=("b",)))
    known.replace(trial({"a": [1.0, 1.0], "b": [0.0, 0.0]}, fixed=()))
    assert known.passed == {"a": 3, "b": 2}


def test_scores_are_those_of_all_epochs():
    assert scores_of(evaluation({"a": [0.0, 1.0], "b": [0.5]})) == {"a": [0.0, 1.0], "b": [0.5]}
