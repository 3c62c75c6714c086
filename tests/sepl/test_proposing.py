from statistics import fmean

import pytest

from autogenesis_core import Assessment, Cell, Edit, Evaluation, Scored, hookimpl
from autogenesis_core.sepl.statistics import largest_of_normals

SKILL = "agent/skilled#skill"


def test_how_a_prediction_held_is_in_the_result_and_in_the_history(run, composition):
    """With skill 5, train-3 and train-4 are right; train-7 is not."""
    seen = []

    class Predicts:
        rounds = 2

        @hookimpl
        async def sepl_select(self, context):
            seen.extend(context.history[:1])
            return [Edit(SKILL, 5, "two more", expects=("train-3", "train-4", "train-7"))]

    ran = run(composition(optimizer=Predicts(), deterministic=True))
    (made,) = ran.result["rounds"][0]["proposed"]
    assert (made["expected"], made["held"]) == (["train-3", "train-4", "train-7"], ["train-3", "train-4"])
    (earlier,) = seen
    assert (earlier.expected, earlier.tried) == (("train-3", "train-4", "train-7"), True)
    assert (sorted(earlier.fixed), earlier.broken) == (["train-3", "train-4"], ())


def test_examples_of_one_cluster_are_one_difference_and_the_mean_is_that_of_the_examples():
    clusters = {"a": "page 1", "b": "page 1"}

    def made(**values):
        cells = tuple(Cell(example, Scored(value)) for example, value in values.items())
        return Evaluation("s", "val", cells, clusters=clusters)

    found = Assessment(made(a=1.0, b=1.0, c=0.0), made(a=0.0, c=0.5, b=0.5))
    assert found.differences == pytest.approx((1.5 * 2 / 3, -0.5 * 2 / 3))
    assert fmean(found.differences) == pytest.approx(fmean(after - before for before, after in found.pairs))


@pytest.mark.parametrize(("m", "mean"), [(1, 0.0), (2, 0.5642), (3, 0.8463), (5, 1.1630), (10, 1.5388), (100, 2.5076)])
def test_the_largest_of_normal_draws_is_near_its_tabulated_mean(m, mean):
    """H. L. Harter: Expected values of normal order statistics, Biometrika 48 (1961)."""
    assert largest_of_normals(m) == pytest.approx(mean, abs=0.03)
