"""From what was typed to a composition: the catalogue, the configuration or a lock file, and parts given as objects."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import attrs
from dotenv import find_dotenv, load_dotenv

from autogenesis_core.build import build, describe, given_name
from autogenesis_core.catalog import Catalog
from autogenesis_core.defaults import complete_choices
from autogenesis_core.errors import InputError
from autogenesis_core.lock import read_lock
from autogenesis_core.sepl.evaluation import Benchmark
from autogenesis_core.services.model import Model
from autogenesis_core.settings import Composition, Resource


def composition_of(
    overrides: Sequence[str],
    folder: Path,
    *,
    agent: Any = None,  # an instance of any Agent class
    benchmark: Benchmark | None = None,
    model: Model | None = None,
) -> Composition:
    """The composition that `overrides` mean in `folder`; parts given as objects replace chosen ones.

    Raises UnknownName, InputError or ConfigurationError for what cannot be composed.
    """
    load_dotenv(find_dotenv(usecwd=True))
    catalog = Catalog.read(folder)
    if any(override.startswith("lock=") for override in overrides):
        return _locked(overrides, catalog, folder)
    from autogenesis_core.compose import choices_of, compose  # Hydra, which a lock file does without

    choices = choices_of(overrides, catalog)
    chosen = complete_choices(overrides, choices, given_model=model is not None)
    composition = build(compose(chosen, catalog), catalog, folder)
    resources = list(composition.resources)
    if agent is not None:
        resources = [r for r in resources if r.record.kind != "agent"] + [_given(agent)]
    return attrs.evolve(
        composition,
        resources=resources,
        benchmark=benchmark or composition.benchmark,
        model=model or composition.model,
        demonstration="experiment=demonstration" in chosen,
        overrides=tuple(chosen),
        given=tuple(name for name, part in (("agent", agent), ("benchmark", benchmark), ("model", model)) if part),
    )


def _given(agent: Any) -> Resource:  # an instance of any Agent class
    cls = type(agent)
    values = {f.name: getattr(agent, f.name) for f in attrs.fields(cls) if f.metadata.get("parameter", True)}
    record = describe("agent", given_name(agent), "An agent given as an object", cls, "", values)
    return Resource(record, cls, instance=agent)


def _locked(overrides: Sequence[str], catalog: Catalog, folder: Path) -> Composition:
    """The composition that a lock file holds."""
    if len(overrides) > 1:
        others = " ".join(override for override in overrides if not override.startswith("lock="))
        raise InputError(f"a lock file is a whole configuration, to which {others} cannot be added")
    composed, resources = read_lock(folder / overrides[0].partition("=")[2])
    return attrs.evolve(build(composed, catalog, folder), lock=resources)
