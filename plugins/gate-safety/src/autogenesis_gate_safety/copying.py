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
from collections.abc import Set as AbstractSet
from functools import lru_cache

from attrs import define, field, frozen

from autogenesis_core import Episode, Question
from autogenesis_gate_safety.change import Change, text_of

_UNSPACED = "\u0e00-\u0eff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\uf900-\ufaff"
_WORD = re.compile(rf"[{_UNSPACED}]|[^\W{_UNSPACED}]+")
_ASCII = re.compile(r"\w+", re.ASCII)  # the same, sooner
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
    input_row: str
    target_row: str


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
    _places: dict[str, list[tuple[str, Words, int]]] = field(init=False)  # by word: whose, in which row, where

    def __attrs_post_init__(self) -> None:
        self._known = [_example(question) for question in self.given if isinstance(question, Question)]
        self._targets = Counter(example.target for example in self._known)
        self._places = {}
        for example in self._known:
            for words in (example.input, example.target):
                # A row of `size` words has one at a multiple of `size`: no other place need be looked at.
                for place in range(0, len(words), self.size):
                    self._places.setdefault(words[place], []).append((example.id, words, place))

    def are(self, examples: Sequence[Question | Episode]) -> bool:
        """Whether these are the same ones."""
        return examples is self.given or (
            len(examples) == len(self.given) and all(a is b for a, b in zip(examples, self.given, strict=True))
        )

    def copied(self, changes: Sequence[Change], standing: Sequence[str]) -> list[Copy]:
        """What the changes copy that stands in none of the committed texts."""
        old = [_text(text, self.size) for text in standing]
        found = []
        for change in changes:
            new = _text(change.after, self.size)
            added = new.grams.difference(*(text.grams for text in old))
            found += [*self._runs(change, added), *self._beside(change, new, [text.row for text in old])]
        return found

    def _runs(self, change: Change, added: AbstractSet[Words]) -> Iterator[Copy]:
        """Rows of words that an example's input or target has, too."""
        holders: dict[Words, set[str]] = {}
        for word in {word for gram in added for word in gram}:
            for id_, words, place in self._places.get(word, ()):
                for gram in _grams(words[max(0, place - self.size + 1) : place + self.size], self.size):
                    if gram in added:
                        holders.setdefault(gram, set()).add(id_)
        own = {gram: ids for gram, ids in holders.items() if len(ids) <= _COMMON}
        if own:
            yield _copy(change, "an example", min(own), {id_ for ids in own.values() for id_ in ids})

    def _beside(self, change: Change, new: "_Text", before: Sequence[str]) -> Iterator[Copy]:
        """Whole targets that are long enough to tell, and whole inputs with their whole targets near."""
        table: list[_Example] = []
        text = new.row
        for example in self._known:
            target = example.target_row
            if not example.target or example.target[0] not in new.words or target not in text:
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
        wanted, target = example.input_row, example.target_row
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


@frozen
class _Text:
    """A text of the system: its words, all in a row, and the rows of words in it."""

    words: frozenset[str]
    row: str
    grams: frozenset[Words]


@lru_cache(maxsize=256)
def _text(text: str, size: int) -> _Text:
    words = _words(text)
    return _Text(frozenset(words), _row(words), frozenset(_grams(words, size)))


def _example(question: Question) -> _Example:
    # Interned: the words of many examples are much the same.
    input_, target = (tuple(map(sys.intern, _words(text))) for text in (question.input, _said(question.target)))
    return _Example(question.id, input_, target, _row(input_), _row(target))


def _words(text: str) -> Words:
    if text.isascii():
        return tuple(_ASCII.findall(text.lower()))
    return tuple(_WORD.findall(unicodedata.normalize("NFKC", text).casefold()))


def _row(words: Iterable[str]) -> str:
    """Words as a text that can be searched for whole words."""
    return f" {' '.join(words)} "


def _grams(words: Words, size: int) -> Iterator[Words]:
    return zip(*(words[start:] for start in range(size)), strict=False)


def _said(target: object) -> str:
    return str(target) if isinstance(target, int | float) else text_of(target)  # type: ignore[arg-type]  # JSON
