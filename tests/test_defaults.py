import pytest

from autogenesis_core.defaults import complete_choices, find_workdir


@pytest.fixture(autouse=True)
def _no_model(monkeypatch):
    monkeypatch.delenv("AUTOGENESIS_MODEL", raising=False)


def complete(*overrides: str, given_model: bool = False) -> list[str]:
    """As composing does it, of overrides that choose no experiment."""
    plain = dict(override.lstrip("+").partition("=")[::2] for override in overrides if "~" not in override)
    chosen = {group: (name,) for group, name in plain.items() if name != "null"}
    return complete_choices(list(overrides), chosen, given_model=given_model)


def make_store(folder):
    (folder / "workdir").mkdir(parents=True)
    (folder / "workdir" / "autogenesis.db").touch()
    return folder / "workdir"


def test_the_store_is_the_nearest_one_upwards(tmp_path):
    far, near = make_store(tmp_path), make_store(tmp_path / "a" / "b")
    (tmp_path / "a" / "b" / "c" / "d").mkdir(parents=True)
    (tmp_path / "x").mkdir()
    assert find_workdir(tmp_path / "a" / "b" / "c" / "d", None) == near
    assert find_workdir(tmp_path / "a" / "b", None) == near
    assert find_workdir(tmp_path / "a", None) == far
    assert find_workdir(tmp_path / "x", None) == far


def test_without_one_the_store_is_made_here(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "workdir").mkdir()  # a folder of that name without a store is none
    assert find_workdir(tmp_path / "a", None) == tmp_path / "a" / "workdir"


def test_a_configured_folder_comes_before_all(tmp_path):
    make_store(tmp_path)
    assert find_workdir(tmp_path, "elsewhere") == tmp_path / "elsewhere"
    assert find_workdir(tmp_path, "/absolute/place").as_posix() == "/absolute/place"


def test_a_home_folder_is_understood(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    assert find_workdir(tmp_path, "~/store") == tmp_path / "home" / "store"


def test_the_model_of_the_environment_is_chosen_unless_one_is_named(monkeypatch):
    monkeypatch.setenv("AUTOGENESIS_MODEL", "openai/gpt-5-mini")
    assert complete("agent=x") == ["agent=x", "model=litellm", "model.name=openai/gpt-5-mini"]
    assert complete("agent=x", "+model=simulated") == ["agent=x", "+model=simulated"]
    assert complete("agent=x", given_model=True) == ["agent=x"]


def test_the_simulated_model_can_be_named_in_the_environment(monkeypatch):
    monkeypatch.setenv("AUTOGENESIS_MODEL", "simulated")
    assert complete("agent=x") == ["agent=x", "model=simulated"]


@pytest.mark.parametrize("prefix", ["", "+", "++"])
def test_an_optimizer_brings_the_default_gate(prefix):
    assert "gate=[safety,auto]" in complete("+agent=policy", f"{prefix}optimizer=x")


@pytest.mark.parametrize("gate", ["gate=safety", "+gate=[safety,human]", "~gate"])
def test_a_chosen_gate_is_the_only_one(gate):
    assert "gate=[safety,auto]" not in complete("+agent=policy", "optimizer=x", gate)


def test_without_an_optimizer_there_is_no_gate():
    assert complete("agent=policy", "benchmark=x") == ["agent=policy", "benchmark=x"]


@pytest.mark.parametrize("prefix", ["", "+"])
def test_the_bare_demonstration_is_recognised(prefix):
    made = complete(f"{prefix}agent=tool_calling", f"{prefix}optimizer=reflection", "seed=3")
    assert made[0] == "experiment=demonstration"


@pytest.mark.parametrize(
    "more",
    ["model=litellm", "+model=simulated", "benchmark=dataset", "environment=gymnasium", "tool=bash", "experiment=x"],
)
def test_whoever_chooses_more_gets_no_demonstration(more):
    assert "experiment=demonstration" not in complete("agent=tool_calling", "optimizer=reflection", more)


def test_with_a_model_set_there_is_no_demonstration(monkeypatch):
    assert "experiment=demonstration" not in complete("agent=tool_calling", "optimizer=reflection", given_model=True)
    monkeypatch.setenv("AUTOGENESIS_MODEL", "openai/gpt-5-mini")
    assert "experiment=demonstration" not in complete("agent=tool_calling", "optimizer=reflection")
