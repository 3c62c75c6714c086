"""The runtime: wires a composition into a running system that acts, measures and evolves."""

import asyncio
import platform
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import attrs

from autogenesis_core.defaults import find_workdir
from autogenesis_core.errors import AutogenesisError, BudgetExceeded, InputError, OptimizerFailed, StoreError
from autogenesis_core.hooks import Hooks
from autogenesis_core.hookspecs import hookimpl
from autogenesis_core.identity import JSON, derive, digest
from autogenesis_core.rspl.dynamic import Live
from autogenesis_core.rspl.entity import KINDS, Answer, Environment, Memory
from autogenesis_core.rspl.manager import Manager
from autogenesis_core.rspl.reference import Reference
from autogenesis_core.rspl.server import Server
from autogenesis_core.rspl.store import Store
from autogenesis_core.rspl.system import System
from autogenesis_core.runfolder import check_same, find_run, make_run_folder, read_json, write_json
from autogenesis_core.sepl.budget import Budget
from autogenesis_core.sepl.earlier import learned_note, scorer_note
from autogenesis_core.sepl.estimate import Estimate, Plan, estimate
from autogenesis_core.sepl.evaluation import SPLITS, Benchmark, Evaluation, Example, Split
from autogenesis_core.sepl.evaluator import EpisodeBenchmark, Evaluator
from autogenesis_core.sepl.journal import NAME as JOURNAL
from autogenesis_core.sepl.journal import Journal
from autogenesis_core.sepl.ledger import granted
from autogenesis_core.sepl.loop import Loop
from autogenesis_core.sepl.operators import Operators
from autogenesis_core.sepl.progress import Progress, progress
from autogenesis_core.sepl.report import baseline_result, describe_run, evolution_result, measure_result, verify_result
from autogenesis_core.sepl.spaces import Candidate
from autogenesis_core.sepl.splits import plain_text, without_duplicates
from autogenesis_core.sepl.usage import record_calls, remember_used
from autogenesis_core.services.client import ModelClient, Tally
from autogenesis_core.services.executor import AsyncioExecutor
from autogenesis_core.services.model import Model, Price, Usage, model_settings
from autogenesis_core.services.stub import StubModel
from autogenesis_core.services.tracing import Span, Tracer
from autogenesis_core.settings import BudgetLimits, Composition, Resource

_TRIED = 3  # rollouts on the stub, for an estimate

NO_MODEL = InputError(
    "no model is set",
    "AUTOGENESIS_MODEL=openai/gpt-5-mini   (or +model=litellm model.name=…; +model=simulated tries it offline)",
)


