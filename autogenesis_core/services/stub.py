"""The stub of a dry run: answers at once, says nothing, costs nothing, and tells what a real answer would cost."""

from collections.abc import Mapping
from typing import Any, ClassVar

from attrs import define, field

from autogenesis_core.identity import JSON
from autogenesis_core.services.model import Model, ModelAnswer, ModelRequest, Price, Usage, estimate_tokens

ANSWER = 200  # tokens that a real answer is supposed to have


@define(eq=False)
class StubModel(Model):
    """Stands for another model: no call leaves this process.

    A text is answered with "stub", a schema with its emptiest value; usage is estimated as that of a real call.
    """

    simulated: ClassVar[bool] = True

    of: Model = field(metadata={"parameter": False})

    @property
    def id(self) -> str:
        """`stub of` the model that it stands for."""
        return f"stub of {self.of.id}"

    async def answer(self, request: ModelRequest) -> ModelAnswer:
        """Nothing, in the form that is asked for."""
        import json

        texts = [str(message.get("content") or "") for message in request.messages]
        texts += [json.dumps(tool) for tool in request.tools]
        usage = Usage(sum(map(estimate_tokens, texts)), min(ANSWER, request.max_tokens or ANSWER))
        text = "stub" if request.schema is None else json.dumps(emptiest(request.schema))
        return ModelAnswer(text, usage=usage, model=self.id)

    async def price(self) -> Price | None:
        """That of the model it stands for."""
        return await self.of.price()


def emptiest(schema: Mapping[str, Any]) -> JSON:
    """The smallest value of a JSON schema, as far as types, `required` and `enum` say it."""
    if schema.get("enum"):
        return schema["enum"][0]  # type: ignore[no-any-return]  # a value of the schema's own
    kind = schema.get("type")
    kind = kind[0] if isinstance(kind, list) and kind else kind
    if kind == "object":
        properties = schema.get("properties", {})
        return {name: emptiest(properties.get(name, {})) for name in schema.get("required", ())}
    plain: dict[Any, JSON] = {"array": [], "integer": 0, "number": 0, "boolean": False, "null": None}
    return plain.get(kind, "stub")
