from contextlib import suppress

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


def test_a_decision_is_written_before_it_acts(run, composition, tmp_path):
    """The candidate stands in the journal when it is assessed, its results when the gate votes."""
    seen = []

    class Looks:
        @hookimpl
        async def sepl_gate(self, candidate):
            with Store.open(tmp_path / "workdir" / "autogenesis.db") as other:
                run_id = next((tmp_path / "workdir" / "runs").iterdir()).name
                journal = other.read_journal(run_id)
            decided = [body for event, body in journal if event == "candidate"]
            scored = [body for event, body in journal if event == "result" and body["split"] == "val"]
            seen.append((decided[-1]["id"] == candidate.id, decided[-1]["round"], len(scored)))
            return Vote("looks", "commit", "fine")

    run(composition([5, 8], gate=Looks()))
    assert seen == [(True, 1, 20), (True, 2, 30)]


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
