"""Retrieval: the resources that fit a query best, by SQLite's full-text search and its bm25.

A word of a query finds a record by the record's own words (stemmed), or by a topic that both belong to: people say
umbrella where a description says weather. Of these ways the best one counts, and the words and phrases of a query add
up. A word that occurs nowhere is taken as those that it may be a slip of.
"""

import re
import sqlite3
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from functools import lru_cache
from heapq import nsmallest
from itertools import chain
from math import log
from types import TracebackType
from typing import TYPE_CHECKING
from weakref import finalize

from attrs import frozen

from autogenesis_core.errors import InputError, StoreError, unknown
from autogenesis_core.rspl.entity import KINDS
from autogenesis_core.rspl.topics import SIGNS, STOP, TOPICS

if TYPE_CHECKING:
    from autogenesis_core.rspl.record import Record

_RESULTS = 100  # of one search, at most
_QUERY = 4_000  # characters of a query that are read
_WORDS = 32  # distinct words of a query that are searched for
_TEXT = 10_000  # characters of a record's texts that are read; what it is for stands at the beginning
_TOPIC = 1.3  # weight of a topic, relative to a word of a description
_NAMED = 1.75  # the same where the name itself says the topic
_LONG = (5, 24)  # letters of a word whose slips are looked for: a shorter one turns into another word by any slip
_SLIP = 0.7  # weight of a word that was meant by another spelling
_PHRASE = 4  # words of a phrase, at most
_STOP = frozenset(STOP.split())

_WORD = re.compile(r"\w{1,64}(?:-\w{1,64}){0,4}")
_PART = re.compile(r"[A-Z]+(?![a-z])|[^\W_A-Z]+|[A-Z][^\W_A-Z]*")
_BRITISH = re.compile(r"(?<=\w{3})is(e|es|ed|ing|er|ation)$")

_TABLES = """
CREATE VIRTUAL TABLE own USING fts5(name, description, tokenize = 'porter unicode61');
CREATE VIRTUAL TABLE detail USING fts5(arguments, texts, tokenize = 'porter unicode61');
CREATE VIRTUAL TABLE topic USING fts5(words, tokenize = 'porter unicode61');
"""
# A table for each, because bm25 takes the length of a whole row as that of each column: a skill's long body would hide
# its name.
_MEMBERS = "SELECT rowid FROM own WHERE own MATCH ?"
_SCORES = (
    "SELECT rowid, -bm25(own, 2.0, 1.0) FROM own WHERE own MATCH ?",
    "SELECT rowid, -bm25(detail, 0.5, 0.25) FROM detail WHERE detail MATCH ?",
)


@frozen
class Found:
    """A resource that fits a query; `score` compares the results of one search, higher is better."""

    id: str
    score: float
    description: str
    digest: str


