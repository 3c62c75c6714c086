"""The commit decision: the tip of the pool against the last committed version, on examples held out, look by look."""

import random
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from attrs import define, evolve, field

from autogenesis_core.errors import BudgetExceeded, Conflict, ModelUnavailable, StoreError
from autogenesis_core.identity import JSON, derive
from autogenesis_core.rspl.record import Record
from autogenesis_core.rspl.reference import Reference
from autogenesis_core.rspl.store import Change, Grant, Head
from autogenesis_core.sepl.evaluation import Evaluation
from autogenesis_core.sepl.ledger import granted, holdout_id, lineage_id
from autogenesis_core.sepl.pool import Member, transplant
from autogenesis_core.sepl.sequential import detectable
from autogenesis_core.sepl.spaces import Assessment, Candidate, Edit, Verdict, Vote

if TYPE_CHECKING:
    from autogenesis_core.sepl.loop import Loop, RoundReport

_ATTEMPTS = 3  # assessments of one candidate, if heads keep moving below it


@define(eq=False)
class Assessor:
    """Decides on candidates, one at a time, and writes what comes of it.

    Arguments:
        decisions: assessments that were begun in this run
    """

    loop: "Loop"
    decisions: int = 0
    decision: str = ""
    screen: Assessment | None = None
    lineage: str = field(init=False)
    holdout: str = field(init=False)
    _digests: list[str] = field(init=False)
    _nothing: Assessment = field(init=False)  # before there is any evidence
    _clustered: bool = field(init=False)
    _next: float | None = None
    _purpose: str = ""

    def __attrs_post_init__(self) -> None:
        loop = self.loop
        self.lineage = lineage_id(loop.manager.branch, loop.records)
        train, val = loop.examples["train"], loop.examples["val"]
        self._digests = sorted({example.digest for example in val})
        known = loop.journal.once("holdout", "", lambda: loop.store.holdout(self.lineage, self._digests) or "")
        self.holdout = known or holdout_id(self._digests)
        clusters = {example.id: example.cluster for example in val if example.cluster}
        self._clustered = bool(clusters)
        nothing = Evaluation("", "val", (), loop.evaluator.benchmark.lowest, loop.evaluator.reducer, clusters)
        self._nothing = Assessment(
            nothing, nothing, look=-1, complete=False, examples=(*train, *val),
            holdout=tuple(example.id for example in val), priced=loop.budget.price is not None,
        )  # fmt: skip

    @property
    def tests(self) -> bool:
        """Whether a gate makes a statistical test, which spends from the ledger."""
        return self.loop.hooks.planner is not None

    def is_known(self, decision: str) -> bool:
        """Whether an earlier process of this run decided it, so that no budget is asked for it."""
        return self.loop.journal.recall("verdict", decision) is not None

    def detectable(self, power: float) -> float:
        """The gain that the next assessment would prove with a chance of `power`."""
        if self._next is None:
            self._next = self.level(str(self.decisions))
        planned = evolve(self._nothing, looks=self._looks(self._next)).planned
        return detectable(planned, max(self._next, 1e-9), power)

    async def refused(self, candidate: Candidate, parent: Mapping[str, Record]) -> str:
        """Why a gate that guards would not let a proposal pass, as it differs from its parent; empty if none would.

        What would be refused in the end is not even tried, and spoils no other proposal that it is put together with.
        """
        vote = await self.loop.hooks.refused(candidate, evolve(self._nothing, committed=parent))
        return f"gate {vote.gate}: {vote.reason}" if vote else ""

    def level(self, decision: str) -> float:
        """The level that the ledger would grant a decision now; nothing is spent."""
        loop = self.loop

        def alpha() -> JSON:
            grants = loop.store.ledger(self.lineage, self.holdout)
            # After a power loss the store may know of decisions that the journal does not.
            own = [g.number for g in grants if g.run == loop.run and int(g.decision) >= int(decision)]
            return granted(loop.level, grants[: min(own) - 1] if own else grants, reused=self._reused)

        return float(loop.journal.once("level", decision, alpha))

    async def decide(self, report: "RoundReport", candidate: Candidate, tip: Member) -> "RoundReport":
        """The report with the verdict on `candidate`; a commit is written, a rejection logged."""
        loop = self.loop
        kept = [made for made in report.proposed if made.state == "kept" and made.screen is not None]
        self.screen = kept[0].screen if kept else None
        for _ in range(_ATTEMPTS):
            self.decision, self._next = str(self.decisions), None
            self.decisions += 1
            began: JSON = {"round": report.number, "candidate": candidate.id}
            loop.journal.decide("assess", self.decision, began, acts=False)
            context = loop.context(report.number)
            try:
                assessment = await loop.hooks.evaluate(context, candidate)
            except (BudgetExceeded, ModelUnavailable):
                # Nothing is decided: when it goes on this number is the next assessment's, as its level is.
                loop.journal.forget("assess", self.decision)
                self.decisions -= 1
                raise
            verdict = await loop.hooks.commit(context, candidate, assessment)
            report = evolve(
                report, verdict=verdict, assessment=assessment, edits=candidate.edits, hypotheses=candidate.hypotheses,
                before=assessment.baseline.mean, after=assessment.candidate.mean,
            )  # fmt: skip
            loop.journal.decide("verdict", self.decision, {"decision": verdict.decision, "reason": verdict.reason})
            if verdict.decision == "commit" and not loop.commits:
                would = Verdict("indecisive", f"would be committed: {verdict.reason}", verdict.votes)
                return evolve(report, verdict=would)
            body = _body(loop, report, candidate, self.decision)
            if verdict.decision != "commit":
                _reject(loop, candidate, body, self.decision)
                return report
            try:
                return await self._commit(report, candidate, tip, body)
            except Conflict:
                # Assessed again against the heads of now, never merely retried.
                moved = await self._moved(candidate, tip)
                if moved is None:
                    reason = "another writer made this change, or one that conflicts with it"
                    report = evolve(report, verdict=Verdict("reject", reason))
                    _reject(loop, candidate, _body(loop, report, candidate, self.decision), self.decision)
                    return report
                candidate, tip = moved
        report = evolve(report, verdict=Verdict("indecisive", "its heads kept moving"))
        _reject(loop, candidate, _body(loop, report, candidate, self.decision), self.decision)
        return report

    async def votes(self, candidate: Candidate, assessment: Assessment) -> Sequence[Vote]:
        """The gates' votes; that of a person is asked for once, and the journal keeps it."""
        journal = self.loop.journal

        def recorded(gate: str) -> Vote | None:
            body = journal.recall("vote", f"{self.decision} {gate}")
            return None if body is None else Vote(**body)

        def record(gate: str, vote: Vote) -> None:
            journal.decide("vote", f"{self.decision} {gate}", vote_json(vote))

        return await self.loop.hooks.votes(candidate, assessment, recorded, record)

    async def assess(self, candidate: Candidate) -> Assessment:
        """Both systems' results on val, look by look, until the gates need no more."""
        loop = self.loop
        val = list(loop.examples["val"])
        level = self.level(self.decision) if self.tests else None
        looks = self._looks(level)
        found = evolve(self._nothing, alpha=level, looks=looks, screen=self.screen, committed=loop.records)
        if not loop.hooks.compares:
            return evolve(found, stopped=Vote("core", "indecisive", "no gate compares scores; add one: +gate=auto"))
        done = await self._interim(candidate, found)
        if done is not None:
            return done
        grant = self._grant()
        number = grant.number if grant else self.decisions
        found = evolve(found, alpha=grant.alpha if grant else None, reused=bool(grant and grant.reused))
        random.Random(derive(loop.seed, "order", number, self.decision)).shuffle(val)  # noqa: S311  # reproducible
        self._purpose = f"assess {number}"
        systems = [loop.system(), loop.system(candidate.records)]
        start = 0
        for look, end in enumerate(looks):
            draws = loop.evaluator.draws(self._purpose, val[start:end], loop.epochs)
            if not self.is_known(self.decision) and not loop.budget.allows(2 * len(draws)):
                raise BudgetExceeded("budget.rollouts is spent: too few are left to assess on val")
            label = f"assessing on val, look {look + 1} of {len(looks)}"
            evaluations = await loop.evaluator.compare(systems, "val", draws, label)
            baseline, tried = (
                _joined(*pair) for pair in zip((found.baseline, found.candidate), evaluations, strict=True)
            )
            found = evolve(found, baseline=baseline, candidate=tried, look=look, complete=look == len(looks) - 1)
            if not found.complete and (done := await self._interim(candidate, found)) is not None:
                return done
            start = end
        return found

    async def whole(self) -> float | None:
        """The mean of what is committed on all of val, of which the last assessment may have needed a part only.

        None if nothing was scored, or the budget does not allow it.
        """
        loop = self.loop
        draws = loop.evaluator.draws(self._purpose, loop.examples["val"], loop.epochs)
        if not loop.budget.allows(len(draws)):
            return None
        return (await loop.evaluator.compare([loop.system()], "val", draws))[0].mean

    async def _interim(self, candidate: Candidate, found: Assessment) -> Assessment | None:
        """The assessment as it ends here, or None if there is to be more evidence."""
        votes, all_spoke = await self.loop.hooks.interim(candidate, found)
        for decision in ("reject", "indecisive"):
            for vote in votes:
                if vote.decision == decision:
                    return evolve(found, stopped=vote)
        decided = any(vote.decision == "commit" for vote in votes)
        if found.look >= 0 and decided and all_spoke and not any(vote.decision == "continue" for vote in votes):
            return evolve(found, complete=True)
        return None

    def _looks(self, level: float | None) -> tuple[int, ...]:
        val, planner = self.loop.examples["val"], self.loop.hooks.planner
        # A cluster counts once, so nobody looks at a part of it.
        if level is None or self._clustered:
            return (len(val),)
        looks = tuple(planner.plan(len(val), level))
        return (*looks, len(val)) if self.loop.hooks.whole and looks[-1] < len(val) else looks

    @property
    def _reused(self) -> bool:
        return self.loop.evaluator.deterministic

    def _grant(self) -> Grant | None:
        """The level of this decision, spent in the store before any evidence is seen."""
        loop = self.loop
        if not self.tests:
            return None

        def spend() -> JSON:
            grant = loop.store.spend(
                self.lineage, self.holdout, loop.run, self.decision,
                lambda earlier: granted(loop.level, earlier, reused=self._reused), self._reused,
                token=loop.token, examples=self._digests,
            )  # fmt: skip
            return [grant.number, grant.alpha, grant.reused]

        number, alpha, reused = loop.journal.once("grant", self.decision, spend)
        return Grant(int(number), float(alpha), bool(reused), False, loop.run, self.decision)

    async def _commit(
        self, report: "RoundReport", candidate: Candidate, tip: Member, body: Mapping[str, JSON]
    ) -> "RoundReport":
        loop = self.loop
        changed = {name: r for name, r in candidate.records.items() if r.digest != loop.records[name].digest}
        commit, versions = self._written(candidate, changed, body)
        loop.manager.settle(changed)
        parents = {name: loop.heads[name].version for name in changed}
        loop.records = dict(candidate.records)
        loop.heads = {**loop.heads, **{name: _head(loop, name, version) for name, version in versions.items()}}
        loop.base = tip
        for name, version in versions.items():
            event = {"name": name, "commit": commit, "version": version}
            await loop.hooks.observe_resource("committed", event)
        return evolve(report, commit=commit, versions=versions, parents=parents)

    def _written(
        self, candidate: Candidate, changed: Mapping[str, Record], body: Mapping[str, JSON]
    ) -> tuple[str, dict[str, str]]:
        """The commit and its versions: made now, or found in the log of a run that goes on."""
        loop = self.loop
        if loop.journal.recall("conflict", self.decision) is not None:
            raise Conflict("its heads had moved")
        if (entry := loop.logged.get(self.decision)) is not None and entry.event == "commit":
            made = {str(change["resource"]): change for change in entry.body["changes"]}
            if {name: change["digest"] for name, change in made.items()} != {n: r.digest for n, r in changed.items()}:
                raise StoreError(f"commit {entry.id} of this run holds something else than is decided now")
            return entry.id, {name: str(change["version"]) for name, change in made.items()}
        loop.journal.check_writable("commit", self.decision)
        # Heads that the candidate leaves alone were assessed with it, so they must not have moved either.
        assessed = {name: head.version for name, head in loop.heads.items() if name not in loop.manager.pinned}
        return loop.store.commit(
            loop.manager.branch,
            [Change(record, loop.heads[name].version) for name, record in changed.items()],
            run=loop.run, model=loop.model, body=body, heads=assessed, token=loop.token,
            grant=(loop.run, self.decision) if self.tests else None,
        )  # fmt: skip

    async def _moved(self, candidate: Candidate, tip: Member) -> tuple[Candidate, Member] | None:
        """The candidate's edits on the heads of now, which become the last committed version; None if they conflict."""
        loop = self.loop
        found = loop.journal.once(
            "conflict", self.decision, lambda: {name: head.version for name, head in loop.manager.heads().items()}
        )
        before = loop.base.records
        loop.moved |= {name for name, head in loop.heads.items() if found.get(name) != head.version}
        loop.records, loop.heads = loop.manager.records(found)
        loop.base = Member(len(loop.pool), loop.records)
        loop.pool.append(loop.base)
        records = transplant(loop.manager, before, candidate.records, loop.records)
        if records is None or Candidate(records).id == loop.base.id:
            loop.tip = loop.base
            return None
        loop.tip = Member(
            len(loop.pool), records, (loop.base.number, tip.number), candidate.edits, candidate.hypotheses
        )
        loop.pool.append(loop.tip)
        return Candidate(records, candidate.edits, candidate.hypotheses), loop.tip


