"""The value of a secret is in no byte that a run writes or prints, though tools and models say it again and again."""

import asyncio
import json
import os
from pathlib import Path

import pytest

from autogenesis_core import Runtime

VALUE = 'wx-7Hq"91\\zZ-kelp'  # JSON writes it otherwise
REFERENCE = "{secret: WEATHER_KEY}"

PARTS = '''
from attrs import field, frozen

from autogenesis_core import (
    Agent, Answer, Benchmark, Edit, Hypothesis, Model, ModelAnswer, Question, Score, Tool, ToolCall, Vote, hookimpl,
    variable,
)


@frozen
class Weather(Tool):
    """Says the weather."""

    api_key: str
    headers: dict[str, str] = field(factory=dict)

    async def run(self, city: str) -> str:
        """The weather of a city."""
        if city == "nowhere":
            raise ValueError(f"HTTP 401 of http://x/?key={self.api_key} {self!r}")
        return f"Sunny in {city}, says {self.api_key}; {self.headers['auth']}"


@frozen
class Parrot(Model):
    """Asks the tool, then says all that it read."""

    key: str = ""

    @property
    def id(self):
        return "parrot"

    async def answer(self, request):
        told = [m["content"] for m in request.messages if m["role"] == "tool"]
        if told or not request.tools:
            return ModelAnswer(f"{request.messages[-1]['content']} and {self.key}")
        city = request.messages[-1]["content"].split()[-1]
        return ModelAnswer("", (ToolCall("1", "weather", '{"city": "%s"}' % city),))


@frozen
class Asker(Agent):
    """Asks its model and tools, and says what they said."""

    hint: str = variable(default="say it")
    harm: str = ""

    async def run(self, task, context):
        messages = [{"role": "user", "content": task}]
        answer = await context.model(messages, tools=context.tools.schemas)
        result = await context.tools.call(answer.tool_calls[0])
        context.note("told", text=result.text)
        messages += [answer.message(), {"role": "tool", "tool_call_id": "1", "content": result.text}]
        text = (await context.model(messages)).text
        if "crash" in task:
            raise SystemError(text)
        if "fail" in task:
            raise RuntimeError(text)
        return Answer(text, {"heard": [text]})


@frozen
class Cities(Benchmark):
    def examples(self, sizes, seed):
        return {
            split: [Question(f"{split}-{i}", f"{'fail' if i % 2 else 'How is'} Rome, {split} {i}", None) for i in range(size)]
            for split, size in sizes.items()
        }

    def score(self, example, outcome):
        return Score(float(outcome.text.startswith("Sunny")), f"you said {outcome.text}")


@frozen
class Leaks:
    """Edits that would write what was read of the secret: its value into the agent and a prompt, then a reference."""

    rounds: int = 4
    screen = False

    @hookimpl
    async def sepl_reflect(self, context):
        traces = await context.traces()
        said = next(t.outcome.text for t in traces if t.outcome.text)
        return [Hypothesis(f"it said {said}", ("agent/asker#hint",), (traces[0].example.id,))]

    @hookimpl
    async def sepl_select(self, context, hypotheses):
        said = hypotheses[0].text
        variable, value = [
            ("agent/asker#hint", f"say {said}"),
            ("prompt/style#rules", f"Say {said}."),
            ("agent/asker#hint", {"secret": "WEATHER_KEY"}),
            ("agent/asker#hint", "say it well"),
        ][context.round - 1]
        return [Edit(variable, value, f"because {said}")]


@frozen
class Always:
    @hookimpl
    async def sepl_gate(self, candidate, assessment):
        return Vote("always", "commit", f"{candidate.hypotheses[0].text}", {"said": candidate.hypotheses[0].text})
'''

