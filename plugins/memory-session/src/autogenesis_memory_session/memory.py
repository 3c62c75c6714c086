"""The memory of one session: keeps its latest events, recalls recent and relevant ones within a budget."""

import json
import re
from bisect import bisect_right
from collections import deque
from collections.abc import Mapping, Sequence
from itertools import chain, zip_longest
from typing import Any

from attrs import Attribute, Factory, field, frozen

from autogenesis_core import JSON, InputError, Memory, canonical, estimate_tokens

CUT = " … [cut]"


def tokens(event: Mapping[str, JSON]) -> int:
    """About how many tokens an event has: those of its canonical JSON."""
    return estimate_tokens(canonical(event))


def _at_least_1(_: object, attribute: "Attribute[int]", value: int) -> None:
    if value < 1:
        raise InputError(f"{attribute.name} must be at least 1, not {value}")


@frozen
class _Event:
    body: str  # canonical JSON: nobody can change what was kept
    terms: frozenset[str]


@frozen(eq=False)
class SessionMemory(Memory):
    """Keeps the last `max_events` events; nothing outlives the instance."""

    max_events: int = field(default=200, validator=_at_least_1)
    _events: deque[_Event] = field(
        init=False,
        repr=False,
        metadata={"parameter": False},
        default=Factory(lambda self: deque(maxlen=self.max_events), takes_self=True),
    )

    async def add(self, event: Mapping[str, JSON]) -> None:
        """Keeps an event; of more than `max_events` the oldest goes. Raises InvalidRecord for no JSON."""
        body = canonical(event)
        words = " ".join(value if isinstance(value, str) else canonical(value) for value in event.values())
        self._events.append(_Event(body, _terms(words)))

    async def recall(self, query: str, limit: int) -> Sequence[Mapping[str, JSON]]:
        """The most recent events and those that share most words with `query`, as many as fit, oldest first.

        Their `tokens` come to `limit` at the most; an event that alone has more is cut, at the end of its
        longest text.
        """
        events, chosen, left = list(self._events), {}, limit
        for index in _order(events, _terms(query)):
            body = events[index].body
            event = json.loads(body)
            if estimate_tokens(body) > limit:
                event = _cut(event, left)
            if event is not None and (size := tokens(event)) <= left:
                chosen[index] = event
                left -= size
        return [chosen[index] for index in sorted(chosen)]


def _order(events: Sequence[_Event], wanted: frozenset[str]) -> Sequence[int]:
    """Every index once, in turns the most recent and the most relevant (of equally relevant the recent)."""
    recent = range(len(events) - 1, -1, -1)
    shared = [len(event.terms & wanted) for event in events]
    relevant = sorted((index for index in recent if shared[index]), key=lambda index: -shared[index])
    turns = chain.from_iterable(zip_longest(recent, relevant))
    return list(dict.fromkeys(index for index in turns if index is not None))


def _cut(event: dict[str, Any], limit: int) -> dict[str, Any] | None:
    """The event with so much of its longest text as fits, or None if none of it does."""
    texts = {key: value for key, value in event.items() if isinstance(value, str)}
    if not texts:
        return None
    key = max(texts, key=lambda key: len(texts[key]))
    text = texts[key]

    def shortened(length: int) -> dict[str, Any]:
        return {**event, key: text[:length] + CUT}

    length = bisect_right(range(len(text)), limit, key=lambda length: tokens(shortened(length))) - 1
    return shortened(length) if length > 0 else None


def _terms(text: str) -> frozenset[str]:
    return frozenset(re.findall(r"\w+", text.casefold()))
