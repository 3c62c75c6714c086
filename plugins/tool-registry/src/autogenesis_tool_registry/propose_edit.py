"""The tool that proposes a new value for a variable."""

from autogenesis_core import JSON, InputError, ToolContext, ToolResult, tool


@tool(destructive=False, idempotent=True, open_world=False, blocking=False)
def propose_edit(variable: str, value: JSON, reason: str, context: ToolContext) -> ToolResult:
    """Propose a better value for a variable of a resource, such as a section of your own prompt. Nothing changes yet.

    Args:
        variable: the variable as kind/name#path, e.g. "prompt/tool_calling#rules"; load_resource lists them
        value: the whole new value; for a prompt's section its whole text, without a heading
        reason: what the present value gets wrong, and why the new one does better

    Returns:
        the proposal's id, and how it will be judged

    Raises:
        UnknownName: there is no such variable, or it may not be changed
        InvalidRecord: the value may not be stored
        InputError: the value is no other, there is no reason, or the system is being measured

    Examples:
        {"variable": "prompt/tool_calling#rules", "value": "Answer with the bare value.", "reason": "too long"}
    """
    if not reason.strip():
        raise InputError("a proposal needs a reason", "say what the present value gets wrong")
    id_ = context.library.propose(variable, value, reason.strip())
    text = (
        f"proposal {id_} for {variable} is kept; nothing has changed. It will be judged in an evolution"
        " (+optimizer=proposals): measured on held-out examples beside the present value,"
        " and committed only if the gates find it better."
    )
    return ToolResult(text, {"id": id_, "variable": variable})
