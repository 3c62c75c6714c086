import json
import os
import signal
import subprocess
import sys
import time

import pytest

from autogenesis_core.rspl.store import Store

HOSTILE = "a, b = c: 'd' \"e\" {f} ${g} $(h) \\i; #j\nand ${oc.env:HOME}, [k], x=1\n\ttail "


@pytest.fixture(autouse=True)
def _in_an_empty_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def files(folder) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def answer(done) -> str:
    assert done.returncode == 0, done.stderr.decode()
    return json.loads(done.stdout)["answer"]


def test_a_task_as_an_argument_arrives_unchanged(echo, command, tmp_path):
    assert answer(command(HOSTILE, "+agent=echo", "--json", folder=tmp_path)) == HOSTILE


def test_a_task_of_a_file_arrives_unchanged(echo, command, tmp_path):
    (tmp_path / "task.txt").write_text(HOSTILE)
    assert answer(command("--task-file", "task.txt", "+agent=echo", "--json", folder=tmp_path)) == HOSTILE


def test_a_task_on_standard_input_arrives_unchanged(echo, command, tmp_path):
    assert answer(command("-", "+agent=echo", "--json", folder=tmp_path, text=HOSTILE)) == HOSTILE


@pytest.mark.parametrize("text", [HOSTILE, "agent=policy", "list", "--json", "seed=3, or not?"])
def test_a_task_after_two_dashes_arrives_unchanged(echo, typed, text):
    code, out, err = typed("+agent=echo", "--json", "--", text)
    assert (code, err, json.loads(out)["answer"]) == (0, "", text)


def test_a_task_that_begins_like_a_setting_is_said_to_be_one(echo, typed):
    code, _, err = typed("+agent=echo", "x=3, what is x?")
    assert code == 2
    assert "x" in err


def test_acting_prints_the_answer_alone(echo, typed):
    assert typed("say this", "agent=echo", "agent.prefix=So: ") == (0, "So: say this\n", "")


def test_acting_writes_its_run_and_the_store_and_nothing_else(echo, command, tmp_path):
    done = command("hello", "+agent=echo", folder=tmp_path)
    assert done.returncode == 0
    run = next((tmp_path / "workdir" / "runs").iterdir()).name
    assert files(tmp_path) == {
        "workdir/autogenesis.db",
        *(
            f"workdir/runs/{run}/{name}"
            for name in ("config.json", "plugins.json", "result.json", "run.json", "traces.jsonl")
        ),
    }


def test_an_evolution_writes_its_run_and_the_store_and_nothing_else(skilled, typed, tmp_path, evolve_words):
    code, out, err = typed(*evolve_words, "--json")
    assert (code, err) == (0, "")
    assert {path.name for path in tmp_path.iterdir()} == {"workdir"}
    assert {path.name for path in (tmp_path / "workdir").iterdir()} == {"autogenesis.db", "runs"}
    assert [path.name for path in (tmp_path / "workdir" / "runs").iterdir()] == [json.loads(out)["run"]]


def test_the_run_folder_says_what_was_composed(skilled, typed, tmp_path, evolve_words):
    run = json.loads(typed(*evolve_words, "seed=5", "--json")[1])["run"]
    folder = tmp_path / "workdir" / "runs" / run
    config = json.loads((folder / "config.json").read_text())
    assert (config["seed"], config["agent"]["skill"], config["splits"]["val"]) == (5, 3, 10)
    assert json.loads((folder / "plugins.json").read_text())["autogenesis-test-skilled"] == "0.1.0"


def test_what_is_printed_as_json_is_what_result_json_holds(skilled, typed, tmp_path, evolve_words):
    code, out, _ = typed(*evolve_words, "--json")
    result = json.loads(out)
    assert (code, out.count("\n")) == (0, 1)
    assert result == json.loads((tmp_path / "workdir" / "runs" / result["run"] / "result.json").read_text())
    assert result["scores"]["test"]["before"]["mean"] == pytest.approx(0.3)
    assert result["scores"]["test"]["after"]["mean"] == pytest.approx(0.8)
    assert [entry["decision"] for entry in result["rounds"]] == ["commit", "reject", "commit"]


def test_an_evolution_shows_each_round_a_table_and_what_to_type_next(skilled, typed, evolve_words):
    code, out, err = typed(*evolve_words)
    assert (code, err) == (0, "")
    for part in (
        "round 1", "round 3", "1.0.1: 0.3 to 0.5", "reject: 0.5 to 0.4", "val", "test",
        "autogenesis diff agent/skilled@1.0.0 agent/skilled@1.0.2", "autogenesis log", "autogenesis rollback",
        "store ./workdir/autogenesis.db", "branch main",
    ):  # fmt: skip
        assert part in out
    assert "\x1b" not in out


@pytest.mark.parametrize("gate", ["~gate", "gate=[]"])
def test_that_nothing_can_be_committed_is_said_at_the_start(skilled, typed, evolve_words, gate):
    words = [word for word in evolve_words if word != "+gate=better"]
    code, out, err = typed(*words, gate)
    lines = out.splitlines()
    assert (code, err) == (0, "")
    assert lines.index("gate  no gate compares scores, so nothing will be committed") < lines.index("") < 6


