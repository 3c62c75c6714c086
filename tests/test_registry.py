"""The registry: a store as people and programs ask it; written from the documentation alone."""

import sqlite3
import subprocess
import sys
import textwrap
import time
from contextlib import closing
from hashlib import sha256
from pathlib import Path

import pytest
from attrs import NOTHING, evolve

from autogenesis_core import (
    InputError,
    Installed,
    InvalidRecord,
    LifecycleError,
    Record,
    Registry,
    Source,
    StoreError,
    UnknownName,
    parse_prompt,
)
from autogenesis_core.rspl.skill import skill_record, to_folder
from autogenesis_core.rspl.store import SHIPPED, Change, Removed, Store

KINDS = ("prompt", "agent", "tool", "environment", "memory")
SKILL_MD = (
    "---\nname: pdf-forms\ndescription: Fills PDF forms.\n---\n\n# PDF forms\n\nRead references/fields.md first.\n"
)
SKILL = {
    "SKILL.md": SKILL_MD.encode(),
    "references/fields.md": "Fields: ä\n".encode(),
    "scripts/fill.py": b"#!/usr/bin/env python\nprint(1)\n",
}


def greet(*lines, name="greet"):
    text = "\n".join(lines)
    return parse_prompt(f"---\ndescription: Greets.\n---\n\n## Rules\n{text}\n\n## Task\n{{{{ task }}}}\n", name, "d")


def made(kind, value=0, name="thing"):
    if kind == "prompt":
        return greet(f"value {value}", name=name)
    installed = Installed("d", f"{kind}/{name}", "h")
    return Record(kind, name, f"A {kind}.", installed, {"value": value, "text": "a\nb"}, {}, {"value": True})


def put(registry, *records, branch="", **options):
    """Commits records on top of the heads that are there."""
    branch = branch or registry.branch
    heads = [registry.store.head(branch, record.kind, record.name) for record in records]
    changes = [
        Change(record, head.version if head else None) for record, head in zip(records, heads, strict=True)
    ]  # fmt: skip
    return registry.store.commit(branch, changes, **options)[0]


def versions(registry, name):
    return [version.version for version, _ in registry.history(name)]


def lines(blamed):
    return [(line.text, line.version) for line, _, _ in blamed]


@pytest.fixture
def registry(tmp_path):
    with Registry.open(str(tmp_path / "workdir"), create=True) as opened:
        yield opened


each_kind = pytest.mark.parametrize("kind", KINDS)


# Opening


def test_a_registry_is_made_only_where_that_is_wanted(tmp_path):
    with pytest.raises(InputError):
        Registry.open(folder=tmp_path)
    with pytest.raises(InputError):
        Registry.open(str(tmp_path / "workdir"))
    assert list(tmp_path.iterdir()) == []
    with Registry.open(folder=tmp_path, create=True) as registry:
        assert (registry.branch, registry.heads(), list(registry.log()), registry.audit()) == ("main", {}, [], None)
    inner = tmp_path / "src"
    inner.mkdir()
    with Registry.open(folder=inner) as registry:
        assert registry.store.path == tmp_path / "workdir" / "autogenesis.db"


def test_an_unknown_branch_is_an_unknown_name(registry, tmp_path):
    put(registry, greet("one"))
    registry.create_branch("trial")
    with pytest.raises(UnknownName, match="did you mean trial"):
        Registry.open(str(tmp_path / "workdir"), "tiral")
    with Registry.open(str(tmp_path / "workdir"), "trial") as other:
        assert other.branch == "trial"


def test_a_file_that_is_no_store_is_an_error(tmp_path):
    (tmp_path / "workdir").mkdir()
    (tmp_path / "workdir" / "autogenesis.db").write_text("notes " * 1_000)
    with pytest.raises(StoreError):
        Registry.open(folder=tmp_path)


# Names, branches, aliases, time


def test_a_name_means_a_version_an_alias_or_the_head_of_a_branch(registry):
    for text in ("one", "two", "three"):
        put(registry, greet(text))
    registry.create_branch("trial")
    put(registry, greet("four"), branch="trial")
    registry.set_alias("prompt/greet@1.0.1", "production")
    meant = {"": "1.0.2", "@champion": "1.0.2", "@main": "1.0.2", "@trial": "1.0.3", "@1.0.0": "1.0.0",
             "@production": "1.0.1"}  # fmt: skip
    assert meant == {at: registry.find(f"prompt/greet{at}").version for at in meant}
    assert registry.record("prompt/greet@trial") == greet("four")


def test_a_branch_that_never_changed_a_resource_names_the_shipped_one(registry):
    put(registry, greet("one"), branch=SHIPPED)
    put(registry, made("tool"))
    assert registry.find("prompt/greet").version == "1.0.0"
    assert registry.find("prompt/greet@main").version == "1.0.0"


