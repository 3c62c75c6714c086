"""The loop of SEPL: proposals are kept in a pool leniently, and its tip is committed on held-out evidence.

A round makes `width` proposals side by side; those that seem better on train are put together with the tip of the
pool. When its gain looks large enough to be proved, the tip is assessed against the last committed version; with
several proposals at once, that goes on while the next round is being proposed. Every decision is a function of what
was decided before and of results, never of the order in which these arrive: with one worker or many, and after a kill,
the same is decided. A run that goes on is executed again from its beginning, and told by the journal what was paid for.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from typing import Any, Literal

from attrs import define, evolve, field, frozen

from autogenesis_core.errors import (
    AuthenticationFailed,
    BudgetExceeded,
    InputError,
    ModelError,
    ModelUnavailable,
    OptimizerFailed,
    RetryableModelError,
)
from autogenesis_core.hooks import Hooks
from autogenesis_core.identity import derive
from autogenesis_core.rspl.manager import Manager
from autogenesis_core.rspl.reader import LogEntry
from autogenesis_core.rspl.record import Record
from autogenesis_core.rspl.store import Head, Store, proposal_id
from autogenesis_core.rspl.system import System
from autogenesis_core.sepl.assessing import Assessor
from autogenesis_core.sepl.budget import Budget
from autogenesis_core.sepl.context import Round
from autogenesis_core.sepl.evaluation import Example, Split
from autogenesis_core.sepl.evaluator import Evaluator
from autogenesis_core.sepl.journal import Journal
from autogenesis_core.sepl.pool import Front, Member, fixed_and_broken, gain, gathered, transplant
from autogenesis_core.sepl.proposing import Proposed, RoundContext, check_trainable
from autogenesis_core.sepl.spaces import Assessment, Candidate, Edit, Hypothesis, Verdict, Vote
from autogenesis_core.sepl.trial import AIMED, TESTS, Known, Trial, Trying, scores_of
from autogenesis_core.sepl.variables import Variable, lift
from autogenesis_core.services.client import ModelClient
from autogenesis_core.services.executor import together

FAILURES = 5  # proposals in a row that failed, after which the optimizer is taken for dead
_SYSTEMS = 64  # that are kept built
_BACK = 8  # moves of the tip, at most, that are looked at for what broke something
_FAIR = 0.5  # chance of being proved that is worth an assessment


@frozen
class RoundReport:
    """One round, for the result and for people.

    Arguments:
        verdict: what became of the round: of its assessment, if there was one
        before, after: means on val of the last committed version and the candidate, if it was assessed
        proposed: the proposals, one a slot
        train: the gain on train that the tip has over the last committed version, as far as it is known
    """

    number: int
    hypotheses: tuple[Hypothesis, ...]
    edits: tuple[Edit, ...]
    verdict: Verdict
    before: float | None = None
    after: float | None = None
    commit: str = ""
    versions: Mapping[str, str] = field(factory=dict)
    parents: Mapping[str, str] = field(factory=dict)
    proposed: tuple[Proposed, ...] = ()
    train: float | None = None
    assessment: Assessment | None = None


@define(eq=False)
class Loop:
    """One evolution of one composed system.

    Arguments:
        records: the last committed system; `heads` is where it was read from
        examples: of every split; no operator sees those of val and test
        width: proposals of a round
        batch: train rollouts shown to reflection in each proposal
        screen: whether proposals are tried on train before they are kept
        token: the run's fence in the store
        logged: what this run wrote to the store's log before, by the decision's number, if it goes on
        environment: the id of the environment in use, for variables that are kept by environment
        level: the share of lineages that may ever commit what is no better, one-sided
        commits: whether anything is committed; else the verdict is only said
        goal: a score on val that ends the run when a committed version reaches it
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
    width: int = 1
    screen: bool = True
    epochs: int = 1
    level: float = 0.05
    goal: float | None = None
    commits: bool = True
    token: int | None = None
    logged: Mapping[str, LogEntry] = field(factory=dict)
    model: str = ""
    optimizer: str = ""
    only: Sequence[str] = ()
    environment: str = ""
    client: Callable[[str, int], ModelClient] | None = None
    reports: list[RoundReport] = field(factory=list)
    history: list[Round] = field(factory=list)
    pool: list[Member] = field(factory=list)
    front: Front = field(factory=Front)
    tip: Member = field(init=False)
    base: Member = field(init=False)  # the tip that was committed last
    stopped: str = ""
    moved: set[str] = field(factory=set)  # heads that other writers moved meanwhile
    began: Mapping[str, Head] = field(init=False)
    train: dict[str, Example] = field(init=False)  # by id
    train_ids: frozenset[str] = field(init=False)
    assessor: Assessor = field(init=False)
    known: Known = field(factory=Known)
    _moves: list[tuple[Mapping[str, Record], Mapping[str, Record], Trial]] = field(factory=list)  # of the tip
    _wanted: float = 0.0  # more than this before it is assessed again
    _assessed: set[str] = field(factory=set)
    _dealt: int = 0  # minibatches that led to a proposal
    _failures: int = 0  # in a row
    _in_vain: list[int] = field(factory=list)  # the last rounds, if all of their proposals failed
    _systems: dict[int, System] = field(factory=dict)  # by the place in memory of their records
    _order: tuple[int, Sequence[Example]] = (-1, ())  # of train in one pass through it
    _unanswered: int = 0  # proposals in a row for which the optimizer's model could not be reached
    _dead: int = 0  # failures before the optimizer answered for the first time
    _alive: bool = False
    _reached: int = 1  # the first round in which a rollout may have got no answer since the last that had one
    _first: asyncio.Lock = field(factory=asyncio.Lock)

    def __attrs_post_init__(self) -> None:
        self.began = dict(self.heads)
        self.train = {example.id: example for example in self.examples["train"]}
        self.train_ids = frozenset(self.train)
        self.assessor = Assessor(self)
        self.tip = self.base = Member(0, dict(self.records))
        self.pool.append(self.tip)

    async def __call__(self) -> None:
        """Runs the rounds; `reports` and `stopped` say what came of them.

        Raises OptimizerFailed after five proposals in a row that failed.
        """
        number = 0
        done = max((int(key) for key, _ in self.journal.all("round")), default=0)
        if done > self.rounds:
            raise InputError(f"run {self.run} has done {done} rounds already", f"rounds={done} or more")
        if not any(variable.trainable for variable in self.variables()):
            raise InputError(
                "nothing here is trainable",
                "choose resources with trainable variables, or loosen evolve=, pins=",
            )
        under_way: tuple[RoundReport, asyncio.Task[RoundReport]] | None = None
        try:
            for number in range(1, self.rounds + 1):
                if self.journal.recall("last", str(number)) is not None:  # the budget was spent here, and was raised
                    if under_way is not None:
                        await self._decide(*under_way)
                        under_way = None
                    await self._last_assessment(number)
                    if self.stopped:
                        return
                self._note_reached(number)
                self._hold(assess=True)
                if self.journal.recall("round", str(number)) is None:
                    self.budget.check()
                try:
                    proposed = await together(self._proposals(number, assessing=under_way is not None))
                except BudgetExceeded:
                    self._hold(assess=False)
                    if under_way is not None:
                        await self._decide(*under_way)
                    raise
                if under_way is not None:
                    await self._decide(*under_way)
                    under_way = None
                    if self.stopped:
                        return
                report = await self._pool(number, proposed)
                self._note_reached(number + 1)
                last = self._is_last(number)
                if not self._is_due(last=last):
                    await self._conclude(report)
                elif self._waits(number, last=last):
                    self._hold(assess=False)
                    await self._decide(report, self._assess(report))
                else:
                    under_way = report, asyncio.create_task(self._assess(report))
                if self.stopped:
                    return
        except ModelUnavailable:
            # What was made of rollouts without an answer is made again when there are answers.
            for doubtful in range(self._reached, number + 1):
                self.journal.forget("answer", str(doubtful))
                self.journal.forget("round", str(doubtful))
            raise
        except BudgetExceeded as error:
            self.stopped = error.reason
            if self.journal.recall("last", str(number)) is None:
                await self._last_assessment(number)
        finally:
            if under_way is not None:
                under_way[1].cancel()
                await asyncio.gather(under_way[1], return_exceptions=True)

    def _note_reached(self, number: int) -> None:
        if not self.evaluator.unreached:
            self._reached = number

    def system(self, records: Mapping[str, Record] | None = None) -> System:
        """The committed system, or another of the same manager."""
        chosen = records or self.records
        known = self._systems.get(id(chosen))
        if known is None or known.records is not chosen:
            known = self._systems[id(chosen)] = System(chosen, self.manager)
            if len(self._systems) > _SYSTEMS:
                del self._systems[next(iter(self._systems))]
        return known

    def variables(self, records: Mapping[str, Record] | None = None) -> tuple[Variable, ...]:
        """The lifted system: the committed one, or another."""
        found = self.records if records is None else records
        return lift(found, pinned=self.manager.pinned, only=self.only, environment=self.environment)

    async def assess(self, candidate: Candidate) -> Assessment:
        """The candidate's and the committed system's results on val, as far as the gates wanted them."""
        return await self.assessor.assess(candidate)

    def context(self, number: int, slot: int = 0) -> RoundContext:
        """What the operators of a proposal see."""
        return RoundContext(self, number, slot)

    # Proposals

    def _proposals(self, number: int, *, assessing: bool) -> list[Coroutine[Any, Any, Proposed]]:
        decided = self.journal.recall("round", str(number))
        width = len(decided["proposed"]) if decided else self._affordable(self._assessment if assessing else 0)
        return [self._propose(self.context(number, slot), decided) for slot in range(width)]

    async def _propose(self, context: RoundContext, decided: Mapping[str, Any] | None) -> Proposed:
        context.parent = await self.hooks.parent(context)
        made = None
        if not self._alive:
            # Until the optimizer has answered once, the first proposal alone is made, again and again and from the
            # same rollouts: a dead one costs little.
            async with self._first:
                while not self._alive and self._dead < FAILURES and (made is None or made.state == "failed"):
                    made = await self._operate(context)
        made = made or await self._operate(context)
        if decided and decided["proposed"][context.slot][0] == "failed":
            # Also where what failed then is not the journal's to repeat: an optimizer that asks for itself.
            return evolve(made, candidate=None, state="failed", reason=decided["proposed"][context.slot][2])
        return await self._screened(context, made)

    async def _operate(self, context: RoundContext) -> Proposed:
        made = Proposed(context.slot, context.parent)
        if self._dead >= FAILURES:
            return evolve(made, state="failed", reason="the optimizer failed before")
        try:
            hypotheses, edits = await self._asked(context)
        except ModelError as error:
            self._dead += not self._alive
            return evolve(made, state="failed", reason=f"{type(error).__name__}: {error.reason}")
        self._alive = self._alive or bool(hypotheses or edits)
        made = evolve(made, hypotheses=hypotheses, edits=edits, reason="nothing was proposed")
        return await self._improved(context, made) if edits else made

    async def _asked(self, context: RoundContext) -> tuple[tuple[Hypothesis, ...], tuple[Edit, ...]]:
        """What the optimizer proposes; that its model cannot be reached is no answer, so it is asked again."""
        while True:
            try:
                hypotheses = tuple(await self.hooks.reflect(context))
                edits = tuple(await self.hooks.select(context, hypotheses))
            except (RetryableModelError, AuthenticationFailed) as error:
                self._unanswered += 1
                if self._unanswered >= FAILURES:
                    raise self._gave_up(f"{type(error).__name__}: {error.reason}") from None
                context.begin_again()
            else:
                self._unanswered = 0
                return hypotheses, edits

    def _gave_up(self, reason: str) -> OptimizerFailed:
        return OptimizerFailed(
            f"{FAILURES} proposals in a row failed; the last: {reason}",
            f"what was committed stays; mend it, then: autogenesis resume {self.run}",
        )

    async def _improved(self, context: RoundContext, made: Proposed) -> Proposed:
        try:
            improved = await self.hooks.improve(context, made.edits)
            candidate = check_trainable(self, context.parent.records, improved)
        except InputError as error:
            return evolve(made, state="invalid", reason=str(error))
        made = evolve(made, edits=improved.edits or made.edits)
        candidate = Candidate(candidate.records, made.edits, made.hypotheses)
        if candidate.id == context.parent.id:
            return evolve(made, reason="the edits change nothing")
        if refused := await self.assessor.refused(candidate, context.parent.records):
            return evolve(made, state="rejected", reason=refused)
        return evolve(made, candidate=candidate, state="open", reason="")

    async def _screened(self, context: RoundContext, made: Proposed) -> Proposed:
        """The proposal after it was tried on train."""
        made = evolve(made, seen=context.seen)
        if made.candidate is None or not self.screen:
            return evolve(made, state="kept") if made.state == "open" else made
        said = [id_ for id_ in made.expected if id_ in self.train]
        aimed = said or [example.id for example in context.minibatch[1]]
        place, label = f"{context.round}.{context.slot}", f"screening {context.round}.{context.slot}"
        trial = await self._try(place, context.parent.records, made.candidate.records, aimed, label, said=bool(said))
        return evolve(made, trial=trial, state="kept" if trial.kept else "rejected", reason=_why(trial))

    async def _try(
        self, place: str, before: Mapping[str, Record], after: Mapping[str, Record], aimed: Sequence[str], label: str,
        *, said: bool,
    ) -> Trial:  # fmt: skip
        trying = Trying(
            self.evaluator, self.system(before), self.system(after), self.train, self.known, self.seed,
            f"screen {place}", label,
        )  # fmt: skip
        return await trying(aimed, said=said)

    def deal(self, slot: int) -> tuple[int, Sequence[Example]]:
        """The minibatch of a proposal, dealt from train without repeating any example before all were dealt."""
        number = self._dealt + slot
        train = self.examples["train"]
        size = min(self.batch, len(train))
        passes, place = divmod(number, len(train) // size)
        if self._order[0] != passes:
            order = list(train)
            random.Random(derive(self.seed, passes, "minibatch")).shuffle(order)  # noqa: S311  # reproducible
            self._order = passes, order
        return passes, self._order[1][place * size : (place + 1) * size]

    # The pool

    async def _pool(self, number: int, proposed: Sequence[Proposed]) -> RoundReport:
        """Decides what is kept, in the order of the proposals, and puts it together with the tip."""
        self._count(number, proposed)
        proposed = list(proposed)
        broken = [example for made in proposed for example in self._learn(made)]
        kept = [made for made in proposed if made.state == "kept"]
        for made in proposed:
            if made.screen is not None and made.state == "kept":
                self.front.add(len(self.pool) + kept.index(made), made.screen.candidate.values)
        tip, joined = self.tip.records, list[Proposed]()
        for made in sorted(kept, key=lambda made: (-_gain_of(made), made.slot)):
            assert made.candidate is not None
            together = transplant(self.manager, made.parent.records, made.candidate.records, tip)
            if together is None:
                proposed[proposed.index(made)] = evolve(
                    made, state="conflict", reason="it changes the same lines as another edit that was kept"
                )
            else:
                tip, joined = together, [*joined, made]
        members = [self._member(made) for made in kept]
        joined = await self._move_tip(
            number, tip, joined, {made.slot: member for made, member in zip(kept, members, strict=True)}
        )
        await self._mend(number, list(dict.fromkeys(broken)))
        self.journal.decide(
            "round",
            str(number),
            {
                "proposed": [
                    [made.state, made.candidate.id if made.candidate else "", made.reason] for made in proposed
                ],
                "tip": self.tip.id,
            },
            acts=False,
        )
        self._dealt += sum(made.state != "failed" for made in proposed)
        for made in proposed:
            self.history.append(_round(number, made))
        edits, hypotheses = gathered((made.edits, made.hypotheses) for made in proposed)
        return RoundReport(
            number, hypotheses, edits, _verdict(proposed), proposed=tuple(proposed), train=self.known.gained or None
        )

    def _learn(self, made: Proposed) -> list[str]:
        """Takes in what a proposal's rollouts say of the tip, and what its edits broke; returns what the tip lost."""
        if made.trial is not None:
            self.known.warn(made.trial)
        if made.parent is self.tip:
            before = scores_of(made.trial.screen.baseline) if made.trial is not None else {}
            # A minibatch that the optimizer did not read says as much, where the proposal was tried on all of it.
            seen = made.seen or ({} if made.expected else before)
            self.known.deal(seen, committed=self.tip is self.base)
            if seen is not before:
                return self.known.add(before)
        return []

    def _member(self, made: Proposed) -> Member:
        assert made.candidate is not None
        member = Member(len(self.pool), made.candidate.records, (made.parent.number,), made.edits, made.hypotheses)
        self.pool.append(member)
        return member

    async def _move_tip(
        self, number: int, records: Mapping[str, Record], joined: list[Proposed], members: Mapping[int, Member]
    ) -> list[Proposed]:
        """Lets the tip be the proposals put together, if that is no worse than the tip; else the best one alone."""
        if not joined:
            return []
        best = joined[0]
        if self.screen and (len(joined) > 1 or best.parent is not self.tip):
            aimed = list(dict.fromkeys(example for made in joined if made.trial for example in made.trial.aimed))
            trial: Trial | None = await self._try(
                f"check {number}",
                self.tip.records,
                records,
                aimed,
                "checking the tip",
                said=all(made.expected for made in joined),
            )
            assert trial is not None
            if not trial.kept:
                self.known.warn(trial)
                if best.parent is not self.tip:
                    return []
                joined, trial = [best], best.trial
        else:
            trial = best.trial
        before = self.tip.records
        self._advance(records, joined, members)
        if trial is not None:
            self.known.replace(trial)
            self._moves.append((before, self.tip.records, trial))
        return joined

    async def _mend(self, number: int, broken: Sequence[str]) -> None:
        """Takes back a move of the tip that broke what an earlier one had fixed, if the tip is better without it.

        The moves since it was last seen to be fixed are tried, the last first.
        """
        for place, example in enumerate(broken):
            if example not in self.known.scores:
                continue
            first, usual, seen = self.known.passed.get(example, 0), self.known.mean(example), list[float]()
            for move in range(len(self._moves) - 1, max(first, len(self._moves) - _BACK) - 1, -1):
                before, after, trial = self._moves[move]
                records = transplant(self.manager, after, before, self.tip.records)
                if records is None or Candidate(records).id == self.tip.id or not self.budget.allows(self._trial):
                    continue
                tried = await self._try(
                    f"mend {number} {place} {move}", self.tip.records, records, [example], "mending the tip", said=True
                )
                seen += scores_of(tried.screen.baseline).get(example, ())
                if tried.kept:
                    self.known.warn(evolve(trial, lost=(example,)))
                    self._moves.append((self.tip.records, records, tried))
                    self.known.replace(tried)
                    self.tip = Member(len(self.pool), records, (self.tip.number,))
                    self.pool.append(self.tip)
                    break
            else:
                if seen and max(seen) < usual:  # else it was chance
                    self.known.fixed.pop(example, None)

    def _advance(
        self, records: Mapping[str, Record], joined: Sequence[Proposed], members: Mapping[int, Member]
    ) -> None:
        if len(joined) == 1 and joined[0].parent is self.tip:
            self.tip = members[joined[0].slot]
            return
        parents = (self.tip.number, *(members[made.slot].number for made in joined))
        edits, hypotheses = gathered((made.edits, made.hypotheses) for made in joined)
        self.tip = Member(len(self.pool), records, parents, edits, hypotheses)
        self.pool.append(self.tip)

    def _count(self, number: int, proposed: Sequence[Proposed]) -> None:
        """Counts failures in a row, in the order of the proposals; raises OptimizerFailed when there are too many."""
        in_vain = all(made.state in ("failed", "invalid") for made in proposed)
        self._in_vain = [*self._in_vain, number] if in_vain else []
        for made in proposed:
            self._failures = self._failures + 1 if made.state in ("failed", "invalid") else 0
            if max(self._failures, self._dead) < FAILURES:
                continue
            # A mended model is asked again: what it answered in vain is no part of the run.
            for failed in [number, *self._in_vain]:
                self.journal.forget("answer", f"{failed}")
                self.journal.forget("round", f"{failed}")
            raise self._gave_up(made.reason)

    # Assessment and commit

    def _is_last(self, number: int) -> bool:
        """Whether the search ended with a round, now or before more rounds were asked for."""
        if number == self.rounds:
            self.journal.once("final", str(number), lambda: True)
        return self.journal.recall("final", str(number)) is not None

    def _waits(self, number: int, *, last: bool) -> bool:
        """Whether nothing is proposed while a round's tip is assessed; raising the budget later changes nothing."""
        if self.width == 1 or last:
            return True
        return bool(self.journal.once("waits", str(number), lambda: not self.budget.allows(self._assessment)))

    async def _last_assessment(self, number: int) -> None:
        """What the search came to when the budget for proposals was spent, if the rest suffices for that.

        If the budget is raised then, round `number` is proposed anew from what this led to.
        """
        if not self._is_due(last=True):
            return
        self._hold(assess=False)
        try:
            reason = self.journal.once("last", str(number), lambda: self.stopped)
            report = RoundReport(len(self.reports) + 1, (), (), Verdict("indecisive", str(reason)))
            await self._conclude(await self._assess(report))
            if self.journal.recall("anew", str(number)) is None:
                self.journal.forget("answer", str(number))
                self.journal.once("anew", str(number), lambda: True)
        except BudgetExceeded as error:
            self.stopped = error.reason
            self.journal.forget("last", str(number))

    async def _decide(self, report: RoundReport, assessed: Awaitable[RoundReport]) -> None:
        """Concludes a round whose tip is assessed; what it proposed stays if the budget does not suffice for that."""
        try:
            report = await assessed
        except BudgetExceeded:
            self._assessed.discard(self.tip.id)
            await self._conclude(report)
            raise
        await self._conclude(report)

    def _is_due(self, *, last: bool) -> bool:
        """Whether the tip is to be assessed now: when its gain on train could be proved, or nothing more will come."""
        if self.tip is self.base or self.tip.id == self.base.id:
            return False
        if last and not self.evaluator.deterministic:
            return True  # also where it could not be proved before: there are fresh seeds, and the level is another
        if self.tip.id in self._assessed:
            return False
        if last or not self.screen or not self.assessor.tests:
            return True
        gained = self.known.gained
        return gained > self._wanted and gained >= self.assessor.detectable(_FAIR)

    async def _assess(self, report: RoundReport) -> RoundReport:
        """The report with its verdict; the store is written."""
        if not self.assessor.is_known(str(self.assessor.decisions)):
            self.budget.check(self.evaluator.price(self._assessment))
        tip, gained = self.tip, self.known.gained
        self._assessed.add(tip.id)
        edits, hypotheses = self._since(tip)
        candidate = Candidate(tip.records, edits, hypotheses)
        report = evolve(report, train=gained or None)
        return await self.assessor.decide(report, candidate, tip)

    def _since(self, tip: Member) -> tuple[tuple[Edit, ...], tuple[Hypothesis, ...]]:
        """What led from the committed version to the tip, oldest first; the edits of one variable are one."""
        line = [tip]
        while (member := self.pool[line[-1].parents[0]]) is not self.base:
            line.append(member)
        edits, hypotheses = gathered((member.edits, member.hypotheses) for member in reversed(line))
        values = {
            f"{name}#{path}": value for name, record in tip.records.items() for path, value in record.values().items()
        }
        found: dict[str, Edit] = {}
        for edit in edits:
            if edit.variable in values:
                earlier = found.get(edit.variable, Edit(edit.variable))
                found[edit.variable] = evolve(
                    edit, value=values[edit.variable], patches=(),
                    hypotheses=tuple(dict.fromkeys((*earlier.hypotheses, *edit.hypotheses))),
                    expects=tuple(dict.fromkeys((*earlier.expects, *edit.expects))),
                )  # fmt: skip
        return tuple(found.values()), hypotheses

    async def _conclude(self, report: RoundReport) -> None:
        """Takes a round's report in; after a verdict the search goes on from where it leads."""
        self.reports.append(report)
        if report.assessment is not None:
            await self._follow(report)
        ended = (made for made in report.proposed if made.state in ("rejected", "invalid", "nothing"))
        self._settle([edit for made in ended for edit in made.edits], "rejected")
        await self.hooks.observe("round", {"report": report, "rounds": self.rounds})

    async def _follow(self, report: RoundReport) -> None:
        assert report.assessment is not None
        decision = report.verdict.decision
        if decision == "commit":
            self.history.append(_decided(report))
            self._settle(report.edits, "committed")
            self._wanted = 0.0
            self.known.commit()
            if self.goal is not None and (report.after or 0.0) >= self.goal:
                mean = await self.assessor.whole()
                if mean is not None and mean >= self.goal:
                    self.stopped = f"val reached {mean:.3g}"
            return
        # A gain that was not proved may be so later; what a guard or a person is against stays refused.
        gained = self.known.gained
        against = [vote for vote in report.verdict.votes if vote.decision == "reject"]
        promising = any(_is_promising(vote, gained) for vote in against)
        if decision == "reject" and not promising:
            # Not what it was on train where it counts, or not wanted: the search goes on from what is committed.
            self.tip = self.base
            self._wanted = 0.0
            self.known.go_back()
            self._moves.clear()
            self.history.append(_decided(report))
            self._settle(report.edits, "rejected")
        else:
            self._wanted = gained * 1.5

    def _settle(self, edits: Sequence[Edit], state: Literal["committed", "rejected"]) -> None:
        """Closes agents' open proposals of these edits."""
        if edits and self.commits and not self.journal.replay:
            self.store.settle([proposal_id(edit.variable, edit.value) for edit in edits], state)

    @property
    def _assessment(self) -> int:
        """Rollouts of a whole assessment."""
        return 2 * self.epochs * len(self.examples["val"])

    def _hold(self, *, assess: bool) -> None:
        """Sets aside what test's two scores will take, and a last assessment, as rollouts cost on average so far."""
        rollouts = 2 * self.epochs * len(self.examples["test"]) + (self._assessment if assess else 0)
        self.budget.hold(self.evaluator.price(rollouts), rollouts)

    @property
    def _trial(self) -> int:
        """Rollouts that one trial takes, unless its results keep contradicting each other."""
        return 2 * (max(AIMED, min(self.batch, len(self.examples["train"]))) + TESTS)

    def _affordable(self, others: int) -> int:
        """How many proposals the budget of rollouts allows beside `others`; raises BudgetExceeded if none."""
        check = self._trial if self.screen else 0
        one = min(self.batch, len(self.examples["train"])) + check
        for width in range(self.width, 0, -1):
            if self.budget.allows(width * one + check + others):
                return width
        raise BudgetExceeded(f"budget.rollouts is spent: {self.budget.limits.rollouts}", "raise it: budget.rollouts=…")


def _gain_of(made: Proposed) -> float:
    """By how many examples it is better."""
    mean, examples = gain(made.screen) if made.screen is not None else (0.0, 0)
    return mean * examples


def _round(number: int, made: Proposed) -> Round:
    fixed, broken = fixed_and_broken(made.screen) if made.screen is not None else ((), ())
    verdict = Verdict("indecisive" if made.state == "kept" else "reject", made.reason or "kept: better on train")
    return Round(number, made.edits, verdict, made.expected, fixed, broken, made.screen is not None)


def _decided(report: RoundReport) -> Round:
    """What was assessed, and the decision; of held-out examples nothing else comes back."""
    assert report.assessment is not None
    reason = report.verdict.reason
    if report.verdict.votes and report.assessment.look >= 0:
        reason = "committed" if report.verdict.decision == "commit" else "not proved to be better on held-out examples"
    return Round(report.number, report.edits, Verdict(report.verdict.decision, reason))


def _verdict(proposed: Sequence[Proposed]) -> Verdict:
    """What a round without an assessment comes to."""
    if any(made.state == "kept" for made in proposed):
        return Verdict("indecisive", "kept: better on train, not yet enough to be proved")
    return Verdict("reject", next((made.reason for made in proposed if made.edits), proposed[0].reason))


def _is_promising(vote: Vote, gained: float) -> bool:
    """Whether a test saw a gain, or so little that the one seen on train may be there all the same."""
    delta, interval = vote.evidence.get("delta"), vote.evidence.get("interval")
    if vote.evidence.get("p") is None or not isinstance(delta, int | float):
        return False
    return delta > 0 or (isinstance(interval, list) and isinstance(interval[1], float) and 0 < gained <= interval[1])


def _why(trial: Trial) -> str:
    """Why a candidate is not kept; empty if it is."""
    if trial.kept:
        return ""
    before, after = trial.screen.baseline.mean, trial.screen.candidate.mean
    if trial.lost:
        return f"it fixes {len(trial.fixed)} of train and breaks {len(trial.lost)}"
    return f"no better on train: {_number(before)} → {_number(after)}"


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"
