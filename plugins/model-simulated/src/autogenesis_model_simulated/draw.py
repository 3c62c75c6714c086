"""Random draws that two prompts share.

Every draw is a number in [0, 1) that is a hash of the model's seed, the request's seed, the question's text and the
draw's name, and of nothing else. What the prompt changes is the probability that the number is compared with. So two
prompts that are tried on one question and seed differ only where their rules make them differ: comparisons are paired.
"""

from collections.abc import Sequence
from typing import TypeVar

from attrs import frozen

from autogenesis_core import derive

T = TypeVar("T")


@frozen
class Draws:
    """The draws of one question, or of one request to an optimizer's model."""

    model_seed: int
    request_seed: int | None
    text: str

    def unit(self, name: str) -> float:
        """The number of the draw `name`, in [0, 1)."""
        return derive("simulated", self.model_seed, self.request_seed, self.text, name) / 2**63

    def chance(self, name: str, probability: float) -> bool:
        """Whether what happens with `probability` happens here."""
        return self.unit(name) < probability

    def choice(self, name: str, options: Sequence[T]) -> T:
        """One of `options`, all equally likely."""
        return options[int(self.unit(name) * len(options))]

    def index(self, name: str, size: int) -> int:
        """A number from 0 up to, without, `size`."""
        return int(self.unit(name) * size)
