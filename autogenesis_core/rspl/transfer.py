"""The transfer: resources with their lineage from one store to another, through a document.

Across stores a version is known by its resource, its commit and its digest; its number is each store's own. So what is
here already is left alone, what is new is added, and nothing that was decided here is undone.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, cast

from attrs import define, field, frozen

from autogenesis_core.errors import InputError, InvalidRecord, StoreError, unknown
from autogenesis_core.identity import JSON
from autogenesis_core.rspl import database as db
from autogenesis_core.rspl.document import Commit, Document, Lineage, Move, Row, first, full, ordered
from autogenesis_core.rspl.entity import Kind
from autogenesis_core.rspl.prompt import check_prompt
from autogenesis_core.rspl.reader import SHIPPED, LogEntry, Reader, Version
from autogenesis_core.rspl.record import Record
from autogenesis_core.rspl.reference import Reference
from autogenesis_core.rspl.skill import check_skill
from autogenesis_core.rspl.store import Change, Store
from autogenesis_core.services.secrets import check_no_secret, secrets_asked

_LARGEST = 1_000_000  # in a version that keeps its number; a larger one would leave no room for the next


@frozen
class Edit:
    """A record that a person changed outside of a store.

    Arguments:
        base: the version in the document that was changed; None for a new resource
        artifacts: the bytes that the record names, by SHA-256
    """

    record: Record
    base: str | None
    artifacts: Mapping[str, bytes] = field(factory=dict)


@define
class Imported:
    """What an import did.

    Arguments:
        added: new versions by `kind/name`
        renumbered: versions that are numbered otherwise here, e.g. `prompt/x@1.0.4` → `1.0.5`
        moved: heads that moved, by branch and `kind/name`
        edited: versions that edits made, by `kind/name`
        kept: what was left as it is, as lines for people
        asks: the variables of the environment that new records ask for as secrets, by `kind/name`
    """

    added: dict[str, list[str]] = field(factory=dict)
    renumbered: dict[str, str] = field(factory=dict)
    moved: dict[str, dict[str, str]] = field(factory=dict)
    edited: dict[str, str] = field(factory=dict)
    kept: list[str] = field(factory=list)
    asks: dict[str, list[str]] = field(factory=dict)


# Export


def export(
    reader: Reader, names: Sequence[Reference] | None = None, *, history: bool = True, branch: str = "main"
) -> Document:
    """The document of some resources, or of all.

    A name without `@` means its whole history, one with `@`, or any without `history`, that version alone: without its
    parents, of which only what its commit says still tells. `branch` is where heads are looked up.
    Raises UnknownName for what is not there, StoreError for a version that the log does not explain.
    """
    with _snapshot(reader):
        chosen = _chosen(reader, names, history, branch)
        heads = {place: reader.heads(place) for place in reader.branches()}
        lineages: dict[str, Lineage] = {}
        commits: dict[str, Commit] = {}
        for id_, only in chosen.items():
            versions = [v for v in reversed(reader.history(*_apart(id_))) if only is None or v.version in only]
            for commit_id, commit in _commits(reader, versions).items():
                commits[commit_id] = first(commit, commits.get(commit_id))
            own = {place: found[id_].version for place, found in heads.items() if id_ in found}
            lineages[id_] = Lineage(
                tuple(Row(v.version, v.digest, v.parents, v.state, v.model, v.commit) for v in versions),
                {place: version for place, version in own.items() if only is None or version in only},
                tuple(_moves(reader, id_, only)),
            )
        digests = {row.digest for lineage in lineages.values() for row in lineage.versions}
        records = reader.records(digests)
        named = {key for record in records.values() for key in record.artifacts}
        artifacts = {key: reader.artifact(key) for key in named}
    return Document.of(lineages, commits, records, artifacts)


@contextmanager
def _snapshot(reader: Reader) -> Iterator[None]:
    """One state of the store for several reads, whoever writes meanwhile."""
    connection = reader._connection
    with reader._lock, db.errors_of(reader.path):
        if connection.in_transaction:
            yield
            return
        connection.execute("BEGIN")
        try:
            yield
        finally:
            connection.execute("ROLLBACK")


def _chosen(
    reader: Reader, names: Sequence[Reference] | None, history: bool, branch: str
) -> dict[str, set[str] | None]:
    """The versions that are asked for by resource; None is all."""
    known = reader.resources()
    if names is None:
        if history:
            return dict.fromkeys(known)
        shipped, own = reader.heads(SHIPPED), reader.heads(branch)
        return {id_: {head.version} for id_, head in {**shipped, **own}.items()}
    chosen: dict[str, set[str] | None] = {}
    for name in names:
        if name.path:
            raise InputError(f"{name} is a variable, and whole resources are exported", f"name {name.id}")
        if not name.at and history:
            if name.id not in known:
                raise unknown("resource", name.id, known)
            chosen[name.id] = None
            continue
        version = reader.find(name, branch).version
        if (others := chosen.setdefault(name.id, set())) is not None:
            others.add(version)
    return chosen


def _commits(reader: Reader, versions: Sequence[Version]) -> dict[str, Commit]:
    entries = reader.entries_at(version.seq for version in versions)
    commits: dict[str, Commit] = {}
    told = {
        (seq, change["resource"], change["version"], change["digest"])
        for seq, entry in entries.items()
        for change in entry.body.get("changes", ())
    }
    for version in versions:
        if (version.seq, version.id, version.version, version.digest) not in told:
            raise StoreError(f"the log does not explain {version}", "autogenesis audit")
        entry = entries[version.seq]
        commits[version.commit] = first(_origin(entry), commits.get(version.commit))
    return commits


def _origin(entry: LogEntry) -> Commit:
    """What the first store logged of a commit, however often it was imported since."""
    if entry.event == "import":
        told = entry.body["origin"]
        return Commit(told["event"], told["run"], told["time"], told["branch"], told["body"])
    return Commit(entry.event, entry.run, entry.time, str(entry.body["branch"]), entry.body)


def _moves(reader: Reader, id_: str, only: set[str] | None) -> list[Move]:
    """All moves of a resource's aliases; of single versions, the last move of each alias that means one now."""
    moves = reader.alias_moves(*_apart(id_))
    entries = reader.entries_at(move.seq for move in moves)
    found = [Move(m.alias, m.version, entries[m.seq].body.get("origin", {}).get("time", m.time)) for m in moves]
    if only is None:
        return found
    last = {move.alias: move for move in found}
    return [move for move in found if last[move.alias] is move and move.version in only]


