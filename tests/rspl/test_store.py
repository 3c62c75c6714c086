"""The store: versions, heads, conflicts, the log, and what a kill or a damaged file leaves."""

import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping
from contextlib import closing
from hashlib import sha256
from pathlib import Path

import pytest
from attrs import evolve
from hypothesis import given, settings
from hypothesis import strategies as st

from autogenesis_core import Conflict, InputError, Installed, Record, StoreError, UnknownName, parse_prompt
from autogenesis_core.rspl.changes import restore
from autogenesis_core.rspl.database import SCHEMA
from autogenesis_core.rspl.reader import Reader
from autogenesis_core.rspl.reference import Reference
from autogenesis_core.rspl.store import SHIPPED, Change, Grant, Store
from autogenesis_core.rspl.transfer import export, import_


def make(name="x", value=0):
    return Record("tool", name, "", Installed("d", f"tool/{name}", "h"), {"value": value})


def spend(store, decision, alpha=0.01, lineage="l", holdout="h", run="r1"):
    return store.spend(lineage, holdout, run, decision, lambda _: alpha, reused=False)


def contents(folder: Path) -> dict[str, bytes]:
    """Every file below a folder and its bytes."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def raw(path: Path, *statements: str) -> None:
    """Changes a store behind its back."""
    with closing(sqlite3.connect(path)) as connection, connection:
        for statement in statements:
            connection.execute(statement)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "autogenesis.db"


@pytest.fixture
def store(path):
    with Store.open(path) as opened:
        yield opened


# Versions and heads


def test_the_first_version_is_1_0_0_and_a_commit_adds_a_patch(store):
    _, first = store.commit("main", [Change(make(value=1), None)])
    _, second = store.commit("main", [Change(make(value=2), "1.0.0")])
    assert [first, second] == [{"tool/x": "1.0.0"}, {"tool/x": "1.0.1"}]


def test_one_counter_serves_a_name_across_branches_and_each_name_has_its_own(store):
    store.commit(SHIPPED, [Change(make("x"), None), Change(make("y"), None)])
    _, on_main = store.commit("main", [Change(make("x", 1), "1.0.0")])
    _, on_demo = store.commit("demo", [Change(make("x", 2), "1.0.0"), Change(make("y", 1), "1.0.0")])
    assert on_main == {"tool/x": "1.0.1"}
    assert on_demo == {"tool/x": "1.0.2", "tool/y": "1.0.1"}
    expected = {SHIPPED: "1.0.0", "main": "1.0.1", "demo": "1.0.2"}
    assert expected == {branch: store.head(branch, "tool", "x").version for branch in store.branches()}


def test_a_version_knows_its_digest_its_parent_and_its_commit(store):
    store.commit("main", [Change(make(value=1), None)])
    commit, _ = store.commit("main", [Change(make(value=2), "1.0.0")])
    second, first = store.history("tool", "x")
    assert ((), make(value=1).digest, "active") == (first.parents, first.digest, first.state)
    assert (("1.0.0",), make(value=2).digest, commit) == (second.parents, second.digest, second.commit)
    assert make(value=2) == store.record(second.digest)


def test_a_head_records_the_model_that_it_was_evolved_with(store):
    store.commit("main", [Change(make(value=1), None)], model="openai/gpt-5-mini")
    assert store.head("main", "tool", "x").model == "openai/gpt-5-mini"


def test_a_restored_head_says_with_which_model_its_record_was_evolved(store):
    store.commit("main", [Change(make(value=1), None)], model="one")
    store.commit("main", [Change(make(value=2), "1.0.0")], model="two")
    restore(store, "main", [store.find(Reference.parse("tool/x@1.0.0"), "main")])
    assert store.head("main", "tool", "x").model == "one"


def test_a_store_is_the_same_after_it_was_closed_and_opened(path):
    with Store.open(path) as store:
        grant = spend(store, "d1")
        store.commit("main", [Change(make(value=1), None)], run="r1", grant=("r1", "d1"))
        before = store.history("tool", "x"), store.heads("main"), store.entries(), store.ledger()
        assert store.fence("r1") == 1
    with Store.open(path, create=False) as store:
        after = store.history("tool", "x"), store.heads("main"), store.entries(), store.ledger()
        assert store.fence("r1") == 2
    assert before == after
    assert after[3] == [evolve(grant, committed=True)]


def test_names_resolve_to_the_branch_and_then_to_what_is_shipped(store):
    store.commit(SHIPPED, [Change(make("x"), None), Change(make("y"), None)])
    store.commit("main", [Change(make("x", 1), "1.0.0")])
    store.commit("demo", [Change(make("x", 2), "1.0.0")])
    expected = {
        "tool/x": "1.0.1",
        "tool/x@champion": "1.0.1",
        "tool/x@1.0.0": "1.0.0",
        "tool/x@main": "1.0.1",
        "tool/x@demo": "1.0.2",
        "tool/x@shipped": "1.0.0",
        "tool/y": "1.0.0",
        "tool/y@champion": "1.0.0",
    }
    assert expected == {name: store.find(Reference.parse(name), "main").version for name in expected}


@pytest.mark.parametrize(
    ("name", "near"),
    [("tool/yx", "tool/x"), ("tool/x@1.0.7", "tool/x@1.0.0"), ("tool/x@mian", "1.0.0"), ("prompt/x", "tool/x")],
)
def test_an_unknown_name_is_answered_with_what_there_is(store, name, near):
    store.commit("main", [Change(make(), None)])
    with pytest.raises(UnknownName, match=near):
        store.find(Reference.parse(name), "main")


# Conflicts: one of two writers wins, and nothing of the other is written


def test_of_two_writers_of_one_head_one_wins_and_the_other_is_told(path):
    with Store.open(path) as first, Store.open(path) as second:
        first.commit("main", [Change(make(value=0), None)])
        seen = second.head("main", "tool", "x").version
        first.commit("main", [Change(make(value=1), seen)])
        before = second.entries(), second.history("tool", "x")
        with pytest.raises(Conflict, match=r"tool/x moved from 1\.0\.0 to 1\.0\.1 on branch main"):
            second.commit("main", [Change(make(value=2), seen)])
        assert before == (second.entries(), second.history("tool", "x"))
        assert make(value=1).digest == second.head("main", "tool", "x").digest
        with pytest.raises(StoreError, match="no record"):
            first.record(make(value=2).digest)
        assert first.verify() is None


@pytest.mark.parametrize("expected", [None, "1.0.7", ""])
def test_a_commit_that_expects_another_head_conflicts(store, expected):
    store.commit("main", [Change(make(), None)])
    with pytest.raises(Conflict):
        store.commit("main", [Change(make(value=1), expected)])


def test_a_commit_of_several_resources_lands_whole_or_not_at_all(store):
    store.commit("main", [Change(make("a"), None), Change(make("c"), None)])
    store.commit("main", [Change(make("c", 1), "1.0.0")])
    before = store.heads("main"), store.entries(), store.history("tool", "a")
    with pytest.raises(Conflict):
        store.commit("main", [Change(make("a", 5), "1.0.0"), Change(make("b"), None), Change(make("c", 5), "1.0.0")])
    assert before == (store.heads("main"), store.entries(), store.history("tool", "a"))
    assert store.history("tool", "b") == []
    _, versions = store.commit("main", [Change(make("a", 5), "1.0.0"), Change(make("c", 5), "1.0.1")])
    assert versions == {"tool/a": "1.0.1", "tool/c": "1.0.2"}


def test_a_commit_conflicts_if_a_head_moved_that_it_was_only_assessed_with(store):
    store.commit("main", [Change(make("a"), None), Change(make("b"), None)])
    store.commit("main", [Change(make("b", 1), "1.0.0")])
    before = store.entries()
    with pytest.raises(Conflict, match="tool/b moved"):
        store.commit("main", [Change(make("a", 1), "1.0.0")], heads={"tool/a": "1.0.0", "tool/b": "1.0.0"})
    assert before == store.entries()


def test_a_branch_that_never_changed_a_resource_conflicts_when_the_shipped_one_moves(store):
    store.commit(SHIPPED, [Change(make(), None)])
    store.commit(SHIPPED, [Change(make(value=1), "1.0.0")], event="install")
    with pytest.raises(Conflict):
        store.commit("main", [Change(make(value=2), "1.0.0")])
    store.commit("main", [Change(make(value=2), "1.0.1")])


def test_a_resource_twice_in_one_commit_is_refused_whole(store):
    with pytest.raises((StoreError, InputError)):
        store.commit("main", [Change(make(value=1), None), Change(make(value=2), None)])
    assert (store.entries(), store.heads("main")) == ([], {})


def test_a_record_that_may_not_be_stored_leaves_nothing_of_its_commit(store):
    with pytest.raises(InputError):
        store.commit("main", [Change(make("a"), None), Change(make("b", float("nan")), None)])
    assert (store.entries(), store.heads("main"), store.history("tool", "a")) == ([], {}, [])
    store.commit("main", [Change(make("a"), None)])


_WRITER = """
import sys, time, pathlib
from autogenesis_core import Conflict, Installed, Record
from autogenesis_core.rspl.store import Change, Store
path, me, other = sys.argv[1:]
with Store.open(pathlib.Path(path)) as store:
    seen = store.head("main", "tool", "x").version
    ready = pathlib.Path(path).parent
    (ready / me).touch()
    while not (ready / other).exists():
        time.sleep(0.001)
    record = Record("tool", "x", "", Installed("d", "tool/x", "h"), {"value": me})
    try:
        print("won", store.commit("main", [Change(record, seen)])[1]["tool/x"])
    except Conflict as error:
        print("lost", error.reason)
