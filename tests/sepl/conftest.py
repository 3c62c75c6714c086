"""What the tests of the loop share: a small system without a model whose score is what its skill says."""

import asyncio
import json
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from attrs import define, evolve, field, frozen

from autogenesis_core import (
    Agent,
    Answer,
    Benchmark,
    Edit,
    Hypothesis,
    Question,
    Runtime,
    Score,
    Vote,
    hookimpl,
    parse_prompt,
    variable,
)
from autogenesis_core.build import describe
from autogenesis_core.settings import BudgetLimits, Composition, Part, Resource, Settings, Splits


@frozen
class Skilled(Agent):
    """Is right on as many of ten tasks as its skill says."""

    uses_model = False
    skill: int = variable(default=3)
    style: str = variable(default="plain")
    fixed: str = "as installed"

    async def run(self, task, context):
        return Answer(task if int(task) % 10 < self.skill else f"?{task}")


class Digits(Benchmark):
    """Tasks that are numbers, each to be said again; ten in a row hold every last digit."""

    def examples(self, sizes, seed):
        starts = {"train": 0, "val": 1000, "test": 2000}
        return {
            split: [Question(f"{split}-{i}", str(starts[split] + i)) for i in range(size)]
            for split, size in sizes.items()
        }

    def score(self, example, outcome):
        return Score(float(outcome.text == example.input), f"{example.id} said {outcome.text}")


@define(eq=False)
class Proposes:
    """Proposes in each round the edits of a list, (variable, value) pairs; keeps the contexts that it saw."""

    plan: Sequence[Sequence[tuple[str, Any]]]
    contexts: list[Any] = field(factory=list)

    @property
    def rounds(self) -> int:
        return len(self.plan)

    @hookimpl
    async def sepl_reflect(self, context):
        self.contexts.append(context)
        return [Hypothesis("too little skill", ("agent/skilled#skill",))]

    @hookimpl
    async def sepl_select(self, context):
        return [Edit(variable_, value, "try it") for variable_, value in self.plan[context.round - 1]]


@define(eq=False)
class Better:
    """Commits what is better on val; keeps the assessments that it saw."""

    assessments: list[Any] = field(factory=list)

    @hookimpl
    async def sepl_gate(self, assessment):
        self.assessments.append(assessment)
        before, after = assessment.baseline.mean, assessment.candidate.mean
        better = None not in (before, after) and after > before
        return Vote("better", "commit" if better else "reject", f"{before} to {after}")


RULES = "---\nname: rules\ndescription: Rules\nsections:\n  fixed: {trainable: false}\n---\n## Style\nBe brief.\n\n## Fixed\nNever lie.\n"


def resource(agent: Agent, name: str = "skilled", kind: str = "agent") -> Resource:
    """A resource as a plugin would have brought it, of an object's class and with the object's own settings."""
    cls = type(agent)
    fields = [item for item in cls.__attrs_attrs__ if item.init and item.metadata.get("parameter", True)]
    values = {item.name: getattr(agent, item.name) for item in fields}
    return Resource(describe(kind, name, "A test's", cls, "tests", values), cls)


@pytest.fixture(name="resource", scope="session")
def _resource() -> Callable[..., Resource]:
    return resource


@pytest.fixture(scope="session")
def skilled() -> type[Skilled]:
    """The agent whose score is its skill."""
    return Skilled


@pytest.fixture(scope="session")
def digits() -> type[Digits]:
    """The benchmark of numbers."""
    return Digits


@pytest.fixture(scope="session")
def proposes() -> type[Proposes]:
    """The optimizer that follows a list."""
    return Proposes


@pytest.fixture(scope="session")
def better() -> type[Better]:
    """The gate that wants a better mean."""
    return Better


@pytest.fixture
def composition(tmp_path) -> Callable[..., Composition]:
    """A composition of these parts: `composition([3, 5], agent=…, seed=1, limits={"calls": 5})`.

    A plan's item that is a number is an edit of the skill; else it is a list of (variable, value) pairs.
    """

    def make(
        plan: Sequence[Any] = (),
        *,
        agent: Agent | None = None,
        optimizer: Any = None,
        gate: Any = None,
        more: Sequence[Resource] = (),
        sizes: tuple[int, int, int] = (10, 10, 10),
        limits: dict[str, Any] | None = None,
        benchmark: Benchmark | None = None,
        model: Any = None,
        folder: Any = None,
        **settings: Any,
    ) -> Composition:
        edits = [[("agent/skilled#skill", item)] if isinstance(item, int) else item for item in plan]
        gates = gate if isinstance(gate, list) else [gate or Better()]
        (folder or tmp_path).mkdir(exist_ok=True)
        return Composition(
            settings=Settings(splits=Splits(*sizes), budget=BudgetLimits(**(limits or {})), **settings),
            resources=[resource(agent or Skilled()), *more],
            benchmark=benchmark or Digits(),
            optimizer=Part("optimizer proposes", optimizer or Proposes(edits)),
            gates=[Part(f"gate {type(item).__name__.lower()} {number}", item) for number, item in enumerate(gates)],
            model=model,
            folder=folder or tmp_path,
        )

    return make


@pytest.fixture(scope="session")
def rules() -> Resource:
    """A prompt with a trainable section `style` and one that is not, `fixed`."""
    return Resource(parse_prompt(RULES, "rules", "tests"))


@frozen
class Ran:
    """What came of an evolution, and the store as it was left."""

    result: dict[str, Any]
    events: list[tuple[str, str]]
    heads: dict[str, str]
    values: dict[str, Any]
    journal: list[tuple[str, Any]]
    entries: list[Any]
    notes: list[str]
    traces: list[dict[str, Any]]
    fault: str | None


def read_journal(folder) -> list[tuple[str, Any]]:
    """What a run's journal holds, as (event, body)."""
    lines = (folder / "journal.jsonl").read_text().splitlines()
    return [(event, body) for event, _, body, _ in (json.loads(line.partition(" ")[2]) for line in lines)]


@pytest.fixture(scope="session")
def run() -> Callable[[Composition], Ran]:
    """Evolves a composition, and reads the store afterwards."""

    async def evolve_(made: Composition) -> Ran:
        async with Runtime(made) as ag:
            result = await ag.evolve()
            store = ag.store
            heads = {**store.heads("shipped"), **store.heads(ag.branch)}
            values = {
                f"{name}#{path}": value
                for name, head in heads.items()
                for path, value in store.record(head.digest).values().items()
            }
            lines = (ag.folder / "traces.jsonl").read_text().removesuffix("\n").split("\n")
            assert json.loads((ag.folder / "result.json").read_text()) == json.loads(json.dumps(result))
            return Ran(
                result,
                [(entry.event, entry.run) for entry in store.entries()],
                {name: head.version for name, head in heads.items()},
                values,
                read_journal(ag.folder),
                store.entries(),
                list(ag.notes),
                [json.loads(line) for line in lines],
                store.verify(),
            )

    return lambda made: asyncio.run(evolve_(made))


@pytest.fixture(scope="session")
def measured() -> Callable[[Composition], dict[str, Any]]:
    """The scores of a composition."""

    async def measure(made: Composition) -> dict[str, Any]:
        async with Runtime(evolve(made, optimizer=None, gates=())) as ag:
            return await ag.measure()

    return lambda made: asyncio.run(measure(made))