@pytest.mark.parametrize("alias", ["champion", "main", "shipped", "1.0.0", "", "A", "a b", "../x", "x" * 65])
def test_an_alias_may_not_mean_something_else(registry, alias):
    put(registry, greet("one"))
    put(registry, greet("one"), branch=SHIPPED)
    before = registry.log()
    with pytest.raises(InputError):
        registry.set_alias("prompt/greet@1.0.0", alias)
    assert before == registry.log()
    assert registry.aliases("prompt/greet") == {}


def test_an_alias_and_a_branch_have_names_of_their_own(registry):
    put(registry, greet("one"))
    registry.set_alias("prompt/greet", "production")
    with pytest.raises(InputError, match="production"):
        registry.create_branch("production")
    registry.create_branch("trial")
    with pytest.raises(InputError, match="trial"):
        registry.set_alias("prompt/greet", "trial")


def test_every_move_of_an_alias_is_in_the_log(registry):
    for text in ("one", "two"):
        put(registry, greet(text))
    assert registry.set_alias("prompt/greet@1.0.0", "production").version == "1.0.0"
    registry.set_alias("prompt/greet", "production")
    registry.set_alias("prompt/greet@1.0.0", "previous")
    registry.set_alias("prompt/greet", "production", remove=True)
    assert registry.aliases("prompt/greet") == {"previous": "1.0.0"}
    moves = registry.alias_moves("prompt/greet")
    assert [(move.alias, move.version) for move in moves] == [
        ("production", "1.0.0"), ("production", "1.0.1"), ("previous", "1.0.0"), ("production", ""),
    ]  # fmt: skip
    entries = {entry.seq: entry for entry in registry.log()}
    assert [(entries[move.seq].event, entries[move.seq].time) for move in moves] == [("alias", m.time) for m in moves]
    with pytest.raises(UnknownName):
        registry.set_alias("prompt/greet", "production", remove=True)


def test_what_a_name_meant_at_a_time_has_an_answer(registry):
    times = [time.time()]

    def wait():
        time.sleep(0.005)
        times.append(time.time())
        time.sleep(0.005)

    wait()
    put(registry, greet("one"))
    wait()
    put(registry, greet("two"))
    registry.set_alias("prompt/greet@1.0.0", "production")
    wait()
    registry.restore("prompt/greet@1.0.0")
    registry.set_alias("prompt/greet@1.0.2", "production")
    wait()
    registry.set_alias("prompt/greet", "production", remove=True)
    registry.create_branch("trial")
    put(registry, greet("three"), branch="trial")
    wait()

    def meant(name, when):
        try:
            return registry.find(name, when=when).version
        except UnknownName:
            return None

    for name, expected in {
        "prompt/greet": [None, None, "1.0.0", "1.0.1", "1.0.2", "1.0.2"],
        "prompt/greet@champion": [None, None, "1.0.0", "1.0.1", "1.0.2", "1.0.2"],
        "prompt/greet@main": [None, None, "1.0.0", "1.0.1", "1.0.2", "1.0.2"],
        "prompt/greet@production": [None, None, None, "1.0.0", "1.0.2", None],
        "prompt/greet@trial": [None, None, None, None, None, "1.0.3"],
    }.items():
        assert [meant(name, when) for when in times] == expected, name


def test_a_branch_at_a_time_stood_where_it_began_until_it_moved(registry):
    put(registry, greet("one"))
    registry.create_branch("trial")
    time.sleep(0.005)
    when = time.time()
    time.sleep(0.005)
    put(registry, greet("two"))
    put(registry, greet("three"), branch="trial")
    assert registry.find("prompt/greet@trial", when=when).version == "1.0.0"
    assert registry.find("prompt/greet@main", when=when).version == "1.0.0"


def test_a_branch_starts_at_the_heads_of_another_and_moves_alone(registry, tmp_path):
    put(registry, greet("one"), made("tool"))
    put(registry, made("agent"), branch=SHIPPED)
    assert registry.create_branch("trial") == {"prompt/greet": "1.0.0", "tool/thing": "1.0.0"}
    with Registry.open(str(tmp_path / "workdir"), "trial") as trial:
        assert trial.update("prompt/greet", trial.text("prompt/greet").replace("one", "two"))[1] == {
            "prompt/greet": "1.0.1"
        }
        assert trial.find("prompt/greet").version == "1.0.1"
        assert trial.find("agent/thing").version == "1.0.0"
    assert registry.find("prompt/greet").version == "1.0.0"
    assert registry.heads("prompt/greet") == {"prompt/greet": {"main": "1.0.0", "trial": "1.0.1"}}
    put(registry, greet("three"))
    assert registry.heads("prompt") == {"prompt/greet": {"main": "1.0.2", "trial": "1.0.1"}}
    assert set(registry.heads()) == {"prompt/greet", "tool/thing", "agent/thing"}
    assert registry.log()[2].event == "branch"


