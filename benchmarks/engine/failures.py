"""A dead or babbling optimizer model, and what is spent beyond a budget: our side of the sections `dead`, `budget`."""

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import attrs
from attrs import define, field, frozen
from engine import search
from tasks.rules import Clock, Reflector, RuleAgent, Rules, rules

from autogenesis_core import (
    Answer,
    AuthenticationFailed,
    ModelAnswer,
    ModelRequest,
    OptimizerFailed,
    Price,
    Runtime,
    Usage,
)

_BABBLE = "Sorry, I ran out of tokens before I could"


@define(eq=False)
class Raising(Reflector):
    """A model that cannot be reached."""

    async def answer(self, request: ModelRequest) -> ModelAnswer:
        """Never comes."""
        raise AuthenticationFailed("401 unauthorized")


@define(eq=False)
class Babbling(Reflector):
    """A model that says what is no proposal, or whose proposals are cut off."""

    cut: bool = False

    async def answer(self, request: ModelRequest) -> ModelAnswer:
        """No proposal, or what would be one but for its end."""
        if not self.cut:
            return ModelAnswer(_BABBLE)
        return attrs.evolve(await super().answer(request), finish_reason="length")


@define(eq=False)
class Metered(Reflector):
    """The reflection model with a tokenizer of four characters a token, and a price; it keeps to `max_tokens`."""

    async def price(self) -> Price:
        """USD a token."""
        return Price(1e-6, 5e-6)

    async def answer(self, request: ModelRequest) -> ModelAnswer:
        """As the stand-in's, or a word to the agent that asks."""
        size = sum(len(str(message["content"])) for message in request.messages) // 4
        answer = await super().answer(request) if request.schema else ModelAnswer("yes " * 20)
        tokens, most = len(answer.text) // 4, request.max_tokens or len(answer.text)
        answer = attrs.evolve(answer, usage=Usage(size, min(tokens, most)))
        return attrs.evolve(answer, text=answer.text[: 4 * most], finish_reason="length") if tokens > most else answer


@frozen
class Asking(RuleAgent):
    """The agent of the rules, which asks a model besides."""

    uses_model: ClassVar[bool] = True

    async def run(self, task: str, context: Any) -> Answer:
        """As the rules say."""
        await context.model([{"role": "user", "content": task}])
        return await super().run(task, context)


@define(eq=False)
class Overshoot:
    """The most that a budget was ever exceeded by, in the limits' own units."""

    worst: dict[str, float] = field(factory=dict)

    def add(self, spent: Mapping[str, Any], limits: Mapping[str, float]) -> None:
        """Takes in what a run spent."""
        spent = {**spent, "tokens": spent["input_tokens"] + spent["output_tokens"]}
        for name, limit in limits.items():
            self.worst[name] = max(self.worst.get(name, 0.0), spent[name] - limit)


def dead(quick: bool, folder: Path) -> Mapping[str, Sequence[float]]:
    """The yardstick's task, minibatch and budget; both kinds of babble."""
    found: dict[str, list[float]] = {}
    for number, (name, model) in enumerate(
        [("dead", Raising()), ("babbling", Babbling()), ("babbling", Babbling(cut=True))]
    ):
        clock, error = Clock(), None
        runtime = _runtime(folder / str(number), model, RuleAgent(clock=clock), "budget.rollouts=1000")
        try:
            asyncio.run(_evolved(runtime))
        except OptimizerFailed as raised:
            error = raised
        if name == "dead":
            found["dead optimizer model: error seen"] = [float(error is not None)]
        else:
            found.setdefault("babbling optimizer model: error seen", []).append(float(error is not None))
            taken = len(runtime.loop.pool) - 1
            found.setdefault("babbling optimizer model: candidates taken", []).append(taken)
        found.setdefault(f"{name} optimizer model: calls spent of 1,000", []).append(clock.calls)
    return found


def budget(quick: bool, folder: Path) -> Mapping[str, Sequence[float]]:
    """Rollouts on the conflicting rules, as the peer's; then each other limit, with 64 rollouts at once."""
    over = Overshoot()
    for problem in search.CONFLICT.values():
        for seed in range(3 if quick else 25):
            curve = search.evolved(problem, seed, folder / f"{id(problem)}-{seed}")
            over.add(curve.spent, {"rollouts": search.BUDGET})
    for number in range(3 if quick else 25):
        for name, limit in (("calls", 100 + 7 * number), ("tokens", 20_000 + 777 * number), ("money", 0.05)):
            place, agent = folder / f"{name}{number}", Asking(flip=0.15)
            runtime = _runtime(place, Metered(spoil=0.5), agent, f"budget.{name}={limit}", f"seed={number}", "width=4")
            over.add((asyncio.run(_evolved(runtime)))["spent"], {name: limit})
    return {
        "budget overshoot, the worst run": [over.worst["rollouts"]],
        "budget overshoot of model calls, the worst run": [over.worst["calls"]],
        "budget overshoot of tokens, the worst run": [over.worst["tokens"]],
        "budget overshoot of money, the worst run": [over.worst["money"]],
    }


def _runtime(folder: Path, model: Reflector, agent: RuleAgent, *overrides: str) -> Runtime:
    folder.mkdir()
    return Runtime.compose(
        "+optimizer=reflection", *search.GATE, "optimizer.batch=3", "rounds=1000", "workers=64", *overrides,
        "splits={train: 30, val: 20, test: 0}", folder=folder, agent=agent,
        benchmark=Rules(rules(30, 30), rules(20, 30)), model=model,
    )  # fmt: skip


async def _evolved(runtime: Runtime) -> dict[str, Any]:
    async with runtime as ag:
        return await ag.evolve()
