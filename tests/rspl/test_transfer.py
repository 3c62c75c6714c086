"""Export, import, push: what is known by two stores stays one thing, and hostile documents change nothing."""

import json
import random
import tempfile
from hashlib import sha256
from pathlib import Path

import pytest
from attrs import evolve
from hypothesis import given, settings
from hypothesis import strategies as st

from autogenesis_core import InputError, Installed, Record, UnknownName, parse_prompt
from autogenesis_core.rspl.changes import restore
from autogenesis_core.rspl.document import Document
from autogenesis_core.rspl.folder import read_folder, write_folder
from autogenesis_core.rspl.reference import Reference
from autogenesis_core.rspl.skill import skill_record
from autogenesis_core.rspl.store import SHIPPED, Change, Store
from autogenesis_core.rspl.transfer import Edit, export, import_, push

PROMPT = "---\nname: x\ndescription: How to answer\n---\n\nAnswer.\n\n## Rules\nBe brief.\n"


def tool(name="t", value=0):
    return Record("tool", name, "", Installed("d", f"tool/{name}", "h"), {"value": value})


def prompt(rules="Be brief.", name="x"):
    return parse_prompt(PROMPT.replace("name: x", f"name: {name}"), name, "d").with_values({"rules": rules})


def skill(**files):
    text = "---\nname: word-count\ndescription: Counts words\n---\nDo it.\n"
    data = {"SKILL.md": text.encode(), **{f"scripts/{name}.py": body for name, body in files.items()}}
    return skill_record(data)


def versions(store, name):
    return [version.version for version in reversed(store.history(*name.split("/")))]


def head(store, name, branch="main"):
    found = store.head(branch, *name.split("/"))
    return found and found.version


def reference(*names):
    return [Reference.parse(name) for name in names]


def evolved(store, *rules, branch="main", **body):
    """Commits a prompt's rules, one after the other."""
    for text in rules:
        now = store._head_version(branch, "prompt", "x")
        store.commit(branch, [Change(prompt(text), now)], run="r1", body=body)


def random_history(store, seed, steps=12):
    """What a team may do to a store: commits of several resources, branches, restores, aliases, states, a copy."""
    rng = random.Random(seed)
    makers = {
        "prompt/x": lambda: prompt(f"Say {rng.randrange(9)}."),
        "tool/a": lambda: tool("a", rng.randrange(9)),
        "tool/b": lambda: tool("b", rng.random()),
        "tool/word_count": lambda: skill(run=b"#!%d" % rng.randrange(4)),
    }
    for step in range(steps):
        branches = [*store.branches(), "main", "dev"]
        branch = rng.choice(branches)
        known = [version for name in store.resources() for version in store.history(*name.split("/"))]
        action = rng.choice(["commit"] * 4 + ["restore", "alias", "unalias", "mark", "branch"])
        if action == "commit" or not known:
            changes, artifacts = [], {}
            for name in rng.sample(sorted(makers), rng.randint(1, 3)):
                made = makers[name]()
                record, files = made if isinstance(made, tuple) else (made, {})
                artifacts |= files
                now = store._head_version(branch, *name.split("/"))
                changes.append(Change(record, now, rng.choice(["", "m"]), bump=rng.choice(["patch", "minor"])))
            body = rng.choice([{}, {"before": 0.1, "after": 0.3, "hypotheses": [{"text": "wörter | `x`"}]}])
            store.commit(branch, changes, run=rng.choice(["", "r"]), model="gpt", body=body, artifacts=artifacts)
        elif action == "restore":
            some = {version.id: version for version in rng.sample(known, min(3, len(known)))}
            restore(store, branch, list(some.values()), event=rng.choice(["restore", "rollback"]))
        elif action == "alias":
            version = rng.choice(known)
            store.set_alias(version.id, rng.choice(["stable", "best"]), version.version)
        elif action == "unalias":
            for name in store.resources():
                for alias in store.aliases(*name.split("/")):
                    store.set_alias(name, alias, None)
        elif action == "mark":
            version = rng.choice(known)
            target = {"active": "deprecated", "deprecated": rng.choice(["active", "archived"])}.get(version.state)
            if target:
                store.set_state(version.kind, version.name, version.version, target)
        elif (name := f"side{step}") not in branches:
            store.create_branch(name, rng.choice(store.branches()))


