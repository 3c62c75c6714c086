import json
import os
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def _in_an_empty_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("--version",), 0), (("--help",), 0), ((), 0), (("list", "--help"), 0), (("-h",), 0),
        (("+agent=no_such_thing",), 2), (("--nonsense",), 2), (("list",), 2), (("agent",), 2),
        (("+agent=echo", "agent.times=many", "x"), 2), (("+agent=echo", "+agent=echo", "x"), 2),
    ],
)  # fmt: skip
def test_exit_codes(echo, typed, words, code):
    assert typed(*words)[0] == code


def test_an_unknown_option_exits_2_and_says_what_to_do(command, tmp_path):
    done = command("+agent=no_such_thing", "+benchmark=reasoning_gym", folder=tmp_path)
    assert (done.returncode, done.stdout) == (2, b"")
    lines = done.stderr.decode().splitlines()
    assert lines[0].startswith("autogenesis: no agent 'no_such_thing'")
    assert "installed: " in lines[1]
    assert list(tmp_path.iterdir()) == []


def test_every_problem_of_a_configuration_is_printed(echo, typed):
    code, _, err = typed("hi", "+agent=echo", "agent.times=many", "agent.prefx=x", "seed=soon")
    assert code == 2
    assert err.startswith("autogenesis: 3 errors in the configuration\n")
    for part in ("agent.times", "'many' is no whole number", "agent.prefx", "did you mean agent.prefix?", "seed"):
        assert part in err


FAILS = """
from attrs import frozen
from autogenesis_core import Agent


@frozen
class Fails(Agent):
    uses_model = False

    async def run(self, task, context):
        raise ValueError("the agent says no")
"""
CONF = "# @package agent\n# Fails\n_target_: autogenesis_agent_fails.agent:Fails\n"


@pytest.fixture
def fails(distribution):
    """An agent that raises."""
    return distribution("autogenesis-agent-fails", {"agent.py": FAILS, "conf/agent/fails.yaml": CONF})


def test_an_error_of_an_agent_is_one_line_without_a_traceback(fails, typed):
    code, out, err = typed("hi", "+agent=fails")
    assert (code, out, "Traceback" in err) == (1, "", False)
    assert err.splitlines()[0] == "autogenesis: ValueError: the agent says no"
    assert "AUTOGENESIS_TRACE=1" in err


def test_what_an_agent_says_on_two_lines_is_one_line(distribution, typed):
    files = {"agent.py": FAILS.replace("the agent says no", r"one\ntwo"), "conf/agent/fails.yaml": CONF}
    distribution("autogenesis-agent-fails", files)
    assert typed("hi", "+agent=fails")[2].splitlines()[0] == "autogenesis: ValueError: one two"


@pytest.fixture
def scored(skilled, distribution, evolve_words):
    """What is typed for an evolution by a function of the user's own file, given as its source and its name."""
    files = {
        "parts.py": SCORED,
        "conf/benchmark/scored.yaml": "# @package benchmark\n# By a file\n_target_: autogenesis_test_scored.parts:Scored\n",
    }
    distribution("autogenesis-test-scored", files)

    def words(source: str, name: str = "score") -> tuple[str, ...]:
        Path("scorer.py").write_text(source, encoding="utf-8")
        rest = [word for word in evolve_words if "benchmark" not in word]
        return ("+benchmark=scored", f"benchmark.path=scorer.py:{name}", *rest, "optimizer.skills='4 5 6'")

    return words


SCORED = """
from attrs import frozen
from autogenesis_core import Benchmark, Question, Score, digest, load_function


@frozen
class Scored(Benchmark):
    path: str = ""

    def examples(self, sizes, seed):
        return {split: [Question(f"{split}-{i}", f"{split} {i}") for i in range(size)] for split, size in sizes.items()}

    def score(self, example, outcome):
        return Score(load_function(self.path)())

    @property
    def digest(self):
        load_function(self.path)
        return super().digest
"""


@pytest.mark.parametrize(
    ("source", "name", "said"),
    [
        ("def score(:", "score", "scorer.py fails on import: SyntaxError: "),
        ("import no_such_module", "score", "scorer.py fails on import: ModuleNotFoundError: "),
        ("raise SystemExit", "score", "scorer.py fails on import: SystemExit: "),
        ("def score(): return 1", "scor", "no function in scorer.py 'scor'; did you mean score?"),
    ],
)
def test_a_file_of_the_users_that_cannot_be_used_is_bad_input_before_a_run_begins(scored, typed, source, name, said):
    code, _, err = typed(*scored(source, name))
    assert (code, "resume" in err) == (2, False)
    assert err.startswith(f"autogenesis: {said}")
    assert list(Path("workdir/runs").glob("*")) == []


@pytest.mark.parametrize(
    "words",
    [
        ("budget.rollouts=10",),
        ("evolve=[agent/none#x]",),
        ("use=[agent/none]",),
        ("optimizer.skills=5", "splits.val=0"),
    ],
)
def test_input_that_is_refused_leaves_no_run(skilled, typed, evolve_words, words):
    assert typed(*evolve_words, *words)[0] == 2
    assert list(Path("workdir/runs").glob("*")) == []


