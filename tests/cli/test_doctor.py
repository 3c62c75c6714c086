import json

import pytest


@pytest.fixture(autouse=True)
def _in_an_empty_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("OPENAI_API_KEY", "ANTHROPIC_API_KEY"):
        monkeypatch.delenv(name, raising=False)


def rows(typed) -> dict[str, dict]:
    return {row["what"]: row for row in json.loads(typed("doctor", "--json")[1])}


def test_it_says_what_is_there_and_what_is_not(echo, typed, tmp_path):
    code, out, err = typed("doctor")
    assert (code, err) == (0, "")
    for part in ("Python", "plugins", "model", "keys", "store"):
        assert part in out
    assert list(tmp_path.iterdir()) == []


def test_it_finds_the_store_and_verifies_it(evolved, typed, monkeypatch):
    monkeypatch.chdir(evolved)
    assert (rows(typed)["store"]["ok"], "verify" in rows(typed)["store"]["found"]) == (True, True)


def test_it_finds_a_store_that_was_tampered_with(evolved, typed, monkeypatch):
    import sqlite3

    monkeypatch.chdir(evolved)
    connection = sqlite3.connect(evolved / "workdir" / "autogenesis.db")
    connection.execute("update log set body = replace(body, 'try it', 'did it')")
    connection.commit()
    connection.close()
    code, out, _ = typed("doctor", "--json")
    assert code == 1
    assert [row["what"] for row in json.loads(out) if row["ok"] is False] == ["store"]


def test_it_reports_a_file_that_is_no_store(tmp_path, typed):
    (tmp_path / "workdir").mkdir()
    (tmp_path / "workdir" / "autogenesis.db").write_text("this is a text, long enough to be no header of anything")
    code, out, err = typed("doctor")
    assert (code, "✗ store" in out, "Traceback" in out + err) == (1, True, False)


def test_it_names_keys_and_never_shows_them(typed, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-very-secret-value")
    code, out, err = typed("doctor")
    assert (code, "OPENAI_API_KEY" in out, "sk-very" in out + err) == (0, True, False)


def test_it_reads_the_dotenv_file_of_the_working_folder(tmp_path, command):
    (tmp_path / ".env").write_text("AUTOGENESIS_MODEL=openai/gpt-5-mini\n")
    done = command("doctor", "--json", folder=tmp_path)
    assert {row["what"]: row["found"] for row in json.loads(done.stdout)}["model"] == "openai/gpt-5-mini"


def test_a_plugin_without_its_package_is_a_fault(distribution, typed):
    folder = distribution("autogenesis-agent-gone", {})
    (folder / "autogenesis_agent_gone").rename(folder / "elsewhere")
    code, out, _ = typed("doctor", "--json")
    assert code == 1
    assert [row["found"] for row in json.loads(out) if row["ok"] is False] == [
        "autogenesis-agent-gone: its package autogenesis_agent_gone is not there"
    ]


def test_a_setting_that_means_nothing_to_it_is_an_error(typed):
    assert typed("doctor", "seed=3")[0] == 2
