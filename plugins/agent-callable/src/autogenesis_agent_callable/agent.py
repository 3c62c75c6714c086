"""The agent that is a function of the user's own."""

import inspect
from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any, ClassVar

from attrs import field, frozen, validators

from autogenesis_core import (
    JSON,
    Agent,
    Answer,
    Context,
    EnvironmentSpec,
    FunctionAgent,
    InputError,
    InvalidRecord,
    canonical,
    keyword_variables,
    load_function,
    unknown,
    variable,
)


@frozen
class CallableAgent(Agent):
    """Calls `function(task, **variables)` of a file that the user names.

    Arguments:
        path: the file, from the current folder, and the function in it: `app.py:run`
        variables: keyword arguments; those that are not set have the function's own defaults
        threads: the function is thread-safe: calls of a sync one run in threads, beside each other
        batch: more than 1: it is called as `function(tasks, **variables)` with so many tasks at the most
    """

    uses_model: ClassVar[bool] = False

    path: str
    variables: Mapping[str, JSON] = variable(factory=dict)
    threads: bool = False
    batch: int = field(default=1, validator=validators.ge(1))

    @cached_property
    def function(self) -> Callable[..., Any]:  # a function of the user's own, of any type
        """The function. Raises InputError if it cannot be called so, or its file fails."""
        function = load_function(self.path)
        _check(function, self.path, self.variables)
        return function

    def complete(self, environment: EnvironmentSpec | None) -> Mapping[str, JSON]:
        """The variables, with the function's keyword-only defaults where none is set, if they are JSON."""
        defaults = keyword_variables(self.function)
        plain = {name: value for name, value in defaults.items() if _is_json(value)}
        return {"variables": {**plain, **self.variables}}

    async def run(self, task: str, context: Context) -> Answer | str:
        """The function's answer to `task`; raises InputError if it is None, and what the function raises."""
        return await self._agent.run(task, context)

    @cached_property
    def _agent(self) -> FunctionAgent:
        return FunctionAgent(self.function, self.variables, self.threads, self.batch)


def _check(function: Callable[..., Any], path: str, variables: Mapping[str, JSON]) -> None:
    """Raises InputError unless `function(task, **variables)` is a call that Python accepts."""
    signature = inspect.signature(function)
    parameters = list(signature.parameters.values())
    if not any(p.kind not in (p.KEYWORD_ONLY, p.VAR_KEYWORD) for p in parameters):
        hint = "its first argument must be the task, e.g. def run(task, *, style='short')"
        raise InputError(f"{path} takes no task", hint)
    accepted = [p.name for p in parameters[1:] if p.kind in (p.KEYWORD_ONLY, p.POSITIONAL_OR_KEYWORD)]
    if not any(p.kind is p.VAR_KEYWORD for p in parameters):
        for name in variables:
            if name not in accepted:
                raise unknown(f"variable of {path}", name, accepted)
    try:
        signature.bind("", **variables)
    except TypeError as error:
        hint = "it is called as function(task, **agent.variables)"
        raise InputError(f"{path} cannot be called: {error}", hint) from None


def _is_json(value: object) -> bool:
    try:
        canonical(value)
    except InvalidRecord:
        return False
    return True