"""


def test_of_two_processes_that_write_one_head_one_wins_and_the_other_is_told(path):
    with Store.open(path) as store:
        store.commit("main", [Change(make(), None)])
        writers = [
            subprocess.Popen([sys.executable, "-c", _WRITER, str(path), *names], stdout=subprocess.PIPE, text=True)
            for names in (("p", "q"), ("q", "p"))
        ]
        said = sorted(writer.communicate(timeout=30)[0].strip() for writer in writers)
        assert said == ["lost tool/x moved from 1.0.0 to 1.0.1 on branch main in the meantime", "won 1.0.1"]
        assert (len(store.history("tool", "x")), len(store.entries())) == (2, 2)
        assert store.verify() is None


def test_no_update_is_lost_among_threads_that_try_again_after_a_conflict(path):
    with Store.open(path) as store:
        store.commit("main", [Change(make(value=0), None)])

    def count() -> None:
        with Store.open(path) as mine:
            for _ in range(5):
                while True:
                    head = mine.head("main", "tool", "x")
                    value = mine.record(head.digest).parameters["value"]
                    try:
                        mine.commit("main", [Change(make(value=value + 1), head.version)])
                        break
                    except Conflict:
                        continue

    threads = [threading.Thread(target=count) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with Store.open(path) as store:
        assert store.record(store.head("main", "tool", "x").digest).parameters["value"] == 15
        assert (len(store.history("tool", "x")), store.verify()) == (16, None)


def test_many_may_open_a_new_store_at_once(tmp_path):
    for attempt in range(10):
        path = tmp_path / str(attempt) / "autogenesis.db"
        path.parent.mkdir()
        barrier = threading.Barrier(4)
        errors: list[str] = []

        def opened(path=path, barrier=barrier, errors=errors) -> None:
            barrier.wait()
            try:
                Store.open(path).close()
            except Exception as error:
                errors.append(f"{type(error).__name__}: {error}")

        threads = [threading.Thread(target=opened) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert errors == []


# Restoring: nothing is erased, and any earlier state comes back bit for bit


def test_restore_makes_a_new_version_with_the_old_digest_and_the_current_head_as_parent(store):
    store.commit("main", [Change(make(value=1), None)])
    store.commit("main", [Change(make(value=2), "1.0.0")])
    before = store.history("tool", "x")
    _, versions = restore(store, "main", [store.find(Reference.parse("tool/x@1.0.0"), "main")])
    assert versions == {"tool/x": "1.0.2"}
    newest, *older = store.history("tool", "x")
    assert (before[-1].digest, ("1.0.1",)) == (newest.digest, newest.parents)
    assert before == older
    assert store.head("main", "tool", "x").version == "1.0.2"
    assert (store.entries()[-1].event, store.entries()[-1].body["to"]) == ("restore", ["tool/x@1.0.0"])


def test_several_resources_are_restored_in_one_commit(store):
    store.commit("main", [Change(make("a"), None), Change(make("b"), None)])
    store.commit("main", [Change(make("a", 1), "1.0.0"), Change(make("b", 1), "1.0.0")])
    old = [store.find(Reference.parse(f"tool/{name}@1.0.0"), "main") for name in "ab"]
    commit, _ = restore(store, "main", old, "rollback")
    assert {make("a").digest, make("b").digest} == {head.digest for head in store.heads("main").values()}
    assert [("rollback", commit)] == [(entry.event, entry.id) for entry in store.entries()[2:]]


OPERATIONS = st.lists(
    st.tuples(
        st.sampled_from(["commit", "stale", "restore", "install"]),
        st.sampled_from(["main", "dev"]),
        st.sampled_from(["x", "y"]),
        st.integers(0, 5),
    ),
    max_size=14,
)


class Model:
    """What the store should do, in a few lines of memory."""

    def __init__(self) -> None:
        self.versions: dict[str, list[tuple[str, str | None]]] = {"x": [], "y": []}
        self.heads: dict[tuple[str, str], int] = {}

    def head(self, branch: str, name: str) -> int | None:
        return self.heads.get((branch, name), self.heads.get((SHIPPED, name)))

    def write(self, branch: str, name: str, digest: str) -> None:
        head = self.head(branch, name)
        self.versions[name].append((digest, None if head is None else f"1.0.{head}"))
        self.heads[branch, name] = len(self.versions[name]) - 1


def check(store: Store, model: Model) -> None:
    for name, versions in model.versions.items():
        expected = [(f"1.0.{n}", digest, (parent,) if parent else ()) for n, (digest, parent) in enumerate(versions)]
        assert expected[::-1] == [(v.version, v.digest, v.parents) for v in store.history("tool", name)]
    heads = {(branch, h.name): h.version for branch in store.branches() for h in store.heads(branch).values()}
    assert {key: f"1.0.{number}" for key, number in model.heads.items()} == heads
    assert store.verify() is None


@settings(max_examples=50, deadline=None)
@given(OPERATIONS)
def test_any_sequence_of_commits_and_restores_does_what_the_model_does(operations):
    folder = tempfile.mkdtemp()
    path = Path(folder) / "autogenesis.db"
    model = Model()
    with Store.open(path) as store:
        for verb, branch, name, value in operations:
            where = SHIPPED if verb == "install" else branch
            head = model.head(where, name)
            expected = None if head is None else f"1.0.{head}"
            if verb == "stale":
                with pytest.raises(Conflict):
                    store.commit(where, [Change(make(name, value), "1.0.99" if head is None else None)])
            elif verb == "restore":
                if not model.versions[name]:
                    continue
                number = value % len(model.versions[name])
                restore(store, where, [store.find(Reference.parse(f"tool/{name}@1.0.{number}"), where)])
                model.write(where, name, model.versions[name][number][0])
            else:
                store.commit(where, [Change(make(name, value), expected)])
                model.write(where, name, make(name, value).digest)
        check(store, model)
    with Store.open(path) as store:
        check(store, model)
        for versions in model.versions.values():
            for digest, _ in versions:
                assert digest == store.record(digest).digest
    shutil.rmtree(folder)


# The log


def test_every_commit_restore_and_rejection_is_an_entry_of_the_log(store):
    first, _ = store.commit("main", [Change(make(value=1), None)], run="r1", body={"author": "optimizer"})
    store.log("reject", "candidate1", "r1", {"reason": "worse"})
    second, _ = store.commit("main", [Change(make(value=2), "1.0.0")], run="r2")
    entries = store.entries()
    assert [("commit", first, "r1"), ("reject", "candidate1", "r1"), ("commit", second, "r2")] == [
        (entry.event, entry.id, entry.run) for entry in entries
    ]
    change = {"resource": "tool/x", "version": "1.0.0", "digest": make(value=1).digest, "from": None}
    assert {"branch": "main", "changes": [change], "author": "optimizer"} == entries[0].body
    assert entries[:2] == store.entries(run="r1")
    assert entries[2:] == store.entries(id_=second[:4])
    assert store.entries(id_="%") == []


def test_a_rejection_leaves_only_its_entry_in_the_log(store):
    store.commit("main", [Change(make(value=1), None)])
    before = store.heads("main"), store.history("tool", "x")
    store.log("reject", "candidate1", "r1", {"candidate": make(value=2).digest})
    assert before == (store.heads("main"), store.history("tool", "x"))
    with pytest.raises(StoreError, match="no record"):
        store.record(make(value=2).digest)


_OTHER = make(value=99)
TAMPERINGS: Mapping[str, tuple[str, ...]] = {
    "an entry's body": ("UPDATE log SET body = replace(body, 'worse', 'better') WHERE seq = 3",),
    "an entry's body is no JSON": ("UPDATE log SET body = '{' WHERE seq = 3",),
    "an entry's time": ("UPDATE log SET time = time + 1 WHERE seq = 2",),
    "an entry's event": ("UPDATE log SET event = 'commit' WHERE seq = 3",),
    "an entry's id": ("UPDATE log SET id = 'other' WHERE seq = 3",),
    "an entry's run": ("UPDATE log SET run = 'other' WHERE seq = 3",),
    "an entry's hash": ("UPDATE log SET hash = 'other' WHERE seq = 3",),
    "the first entry is gone": ("DELETE FROM log WHERE seq = 1",),
    "a middle entry is gone": ("DELETE FROM log WHERE seq = 3",),
    "two entries change places": (
        "UPDATE log SET seq = 100 WHERE seq = 2",
        "UPDATE log SET seq = 2 WHERE seq = 3",
        "UPDATE log SET seq = 3 WHERE seq = 100",
    ),
    "an entry is put in": ("INSERT INTO log SELECT 100, time, event, id, run, body, hash FROM log WHERE seq = 2",),
    "the last commit's entry is gone": ("DELETE FROM log WHERE seq = 4",),
    "a record's body": ("UPDATE records SET body = replace(body, '\"value\":1', '\"value\":7')",),
    "a record's body is no JSON": ("UPDATE records SET body = '{'",),
    "a record's body is no record": ("UPDATE records SET body = '{}'",),
    "a record is gone": (f"DELETE FROM records WHERE digest = '{make(value=1).digest}'",),
    "a version's digest": (f"UPDATE versions SET digest = '{make(value=2).digest}' WHERE version = '1.0.0'",),
    "a version's parents": ("UPDATE versions SET parents = '[]' WHERE version = '1.0.1'",),
    "a version is gone": ("DELETE FROM versions WHERE version = '1.0.0'",),
    "a version is put in": (
        "INSERT INTO versions SELECT kind, name, 9, '1.0.9', digest, parents, state, model, 'none', branch, seq FROM versions LIMIT 1",
    ),
    "a head was moved without a commit": ("UPDATE heads SET version = '1.0.0'",),
    "a head is gone": ("DELETE FROM heads",),
}


@pytest.mark.parametrize("statements", TAMPERINGS.values(), ids=TAMPERINGS)
def test_verify_finds_tampering(path, statements):
    with Store.open(path) as store:
        store.commit("main", [Change(make(value=1), None)], run="r1")
        store.commit("main", [Change(make("y"), None)], run="r1")
        store.log("reject", "candidate1", "r1", {"reason": "worse"})
        store.commit("main", [Change(make(value=2), "1.0.0")], run="r1")
        assert store.verify() is None
    raw(path, *statements)
    with Store.open(path) as store:
        assert isinstance(store.verify(), str)


def test_an_altered_record_is_not_handed_out(path):
    with Store.open(path) as store:
        store.commit("main", [Change(make(value=1), None)])
    raw(path, "UPDATE records SET body = replace(body, '\"value\":1', '\"value\":7')")
    with Store.open(path) as store, pytest.raises(StoreError, match="was altered"):
        store.record(make(value=1).digest)


@pytest.mark.parametrize("body", ["{", "{}", ""])
def test_a_record_that_is_none_any_more_is_the_stores_error(path, body):
    """Not InvalidRecord: that says that what a person typed is wrong."""
    with Store.open(path) as store:
        store.commit("main", [Change(make(value=1), None)])
    raw(path, f"UPDATE records SET body = '{body}'")
    with Store.open(path) as store, pytest.raises(StoreError, match=make(value=1).digest[:12]):
        store.record(make(value=1).digest)


# Files that are no store, and files that nobody can open


def foreign(path):
    raw(path, "CREATE TABLE mine (a)", "INSERT INTO mine VALUES (1)")


def foreign_wal(path):
    raw(path, "PRAGMA journal_mode=WAL")
    foreign(path)


def newer(path):
    Store.open(path).close()
    raw(path, f"PRAGMA user_version={SCHEMA + 1}")


def text(path):
    path.write_text("These are notes of somebody's. " * 100)


def short(path):
    path.write_bytes(b"SQLite format 3\0")


def torn(path):
    fill(path)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def garbled(path):
    fill(path)
    data = path.read_bytes()
    path.write_bytes(data[:100] + bytes(len(data) - 100))


def fill(path):
    with Store.open(path) as store:
        for value in range(5):
            store.commit("main", [Change(make(value=value), f"1.0.{value - 1}" if value else None)])


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (foreign, "no store of Autogenesis"),
        (foreign_wal, "no store of Autogenesis"),
        (newer, f"has schema {SCHEMA + 1}; this program knows {SCHEMA}"),
        (text, "not a database"),
        (short, "not a database"),
    ],
    ids=lambda part: getattr(part, "__name__", ""),
)
def test_a_file_that_is_no_store_of_ours_is_said_to_be_none_and_is_not_touched(path, spoil, said):
    spoil(path)
    before = path.read_bytes()
    with pytest.raises(StoreError, match=said) as raised:
        Store.open(path)
    assert str(path) in str(raised.value)
    assert before == path.read_bytes()


@pytest.mark.parametrize("spoil", [foreign, foreign_wal, newer, text])
def test_looking_at_a_file_that_is_no_store_leaves_nothing_beside_it(path, spoil):
    spoil(path)
    before = contents(path.parent)
    with pytest.raises(StoreError):
        Store.open(path)
    assert before == contents(path.parent)


def read(path):
    with Store.open(path) as store:
        store.heads("main")
        store.history("tool", "x")
        store.verify()


@pytest.mark.parametrize("spoil", [torn, garbled])
def test_a_damaged_store_is_said_to_be_damaged_and_is_not_touched(path, spoil):
    spoil(path)
    before = path.read_bytes()
    with pytest.raises(StoreError) as raised:
        read(path)
    assert str(path) in str(raised.value)
    assert before == path.read_bytes()


def test_a_folder_is_no_store(path):
    path.mkdir()
    with pytest.raises(StoreError, match="is a folder"):
        Store.open(path)


def test_a_store_that_cannot_be_made_is_the_stores_error(tmp_path):
    (tmp_path / "workdir").write_text("a file where the folder should be")
    with pytest.raises(StoreError, match="workdir"):
        Store.open(tmp_path / "workdir" / "autogenesis.db")


def test_a_store_that_is_not_there_is_made_only_where_that_is_wanted(tmp_path):
    path = tmp_path / "a" / "autogenesis.db"
    with pytest.raises(InputError, match=r"there is no store at .*\n.*workdir="):
        Store.open(path, create=False)
    assert contents(tmp_path) == {}
    Store.open(path).close()
    assert path.is_file()


@pytest.mark.parametrize("name", ["a b.db", "ü.db", "a?b.db", "a#b.db", "a%20b.db"])
def test_the_store_is_the_file_of_the_name_that_was_said(tmp_path, name):
    with Store.open(tmp_path / name) as store:
        store.commit("main", [Change(make(), None)])
    assert [name] == sorted(path.name for path in tmp_path.iterdir())
    with Store.open(tmp_path / name) as store:
        assert list(store.branches()) == ["main"]


# kill -9 at any instant leaves a store that opens and verifies

_COMMITTER = """
import sys, pathlib
from autogenesis_core import Installed, Record
from autogenesis_core.rspl.store import Change, Store
with Store.open(pathlib.Path(sys.argv[1])) as store:
    expected, count = None, 0
    while True:
        values = {"value": count, "pad": "x" * 5000}
        records = [Record("tool", name, "", Installed("d", "t", "h"), values) for name in "ab"]
        store.commit("main", [Change(record, expected) for record in records], run="r")
        expected, count = f"1.0.{count}", count + 1
        print(count, flush=True)
