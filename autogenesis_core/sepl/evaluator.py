"""The evaluator: rollouts of composed systems on examples, scored, cached by what they depend on."""

import asyncio
import inspect
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from fractions import Fraction
from math import isfinite
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

from attrs import define, field

from autogenesis_core.errors import (
    AuthenticationFailed,
    BadRequest,
    BudgetExceeded,
    ContextExceeded,
    InputError,
    InvalidAnswer,
    ModelError,
    ModelTimeout,
    ModelUnavailable,
    PluginError,
    Refused,
    StoreError,
    shortened,
)
from autogenesis_core.identity import JSON, derive, derive_each
from autogenesis_core.rspl.context import Context, EpisodeRun
from autogenesis_core.rspl.dynamic import Live
from autogenesis_core.rspl.entity import Answer, Memory
from autogenesis_core.rspl.library import Propose
from autogenesis_core.rspl.record import system_id
from autogenesis_core.rspl.system import System
from autogenesis_core.rspl.toolbox import Permission, ToolUse
from autogenesis_core.sepl.budget import Amount, Budget
from autogenesis_core.sepl.evaluation import (
    Benchmark,
    Cell,
    Cost,
    Episode,
    Evaluation,
    Example,
    Failed,
    Outcome,
    Result,
    Score,
    Scored,
    Split,
)
from autogenesis_core.sepl.journal import Journal
from autogenesis_core.sepl.spaces import Trace
from autogenesis_core.sepl.usage import used_by, used_json
from autogenesis_core.services.client import ModelClient, Tally
from autogenesis_core.services.executor import Executor
from autogenesis_core.services.timeout import Timeouts
from autogenesis_core.services.tracing import Span, Tracer


class EpisodeBenchmark(Benchmark):
    """Episodes of the composed environment, scored by their rewards; what measures where no benchmark is chosen."""

    lowest = None  # rewards may be negative, and then nothing would beat a rollout that failed

    def examples(self, sizes: Mapping[Split, int], seed: int) -> Mapping[Split, Sequence[Example]]:
        """Episodes with different seeds, all of them functions of `seed`."""
        return {
            split: [Episode(f"{split}-{i}", derive(seed, "episode", split, i) % 2**31) for i in range(size)]
            for split, size in sizes.items()
        }

    def score(self, example: Example, outcome: Outcome) -> Score:  # Benchmark's signature
        """The sum of rewards, as the core counted it."""
        if outcome.reward is None:
            raise InputError("there is no environment to score an episode in", "+environment=gymnasium")
        return Score(outcome.reward, f"return {outcome.reward:g} in {outcome.steps} steps")


_UNREACHED = 5  # rollouts in a row without an answer, after which a run ends rather than decide on them
_NOTHING = Outcome()


class Draw(NamedTuple):
    """One rollout to be made: an example under a seed, of which systems that are compared meet the same.

    One that is asked for `once` is not remembered, so that a long search does not fill the memory.
    """

    example: Example
    seed: int
    epoch: int = 0
    once: bool = False


class _Job(NamedTuple):
    system: System
    system_id: str
    split: Split
    draw: Draw
    keep: bool
    part: list[int]  # done and total rollouts of what it belongs to


