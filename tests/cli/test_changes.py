"""Verbs that change where things stand; editing, without ever losing what a person wrote."""

import json
import os
import re
import shlex
import sys
from pathlib import Path

import pytest

from autogenesis_core.rspl.store import Change, Store

AGENT = "agent/skilled"
PROMPT = "prompt/notes"
STORE = "workdir/autogenesis.db"


def stand(folder: Path, name: str = PROMPT) -> tuple[str, dict[str, object]]:
    """The head's version and its values, of a store that verifies."""
    with Store.open(folder / STORE, create=False) as store:
        assert store.verify() is None
        head = store.heads("main")[name]
        return head.version, store.record(head.digest).values()


@pytest.fixture
def editor(tmp_path, monkeypatch):
    """Sets an editor that does to the file what a line of Python says, with `text` and `path` at hand."""

    def set_(line: str, variable: str = "EDITOR") -> None:
        script = tmp_path / f"{variable}.py"
        script.write_text(
            "import sys\nfrom pathlib import Path\npath = Path(sys.argv[1])\ntext = path.read_text()\n" + line + "\n"
        )
        monkeypatch.setenv(variable, shlex.join([sys.executable, str(script)]))

    return set_


@pytest.fixture(autouse=True)
def _own_temporary_folder(tmp_path, monkeypatch):
    import tempfile

    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    monkeypatch.setenv("TMPDIR", str(tmp_path / "temporary"))


def kept(tmp_path) -> list[Path]:
    return [path for path in (tmp_path / "temporary").rglob("*") if path.is_file()]


def test_edit_commits_what_the_editor_left_and_shows_the_difference(notes, typed, editor, tmp_path):
    editor("path.write_text(text.replace('short', 'long'))")
    code, out, err = typed("edit", PROMPT)
    assert (code, err) == (0, "")
    assert "-Use short lines." in out
    assert "+Use long lines." in out
    assert re.search(r"commit [0-9a-f]{10} · undo it: autogenesis rollback", out)
    assert stand(notes)[0] == "1.0.1"
    assert stand(notes)[1]["style"] == "Use long lines."
    entry = json.loads(typed("log", PROMPT, "--json")[1])[-1]
    assert (entry["event"], entry["author"], entry["evidence"]) == ("commit", "user", None)
    assert kept(tmp_path) == []


def test_a_prompt_is_edited_as_markdown_and_anything_else_as_json(notes, evolved, typed, editor, monkeypatch):
    editor("assert path.suffix == '.json', path; path.write_text(text.replace('\"skill\": 8', '\"skill\": 9'))")
    assert typed("edit", AGENT)[0] == 0
    assert stand(evolved, AGENT)[1]["skill"] == 9
    monkeypatch.chdir(notes)
    editor("assert path.suffix == '.md', path; assert text.startswith('---'); path.write_text(text + 'More.')")
    assert typed("edit", PROMPT)[0] == 0


def test_visual_comes_before_editor(notes, typed, editor):
    editor("raise SystemExit(3)")
    editor("path.write_text(text.replace('short', 'long'))", "VISUAL")
    assert typed("edit", PROMPT)[0] == 0


def test_an_edit_that_changes_nothing_commits_nothing(notes, typed, editor, tmp_path):
    editor("pass")
    assert typed("edit", PROMPT) == (0, "  nothing changed\n", "")
    assert json.loads(typed("edit", PROMPT, "--json")[1]) == {"commit": "", "versions": {}}
    assert (stand(notes)[0], kept(tmp_path)) == ("1.0.0", [])


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("path.write_text(text.replace('name: notes', 'name: other'))", "names 'other', not 'notes'"),
        ("path.write_text(text + '## Rules\\nagain')", "begins no new section"),
        ("path.write_bytes(b'\\xff\\xfe')", "cannot be read"),
    ],
)
def test_what_is_not_valid_is_refused_and_kept(notes, typed, editor, tmp_path, line, reason):
    editor(line)
    code, out, err = typed("edit", PROMPT)
    assert (code, out, stand(notes)[0]) == (2, "", "1.0.0")
    assert reason in err
    [path] = kept(tmp_path)
    assert f"what you wrote is kept: {path}" in err


