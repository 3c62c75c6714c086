"""An evolution to be killed, paused and starved: hidden rules with noisy scores, as a program or in this process.

`python evolving.py FOLDER OPTIONS`, with the options of `evolved` as a JSON object, prints the result. It has several
commits, rejections and votes that look at chance, so that a lost or doubled line of the journal shows in what is decided.
"""

import asyncio
import hashlib
import json
import os
import random
import re
import sys
from collections import Counter
from http.client import HTTPConnection
from pathlib import Path

import attrs
from attrs import define, field, frozen

from autogenesis_core import (
    Agent,
    Answer,
    AuthenticationFailed,
    Benchmark,
    Model,
    ModelAnswer,
    ModelRequest,
    Overloaded,
    Price,
    Question,
    RateLimited,
    Runtime,
    Score,
    TransportError,
    Usage,
    variable,
)
from autogenesis_core.rspl.store import Store
from autogenesis_core.sepl.journal import Journal
from autogenesis_core.testing.openai_server import Reply

FULL = bool(os.environ.get("AUTOGENESIS_TORTURE"))
RULE = re.compile(r"R\d+")


@frozen
class Obeys(Agent):
    """Is right where its prompt names the rule, and now and then by luck; each call is a line of the file `calls`."""

    uses_model = False
    prompt: str = variable(default="Answer.")
    flip: float = field(default=0.05, metadata={"parameter": False})
    calls: str = field(default="", metadata={"parameter": False})
    delay: float = field(default=0.0, metadata={"parameter": False})

    async def run(self, task, context):
        if self.calls:
            key = hashlib.sha256(f"{context.seed} {self.prompt} {task}".encode()).hexdigest()
            with open(self.calls, "a", encoding="utf-8") as file:  # noqa: ASYNC230  # a line, which nobody waits for
                file.write(f"{key}\n")
        await asyncio.sleep(self.delay)
        rule = task.partition(" ")[0]
        score = float(rule in self.prompt)
        if random.Random(f"{context.seed} {self.prompt} {task}").random() < self.flip:
            score = 1.0 - score
        return Answer("", {"score": score, "feedback": "" if score else f"MISSING: {rule}"})


@frozen(slots=False)
class Rules(Benchmark):
    """Examples that need one of `count` rules each."""

    sizes: tuple[int, int, int] = (12, 16, 4)
    count: int = 4

    def examples(self, sizes, seed):
        return self.questions()

    def questions(self, first=0):
        """All of them, numbered from `first`."""
        splits = zip(("train", "val", "test"), self.sizes, strict=True)
        return {
            split: [
                Question(f"{split}-{i}", f"R{i % self.count:03d} of {split} {i}") for i in range(first, first + size)
            ]
            for split, size in splits
        }

    def score(self, example, outcome):
        return Score(outcome.data["score"], outcome.data["feedback"])


