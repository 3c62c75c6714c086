"""The gate: what a person says."""

import math
import sys
from collections.abc import Sequence

from attrs import field, frozen, validators

from autogenesis_core import JSON, Assessment, Candidate, Episode, InputError, Question, Vote, hookimpl
from autogenesis_gate_human.asking import ask_by_file, ask_terminal
from autogenesis_gate_human.request import Request, request_of

_NAME = "human"
_NOBODY = "nobody is there to ask: no terminal, and no gate.human.file"


@frozen
class HumanGate:
    """Shows a person the candidate and the evidence, and takes nothing but a clear yes for one.

    Arguments:
        file: where the answer is to be written, with the request beside it; empty: the terminal asks
        wait: seconds to wait for an answer
        coverage: the share of the planned rollouts that must have a score before and after
    """

    external = True  # asked once: the journal keeps the answer

    file: str = ""
    wait: float = field(default=3600.0)
    coverage: float = field(default=0.9, validator=[validators.gt(0), validators.le(1)])

    @wait.validator
    def _check_wait(self, _: object, value: float) -> None:
        if not 0 < value < math.inf:
            raise InputError(f"wait is {value}; it is seconds, more than 0", "wait=3600")

    def check(self, examples: Sequence[Question | Episode]) -> None:
        """Raises InputError where nobody could be asked, before anything is paid for."""
        if not self.file and not _at_terminal():
            raise InputError(f"gate=human: {_NOBODY}", "gate.human.file=approval.txt")

    @hookimpl
    async def sepl_interim(self, candidate: Candidate, assessment: Assessment) -> Vote:
        """No opinion: how much evidence is enough, tests say."""
        return NotImplemented  # type: ignore[no-any-return]  # which declines

    @hookimpl
    async def sepl_gate(self, candidate: Candidate, assessment: Assessment) -> Vote:
        """Commit for a yes, reject for everything else; nobody is asked where it could not be a commit anyway."""
        if unsure := [vote for vote in assessment.votes if vote.decision == "indecisive"]:
            return Vote(_NAME, "indecisive", f"nobody was asked: {unsure[0].gate} is indecisive")
        if not assessment.committed:
            return Vote(_NAME, "indecisive", "what is committed now is not known, so nobody can be shown a difference")
        if missing := assessment.missing(self.coverage):
            return Vote(_NAME, "indecisive", missing)
        request = request_of(candidate, assessment)
        decision, why = await self._asked(request)
        evidence: dict[str, JSON] = {"request": request.id, "answer": why}
        return Vote(_NAME, "commit" if decision else "reject", why, evidence)

    async def _asked(self, request: Request) -> tuple[bool, str]:
        if self.file:
            return await ask_by_file(request, self.file, self.wait)
        if _at_terminal():
            return await ask_terminal(request, self.wait)
        return False, _NOBODY


def _at_terminal() -> bool:
    return sys.stdin.isatty() and sys.stdout.isatty()