@pytest.mark.parametrize(
    "ask",
    [
        lambda registry, name: registry.find(name),
        lambda registry, name: registry.record(name),
        lambda registry, name: registry.text(name),
        lambda registry, name: registry.history(name),
        lambda registry, name: registry.blame(name),
        lambda registry, name: registry.diff(name),
        lambda registry, name: registry.diff("prompt/greet", name),
        lambda registry, name: registry.aliases(name),
        lambda registry, name: registry.alias_moves(name),
        lambda registry, name: registry.edited(name, "x"),
        lambda registry, name: registry.update(name, "x"),
        lambda registry, name: registry.copy(name, "new"),
        lambda registry, name: registry.restore(f"{name}@1.0.0"),
        lambda registry, name: registry.mark(f"{name}@1.0.0", "deprecated"),
        lambda registry, name: registry.set_alias(name, "production"),
        lambda registry, name: registry.contract([name]),
        lambda registry, name: registry.export([name]),
    ],
    ids=["find", "record", "text", "history", "blame", "diff", "diff new", "aliases", "alias_moves", "edited", "update",
         "copy", "restore", "mark", "set_alias", "contract", "export"],
)  # fmt: skip
def test_a_misspelt_name_is_answered_with_the_nearest_and_nothing_is_written(registry, ask):
    put(registry, greet("one"))
    before = registry.log()
    with pytest.raises(UnknownName, match="did you mean prompt/greet"):
        ask(registry, "prompt/gret")
    for wrong in ("greet", "promt/greet", "prompt/"):
        with pytest.raises(InputError):
            ask(registry, wrong)
    assert before == registry.log()


# History and lineage


def test_history_comes_newest_first_with_the_entry_that_made_each(registry):
    made_by = [put(registry, greet(f"text {n}"), run=f"run{n}") for n in range(5)]
    history = registry.history("prompt/greet")
    assert [version.version for version, _ in history] == ["1.0.4", "1.0.3", "1.0.2", "1.0.1", "1.0.0"]
    assert [entry.id for _, entry in history] == [version.commit for version, _ in history] == made_by[::-1]
    assert [entry.run for _, entry in history] == ["run4", "run3", "run2", "run1", "run0"]
    assert [version.parents for version, _ in history] == [("1.0.3",), ("1.0.2",), ("1.0.1",), ("1.0.0",), ()]


@pytest.mark.parametrize("size", [1, 2, 3, 7, 8])
def test_pages_of_the_history_join_to_the_whole(registry, size):
    for n in range(7):
        put(registry, greet(f"text {n}"), made("tool", n))
    whole, pages = registry.history("prompt/greet"), []
    page = registry.history("prompt/greet", limit=size)
    while page:
        assert len(page) <= size
        pages += page
        page = registry.history("prompt/greet", limit=size, before=page[-1][0].number)
    assert pages == whole
    assert registry.history("prompt/greet", limit=0) == []


def test_the_log_of_a_run_a_commit_and_a_resource(registry):
    first = put(registry, greet("one"), run="run1")
    second = put(registry, made("tool"), run="run2")
    registry.set_alias("prompt/greet", "production")
    assert [entry.id for entry in registry.log("run1")] == [first]
    assert [entry.id for entry in registry.log(second)] == [second]
    assert [entry.event for entry in registry.log(limit=2)] == ["commit", "alias"]
    assert [entry.seq for entry in registry.log()] == sorted(entry.seq for entry in registry.log())
    with pytest.raises(UnknownName):
        registry.log("run3")


def test_the_log_of_a_resource_has_everything_that_happened_to_it(registry):
    put(registry, greet("one"), made("tool"))
    put(registry, greet("two"))
    registry.set_alias("prompt/greet", "production")
    registry.mark("prompt/greet@1.0.0", "deprecated")
    put(registry, made("tool", 1))
    registry.restore("prompt/greet@1.0.0")
    events = [entry.event for entry in registry.log("prompt/greet")]
    assert events == ["commit", "commit", "alias", "mark", "restore"]


def test_heads_of_an_unknown_kind_or_resource_are_no_empty_answer(registry):
    put(registry, greet("one"))
    for name in ("promt", "prompt/gret"):
        with pytest.raises(UnknownName, match="did you mean prompt"):
            registry.heads(name)


def test_blame_names_who_wrote_each_line_across_a_restore(registry):
    put(registry, greet("a", "b", "c"))
    put(registry, greet("a", "B", "c"), run="run1", body={"hypotheses": [{"text": "b is too small"}]})
    put(registry, greet("a", "c"))
    registry.restore("prompt/greet@1.0.1")
    blamed = registry.blame("prompt/greet")
    name = "prompt/greet@"
    assert lines(blamed["rules"]) == [("a", f"{name}1.0.0"), ("B", f"{name}1.0.3"), ("c", f"{name}1.0.0")]
    assert lines(blamed["task"]) == [("{{ task }}", f"{name}1.0.0")]
    _, version, entry = blamed["rules"][1]
    assert (version.version, entry.event, entry.id) == ("1.0.3", "restore", version.commit)
    at = registry.blame("prompt/greet@1.0.1#rules")
    assert list(at) == ["rules"]
    _, version, entry = at["rules"][1]
    assert (version.version, entry.run, entry.body["hypotheses"]) == ("1.0.1", "run1", [{"text": "b is too small"}])