class Index:
    """A full-text index in memory over some records; close it, or use it as a context manager."""

    def __init__(self, records: "Iterable[Record]") -> None:
        self._records = sorted(records, key=lambda record: record.id)
        self._vocabulary: set[str] = set()
        self._slips: dict[str, list[str]] = {}
        self._database = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
        finalize(self, self._database.close)  # for one that is dropped unclosed, with the manager that kept it
        try:
            self._build()
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> "Index":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Gives the memory back; a closed index cannot be searched."""
        self._database.close()

    def search(self, query: str, k: int = 4, kind: str | None = None) -> list[Found]:
        """The at most `k` resources that fit `query` best, the best first; equal ones in the order of their ids.

        Arguments:
            query: free text in anybody's words; nothing in it is syntax
            k: how many, from 1 to 100
            kind: only resources of that kind

        Raises InputError for another `k`, UnknownName for an unknown kind.
        """
        if not 1 <= k <= _RESULTS:
            raise InputError(f"k must be from 1 to {_RESULTS}, not {k}")
        if kind is not None and kind not in KINDS:
            raise unknown("kind", kind, KINDS)
        scores: dict[int, float] = {}
        for word in _query_words(query, self._vocabulary):
            for number, score in self._scores(word).items():
                scores[number] = scores.get(number, 0.0) + score
        fitting = (number for number in scores if kind in (None, self._records[number].kind))
        best = nsmallest(k, fitting, key=lambda number: (-scores[number], number))
        return [
            Found(record.id, scores[number], record.description, record.digest)
            for number, record in ((number, self._records[number]) for number in best)
        ]

    def _scores(self, word: str) -> dict[int, float]:
        """What a word gives each record; a word that is nowhere counts as those that it may be a slip of."""
        scores = self._meant(word)
        if scores is None:
            scores = {}
            for other in self._spelt_like(word):
                for number, score in (self._meant(other) or {}).items():
                    scores[number] = max(_SLIP * score, scores.get(number, 0.0))
        return scores

    def _meant(self, word: str) -> dict[int, float] | None:
        """What a word as it is spelt gives each record: its best way counts; None if it is in no record or topic."""
        own, detail = (self._database.execute(scores, [f'"{word}"']).fetchall() for scores in _SCORES)
        topics = self._database.execute("SELECT rowid FROM topic WHERE topic MATCH ?", [f'"{word}"']).fetchall()
        best = dict(own)
        for number, score in chain(detail, *(self._topics[topic] for (topic,) in topics)):
            if score > best.get(number, 0.0):
                best[number] = score
        return best if own or detail or topics else None

    def _spelt_like(self, word: str) -> list[str]:
        """The words of records and topics that differ from a long enough word by one slip of the finger."""
        if not _LONG[0] <= len(word) <= _LONG[1]:
            return []
        if not self._slips:
            self._slips = _by_slip(word for word in self._vocabulary if _LONG[0] <= len(word) <= _LONG[1])
        return sorted({known for slip in _slips(word) for known in self._slips.get(slip, ())})

    def _build(self) -> None:
        run = self._database
        try:
            run.executescript(_TABLES)
        except sqlite3.OperationalError as error:
            raise StoreError(
                f"this Python's SQLite cannot search texts: {error}", "use a Python whose SQLite is built with FTS5"
            ) from None
        run.execute("BEGIN")
        for number, record in enumerate(self._records):
            words = [list(_words(text)) for text in _document(record)]
            self._vocabulary.update(*words[:2])
            name, description, arguments, texts = map(" ".join, words)
            run.execute("INSERT INTO own (rowid, name, description) VALUES (?, ?, ?)", (number, name, description))
            run.execute("INSERT INTO detail (rowid, arguments, texts) VALUES (?, ?, ?)", (number, arguments, texts))
        members: list[dict[int, float]] = []
        for topic, (match, cues) in enumerate(_topics()):
            run.execute("INSERT INTO topic (rowid, words) VALUES (?, ?)", (topic, " ".join(cues)))
            self._vocabulary.update(cues)
            found = dict.fromkeys((number for (number,) in run.execute(_MEMBERS, [match])), 1.0)
            found.update((number, _NAMED) for (number,) in run.execute(_MEMBERS, [f"name: ({match})"]))
            members.append(found)
        run.execute("COMMIT")
        self._topics = _topic_scores(members, len(self._records))


@lru_cache(maxsize=1)
def _topics() -> list[tuple[str, list[str]]]:
    """Of each topic what its records match, and its words."""
    topics = []
    for line in TOPICS.strip().splitlines():
        heads = [_forms(head) for head in line.partition(":")[0].split()]
        match = " OR ".join(f'"{" ".join(parts[:-1] or parts)}"' for parts in heads)
        topics.append((match, [_forms(cue)[-1] for cue in line.replace(":", " ").split()]))
    return topics


@lru_cache(maxsize=1)
def _phrases() -> frozenset[str]:
    return frozenset(_forms(cue)[-1] for cue in TOPICS.replace(":", " ").split() if "_" in cue)


def _topic_scores(members: Sequence[Mapping[int, float]], size: int) -> list[list[tuple[int, float]]]:
    """What bm25 gives each topic's records, if a record were the list of its topics."""
    lengths: dict[int, float] = {}
    for weights in members:
        for number, weight in weights.items():
            lengths[number] = lengths.get(number, 0.0) + weight
    mean = sum(lengths.values()) / max(1, size)
    shares = {number: _TOPIC * 2.2 / (1 + 1.2 * (0.25 + 0.75 * length / mean)) for number, length in lengths.items()}
    scores = []
    for weights in members:
        rarity = max(1e-6, log((size - len(weights) + 0.5) / (len(weights) + 0.5)))
        scores.append([(number, rarity * shares[number] * weight) for number, weight in weights.items()])
    return scores


