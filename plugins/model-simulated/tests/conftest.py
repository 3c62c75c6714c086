"""Stand-ins for the four tools, and a way to put questions to the simulated model with them."""

import asyncio
import json
import re
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from autogenesis_core import ModelAnswer, ModelRequest
from autogenesis_model_simulated.model import SimulatedModel

PLAIN = "You are a helpful assistant. Answer the user's question."
DATASETS = {
    "arithmetic": "basic_arithmetic",
    "sorting": "word_sorting",
    "counting": "letter_counting",
    "conversion": "base_conversion",
}


def _tool(name: str, properties: dict[str, Any], optional: Sequence[str] = ()) -> dict[str, Any]:
    required = [key for key in properties if key not in optional]
    parameters = {"type": "object", "properties": properties, "required": required}
    return {"type": "function", "function": {"name": name, "description": name, "parameters": parameters}}


_TEXT, _NUMBER = {"type": "string"}, {"type": "integer"}
TOOLS = (
    _tool("calculator", {"expression": _TEXT}),
    _tool(
        "sort_words", {"words": {"type": "array", "items": _TEXT}, "descending": {"type": "boolean"}}, ["descending"]
    ),
    _tool("count_letters", {"text": _TEXT, "letter": _TEXT}),
    _tool("convert_base", {"number": _TEXT, "from_base": _NUMBER, "to_base": _NUMBER}),
)


def calculator(expression: str) -> str:
    if not re.fullmatch(r"[\d\s+\-*/().]+", expression):
        return "Error: that is no arithmetic expression"
    return str(eval(expression.replace("/", "//")))


def sort_words(words: list[str], descending: bool = False) -> str:
    return json.dumps(sorted(words, reverse=descending))


def count_letters(text: str, letter: str) -> str:
    return str(text.lower().count(letter.lower()))


def convert_base(number: str, from_base: int, to_base: int) -> str:
    value, digits = int(number, from_base), ""
    while value or not digits:
        value, digit = divmod(value, to_base)
        digits = "0123456789abcdefghijklmnopqrstuvwxyz"[digit] + digits
    return digits


_RUN: dict[str, Callable[..., str]] = {
    run.__name__: run for run in (calculator, sort_words, count_letters, convert_base)
}


class Bench:
    """The simulated model with the four tools at hand."""

    tools = TOOLS
    plain = PLAIN

    def answer(self, request: ModelRequest, seed: int = 0) -> ModelAnswer:
        return asyncio.run(SimulatedModel(seed).answer(request))

    def ask(
        self, prompt: str, question: str, tools: Sequence[dict[str, Any]] = TOOLS, seed: int = 0
    ) -> tuple[str, list[str]]:
        """The final text, and the names of the tools that were called on the way."""
        messages: list[dict[str, Any]] = [
            {"role": "system", "content": prompt},
            {"role": "user", "content": question},
        ]
        used: list[str] = []
        for _ in range(3):
            answer = self.answer(ModelRequest(tuple(messages), tools=tools, seed=seed))
            if not answer.tool_calls:
                break
            messages.append(answer.message())
            for call in answer.tool_calls:
                used.append(call.name)
                messages.append(
                    {"role": "tool", "tool_call_id": call.id, "content": self.run(call.name, call.arguments)}
                )
        return answer.text, used

    def run(self, name: str, arguments: str) -> str:
        try:
            return _RUN[name](**json.loads(arguments))
        except (ValueError, ArithmeticError, SyntaxError) as error:
            return f"Error: {error}"

    def score(self, prompt: str, family: str, tools: Sequence[dict[str, Any]] = TOOLS, size: int = 60) -> float:
        """The mean score over reasoning-gym questions of `family`."""
        gym = pytest.importorskip("reasoning_gym")
        dataset = gym.create_dataset(DATASETS[family], size=size, seed=11)
        scores = [
            dataset.score_answer(self.ask(prompt, entry["question"], tools)[0].strip(), entry) for entry in dataset
        ]
        return sum(scores) / size

    def mix(self, prompt: str, tools: Sequence[dict[str, Any]] = TOOLS, size: int = 60) -> float:
        """The mean score over equal shares of all families."""
        return sum(self.score(prompt, family, tools, size) for family in DATASETS) / len(DATASETS)


@pytest.fixture
def bench() -> Bench:
    return Bench()
