import pytest

from autogenesis_core import Cell, Episode, Evaluation, Failed, Question, Scored

CELLS = (
    Cell("a", Scored(1.0)), Cell("b", Failed("invalid", "x")), Cell("c", Failed("timeout", "x")),
    Cell("d", Failed("infra", "x")), Cell("e", Failed("refused", "x")), Cell("f", Failed("cancelled", "x")),
)  # fmt: skip


def test_only_invalid_counts_as_a_score():
    evaluation = Evaluation("s", "val", CELLS)
    assert dict(evaluation.values) == {"a": 1.0, "b": 0.0}
    assert (evaluation.mean, evaluation.coverage) == (0.5, pytest.approx(2 / 6))


def test_invalid_counts_the_benchmarks_lowest():
    assert dict(Evaluation("s", "val", CELLS, lowest=-5.0).values) == {"a": 1.0, "b": -5.0}


@pytest.mark.parametrize("cells", [(), CELLS[2:]])
def test_without_any_score_there_is_no_mean(cells):
    evaluation = Evaluation("s", "val", cells)
    assert (evaluation.mean, evaluation.coverage) == (None, 0.0)


def test_an_examples_digest_is_over_its_content_and_not_its_id():
    assert Question("a", "x", "y", {"k": 1}).digest == Question("b", "x", "y", {"k": 1}).digest
    different = [
        Question("a", "z", "y"),
        Question("a", "x", "z"),
        Question("a", "x", "y", {"k": 2}),
        Question("a", "x"),
    ]
    assert len({question.digest for question in [*different, Question("a", "x", "y")]}) == 5
    assert Episode("a", 3).digest == Episode("b", 3).digest != Episode("a", 4).digest