CONF = "# @package {0}\n# A part\n_target_: autogenesis_test_weather.parts:{1}\n"
FILES = {
    "parts.py": PARTS,
    "conf/agent/asker.yaml": CONF.format("agent", "Asker") + "hint: say it\nharm: ''\n",
    "conf/tool/weather.yaml": CONF.format("tool.weather", "Weather") + "api_key: ???\nheaders: {}\n",
    "conf/model/parrot.yaml": CONF.format("model", "Parrot") + f"key: {REFERENCE}\n",
    "conf/benchmark/cities.yaml": CONF.format("benchmark", "Cities"),
    "conf/optimizer/leaks.yaml": CONF.format("optimizer", "Leaks") + "rounds: 4\n",
    "prompts/style.md": "## Rules\nBe brief.\n",
    "conf/gate/always.yaml": CONF.format("gate.always", "Always"),
}
PARTS_CHOSEN = ("+agent=asker", "+tool=weather", "+model=parrot", "budget.money=null")
SECRETS = (f"tool.weather.api_key={REFERENCE}", f"tool.weather.headers={{auth: {REFERENCE}}}")
EVOLVE = (*PARTS_CHOSEN, *SECRETS, "+benchmark=cities", "+optimizer=leaks", "+gate=always",
          "splits.train=4", "splits.val=4", "splits.test=4")  # fmt: skip


@pytest.fixture
def run(command, distribution, tmp_path):
    """Runs the command line with the secret in `.env`; everything that it printed and wrote is searched for it."""
    distribution("autogenesis-test-weather", FILES)
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / ".env").write_text(f"WEATHER_KEY='{VALUE}'\n".replace("\\", "\\\\"))

    def type_(*words: str, code: int = 0, **environment: str) -> str:
        done = command(*words, folder=folder, **environment)
        said = (done.stdout + done.stderr).decode()
        assert done.returncode == code, said
        assert leaks(folder, said) == []
        return said

    type_.folder = folder
    return type_


def leaks(folder: Path, said: str) -> list[str]:
    """Where the value is, in any spelling."""
    spellings = [
        VALUE,
        json.dumps(VALUE)[1:-1],
        json.dumps(json.dumps(VALUE)[1:-1])[1:-1],
        repr(VALUE)[1:-1],
        "zZ-kelp",
    ]
    found = [spelling for spelling in spellings if spelling in said]
    for path in folder.rglob("*"):
        if path.is_file() and path.name != ".env":
            found += [f"{path.name}: {spelling}" for spelling in spellings if spelling.encode() in path.read_bytes()]
    return found


def written(folder: Path, name: str) -> str:
    return "\n".join(path.read_text() for path in (folder / "workdir" / "runs").glob(f"*/{name}"))


@pytest.mark.parametrize("form", [(), ("--json",)])
def test_an_answer_that_says_a_secret_is_printed_and_kept_without_it(run, form):
    said = run("How is Rome", *PARTS_CHOSEN, *SECRETS, *form)
    assert "Sunny in Rome, says [redacted]; [redacted] and [redacted]" in said
    assert "says [redacted]" in written(run.folder, "result.json")
    traces = written(run.folder, "traces.jsonl")
    assert {"told", "tool", "model"} <= {json.loads(line)["type"] for line in traces.splitlines()}
    assert traces.count("[redacted]") >= 6
    assert json.loads(written(run.folder, "config.json"))["tool"]["weather"]["api_key"] == {"secret": "WEATHER_KEY"}


@pytest.mark.parametrize("environment", [{}, {"AUTOGENESIS_TRACE": "1"}])
@pytest.mark.parametrize("task", ["crash Rome", "fail Rome", "crash nowhere"])
def test_an_error_that_says_a_secret_is_printed_and_kept_without_it(run, task, environment):
    said = run(task, *PARTS_CHOSEN, *SECRETS, code=1, **environment)
    assert "[redacted]" in said
    assert "[redacted]" in json.loads(written(run.folder, "result.json"))["failed"]


