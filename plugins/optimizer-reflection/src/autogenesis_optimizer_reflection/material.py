"""What the model is shown: variables, tools, rollouts, hypotheses and rejected edits, as one block of JSON."""

import json
from collections.abc import Callable, Mapping, Sequence
from itertools import islice

from autogenesis_core import JSON, Failed, Hypothesis, InputError, Question, Round, Scored, SeplContext, Trace, Variable

_FAILURES, _SUCCESSES, _REJECTED = 16, 4, 10  # so many of each are shown at most
_READ = 100  # of the history, from its end
_TEXT = 2000  # characters of an input, answer or feedback that are shown
_OUTSIDE = ("infra", "cancelled")  # failures that no text of the system has a part in


def texts(context: SeplContext) -> list[Variable]:
    """The trainable variables that are texts; raises InputError if there are none."""
    found = [variable for variable in context.trainable if isinstance(variable.value, str)]
    if not found:
        numbers = ", ".join(variable.id for variable in context.trainable) or "nothing"
        raise InputError(
            f"reflection edits texts, and none here is trainable ({numbers} is)",
            "+optimizer=evolution_strategy for weights; else loosen evolve= or pins=",
        )
    return found


def instructive(traces: Sequence[Trace]) -> tuple[list[Trace], list[Trace]]:
    """The failures to learn from, the worst first, and the successes: those of score 1, or of the best if more."""
    best = max((trace.result.value for trace in traces if isinstance(trace.result, Scored)), default=1.0)
    failures, successes = [], []
    for trace in traces:
        if _value(trace) >= max(best, 1.0):
            successes.append(trace)
        elif not (isinstance(trace.result, Failed) and trace.result.kind in _OUTSIDE):
            failures.append(trace)
    return sorted(failures, key=_value), successes


def rollouts(failures: Sequence[Trace], successes: Sequence[Trace]) -> list[JSON]:
    """The rollouts that are shown, failures first."""
    return [_rollout(trace) for trace in (*failures[:_FAILURES], *successes[:_SUCCESSES])]


def hypotheses(found: Sequence[Hypothesis]) -> list[JSON]:
    """Hypotheses in the order of their numbers."""
    return [{"text": h.text, "variables": list(h.variables), "examples": list(h.examples)} for h in found]


def message(prose: str, context: SeplContext, variables: Sequence[Variable], **more: list[JSON]) -> str:
    """The user's message: prose, then exactly one fenced block of JSON."""
    block: Mapping[str, JSON] = {
        "variables": [{"id": v.id, "description": v.description, "value": v.value} for v in variables],
        "tools": [{"name": name, "description": description} for name, description in context.tools.items()],
        **more,
        "rejected": _rejected(context),
        "predictions": _predictions(context),
    }
    # A fence within a value would end the block, so it is written with JSON's own escapes.
    text = json.dumps(block, ensure_ascii=False).replace("```", r"\u0060\u0060\u0060")
    return f"{prose}\n\n```json\n{text}\n```"


def _rollout(trace: Trace) -> dict[str, JSON]:
    example, result = trace.example, trace.result
    shown: dict[str, JSON] = {
        "example": example.id,
        "input": _cut(example.input),
        "expected": example.target if isinstance(example, Question) else None,
        "answer": None if isinstance(result, Failed) else _cut(trace.outcome.text),
        "score": None if isinstance(result, Failed) else result.value,
        "feedback": "" if isinstance(result, Failed) else _cut(result.feedback),
        "tools_used": list(trace.tools_used),
    }
    if isinstance(result, Failed):
        shown["failure"] = _cut(f"{result.kind}: {result.reason}")
    return shown


def _rejected(context: SeplContext) -> list[JSON]:
    rejected: list[JSON] = [
        {"variable": edit.variable, "value": _cut(str(edit.value)), "reason": earlier.verdict.reason}
        for earlier in _last(context.history, lambda earlier: earlier.verdict.decision == "reject" and earlier.edits)
        for edit in earlier.edits
    ]
    return rejected[-_REJECTED:]


def _predictions(context: SeplContext) -> list[JSON]:
    """How earlier edits' predictions held: which examples they should fix, and which of those they did."""
    return [
        {
            "variables": [edit.variable for edit in earlier.edits],
            "expected": list(earlier.expected),
            "held": [example for example in earlier.expected if example in earlier.fixed],
            "broken": list(earlier.broken),
        }
        for earlier in _last(context.history, lambda earlier: earlier.expected and earlier.tried)
    ]


def _last(history: Sequence[Round], wanted: Callable[[Round], object]) -> list[Round]:
    """The last of the history that are wanted, oldest first; a long history is not read to its beginning."""
    return list(islice(filter(wanted, islice(reversed(history), _READ)), _REJECTED))[::-1]


def _value(trace: Trace) -> float:
    return trace.result.value if isinstance(trace.result, Scored) else float("-inf")


def _cut(text: str) -> str:
    return text if len(text) <= _TEXT else f"{text[:_TEXT]}… ({len(text) - _TEXT} characters more)"
