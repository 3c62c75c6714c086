"""A model behind litellm."""

import asyncio
import os
import re
import sys
import time
from collections.abc import AsyncIterator
from functools import cached_property
from typing import Any

from attrs import Attribute, evolve, field, frozen

from autogenesis_core import (
    AuthenticationFailed,
    InputError,
    Model,
    ModelAnswer,
    ModelRequest,
    Price,
    SecretText,
    TransportError,
    digest,
)
from autogenesis_model_litellm import reply
from autogenesis_model_litellm.failure import Failure, key_variable
from autogenesis_model_litellm.library import litellm
from autogenesis_model_litellm.request import options


def _provider_and_model(name: str) -> str:
    """`provider:model` as `provider/model`; a colon after the provider is a part of the model's name."""
    return re.sub(r"^([^/:]+):", r"\1/", name.strip())


def _is_name(model: object, attribute: "Attribute[str]", value: str) -> None:
    if not value:
        raise InputError("model.name is empty; write it as provider/model, e.g. openai/gpt-5-mini")


def _is_reference(model: object, attribute: "Attribute[str | None]", value: str | None) -> None:
    if value is not None and not isinstance(value, SecretText) and not re.fullmatch(r"env:[A-Za-z_]\w*", value):
        # The value is not shown: it may be the key.
        raise InputError(
            "model.api_key takes the name of an environment variable, as {secret: NAME} or env:NAME: "
            "a key itself would end up in run folders and histories"
        )


def _is_positive(model: object, attribute: "Attribute[float]", value: float) -> None:
    if not value > 0:
        raise InputError(f"model.{attribute.name} is {value:g}; it must be above 0")


def _is_price(model: object, attribute: "Attribute[float | None]", value: float | None) -> None:
    if value is not None and not value >= 0:
        raise InputError(f"model.{attribute.name} is {value:g}; a price is 0 or more US dollars")


