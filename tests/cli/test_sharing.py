"""export, import, push, pull, freeze."""

import json
import random
from pathlib import Path

import pytest

from autogenesis_core.rspl.store import Store

AGENT = "agent/skilled"
STORE = "workdir/autogenesis.db"


def stand(folder: Path) -> dict[str, str]:
    """Every head on main; the store verifies."""
    with Store.open(folder / STORE, create=False) as store:
        assert store.verify() is None
        return {name: head.version for name, head in store.heads("main").items()}


@pytest.fixture
def elsewhere(tmp_path, monkeypatch):
    """Another working folder, empty; the tests go there with `monkeypatch.chdir`."""
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    return folder


def test_what_is_exported_and_imported_elsewhere_is_the_same_byte_for_byte(
    evolved, elsewhere, typed, monkeypatch, command
):
    typed("alias", f"{AGENT}@1.0.1", "production")
    typed("restore", f"{AGENT}@1.0.0")
    first = command("export", folder=evolved)
    assert (first.returncode, first.stderr) == (0, b"")
    (elsewhere / "all.json").write_bytes(first.stdout)
    monkeypatch.chdir(elsewhere)
    code, out, _ = typed("import", "all.json")
    assert code == 0
    assert "added      agent/skilled   4 versions: 1.0.0, 1.0.1, 1.0.2, 1.0.3" in out
    assert "moved      agent/skilled on main → 1.0.3" in out
    assert command("export", folder=elsewhere).stdout == first.stdout
    assert stand(elsewhere) == stand(evolved)
    assert typed("show", f"{AGENT}@production")[1].startswith("agent/skilled@1.0.1")
    assert "imported from all.json: run" in typed("history", AGENT)[1]


def test_importing_twice_says_that_all_is_here(evolved, typed):
    typed("export", "to=all.json")
    assert typed("import", "all.json") == (0, "  nothing new: all of it is here\n", "")
    assert json.loads(typed("import", "all.json", "--json")[1])["added"] == {}


def test_a_dry_run_says_what_would_happen_and_leaves_everything(evolved, elsewhere, typed, monkeypatch):
    typed("export", f"to={elsewhere / 'all.json'}")
    monkeypatch.chdir(elsewhere)
    code, out, _ = typed("import", "all.json", "--dry-run")
    assert (code, "would be added      agent/skilled   3 versions" in out) == (0, True)
    assert [path.name for path in elsewhere.iterdir()] == ["all.json"]
    typed("import", "all.json")
    before = (elsewhere / STORE).read_bytes()
    monkeypatch.chdir(evolved)
    typed("restore", f"{AGENT}@1.0.0")
    typed("export", f"to={elsewhere / 'all.json'}")
    monkeypatch.chdir(elsewhere)
    assert "1 version: 1.0.3" in typed("import", "all.json", "--dry-run")[1]
    assert ((elsewhere / STORE).read_bytes(), stand(elsewhere)) == (before, {AGENT: "1.0.2"})


def test_what_went_two_ways_is_kept_and_the_way_over_is_said(evolved, elsewhere, typed, monkeypatch):
    typed("export", f"to={elsewhere / 'all.json'}")
    typed("restore", f"{AGENT}@1.0.0")
    monkeypatch.chdir(elsewhere)
    typed("import", "all.json")
    typed("restore", f"{AGENT}@1.0.1")
    out = typed("pull", str(evolved))[1]
    assert "renumbered agent/skilled@1.0.3 → 1.0.4" in out
    assert "agent/skilled on main stays at 1.0.3; the import stands at 1.0.4" in out
    assert "autogenesis restore agent/skilled@1.0.4" in out


def test_one_resource_or_only_what_stands_can_be_exported(evolved, typed):
    typed("copy", AGENT, "other")
    typed("export", "agent/other", "to=one.json")
    # The copy names where it comes from only in its commit, for that is not in the document.
    assert list(json.loads(Path("one.json").read_text())["resources"]) == ["agent/other"]
    typed("export", "--head", "to=head.json")
    found = json.loads(Path("head.json").read_text())["resources"]
    assert {name: [row["version"] for row in item["versions"]] for name, item in found.items()} == {
        "agent/other": ["1.0.0"], AGENT: ["1.0.2"],
    }  # fmt: skip


