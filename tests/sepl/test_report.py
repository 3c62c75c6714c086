import asyncio
import json

import pytest
from attrs import frozen

from autogenesis_core import interval


def strict(text: str):
    def refuse(name):
        raise AssertionError(f"{name} is no JSON")

    return json.loads(text, parse_constant=refuse)


def plain(result) -> dict:
    """A result without its times."""
    spent = {key: value for key, value in result["spent"].items() if key != "seconds"}
    return {**result, "spent": spent, "objectives": None}


@pytest.fixture
def naps(skilled):
    """The agent, with a nap of another length each time."""
    import random

    draw = random.Random()

    @frozen
    class Naps(skilled):
        async def run(self, task, context):
            await asyncio.sleep(draw.random() * 0.01)
            return await skilled.run(self, task, context)

    return Naps


def test_the_same_seed_gives_the_same_result(run, composition, tmp_path):
    found = [run(composition([5, 2, 8], seed=7, folder=tmp_path / name)).result for name in "ab"]
    assert plain(found[0]) == plain(found[1])


def test_the_same_seed_gives_the_same_result_with_any_number_of_workers(run, composition, tmp_path, naps):
    found = [
        run(composition([5, 2, 8], agent=naps(), workers=workers, folder=tmp_path / str(workers))).result
        for workers in (1, 16)
    ]
    assert plain(found[0]) == plain(found[1])


def test_another_seed_draws_another_minibatch(run, composition, tmp_path):
    seen = {}

    for seed in (1, 2):

        class Looks:
            rounds = 1
            batch = 4

        from autogenesis_core import hookimpl

        async def sepl_reflect(self, context):
            seen[context.seed] = [trace.example.id for trace in await context.traces()]
            return []

        Looks.sepl_reflect = hookimpl(sepl_reflect)
        run(composition(optimizer=Looks(), seed=seed, folder=tmp_path / str(seed)))
    assert seen[1] != seen[2]


def test_the_result_says_what_was_composed(run, composition):
    result = run(composition([5], seed=3)).result
    assert {key: result[key] for key in ("verb", "branch", "seed", "model", "simulated_model", "agent", "optimizer")} == {
        "verb": "evolve", "branch": "main", "seed": 3, "model": None, "simulated_model": False, "agent": "skilled",
        "optimizer": "proposes",
    }  # fmt: skip
    assert result["examples"] == {"train": 10, "val": 10, "test": 10}


def test_the_result_has_scores_before_and_after_with_intervals(run, composition):
    scores = run(composition([5, 8])).result["scores"]
    assert set(scores) >= {"val", "test"}
    for split in ("val", "test"):
        before, after, change = (scores[split][key] for key in ("before", "after", "change"))
        assert (before["mean"], after["mean"], before["n"], after["coverage"]) == (0.3, 0.8, 10, 1.0)
        assert before["interval"] == pytest.approx(list(interval([1.0] * 3 + [0.0] * 7)))
        assert (change["delta"], change["n"]) == (pytest.approx(0.5), 10)
        assert change["p"] == pytest.approx(1 / 2**5)


def test_the_result_has_scores_on_every_split(run, composition):
    assert set(run(composition([5])).result["scores"]) == {"val", "test"}


def test_every_round_has_its_verdict_with_its_votes_and_what_became_of_its_proposals(run, composition):
    rounds = run(composition([5, 2])).result["rounds"]
    assert [(entry["round"], entry["decision"]) for entry in rounds] == [(1, "commit"), (2, "reject")]
    assert [vote["gate"] for entry in rounds for vote in entry["votes"]] == ["better"]
    assert [made["state"] for entry in rounds for made in entry["proposed"]] == ["kept", "rejected"]
    assert rounds[0]["hypotheses"] == ["too little skill"]
    assert rounds[0]["edits"][0]["variable"] == "agent/skilled#skill"
    assert (rounds[0]["commit"] is not None, rounds[1]["commit"]) == (True, None)
    assert (rounds[0]["looks"]["n"], rounds[1]["looks"]) == (10, None)


def test_what_was_spent_is_said(run, composition):
    spent = run(composition([5])).result["spent"]
    assert {key: spent[key] for key in ("calls", "input_tokens", "output_tokens", "money")} == {
        "calls": 0, "input_tokens": 0, "output_tokens": 0, "money": 0.0,
    }  # fmt: skip
    assert spent["seconds"] >= 0


def test_the_result_is_strict_json(run, composition, tmp_path, digits):
    result = run(composition([5])).result
    assert strict((tmp_path / "workdir" / "runs" / result["run"] / "result.json").read_text()) == strict(
        json.dumps(result)
    )


def test_an_answer_with_odd_characters_leaves_whole_files(run, composition, skilled, tmp_path):
    @frozen
    class Odd(skilled):
        async def run(self, task, context):
            return "\ud800 \u2028 \x00 é"

    ran = run(composition([5], agent=Odd()))
    assert ran.result["scores"]["test"]["before"]["mean"] == 0.0


def test_heads_that_were_evolved_with_another_model_are_noted(run, composition, tmp_path):
    from autogenesis_core.testing import FunctionModel

    run(composition([5], model=FunctionModel(lambda _: "x"), branch="main"))
    notes = run(composition([8])).notes
    assert [note for note in notes if "test" in note and "evolved with" in note]


def test_a_simulated_model_is_said_to_be_one_and_commits_on_demo(run, composition):
    from autogenesis_core.testing import FunctionModel

    result = run(composition([5], model=FunctionModel(lambda _: "x"))).result
    assert (result["simulated_model"], result["branch"], result["model"]) == (True, "demo", "test")