def test_what_was_kept_can_be_mended_and_committed(notes, typed, editor, tmp_path):
    editor("path.write_text(text.replace('name: notes', 'name: other').replace('short', 'long'))")
    hint = typed("edit", PROMPT)[2]
    [path] = kept(tmp_path)
    path.write_text(path.read_text().replace("name: other", "name: notes"))
    command = shlex.split(re.search(r"autogenesis (edit .*)", hint)[1])
    assert typed(*command)[0] == 0
    assert stand(notes) == ("1.0.1", {**stand(notes)[1], "style": "Use long lines."})


def test_an_editor_that_fails_changes_nothing_and_loses_nothing(notes, typed, editor, tmp_path):
    editor("path.write_text(text.replace('short', 'long')); raise SystemExit(7)")
    code, _, err = typed("edit", PROMPT)
    assert (code, stand(notes)[0]) == (1, "1.0.0")
    assert "ended with 7" in err
    assert "Use long lines." in kept(tmp_path)[0].read_text()


def test_a_head_that_moved_while_somebody_edited_is_not_overwritten(notes, typed, editor, tmp_path):
    store = (
        "from autogenesis_core.registry import Registry\n"
        "with Registry.open() as registry:\n"
        "    registry.update('prompt/notes', text.replace('Be brief', 'Be quick'))\n"
    )
    editor(store + "path.write_text(text.replace('short', 'long'))")
    code, _, err = typed("edit", PROMPT)
    assert (code, stand(notes)[0], stand(notes)[1]["preamble"]) == (1, "1.0.1", "Be quick.")
    assert "moved from 1.0.0 in the meantime" in err
    assert "Use long lines." in kept(tmp_path)[0].read_text()


@pytest.mark.parametrize(
    ("editor", "reason"),
    [("no/such/editor", "cannot be started"), ("'unclosed", "EDITOR cannot be read")],
)
def test_an_editor_that_is_none_is_one_line(notes, typed, monkeypatch, tmp_path, editor, reason):
    monkeypatch.setenv("EDITOR", editor)
    code, _, err = typed("edit", PROMPT)
    assert (code, reason in err, kept(tmp_path)) == (2, True, [])


def test_without_any_editor_it_is_said_what_to_set(notes, typed, monkeypatch):
    monkeypatch.setenv("PATH", "")
    code, _, err = typed("edit", PROMPT)
    assert (code, err) == (2, "autogenesis: no editor is set\n  EDITOR=nano, or --file PATH\n")


def test_edit_takes_the_text_from_a_file_or_standard_input(notes, typed, command):
    (notes / "new.md").write_text((notes / "notes.md").read_text().replace("short", "long"))
    assert typed("edit", PROMPT, "--file", "new.md")[0] == 0
    text = (notes / "notes.md").read_text().replace("short", "no")
    done = command("edit", PROMPT, "--file", "-", folder=notes, text=text)
    assert (done.returncode, stand(notes)[0], stand(notes)[1]["style"]) == (0, "1.0.2", "Use no lines.")


def test_a_skill_is_edited_as_its_skill_md(notes, typed, editor):
    skill(notes / "count-words")
    assert typed("import", "count-words")[0] == 0
    editor("path.write_text(text.replace('Split it', 'Cut it'))")
    assert typed("edit", "tool/count_words")[0] == 0
    assert "Cut it" in str(stand(notes, "tool/count_words")[1]["body"])


def skill(folder: Path) -> None:
    (folder / "scripts").mkdir(parents=True)
    (folder / "SKILL.md").write_text("---\nname: count-words\ndescription: Counts words.\n---\nSplit it.\n")
    (folder / "scripts" / "count.py").write_text("print(1)\n")


def on_a_terminal(folder: Path, *words: str, answers: dict[str, str]) -> tuple[int, str]:
    """Runs a command line on a terminal of its own, and answers each question when it comes: (exit code, screen)."""
    import pty
    import select

    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(folder)
        os.execv(sys.executable, [sys.executable, "-m", "autogenesis_core.cli", *words])
    screen, answered = "", 0
    asked = list(answers.items())
    while True:
        if not select.select([terminal], [], [], 30)[0]:
            os.kill(pid, 9)
            break
        try:
            data = os.read(terminal, 65536)
        except OSError:  # Linux says so when the program has ended
            break
        if not data:
            break
        screen += data.decode()
        if answered < len(asked) and asked[answered][0] in screen.rpartition("\n")[2]:
            os.write(terminal, f"{asked[answered][1]}\n".encode())
            answered += 1
    os.close(terminal)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), screen


