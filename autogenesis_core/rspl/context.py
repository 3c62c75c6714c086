"""The run context of a rollout: what an agent may use, and nothing else."""

import random
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from attrs import define, field

from autogenesis_core.errors import BudgetExceeded, InputError, unknown
from autogenesis_core.identity import JSON, derive
from autogenesis_core.rspl.contract import Contract
from autogenesis_core.rspl.entity import Environment, EnvironmentSpec, Memory, Step
from autogenesis_core.rspl.prompt import Prompt
from autogenesis_core.rspl.toolbox import Toolbox
from autogenesis_core.services.client import ModelClient
from autogenesis_core.services.tracing import Span, Tracer

if TYPE_CHECKING:
    from autogenesis_core.rspl.dynamic import Live


@define
class EpisodeRun:
    """The composed environment as an agent acts in it; it counts rewards where the agent cannot."""

    environment: Environment
    seed: int
    reward: float = 0.0
    steps: int = 0

    @property
    def spec(self) -> EnvironmentSpec:
        """What the agent may know beforehand."""
        return self.environment.spec

    async def reset(self) -> Any:
        """The episode's first observation."""
        if self.steps:
            raise InputError("an episode begins once; this one has had steps already")
        return await self.environment.reset(self.seed)

    async def step(self, action: Any) -> Step:
        """What an action brings."""
        step = await self.environment.step(action)
        self.reward += step.reward
        self.steps += 1
        return step


@define
class Context:
    """What an agent may use in one rollout.

    Arguments:
        model: the task model; raises InputError when called if no model is set
        tools: the composed tools, with their schemas
        environment: the episode, if the example is one
        memory: the composed memory, if there is one
        seed: the rollout's; equal for the two systems that a gate compares
    """

    tools: Toolbox
    seed: int
    prompts: Mapping[str, Prompt] = field(factory=dict)
    environment: EpisodeRun | None = None
    memory: Memory | None = None
    tracer: Tracer = field(factory=Tracer)
    span: Span | None = None
    _model: Callable[[], ModelClient] | None = None
    _client: ModelClient | None = None  # made when it is asked for first
    live: "Live | None" = None

    def refresh(self) -> bool:
        """Takes new versions of tools and prompts if this run follows them (`follow: step`); whether any came.

        An agent that can go on with another prompt or other tools calls it before each of its steps.
        """
        if self.live is None or not self.live.refresh():
            return False
        system = self.live.system
        self.prompts, self.tools.set = system.prompts, system.tools
        if self.tools.library is not None:
            self.tools.library = self.tools.library.of(system)
        return True

    @property
    def model(self) -> ModelClient:
        """The task model's client."""
        if self._model is None:
            raise InputError(
                "no model is set", "AUTOGENESIS_MODEL=openai/gpt-5-mini   (or +model=litellm model.name=…)"
            )
        if self._client is None:
            self._client = self._model()
        return self._client

    @property
    def exceeded(self) -> BudgetExceeded | None:
        """What the budget said, if it refused a call."""
        return self._client.exceeded if self._client else None

    def prompt(self, name: str, /, **inputs: Any) -> list[dict[str, str]]:
        """A composed prompt rendered to messages; `inputs` fill its placeholders. Raises UnknownName, TemplateError."""
        if name not in self.prompts:
            raise unknown("prompt", name, self.prompts)
        return self.prompts[name].render(**inputs)

    @property
    def contract(self) -> Contract:
        """What the composed tools can do, in the form of a SKILL.md; made once for each set of versions."""
        return self.tools.set.contract

    def rng(self, purpose: str) -> random.Random:
        """Random numbers that are a function of the rollout's seed and the purpose alone."""
        return random.Random(derive(self.seed, purpose))  # noqa: S311  # reproducible, not secret

    def note(self, type_: str, **data: JSON) -> None:
        """Writes something into the trace."""
        with self.tracer.span(type_, self.span, **data):
            pass
