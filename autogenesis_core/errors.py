"""Every error that a person may meet.

::

    AutogenesisError                     exit code 1
    ├── InputError (ValueError)          exit code 2: what was asked for cannot be right
    │   ├── UnknownName (LookupError)    no such option, resource, version, verb
    │   ├── ConfigurationError           every problem of a configuration at once, each with its path
    │   ├── InvalidRecord                a record, name or variable's value that may not be stored
    │   └── TemplateError                a prompt that does not parse or render
    ├── PluginError                      a plugin failed; its name is said
    ├── LifecycleError                   a move that the lifecycle does not allow
    ├── StoreError                       the store cannot be read or written
    │   └── Conflict                     a head moved between assessment and commit
    ├── BudgetExceeded                   a limit of the budget was reached
    ├── ModelUnavailable                 no model answers any more, however often it is asked
    ├── OptimizerFailed                  an optimizer that fails again and again; the last cause is said
    └── ModelError                       a model call failed for good
        ├── RetryableModelError          …or for now; carries `retry_after`
        │   ├── RateLimited
        │   ├── Overloaded
        │   ├── ModelTimeout (TimeoutError)
        │   └── TransportError (ConnectionError)
        ├── AuthenticationFailed
        ├── BadRequest
        ├── ContextExceeded
        ├── Refused                      the provider or the model refuses to answer
        └── InvalidAnswer                an answer that is not what was asked for
"""

from collections.abc import Iterable, Sequence


class AutogenesisError(Exception):
    """An error with a reason, on one line, and, where one certainly helps, the next thing to type."""

    exit_code = 1

    def __init__(self, reason: str, hint: str = "") -> None:
        reason = on_one_line(reason)  # it may repeat what code of others said
        super().__init__(reason)
        self.reason = reason
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.reason}\n  {self.hint}" if self.hint else self.reason


class InputError(AutogenesisError, ValueError):
    """What was asked for cannot be right."""

    exit_code = 2


class UnknownName(InputError, LookupError):
    """No such option, resource, version or verb."""


class ConfigurationError(InputError):
    """Every problem of a configuration at once, as (path, what is wrong)."""

    def __init__(self, problems: Sequence[tuple[str, str]]) -> None:
        self.problems = tuple(problems)
        width = max(len(path) for path, _ in self.problems)
        count = f"{len(self.problems)} error{'s' if len(self.problems) > 1 else ''}"
        lines = "\n  ".join(f"{path:<{width}}  {text}" for path, text in self.problems)
        super().__init__(f"{count} in the configuration", lines)


class InvalidRecord(InputError):
    """A record, a name or a variable's value that may not be stored."""


class TemplateError(InputError):
    """A prompt that does not parse, does not render, or renders to too much."""


class PluginError(AutogenesisError, RuntimeError):
    """A plugin failed; the message names it and its distribution."""


class LifecycleError(AutogenesisError, RuntimeError):
    """A move that the lifecycle of a resource or a version does not allow."""


class StoreError(AutogenesisError, RuntimeError):
    """The store cannot be read or written."""


class Conflict(StoreError):
    """A head moved between the assessment of a candidate and its commit."""


class OptimizerFailed(AutogenesisError):
    """An optimizer whose proposals failed again and again: its model is dead, or answers nothing that can be used."""


class ModelUnavailable(AutogenesisError, ConnectionError):
    """Rollouts failed in a row because no model answered; to go on would be to decide on nothing."""


class BudgetExceeded(AutogenesisError, RuntimeError):
    """A limit of the budget was reached."""


class ModelError(AutogenesisError, RuntimeError):
    """A model call failed for good."""


class RetryableModelError(ModelError):
    """A model call failed for now; `retry_after` is the wait in seconds that the provider asked for."""

    def __init__(self, reason: str, hint: str = "", retry_after: float | None = None) -> None:
        super().__init__(reason, hint)
        self.retry_after = retry_after


class RateLimited(RetryableModelError):
    """The provider limits the rate (HTTP 429)."""


class Overloaded(RetryableModelError):
    """The provider failed on its side (HTTP 5xx)."""


class ModelTimeout(RetryableModelError, TimeoutError):
    """No answer in time."""


class TransportError(RetryableModelError, ConnectionError):
    """The connection failed or was cut."""


class AuthenticationFailed(ModelError):
    """The provider does not accept the key (HTTP 401, 403)."""


class BadRequest(ModelError):
    """The provider does not accept the request (HTTP 400, 404, 422)."""


class ContextExceeded(ModelError):
    """The request is longer than the model's context window."""


class Refused(ModelError):
    """The provider or the model refuses to answer (content policy)."""


class InvalidAnswer(ModelError):
    """The answer is not what was asked for: cut off, no JSON, not of the schema."""


def did_you_mean(name: str, known: Iterable[str]) -> str | None:
    """The known name nearest to `name`, or None if none is near."""
    from difflib import get_close_matches  # needed only when something is wrong

    return next(iter(get_close_matches(name, list(known), n=1, cutoff=0.6)), None)


def on_one_line(text: str) -> str:
    """`text` with blanks in place of its line breaks."""
    return " ".join(text.splitlines())


def shortened(text: str) -> str:
    """`text` as a message may repeat it: of a long one the beginning."""
    return text if len(text) <= 100 else f"{text[:99]}…"


def unknown(what: str, name: str, known: Iterable[str], hint: str = "") -> UnknownName:
    """The error for a name that is not known, with the nearest known name or all of them."""
    names = sorted(known)
    near = did_you_mean(name, names)
    reason = f"no {what} '{shortened(name)}'" + (f"; did you mean {near}?" if near else "")
    return UnknownName(reason, hint or f"known: {', '.join(names) or 'none'}")
