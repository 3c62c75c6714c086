"""Splits: which examples are for reflection, for the gate's decision, and for the last score; none is for two."""

import string
import unicodedata
from collections.abc import Mapping, Sequence

from autogenesis_core.errors import InputError
from autogenesis_core.identity import derive
from autogenesis_core.sepl.evaluation import SPLITS, Example, Question, Split

_MARKS = ".,;:!?…\"'`\u201c\u201d\u201e\u2018\u2019«»"  # at the ends of words; inside they may matter: 1.5
_NAMED = 3  # pairs that a note names
_BITS = 63  # of a derived seed


def plain_text(text: str) -> str:
    """A text without what makes no other question of it: case, white space, punctuation at the ends of words."""
    words = unicodedata.normalize("NFKC", text).casefold().strip(_MARKS + string.whitespace).split()
    return " ".join(word.strip(_MARKS) or word for word in words)


def split_by_content(
    questions: Sequence[Question], sizes: Mapping[Split, int], seed: int
) -> Mapping[Split, list[Question]]:
    """Shares questions out among the splits, each by what it says and by nothing else.

    A question's place in [0, 1) is a hash of the seed and its text, or of its cluster, so that questions of one cluster
    and those that differ in case, white space or punctuation alone stay together. The splits are intervals in
    proportion to `sizes`, each cut to its size in the order of places. So a question that is added moves none
    from one split to another, as long as seed and sizes stay the same.

    Splits have about their share, not exactly. One that would be empty is lent the last group of the fullest: in a
    file of so few examples, one may move when the file grows.
    """
    total = sum(sizes.get(split, 0) for split in SPLITS)
    found: dict[Split, dict[int, list[Question]]] = {split: {} for split in SPLITS}
    for question in questions if total else ():
        place = derive(seed, "split", question.cluster or plain_text(question.input))
        found[_interval(place, sizes, total)].setdefault(place, []).append(question)
    for split in SPLITS:
        fullest = max(SPLITS, key=lambda other: len(found[other]))
        if sizes.get(split, 0) and not found[split] and len(found[fullest]) > 1:
            last = max(found[fullest])
            found[split][last] = found[fullest].pop(last)
    return {
        split: [question for _, group in sorted(found[split].items()) for question in _ordered(group, seed)][
            : sizes.get(split, 0)
        ]
        for split in SPLITS
    }


def _ordered(group: list[Question], seed: int) -> list[Question]:
    return sorted(group, key=lambda question: derive(seed, "order", question.digest)) if len(group) > 1 else group


def _interval(place: int, sizes: Mapping[Split, int], total: int) -> Split:
    """The split that a place belongs to: intervals of the hash's range as long as the splits are large."""
    end = 0
    for split in SPLITS:
        end += sizes.get(split, 0)
        if place * total < end << _BITS:
            return split
    raise AssertionError("a place is less than 1")


def without_duplicates(
    examples: Mapping[Split, Sequence[Example]],
) -> tuple[Mapping[Split, Sequence[Example]], list[str]]:
    """Examples of which none stands in two splits, and what a person should know of those that did.

    One that stands in `test`, too, is left out of the others, and one that stands in `val` is left out of `train`:
    what decides was never learned from. They are the same if their `plain_text` is. Raises InputError if that leaves
    a split without examples.
    """
    seen: dict[str, tuple[Split, str]] = {}
    kept: dict[Split, Sequence[Example]] = {}
    notes: list[str] = []
    for split in reversed(SPLITS):
        own = {example.id: plain_text(example.input) for example in examples.get(split, ())}
        twice = {id_: seen[text] for id_, text in own.items() if text in seen}
        kept[split] = [example for example in examples.get(split, ()) if example.id not in twice]
        if twice:
            notes.append(_note(split, twice))
        if twice and not kept[split]:
            raise InputError(f"every example of {split} stands in another split, too", _note(split, twice))
        for id_, text in own.items():
            seen.setdefault(text, (split, id_))
    return {split: kept[split] for split in SPLITS}, notes


def _note(split: Split, twice: Mapping[str, tuple[Split, str]]) -> str:
    pairs = [f"{id_} = {other} of {where}" for id_, (where, other) in list(twice.items())[:_NAMED]]
    more = ", …" if len(twice) > _NAMED else ""
    count = "1 example" if len(twice) == 1 else f"{len(twice)} examples"
    return f"{count} of {split} left out, the same in another split: {', '.join(pairs)}{more}"