@pytest.mark.skipif(sys.platform == "win32", reason="there are no such terminals")
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")  # the child only executes another program
def test_on_a_terminal_a_person_is_asked_before_anything_is_committed(notes, editor, tmp_path):
    editor("path.write_text(text.replace('short', 'long'))")
    code, screen = on_a_terminal(notes, "edit", PROMPT, answers={"commit this": "n"})
    assert (code, stand(notes)[0]) == (1, "1.0.0")
    assert "\x1b[32m+Use long lines.\x1b[0m" in screen
    assert "Use long lines." in kept(tmp_path)[0].read_text()
    code, _ = on_a_terminal(notes, "edit", PROMPT, answers={"commit this": "y"})
    assert (code, stand(notes)[0]) == (0, "1.0.1")


@pytest.mark.skipif(sys.platform == "win32", reason="there are no such terminals")
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")  # the child only executes another program
def test_on_a_terminal_what_is_not_valid_can_be_edited_again(notes, editor, tmp_path):
    """The first time this editor makes a mistake, and the second time it mends it."""
    editor(
        "path.write_text(text.replace('name: other', 'name: notes').replace('short', 'long')"
        " if 'name: other' in text else text.replace('name: notes', 'name: other'))"
    )
    code, screen = on_a_terminal(notes, "edit", PROMPT, answers={"edit again?": "", "commit this": "yes"})
    assert (code, stand(notes)[1]["style"]) == (0, "Use long lines.")
    assert "names 'other', not 'notes'" in screen
    assert kept(tmp_path) == []
    code, _ = on_a_terminal(notes, "edit", PROMPT, "--yes", answers={"edit again?": "n"})
    assert (code, stand(notes)[0], len(kept(tmp_path))) == (2, "1.0.1", 1)


def test_an_alias_is_set_moved_listed_and_removed(evolved, typed):
    assert typed("alias", f"{AGENT}@1.0.1", "production")[0] == 0
    assert typed("show", f"{AGENT}@production")[1].startswith(f"{AGENT}@1.0.1")
    assert "production: 1.0.1 → 1.0.2" in typed("alias", AGENT, "production")[1]
    assert "@production 1.0.2" in typed("list")[1]
    assert "@production" in typed("show", AGENT)[1].splitlines()[1]
    assert json.loads(typed("alias", AGENT, "production", "--remove", "--json")[1]) == {
        "resource": AGENT, "alias": "production", "from": "1.0.2", "to": None,
    }  # fmt: skip
    out = typed("alias", AGENT)[1]
    for move in ("nothing → 1.0.1", "1.0.1 → 1.0.2", "1.0.2 → nothing"):
        assert re.search(rf"\d{{4}}-\d\d-\d\d \d\d:\d\d +production +{move} +user", out)
    found = json.loads(typed("alias", AGENT, "--json")[1])
    assert (found["aliases"], [move["to"] for move in found["moves"]]) == ({}, ["1.0.1", "1.0.2", ""])


def test_a_resource_without_alias_says_how_one_is_made(evolved, typed):
    assert "autogenesis alias agent/skilled@VERSION NAME" in typed("alias", AGENT)[1]


def test_a_branch_begins_where_its_source_stands_and_goes_its_own_way(evolved, typed):
    typed("restore", f"{AGENT}@1.0.1")
    assert typed("branch", "trial", "branch=shipped")[0] == 0
    typed("restore", f"{AGENT}@1.0.2", "branch=trial")
    heads = json.loads(typed("list", "--json")[1])[AGENT]["heads"]
    assert heads == {"main": "1.0.3", "shipped": "1.0.0", "trial": "1.0.4"}
    assert {name: found[AGENT] for name, found in json.loads(typed("branch", "--json")[1]).items()} == heads
    assert re.search(r"^  trial +1 head$", typed("branch")[1], re.MULTILINE)


