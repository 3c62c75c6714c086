"""The pool of a run: the systems that were kept, the best of them for each example, and how edits are put together."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from statistics import fmean
from typing import TypeVar, overload

from attrs import define, evolve, field, frozen

from autogenesis_core.errors import InputError
from autogenesis_core.identity import JSON
from autogenesis_core.rspl.manager import Manager
from autogenesis_core.rspl.record import Record
from autogenesis_core.sepl.patch import rebase
from autogenesis_core.sepl.spaces import Assessment, Candidate, Edit, Hypothesis

_Item = TypeVar("_Item")


@frozen(slots=False)
class Member:
    """A system in the pool; number 0 is the one that the run began with.

    Arguments:
        parents: the members that it comes from
        edits: by which it differs from the first of them
        hypotheses: that these edits follow from
    """

    number: int
    records: Mapping[str, Record]
    parents: tuple[int, ...] = ()
    edits: tuple[Edit, ...] = ()
    hypotheses: tuple[Hypothesis, ...] = ()

    @cached_property
    def id(self) -> str:
        """As a candidate's: the digest of the map kind/name → digest."""
        return Candidate(self.records).id


def gathered(
    parts: Iterable[tuple[Sequence[Edit], Sequence[Hypothesis]]],
) -> tuple[tuple[Edit, ...], tuple[Hypothesis, ...]]:
    """Edits and hypotheses of several proposals, in one list each; an edit names its hypotheses by their new places."""
    edits: list[Edit] = []
    places: dict[Hypothesis, int] = {}
    for changes, supposed in parts:
        numbers = [places.setdefault(hypothesis, len(places)) for hypothesis in supposed]
        for edit in changes:
            named = tuple(numbers[number] for number in edit.hypotheses if 0 <= number < len(numbers))
            edits.append(evolve(edit, hypotheses=named))
    return tuple(edits), tuple(places)


class Prefix(Sequence[_Item]):
    """A list as it is now, read-only: what is appended later is not seen, and nothing is copied."""

    def __init__(self, items: list[_Item]) -> None:
        self._items = items
        self._size = len(items)

    def __len__(self) -> int:
        return self._size

    def __reversed__(self) -> Iterator[_Item]:
        return (self._items[place] for place in range(self._size - 1, -1, -1))

    @overload
    def __getitem__(self, index: int) -> _Item: ...

    @overload
    def __getitem__(self, index: slice) -> Sequence[_Item]: ...

    def __getitem__(self, index: int | slice) -> _Item | Sequence[_Item]:
        found = range(self._size)[index]
        return self._items[found] if isinstance(found, int) else [self._items[place] for place in found]


@define
class Front:
    """For each train example the best score that a member had on it, and who had it; a member is added in one pass."""

    best: dict[str, float] = field(factory=dict)
    holders: dict[str, set[int]] = field(factory=dict)
    counts: dict[int, int] = field(factory=dict)

    def add(self, member: int, values: Mapping[str, float]) -> None:
        """Takes in a member's scores by example."""
        for example, value in values.items():
            best = self.best.get(example)
            if best is None or value > best:
                for holder in self.holders.get(example, ()):
                    self._lower(holder)
                self.best[example], self.holders[example] = value, set()
            elif value < best:
                continue
            if member not in self.holders[example]:
                self.holders[example].add(member)
                self.counts[member] = self.counts.get(member, 0) + 1

    def _lower(self, member: int) -> None:
        self.counts[member] -= 1
        if not self.counts[member]:
            del self.counts[member]


def fixed_and_broken(screen: Assessment) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The examples of a screen that the candidate does better on, and worse."""
    gains = {example: fmean(found) for example, found in _gains(screen).items()}
    return tuple(e for e, gain in gains.items() if gain > 0), tuple(e for e, gain in gains.items() if gain < 0)


def gain(screen: Assessment) -> tuple[float, int]:
    """The mean gain over all examples of a screen, and on how many rollouts it stands."""
    means = [fmean(found) for found in _gains(screen).values()]
    return (fmean(means), len(means)) if means else (0.0, 0)


def _gains(screen: Assessment) -> dict[str, list[float]]:
    """By example, candidate less baseline for each seed that both have a score under."""
    lowest = screen.baseline.lowest
    before = {(cell.example, cell.epoch): cell.value(lowest) for cell in screen.baseline.cells}
    found: dict[str, list[float]] = {}
    for cell in screen.candidate.cells:
        first, second = before.get((cell.example, cell.epoch)), cell.value(lowest)
        if first is not None and second is not None:
            found.setdefault(cell.example, []).append(second - first)
    return found


def transplant(
    manager: Manager, base: Mapping[str, Record], edited: Mapping[str, Record], onto: Mapping[str, Record]
) -> Mapping[str, Record] | None:
    """`onto` with the changes that lead from `base` to `edited`; None where they conflict or make what is not valid.

    Texts are put together line by line; another value that both changed, differently, is a conflict.
    """
    made = dict(onto)
    for name, record in edited.items():
        if record.digest == base[name].digest:
            continue
        before, here, values = base[name].values(), onto[name].values(), {}
        for path, value in record.values().items():
            if value == before.get(path):
                continue
            joined = _joined(before.get(path), value, here.get(path))
            if joined is None:
                return None
            values[path] = joined[0]
        try:
            made[name] = manager.edited(onto[name], values)
        except InputError:
            return None
    return made


def _joined(base: JSON, edited: JSON, onto: JSON) -> tuple[JSON] | None:
    if onto in (base, edited):
        return (edited,)
    if isinstance(base, str) and isinstance(edited, str) and isinstance(onto, str):
        text = rebase(base, edited, onto)
        return None if text is None else (text,)
    return None
