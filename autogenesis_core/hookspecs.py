"""Every hook of RSPL and SEPL: the protocol as code.

A hook is an `async def`, marked with `@hookimpl`, in a plugin's module or on the object that its YAML builds; it may
take fewer arguments than its specification. To decline is `return NotImplemented`. No hook has an effect on the store:
hooks propose, vote and observe; the core alone writes.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import pluggy

if TYPE_CHECKING:
    from autogenesis_core.rspl.record import Record
    from autogenesis_core.rspl.toolbox import Permission, ToolUse
    from autogenesis_core.sepl.context import SeplContext
    from autogenesis_core.sepl.pool import Member
    from autogenesis_core.sepl.spaces import Assessment, Candidate, Edit, Hypothesis, Verdict, Vote

hookspec = pluggy.HookspecMarker("autogenesis")
hookimpl = pluggy.HookimplMarker("autogenesis")


@hookspec
async def rspl_register(register: Callable[["Record", type[Any] | None], None]) -> None:
    """Registers resources beside those that the YAML selected: `register(record, cls)`; prompts have no class.

    Called once, when a system is composed. Every plugin that implements it is asked.
    """


@hookspec
async def rspl_authorize(use: "ToolUse") -> "Permission":  # type: ignore[empty-body]  # a specification has none
    """Whether a tool may be called with these arguments: "allow", "ask" or "deny".

    Called before each tool call. The first answer in configured order holds; without any, the call is allowed.
    """


@hookspec
async def rspl_observe(event: str, data: Mapping[str, Any]) -> None:
    """Told of what happens to resources: "registered", "built", "failed", "committed", "retired".

    Errors are caught and reported.
    """


@hookspec
async def sepl_parent(context: "SeplContext") -> "Member":  # type: ignore[empty-body]
    """Names the member of the pool (`context.pool`) that a proposal starts from.

    The first that does not decline answers; the core's own says the tip, which is `context.parent` beforehand.
    """


@hookspec
async def sepl_reflect(context: "SeplContext") -> Sequence["Hypothesis"]:  # type: ignore[empty-body]
    """Turns traces (`await context.traces()`, of train examples) into hypotheses about causes of failure.

    The first that does not decline answers; the core's own returns none.
    """


@hookspec
async def sepl_select(context: "SeplContext", hypotheses: Sequence["Hypothesis"]) -> Sequence["Edit"]:  # type: ignore[empty-body]
    """Turns hypotheses into edits of trainable variables.

    The first that does not decline answers; the core's own returns none.
    """


@hookspec
async def sepl_improve(context: "SeplContext", edits: Sequence["Edit"]) -> "Candidate":  # type: ignore[empty-body]
    """Applies edits to a copy of the system: a candidate that nobody else sees.

    The first that does not decline answers; the core's own applies them through `set_variables`' checks.
    """


@hookspec
async def sepl_evaluate(context: "SeplContext", candidate: "Candidate") -> "Assessment":  # type: ignore[empty-body]
    """Scores a candidate and the last committed state on the same held-out examples and seeds.

    The first that does not decline answers; the core's own runs the composed benchmark.
    """


@hookspec
async def sepl_gate(candidate: "Candidate", assessment: "Assessment") -> "Vote":  # type: ignore[empty-body]
    """Votes commit, reject or indecisive, with reason and evidence.

    Gates vote in configured order; the first reject ends the vote.
    """


@hookspec
async def sepl_interim(candidate: "Candidate", assessment: "Assessment") -> "Vote":  # type: ignore[empty-body]
    """Says at an interim look whether the evidence so far suffices: "commit", "reject", "indecisive" or "continue".

    Called before any evidence is paid for (`assessment.look` is -1, `assessment.alpha` the level that would be
    granted) and after each look but the last. Any reject ends the assessment, and so does "indecisive", which says
    that more evidence would decide nothing; it also ends, and the gates vote, when one gate says commit and none says
    continue. A gate that declines has no opinion; one that does not implement this needs all the evidence.
    """


@hookspec
async def sepl_commit(context: "SeplContext", candidate: "Candidate", assessment: "Assessment") -> "Verdict":  # type: ignore[empty-body]
    """Turns votes into a verdict; the core then writes, or does not.

    The first that does not decline answers; the core's own asks the gates, and commits if all that vote say commit.
    """


@hookspec
async def sepl_observe(event: str, data: Mapping[str, Any]) -> None:
    """Told of what happens in a run: "started", "round", "asking" and "answered" (of an external gate), "finished".

    Errors are caught and reported.
    """