@pytest.fixture
def store():
    with Store.memory() as made:
        yield made


@pytest.fixture
def other():
    with Store.memory() as made:
        yield made


# Documents and their way into a store


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**9))
def test_what_was_imported_into_an_empty_store_is_exported_as_the_same_bytes(seed):
    with Store.memory() as first, Store.memory() as second, Store.memory() as third:
        random_history(first, seed)
        text = export(first).to_json()
        assert text == Document.from_json(text).to_json()
        import_(second, Document.from_json(text), source="first")
        assert (first.verify(), second.verify()) == (None, None)
        assert text == export(second).to_json()
        push(second, third)
        assert text == export(third).to_json()
        for branch in first.branches():
            assert {name: (head.version, head.digest, head.model) for name, head in first.heads(branch).items()} == {
                name: (head.version, head.digest, head.model) for name, head in third.heads(branch).items()
            }
        for name in first.resources():
            assert first.aliases(*name.split("/")) == third.aliases(*name.split("/"))


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**9), st.integers(0, 10**9), st.integers(0, 10**9))
def test_two_stores_that_went_their_ways_keep_all_versions_and_no_head_is_lost(common, here, there):
    with Store.memory() as mine, Store.memory() as theirs:
        random_history(mine, common, 4)
        push(mine, theirs)
        random_history(mine, here, 6)
        random_history(theirs, there, 6)
        before = {
            (branch, name): head.digest for branch in mine.branches() for name, head in mine.heads(branch).items()
        }
        held = {
            (name, v.version): (v.digest, v.commit) for name in mine.resources() for v in mine.history(*name.split("/"))
        }
        push(theirs, mine)
        assert mine.verify() is None
        for name in theirs.resources():
            known = {(v.commit, v.digest) for v in mine.history(*name.split("/"))}
            assert {(v.commit, v.digest) for v in theirs.history(*name.split("/"))} <= known
        for (name, version), what in held.items():
            found = mine.version(*name.split("/"), version)
            assert what == (found.digest, found.commit)
        now = {(branch, name): head for branch in mine.branches() for name, head in mine.heads(branch).items()}
        for (branch, name), digest in before.items():
            moved = now[branch, name]
            if moved.digest != digest:
                above = {moved.version}
                for version in mine.history(*name.split("/")):
                    if version.version in above:
                        above |= set(version.parents)
                assert digest in {mine.version(*name.split("/"), version).digest for version in above}
        again = push(theirs, mine)
        assert (again.added, again.renumbered, again.moved) == ({}, {}, {})
        count = len(mine.entries())
        push(theirs, mine)
        assert count == len(mine.entries())


def test_a_version_that_is_taken_gets_the_next_number_and_its_children_follow(store, other):
    evolved(store, "one")
    push(store, other)
    evolved(store, "mine")
    evolved(other, "theirs", "theirs too")
    done = push(other, store)
    assert done.added == {"prompt/x": ["1.0.2", "1.0.3"]}
    assert done.renumbered == {"prompt/x@1.0.1": "1.0.2", "prompt/x@1.0.2": "1.0.3"}
    assert store.version("prompt", "x", "1.0.3").parents == ("1.0.2",)
    assert head(store, "prompt/x") == "1.0.1"
    assert done.kept == [
        "prompt/x on main stays at 1.0.1; the import stands at 1.0.3: autogenesis restore prompt/x@1.0.3"
    ]
    assert store.verify() is None


def test_a_head_that_is_behind_follows_and_one_that_is_ahead_stays(store, other):
    evolved(store, "one")
    push(store, other)
    evolved(other, "two", "three")
    assert push(other, store).moved == {"main": {"prompt/x": "1.0.2"}}
    evolved(store, "four")
    done = push(other, store)
    assert (done.moved, done.kept) == ({}, [])
    assert head(store, "prompt/x") == "1.0.3"