@frozen
class LitellmModel(Model):
    """A model of a provider that litellm knows, or of an OpenAI-compatible server.

    Arguments:
        name: `provider/model` or `provider:model`, e.g. `openai/gpt-5-mini`
        api_base: the address of the API, where it is not the provider's own
        api_key: the environment variable that holds the key, as `{secret: NAME}` or `env:NAME`; default: the
            provider's own
        timeout: seconds until the whole answer, or until the next piece of a stream
        temperature, max_tokens: for requests that do not say; a model that takes no temperature gets none
        input_price, output_price: US dollars a million tokens, both or none; default: litellm's price list
    Raises InputError for a setting that cannot be right.
    """

    name: str = field(converter=_provider_and_model, validator=_is_name)
    api_base: str | None = None
    api_key: str | None = field(default=None, validator=_is_reference)
    timeout: float = field(default=120.0, validator=_is_positive)
    temperature: float | None = None
    max_tokens: int | None = None
    input_price: float | None = field(default=None, validator=_is_price)
    output_price: float | None = field(default=None, validator=_is_price)

    def __attrs_post_init__(self) -> None:
        if (self.input_price is None) != (self.output_price is None):
            raise InputError("model.input_price and model.output_price belong together: set both or none")

    @property
    def id(self) -> str:
        """The model's name, `provider/model`."""
        return self.name

    async def answer(self, request: ModelRequest) -> ModelAnswer:
        """One answer by one request; by a second one only where the provider does not take the schema."""
        library = await litellm()
        begun = time.perf_counter()
        response = await self._complete(library, request)
        return self._answer(response, begun)

    async def stream(self, request: ModelRequest) -> AsyncIterator[str | ModelAnswer]:
        """The pieces of the answer's text as they come, and last the whole answer."""
        library = await litellm()
        begun = time.perf_counter()
        handled = sys.exception()
        response = await self._complete(library, request, stream=True, stream_options={"include_usage": True})
        chunks = []
        try:
            async for chunk in response:
                chunks.append(chunk)
                if chunk.choices and (text := chunk.choices[0].delta.content):
                    yield text
        except Exception as error:  # noqa: BLE001 - litellm may raise anything, and each is a failed call
            raise self._failure(library, error, handled).translated() from None
        finally:
            await response.aclose()
        if response.received_finish_reason is None and response.intermittent_finish_reason is None:
            # litellm adds a "stop" of its own to a stream that brought nothing or just ended.
            raise TransportError(f"{self.id}: the stream ended before the answer did")
        # In a thread: without usage from the provider litellm counts tokens here.
        whole = await asyncio.to_thread(library.stream_chunk_builder, chunks, messages=list(request.messages))
        yield self._answer(whole, begun)

    async def price(self) -> Price | None:
        """The price from one's own settings, else from litellm's list, else None."""
        if self._own_price is not None:
            return self._own_price
        library = await litellm()
        # In a thread: of some providers litellm asks a server.
        return await asyncio.to_thread(_listed_price, library, self.name)

    @cached_property
    def _refused(self) -> set[str]:
        """Digests of the schemas that the provider does not take; no field, for it is no setting."""
        return set()

    @property
    def _own_price(self) -> Price | None:
        if self.input_price is None or self.output_price is None:
            return None
        return Price(self.input_price / 1e6, self.output_price / 1e6)

    async def _complete(self, library: Any, request: ModelRequest, **more: Any) -> Any:
        """litellm's response to `request`."""
        handled = sys.exception()
        schema = digest(request.schema)
        plain = schema in self._refused
        arguments = self._arguments(library, request, plain=plain)
        try:
            async with asyncio.timeout(self.timeout):
                return await library.acompletion(**arguments, **more)
        except Exception as error:  # noqa: BLE001 - litellm may raise anything, and each is a failed call
            failure = self._failure(library, error, handled)
            if request.schema is None or plain or not failure.refuses_schema:
                raise failure.translated() from None
        self._refused.add(schema)
        return await self._complete(library, request, **more)

    def _arguments(self, library: Any, request: ModelRequest, *, plain: bool) -> dict[str, Any]:
        request = evolve(
            request,
            temperature=self.temperature if request.temperature is None else request.temperature,
            max_tokens=self.max_tokens if request.max_tokens is None else request.max_tokens,
        )
        return {
            "model": self.name,
            "api_base": self.api_base,
            "api_key": self._key(),
            "timeout": self.timeout,
            # Each alone leaves some of litellm's and of its SDKs' own retries.
            "num_retries": 0,
            "max_retries": 0,
            # Sampling options are wishes: a reasoning model takes no temperature, others no seed.
            "drop_params": True,
            # Else litellm hands tools to its MCP gateway, whose package is not among its dependencies.
            "_skip_mcp_handler": True,
        } | options(self.id, request, library.get_supported_openai_params(model=self.name), plain=plain)

    def _key(self) -> str | None:
        """The key that `api_key` refers to; None leaves litellm to look for the provider's own variable."""
        if self.api_key is None:
            return None
        if isinstance(self.api_key, SecretText):
            return self.api_key
        variable = self.api_key.removeprefix("env:")
        if key := os.environ.get(variable):
            return key
        raise AuthenticationFailed(
            f"{self.id}: there is no key: model.api_key names {variable}, which is not set",
            f"export {variable}=YOUR_KEY",
        )

    def _answer(self, response: Any, begun: float) -> ModelAnswer:
        if not response.choices:
            raise TransportError(f"{self.id}: the provider's reply holds no answer")
        return reply.answer(response, self._own_price, time.perf_counter() - begun)

    def _failure(self, library: Any, error: Exception, handled: BaseException | None) -> Failure:
        own = self.api_key.name if isinstance(self.api_key, SecretText) else self.api_key
        own = own and own.removeprefix("env:")
        key, missing = (own, False) if own else key_variable(library, self.name)
        return Failure(self.id, self.api_base, self.timeout, key, missing, error, handled)


def _listed_price(library: Any, name: str) -> Price | None:
    try:
        info = library.get_model_info(name)
    except Exception:  # noqa: BLE001 - litellm raises a bare Exception for a model that is not in its list
        return None
    prices = info.get("input_cost_per_token"), info.get("output_cost_per_token")
    return None if prices[0] is None or prices[1] is None else Price(prices[0], prices[1])