def _query_words(query: str, known: Set[str]) -> list[str]:
    """The distinct words and phrases of a query that tell something; all of its words if none does."""
    query = query[:_QUERY]
    words = list(_words(query))
    signs = [cue for sign, cue in SIGNS if re.search(sign, query, re.IGNORECASE)]
    # A number is what a tool works on, hardly ever what its description names.
    telling = [word for word in (*words, *signs) if word not in _STOP and not word.isdecimal()]
    phrases = [phrase for size in range(2, _PHRASE + 1) for phrase in _joined(words, size, known)]
    found = [*dict.fromkeys(telling)][:_WORDS] + [*dict.fromkeys(phrases)][:_WORDS]
    return list(dict.fromkeys(found or words))[: _WORDS * 2]


def _joined(words: Sequence[str], size: int, known: Set[str]) -> Iterator[str]:
    """The phrases of topics among the runs of so many words, and compounds that are written apart: `spread sheet`."""
    for start in range(len(words) - size + 1):
        run = words[start : start + size]
        phrase = "".join(run)
        if phrase in _phrases() or (phrase in known and _STOP.isdisjoint(run)):
            yield phrase


def _slips(word: str) -> set[str]:
    """A word and what is left of it without one letter: two words differ by one slip if they share one of these."""
    return {word, *(word[:place] + word[place + 1 :] for place in range(1, len(word)))}


def _by_slip(words: Iterable[str]) -> dict[str, list[str]]:
    by_slip: dict[str, list[str]] = {}
    for word in words:
        for slip in _slips(word):
            by_slip.setdefault(slip, []).append(word)
    return by_slip


def _words(text: str) -> Iterator[str]:
    """The words of a text, folded; of a compound such as `e-mail` or `sendEmail` its parts and the whole."""
    for word in _WORD.findall(unicodedata.normalize("NFKC", text)):
        yield from _forms(word)


@lru_cache(maxsize=10_000)
def _forms(word: str) -> tuple[str, ...]:
    parts = tuple(_BRITISH.sub(r"iz\1", part.casefold()) for part in _PART.findall(word))
    return parts if len(parts) < 2 else (*parts, "".join(parts))


def _document(record: "Record") -> tuple[str, str, str, str]:
    """A record's name, description, arguments and texts."""
    schema = record.exports.get("parameters")
    properties = schema.get("properties") if isinstance(schema, Mapping) else None
    arguments: list[object] = []
    for name, argument in (properties if isinstance(properties, Mapping) else {}).items():
        arguments += [name, argument.get("description") if isinstance(argument, Mapping) else None]
    texts: list[object] = [record.exports.get("limits"), record.exports.get("examples")]
    if record.kind == "prompt":
        texts += record.parameters.values()
    elif record.exports.get("form") == "skill":
        files = record.parameters.get("files")
        texts += [record.parameters.get("body"), list(files) if isinstance(files, Mapping) else None]
    return record.name, record.description[:_TEXT], _text(arguments), _text(texts)


def _text(values: Iterable[object]) -> str:
    """The strings among values and lists of values, as one text of bounded length."""
    strings = (item for value in values for item in (value if isinstance(value, list | tuple) else [value]))
    return "\n".join(item for item in strings if isinstance(item, str))[:_TEXT]
