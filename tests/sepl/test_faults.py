"""Whatever fails, a run keeps its state, says why in one line, and goes on to what it would have come to."""

import importlib.util
import json
import os
import re
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import attrs
import pytest

from autogenesis_core import (
    AuthenticationFailed,
    ModelAnswer,
    ModelUnavailable,
    OptimizerFailed,
    Overloaded,
    PluginError,
    StoreError,
)
from autogenesis_core.services.client import ModelClient
from autogenesis_core.testing.openai_server import OpenAIServer, Reply

PROGRAM = Path(__file__).with_name("evolving.py")
SPEC = importlib.util.spec_from_file_location("evolving", PROGRAM)
evolving = sys.modules.setdefault("evolving", importlib.util.module_from_spec(SPEC))
SPEC.loader.exec_module(evolving)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """What the evolution comes to when nothing fails."""
    folder = tmp_path_factory.mktemp("whole")
    return evolving.found(folder, evolving.evolved(folder))


@pytest.fixture(autouse=True)
def impatient(monkeypatch):
    """Attempts follow each other at once."""
    monkeypatch.setattr(ModelClient, "_pause", lambda *_: 0.0)


def result_of(folder):
    return json.loads(next(Path(folder).glob("workdir/runs/*/result.json")).read_text())


def failing_at(count, function, failure):
    """An async method that calls `failure` once, at its `count`-th call, and else is `function`."""
    calls = 0

    async def method(*arguments):
        nonlocal calls
        calls += 1
        if calls == count:
            failure()
        return await function(*arguments)

    return method


# Full disk


def starved(folder, where, at):
    """What an evolution in a process of its own ends with when from its `at`-th rollout on the disk is full."""
    reads, writes = os.pipe()
    process = os.fork()
    if process == 0:
        try:
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            evolving.Obeys.run = failing_at(at, evolving.Obeys.run, lambda: fill(folder, where))
            evolving.evolved(folder)
        except BaseException as error:
            os.write(writes, f"{type(error).__name__}: {error}".encode())
        finally:
            os._exit(0)
    os.close(writes)
    os.waitpid(process, 0)
    with os.fdopen(reads) as said:
        return said.read()


def fill(folder, where):
    """No file grows beyond what `where` has now."""
    limit = next(Path(folder).glob(where)).stat().st_size
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit + 50, resource.RLIM_INFINITY))


@pytest.mark.parametrize(
    ("where", "at", "reason"),
    [
        (
            "workdir/runs/*/journal.jsonl",
            40,
            "StoreError: the journal .* cannot be written: .*\n.* autogenesis resume RUN",
        ),
        ("workdir/autogenesis.db-wal", 20, "StoreError: the store .*(full|disk I/O)"),
        ("workdir/runs/*/config.json", 1, "StoreError: the (journal|store|traces) .*"),
    ],
    ids=["journal", "store", "everything"],
)
def test_on_a_full_disk_a_run_ends_with_a_reason_and_goes_on_when_there_is_room(tmp_path, whole, where, at, reason):
    said = starved(tmp_path, where, at)
    assert re.match(reason, said), said
    evolving.check_resumed(tmp_path, {}, whole)


def test_traces_that_cannot_be_written_are_no_result_of_a_rollout(tmp_path, whole, monkeypatch):
    """Only they are on a full disk."""

    def fill():
        next(tmp_path.glob("workdir/runs/*")).joinpath("traces.jsonl").symlink_to("/dev/full")

    with monkeypatch.context() as patched:
        patched.setattr(evolving.Obeys, "run", failing_at(1, evolving.Obeys.run, fill))
        with pytest.raises(StoreError, match=r"the traces .* cannot be written: .*No space left"):
            evolving.evolved(tmp_path)
    assert "the traces" in result_of(tmp_path)["failed"]
    next(tmp_path.glob("workdir/runs/*/traces.jsonl")).unlink()
    evolving.check_resumed(tmp_path, {}, whole, lost=1)


# Code of others


