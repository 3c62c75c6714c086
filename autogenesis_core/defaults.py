"""What goes without saying: where the store is, the model of the environment, the default gate, the demonstration."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path


def find_workdir(folder: Path, configured: str | None) -> Path:
    """The folder of the store: as configured, else the nearest `workdir` with a store upwards, else a new one here."""
    if configured:
        return (folder / Path(configured).expanduser()).resolve()
    for place in (folder, *folder.resolve().parents):
        if (place / "workdir" / "autogenesis.db").is_file():
            return (place / "workdir").resolve()
    return (folder / "workdir").resolve()


def complete_choices(overrides: Sequence[str], chosen: Mapping[str, Sequence[str]], *, given_model: bool) -> list[str]:
    """The overrides with what goes without saying: AUTOGENESIS_MODEL, the default gate, the demonstration.

    `chosen` is what they choose by themselves, experiments included.
    """
    keys = {override.lstrip("+~").partition("=")[0] for override in overrides} | chosen.keys()
    made = list(overrides)
    name = os.environ.get("AUTOGENESIS_MODEL", "")
    if name and "model" not in keys and not given_model:
        made += ["model=simulated"] if name == "simulated" else ["model=litellm", f"model.name={name}"]
    if "optimizer" in chosen and "gate" not in keys:
        made.append("gate=[safety,auto]")
    others = keys & {"model", "benchmark", "environment", "experiment", "tool"}
    # The demonstration is of the agent that calls tools; other agents say for themselves what they need.
    bare = chosen.get("agent") == ("tool_calling",) and "optimizer" in chosen and not others
    return ["experiment=demonstration", *made] if bare and not name and not given_model else made
