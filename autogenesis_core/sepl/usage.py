"""What a run used, as its journal keeps it: rollouts and the optimizer's calls, also those that came to nothing."""

import time
from collections.abc import Mapping
from typing import Any

from autogenesis_core import errors
from autogenesis_core.errors import AuthenticationFailed, ModelError, RetryableModelError
from autogenesis_core.identity import JSON
from autogenesis_core.sepl.budget import Amount, Budget
from autogenesis_core.sepl.journal import Journal
from autogenesis_core.services.client import ModelClient, Tally
from autogenesis_core.services.model import ModelAnswer, Usage, answer_json, answer_of


def used_json(tally: Tally) -> dict[str, JSON]:
    """What a rollout or a call of the optimizer used; nothing if no model was asked."""
    if not tally.calls:
        return {}
    usage = tally.usage
    used: list[JSON] = [usage.input_tokens, usage.output_tokens, usage.cached_tokens]
    return {"calls": tally.calls, "usage": used, "money": tally.money}


def used_by(body: Mapping[str, Any]) -> Amount:
    """What the journal says that a rollout or a call of the optimizer used."""
    return Amount(int(body.get("calls", 0)), Usage(*body.get("usage", ())), float(body.get("money", 0.0)))


def remember_used(journal: Journal, budget: Budget) -> None:
    """Counts all that earlier processes of this run used, before anything more is."""
    for body in (body for event in ("rollout", "answer") for _, body in journal.all(event)):
        budget.remember(used_by(body), int("split" in body))
    for event, body in journal.lost:
        if event in ("rollout", "answer"):
            budget.remember(used_by(body), int(event == "rollout"))
    sessions = [body for _, body in journal.all("session")]
    seconds = sessions[-1]["before"] + max(0.0, journal.until - sessions[-1]["time"]) if sessions else 0.0
    budget.start -= seconds
    if not journal.replay:
        journal.keep("session", str(len(sessions)), {"time": time.time(), "before": seconds})


def record_calls(client: ModelClient, journal: Journal, budget: Budget, proposal: str) -> None:
    """Lets the journal keep what comes of a proposal's calls, and the client recall what it holds of them.

    That the model could not be reached is kept only if the optimizer went on all the same.
    """
    made: dict[int, ModelAnswer | ModelError] = {}
    unreached: dict[int, dict[str, JSON]] = {}

    def recall(number: int) -> ModelAnswer | ModelError | None:
        for earlier, failed in unreached.items():
            if earlier < number:
                journal.keep("answer", f"{proposal} {earlier}", failed)
            else:
                journal.lose("answer", failed)
        unreached.clear()
        if number in made:
            return made[number]
        body = journal.recall("answer", f"{proposal} {number}")
        if body is None:
            journal.check_writable("answer", f"{proposal} {number}")
            return None
        budget.recall(used_by(body))
        made[number] = _error_of(body) if "failed" in body else answer_of(body)
        return made[number]

    def keep(number: int, found: ModelAnswer | ModelError, tally: Tally) -> None:
        body = _error_json(found) if isinstance(found, ModelError) else answer_json(found)
        body |= used_json(tally)
        if isinstance(found, RetryableModelError | AuthenticationFailed):
            unreached[number] = body
        else:
            made[number] = found
            journal.keep("answer", f"{proposal} {number}", body)

    client.recall, client.keep = recall, keep


def _error_json(error: ModelError) -> dict[str, JSON]:
    return {"failed": type(error).__name__, "reason": error.reason, "hint": error.hint}


def _error_of(body: Mapping[str, Any]) -> ModelError:
    kind = getattr(errors, str(body["failed"]), ModelError)  # a plugin's own kind counts as its base
    known = isinstance(kind, type) and issubclass(kind, ModelError)
    return (kind if known else ModelError)(str(body["reason"]), str(body["hint"]))
