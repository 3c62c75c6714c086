"""An agent that is a function of the user's own, whatever framework is inside it."""

import inspect
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from attrs import field, frozen

from autogenesis_core.errors import InputError
from autogenesis_core.identity import JSON
from autogenesis_core.rspl.context import Context
from autogenesis_core.rspl.entity import Agent, Answer, variable


def keyword_variables(function: Callable[..., Any]) -> dict[str, JSON]:
    """The defaults of a function's keyword-only arguments: what may evolve, without another word of configuration."""
    parameters = inspect.signature(function).parameters.values()
    return {p.name: p.default for p in parameters if p.kind is p.KEYWORD_ONLY and p.default is not p.empty}


@frozen
class FunctionAgent(Agent):
    """Calls `function(task, **variables)`, sync or async; it answers text, an `Answer`, or any JSON value."""

    uses_model: ClassVar[bool] = False

    function: Callable[..., Any] = field(metadata={"parameter": False})
    variables: Mapping[str, JSON] = variable(factory=dict)

    async def run(self, task: str, context: Context) -> Answer | str:  # Agent's signature
        """The function's answer."""
        answer = self.function(task, **self.variables)
        if inspect.isawaitable(answer):
            answer = await answer
        if isinstance(answer, str | Answer):
            return answer
        if answer is None:
            raise InputError("the function returned None", "return the answer as text, a number or JSON data")
        return Answer(str(answer), answer)
