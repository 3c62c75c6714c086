import sys
from pathlib import Path

import pytest

from autogenesis_core import InputError, PluginError, UnknownName
from autogenesis_core.catalog import DISTRIBUTIONS, GROUPS, Catalog, import_plugin

ROOT = Path(__file__).parents[1]


def only(*distributions: str) -> Catalog:
    """The catalogue as it is where nothing but these is installed."""
    return Catalog(tuple(plugin for plugin in Catalog.read().plugins if plugin.distribution in distributions))


def option(group: str, target: str = "x:Y", package: str = "", comment: str = "# What it does\n") -> str:
    return f"# @package {package or group}\n{comment}_target_: {target}\n"


def test_an_installed_distribution_is_listed_with_its_options(distribution):
    distribution("autogenesis-agent-one", {"conf/agent/one.yaml": option("agent")}, version="2.3.4")
    found = Catalog.read().find("agent", "one")
    assert (
        found.id,
        found.description,
        found.plugin.distribution,
        found.plugin.version,
        found.plugin.editable,
    ) == ("agent/one", "What it does", "autogenesis-agent-one", "2.3.4", False)


def test_listing_imports_no_plugin(distribution):
    files = {"__init__.py": "raise RuntimeError('imported')", "conf/agent/one.yaml": option("agent")}
    distribution("autogenesis-agent-one", {**files, "plugin.py": "raise RuntimeError('imported')"})
    distribution("autogenesis-agent-two", files, module="autogenesis_agent_two.plugin")
    assert {"one"} < {*Catalog.read().names("agent")}
    assert [name for name in sys.modules if name.startswith(("autogenesis_agent_one", "autogenesis_agent_two"))] == []


def test_every_group_of_the_design_can_be_offered(distribution):
    distribution("autogenesis-all", {f"conf/{group}/everything.yaml": option(group) for group in GROUPS})
    catalog = Catalog.read()
    assert [catalog.find(group, "everything").group for group in GROUPS] == list(GROUPS)


def test_a_folder_that_is_no_group_offers_nothing(distribution):
    distribution("autogenesis-odd", {"conf/hydra/launcher.yaml": option("hydra"), "conf/loose.yaml": "a: 1\n"})
    found = [found.id for found in Catalog.read().options if found.plugin.distribution == "autogenesis-odd"]
    assert found == []


def test_a_distribution_without_its_package_is_reported_and_hides_nothing_else(distribution, echo):
    folder = distribution("autogenesis-agent-gone", {"conf/agent/gone.yaml": option("agent")})
    (folder / "autogenesis_agent_gone").rename(folder / "elsewhere")
    catalog = Catalog.read()
    gone = next(plugin for plugin in catalog.plugins if plugin.distribution == "autogenesis-agent-gone")
    assert gone.error == "its package autogenesis_agent_gone is not there"
    assert catalog.find("agent", "echo").plugin.error == ""
    with pytest.raises(UnknownName, match="autogenesis-agent-gone is broken"):
        catalog.find("agent", "gone")


def test_two_providers_of_one_option_are_an_error_that_names_both_when_it_is_selected(distribution):
    files = {"conf/agent/twin.yaml": option("agent")}
    distribution("autogenesis-agent-left", {**files, "conf/agent/left.yaml": option("agent")})
    distribution("autogenesis-agent-right", files)
    catalog = Catalog.read()
    assert catalog.find("agent", "left").plugin.distribution == "autogenesis-agent-left"
    with pytest.raises(InputError) as caught:
        catalog.find("agent", "twin")
    assert caught.value.exit_code == 2
    assert "autogenesis-agent-left" in str(caught.value)
    assert "autogenesis-agent-right" in str(caught.value)


def test_two_providers_are_both_listed(distribution):
    distribution("autogenesis-agent-left", {"conf/agent/twin.yaml": option("agent")})
    distribution("autogenesis-agent-right", {"conf/agent/twin.yaml": option("agent")})
    owners = [found.plugin.distribution for found in Catalog.read().options if found.id == "agent/twin"]
    assert owners == ["autogenesis-agent-left", "autogenesis-agent-right"]


def test_an_unknown_option_says_what_is_installed_and_the_nearest(echo):
    with pytest.raises(UnknownName) as caught:
        only("autogenesis-agent-echo").find("agent", "ecko")
    assert str(caught.value) == "no agent 'ecko'; did you mean agent=echo?\n  installed: echo"


@pytest.mark.parametrize("name", sorted(DISTRIBUTIONS))
def test_pip_install_is_said_for_our_own_distributions(name):
    with pytest.raises(UnknownName) as caught:
        only("autogenesis-core").find(*name.split("/"))
    assert f"pip install {DISTRIBUTIONS[name]}" in str(caught.value).splitlines()[1]


@pytest.mark.parametrize("name", ["browser", "autogenesis", "x", "requests"])
def test_pip_install_is_never_said_for_a_name_that_is_not_ours(name):
    with pytest.raises(UnknownName) as caught:
        only("autogenesis-core").find("tool", name)
    assert "pip install" not in str(caught.value)


def test_an_option_of_ours_that_is_misspelt_and_not_installed_is_recognised():
    with pytest.raises(UnknownName) as caught:
        only("autogenesis-core").find("agent", "tool_caling")
    assert "agent=tool_calling" in str(caught.value)
    assert "pip install autogenesis-agent-tool-calling" in str(caught.value)


def test_the_table_of_our_distributions_is_what_the_repository_offers():
    """`pip install` may only ever name what we publish."""
    offered = {}
    for path in ROOT.glob("plugins/*/src/*/conf/*/*.yaml"):
        folder = path.relative_to(ROOT / "plugins").parts[0]
        if path.parent.name in GROUPS:
            offered[f"{path.parent.name}/{path.stem}"] = f"autogenesis-{folder}"
    assert offered == DISTRIBUTIONS


def test_a_conf_folder_of_the_working_folder_is_listed_as_the_users_own(tmp_path):
    (tmp_path / "conf" / "experiment").mkdir(parents=True)
    (tmp_path / "conf" / "experiment" / "mine.yaml").write_text("# @package _global_\n# My own\nseed: 3\n")
    found = Catalog.read(tmp_path).find("experiment", "mine")
    assert (found.plugin.distribution, found.plugin.package, found.description) == ("./conf", "", "My own")


@pytest.mark.parametrize(
    ("text", "description"),
    [
        ("# @package agent\n# One line\n_target_: x:Y\n", "One line"),
        ("# @package agent\n_target_: x:Y\n# Too late\n", ""),
        ("", ""),
    ],
)
def test_the_description_is_the_first_comment_after_the_header(distribution, text, description):
    distribution("autogenesis-agent-one", {"conf/agent/one.yaml": text})
    assert Catalog.read().find("agent", "one").description == description


def test_a_plugin_that_fails_on_import_is_named_with_its_cause(distribution):
    distribution("autogenesis-agent-bad", {"__init__.py": "1 / 0", "conf/agent/bad.yaml": option("agent")}, "7.0")
    plugin = Catalog.read().find("agent", "bad").plugin
    with pytest.raises(PluginError) as caught:
        import_plugin(plugin)
    assert caught.value.reason == ("autogenesis-agent-bad 7.0 fails on import: ZeroDivisionError: division by zero")
    assert caught.value.exit_code == 1
