"""The spaces of SEPL: traces Z, hypotheses H, modifications D, evaluations S, and what gates say of them."""

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Literal

from attrs import field, frozen

from autogenesis_core.identity import JSON, digest
from autogenesis_core.rspl.record import Record
from autogenesis_core.sepl.evaluation import Cost, Evaluation, Example, Outcome, Result
from autogenesis_core.sepl.patch import Patch

Decision = Literal["commit", "reject", "indecisive", "continue"]


@frozen
class Trace:
    """One rollout as reflection sees it: the example with its target, what came out, the score, the tools called."""

    example: Example
    outcome: Outcome
    result: Result
    tools_used: tuple[str, ...] = ()
    cost: Cost = field(factory=Cost)


@frozen
class Hypothesis:
    """A supposed cause of failures, about named variables."""

    text: str
    variables: tuple[str, ...] = ()
    examples: tuple[str, ...] = ()


@frozen
class Edit:
    """A new value for one variable (`kind/name#path`), why, and which examples (ids of train) it should fix.

    A text may be edited by parts instead: `patches`, each to be applied to the text as it stands, and no `value`.
    `needs` names the resources (`kind/name`) whose form in this same commit the edit relies on, e.g. the tool whose new
    argument a prompt names: who rolls that tool back is told of the prompt.
    """

    variable: str
    value: JSON = None
    reason: str = ""
    hypotheses: tuple[int, ...] = ()
    expects: tuple[str, ...] = ()
    patches: tuple[Patch, ...] = ()
    needs: tuple[str, ...] = ()


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


@frozen(slots=False)
class Assessment:
    """What gates vote on: results of the candidate and of the last committed state, on equal examples and seeds.

    Arguments:
        alpha: the level that the ledger grants this decision, one-sided; a test that stands alone uses its own
        looks: after how many examples the gates are asked in the meantime, the last being all; empty: once, at the end
        look: which of the looks this is; -1 before there is any evidence
        complete: whether no more evidence will come
        reused: whether an earlier decision saw results of the same examples under the same seeds
        screen: the same comparison on the train examples that the candidate was kept in the pool for, if there was one
        stopped: the vote that ended it before all evidence was there
        committed: the last committed state, by `kind/name`
        examples: those of train and val that the evidence may stand on, targets included
        holdout: the ids of those of val
        priced: whether it is known what a call costs; else money that was spent is counted as none
        votes: of the gates before the one that is asked
    """

    candidate: Evaluation
    baseline: Evaluation
    alpha: float | None = None
    looks: tuple[int, ...] = ()
    look: int = 0
    complete: bool = True
    reused: bool = False
    screen: "Assessment | None" = None
    stopped: "Vote | None" = None
    committed: Mapping[str, Record] = field(factory=dict, repr=False)
    examples: Sequence[Example] = field(factory=tuple, repr=False)
    holdout: tuple[str, ...] = field(default=(), repr=False)
    priced: bool = False
    votes: tuple["Vote", ...] = ()

    @property
    def planned(self) -> int:
        """How many differences there will be at the last look, if nothing is missing."""
        # Examples of one cluster are never parted, so before there is evidence all clusters are known.
        groups = self.baseline.clusters
        examples = self.looks[-1] if self.looks else len({cell.example for cell in self.baseline.cells})
        return examples - len(groups) + len(set(groups.values()))

    @property
    def coverage(self) -> float:
        """The share of the rollouts planned by this look that have a score both before and after."""
        sides = [
            {(cell.example, cell.epoch): cell.value(found.lowest) for cell in found.cells}
            for found in (self.baseline, self.candidate)
        ]
        wanted = sides[0].keys() | sides[1].keys()
        if not wanted:
            return 0.0
        scored = sum(all(side.get(cell) is not None for side in sides) for cell in wanted)
        planned = self.looks[self.look] if self.looks and self.look >= 0 else 0
        run = len({example for example, _ in wanted})
        return scored / len(wanted) * min(1.0, run / planned if planned else 1.0)

    def missing(self, coverage: float) -> str:
        """What is missing for a decision that needs this coverage, in a few words; empty if nothing is."""
        if not self.pairs:
            return "no example has a score both before and after"
        if self.coverage < coverage:
            return f"only {self.coverage:.0%} of the rollouts have a score both before and after, not {coverage:.0%}"
        return ""

    @property
    def pairs(self) -> tuple[tuple[float, float], ...]:
        """(baseline, candidate) for each example that both have a score for."""
        before, after = self.baseline.values, self.candidate.values
        return tuple((before[example], after[example]) for example in before if example in after)

    @property
    def differences(self) -> tuple[float, ...]:
        """Candidate less baseline, in the order in which examples were drawn; one for all examples of a cluster.

        Of these it is the sum, in such a unit that the mean of the differences is the mean gain of an example.
        """
        before, after = self.baseline.values, self.candidate.values
        clusters = self.baseline.clusters
        gains = {example: after[example] - value for example, value in before.items() if example in after}
        if not clusters:
            return tuple(gains.values())
        found: dict[tuple[bool, str], float] = {}
        for example, gain in gains.items():
            cluster = (example in clusters, clusters.get(example, example))
            found[cluster] = found.get(cluster, 0.0) + gain
        return tuple(total * len(found) / len(gains) for total in found.values())


@frozen
class Vote:
    """What one gate says, with its evidence (test, n, delta, interval, p).

    "continue" is for `sepl_interim` alone: the evidence so far does not suffice.
    """

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
