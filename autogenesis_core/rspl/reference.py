"""How resources, versions and variables are named: `kind/name`, `kind/name@version`, `kind/name#path`."""

import re
from typing import cast

from attrs import frozen

from autogenesis_core.errors import InputError, shortened, unknown
from autogenesis_core.rspl.entity import KINDS, Kind

_REFERENCE = re.compile(r"(?P<kind>[a-z]+)/(?P<name>[a-z][a-z0-9_]{0,63})(@(?P<at>[\w.\-]+))?(#(?P<path>[\w.\-]+))?")


@frozen
class Reference:
    """A named resource, perhaps at a version (or branch, or `champion`), perhaps one variable of it."""

    kind: Kind
    name: str
    at: str = ""
    path: str = ""

    @property
    def id(self) -> str:
        """`kind/name`."""
        return f"{self.kind}/{self.name}"

    @classmethod
    def parse(cls, text: str) -> "Reference":
        """The reference that `text` says; raises InputError that shows the form."""
        match = _REFERENCE.fullmatch(text)
        if not match:
            raise InputError(
                f"'{shortened(text)}' names no resource", "a resource is named like prompt/tool_calling@1.0.0"
            )
        if match["kind"] not in KINDS:
            raise unknown("kind", match["kind"], KINDS)
        return cls(cast("Kind", match["kind"]), match["name"], match["at"] or "", match["path"] or "")

    def __str__(self) -> str:
        return self.id + (f"@{self.at}" if self.at else "") + (f"#{self.path}" if self.path else "")
