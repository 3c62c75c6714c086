"""The façade: one typed method for each hook. pluggy finds, validates and registers; this calls.

pluggy neither awaits a hook nor calls in the order of the configuration, so calls are made here.
"""

import inspect
import warnings
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from typing import Any, get_args

import pluggy
from attrs import evolve

from autogenesis_core import hookspecs
from autogenesis_core.errors import AutogenesisError, PluginError
from autogenesis_core.rspl.record import Record
from autogenesis_core.rspl.toolbox import Permission, ToolUse
from autogenesis_core.sepl.context import SeplContext
from autogenesis_core.sepl.evaluation import Example
from autogenesis_core.sepl.pool import Member
from autogenesis_core.sepl.spaces import Assessment, Candidate, Edit, Hypothesis, Verdict, Vote


class _Part:
    """A plugin's hooks, told apart by identity: attrs objects compare by value, and may not be hashable."""

    def __init__(self, plugin: object) -> None:
        for name in dir(plugin):
            if hasattr(inspect.getattr_static(plugin, name), "autogenesis_impl"):
                setattr(self, name, getattr(plugin, name))


def _check(manager: pluggy.PluginManager, part: _Part) -> None:
    """Raises TypeError for what pluggy allows and this cannot call."""
    for caller in manager.get_hookcallers(part) or ():
        for implementation in caller.get_hookimpls():
            if implementation.plugin is not part:
                continue
            if implementation.wrapper or implementation.hookwrapper:
                raise TypeError(f"{caller.name} is a wrapper, which never sees an awaited result")
            if not inspect.iscoroutinefunction(implementation.function):
                raise TypeError(f"{caller.name} must be async def")


def _anything(_: object) -> bool:
    return True


def _is(kind: type) -> Callable[[object], bool]:
    return lambda answer: isinstance(answer, kind)


def _all_are(kind: type) -> Callable[[object], bool]:
    return lambda answer: isinstance(answer, list | tuple) and all(isinstance(item, kind) for item in answer)


def _is_vote(answer: object) -> bool:
    return isinstance(answer, Vote) and answer.decision in ("commit", "reject", "indecisive")


def _is_interim(answer: object) -> bool:
    return isinstance(answer, Vote) and answer.decision in ("commit", "reject", "indecisive", "continue")


def _is_permission(answer: object) -> bool:
    return answer in get_args(Permission)


_DECIDING = [name for name in vars(hookspecs) if name.startswith("sepl_") and name != "sepl_observe"]


