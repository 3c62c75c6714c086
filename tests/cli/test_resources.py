import json
import sqlite3

import pytest

from autogenesis_core import Runtime
from autogenesis_core.rspl.store import Store

AGENT = "agent/skilled"


def versions(folder) -> dict[str, str]:
    with Store.open(folder / "workdir" / "autogenesis.db", create=False) as store:
        assert store.verify() is None
        return {
            version.version: store.record(version.digest).parameters["skill"]
            for version in store.history("agent", "skilled")
        }


def head(folder) -> str:
    with Store.open(folder / "workdir" / "autogenesis.db", create=False) as store:
        return store.heads("main")[AGENT].version


def run_id(folder) -> str:
    return next((folder / "workdir" / "runs").iterdir()).name


def test_the_evolution_left_what_the_other_tests_expect(evolved):
    assert (versions(evolved), head(evolved)) == ({"1.0.0": 3, "1.0.1": 5, "1.0.2": 8}, "1.0.2")


def test_list_shows_each_resource_and_where_it_stands(evolved, typed):
    code, out, _ = typed("list")
    assert code == 0
    assert "agent/skilled" in out
    assert "main 1.0.2" in out
    assert "shipped 1.0.0" in out
    assert json.loads(typed("list", "--json")[1]) == {
        AGENT: {"heads": {"main": "1.0.2", "shipped": "1.0.0"}, "aliases": {}}
    }


def test_list_of_a_kind_shows_only_that_kind(evolved, typed):
    assert json.loads(typed("list", "tool", "--json")[1]) == {}
    assert list(json.loads(typed("list", "agent", "--json")[1])) == [AGENT]


@pytest.mark.parametrize(
    ("name", "version", "skill"),
    [("", "1.0.2", 8), ("@1.0.0", "1.0.0", 3), ("@champion", "1.0.2", 8), ("@shipped", "1.0.0", 3), ("@main", "1.0.2", 8)],
)  # fmt: skip
def test_show_finds_a_version_by_number_branch_or_champion(evolved, typed, name, version, skill):
    code, out, _ = typed("show", AGENT + name, "--json")
    found = json.loads(out)
    assert (code, found["version"], found["parameters"]["skill"]) == (0, version, skill)
    assert f"{AGENT}@{version}" in typed("show", AGENT + name)[1]


def test_history_says_why_each_version_came(evolved, typed):
    code, out, _ = typed("history", AGENT)
    assert code == 0
    assert [line.split()[0] for line in out.splitlines() if line.startswith("  1.")] == ["1.0.2", "1.0.1", "1.0.0"]
    assert "0.5 to 0.8" in out
    assert "shipped by its plugin" in out
    found = json.loads(typed("history", AGENT, "--json")[1])
    assert [entry["version"] for entry in found] == ["1.0.2", "1.0.1", "1.0.0"]
    assert found[0]["parents"] == ["1.0.1"]


def test_history_of_a_version_is_that_of_the_resource(evolved, typed):
    assert typed("history", f"{AGENT}@1.0.1")[:2] == typed("history", AGENT)[:2]


def test_diff_shows_what_changed(evolved, typed):
    code, out, _ = typed("diff", f"{AGENT}@1.0.0", f"{AGENT}@1.0.2")
    lines = out.splitlines()
    assert (code, lines[:2]) == (0, [f"--- {AGENT}@1.0.0", f"+++ {AGENT}@1.0.2"])
    assert lines[2:] == ["parameters.skill  3 → 8"]
    assert json.loads(typed("diff", f"{AGENT}@1.0.0", "--json")[1]) == {
        "old": f"{AGENT}@1.0.0", "new": f"{AGENT}@1.0.2",
        "differences": [{"path": "parameters.skill", "form": "value", "old": 3, "new": 8}],
    }  # fmt: skip


def test_diff_of_one_version_is_against_the_head(evolved, typed):
    assert typed("diff", f"{AGENT}@1.0.0")[:2] == typed("diff", f"{AGENT}@1.0.0", AGENT)[:2]


def test_diff_of_a_version_and_itself_says_the_same(evolved, typed):
    assert typed("diff", f"{AGENT}@1.0.1", f"{AGENT}@1.0.1")[:2] == (0, "the same\n")