def test_each_commit_is_one_entry_that_keeps_its_id_its_run_and_its_story(store, other):
    commit, _ = store.commit(
        "main", [Change(prompt(), None), Change(tool(), None)], run="r7", body={"hypotheses": [{"text": "prose"}]}
    )
    push(store, other)
    entry = other.entries(id_=commit)[0]
    assert (entry.event, entry.run, entry.body["branch"]) == ("import", "r7", "")
    origin = entry.body["origin"]
    assert (origin["event"], origin["branch"], origin["body"]["hypotheses"]) == ("commit", "main", [{"text": "prose"}])
    assert store.entries(id_=commit)[0].time == origin["time"]
    assert len(other.entries(id_=commit)) == 1


def test_an_alias_goes_on_where_it_did_and_one_that_was_moved_here_stays(store, other):
    evolved(store, "one", "two")
    store.set_alias("prompt/x", "stable", "1.0.0")
    push(store, other)
    store.set_alias("prompt/x", "stable", "1.0.1")
    push(store, other)
    assert other.aliases("prompt", "x") == {"stable": "1.0.1"}
    other.set_alias("prompt/x", "stable", "1.0.0")
    store.set_alias("prompt/x", "stable", None)
    assert push(store, other).kept == ["prompt/x@stable stays at 1.0.0; in the import it is no more"]
    assert other.aliases("prompt", "x") == {"stable": "1.0.0"}
    assert other.verify() is None


def test_a_selection_brings_what_it_names_and_nothing_else(store, other):
    store.commit("main", [Change(prompt(), None), Change(tool("a"), None), Change(tool("b"), None)])
    import_(other, export(store, reference("tool/a")))
    assert other.resources() == ("tool/a",)
    push(store, other)
    assert export(store).to_json() == export(other).to_json()
    assert other.verify() is None


def test_one_version_alone_keeps_its_number_and_leaves_its_parents(store, other):
    evolved(store, "one", "two", "three")
    store.set_alias("prompt/x", "stable", "1.0.1")
    done = import_(other, export(store, reference("prompt/x@stable")))
    assert versions(other, "prompt/x") == ["1.0.1"]
    assert other.version("prompt", "x", "1.0.1").parents == ()
    assert other.aliases("prompt", "x") == {"stable": "1.0.1"}
    assert done.kept == ["prompt/x has no head yet: autogenesis restore prompt/x@1.0.1"]
    assert [row.version for row in export(store, history=False).resources["prompt/x"].versions] == ["1.0.2"]


def test_a_copy_keeps_the_version_of_the_other_resource_that_it_is_from(store, other):
    store.commit("main", [Change(tool("a"), None)])
    store.commit("main", [Change(tool("b"), None, parents=("tool/a@1.0.0",))], event="copy")
    push(store, other)
    assert other.version("tool", "b", "1.0.0").parents == ("tool/a@1.0.0",)
    assert export(store, reference("tool/b")).resources["tool/b"].versions[0].parents == ()
    assert other.verify() is None


def test_the_files_of_a_skill_come_with_it(store, other):
    record, files = skill(run=b"#!/bin/sh\n")
    store.commit("main", [Change(record, None)], artifacts=files)
    push(store, other)
    assert other.artifact(sha256(b"#!/bin/sh\n").hexdigest()) == b"#!/bin/sh\n"


def test_states_and_models_come_along_and_a_state_that_was_set_here_stays(store, other):
    store.commit("main", [Change(prompt(), None, "gpt")])
    store.set_state("prompt", "x", "1.0.0", "deprecated")
    push(store, other)
    found = other.version("prompt", "x", "1.0.0")
    assert (found.state, found.model) == ("deprecated", "gpt")
    other.set_state("prompt", "x", "1.0.0", "active")
    assert push(store, other).kept == ["prompt/x@1.0.0 stays active; in the import it is deprecated"]


