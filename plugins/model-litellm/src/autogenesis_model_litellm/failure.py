"""A failure of litellm, into an error of ours.

litellm gives one class to failures of different kinds (a refused connection and a missing key both come as
its InternalServerError), so the class names in the whole chain of causes decide.
"""

import os
import re
import time
from collections.abc import Iterator, Mapping
from email.utils import parsedate_to_datetime
from typing import Any

from attrs import frozen

from autogenesis_core import (
    AuthenticationFailed,
    BadRequest,
    ContextExceeded,
    ModelError,
    ModelTimeout,
    Overloaded,
    RateLimited,
    Refused,
    TransportError,
)

_TIMEOUTS = {"APITimeoutError", "TimeoutException", "TimeoutError"}
_CONNECTIONS = {"APIConnectionError", "TransportError", "ConnectionError", "ClientError", "JSONDecodeError"}
_LITELLM_PREFIX = re.compile(r"^(?:(?:litellm\.)?\w*(?:Error|Exception|Timeout)(?:: | - ))+")
_SECRET_NAME = re.compile(r"KEY|TOKEN|SECRET|PASSWORD|CREDENTIAL", re.IGNORECASE)
_SECRET = re.compile(r"\b(?:sk|pk|gsk|xai|hf|r8|pplx|nvapi)[-_][\w*.-]{6,}|\bAIza[\w-]{20,}|\bBearer\s+\S+")
_SCHEMA = re.compile(r"(response|output)_?(format|schema)|json_?schema|structured output", re.IGNORECASE)
_KEY = re.compile(r"key|credential", re.IGNORECASE)
_QUOTA = re.compile(r"insufficient_quota|exceeded your current quota|billing", re.IGNORECASE)
_LONGEST_DETAIL = 500


