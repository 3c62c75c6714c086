"""The loop of SEPL: reflect, select, improve, evaluate, commit; again until the rounds or the budget are spent."""

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import Any

from attrs import define, evolve, field, frozen

from autogenesis_core.errors import BudgetExceeded, Conflict, InputError, PluginError, unknown
from autogenesis_core.hooks import Hooks
from autogenesis_core.identity import JSON, derive
from autogenesis_core.rspl.manager import Manager
from autogenesis_core.rspl.reader import Proposal
from autogenesis_core.rspl.record import Record
from autogenesis_core.rspl.store import Change, Head, Store, proposal_id
from autogenesis_core.rspl.system import System
from autogenesis_core.sepl.budget import Budget
from autogenesis_core.sepl.context import Round, SeplContext
from autogenesis_core.sepl.evaluation import Evaluation, Example, Split
from autogenesis_core.sepl.evaluator import Evaluator
from autogenesis_core.sepl.journal import Journal
from autogenesis_core.sepl.spaces import Assessment, Candidate, Edit, Hypothesis, Trace, Verdict
from autogenesis_core.sepl.variables import Variable, lift
from autogenesis_core.services.client import ModelClient

_ATTEMPTS = 3  # assessments of one candidate, if heads keep moving below it


@frozen
class RoundReport:
    """One round, for the result and for people."""

    number: int
    hypotheses: tuple[Hypothesis, ...]
    edits: tuple[Edit, ...]
    verdict: Verdict
    before: float | None = None
    after: float | None = None
    commit: str = ""
    versions: Mapping[str, str] = field(factory=dict)
    parents: Mapping[str, str] = field(factory=dict)