def test_a_new_version_is_an_added_line_and_what_changes_is_the_line_of_the_heads(store):
    evolved(store, "one", "two")
    before = export(store).to_json().splitlines()
    evolved(store, "three")
    after = export(store).to_json().splitlines()
    gone = {line.lstrip(" ,") for line in before} - {line.lstrip(" ,") for line in after}
    assert [*gone] == ['"prompt/x":{"aliases":[],"heads":{"main":"1.0.1"},"versions":[']
    assert len(after) - len(before) == 3  # the version, its commit, its record
    assert after[after.index(before[-4]) + 1].startswith(',{"commit"')


def test_what_is_not_there_is_not_exported(store):
    evolved(store, "one")
    for name in ("prompt/y", "prompt/x@1.0.9"):
        with pytest.raises(UnknownName, match="prompt"):
            export(store, reference(name))
    with pytest.raises(InputError, match="whole resources"):
        export(store, reference("prompt/x#rules"))


# Hostile documents


def small():
    with Store.memory() as store:
        random_history(store, 5, 14)
        store.commit("main", [Change(tool("c"), None, parents=("tool/a@1.0.0",))], event="copy")
        store.set_alias("tool/c", "stable", "1.0.0")
        return json.loads(export(store).to_json())


def refused(data):
    text = data if isinstance(data, str) else json.dumps(data)
    with Store.memory() as store:
        with pytest.raises(InputError) as caught:
            import_(store, Document.from_json(text))
        assert (store.entries(), store.resources()) == ([], ())
    return str(caught.value)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "no JSON"),
        ("[]", "no export document"),
        ('{"format": "autogenesis-export/2"}', "no export document"),
        ('{"format": NaN}', "NaN"),
        ('{"format": "a", "format": "a"}', "'format' twice"),
        ("[" * 100_000, "levels"),
        ('{"a":' * 300 + "1" + "}" * 300, "levels"),
        ("1" * 5000, "no JSON"),
    ],
)
def test_a_text_that_is_no_document_is_refused(text, reason):
    assert reason in refused(text)


def without(data, *path):
    for key in path[:-1]:
        data = data[key]
    del data[path[-1]]


def change(data, value, *path):
    for key in path[:-1]:
        data = data[key]
    data[path[-1]] = value


