"""The runtime: wires a composition into a running system that acts, measures and evolves."""

import asyncio
import platform
import shutil
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import attrs

from autogenesis_core.defaults import find_workdir
from autogenesis_core.errors import InputError, StoreError
from autogenesis_core.hooks import Hooks
from autogenesis_core.hookspecs import hookimpl
from autogenesis_core.identity import JSON, derive
from autogenesis_core.rspl.dynamic import Live
from autogenesis_core.rspl.entity import KINDS, Answer, Environment, Memory
from autogenesis_core.rspl.manager import Manager
from autogenesis_core.rspl.reference import Reference
from autogenesis_core.rspl.server import Server
from autogenesis_core.rspl.store import Store
from autogenesis_core.rspl.system import System
from autogenesis_core.runfolder import find_run, make_run_folder, read_json, write_json
from autogenesis_core.sepl.budget import Budget
from autogenesis_core.sepl.earlier import learned_note
from autogenesis_core.sepl.estimate import Estimate
from autogenesis_core.sepl.evaluation import SPLITS, Benchmark, Example, Split
from autogenesis_core.sepl.evaluator import EpisodeBenchmark, Evaluator
from autogenesis_core.sepl.journal import Journal
from autogenesis_core.sepl.loop import Loop
from autogenesis_core.sepl.operators import Operators
from autogenesis_core.sepl.progress import Progress, progress
from autogenesis_core.sepl.report import describe_run, failures_note
from autogenesis_core.sepl.splits import without_duplicates
from autogenesis_core.services.client import ModelClient, Tally
from autogenesis_core.services.executor import AsyncioExecutor
from autogenesis_core.services.model import Model, Price, model_settings
from autogenesis_core.services.tracing import Span, Tracer
from autogenesis_core.settings import Composition, Resource

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
        self.unfinished = False  # whether the current run is this process's to write, and has no result yet
        self.verb = ""
        self.rehearsed = False  # whether its store and its runs are thrown away afterwards
        self.tracer = Tracer()
        self._memory: Memory | None = None
        self._requests: asyncio.Semaphore | None = None
        self.loop: Loop | None = None
        self.watched: Evaluator | None = None

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
            self.tracer.close()
        except StoreError:
            if error is None:
                raise
        finally:
            self.manager.close()
            self.store.close()
            if error is not None and self.unfinished:
                with suppress(StoreError):  # where nothing can be written, the reason is still said
                    self._write_result({**self.described(self.verb), "failed": _reason(error)})

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
        self.begin("act")
        if self._memory is None:
            self._memory = self.system().memory()
        budget = await self.budget(strict=False)
        evaluator = self.evaluator(budget, EpisodeBenchmark())
        live = Live(self.system(), self.manager, self.settings.follow)
        answer = await evaluator.act(live, task, self._memory, self._propose, agent)
        await self.tell()
        self._write_result(
            {
                **self.described("act"),
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
        from autogenesis_core.measuring import measure

        return await measure(self, baseline)

    async def verify(self, run: str, *, fresh: bool = False) -> dict[str, Any]:
        """Scores what a run began with and what it ended with again, and says whether its claim stands.

        Arguments:
            run: an evolution of this configuration that committed something
            fresh: on examples that it never saw, else on those of test under fresh seeds

        Raises InputError for a run that claims nothing, or where there is nothing fresh to score on.
        """
        from autogenesis_core.measuring import verify

        return await verify(self, run, fresh=fresh)

    async def estimate(self) -> "Estimate":
        """What an evolution will take, from a trial of a few rollouts on a stub of the model; nothing is spent."""
        from autogenesis_core.measuring import estimate

        return await estimate(self)

    async def evolve(self, *, resume: str = "", replay: bool = False) -> dict[str, Any]:
        """Improves the composed system's trainable variables; the outcome is what result.json holds.

        Arguments:
            resume: the run to go on with, of the same configuration; what it paid for is not paid for again
            replay: decide everything again from what the run recorded, with no call and writing nothing

        Raises InputError without an optimizer or anything to measure on, if a money budget has no price to go by, or
        for a run that cannot be gone on with; OptimizerFailed for an optimizer that fails again and again.
        """
        from autogenesis_core.evolving import evolve

        return await evolve(self, resume=resume, replay=replay)

    @property
    def evaluating(self) -> Mapping[str, tuple[int, int]]:
        """The rollouts under way, by what they are for: (done, total)."""
        doing = self.watched.doing if self.watched is not None else {}
        return {name: (done, total) for name, (done, total) in [*doing.items()]}

    @property
    def progress(self) -> Progress | None:
        """How far the evolution under way is; None if there is none."""
        return progress(self.loop) if self.loop is not None else None

    @property
    def epochs(self) -> int:
        """Rollouts of each held-out example."""
        return 1 if self.settings.deterministic else self.settings.epochs

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
        self.environment_id = self._fill()
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
        assert self.loop is not None
        return await self.loop.assessor.votes(candidate, assessment)

    async def _assess(self, candidate: Any) -> Any:  # the loop's own method, which exists only while it runs
        assert self.loop is not None
        return await self.loop.assess(candidate)

    def _fill(self) -> str:
        """Asks the agent for parameters that only the composed system can give; the environment's id, if any."""
        names = {kind: self.manager.list(kind) for kind in KINDS}
        environment: Environment | None = self.manager.get(names["environment"][0]) if names["environment"] else None
        spec = environment.spec if environment else None
        for name in names["agent"]:
            self.manager.get(name).complete(spec)  # says what of the head does not fit
            # Of what is shipped, not of the head: versions before it lack the same, and get no later one's values.
            self.manager.fill(name, self.manager.build(self.manager.shipped(name)).complete(spec))
        return spec.id if spec else ""

    def system(self) -> System:
        """The composed system as it stands."""
        return System(self.manager.records()[0], self.manager)

    def evaluator(self, budget: Budget, benchmark: Benchmark, journal: Journal | None = None) -> Evaluator:
        """An evaluator of the settings, on a budget."""
        model, settings = self.composition.model, self.settings
        return Evaluator(
            benchmark=benchmark,
            executor=self.composition.executor or AsyncioExecutor(settings.workers),
            tracer=self.tracer,
            seed=settings.seed,
            timeout=settings.timeout,
            settings=model_settings(model),
            budget=budget,
            journal=journal or Journal(),
            client=(lambda role, seed, span, tally: self.client(budget, role, seed, span, tally)) if model else None,
            authorize=self.hooks.authorize,
            deterministic=settings.deterministic,
            reducer=settings.reducer,
        )

    def client(
        self, budget: Budget, role: str, seed: int, span: Span | None, tally: Tally | None = None
    ) -> ModelClient:
        """A client of the composed model for a role; all of them share its slots."""
        assert self.composition.model is not None
        if self._requests is None and self.settings.requests:
            self._requests = asyncio.Semaphore(self.settings.requests)
        return ModelClient(
            self.composition.model, role, budget, self.tracer, span, derive(seed, role), tally=tally,
            slots=self._requests,
        )  # fmt: skip

    def examples(self) -> tuple[Benchmark, Mapping[Split, Sequence[Example]]]:
        """What is measured on, without examples that stand in two splits; raises InputError where there is nothing."""
        benchmark = self.composition.benchmark
        if benchmark is None:
            if not self.manager.list("environment"):
                raise InputError(
                    "there is nothing to measure on",
                    "+benchmark=reasoning_gym, +benchmark=dataset benchmark.path=…, or +environment=…",
                )
            benchmark = EpisodeBenchmark()
        _ = benchmark.digest  # a scorer that cannot be loaded is found here, before a run begins
        sizes: dict[Split, int] = {split: getattr(self.settings.splits, split) for split in SPLITS}
        examples, notes = without_duplicates(benchmark.examples(sizes, self.settings.seed))
        heads = self.manager.heads().values()
        learned = learned_note(self.store, heads, self.workdir / "runs", benchmark, examples)
        notes += self._short_of(sizes, examples)
        self.manager.notes.extend([*notes, *([learned] if learned else [])])
        return benchmark, examples

    def _short_of(self, asked: Mapping[Split, int], examples: Mapping[Split, Sequence[Example]]) -> list[str]:
        """Which splits have fewer examples than the configuration asks for in so many words."""
        words = " ".join(word.lstrip("+") for word in self.composition.overrides)
        short = [f"splits.{split}={asked[split]}" for split in SPLITS if len(examples[split]) < asked[split]]
        if not (short := [setting for setting in short if setting in words.split()]):
            return []
        given = ", ".join(f"{len(found)} {split}" for split, found in examples.items())
        said = f"asked for {', '.join(short)}, given {given}"
        return [f"{said}: too few examples are shared out in proportion, so smaller splits leave more to the others"]

    async def budget(self, *, strict: bool) -> Budget:
        """A budget of the settings' limits; if `strict`, money that is limited needs a price. Raises InputError."""
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

    @property
    def model_id(self) -> str:
        """The composed model's id, empty without one."""
        return self.composition.model.id if self.composition.model else ""

    def begin(self, verb: str) -> None:
        """Makes the run folder. Its name is a function of what is run and how often it was, so that runs repeat."""
        self.verb = verb
        self.manager.begin()
        if self.frozen:
            return
        config = {key: value for key, value in self.composition.config.items() if key not in ("workdir", "workers")}
        heads = {name: head.version for name, head in self.manager.heads().items()}
        self.folder = make_run_folder(self.workdir / "runs", [verb, config, heads])
        self.tracer.close()
        self.tracer = Tracer(self.folder / "traces.jsonl")
        self.unfinished = True
        write_json(self.folder / "config.json", dict(self.composition.config))
        given = {"overrides": list(self.composition.overrides), "given": list(self.composition.given)}
        made = {"verb": verb, "agent": self.described(verb)["agent"], "folder": str(self.composition.folder)}
        write_json(self.folder / "run.json", {**made, **given})
        plugins = {plugin.distribution: plugin.version for plugin in self.composition.plugins}
        write_json(self.folder / "plugins.json", {"python": platform.python_version(), **plugins})

    def withdraw(self) -> None:
        """Takes away the folder of a run that was refused before it began."""
        assert self.folder is not None
        self.tracer.close()
        shutil.rmtree(self.folder)
        self.folder, self.unfinished, self.tracer = None, False, Tracer()

    @property
    def run_id(self) -> str:
        """The current run's id, empty before the first."""
        return self.folder.name if self.folder else ""

    def _write_result(self, result: Mapping[str, Any]) -> None:
        if self.folder is not None:
            write_json(self.folder / "result.json", result)
            self.unfinished = False

    async def started(
        self, verb: str, examples: Mapping[Split, Sequence[Example]], rounds: int, **more: object
    ) -> None:
        """Tells observers that a run begins."""
        sizes = {split: len(found) for split, found in examples.items()}
        data = {"verb": verb, "runtime": self, "sizes": sizes, "rounds": rounds, **more}
        await self.hooks.observe("started", data)

    def described(self, verb: str) -> dict[str, Any]:
        """What was composed, as every result says it."""
        found = describe_run(verb, self.run_id, self.branch, self.composition, self.model_id)
        return {**found, "dry_run": True} if self.rehearsed else found

    async def finish(self, result: dict[str, Any]) -> dict[str, Any]:
        """Writes a result, notes what failed on the way, and tells observers."""
        self.tracer.close()
        if self.watched is not None and (note := failures_note(self.watched)):
            self.manager.notes.append(note)
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
