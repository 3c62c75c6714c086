"""The dynamic manager: a running system that takes new versions without a restart."""

from typing import Literal

from attrs import define, field

from autogenesis_core.errors import AutogenesisError
from autogenesis_core.rspl.manager import Manager
from autogenesis_core.rspl.record import Record
from autogenesis_core.rspl.system import System

Follow = Literal["run", "step"]


@define
class Live:
    """The system that an agent runs in: the same until it ends, or, with `follow: step`, the heads of each step.

    What is new is built before it serves; a resource whose new version cannot be built goes on with its old one.
    """

    system: System
    _manager: Manager
    follow: Follow = "run"
    _seen: tuple[int, int] | None = field(init=False, default=None)  # nothing: the system may be older than this

    def refresh(self) -> bool:
        """Takes new heads if there are any and this follows them; whether something changed."""
        if self.follow == "run" or (changes := self._manager.store.change_count) == self._seen:
            return False
        self._seen = changes
        old, new = self.system.records, self._manager.records()[0]
        taken = ((id_, self._taken(old.get(id_), record)) for id_, record in new.items())
        records = {id_: record for id_, record in taken if record is not None}
        swapped = [id_ for id_, record in records.items() if id_ not in old or old[id_].digest != record.digest]
        if not swapped:
            return False
        self._manager.begin()
        self.system = System(records, self._manager)
        for id_ in swapped:
            self._manager.events.append(("swapped", {"name": id_, "digest": records[id_].digest}))
        return True

    def _taken(self, old: Record | None, new: Record) -> Record | None:
        """`new` if it can be built, else `old`."""
        if old is not None and old.digest == new.digest:
            return new
        try:
            self._manager.build(new)
        except AutogenesisError as error:
            serves = "the old one serves" if old else "it is left out"
            note = f"{new.id}: its new version cannot be built, {serves}: {' '.join(str(error).split())}"
            if note not in self._manager.notes:
                self._manager.notes.append(note)
            return old
        return new