def test_blame_of_a_copy_names_the_versions_of_the_first_resource(registry):
    put(registry, greet("a", "b"))
    put(registry, greet("a", "B"))
    registry.copy("prompt/greet", "twin")
    put(registry, greet("a", "B", "c", name="twin"))
    put(registry, greet("other"))
    blamed = registry.blame("prompt/twin#rules")["rules"]
    assert lines(blamed) == [("a", "prompt/greet@1.0.0"), ("B", "prompt/greet@1.0.1"), ("c", "prompt/twin@1.0.1")]
    assert [(version.id, entry.event) for _, version, entry in blamed] == [
        ("prompt/greet", "commit"), ("prompt/greet", "commit"), ("prompt/twin", "commit"),
    ]  # fmt: skip


def test_blame_follows_the_branch_that_was_asked_for(registry):
    put(registry, greet("a", "b"))
    registry.create_branch("trial")
    put(registry, greet("main", "b"))
    put(registry, greet("a", "trial"), branch="trial")
    assert lines(registry.blame("prompt/greet@trial#rules")["rules"]) == [
        ("a", "prompt/greet@1.0.0"), ("trial", "prompt/greet@1.0.2"),
    ]  # fmt: skip
    assert lines(registry.blame("prompt/greet#rules")["rules"]) == [
        ("main", "prompt/greet@1.0.1"), ("b", "prompt/greet@1.0.0"),
    ]  # fmt: skip


@each_kind
def test_blame_joined_is_the_value_for_every_kind(registry, kind):
    for value in range(3):
        put(registry, made(kind, value))
    blamed = registry.blame(f"{kind}/thing")
    values = registry.record(f"{kind}/thing").values()
    assert blamed.keys() == values.keys()
    for path, value in values.items():
        joined = "\n".join(line.text for line, _, _ in blamed[path])
        assert joined == (value if isinstance(value, str) else str(value))


# Differences


@each_kind
def test_the_difference_of_two_versions_says_what_changed(registry, kind):
    for value in (1, 2, 3):
        put(registry, made(kind, value))
    (one,) = registry.diff(f"{kind}/thing@1.0.0", f"{kind}/thing@1.0.1")
    assert one.path == ("rules" if kind == "prompt" else "parameters.value")
    assert one.form == ("text" if kind == "prompt" else "value")
    assert (one.old, one.new) == (("value 1", "value 2") if kind == "prompt" else (1, 2))
    (to_head,) = registry.diff(f"{kind}/thing@1.0.0")
    assert to_head.new == ("value 3" if kind == "prompt" else 3)
    (back,) = registry.diff(f"{kind}/thing@1.0.1", f"{kind}/thing@1.0.0")
    assert (back.old, back.new) == (one.new, one.old)
    assert registry.diff(f"{kind}/thing") == registry.diff(f"{kind}/thing", f"{kind}/thing@champion") == ()


def test_the_difference_of_code_is_code(registry):
    tool = evolve(made("tool"), implementation=Source("python", "def run():\n    return 1\n"))
    put(registry, tool)
    put(registry, evolve(tool, implementation=Source("python", "def run():\n    return 2\n")))
    (one,) = registry.diff("tool/thing@1.0.0")
    assert (one.path, one.form) == ("source", "code")
    assert [line for line in one.lines() if line[:1] in "+-" and line[:3] not in ("+++", "---")] == [
        "-    return 1", "+    return 2",
    ]  # fmt: skip


def test_a_section_that_came_or_went_was_or_is_nothing(registry):
    put(registry, greet("a"))
    put(registry, parse_prompt("---\ndescription: Greets.\n---\n\n## Task\n{{ task }}\n\n## More\nx\n", "greet", "d"))
    differing = {one.path: one for one in registry.diff("prompt/greet@1.0.0")}
    assert (differing["rules"].old, differing["rules"].new) == ("a", NOTHING)
    assert (differing["more"].old, differing["more"].new) == (NOTHING, "x")


# Editing


@each_kind
def test_text_is_what_update_takes(registry, kind):
    put(registry, made(kind, 1))
    name = f"{kind}/thing"
    text = registry.text(name)
    assert registry.edited(name, text) == (made(kind, 1), {})
    assert registry.update(name, text) == ("", {})
    edited = text.replace("value 1", "value 2").replace('"value": 1', '"value": 2')
    assert registry.edited(name, edited) == (made(kind, 2), {})
    assert versions(registry, name) == ["1.0.0"]
    commit, new = registry.update(name, edited)
    assert new == {name: "1.0.1"}
    assert registry.record(name) == made(kind, 2)
    (entry,) = registry.log(commit)
    assert (entry.event, entry.body["author"], entry.body["evidence"]) == ("commit", "user", None)
    assert registry.find(name).parents == ("1.0.0",)


