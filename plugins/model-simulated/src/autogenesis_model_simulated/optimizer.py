"""The simulated model as an optimizer's model: it reflects on rollouts and writes edits.

It knows what stands in the request, sees a cause or two at a time, and about one of three of its proposals is
useless, harmful, or fitted to single examples, so that a gate has work.
"""

import json
import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from attrs import evolve, frozen

from autogenesis_model_simulated.block import Block, Hypothesis, Rollout, Variable, parse_block
from autogenesis_model_simulated.conversation import Conversation
from autogenesis_model_simulated.diagnosis import findings
from autogenesis_model_simulated.draw import Draws
from autogenesis_model_simulated.edit import edited, targets
from autogenesis_model_simulated.grammar import parse_rules
from autogenesis_model_simulated.pin import parse_pins
from autogenesis_model_simulated.rule import Rule
from autogenesis_model_simulated.wordings import USELESS, wording

_REMEDY = "Remedy: "
_FITTED, _USELESS, _HARMFUL = 0.1, 0.12, 0.13
# A cure that the prompt already states, or that was rejected before, is seldom thought of again.
_AGAIN = 0.1


def answer(schema: Mapping[str, Any], conversation: Conversation, draws: Draws) -> str | None:
    """The reply to an optimizer's request, or None if the schema is of another kind."""
    wanted = schema.get("properties") or {}
    if "hypotheses" not in wanted and "edits" not in wanted:
        return None
    block = parse_block(conversation.question)
    if block is None:
        return None
    drawn = evolve(draws, text=block.text)
    reply = {"hypotheses": reflect(block, drawn)} if "hypotheses" in wanted else {"edits": select(block, drawn)}
    return json.dumps(reply, ensure_ascii=False)


@frozen
class _Cause:
    seen: str
    cure: Rule
    examples: tuple[str, ...]


def reflect(block: Block, draws: Draws) -> list[dict[str, object]]:
    """One or two hypotheses about the rollouts' failures, the most frequent first, with some noise."""
    if draws.chance("fitted", _FITTED) and (pinned := _pinned(block, draws)):
        return [pinned]
    causes = _causes(block)
    if not causes:
        return []
    many = 2 if draws.chance("two causes", 0.45) else 1
    ranked = sorted(causes, key=lambda cause: -_weight(cause, block, draws))
    return [_hypothesis(cause, block, draws) for cause in ranked[:many]]


def select(block: Block, draws: Draws) -> list[dict[str, object]]:
    """An edit for each variable that the hypotheses are about; now and then something worse."""
    kind = draws.unit("kind of proposal")
    if not block.hypotheses:
        return []
    if kind < _USELESS:
        return _edits(block, [(block.hypotheses[0], [draws.choice("useless", USELESS)])], draws)
    if kind < _USELESS + _HARMFUL:
        return _edits(block, [(block.hypotheses[0], [_harmful(block, draws)])], draws)
    return _edits(block, [(hypothesis, _lines(hypothesis, block, draws)) for hypothesis in block.hypotheses], draws)


def _causes(block: Block) -> list[_Cause]:
    """What the rollouts show, each cause once with its examples."""
    grouped: dict[tuple[str, Rule], list[str]] = defaultdict(list)
    for rollout in block.rollouts:
        for finding in findings(rollout, block.tools):
            grouped[finding.seen, finding.cure].append(finding.example)
    return [_Cause(seen, cure, tuple(examples)) for (seen, cure), examples in grouped.items()]


def _weight(cause: _Cause, block: Block, draws: Draws) -> float:
    names = [tool.name for tool in block.tools]
    present = {rule for variable in block.variables for rule in parse_rules(variable.value, names)}
    refused = {rule for _, value in block.rejected for rule in parse_rules(value, names)} - present
    known = cause.cure in present or cause.cure in refused
    noise = 0.5 + draws.unit(f"noise {cause.cure}")
    return len(cause.examples) * noise * (_AGAIN if known else 1.0)


def _hypothesis(cause: _Cause, block: Block, draws: Draws) -> dict[str, object]:
    count = len(cause.examples)
    where = f"In {count} example{'s' if count > 1 else ''} {cause.seen}."
    remedy = wording(cause.cure, draws, f"remedy {cause.cure}")
    return {
        "text": f"{where} {_REMEDY}{remedy}",
        "variables": [variable.id for variable in targets(cause.cure, block.variables)[:1]],
        "examples": list(cause.examples),
    }


