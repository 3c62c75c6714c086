"""The gate: rejects a candidate that breaks what must hold of its texts, before it is tried on anything."""

import re
from collections.abc import Sequence
from typing import Any

from attrs import define, field

from autogenesis_core import Assessment, Candidate, InputError, Vote, hookimpl
from autogenesis_gate_safety.change import changed_texts, text_of
from autogenesis_gate_safety.copying import Examples
from autogenesis_gate_safety.forbidding import brought_in
from autogenesis_gate_safety.keeping import kept_problems

_NAME = "safety"


@define(eq=False)
class SafetyGate:
    """Compares the texts of candidate and last committed state; scores are no matter of its.

    Arguments:
        protected: patterns of variables (`kind/name#path`) that must not change
        keep: texts that must stay in every variable that holds them
        forbidden: regular expressions that no edit may bring in
        longest: characters of one text at most; one that has more already may not grow
        growth: characters that one text may gain at most
        copied: words in a row that an edit may not share with an example; 0 does not look
    """

    guards = True

    protected: tuple[str, ...] = ()
    keep: tuple[str, ...] = ()
    forbidden: tuple[str, ...] = field(default=())
    longest: int = field(default=20_000)
    growth: int = field(default=4_000)
    copied: int = field(default=8)
    _examples: Examples | None = field(default=None, init=False)

    @forbidden.validator
    def _check_forbidden(self, _: object, value: Sequence[str]) -> None:
        for pattern in value:
            try:
                re.compile(pattern)
            except (re.error, RecursionError, OverflowError) as error:
                raise InputError(f"forbidden has {pattern!r:.80}, which is no regular expression: {error}") from None

    @longest.validator
    @growth.validator
    def _check_length(self, attribute: Any, value: int) -> None:  # attrs' Attribute of any type
        if value < 1:
            raise InputError(f"{attribute.name} is {value}; it must be at least 1", f"{attribute.name}=4000")

    @copied.validator
    def _check_copied(self, _: object, value: int) -> None:
        if value and value < 4:
            raise InputError(f"copied is {value}; fewer than 4 words in a row are ordinary prose", "copied=8")

    @hookimpl
    async def sepl_interim(self, candidate: Candidate, assessment: Assessment) -> Any:  # a Vote, or NotImplemented
        """Reject before anything is paid for; later it has nothing to say."""
        if assessment.look >= 0:
            return NotImplemented
        vote = await self.sepl_gate(candidate, assessment)
        return NotImplemented if vote.decision == "commit" else vote

    @hookimpl
    async def sepl_gate(self, candidate: Candidate, assessment: Assessment) -> Vote:
        """Reject what breaks a rule; indecisive where it is not known what stands now."""
        if not assessment.committed:
            return Vote(_NAME, "indecisive", "what is committed now is not known, so nothing can be compared")
        if self.copied and not assessment.examples:
            return Vote(_NAME, "indecisive", "the examples are not known, so it cannot be seen what is copied")
        changes = changed_texts(assessment.committed, candidate.records)
        problems = kept_problems(assessment.committed, candidate.records, self.protected, self.keep)
        for change in changes:
            longest = max(self.longest, len(change.before))
            if len(change.after) > longest:
                problems.append(f"{change.variable} has {len(change.after):,} characters; at most {longest:,} may be")
            elif (grown := len(change.after) - len(change.before)) > self.growth:
                problems.append(f"{change.variable} gains {grown:,} characters; at most {self.growth:,} may be gained")
        problems += await brought_in(self.forbidden, changes)
        evidence: dict[str, Any] = {"checked": [change.variable for change in changes]}
        if self.copied and changes:
            if self._examples is None or not self._examples.are(assessment.examples):
                self._examples = Examples(assessment.examples, self.copied)
            standing = [text_of(value) for r in assessment.committed.values() for value in r.values().values()]
            copies = self._examples.copied(changes, standing)
            problems += [copy.problem for copy in copies]
            evidence["copied_from"] = sorted({example for copy in copies for example in copy.examples})
        if problems:
            more = f", and {len(problems) - 1} more" if len(problems) > 1 else ""
            return Vote(_NAME, "reject", problems[0] + more, {**evidence, "problems": list(problems)})
        keeps = "text keeps" if len(changes) == 1 else "texts keep"
        return Vote(_NAME, "commit", f"{len(changes)} changed {keeps} to the rules", evidence)