@pytest.mark.parametrize("failure", [ZeroDivisionError, SystemExit, RecursionError])
def test_a_scorer_that_raises_ends_the_run_with_its_name(tmp_path, whole, monkeypatch, failure):
    score, calls = evolving.Rules.score, []

    def raising(self, example, outcome):
        calls.append(example)
        if len(calls) == 50:
            raise failure("oh")
        return score(self, example, outcome)

    with monkeypatch.context() as patched:
        patched.setattr(evolving.Rules, "score", raising)
        with pytest.raises(
            PluginError, match=rf"the scorer of Rules failed on {'.*'}: {failure.__name__}: oh"
        ) as raised:
            evolving.evolved(tmp_path)
    assert result_of(tmp_path)["failed"].startswith("PluginError: the scorer of Rules failed on")
    assert f"autogenesis resume {evolving.the_run(tmp_path)}" in " ".join(raised.value.__notes__)
    evolving.check_resumed(tmp_path, {}, whole, lost=1)


@pytest.mark.parametrize("failure", [ZeroDivisionError, SystemExit, OSError])
def test_an_agent_that_raises_fails_its_rollout_and_not_the_run(tmp_path, monkeypatch, failure):
    """Also after a resume, which is told of it by the journal."""

    async def raising(self, task, context):
        if task.endswith("3"):
            raise failure("oh")
        return await run(self, task, context)

    run = evolving.Obeys.run
    monkeypatch.setattr(evolving.Obeys, "run", raising)
    result = evolving.evolved(tmp_path)
    assert (result["stopped"], result["scores"]["test"]["before"]["n"]) == ("all rounds done", 4)
    kept = evolving.found(tmp_path, result)
    failed = [body for body in kept[1]["journal"]["rollout"].values() if "failed" in body]
    assert {body["reason"] for body in failed} == {f"{failure.__name__}: oh"}
    evolving.check_resumed(tmp_path, {}, kept)


# Network


def test_a_provider_that_dies_ends_the_run_which_goes_on_when_it_is_back(tmp_path):
    """The agent's and the optimizer's model alike are behind a server that vanishes in the middle of the run."""
    options = {"agent": evolving.Asks(), "workers": 4}
    with OpenAIServer(evolving.served) as server:
        (tmp_path / "whole").mkdir()
        result = evolving.evolved(tmp_path / "whole", model=evolving.Served(url=server.url), **options)
        expected = evolving.found(tmp_path / "whole", result)
        total = len(server.requests)
    for share in (0.2, 0.7):
        folder = tmp_path / f"at{share}"
        folder.mkdir()
        lives = int(share * total)
        with (
            OpenAIServer(lambda body, lives=lives: mortal(server, lives, body)) as server,
            pytest.raises((ModelUnavailable, OptimizerFailed), match=".*in a row.*: Overloaded: dying") as raised,
        ):
            evolving.evolved(folder, model=evolving.Served(url=server.url), **options)
        assert result_of(folder)["failed"] == f"{raised.typename}: {raised.value.reason}"
        with pytest.raises((ModelUnavailable, OptimizerFailed), match="TransportError: the connection failed"):
            evolving.evolved(folder, model=evolving.Served(url=server.url), resume=evolving.the_run(folder), **options)
        with OpenAIServer(evolving.served) as server:
            back = {**options, "model": evolving.Served(url=server.url)}
            evolving.check_resumed(folder, back, expected, lost=20)


def mortal(server, lives, body):
    return evolving.served(body) if len(server.requests) <= lives else Reply("dying", status=500)


@pytest.mark.parametrize("status", [429, 500])
def test_a_storm_of_errors_that_passes_changes_nothing(tmp_path, status):
    """Two of three requests are refused; attempts are calls, and nothing else comes of them."""
    results = []
    for stormy in (False, True):
        folder = tmp_path / str(stormy)
        folder.mkdir()
        count = iter(range(1, 1_000_000))
        storm = lambda body: Reply("storm", status=status) if stormy and next(count) % 3 else evolving.served(body)  # noqa: E731, B023
        with OpenAIServer(storm) as server:
            result = evolving.evolved(folder, model=evolving.Served(url=server.url), agent=evolving.Asks())
        results.append(evolving.found(folder, result))
        calls = result["spent"]["calls"]
        assert calls == len(server.requests)
    assert [(r["digests"], r["rounds"], r["heads"]) for r, _ in results[:1]] == [
        (r["digests"], r["rounds"], r["heads"]) for r, _ in results[1:]
    ]