def _reject(loop: "Loop", candidate: Candidate, body: Mapping[str, JSON], decision: str) -> None:
    if loop.commits and decision not in loop.logged:
        loop.journal.check_writable("rejection", decision)
        loop.store.log("reject", candidate.id[:10], loop.run, body, token=loop.token)


def _joined(found: Evaluation, more: Evaluation) -> Evaluation:
    return evolve(more, cells=found.cells + more.cells, clusters={**found.clusters, **more.clusters})


def _head(loop: "Loop", name: str, version: str) -> Head:
    found = loop.store.find(Reference.parse(f"{name}@{version}"), loop.manager.branch)
    return Head(loop.manager.branch, found.kind, found.name, version, found.digest, loop.model)


def _body(loop: "Loop", report: "RoundReport", candidate: Candidate, decision: str) -> dict[str, JSON]:
    return {
        "author": "optimizer",
        "optimizer": loop.optimizer,
        "round": report.number,
        "decision": decision,
        "candidate": candidate.id,
        "scorer": loop.evaluator.scorer,
        "hypotheses": [
            {"text": h.text, "variables": h.variables, "examples": h.examples} for h in candidate.hypotheses
        ],
        "edits": edits_json(candidate.edits),
        "verdict": verdict_json(report.verdict),
        "before": report.before,
        "after": report.after,
        "spent": loop.budget.spent(),
        "model": loop.model,
    }


def verdict_json(verdict: Verdict) -> dict[str, Any]:
    """A verdict as plain JSON data."""
    return {
        "decision": verdict.decision,
        "reason": verdict.reason,
        "votes": [vote_json(vote) for vote in verdict.votes],
    }


def vote_json(vote: Vote) -> dict[str, Any]:
    """A vote as plain JSON data."""
    return {"gate": vote.gate, "decision": vote.decision, "reason": vote.reason, "evidence": dict(vote.evidence)}


def edits_json(edits: Sequence[Edit]) -> list[JSON]:
    """Edits as plain JSON data."""
    return [
        {
            "variable": edit.variable,
            "value": edit.value,
            "reason": edit.reason,
            "hypotheses": edit.hypotheses,
            "expects": edit.expects,
            **({"needs": edit.needs} if edit.needs else {}),
        }
        for edit in edits
    ]
