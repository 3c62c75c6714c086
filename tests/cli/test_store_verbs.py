"""audit, backup, gc; retrieve, contract, run."""

import json
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from contextlib import closing
from pathlib import Path

import pytest

from autogenesis_core.registry import load_contract
from autogenesis_core.rspl.store import Store

AGENT = "agent/skilled"
STORE = "workdir/autogenesis.db"


def test_audit_counts_and_says_whole(evolved, typed):
    typed("restore", f"{AGENT}@1.0.0")
    code, out, _ = typed("audit")
    assert (code, "whole: 5 log entries and 4 versions" in out) == (0, True)
    found = json.loads(typed("audit", "--json")[1])
    assert (found["whole"], found["problem"], found["entries"], found["versions"]) == (True, None, 5, 4)


def test_audit_names_the_first_entry_that_was_changed_and_what_to_do(evolved, typed):
    with closing(sqlite3.connect(evolved / STORE)) as connection, connection:
        connection.execute("UPDATE log SET body = replace(body, 'too little', 'too much') WHERE seq = 3")
    code, out, _ = typed("audit")
    assert (code, "broken: log entry 3 (reject" in out, "put a backup in its place" in out) == (1, True, True)
    code, out, _ = typed("audit", "--json")
    assert (code, json.loads(out)["whole"]) == (1, False)


AS_NOBODY = """
import contextlib, os, sys
from autogenesis_core.cli import main
warm, folder, *lines = sys.argv[1:]
os.chdir(warm)
with open(os.devnull, 'w') as nowhere, contextlib.redirect_stdout(nowhere):  # what is imported late is imported while that is allowed
    for line in lines:
        main(line.split())
os.chdir(folder)
if os.getuid() == 0:
    os.setgid(65534), os.setuid(65534)
for line in lines:
    print(line, main(line.split()), flush=True)
"""


def test_what_only_looks_works_where_the_store_may_only_be_read(evolved, run_as_nobody):
    lines = ["list", "log", "runs", "show agent/skilled", "history agent/skilled", "audit", "export agent/skilled"]
    out, err = run_as_nobody(*lines)
    assert err == ""
    assert [line for line in out.splitlines() if line.rpartition(" ")[0] in lines] == [f"{line} 0" for line in lines]


def test_to_write_where_the_store_may_only_be_read_says_what_works(evolved, run_as_nobody):
    out, err = run_as_nobody(f"restore {AGENT}@1.0.0")
    assert out == f"restore {AGENT}@1.0.0 1\n"
    assert err.splitlines()[-1].startswith("  file and folder may only be read here; what only looks works: list")


@pytest.fixture
def run_as_nobody(evolved):
    """Types lines as a user who may only read this folder: (output, error output)."""
    folder = Path(tempfile.mkdtemp(prefix="reading-"))
    shutil.copytree(evolved, folder / "evolved")
    for path in [folder, *folder.rglob("*")]:
        path.chmod(0o555 if path.is_dir() else 0o444)

    def run(*lines: str) -> tuple[str, str]:
        command = [sys.executable, "-c", AS_NOBODY, str(evolved), str(folder / "evolved"), *lines]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        return done.stdout, done.stderr

    yield run
    for path in [folder, *folder.rglob("*")]:
        path.chmod(0o755)
    shutil.rmtree(folder)


def test_a_damaged_store_says_what_to_do(evolved, typed):
    path = evolved / STORE
    data = bytearray(path.read_bytes())
    data[4096:] = b"\xff" * (len(data) - 4096)
    path.write_bytes(bytes(data))
    code, _, err = typed("list")
    assert (code, "put a backup in its place" in err) == (1, True)


def test_a_damaged_store_is_not_backed_up(evolved, typed):
    with closing(sqlite3.connect(evolved / STORE)) as connection:
        page = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = 'artifacts'").fetchone()[0]
        size = connection.execute("PRAGMA page_size").fetchone()[0]
    with (evolved / STORE).open("r+b") as file:
        file.seek((page - 1) * size)
        file.write(b"\xff" * size)
    code, _, err = typed("backup", "copy.db")
    assert (code, "put a backup in its place" in err, (evolved / "copy.db").exists()) == (1, True, False)


