"""The journal of a run: decisions before they act, results on arrival, written in groups with one fsync each."""

from attrs import define, field

from autogenesis_core.identity import JSON
from autogenesis_core.rspl.store import Store
from autogenesis_core.sepl.evaluation import Example, Failed, Result, Split

_GROUP = 64  # results; a crash costs at most these and what was in flight


@define
class Journal:
    """Appends to the store's journal of one run."""

    store: Store
    run: str
    _waiting: list[tuple[str, JSON]] = field(factory=list)

    def decision(self, event: str, body: JSON) -> None:
        """Written before it acts."""
        self._waiting.append((event, body))
        self.flush()

    def result(self, system: str, split: Split, example: Example, result: Result) -> None:
        """A rollout's result; written with the next group."""
        found: dict[str, JSON] = {
            "system": system,
            "split": split,
            "example": example.id,
            "digest": example.digest,
        }
        if isinstance(result, Failed):
            found |= {"failed": result.kind, "reason": result.reason}
        else:
            found |= {"score": result.value}
        self._waiting.append(("result", found))
        if len(self._waiting) >= _GROUP:
            self.flush()

    def flush(self) -> None:
        """Writes what waits."""
        waiting, self._waiting = self._waiting, []
        self.store.journal(self.run, waiting)