HOSTILE = [
    ("version", lambda d: change(d, "1.0", "resources", "prompt/x", "versions", 0, "version")),
    ("version", lambda d: change(d, "01.0.0", "resources", "prompt/x", "versions", 0, "version")),
    ("version", lambda d: change(d, "\uff11.0.0", "resources", "prompt/x", "versions", 0, "version")),
    ("version", lambda d: change(d, "1.0.99999999999999", "resources", "prompt/x", "versions", 0, "version")),
    ("come after", lambda d: change(d, "0.0.0", "resources", "tool/a", "versions", 1, "version")),
    ("come after", lambda d: d["resources"]["tool/a"]["versions"].insert(0, d["resources"]["tool/a"]["versions"][0])),
    ("parent", lambda d: change(d, ["9.9.9"], "resources", "prompt/x", "versions", 0, "parents")),
    ("parent", lambda d: change(d, ["1.0.0"], "resources", "prompt/x", "versions", 0, "parents")),
    ("parent", lambda d: change(d, ["prompt/x@1.0.0"], "resources", "prompt/x", "versions", 0, "parents")),
    ("parent", lambda d: change(d, ["tool/zz@1.0.0"], "resources", "prompt/x", "versions", 0, "parents")),
    ("ancestors", lambda d: change(d, ["tool/c@1.0.0"], "resources", "tool/a", "versions", 0, "parents")),
    ("list of texts", lambda d: change(d, [1], "resources", "prompt/x", "versions", 0, "parents")),
    ("another type", lambda d: change(d, "1.0.0", "resources", "prompt/x", "versions", 0, "parents")),
    ("no object", lambda d: change(d, [], "resources", "prompt/x")),
    ("no version", lambda d: change(d, {"versions": [], "heads": {}, "aliases": []}, "resources", "tool/z")),
    ("not there before", lambda d: d["resources"]["prompt/x"]["versions"].reverse()),
    ("unknown key", lambda d: change(d, 1, "resources", "prompt/x", "more")),
    ("unknown key", lambda d: change(d, 1, "more")),
    ("has no heads", lambda d: without(d, "resources", "prompt/x", "heads")),
    ("head on main", lambda d: change(d, "7.0.0", "resources", "prompt/x", "heads", "main")),
    ("no branch", lambda d: change(d, "1.0.0", "resources", "prompt/x", "heads", "Up/../..")),
    ("no alias", lambda d: change(d, "champion", "resources", "tool/c", "aliases", 0, "alias")),
    ("alias stable", lambda d: change(d, "9.0.0", "resources", "tool/c", "aliases", 0, "version")),
    ("time", lambda d: change(d, -1, "resources", "tool/c", "aliases", 0, "time")),
    ("time", lambda d: change(d, 1e300, "resources", "tool/c", "aliases", 0, "time")),
    ("type", lambda d: change(d, True, "resources", "tool/c", "aliases", 0, "time")),
    ("state", lambda d: change(d, "new", "resources", "prompt/x", "versions", 0, "state")),
    ("printable", lambda d: change(d, "a\x1b[31m", "resources", "prompt/x", "versions", 0, "model")),
    ("nothing names the record", lambda d: change(d, tool("z").to_json(), "records", tool("z").digest)),
    ("nothing names the artifact", lambda d: change(d, "", "artifacts", sha256(b"").hexdigest())),
    ("nothing names the commit", lambda d: change(d, next(iter(d["commits"].values())), "commits", "0123456789")),
    ("not there", lambda d: without(d, "records", next(iter(d["records"])))),
    ("not there", lambda d: without(d, "commits", next(iter(d["commits"])))),
    ("not there", lambda d: without(d, "artifacts", next(iter(d["artifacts"])))),
    ("other content", lambda d: change(d, "x", "records", next(iter(d["records"])), "description")),
    ("other content", lambda d: change(d, "AAAA", "artifacts", next(iter(d["artifacts"])))),
    ("base64", lambda d: change(d, "!", "artifacts", next(iter(d["artifacts"])))),
    ("no record", lambda d: change(d, {}, "records", next(iter(d["records"])))),
    ("its id says", lambda d: change(d, "other", "commits", next(iter(d["commits"])), "event")),
    ("event", lambda d: change(d, "import", "commits", next(iter(d["commits"])), "event")),
    ("what it changed", lambda d: change(d, "other", "commits", next(iter(d["commits"])), "branch")),
    ("time", lambda d: change(d, -0.5, "commits", next(iter(d["commits"])), "time")),
    ("hypotheses", lambda d: change(d, [1], "commits", next(iter(d["commits"])), "body", "hypotheses")),
    ("score", lambda d: change(d, "1", "commits", next(iter(d["commits"])), "body", "before")),
    ("author", lambda d: change(d, 1, "commits", next(iter(d["commits"])), "body", "author")),
    ("no resource", lambda d: change(d, d["resources"].pop("tool/c"), "resources", "tool/../c")),
    ("no resource", lambda d: change(d, d["resources"].pop("tool/c"), "resources", "thing/c")),
    ("no resource", lambda d: change(d, d["resources"].pop("tool/c"), "resources", "tool/c@1.0.0")),
    (r"'\x1b[2J' names", lambda d: change(d, d["resources"].pop("tool/c"), "resources", "\x1b[2J")),
]


@pytest.mark.parametrize(("reason", "spoil"), HOSTILE)
def test_a_document_that_does_not_hold_together_is_refused_and_nothing_is_written(reason, spoil):
    data = small()
    spoil(data)
    assert reason in refused(data)


