"""Verbs that look at resources: list, show, retrieve, contract."""

from datetime import datetime, time
from pathlib import Path

from autogenesis_core.cli.arguments import Arguments
from autogenesis_core.cli.screen import counted, one_line, say, say_hint, say_json, say_table
from autogenesis_core.errors import InputError, unknown

KINDS = ("prompt", "agent", "tool", "environment", "memory")


def list_(arguments: Arguments) -> int:
    """The resources, their heads by branch and their aliases."""
    kind = known_kind(arguments.optional())
    with arguments.registry() as registry:
        heads = registry.heads(kind)
        aliases = {name: registry.aliases(name) for name in heads}
    if arguments.json:
        return say_json({name: {"heads": found, "aliases": aliases[name]} for name, found in heads.items()})
    rows = []
    for name, found in heads.items():
        named = [f"{branch} {version}" for branch, version in found.items()]
        rows.append((name, "   ".join([*named, *(f"@{alias} {version}" for alias, version in aliases[name].items())])))
    say_table(rows)
    return say_hint(rows, "autogenesis history RESOURCE · autogenesis show RESOURCE")


def show_(arguments: Arguments) -> int:
    """One version of a resource; with at=, the one that the name meant then."""
    name, at = arguments.word(), arguments.settings().get("at")
    moment = _moment(at) if at is not None else None
    with arguments.registry() as registry:
        version = registry.find(name, moment.timestamp() if moment else None)
        record, text = registry.record(str(version)), registry.text(str(version))
        aliases = [alias for alias, meant in registry.aliases(version.id).items() if meant == version.version]
    if arguments.json:
        then = {"at": moment.isoformat()} if moment else {}
        return say_json({"version": version.version, "digest": version.digest, **then, **record.to_json()})
    say(f"{version}  {one_line(record.description)}")
    named = "".join(f" · @{alias}" for alias in aliases)
    say(f"  {version.digest[:12]} · {version.state} · commit {version.commit}{named}")
    if moment:
        say(f"  as {name} was at {moment.isoformat(' ', 'seconds')}")
    say(f"\n{text}".removesuffix("\n"))
    return 0


def retrieve_(arguments: Arguments) -> int:
    """The resources that fit a query best."""
    if not arguments.words:
        raise InputError("retrieve takes a query", 'autogenesis retrieve "count letters in a word" kind=tool')
    kind, k = known_kind(arguments.settings().get("kind", "")), arguments.number("k", 4)
    with arguments.registry() as registry:
        found = registry.retrieve(" ".join(arguments.words), k, kind or None)
    if arguments.json:
        return say_json([{"id": f.id, "score": f.score, "description": f.description} for f in found])
    say_table([(f.id, one_line(f.description)) for f in found])
    if not found:
        say("  nothing fits")
        return 0
    return say_hint(found, f"autogenesis contract {found[0].id} · autogenesis show {found[0].id}")


def contract_(arguments: Arguments) -> int:
    """What resources can do, as a model is told; in a file, if one is named."""
    from autogenesis_core.registry import load_contract, save_contract

    for word in arguments.words:
        known_kind("" if "/" in word else word)
    to = arguments.settings().get("to")
    if to is not None and Path(to).exists() and "--force" not in arguments.flags:
        try:
            load_contract(Path(to))
        except InputError:
            raise InputError(f"{to} is there and is no contract", "name another file, or add --force") from None
    with arguments.registry() as registry:
        made = registry.contract(arguments.words)
    if to is not None:
        save_contract(made, Path(to))
    if arguments.json:
        return say_json({"name": made.name, "tokens": made.tokens, "ids": made.ids, "text": made.text, "file": to})
    if to is None:
        say(made.text.removesuffix("\n"))
    count = f"{counted(len(made.ids), 'resource')}, about {made.tokens} tokens"
    say(f"  {to}: {count}" if to is not None else count, error=to is None)
    return 0


def known_kind(word: str) -> str:
    """`word`, if it is a kind or nothing; raises UnknownName."""
    if word and word not in KINDS:
        raise unknown("kind", word, KINDS)
    return word


def _moment(text: str) -> datetime:
    """The time that was meant: a day is meant to its end, and a time without a zone is this computer's."""
    try:
        found = datetime.fromisoformat(text)
        if len(text) <= len("2026-W47-2") and found.time() == time.min:
            found = datetime.combine(found, time(23, 59, 59))
        found = found.astimezone()
        found.timestamp()
    except (ValueError, OverflowError, OSError):
        raise InputError(f"at={text} is no time", "at=2026-11-17, or at=2026-11-17T12:00") from None
    return found
