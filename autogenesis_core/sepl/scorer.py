"""Whether the scorer is still the one on whose word the heads were committed."""

from collections.abc import Mapping

from autogenesis_core.rspl.reader import Head, Reader

_NAMED = 3  # heads that a note names


def scorer_note(store: Reader, heads: Mapping[str, Head], scorer: str) -> str | None:
    """What a person should know if some heads were committed on the word of another scorer, by their log entries."""
    versions = [store.version(head.kind, head.name, head.version) for head in heads.values()]
    known = [version for version in versions if version is not None]
    entries = store.entries_at(version.seq for version in known)
    others = [str(v) for v in known if v.seq in entries and entries[v.seq].body.get("scorer") not in (None, scorer)]
    if not others:
        return None
    named = ", ".join(others[:_NAMED]) + (", …" if len(others) > _NAMED else "")
    return f"the scorer has changed since {named} was committed: scores of then and of now do not compare"
