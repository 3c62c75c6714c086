"""Models for tests: they answer from a script or by a function, and keep what they were asked."""

from collections.abc import Callable, Sequence
from typing import ClassVar

from attrs import define, field

from autogenesis_core.errors import ModelError
from autogenesis_core.services.model import Model, ModelAnswer, ModelRequest, Price, Usage


@define
class FunctionModel(Model):
    """Answers with what `function(request)` returns: text, a whole answer, or an error that it then raises."""

    simulated: ClassVar[bool] = True

    function: Callable[[ModelRequest], ModelAnswer | ModelError | str] = field(metadata={"parameter": False})
    requests: list[ModelRequest] = field(factory=list, metadata={"parameter": False})

    @property
    def id(self) -> str:
        """`test`."""
        return "test"

    async def answer(self, request: ModelRequest) -> ModelAnswer:
        """What the function says."""
        self.requests.append(request)
        answer = self.function(request)
        if isinstance(answer, ModelError):
            raise answer
        if isinstance(answer, str):
            return ModelAnswer(answer, usage=Usage(sum(len(str(m)) for m in request.messages) // 4, len(answer) // 4))
        return answer

    async def price(self) -> Price:
        """Nothing."""
        return Price(0.0, 0.0)


def ScriptedModel(answers: Sequence[ModelAnswer | ModelError | str]) -> FunctionModel:  # noqa: N802  # it reads as the class it makes
    """A model that gives `answers` in order; raises AssertionError when asked once more."""
    left = list(answers)

    def answer(_: ModelRequest) -> ModelAnswer | ModelError | str:
        assert left, "the scripted model has no answer left"
        return left.pop(0)

    return FunctionModel(answer)
