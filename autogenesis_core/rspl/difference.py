"""What differs between two records, as a person and as a program read it; and which version wrote each line."""

import json
import math
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from difflib import Match, SequenceMatcher
from itertools import accumulate, compress, groupby, islice, zip_longest
from operator import ne
from typing import Any, Literal, TypeAlias

from attrs import NOTHING, NothingType, frozen

from autogenesis_core.errors import InvalidRecord
from autogenesis_core.identity import JSON, canonical
from autogenesis_core.rspl.record import Implementation, Record, Source
from autogenesis_core.terminal import visible

_CONTEXT = 3  # unchanged lines around a change
_LONG = 80  # characters from which a string of one line is compared as a text
_WORDS = 400_000  # characters of both texts together up to which they are compared by word
_WORK = 1_000_000  # steps of one comparison, where a pair of equal tokens is a step: about 0.3 s
_TOKEN_STEPS, _CALL_STEPS = 3, 100  # steps for a token that is looked up, and for a search, however short
_TOKENS = 200_000  # tokens of both texts together, without what they share at both ends, that are matched at all
_POPULAR = 1_000  # tokens of one text from which the frequent ones anchor no match
_NUMBERS = 8  # numbers of a list that are told one by one
_MANY = 1_000  # differences of one field that are told one by one
_DEPTH = 32  # levels of a value
_KEY = 64  # characters of a key within a path
_FIELDS = {"kind", "name", "description", "implementation", "source", "parameters", "exports", "trainable"}
_PLAIN = re.compile(r"\w[\w-]*")
_TOKEN = re.compile(r"\w+|\s+|[^\w\s]")

_encode = json.JSONEncoder(sort_keys=True).encode
_AROUND = {"=": ("", ""), "-": ("[-", "-]"), "+": ("{+", "+}")}

Value: TypeAlias = "JSON | NothingType"
Mark: TypeAlias = Literal["=", "-", "+"]
_Opcode: TypeAlias = tuple[Literal["replace", "delete", "insert", "equal"], int, int, int, int]


@frozen
class Difference:
    """One thing that two records do not share.

    Arguments:
        path: where: a prompt's section by its name (`rules`), else from the record's field on
            (`parameters.weights.CartPole-v1[3]`, `exports.parameters.properties.x.type`)
        form: how to read it: prose, a program, or one value
        old: the value before; `attrs.NOTHING` if it was added
        new: the value after; `attrs.NOTHING` if it was removed
    """

    path: str
    form: Literal["text", "code", "value"]
    old: Value
    new: Value

    def lines(self) -> list[str]:
        """Unified hunks of a text or code, with 3 lines of context; of a value, one line that says its change.

        The lines hold what the record holds, control characters too: a terminal wants `render`.
        """
        if self.form == "value":
            return [_said(self.old, self.new)]
        old, new = _text(self.old), _text(self.new)
        olds, news = (text.split("\n") if text else [] for text in (old, new))
        found = []
        for group in _Matcher(olds, news).get_grouped_opcodes(_CONTEXT):
            (_, i1, _, j1, _), (_, _, i2, _, j2) = group[0], group[-1]
            found.append(f"@@ -{_range(i1, i2)} +{_range(j1, j2)} @@")
            for tag, start, stop, new_start, new_stop in group:
                if tag == "equal":
                    found += [f" {line}" for line in olds[start:stop]]
                else:
                    found += [f"-{line}" for line in olds[start:stop]]
                    found += [f"+{line}" for line in news[new_start:new_stop]]
        return found

    def words(self) -> list[tuple[Mark, str]]:
        """Segments that both have (`=`), only the old (`-`), or only the new (`+`), compared by line, then by word.

        The `=` and `-` segments joined are the old text, the `=` and `+` segments the new one. Texts of more than
        400,000 characters together are compared by line alone.
        """
        old, new = _text(self.old), _text(self.new)
        matcher = _Matcher(old.splitlines(keepends=True), new.splitlines(keepends=True))
        segments: list[tuple[Mark, str]] = []
        for tag, before, after in matcher.blocks():
            if tag == "replace" and self.is_short:
                inner = _Matcher(_TOKEN.findall(before), _TOKEN.findall(after), str.isspace, matcher.left)
                segments += (segment for block in inner.blocks() for segment in _segments(*block))
                matcher.left = inner.left
            else:
                segments += _segments(tag, before, after)
        return _merged(segments)

    @property
    def is_short(self) -> bool:
        """Whether `words` compares by word."""
        return len(_text(self.old)) + len(_text(self.new)) <= _WORDS


@frozen
class BlamedLine:
    """A line of a variable's newest value, without its line feed, and the label of the version that wrote it."""

    version: str
    text: str


