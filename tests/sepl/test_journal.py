import json
import os
from contextlib import suppress
from unittest.mock import patch

import pytest
from attrs import frozen

from autogenesis_core import InputError, StoreError, Vote, hookimpl
from autogenesis_core.sepl.budget import Budget
from autogenesis_core.sepl.journal import NAME, Journal
from autogenesis_core.sepl.usage import remember_used
from autogenesis_core.settings import BudgetLimits


def test_every_result_is_in_the_journal_on_arrival(run, composition):
    """Of a round on train and val and of test, for two systems each."""
    ran = run(composition([5]))
    results = [body for event, body in ran.journal if event == "rollout"]
    assert len(results) == 60
    first = next(body for body in results if body["example"] == "val-3")
    assert (first["split"], first["score"], set(first)) == ("val", 0.0, {"split", "example", "score", "seconds"})


def journal_now(folder) -> list:
    """What another program reads in the only run's journal."""
    run = next((folder / "workdir" / "runs").iterdir())
    return [json.loads(line.partition(" ")[2])[:3] for line in (run / NAME).read_text().splitlines()]


def test_a_decision_is_written_before_it_acts(run, composition, skilled, tmp_path):
    """The candidate stands in the journal when it is first asked for a held-out example."""
    seen = {}

    @frozen
    class Looks(skilled):
        async def run(self, task, context):
            if task.startswith("10") and self.skill not in seen:
                decided = [body["round"] for event, _, body in journal_now(tmp_path) if event == "assess"]
                seen[self.skill] = decided
            return await skilled.run(self, task, context)

    run(composition([5, 8], agent=Looks()))
    assert seen == {3: [1], 5: [1], 8: [1, 2]}


def test_the_results_that_a_gate_votes_on_are_written_before_it_votes(run, composition, tmp_path):
    seen = []

    class Looks:
        @hookimpl
        async def sepl_gate(self, candidate):
            journal = journal_now(tmp_path)
            decided = [body["candidate"] for event, _, body in journal if event == "assess"]
            scored = [body for event, _, body in journal if event == "rollout" and body["split"] == "val"]
            seen.append((decided[-1] == candidate.id, len(scored)))
            return Vote("looks", "commit", "fine")

    run(composition([5, 8], gate=Looks()))
    assert seen == [(True, 20), (True, 40)]


def test_what_arrived_before_an_error_is_kept(run, composition, tmp_path):
    class Broken:
        @hookimpl
        async def sepl_gate(self):
            raise ZeroDivisionError

    with suppress(RuntimeError):
        run(composition([5], gate=Broken()))
    assert len([event for event, _, _ in journal_now(tmp_path) if event == "rollout"]) == 40


def test_runs_do_not_share_a_journal(run, composition):
    first, second = run(composition([5])), run(composition([8]))
    assert first.result["run"] != second.result["run"]
    assert [body["round"] for event, body in second.journal if event == "assess"] == [1]


def reopened(path, **options) -> Journal:
    journal = Journal.open(path, **options)
    journal.close()
    return journal


def test_what_was_written_is_known_when_it_is_opened_again(tmp_path):
    path = tmp_path / NAME
    journal = Journal.open(path)
    journal.keep("rollout", "a", {"score": 1.0, "text": "\ud800 \u2028 é"})
    journal.decide("round", "1", {"tip": "x"})
    assert journal.once("heads", "", lambda: {"n": 1}) == {"n": 1}
    journal.close()
    again = Journal.open(path)
    assert again.recall("rollout", "a") == {"score": 1.0, "text": "\ud800 \u2028 é"}
    assert again.once("heads", "", lambda: {"n": 2}) == {"n": 1}
    again.decide("round", "1", {"tip": "x"})
    with pytest.raises(InputError, match="does not repeat: its round 1 was decided otherwise"):
        again.decide("round", "1", {"tip": "y"})
    again.close()
    assert path.read_text().count("\n") == 3


@pytest.mark.parametrize("cut", range(1, 20))
def test_a_line_that_was_cut_off_is_dropped_and_written_anew(tmp_path, cut):
    path = tmp_path / NAME
    journal = Journal.open(path)
    for key in "ab":
        journal.keep("rollout", key, {"score": 1.0})
    journal.close()
    path.write_bytes(path.read_bytes()[:-cut])
    again = Journal.open(path)
    assert [key for key, _ in again.all("rollout")] == ["a"]
    again.keep("rollout", "b", {"score": 1.0})
    again.close()
    assert [key for key, _ in reopened(path).all("rollout")] == ["a", "b"]


def test_a_line_that_was_changed_is_damage_and_no_run_goes_on_from_it(tmp_path):
    path = tmp_path / NAME
    journal = Journal.open(path)
    for key in "ab":
        journal.keep("rollout", key, {"score": 0.0})
    journal.close()
    path.write_text(path.read_text().replace("0.0", "1.0", 1))
    with pytest.raises(StoreError, match="line 1, is damaged"):
        Journal.open(path)


def test_only_one_writes_a_journal_at_a_time_and_a_replay_writes_nothing(tmp_path):
    path = tmp_path / "some-run" / NAME
    path.parent.mkdir()
    journal = Journal.open(path)
    journal.keep("rollout", "a", {})
    with pytest.raises(InputError, match="some-run is going on in another process"):
        Journal.open(path)
    replay = Journal.open(path, replay=True)
    assert replay.recall("rollout", "a") == {}
    with pytest.raises(InputError, match="made no rollout b, and now it would"):
        replay.keep("rollout", "b", {})
    journal.close()
    assert path.read_text().count("\n") == 1


def test_how_long_a_run_took_is_what_its_journal_says_and_not_the_age_of_a_copy(tmp_path):
    path = tmp_path / NAME
    with patch("autogenesis_core.sepl.journal.time.time", side_effect=[1000.0, 1016.25]):
        journal = Journal.open(path)
        journal.keep("session", "0", {"time": 1000.0, "before": 4.0})
        journal.keep("rollout", "a", {})
        journal.close()
    os.utime(path, (9e8, 9e8 + 1e6))
    budget = Budget(BudgetLimits(seconds=60))
    began = budget.start
    remember_used(reopened(path, replay=True), budget)
    assert began - budget.start == pytest.approx(20.25)


def test_what_is_forgotten_stays_forgotten(tmp_path):
    path = tmp_path / NAME
    journal = Journal.open(path)
    for key in ("1 0 1", "1 1 1", "10 0 1", "2 0 1"):
        journal.keep("answer", key, key)
    journal.close()
    again = Journal.open(path)
    again.forget("answer", "1")
    again.close()
    assert [key for key, _ in reopened(path).all("answer")] == ["10 0 1", "2 0 1"]