def test_a_skill_is_edited_as_its_file_and_keeps_its_artifacts(registry):
    record, artifacts = skill_record(SKILL, "d")
    put(registry, record, artifacts=artifacts)
    assert registry.text("tool/pdf_forms") == SKILL_MD
    assert registry.update("tool/pdf_forms", SKILL_MD) == ("", {})
    edited, kept = registry.edited("tool/pdf_forms", SKILL_MD.replace("first.", "last."))
    assert set(edited.artifacts) <= set(kept) | {*artifacts}
    assert registry.update("tool/pdf_forms", SKILL_MD.replace("first.", "last."))[1] == {"tool/pdf_forms": "1.0.1"}
    files = to_folder(registry.record("tool/pdf_forms"), registry.store.artifact)
    assert files == {**SKILL, "SKILL.md": SKILL["SKILL.md"].replace(b"first.", b"last.")}
    assert [one.form for one in registry.diff("tool/pdf_forms@1.0.0")] == ["text"]


@pytest.mark.parametrize(
    "text",
    ["---\n", "## Rules\n{% if\n", "## Rules\n```\nnever closed\n", "## Rules\na\n\n## Rules\nb\n",
     "---\nname: other\n---\n\n## Rules\na\n", "---\nrules: [\n---\n## Rules\na\n", "---\nnonsense: 1\n---\n## Rules\na\n",
     "## Rules\n\ud800\n"],
    ids=range(8),
)  # fmt: skip
def test_a_prompt_that_may_not_be_stored_is_refused_and_nothing_is_written(registry, text):
    put(registry, greet("one"))
    before = registry.log()
    with pytest.raises(InputError):
        registry.update("prompt/greet", text)
    assert before == registry.log()


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "null", "3", '"x"', "{}", '{"description": 3}', "[" * 50_000, '{"a": NaN}', "\ud800"],
    ids=range(11),
)
def test_json_that_may_not_be_stored_is_refused_and_nothing_is_written(registry, text):
    put(registry, made("tool"))
    before = registry.log()
    with pytest.raises(InvalidRecord):
        registry.update("tool/thing", text)
    assert before == registry.log()


def test_an_edit_cannot_turn_a_resource_into_another(registry):
    put(registry, made("tool", 1))
    text = registry.text("tool/thing").replace("{", '{\n  "kind": "prompt", "name": "other",', 1)
    with pytest.raises(InvalidRecord):
        registry.update("tool/thing", text)
    assert versions(registry, "tool/thing") == ["1.0.0"]


# Copying, marking


@each_kind
def test_a_copy_has_the_content_and_says_where_it_is_from(registry, kind):
    put(registry, made(kind, 1))
    put(registry, made(kind, 2))
    assert registry.copy(f"{kind}/thing@1.0.0", "twin") == f"{kind}/twin"
    assert registry.copy(f"{kind}/thing", f"{kind}/other") == f"{kind}/other"
    assert registry.record(f"{kind}/twin") == evolve(made(kind, 1), name="twin")
    assert registry.record(f"{kind}/other") == evolve(made(kind, 2), name="other")
    (version, entry) = registry.history(f"{kind}/twin")[0]
    assert (version.version, version.parents, entry.event) == ("1.0.0", (f"{kind}/thing@1.0.0",), "copy")
    for wrong in ("twin", "thing", f"{KINDS[KINDS.index(kind) - 1]}/new", "", "a b", "../x"):
        with pytest.raises(InputError):
            registry.copy(f"{kind}/thing", wrong)
    assert len(registry.heads()) == 3


def test_a_skill_is_copied_with_its_files(registry):
    record, artifacts = skill_record(SKILL, "d")
    put(registry, record, artifacts=artifacts)
    assert registry.copy("tool/pdf_forms", "my_forms") == "tool/my_forms"
    files = to_folder(registry.record("tool/my_forms"), registry.store.artifact)
    assert {path: body for path, body in files.items() if path != "SKILL.md"} == {
        path: body for path, body in SKILL.items() if path != "SKILL.md"
    }
    assert b"name: my-forms" in files["SKILL.md"]
    again, _ = skill_record(files, "d", "my-forms")
    assert again == registry.record("tool/my_forms")
    assert registry.gc() == Removed()
    assert registry.audit() is None


def test_a_mark_moves_a_version_along_its_lifecycle_and_is_logged(registry):
    put(registry, greet("one"))
    put(registry, greet("two"))
    assert registry.mark("prompt/greet@1.0.0", "deprecated").state == "deprecated"
    assert registry.find("prompt/greet@1.0.0").state == "deprecated"
    assert registry.find("prompt/greet").state == "active"
    with pytest.raises(LifecycleError):
        registry.mark("prompt/greet@1.0.1", "archived")
    with pytest.raises((InputError, LifecycleError)):
        registry.mark("prompt/greet@1.0.1", "gone")
    assert [entry.event for entry in registry.log()] == ["commit", "commit", "mark"]


# Taking back


def test_a_rollback_undoes_all_resources_of_a_commit_at_once(registry):
    put(registry, greet("one"), made("tool", 1))
    bad = put(registry, greet("two"), made("tool", 2))
    before = {name: registry.history(name) for name in ("prompt/greet", "tool/thing")}
    commit, new = registry.rollback(bad)
    assert new == {"prompt/greet": "1.0.2", "tool/thing": "1.0.2"}
    assert (registry.record("prompt/greet"), registry.record("tool/thing")) == (greet("one"), made("tool", 1))
    assert registry.find("prompt/greet").digest == registry.find("prompt/greet@1.0.0").digest
    assert [entry.event for entry in registry.log(commit)] == ["rollback"]
    assert before == {name: registry.history(name)[1:] for name in before}