@pytest.mark.parametrize("verb", ["list", "audit", "log"])
def test_an_emptied_store_is_not_whole(evolved, typed, verb):
    (evolved / STORE).write_bytes(b"")
    code, out, err = typed(verb)
    assert (code, out) == (1, "")
    assert "is an empty file\n  put a backup in its place" in err


def test_a_backup_is_a_whole_store_and_replaces_nothing(evolved, typed):
    code, out, _ = typed("backup", "kept/copy.db")
    assert (code, "kept/copy.db" in out) == (0, True)
    with Store.open(Path("kept/copy.db"), create=False) as store:
        assert (store.verify(), store.heads("main")[AGENT].version) == (None, "1.0.2")
    assert typed("backup", "kept/copy.db")[0] == 2


def test_gc_removes_what_nothing_refers_to_and_a_dry_run_only_counts(evolved, typed):
    with Store.open(evolved / STORE) as store:
        store.put({"9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08": b"test"})
    before = json.loads(typed("history", AGENT, "--json")[1])
    counted = json.loads(typed("gc", "--dry-run", "--json")[1])
    assert (counted["artifacts"], counted["removed"]) == (1, False)
    assert "would remove 0 records, 1 artifact" in typed("gc", "--dry-run")[1]
    assert "removed 0 records, 1 artifact" in typed("gc")[1]
    assert json.loads(typed("gc", "--json")[1])["artifacts"] == 0
    assert json.loads(typed("history", AGENT, "--json")[1]) == before
    assert typed("audit")[0] == 0


def run_folder(name: str, result: str | None) -> Path:
    """A run's folder with a journal of 100 bytes, and with its result."""
    folder = Path("workdir/runs") / name
    folder.mkdir(parents=True)
    (folder / "journal.jsonl").write_bytes(b"x" * 100)
    if result is not None:
        (folder / "result.json").write_text(result)
    return folder / "journal.jsonl"


def test_gc_removes_the_journals_of_ended_runs_and_a_dry_run_only_counts(notes, typed):
    ended = run_folder("0001", '{"stopped": "all rounds done"}')
    others = [
        run_folder("0002", None),
        run_folder("0003", '{"failed": "KeyboardInterrupt: "}'),
        run_folder("0004", "{"),
    ]
    counted = json.loads(typed("gc", "--dry-run", "--json")[1])
    assert counted == {"records": 0, "artifacts": 0, "journals": 1, "removed": False, "bytes": 0}
    assert "would remove 0 records, 0 artifacts, 1 journal of ended runs" in typed("gc", "--dry-run")[1]
    assert ended.exists()
    assert typed("gc")[1] == "  removed 0 records, 0 artifacts, 1 journal of ended runs: 100 bytes\n"
    assert (ended.exists(), (ended.parent / "result.json").exists()) == (False, True)
    assert all(journal.exists() for journal in others)
    assert json.loads(typed("gc", "--json")[1])["journals"] == 0


def test_gc_leaves_a_journal_that_somebody_writes(notes, typed):
    fcntl = pytest.importorskip("fcntl")
    journal = run_folder("0001", '{"stopped": "all rounds done"}')
    with journal.open("ab") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        assert json.loads(typed("gc", "--dry-run", "--json")[1])["journals"] == 0
        assert json.loads(typed("gc", "--json")[1])["journals"] == 0
    assert journal.exists()
    assert json.loads(typed("gc", "--json")[1])["journals"] == 1


def test_a_journal_that_cannot_be_removed_is_said(notes, typed):
    journal = run_folder("0001", '{"stopped": "all rounds done"}')
    journal.unlink()
    journal.mkdir()
    code, _, err = typed("gc")
    assert (code, "journal.jsonl cannot be removed" in err) == (1, True)