def test_the_commands_that_are_shown_at_the_end_work(skilled, typed, evolve_words):
    _, out, _ = typed(*evolve_words)
    shown = [line.split("autogenesis ", 1)[1].split() for line in out.splitlines()[-5:] if "autogenesis " in line]
    assert [words[0] for words in shown] == ["diff", "log", "rollback"]
    assert [typed(*words)[0] for words in shown] == [0, 0, 0]


def test_a_second_run_starts_from_the_first_ones_heads_and_rollback_brings_the_first_score_back(
    skilled, typed, evolve_words
):
    measure = ("+agent=skilled", "+benchmark=digits", *evolve_words[4:], "--json")
    first = json.loads(typed(*measure)[1])["scores"]
    run = json.loads(typed(*evolve_words, "--json")[1])["run"]
    assert json.loads(typed(*measure)[1])["scores"]["test"]["mean"] == pytest.approx(0.8)
    typed("rollback", run)
    assert json.loads(typed(*measure)[1])["scores"] == first


def test_a_benchmark_alone_measures(skilled, typed):
    code, out, err = typed("+agent=skilled", "+benchmark=digits", "splits.train=0", "splits.val=0", "splits.test=20")
    assert (code, err) == (0, "")
    assert "test" in out
    assert "0.30 [" in out
    assert "n = 20" in out


def test_a_pinned_version_is_used_and_stays(skilled, typed, evolve_words):
    typed(*evolve_words)
    pinned = ("pins=[agent/skilled@1.0.0]", "+agent=skilled", "+benchmark=digits", *evolve_words[4:], "--json")
    assert json.loads(typed(*pinned)[1])["scores"]["test"]["mean"] == pytest.approx(0.3)
    code, _, err = typed(*evolve_words, "pins=[agent/skilled@1.0.0]")
    assert (code, "nothing here is trainable" in err) == (2, True)


def test_workdir_names_the_store(skilled, typed, tmp_path, evolve_words):
    assert typed(*evolve_words, "workdir=elsewhere")[0] == 0
    assert {path.name for path in tmp_path.iterdir()} == {"elsewhere"}
    assert {path.name for path in (tmp_path / "elsewhere").iterdir()} == {"autogenesis.db", "runs"}


def test_the_nearest_workdir_upwards_is_used(skilled, typed, tmp_path, monkeypatch, evolve_words):
    typed(*evolve_words)
    (tmp_path / "deep" / "er").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "deep" / "er")
    found = json.loads(typed("+agent=skilled", "+benchmark=digits", *evolve_words[4:], "--json")[1])
    assert found["scores"]["test"]["mean"] == pytest.approx(0.8)
    assert list((tmp_path / "deep" / "er").iterdir()) == []


def test_the_same_seed_gives_the_same_result_with_1_and_with_16_workers(skilled, typed, evolve_words):
    found = []
    for workers in (1, 16):
        words = (*evolve_words, "agent.nap=0.002", f"workers={workers}", f"workdir=w{workers}", "--json")
        result = json.loads(typed(*words)[1])
        del result["spent"]["seconds"], result["objectives"]
        found.append(result)
    assert found[0] == found[1]


def test_an_act_with_a_benchmark_is_refused(skilled, typed):
    code, _, err = typed("a task", "+agent=skilled", "+benchmark=digits")
    assert (code, err.count("\n") <= 2, "benchmark" in err) == (2, True, True)


def test_nothing_to_do_says_what_could_be(echo, typed):
    code, _, err = typed("+agent=echo")
    assert (code, "there is nothing to do" in err, "+benchmark=" in err) == (2, True, True)


def test_without_a_model_both_ways_to_set_one_are_said(typed):
    code, _, err = typed("What is 17 * 23?", "+agent=tool_calling")
    assert (code, "AUTOGENESIS_MODEL=" in err, "+model=" in err) == (2, True, True)


def test_a_dotenv_file_of_the_working_folder_sets_the_model_and_overrides_nothing(echo, command, tmp_path):
    (tmp_path / ".env").write_text("AUTOGENESIS_MODEL=simulated\n")
    found = command("hi", "+agent=tool_calling", "--json", folder=tmp_path)
    assert found.returncode == 0, found.stderr.decode()
    other = command("hi", "+agent=tool_calling", folder=tmp_path, AUTOGENESIS_MODEL="")
    assert other.returncode == 2


def test_ctrl_c_keeps_what_was_committed_and_the_next_run_starts_there(skilled, tmp_path, typed, evolve_words):
    """The second round naps, so that the interrupt comes in the middle of it."""
    words = [*evolve_words, "workers=1", "agent.nap=0.05"]
    process = subprocess.Popen(
        [sys.executable, "-m", "autogenesis_core.cli", *words],
        cwd=tmp_path, env=os.environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdout is not None
    for line in process.stdout:
        if "round 1" in line:
            break
    run = next((tmp_path / "workdir" / "runs").iterdir()).name
    time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=20)
    assert (process.returncode, err) == (
        130, f"autogenesis: interrupted; what was committed stays; to go on: autogenesis resume {run}\n",
    )  # fmt: skip
    with Store.open(tmp_path / "workdir" / "autogenesis.db", create=False) as store:
        assert store.verify() is None
        assert [entry.event for entry in store.entries()] == ["install", "commit"]
        assert store.record(store.heads("main")["agent/skilled"].digest).parameters["skill"] == 5

    result = json.loads(typed(*evolve_words, "--json")[1])
    assert result["scores"]["val"]["before"]["mean"] == pytest.approx(0.5)
