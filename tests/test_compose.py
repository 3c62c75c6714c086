import sys

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from autogenesis_core import InputError, PluginError, Runtime, UnknownName
from autogenesis_core.build import build
from autogenesis_core.catalog import Catalog
from autogenesis_core.compose import compose

ECHO = {"_target_": "autogenesis_agent_echo.agent:Echo", "prefix": "", "times": 1, "words": []}


@pytest.fixture(autouse=True)
def _in_an_empty_folder(tmp_path, monkeypatch, echo):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("AUTOGENESIS_MODEL", raising=False)


@pytest.fixture
def loud(distribution):
    """A second agent, so that there is a choice."""
    code = "from autogenesis_agent_echo.agent import Echo as Loud\n"
    conf = "# @package agent\n# Shouts\n_target_: autogenesis_agent_loud.agent:Loud\nprefix: hey\n"
    return distribution("autogenesis-agent-loud", {"agent.py": code, "conf/agent/loud.yaml": conf})


@pytest.fixture
def tools(distribution):
    """A plugin with two tools."""
    code = (
        "from autogenesis_core import tool\n\n\n"
        "@tool(read_only=True)\ndef say_{0}(text: str) -> str:\n"
        '    """Say it.\n\n    Args:\n        text: what\n    """\n    return text\n'
    )
    files = {}
    for name in ("up", "down"):
        files[f"{name}.py"] = code.format(name)
        files[f"conf/tool/say_{name}.yaml"] = (
            f"# @package tool.say_{name}\n# Says it {name}\n_target_: autogenesis_tool_say.{name}:say_{name}\n"
        )
    return distribution("autogenesis-tool-say", files)


def composed(*overrides: str):
    return compose(list(overrides), Catalog.read())


def experiment(tmp_path, name: str, text: str) -> None:
    (tmp_path / "conf" / "experiment").mkdir(parents=True, exist_ok=True)
    (tmp_path / "conf" / "experiment" / f"{name}.yaml").write_text(f"# @package _global_\n# A test's\n{text}")


@pytest.mark.parametrize("prefix", ["", "+", "++"])
def test_a_choice_is_written_with_or_without_a_plus(prefix):
    found = composed(f"{prefix}agent=echo")
    assert (found.choices, found.config["agent"]) == ({"agent": ("echo",)}, ECHO)


@pytest.mark.parametrize("prefix", ["", "+"])
@pytest.mark.parametrize("first", [True, False])
def test_an_experiments_choice_can_be_chosen_otherwise(tmp_path, loud, prefix, first):
    experiment(tmp_path, "mine", "defaults:\n  - override /agent: loud\nseed: 7\n")
    assert composed("+experiment=mine").choices["agent"] == ("loud",)
    words = ["+experiment=mine", f"{prefix}agent=echo"]
    found = composed(*(words if first else words[::-1]))
    assert (found.choices["agent"], found.config["agent"], found.config["seed"]) == (("echo",), ECHO, 7)


def test_an_experiment_sets_values_and_overrides_set_them_again(tmp_path):
    experiment(tmp_path, "mine", "defaults:\n  - override /agent: echo\nagent:\n  prefix: a\n  times: 3\nseed: 7\n")
    found = composed("experiment=mine", "agent.times=5")
    assert (found.config["agent"]["prefix"], found.config["agent"]["times"], found.config["seed"]) == ("a", 5, 7)
    assert found.shipped["agent"] == ECHO


def test_an_unknown_choice_is_an_error_and_never_the_string():
    with pytest.raises(UnknownName) as caught:
        composed("+agent=ecko")
    assert caught.value.exit_code == 2
    assert "did you mean agent=echo?" in str(caught.value)


def test_an_unknown_choice_in_an_experiment_is_the_same_error(tmp_path):
    experiment(tmp_path, "mine", "defaults:\n  - override /agent: ecko\n")
    with pytest.raises(UnknownName, match="did you mean agent=echo"):
        composed("+experiment=mine")


def test_an_unknown_tool_in_an_experiments_list_is_the_same_error(tmp_path, tools):
    experiment(tmp_path, "mine", "defaults:\n  - override /tool: [say_up, say_dwn]\n")
    with pytest.raises(UnknownName, match="did you mean tool=say_down"):
        composed("+experiment=mine")


def test_a_group_set_as_a_plain_value_in_an_experiment_is_an_error(tmp_path):
    """`agent: echo` in place of a default would become the string."""
    experiment(tmp_path, "mine", "agent: echo\n")
    with pytest.raises((InputError, PluginError)):
        build(composed("+experiment=mine"), Catalog.read(), tmp_path)


