"""The tool that finds resources by what they are for."""

from typing import Literal

from autogenesis_core import Found, InputError, ToolContext, ToolResult, tool
from autogenesis_tool_registry.registry import is_own, one_line

_MOST = 20  # results of one call


@tool(read_only=True, idempotent=True, open_world=False, blocking=False)
def find_resources(
    query: str,
    context: ToolContext,
    k: int = 4,
    kind: Literal["prompt", "agent", "tool", "environment", "memory"] | None = None,
) -> ToolResult:
    """Find resources of the registry that fit a need: tools, skills, prompts and others, also ones you were not given.

    Args:
        query: what is needed, in a few words
        k: how many at the most, from 1 to 20
        kind: only resources of this kind; a skill is a tool

    Returns:
        a line for each with its id, its score (higher fits better) and its description, the best first

    Raises:
        InputError: k is out of range

    Examples:
        {"query": "extract tables from a pdf"}
        {"query": "how to write a commit message", "k": 2, "kind": "prompt"}
    """
    if not 1 <= k <= _MOST:
        raise InputError(f"k must be from 1 to {_MOST}, not {k}")
    library = context.library
    # This plugin's own tools would be found for "find a tool that …", and use_resource refuses them.
    found = library.retrieve(query, 5 * _MOST, kind)
    fitting = [one for one in found if not is_own(library.get_info(one.id))][:k]
    if not fitting:
        return ToolResult("nothing in the registry fits; other words may find more", [])
    return ToolResult("\n".join(map(_line, fitting)), [_data(one) for one in fitting])


def _line(found: Found) -> str:
    return f"{found.id} (score {found.score:.2f}): {one_line(found.description)}"


def _data(found: Found) -> dict[str, str | float]:
    return {"id": found.id, "description": found.description, "score": found.score}