def test_a_rollback_takes_back_what_came_later_and_says_so_before(registry):
    put(registry, greet("one"), made("tool", 1))
    bad = put(registry, greet("two"), made("tool", 2), run="run1")
    assert not any(registry.changed_since(bad).values())
    put(registry, greet("three"))
    put(registry, greet("four"))
    assert registry.changed_since(bad) == registry.changed_since("run1") == {"prompt/greet": ["1.0.2", "1.0.3"]}
    registry.rollback("run1")
    assert (registry.record("prompt/greet"), registry.record("tool/thing")) == (greet("one"), made("tool", 1))
    assert registry.audit() is None


def test_a_rollback_of_a_run_undoes_all_its_commits(registry):
    put(registry, greet("one"), made("tool", 1))
    for value in (2, 3, 4):
        put(registry, *([greet(f"text {value}")] if value != 3 else [made("tool", value)]), run="run1")
    _, new = registry.rollback("run1")
    assert new.keys() == {"prompt/greet", "tool/thing"}
    assert (registry.record("prompt/greet"), registry.record("tool/thing")) == (greet("one"), made("tool", 1))


def test_a_rollback_is_itself_undone_by_a_rollback(registry):
    put(registry, greet("one"))
    bad = put(registry, greet("two"))
    back, _ = registry.rollback(bad)
    registry.rollback(back)
    assert registry.record("prompt/greet") == greet("two")
    assert versions(registry, "prompt/greet") == ["1.0.3", "1.0.2", "1.0.1", "1.0.0"]


def test_a_rollback_of_an_edit_of_what_is_shipped_gives_back_what_is_shipped(registry):
    put(registry, greet("shipped"), branch=SHIPPED)
    commit, _ = registry.update("prompt/greet", registry.text("prompt/greet").replace("shipped", "mine"))
    assert registry.record("prompt/greet") == greet("mine")
    registry.rollback(commit)
    assert registry.record("prompt/greet") == greet("shipped")


def test_what_can_not_be_undone_is_said_in_words_for_people(registry):
    first = put(registry, greet("one"))
    registry.copy("prompt/greet", "twin")
    copied = registry.find("prompt/twin").commit
    for name in (first, copied):
        with pytest.raises(InputError) as raised:
            registry.rollback(name)
        assert "None" not in str(raised.value)
    for name in ("nope", "prompt/greet@1.0.0"):
        with pytest.raises(UnknownName):
            registry.rollback(name)
    put(registry, greet("two"))
    with pytest.raises(InputError, match="several commits"):
        registry.rollback("")
    assert versions(registry, "prompt/greet") == ["1.0.1", "1.0.0"]


def test_a_restore_brings_back_every_version_bit_for_bit(registry):
    bodies = {}
    for value in range(6):
        put(registry, made("agent", [value, {"ü": "\u2028"}]))
        bodies[f"1.0.{value}"] = registry.record("agent/thing").body
    for version, body in bodies.items():
        _, new = registry.restore(f"agent/thing@{version}")
        assert registry.record("agent/thing").body == body
        assert new == {"agent/thing": registry.find("agent/thing").version}
    assert [registry.record(f"agent/thing@{version}").body for version in bodies] == list(bodies.values())


# Finding


def test_retrieve_finds_the_heads_of_this_branch(registry, tmp_path):
    for name, text in (("changing", "Forecasts rain and sunshine."), ("bakery", "Bakes bread and cake.")):
        put(registry, evolve(made("tool", name=name), description=text))
    put(registry, evolve(made("agent", name="baker"), description="Sells bread."))
    registry.create_branch("trial")
    put(registry, evolve(made("tool", name="changing"), description="Plays chess."))
    assert [found.id for found in registry.retrieve("chess")] == ["tool/changing"]
    assert registry.retrieve("chess")[0].digest == registry.find("tool/changing").digest
    assert "tool/changing" not in {found.id for found in registry.retrieve("rain")}
    with Registry.open(str(tmp_path / "workdir"), "trial") as trial:
        assert [found.id for found in trial.retrieve("rain", 1)] == ["tool/changing"]
    assert {found.id for found in registry.retrieve("bread")} == {"tool/bakery", "agent/baker"}
    assert [found.id for found in registry.retrieve("bread", kind="agent")] == ["agent/baker"]
    for k in (0, 101):
        with pytest.raises(InputError):
            registry.retrieve("bread", k)
    with pytest.raises(UnknownName, match="did you mean tool"):
        registry.retrieve("bread", kind="tol")


@pytest.mark.parametrize(
    "query", ["", " ", '"', "a AND", "NEAR(", "*", "title:x", "x" * 100_000, "\0", "'; DROP TABLE x"]
)
def test_nothing_in_a_query_is_syntax(registry, query):
    put(registry, made("tool"))
    assert all(found.id == "tool/thing" for found in registry.retrieve(query))