@pytest.mark.parametrize("written", ["tool=[say_up,say_down]", "+tool=[say_up, say_down]", "tool=say_up,say_down"])
def test_lists_work_where_several_may_be_chosen(tools, written):
    assert composed(written).choices["tool"] == ("say_up", "say_down")


def test_the_order_of_a_list_is_the_configurations(tools):
    assert composed("+tool=[say_down,say_up]").choices["tool"] == ("say_down", "say_up")


def test_a_list_where_only_one_may_be_chosen_is_an_error(loud):
    with pytest.raises(InputError, match="only one agent"):
        composed("agent=[echo,loud]")


def test_one_group_chosen_twice_is_an_error(loud):
    with pytest.raises(InputError, match="agent is chosen twice"):
        composed("agent=echo", "+agent=loud")


def test_a_choice_is_taken_back_with_a_tilde(tmp_path):
    experiment(tmp_path, "mine", "defaults:\n  - override /agent: echo\n")
    assert composed("+experiment=mine", "~agent").choices == {"experiment": ("mine",)}


def test_a_plugins_provider_conflict_hurts_only_who_selects_it(distribution):
    conf = {"conf/agent/twin.yaml": "# @package agent\n# T\n_target_: x:Y\n"}
    distribution("autogenesis-agent-left", conf)
    distribution("autogenesis-agent-right", conf)
    assert composed("agent=echo").choices == {"agent": ("echo",)}
    with pytest.raises(InputError) as caught:
        composed("agent=twin")
    assert "autogenesis-agent-left" in str(caught.value)
    assert "autogenesis-agent-right" in str(caught.value)


@pytest.mark.parametrize("target", ["os:system", "subprocess:Popen", "autogenesis_agent_echo.agent:Agent"])
def test_a_target_cannot_be_set_by_an_override(tmp_path, target):
    with pytest.raises(InputError, match="target"):
        build(composed("agent=echo", f"agent._target_={target}"), Catalog.read(), tmp_path)


def test_a_target_cannot_be_set_by_an_experiment(tmp_path):
    experiment(tmp_path, "mine", "defaults:\n  - override /agent: echo\nagent:\n  _target_: os:system\n")
    with pytest.raises(InputError, match="target"):
        build(composed("+experiment=mine"), Catalog.read(), tmp_path)


def test_a_target_of_the_users_own_folder_is_refused(tmp_path):
    """`./conf` is data only."""
    (tmp_path / "conf" / "agent").mkdir(parents=True)
    (tmp_path / "conf" / "agent" / "mine.yaml").write_text("# @package agent\n# Mine\n_target_: os:system\n")
    with pytest.raises(PluginError, match=r"agent/mine of \./conf"):
        build(composed("+agent=mine"), Catalog.read(tmp_path), tmp_path)


def test_a_target_that_an_experiment_gives_to_a_group_is_refused(tmp_path):
    """Not through a default, so that no option's file stands behind it."""
    experiment(tmp_path, "mine", "agent:\n  _target_: os:system\n  command: 'touch made'\n")
    with pytest.raises((InputError, PluginError)):
        build(composed("+experiment=mine"), Catalog.read(tmp_path), tmp_path)
    experiment(tmp_path, "other", "tool:\n  bad:\n    _target_: os:system\n")
    with pytest.raises((InputError, PluginError)):
        build(composed("+experiment=other"), Catalog.read(tmp_path), tmp_path)
    assert not (tmp_path / "made").exists()


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("3", 3), ("3.5", 3.5), ("true", True), ("null", None), ("[a,b]", ["a", "b"]), ("text", "text"), ("", ""),
        ("'3'", "3"), ("a,b", "a,b"), ("it's", "it's"), ("a=b", "a=b"), ("{x", "{x"), ("50%: yes", "50%: yes"),
        ("C:\\dir\\", "C:\\dir\\"), ("two\nlines", "two\nlines"), ('say "hi"', 'say "hi"'), ("choice(a,b)", "choice(a,b)"),
    ],
)  # fmt: skip
def test_a_value_is_what_it_looks_like_and_else_text(written, value):
    assert composed("agent=echo", f"agent.prefix={written}").config["agent"]["prefix"] == value


def test_a_value_with_an_interpolation_that_cannot_be_read_is_refused():
    with pytest.raises(InputError, match=r"\$\{"):
        composed("agent=echo", "agent.prefix=what is ${x, y")


