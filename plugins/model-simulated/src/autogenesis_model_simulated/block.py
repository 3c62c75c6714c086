"""The JSON block of an optimizer's request: what it says of variables, tools, rollouts and hypotheses."""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from attrs import frozen

from autogenesis_model_simulated.rule import OWN_FAMILY

_FITTING = {
    "arithmetic": r"calc|math|arith",
    "sorting": r"sort|alphabet",
    "counting": r"count|occurrence",
    "conversion": r"conver|radix",
}


@frozen
class Variable:
    """A text that may be changed."""

    id: str
    role: str
    description: str
    value: str


@frozen
class ToolInfo:
    """A tool that the agent has."""

    name: str
    description: str

    def fits(self, family: str) -> bool:
        """Whether the tool seems made for questions of `family`."""
        if self.name in OWN_FAMILY:
            return OWN_FAMILY[self.name] == family
        return bool(re.search(_FITTING[family], f"{self.name} {self.description}", re.IGNORECASE))


@frozen
class Rollout:
    """An example, what was expected of it (None if nobody says), and what came of it."""

    example: str
    input: str
    expected: str | None
    answer: str | None
    score: float
    tools_used: tuple[str, ...]


@frozen
class Hypothesis:
    """A guess at why examples fail."""

    text: str
    variables: tuple[str, ...]
    examples: tuple[str, ...]


@frozen
class Block:
    """All that an optimizer's request says; parts that it lacks are empty."""

    variables: tuple[Variable, ...]
    tools: tuple[ToolInfo, ...]
    rollouts: tuple[Rollout, ...]
    hypotheses: tuple[Hypothesis, ...]
    rejected: frozenset[tuple[str, str]]
    text: str


def parse_block(message: str) -> Block | None:
    """The block in a message's fenced JSON, or None if there is none."""
    found = re.search(r"```json\s*(?=\{)", message)
    if found is None:
        return None
    try:
        data, end = json.JSONDecoder().raw_decode(message, found.end())
    except ValueError:
        return None
    return Block(
        tuple(_variable(item) for item in _items(data, "variables")),
        tuple(ToolInfo(_text(item, "name"), _text(item, "description")) for item in _items(data, "tools")),
        tuple(_rollout(item) for item in _items(data, "rollouts")),
        tuple(_hypothesis(item) for item in _items(data, "hypotheses")),
        frozenset((_text(item, "variable"), _text(item, "value")) for item in _items(data, "rejected")),
        message[found.end() : end],
    )


def _items(data: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
    found = data.get(name)
    return [item for item in found if isinstance(item, Mapping)] if isinstance(found, list) else []


def _text(item: Mapping[str, Any], name: str) -> str:
    return _plain(item.get(name)) or ""


def _plain(value: object) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False)


def _texts(value: object) -> tuple[str, ...]:
    parts = value if isinstance(value, Sequence) and not isinstance(value, str) else ()
    return tuple(str(part) for part in parts)


def _variable(item: Mapping[str, Any]) -> Variable:
    return Variable(_text(item, "id"), _text(item, "role"), _text(item, "description"), _text(item, "value"))


def _rollout(item: Mapping[str, Any]) -> Rollout:
    score = item.get("score")
    return Rollout(
        _text(item, "example"),
        _text(item, "input"),
        _plain(item.get("expected")),
        _plain(item.get("answer")),
        float(score) if isinstance(score, int | float) else 0.0,
        _texts(item.get("tools_used")),
    )


def _hypothesis(item: Mapping[str, Any]) -> Hypothesis:
    return Hypothesis(_text(item, "text"), _texts(item.get("variables")), _texts(item.get("examples")))