def test_the_head_that_is_exported_is_that_of_the_branch(evolved, typed):
    typed("branch", "trial", "branch=shipped")
    typed("restore", f"{AGENT}@1.0.1", "branch=trial")
    typed("export", "--head", "to=head.json", "branch=trial")
    found = json.loads(Path("head.json").read_text())["resources"][AGENT]["versions"]
    assert [row["version"] for row in found] == ["1.0.3"]


def test_export_replaces_an_export_and_nothing_else(evolved, typed):
    assert typed("export", "to=all.json")[0] == 0
    assert typed("export", "to=all.json")[0] == 0
    Path("mine.json").write_text('{"mine": 1}')
    code, _, err = typed("export", "to=mine.json")
    assert (code, "is there and is no export" in err) == (2, True)
    assert Path("mine.json").read_text() == '{"mine": 1}'
    assert typed("export", "to=mine.json", "--force")[0] == 0
    assert Path("mine.json").read_text() == Path("all.json").read_text()
    assert sorted(path.name for path in evolved.iterdir()) == ["all.json", "mine.json", "workdir"]


def test_a_folder_is_reviewed_edited_and_brought_back(notes, elsewhere, typed, monkeypatch):
    code, out, _ = typed("export", f"to={elsewhere / 'shared'}/")
    assert (code, "1 resource, 1 version" in out) == (0, True)
    file = elsewhere / "shared" / "prompt" / "notes.md"
    assert "Use short lines." in file.read_text()
    assert (elsewhere / "shared" / "README.md").exists()
    monkeypatch.chdir(elsewhere)
    assert "added      prompt/notes   1 version: 1.0.0" in typed("import", "shared")[1]
    file.write_text(file.read_text().replace("short", "long"))
    assert "committed  prompt/notes@1.0.1, as it was edited" in typed("import", "shared")[1]
    assert stand(elsewhere) == {"prompt/notes": "1.0.1"}
    assert "nothing new" in typed("import", "shared")[1]


def test_a_prompt_file_is_a_new_resource_and_later_an_edit_of_it(elsewhere, typed, monkeypatch):
    monkeypatch.chdir(elsewhere)
    Path("greet.md").write_text("---\nname: greet\ndescription: Greets\n---\n## Rules\nSay hello.\n")
    assert "committed  prompt/greet@1.0.0" in typed("import", "greet.md")[1]
    assert "nothing new" in typed("import", "greet.md")[1]
    Path("greet.md").write_text(Path("greet.md").read_text().replace("hello", "good morning"))
    assert "committed  prompt/greet@1.0.1" in typed("import", "greet.md")[1]
    assert json.loads(typed("history", "prompt/greet", "--json")[1])[0]["parents"] == ["1.0.0"]
    assert "Say good morning." in typed("show", "prompt/greet")[1]


def test_a_skill_folder_is_a_tool_with_its_files(elsewhere, typed, monkeypatch):
    monkeypatch.chdir(elsewhere)
    folder = elsewhere / "count-words"
    (folder / "scripts").mkdir(parents=True)
    (folder / "SKILL.md").write_text("---\nname: count-words\ndescription: Counts words.\n---\nSplit it.\n")
    (folder / "scripts" / "count.py").write_text("print(1)\n")
    assert "committed  tool/count_words@1.0.0" in typed("import", "count-words")[1]
    (folder / "scripts" / "count.py").write_text("print(2)\n")
    assert "committed  tool/count_words@1.0.1" in typed("import", "count-words/")[1]
    typed("export", "to=shared/")
    assert (elsewhere / "shared/tool/count-words/scripts/count.py").read_text() == "print(2)\n"
    assert stand(elsewhere) == {"tool/count_words": "1.0.1"}


