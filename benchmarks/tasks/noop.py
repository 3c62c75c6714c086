"""The A/A task: every proposal changes the prompt and none its score, so that each commit is a mistake."""

import json
import random
from typing import Any, ClassVar

from attrs import define, field, frozen

from autogenesis_core import Agent, Answer, Model, ModelAnswer, ModelRequest, Price, variable

RATE = 0.6  # the share of examples that is passed, whatever the prompt says


def questions(count: int, spread: float = 0.0) -> list[str]:
    """The chances of passing them: RATE, or alternately more and less than that by `spread`."""
    return [f"{RATE + (spread if i % 2 else -spread):.2f}" for i in range(count)]


@frozen
class Lucky(Agent):
    """Passes by luck alone: a function of prompt and question and, unless `world` names a fixed one, of the seed."""

    uses_model: ClassVar[bool] = False

    prompt: str = variable(default="Answer the question.")
    world: str = field(default="", metadata={"parameter": False})

    async def run(self, task: str, context: Any) -> Answer:
        """1 with the chance that the question names, else 0."""
        luck = random.Random(f"{self.world or context.seed} {self.prompt} {task}").random()
        return Answer("", {"score": float(luck < float(task.rpartition(" ")[2])), "feedback": "-"})


@define(eq=False)
class Renamer(Model):
    """A simulated reflection model whose edits say nothing, and which expects them to mend whatever failed."""

    simulated: ClassVar[bool] = True

    @property
    def id(self) -> str:
        """What the figures call it."""
        return "simulated/renamer"

    async def price(self) -> Price:
        """Nothing."""
        return Price(0.0, 0.0)

    async def answer(self, request: ModelRequest) -> ModelAnswer:
        """A hypothesis, or a line more."""
        text = str(request.messages[-1]["content"])
        block = json.loads(text[text.index("```json") + 7 : text.rindex("```")])
        name = block["variables"][0]["id"]
        if "rollouts" in block:
            failing = [rollout["example"] for rollout in block["rollouts"] if rollout["score"] < 1]
            found: dict[str, Any] = {"hypotheses": [{"text": "bad luck", "variables": [name], "examples": failing}]}
        else:
            edit = {"variable": name, "value": None, "reason": "another one may do better", "hypotheses": [0]}
            patch = {"op": "add", "span": "", "text": f"This is variant {request.seed}."}
            found = {"edits": [{**edit, "patches": [patch], "expects": block["hypotheses"][0]["examples"]}]}
        return ModelAnswer(json.dumps(found))