def test_no_model_writes_a_secret_or_a_reference_into_the_store(run):
    """Edits with the value, or with a reference to it, are rejected; log, journal and results are searched."""
    result = json.loads(run(*EVOLVE, "--json"))
    assert [entry["decision"] for entry in result["rounds"]] == ["reject", "reject", "reject", "commit"]
    reasons = [entry["proposed"][0]["reason"] for entry in result["rounds"]]
    assert "agent/asker holds the value of the secret WEATHER_KEY" in reasons[0]
    assert "prompt/style holds the value of the secret WEATHER_KEY" in reasons[1]
    assert "may hold no secret: it is trainable" in reasons[2]
    assert "[redacted]" in run("log", result["run"])
    assert "round 4" in run(*EVOLVE)


def test_the_reference_is_what_is_shown_compared_and_restored(run, monkeypatch):
    monkeypatch.chdir(run.folder)
    monkeypatch.setenv("WEATHER_KEY", VALUE)

    async def set_twice():
        async with Runtime.compose(*PARTS_CHOSEN, *SECRETS) as ag:
            for headers in ({"auth": {"secret": "WEATHER_KEY"}}, {"auth": "none"}):
                ag.tool.set_variables("weather", {"api_key": {"secret": "WEATHER_KEY"}, "headers": headers})
            return repr(ag.tool.get("weather")), ag.tool.get("weather").api_key

    assert asyncio.run(set_twice()) == ("Weather(api_key=<secret WEATHER_KEY>, headers={'auth': 'none'})", VALUE)
    run("restore", "tool/weather@1.0.1")
    shown = json.loads(run("show", "tool/weather@1.0.3", "--json"))
    assert shown["parameters"] == {
        "api_key": {"secret": "WEATHER_KEY"},
        "headers": {"auth": {"secret": "WEATHER_KEY"}},
    }
    assert "WEATHER_KEY" in run("diff", "tool/weather@1.0.1", "tool/weather@1.0.2")
    for words in (("show", "tool/weather"), ("history", "tool/weather"), ("log",), ("runs",)):
        run(*words)
    # The headers are built from the reference in the store; it is not among the run's own settings.
    assert "says [redacted]; [redacted]" in run("How is Rome", *PARTS_CHOSEN, SECRETS[0])


@pytest.mark.parametrize("place", ["tool.weather.api_key", "model.key"])
def test_a_secret_that_is_not_set_is_an_error_of_the_input(run, place):
    said = run("How is Rome", *PARTS_CHOSEN, *SECRETS, f"{place}={{secret: NOT_SET_HERE}}", code=2)
    assert f"{place}  the secret NOT_SET_HERE is not set" in said
    assert not (run.folder / "workdir").exists()


@pytest.mark.parametrize("given", [f"'{VALUE}'", "${oc.env:WEATHER_KEY}"])
def test_a_secret_written_out_is_refused_unseen(run, given):
    said = run("How is Rome", *PARTS_CHOSEN, f"tool.weather.api_key={given}", code=2)
    assert "tool.weather.api_key" in said
    assert "write {secret: " in said
    assert not (run.folder / "workdir").exists()


def test_the_values_of_the_environment_do_not_come_in_by_interpolation(run):
    config = run.folder / "conf" / "experiment"
    config.mkdir(parents=True)
    (config / "mine.yaml").write_text("# @package _global_\n# Mine\nagent:\n  harm: ${oc.env:WEATHER_KEY}\n")
    said = run("How is Rome", *PARTS_CHOSEN, *SECRETS, "+experiment=mine", code=2)
    assert "agent.harm" in said
    assert "write {secret: WEATHER_KEY}" in said


def test_a_variable_that_is_set_wins_over_the_file(run):
    assert os.environ.get("WEATHER_KEY") is None
    said = run("How is Rome", *PARTS_CHOSEN, *SECRETS, WEATHER_KEY="other-weather-key")
    assert "other-weather-key" not in said