@define
class Loop:
    """One evolution of one composed system.

    Arguments:
        records: the working system; `heads` is where it was read from
        examples: of every split; no operator sees those of val and test
        batch: train rollouts shown to reflection in each round
        environment: the id of the environment in use, for variables that are kept by environment
    """

    run: str
    seed: int
    rounds: int
    batch: int
    store: Store
    manager: Manager
    hooks: Hooks
    evaluator: Evaluator
    budget: Budget
    journal: Journal
    examples: Mapping[Split, Sequence[Example]]
    records: dict[str, Record]
    heads: dict[str, Head]
    model: str = ""
    optimizer: str = ""
    only: Sequence[str] = ()
    environment: str = ""
    client: Callable[[str, int], ModelClient] | None = None
    reports: list[RoundReport] = field(factory=list)
    stopped: str = ""

    async def __call__(self) -> None:
        """Runs the rounds; `reports` and `stopped` say what came of them."""
        if not any(variable.trainable for variable in self.variables()):
            raise InputError(
                "nothing here is trainable",
                "choose resources with trainable variables, or loosen evolve=, pins=",
            )
        for number in range(1, self.rounds + 1):
            try:
                self.budget.check()
                report = await self._round(number)
            except BudgetExceeded as error:
                self.stopped = error.reason
                return
            self.reports.append(report)
            ids = [proposal_id(edit.variable, edit.value) for edit in report.edits]
            if report.verdict.decision != "indecisive":
                self.store.settle(ids, "committed" if report.commit else "rejected")
            await self.hooks.observe("round", {"report": report, "rounds": self.rounds})

    def system(self, records: Mapping[str, Record] | None = None) -> System:
        """The working system, or another of the same manager."""
        return System(records or self.records, self.manager)

    def variables(self) -> tuple[Variable, ...]:
        """The lifted working system."""
        return lift(self.records, pinned=self.manager.pinned, only=self.only, environment=self.environment)

    async def assess(self, candidate: Candidate) -> Assessment:
        """The candidate's and the working system's results on val, on the same examples and seeds."""
        systems = [self.system(), self.system(candidate.records)]
        baseline, found = await self.evaluator.evaluate_all(systems, "val", self.examples["val"])
        return Assessment(found, baseline)

    def context(self, number: int) -> SeplContext:
        """What the operators of a round see."""
        return _RoundContext(self, number)

    async def _round(self, number: int) -> RoundReport:
        context = self.context(number)
        hypotheses = tuple(await self.hooks.reflect(context))
        edits = tuple(await self.hooks.select(context, hypotheses))
        if not edits:
            return RoundReport(number, hypotheses, (), Verdict("reject", "nothing was proposed"))
        try:
            candidate = self._checked(await self.hooks.improve(context, edits))
        except InputError as error:
            nothing = Candidate(self.records, edits, hypotheses)
            return self._reject(number, nothing, None, Verdict("reject", str(error)))
        candidate = Candidate(candidate.records, edits, hypotheses)
        if candidate.id == Candidate(self.records).id:
            return RoundReport(number, hypotheses, edits, Verdict("reject", "the edits change nothing"))
        for _ in range(_ATTEMPTS):
            self.journal.decision("candidate", {"round": number, "id": candidate.id, "edits": _edits(edits)})
            assessment = await self.hooks.evaluate(context, candidate)
            self.journal.flush()
            verdict = await self.hooks.commit(context, candidate, assessment)
            if verdict.decision != "commit":
                return self._reject(number, candidate, assessment, verdict)
            try:
                return await self._commit(number, candidate, assessment, verdict)
            except Conflict:
                # Assessed again against the heads of now, never merely retried.
                self.records, self.heads = self.manager.records()
                candidate = Candidate(context.improve(edits).records, edits, hypotheses)
                if candidate.id == Candidate(self.records).id:
                    return self._reject(number, candidate, None, Verdict("reject", "another writer made this change"))
        return self._reject(number, candidate, assessment, Verdict("indecisive", "its heads kept moving"))

    def _checked(self, candidate: Candidate) -> Candidate:
        """`candidate`, unless an optimizer's own Improve left the trainable subspace or made what may not be stored.

        Raises PluginError, or InputError for a value that is not valid.
        """
        free = {variable.id for variable in self.variables() if variable.trainable}
        if candidate.records.keys() != self.records.keys():
            raise PluginError("the optimizer added or removed a resource, which is not trainable")
        for name, before in self.records.items():
            after, old = candidate.records[name], before.values()
            changed = {path: value for path, value in after.values().items() if path in old and old[path] != value}
            outside = [path for path in changed if f"{name}#{path}" not in free]
            if outside or before.with_values(changed) != after:
                raise PluginError(f"the optimizer changed something of {name} that is not trainable")
            if changed:
                self.manager.edited(before, changed)
        return candidate

    async def _commit(self, number: int, candidate: Candidate, assessment: Assessment, verdict: Verdict) -> RoundReport:
        changed = {name: r for name, r in candidate.records.items() if r.digest != self.records[name].digest}
        changes = [Change(record, self.heads[name].version) for name, record in changed.items()]
        body = self._body(number, candidate, assessment, verdict)
        # Heads that the candidate leaves alone were assessed with it, so they must not have moved either.
        assessed = {name: head.version for name, head in self.heads.items() if name not in self.manager.pinned}
        commit, versions = self.store.commit(
            self.manager.branch, changes, run=self.run, model=self.model, body=body, heads=assessed,
            journal=[("verdict", {"round": number, "decision": "commit", "candidate": candidate.id})],
        )  # fmt: skip
        self.manager.settle(changed)
        parents = {name: self.heads[name].version for name in changed}
        self.records = dict(candidate.records)
        self.heads = self.manager.heads()
        for name, version in versions.items():
            await self.hooks.observe_resource("committed", {"name": name, "commit": commit, "version": version})
        return evolve(
            self._report(number, candidate, assessment, verdict),
            commit=commit,
            versions=versions,
            parents=parents,
        )

    def _reject(
        self, number: int, candidate: Candidate, assessment: Assessment | None, verdict: Verdict
    ) -> RoundReport:
        self.store.log("reject", candidate.id[:10], self.run, self._body(number, candidate, assessment, verdict))
        return self._report(number, candidate, assessment, verdict)

    def _report(
        self, number: int, candidate: Candidate, assessment: Assessment | None, verdict: Verdict
    ) -> RoundReport:
        before, after = (assessment.baseline.mean, assessment.candidate.mean) if assessment else (None, None)
        return RoundReport(number, candidate.hypotheses, candidate.edits, verdict, before, after)

    def _body(
        self, number: int, candidate: Candidate, assessment: Assessment | None, verdict: Verdict
    ) -> dict[str, JSON]:
        return {
            "author": "optimizer",
            "optimizer": self.optimizer,
            "round": number,
            "candidate": candidate.id,
            "hypotheses": [
                {"text": h.text, "variables": h.variables, "examples": h.examples} for h in candidate.hypotheses
            ],
            "edits": _edits(candidate.edits),
            "verdict": verdict_json(verdict),
            "before": assessment.baseline.mean if assessment else None,
            "after": assessment.candidate.mean if assessment else None,
            "spent": self.budget.spent(),
            "model": self.model,
        }