def test_retrieve_finds_what_fits_a_query(notes, typed):
    Path("sums.md").write_text("---\nname: sums\ndescription: Adds numbers up\n---\n## Rules\nAdd the numbers.\n")
    typed("import", "sums.md")
    out = typed("retrieve", "add", "numbers", "k=1")[1]
    assert out.splitlines()[0].split()[0] == "prompt/sums"
    assert "autogenesis contract prompt/sums" in out
    assert [found["id"] for found in json.loads(typed("retrieve", "take notes", "k=1", "--json")[1])] == [
        "prompt/notes"
    ]
    assert typed("retrieve", "numbers", "kind=tool")[1] == "  nothing fits\n"


def test_a_contract_is_printed_with_its_tokens_beside(notes, typed):
    code, out, err = typed("contract", "prompt")
    assert (code, "## prompt/notes" in out) == (0, True)
    assert err.startswith("1 resource, about ")
    found = json.loads(typed("contract", "prompt/notes", "--json")[1])
    assert (found["ids"], found["tokens"] > 0) == (["prompt/notes"], True)


def test_a_contract_goes_into_a_file_but_not_over_another(notes, typed):
    assert typed("contract", "to=SKILL.md")[0] == 0
    assert load_contract(Path("SKILL.md")).ids == ("prompt/notes",)
    assert typed("contract", "to=SKILL.md")[0] == 0
    code, _, err = typed("contract", "to=notes.md")
    assert (code, "is there and is no contract" in err) == (2, True)
    assert Path("notes.md").read_text().startswith("---\nname: notes")
    assert typed("contract", "to=notes.md", "--force")[0] == 0


def test_run_chooses_a_tool_of_the_catalogue_by_itself(tmp_path, typed, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert typed("run", "tool/calculator", '{"expression": "2*3"}') == (0, "6\n", "")
    assert json.loads(typed("run", "tool/calculator", '{"expression": "2*3"}', "--json")[1])["text"] == "6"
    assert typed("run", "tool/calculator", '{"expression": "2*4"}', "+tool=calculator")[1] == "8\n"


def test_run_brings_in_what_only_the_store_has(notes, typed):
    code, out, _ = typed("run", "prompt/notes")
    assert (code, "Use short lines." in out) == (0, True)
    [message] = json.loads(typed("run", "prompt/notes", "{}", "--json")[1])
    assert (message["role"], "Use short lines." in message["content"]) == ("system", True)


def test_run_takes_a_version(notes, typed):
    Path("notes.md").write_text(Path("notes.md").read_text().replace("short", "long"))
    typed("import", "notes.md")
    assert "Use long lines." in typed("run", "prompt/notes")[1]
    assert "Use short lines." in typed("run", "prompt/notes@1.0.0")[1]


def test_run_finds_what_a_chosen_part_brings(tmp_path, typed, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code, out, _ = typed("run", "prompt/tool_calling", "{}", "+agent=tool_calling")
    assert (code, out.startswith("system\n")) == (0, True)


def test_run_steps_through_an_environment(tmp_path, typed, monkeypatch):
    monkeypatch.chdir(tmp_path)
    out = typed("run", "environment/gymnasium", '{"seed": 1, "actions": [0, 1]}', "--json")[1]
    assert [(len(step["observation"]), step["reward"]) for step in json.loads(out)] == [(4, 1.0), (4, 1.0)]


def test_run_takes_its_input_from_standard_input(tmp_path, command):
    done = command("run", "tool/calculator", "-", folder=tmp_path, text='{"expression": "6*7"}')
    assert (done.returncode, done.stdout) == (0, b"42\n")


@pytest.mark.parametrize("words", [("tool/calculatr", "{}"), ("tool/calculator", "{"), ("hammer", "{}"), ("tol/x",)])
def test_run_of_what_is_not_there_leaves_nothing_behind(tmp_path, typed, monkeypatch, words):
    monkeypatch.chdir(tmp_path)
    assert typed("run", *words)[0] == 2
    assert list(tmp_path.iterdir()) == []
