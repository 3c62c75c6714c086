"""`evolve`: for people with an agent of their own."""

import inspect
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import attrs

from autogenesis_core.errors import InputError
from autogenesis_core.identity import JSON, digest
from autogenesis_core.rspl.function import FunctionAgent
from autogenesis_core.rspl.record import source_hash
from autogenesis_core.runtime import Runtime
from autogenesis_core.sepl.evaluation import Benchmark, Example, Outcome, Question, Score, Split
from autogenesis_core.sepl.splits import split_by_content
from autogenesis_core.services.model import Model


async def evolve(
    function: Callable[..., Any],
    *overrides: str,
    variables: Mapping[str, JSON],
    examples: Sequence[tuple[str, JSON]] | Sequence[Mapping[str, JSON]],
    scorer: Callable[[str, JSON], float],
    optimizer: str = "reflection",
    model: Model | None = None,
    folder: Path | None = None,
) -> dict[str, Any]:
    """Improves the variables of an agent that is a function of yours, whatever framework is inside it.

    Arguments:
        function: called as `function(input, **variables)`, sync or async; returns the answer
        variables: the values to start from, by name
        examples: (input, target) pairs or `{"input": …, "target": …}`; split into train, val and test by content
        scorer: `scorer(answer, target)` gives a number, higher is better
        overrides: further settings as on the command line, e.g. `"seed=3"`, `"budget.money=5"`

    Returns what result.json holds; `["variables"]` are the values after, as committed.
    """
    try:
        inspect.signature(function).bind("", **variables)
    except TypeError as error:
        raise InputError(
            f"{function.__name__} cannot be called: {error}", "it is called as function(input, **variables)"
        ) from None
    runtime = Runtime.compose(
        f"+optimizer={optimizer}", *overrides, folder=folder, model=model,
        agent=FunctionAgent(function, dict(variables)), benchmark=_Pairs(_questions(examples), scorer),
    )  # fmt: skip
    async with runtime as ag:
        result = await ag.evolve()
        return {**result, "variables": dict(ag.agent.get_info(result["agent"]).parameters["variables"])}  # type: ignore[arg-type]  # a mapping, as given


@attrs.frozen(slots=False)
class _Pairs(Benchmark):
    """The examples and the scorer that a program gives."""

    questions: Sequence[Question]
    scorer: Callable[[str, JSON], float]

    def examples(self, sizes: Mapping[Split, int], seed: int) -> Mapping[Split, Sequence[Example]]:
        unique = {question.digest: question for question in self.questions}
        return split_by_content(list(unique.values()), sizes, seed)

    def score(self, example: Question, outcome: Outcome) -> Score:
        value = float(self.scorer(outcome.text, example.target))
        return Score(value, f"expected {example.target!r}, got {outcome.text!r}")

    @property
    def digest(self) -> str:
        return digest([source_hash(self.scorer), getattr(self.scorer, "__qualname__", "")])


def _questions(examples: Sequence[Any]) -> list[Question]:  # pairs or mappings
    made = []
    for index, example in enumerate(examples):
        text, target = (example["input"], example.get("target")) if isinstance(example, Mapping) else example
        made.append(Question(f"example-{index}", str(text), target))
    return made
