"""Claims: what a run said of its gain held against new evidence, and a system against its baseline."""

from typing import Any, Literal

from attrs import frozen

from autogenesis_core.sepl.evaluation import Evaluation
from autogenesis_core.sepl.statistics import Paired, paired

Standing = Literal["stands", "unclear", "does not stand"]


@frozen
class Comparison:
    """Two systems on the same examples and seeds.

    Arguments:
        test: of "no better than before"
        worse: the one-sided p-value of "no worse than before"
        n: examples (or clusters of them) that both have a score for
    """

    test: Paired
    worse: float
    n: int

    def as_json(self) -> dict[str, Any]:
        """As result.json holds it."""
        test = self.test
        return {
            "delta": test.delta, "interval": list(test.interval), "p": test.p, "p_worse": self.worse, "n": self.n,
            "test": "paired sign-flip",
        }  # fmt: skip


def compared(before: Evaluation, after: Evaluation) -> Comparison | None:
    """`after` against `before`; None if no example has a score in both."""
    from autogenesis_core.sepl.spaces import Assessment

    differences = Assessment(after, before).differences
    if not differences:
        return None
    return Comparison(paired(differences), paired([-difference for difference in differences]).p, len(differences))


def standing(claimed: float, found: Comparison, alpha: float) -> Standing:
    """Whether a claimed gain stands on new evidence.

    It stands if the new evidence proves a gain at one-sided level `alpha`; it does not if there is none to be proved
    and the claimed gain lies above the new 95 % interval; else the new evidence is too little to say.
    """
    if found.test.p <= alpha and found.test.delta > 0:
        return "stands"
    return "does not stand" if found.test.interval[1] < claimed or found.test.delta <= 0 else "unclear"
