"""The façade: one typed method for each hook. pluggy finds, validates and registers; this calls.

pluggy neither awaits a hook nor calls in the order of the configuration, so calls are made here.
"""

import inspect
import warnings
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import Any, get_args

import pluggy

from autogenesis_core import hookspecs
from autogenesis_core.errors import AutogenesisError, PluginError
from autogenesis_core.rspl.record import Record
from autogenesis_core.rspl.toolbox import Permission, ToolUse
from autogenesis_core.sepl.context import SeplContext
from autogenesis_core.sepl.spaces import Assessment, Candidate, Decision, Edit, Hypothesis, Verdict, Vote


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
    return isinstance(answer, Vote) and answer.decision in get_args(Decision)


def _is_permission(answer: object) -> bool:
    return answer in get_args(Permission)


class Hooks:
    """The hooks of exactly the plugins that one composed configuration selects, in its order; a Runtime owns one."""

    def __init__(self) -> None:
        self._manager = pluggy.PluginManager("autogenesis")
        self._manager.add_hookspecs(hookspecs)
        self._order: list[str] = []
        self._known: dict[int, object] = {}

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
        self._known[id(plugin)] = plugin
        self._order.append(name)

    async def register_resources(self, register: Callable[[Record, type[Any] | None], None]) -> None:
        """`rspl_register` of every plugin."""
        async for _ in self._each("rspl_register", _anything, register=register):
            pass

    async def authorize(self, use: ToolUse) -> Permission | None:
        """`rspl_authorize`: the first answer, None without any."""
        return await self._first("rspl_authorize", _is_permission, use=use)  # type: ignore[no-any-return]

    async def observe_resource(self, event: str, data: Mapping[str, Any]) -> None:
        """`rspl_observe` of every plugin."""
        await self._observe("rspl_observe", event=event, data=data)

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

    async def votes(self, candidate: Candidate, assessment: Assessment) -> tuple[Vote, ...]:
        """`sepl_gate`: votes in configured order, up to the first reject."""
        votes: list[Vote] = []
        async for vote in self._each("sepl_gate", _is_vote, candidate=candidate, assessment=assessment):
            votes.append(vote)
            if vote.decision == "reject":
                break
        return tuple(votes)

    async def commit(self, context: SeplContext, candidate: Candidate, assessment: Assessment) -> Verdict:
        """`sepl_commit`: the first answer."""
        given = {"context": context, "candidate": candidate, "assessment": assessment}
        return await self._first("sepl_commit", _is(Verdict), **given)  # type: ignore[no-any-return]

    async def observe(self, event: str, data: Mapping[str, Any]) -> None:
        """`sepl_observe` of every plugin."""
        await self._observe("sepl_observe", event=event, data=data)

    async def _first(self, hook: str, check: Callable[[object], bool], **arguments: object) -> Any:
        """The first answer; each hook answers with a type of its own, which `check` knows."""
        async for answer in self._each(hook, check, **arguments):
            return answer
        return None

    async def _each(self, hook: str, check: Callable[[object], bool], **arguments: object) -> AsyncIterator[Any]:
        for name, call in self._calls(hook, arguments):
            try:
                answer = await call()
            except AutogenesisError as error:
                error.add_note(f"in {hook} of {name}")
                raise
            except Exception as error:
                raise PluginError(f"{name} failed in {hook}: {type(error).__name__}: {error}") from error
            if answer is NotImplemented:
                continue
            if not check(answer):
                raise PluginError(
                    f"{name} answered {hook} with {answer!r:.80}", "docs/reference/hooks.md says with what"
                )
            yield answer

    async def _observe(self, hook: str, **arguments: object) -> None:
        for name, call in self._calls(hook, arguments):
            try:
                await call()
            except Exception as error:  # noqa: BLE001  # who only observes must not end a run
                warnings.warn(f"{name} failed in {hook}: {type(error).__name__}: {error}", stacklevel=2)

    def _calls(self, hook: str, arguments: Mapping[str, object]) -> list[tuple[str, Callable[[], Any]]]:
        caller = getattr(self._manager.hook, hook)
        found = {implementation.plugin_name: implementation for implementation in caller.get_hookimpls()}

        def bind(implementation: Any) -> Callable[[], Any]:
            return lambda: implementation.function(*(arguments[name] for name in implementation.argnames))

        return [(name, bind(found[name])) for name in self._order if name in found]
