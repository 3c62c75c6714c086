"""The registry against a model of dicts, over any sequence of what one may do to it.

Small here; `nox -s torture` sets AUTOGENESIS_TORTURE.
"""

import os
import re
import shutil
import tempfile
from hashlib import sha256
from pathlib import Path

import pytest
from attrs import define, evolve, field
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from autogenesis_core import (
    Conflict,
    InputError,
    Installed,
    LifecycleError,
    Record,
    Registry,
    UnknownName,
    parse_prompt,
)
from autogenesis_core.rspl.manager import Manager
from autogenesis_core.rspl.reader import Reader
from autogenesis_core.rspl.reference import Reference
from autogenesis_core.rspl.store import SHIPPED, Change, Removed, Store
from autogenesis_core.rspl.transfer import Document, export, import_

FULL = bool(os.environ.get("AUTOGENESIS_TORTURE"))
EXAMPLES, STEPS = (300, 60) if FULL else (40, 30)

IDS = ("prompt/a", "tool/b", "agent/c", "memory/d")
BRANCHES = ("trial", "spare")
ALIASES = ("production", "previous")
STATES = ("candidate", "active", "deprecated", "archived")
MOVES = {("active", "deprecated"), ("deprecated", "active"), ("deprecated", "archived"), ("candidate", "active")}

picks = st.integers(min_value=0, max_value=10**6)
ids = st.sampled_from(IDS)
bumps = st.sampled_from(["patch", "patch", "minor", "major"])
words = st.text("ab ü\u2028\n", max_size=12).map(str.strip)
values = st.one_of(st.integers(-9, 9), words, st.lists(st.one_of(st.booleans(), words), max_size=3))


def made(id_, value):
    kind, _, name = id_.partition("/")
    if kind == "prompt":
        text = f"---\ndescription: Greets.\n---\n\n## Rules\nSay {re.sub(r'[^a-z0-9]+', ' ', repr(value))}.\n"
        return parse_prompt(text, name, "d")
    return Record(kind, name, f"A {kind}.", Installed("d", id_, "h"), {"value": value}, {}, {"value": True})


def bumped(version, part):
    major, minor, patch = map(int, version.split("."))
    return {
        "patch": f"{major}.{minor}.{patch + 1}",
        "minor": f"{major}.{minor + 1}.0",
        "major": f"{major + 1}.0.0",
    }[part]


@define
class Made:
    """A version, as the model has it."""

    version: str
    body: str
    digest: str
    parents: tuple[str, ...]
    commit: str
    state: str = "active"


@define
class Model:
    versions: dict[str, list[Made]] = field(factory=dict)
    heads: dict[str, dict[str, str]] = field(factory=dict)
    aliases: dict[str, dict[str, str]] = field(factory=dict)
    commits: dict[str, dict[str, str | None]] = field(factory=dict)
    """Those of main that may be undone: where each resource stood before."""

    def head(self, branch, id_):
        return self.heads.get(branch, {}).get(id_) or self.heads.get(SHIPPED, {}).get(id_)

    def version(self, id_, version):
        return next(each for each in self.versions[id_] if each.version == version)

    def add(self, branch, record, commit, bump="patch", parents=None):
        id_, before = record.id, self.head(branch, record.id)
        known = self.versions.setdefault(id_, [])
        version = bumped(known[-1].version, bump) if known else "1.0.0"
        if parents is None:
            parents = (before,) if before else ()
        known.append(Made(version, record.body, record.digest, parents, commit))
        self.heads.setdefault(branch, {})[id_] = version
        if branch == "main":
            self.commits.setdefault(commit, {})[id_] = before
        return version


