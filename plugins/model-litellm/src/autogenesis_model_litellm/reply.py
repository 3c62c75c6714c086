"""A reply of litellm, into an answer of ours."""

from typing import Any

from autogenesis_core import ModelAnswer, Price, ToolCall, Usage

_FINISHED = ("stop", "tool_calls", "length", "content_filter")


# A reply is litellm's pydantic object, whose fields differ from provider to provider.
def answer(reply: Any, price: Price | None, latency: float) -> ModelAnswer:
    """The answer in `reply`; `price` is one's own, which comes before litellm's."""
    choice = reply.choices[0]
    calls = tuple(
        ToolCall(call.id or "", call.function.name or "", call.function.arguments or "")
        for call in choice.message.tool_calls or ()
    )
    usage = _usage(getattr(reply, "usage", None))
    return ModelAnswer(
        text=choice.message.content or "",
        tool_calls=calls,
        usage=usage,
        cost=_cost(reply) if price is None else price.of(usage),
        latency=latency,
        finish_reason=_finish_reason(choice.finish_reason, calls),
        logprobs=_logprobs(getattr(choice, "logprobs", None)),
        model=reply.model or "",
    )


def _finish_reason(given: str | None, calls: tuple[ToolCall, ...]) -> str:
    # Several providers say "stop" of a turn that ends in tool calls.
    if calls and given not in ("length", "content_filter"):
        return "tool_calls"
    return given if given in _FINISHED else "stop"


def _usage(usage: Any) -> Usage:
    details = getattr(usage, "prompt_tokens_details", None)
    return Usage(
        getattr(usage, "prompt_tokens", None) or 0,
        getattr(usage, "completion_tokens", None) or 0,
        getattr(details, "cached_tokens", None) or 0,
    )


def _cost(reply: Any) -> float | None:
    cost = reply._hidden_params.get("response_cost")
    return None if cost is None else float(cost)


def _logprobs(logprobs: Any) -> tuple[float, ...] | None:
    tokens = getattr(logprobs, "content", None)
    return tuple(token.logprob for token in tokens) if tokens else None
