"""Verbs that change where things stand: restore, rollback, copy, alias, branch, mark."""

from typing import TYPE_CHECKING, Any, cast, get_args

from autogenesis_core.cli.arguments import Arguments
from autogenesis_core.cli.screen import counted, one_line, say, say_commit, say_hint, say_json, say_table, when
from autogenesis_core.errors import InputError, unknown
from autogenesis_core.registry import VersionState

if TYPE_CHECKING:
    from autogenesis_core.registry import Registry

_STATES = tuple(state for state in get_args(VersionState) if state != "candidate")


def restore_(arguments: Arguments) -> int:
    """A new version with the record of an old one."""
    with arguments.registry() as registry:
        dependents = _dependents(arguments, registry)
        return say_commit(arguments.json, *registry.restore(arguments.word()), dependents=dependents)


def rollback_(arguments: Arguments) -> int:
    """Undoes a commit, or all commits of a run: each resource as it was before."""
    name = arguments.word()
    if "/" in name:
        return restore_(arguments)
    with arguments.registry() as registry:
        besides = registry.changed_since(name)
        for resource, versions in besides.items() if not arguments.json else ():
            say(f"  this also takes back {resource}@{', @'.join(versions)}, which came later", error=True)
        dependents = _dependents(arguments, registry)
        return say_commit(arguments.json, *registry.rollback(name), besides=besides, dependents=dependents)


def copy_(arguments: Arguments) -> int:
    """A resource of its own with the content of a version."""
    if len(arguments.words) != 2:
        raise InputError("copy takes a resource and a new name", "autogenesis copy prompt/x y")
    with arguments.registry() as registry:
        made = registry.copy(*arguments.words)
        version = registry.find(made)
    if arguments.json:
        return say_json({"commit": version.commit, "versions": {made: version.version}})
    say(f"  {version}\n  commit {version.commit} · change it: autogenesis edit {made}")
    return 0


def alias_(arguments: Arguments) -> int:
    """Names a version; takes the name away; or lists a resource's names and how they moved."""
    if not 1 <= len(arguments.words) <= 2:
        raise InputError("alias takes a resource and a name", "autogenesis alias prompt/x@1.0.2 production")
    remove = "--remove" in arguments.flags
    if remove and len(arguments.words) == 1:
        raise InputError("which alias?", f"autogenesis alias {arguments.words[0]} NAME --remove")
    with arguments.registry() as registry:
        if len(arguments.words) == 1:
            return _aliases(arguments, registry, arguments.words[0])
        name, alias = arguments.words
        before = registry.aliases(name).get(alias)
        version = registry.set_alias(name, alias, remove=remove)
    now = None if remove else version.version
    if arguments.json:
        return say_json({"resource": version.id, "alias": alias, "from": before, "to": now})
    say(f"  {version.id}@{alias}: {before or 'nothing'} → {now or 'nothing'}")
    return say_hint(version, f"autogenesis alias {version.id} · autogenesis show {version.id}@{alias}")


def branch_(arguments: Arguments) -> int:
    """The branches with their numbers of heads; or a new one."""
    if len(arguments.words) > 1:
        raise InputError("branch takes one name", "autogenesis branch experiment branch=main")
    with arguments.registry() as registry:
        if arguments.words:
            made = registry.create_branch(arguments.words[0])
            branches = {arguments.words[0]: made}
        else:
            names = registry.store.branches()
            branches = {name: {id_: h.version for id_, h in registry.store.heads(name).items()} for name in names}
    if arguments.json:
        return say_json(branches)
    say_table([(name, counted(len(heads), "head")) for name, heads in branches.items()])
    name = arguments.words[0] if arguments.words else "NAME"
    return say_hint(branches, f"autogenesis list branch={name} · a run goes there with branch={name}")


def mark_(arguments: Arguments) -> int:
    """Moves a version along its lifecycle."""
    if len(arguments.words) != 2:
        raise InputError("mark takes a version and a state", "autogenesis mark prompt/x@1.0.2 deprecated")
    name, state = arguments.words
    if state not in _STATES:
        raise unknown("state", state, _STATES)
    with arguments.registry() as registry:
        before = registry.find(name).state
        version = registry.mark(name, cast("VersionState", state))
    if arguments.json:
        return say_json({"version": str(version), "from": before, "to": version.state})
    say(f"  {version}: {before} → {version.state}")
    return 0


def _dependents(arguments: Arguments, registry: "Registry") -> list[str]:
    """What leans on what goes, said before it goes."""
    found = [str(dependent) for dependent in registry.dependents(arguments.word())]
    for line in found if not arguments.json else ():
        say(f"  {line}", error=True)
    return found


def _aliases(arguments: Arguments, registry: "Registry", name: str) -> int:
    aliases, moves = registry.aliases(name), registry.alias_moves(name)
    id_ = name.partition("@")[0] if moves else registry.find(name).id
    entries = registry.store.entries_at(move.seq for move in moves)
    rows: list[dict[str, Any]] = []
    last: dict[str, str] = {}
    for move in moves:
        author = one_line(entries[move.seq].body.get("author"), 40)
        was, last[move.alias] = last.get(move.alias, ""), move.version
        rows.append({"alias": move.alias, "from": was, "to": move.version, "time": move.time, "by": author})
    if arguments.json:
        return say_json({"aliases": aliases, "moves": rows})
    if not rows:
        say(f"  {id_} has no alias\n\n  autogenesis alias {id_}@VERSION NAME")
        return 0
    for alias, version in aliases.items():
        say(f"  {id_}@{alias}   {version}")
    say("\n  moves")
    say_table(
        [
            (when(row["time"]), row["alias"], f"{row['from'] or 'nothing'} → {row['to'] or 'nothing'}", row["by"])
            for row in rows
        ]
    )
    return say_hint(rows, f"autogenesis alias {id_}@VERSION NAME · autogenesis alias {id_} NAME --remove")
