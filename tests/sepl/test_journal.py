from contextlib import suppress

from attrs import frozen

from autogenesis_core import Vote, hookimpl
from autogenesis_core.rspl.store import Store


def test_every_result_is_in_the_journal_on_arrival(run, composition):
    ran = run(composition([5]))
    results = [body for event, body in ran.journal if event == "result"]
    assert len(results) == 40
    first = next(body for body in results if body["example"] == "val-3")
    assert (first["split"], first["score"], set(first)) == (
        "val", 0.0, {"system", "split", "example", "digest", "score"},
    )  # fmt: skip
    assert len({(body["system"], body["example"]) for body in results}) == 40


def journal_now(folder) -> list:
    """What another program reads in the only run's journal."""
    run_id = next((folder / "workdir" / "runs").iterdir()).name
    with Store.open(folder / "workdir" / "autogenesis.db") as other:
        return other.read_journal(run_id)


def test_a_decision_is_written_before_it_acts(run, composition, skilled, tmp_path):
    """The candidate stands in the journal when its first rollout begins."""
    seen = {}

    @frozen
    class Looks(skilled):
        async def run(self, task, context):
            if self.skill not in seen:
                decided = [body["round"] for event, body in journal_now(tmp_path) if event == "candidate"]
                seen[self.skill] = decided
            return await skilled.run(self, task, context)

    run(composition([5, 8], agent=Looks()))
    assert seen == {3: [], 5: [1], 8: [1, 2]}


def test_the_results_that_a_gate_votes_on_are_written_before_it_votes(run, composition, tmp_path):
    seen = []

    class Looks:
        @hookimpl
        async def sepl_gate(self, candidate):
            journal = journal_now(tmp_path)
            decided = [body["id"] for event, body in journal if event == "candidate"]
            scored = [body for event, body in journal if event == "result" and body["split"] == "val"]
            seen.append((decided[-1] == candidate.id, len(scored)))
            return Vote("looks", "commit", "fine")

    run(composition([5, 8], gate=Looks()))
    assert seen == [(True, 20), (True, 30)]


def test_what_arrived_before_an_error_is_kept(run, composition, tmp_path):
    class Broken:
        @hookimpl
        async def sepl_gate(self):
            raise ZeroDivisionError

    with suppress(RuntimeError):
        run(composition([5], gate=Broken()))
    run_id = next((tmp_path / "workdir" / "runs").iterdir()).name
    with Store.open(tmp_path / "workdir" / "autogenesis.db") as store:
        assert len([event for event, _ in store.read_journal(run_id) if event == "result"]) == 30


def test_runs_do_not_share_a_journal(run, composition):
    first, second = run(composition([5])), run(composition([8]))
    assert first.result["run"] != second.result["run"]
    assert [body["round"] for event, body in second.journal if event == "candidate"] == [1]