def test_a_copy_has_the_content_and_a_life_of_its_own(evolved, typed):
    assert typed("copy", f"{AGENT}@1.0.1", "other")[0] == 0
    assert json.loads(typed("show", "agent/other", "--json")[1])["parameters"]["skill"] == 5
    assert json.loads(typed("history", "agent/other", "--json")[1])[0]["parents"] == [f"{AGENT}@1.0.1"]
    assert json.loads(typed("copy", AGENT, "agent/third", "--json")[1])["versions"] == {"agent/third": "1.0.0"}


def test_a_version_is_deprecated_archived_and_no_further(evolved, typed):
    assert "active → deprecated" in typed("mark", f"{AGENT}@1.0.1", "deprecated")[1]
    assert "deprecated → active" in typed("mark", f"{AGENT}@1.0.1", "active")[1]
    for state in ("deprecated", "archived"):
        assert typed("mark", f"{AGENT}@1.0.1", state)[0] == 0
    code, _, err = typed("mark", f"{AGENT}@1.0.1", "active")
    assert (code, "Traceback" in err, "restore makes a new version" in err) == (1, False, True)


def test_rollback_says_first_what_it_takes_back_besides(evolved, typed):
    run = next((evolved / "workdir" / "runs").iterdir()).name
    with Store.open(evolved / STORE) as store:
        head = store.head("main", "agent", "skilled")
        store.commit("main", [Change(store.record(head.digest).with_values({"skill": 9}), head.version)])
    code, _, err = typed("rollback", run)
    assert (code, err) == (0, "  this also takes back agent/skilled@1.0.3, which came later\n")
    assert stand(evolved, AGENT)[1]["skill"] == 3


def test_what_is_undone_already_is_not_undone_again(evolved, typed):
    run = next((evolved / "workdir" / "runs").iterdir()).name
    assert typed("rollback", run)[0] == 0
    before = stand(evolved, AGENT)
    code, out, err = typed("rollback", run)
    assert (code, out, err.splitlines()[0]) == (
        2, "", f"autogenesis: there is nothing to undo: {AGENT}@1.0.3 is as it was before {run}"
    )  # fmt: skip
    assert stand(evolved, AGENT) == before


def test_a_run_that_committed_nothing_has_nothing_to_undo(evolved, typed):
    (evolved / "workdir" / "runs" / "12345678").mkdir()
    code, _, err = typed("rollback", "12345678")
    assert (code, err) == (
        2,
        "autogenesis: run 12345678 committed nothing, so there is nothing to undo\n  autogenesis log 12345678\n",
    )


def test_rollback_as_json_says_it_there(evolved, typed):
    commit = json.loads(typed("log", AGENT, "--json")[1])[1]["id"]
    code, out, err = typed("rollback", commit, "--json")
    assert (code, err, json.loads(out)["besides"]) == (0, "", {AGENT: ["1.0.2"]})


def test_what_show_wrote_may_be_edited_and_given_back(notes, typed):
    shown = typed("show", "prompt/notes")[1]
    assert shown.startswith("prompt/notes@1.0.0  Takes notes\n")
    (notes / "shown.md").write_text(shown.replace("short lines", "long lines"))
    code, out, err = typed("propose", "prompt/notes", "--file", "shown.md")
    assert (code, err, "+Use long lines." in out.splitlines()) == (0, "", True)
    assert typed("edit", "prompt/notes", "--file", "shown.md")[0] == 0
    assert stand(notes)[1]["style"] == "Use long lines."
    (notes / "shown.md").write_text(typed("show", "prompt/notes", "at=2999-01-01")[1])
    assert typed("edit", "prompt/notes", "--file", "shown.md")[1] == "  nothing changed\n"


@pytest.mark.parametrize("verb", ["propose", "edit"])
def test_a_variable_alone_is_not_taken_for_its_resource(notes, typed, verb):
    (notes / "style.txt").write_text("Use long lines.")
    code, out, err = typed(verb, "prompt/notes#style", "--file", "style.txt")
    assert (code, out, err) == (
        2,
        "",
        f"autogenesis: {verb} takes a whole resource, not #style alone\n  autogenesis {verb} prompt/notes --file new.md\n",
    )