# Import


def import_(
    store: Store,
    document: Document,
    *,
    source: str = "",
    author: str = "user",
    edits: Sequence[Edit] = (),
    branch: str = "main",
) -> Imported:
    """Adds what a document has and the store has not, moves heads and aliases that follow from it, commits `edits`.

    A head moves forward only: one that is elsewhere stays, and `kept` says how to take the other over. All is one
    transaction; each commit of the document is one log entry `import` under the commit's own id.
    Raises InputError for a record that may not be stored; nothing is written then.

    Arguments:
        source: where the document comes from, for the log
        branch: on which the edits are committed
    """
    new = _new_records(store, [*document.records.values(), *(edit.record for edit in edits)])
    _check_contents(new, {**document.artifacts, **{k: body for edit in edits for k, body in edit.artifacts.items()}})
    with store._write():
        work = _Import(store, document, source, author)
        work.add_versions()
        work.move_heads()
        work.move_aliases()
        work.commit_edits(edits, branch)
    for record in new:
        if asked := secrets_asked(record):
            work.done.asks[record.id] = sorted({*asked, *work.done.asks.get(record.id, ())})
    return work.done


def push(source: Reader, target: Store, names: Sequence[Reference] | None = None, *, author: str = "user") -> Imported:
    """Brings resources with their whole history, or all of them, from one store into another."""
    return import_(target, export(source, names), source=str(source.path), author=author)


def _new_records(store: Store, records: Sequence[Record]) -> list[Record]:
    import json

    wanted = json.dumps(sorted({record.digest for record in records}))
    query = "SELECT digest FROM records WHERE digest IN (SELECT value FROM json_each(?))"
    known = {row[0] for row in store._read(query, wanted)}
    return [record for record in records if record.digest not in known]


def _check_contents(records: Sequence[Record], artifacts: Mapping[str, bytes]) -> None:
    for record in records:
        check_no_secret(record)
        if record.kind == "prompt":
            check_prompt(record)
        if record.kind == "tool":
            check_skill(record)
        if record.artifacts:
            files = cast("Mapping[str, Mapping[str, Any]]", record.parameters["files"])  # check_skill looked at it
            for path, facts in files.items():
                if len(artifacts.get(facts["sha256"], b"")) != facts["size"]:
                    raise InvalidRecord(f"{record.id}: {path} has not the size that the record says")