def difference(old: Record, new: Record) -> tuple[Difference, ...]:
    """Everything that differs: kind, name, description, implementation, source, parameters, exports, trainable marks.

    It is empty exactly if both have the same digest. A field with more than 1,000 differences is one difference of
    texts, its JSON with a value a line. Raises InvalidRecord for a value nested more than 32 levels deep.
    """
    found = [
        *_compared("kind", old.kind, new.kind),
        *_compared("name", old.name, new.name),
        *_compared("description", old.description, new.description),
        *_implementations(old.implementation, new.implementation),
    ]
    for name in {**new.parameters, **old.parameters}:
        values = (old.parameters.get(name, NOTHING), new.parameters.get(name, NOTHING))
        if old.kind != "prompt" or not all(_is(value, str) for value in values):
            found += _field(f"parameters{_step(name)}", *values)
        elif values[0] != values[1]:
            # A section named as a field of the record would be mistaken for it.
            bare = _PLAIN.fullmatch(name) and name not in _FIELDS
            found.append(Difference(name if bare else f"parameters{_step(name)}", "text", *values))
    return (*found, *_field("exports", old.exports, new.exports), *_field("trainable", old.trainable, new.trainable))


def render(differences: Iterable[Difference], *, words: bool) -> list[str]:
    """Lines for a terminal, without control characters: each path with its value, or followed by hunks.

    With `words`, changed words stand within their lines as `[-old-]{+new+}`.
    """
    lines = []
    for found in differences:
        if found.form == "value":
            lines.append(f"{found.path}  {_said(found.old, found.new)}")
            continue
        lines.append(found.path + ("  added" if found.old is NOTHING else "  removed" if found.new is NOTHING else ""))
        lines += _inline(found.words()) if words and found.is_short else found.lines()
    return [visible(line) for line in lines]


def to_json(differences: Iterable[Difference]) -> list[dict[str, JSON]]:
    """As plain JSON data; what was added has no `old`, what was removed no `new`."""
    return [
        {"path": found.path, "form": found.form}
        | ({} if found.old is NOTHING else {"old": found.old})
        | ({} if found.new is NOTHING else {"new": found.new})
        for found in differences
    ]


def blame(versions: Iterable[tuple[str, Record]]) -> dict[str, list[BlamedLine]]:
    """For each variable of the newest version, its lines and who wrote them.

    A line that was removed and later restored is of the version that brought it back. A value that is no text is one
    line of canonical JSON. The texts joined by line feeds are the value.

    Arguments:
        versions: label and record of each version along one lineage, oldest first
    """
    state: dict[str, _Written] = {}
    for label, record in versions:
        state = {path: _written(value, label, state.get(path)) for path, value in record.values().items()}
    return {
        path: [BlamedLine(*line) for line in zip(written.labels, written.text.split("\n"), strict=True)]
        for path, written in state.items()
    }


class _Matcher(SequenceMatcher[str]):
    """difflib's matcher with a bound on its work, which is cubic at worst: what it cannot afford counts as changed."""

    def __init__(
        self, old: Sequence[str], new: Sequence[str], junk: Callable[[str], bool] | None = None, work: int = _WORK
    ) -> None:
        self.old, self.new = old, new
        shorter = min(len(old), len(new))
        self.start = _shared(old, new, shorter)
        self.end = _shared(reversed(old), reversed(new), shorter - self.start)
        a, b = old[self.start : len(old) - self.end], new[self.start : len(new) - self.end]
        self.fits = len(a) + len(b) <= _TOKENS
        if not self.fits:
            a = b = ()
        super().__init__(junk, a, b, autojunk=max(len(a), len(b)) > _POPULAR)
        indices = self.b2j  # type: ignore[attr-defined]  # difflib names it, typeshed does not
        self.costs = [0, *accumulate(_TOKEN_STEPS + len(indices.get(token, ())) for token in a)]
        self.left = work - _CALL_STEPS

    def find_longest_match(self, alo: int = 0, ahi: int | None = None, blo: int = 0, bhi: int | None = None) -> Match:
        """difflib's, or none if to look for it would cost more than is left."""
        cost = _CALL_STEPS + self.costs[-1 if ahi is None else ahi] - self.costs[alo]
        if cost > self.left:
            return Match(alo, blo, 0)
        self.left -= cost
        return super().find_longest_match(alo, ahi, blo, bhi)

    def get_opcodes(self) -> list[_Opcode]:
        """difflib's, over the whole: what both share at their ends was left out of the matching."""
        at, i, j = self.start, len(self.old) - self.end, len(self.new) - self.end
        inner: list[_Opcode] = super().get_opcodes() if self.fits else [("replace", 0, i - at, 0, j - at)]
        codes: list[_Opcode] = [
            ("equal", 0, at, 0, at),
            *((tag, i1 + at, i2 + at, j1 + at, j2 + at) for tag, i1, i2, j1, j2 in inner),
            ("equal", i, len(self.old), j, len(self.new)),
        ]
        return [code for code in codes if code[1] < code[2] or code[3] < code[4]]

    def blocks(self) -> Iterator[tuple[str, str, str]]:
        """The tag, the old text and the new text of each opcode."""
        for tag, i1, i2, j1, j2 in self.get_opcodes():
            yield tag, "".join(self.old[i1:i2]), "".join(self.new[j1:j2])


