import asyncio
import sys

import pytest

from autogenesis_core import ConfigurationError, InputError, PluginError, Runtime


@pytest.fixture(autouse=True)
def _in_an_empty_folder(tmp_path, monkeypatch, echo):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("AUTOGENESIS_MODEL", raising=False)


def problems(*overrides: str) -> dict[str, str]:
    with pytest.raises(ConfigurationError) as caught:
        Runtime.compose(*overrides)
    return dict(caught.value.problems)


NEEDY = {
    "agent.py": (
        "from attrs import frozen\nfrom autogenesis_core import Agent\n\n\n@frozen\nclass Needy(Agent):\n"
        "    path: str\n    size: int = 3\n\n    async def run(self, task, context):\n        return self.path\n"
    ),
    "conf/agent/needy.yaml": "# @package agent\n# Needs\n_target_: autogenesis_agent_needy.agent:Needy\npath: ???\nsize: 3\n",
}


def test_wrong_type_unknown_key_and_missing_key_are_reported_together(distribution):
    distribution("autogenesis-agent-needy", NEEDY)
    found = problems(
        "agent=needy", "agent.size=big", "agent.sise=4", "workers=many", "splits.tst=3", "sed=1", "model.name=x"
    )
    assert found["agent.path"] == "missing"
    assert found["agent.size"] == "'big' is no whole number"
    assert found["agent.sise"] == "unknown; did you mean agent.size?"
    assert found["workers"] == "'many' is no whole number"
    assert found["splits.tst"].startswith("unknown; did you mean")
    assert found["sed"] == "unknown; did you mean seed?"
    assert "no model is chosen" in found["model"]
    assert len(found) == 7


def test_what_is_missing_can_be_given(distribution):
    distribution("autogenesis-agent-needy", NEEDY)
    runtime = Runtime.compose("agent=needy", "agent.path=here")
    assert dict(runtime.composition.resources[0].overrides) == {"path": "here"}


@pytest.mark.parametrize(
    ("override", "path"),
    [
        ("agent.times=0", "agent.times"), ("agent.words=[1]", "agent.words[0]"), ("budget.money=-1", "budget.money"),
        ("splits.val=-1", "splits.val"), ("alpha=2", "alpha"), ("workers=0", "workers"),
        ("branch=No Good", "branch"), ("rounds=0", "rounds"), ("pins=[3]", "pins[0]"), ("seed=1.5", "seed"),
    ],
)  # fmt: skip
def test_a_value_that_cannot_be_right_is_reported_with_its_path(override, path):
    assert list(problems("agent=echo", override)) == [path]


@pytest.mark.parametrize(
    ("override", "path", "text"),
    [
        ("splits=5", "splits", "5 is no mapping of train, val, test"),
        ("budget=5", "budget", "5 is no mapping of rollouts, calls, tokens, money, seconds"),
        ("splits.vall=3", "splits.vall", "unknown; did you mean splits.val?"),
        ("branch=a b", "branch", "'a b' is no name: a to z first, then a to z, 0 to 9, _, -"),
        ("reducer=pass_at_3", "reducer", "pass_at_3 needs epochs=3 or more, not 1"),
        (
            "reducer=meen",
            "reducer",
            "no reducer 'meen'; did you mean mean?; known: at_least_2, max, mean, median, pass_at_2",
        ),
    ],
)
def test_what_is_wrong_is_said_in_words_of_ours_at_the_setting(override, path, text):
    assert problems("agent=echo", override) == {path: text}


def test_an_option_that_is_not_chosen_cannot_be_set():
    assert list(problems("agent=echo", "tool.hammer.size=3")) == ["tool.hammer"]


def agent(distribution, target: str, header: str = "# @package agent\n") -> None:
    distribution(
        "autogenesis-agent-bad",
        {
            "agent.py": "from autogenesis_agent_echo.agent import Echo\nnumber = 3\n",
            "broken.py": "raise RuntimeError('no such luck')\n",
            "conf/agent/bad.yaml": f"{header}# Bad\n_target_: {target}\n",
        },
    )


@pytest.mark.parametrize(
    "target",
    ["os:system", "os.path:join", "builtins:eval", "autogenesis_core.rspl.function:FunctionAgent", "autogenesis_agent_bad_evil.x:Y",
     "autogenesis_agent_echo.agent:Echo", "autogenesis_agent_bad.agent", "..agent:Echo"],
)  # fmt: skip
def test_a_target_outside_its_own_package_is_refused(distribution, target):
    agent(distribution, target)
    with pytest.raises(PluginError) as caught:
        Runtime.compose("agent=bad")
    assert "agent/bad of autogenesis-agent-bad may only have a target inside its own package" in str(caught.value)