class Hooks:
    """The hooks of exactly the plugins that one composed configuration selects, in its order; a Runtime owns one."""

    def __init__(self) -> None:
        self._manager = pluggy.PluginManager("autogenesis")
        self._manager.add_hookspecs(hookspecs)
        self._order: list[str] = []
        self._ordered: dict[str, list[tuple[str, Any]]] = {}  # by hook, who implements it and how
        self._known: dict[int, object] = {}
        self._plugins: dict[str, Any] = {}  # of any class

    def register(self, plugin: object, name: str) -> None:
        """Adds a plugin's hooks, after those registered before; raises PluginError for a hook that is none."""
        if id(plugin) in self._known:
            return
        part = _Part(plugin)
        try:
            self._manager.register(part, name)
            self._manager.check_pending()
            _check(self._manager, part)
        except (pluggy.PluginValidationError, TypeError) as error:
            if self._manager.is_registered(part):
                self._manager.unregister(part)
            raise PluginError(
                f"{name} implements a hook wrongly: {error}", "docs/reference/hooks.md lists them"
            ) from None
        self._known[id(plugin)] = self._plugins[name] = plugin
        self._order.append(name)
        self._ordered.clear()

    async def register_resources(self, register: Callable[[Record, type[Any] | None], None]) -> None:
        """`rspl_register` of every plugin."""
        async for _ in self._each("rspl_register", _anything, register=register):
            pass

    async def authorize(self, use: ToolUse) -> Permission | None:
        """`rspl_authorize`: the first answer, None without any."""
        return await self._first("rspl_authorize", _is_permission, use=use)  # type: ignore[no-any-return]

    async def observe_resource(self, event: str, data: Mapping[str, Any]) -> None:
        """`rspl_observe` of every plugin."""
        await self._observe("rspl_observe", lambda _: {"event": event, "data": data})

    async def reflect(self, context: SeplContext) -> Sequence[Hypothesis]:
        """`sepl_reflect`: the first answer."""
        return await self._first("sepl_reflect", _all_are(Hypothesis), context=context)  # type: ignore[no-any-return]

    async def select(self, context: SeplContext, hypotheses: Sequence[Hypothesis]) -> Sequence[Edit]:
        """`sepl_select`: the first answer."""
        return await self._first("sepl_select", _all_are(Edit), context=context, hypotheses=hypotheses)  # type: ignore[no-any-return]

    async def improve(self, context: SeplContext, edits: Sequence[Edit]) -> Candidate:
        """`sepl_improve`: the first answer."""
        return await self._first("sepl_improve", _is(Candidate), context=context, edits=edits)  # type: ignore[no-any-return]

    async def evaluate(self, context: SeplContext, candidate: Candidate) -> Assessment:
        """`sepl_evaluate`: the first answer."""
        return await self._first("sepl_evaluate", _is(Assessment), context=context, candidate=candidate)  # type: ignore[no-any-return]

    async def parent(self, context: SeplContext) -> Member:
        """`sepl_parent`: the first answer, one of the pool's members."""
        return await self._first("sepl_parent", _is(Member), context=context)  # type: ignore[no-any-return]

    @property
    def planner(self) -> Any:  # the plugin's own object
        """The first gate that plans its looks (`plan(examples, alpha)`), which is one that tests; None without any."""
        return next((gate for gate in self._gates() if hasattr(gate, "plan")), None)

    @property
    def whole(self) -> bool:
        """Whether a gate needs all of val, however few pairs the test would do with."""
        return any(getattr(gate, "whole", False) for gate in self._gates())

    @property
    def compares(self) -> bool:
        """Whether a gate compares scores, or a `sepl_commit` of one's own decides without any.

        A gate that says `guards = True` sees to something else.
        """
        gates = self._gates()
        own = len(self._manager.hook.sepl_commit.get_hookimpls()) > 1
        return any(not getattr(gate, "guards", False) for gate in gates) or (own and not gates)

    def check_gates(self, examples: Sequence[Example]) -> None:
        """Raises InputError if a gate can do nothing with these examples of val: asks each that has `check`."""
        for gate in self._gates():
            if hasattr(gate, "check"):
                gate.check(examples)

    def _gates(self) -> list[Any]:
        found = {i.plugin_name for i in self._manager.hook.sepl_gate.get_hookimpls()}
        return [self._plugins[name] for name in self._order if name in found]

    async def interim(self, candidate: Candidate, assessment: Assessment) -> tuple[tuple[Vote, ...], bool]:
        """`sepl_interim`: votes in configured order, and whether every gate has it, so that none needs all evidence."""
        votes = [
            vote async for vote in self._each("sepl_interim", _is_interim, candidate=candidate, assessment=assessment)
        ]
        asked = {i.plugin_name for i in self._manager.hook.sepl_interim.get_hookimpls()}
        gates = {i.plugin_name for i in self._manager.hook.sepl_gate.get_hookimpls()}
        return tuple(votes), gates <= asked

    async def refused(self, candidate: Candidate, assessment: Assessment) -> Vote | None:
        """The first reject, before any evidence, of the gates that guard: what they refuse need not even be tried."""
        asked = self._calls("sepl_interim", {"candidate": candidate, "assessment": assessment})
        guards = [(name, call) for name, call in asked if getattr(self._plugins[name], "guards", False)]
        for name, call in guards:
            vote = await self._answer("sepl_interim", _is_interim, name, call)
            if vote is not NotImplemented and vote.decision == "reject":
                return vote  # type: ignore[no-any-return]  # as _is_interim has checked
        return None

    async def votes(
        self,
        candidate: Candidate,
        assessment: Assessment,
        recorded: Callable[[str], Vote | None] = lambda _: None,
        record: Callable[[str, Vote], None] = lambda *_: None,
    ) -> tuple[Vote, ...]:
        """`sepl_gate`: votes in configured order, up to the first reject.

        A gate that is `external`, e.g. a person, is asked once: `recorded` holds its vote from then on.
        """
        votes: list[Vote] = []
        given: dict[str, object] = {"candidate": candidate}
        for name, call in self._calls("sepl_gate", given):
            given["assessment"] = evolve(assessment, votes=tuple(votes)) if votes and assessment else assessment
            external = getattr(self._plugins[name], "external", False)
            vote = recorded(name) if external else None
            if vote is None:
                if external:
                    await self.observe("asking", {"gate": name})
                answer = await self._answer("sepl_gate", _is_vote, name, call)
                if external:
                    await self.observe("answered", {"gate": name})
                if answer is NotImplemented:
                    continue
                vote = answer
                if external:
                    record(name, vote)
            votes.append(vote)
            if vote.decision == "reject":
                break
        return tuple(votes)

    async def commit(self, context: SeplContext, candidate: Candidate, assessment: Assessment) -> Verdict:
        """`sepl_commit`: the first answer."""
        given = {"context": context, "candidate": candidate, "assessment": assessment}
        return await self._first("sepl_commit", _is(Verdict), **given)  # type: ignore[no-any-return]

    async def observe(self, event: str, data: Mapping[str, Any]) -> None:
        """`sepl_observe` of every plugin; one that is an operator or gate too is not given the runtime."""
        deciding = {i.plugin_name for hook in _DECIDING for i in getattr(self._manager.hook, hook).get_hookimpls()}
        kept = {key: value for key, value in data.items() if key != "runtime"}
        await self._observe("sepl_observe", lambda name: {"event": event, "data": kept if name in deciding else data})

    async def _first(self, hook: str, check: Callable[[object], bool], **arguments: object) -> Any:
        """The first answer; each hook answers with a type of its own, which `check` knows."""
        # An async generator that is left early costs the event loop a task to close it.
        for name, call in self._calls(hook, arguments):
            if (answer := await self._answer(hook, check, name, call)) is not NotImplemented:
                return answer
        return None

    async def _each(self, hook: str, check: Callable[[object], bool], **arguments: object) -> AsyncIterator[Any]:
        for name, call in self._calls(hook, arguments):
            if (answer := await self._answer(hook, check, name, call)) is not NotImplemented:
                yield answer

    async def _answer(
        self, hook: str, check: Callable[[object], bool], name: str, call: Callable[[], Awaitable[Any]]
    ) -> Any:  # of a type that `check` knows, or NotImplemented
        try:
            answer = await call()
        except PluginError:
            raise  # it names its plugin, which may be another: a scorer that an optimizer's rollouts met
        except AutogenesisError as error:
            error.add_note(f"in {hook} of {name}")
            raise
        except Exception as error:
            raise PluginError(f"{name} failed in {hook}: {type(error).__name__}: {error}") from error
        if answer is not NotImplemented and not check(answer):
            raise PluginError(f"{name} answered {hook} with {answer!r:.80}", "docs/reference/hooks.md says with what")
        return answer

    async def _observe(self, hook: str, given: Callable[[str], Mapping[str, object]]) -> None:
        for name in self._order:
            try:
                for _, call in self._calls(hook, given(name), only=name):
                    await call()
            except Exception as error:  # noqa: BLE001  # who only observes must not end a run
                warnings.warn(f"{name} failed in {hook}: {type(error).__name__}: {error}", stacklevel=2)

    def _calls(self, hook: str, arguments: Mapping[str, object], only: str = "") -> list[tuple[str, Callable[[], Any]]]:
        if (ordered := self._ordered.get(hook)) is None:
            found = {i.plugin_name: i for i in getattr(self._manager.hook, hook).get_hookimpls()}
            ordered = self._ordered[hook] = [(name, found[name]) for name in self._order if name in found]

        def bind(implementation: Any) -> Callable[[], Any]:
            return lambda: implementation.function(*(arguments[name] for name in implementation.argnames))

        return [(name, bind(implementation)) for name, implementation in ordered if only in ("", name)]
