import json
import sys

import pytest

BAD = {
    "__init__.py": "raise OSError('no such luck')\n",
    "conf/agent/bad.yaml": "# @package agent\n# Bad\n_target_: x:Y\n",
}


@pytest.fixture(autouse=True)
def _in_an_empty_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def test_an_installed_plugin_is_listed(echo, typed):
    code, out, err = typed("plugins")
    line = next(line for line in out.splitlines() if "echo" in line)
    assert (code, err, line.split()) == (
        0, "", ["agent", "echo", "Says", "the", "task", "again", "autogenesis-agent-echo", "0.1.0"],
    )  # fmt: skip


def test_a_kind_lists_its_options_only(echo, typed):
    found = json.loads(typed("plugins", "agent", "--json")[1])["options"]
    assert {option["kind"] for option in found} == {"agent"}
    assert "echo" in [option["name"] for option in found]


@pytest.mark.parametrize("word", ["agent=echo", "+agent=echo"])
def test_one_option_shows_its_settings_as_they_are_typed(echo, typed, word):
    code, out, _ = typed("plugins", word)
    assert code == 0
    assert 'agent.prefix: ""' in out
    assert "agent.times: 1" in out
    assert "_target_" not in out
    found = json.loads(typed("plugins", word, "--json")[1])
    assert (found["kind"], found["name"], found["description"]) == ("agent", "echo", "Says the task again")


def test_the_settings_of_a_prompt_option_have_their_group_and_name(distribution, typed):
    conf = "# @package prompt.house\n# Style\nfile: prompts/house.md\n"
    distribution("autogenesis-prompt-house", {"conf/prompt/house.yaml": conf, "prompts/house.md": "## A\nb\n"})
    assert "prompt.house.file" in typed("plugins", "prompt=house")[1]


@pytest.mark.parametrize(
    ("word", "reason"),
    [("agnt", "did you mean agent?"), ("agent=ecko", "did you mean agent=echo?"), ("agent=", ""), ("seed=3", "seed")],
)
def test_an_unknown_kind_or_option_is_an_error(echo, typed, word, reason):
    code, out, err = typed("plugins", word)
    if word == "agent=":
        assert code == 0
    else:
        assert (code, out, reason in err) == (2, "", True)


def test_a_broken_plugin_is_listed_and_only_a_check_imports_it(distribution, echo, typed):
    distribution("autogenesis-agent-bad", BAD)
    code, out, err = typed("plugins")
    assert (code, err, "bad" in out, "autogenesis_agent_bad" in sys.modules) == (0, "", True, False)
    code, out, _ = typed("plugins", "--check")
    assert code == 1
    assert "autogenesis-agent-bad" in out
    assert "no such luck" in out


def test_a_check_finds_the_same_as_json(distribution, typed):
    distribution("autogenesis-agent-bad", BAD)
    code, out, _ = typed("plugins", "--check", "--json")
    assert (code, list(json.loads(out)["broken"])) == (1, ["autogenesis-agent-bad"])


def test_a_plugin_without_its_package_is_marked(distribution, typed):
    folder = distribution("autogenesis-agent-gone", {"conf/agent/gone.yaml": "# @package agent\n# G\n_target_: x:Y\n"})
    (folder / "autogenesis_agent_gone").rename(folder / "elsewhere")
    code, out, _ = typed("plugins")
    assert (code, "autogenesis-agent-gone: its package autogenesis_agent_gone is not there" in out) == (0, True)


def test_an_experiment_of_the_working_folder_is_listed(tmp_path, typed):
    (tmp_path / "conf" / "experiment").mkdir(parents=True)
    (tmp_path / "conf" / "experiment" / "mine.yaml").write_text("# @package _global_\n# My own\nseed: 3\n")
    found = json.loads(typed("plugins", "experiment", "--json")[1])["options"]
    assert ("mine", "My own", "./conf") in [(row["name"], row["description"], row["distribution"]) for row in found]
