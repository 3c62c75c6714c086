"""A dry run: the same configuration on a stub of its model, in a copy of the store that is thrown away."""

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import attrs

from autogenesis_core.registry import Registry
from autogenesis_core.runtime import Runtime
from autogenesis_core.services.stub import StubModel


@contextmanager
def rehearsal(overrides: Sequence[str], folder: Path | None = None, *, stub: bool = True) -> Iterator[Runtime]:
    """The runtime of a dry run: no call leaves the process, nothing is spent, nothing stays.

    Everything is composed, data are read, agents run, scorers score, the optimizer asks: but all models answer nothing,
    so that, where a model proposes, nothing is proposed. Without `stub` the models are the configuration's own: for an
    estimate, which asks none. Raises what composing it would raise.
    """
    meant = Runtime.compose(*overrides, folder=folder)
    composition = meant.composition
    with tempfile.TemporaryDirectory(prefix="autogenesis-dry-") as place:
        if (meant.workdir / "autogenesis.db").is_file():
            with Registry.open(str(meant.workdir)) as registry:
                registry.backup(Path(place) / "autogenesis.db")
        model = StubModel(composition.model) if stub and composition.model is not None else composition.model
        settings = attrs.evolve(composition.settings, workdir=place, branch=meant.branch)
        runtime = Runtime(attrs.evolve(composition, model=model, settings=settings, demonstration=False))
        runtime.rehearsed = True
        yield runtime