def test_a_time_that_is_too_large_for_a_number_and_a_million_resources_are_refused():
    data = small()
    change(data, 12345.5, "resources", "tool/c", "aliases", 0, "time")
    assert "time" in refused(json.dumps(data).replace("12345.5", "1e999"))
    assert "at most" in refused({**data, "resources": dict.fromkeys(map(str, range(1_000_000)), 0)})


def stored(record):
    """The document of a store that was made to hold a record which may not be stored."""
    with Store.memory() as store:
        store.commit("main", [Change(record, None)])
        return json.loads(export(store).to_json())


def test_records_that_may_not_be_stored_are_refused():
    spoilt = evolve(prompt(), exports={"sections": [{"id": "rules"}]})
    assert "a section has" in refused(stored(spoilt))
    assert "no list of sections" in refused(stored(evolve(prompt(), exports={})))
    assert "other sections" in refused(stored(evolve(prompt(), exports={"sections": []})))
    assert "heading" in refused(stored(prompt("a\n## More\nb")))
    assert "tool/t" in refused(stored(evolve(tool(), exports={"form": "skill"})))


def spots(data, path=()):
    """Every place in JSON data."""
    yield path
    items = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    for key, value in items:
        yield from spots(value, (*path, key))


JUNK = [
    None,
    True,
    0,
    -1,
    10**40,
    1.5,
    "",
    "x",
    "1.0.0",
    "9.9.9",
    "main",
    "\ud800",
    "\0",
    "../x",
    "a" * 300,
    [],
    {},
    ["1.0.0"],
    {"a": 1},
]


def mutated(text, rng):
    if rng.random() < 0.15:  # of the text itself
        at = rng.randrange(len(text))
        return text[:at] + rng.choice(["", "\0", '"', "{", "]", "é", "NaN", "1e999"]) + text[at + rng.randrange(3) :]
    data = json.loads(text)
    for _ in range(rng.randint(1, 2)):
        start = ("resources",) if rng.random() < 0.5 else ()
        path = rng.choice([place for place in spots(data["resources"] if start else data, start) if place != start])
        inner = data
        for key in path[:-1]:
            inner = inner[key]
        action = rng.randrange(4)
        if action == 0:
            del inner[path[-1]]
        elif action == 1 and isinstance(inner, dict):
            inner[rng.choice(["x", "tool/x", "main", "stable", "\u202e", "1" * 64])] = inner.pop(path[-1])
        elif action == 2 and isinstance(inner, list):
            inner.insert(rng.randrange(len(inner)), rng.choice(inner))
        else:
            inner[path[-1]] = rng.choice(JUNK)
    return json.dumps(data)


def test_three_thousand_spoilt_documents_are_refused_or_leave_a_store_that_verifies():
    text, rng, taken = json.dumps(small()), random.Random(3), 0
    with Store.memory() as store:
        for _ in range(3000):
            count = len(store.entries())
            try:
                import_(store, Document.from_json(mutated(text, rng)))
            except InputError:
                assert len(store.entries()) == count
                continue
            taken += 1
            if len(store.entries()) > count:
                assert store.verify() is None
        assert store.verify() is None
    assert taken > 30


# Folders


def folder_of(store, folder):
    write_folder(export(store), folder)
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def take(store, folder, **given):
    document, edits = read_folder(folder)
    return import_(store, document, edits=edits, source="folder", **given)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**9))
def test_a_folder_reads_back_as_the_same_resources_without_an_edit(seed):
    with Store.memory() as store, Store.memory() as other, tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        random_history(store, seed)
        files = folder_of(store, folder)
        assert files == folder_of(store, folder)
        done = take(other, folder)
        assert done.edited == {}
        assert export(store).to_json() == export(other).to_json()
        assert other.verify() is None


