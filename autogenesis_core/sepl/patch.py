"""Patches: edits of a text by parts, and how edits that were made side by side are put together."""

from collections.abc import Sequence
from difflib import SequenceMatcher
from typing import Literal

from attrs import frozen

from autogenesis_core.errors import InputError

_LINES = 5000  # of a text; difflib's time grows with their square


@frozen
class Patch:
    """One change of a text.

    Arguments:
        op: `add` puts `text` on lines of its own after the line that holds `span`, or at the end without one;
            `replace` puts `text` in the place of `span`; `delete` takes `span` away
        span: a piece of the text as it stands, found in it exactly once
        text: what is new
    """

    op: Literal["add", "replace", "delete"]
    span: str = ""
    text: str = ""


def apply_patches(text: str, patches: Sequence[Patch]) -> str:
    """`text` with all patches, one after the other; raises InputError for a span that is not there exactly once."""
    for patch in patches:
        text = _applied(text, patch)
    return text


def rebase(base: str, edited: str, onto: str) -> str | None:
    """`onto` with the changes that lead from `base` to `edited`, line by line; None where they conflict.

    What both added at the same place is kept, first that of `onto`, and a sentence of both once; what both changed
    alike is no conflict.
    """
    if base == onto:
        return edited
    lines, theirs, ours = (text.split("\n") for text in (base, edited, onto))
    if max(map(len, (lines, theirs, ours))) > _LINES:
        return None
    changes = _changes(lines, ours)
    merged = [*changes]
    for change in _changes(lines, theirs):
        if change in changes:
            continue
        if any(_overlap(change, other) for other in changes):
            return None
        merged.append(_without_said(change, lines, changes))
    return "\n".join(_changed(lines, merged))


_Change = tuple[int, int, tuple[str, ...]]  # lines from, to (exclusive), and what stands there instead


def _applied(text: str, patch: Patch) -> str:
    if patch.span == "" and patch.op == "add":
        return f"{text}\n{patch.text}" if text else patch.text
    if (count := text.count(patch.span)) != 1 or not patch.span:
        found = f"{count} times" if count else "nowhere"
        raise InputError(f"the text holds {patch.span[:60]!r} {found}; a patch needs a span that it holds once")
    if patch.op != "add":
        return text.replace(patch.span, patch.text if patch.op == "replace" else "")
    start = text.index(patch.span) + len(patch.span)
    end = text.find("\n", start)
    end = len(text) if end < 0 else end
    return f"{text[:end]}\n{patch.text}{text[end:]}"


def _changes(base: Sequence[str], edited: Sequence[str]) -> list[_Change]:
    # What both begin and end with is most of a long text, and costs difflib more than all the rest.
    shorter = min(len(base), len(edited))
    start = next((i for i in range(shorter) if base[i] != edited[i]), shorter)
    end = next((i for i in range(shorter - start) if base[-1 - i] != edited[-1 - i]), shorter - start)
    old, new = base[start : len(base) - end], edited[start : len(edited) - end]
    codes = SequenceMatcher(None, old, new, autojunk=False).get_opcodes()
    return [(start + i, start + j, tuple(new[k:n])) for tag, i, j, k, n in codes if tag != "equal"]


def _overlap(first: _Change, second: _Change) -> bool:
    """Whether two changes touch the same lines; two additions never do."""
    (i, j, _), (k, n, _) = first, second
    if i == j or k == n:
        # An addition at the border of a replaced span stays beside it.
        return i < k < j or k < i < n
    return i < n and k < j


def _without_said(change: _Change, base: Sequence[str], others: Sequence[_Change]) -> _Change:
    """`change` without the sentences that another change says at the same place."""
    start, end, new = change
    said = {line for i, j, lines in others if i <= end and start <= j for line in lines if _is_sentence(line)}
    kept = [line for line in new if line not in said or line in base[start:end]]
    if len(kept) == len(new):
        return change
    return start, end, tuple(kept if any(line.strip() for line in kept) or start < end else ())


def _is_sentence(line: str) -> bool:
    """Whether a line says something by itself; indented lines, fences and brackets belong to what is around them."""
    return len(line.split()) > 1 and not line[0].isspace()


def _changed(base: Sequence[str], changes: Sequence[_Change]) -> list[str]:
    # At one place additions come in the order in which they were made, before what replaces the line after them.
    order = sorted(changes, key=lambda change: (change[0], change[1]))
    made: list[str] = []
    at = 0
    for start, end, new in order:
        made += base[at:start]
        made += new
        at = max(at, end)
    return [*made, *base[at:]]
