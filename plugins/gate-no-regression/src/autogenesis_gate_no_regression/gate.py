"""The gate: rejects a candidate that does worse where it must not."""

import math
from collections.abc import Sequence
from statistics import fmean
from typing import Any

from attrs import evolve, field, frozen, validators

from autogenesis_core import JSON, Assessment, Candidate, Episode, Evaluation, InputError, Question, Vote, hookimpl
from autogenesis_gate_no_regression.slices import Slice, check_slice, said_of, slices_of

_NAME = "no_regression"


@frozen
class NoRegressionGate:
    """Compares the mean score of each slice before and after; says nothing of a gain.

    Arguments:
        slices: `key=value` of metadata, `id:pattern` of example ids, or `text:words` in the input
        by: keys of metadata, each of whose values is a slice
        tolerance: how much the mean of a slice may fall, in the benchmark's own units
        coverage: the share of a slice's rollouts that must have a score before and after
    """

    guards = True
    whole = True

    slices: tuple[str, ...] = field(default=())
    by: tuple[str, ...] = field(default=())
    tolerance: float = field(default=0.0)
    coverage: float = field(default=1.0, validator=[validators.gt(0), validators.le(1)])

    @slices.validator
    def _check_slices(self, _: object, value: Sequence[str]) -> None:
        for name in value:
            check_slice(name)

    @by.validator
    def _check_by(self, _: object, value: Sequence[str]) -> None:
        if not value and not self.slices:
            raise InputError(
                "no_regression has nothing to guard",
                "gate.no_regression.by=[task]   (or slices: ['task=word_sorting', 'id:val-1*', 'text:please'])",
            )

    @tolerance.validator
    def _check_tolerance(self, _: object, value: float) -> None:
        if not 0 <= value < math.inf:
            raise InputError(f"tolerance is {value}; it must be 0 or more", "tolerance=0.02")

    def check(self, examples: Sequence[Question | Episode]) -> None:
        """Raises InputError for a slice without examples, before a run spends anything."""
        for slice_ in slices_of(self.slices, self.by, examples):
            if not slice_.examples:
                raise InputError(f"no example of val is in the slice '{slice_.name}'", said_of(examples))
        for key in self.by:
            if not slices_of((), (key,), examples):
                raise InputError(f"no example of val has the metadata '{key}'", said_of(examples))

    @hookimpl
    async def sepl_interim(self, candidate: Candidate, assessment: Assessment) -> Any:  # a Vote, or NotImplemented
        """Indecisive if a slice has no example; more evidence until each was run whole; reject what fell for good."""
        found = self._slices(assessment)
        if empty := [slice_.name for slice_ in found if not slice_.examples]:
            return Vote(_NAME, "indecisive", f"no example of val is in the slice {empty[0]}")
        if not found:
            return Vote(_NAME, "indecisive", f"no example of val has the metadata {', '.join(self.by)}")
        if assessment.look < 0:
            return NotImplemented
        done = {cell.example for cell in assessment.baseline.cells}
        whole = [slice_ for slice_ in found if done.issuperset(slice_.examples)]
        fell = self._vote([_within(assessment, slice_) for slice_ in whole], whole)
        if fell.decision == "reject":
            return fell
        if len(whole) < len(found):
            return Vote(_NAME, "continue", "some slices are not scored whole so far")
        return NotImplemented

    @hookimpl
    async def sepl_gate(self, candidate: Candidate, assessment: Assessment) -> Vote:
        """Reject where a slice does worse; indecisive where one has no or not enough evidence."""
        found = self._slices(assessment)
        if not found:
            return Vote(_NAME, "indecisive", f"no example of val has the metadata {', '.join(self.by)}")
        return self._vote([_within(assessment, slice_) for slice_ in found], found)

    def _slices(self, assessment: Assessment) -> list[Slice]:
        val = assessment.examples[-len(assessment.holdout) :] if assessment.holdout else ()
        return slices_of(self.slices, self.by, val)

    def _vote(self, parts: Sequence[Assessment], slices: Sequence[Slice]) -> Vote:
        missing, fell, told = "", "", list[JSON]()
        for part, slice_ in zip(parts, slices, strict=True):
            if not slice_.examples:
                missing = missing or f"no example of val is in the slice {slice_.name}"
                continue
            if lacking := part.missing(self.coverage) or slice_.unrun(part):
                missing = missing or f"{slice_.name}: {lacking}"
            if not part.pairs:
                continue
            before, after = (fmean(values) for values in zip(*part.pairs, strict=True))
            fixed, broken = (sum(sign * (new - old) > 0 for old, new in part.pairs) for sign in (1, -1))
            told.append(
                {"slice": slice_.name, "n": len(part.pairs), "before": before, "after": after,
                 "fixed": fixed, "broken": broken}
            )  # fmt: skip
            if before - after > self.tolerance + 1e-12 and not fell:
                more = f" by more than {self.tolerance:g}" if self.tolerance else ""
                fell = f"{slice_.name} fell{more}: {before:.2f} → {after:.2f}, {broken} broken, {fixed} fixed"
        evidence: dict[str, JSON] = {"slices": told, "tolerance": self.tolerance}
        if fell:
            return Vote(_NAME, "reject", fell, evidence)
        if missing:
            return Vote(_NAME, "indecisive", missing, evidence)
        return Vote(_NAME, "commit", f"none of {len(slices)} slices fell", evidence)


def _within(assessment: Assessment, slice_: Slice) -> Assessment:
    """The assessment on the examples of a slice alone."""

    def cut(evaluation: Evaluation) -> Evaluation:
        return evolve(evaluation, cells=tuple(cell for cell in evaluation.cells if cell.example in slice_.examples))

    return evolve(assessment, baseline=cut(assessment.baseline), candidate=cut(assessment.candidate), looks=())
