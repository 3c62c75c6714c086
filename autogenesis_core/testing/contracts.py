"""Contracts that every plugin must pass. Subclass one and name your option; pytest does the rest."""

import asyncio
import json
import random
import subprocess
import sys
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

import pluggy
import pytest

from autogenesis_core import hookspecs
from autogenesis_core.build import build
from autogenesis_core.catalog import Catalog, Option, import_plugin
from autogenesis_core.compose import compose
from autogenesis_core.rspl.context import Context, EpisodeRun
from autogenesis_core.rspl.entity import Answer, Environment, Memory
from autogenesis_core.rspl.prompt import parse_prompt
from autogenesis_core.rspl.record import Record
from autogenesis_core.rspl.tool import Tool
from autogenesis_core.rspl.toolbox import Toolbox, ToolSet
from autogenesis_core.sepl.evaluation import SPLITS, Cell, Cost, Evaluation, Outcome, Question, Score, Scored, Split
from autogenesis_core.sepl.spaces import Assessment, Candidate, Vote
from autogenesis_core.services.client import ModelClient
from autogenesis_core.services.model import ModelRequest, ToolCall
from autogenesis_core.settings import Composition, Resource
from autogenesis_core.structuring import structure
from autogenesis_core.testing.models import FunctionModel

_HEAVY = ("hydra", "litellm", "sqlalchemy", "numpy", "gymnasium", "reasoning_gym", "torch", "pandas", "openai")


class PluginContract:
    """What every plugin must do.

    Attributes:
        option: what the plugin offers, e.g. `tool/dice`
        settings: overrides without which it cannot be built, e.g. `("benchmark.path=data.json",)`
    """

    option: ClassVar[str] = ""
    settings: ClassVar[Sequence[str]] = ()

    @cached_property
    def kind(self) -> str:
        """The option's kind."""
        return self.option.partition("/")[0]

    @cached_property
    def name(self) -> str:
        """The option's name."""
        return self.option.partition("/")[2]

    @cached_property
    def entry(self) -> Option:
        """The option in the catalogue."""
        return Catalog.read().find(self.kind, self.name)

    @cached_property
    def composition(self) -> Composition:
        """The composition of the option alone."""
        catalog = Catalog.read()
        return build(compose([f"+{self.option.replace('/', '=')}", *self.settings], catalog), catalog, Path.cwd())

    def test_its_option_is_found_and_described(self) -> None:
        assert self.entry.description, f"{self.entry.path.name}: the second line is a comment that says what it is"

    def test_it_composes_and_builds(self) -> None:
        assert self.composition.plugins == [self.entry.plugin]

    def test_importing_its_package_is_cheap(self) -> None:
        code = f"import {self.entry.plugin.module}, sys; print([m for m in {_HEAVY} if m in sys.modules])"
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
        assert (done.returncode, done.stdout.strip()) == (0, "[]"), done.stderr

    def test_its_hooks_are_hooks(self) -> None:
        manager = pluggy.PluginManager("autogenesis")
        manager.add_hookspecs(hookspecs)
        manager.register(import_plugin(self.entry.plugin), self.entry.plugin.distribution)
        for part in (self.composition.optimizer, *self.composition.gates, *self.composition.observers):
            if part is not None:
                manager.register(part.instance, part.name)
        manager.check_pending()

    def test_its_settings_are_in_its_file(self) -> None:
        """What can be set can be seen: every field of the class stands in the YAML."""
        import yaml

        data = yaml.safe_load(self.entry.path.read_text(encoding="utf-8"))
        found = self._class()
        fields = {f.name for f in getattr(found, "__attrs_attrs__", ()) if f.init and f.metadata.get("parameter", True)}
        assert data.keys() - {"_target_", "defaults"} == fields

    def _class(self) -> Any:  # the class of any plugin
        target = str(__import__("yaml").safe_load(self.entry.path.read_text(encoding="utf-8"))["_target_"])
        module, _, name = target.partition(":")
        return getattr(__import__(module, fromlist=[name]), name)


class ResourceContract(PluginContract):
    """What the plugins of the five kinds must do."""

    @cached_property
    def resource(self) -> Resource:
        """The resource that the option registers."""
        return next(r for r in self.composition.resources if r.record.id == self.option)

    def make(self) -> Any:  # an instance of the resource's own class
        """A new instance, built from the record and the settings."""
        assert self.resource.cls is not None
        values = {**self.resource.record.parameters, **self.resource.overrides}
        return structure({k: v for k, v in values.items() if v is not None}, self.resource.cls, self.option)

    def test_its_record_goes_to_json_and_back(self) -> None:
        record = self.resource.record
        again = Record.from_body(record.body)
        assert (again.digest, again) == (record.digest, record)

    def test_it_is_built_from_what_is_stored(self) -> None:
        assert isinstance(self.make(), self.resource.cls or object)