# The optimizer's model


class Dead(evolving.Reflects):
    """Never answers."""

    async def answer(self, request):
        raise AuthenticationFailed("401 unauthorized")


class Gone(evolving.Reflects):
    """Cannot be reached."""

    async def answer(self, request):
        raise Overloaded("503 overloaded")


class Babbles(evolving.Reflects):
    """Says what is no proposal."""

    async def answer(self, request):
        return ModelAnswer("Sorry, as a language model")


class CutOff(evolving.Reflects):
    """What would be a proposal, cut off at the token limit."""

    async def answer(self, request):
        return attrs.evolve(await super().answer(request), finish_reason="length")


@pytest.mark.parametrize(("width", "rounds"), [(1, 2), (8, 50)])
@pytest.mark.parametrize(
    ("model", "cause"),
    [(Dead, "401 unauthorized"), (Gone, "503"), (Babbles, "no JSON"), (CutOff, "cut off")],
    ids=["dead", "gone", "babbling", "cut off"],
)
def test_a_dead_optimizer_is_told_at_a_small_cost_and_a_mended_one_goes_on(tmp_path, model, cause, width, rounds):
    limits = ("budget.rollouts=1000",)
    with pytest.raises(OptimizerFailed, match=f"5 proposals in a row failed; the last: .*{cause}"):
        evolving.evolved(tmp_path, *limits, model=model(), width=width, rounds=rounds)
    failed = result_of(tmp_path)["failed"]
    assert cause in failed
    assert failed.startswith("OptimizerFailed: ")
    run = evolving.the_run(tmp_path)
    spent = [key for key in evolving.lines(tmp_path, run) if key[0] in ("rollout", "lost")]
    assert len(spent) <= 20
    result = evolving.evolved(tmp_path, *limits, resume=run, width=width, rounds=2)
    assert (result["stopped"], result["candidates"] >= 1) == ("all rounds done", True)


def test_an_optimizer_that_dies_in_the_middle_is_told_and_goes_on_as_if_nothing_had_been(tmp_path, whole, monkeypatch):
    answer, calls = evolving.Reflects.answer, []

    async def dying(self, request):
        calls.append(request)
        if len(calls) > 4:
            raise AuthenticationFailed("401 unauthorized")
        return await answer(self, request)

    with monkeypatch.context() as patched:
        patched.setattr(evolving.Reflects, "answer", dying)
        with pytest.raises(OptimizerFailed, match="401 unauthorized"):
            evolving.evolved(tmp_path, rounds=20)
    result = evolving.evolved(tmp_path, resume=evolving.the_run(tmp_path))
    again = evolving.found(tmp_path, result)
    paths = [path for path, *_ in evolving.differences(again, whole)]
    assert [path for path in paths if not path.startswith("/0/spent/calls")] == []


def test_rejected_ideas_are_shown_to_the_next_reflection_with_their_reason_also_after_a_resume(tmp_path, monkeypatch):
    """What the optimizer is shown in the last round is the same whether the run was broken off before it or not."""
    shown = {}
    answer = evolving.Reflects.answer

    def spying(name, until=None):
        async def spy(self, request):
            text = str(request.messages[-1]["content"])
            shown.setdefault(name, []).append(text)
            if until is not None and len(shown[name]) == until:
                raise KeyboardInterrupt
            return await answer(self, request)

        return spy

    for name in ("whole", "broken"):
        (tmp_path / name).mkdir()
    monkeypatch.setattr(evolving.Reflects, "answer", spying("whole"))
    evolving.evolved(tmp_path / "whole", rounds=6, seed=0)
    total = len(shown["whole"])
    monkeypatch.setattr(evolving.Reflects, "answer", spying("broken", until=total))
    with pytest.raises(KeyboardInterrupt):
        evolving.evolved(tmp_path / "broken", rounds=6, seed=0)
    monkeypatch.setattr(evolving.Reflects, "answer", spying("resumed"))
    evolving.evolved(tmp_path / "broken", rounds=6, seed=0, resume=evolving.the_run(tmp_path / "broken"))
    assert shown["resumed"] == shown["whole"][-1:]
    told = json.dumps(shown["whole"][-1])
    assert "no better on train" in told


