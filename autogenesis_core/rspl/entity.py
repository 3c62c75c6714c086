"""What the five kinds of resources are to a plugin author: base classes whose attrs fields are their parameters.

A class here is passive: it holds no optimisation logic and never changes itself. Its parameters come from a record
and are frozen; a changed parameter is another record and another instance.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Literal, TypeVar, get_args

from attrs import Factory, field, frozen

from autogenesis_core.identity import JSON

if TYPE_CHECKING:
    from autogenesis_core.rspl.context import Context

Kind = Literal["prompt", "agent", "tool", "environment", "memory"]
KINDS: tuple[Kind, ...] = get_args(Kind)

_T = TypeVar("_T")


def variable(default: _T = ..., *, factory: Any = None, trainable: bool = True) -> _T:  # type: ignore[assignment]  # attrs' own trick: a field stands where a value is annotated
    """An attrs field that optimizers may change, e.g. `weights: list[float] = variable(factory=list)`."""
    metadata = {"trainable": trainable}
    if factory is not None:
        return field(default=Factory(factory), metadata=metadata)  # type: ignore[no-any-return]
    return field(metadata=metadata) if default is ... else field(default=default, metadata=metadata)


@frozen
class Answer:
    """What an agent answers: text, and data where the task asks for more than text."""

    text: str
    data: JSON = None


class Agent(ABC):
    """Solves a task, or acts in an environment, with what its context offers."""

    uses_model: ClassVar[bool] = True

    @abstractmethod
    async def run(self, task: str, context: "Context") -> Answer | str:
        """The answer to `task`. In an episode `task` describes the environment and `context.environment` is set."""

    def complete(self, environment: "EnvironmentSpec | None") -> Mapping[str, JSON]:
        """Parameters that only the composed system can give, e.g. initial weights for this environment's spaces."""
        return {}


@frozen
class Step:
    """What one action brought: the next observation, the reward, and whether and why the episode ended."""

    observation: Any  # an environment's observations are of any type
    reward: float
    terminated: bool = False
    truncated: bool = False
    info: Mapping[str, Any] = field(factory=dict)

    @property
    def done(self) -> bool:
        """True after the last step."""
        return self.terminated or self.truncated


@frozen
class EnvironmentSpec:
    """What an agent may know of an environment before it acts.

    Arguments:
        id: names the dynamics, e.g. `CartPole-v1`; variables that fit one environment only are kept under it
        observation: JSON schema of an observation, or `{"type": "discrete", "n": 16}`, `{"type": "box", "shape": [4]}`
        action: the same of an action
        text: a description for agents that read
    """

    id: str
    observation: Mapping[str, JSON]
    action: Mapping[str, JSON]
    text: str = ""


class Environment(ABC):
    """A world with episodes; a new instance serves each rollout."""

    @property
    @abstractmethod
    def spec(self) -> EnvironmentSpec:
        """What an agent may know beforehand."""

    @abstractmethod
    async def reset(self, seed: int) -> Any:
        """The first observation of the episode that `seed` decides."""

    @abstractmethod
    async def step(self, action: Any) -> Step:
        """What `action` brings."""

    async def close(self) -> None:
        """Gives back what the episode held."""
        return


class Memory(ABC):
    """Keeps events and gives back what fits a query; a new instance serves each rollout of an evaluation."""

    @abstractmethod
    async def add(self, event: Mapping[str, JSON]) -> None:
        """Keeps one event, e.g. `{"role": "user", "content": "…"}`."""

    @abstractmethod
    async def recall(self, query: str, limit: int) -> Sequence[Mapping[str, JSON]]:
        """The events that fit `query`, oldest first, of at most `limit` tokens in all."""