class ToolContract(ResourceContract):
    """What a tool must do. `arguments` is a valid call, if there is one that does no harm; `result` its text."""

    arguments: ClassVar[Mapping[str, Any] | None] = None
    result: ClassVar[str | None] = None

    def toolbox(self) -> Toolbox:
        """A toolbox of this tool alone."""
        tool = self.make()
        assert isinstance(tool, Tool)
        return Toolbox(ToolSet({self.name: self.resource.record}, {self.name: tool}))

    def call(self, arguments: str) -> Any:  # a ToolResult
        """The result of a model's call."""
        return asyncio.run(self.toolbox().call(ToolCall("call-1", self.name, arguments)))

    def test_its_schema_and_description_serve_a_model(self) -> None:
        schema = self.toolbox().schemas[0]["function"]
        assert schema["description"], "the first lines of the docstring say what the tool does"
        assert schema["parameters"]["type"] == "object"
        described = [name for name, entry in schema["parameters"]["properties"].items() if "description" in entry]
        assert described == list(schema["parameters"]["properties"]), "the docstring's Args: describe every argument"

    def test_wrong_arguments_are_answered_not_raised(self) -> None:
        results = [self.call(text) for text in ('{"no_such_argument": 1}', "[]", "{", "null", '{"a": NaN}')]
        assert [result.is_error for result in results] == [True] * 5

    def test_a_valid_call_is_answered(self) -> None:
        if self.arguments is None:
            pytest.skip("no harmless call is given")
        result = self.call(json.dumps(self.arguments))
        assert not result.is_error, result.text
        assert self.result is None or result.text == self.result


class AgentContract(ResourceContract):
    """What an agent must do. `task` is one that it answers with a model that says `reply`."""

    task: ClassVar[str | None] = "Say hello."
    reply: ClassVar[str] = "hello"

    def test_it_answers_a_task(self) -> None:
        if self.task is None:
            pytest.skip("this agent acts in environments")
        model = FunctionModel(lambda _: self.reply)
        answer = asyncio.run(self.make().run(self.task, self.context(model)))
        assert (answer.text if isinstance(answer, Answer) else answer) == self.reply

    def context(self, model: FunctionModel, environment: Environment | None = None) -> Context:
        """A context with the plugin's prompts and no tools."""
        from autogenesis_core.rspl.prompt import Prompt

        prompts = {r.record.name: Prompt(r.record) for r in self.composition.resources if r.record.kind == "prompt"}
        episode = EpisodeRun(environment, 0) if environment else None
        return Context(Toolbox(ToolSet({}, {})), 0, prompts, episode, model=lambda: ModelClient(model))


class EnvironmentContract(ResourceContract):
    """What an environment must do. `actions` are valid ones; without, they are drawn from a discrete action space."""

    actions: ClassVar[Sequence[Any] | None] = None

    def episode(self, seed: int) -> list[Any]:
        """What ten steps of the episode of `seed` bring."""

        async def play() -> list[Any]:
            environment = self.make()
            assert isinstance(environment, Environment)
            seen = [await environment.reset(seed)]
            for action in self._actions(environment):
                step = await environment.step(action)
                seen.append((step.observation, step.reward, step.done))
                if step.done:
                    break
            await environment.close()
            return seen

        return asyncio.run(play())

    def _actions(self, environment: Environment) -> Sequence[Any]:
        if self.actions is not None:
            return self.actions
        count = environment.spec.action.get("n")
        if not isinstance(count, int):
            pytest.skip("give `actions`: this action space is not discrete")
        draw = random.Random(0)  # no secret
        return [draw.randrange(count) for _ in range(10)]

    def test_an_episode_is_a_function_of_its_seed(self) -> None:
        assert self.episode(3) == self.episode(3)

    def test_observations_are_plain_data(self) -> None:
        assert json.loads(json.dumps(self.episode(1)[0])) == self.episode(1)[0]


class MemoryContract(ResourceContract):
    """What a memory must do."""

    def test_it_recalls_what_was_added_and_a_new_one_is_empty(self) -> None:
        async def use() -> tuple[Sequence[Any], Sequence[Any]]:
            memory, other = self.make(), self.make()
            assert isinstance(memory, Memory)
            await memory.add({"role": "user", "content": "the password of the shed is walnut"})
            return await memory.recall("password", 1000), await other.recall("password", 1000)

        found, empty = asyncio.run(use())
        assert "walnut" in json.dumps(list(found))
        assert list(empty) == []

    def test_it_keeps_to_its_token_budget(self) -> None:
        async def use() -> Sequence[Any]:
            memory = self.make()
            for number in range(50):
                await memory.add({"role": "user", "content": f"event {number} " + "word " * 20})
            return await memory.recall("event", 100)  # type: ignore[no-any-return]  # any memory's

        text = "".join(str(event.get("content", "")) for event in asyncio.run(use()))
        assert 0 < len(text) <= 400


