"""The rule-following task of the peers' benchmarks, for our own loop: the same examples, feedback and proposals.

There are hidden rules R000, R001, …; an example is solved exactly when the prompt names its rule, and the feedback
names the rule that is missing. The stand-in for the reflection model adds one missing rule a proposal, through the real
`reflection` optimizer. Everything is simulated and deterministic: noise is a function of seed, prompt and example, so
two prompts never share their luck.
"""

import asyncio
import json
import random
import re
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

from attrs import define, field, frozen

from autogenesis_core import (
    Agent,
    Answer,
    Benchmark,
    Model,
    ModelAnswer,
    ModelRequest,
    Price,
    Question,
    Score,
    variable,
)

SEED_PROMPT = "Answer the question."
RULE = re.compile(r"R\d+")
Task = Callable[[str, str], tuple[float, str]]  # prompt and needed rule to score and feedback


def additive(prompt: str, rule: str) -> tuple[float, str]:
    """Solved when the prompt names the rule."""
    return (1.0, "correct") if rule in prompt else (0.0, f"wrong. MISSING: {rule}")


def rules(n: int, count: int, stride: int = 1) -> list[str]:
    """The rule that each of `n` examples needs."""
    width = 3 if count <= 1000 else 4  # so that no name is the beginning of another
    return [f"R{(i * stride) % count:0{width}d}" for i in range(n)]


@define
class Clock:
    """Seconds and calls of user code, so that the rest is the framework's."""

    user: float = 0.0
    calls: int = 0


@frozen
class RuleAgent(Agent):
    """Answers by its prompt, and by luck where scores are flipped."""

    uses_model: ClassVar[bool] = False

    prompt: str = variable(default=SEED_PROMPT)
    task: Task = field(default=additive, metadata={"parameter": False})
    flip: float = field(default=0.0, metadata={"parameter": False})
    delay: float = field(default=0.0, metadata={"parameter": False})
    clock: Clock = field(factory=Clock, metadata={"parameter": False})
    log: str = field(default="", metadata={"parameter": False})  # a file that gets a line a call

    async def run(self, task: str, context: Any) -> Answer:
        """The score and the feedback that the task's checker gives, as data."""
        if self.delay:
            await asyncio.sleep(self.delay)
        start = time.perf_counter()
        score, feedback = self.task(self.prompt, task.rpartition(" ")[2])
        if self.flip and random.Random(f"{context.seed} {self.prompt} {task}").random() < self.flip:
            score = 1.0 - score
        self.clock.calls += 1
        self.clock.user += time.perf_counter() - start
        if self.log:
            with open(self.log, "a", encoding="utf-8") as file:  # noqa: ASYNC230  # a line, which nobody waits for
                file.write("x\n")
        return Answer("", {"score": score, "feedback": feedback})


@frozen(slots=False)
class Rules(Benchmark):
    """Examples that need a rule each: `train`, `val` and `test` list them."""

    train: Sequence[str]
    val: Sequence[str]
    test: Sequence[str] = ()

    def examples(self, sizes: Mapping[Any, int], seed: int) -> Mapping[Any, Sequence[Question]]:
        """All of them; the question ends with the rule, which only the checker reads."""
        return {
            split: [
                Question(f"{split}-{i}", f"{split} question {i}: {rule}") for i, rule in enumerate(getattr(self, split))
            ]
            for split in ("train", "val", "test")
        }

    def score(self, example: Question, outcome: Any) -> Score:
        """What the checker said."""
        return Score(outcome.data["score"], outcome.data["feedback"])


@define(eq=False)
class Reflector(Model):
    """A simulated reflection model: adds one missing rule, or spoils one that is there."""

    simulated: ClassVar[bool] = True

    spoil: float = 0.0
    delay: float = 0.0
    clock: Clock = field(factory=Clock, metadata={"parameter": False})

    @property
    def id(self) -> str:
        """What the figures call it."""
        return "simulated/reflector"

    async def price(self) -> Price:
        """Nothing."""
        return Price(0.0, 0.0)

    async def answer(self, request: ModelRequest) -> ModelAnswer:
        """Hypotheses, or the edit that follows from them."""
        if self.delay:
            await asyncio.sleep(self.delay)
        start = time.perf_counter()
        text = str(request.messages[-1]["content"])
        block = json.loads(text[text.index("```json") + 7 : text.rindex("```")])
        prompt = block["variables"][0]
        rng = random.Random(request.seed)
        found = self._hypotheses(block, prompt) if "rollouts" in block else self._edits(block, prompt, rng)
        self.clock.user += time.perf_counter() - start
        return ModelAnswer(json.dumps(found))

    def _hypotheses(self, block: Mapping[str, Any], prompt: Mapping[str, Any]) -> dict[str, Any]:
        missing: dict[str, list[str]] = {}
        for rollout in block["rollouts"]:
            for rule in re.findall(r"MISSING: (R\d+)", rollout["feedback"]):
                if rule not in prompt["value"]:
                    missing.setdefault(rule, []).append(rollout["example"])
        if not missing:
            failing = [r["example"] for r in block["rollouts"] if (r["score"] or 0) < 1]
            return {"hypotheses": [{"text": "no rule is missing", "variables": [], "examples": failing}]}
        rule, examples = next(iter(missing.items()))
        return {"hypotheses": [{"text": f"{rule} is missing", "variables": [prompt["id"]], "examples": examples}]}

    def _edits(self, block: Mapping[str, Any], prompt: Mapping[str, Any], rng: random.Random) -> dict[str, Any]:
        hypothesis = block["hypotheses"][0]
        known = RULE.findall(prompt["value"])
        missing = RULE.findall(hypothesis["text"])
        if known and rng.random() < self.spoil:
            patch = {"op": "replace", "span": f"Always obey {rng.choice(known)}.", "text": "Always obey nothing."}
            if prompt["value"].count(patch["span"]) != 1:
                return {"edits": []}
        elif missing:
            patch = {"op": "add", "span": "", "text": f"Always obey {missing[0]}."}
        else:
            return {"edits": []}
        edit = {"variable": prompt["id"], "value": None, "patches": [patch], "reason": "as the feedback says"}
        return {"edits": [{**edit, "hypotheses": [0], "expects": hypothesis["examples"]}]}
