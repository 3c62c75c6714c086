"""The optimizer: Reflect and Select by a model; the core does the rest."""

from collections.abc import Callable, Mapping, Sequence
from importlib.resources import files
from typing import Any, ClassVar, TypeVar

from attrs import field, frozen

from autogenesis_core import (
    ConfigurationError,
    Edit,
    Hypothesis,
    InputError,
    InvalidAnswer,
    Record,
    SeplContext,
    hookimpl,
    parse_prompt,
    unknown,
)
from autogenesis_optimizer_reflection import material
from autogenesis_optimizer_reflection.reply import EDITS, HYPOTHESES, read_edits, read_hypotheses

_PACKAGE = "autogenesis_optimizer_reflection"
_HYPOTHESES = 3  # that are asked for at most
_Found = TypeVar("_Found")


@frozen
class ReflectionOptimizer:
    """Shows a model traces of failures, asks for hypotheses about their causes, then for edits.

    Arguments:
        rounds: of a run, each of as many proposals as the run is wide
        batch: train rollouts that are read for a proposal
        max_edits: variables that one proposal changes at most
        prompt: the prompt that the model gets, with the sections `reflect` and `select`
    """

    concurrent: ClassVar[bool] = True  # it keeps nothing from one proposal to the next

    rounds: int = field(default=3)
    batch: int = field(default=24)
    max_edits: int = field(default=2)
    prompt: str = "reflection"

    @rounds.validator
    @batch.validator
    @max_edits.validator
    def _check_count(self, attribute: Any, value: int) -> None:  # attrs' Attribute of any type
        if value < 1:
            raise InputError(f"{attribute.name} is {value}; it must be at least 1", f"optimizer.{attribute.name}=1")

    @hookimpl
    async def sepl_reflect(self, context: SeplContext) -> Sequence[Hypothesis]:
        """Hypotheses about the failures of this round's rollouts; if all succeed none, and the model is not asked."""
        variables = material.texts(context)
        traces = await context.traces()
        failures, successes = material.instructive(traces)
        if not failures:
            return []
        prose = (
            f"Of {len(traces)} rollouts {len(failures)} failed and {len(successes)} succeeded. "
            f"Give at most {_HYPOTHESES} hypotheses about the causes of the failures."
        )
        text = material.message(prose, context, variables, rollouts=material.rollouts(failures, successes))

        def read(parsed: object) -> tuple[list[Hypothesis], list[str]]:
            return read_hypotheses(parsed, context, variables)[:_HYPOTHESES], []

        return await self._ask(context, "reflect", text, HYPOTHESES, read)

    @hookimpl
    async def sepl_select(self, context: SeplContext, hypotheses: Sequence[Hypothesis]) -> Sequence[Edit]:
        """Edits that follow from the hypotheses, at most `max_edits`, each valid and of another variable."""
        if not hypotheses:
            return []
        variables = material.texts(context)
        edits = "one edit" if self.max_edits == 1 else f"{self.max_edits} edits"
        prose = f"Give at most {edits}."
        text = material.message(prose, context, variables, hypotheses=material.hypotheses(hypotheses))

        def read(parsed: object) -> tuple[list[Edit], list[str]]:
            edits, problems = read_edits(parsed, context, variables, hypotheses)
            return edits[: self.max_edits], problems

        return await self._ask(context, "select", text, EDITS, read)

    async def _ask(
        self,
        context: SeplContext,
        section: str,
        text: str,
        schema: Mapping[str, Any],
        read: Callable[[object], tuple[list[_Found], list[str]]],
    ) -> list[_Found]:
        """What `read` finds in the model's answer; if that is nothing it can use, the model is asked once more.

        Raises InvalidAnswer if it has nothing usable to say then either.
        """
        system = {"role": "system", "content": self._section(context, section)}
        problems: list[str] = []
        for _ in range(2):
            messages = [system, {"role": "user", "content": _again(problems) + text}]
            try:
                found, problems = read((await context.model(messages, schema=schema)).parsed)
            except InvalidAnswer as error:
                found, problems = [], [error.reason]
            except ConfigurationError as error:
                found, problems = [], [f"{path}: {problem}" for path, problem in error.problems]
            if found or not problems:
                return found
        raise InvalidAnswer(f"the model's {section} answer cannot be used: {'; '.join(problems)}"[:500])

    def _section(self, context: SeplContext, section: str) -> str:
        """A section of the composed prompt, or of the one that comes with this package."""
        record = context.records.get(f"prompt/{self.prompt}") or _shipped(self.prompt)
        if section not in record.parameters:
            raise unknown(f"section in prompt/{self.prompt}", section, record.parameters)
        return str(record.parameters[section])


def _shipped(name: str) -> Record:
    file = files(_PACKAGE) / "prompts" / f"{name}.md"
    if not file.is_file():
        raise unknown("prompt", name, ["reflection"])
    return parse_prompt(file.read_text(encoding="utf-8"), name, "autogenesis-optimizer-reflection")


def _again(problems: Sequence[str]) -> str:
    listed = "\n".join(f"- {problem}" for problem in problems)
    return f"Your last answer could not be used:\n{listed}\nAnswer again, with that mended.\n\n" if problems else ""