def test_a_contract_is_of_all_of_a_kind_or_of_those_named(registry):
    for kind in KINDS:
        put(registry, made(kind, 1))
    put(registry, evolve(made("tool", 2), description="Another tool."))
    assert set(registry.contract().ids) == {f"{kind}/thing" for kind in KINDS}
    assert registry.contract(["tool"]).ids == ("tool/thing",)
    assert set(registry.contract(["agent/thing", "memory"]).ids) == {"agent/thing", "memory/thing"}
    assert "Another tool." in registry.contract(["tool"]).text
    assert "Another tool." not in registry.contract(["tool/thing@1.0.0"]).text
    assert registry.contract() == registry.contract()
    assert registry.contract().tokens > 0


# Keeping it whole


def tampered(path, *statements):
    with closing(sqlite3.connect(path)) as connection, connection:
        for statement in statements:
            connection.execute(statement)


@pytest.mark.parametrize(
    ("statement", "named"),
    [
        ("UPDATE log SET body = replace(body, 'user', 'usor') WHERE seq = 2", "2"),
        ("UPDATE log SET time = time + 1 WHERE seq = 2", "2"),
        ("UPDATE log SET run = 'x' WHERE seq = 2", "2"),
        ("DELETE FROM log WHERE seq = 2", ""),
        ("DELETE FROM log WHERE seq = 3", ""),
        ("UPDATE versions SET digest = (SELECT digest FROM versions WHERE number = 0) WHERE number = 1", "1.0.1"),
        ("DELETE FROM versions WHERE number = 1", ""),
        ("UPDATE records SET body = replace(body, 'two', 'tow')", ""),
        ("UPDATE heads SET version = '1.0.0'", ""),
        ("DELETE FROM heads", ""),
    ],
)
def test_audit_finds_tampering(registry, statement, named):
    put(registry, greet("one"))
    registry.update("prompt/greet", registry.text("prompt/greet").replace("one", "two"))
    registry.set_alias("prompt/greet", "production")
    assert registry.audit() is None
    tampered(registry.store.path, statement)
    wrong = registry.audit()
    assert wrong is not None
    assert named in wrong


def test_gc_removes_only_what_nothing_names(registry):
    record, artifacts = skill_record(SKILL, "d")
    put(registry, record, artifacts=artifacts)
    put(registry, greet("one"))
    registry.restore("prompt/greet@1.0.0")
    orphans = {sha256(body).hexdigest(): body for body in (b"orphan", b"another")}
    registry.store.put({**orphans, **artifacts})
    before = (registry.log(), registry.heads(), versions(registry, "prompt/greet"))
    assert registry.gc(dry_run=True) == registry.gc(dry_run=True) == Removed(artifacts=2)
    assert [registry.store.artifact(digest) for digest in orphans] == list(orphans.values())
    assert registry.gc() == Removed(artifacts=2)
    assert registry.gc() == registry.gc(dry_run=True) == Removed()
    for digest in orphans:
        with pytest.raises(StoreError):
            registry.store.artifact(digest)
    assert to_folder(registry.record("tool/pdf_forms"), registry.store.artifact) == SKILL
    assert before == (registry.log(), registry.heads(), versions(registry, "prompt/greet"))
    assert registry.audit() is None


def test_gc_keeps_what_only_an_old_a_marked_or_a_branch_version_names(registry):
    record, artifacts = skill_record(SKILL, "d")
    put(registry, record, artifacts=artifacts)
    registry.create_branch("trial")
    smaller, fewer = skill_record({"SKILL.md": SKILL["SKILL.md"]}, "d")
    put(registry, smaller, artifacts=fewer)
    put(registry, smaller, artifacts=fewer, branch="trial")
    for state in ("deprecated", "archived"):
        registry.mark("tool/pdf_forms@1.0.0", state)
    assert registry.gc() == Removed()
    assert to_folder(registry.record("tool/pdf_forms@1.0.0"), registry.store.artifact) == SKILL


_WRITER = """
import sys
from pathlib import Path
from autogenesis_core import Installed, Record
from autogenesis_core.rspl.store import Change, Store
with Store.open(Path(sys.argv[1])) as store:
    for n in range(100_000):
        records = [Record("tool", name, "", Installed("d", "tool/t", "h"), {"n": n}) for name in ("a", "b")]
        heads = [store.head("main", "tool", record.name) for record in records]
        store.commit("main", [Change(r, h.version if h else None) for r, h in zip(records, heads)])
        if not n:
            print("ready", flush=True)
"""