@define(eq=False)
class Evaluator:
    """Runs and scores rollouts; one that the journal holds is not made again.

    Arguments:
        seed: the run's; a rollout's own is a function of it, what the rollout is for, and the example
        timeout: seconds for one rollout
        settings: the model's, part of every evaluation's key
        deterministic: the same input always gives the same score, so that nothing is drawn twice
        reducer: how several epochs of an example become one value
        unreached: the rollouts that got no answer of a model, since one did, and when they ended
        failures: how many rollouts failed, by the reason in one line
        doing: what is under way, by a label that says what for, with its done and its total rollouts
    """

    benchmark: Benchmark
    executor: Executor
    tracer: Tracer
    seed: int
    timeout: float
    settings: Mapping[str, JSON]
    budget: Budget = field(factory=Budget)
    journal: Journal = field(factory=Journal)
    client: Callable[[str, int, Span | None, Tally | None], ModelClient] | None = None
    authorize: Callable[[ToolUse], Awaitable[Permission | None]] | None = None
    deterministic: bool = False
    reducer: str = "mean"
    made: int = 0
    unreached: dict[str, float] = field(factory=dict)
    used: Amount = field(factory=Amount)  # by the rollouts that were made
    failures: Counter[str] = field(factory=Counter)
    doing: dict[str, list[int]] = field(factory=dict)
    _known: dict[str, "_Made"] = field(factory=dict)
    _timeouts: Timeouts = field(init=False)
    _ids: WeakKeyDictionary[System, str] = field(factory=WeakKeyDictionary)
    _failed: dict[str, int] = field(factory=dict)
    _pending: dict[str, "asyncio.Future[_Made] | None"] = field(factory=dict)  # a future where somebody waits
    scorer: str = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.scorer = self.benchmark.digest
        self._timeouts = Timeouts(self.timeout)

    def draws(
        self, purpose: str, examples: Sequence[Example], epochs: int = 1, start: int = 0, *, once: bool = False
    ) -> list[Draw]:
        """Every example under seeds of its own, `epochs` of them; another purpose has other seeds."""
        if self.deterministic:
            purpose, epochs, start, once = "rollout", 1, 0, False
        if (start, epochs) == (0, 1):
            seeds = derive_each([self.seed, purpose], (example.id for example in examples))
            return [Draw(example, seed, 0, once) for example, seed in zip(examples, seeds, strict=True)]
        return [
            Draw(example, derive(self.seed, purpose, example.id, *([epoch] if epoch else [])), epoch, once)
            for example in examples
            for epoch in range(start, start + epochs)
        ]

    async def evaluate(self, system: System, split: Split, examples: Sequence[Example], epochs: int = 1) -> Evaluation:
        """One system's results on examples of one split."""
        return (await self.compare([system], split, self.draws("rollout", examples, epochs)))[0]

    async def compare(
        self, systems: Sequence[System], split: Split, draws: Sequence[Draw], label: str = ""
    ) -> list[Evaluation]:
        """Several systems' results on the same draws, all rollouts at once."""
        made = await self._run_all(systems, split, draws, label, keep=False)
        size, lowest = len(draws), self.benchmark.lowest
        clusters = {draw.example.id: draw.example.cluster for draw in draws if draw.example.cluster}
        cells = [tuple(cell for _, cell in made[start : start + size]) for start in range(0, len(made), size or 1)]
        return [
            Evaluation(self.id_of(system), split, cells[number] if size else (), lowest, self.reducer, clusters)
            for number, system in enumerate(systems)
        ]

    async def traces(self, system: System, draws: Sequence[Draw]) -> list[Trace]:
        """What reflection sees: rollouts on train examples, with what came out of them."""
        made = await self._run_all([system], "train", draws, "reading rollouts", keep=True)
        return [trace for trace, _ in made]

    async def _run_all(
        self, systems: Sequence[System], split: Split, draws: Sequence[Draw], label: str, *, keep: bool
    ) -> "list[_Made]":
        # Where nothing is drawn twice, reflection may ask for what was made for another purpose.
        keep = keep or (self.deterministic and split == "train")
        ids = [(system, self.id_of(system)) for system in systems]
        part = [0, len(systems) * len(draws)]
        jobs = [_Job(system, id_, split, draw, keep, part) for system, id_ in ids for draw in draws]
        # Digests of many examples take a while, and so come after the first rollouts have begun.
        known = [self._known.get(_key(job)) for job in jobs] if self._known else [None] * len(jobs)
        missing = [job for job, found in zip(jobs, known, strict=True) if found is None]
        part[0] = len(jobs) - len(missing)
        name = label or f"scoring {split}"
        self.doing[name] = part
        try:
            made = iter(await self.executor.map(self._once, missing))
        finally:
            if self.doing.get(name) is part:
                del self.doing[name]
        return [found or next(made) for found in known]

    def id_of(self, system: System) -> str:
        """The system's id with the model's settings."""
        if system not in self._ids:
            self._ids[system] = system_id(system.records, self.settings)
        return self._ids[system]

    async def act(
        self,
        live: Live,
        task: str,
        memory: Memory | None = None,
        propose: Propose | None = None,
        agent: str = "",
    ) -> Answer:
        """One answer of a composed agent, not scored; it may follow new versions, and propose some."""
        system = live.system
        with self.tracer.span("act", task=self.tracer.body(task)) as span:
            seed = derive(self.seed, "act", task)
            context = self._context(system, seed, None, memory or system.memory(), span, propose)
            context.live = live
            answer = await system.agent_named(agent).run(task, context)
            return answer if isinstance(answer, Answer) else Answer(answer)

    async def _once(self, job: _Job) -> "_Made":
        made = await self._trace(job)
        job.part[0] += 1
        return made

    async def _trace(self, job: _Job) -> "_Made":
        draw = job.draw
        key = _key(job)
        if (known := self._known.get(key)) is not None:
            return known
        if key in self._pending:  # two proposals want the same rollout at the same time: it is made once
            future = self._pending[key] = self._pending[key] or asyncio.get_running_loop().create_future()
            return await future
        self._pending[key] = None
        try:
            # What failed is tried again when it is asked for again, and the journal keeps each attempt.
            tries = self._failed.get(key, 0)
            name = f"{key} {tries}" if tries else key
            trace = self._recalled(name, draw.example) or await self._made(name, job)
            made = trace, Cell(draw.example.id, trace.result, draw.epoch, trace.cost)
            if (waited := self._pending[key]) is not None:
                waited.set_result(made)
        finally:
            if (waited := self._pending.pop(key)) is not None:
                waited.cancel()  # does nothing to one that has its result
        if isinstance(trace.result, Failed):
            self._failed[key] = tries + 1
            self.failures[shortened(" ".join(trace.result.reason.split()))] += 1
        elif not draw.once:
            self._known[key] = made
        return made

    def _recalled(self, key: str, example: Example) -> Trace | None:
        body = self.journal.recall("rollout", key)
        if body is None:
            return None
        self.budget.recall(used_by(body), 1)
        self._count(body)
        return trace_of(body, example)

    async def _made(self, key: str, job: _Job) -> Trace:
        self.journal.check_writable("rollout", key)
        self.budget.begin_rollout()
        tally, start = Tally(), time.perf_counter()
        try:
            trace = await self._rollout(job, tally)
        except BaseException:
            self.journal.lose("rollout", used_json(tally))
            raise
        body = {**body_of(trace, job.split, keep=job.keep), **used_json(tally)}
        self._count(body)
        self.journal.keep("rollout", key, body)
        self._check_reached(key, start, tally.gave_up if isinstance(trace.result, Failed) else "")
        return trace

    def _check_reached(self, key: str, start: float, gave_up: str) -> None:
        """Raises ModelUnavailable when rollouts in a row got no answer; these are no results then.

        One that succeeds after them says only something of those that had ended when it began.
        """
        if not gave_up:
            if self.unreached:
                self.unreached = {failed: end for failed, end in self.unreached.items() if end > start}
            return
        self.unreached[key] = time.perf_counter()
        if len(self.unreached) >= _UNREACHED:
            for failed, end in self.unreached.items():
                if end:
                    self.journal.forget("rollout", failed)
                self.unreached[failed] = 0.0
            raise ModelUnavailable(f"{_UNREACHED} rollouts in a row got no answer of the model: {gave_up}")

    def _count(self, body: Mapping[str, Any]) -> None:
        self.made += 1
        if "calls" in body:
            self.used += used_by(body)

    def price(self, rollouts: int) -> Amount:
        """What so many rollouts will use, as those so far did on average; nothing before the first."""
        return self.used.times(Fraction(rollouts, self.made)) if self.used.calls else Amount()

    async def _rollout(self, job: _Job, tally: Tally) -> Trace:
        example, seed = job.draw.example, job.draw.seed
        start, seconds, own = time.perf_counter(), 0.0, (0, 0.0)
        with self.tracer.span(
            "rollout", example=example.id, split=job.split, system=job.system_id[:16], seed=seed
        ) as span:
            outcome, used = _NOTHING, list[str]()
            try:
                try:
                    with self._timeouts():
                        outcome, used = await self._run(job.system, example, seed, span, tally)
                finally:
                    seconds, own = round(time.perf_counter() - start, 6), (tally.tokens, tally.money)
                result: Result = await self._score(example, outcome, seed, span, tally)
            except (BudgetExceeded, PluginError, AuthenticationFailed, BadRequest, StoreError):
                raise
            except asyncio.CancelledError:
                if (task := asyncio.current_task()) is None or task.cancelling():
                    raise
                # Nobody stopped this run: something within the agent was cancelled.
                result = Failed("cancelled", "what the agent waited for was cancelled")
            except (Exception, SystemExit) as error:  # noqa: BLE001  # third parties' code: what it raises is a result
                result = failure(error)
            span.data |= _summary(outcome, result)
        cost = _cost(tally.tokens, tally.money, seconds, (tally.tokens - own[0], tally.money - own[1]))
        if not job.keep:  # what came out of it goes no further: the journal does not keep it, nor should the memory
            outcome, used = _NOTHING, []
            result = Scored(result.value) if isinstance(result, Scored) else result
        return Trace(example, outcome, result, tuple(used), cost)

    async def _run(
        self, system: System, example: Example, seed: int, span: Span, tally: Tally
    ) -> tuple[Outcome, list[str]]:
        environment = system.environment()
        # Every draw of an episode is another one, or evidence that is called fresh would be the same again.
        own = derive(example.seed, seed) % 2**31 if isinstance(example, Episode) else seed
        episode = EpisodeRun(environment, own) if environment else None
        try:
            context = self._context(system, seed, episode, system.memory(), span, tally=tally)
            task = environment.spec.text if environment and isinstance(example, Episode) else example.input
            answer = await system.agent.run(task, context)
            if context.exceeded is not None:
                raise context.exceeded  # an agent that catches everything must not turn it into a score
        finally:
            if environment:
                await environment.close()
        text, data = (answer.text, answer.data) if isinstance(answer, Answer) else (answer, None)
        reward, steps = (episode.reward, episode.steps) if episode else (None, 0)
        return Outcome(text, data, reward, steps), context.tools.used

    def _context(
        self,
        system: System,
        seed: int,
        episode: EpisodeRun | None,
        memory: Memory | None,
        span: Span,
        propose: Propose | None = None,
        tally: Tally | None = None,
    ) -> Context:
        client = self.client
        return system.context(
            seed=seed, episode=episode, memory=memory, authorize=self.authorize, tracer=self.tracer, span=span,
            model=(lambda parent: client("task", seed, parent, tally)) if client else None, propose=propose,
        )  # fmt: skip

    async def _score(self, example: Example, outcome: Outcome, seed: int, span: Span, tally: Tally) -> Result:
        name, timer = type(self.benchmark).__name__, None
        try:
            score = self._given(example, outcome, seed, span, tally)
            if not isinstance(score, Score) and inspect.isawaitable(score):
                async with asyncio.timeout(self.timeout) as timer:
                    score = await score
        except (PluginError, BudgetExceeded, AuthenticationFailed, BadRequest):
            raise
        except (Exception, SystemExit) as error:
            # Not the system's own fault, so it must not count as its score.
            reason = f"the scorer of {name} failed on {example.id}: {type(error).__name__}: {error}"
            if (timer and timer.expired()) or isinstance(error, ModelTimeout):
                return Failed("timeout", reason)
            if isinstance(error, ModelError):  # a judge that does not answer, or not as it should
                return Failed("infra", reason)
            raise PluginError(reason) from error
        if not isinstance(score.value, int | float) or not isfinite(score.value):
            raise PluginError(f"the scorer of {name} gave {score.value!r} for {example.id}")
        return Scored(float(score.value), score.feedback)

    def _given(
        self, example: Example, outcome: Outcome, seed: int, span: Span, tally: Tally
    ) -> Score | Awaitable[Score]:
        if not self.benchmark.uses_model:
            return self.benchmark.score(example, outcome)
        if self.client is None:
            raise InputError(f"{type(self.benchmark).__name__} judges by a model, and none is set")
        return self.benchmark.judge(example, outcome, self.client("judge", seed, span, tally))


