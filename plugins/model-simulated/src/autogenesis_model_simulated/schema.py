"""The smallest valid instance of a JSON schema."""

from collections.abc import Mapping
from typing import Any

# A schema, and what is valid under it, is JSON of any shape.
_DEEPEST = 12
_SMALLEST: dict[str, Any] = {"string": "", "integer": 0, "number": 0, "boolean": False, "null": None}


def instance(schema: Mapping[str, Any]) -> Any:
    """A harmless value that fits `schema`: what is required, empty lists, empty texts, zeros."""
    return _instance(schema, schema, 0)


def type_of(schema: object) -> str:
    """The JSON type that `schema` allows, the first that is not null where there are several; "" if it says none."""
    if not isinstance(schema, Mapping):
        return ""
    for name in ("anyOf", "oneOf"):
        if schema.get(name):
            return next((found for found in map(type_of, schema[name]) if found not in {"", "null"}), "")
    kind = schema.get("type", "")
    return next((str(one) for one in kind if one != "null"), "") if isinstance(kind, list) else str(kind)


def _instance(schema: Any, root: Mapping[str, Any], depth: int) -> Any:
    if not isinstance(schema, Mapping) or depth > _DEEPEST:
        return None
    for name in ("default", "const"):
        if name in schema:
            return schema[name]
    if schema.get("enum"):
        return schema["enum"][0]
    if "$ref" in schema:
        return _instance(_referred(schema["$ref"], root), root, depth + 1)
    for name in ("anyOf", "oneOf", "allOf"):
        if schema.get(name):
            return _instance(schema[name][0], root, depth + 1)
    return _typed(schema, root, depth)


def _typed(schema: Mapping[str, Any], root: Mapping[str, Any], depth: int) -> Any:
    kind = schema.get("type", "object")
    kind = kind[0] if isinstance(kind, list) else kind
    if kind == "object":
        properties = schema.get("properties") or {}
        return {name: _instance(properties.get(name, {}), root, depth + 1) for name in schema.get("required") or ()}
    if kind == "array":
        return [_instance(schema.get("items") or {}, root, depth + 1) for _ in range(schema.get("minItems", 0))]
    if kind in ("integer", "number"):
        return schema.get("minimum", 0)
    return "?" * schema["minLength"] if kind == "string" and schema.get("minLength") else _SMALLEST.get(kind)


def _referred(reference: str, root: Mapping[str, Any]) -> Mapping[str, Any]:
    """What a local reference such as `#/$defs/Edit` points to; an empty schema if it points nowhere."""
    here: Any = root
    for part in reference.removeprefix("#").strip("/").split("/"):
        here = here.get(part, {}) if isinstance(here, Mapping) else {}
    return here if isinstance(here, Mapping) else {}