def test_a_target_in_a_package_whose_name_only_begins_alike_is_refused(distribution):
    other = distribution("autogenesis-agent-bad-twin", {"agent.py": "from autogenesis_agent_echo.agent import Echo\n"})
    agent(distribution, "autogenesis_agent_bad_twin.agent:Echo")
    with pytest.raises(PluginError, match="inside its own package"):
        Runtime.compose("agent=bad")
    assert (other / "autogenesis_agent_bad_twin" / "agent.py").is_file()
    assert "autogenesis_agent_bad_twin" not in sys.modules


@pytest.mark.parametrize("target", ["autogenesis_agent_bad.agent:number", "autogenesis_agent_bad.agent:Missing"])
def test_a_target_that_is_no_class_is_an_error_that_names_the_plugin(distribution, target):
    agent(distribution, target)
    with pytest.raises(PluginError, match="agent/bad of autogenesis-agent-bad"):
        Runtime.compose("agent=bad")


def test_a_module_that_fails_on_import_is_named_with_its_cause(distribution):
    agent(distribution, "autogenesis_agent_bad.broken:Echo")
    with pytest.raises(PluginError, match="autogenesis-agent-bad fails on import: RuntimeError: no such luck"):
        Runtime.compose("agent=bad")


def test_a_plugin_that_fails_on_import_hurts_only_a_run_that_selects_it(distribution):
    conf = "# @package agent\n# Bad\n_target_: autogenesis_agent_boom.agent:Boom\n"
    distribution("autogenesis-agent-boom", {"__init__.py": "1 / 0\n", "conf/agent/boom.yaml": conf})
    assert Runtime.compose("agent=echo").composition.plugins[0].distribution == "autogenesis-agent-echo"
    with pytest.raises(PluginError, match=r"autogenesis-agent-boom 0\.1\.0 fails on import: ZeroDivisionError"):
        Runtime.compose("agent=boom")


def test_a_file_with_a_wrong_package_header_says_so(distribution):
    agent(distribution, "autogenesis_agent_bad.agent:Echo", "# @package agent.bad\n")
    with pytest.raises(PluginError) as caught:
        Runtime.compose("agent=bad")
    assert caught.value.reason == "bad.yaml of autogenesis-agent-bad must begin with # @package agent"


def test_a_file_without_a_target_says_so(distribution):
    conf = "# @package agent\n# Bare\nprefix: x\n"
    distribution("autogenesis-agent-bare", {"conf/agent/bare.yaml": conf})
    with pytest.raises(PluginError, match="_target_"):
        Runtime.compose("agent=bare")


def test_a_file_of_a_group_with_several_that_lacks_its_header_says_so(distribution):
    files = {
        "gate.py": "class Gate:\n    pass\n",
        "conf/gate/bare.yaml": "# Bare\n_target_: autogenesis_gate_bare.gate:Gate\n",
    }
    distribution("autogenesis-gate-bare", files)
    with pytest.raises(PluginError, match=r"bare\.yaml of autogenesis-gate-bare must begin with # @package gate\.bare"):
        Runtime.compose("agent=echo", "+gate=bare")


PROMPT = "---\nname: {0}\ndescription: Rules\n---\n## Rules\nBe brief.\n"


def test_prompts_come_from_selected_plugins_only(distribution):
    for name in ("one", "two"):
        distribution(
            f"autogenesis-agent-{name}",
            {
                "agent.py": "from autogenesis_agent_echo.agent import Echo\n\n\nclass Own(Echo):\n    pass\n",
                f"conf/agent/{name}.yaml": f"# @package agent\n# {name}\n_target_: autogenesis_agent_{name}.agent:Own\n",
                f"prompts/{name}.md": PROMPT.format(name),
            },
        )
    resources = Runtime.compose("agent=one").composition.resources
    assert [resource.record.id for resource in resources] == ["prompt/one", "agent/one"]
    assert resources[0].record.implementation.distribution == "autogenesis-agent-one"
    assert [resource.record.id for resource in Runtime.compose("agent=echo").composition.resources] == ["agent/echo"]


def test_a_broken_prompt_file_is_an_error_that_names_it(distribution):
    files = {
        "agent.py": "from autogenesis_agent_echo.agent import Echo\n",
        "conf/agent/one.yaml": "# @package agent\n# One\n_target_: autogenesis_agent_one.agent:Echo\n",
        "prompts/one.md": "## Rules\nBe brief.\n## Rules\nTwice.\n",
    }
    distribution("autogenesis-agent-one", files)
    with pytest.raises(InputError, match="one"):
        Runtime.compose("agent=one")