@define(eq=False)
class Reflects(Model):
    """A reflection model that adds a rule that is missing, and often spoils one that is there."""

    simulated = True
    spoil: float = 0.3

    @property
    def id(self):
        return "test/reflects"

    async def price(self):
        return Price(0.000001, 0.000002)

    async def answer(self, request):
        text = str(request.messages[-1]["content"])
        block = json.loads(text[text.index("```json") + 7 : text.rindex("```")])
        made = self.hypotheses(block) if "rollouts" in block else self.edits(block, random.Random(request.seed))
        return ModelAnswer(json.dumps(made), usage=Usage(len(text) // 4, 50))

    def hypotheses(self, block):
        prompt = block["variables"][0]
        for rollout in block["rollouts"]:
            for rule in re.findall(r"MISSING: (R\d+)", rollout["feedback"]):
                if rule not in prompt["value"]:
                    text = f"{rule} is missing"
                    return {"hypotheses": [{"text": text, "variables": [prompt["id"]], "examples": []}]}
        return {"hypotheses": [{"text": "luck", "variables": [], "examples": [block["rollouts"][0]["example"]]}]}

    def edits(self, block, rng):
        prompt = block["variables"][0]
        missing, known = RULE.findall(block["hypotheses"][0]["text"]), RULE.findall(prompt["value"])
        if known and rng.random() < self.spoil:
            value = prompt["value"].replace(rng.choice(known), "nothing")
        elif missing:
            value = f"{prompt['value']} Obey {missing[0]}."
        else:
            return {"edits": []}
        edit = {"variable": prompt["id"], "value": value, "patches": [], "reason": "as the feedback says"}
        return {"edits": [{**edit, "hypotheses": [0], "expects": []}]}


def runtime(
    folder,
    *overrides,
    model=None,
    agent=None,
    benchmark=None,
    calls="",
    delay=0.0,
    rounds=4,
    width=1,
    workers=1,
    seed=2,
):
    """The runtime of the evolution below `folder`."""
    return Runtime.compose(
        "+optimizer=reflection", "+gate=paired_test", f"seed={seed}", f"rounds={rounds}", f"width={width}",
        f"workers={workers}", "optimizer.batch=6", "alpha=0.5", *overrides,
        agent=agent or Obeys(calls=calls, delay=delay), benchmark=benchmark or Rules(), model=model or Reflects(),
        folder=Path(folder),
    )  # fmt: skip


def evolved(folder, *overrides, resume="", replay=False, **options):
    """What the evolution comes to, from its beginning or where the run `resume` was left."""

    async def run():
        async with runtime(folder, *overrides, **options) as ag:
            return await ag.evolve(resume=resume, replay=replay)

    return asyncio.run(run())


def the_run(folder):
    """The only run below a folder; None if there is none with a journal."""
    return next((path.parent.name for path in Path(folder).glob("workdir/runs/*/journal.jsonl")), None)


def state(folder, run):
    """All that a run left in the store and its journal, but for what a clock said."""
    path = Path(folder, "workdir")
    with Store.open(path / "autogenesis.db", create=False) as store:
        assert store.verify() is None
        entries = store.entries()
        heads = store.heads("main") | store.heads("demo")
        rows = store._connection.execute("SELECT number, decision, alpha, reused, committed FROM ledger").fetchall()
        versions = {name: [v.digest for v in store.history(*name.split("/"), limit=99)] for name in store.resources()}
    # What was spent so far, as a commit notes it, depends with several workers on what else had arrived.
    log = [(e.event, e.id, e.run, {key: value for key, value in e.body.items() if key != "spent"}) for e in entries]
    journal = Journal.open(path / "runs" / run / "journal.jsonl", replay=True)
    kept = {
        event: {key: _timeless(body) for key, body in known.items()}
        for event, known in journal._known.items()
        if event != "session"
    }
    return {
        "heads": {name: (head.version, head.digest) for name, head in heads.items()},
        "versions": versions,
        "log": log,
        "ledger": rows,
        "journal": {event: dict(sorted(known.items())) for event, known in kept.items()},
    }


@define(eq=False)
class Served(Reflects):
    """The reflection model behind HTTP on this machine, as a provider of it would be reached."""

    url: str = field(default="", metadata={"parameter": False})

    async def answer(self, request):
        return await asyncio.to_thread(self._post, request)

    def _post(self, request):
        host, _, path = self.url.removeprefix("http://").partition("/")
        connection = HTTPConnection(host, timeout=5)
        try:
            body = {"model": "test", "messages": list(request.messages), "seed": request.seed}
            connection.request(
                "POST", f"/{path}/chat/completions", json.dumps(body), {"content-type": "application/json"}
            )
            response = connection.getresponse()
            said = json.loads(response.read())
        except OSError as error:
            raise TransportError(f"the connection failed: {error}") from None
        finally:
            connection.close()
        if response.status >= 400:
            raise {429: RateLimited, 401: AuthenticationFailed}.get(response.status, Overloaded)(
                said["error"]["message"]
            )
        choice, usage = said["choices"][0], said["usage"]
        tokens = Usage(usage["prompt_tokens"], usage["completion_tokens"])
        return ModelAnswer(choice["message"]["content"], usage=tokens, finish_reason=choice["finish_reason"])


@define(eq=False)
class Counted(Reflects):
    """The reflection model, which answers agents too and notes the tokens of every answer in a file."""

    file: str = field(default="", metadata={"parameter": False})

    async def answer(self, request):
        text = str(request.messages[-1]["content"])
        asked = "```json" in text
        made = await super().answer(request) if asked else ModelAnswer("yes", usage=Usage(len(text) // 4, 1))
        await asyncio.sleep(0)
        with open(self.file, "a", encoding="utf-8") as file:  # noqa: ASYNC230  # a line, which nobody waits for
            file.write(f"{json.dumps([made.usage.input_tokens, made.usage.output_tokens])}\n")
        return made


@frozen
class Asks(Obeys):
    """Asks its model before it answers."""

    uses_model = True
    most: int | None = field(default=20, metadata={"parameter": False})

    async def run(self, task, context):
        await context.model([{"role": "user", "content": task}], max_tokens=self.most)
        return await Obeys.run(self, task, context)


def served(body, model=None):
    """What a server answers to `body`: as the reflection model, or a word to an agent."""
    messages = body["messages"]
    if "```json" not in messages[-1]["content"]:
        return Reply("yes", usage=Usage(10, 1))
    answer = asyncio.run((model or Reflects()).answer(ModelRequest(messages, seed=body["seed"])))
    return Reply(answer.text, usage=answer.usage)


def spoiled(edit):
    """The edit, with something more."""
    return attrs.evolve(edit, value=f"{edit.value} And more.")


def _timeless(body):
    return (
        {key: value for key, value in body.items() if key not in ("seconds", "latency")}
        if isinstance(body, dict)
        else body
    )


def found(folder, result):
    """A result and the state that it left as JSON data, without what a clock said and the run's own name."""
    run = result["run"]
    whole = [{**result, "spent": _timeless(result["spent"]), "objectives": None}, state(folder, run)]
    return json.loads(json.dumps(whole, default=str).replace(run, "RUN"))


def check_resumed(folder, options, expected, *, lost=0):
    """The run below `folder` goes on, or is begun anew if it left no journal, and ends as the undisturbed one.

    `lost` rollouts may have been in vain; they are counted. Returns its result.
    """
    result = evolved(folder, resume=the_run(folder) or "", **options)
    differ = list(differences(found(folder, result), expected))
    if lost:
        assert (
            expected[0]["spent"]["rollouts"] <= result["spent"]["rollouts"] <= expected[0]["spent"]["rollouts"] + lost
        )
        differ = [difference for difference in differ if not difference[0].startswith("/0/spent")]
    assert not differ, repr(differ[:9])
    twice = [key for key, times in Counter(lines(folder, result["run"])).items() if times > 1]
    assert lost or [key for key in twice if key[0] != "finished"] == []
    return result


def differences(found, expected, path=""):
    """Where two JSON values differ, as (path, found, expected)."""
    if isinstance(found, dict) and isinstance(expected, dict):
        for key in found.keys() | expected.keys():
            yield from differences(found.get(key), expected.get(key), f"{path}/{key}")
    elif isinstance(found, list) and isinstance(expected, list) and len(found) == len(expected):
        for number, pair in enumerate(zip(found, expected, strict=True)):
            yield from differences(*pair, f"{path}/{number}")
    elif found != expected:
        yield path, found, expected


def lines(folder, run):
    """(event, key) of every line of a journal."""
    text = Path(folder, "workdir/runs", run, "journal.jsonl").read_text()
    return [tuple(json.loads(line.partition(" ")[2])[:2]) for line in text.splitlines()]


def main():
    """Evolves as the command line says."""
    options = json.loads(sys.argv[2]) if len(sys.argv) > 2 else {}
    json.dump(evolved(sys.argv[1], *options.pop("overrides", ()), **options), sys.stdout, default=str)


if __name__ == "__main__":
    import evolving  # under its own name, as where it is resumed: a scorer is known by its class's

    evolving.main()