def _pinned(block: Block, draws: Draws) -> dict[str, object] | None:
    """A hypothesis that learns one example by heart, if a failed one is short enough to be learned."""
    failed = [rollout for rollout in block.rollouts if rollout.expected and rollout.score < 1 and _short(rollout)]
    if not failed:
        return None
    rollout = draws.choice("which example", failed)
    line = f"If asked for {_one_line(rollout.input)}, answer {_one_line(rollout.expected or '')}"
    return {
        "text": f"One answer was wrong. {_REMEDY}{line}",
        "variables": [variable.id for variable in targets(None, block.variables)[:1]],
        "examples": [rollout.example],
    }


def _short(rollout: Rollout) -> bool:
    return len(rollout.input) < 300


def _one_line(text: str) -> str:
    return re.sub(r"[{}#]", "", " ".join(text.split())).strip(" .")


def _lines(hypothesis: Hypothesis, block: Block, draws: Draws) -> list[str]:
    """The lines that a hypothesis asks for: its remedy, put into words anew."""
    remedy = hypothesis.text.rpartition(_REMEDY)[2]
    if pins := parse_pins(remedy):
        return [f"If asked for {_one_line(pin.question)}, answer {_one_line(pin.answer)}" for pin in pins]
    rules = parse_rules(remedy, [tool.name for tool in block.tools])
    return [wording(rule, draws, f"{rule}") for rule in rules]


def _harmful(block: Block, draws: Draws) -> str:
    """A rule that hurts: the contrary of a good one, or one that sends every question to one tool."""
    names = [tool.name for tool in block.tools]
    present = [rule for variable in block.variables for rule in parse_rules(variable.value, names)]
    options = [Rule("answer_format", "sentence", "all"), *(rule.negated() for rule in present)]
    options += [Rule("use_tool", "do", "all", name) for name in names]
    options += [Rule("precedence", "left_to_right", "arithmetic"), Rule("sort_order", "ignore_case", "sorting")]
    return wording(draws.choice("harmful", options), draws, "harmful")


def _edits(block: Block, wishes: Sequence[tuple[Hypothesis, list[str]]], draws: Draws) -> list[dict[str, object]]:
    """One edit for each variable that is to change, with all the lines that go into it."""
    names = [tool.name for tool in block.tools]
    values: dict[str, str] = {}
    reasons: dict[str, list[int]] = defaultdict(list)
    variables = {variable.id: variable for variable in block.variables}
    for index, (hypothesis, lines) in enumerate(wishes):
        for line in lines:
            target = _target(line, hypothesis, block, names)
            if target is None:
                continue
            before = values.get(target.id, target.value)
            values[target.id] = _fresh(evolve(target, value=before), line, block, draws)
            reasons[target.id].append(index)
    return [
        _edit(variable, values[name], [wishes[index][0] for index in reasons[name]], reasons[name])
        for name, variable in variables.items()
        if name in values and values[name] != variable.value
    ]


def _target(line: str, hypothesis: Hypothesis, block: Block, tools: Sequence[str]) -> Variable | None:
    """The variable that `line` belongs in: of those that the hypothesis names, if any can be edited."""
    rules = parse_rules(line, tools)
    fitting = targets(rules[0] if rules else None, block.variables)
    named = [variable for variable in fitting if variable.id in hypothesis.variables]
    return next(iter(named or fitting), None)


def _fresh(variable: Variable, line: str, block: Block, draws: Draws) -> str:
    """The variable's value with `line`, in other words if that very value was rejected (mostly)."""
    names = [tool.name for tool in block.tools]
    value = edited(variable.value, line, names)
    rules = parse_rules(line, names)
    for attempt in range(8):
        if (variable.id, value) not in block.rejected or not rules or draws.chance("repeat", _AGAIN):
            break
        value = edited(variable.value, wording(rules[0], draws, f"again {attempt}"), names)
    return value


def _edit(variable: Variable, value: str, why: Sequence[Hypothesis], indexes: Sequence[int]) -> dict[str, object]:
    examples = dict.fromkeys(example for hypothesis in why for example in hypothesis.examples)
    return {
        "variable": variable.id,
        "value": value,
        "reason": " ".join(dict.fromkeys(hypothesis.text.partition(_REMEDY)[0].strip() for hypothesis in why)),
        "hypotheses": list(dict.fromkeys(indexes)),
        "expects": list(examples),
    }