class RegistryMachine(RuleBasedStateMachine):
    @initialize()
    def begin(self):
        self.folder = Path(tempfile.mkdtemp(prefix="machine-"))
        self.registry = Registry.open(str(self.folder), create=True)
        self.model = Model()
        self.log = []
        self.orphans = set()

    def teardown(self):
        if hasattr(self, "folder"):
            self.store.close()
            shutil.rmtree(self.folder)

    @property
    def store(self):
        return self.registry.store

    def known(self, pick):
        """Some resource that has a head on main, if there is one."""
        every = sorted({*self.model.heads.get("main", {}), *self.model.heads.get(SHIPPED, {})})
        return every[pick % len(every)] if every else ""

    def some_version(self, pick):
        every = [(id_, each) for id_ in sorted(self.model.versions) for each in self.model.versions[id_]]
        return every[pick % len(every)]

    def changes(self, branch, records, bump="patch"):
        return [Change(record, self.model.head(branch, record.id), bump=bump) for record in records]

    # What one may do

    @rule(id_=ids, value=values)
    def register(self, id_, value):
        """A plugin ships a record: a version on `shipped` if it changed, else nothing."""
        manager = Manager(self.store)
        manager.register(made(id_, value))
        manager.init()
        manager.close()
        record = made(id_, value)
        shipped = self.model.heads.get(SHIPPED, {}).get(id_)
        if shipped is None or self.model.version(id_, shipped).digest != record.digest:
            self.grown("install")
            before = shipped
            self.model.add(SHIPPED, record, self.log[-1].id, parents=(before,) if before else ())

    @rule(records=st.lists(st.tuples(ids, values), min_size=1, max_size=3, unique_by=lambda pair: pair[0]),
          branch=st.sampled_from(["main", "main", *BRANCHES]), bump=bumps)  # fmt: skip
    def commit(self, records, branch, bump):
        if branch not in ("main", *self.model.heads):
            return
        new = [made(id_, value) for id_, value in records]
        commit, versions = self.store.commit(branch, self.changes(branch, new, bump), run="run1")
        assert versions == {record.id: self.model.add(branch, record, commit, bump) for record in new}
        self.grown("commit", commit)

    @rule(records=st.lists(st.tuples(ids, values), min_size=1, max_size=3, unique_by=lambda pair: pair[0]), pick=picks)
    def commit_late(self, records, pick):
        """One of its heads is not where it was thought to be: nothing lands."""
        new = [made(id_, value) for id_, value in records]
        changes = self.changes("main", new)
        place = pick % len(changes)
        changes[place] = evolve(changes[place], expected="9.9.9")
        with pytest.raises(Conflict):
            self.store.commit("main", changes)

    @precondition(lambda self: self.model.versions)
    @rule(pick=picks, value=values)
    def update(self, pick, value):
        if not (id_ := self.known(pick)):
            return
        head = self.model.version(id_, self.model.head("main", id_))
        record = Record.from_body(head.body).with_values(made(id_, value).values())
        with Store.memory() as other:
            other.commit("main", [Change(record, None)])
            text = Registry(other, "main").text(id_)
        commit, versions = self.registry.update(id_, text)
        if head.digest == record.digest:
            assert (commit, versions) == ("", {})
        else:
            assert versions == {id_: self.model.add("main", record, commit)}
            self.grown("commit", commit)

    @precondition(lambda self: self.model.versions)
    @rule(pick=picks)
    def restore(self, pick):
        id_, old = self.some_version(pick)
        commit, versions = self.registry.restore(f"{id_}@{old.version}")
        assert versions == {id_: self.model.add("main", Record.from_body(old.body), commit)}
        assert self.registry.record(id_).body == old.body
        self.grown("restore", commit)

    @precondition(lambda self: self.model.commits)
    @rule(pick=picks)
    def rollback(self, pick):
        undone = sorted(self.model.commits)[pick % len(self.model.commits)]
        before = self.model.commits[undone]
        heads = self.model.heads["main"]
        if None in before.values() or all(
            self.model.version(id_, version).body == self.model.version(id_, heads[id_]).body
            for id_, version in before.items()
        ):
            with pytest.raises(InputError):
                self.registry.rollback(undone)
            return
        commit, versions = self.registry.rollback(undone)
        records = [Record.from_body(self.model.version(id_, version).body) for id_, version in before.items()]
        assert versions == {record.id: self.model.add("main", record, commit) for record in records}
        self.grown("rollback", commit)

    @precondition(lambda self: self.model.versions)
    @rule(pick=picks, new=st.sampled_from(["copied", "twin", "b"]))
    def copy(self, pick, new):
        id_, old = self.some_version(pick)
        to = f"{id_.partition('/')[0]}/{new}"
        if to in self.model.versions:
            with pytest.raises(InputError):
                self.registry.copy(f"{id_}@{old.version}", new)
            return
        assert self.registry.copy(f"{id_}@{old.version}", new) == to
        self.grown("copy")
        record = evolve(Record.from_body(old.body), name=new)
        self.model.add("main", record, self.log[-1].id, parents=(f"{id_}@{old.version}",))

    @rule(name=st.sampled_from(BRANCHES))
    def branch(self, name):
        if name in self.model.heads or not self.model.heads.get("main"):
            with pytest.raises(InputError):
                self.registry.create_branch(name)
            return
        self.model.heads[name] = dict(self.model.heads["main"])
        assert self.registry.create_branch(name) == self.model.heads["main"]
        self.grown("branch")

    @precondition(lambda self: self.model.versions)
    @rule(pick=picks, alias=st.sampled_from(ALIASES), remove=st.booleans())
    def alias(self, pick, alias, remove):
        id_, old = self.some_version(pick)
        aliases = self.model.aliases.setdefault(id_, {})
        if not remove:
            moved = aliases.get(alias) != old.version
            self.registry.set_alias(f"{id_}@{old.version}", alias)
            aliases[alias] = old.version
            if moved or len(self.store.entries()) > len(self.log):
                self.grown("alias")
        elif alias in aliases:
            self.registry.set_alias(f"{id_}@{old.version}", alias, remove=True)
            del aliases[alias]
            self.grown("alias")
        else:
            with pytest.raises(UnknownName):
                self.registry.set_alias(f"{id_}@{old.version}", alias, remove=True)

    @precondition(lambda self: self.model.versions)
    @rule(pick=picks, state=st.sampled_from(STATES))
    def mark(self, pick, state):
        id_, old = self.some_version(pick)
        name = f"{id_}@{old.version}"
        if (old.state, state) in MOVES:
            assert self.registry.mark(name, state).state == state
            old.state = state
            self.grown("mark")
        else:
            with pytest.raises(LifecycleError):
                self.registry.mark(name, state)

    @rule(body=st.binary(max_size=8))
    def put(self, body):
        self.store.put({sha256(body).hexdigest(): body})
        self.orphans.add(sha256(body).hexdigest())

    @rule(dry_run=st.booleans())
    def gc(self, dry_run):
        assert self.registry.gc(dry_run=dry_run) == Removed(artifacts=len(self.orphans))
        if not dry_run:
            self.orphans.clear()
            assert self.registry.gc() == Removed()

    @rule()
    def close_and_reopen(self):
        self.store.close()
        self.registry = Registry.open(str(self.folder))

    @rule(history=st.booleans())
    def export_everything(self, history):
        """Into a new store: the same, with all its history or as it stands; again: nothing more."""
        document = export(self.store, history=history)
        assert Document.from_json(document.to_json()) == document
        with Store.memory() as other:
            import_(other, Document.from_json(document.to_json()), source="the machine")
            assert other.verify() is None
            if history:
                assert set(other.resources()) == set(self.model.versions)
                self.same(other)
                assert export(other).to_json() == document.to_json()
            else:
                for id_ in other.resources():
                    (version,) = other.history(*id_.split("/"))
                    assert other.record(version.digest).body == self.registry.record(id_).body
            entries = other.entries()
            again = import_(other, document)
            assert not any(again.added.values())
            assert other.entries() == entries
        import_(self.store, document)  # what it has already is no news to it

    @precondition(lambda self: self.model.versions)
    @rule(pick=picks)
    def export_one(self, pick):
        id_ = sorted(self.model.versions)[pick % len(self.model.versions)]
        document = export(self.store, [Reference.parse(id_)])
        assert list(document.resources) == [id_]
        with Store.memory() as other:
            done = import_(other, document)
            assert done.added == {id_: [each.version for each in self.model.versions[id_]]}
            assert [v.digest for v in other.history(*id_.split("/"))] == [v.digest for v in self.model.versions[id_]][
                ::-1
            ]
            assert other.verify() is None

    @precondition(lambda self: self.model.versions)
    @rule(pick=picks)
    def export_to_one_that_is_behind(self, pick):
        """A store that had an earlier export is brought up to date by a later one."""
        with Store.memory() as other:
            import_(other, export(self.store))
            self.restore(pick)
            self.alias(pick, "production", remove=False)
            import_(other, export(self.store))
            self.same(other)
            assert other.verify() is None

    # What holds after each of them

    def grown(self, event, id_=""):
        """The log has one entry more, and none that it had was changed."""
        entries = self.store.entries()
        assert entries[:-1] == self.log
        assert entries[-1].event == event
        assert not id_ or entries[-1].id == id_
        self.log = entries

    def same(self, reader):
        for id_, known in self.model.versions.items():
            kind, name = id_.split("/")
            versions = reader.history(kind, name)[::-1]
            assert [(v.version, v.digest, v.parents, v.state, v.commit) for v in versions] == [
                (each.version, each.digest, each.parents, each.state, each.commit) for each in known
            ]
            assert [v.number for v in versions] == list(range(len(known)))
            assert [reader.record(v.digest).body for v in versions] == [each.body for each in known]
            assert reader.aliases(kind, name) == self.model.aliases.get(id_, {})
        assert {branch: {id_: head.version for id_, head in reader.heads(branch).items()}
                for branch in reader.branches()} == self.model.heads  # fmt: skip

    @invariant()
    def nothing_is_lost_and_nothing_lies(self):
        if not hasattr(self, "model"):
            return
        assert self.store.entries() == self.log
        assert set(self.store.resources()) == set(self.model.versions)
        self.same(self.store)
        assert self.registry.audit() is None
        with Reader.open(self.store.path) as reader:
            self.same(reader)

    @invariant()
    def names_mean_what_the_model_says(self):
        if not hasattr(self, "model"):
            return
        for id_ in self.model.versions:
            for branch, heads in self.model.heads.items():
                if id_ in heads:
                    assert self.registry.find(f"{id_}@{branch}").version == heads[id_]
            for alias, version in self.model.aliases.get(id_, {}).items():
                assert self.registry.find(f"{id_}@{alias}").version == version
            if head := self.model.head("main", id_):
                assert self.registry.find(id_).version == head
            else:
                with pytest.raises(UnknownName):
                    self.registry.find(id_)


def test_any_sequence_of_operations_does_what_the_model_does():
    run_state_machine_as_test(
        RegistryMachine,
        settings=settings(
            max_examples=EXAMPLES, stateful_step_count=STEPS, deadline=None,
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
        ),
    )  # fmt: skip
