"""The evaluator: rollouts of composed systems on examples, scored, cached by what they depend on."""

import asyncio
import inspect
from collections.abc import Awaitable, Callable, Mapping, Sequence
from math import isfinite

from attrs import define, field, frozen

from autogenesis_core.errors import (
    AuthenticationFailed,
    BadRequest,
    BudgetExceeded,
    ContextExceeded,
    InputError,
    InvalidAnswer,
    ModelError,
    ModelTimeout,
    PluginError,
    Refused,
)
from autogenesis_core.identity import JSON, derive
from autogenesis_core.rspl.context import Context, EpisodeRun
from autogenesis_core.rspl.dynamic import Live
from autogenesis_core.rspl.entity import Answer, Memory
from autogenesis_core.rspl.library import Propose
from autogenesis_core.rspl.record import system_id
from autogenesis_core.rspl.system import System
from autogenesis_core.rspl.toolbox import Permission, ToolUse
from autogenesis_core.sepl.evaluation import (
    Benchmark,
    Cell,
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
from autogenesis_core.sepl.spaces import Trace
from autogenesis_core.services.client import ModelClient
from autogenesis_core.services.executor import Executor
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


@frozen
class _Job:
    system: System
    system_id: str
    example: Example
    split: Split


@define(eq=False)
class Evaluator:
    """Runs and scores rollouts.

    Arguments:
        seed: the run's; a rollout's own is a function of it and the example, so that systems meet equal terms
        timeout: seconds for one rollout
        settings: the model's, part of every evaluation's key
        arrived: told of each new result, for the journal and for progress
    """

    benchmark: Benchmark
    executor: Executor
    tracer: Tracer
    seed: int
    timeout: float
    settings: Mapping[str, JSON]
    client: Callable[[str, int, Span | None], ModelClient] | None = None
    authorize: Callable[[ToolUse], Awaitable[Permission | None]] | None = None
    arrived: Callable[[str, Split, Example, Result], None] | None = None
    _cells: dict[tuple[str, str, str, int], Trace] = field(factory=dict)
    _scorer: str = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._scorer = self.benchmark.digest

    async def evaluate(self, system: System, split: Split, examples: Sequence[Example]) -> Evaluation:
        """One system's results on examples of one split."""
        return (await self.evaluate_all([system], split, examples))[0]

    async def evaluate_all(
        self, systems: Sequence[System], split: Split, examples: Sequence[Example]
    ) -> list[Evaluation]:
        """Several systems' results on the same examples, all rollouts at once."""
        ids = [self.id_of(system) for system in systems]
        jobs = [
            _Job(system, id_, example, split) for system, id_ in zip(systems, ids, strict=True) for example in examples
        ]
        traces = await self.executor.map(self._trace, jobs)
        return [
            self._evaluation(id_, split, traces[index * len(examples) : (index + 1) * len(examples)])
            for index, id_ in enumerate(ids)
        ]

    def _evaluation(self, system: str, split: Split, traces: Sequence[Trace]) -> Evaluation:
        cells = tuple(Cell(trace.example.id, trace.result) for trace in traces)
        return Evaluation(system, split, cells, self.benchmark.lowest)

    async def traces(self, system: System, examples: Sequence[Example]) -> list[Trace]:
        """What reflection sees: rollouts on train examples."""
        id_ = self.id_of(system)
        return await self.executor.map(self._trace, [_Job(system, id_, example, "train") for example in examples])

    def id_of(self, system: System) -> str:
        """The system's id with the model's settings."""
        return system_id(system.records, self.settings)

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

    async def _trace(self, job: _Job) -> Trace:
        seed = derive(self.seed, "rollout", job.example.id)
        key = (job.system_id, job.example.digest, self._scorer, seed)
        if key in self._cells:
            return self._cells[key]
        trace = await self._rollout(job, seed)
        if not isinstance(trace.result, Failed):
            self._cells[key] = trace
        if self.arrived:
            self.arrived(job.system_id, job.split, job.example, trace.result)
        return trace

    async def _rollout(self, job: _Job, seed: int) -> Trace:
        example = job.example
        with self.tracer.span(
            "rollout", example=example.id, split=job.split, system=job.system_id[:16], seed=seed
        ) as span:
            outcome, used = Outcome(), list[str]()
            try:
                async with asyncio.timeout(self.timeout):
                    outcome, used = await self._run(job.system, example, seed, span)
                result: Result = await self._score(example, outcome)
            except (BudgetExceeded, PluginError, AuthenticationFailed, BadRequest):
                raise
            except Exception as error:  # noqa: BLE001  # agents are third parties' code; what they raise is a result
                result = failure(error)
            span.data |= _summary(outcome, result)
        return Trace(example, outcome, result, tuple(used))

    async def _run(self, system: System, example: Example, seed: int, span: Span) -> tuple[Outcome, list[str]]:
        environment = system.environment()
        episode = (
            EpisodeRun(environment, example.seed if isinstance(example, Episode) else seed) if environment else None
        )
        try:
            context = self._context(system, seed, episode, system.memory(), span)
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
    ) -> Context:
        client = self.client
        return system.context(
            seed=seed, episode=episode, memory=memory, authorize=self.authorize, tracer=self.tracer, span=span,
            model=(lambda parent: client("task", seed, parent)) if client else None, propose=propose,
        )  # fmt: skip

    async def _score(self, example: Example, outcome: Outcome) -> Scored:
        try:
            score = self.benchmark.score(example, outcome)
            score = await score if inspect.isawaitable(score) else score
        except (PluginError, BudgetExceeded):
            raise
        except Exception as error:
            # Not the system's own fault, so it must not count as its score.
            name = type(self.benchmark).__name__
            raise PluginError(
                f"the scorer of {name} failed on {example.id}: {type(error).__name__}: {error}"
            ) from error
        if not isinstance(score.value, int | float) or not isfinite(score.value):
            raise PluginError(f"the scorer of {type(self.benchmark).__name__} gave {score.value!r} for {example.id}")
        return Scored(float(score.value), score.feedback)


def failure(error: Exception) -> Failed:
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
