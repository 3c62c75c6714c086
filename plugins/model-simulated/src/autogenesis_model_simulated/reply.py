"""How the model puts a value into words, or not."""

import json
from collections.abc import Mapping
from typing import Any

from autogenesis_model_simulated.draw import Draws
from autogenesis_model_simulated.policy import Policy
from autogenesis_model_simulated.schema import instance, type_of
from autogenesis_model_simulated.tasks import Arithmetic, Conversion, Counting, Sorting, Task

UNKNOWN = "I am sorry, I do not know how to answer that."

# How likely the value is wrapped in words: left alone, told to give it alone, told to give a sentence.
_WRAPS = {None: 0.62, "value_only": 0.025, "sentence": 0.97}
# Thinking aloud and checking leave words around the value, far fewer where the prompt wants it alone.
_ALOUD = {None: 0.9, "value_only": 0.04, "sentence": 0.99}


def worded(value: str, task: Task, policy: Policy, draws: Draws) -> str:
    """The reply's text with `value` in it: bare, or in a sentence."""
    aloud = _aloud(task, policy)
    stance = policy.stance("answer_format")
    if not draws.chance("wrap", min((_ALOUD if aloud else _WRAPS)[stance] + policy.confusion() / 3, 0.99)):
        return value
    sentence = draws.choice("which sentence", _sentences(task)).format(value)
    return f"{aloud} {sentence}" if aloud else sentence


def structured(value: str, schema: Mapping[str, Any]) -> str:
    """JSON of `schema` with `value` in its first string property, else in its first number."""
    filled = instance(schema)
    properties: Mapping[str, Any] = schema.get("properties") or {}
    if isinstance(filled, dict):
        if text := _first(properties, ("string",)):
            filled[text] = value
        elif (number := _first(properties, ("integer", "number"))) and value.lstrip("-").isdigit():
            filled[number] = int(value)
    return json.dumps(filled, ensure_ascii=False)


def _first(properties: Mapping[str, Any], types: tuple[str, ...]) -> str | None:
    return next((name for name, kind in properties.items() if type_of(kind) in types), None)


def _aloud(task: Task, policy: Policy) -> str:
    """What the model says while it thinks; empty unless the prompt makes it think in steps or check."""
    if isinstance(task, Counting) and policy.stance("counting") == "letter_by_letter":
        return "Going through it letter by letter: " + " ".join(task.text.replace(" ", "")[:60]) + "."
    if isinstance(task, Conversion) and policy.stance("conversion") == "stepwise":
        return f"Step by step: {task.number} in base {task.source} is {int(task.number, task.source)} in decimal."
    return "I worked it out and checked it." if policy.stance("verify") == "do" else ""


def _sentences(task: Task) -> tuple[str, ...]:
    if isinstance(task, Arithmetic):
        return ("The answer is {}.", "The result is {}.", "The result of the calculation is {}.")
    if isinstance(task, Sorting):
        return ("The sorted list is: {}.", "Here are the words in order: {}.", "Sure! The words in order are {}.")
    if isinstance(task, Counting):
        letter = task.letter.replace("{", "{{").replace("}", "}}")
        return (f'The letter "{letter}" appears {{}} times in the text.', "The answer is {}.", "I count {}.")
    return (f"The number in base {task.target} is {{}}.", "The answer is {}.", "The converted number is {}.")
