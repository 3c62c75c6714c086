"""The tool that loads what a resource can do and says."""

from autogenesis_core import JSON, Record, ToolContext, ToolResult, canonical, tool
from autogenesis_tool_registry.registry import fenced


@tool(read_only=True, idempotent=True, open_world=False, blocking=False)
def load_resource(id: str, context: ToolContext) -> ToolResult:  # noqa: A002  # the word that a model sees everywhere
    """Load a resource of the registry: its contract, its text if it is a prompt or a skill, and its variables.

    Args:
        id: the resource as kind/name, e.g. "tool/calculator"

    Returns:
        the contract (arguments, limits, examples, effects), then each variable that is a text of it or that may be
        changed, with its value

    Raises:
        UnknownName: there is no such resource

    Examples:
        {"id": "tool/calculator"}
    """
    record = context.library.get_info(id)
    contract = context.library.contract([id])
    values = {f"{id}#{path}": value for path, value in record.values().items() if _is_shown(record, path)}
    trainable = [name for name in values if record.is_trainable(name.partition("#")[2])]
    parts = [contract.text.rstrip("\n"), *(_value(name, value, name in trainable) for name, value in values.items())]
    data: dict[str, JSON] = {"id": id, "contract": contract.text, "values": values, "trainable": [*trainable]}
    return ToolResult("\n\n".join(parts), data)


def _is_shown(record: Record, path: str) -> bool:
    """Whether a variable is what the resource says, or may be changed."""
    return record.kind == "prompt" or record.is_trainable(path) or (record.form == "skill" and path == "body")


def _value(name: str, value: JSON, trainable: bool) -> str:
    text = value if isinstance(value, str) else canonical(value)
    return f"{name}, {'which may be changed' if trainable else 'fixed'}:\n{fenced(text)}"
