"""What the model answers: the shapes of hypotheses and edits, and which edits can be used."""

from collections.abc import Mapping, Sequence
from typing import Any

from attrs import frozen

from autogenesis_core import Edit, Hypothesis, InputError, Patch, SeplContext, Variable, structure, unknown


def _array(items: Mapping[str, Any]) -> Mapping[str, Any]:
    return {"type": "array", "items": items}


def _object(properties: Mapping[str, Any]) -> Mapping[str, Any]:
    """In the strict form of structured outputs: everything is required, nothing else is allowed."""
    return {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}


_STRING = {"type": "string"}
OPS = ("add", "replace", "delete")
HYPOTHESES = _object(
    {"hypotheses": _array(_object({"text": _STRING, "variables": _array(_STRING), "examples": _array(_STRING)}))}
)
EDITS = _object(
    {
        "edits": _array(
            _object(
                {
                    "variable": _STRING,
                    "value": {"type": ["string", "null"]},
                    "patches": _array(
                        _object({"op": {"type": "string", "enum": [*OPS]}, "span": _STRING, "text": _STRING})
                    ),
                    "reason": _STRING,
                    "hypotheses": _array({"type": "integer"}),
                    "expects": _array(_STRING),
                }
            )
        )
    }
)


@frozen
class _Supposed:
    text: str
    variables: tuple[str, ...]
    examples: tuple[str, ...]


@frozen
class _Supposals:
    hypotheses: list[_Supposed]


@frozen
class _Proposed:
    variable: str
    value: str | None = None
    reason: str = ""
    hypotheses: tuple[int, ...] = ()
    expects: tuple[str, ...] = ()
    patches: tuple[Patch, ...] = ()


@frozen
class _Proposals:
    edits: list[_Proposed]


def read_hypotheses(parsed: object, context: SeplContext, variables: Sequence[Variable]) -> list[Hypothesis]:
    """The hypotheses of an answer, about what exists; raises ConfigurationError for an answer of another shape."""
    known, train = {variable.id for variable in variables}, context.train_ids
    return [
        Hypothesis(
            supposed.text.strip(),
            tuple(name for name in supposed.variables if name in known),
            tuple(example for example in supposed.examples if example in train),
        )
        for supposed in structure(parsed, _Supposals, "answer").hypotheses
        if supposed.text.strip()
    ]


def read_edits(
    parsed: object, context: SeplContext, variables: Sequence[Variable], hypotheses: Sequence[Hypothesis]
) -> tuple[list[Edit], list[str]]:
    """The edits of an answer that can be used, one a variable, and what is wrong with the others.

    Raises ConfigurationError for another shape.
    """
    values = {variable.id: str(variable.value) for variable in variables}
    train = context.train_ids
    edits: dict[str, Edit] = {}
    problems: list[str] = []
    for proposed in structure(parsed, _Proposals, "answer").edits:
        edit = Edit(
            proposed.variable,
            proposed.value.strip("\n") if proposed.value is not None and not proposed.patches else None,
            proposed.reason.strip(),
            tuple(number for number in proposed.hypotheses if 0 <= number < len(hypotheses)),
            tuple(example for example in proposed.expects if example in train),
            proposed.patches,
        )
        if problem := _problem(edit, context, values):
            problems.append(problem)
        else:
            edits.setdefault(edit.variable, edit)
    return list(edits.values()), problems


def _problem(edit: Edit, context: SeplContext, values: Mapping[str, str]) -> str:
    if edit.variable not in values:
        return unknown("text to edit", edit.variable, values).reason
    if edit.value is None and not edit.patches:
        return f"the edit of {edit.variable} has neither a value nor patches"
    try:
        made = context.improve([edit])
    except InputError as error:
        return f"the edit of {edit.variable} is not valid: {error.reason}"
    if str(made.edits[0].value).strip() == values[edit.variable].strip():
        return f"the edit of {edit.variable} changes nothing"
    return ""