def test_restore_makes_a_new_version_of_an_old_one(evolved, typed):
    code, out, _ = typed("restore", f"{AGENT}@1.0.0", "--json")
    assert (code, json.loads(out)["versions"]) == (0, {AGENT: "1.0.3"})
    assert (versions(evolved)["1.0.3"], head(evolved)) == (3, "1.0.3")
    with Store.open(evolved / "workdir" / "autogenesis.db") as store:
        newest, *_, oldest = store.history("agent", "skilled")
        assert (newest.digest, newest.parents) == (oldest.digest, ("1.0.2",))


def test_restore_without_a_version_says_how_it_is_written(evolved, typed):
    code, _, err = typed("restore", AGENT)
    assert (code, "autogenesis restore agent/skilled@1.0.0" in err) == (2, True)
    assert head(evolved) == "1.0.2"


def test_rollback_of_a_commit_puts_its_resources_back(evolved, typed):
    commit = json.loads(typed("log", "--json")[1])[-1]["id"]
    code, out, _ = typed("rollback", commit)
    assert (code, versions(evolved)[head(evolved)]) == (0, 5)
    assert "autogenesis rollback" in out


def test_rollback_of_a_run_puts_back_what_was_before_it(evolved, typed):
    assert typed("rollback", run_id(evolved))[0] == 0
    assert versions(evolved) == {"1.0.0": 3, "1.0.1": 5, "1.0.2": 8, "1.0.3": 3}


def test_rollback_of_a_version_is_restore(evolved, typed):
    assert typed("rollback", f"{AGENT}@1.0.1")[0] == 0
    assert versions(evolved)[head(evolved)] == 5


def test_a_rollback_can_be_undone(evolved, typed):
    commit = json.loads(typed("rollback", run_id(evolved), "--json")[1])["commit"]
    assert typed("rollback", commit)[0] == 0
    assert versions(evolved)[head(evolved)] == 8


def test_a_rollback_of_a_run_twice_ends_where_it_was_before_the_run(evolved, typed):
    assert [typed("rollback", run_id(evolved))[0] for _ in range(2)] == [0, 2]  # the second finds nothing to undo
    assert versions(evolved)[head(evolved)] == 3


def test_log_tells_every_decision_with_its_reason(evolved, typed):
    code, out, _ = typed("log", run_id(evolved))
    assert code == 0
    for part in ("commit", "reject", "too little skill", "agent/skilled#skill: try it", "better: commit, 0.3 to 0.5"):
        assert part in out
    events = [entry["event"] for entry in json.loads(typed("log", "--json")[1])]
    assert events == ["install", "commit", "reject", "commit"]


def test_log_of_a_commit_is_that_entry(evolved, typed):
    entry = json.loads(typed("log", "--json")[1])[1]
    assert json.loads(typed("log", entry["id"], "--json")[1]) == [entry]


def test_runs_lists_every_run_with_its_scores(evolved, typed):
    code, out, _ = typed("runs")
    assert code == 0
    assert run_id(evolved) in out
    assert "test 0.30 → 0.80" in out
    found = json.loads(typed("runs", "--json")[1])
    assert [(row["run"], row["verb"]) for row in found] == [(run_id(evolved), "evolve")]


def test_a_run_without_a_result_is_listed_as_unfinished(evolved, typed):
    run = run_id(evolved)
    (evolved / "workdir" / "runs" / run / "result.json").unlink()
    expected = f"  {run}  evolve   skilled        not finished; autogenesis resume {run}"
    assert typed("runs")[1].splitlines()[0] == expected
    rows = json.loads(typed("runs", "--json")[1])
    assert rows == [{"run": run, "verb": "evolve", "agent": "skilled"}]