def test_a_reviewed_edit_is_a_commit_on_the_head_and_comes_in_once(store, other, tmp_path):
    evolved(store, "one", "two")
    folder_of(store, tmp_path)
    text = tmp_path / "prompt" / "x.md"
    text.write_text(text.read_text().replace("two", "two, politely"))
    assert take(store, tmp_path, author="ann").edited == {"prompt/x": "1.0.2"}
    found = store.version("prompt", "x", "1.0.2")
    assert (found.parents, store.record(found.digest).parameters["rules"]) == (("1.0.1",), "two, politely")
    entry = store.entries(id_=found.commit)[0]
    assert (
        entry.event,
        *(entry.body[k] for k in ("author", "evidence", "source")),
    ) == ("commit", "ann", None, "folder")
    assert take(store, tmp_path).edited == {}
    assert take(other, tmp_path).edited == {"prompt/x": "1.0.2"}
    assert (store.verify(), other.verify()) == (None, None)


def test_an_edit_of_a_head_that_moved_in_the_meantime_is_left_out_and_said(store, tmp_path):
    evolved(store, "one")
    folder_of(store, tmp_path)
    text = tmp_path / "prompt" / "x.md"
    text.write_text(text.read_text().replace("one", "mine"))
    evolved(store, "two")
    done = take(store, tmp_path)
    assert (done.edited, head(store, "prompt/x")) == ({}, "1.0.1")
    assert done.kept == ["the edit of prompt/x@1.0.0 was left out: main stands at 1.0.1; export again and edit that"]


def test_texts_without_a_lineage_are_new_resources(store, tmp_path):
    (tmp_path / "prompt").mkdir()
    (tmp_path / "prompt" / "x.md").write_text(PROMPT)
    (tmp_path / "tool").mkdir()
    data = {key: value for key, value in tool().to_json().items() if key not in ("kind", "name")}
    (tmp_path / "tool" / "t.json").write_text(json.dumps(data))
    (tmp_path / "tool" / "word-count").mkdir()
    (tmp_path / "tool" / "word-count" / "SKILL.md").write_text("---\nname: word-count\ndescription: d\n---\nDo.\n")
    (tmp_path / "tool" / "README.txt").write_text("not ours")
    (tmp_path / "src").mkdir()
    assert take(store, tmp_path).edited == {"prompt/x": "1.0.0", "tool/t": "1.0.0", "tool/word_count": "1.0.0"}
    assert take(store, tmp_path).edited == {}


def test_an_edited_skill_and_an_edited_record_are_commits(store, tmp_path):
    record, files = skill(run=b"#!one")
    store.commit(SHIPPED, [Change(record, None), Change(tool(value=1), None)], artifacts=files)
    folder_of(store, tmp_path)
    script = tmp_path / "tool" / "word-count" / "scripts" / "run.py"
    assert script.stat().st_mode & 0o100
    script.write_bytes(b"#!two")
    data = tmp_path / "tool" / "t.json"
    data.write_text(data.read_text().replace('"value": 1', '"value": 2'))
    done = take(store, tmp_path)
    assert done.edited == {"tool/word_count": "1.0.1", "tool/t": "1.0.1"}
    assert store.artifact(sha256(b"#!two").hexdigest()) == b"#!two"
    assert store.verify() is None


def test_a_file_that_a_skill_no_longer_has_goes_from_its_folder_and_others_stay(store, tmp_path):
    record, files = skill(run=b"1", old=b"2")
    store.commit("main", [Change(record, None)], artifacts=files)
    folder_of(store, tmp_path)
    (tmp_path / "prompt").mkdir()
    (tmp_path / "prompt" / "gone.md").write_text("left alone")
    record, files = skill(run=b"1")
    store.commit("main", [Change(record, "1.0.0")], artifacts=files)
    found = folder_of(store, tmp_path)
    assert "tool/word-count/scripts/old.py" not in found
    assert found["prompt/gone.md"] == b"left alone"


def test_a_readme_of_somebody_else_is_left_alone(store, tmp_path):
    evolved(store, "one")
    (tmp_path / "README.md").write_text("# Mine\n")
    assert folder_of(store, tmp_path)["README.md"] == b"# Mine\n"


