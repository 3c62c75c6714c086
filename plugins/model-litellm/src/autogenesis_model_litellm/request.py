"""A request, from our shape into the arguments of litellm."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from autogenesis_core import BadRequest, ModelRequest

_NAMES_OF_SCHEMAS = ("properties", "$defs", "definitions")
_SCHEMAS = ("items", "additionalProperties", "not", "if", "then", "else")
_LISTS_OF_SCHEMAS = ("anyOf", "oneOf", "allOf", "prefixItems")


def options(model: str, request: ModelRequest, supported: Sequence[str] | None, *, plain: bool) -> dict[str, Any]:
    """What litellm's completion is called with for `request`.

    Arguments:
        model: the model's name, for errors
        supported: the options that the model takes, None if nobody knows
        plain: ask for the schema in words, for a model that has no option for it
    Raises BadRequest for what cannot be left out and is not supported: tools and stop texts.
    """
    for option, asked in (("tools", request.tools), ("stop", request.stop)):
        if asked and supported is not None and option not in supported:
            raise BadRequest(f"{model} takes no {option}")
    plain = plain or (supported is not None and "response_format" not in supported)
    messages = [dict(message) for message in request.messages]
    if request.schema is not None and plain:
        messages = _instructed(messages, request.schema)
    chosen = {
        "messages": messages,
        "tools": [dict(tool) for tool in request.tools] or None,
        "response_format": None if request.schema is None or plain else _response_format(request.schema),
        "temperature": request.temperature,
        "max_tokens": request.max_tokens,
        "seed": request.seed,
        "stop": list(request.stop) or None,
        "logprobs": request.logprobs or None,
    }
    return {name: value for name, value in chosen.items() if value is not None}


def strict(schema: object) -> bool:
    """Whether a provider's strict mode takes `schema`: each object closed, all of its properties required."""
    if not isinstance(schema, Mapping):
        return True
    properties = schema.get("properties")
    if properties is not None or schema.get("type") == "object":
        if schema.get("additionalProperties") is not False:
            return False
        if set(properties or ()) != set(schema.get("required", ())):
            return False
    return all(strict(part) for part in _parts(schema))


def _parts(schema: Mapping[str, Any]) -> list[object]:
    named = [part for key in _NAMES_OF_SCHEMAS for part in schema.get(key, {}).values()]
    listed = [part for key in _LISTS_OF_SCHEMAS for part in schema.get(key, ())]
    return [*named, *listed, *(schema[key] for key in _SCHEMAS if key in schema)]


def _response_format(schema: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "type": "json_schema",
        "json_schema": {"name": "answer", "schema": dict(schema), "strict": strict(schema)},
    }


def _instructed(messages: list[dict[str, Any]], schema: Mapping[str, Any]) -> list[dict[str, Any]]:
    text = f"Answer with nothing but JSON of this JSON schema, without a code fence:\n{json.dumps(schema)}"
    first = messages[0] if messages else {}
    if first.get("role") == "system" and isinstance(first.get("content"), str):
        # One system message, because some providers take no more.
        return [first | {"content": f"{first['content']}\n\n{text}"}, *messages[1:]]
    return [{"role": "system", "content": text}, *messages]
