"""A replay decides everything again from what a run recorded: with no call, writing nothing, to the same head."""

import importlib.util
import json
import sys
from pathlib import Path

import pytest
from attrs import frozen

from autogenesis_core import InputError, StoreError

PROGRAM = Path(__file__).with_name("evolving.py")
SPEC = importlib.util.spec_from_file_location("evolving", PROGRAM)
evolving = sys.modules.setdefault("evolving", importlib.util.module_from_spec(SPEC))
SPEC.loader.exec_module(evolving)

OPTIONS = {"width 1": {}, "width 3": {"width": 3, "workers": 4, "seed": 4}}


@pytest.fixture
def evolved(tmp_path):
    """The folder of an evolution that ended, and its result."""
    return tmp_path, evolving.evolved(tmp_path)


@pytest.fixture
def mute(monkeypatch):
    """From when it is called, agents and models fail the test."""

    async def called(*_):
        raise AssertionError("a replay calls nobody")

    def silence():
        monkeypatch.setattr(evolving.Obeys, "run", called)
        monkeypatch.setattr(evolving.Reflects, "answer", called)

    return silence


def files(folder):
    """The bytes of every file of a store and its runs."""
    return {path: path.read_bytes() for path in Path(folder, "workdir").rglob("*") if path.is_file()}


def journal_of(folder):
    return next(Path(folder).glob("workdir/runs/*/journal.jsonl"))


@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS)
def test_a_replay_calls_nobody_writes_nothing_and_comes_to_the_same(tmp_path, mute, options):
    result = evolving.evolved(tmp_path, **options)
    assert len(result["commits"]) >= 1
    before = files(tmp_path)
    mute()
    again = evolving.evolved(tmp_path, resume=result["run"], replay=True, **options)
    assert list(evolving.differences(evolving.found(tmp_path, again), evolving.found(tmp_path, result))) == []
    assert files(tmp_path) == before


def test_a_run_whose_budget_was_spent_is_replayed_to_where_it_ended(tmp_path, mute):
    result = evolving.evolved(tmp_path, "budget.rollouts=130", rounds=9, width=3, workers=4)
    assert result["stopped"] == "budget.rollouts is spent: 130"
    before = files(tmp_path)
    mute()
    again = evolving.evolved(
        tmp_path, "budget.rollouts=130", rounds=9, width=3, workers=4, resume=result["run"], replay=True
    )
    assert (again["digests"], again["stopped"], len(again["rounds"])) == (
        result["digests"], result["stopped"], len(result["rounds"]),
    )  # fmt: skip
    assert files(tmp_path) == before


@pytest.mark.parametrize("left", [0.2, 0.5, 0.9])
def test_a_run_that_was_broken_off_is_replayed_as_far_as_it_came(evolved, mute, left):
    folder, result = evolved
    (folder / "workdir/runs" / result["run"] / "result.json").unlink()
    lines = journal_of(folder).read_bytes().splitlines(keepends=True)
    journal_of(folder).write_bytes(b"".join(lines[: int(left * len(lines))]))
    before = files(folder)
    mute()
    again = evolving.evolved(folder, resume=result["run"], replay=True)
    assert again["stopped"] == "the journal ends here: the run was broken off"
    verdicts = [(entry["round"], entry["reason"]) for entry in result["rounds"]]
    came = [(entry["round"], entry["reason"]) for entry in again["rounds"]][:-1]  # the last had not ended
    assert came == verdicts[: len(came)]
    assert files(folder) == before


def test_another_scorer_is_told(evolved):
    folder, result = evolved

    @frozen(slots=False)
    class Other(evolving.Rules):
        def score(self, example, outcome):
            return evolving.Score(1.0)

    for replay in (True, False):
        with pytest.raises(InputError, match="the scorer is not the one that run"):
            evolving.evolved(folder, resume=result["run"], replay=replay, benchmark=Other())


def test_other_examples_are_told(evolved, monkeypatch):
    folder, result = evolved
    monkeypatch.setattr(evolving.Rules, "examples", lambda self, *_: evolving.Rules.questions(self, 3))
    with pytest.raises(InputError, match="the examples are not those that run"):
        evolving.evolved(folder, resume=result["run"], replay=True)


def test_an_optimizer_whose_code_changed_is_told(evolved, monkeypatch):
    from autogenesis_optimizer_reflection import reply

    folder, result = evolved
    before = files(folder)
    read = reply.read_edits

    def changed(*arguments):
        edits, problems = read(*arguments)
        return [evolving.spoiled(edit) for edit in edits], problems

    monkeypatch.setattr("autogenesis_optimizer_reflection.optimizer.read_edits", changed)
    for replay in (True, False):
        with pytest.raises(InputError, match="and now it would|does not repeat"):
            evolving.evolved(folder, resume=result["run"], replay=replay)
        assert replay is False or files(folder) == before


@pytest.mark.parametrize("place", [0.0, 0.3, 1.0])
def test_a_damaged_line_is_told(evolved, place):
    folder, result = evolved
    lines = journal_of(folder).read_bytes().splitlines(keepends=True)
    number = int(place * (len(lines) - 1))
    lines[number] = lines[number].replace(b'"', b"'", 1)
    journal_of(folder).write_bytes(b"".join(lines))
    before = files(folder)
    with pytest.raises(StoreError, match=f"line {number + 1}, is damaged"):
        evolving.evolved(folder, resume=result["run"], replay=True)
    assert files(folder) == before


def test_a_journal_that_gc_removed_is_told(evolved):
    folder, result = evolved
    journal_of(folder).unlink()
    for replay in (True, False):
        with pytest.raises(InputError, match=f"the run {result['run']} has no journal"):
            evolving.evolved(folder, resume=result["run"], replay=replay)
    assert (
        json.loads((folder / "workdir/runs" / result["run"] / "result.json").read_text())["digests"]
        == result["digests"]
    )