def test_the_readme_tells_why_and_nothing_that_a_model_wrote_is_more_than_text(store, tmp_path):
    text = "a | b `c` <script>x</script> @all https://e.vil [l](x)\n# H\x1b[31m\u202e"
    evolved(
        store, "one", author="optimizer", optimizer="reflection", before=0.4, after=0.75, hypotheses=[{"text": text}]
    )
    readme = folder_of(store, tmp_path)["README.md"].decode()
    row = next(line for line in readme.splitlines() if line.startswith("| 1.0.0 "))
    why = "a ¦ b 'c' <script>x</script> @all https://e.vil [l](x) # H [31m"
    assert ["`optimizer reflection`", "0.40 → 0.75", f"`{why}`"] == [cell.strip() for cell in row.split("|")[3:6]]


def test_a_checkout_with_other_line_ends_is_no_edit(store, tmp_path):
    evolved(store, "one\ntwo", "\nthree\n")
    folder_of(store, tmp_path)
    for path in (tmp_path / "prompt").iterdir():
        path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    assert take(store, tmp_path).edited == {}


def test_links_are_neither_read_nor_written_through(store, tmp_path):
    evolved(store, "one")
    secret = tmp_path / "secret"
    secret.write_text(PROMPT)
    for place in ("prompt/x.md", "prompt/x.lineage.json", "prompt"):
        folder = tmp_path / place.replace("/", "_")
        folder_of(store, folder)
        target = secret
        if place == "prompt":
            target = (folder / "prompt").rename(tmp_path / "elsewhere")
        else:
            (folder / place).unlink()
        (folder / place).symlink_to(target)
        with pytest.raises(InputError, match="link"):
            read_folder(folder)
        with pytest.raises(InputError, match="link"):
            write_folder(export(store), folder)
    assert secret.read_text() == PROMPT


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("prompt/x.md", b"\xff", "UTF-8"),
        ("prompt/x.md", b"---\nname: y\n---\nz\n", "'y'"),
        ("prompt/x.md", b"---\nname: " + b"[" * 5000 + b"\n---\n", "x.md"),
        ("prompt/x.md", b"---\nname: 2001-99-99\n---\n", "x.md"),
        ("prompt/x.md", b"a\n## B\nc\n## B\nd\n", "new section"),
        ("prompt/x.lineage.json", b"{}", "no export document"),
        ("tool/t.json", b"[]", "no record"),
        ("tool/t.json", b'{"kind": "agent"}', "no record"),
        ("tool/t.json", b'{"a": 1, "a": 2}', "twice"),
        ("tool/word-count/SKILL.md", b"nothing", "front matter"),
    ],
)
def test_a_file_that_is_no_resource_is_named(tmp_path, name, content, reason):
    (tmp_path / name).parent.mkdir(parents=True)
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError) as caught:
        read_folder(tmp_path)
    assert reason in str(caught.value)


def test_a_lineage_under_another_name_is_refused(store, tmp_path):
    evolved(store, "one")
    folder_of(store, tmp_path)
    (tmp_path / "prompt" / "x.lineage.json").rename(tmp_path / "prompt" / "y.lineage.json")
    with pytest.raises(InputError, match="not the lineage of prompt/y"):
        read_folder(tmp_path)


def test_an_edit_is_checked_as_any_record(store):
    with pytest.raises(InputError, match="heading"):
        import_(store, Document({}, {}, {}, {}), edits=[Edit(prompt("a\n# B"), None)])
    assert store.resources() == ()


def test_an_import_says_which_secrets_its_records_ask_for(tmp_path):
    asking = Record("tool", "mail", "", Installed("d", "tool/mail", "h"), {"headers": [{"x": {"secret": "MAIL_KEY"}}]})
    with Store.open(tmp_path / "a.db") as one, Store.open(tmp_path / "b.db") as other:
        one.commit("main", [Change(asking, None)])
        done = push(one, other)
        assert done.asks == {"tool/mail": ["MAIL_KEY"]}
        assert push(one, other).asks == {}