# Budget


@pytest.mark.parametrize("limit", ["tokens=45000", "money=0.1"])
def test_calls_wait_for_what_others_have_set_aside_and_do_not_need(tmp_path, limit):
    """Sixteen answers of any length are more than the budget at once, and one after the other they are not."""
    found = []
    for workers in (1, 16):
        folder = tmp_path / str(workers)
        folder.mkdir()
        options = {"model": evolving.Counted(file=str(folder / "used")), "agent": evolving.Asks(most=None)}
        result = evolving.evolved(folder, f"budget.{limit}", workers=workers, **options)
        found.append((result["stopped"], result["digests"], result["spent"] | {"seconds": 0}))
    assert found[0] == found[1]
    assert found[0][0] == "all rounds done"


# Ctrl-C

APP = """
import asyncio
async def run(task, *, weights=[0.0, 0.0]):
    await asyncio.sleep(0.005)
    return "yes" if weights[0] > float(task) / 60 else "no"
"""
COMMAND = [
    *(sys.executable, "-m", "autogenesis_core.cli", "+agent=callable", "agent.path=app.py:run", "+benchmark=dataset"),
    *("benchmark.path=questions.jsonl", "+optimizer=evolution_strategy", "workers=2", "seed=1", "--json"),
    *(
        "splits.train=6",
        "splits.val=10",
        "splits.test=4",
        "rounds=1",
        "optimizer.generations=5",
        "optimizer.episodes=4",
    ),
]


def made(folder):
    """A folder with an agent and questions of somebody's own."""
    folder.mkdir(exist_ok=True)
    folder.joinpath("app.py").write_text(APP)
    lines = (json.dumps({"question": str(number), "answer": "yes"}) for number in range(60))
    folder.joinpath("questions.jsonl").write_text("\n".join(lines))
    return folder


def interrupted(folder, seen):
    """The exit code and stderr of a command line that is interrupted as soon as its journal has `seen` in it."""
    process = subprocess.Popen(COMMAND, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    while process.poll() is None:
        journal = next(folder.glob("workdir/runs/*/journal.jsonl"), None)
        if journal and seen in journal.read_text():
            process.send_signal(signal.SIGINT)
            break
        time.sleep(0.001)
    return process.communicate()[1], process.returncode


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    folder = made(tmp_path_factory.mktemp("whole"))
    return json.loads(subprocess.run(COMMAND, cwd=folder, capture_output=True, text=True, check=True).stdout)


SEEN = {"in an assessment": '["grant"', **({"at its beginning": '"session"'} if evolving.FULL else {})}


@pytest.mark.parametrize("seen", SEEN.values(), ids=SEEN)
def test_ctrl_c_is_told_in_one_line_and_resume_goes_on(tmp_path, seen, undisturbed):
    said, code = interrupted(made(tmp_path), seen)
    run = evolving.the_run(tmp_path)
    assert code == 130, said
    assert said.splitlines() == [
        f"autogenesis: interrupted; what was committed stays; to go on: autogenesis resume {run}"
    ]
    assert result_of(tmp_path)["failed"] == "interrupted"
    command = [*COMMAND[:3], "resume", run, "--json"]
    again = json.loads(subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True).stdout)
    for key in ("digests", "heads", "commits"):
        assert again[key] == undisturbed[key]
    assert len(again["commits"]) >= 1
    assert [(entry["round"], entry["reason"]) for entry in again["rounds"]] == [
        (entry["round"], entry["reason"]) for entry in undisturbed["rounds"]
    ]
    replay = subprocess.run([*COMMAND[:3], "replay", run], cwd=tmp_path, capture_output=True, text=True)
    assert (replay.returncode, "with no call: the same" in replay.stdout) == (0, True), replay.stderr