@pytest.mark.parametrize(
    ("failed", "shown"), [("StoreError: it is full", "it is full"), ("KeyError: 'x'", "KeyError: 'x'")]
)
def test_a_run_that_failed_says_why_without_a_class_of_ours(evolved, typed, failed, shown):
    path = evolved / "workdir" / "runs" / run_id(evolved) / "result.json"
    path.write_text(json.dumps({"verb": "evolve", "agent": "skilled", "failed": failed}), encoding="utf-8")
    assert typed("runs")[1].splitlines()[0].endswith(f" skilled        {shown}")


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (("show", "agent/skiled"), "did you mean agent/skilled?"),
        (("show", "agent/skilled@1.0.9"), "did you mean agent/skilled@1.0."),
        (("show", "agnt/skilled"), "did you mean agent?"),
        (("show", "skilled"), "a resource is named like prompt/tool_calling@1.0.0"),
        (("show",), "show takes one name"),
        (("show", "agent/skilled", "agent/skilled"), "show takes one name"),
        (("history",), "history takes one name"),
        (("history", "agent/skiled"), "did you mean agent/skilled?"),
        (("diff",), "diff takes one or two versions"),
        (("diff", "agent/skilled@1.0.0", "agent/skilled@7.0.0"), "no version"),
        (("diff", "a", "b", "c"), "diff takes one or two versions"),
        (("restore", "agent/skilled@9.9.9"), "no version"),
        (("restore", "agent/skiled@1.0.0"), "did you mean agent/skilled?"),
        (("rollback",), "rollback takes one name"),
        (("rollback", "nothing"), "nothing"),
        (("rollback", "agent/skilled"), "restore needs a version"),
        (("log", "nothing"), "nothing"),
        (("log", "a", "b"), "log"),
        (("list", "agnt"), "did you mean agent?"),
        (("list", "agent", "tool"), "list"),
        (("runs", "extra"), "runs"),
        (("list", "seed=3"), "'seed' means nothing here"),
        (("list", "branch=mian"), "did you mean main?"),
        (("list", "brnch=main"), "did you mean branch=?"),
        (("show", AGENT, "at=Tuesday"), "at=Tuesday is no time"),
        (("show", AGENT, "at=9999-12-31T23:59:59+00:00", "--nonsense"), "no flag '--nonsense'"),
        (("show", AGENT, "at=2001-01-01"), "at that time"),
        (("show", AGENT, "limit=3"), "show takes workdir=, branch= and at="),
        (("history", AGENT, "limit=0"), "limit=0 is no number from 1 on"),
        (("history", AGENT, "limit=many"), "limit=many is no number from 1 on"),
        (("history", AGENT, "--words"), "it belongs to autogenesis diff"),
        (("blame",), "blame takes one name"),
        (("blame", f"{AGENT}#skil"), "did you mean agent/skilled#skill?"),
        (("blame", "agent/skiled"), "did you mean agent/skilled?"),
        (("log", "agent/skiled"), "did you mean agent/skilled?"),
        (("proposals", "opne"), "did you mean open?"),
        (("retrieve",), "retrieve takes a query"),
        (("retrieve", "skill", "k=0"), "k=0 is no number from 1 on"),
        (("retrieve", "skill", "kind=agnt"), "did you mean agent?"),
        (("contract", "agnt"), "did you mean agent?"),
        (("contract", "agent/skiled"), "did you mean agent/skilled?"),
        (("alias", "agent/skiled"), "did you mean agent/skilled?"),
        (("alias", "agent/skiled", "--json"), "did you mean agent/skilled?"),
        (("alias",), "alias takes a resource and a name"),
        (("alias", "agent/skiled", "production"), "did you mean agent/skilled?"),
        (("alias", f"{AGENT}@1.0.7", "production"), "did you mean agent/skilled@1.0."),
        (("alias", AGENT, "main"), "taken"),
        (("alias", AGENT, "champion"), "taken"),
        (("alias", AGENT, "No Name"), "names no alias"),
        (("alias", AGENT, "--remove"), "which alias?"),
        (("alias", AGENT, "nothing", "--remove"), "no alias"),
        (("branch", "main"), "taken"),
        (("branch", "x", "branch=mian"), "did you mean main?"),
        (("branch", "a", "b"), "branch takes one name"),
        (("copy", AGENT), "copy takes a resource and a new name"),
        (("copy", AGENT, "Über"), "is no name for a resource"),
        (("copy", AGENT, "tool/other"), "not a tool"),
        (("copy", AGENT, "skilled"), "there already"),
        (("mark", f"{AGENT}@1.0.1"), "mark takes a version and a state"),
        (("mark", f"{AGENT}@1.0.1", "depricated"), "did you mean deprecated?"),
        (("mark", AGENT, "deprecated"), "mark needs a version"),
        (("edit", f"{AGENT}@1.0.0", "--file", "x"), "edit changes the head"),
        (("edit", AGENT, "--file"), "--file needs a path"),
        (("edit", AGENT, "--file", "no/such/file"), "cannot be read"),
        (("audit", "x"), "audit takes no name"),
        (("gc", "x"), "gc takes no name"),
        (("backup",), "backup takes one name"),
        (("backup", "workdir/autogenesis.db"), "there already"),
        (("import",), "import takes one name"),
        (("import", "no/such/file"), "there is no file or folder"),
        (("export", "agent/skiled"), "did you mean agent/skilled?"),
        (("export", "--force"), "--force means nothing without to="),
        (("export", "to="), "to= names no place"),
        (("push",), "push takes the folder of another store"),
        (("push", "agent/skilled"), "comes second"),
        (("push", "."), "is this store itself"),
        (("pull", "no/such/folder"), "there is no store"),
        (("freeze", "skilled"), "'skilled' is no setting"),
        (("freeze", "+agent=skiled"), "no agent 'skiled'"),
        (("run",), "run takes a resource and its input"),
        (("run", "skilled"), "names no resource"),
        (("run", "tool/calculatr", "{}"), "did you mean tool/calculator?"),
        (("run", "tool/calculator", "{"), "the input is no JSON"),
        (("run", "tool/calculator", "[1]"), "the input is a JSON object"),
        (("run", "tool/calculator", "{}"), "expression"),
        (("run", AGENT, "{}"), "an agent is given a task"),
    ],
)  # fmt: skip
def test_wrong_input_of_a_verb_is_one_error_with_what_helps(evolved, typed, words, reason):
    before = versions(evolved)
    code, out, err = typed(*words)
    assert (code, out) == (2, "")
    assert err.startswith("autogenesis: ")
    assert reason in err
    assert "Traceback" not in err
    assert versions(evolved) == before


