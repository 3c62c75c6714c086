"""Whether an edit copies examples: their inputs, their targets, or both side by side.

A text is a row of words, without case and punctuation; a character of a script without spaces is a word. What at
least three examples share is how the task is put, not one example, and may be said. What stands in any committed text
already is not added.
"""

import re
import sys
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache

from attrs import define, field, frozen

from autogenesis_core import Episode, Question
from autogenesis_gate_safety.change import Change, text_of

_UNSPACED = "\u0e00-\u0eff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\uf900-\ufaff"
_WORD = re.compile(rf"[{_UNSPACED}]|[^\W{_UNSPACED}]+")
_COMMON = 2  # examples at most that share a piece which is still one example's
_TABLE = 3  # pairs of one word each that are no coincidence any more
_SHOWN = 60  # characters of what was copied

Words = tuple[str, ...]


@frozen
class Copy:
    """What was copied, said with the edit's own words, and the ids of the examples that have it."""

    problem: str
    examples: tuple[str, ...]


@frozen
class _Example:
    id: str
    input: Words
    target: Words


@define(eq=False)
class Examples:
    """The examples that nothing may be copied from.

    Arguments:
        given: those of train and val
        size: words in a row that are a copy by themselves; half as many are, if they are a whole target
    """

    given: Sequence[Question | Episode]
    size: int
    _known: list[_Example] = field(init=False)
    _targets: Counter[Words] = field(init=False)

    def __attrs_post_init__(self) -> None:
        questions = [example for example in self.given if isinstance(example, Question)]
        self._known = [_Example(q.id, _words(q.input), _words(_said(q.target))) for q in questions]
        self._targets = Counter(example.target for example in self._known)

    def are(self, examples: Sequence[Question | Episode]) -> bool:
        """Whether these are the same ones."""
        return examples is self.given or (
            len(examples) == len(self.given) and all(a is b for a, b in zip(examples, self.given, strict=True))
        )

    def copied(self, changes: Sequence[Change], standing: Sequence[str]) -> list[Copy]:
        """What the changes copy that stands in none of the committed texts."""
        rows = [_words(text) for text in standing]
        old = frozenset(gram for row in rows for gram in _grams(row, self.size))
        before = [_row(row) for row in rows]
        found = []
        for change in changes:
            words = _words(change.after)
            added = {gram for gram in _grams(words, self.size) if gram not in old}
            found += [*self._runs(change, added), *self._beside(change, _row(words), before)]
        return found

    def _runs(self, change: Change, added: set[Words]) -> Iterator[Copy]:
        """Rows of words that an example's input or target has, too."""
        if not added:
            return
        first, holders = {word for gram in added for word in gram}, dict[Words, set[str]]()
        for example in self._known:
            for words in (example.input, example.target):
                # A row of `size` words has one at a multiple of `size`: no other place need be looked at.
                for place in range(0, len(words), self.size):
                    if words[place] not in first:
                        continue
                    for gram in _grams(words[max(0, place - self.size + 1) : place + self.size], self.size):
                        if gram in added:
                            holders.setdefault(gram, set()).add(example.id)
        own = {gram: ids for gram, ids in holders.items() if len(ids) <= _COMMON}
        if own:
            ids = {id_ for found in own.values() for id_ in found}
            yield _copy(change, "an example", next(gram for gram in own), ids)

    def _beside(self, change: Change, text: str, before: Sequence[str]) -> Iterator[Copy]:
        """Whole targets that are long enough to tell, and whole inputs with their whole targets near."""
        table: list[_Example] = []
        for example in self._known:
            target = _row(example.target)
            if not example.target or target not in text:
                continue
            telling = self.size // 2 <= len(example.target) < self.size and self._targets[example.target] <= _COMMON
            if telling and not any(target in row for row in before):
                yield _copy(change, "a target", example.target, [example.id])
            elif self._near(text, example) and not any(self._near(row, example) for row in before):
                if len(example.input) + len(example.target) > 2:
                    yield _copy(change, "an input with its target", (*example.input, *example.target), [example.id])
                else:
                    table.append(example)
        if len({example.input for example in table}) >= _TABLE:
            said = tuple(word for example in table for word in (*example.input, *example.target))
            yield _copy(change, "inputs with their targets", said, [example.id for example in table])

    def _near(self, text: str, example: _Example) -> bool:
        """Whether the whole input stands there and the whole target at most `size` words after or before it."""
        wanted, target = _row(example.input), _row(example.target)
        reach = self.size + len(example.target)
        start = text.find(wanted) if example.input else -1
        while start >= 0:
            after = text[start + len(wanted) - 1 :].split(" ", reach + 1)[1 : reach + 1]
            ahead = text[: start + 1].rsplit(" ", reach + 1)[-reach - 1 : -1]
            if target in _row(after) or target in _row(ahead):
                return True
            start = text.find(wanted, start + 1)
        return False


def _copy(change: Change, what: str, words: Sequence[str], ids: Iterable[str]) -> Copy:
    # The edit's own words say it: which example it is, no optimizer may learn.
    return Copy(f"{change.variable} copies {what}: '{' '.join(words)[:_SHOWN]}'", tuple(sorted(ids)))


@lru_cache(maxsize=1024)
def _words(text: str) -> Words:
    return tuple(map(sys.intern, _WORD.findall(unicodedata.normalize("NFKC", text).casefold())))


def _row(words: Iterable[str]) -> str:
    """Words as a text that can be searched for whole words."""
    return f" {' '.join(words)} "


def _grams(words: Words, size: int) -> Iterator[Words]:
    return (words[start : start + size] for start in range(len(words) - size + 1))


def _said(target: object) -> str:
    return str(target) if isinstance(target, int | float) else text_of(target)  # type: ignore[arg-type]  # JSON