def test_resources_are_pushed_and_pulled_between_stores(evolved, notes, elsewhere, typed, monkeypatch):
    monkeypatch.chdir(evolved)
    assert "added      agent/skilled" in typed("push", str(elsewhere / "workdir"))[1]
    monkeypatch.chdir(notes)
    assert "added      prompt/notes" in typed("push", str(elsewhere), "prompt/notes")[1]
    monkeypatch.chdir(elsewhere)
    assert stand(elsewhere) == {AGENT: "1.0.2", "prompt/notes": "1.0.0"}
    typed("restore", f"{AGENT}@1.0.0")
    monkeypatch.chdir(evolved)
    assert json.loads(typed("pull", str(elsewhere / STORE), AGENT, "--json")[1])["moved"] == {"main": {AGENT: "1.0.3"}}
    assert stand(evolved) == {AGENT: "1.0.3"}


def test_a_store_may_be_any_db_file(evolved, typed):
    typed("backup", "elsewhere.db")
    typed("restore", f"{AGENT}@1.0.0")
    assert "moved      agent/skilled on main → 1.0.3" in typed("push", "elsewhere.db")[1]
    with Store.open(evolved / "elsewhere.db", create=False) as store:
        assert (store.verify(), store.heads("main")[AGENT].version) == (None, "1.0.3")


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("x.json", b"{", "x.json: this is no JSON"),
        ("x.json", b"{}", "x.json: this is no export document"),
        ("x.json", b"\xff\xfe", "cannot be read"),
        ("x.txt", b"hello", "x.txt: this is no JSON"),
        ("x.md", b"---\nname: [\n---\n", "front matter"),
        ("Not A Name.md", b"hello", "is no name for a resource"),
    ],
)
def test_a_file_that_is_no_export_is_one_line_and_makes_no_versions(notes, typed, name, content, reason):
    Path(name).write_bytes(content)
    code, out, err = typed("import", name)
    assert (code, out) == (2, "")
    assert reason in err
    assert "Traceback" not in err
    assert stand(notes) == {"prompt/notes": "1.0.0"}


def test_what_cannot_be_imported_makes_no_store(elsewhere, typed, monkeypatch):
    monkeypatch.chdir(elsewhere)
    Path("x.json").write_text("{}")
    assert typed("import", "x.json")[0] == 2
    assert [path.name for path in elsewhere.iterdir()] == ["x.json"]


def test_an_empty_folder_is_no_export(notes, typed):
    Path("empty").mkdir()
    code, _, err = typed("import", "empty")
    assert (code, "holds no exported resources" in err) == (2, True)


def test_a_damaged_export_is_an_error_of_input_and_changes_nothing(evolved, notes, typed, command, monkeypatch):
    """Two hundred exports, each with some bytes changed."""
    monkeypatch.chdir(notes)
    whole = command("export", folder=evolved).stdout
    chance = random.Random(7)
    before = stand(notes)
    for _ in range(200):
        text = bytearray(whole)
        for _ in range(chance.randint(1, 3)):
            at = chance.randrange(len(text))
            text[at : at + chance.randint(0, 4)] = chance.choice([b"", b'"', b"{", b"0", b"null", b"\x1b", b"}]"])
        Path("x.json").write_bytes(text)
        code, _, err = typed("import", "x.json", "--dry-run")
        assert code in (0, 2), err
        assert "Traceback" not in err
    assert stand(notes) == before


def test_a_frozen_agent_runs_where_there_is_no_store(echo, elsewhere, typed, command, monkeypatch):
    monkeypatch.chdir(elsewhere)
    done = command("freeze", "+agent=echo", "agent.prefix=well: ", folder=elsewhere)
    assert (done.returncode, done.stderr) == (0, b"")
    (elsewhere / "lock").mkdir()
    (elsewhere / "lock" / "autogenesis.lock.json").write_bytes(done.stdout)
    monkeypatch.chdir(elsewhere / "lock")
    monkeypatch.setattr(Path, "cwd", lambda: elsewhere / "lock")
    assert typed("hello", "lock=autogenesis.lock.json")[1] == "well: hello\n"
    assert [path.name for path in (elsewhere / "lock").iterdir()] == ["autogenesis.lock.json"]


def test_what_could_not_run_is_not_frozen(elsewhere, typed, monkeypatch):
    monkeypatch.chdir(elsewhere)
    assert "no agent is chosen" in typed("freeze", "+tool=calculator")[2]
    assert "no model is set" in typed("freeze", "+agent=tool_calling")[2]
    assert list(elsewhere.iterdir()) == []
