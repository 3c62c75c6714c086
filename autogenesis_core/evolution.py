"""`evolve`: for people with an agent of their own."""

import inspect
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import attrs

from autogenesis_core.errors import InputError, shortened
from autogenesis_core.identity import JSON, digest
from autogenesis_core.rspl.function import FunctionAgent, call_function
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
    scorer: Callable[[str, JSON], Any],
    optimizer: str = "reflection",
    model: Model | None = None,
    folder: Path | None = None,
    threads: bool = False,
    batch: int = 1,
) -> dict[str, Any]:
    """Improves the variables of an agent that is a function of yours, whatever framework is inside it.

    Arguments:
        function: called as `function(input, **variables)`, sync or async; returns the answer
        variables: the values to start from, by name
        examples: (input, target) pairs or `{"input": …, "target": …}`; split into train, val and test by content. Those
            with the same `"cluster"` depend on each other: they stay in one split, and intervals count clusters
        scorer: `scorer(answer, target)`, sync or async, gives a number, higher is better, or a number and feedback
        overrides: further settings as on the command line, e.g. `"seed=3"`, `"budget.money=5"`
        threads: `function` and `scorer` are thread-safe: sync ones are called in threads, so that one that blocks does
            not hold up the others; nothing is called from a thread otherwise
        batch: more than 1: `function` is called as `function(inputs, **variables)`, with so many inputs at the most,
            and returns a list of answers; an answer must not depend on which others it is asked with

    Returns what result.json holds; `["variables"]` are the values after, as committed.
    """
    try:
        inspect.signature(function).bind("" if batch == 1 else [""], **variables)
    except TypeError as error:
        raise InputError(
            f"{function.__name__} cannot be called: {error}", "it is called as function(input, **variables)"
        ) from None
    runtime = Runtime.compose(
        f"+optimizer={optimizer}", *overrides, folder=folder, model=model,
        agent=FunctionAgent(function, dict(variables), threads, batch),
        benchmark=_Pairs(_questions(examples), scorer, threads),
    )  # fmt: skip
    async with runtime as ag:
        result = await ag.evolve()
        return {**result, "variables": dict(ag.agent.get_info(result["agent"]).parameters["variables"])}  # type: ignore[arg-type]  # a mapping, as given


@attrs.frozen(slots=False)
class _Pairs(Benchmark):
    """The examples and the scorer that a program gives."""

    questions: Sequence[Question]
    scorer: Callable[[str, JSON], Any]
    threads: bool = False

    def examples(self, sizes: Mapping[Split, int], seed: int) -> Mapping[Split, Sequence[Example]]:
        unique = {question.digest: question for question in self.questions}
        return split_by_content(list(unique.values()), sizes, seed)

    def score(self, example: Question, outcome: Outcome) -> Score | Awaitable[Score]:
        def score_of(given: object) -> Score:
            said = f"expected {example.target!r}, got {outcome.text!r}"
            return Score.of(given, getattr(self.scorer, "__name__", "the scorer"), example.id, said)

        async def later(given: Awaitable[object]) -> Score:
            return score_of(await given)

        given = call_function(self.scorer, outcome.text, example.target, threads=self.threads)
        return later(given) if inspect.isawaitable(given) else score_of(given)

    @property
    def digest(self) -> str:
        return digest([source_hash(self.scorer), getattr(self.scorer, "__qualname__", "")])


def _questions(examples: Sequence[Any]) -> list[Question]:  # pairs or mappings
    made = []
    for index, example in enumerate(examples):
        if isinstance(example, list | tuple) and len(example) == 2:
            example = {"input": example[0], "target": example[1]}
        if not isinstance(example, Mapping) or "input" not in example:
            raise InputError(
                f"examples[{index}] is {shortened(repr(example))}", 'an example is (input, target) or {"input": …}'
            )
        cluster = {"cluster": example["cluster"]} if "cluster" in example else {}
        made.append(Question(f"example-{index}", str(example["input"]), example.get("target"), cluster))
    return made
