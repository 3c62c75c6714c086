"""What a scorer says of a failure reaches the optimizer's model, of train alone."""

import asyncio
import json

import pytest

from autogenesis_core import Runtime
from autogenesis_core.testing import FunctionModel

SCORER = """
async def score(answer, target, question):
    return 0.0, f"Remark on {question}: it must be said in Latin."
"""
NOTHING = json.dumps({"hypotheses": []})


@pytest.fixture
def requests(tmp_path, monkeypatch):
    """What the optimizer's model is asked in one round on a data set with a scorer that has a lot to say."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "scorer.py").write_text(SCORER, encoding="utf-8")
    rows = [json.dumps({"question": f"question {n:02}", "answer": "x"}) for n in range(30)]
    (tmp_path / "data.jsonl").write_text("\n".join(rows), encoding="utf-8")
    model = FunctionModel(lambda request: NOTHING if "Remark on" in str(request.messages) else "an answer")

    async def evolve():
        made = Runtime.compose(
            "+agent=tool_calling", "+optimizer=reflection", "+benchmark=dataset", "benchmark.path=data.jsonl",
            "benchmark.scorer=scorer.py:score", "rounds=1", "splits.train=10", "splits.val=10", "splits.test=10", model=model,
        )  # fmt: skip
        async with made as ag:
            await ag.evolve()
        return made.composition.benchmark.examples({"train": 10, "val": 10, "test": 10}, 0)

    examples = asyncio.run(evolve())
    asked = [str(request.messages) for request in model.requests if "Remark on" in str(request.messages)]
    return asked, {split: [example.input for example in found] for split, found in examples.items()}


def test_feedback_on_train_reaches_reflection_and_no_other_does(requests):
    asked, examples = requests
    assert asked
    text = "\n".join(asked)
    assert [question for question in examples["train"] if f"Remark on {question}: it must be said in Latin." in text]
    held_out = [*examples["val"], *examples["test"]]
    assert [question for question in held_out if question in text] == []
