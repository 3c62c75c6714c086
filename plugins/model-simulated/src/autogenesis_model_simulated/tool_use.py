"""Whether the model calls a tool, with which arguments, and what it reads from the result."""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from autogenesis_core import ToolCall
from autogenesis_model_simulated.draw import Draws
from autogenesis_model_simulated.policy import Policy
from autogenesis_model_simulated.rule import OWN_FAMILY
from autogenesis_model_simulated.schema import type_of
from autogenesis_model_simulated.tasks import Arithmetic, Conversion, Counting, Sorting, Task

# A tool's JSON schema is the provider's, so its values are of any type.
Tool = Mapping[str, Any]

_FITTING = {
    "arithmetic": r"calc|math|arith|evaluat|expression",
    "sorting": r"sort|alphabet|order",
    "counting": r"count|letter|occurrence",
    "conversion": r"conver|base|radix",
}
# How likely a fitting tool is called: told to, told not to, left alone.
_CALLS = {"do": 0.96, "dont": 0.01, None: 0.07}
# How likely an argument is copied wrong: left alone, told to check, told not to.
_COPIES_WRONG = {None: 0.035, "do": 0.025, "dont": 0.045}
_ERROR = re.compile(
    r"^\W*(?:\w*error|exception|traceback|invalid|failed|cannot|unknown|could not)|\bis not valid\b", re.IGNORECASE
)


def function(tool: Tool) -> Mapping[str, Any]:
    """The function of a tool: name, description, parameters."""
    inner: Mapping[str, Any] = tool.get("function", tool)
    return inner


def wanted_tool(tools: Sequence[Tool], family: str, policy: Policy) -> Mapping[str, Any] | None:
    """The tool that the model would call for a question of `family`, or None if it would rather think."""
    offered = [function(tool) for tool in tools]
    told = [tool for tool in offered if _stance(tool, family, policy) == "do"]
    candidates = told or [tool for tool in offered if _fits(tool, family)]
    if not candidates:
        return None
    tool = min(candidates, key=lambda tool: (not _named_for(tool, policy), not _fits(tool, family)))
    stance = _stance(tool, family, policy)
    return tool if policy.draws.chance("call a tool", _CALLS[stance] - policy.confusion() / 4) else None


def call(tool: Mapping[str, Any], task: Task, policy: Policy, draws: Draws) -> ToolCall:
    """A call of `tool` with arguments made from its JSON schema by the names and types of the parameters."""
    if draws.chance("copy", _COPIES_WRONG[policy.stance("verify")]):
        task = _miscopied(task, draws)
    schema = tool.get("parameters") or {}
    properties: Mapping[str, Any] = schema.get("properties") or {}
    required = set(schema.get("required") or ())
    material = _material(task)
    # What a tool of another family asks for is not in the question, so it gets the gist of it.
    arguments = {
        name: _coerced(_argument(name, material, _gist(task)), type_of(kind))
        for name, kind in properties.items()
        if name in required or _argument(name, material, None) is not None
    }
    number = int(draws.unit(f"call {tool['name']}") * 16**8)
    return ToolCall(f"call_{number:08x}", str(tool["name"]), json.dumps(arguments, ensure_ascii=False))


def result_of(content: object) -> str | None:
    """The value in a tool's result as the model reads it, or None if the result is an error or empty."""
    text = content if isinstance(content, str) else json.dumps(content, ensure_ascii=False)
    text = re.sub(r"^(?:result|output|answer)\s*[:=]\s*", "", text.strip(), flags=re.IGNORECASE)
    if not text or _ERROR.search(text[:200]):
        return None
    try:
        return _read(json.loads(text))
    except ValueError:
        return text


def _read(value: object) -> str | None:
    if isinstance(value, Mapping):
        if any("error" in str(key).lower() and value[key] for key in value):
            return None
        keys = [key for key in ("result", "value", "output", "answer", "text") if key in value] or list(value)
        return _read(value[keys[0]]) if keys else None
    if isinstance(value, list):
        return ", ".join(str(item) for item in value)
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return None if value is None else str(value)


def _stance(tool: Mapping[str, Any], family: str, policy: Policy) -> str | None:
    """What the prompt wants of a tool: what it says of the tool itself, else of tools as such if the tool fits."""
    own = policy.stance("use_tool", tool["name"])
    return own or (policy.stance("use_tool", "any") if _fits(tool, family) else None)


def _named_for(tool: Mapping[str, Any], policy: Policy) -> bool:
    """Whether a rule names the tool for this very family."""
    wish = ("use_tool", "do", policy.family, tool["name"])
    return any((rule.intent, rule.value, rule.task, rule.tool) == wish for rule in policy.rules)


def _fits(tool: Mapping[str, Any], family: str) -> bool:
    name = str(tool["name"])
    if name in OWN_FAMILY:
        return OWN_FAMILY[name] == family
    about = f"{name} {tool.get('description', '')}"
    return bool(re.search(_FITTING[family], about, re.IGNORECASE))


def _material(task: Task) -> dict[str, object]:
    """What can be copied from the question, under the names that parameters have."""
    if isinstance(task, Arithmetic):
        return {"expression|expr|formula|equation|query|input|calculation": task.expression}
    if isinstance(task, Sorting):
        return {
            "words|items|list|values|strings|terms|entries|elements": list(task.words),
            "descending|reverse|desc|reversed": task.descending,
            "ascending|asc": not task.descending,
            "order|direction": "descending" if task.descending else "ascending",
            "text|input|string": ", ".join(task.words),
        }
    if isinstance(task, Counting):
        return {
            "text|string|sentence|passage|input|haystack|word": task.text,
            "letter|char|character|needle|symbol|substring": task.letter,
        }
    return {
        "number|value|digits|num|n|numeral|input": task.number,
        "from_base|source_base|base_from|source|from|fromBase|frm": task.source,
        "to_base|target_base|base_to|target|to|toBase|base": task.target,
    }


def _argument(name: str, material: Mapping[str, object], otherwise: object) -> object:
    """What goes into the parameter `name`."""
    return next((value for names, value in material.items() if name in names.split("|")), otherwise)


def _gist(task: Task) -> object:
    """The part of the question that is not instruction."""
    if isinstance(task, Arithmetic):
        return task.expression
    if isinstance(task, Sorting):
        return list(task.words)
    return task.text if isinstance(task, Counting) else task.number


def _coerced(value: object, kind: str) -> object:
    """`value` in a parameter of JSON type `kind`, as well as a small model can."""
    if kind in {"integer", "number"}:
        return int(value) if isinstance(value, int) or (isinstance(value, str) and value.isdigit()) else 0
    if kind == "boolean":
        return bool(value)
    if kind == "array":
        return value if isinstance(value, list) else [str(value)] if value is not None else []
    if isinstance(value, list):
        return ", ".join(str(item) for item in value)
    return "" if value is None else str(value)


def _miscopied(task: Task, draws: Draws) -> Task:
    """The task with a part of it lost or changed on the way into the arguments."""
    if isinstance(task, Arithmetic):
        digits = [match.start() for match in re.finditer(r"\d", task.expression)]
        at = draws.choice("which digit to change", digits)
        other = str((int(task.expression[at]) + 1) % 10)
        return Arithmetic(task.expression[:at] + other + task.expression[at + 1 :])
    if isinstance(task, Sorting):
        lost = draws.index("which word to lose", len(task.words))
        return Sorting(task.words[:lost] + task.words[lost + 1 :], task.descending)
    if isinstance(task, Counting):
        return Counting(task.text.rpartition(" ")[0] or task.text[:-1], task.letter)
    return Conversion(task.number, task.target, task.source)