class _RoundContext(SeplContext):
    """The loop as the operators of one round may see it."""

    def __init__(self, loop: Loop, number: int) -> None:
        self._loop = loop
        self.round = number
        self.seed = loop.seed
        self.train = tuple(loop.examples["train"])
        self.history = tuple(Round(report.number, report.edits, report.verdict) for report in loop.reports)
        self._traces: Sequence[Trace] | None = None

    @property
    def records(self) -> Mapping[str, Record]:
        return self._loop.records

    @property
    def variables(self) -> Sequence[Variable]:
        return self._loop.variables()

    @property
    def tools(self) -> Mapping[str, str]:
        return {r.name: r.description for r in self._loop.records.values() if r.kind == "tool"}

    @property
    def proposals(self) -> Sequence[Proposal]:
        trainable = {variable.id for variable in self.trainable}
        return [found for found in self._loop.store.proposals() if found.variable in trainable]

    @cached_property
    def _client(self) -> ModelClient:
        if self._loop.client is None:
            raise InputError(
                "the optimizer needs a model and none is set",
                "AUTOGENESIS_MODEL=…, or +model=litellm model.name=…",
            )
        return self._loop.client("optimizer", derive(self.seed, self.round, "optimizer"))

    @property
    def model(self) -> ModelClient:
        return self._client

    async def traces(self) -> Sequence[Trace]:
        if self._traces is None:
            size = min(self._loop.batch, len(self.train))
            batch = self.rng("minibatch").sample(self.train, size)
            self._traces = await self._loop.evaluator.traces(self._loop.system(), batch)
        return self._traces

    def improve(self, edits: Sequence[Edit]) -> Candidate:
        trainable = {variable.id: variable for variable in self.trainable}
        records = dict(self._loop.records)
        for edit in edits:
            if edit.variable not in trainable:
                raise unknown("trainable variable", edit.variable, trainable)
            variable = trainable[edit.variable]
            records[variable.resource] = self._loop.manager.edited(
                records[variable.resource], {variable.path: edit.value}
            )
        return Candidate(records, tuple(edits))

    async def evaluate(self, candidates: Sequence[Candidate], examples: Sequence[Example]) -> Sequence[Evaluation]:
        train = {example.digest for example in self.train}
        if any(example.digest not in train for example in examples):
            raise InputError("an optimizer may only evaluate on examples of train")
        systems = [self._loop.system(candidate.records) for candidate in candidates]
        return await self._loop.evaluator.evaluate_all(systems, "train", examples)


def verdict_json(verdict: Verdict) -> dict[str, Any]:
    """A verdict as plain JSON data."""
    return {
        "decision": verdict.decision,
        "reason": verdict.reason,
        "votes": [
            {"gate": v.gate, "decision": v.decision, "reason": v.reason, "evidence": dict(v.evidence)}
            for v in verdict.votes
        ],
    }


def _edits(edits: Sequence[Edit]) -> list[JSON]:
    return [
        {
            "variable": edit.variable,
            "value": edit.value,
            "reason": edit.reason,
            "hypotheses": edit.hypotheses,
            "expects": edit.expects,
        }
        for edit in edits
    ]
