"""The tool that uses another resource."""

from autogenesis_core import InputError, ToolContext, ToolResult, tool
from autogenesis_tool_registry.registry import is_own


@tool
async def use_resource(
    id: str,  # noqa: A002  # the words that a model sees everywhere
    input: dict,  # type: ignore[type-arg]  # noqa: A002  # any JSON object; Any has no schema
    context: ToolContext,
) -> ToolResult:
    """Use a resource of the registry: call a tool, read a skill or one of its files, render a prompt.

    Args:
        id: the resource as kind/name, e.g. "tool/calculator"
        input: what it takes, as its contract says: a tool's arguments; {} or {"file": …} for a skill; a prompt's inputs

    Returns:
        what the tool gives, the skill's text, or the prompt's messages

    Raises:
        UnknownName: there is no such resource
        InputError: it cannot be used, is not allowed, or the input is not what it takes

    Examples:
        {"id": "tool/calculator", "input": {"expression": "17 * 23"}}
        {"id": "tool/pdf_forms", "input": {"file": "references/fields.md"}}
    """
    # It could call itself without end, and the others are offered to an agent by composing them.
    if is_own(context.library.get_info(id)):
        raise InputError(f"{id} is a tool of the registry itself", "call it directly, if you have it")
    return ToolResult.of(await context.library.run(id, input))