def _key(job: _Job) -> str:
    """Of the rollout in the journal."""
    return f"{job.system_id[:16]} {job.draw.example.digest[:16]} {job.draw.seed:x}"


def failure(error: BaseException) -> Failed:
    """What kind of failure an exception in a rollout is: only the system's own fault is `invalid`."""
    text = f"{type(error).__name__}: {error}"
    if isinstance(error, ModelTimeout | TimeoutError):
        return Failed("timeout", text)
    if isinstance(error, Refused):
        return Failed("refused", text)
    if isinstance(error, InvalidAnswer | ContextExceeded):
        return Failed("invalid", text)
    if isinstance(error, ModelError | OSError):
        return Failed("infra", text)
    return Failed("invalid", text)


def _summary(outcome: Outcome, result: Result) -> dict[str, object]:
    if isinstance(result, Failed):
        return {"failed": result.kind, "reason": result.reason}
    found = {"answer": outcome.text[:500], "score": result.value, "feedback": result.feedback[:500]}
    return found if outcome.reward is None else {**found, "reward": outcome.reward, "steps": outcome.steps}


def _cost(tokens: int, money: float, seconds: float, judged: tuple[int, float]) -> Cost:
    """The cost of a rollout, of all that its calls used and what of it was for judging."""
    return Cost(tokens - judged[0], money - judged[1], seconds, *judged)