def _shared(old: Iterable[str], new: Iterable[str], limit: int) -> int:
    """How many items at the start are the same."""
    return next(compress(range(limit), map(ne, old, new)), limit)


@frozen
class _Written:
    """A variable's value as text, and the label of each of its lines."""

    is_text: bool
    text: str
    labels: list[str]


def _written(value: JSON, label: str, before: _Written | None) -> _Written:
    is_text = isinstance(value, str)
    text = str(value) if is_text else canonical(value)
    if before is None or before.is_text is not is_text:
        return _Written(is_text, text, [label] * (text.count("\n") + 1))
    if before.text == text:
        return before
    lines = text.split("\n")
    labels = [label] * len(lines)
    for tag, i1, i2, j1, j2 in _Matcher(before.text.split("\n"), lines).get_opcodes():
        if tag == "equal":
            labels[j1:j2] = before.labels[i1:i2]
    return _Written(is_text, text, labels)


def _field(path: str, old: Value, new: Value) -> list[Difference]:
    found = list(islice(_compared(path, old, new), _MANY + 1))
    if len(found) <= _MANY:
        return found
    return [Difference(path, "text", *(value if value is NOTHING else _one_a_line(value) for value in (old, new)))]


def _compared(path: str, old: Any, new: Any, depth: int = 0) -> Iterator[Difference]:  # JSON data or NOTHING
    """The differences leaf by leaf; a mapping or list that is on one side only is compared with an empty one."""
    if depth > _DEPTH:
        raise InvalidRecord(f"{path[:_LONG]}… is nested more than {_DEPTH} levels deep", "it cannot be compared")
    if _both(old, new, dict):
        olds, news = old or {}, new or {}
        for key in {**news, **olds}:
            yield from _compared(path + _step(key), olds.get(key, NOTHING), news.get(key, NOTHING), depth + 1)
    elif _both(old, new, list) and _are_numbers(old or []) and _are_numbers(new or []):
        yield from _compared_numbers(path, old, new)
    elif _both(old, new, list):
        yield from _compared_items(path, old or [], new or [], depth + 1)
    elif not _same(old, new):
        texts = all(_is(value, str) for value in (old, new))
        long = texts and any("\n" in value or len(value) > _LONG for value in (old or "", new or ""))
        yield Difference(path, "text" if long else "value", old, new)


def _compared_numbers(path: str, old: Any, new: Any) -> Iterator[Difference]:  # lists of numbers or NOTHING
    olds, news = old or [], new or []
    changed = _changed(olds, news)
    added = len(news) - len(olds)
    if len(changed) + abs(added) > _NUMBERS:
        yield Difference(path, "value", old, new)
        return
    yield from (Difference(f"{path}[{k}]", "value", olds[k], news[k]) for k in changed)
    yield from (Difference(f"{path}[{k}]", "value", NOTHING, news[k]) for k in range(len(olds), len(news)))
    yield from (Difference(f"{path}[{k}]", "value", olds[k], NOTHING) for k in range(len(news), len(olds)))


def _compared_items(path: str, olds: list[Any], news: list[Any], depth: int) -> Iterator[Difference]:  # JSON data
    """Equal items keep company, so that one that was added or removed does not make all later ones differ."""
    matcher = _Matcher(list(map(_encode, olds)), list(map(_encode, news)))
    for tag, i1, i2, j1, j2 in matcher.get_opcodes():
        for i, j in zip_longest(range(i1, i2), range(j1, j2)) if tag != "equal" else ():
            before, after = (NOTHING if i is None else olds[i]), (NOTHING if j is None else news[j])
            yield from _compared(f"{path}[{i if j is None else j}]", before, after, depth)


def _implementations(old: Implementation, new: Implementation) -> Iterator[Difference]:
    sources = [part.text if isinstance(part, Source) else NOTHING for part in (old, new)]
    kinds = [part.language if isinstance(part, Source) else part for part in (old, new)]
    if kinds[0] != kinds[1]:
        yield Difference("implementation", "value", _named(old), _named(new))
    if sources[0] != sources[1]:
        yield Difference("source", "code", *sources)


def _named(implementation: Implementation) -> str:
    if isinstance(implementation, Source):
        return f"{implementation.language} source"
    # Only a true hash is long: prompts have their format's name there.
    short = implementation.hash[:12] if len(implementation.hash) == 64 else implementation.hash
    return f"{implementation.distribution} {implementation.entry} {short}"


