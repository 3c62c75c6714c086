"""What an evolution will take, before anything is spent: its rollouts by plan, its calls by a trial on a stub."""

from attrs import frozen

from autogenesis_core.identity import JSON
from autogenesis_core.sepl.trial import AIMED, TESTS
from autogenesis_core.services.model import Price, Usage
from autogenesis_core.services.stub import ANSWER

_STEPS = 4  # of an agent that may take many, as its upper end


@frozen
class Estimate:
    """The least and the most that is to be expected: a search that finds nothing, and one that keeps all it tries.

    Arguments:
        rollouts, calls, tokens: (low, high)
        money: in US dollars; None if the price is unknown
    """

    rollouts: tuple[int, int]
    calls: tuple[int, int]
    tokens: tuple[int, int]
    money: tuple[float, float] | None

    def as_json(self) -> dict[str, JSON]:
        """As `--estimate --json` prints it."""
        return {
            "rollouts": list(self.rollouts), "calls": list(self.calls), "tokens": list(self.tokens),
            "money": list(self.money) if self.money else None,
        }  # fmt: skip


@frozen
class Plan:
    """The numbers that a search's length follows from."""

    rounds: int
    width: int
    batch: int
    val: int
    test: int
    epochs: int
    screen: bool
    first_look: int

    @property
    def rollouts(self) -> tuple[int, int]:
        """From a search that keeps nothing to one that keeps everything and assesses it each round."""
        sealed = 2 * self.test * self.epochs
        tried = self.rounds * self.width * self.batch
        screened = self.rounds * (self.width + (self.width > 1)) * 2 * (max(AIMED, self.batch) + TESTS)
        assessed = self.rounds * 2 * self.val * self.epochs
        if not self.screen:
            return tried + 2 * self.first_look * self.epochs + sealed, tried + assessed + sealed
        return tried + sealed, tried + screened + assessed + sealed


def estimate(plan: Plan, rollout: Usage, calls: int, steps: int, price: Price | None, proposals: bool) -> Estimate:
    """The estimate of a plan.

    Arguments:
        rollout: what one took on the stub, which ends an agent's work at its first answer
        calls: that it made
        steps: that the agent may take at most
        proposals: whether the optimizer asks a model: two requests a proposal, each with its minibatch in it
    """
    most = min(max(steps, 1), _STEPS)
    made = plan.rounds * plan.width if proposals else 0
    asked = Usage(plan.batch * rollout.input_tokens, 5 * ANSWER)
    ends = []
    for rollouts, factor, requests in ((plan.rollouts[0], 1, made), (plan.rollouts[1], most, 2 * made)):
        usage = Usage(
            rollouts * factor * rollout.input_tokens + requests * asked.input_tokens,
            rollouts * factor * rollout.output_tokens + requests * asked.output_tokens,
        )
        ends.append((rollouts * factor * calls + requests, usage))
    low, high = ends
    tokens = [usage.input_tokens + usage.output_tokens for _, usage in ends]
    money = (price.of(low[1]), price.of(high[1])) if price else None
    return Estimate(plan.rollouts, (low[0], high[0]), (tokens[0], tokens[1]), money)
