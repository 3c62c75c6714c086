"""The library: what a tool may do with the resources of the registry while an agent runs."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from attrs import evolve, field, frozen

from autogenesis_core.errors import InputError, PluginError, unknown
from autogenesis_core.identity import JSON, canonical
from autogenesis_core.rspl.contract import Contract, contract
from autogenesis_core.rspl.prompt import Prompt
from autogenesis_core.rspl.record import Record
from autogenesis_core.rspl.reference import Reference
from autogenesis_core.rspl.retrieval import Found
from autogenesis_core.rspl.toolbox import Permission, Toolbox, ToolSet, ToolUse
from autogenesis_core.services.tracing import Span, Tracer

if TYPE_CHECKING:
    from autogenesis_core.rspl.system import System

Propose = Callable[[str, JSON, str], str]


@frozen
class Library:
    """Everything registered in a running system and in its store, as they were when the run began.

    A tool gets it in its `ToolContext`. It finds, describes and uses resources; what it proposes is a candidate, which
    no one sees until an evolution has assessed and a gate has passed it.
    """

    _system: "System" = field(repr=False)
    _authorize: Callable[[ToolUse], Awaitable[Permission | None]] | None = None
    _tracer: Tracer = field(factory=Tracer, repr=False)
    _span: Span | None = None
    _propose: Propose | None = None

    def of(self, system: "System") -> "Library":
        """The same for another system."""
        return evolve(self, system=system)

    def retrieve(self, query: str, k: int = 4, kind: str | None = None) -> Sequence[Found]:
        """The `k` resources that fit a query best; raises InputError for a bad `k`."""
        return self._system.retrieve(query, k, kind)

    def get_info(self, id_: str) -> Record:
        """The record of `kind/name`; raises UnknownName."""
        library = self._system.library
        if id_ not in library:
            raise unknown("resource", id_, library)
        return library[id_]

    def contract(self, ids: Sequence[str]) -> Contract:
        """What resources can do: arguments, limits, examples; raises UnknownName."""
        return contract([self.get_info(id_) for id_ in ids])

    async def run(self, id_: str, input_: Mapping[str, Any]) -> Any:
        """Runs a tool (to a ToolResult), a skill (to its text) or renders a prompt, whether it was composed or not.

        Every tool call asks `rspl_authorize` as a composed tool's does. Raises UnknownName, InputError for other kinds
        and wrong arguments, and whatever the tool raises.
        """
        record = self.get_info(id_)
        if record.kind not in ("prompt", "tool"):
            raise InputError(f"{id_} cannot be run from here", "tools, skills and prompts can")
        made = self._built(record)
        given = self._tracer.body(dict(input_))
        with self._tracer.span("use", self._span, resource=id_, digest=record.digest, input=given):
            if isinstance(made, Prompt):
                return made.render(**input_)
            tools = ToolSet({record.name: record}, {record.name: made})
            toolbox = Toolbox(tools, self._authorize, self._tracer, self._span, library=self)
            return await toolbox.run(record.name, input_)

    def _built(self, record: Record) -> Any:  # an instance of the resource's own class
        try:
            return self._system.build(record)
        except PluginError as error:
            # What the store holds need not be usable here, which is an answer to who asked and no fault of a plugin.
            raise InputError(f"{record.id} cannot be used here: {error.reason}", error.hint) from error

    def propose(self, variable: str, value: JSON, reason: str) -> str:
        """Proposes a new value for a variable (`kind/name#path`); returns the proposal's id.

        Nothing changes by it: `autogenesis +optimizer=proposals …` assesses it and commits it if the gates pass it.
        Raises UnknownName for what is no trainable variable, InvalidRecord for a value that may not be stored,
        InputError for a value that is no other and in a rollout that is being measured.
        """
        if self._propose is None:
            raise InputError("proposals are not taken while the system is being measured")
        reference = Reference.parse(variable)
        if reference.at:
            raise InputError("a proposal is for a resource as it stands, not for a version of it", "leave out the @")
        values = self.get_info(reference.id).values()
        if reference.path in values and canonical(values[reference.path]) == canonical(value):
            raise InputError(f"that is the value of {variable} already")
        return self._propose(variable, value, reason)