def test_a_budget_that_leaves_nothing_to_search_says_so(skilled, typed, evolve_words):
    said = "budget.rollouts is 40, and to assess on val and test once takes 40, with none left to search"
    assert typed(*evolve_words, "budget.rollouts=40")[2].splitlines()[0] == f"autogenesis: {said}"


def test_a_baseline_that_is_none_leaves_no_run(skilled, typed):
    assert typed("measure", "+agent=skilled", "+benchmark=digits", "--baseline", "champoin")[0] == 2
    assert list(Path("workdir/runs").glob("*")) == []


def test_input_that_is_refused_leaves_the_store_that_was_there(skilled, evolved, typed, evolve_words):
    before = {path.name for path in evolved.rglob("*")}
    assert typed(*evolve_words, "budget.rollouts=10")[0] == 2
    assert {path.name for path in evolved.rglob("*")} == before


def test_a_scorer_that_raises_is_said_on_one_line_and_no_optimizer_is_blamed(scored, typed):
    code, _, err = typed(*scored("def score(): raise ValueError('one\\ntwo')"))
    first, *more = err.splitlines()
    assert code == 1
    assert first.startswith("autogenesis: the scorer of Scored failed on train-")
    assert first.endswith(": ValueError: one two")
    assert not [line for line in more if "sepl_" in line]


def test_the_traceback_is_shown_when_it_is_asked_for(fails, typed, monkeypatch):
    monkeypatch.setenv("AUTOGENESIS_TRACE", "1")
    code, _, err = typed("hi", "+agent=fails")
    assert code == 1
    assert "Traceback" in err
    assert "agent.py" in err


def test_the_traceback_of_our_own_errors_is_shown_too_when_it_is_asked_for(typed, monkeypatch):
    assert "Traceback" not in typed("+agent=no_such_thing")[2]
    monkeypatch.setenv("AUTOGENESIS_TRACE", "1")
    assert "Traceback" in typed("+agent=no_such_thing")[2]


def test_a_plugin_that_fails_on_import_hurts_only_a_run_that_selects_it(distribution, echo, command, tmp_path):
    conf = "# @package agent\n# Bad\n_target_: autogenesis_agent_bad.agent:Bad\n"
    distribution("autogenesis-agent-bad", {"__init__.py": "raise OSError('no luck')", "conf/agent/bad.yaml": conf})
    assert command("hi", "+agent=echo", folder=tmp_path).stdout == b"hi\n"
    done = command("hi", "+agent=bad", folder=tmp_path)
    first = done.stderr.decode().splitlines()[0]
    assert (done.returncode, first) == (
        1, "autogenesis: autogenesis-agent-bad 0.1.0 fails on import: OSError: no luck",
    )  # fmt: skip


def test_a_plugin_that_exits_on_import_is_an_error_that_names_it(distribution, typed):
    conf = "# @package agent\n# Bad\n_target_: autogenesis_agent_bad.agent:Bad\n"
    distribution("autogenesis-agent-bad", {"__init__.py": "raise SystemExit(0)", "conf/agent/bad.yaml": conf})
    code, _, err = typed("hi", "+agent=bad")
    assert (code, "autogenesis-agent-bad" in err) == (1, True)


def test_an_error_as_json_is_still_no_json_on_standard_output(echo, typed):
    code, out, err = typed("hi", "+agent=ecko", "--json")
    assert (code, out, err != "") == (2, "", True)


def test_a_failed_run_prints_nothing_that_looks_like_a_result(skilled, typed, evolve_words):
    code, out, err = typed(*evolve_words, "optimizer.skills=5 x 8", "--json")
    assert (code, out) == (1, "")
    assert "optimizer proposes" in err


@pytest.mark.parametrize("words", [("plugins",), ("--help",), ("--version",)])
def test_a_reader_that_goes_away_is_no_error(words, tmp_path):
    process = subprocess.Popen(
        [sys.executable, "-m", "autogenesis_core.cli", *words],
        cwd=tmp_path, env={**os.environ, "PYTHONUNBUFFERED": ""}, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    assert process.stdout is not None
    process.stdout.close()
    assert process.stderr is not None
    err = process.stderr.read()
    process.stderr.close()
    assert (process.wait(timeout=20), err) == (0, b"")


def test_help_of_a_verb_is_about_it(typed):
    code, out, _ = typed("rollback", "--help")
    assert (code, out.splitlines()[0]) == (0, "autogenesis rollback COMMIT | RUN | RESOURCE@VERSION")


def test_help_lists_every_verb(typed):
    from autogenesis_core.cli.arguments import VERBS

    out = typed("--help")[1]
    assert [verb for verb in VERBS if f"\n  {verb} " not in out] == []


def test_the_result_of_an_act_is_whole_json_for_any_text(echo, typed):
    text = 'é "quoted" \\ \u2028 🎲'
    assert json.loads(typed("agent=echo", "--json", "--", text)[1])["answer"] == text


def test_in_the_help_what_verbs_are_for_stands_in_one_column(typed):
    from autogenesis_core.cli.arguments import VERBS

    out = typed("--help")[1]
    for verb in VERBS.values():
        (line,) = (line for line in out.splitlines() if line.endswith(f" {verb.summary}"))
        assert line.index(verb.summary) == 55