class BenchmarkContract(PluginContract):
    """What a benchmark must do."""

    sizes: ClassVar[Mapping[Split, int]] = {"train": 8, "val": 6, "test": 6}

    def test_splits_are_disjoint_and_a_function_of_the_seed(self) -> None:
        benchmark = self.composition.benchmark
        assert benchmark is not None
        first, again = (benchmark.examples(self.sizes, 7) for _ in range(2))
        digests = [example.digest for split in SPLITS for example in first[split]]
        assert len(set(digests)) == len(digests) > 0
        assert digests == [example.digest for split in SPLITS for example in again[split]]

    def test_an_empty_answer_gets_the_lowest_score_or_near(self) -> None:
        benchmark = self.composition.benchmark
        assert benchmark is not None
        example = benchmark.examples(self.sizes, 7)["train"][0]
        score = benchmark.score(example, Outcome(""))
        assert isinstance(score, Score)
        assert score.value <= 0.1

    def test_the_target_gets_a_full_score(self) -> None:
        benchmark = self.composition.benchmark
        assert benchmark is not None
        for example in benchmark.examples(self.sizes, 7)["train"]:
            if isinstance(example, Question) and isinstance(example.target, str):
                score = benchmark.score(example, Outcome(example.target))
                assert isinstance(score, Score)
                assert score.value == pytest.approx(1.0)


class GateContract(PluginContract):
    """What a gate must do: noise, harm and missing evidence do not pass; a clear gain by a harmless edit does.

    A gate that says `guards = True` sees to something else than scores; it must not pass what it cannot compare. One
    that is `external` asks somebody, and without an answer nothing passes.

    Attributes:
        lenient: whether its rule lets pass what is no better, which it must then say in every reason
    """

    lenient: ClassVar[bool] = False

    @cached_property
    def gate(self) -> Any:  # the plugin's own object
        """The gate, as it is configured by itself."""
        return self.composition.gates[0].instance

    def vote(self, before: Sequence[float], after: Sequence[float], *, known: bool = True) -> Vote:
        """The gate's vote on these scores of a harmless edit; it may be not `known` what stands now."""
        cost = Cost(100, 0.001, 1.0)
        cells = [
            tuple(Cell(f"e{index}", Scored(value), cost=cost) for index, value in enumerate(values))
            for values in (before, after)
        ]
        evaluations = Evaluation("new", "val", cells[1]), Evaluation("old", "val", cells[0])
        examples = [Question(f"e{index}", f"example {index}", str(index)) for index in range(len(before))]
        old, new = ({"prompt/example": _edited(text)} for text in ("Answer the question.", "Answer in one word."))
        assessment = Assessment(
            *evaluations, committed=old if known else {}, examples=examples if known else (),
            holdout=tuple(example.id for example in examples),
        )  # fmt: skip
        return asyncio.run(self.gate.sepl_gate(candidate=Candidate(new if known else {}), assessment=assessment))  # type: ignore[no-any-return]

    def _compares(self) -> bool:
        return not getattr(self.gate, "guards", False)

    def test_no_change_is_not_committed(self) -> None:
        found = self.vote([0.0, 1.0] * 20, [0.0, 1.0] * 20)
        if self.lenient:
            assert "no control of chance" in found.reason
        elif self._compares():
            assert found.decision != "commit"

    def test_harm_is_not_committed(self) -> None:
        assert self.vote([1.0] * 40, [0.0] * 40).decision != "commit" or not self._compares()

    def test_no_evidence_is_not_committed(self) -> None:
        assert self.vote([], [], known=False).decision != "commit"

    def test_a_clear_gain_is_committed(self) -> None:
        expected = "reject" if getattr(self.gate, "external", False) else "commit"
        assert self.vote([0.0] * 40, [1.0] * 40).decision == expected

    def test_its_evidence_is_json(self) -> None:
        json.dumps(dict(self.vote([0.0] * 40, [1.0] * 40).evidence), allow_nan=False)


def _edited(text: str) -> Record:
    return parse_prompt(f"---\nname: example\ndescription: An example\n---\n## Rules\n{text}\n", "example", "tests")


class OptimizerContract(PluginContract):
    """What an optimizer must do: implement a hook of the loop."""

    def test_it_proposes_something(self) -> None:
        assert self.composition.optimizer is not None
        hooks = ("sepl_reflect", "sepl_select", "sepl_improve")
        assert [hook for hook in hooks if hasattr(self.composition.optimizer.instance, hook)]


class ModelContract(PluginContract):
    """What a model must do; `calls = False` for one that needs a provider."""

    calls: ClassVar[bool] = True

    def test_it_says_who_it_is(self) -> None:
        assert self.composition.model is not None
        assert self.composition.model.id

    def test_it_answers_with_its_usage(self) -> None:
        if not self.calls:
            pytest.skip("it needs a provider")
        assert self.composition.model is not None
        request = ModelRequest([{"role": "user", "content": "What is 2 + 2?"}], seed=1)
        answers = [asyncio.run(self.composition.model.answer(request)) for _ in range(2)]
        assert answers[0].text
        assert answers[0].usage.input_tokens > 0
        assert not self.composition.model.simulated or answers[0] == answers[1]