_Made = tuple[Trace, Cell]  # what reflection sees of a rollout, and what an evaluation does


def body_of(trace: Trace, split: Split, *, keep: bool) -> dict[str, JSON]:
    """A rollout as the journal keeps it; what came out of it only where reflection needs it."""
    result, cost = trace.result, trace.cost
    body: dict[str, JSON] = {"split": split, "example": trace.example.id, "seconds": cost.seconds}
    if cost.judge_tokens or cost.judge_money:
        body["judge"] = [cost.judge_tokens, cost.judge_money]
    if isinstance(result, Failed):
        body |= {"failed": result.kind, "reason": result.reason}
    else:
        body |= {"score": result.value}
        if keep:
            body["feedback"] = result.feedback
    if keep:
        outcome = trace.outcome
        body |= {"text": outcome.text, "data": outcome.data, "tools": list(trace.tools_used)}
        if outcome.reward is not None:
            body |= {"reward": outcome.reward, "steps": outcome.steps}
    return body


def trace_of(body: Mapping[str, Any], example: Example) -> Trace:
    """The rollout that the journal holds."""
    used, judged = used_by(body), body.get("judge", (0, 0.0))
    cost = _cost(used.tokens, used.money, float(body.get("seconds", 0.0)), judged)
    outcome = Outcome(body.get("text", ""), body.get("data"), body.get("reward"), int(body.get("steps", 0)))
    if "failed" in body:
        result: Result = Failed(body["failed"], str(body.get("reason", "")))
    else:
        result = Scored(float(body["score"]), str(body.get("feedback", "")))
    return Trace(example, outcome, result, tuple(body.get("tools", ())), cost)
