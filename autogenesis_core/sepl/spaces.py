"""The spaces of SEPL: traces Z, hypotheses H, modifications D, evaluations S, and what gates say of them."""

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Literal

from attrs import field, frozen

from autogenesis_core.identity import JSON, digest
from autogenesis_core.rspl.record import Record
from autogenesis_core.sepl.evaluation import Evaluation, Example, Outcome, Result

Decision = Literal["commit", "reject", "indecisive"]


@frozen
class Trace:
    """One rollout as reflection sees it: the example with its target, what came out, the score, the tools called."""

    example: Example
    outcome: Outcome
    result: Result
    tools_used: tuple[str, ...] = ()


@frozen
class Hypothesis:
    """A supposed cause of failures, about named variables."""

    text: str
    variables: tuple[str, ...] = ()
    examples: tuple[str, ...] = ()


@frozen
class Edit:
    """A new value for one variable (`kind/name#path`), why, and which examples it should fix."""

    variable: str
    value: JSON
    reason: str = ""
    hypotheses: tuple[int, ...] = ()
    expects: tuple[str, ...] = ()


@frozen(slots=False)
class Candidate:
    """A composed system that nobody else sees: the full map kind/name → record, and how it differs from the heads."""

    records: Mapping[str, Record]
    edits: tuple[Edit, ...] = ()
    hypotheses: tuple[Hypothesis, ...] = ()

    @cached_property
    def id(self) -> str:
        """The digest of the map kind/name → digest."""
        return digest({name: record.digest for name, record in self.records.items()})


@frozen
class Assessment:
    """What gates vote on: results of the candidate and of the last committed state, on equal examples and seeds."""

    candidate: Evaluation
    baseline: Evaluation

    @property
    def pairs(self) -> tuple[tuple[float, float], ...]:
        """(baseline, candidate) for each example that both have a score for."""
        before, after = self.baseline.values, self.candidate.values
        return tuple((before[example], after[example]) for example in before if example in after)


@frozen
class Vote:
    """What one gate says, with its evidence (test, n, delta, interval, p)."""

    gate: str
    decision: Decision
    reason: str
    evidence: Mapping[str, JSON] = field(factory=dict)


@frozen
class Verdict:
    """What the votes come to."""

    decision: Decision
    reason: str
    votes: Sequence[Vote] = ()
