"""How far an evolution is, and what is left."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from attrs import frozen

if TYPE_CHECKING:
    from autogenesis_core.sepl.loop import Loop


@frozen
class Progress:
    """A run at one moment.

    Arguments:
        round, rounds: the round under way, from 1, and how many there are at the most
        rollouts: made so far
        best: the mean on val of what was committed last; None before the first assessment
        spent: of each limit of the budget, the share that is used and reserved, from 0 to 1
        seconds: since the run began
        left: seconds to the expected end, by the rounds so far; None before the first round has ended
    """

    round: int
    rounds: int
    rollouts: int
    best: float | None
    spent: Mapping[str, float]
    seconds: float
    left: float | None


def progress(loop: "Loop") -> Progress:
    """Where a loop is now."""
    done, seconds = len(loop.reports), loop.budget.seconds
    after = [report.after if report.commit else report.before for report in loop.reports if report.after is not None]
    return Progress(
        round=min(done + 1, loop.rounds),
        rounds=loop.rounds,
        rollouts=loop.evaluator.made,
        best=after[-1] if after else None,
        spent=loop.budget.shares(),
        seconds=seconds,
        left=seconds / done * (loop.rounds - done) if done else None,
    )