@frozen
class Failure:
    """One failed call.

    Arguments:
        model, api_base, timeout: the model's settings
        key: the environment variable of its key
        key_missing: whether the provider needs that variable and it is not set
        error: what litellm raised
        handled: what was being handled when the call began, which is no cause of this failure
    """

    model: str
    api_base: str | None
    timeout: float
    key: str
    key_missing: bool
    error: Exception
    handled: BaseException | None = None

    def translated(self) -> ModelError:
        """The error to raise."""
        names, status = self._names(), self._status()
        if "ContextWindowExceededError" in names:
            return ContextExceeded(self._said("the request is too long for the model"))
        if "ContentPolicyViolationError" in names:
            return Refused(self._said("the provider refuses to answer"))
        if names & _TIMEOUTS or status == 408:
            reason = f"{self.model}: no answer within {self.timeout:g} s"
            return ModelTimeout(reason, "to wait longer: model.timeout=SECONDS", self.retry_after)
        if status in (401, 403):
            keyless = self.key_missing and not self._headers
            what = "there is no key" if keyless else f"the provider refuses the key (HTTP {status})"
            return self._unauthenticated(what)
        if status == 429:
            return self._limited()
        if not self._headers and (failed := self._without_response(names)):
            return failed
        if status is None:
            return ModelError(self._said(f"the call failed with {type(self.error).__name__}"))
        if status >= 500:
            reason = self._said(f"the provider failed (HTTP {status})")
            return Overloaded(reason, retry_after=self.retry_after)
        return self._refused(status)

    @property
    def refuses_schema(self) -> bool:
        """Whether it is the request's JSON schema that the provider does not take."""
        return self._status() in (400, 404, 422) and bool(_SCHEMA.search(str(self.error)))

    @property
    def detail(self) -> str:
        """What the provider said, in one line, without litellm's prefixes and without any key."""
        text = _LITELLM_PREFIX.sub("", str(self.error)).partition("Traceback (most recent call last)")[0]
        text = re.sub(r"\s*ssl:<[^>]*>", "", " ".join(text.split()))
        for name, value in os.environ.items():
            if _SECRET_NAME.search(name) and len(value) >= 6:
                text = text.replace(value, "[key]")
        text = _SECRET.sub("[key]", text)
        return text if len(text) <= _LONGEST_DETAIL else f"{text[:_LONGEST_DETAIL]}…"

    @property
    def retry_after(self) -> float | None:
        """The wait in seconds that the provider asked for, None if it did not."""
        return _wait({str(name).lower(): str(value) for name, value in self._headers.items()})

    def _said(self, what: str) -> str:
        return f"{self.model}: {what}: {self.detail}"

    def _unauthenticated(self, what: str) -> AuthenticationFailed:
        hint = f"set {self.key} to a valid key, or name another variable: model.api_key=env:NAME"
        return AuthenticationFailed(self._said(what), hint)

    def _limited(self) -> ModelError:
        if _QUOTA.search(f"{self.error} {getattr(self.error, 'code', '')}"):
            return ModelError(self._said("the account's quota is used up (HTTP 429)"))
        reason = self._said("the provider limits the rate (HTTP 429)")
        return RateLimited(reason, retry_after=self.retry_after)

    def _without_response(self, names: set[str]) -> ModelError | None:
        if "ImportError" in names:
            return ModelError(self._said("litellm needs one more package for this provider"))
        if self.key_missing and _KEY.search(str(self.error)):
            return self._unauthenticated("there is no key")
        if names & _CONNECTIONS:
            what = "the reply is no JSON" if "JSONDecodeError" in names else "the connection failed"
            hint = f"does the provider's API answer at {self.api_base}?" if self.api_base else ""
            return TransportError(self._said(what), hint)
        return None

    def _refused(self, status: int) -> BadRequest:
        if "LLM Provider NOT provided" in str(self.error):
            hint = "write model.name as provider/model, e.g. openai/gpt-5-mini"
            return BadRequest(f"{self.model}: litellm knows no provider of this name", hint)
        hint = "is model.name a model that this provider has?" if status == 404 else ""
        return BadRequest(self._said(f"the provider refuses the request (HTTP {status})"), hint)

    def _names(self) -> set[str]:
        return {kind.__name__ for error in self._chain() for kind in type(error).__mro__}

    def _chain(self) -> Iterator[BaseException]:
        for start in (self.error, self._original):
            error: BaseException | None = start
            while error is not None and error is not self.handled:
                yield error
                error = error.__cause__ or error.__context__

    def _status(self) -> int | None:
        status = getattr(self._original, "status_code", None)
        return status if isinstance(status, int) else None

    @property
    def _headers(self) -> Mapping[str, object]:
        """The response's headers, none without a response; those of `error.response` litellm leaves empty."""
        return getattr(self._original, "litellm_response_headers", None) or {}

    @property
    def _original(self) -> Exception:
        """What a failure in the middle of a stream wraps, or else the failure itself."""
        return getattr(self.error, "original_exception", None) or self.error


# litellm's module is Any: see library.py.
def key_variable(library: Any, model: str) -> tuple[str, bool]:
    """The environment variable of the key that `model` needs, and whether it is missing."""
    try:
        provider = library.get_llm_provider(model)[1]
    except Exception:  # noqa: BLE001 - litellm raises BadRequestError and others for an unknown provider
        return "the provider's environment variable", False
    usual = f"{provider.upper()}_API_KEY"
    missing = library.validate_environment(model)["missing_keys"]
    wanted = [name for name in missing if _SECRET_NAME.search(name)]
    return (usual if usual in wanted or not wanted else wanted[0]), bool(wanted)


def _wait(headers: Mapping[str, str]) -> float | None:
    for name, unit in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        if re.fullmatch(r"\d+(\.\d+)?", headers.get(name, "")):
            return float(headers[name]) * unit
    try:
        return max(0.0, parsedate_to_datetime(headers["retry-after"]).timestamp() - time.time())
    except (KeyError, ValueError):
        return None
