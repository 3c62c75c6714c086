"""The settings of a run, and its built parts."""

import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from attrs import field, frozen, validators

from autogenesis_core.catalog import Composed, Plugin
from autogenesis_core.errors import ConfigurationError, UnknownName, shortened
from autogenesis_core.identity import JSON
from autogenesis_core.rspl.dynamic import Follow
from autogenesis_core.rspl.record import Record
from autogenesis_core.sepl.evaluation import Benchmark
from autogenesis_core.sepl.reducers import draws_needed
from autogenesis_core.services.executor import Executor
from autogenesis_core.services.model import Model

_positive: Any = validators.optional(validators.gt(0))  # attrs types a validator by the first field it serves


def _is_reducer(settings: "Settings", _: object, name: str) -> None:
    try:
        needed = draws_needed(name)
    except UnknownName as error:
        raise ConfigurationError([("reducer", f"{error.reason}; {error.hint}")]) from None
    if needed > settings.epochs and not settings.deterministic:
        raise ConfigurationError([("reducer", f"{name} needs epochs={needed} or more, not {settings.epochs}")])


def _is_branch(_: object, __: object, name: str | None) -> None:
    if name is not None and not re.fullmatch(r"[a-z][a-z0-9_\-]{0,63}", name):
        raise ConfigurationError(
            [("branch", f"'{shortened(name)}' is no name: a to z first, then a to z, 0 to 9, _, -")]
        )


@frozen
class BudgetLimits:
    """What a run may use: rollouts, model calls, tokens, US dollars, seconds; None is no limit."""

    rollouts: int | None = field(default=None, validator=_positive)
    calls: int | None = field(default=None, validator=_positive)
    tokens: int | None = field(default=None, validator=_positive)
    money: float | None = field(default=1.0, validator=_positive)
    seconds: float | None = field(default=None, validator=_positive)


@frozen
class Splits:
    """How many examples each split has at the most."""

    train: int = field(default=60, validator=validators.ge(0))
    val: int = field(default=50, validator=validators.ge(0))
    test: int = field(default=100, validator=validators.ge(0))


@frozen
class Settings:
    """The primary configuration's own values; `conf/autogenesis.yaml` says what each means."""

    seed: int = 0
    workdir: str | None = None
    branch: str | None = field(default=None, validator=_is_branch)
    workers: int = field(default=8, validator=validators.gt(0))
    timeout: float = field(default=600.0, validator=validators.gt(0))
    rounds: int | None = field(default=None, validator=_positive)
    width: int = field(default=1, validator=validators.gt(0))
    requests: int | None = field(default=None, validator=_positive)
    epochs: int = field(default=1, validator=validators.gt(0))
    reducer: str = field(default="mean", validator=_is_reducer)
    deterministic: bool = False
    goal: float | None = None
    commit: bool = True
    alpha: float = field(default=0.05, validator=[validators.gt(0), validators.lt(1)])
    pins: list[str] = field(factory=list)
    evolve: list[str] = field(factory=list)
    use: list[str] = field(factory=list)
    follow: Follow = "run"
    splits: Splits = field(factory=Splits)
    budget: BudgetLimits = field(factory=BudgetLimits)


@frozen
class Resource:
    """A selected resource: the record its plugin ships, its class (prompts have none), what this run sets otherwise."""

    record: Record
    cls: type[Any] | None = None
    overrides: Mapping[str, JSON] = field(factory=dict)
    instance: Any = None  # one that a program gave, of any class
    artifacts: Mapping[str, bytes] = field(factory=dict)  # the files of a skill, by SHA-256

    @property
    def uses_model(self) -> bool:
        """Whether it works by the composed model alone, and not by code of its own that may call anything."""
        return bool(getattr(self.cls, "uses_model", True))


@frozen
class Part:
    """A built part that is no resource: an optimizer, gate or observer, with the name it is known by."""

    name: str
    instance: Any  # each has a class of its plugin's own
    distribution: str = ""


@frozen
class Composition:
    """Everything that a Runtime is made of."""

    settings: Settings = field(factory=Settings)
    resources: Sequence[Resource] = ()
    model: Model | None = None
    benchmark: Benchmark | None = None
    optimizer: Part | None = None
    gates: Sequence[Part] = ()
    observers: Sequence[Part] = ()
    executor: Executor | None = None
    modules: Sequence[Part] = ()
    plugins: Sequence[Plugin] = ()
    composed: Composed = field(factory=lambda: Composed({}, {}, {}))  # what all this was built from
    find_class: Callable[[Record], type[Any]] | None = None  # of a record that none of the plugins here ships
    lock: Mapping[str, Any] | None = None  # the exported resources of a lock file, which stand for a store
    folder: Path = field(factory=Path.cwd)
    demonstration: bool = False
    overrides: tuple[str, ...] = ()  # as they were given, with what goes without saying
    given: tuple[str, ...] = ()  # the parts that a program gave as objects

    @property
    def config(self) -> Mapping[str, Any]:
        """The composed configuration, as the run folder keeps it."""
        return self.composed.config

    def chosen(self, kind: str) -> list[Resource]:
        """The selected resources of a kind, in the order of the configuration."""
        return [resource for resource in self.resources if resource.record.kind == kind]