HOOKS = """
import sys
from attrs import frozen
from autogenesis_core import hookimpl

seen = []

@hookimpl
async def rspl_observe(event, data):
    seen.append(("module", event, data["name"]))

@frozen
class Observer:
    @hookimpl
    async def rspl_observe(self, event):
        seen.append((type(self).__module__, event))
"""


def hooked(distribution, name: str) -> None:
    package = f"autogenesis_observer_{name}"
    conf = f"# @package observer.{name}\n# Sees\n_target_: {package}.plugin:Observer\n"
    files = {"plugin.py": HOOKS, f"conf/observer/{name}.yaml": conf}
    distribution(package.replace("_", "-"), files, module=f"{package}.plugin")


def test_hooks_of_exactly_the_selected_plugins_run(distribution):
    hooked(distribution, "one")
    hooked(distribution, "two")

    async def open_() -> None:
        async with Runtime.compose("agent=echo", "+observer=one"):
            pass

    asyncio.run(open_())
    seen = [row for row in sys.modules["autogenesis_observer_one.plugin"].seen if row[1] == "registered"]
    assert seen == [("module", "registered", "agent/echo"), ("autogenesis_observer_one.plugin", "registered")]
    assert "autogenesis_observer_two.plugin" not in sys.modules


GATES = """
from attrs import frozen
from autogenesis_core import Edit, Vote, hookimpl

asked = []

@frozen
class First:
    @hookimpl
    async def sepl_gate(self):
        asked.append("first")
        return Vote("first", "commit", "fine")

@frozen
class Second:
    @hookimpl
    async def sepl_gate(self):
        asked.append("second")
        return Vote("second", "commit", "fine")

@frozen
class Changes:
    rounds: int = 1

    @hookimpl
    async def sepl_select(self):
        return [Edit("agent/echo#prefix", "new ")]
"""
CONF = "# @package {0}\n# A part\n_target_: autogenesis_gates_two.parts:{1}\n"


@pytest.mark.parametrize("order", [["first", "second"], ["second", "first"]])
def test_gates_vote_in_the_order_of_the_configuration(distribution, order):
    from autogenesis_core import Benchmark, Question, Score

    class Numbers(Benchmark):
        def examples(self, sizes, seed):
            return {split: [Question(f"{split}-{i}", f"{split}{i}") for i in range(2)] for split in sizes}

        def score(self, example, outcome):
            return Score(float(outcome.text.startswith("new")))

    files = {
        "parts.py": GATES,
        "conf/gate/first.yaml": CONF.format("gate.first", "First"),
        "conf/gate/second.yaml": CONF.format("gate.second", "Second"),
        "conf/optimizer/changes.yaml": CONF.format("optimizer", "Changes") + "rounds: 1\n",
    }
    distribution("autogenesis-gates-two", files)

    async def evolve():
        words = ("agent=echo", "+optimizer=changes", f"+gate=[{','.join(order)}]")
        async with Runtime.compose(*words, benchmark=Numbers()) as ag:
            return await ag.evolve()

    result = asyncio.run(evolve())
    assert sys.modules["autogenesis_gates_two.parts"].asked == order
    assert (result["gates"], len(result["commits"])) == (order, 1)


LISTED = """
from attrs import field, frozen
from autogenesis_core import Vote, hookimpl

@frozen
class Listed:
    words: list[str] = field(factory=list)

    @hookimpl
    async def sepl_gate(self):
        return Vote("listed", "reject", " ".join(self.words))
"""


def test_a_part_may_have_a_list_among_its_settings(distribution):
    files = {"parts.py": LISTED, "conf/gate/first.yaml": CONF.format("gate.first", "Listed") + "words: [a]\n"}
    distribution("autogenesis-gates-two", files)

    async def votes():
        async with Runtime.compose("agent=echo", "+gate=first") as ag:
            return await ag.hooks.votes(None, None)

    assert [vote.reason for vote in asyncio.run(votes())] == ["a"]


def test_two_parts_that_are_equal_both_run(distribution):
    """Two options of one class and with the same settings are two gates."""
    files = {"parts.py": GATES} | {
        f"conf/gate/{name}.yaml": CONF.format(f"gate.{name}", "First") for name in ("first", "again")
    }
    distribution("autogenesis-gates-two", files)

    async def votes():
        async with Runtime.compose("agent=echo", "+gate=[first,again]") as ag:
            return await ag.hooks.votes(None, None)

    assert len(asyncio.run(votes())) == 2