def test_the_first_commit_of_a_resource_cannot_be_undone_to_nothing(evolved, typed):
    install = json.loads(typed("log", "--json")[1])[0]["id"]
    code, _, err = typed("rollback", install)
    assert (code, "Traceback" in err) == (2, False)
    assert head(evolved) == "1.0.2"


@pytest.mark.parametrize("verb", ["list", "log"])
def test_without_a_store_a_verb_says_where_it_looked(tmp_path, typed, monkeypatch, verb):
    monkeypatch.chdir(tmp_path)
    code, _, err = typed(verb)
    assert (code, str(tmp_path / "workdir" / "autogenesis.db") in err) == (2, True)
    assert list(tmp_path.iterdir()) == []


def test_the_nearest_store_upwards_is_the_one_that_is_meant(evolved, typed, monkeypatch):
    deep = evolved / "a" / "b"
    deep.mkdir(parents=True)
    monkeypatch.chdir(deep)
    assert list(json.loads(typed("list", "--json")[1])) == [AGENT]
    assert json.loads(typed("runs", "--json")[1])[0]["run"] == run_id(evolved)


def test_a_store_can_be_named(evolved, typed, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert typed("list")[0] == 2
    assert list(json.loads(typed("list", "--json", f"workdir={evolved / 'workdir'}")[1])) == [AGENT]


def test_verbs_work_when_the_plugin_is_gone(evolved, typed):
    """The plugin is installed in no test of this file; its versions stay readable."""
    with pytest.raises(Exception, match="no agent 'skilled'"):
        Runtime.compose("agent=skilled")
    assert typed("show", f"{AGENT}@1.0.0")[0] == 0


def test_a_file_that_is_no_store_is_an_error_that_leaves_it_alone(tmp_path, typed, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "workdir").mkdir()
    path = tmp_path / "workdir" / "autogenesis.db"
    connection = sqlite3.connect(path)
    connection.execute("create table other (a)")
    connection.close()
    before = path.read_bytes()
    code, _, err = typed("list")
    assert (code, "no store of Autogenesis" in err, path.read_bytes()) == (1, True, before)


@pytest.mark.parametrize(
    "words",
    [("list",), ("show", AGENT), ("history", AGENT), ("diff", f"{AGENT}@1.0.0"), ("log",), ("runs",), ("doctor",),
     ("plugins",), ("restore", f"{AGENT}@1.0.0"), ("rollback", f"{AGENT}@1.0.0"), ("blame", AGENT), ("proposals",),
     ("retrieve", "skill"), ("contract",), ("alias", AGENT), ("alias", AGENT, "production"), ("branch",),
     ("branch", "trial"), ("copy", AGENT, "other"), ("mark", f"{AGENT}@1.0.1", "deprecated"), ("audit",), ("gc",),
     ("backup", "copy.db"), ("export", "to=x.json"), ("push", "other"), ("diff", f"{AGENT}@1.0.0", "--words")],
)  # fmt: skip
def test_with_json_a_verb_prints_one_json_document_and_nothing_else(evolved, typed, words):
    code, out, err = typed(*words, "--json")
    assert (code, err) == (0, "")
    assert out.count("\n") == 1
    assert isinstance(json.loads(out), dict | list)