texts = st.text(st.characters(codec="utf-8"), max_size=20) | st.text("',=:\"{}$\\[] \n()#", max_size=12)


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(texts.filter(lambda text: "${" not in text), min_size=10, max_size=20))
def test_any_value_without_an_interpolation_composes(values):
    found = composed("agent=echo", *(f"agent.v{number}={text}" for number, text in enumerate(values)))
    assert len(found.config["agent"]) == len(ECHO) + len(values)


@pytest.mark.parametrize("word", ["agent", "agent.prefix", "just text", "=x", "3=4", "a b=c"])
def test_what_is_no_setting_is_said_to_be_none(word):
    with pytest.raises(InputError, match="is no setting"):
        composed(word)


@pytest.mark.parametrize(
    "override", ["hydra.run.dir=elsewhere", "hydra/job_logging=default", "hydra.job.chdir=true", "hydra.verbose=true"]
)
def test_hydras_own_settings_are_not_the_users(tmp_path, override):
    """They are refused or without effect: Hydra writes nothing of its own."""
    try:
        found = composed("agent=echo", override)
    except InputError:
        pass
    else:
        assert "hydra" not in found.config
    assert list(tmp_path.iterdir()) == []


def test_composing_writes_nothing(tmp_path):
    build(composed("agent=echo", "seed=3"), Catalog.read(), tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_composing_leaves_no_global_state_of_hydra_behind():
    from hydra.core.global_hydra import GlobalHydra

    composed("agent=echo")
    with pytest.raises(UnknownName):
        composed("agent=ecko")
    with pytest.raises(InputError):
        composed("agent=echo", "agent..x=1")
    assert not GlobalHydra.instance().is_initialized()


def test_composing_imports_no_plugin():
    composed("agent=echo")
    assert [name for name in sys.modules if name.startswith("autogenesis_agent_echo")] == []


def test_what_the_user_installs_later_is_found_by_the_same_process(distribution):
    composed("agent=echo")
    conf = "# @package agent\n# Later\n_target_: autogenesis_agent_late.agent:Late\n"
    distribution("autogenesis-agent-late", {"conf/agent/late.yaml": conf})
    assert composed("agent=late").choices == {"agent": ("late",)}


GATE = (
    "from attrs import frozen\nfrom autogenesis_core import Vote, hookimpl\n\n\n@frozen\nclass Strict:\n"
    '    @hookimpl\n    async def sepl_gate(self, candidate, assessment):\n        return Vote("strict", "reject", "no")\n'
)


@pytest.fixture
def strict(distribution):
    """A gate and an optimizer of a test's own."""
    optimizer = "from attrs import frozen\n\n\n@frozen\nclass Idle:\n    rounds: int = 1\n"
    conf = "# @package {0}\n# {1}\n_target_: autogenesis_gate_strict.parts:{1}\n"
    return distribution(
        "autogenesis-gate-strict",
        {
            "parts.py": optimizer + GATE,
            "conf/gate/strict.yaml": conf.format("gate.strict", "Strict"),
            "conf/optimizer/idle.yaml": conf.format("optimizer", "Idle") + "rounds: 1\n",
        },
    )


def gates(*overrides: str) -> list[str]:
    return [part.name for part in Runtime.compose(*overrides).composition.gates]


def test_the_gate_is_chosen_by_default_with_an_optimizer(strict):
    assert gates("+agent=echo", "+optimizer=idle") == ["gate safety", "gate auto"]


def test_the_gate_is_chosen_by_default_with_an_experiments_optimizer(strict, tmp_path):
    experiment(tmp_path, "mine", "defaults:\n  - override /agent: echo\n  - override /optimizer: idle\n")
    assert gates("+experiment=mine") == ["gate safety", "gate auto"]


def test_a_gate_that_an_experiment_chose_stays_when_an_optimizer_is_chosen(strict, tmp_path):
    experiment(tmp_path, "mine", "defaults:\n  - override /agent: echo\n  - override /gate: [strict]\n")
    assert gates("+experiment=mine", "+optimizer=idle") == ["gate strict"]


def test_a_model_that_an_experiment_chose_stays_when_the_environment_names_one(strict, tmp_path, monkeypatch):
    monkeypatch.setenv("AUTOGENESIS_MODEL", "openai/gpt-5-mini")
    experiment(tmp_path, "mine", "defaults:\n  - override /agent: echo\n  - override /model: simulated\n")
    model = Runtime.compose("+experiment=mine").composition.model
    assert model is not None
    assert model.simulated
