"""Where a new line of a prompt goes, and the variable's text with it."""

import re
from collections.abc import Sequence

from autogenesis_model_simulated.block import Variable
from autogenesis_model_simulated.grammar import parse_rules
from autogenesis_model_simulated.rule import Rule

_UNEDITABLE = re.compile(r"\{\{|\{%|\{#|^\s{0,3}##?\s", re.MULTILINE)
_CODE = re.compile(r"\b(?:source|code|weights|settings|plan)\b", re.IGNORECASE)
_RULES = re.compile(r"rule|instruction|guideline|behavio", re.IGNORECASE)


def targets(rule: Rule | None, variables: Sequence[Variable]) -> list[Variable]:
    """The variables that a line may go into, the most fitting first: `#tools` for rules about tools, else `#rules`."""
    editable = [variable for variable in variables if _editable(variable)]
    about_tools = rule is not None and rule.intent == "use_tool"
    return sorted(editable, key=lambda variable: -_fitness(variable, about_tools))


def edited(text: str, line: str, tools: Sequence[str]) -> str:
    """`text` with `line`: for a line that says the contrary, else at the end; unchanged if it says so."""
    new = set(parse_rules(line, tools))
    lines = text.rstrip().split("\n") if text.strip() else []
    if (new and new <= set(parse_rules(text, tools))) or line in text:
        return text
    for index, old in enumerate(lines):
        said = parse_rules(old, tools)
        if said and all(rule.negated() in new for rule in said):
            return "\n".join([*lines[:index], _styled(line, lines), *lines[index + 1 :]])
    return "\n".join([*lines, _styled(line, lines)])


def _editable(variable: Variable) -> bool:
    kind = variable.id.partition("/")[0]
    return not (
        kind == "tool"
        or _CODE.search(f"{variable.id.rpartition('#')[2]} {variable.role}")
        or _UNEDITABLE.search(variable.value)
    )


def _fitness(variable: Variable, about_tools: bool) -> int:
    section = variable.id.rpartition("#")[2]
    about = f"{variable.role} {variable.description}"
    tools = 2 * ("tool" in section.lower()) + ("tool" in about.lower())
    rules = 2 * bool(_RULES.search(section)) + bool(_RULES.search(about))
    return 3 * tools + rules if about_tools else 3 * rules - tools


def _styled(line: str, lines: Sequence[str]) -> str:
    """`line` as an item of the list that the text ends with, if it ends with one."""
    last = lines[-1] if lines else "-"
    bullet = re.match(r"\s*([-*\u2022])(?:\s|$)", last)
    return f"{bullet.group(1)} {line}" if bullet else line