class Runtime:
    """A composed system, running. Use it as an async context manager.

    ::

        async with Runtime.compose("+agent=tool_calling", "+tool=[calculator]") as ag:
            answer = await ag.act("What is 17 * 23?")

    `ag.prompt`, `ag.agent`, `ag.tool`, `ag.environment`, `ag.memory` are the servers of the five kinds.
    """

    prompt: Server
    agent: Server
    tool: Server
    environment: Server
    memory: Server

    def __init__(self, composition: Composition) -> None:
        self.composition = composition
        self.settings = composition.settings
        self.workdir = find_workdir(composition.folder, self.settings.workdir)
        simulated = composition.model is not None and composition.model.simulated
        self.branch = self.settings.branch or ("demo" if simulated else "main")
        self.hooks = Hooks()
        self.folder: Path | None = None  # the current run's
        self._open = False  # whether the current run is this process's to write, and has no result yet
        self._verb = ""
        self._tracer = Tracer()
        self._memory: Memory | None = None
        self._requests: asyncio.Semaphore | None = None
        self._running: Loop | None = None
        self._evaluating: Evaluator | None = None

    @classmethod
    def compose(
        cls,
        *overrides: str,
        folder: Path | None = None,
        agent: Any = None,  # an instance of any Agent class
        benchmark: Benchmark | None = None,
        model: Model | None = None,
    ) -> "Runtime":
        """The runtime of a configuration, as the command line composes it; parts given as objects replace chosen ones.

        `lock=FILE` stands for a whole configuration: the one that a lock file holds, which needs no store.
        Raises UnknownName, InputError or ConfigurationError for what cannot be composed.
        """
        from autogenesis_core.composition import composition_of

        return cls(composition_of(overrides, folder or Path.cwd(), agent=agent, benchmark=benchmark, model=model))

    @classmethod
    def of_run(cls, run: str, *more: str, workdir: str | None = None, folder: Path | None = None) -> "Runtime":
        """The runtime of an earlier run's configuration, to resume, replay or verify it.

        Arguments:
            run: its name, or the beginning of it
            more: settings that may differ: `budget.money=5`, `workers=16`, `rounds=10`

        Raises UnknownName for a run that is not there, InputError for one that a program composed of objects.
        """
        place = find_workdir(folder or Path.cwd(), workdir)
        found = find_run(place, run)
        made = read_json(found / "run.json")
        if made.get("given"):
            raise InputError(
                f"run {found.name} was composed with an object as its {' and '.join(made['given'])}",
                f"from the same program: Runtime.compose(…), then evolve(resume={found.name!r})",
            )
        if not made.get("overrides"):
            raise InputError(f"run {found.name} has no configuration to go on from", "autogenesis runs lists them")
        began = Path(str(made.get("folder", "")))
        words = [word for word in made["overrides"] if not word.lstrip("+").startswith("workdir=")]
        return cls.compose(*words, *more, f"workdir={place}", folder=began if began.is_dir() else folder)

    async def __aenter__(self) -> Self:
        self.store = Store.memory() if self.frozen else Store.open(self.workdir / "autogenesis.db")
        try:
            await self._wire()
        except BaseException:
            self.store.close()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.tell()
        try:
            self._tracer.close()
        except StoreError:
            if error is None:
                raise
        finally:
            self.manager.close()
            self.store.close()
            if error is not None and self._open:
                with suppress(StoreError):  # where nothing can be written, the reason is still said
                    self._write_result({**self._described(self._verb), "failed": _reason(error)})

    @property
    def frozen(self) -> bool:
        """Whether this runs from a lock file: with no store, and leaving nothing behind."""
        return self.composition.lock is not None

    @property
    def notes(self) -> Sequence[str]:
        """Lines that a person should see."""
        return self.manager.notes

    def observe(self, observer: object) -> None:
        """Adds an object with `sepl_observe` or `rspl_observe`."""
        self.hooks.register(observer, f"observer {type(observer).__name__} {id(observer)}")

    def freeze(self) -> str:
        """The lock file of this system: its configuration, exact versions and contents; `lock=FILE` runs it."""
        from autogenesis_core.lock import lock_of

        return lock_of(self.composition, self.manager)

    async def act(self, task: str, *, agent: str = "") -> Answer:
        """The composed agent's answer to a task, or that of the one named; raises InputError without agent or model."""
        self.check()
        self._begin("act")
        if self._memory is None:
            self._memory = self._system().memory()
        budget = await self._budget(strict=False)
        evaluator = self._evaluator(budget, EpisodeBenchmark())
        live = Live(self._system(), self.manager, self.settings.follow)
        answer = await evaluator.act(live, task, self._memory, self._propose, agent)
        await self.tell()
        self._write_result(
            {
                **self._described("act"),
                "task": task,
                "answer": answer.text,
                "data": answer.data,
                "spent": budget.spent(),
            },
        )
        return answer

    async def measure(self, baseline: str = "") -> dict[str, Any]:
        """The composed system's scores on every split, as in result.json.

        Arguments:
            baseline: what to hold them against, on the same examples and seeds: `champion` (the heads, free of pins and
                of this run's own parameters), a branch or an alias

        Raises UnknownName for a baseline that names none of the composed resources.
        """
        self.check()
        benchmark, examples = self._examples()
        budget = await self._budget(strict=True)
        systems = [self._system()]
        if baseline:
            systems.append(System(self.manager.standing(baseline), self.manager))
        self._begin("measure")
        evaluator = self._evaluating = self._evaluator(budget, benchmark)
        await self._started("measure", examples, 0)
        found = {
            split: await evaluator.compare(systems, split, evaluator.draws("rollout", examples[split], self._epochs))
            for split in SPLITS
            if examples[split]
        }
        result = {
            **self._described("measure"),
            **measure_result({split: both[0] for split, both in found.items()}, self.settings.alpha),
            **(baseline_result(baseline, found, self.settings.alpha) if baseline else {}),
            "spent": budget.spent(),
        }
        return await self._finish(result)

    @property
    def evaluating(self) -> Mapping[str, tuple[int, int]]:
        """The rollouts under way, by what they are for: (done, total)."""
        doing = self._evaluating.doing if self._evaluating is not None else {}
        return {name: (done, total) for name, (done, total) in [*doing.items()]}

    @property
    def progress(self) -> Progress | None:
        """How far the evolution under way is; None if there is none."""
        return progress(self._running) if self._running is not None else None

    async def verify(self, run: str, *, fresh: bool = False) -> dict[str, Any]:
        """Scores what a run began with and what it ended with again, and says whether its claim stands.

        Arguments:
            run: an evolution of this configuration that committed something
            fresh: on examples that it never saw, else on those of test under fresh seeds

        Raises InputError for a run that claims nothing, or where there is nothing fresh to score on.
        """
        done = read_json(find_run(self.workdir, run) / "result.json")
        if not done.get("commits"):
            raise InputError(f"run {run} committed nothing, so there is no claim to verify", "autogenesis runs")
        self.check()
        benchmark, examples = self._examples()
        budget = await self._budget(strict=True)
        systems = [System(self.manager.records(done[when])[0], self.manager) for when in ("started", "heads")]
        self._begin("verify")
        split, chosen = self._unseen(benchmark, examples) if fresh else self._sealed_again(examples)
        evaluator = self._evaluating = self._evaluator(budget, benchmark)
        await self._started("verify", {split: chosen}, 0)
        draws = evaluator.draws(f"verify {self.run_id}", chosen, self._epochs)
        before, after = await evaluator.compare(systems, split, draws)
        result = {
            **self._described("verify"),
            **verify_result(done, before, after, self.settings.alpha, fresh=fresh),
            "scorer_changed": done.get("scorer") != evaluator.scorer,
            "spent": budget.spent(),
        }
        return await self._finish(result)

    def _sealed_again(self, examples: Mapping[Split, Sequence[Example]]) -> tuple[Split, Sequence[Example]]:
        split: Split = "test" if examples["test"] else "val"
        if self.settings.deterministic:
            raise InputError("scores are deterministic here, so fresh seeds are no new evidence", "--fresh")
        return split, examples[split]

    def _unseen(
        self, benchmark: Benchmark, examples: Mapping[Split, Sequence[Example]]
    ) -> tuple[Split, Sequence[Example]]:
        """As many examples as test has that are in none of the run's splits."""
        known = {plain_text(example.input) for split in SPLITS for example in examples[split]}
        size = len(examples["test"]) or len(examples["val"])
        sizes: dict[Split, int] = {"train": 0, "val": 0, "test": len(known) + size}
        made = benchmark.examples(sizes, derive(self.settings.seed, "verify", self.run_id) % 2**31)
        unseen = [example for example in made["test"] if plain_text(example.input) not in known][:size]
        if len(unseen) < min(size, 10):
            raise InputError(
                f"the benchmark has only {len(unseen)} examples that the run never saw",
                "more examples, or without --fresh: the same ones under fresh seeds",
            )
        return "test", unseen

    @property
    def _epochs(self) -> int:
        return 1 if self.settings.deterministic else self.settings.epochs

    async def estimate(self) -> Estimate:
        """What an evolution will take, from a trial of a few rollouts on a stub of the model; nothing is spent."""
        self.check()
        benchmark, examples = self._examples()
        settings, optimizer = self.settings, self.composition.optimizer
        instance = optimizer.instance if optimizer else None
        planner = self.hooks.planner
        level = granted(settings.alpha, (), reused=settings.deterministic)
        looks = planner.plan(len(examples["val"]), level) if planner and examples["val"] else (len(examples["val"]),)
        plan = Plan(
            rounds=(settings.rounds or int(getattr(instance, "rounds", 3))) if optimizer else 0,
            width=settings.width if getattr(instance, "concurrent", False) else 1,
            batch=min(int(getattr(instance, "batch", 24)), len(examples["train"])),
            val=looks[-1],
            test=len(examples["test"]),
            epochs=self._epochs,
            screen=bool(getattr(instance, "screen", True)),
            first_look=looks[0],
        )
        model = self.composition.model
        price = await model.price() if model else Price(0.0, 0.0)
        usage, calls = await self._tried(benchmark, examples["train"][:_TRIED])
        agent = self.composition.chosen("agent")[0]
        steps = int(agent.overrides.get("max_steps", agent.record.parameters.get("max_steps", 1)))  # type: ignore[arg-type]  # a number, as its class says
        uses_model = model is not None and bool(getattr(type(instance), "uses_model", True)) and optimizer is not None
        return estimate(plan, usage, calls, steps, price, uses_model)

    async def _tried(self, benchmark: Benchmark, examples: Sequence[Example]) -> tuple[Usage, int]:
        """Tokens and calls of a rollout on the stub, the mean of a few; an agent that is code of its own is not run."""
        model = self.composition.model
        if model is None or not examples or not self.composition.chosen("agent")[0].uses_model:
            return Usage(), 0
        stub, budget = StubModel(model), Budget(BudgetLimits(money=None))
        evaluator = self._evaluator(budget, benchmark)
        evaluator.tracer = Tracer()
        evaluator.client = lambda role, seed, span, tally: ModelClient(
            stub, role, budget, seed=derive(seed, role), tally=tally
        )
        await evaluator.evaluate(self._system(), "train", examples)
        used, n = budget.used, len(examples)
        return Usage(-(-used.usage.input_tokens // n), -(-used.usage.output_tokens // n)), -(-used.calls // n)

    async def evolve(self, *, resume: str = "", replay: bool = False) -> dict[str, Any]:
        """Improves the composed system's trainable variables; the outcome is what result.json holds.

        Arguments:
            resume: the run to go on with, of the same configuration; what it paid for is not paid for again
            replay: decide everything again from what the run recorded, with no call and writing nothing

        Raises InputError without an optimizer or anything to measure on, if a money budget has no price to go by, or
        for a run that cannot be gone on with; OptimizerFailed for an optimizer that fails again and again.
        """
        optimizer = self.composition.optimizer
        if self.frozen:
            raise InputError("a frozen system does not evolve", "evolve the configuration that it was frozen from")
        if optimizer is None:
            raise InputError("no optimizer is chosen", "+optimizer=reflection")
        self.check()
        benchmark, examples = self._examples()
        if not examples["val"] or not examples["train"]:
            raise InputError("an evolution needs examples of train and val", "raise splits.train and splits.val")
        budget = await self._budget(strict=True)
        journal = self._begin_journal(resume, replay=replay)
        try:
            remember_used(journal, budget)
            rounds = self.settings.rounds or int(getattr(optimizer.instance, "rounds", 3))
            loop = self._loop(budget, benchmark, examples, rounds, journal)
            if hasattr(optimizer.instance, "check"):
                await optimizer.instance.check(loop.context(1))
            self.hooks.check_gates(examples["val"])
            await self._started("evolve", examples, rounds, **await self._beforehand(loop))
            before = loop.records
            await loop()
            scores = await self._sealed(loop, budget, before)
            self._ended(loop, journal)
        except (AutogenesisError, asyncio.CancelledError) as error:
            if self._open and not isinstance(error, InputError | OptimizerFailed):
                error.add_note(f"what was committed stays; to go on: autogenesis resume {self.run_id}")
            raise
        finally:
            journal.close()
        result = {
            **self._described("evolve"),
            **evolution_result(loop, scores, self.settings.alpha),
            "spent": budget.spent(),
        }
        return result if replay else await self._finish(result)

    def _ended(self, loop: Loop, journal: Journal) -> None:
        """Notes how the run ended; a replay must have ended so, too."""
        system = Candidate(loop.records).id
        done: dict[str, JSON] = {"stopped": loop.stopped, "rounds": len(loop.reports), "system": system}
        if not journal.replay:
            journal.keep("finished", "", done)
        elif (then := journal.recall("finished", "")) is not None and then["system"] != system:
            raise InputError(
                f"run {self.run_id} does not repeat: it came to another system", "its code or its configuration changed"
            )

    async def _beforehand(self, loop: Loop) -> dict[str, Any]:
        """What a person should know before anything is spent: what the gate can prove, and what a run will take."""
        planner, model = self.hooks.planner, self.composition.model
        described = hasattr(planner, "describe")
        estimated = model is not None and not model.simulated and not loop.journal.replay
        return {
            "gate": planner.describe(loop.examples["val"], loop.assessor.level("0")) if described else "",
            "estimate": await self.estimate() if estimated else None,
        }

    async def _sealed(self, loop: Loop, budget: Budget, before: Mapping[str, Any]) -> dict[str, Evaluation]:
        """Scores on test, once for what the run began with and once for what it ended with; they steer nothing."""
        budget.release()
        found: dict[str, Evaluation] = {}
        for name, system in (("before", loop.system(before)), ("after", loop.system())):
            try:
                if loop.examples["test"]:
                    found[name] = await loop.evaluator.evaluate(system, "test", loop.examples["test"], self._epochs)
            except BudgetExceeded as error:
                if not found and not loop.reports:
                    raise  # it was too small to begin with
                loop.stopped = loop.stopped or error.reason
        loop.journal.sync()
        return found

    def _begin_journal(self, run: str, *, replay: bool) -> Journal:
        """The journal of a new run, or of one that goes on."""
        if not run:
            self._begin("evolve")
            assert self.folder is not None
            return Journal.open(self.folder / JOURNAL)
        self.folder = find_run(self.workdir, run)
        if not (self.folder / JOURNAL).is_file():
            raise InputError(f"the run {self.folder.name} has no journal", "it was no evolution, or gc removed it")
        check_same(self.folder, self.composition.config)
        self._verb = "evolve"
        self.manager.begin()
        journal = Journal.open(self.folder / JOURNAL, replay=replay)
        if not replay:
            self._tracer.close()
            self._tracer = Tracer(self.folder / "traces.jsonl")
            self._open = True
        elif (done := journal.recall("finished", "")) is None:
            journal.ends = "the journal ends here: the run was broken off"
        elif str(done["stopped"]).startswith("budget."):
            journal.ends = str(done["stopped"])
        return journal

    async def _wire(self) -> None:
        composition = self.composition
        self.manager = Manager(self.store, self.branch, composition.find_class)
        if composition.lock is not None:
            from autogenesis_core.lock import import_lock

            import_lock(self.store, composition.lock, self.branch)
        for part in (*composition.modules, *composition.observers):
            self.hooks.register(part.instance, part.name)
        for part in (*([composition.optimizer] if composition.optimizer else []), *composition.gates):
            self.hooks.register(part.instance, part.name)
        self.hooks.register(_Selected(composition.resources, self.manager), "core resources")
        self.hooks.register(Operators(self._votes, self._assess), "core operators")
        await self.hooks.register_resources(self.manager.register)
        self.manager.init()
        for name in self.settings.use:
            self.manager.adopt(Reference.parse(name))
        for pin in self.settings.pins:
            self.manager.pin(pin)
        self._environment = self._fill()
        for kind in KINDS:
            setattr(self, kind, Server(kind, self.manager, self))
        await self.tell()

    async def tell(self) -> None:
        """Tells observers what happened to resources since they were last told."""
        while self.manager.events:
            event, data = self.manager.events.pop(0)
            await self.hooks.observe_resource(event, data)

    def _propose(self, variable: str, value: JSON, reason: str) -> str:
        return self.manager.propose(self.run_id, variable, value, reason)

    async def _votes(self, candidate: Any, assessment: Any) -> Any:  # as Hooks.votes, which the loop records for
        assert self._running is not None
        return await self._running.assessor.votes(candidate, assessment)

    async def _assess(self, candidate: Any) -> Any:  # the loop's own method, which exists only while it runs
        assert self._running is not None
        return await self._running.assess(candidate)

    def _fill(self) -> str:
        """Asks the agent for parameters that only the composed system can give; the environment's id, if any."""
        names = {kind: self.manager.list(kind) for kind in KINDS}
        environment: Environment | None = self.manager.get(names["environment"][0]) if names["environment"] else None
        spec = environment.spec if environment else None
        for name in names["agent"]:
            self.manager.fill(name, self.manager.get(name).complete(spec))
        return spec.id if spec else ""

    def _system(self) -> System:
        return System(self.manager.records()[0], self.manager)

    def _loop(
        self,
        budget: Budget,
        benchmark: Benchmark,
        examples: Mapping[Split, Sequence[Example]],
        rounds: int,
        journal: Journal,
    ) -> Loop:
        settings, optimizer = self.settings, self.composition.optimizer
        instance = optimizer.instance if optimizer else None
        evaluator = self._evaluating = self._evaluator(budget, benchmark, journal)
        heads = {name: head.version for name, head in self.manager.heads().items()}
        known = digest({split: [example.digest for example in found] for split, found in examples.items()})
        began: dict[str, JSON] = {"heads": heads, "scorer": evaluator.scorer, "examples": known}
        started = journal.once("started", "", lambda: began)
        if started["scorer"] != evaluator.scorer:
            raise InputError(f"the scorer is not the one that run {self.run_id} began with", "begin a new run")
        if started["examples"] != known:
            raise InputError(f"the examples are not those that run {self.run_id} began with", "begin a new run")
        records, stood = self.manager.records(started["heads"])
        concurrent = bool(getattr(instance, "concurrent", False))
        if settings.width > 1 and not concurrent:
            self.manager.notes.append(f"{optimizer.name if optimizer else ''} makes one proposal at a time: width is 1")
        if not self.hooks.compares:
            self.manager.notes.append("no gate compares scores, so nothing will be committed; add one: +gate=auto")
        entries = self.store.entries(run=self.run_id)
        self._running = loop = Loop(
            run=self.run_id,
            seed=settings.seed,
            rounds=rounds,
            batch=int(getattr(instance, "batch", 24)),
            store=self.store,
            manager=self.manager,
            hooks=self.hooks,
            evaluator=evaluator,
            budget=budget,
            journal=journal,
            examples=examples,
            records=records,
            heads=stood,
            width=settings.width if concurrent else 1,
            screen=bool(getattr(instance, "screen", True)),
            epochs=self._epochs,
            level=settings.alpha,
            goal=settings.goal,
            commits=settings.commit,
            token=None if journal.replay else self.store.fence(self.run_id),
            logged={str(entry.body.get("decision")): entry for entry in entries if "decision" in entry.body},
            model=self._model_id(),
            optimizer=optimizer.name if optimizer else "",
            only=settings.evolve,
            environment=self._environment,
            client=self._optimizer_client(budget, journal) if self.composition.model else None,
        )
        self._check_rollouts(budget, examples)
        self._note_models(stood)
        if note := scorer_note(self.store, stood, evaluator.scorer):
            self.manager.notes.append(note)
        return loop

    def _check_rollouts(self, budget: Budget, examples: Mapping[Split, Sequence[Example]]) -> None:
        """Raises InputError if one assessment and test's scores take all that the budget allows."""
        limit = budget.limits.rollouts
        wanted = 2 * self.settings.epochs * (len(examples["test"]) + len(examples["val"]))
        if limit is not None and wanted >= limit:
            raise InputError(
                f"budget.rollouts is {limit}, and to assess on val and test once takes {wanted}",
                f"raise it, or lower splits.val and splits.test: budget.rollouts={4 * wanted}",
            )

    def _optimizer_client(self, budget: Budget, journal: Journal) -> Callable[[str, int], ModelClient]:
        """Makes the client of a proposal, whose answers the journal keeps."""

        def made(proposal: str, seed: int) -> ModelClient:
            client = self._client(budget, "optimizer", seed, None)
            record_calls(client, journal, budget, proposal)
            return client

        return made

    def _evaluator(self, budget: Budget, benchmark: Benchmark, journal: Journal | None = None) -> Evaluator:
        model, settings = self.composition.model, self.settings
        return Evaluator(
            benchmark=benchmark,
            executor=self.composition.executor or AsyncioExecutor(settings.workers),
            tracer=self._tracer,
            seed=settings.seed,
            timeout=settings.timeout,
            settings=model_settings(model),
            budget=budget,
            journal=journal or Journal(),
            client=(lambda role, seed, span, tally: self._client(budget, role, seed, span, tally)) if model else None,
            authorize=self.hooks.authorize,
            deterministic=settings.deterministic,
            reducer=settings.reducer,
        )

    def _client(
        self, budget: Budget, role: str, seed: int, span: Span | None, tally: Tally | None = None
    ) -> ModelClient:
        assert self.composition.model is not None
        if self._requests is None and self.settings.requests:
            self._requests = asyncio.Semaphore(self.settings.requests)
        return ModelClient(
            self.composition.model, role, budget, self._tracer, span, derive(seed, role), tally=tally,
            slots=self._requests,
        )  # fmt: skip

    def _examples(self) -> tuple[Benchmark, Mapping[Split, Sequence[Example]]]:
        benchmark = self.composition.benchmark
        if benchmark is None:
            if not self.manager.list("environment"):
                raise InputError(
                    "there is nothing to measure on",
                    "+benchmark=reasoning_gym, +benchmark=dataset benchmark.path=…, or +environment=…",
                )
            benchmark = EpisodeBenchmark()
        sizes: dict[Split, int] = {split: getattr(self.settings.splits, split) for split in SPLITS}
        examples, notes = without_duplicates(benchmark.examples(sizes, self.settings.seed))
        heads = self.manager.heads().values()
        learned = learned_note(self.store, heads, self.workdir / "runs", benchmark, examples)
        self.manager.notes.extend([*notes, *([learned] if learned else [])])
        return benchmark, examples

    async def _budget(self, *, strict: bool) -> Budget:
        model = self.composition.model
        limits = self.settings.budget
        # Without a limit on money nobody needs the price beforehand, and to ask may mean a slow import.
        price = Price(0.0, 0.0) if model is None else None if limits.money is None else await model.price()
        if model and price is None and not strict:
            limits = attrs.evolve(limits, money=None)
        budget = Budget(limits, price)
        if model:
            budget.check_price(model.id)
        return budget

    def check(self) -> None:
        """Raises InputError if no agent is chosen, or no model where agent or optimizer needs one."""
        resources = self.composition.chosen("agent")
        if not resources:
            raise InputError("no agent is chosen", "+agent=tool_calling; see: autogenesis plugins agent")
        uses = [resources[0].cls]
        if self.composition.optimizer:
            uses.append(type(self.composition.optimizer.instance))
        judges = self.composition.benchmark is not None and self.composition.benchmark.uses_model
        if self.composition.model is None and (judges or any(getattr(cls, "uses_model", False) for cls in uses)):
            raise NO_MODEL

    def _model_id(self) -> str:
        return self.composition.model.id if self.composition.model else ""

    def _note_models(self, heads: Mapping[str, Any]) -> None:  # heads by name
        others = sorted({head.model for head in heads.values() if head.model and head.model != self._model_id()})
        if others:
            self.manager.notes.append(
                f"some heads were evolved with {', '.join(others)}, not with {self._model_id() or 'no model'}"
            )

    def _begin(self, verb: str) -> None:
        """Makes the run folder. Its name is a function of what is run and how often it was, so that runs repeat."""
        self._verb = verb
        self.manager.begin()
        if self.frozen:
            return
        config = {key: value for key, value in self.composition.config.items() if key not in ("workdir", "workers")}
        heads = {name: head.version for name, head in self.manager.heads().items()}
        self.folder = make_run_folder(self.workdir / "runs", [verb, config, heads])
        self._tracer.close()
        self._tracer = Tracer(self.folder / "traces.jsonl")
        self._open = True
        write_json(self.folder / "config.json", dict(self.composition.config))
        given = {"overrides": list(self.composition.overrides), "given": list(self.composition.given)}
        write_json(self.folder / "run.json", {"verb": verb, "folder": str(self.composition.folder), **given})
        plugins = {plugin.distribution: plugin.version for plugin in self.composition.plugins}
        write_json(self.folder / "plugins.json", {"python": platform.python_version(), **plugins})

    @property
    def run_id(self) -> str:
        """The current run's id, empty before the first."""
        return self.folder.name if self.folder else ""

    def _write_result(self, result: Mapping[str, Any]) -> None:
        if self.folder is not None:
            write_json(self.folder / "result.json", result)
            self._open = False

    async def _started(
        self, verb: str, examples: Mapping[Split, Sequence[Example]], rounds: int, **more: object
    ) -> None:
        sizes = {split: len(found) for split, found in examples.items()}
        data = {"verb": verb, "runtime": self, "sizes": sizes, "rounds": rounds, **more}
        await self.hooks.observe("started", data)

    def _described(self, verb: str) -> dict[str, Any]:
        return describe_run(verb, self.run_id, self.branch, self.composition, self._model_id())

    async def _finish(self, result: dict[str, Any]) -> dict[str, Any]:
        self._tracer.close()
        self._write_result(result)
        await self.hooks.observe("finished", {"result": result})
        return result


def _reason(error: BaseException) -> str:
    if isinstance(error, asyncio.CancelledError | KeyboardInterrupt):
        return "interrupted"
    return f"{type(error).__name__}: {getattr(error, 'reason', error)}"


class _Selected:
    """What the configuration selected, registered through the same door as everything else."""

    def __init__(self, resources: Sequence[Resource], manager: Manager) -> None:
        self._resources = resources
        self._manager = manager

    @hookimpl
    async def rspl_register(self) -> None:
        for resource in self._resources:
            self._manager.register(
                resource.record,
                resource.cls,
                instance=resource.instance,
                overrides=resource.overrides,
                artifacts=resource.artifacts,
            )