def test_a_backup_that_is_taken_while_another_writes_is_whole(registry, tmp_path):
    put(registry, greet("one"))
    registry.set_alias("prompt/greet", "production")
    command = [sys.executable, "-c", _WRITER, str(registry.store.path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as writer:
        try:
            assert writer.stdout.readline() == "ready\n"
            sizes = []
            for count in range(5):
                path = tmp_path / f"backup{count}" / "autogenesis.db"
                path.parent.mkdir()
                registry.backup(path)
                with Registry.open(str(path.parent)) as copy:
                    assert copy.audit() is None
                    assert copy.record("prompt/greet@production") == greet("one")
                    assert versions(copy, "tool/a") == versions(copy, "tool/b")
                    sizes.append(len(copy.log()))
                assert [each.name for each in path.parent.iterdir()] == ["autogenesis.db"]
                time.sleep(0.05)
            assert writer.poll() is None
        finally:
            writer.kill()
    assert sizes == sorted(sizes)
    assert sizes[-1] > sizes[0]
    assert registry.audit() is None


def test_a_backup_goes_to_a_new_file(registry, tmp_path):
    put(registry, greet("one"))
    registry.backup(str(tmp_path / "backup.db"))
    before = (tmp_path / "backup.db").read_bytes()
    with pytest.raises(InputError, match="there already"):
        registry.backup(tmp_path / "backup.db")
    assert before == (tmp_path / "backup.db").read_bytes()
    with pytest.raises(InputError, match="there already"):
        registry.backup(registry.store.path)
    with Store.open(tmp_path / "backup.db", create=False) as store:
        assert store.verify() is None


# From one store to another


def test_an_export_of_everything_makes_the_same_registry_elsewhere(registry, tmp_path):
    record, artifacts = skill_record(SKILL, "d")
    put(registry, record, artifacts=artifacts)
    put(registry, greet("one"), made("tool", 1))
    put(registry, greet("two"), run="run1", body={"hypotheses": [{"text": "why"}]})
    registry.restore("prompt/greet@1.0.0")
    registry.copy("prompt/greet", "twin")
    registry.set_alias("prompt/greet@1.0.1", "production")
    document = registry.export()
    with Registry.open(str(tmp_path / "other"), create=True) as other:
        done = other.import_(document, source="a test")
        assert {name: sorted(new) for name, new in done.added.items()} == {
            "prompt/greet": ["1.0.0", "1.0.1", "1.0.2"], "prompt/twin": ["1.0.0"], "tool/pdf_forms": ["1.0.0"],
            "tool/thing": ["1.0.0"],
        }  # fmt: skip
        assert other.heads() == registry.heads()
        assert other.aliases("prompt/greet") == {"production": "1.0.1"}
        assert to_folder(other.record("tool/pdf_forms"), other.store.artifact) == SKILL
        for name in registry.heads():
            assert [evolve(v, seq=0) for v, _ in other.history(name)] == [
                evolve(v, seq=0) for v, _ in registry.history(name)
            ]
            assert lines_of(other, name) == lines_of(registry, name)
        assert other.export().to_json() == document.to_json()
        assert other.audit() is None
        log = other.log()
        again = other.import_(document)
        assert not any(again.added.values())
        assert other.heads() == registry.heads()
        assert log == other.log()


def lines_of(registry, name):
    return {path: lines(blamed) for path, blamed in registry.blame(name).items()}


def test_an_export_without_history_is_one_version(registry, tmp_path):
    for text in ("one", "two"):
        put(registry, greet(text))
    document = registry.export(["prompt/greet"], history=False)
    with Registry.open(str(tmp_path / "other"), create=True) as other:
        other.import_(document)
        assert len(other.history("prompt/greet")) == 1
        assert other.record("prompt/greet") == greet("two")
        assert other.audit() is None


def test_an_import_loses_nothing_that_is_here_already(registry, tmp_path):
    put(registry, greet("one"))
    with Registry.open(str(tmp_path / "other"), create=True) as other:
        other.import_(registry.export())
        put(registry, greet("mine"))
        put(other, greet("theirs"))
        done = registry.import_(other.export())
        assert registry.record("prompt/greet") == greet("mine")
        assert registry.record("prompt/greet@1.0.1") == greet("mine")
        assert done.added == {"prompt/greet": ["1.0.2"]}
        assert registry.record("prompt/greet@1.0.2") == greet("theirs")
        assert done.renumbered == {"prompt/greet@1.0.1": "1.0.2"}
        assert done.kept
        assert registry.audit() is None


def test_a_registry_leaves_nothing_beside_its_file_when_it_is_closed(tmp_path):
    with Registry.open(str(tmp_path), create=True) as registry:
        put(registry, greet("one"))
        registry.gc()
    assert [path.name for path in Path(tmp_path).iterdir()] == ["autogenesis.db"]


def test_two_processes_ask_and_change_one_registry(registry):
    put(registry, greet("one"))
    code = """
        import sys
        from autogenesis_core import Registry
        with Registry.open(sys.argv[1]) as registry:
            registry.update("prompt/greet", registry.text("prompt/greet").replace("one", "two"))
            registry.set_alias("prompt/greet", "production")
    """
    workdir = str(registry.store.path.parent)
    subprocess.run([sys.executable, "-c", textwrap.dedent(code), workdir], check=True, timeout=60)
    assert registry.record("prompt/greet@production") == greet("two")
    assert registry.audit() is None
