import json
import shutil

import pytest


@pytest.fixture
def run_id(evolved):
    return next((evolved / "workdir" / "runs").iterdir()).name


def result_of(evolved, run):
    return json.loads((evolved / "workdir" / "runs" / run / "result.json").read_text())


def snapshot(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_replay_comes_to_the_same_and_writes_nothing(skilled, evolved, typed, run_id):
    before = snapshot(evolved)
    code, out, err = typed("replay", run_id)
    assert (code, err) == (0, "")
    assert out.splitlines()[0] == "  3 rounds, 2 commits decided again, with no call: the same"
    assert snapshot(evolved).keys() - before.keys() <= {"workdir/autogenesis.db-wal", "workdir/autogenesis.db-shm"}
    assert {name: data for name, data in snapshot(evolved).items() if name in before} == before


def test_a_replay_as_json_names_the_heads(skilled, evolved, typed, run_id):
    found = json.loads(typed("replay", run_id, "--json")[1])
    done = result_of(evolved, run_id)
    assert found == {"run": run_id, "same": True, "heads": done["heads"], "digests": done["digests"]}


def test_a_replay_that_comes_to_something_else_is_exit_code_1(skilled, evolved, typed, run_id):
    path = evolved / "workdir" / "runs" / run_id / "result.json"
    path.write_text(json.dumps({**result_of(evolved, run_id), "digests": {"agent/skilled": "0" * 64}}))
    code, out, _ = typed("replay", run_id)
    assert (code, "NOT the same" in out) == (1, True)


def test_a_replay_takes_no_settings(skilled, evolved, typed, run_id):
    code, _, err = typed("replay", run_id, "seed=3")
    assert code == 2
    assert err.splitlines()[0] == "autogenesis: a replay changes nothing, so seed means nothing here"


def test_a_run_that_ended_is_resumed_for_more_rounds(skilled, evolved, typed, run_id):
    code, out, err = typed("resume", run_id, "optimizer.skills=5 4 8 9", "rounds=4")
    assert (code, err.splitlines()[0]) == (2, f"autogenesis: run {run_id} began with another configuration: optimizer")
    code, out, err = typed("resume", run_id, "workers=3")
    assert (code, err) == (0, "")
    assert "commit 1.0.2" in out


def test_a_run_that_was_asked_for_more_rounds_replays_them_all(skilled, evolve_words, typed, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    run = json.loads(typed(*evolve_words, "rounds=2", "--json")[1])["run"]
    assert typed("resume", run, "rounds=3")[0] == 0
    code, out, err = typed("replay", run)
    assert (code, err) == (0, "")
    assert out.splitlines()[0] == "  3 rounds, 2 commits decided again, with no call: the same"


def test_a_run_whose_budget_is_spent_says_how_it_goes_on(skilled, evolve_words, typed, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code, out, err = typed(*evolve_words, "budget.rollouts=45")
    run = next((tmp_path / "workdir" / "runs").iterdir()).name
    assert (code, err) == (0, "")
    assert f"  go on         autogenesis resume {run} budget.rollouts=…" in out.splitlines()
    code, out, err = typed("log", run)
    assert (code, out, err) == (0, "  nothing was proposed: budget.rollouts is spent: 45\n", "")


def test_the_log_of_a_run_that_did_not_end_says_how_it_goes_on(skilled, evolved, typed):
    (evolved / "workdir" / "runs" / "12345678").mkdir()
    code, out, err = typed("log", "12345678")
    assert (code, err) == (0, "")
    assert out.split("\n\n") == ["  nothing was proposed: not finished", "  autogenesis resume 12345678\n"]


def test_a_run_is_named_by_the_beginning_of_its_name(skilled, evolved, typed, run_id):
    assert typed("replay", run_id[:4])[0] == 0
    code, _, err = typed("resume", "nosuch")
    assert (code, err.splitlines()[0]) == (2, "autogenesis: no run 'nosuch'")


def test_a_run_without_its_journal_says_so(skilled, evolved, typed, run_id):
    assert typed("gc")[0] == 0
    code, _, err = typed("replay", run_id)
    assert (code, err.splitlines()) == (
        2,
        [f"autogenesis: the run {run_id} has no journal", "  it was no evolution, or gc removed it"],
    )


@pytest.mark.parametrize("verb", ["resume", "replay"])
def test_an_emptied_journal_of_a_run_that_ended_is_not_a_run_to_begin_again(skilled, evolved, typed, run_id, verb):
    folder = evolved / "workdir" / "runs" / run_id
    (folder / "journal.jsonl").write_bytes(b"")
    before = (folder / "result.json").read_bytes()
    code, _, err = typed(verb, run_id)
    assert (code, err.splitlines()) == (
        1,
        [
            f"autogenesis: the journal of the run {run_id} was emptied: it holds nothing, and the run has a result",
            "  restore journal.jsonl from a copy, or begin a new run",
        ],
    )
    assert (folder / "result.json").read_bytes() == before
    assert (folder / "journal.jsonl").read_bytes() == b""


def test_a_folder_that_was_moved_goes_on(skilled, evolved, typed, run_id, tmp_path, monkeypatch):
    shutil.move(evolved, tmp_path / "elsewhere")
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert typed("replay", run_id)[0] == 0


def test_a_claim_that_stands_on_examples_that_the_run_never_saw(skilled, evolved, typed, run_id):
    code, out, err = typed("verify", run_id, "--fresh")
    assert (code, err) == (0, "")
    assert out.splitlines()[-1] == "  the claim stands"
    assert "new examples" in out


def test_a_claim_that_does_not_stand_is_exit_code_1_and_says_how_to_undo_it(skilled, evolved, typed, run_id):
    path = evolved / "workdir" / "runs" / run_id / "result.json"
    done = result_of(evolved, run_id)
    path.write_text(json.dumps({**done, "heads": done["started"]}))
    code, out, _ = typed("verify", run_id)
    assert (code, out.splitlines()[-1]) == (
        1,
        f"  the claim does NOT stand: autogenesis rollback {run_id}",
    )


def test_a_verification_is_a_run_of_its_own_with_claim_and_evidence(skilled, evolved, typed, run_id):
    found = json.loads(typed("verify", run_id, "--json")[1])
    assert (found["verb"], found["verified"], found["fresh"], found["standing"]) == (
        "verify",
        run_id,
        "seeds",
        "stands",
    )
    assert found["claim"] == result_of(evolved, run_id)["scores"]["test"]["change"]
    change = found["scores"]["test"]["change"]
    assert (change["delta"], change["n"]) == (pytest.approx(0.5), 10)
    assert result_of(evolved, found["run"]) == found


def test_a_changed_scorer_is_said(skilled, evolved, typed, run_id):
    path = evolved / "workdir" / "runs" / run_id / "result.json"
    path.write_text(json.dumps({**result_of(evolved, run_id), "scorer": "another"}))
    assert "the scorer is not the one that the run was scored by" in typed("verify", run_id)[1]


def test_where_scores_are_deterministic_fresh_seeds_prove_nothing(skilled, typed, evolve_words, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    run = json.loads(typed(*evolve_words, "deterministic=true", "--json")[1])["run"]
    code, _, err = typed("verify", run)
    assert (code, err.splitlines()[-1]) == (2, "  --fresh")


def test_a_run_that_committed_nothing_claims_nothing(skilled, typed, evolve_words, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    run = json.loads(typed(*evolve_words, "optimizer.skills=1 1", "optimizer.rounds=2", "--json")[1])["run"]
    code, _, err = typed("verify", run)
    assert (code, err.splitlines()[0]) == (
        2,
        f"autogenesis: run {run} committed nothing, so there is no claim to verify",
    )


def test_a_run_goes_on_from_another_folder_with_its_own_paths(typed, tmp_path, monkeypatch):
    begun, elsewhere = tmp_path / "begun", tmp_path / "elsewhere"
    begun.mkdir()
    elsewhere.mkdir()
    rows = [{"input": f"What is {number} + 1?", "target": str(number + 1)} for number in range(40)]
    (begun / "sums.jsonl").write_text("\n".join(map(json.dumps, rows)))
    monkeypatch.chdir(begun)
    words = ("+agent=tool_calling", "+model=simulated", "+benchmark=dataset", "benchmark.path=sums.jsonl")
    code, out, err = typed(*words, "+optimizer=reflection", "rounds=1", "--json")
    assert (code, err) == (0, "")
    monkeypatch.chdir(elsewhere)
    assert typed("replay", json.loads(out)["run"], f"workdir={begun / 'workdir'}")[0] == 0
