"""The model service: one small interface to every model provider.

Messages have the shape of OpenAI's chat API (`{"role": ..., "content": ...}`, tool calls and tool results
included), tools and reply schemas are JSON schemas. A plugin makes one request and maps its provider's errors to
`autogenesis_core.errors.ModelError` and its kinds; only the core retries, meters and traces (`ModelClient`).
"""

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any, ClassVar, TypeAlias

from attrs import field, frozen

from autogenesis_core.identity import JSON

# A message is what the provider's JSON says, so its values are of any type.
Message: TypeAlias = Mapping[str, Any]


@frozen
class ToolCall:
    """A model's wish to call a tool; `arguments` is JSON text exactly as the model wrote it, so it may be malformed."""

    id: str
    name: str
    arguments: str


@frozen
class Usage:
    """Tokens of one call or of many."""

    input_tokens: int = 0
    output_tokens: int = 0
    cached_tokens: int = 0

    def __add__(self, other: "Usage") -> "Usage":
        return Usage(
            self.input_tokens + other.input_tokens,
            self.output_tokens + other.output_tokens,
            self.cached_tokens + other.cached_tokens,
        )


@frozen
class Price:
    """What a model costs, in US dollars a token."""

    input_token: float
    output_token: float

    def of(self, usage: Usage) -> float:
        """The price of `usage` in US dollars, without any discount for cached tokens."""
        return usage.input_tokens * self.input_token + usage.output_tokens * self.output_token


@frozen
class ModelRequest:
    """One request to a model.

    Arguments:
        messages: the conversation, in OpenAI's chat shape
        tools: the tools offered, each `{"type": "function", "function": {"name", "description", "parameters"}}`
        schema: a JSON schema that the reply's text must be JSON of
        temperature, max_tokens, seed, stop: sampling options; None leaves them to the provider
        logprobs: whether log-probabilities of the answer's tokens are wanted
    """

    messages: Sequence[Message]
    tools: Sequence[Mapping[str, Any]] = ()
    schema: Mapping[str, Any] | None = None
    temperature: float | None = None
    max_tokens: int | None = None
    seed: int | None = None
    stop: Sequence[str] = ()
    logprobs: bool = False


@frozen
class ModelAnswer:
    """One answer of a model.

    `parsed` is filled by the core where a schema was asked for. `cost` is in US dollars, None if unknown; `latency` in
    seconds. `logprobs` holds one log-probability a token where the provider offers them.
    `finish_reason` is "stop", "tool_calls", "length" or "content_filter".
    """

    text: str
    tool_calls: tuple[ToolCall, ...] = ()
    parsed: JSON = None
    usage: Usage = field(factory=Usage)
    cost: float | None = None
    latency: float = 0.0
    finish_reason: str = "stop"
    logprobs: tuple[float, ...] | None = None
    model: str = ""

    def message(self) -> dict[str, Any]:
        """The assistant's message that continues the conversation with this answer."""
        message: dict[str, Any] = {"role": "assistant", "content": self.text}
        if self.tool_calls:
            message["tool_calls"] = [
                {
                    "id": call.id,
                    "type": "function",
                    "function": {"name": call.name, "arguments": call.arguments},
                }
                for call in self.tool_calls
            ]
        return message


def answer_json(answer: ModelAnswer) -> dict[str, JSON]:
    """An answer as the journal keeps it."""
    usage = answer.usage
    return {
        "text": answer.text,
        "tool_calls": [[call.id, call.name, call.arguments] for call in answer.tool_calls],
        "usage": [usage.input_tokens, usage.output_tokens, usage.cached_tokens],
        "cost": answer.cost,
        "finish_reason": answer.finish_reason,
        "model": answer.model,
        **({} if answer.logprobs is None else {"logprobs": answer.logprobs}),
    }


def answer_of(body: Mapping[str, Any]) -> ModelAnswer:
    """The answer that the journal keeps."""
    return ModelAnswer(
        body["text"],
        tuple(ToolCall(*call) for call in body["tool_calls"]),
        usage=Usage(*body["usage"]),
        cost=body["cost"],
        finish_reason=body["finish_reason"],
        logprobs=tuple(body["logprobs"]) if "logprobs" in body else None,
        model=body["model"],
    )


class Model(ABC):
    """What a model plugin implements; its attrs fields are its settings in the configuration."""

    simulated: ClassVar[bool] = False

    @property
    @abstractmethod
    def id(self) -> str:
        """What people call the model, e.g. `openai/gpt-5-mini`."""

    @abstractmethod
    async def answer(self, request: ModelRequest) -> ModelAnswer:
        """One answer by one request, without retries; raises ModelError or one of its kinds."""

    async def stream(self, request: ModelRequest) -> AsyncIterator[str | ModelAnswer]:
        """The pieces of the answer's text as they come, and last the whole answer."""
        answer = await self.answer(request)
        if answer.text:
            yield answer.text
        yield answer

    async def price(self) -> Price | None:
        """What the model costs, or None if nobody knows."""
        return None


def model_settings(model: Model | None) -> dict[str, JSON]:
    """What of a model's settings decides its answers; part of every evaluation's key."""
    if model is None:
        return {}
    settings = [f for f in getattr(type(model), "__attrs_attrs__", ()) if f.metadata.get("parameter", True)]
    fields = [field.name for field in settings]
    return {"model": model.id, **{name: getattr(model, name) for name in fields if name not in ("api_key", "timeout")}}


def estimate_tokens(text: str) -> int:
    """About how many tokens a text has: a quarter of its bytes in UTF-8, rounded up.

    An estimate for where no tokenizer is known: within 15 % of cl100k's count on our contracts.
    """
    return -(-len(text.encode("utf-8", "surrogatepass")) // 4)