"""


def test_a_store_survives_kill_9_at_any_instant_of_committing(tmp_path):
    draw = random.Random(0)
    paths = [tmp_path / str(n) / "autogenesis.db" for n in range(8)]
    for batch in (paths[:4], paths[4:]):
        running = [
            subprocess.Popen([sys.executable, "-c", _COMMITTER, str(path)], stdout=subprocess.PIPE, text=True)
            for path in batch
        ]
        for path, process in zip(batch, running, strict=True):
            first = process.stdout.readline()
            time.sleep(draw.uniform(0, 0.15))
            process.send_signal(signal.SIGKILL)
            said = [first, *process.stdout.read().splitlines()]
            process.stdout.close()
            assert process.wait() == -signal.SIGKILL
            whole = [int(line) for line in said if line.strip()]
            with Store.open(path, create=False) as store:
                assert store.verify() is None
                commits = len(store.entries())
                assert commits >= whole[-1] >= 1
                assert [commits, commits] == [len(store.history("tool", name)) for name in "ab"]
                assert {f"1.0.{commits - 1}"} == {head.version for head in store.heads("main").values()}
                store.commit("main", [Change(make("a"), f"1.0.{commits - 1}")])


def test_a_store_survives_kill_9_while_it_is_made(path):
    code = (
        "import os, pathlib, signal, sys\n"
        "from autogenesis_core.rspl import database, store\n"
        "def killed(*_): yield 'CREATE TABLE begun (x)'; os.kill(os.getpid(), signal.SIGKILL)\n"
        "database._TABLES = killed()\n"
        "store.Store.open(pathlib.Path(sys.argv[1]))\n"
    )
    done = subprocess.run([sys.executable, "-c", code, str(path)], check=False)
    assert done.returncode == -signal.SIGKILL
    with Store.open(path) as store:
        store.commit("main", [Change(make(), None)])
        assert store.verify() is None


def test_a_failed_commit_is_followed_by_a_good_one(store):
    for _ in range(3):
        with pytest.raises(Conflict):
            store.commit("main", [Change(make(), "1.0.0")])
    store.commit("main", [Change(make(), None)])
    assert (len(store.entries()), store.verify()) == (1, None)


def test_a_reader_sees_the_last_commit_while_another_writes(path):
    with Store.open(path) as store, closing(sqlite3.connect(path)) as other:
        store.commit("main", [Change(make(), None)])
        other.execute("BEGIN IMMEDIATE")
        other.execute("UPDATE heads SET version = '1.0.9'")
        assert store.head("main", "tool", "x").version == "1.0.0"
        other.rollback()


# Aliases, branches, states and time


def greet(text="Greet {{ name }}."):
    front = "---\nname: greet\ndescription: Greets a person\n---\nYou are kind.\n\n## Rules\n"
    return parse_prompt(front + text + "\n", "greet", "acme-greet")


def test_an_alias_means_a_version_until_it_is_moved_and_every_move_is_logged(store):
    store.commit("main", [Change(make(value=1), None)])
    store.commit("main", [Change(make(value=2), "1.0.0")])
    store.set_alias("tool/x", "production", "1.0.1")
    between = time.time()
    store.set_alias("tool/x", "production", "1.0.0", author="alice")
    reference = Reference.parse("tool/x@production")
    assert store.find(reference, "main").version == "1.0.0"
    assert store.find(reference, "main", when=between).version == "1.0.1"
    assert [(move.alias, move.version) for move in store.alias_moves("tool", "x")] == [
        ("production", "1.0.1"),
        ("production", "1.0.0"),
    ]
    assert store.entries()[-1].body["author"] == "alice"
    store.set_alias("tool/x", "production", None)
    assert store.aliases("tool", "x") == {}
    with pytest.raises(UnknownName):
        store.find(reference, "main")
    assert store.verify() is None


@pytest.mark.parametrize("alias", ["", "1.0.0", "champion", "shipped", "main", "A", "a b", "x" * 65, "../x", "é"])
def test_an_alias_with_the_name_of_something_else_is_refused(store, alias):
    store.commit("main", [Change(make(), None)])
    with pytest.raises(InputError):
        store.set_alias("tool/x", alias, "1.0.0")


def test_an_alias_of_what_is_not_there_is_refused_with_the_nearest_name(store):
    store.commit("main", [Change(make(), None)])
    with pytest.raises(UnknownName, match=r"tool/x@1\.0\.0"):
        store.set_alias("tool/x", "best", "1.0.1")
    with pytest.raises(UnknownName, match="tool/x"):
        store.set_alias("tool/y", "best", "1.0.0")
    with pytest.raises(UnknownName):
        store.set_alias("tool/x", "best", None)
    assert len(store.entries()) == 1


def test_a_branch_starts_at_the_heads_of_another_and_moves_alone(store):
    store.commit("main", [Change(make(value=1), None)])
    before = time.time()
    assert store.create_branch("trial", "main") == {"tool/x": "1.0.0"}
    store.commit("trial", [Change(make(value=2), "1.0.0")])
    assert (store.head("main", "tool", "x").version, store.head("trial", "tool", "x").version) == ("1.0.0", "1.0.1")
    assert store.find(Reference.parse("tool/x@trial"), "main").version == "1.0.1"
    with pytest.raises(UnknownName):
        store.find(Reference.parse("tool/x@trial"), "main", when=before)
    with pytest.raises(InputError):
        store.create_branch("trial", "main")
    with pytest.raises(UnknownName):
        store.create_branch("other", "nothing")
    assert store.verify() is None


def test_champion_at_a_time_is_the_head_of_then(store):
    times = []
    for value in range(3):
        store.commit("main", [Change(make(value=value), f"1.0.{value - 1}" if value else None)])
        times.append(time.time())
    found = [store.find(Reference.parse("tool/x@champion"), "main", when=when).version for when in times]
    assert found == ["1.0.0", "1.0.1", "1.0.2"]
    with pytest.raises(UnknownName, match="at that time"):
        store.find(Reference.parse("tool/x"), "main", when=times[0] - 3600)


def test_a_commit_may_count_up_the_minor_or_major_version(store):
    store.commit("main", [Change(make(value=1), None)])
    store.commit("main", [Change(make(value=2), "1.0.0", bump="minor")])
    store.commit("main", [Change(make(value=3), "1.1.0", bump="major")])
    store.commit("main", [Change(make(value=4), "2.0.0")])
    assert [version.version for version in store.history("tool", "x")] == ["2.0.1", "2.0.0", "1.1.0", "1.0.0"]


def test_history_comes_in_pages(store):
    for value in range(7):
        store.commit("main", [Change(make(value=value), f"1.0.{value - 1}" if value else None)])
    first = store.history("tool", "x", limit=3)
    second = store.history("tool", "x", limit=3, before=first[-1].number)
    assert [v.version for v in (*first, *second)] == ["1.0.6", "1.0.5", "1.0.4", "1.0.3", "1.0.2", "1.0.1"]


def test_an_artifact_is_kept_by_its_digest_and_one_that_was_altered_is_not_given_out(path, store):
    body = b"print('hello')\n"
    key = sha256(body).hexdigest()
    store.put({key: body})
    assert store.artifact(key) == body
    with pytest.raises(StoreError):
        store.put({key: b"other"})
    raw(path, "UPDATE artifacts SET body = x'00'")
    assert "artifact" in store.verify()
    with pytest.raises(StoreError, match="altered"):
        store.artifact(key)


MORE_TAMPERINGS = {
    "an alias is moved": ["UPDATE aliases SET version = '1.0.0'"],
    "an alias is removed": ["DELETE FROM aliases"],
    "a state is changed": ["UPDATE versions SET state = 'archived' WHERE number = 1"],
    "a version changes its branch": ["UPDATE versions SET branch = 'other' WHERE number = 1"],
    "a branch is put in": ["INSERT INTO heads VALUES ('other', 'tool', 'x', '1.0.0')"],
    "a log entry in the middle is removed": ["DELETE FROM log WHERE seq = 2"],
}


@pytest.mark.parametrize("statements", MORE_TAMPERINGS.values(), ids=MORE_TAMPERINGS)
def test_verify_finds_tampering_with_aliases_states_and_branches(path, statements):
    with Store.open(path) as store:
        store.commit("main", [Change(make(value=1), None)])
        store.commit("main", [Change(make(value=2), "1.0.0")])
        store.set_alias("tool/x", "best", "1.0.1")
        store.set_state("tool", "x", "1.0.0", "deprecated")
        assert store.verify() is None
    raw(path, *statements)
    with Store.open(path) as store:
        assert store.verify()


# The fence of a run: who took it up last writes for it


def test_a_fence_rises_by_one_each_time_and_each_run_has_its_own(store):
    assert [store.fence("r1"), store.fence("r1"), store.fence("r2"), store.fence("r1")] == [1, 2, 1, 3]


def test_a_process_whose_run_was_taken_over_writes_nothing_for_it(path):
    with Store.open(path) as first, Store.open(path) as second:
        mine = first.fence("r1")
        first.commit("main", [Change(make(value=1), None)], run="r1", token=mine)
        first.log("reject", "candidate1", "r1", {}, token=mine)
        theirs = second.fence("r1")
        spend(first, "d1")
        before = first.entries(), first.heads("main"), first.ledger()
        with pytest.raises(StoreError, match="another process has taken over run r1"):
            first.commit("main", [Change(make(value=2), "1.0.0")], run="r1", token=mine, grant=("r1", "d1"))
        with pytest.raises(StoreError, match="another process has taken over run r1"):
            first.log("reject", "candidate2", "r1", {}, token=mine)
        assert before == (first.entries(), first.heads("main"), first.ledger())
        second.commit("main", [Change(make(value=3), "1.0.0")], run="r1", token=theirs)
        assert second.verify() is None


@pytest.mark.parametrize("token", [0, 1, 2])
def test_a_token_of_a_run_that_was_never_fenced_writes_nothing(store, token):
    with pytest.raises(StoreError, match="taken over"):
        store.commit("main", [Change(make(), None)], run="r1", token=token)
    assert store.entries() == []


# The ledger: what each decision on a hold-out set was allowed to err


def test_a_decision_is_granted_what_the_rule_gives_after_the_earlier_ones(store):
    seen = []

    def rule(earlier):
        seen.append(list(earlier))
        return 0.04 / 2 ** len(earlier)

    made = [store.spend("l", "h", run, "0", rule, reused=run == "r2") for run in ("r1", "r2", "r3")]
    assert made == [
        Grant(1, 0.04, False, False, "r1", "0"),
        Grant(2, 0.02, True, False, "r2", "0"),
        Grant(3, 0.01, False, False, "r3", "0"),
    ]
    assert seen == [[], made[:1], made[:2]]
    assert store.ledger("l", "h") == made


def test_a_decision_that_was_granted_gets_the_same_again_and_spends_nothing(store):
    first = spend(store, "d1", 0.02)
    spend(store, "d2", 0.01)
    assert spend(store, "d1", 0.5) == first
    assert [grant.alpha for grant in store.ledger()] == [0.02, 0.01]


def test_each_lineage_and_each_holdout_set_counts_for_itself(store):
    places = [("l", "h"), ("l", "i"), ("m", "h"), ("l", "h")]
    numbers = [spend(store, f"d{n}", 0.01, *place).number for n, place in enumerate(places)]
    assert numbers == [1, 1, 1, 2]
    assert [grant.decision for grant in store.ledger("l")] == ["d0", "d3", "d1"]
    assert [grant.decision for grant in store.ledger(holdout="h")] == ["d0", "d3", "d2"]
    assert [grant.decision for grant in store.ledger("m", "h")] == ["d2"]
    assert store.ledger("nobody", "h") == []


def test_a_decision_is_granted_on_one_lineage_and_holdout_set_only(store):
    spend(store, "d1")
    with pytest.raises(StoreError):
        spend(store, "d1", holdout="other")
    assert len(store.ledger()) == 1


@pytest.mark.parametrize("wrong", [float("nan"), ValueError("no")])
def test_a_rule_that_gives_no_number_spends_nothing(store, wrong):
    def rule(_):
        if isinstance(wrong, ValueError):
            raise wrong
        return wrong

    with pytest.raises((StoreError, ValueError)):
        store.spend("l", "h", "r1", "d1", rule, reused=False)
    assert store.ledger() == []
    assert spend(store, "d1").number == 1


def test_a_commit_is_in_the_ledger_as_soon_as_it_is_a_commit_and_not_before(store):
    spend(store, "d1")
    spend(store, "d2")
    with pytest.raises(Conflict):
        store.commit("main", [Change(make(), "1.0.0")], run="r1", grant=("r1", "d1"))
    assert [grant.committed for grant in store.ledger()] == [False, False]
    store.commit("main", [Change(make(), None)], run="r1", grant=("r1", "d1"))
    assert [grant.committed for grant in store.ledger()] == [True, False]


@pytest.mark.parametrize("grant", [("r1", "d2"), ("r2", "d1"), ("r1", "done")])
def test_a_commit_of_a_decision_without_an_open_grant_is_refused_whole(store, grant):
    spend(store, "d1")
    spend(store, "done")
    store.commit("main", [Change(make("y"), None)], run="r1", grant=("r1", "done"))
    before = store.entries(), store.heads("main"), store.ledger()
    with pytest.raises(StoreError, match="no open grant"):
        store.commit("main", [Change(make(), None)], run="r1", grant=grant)
    assert before == (store.entries(), store.heads("main"), store.ledger())


def test_a_rolled_back_commit_keeps_what_it_spent(store):
    store.commit("main", [Change(make(value=1), None)])
    spend(store, "d1", 0.02)
    store.commit("main", [Change(make(value=2), "1.0.0")], run="r1", grant=("r1", "d1"))
    restore(store, "main", [store.find(Reference.parse("tool/x@1.0.0"), "main")], "rollback")
    assert store.ledger() == [Grant(1, 0.02, False, True, "r1", "d1")]


def test_a_backup_holds_the_ledger_and_an_export_does_not(path, store):
    store.commit("main", [Change(make(), None)])
    grant = spend(store, "d1")
    store.backup(path.with_name("copy.db"))
    with Store.open(path.with_name("copy.db")) as copy, Store.open(path.with_name("other.db")) as other:
        assert copy.ledger() == [grant]
        import_(other, export(store), source="copy")
        assert (other.resources(), other.ledger()) == (("tool/x",), [])


def test_a_reader_lists_the_ledger(path):
    with Store.open(path) as store:
        grant = spend(store, "d1")
        with Reader.open(path) as reader:
            assert reader.ledger() == [grant]


def test_gc_keeps_the_ledger_and_the_fences(store):
    grant = spend(store, "d1")
    store.fence("r1")
    store.put({sha256(b"orphan").hexdigest(): b"orphan"})
    assert store.gc().artifacts == 1
    assert (store.ledger(), store.fence("r1")) == ([grant], 2)


def test_of_many_who_spend_at_once_each_sees_all_that_were_before(path):
    Store.open(path).close()

    def take(run: str) -> None:
        with Store.open(path) as mine:
            for number in range(10):
                mine.spend("l", "h", run, str(number), lambda earlier: float(len(earlier)), reused=False)
                mine.spend("l", "h", "shared", str(number), lambda earlier: float(len(earlier)), reused=False)

    threads = [threading.Thread(target=take, args=(f"r{n}",)) for n in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with Store.open(path) as store:
        found = store.ledger("l", "h")
        assert [(n, float(n - 1)) for n in range(1, 41)] == [(grant.number, grant.alpha) for grant in found]
        assert len({(grant.run, grant.decision) for grant in found}) == 40


# Older schemas


@pytest.fixture(params=[1, 2])
def schema(request):
    return request.param


@pytest.fixture
def old(path, schema):
    shutil.copy(Path(__file__).parent / "data" / f"store_schema_{schema}.db", path)
    return path


def tables(path: Path) -> set[str]:
    with closing(sqlite3.connect(path)) as connection:
        return {row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE name NOT LIKE 'sqlite_%'")}


def test_a_store_of_an_older_schema_is_brought_up_to_date_with_everything_in_it(old):
    with Store.open(old) as store:
        assert store.verify() is None
        assert [v.version for v in store.history("prompt", "greet")] == ["1.0.4", "1.0.3", "1.0.2", "1.0.1", "1.0.0"]
        assert [v.branch for v in store.history("prompt", "greet")] == ["main", "demo", "main", "main", "shipped"]
        assert store.version("prompt", "greet", "1.0.2").state == "deprecated"
        assert store.record(store.head("demo", "prompt", "greet").digest).parameters["rules"] == "Demo {{ name }}."
        assert store.entries(run="7f3a0000")[0].body["hypotheses"][0]["text"] == "too cold"
        store.commit("main", [Change(greet("Hi {{ name }}."), "1.0.4")])
        spend(store, "d1")
        store.commit("main", [Change(greet("Ho {{ name }}."), "1.0.5")], run="r1", grant=("r1", "d1"))
        assert (store.fence("r1"), store.verify()) == (1, None)


@pytest.mark.parametrize("schema", [2], indirect=True)
def test_what_schema_2_knew_besides_is_kept(old):
    with Store.open(old) as store:
        assert [move.version for move in store.alias_moves("prompt", "greet")] == ["1.0.1", "1.0.2"]
        assert store.aliases("prompt", "greet") == {"production": "1.0.2"}
        assert [(p.variable, p.value) for p in store.proposals()] == [("prompt/greet#rules", "Be warm to {{ name }}.")]
        assert [p.reason for p in store.proposals("committed")] == ["too cold"]
        assert store.artifact(sha256(b"kept by its digest\n").hexdigest()) == b"kept by its digest\n"
        assert store.branches() == ("demo", "main", "shipped", "trial")


def test_a_migrated_store_has_the_tables_and_indexes_of_a_new_one_and_no_journal(old):
    Store.open(old).close()
    Store.open(old.with_name("new.db")).close()
    assert tables(old) == tables(old.with_name("new.db"))
    assert "journal" not in tables(old)


def test_a_migration_that_is_killed_leaves_the_old_store(old, schema):
    before, had = old.read_bytes(), tables(old)
    code = (
        "import os, pathlib, signal, sys\n"
        "from autogenesis_core.rspl import database, store\n"
        "moved = database._MIGRATIONS[2]\n"
        "database._MIGRATIONS[2] = lambda connection: (moved(connection), os.kill(os.getpid(), signal.SIGKILL))\n"
        "store.Store.open(pathlib.Path(sys.argv[1]))\n"
    )
    done = subprocess.run([sys.executable, "-c", code, str(old)], check=False)
    assert done.returncode == -signal.SIGKILL
    with closing(sqlite3.connect(old)) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (schema,)
        assert connection.execute("SELECT count(*) FROM versions").fetchone() == (7,)
    assert (had, "journal" in had) == (tables(old), True)
    assert len(before) <= old.stat().st_size
    with Store.open(old) as store:
        assert store.verify() is None


def test_a_store_of_an_older_schema_is_not_migrated_by_one_who_only_reads(old, schema):
    before = contents(old.parent)
    with pytest.raises(StoreError, match=f"schema {schema}"):
        Reader.open(old)
    assert contents(old.parent) == before
