"""What earlier runs did that bears on this one: the scorer that they went by, the examples that they learned from."""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from autogenesis_core.errors import AutogenesisError
from autogenesis_core.rspl.reader import Head, Reader
from autogenesis_core.runfolder import read_json
from autogenesis_core.sepl.evaluation import SPLITS, Benchmark, Example, Split
from autogenesis_core.sepl.splits import plain_text

_NAMED = 3  # heads that a note names
_VERSIONS = 50  # of each resource, the newest


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


def learned_note(
    store: Reader, heads: Iterable[Head], runs: Path, benchmark: Benchmark, examples: Mapping[Split, Sequence[Example]]
) -> str | None:
    """What a person should know if earlier runs learned from examples that are now to decide or to be scored.

    That is so where another seed or other sizes deal the same examples anew; they are dealt again as they were then.

    Arguments:
        runs: the folder of all runs; one whose own folder is gone is not known of
    """
    held_out = {plain_text(example.input) for split in ("val", "test") for example in examples[split]}
    learned: set[str] = set()
    for seed, *sizes in sorted(_dealt(store, heads, runs)):
        with suppress(AutogenesisError):  # the file may not have so many examples any more
            made = benchmark.examples(dict(zip(SPLITS, sizes, strict=True)), seed)
            learned |= {plain_text(example.input) for example in made["train"]}
    count = len(held_out & learned)
    if not count:
        return None
    return (
        f"{count} of {len(held_out)} examples of val and test may have been learned from: "
        "earlier runs had another seed or other splits, so scores may be too good"
    )


def _dealt(store: Reader, heads: Iterable[Head], runs: Path) -> set[tuple[int, ...]]:
    """Seed and sizes of the runs that committed what led to these heads."""
    versions = [v for head in heads for v in store.history(head.kind, head.name, limit=_VERSIONS)]
    names = {e.run for e in store.entries_at(v.seq for v in versions).values() if e.event == "commit" and e.run}
    configs = [read_json(runs / name / "config.json") for name in names]
    return {
        (int(config["seed"]), *(int(config["splits"][split]) for split in SPLITS))
        for config in configs
        if "seed" in config and "splits" in config
    }
