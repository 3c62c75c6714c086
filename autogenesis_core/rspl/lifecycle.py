"""The lifecycles: of a resource in a running system, and of a version in the store."""

from typing import Literal

from autogenesis_core.errors import LifecycleError

ResourceState = Literal["registered", "built", "failed", "retired"]
VersionState = Literal["candidate", "active", "deprecated", "archived"]

_RESOURCE: dict[str, tuple[str, ...]] = {
    "registered": ("built", "failed", "retired"),
    "built": ("retired", "failed", "built"),
    "failed": ("built", "failed", "retired"),
    "retired": (),
}
_VERSION: dict[str, tuple[str, ...]] = {
    "candidate": ("active",),
    "active": ("deprecated",),
    "deprecated": ("active", "archived"),
    "archived": (),
}


def move_resource(name: str, state: ResourceState, to: ResourceState) -> ResourceState:
    """`to`, if a resource may go there from `state`; raises LifecycleError if not."""
    if to not in _RESOURCE[state]:
        raise LifecycleError(f"{name} is {state} and cannot become {to}")
    return to


def move_version(name: str, state: VersionState, to: VersionState) -> VersionState:
    """`to`, if a version may go there from `state`; raises LifecycleError if not."""
    if to not in _VERSION[state]:
        raise LifecycleError(f"{name} is {state} and cannot become {to}", "restore makes a new version of an old one")
    return to