def _both(old: Any, new: Any, kind: type) -> bool:  # JSON data or NOTHING
    """Whether both are of the kind, or one is and the other absent; an empty one that came or went is a leaf."""
    return bool(old or new) and all(_is(value, kind) for value in (old, new))


def _is(value: object, kind: type) -> bool:
    return value is NOTHING or isinstance(value, kind)


def _same(old: object, new: object) -> bool:
    """Whether two leaves have the same canonical JSON: 1 is neither 1.0 nor true, and 0.0 is not -0.0."""
    return type(old) is type(new) and old == new and (bool(old) or repr(old) == repr(new))


def _are_numbers(items: list[Any]) -> bool:  # JSON data
    return all(type(item) in (int, float) for item in items)


def _changed(olds: Sequence[object], news: Sequence[object]) -> list[int]:
    return [k for k, pair in enumerate(zip(olds, news, strict=False)) if not _same(*pair)]


def _step(key: str) -> str:
    """A key as a part of a path; a long one is cut, for a path is only read."""
    short = key if len(key) <= _KEY else f"{key[:_KEY]}…"
    return f".{short}" if _PLAIN.fullmatch(short) else f"[{canonical(short)}]"


def _said(old: Any, new: Any) -> str:  # JSON data or NOTHING
    if old is NOTHING or new is NOTHING:
        return f"added {_shown(new)}" if old is NOTHING else f"removed {_shown(old)}"
    if not (isinstance(old, list) and isinstance(new, list) and _are_numbers(old) and _are_numbers(new)):
        return f"{_shown(old)} → {_shown(new)}"
    changed = _changed(old, new)
    text = f"{len(changed):,} of {min(len(old), len(new)):,} numbers changed"
    if changed:
        at = max(changed, key=lambda k: abs(_change(old[k], new[k])))
        text += f", largest {_change(old[at], new[at]):+.3g} at [{at}]"
    more = len(new) - len(old)
    return text + (f"; {abs(more):,} {'added' if more > 0 else 'removed'} at the end" if more else "")


def _shown(value: Any) -> str:  # JSON data
    if isinstance(value, list) and len(value) > _NUMBERS and _are_numbers(value):
        return f"{len(value):,} numbers"
    return canonical(value)


def _change(old: float, new: float) -> float:
    try:
        return float(new - old)
    except OverflowError:  # a whole number may be larger than any float
        return math.inf if new > old else -math.inf


def _text(value: Any) -> str:  # JSON data or NOTHING
    if value is NOTHING:
        return ""
    return value if isinstance(value, str) else canonical(value)


def _one_a_line(value: Any) -> str:  # JSON data
    return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",\n", ": "))


def _range(start: int, stop: int) -> str:
    """As in a unified diff: lines count from 1; a range of none is named by the line before it."""
    length = stop - start
    return f"{start + 1}" if length == 1 else f"{start + (length > 0)},{length}"


def _segments(tag: str, old: str, new: str) -> list[tuple[Mark, str]]:
    return [("=", old)] if tag == "equal" else [("-", old), ("+", new)]


def _merged(segments: Iterable[tuple[Mark, str]]) -> list[tuple[Mark, str]]:
    groups = groupby((segment for segment in segments if segment[1]), key=lambda segment: segment[0])
    return [(mark, "".join(text for _, text in group)) for mark, group in groups]


def _inline(segments: Iterable[tuple[Mark, str]]) -> list[str]:
    """The lines with changed words, each change within its line, and their context; a gap is a line `@@ line 12 @@`."""
    rows = _rows(segments)
    near = {at + by for at, row in enumerate(rows) if row[1] for by in range(-_CONTEXT, _CONTEXT + 1)}
    lines = []
    for at, (number, _, text) in enumerate(rows):
        if at in near:
            if at - 1 not in near or not at:
                lines.append(f"@@ line {number} @@")
            lines.append(f"  {text}")  # so that no line of a text can pass for a path
    return lines


def _rows(segments: Iterable[tuple[Mark, str]]) -> list[tuple[int, bool, str]]:
    """(number of the line in the new text, whether it has a change, the line with its changes marked)."""
    rows: list[tuple[int, bool, str]] = []
    number, changed, parts = 1, False, list[str]()
    for mark, segment in segments:
        before, after = _AROUND[mark]
        if mark != "=" and not segment.strip("\n"):
            # Lines that only broke differently would show no mark at all.
            parts.append(before + "\\n" * len(segment) + after)
            changed = True
        for k, piece in enumerate(segment.split("\n")):
            if k:
                rows.append((number, changed, "".join(parts)))
                number, changed, parts = number + (mark != "-"), False, []
            if piece:
                parts.append(before + piece + after)
                changed |= mark != "="
    return [*rows, (number, changed, "".join(parts))]