@define
class _Import:
    """An import under way, within one transaction."""

    store: Store
    document: Document
    source: str
    author: str
    done: Imported = field(factory=Imported)
    here: dict[str, str] = field(factory=dict)  # by `kind/name@version` of the document, the version in this store
    _graphs: dict[str, dict[str, tuple[str, ...]]] = field(factory=dict)

    def add_versions(self) -> None:
        """Adds the versions that are not here, a log entry for each commit that has some."""
        new: dict[str, list[tuple[int, str, Row]]] = {}
        for id_, lineage in self.document.resources.items():
            for number, row in self._number(id_, lineage):
                new.setdefault(row.commit, []).append((number, id_, row))
        commits = self.document.commits
        for commit_id in sorted(new, key=lambda known: (commits[known].time, known)):
            rows = sorted(new[commit_id], key=lambda item: item[1])
            self._log(commit_id, commits[commit_id], rows)

    def _number(self, id_: str, lineage: Lineage) -> Iterator[tuple[int, Row]]:
        """The versions that are not here, in order, with their numbers."""
        history = self.store.history(*_apart(id_))
        known = {(version.commit, version.digest): version for version in history}
        last, number = (ordered(history[0].version), history[0].number) if history else ((), -1)
        for row in lineage.versions:
            there = f"{id_}@{row.version}"
            if found := known.get((row.commit, row.digest)):
                self.here[there] = found.version
                if found.state != row.state:
                    self.done.kept.append(f"{found} stays {found.state}; in the import it is {row.state}")
                continue
            wanted = ordered(row.version)
            last = (
                wanted if wanted > last and max(wanted) < _LARGEST else (*last[:2], last[2] + 1) if last else (1, 0, 0)
            )
            number += 1
            version = ".".join(map(str, last))
            self.here[there] = version
            self.done.added.setdefault(id_, []).append(version)
            if version != row.version:
                self.done.renumbered[there] = version
            yield number, row

    def _log(self, commit_id: str, commit: Commit, rows: Sequence[tuple[int, str, Row]]) -> None:
        versions = [
            Version(
                *_apart(id_), self.here[f"{id_}@{row.version}"], row.digest, self._parents(id_, row), row.state,
                commit_id, row.model, number, commit.branch,
            )
            for number, id_, row in rows
        ]  # fmt: skip
        changes: list[JSON] = [_change(version) for version in versions]
        origin: dict[str, JSON] = {
            "event": commit.event,
            "branch": commit.branch,
            "time": commit.time,
            "run": commit.run,
            "body": commit.body,
            "source": self.source,
            "versions": {id_: row.version for _, id_, row in rows},
        }
        records = {row.digest: self.document.records[row.digest] for _, _, row in rows}
        named = {key for record in records.values() for key in record.artifacts}
        self.store._keep({key: self.document.artifacts[key] for key in named})
        body: dict[str, JSON] = {"branch": "", "changes": changes, "origin": origin, "author": self.author}
        self.store._adopt(commit_id, commit.run, body, versions, records)

    def _parents(self, id_: str, row: Row) -> tuple[str, ...]:
        made = []
        for parent in row.parents:
            name = full(id_, parent)
            made.append(f"{name.partition('@')[0]}@{self.here[name]}" if "/" in parent else self.here[name])
        return tuple(made)

    def move_heads(self) -> None:
        """Lets heads follow to what descends from them."""
        branches = sorted({branch for lineage in self.document.resources.values() for branch in lineage.heads})
        taken = set(self.store._all_aliases()) - set(self.store.branches())
        for branch in branches:
            wanted = {
                id_: self.here[f"{id_}@{lineage.heads[branch]}"]
                for id_, lineage in self.document.resources.items()
                if branch in lineage.heads
            }
            if branch in taken:
                self.done.kept.append(f"no branch {branch} was made: an alias has that name here")
                continue
            now = {id_: head.version for id_, head in self.store.heads(branch).items() if id_ in wanted}
            moved = {id_: version for id_, version in wanted.items() if self._follows(branch, id_, now, version)}
            if moved:
                self.store._move(branch, moved, {"source": self.source or "import", "author": self.author})
                self.done.moved[branch] = moved
        for id_, versions in self.done.added.items():
            if not any(id_ in self.store.heads(branch) for branch in self.store.branches()):
                self.done.kept.append(f"{id_} has no head yet: autogenesis restore {id_}@{versions[-1]}")

    def _follows(self, branch: str, id_: str, now: Mapping[str, str], version: str) -> bool:
        mine = now.get(id_)
        if mine is None or (mine != version and self._descends(id_, version, mine)):
            return True
        if mine != version and not self._descends(id_, mine, version):
            line = f"{id_} on {branch} stays at {mine}; the import stands at {version}"
            command = f"autogenesis restore {id_}@{version}" + ("" if branch == "main" else f" branch={branch}")
            self.done.kept.append(line if branch == SHIPPED else f"{line}: {command}")
        return False

    def _descends(self, id_: str, version: str, ancestor: str) -> bool:
        """Whether a version here comes from another of the same resource."""
        if id_ not in self._graphs:
            self._graphs[id_] = {found.version: found.parents for found in self.store.history(*_apart(id_))}
        graph, seen, waiting = self._graphs[id_], {version}, [version]
        while waiting:
            parents = {full(id_, parent) for parent in graph[waiting.pop()]}
            nearer = {name.partition("@")[2] for name in parents if name.startswith(f"{id_}@")} - seen
            seen |= nearer
            waiting += nearer
        return ancestor in seen

    def move_aliases(self) -> None:
        """Lets aliases that nobody moved here go on as they did there."""
        branches = set(self.store.branches())
        for id_, lineage in self.document.resources.items():
            moves = [
                Move(move.alias, move.version and self.here[f"{id_}@{move.version}"], move.time)
                for move in lineage.aliases
            ]
            known = _moves(self.store, id_, None)
            following = {alias: self._following(id_, alias, moves, known) for alias in {m.alias for m in moves}}
            for move in moves:
                if move not in following[move.alias]:
                    continue
                if move.alias in branches:
                    self.done.kept.append(f"{id_}: no alias {move.alias} was made: a branch has that name here")
                    following[move.alias] = []
                    continue
                origin: dict[str, JSON] = {"time": move.time, "source": self.source}
                self.store._move_alias(id_, move.alias, move.version or None, self.author, origin)

    def _following(self, id_: str, alias: str, moves: Sequence[Move], known: Sequence[Move]) -> list[Move]:
        """The moves of an alias that come after what is known here; none if it went elsewhere here."""
        there = [move for move in moves if move.alias == alias]
        mine = [move for move in known if move.alias == alias]
        after = next((index for index in range(len(there), 0, -1) if there[index - 1] in mine), 0)
        new = there[after:]
        if not new or not mine or not mine[-1].version or (after and mine[-1] == there[after - 1]):
            return new
        if mine[-1].version != new[-1].version:
            line = f"{id_}@{alias} stays at {mine[-1].version}; in the import it is"
            self.done.kept.append(f"{line} {new[-1].version or 'no more'}")
        return []

    def commit_edits(self, edits: Sequence[Edit], branch: str) -> None:
        """Commits the edits on top of the versions that they were made of, all at once."""
        changes: list[Change] = []
        artifacts: dict[str, bytes] = {}
        for edit in edits:
            id_ = edit.record.id
            base = edit.base and self.here[f"{id_}@{edit.base}"]
            now = self.store._head_version(branch, *_apart(id_))
            versions = self.store.history(*_apart(id_))
            if any(v.digest == edit.record.digest and (not base or base in v.parents) for v in versions):
                continue  # it came in before
            if now == base:
                changes.append(Change(edit.record, now))
                artifacts.update(edit.artifacts)
                continue
            what = f"the edit of {id_}@{base}" if base else f"the new {id_}"
            stands = f"{branch} stands at {now}" if now else f"{branch} has no head for it"
            self.done.kept.append(f"{what} was left out: {stands}; export again and edit that")
        if changes:
            body: dict[str, JSON] = {"author": self.author, "evidence": None, "source": self.source}
            _, self.done.edited = self.store.commit(branch, changes, body=body, artifacts=artifacts)


def _change(version: Version) -> dict[str, JSON]:
    made: dict[str, JSON] = {
        "resource": version.id,
        "version": version.version,
        "digest": version.digest,
        "from": next(iter(version.parents), None),
    }
    if version.parents[1:]:
        made["parents"] = version.parents[1:]
    if version.state != "active":
        made["state"] = version.state
    return made


def _apart(id_: str) -> tuple[Kind, str]:
    kind, _, name = id_.partition("/")
    return cast("Kind", kind), name


__all__ = ["Document", "Edit", "Imported", "export", "import_", "push"]
