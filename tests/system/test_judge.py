"""A model as judge over real HTTP: what it says is the score, and what it costs is counted apart."""

import asyncio
import json
import os
import re

import pytest

os.environ.setdefault("LITELLM_LOCAL_MODEL_COST_MAP", "True")  # before the import: else it goes to the network
pytest.importorskip("litellm")

from autogenesis_core import FunctionAgent, Runtime
from autogenesis_core.services.model import Usage
from autogenesis_core.testing.openai_server import OpenAIServer, Reply

pytestmark = [  # of litellm's own imports
    pytest.mark.filterwarnings("ignore:.*`ReadOnly` qualifier"),
    pytest.mark.filterwarnings("ignore:.*Accessing the.*attribute on the instance is deprecated"),
]
ASKED = re.compile(r"The (\w+):\n(=== \w+ ===)\n(.*?)\n\2", re.DOTALL)


def judge(body):
    found = {name: text for name, _, text in ASKED.findall(body["messages"][0]["content"])}
    if found["answer"] == "odd":
        return Reply("I would say that it is right.", usage=Usage(50, 10))
    agrees = found["answer"].endswith(found["reference"])
    return Reply(json.dumps({"reason": "so it reads", "agrees": agrees}), usage=Usage(50, 10))


@pytest.mark.parametrize(
    ("answer", "mean", "coverage"), [(lambda task: f"It is {task}", 1.0, 1.0), (lambda task: "no", 0.0, 1.0), (lambda task: "odd", None, 0.0)]
)  # fmt: skip
def test_a_judge_over_http(tmp_path, monkeypatch, answer, mean, coverage):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("OPENAI_API_KEY", "a-test's")
    rows = [json.dumps({"question": str(n), "answer": str(n)}) for n in range(4)]
    (tmp_path / "numbers.jsonl").write_text("\n".join(rows), encoding="utf-8")

    async def measure(url):
        made = Runtime.compose(
            "+benchmark=dataset", "benchmark.path=numbers.jsonl", "benchmark.scorer=judge", "+model=litellm",
            "model.name=openai/judge", f"model.api_base={url}", "model.input_price=1", "model.output_price=2",
            "splits.train=0", "splits.val=0", "splits.test=4", agent=FunctionAgent(answer),
        )  # fmt: skip
        async with made as ag:
            return await ag.measure()

    with OpenAIServer(judge) as server:
        result = asyncio.run(measure(server.url))
        asked = [received.body for received in server.requests]
    score, took = result["scores"]["test"], result["objectives"]["test"]
    assert (score["mean"], score["coverage"]) == (mean, coverage), result.get("failures")
    assert len(asked) == result["spent"]["calls"] == (4 if mean is None else 8)
    assert (took["tokens"], took["money"]) == (0, 0)
    assert took["judge_tokens"] == 60 * len(asked) / 4
    assert took["judge_money"] * 4 == pytest.approx(result["spent"]["money"]) == pytest.approx(70e-6 * len(asked))
