"""Evolving a running system: a run's journal, its loop, the sealed scores, its result."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from autogenesis_core.errors import AutogenesisError, BudgetExceeded, InputError, OptimizerFailed, StoreError
from autogenesis_core.identity import JSON, digest
from autogenesis_core.rspl.reader import CHAMPION, SHIPPED
from autogenesis_core.runfolder import check_same, find_run
from autogenesis_core.sepl.budget import Budget
from autogenesis_core.sepl.earlier import scorer_note
from autogenesis_core.sepl.evaluation import Benchmark, Evaluation, Example, Split
from autogenesis_core.sepl.journal import NAME as JOURNAL
from autogenesis_core.sepl.journal import Journal
from autogenesis_core.sepl.loop import Loop
from autogenesis_core.sepl.report import evolution_result, failures_result
from autogenesis_core.sepl.spaces import Candidate
from autogenesis_core.sepl.usage import record_calls, remember_used
from autogenesis_core.sepl.variables import check_patterns
from autogenesis_core.services.client import ModelClient
from autogenesis_core.services.tracing import Tracer

if TYPE_CHECKING:
    from autogenesis_core.runtime import Runtime

_NO_GATE = "no gate compares scores, so nothing will be committed; add one: +gate=auto"


async def evolve(ag: "Runtime", *, resume: str = "", replay: bool = False) -> dict[str, Any]:
    """See Runtime.evolve."""
    optimizer = ag.composition.optimizer
    if ag.frozen:
        raise InputError("a frozen system does not evolve", "evolve the configuration that it was frozen from")
    if ag.branch in (SHIPPED, CHAMPION):
        raise InputError(f"nothing can be committed on the branch {ag.branch}: the name is taken", "branch=main")
    if optimizer is None:
        raise InputError("no optimizer is chosen", "+optimizer=reflection")
    ag.check()
    benchmark, examples = ag.examples()
    if not examples["val"] or not examples["train"]:
        raise InputError("an evolution needs examples of train and val", "raise splits.train and splits.val")
    check_patterns(ag.manager.records()[0], ag.settings.evolve)
    budget = await ag.budget(strict=True)
    journal = _begin_journal(ag, resume, replay=replay)
    try:
        remember_used(journal, budget)
        rounds = ag.settings.rounds or int(getattr(optimizer.instance, "rounds", 3))
        if replay:  # of a run that was asked for more rounds later
            rounds = max([rounds, *(int(number) for number, _ in journal.all("round"))])
        loop = _loop(ag, budget, benchmark, examples, rounds, journal)
        if hasattr(optimizer.instance, "check"):
            await optimizer.instance.check(loop.context(1))
        if not replay:
            ag.hooks.check_gates(examples["val"])
        await ag.started("evolve", examples, rounds, **await _beforehand(ag, loop))
        before = loop.records
        await loop()
        scores = await _sealed(ag, loop, budget, before)
        _ended(ag, loop, journal)
    except (AutogenesisError, asyncio.CancelledError) as error:
        if ag.unfinished and not isinstance(error, InputError | OptimizerFailed):
            error.add_note(f"what was committed stays; to go on: autogenesis resume {ag.run_id}")
        journal.close()
        if isinstance(error, InputError) and not (resume or budget.rollouts or budget.used.calls):
            ag.withdraw()  # refused before it began
        raise
    finally:
        journal.close()
    result = {
        **ag.described("evolve"),
        **evolution_result(loop, scores, ag.settings.alpha),
        **failures_result(loop.evaluator),
        "spent": budget.spent(),
    }
    return result if replay else await ag.finish(result)


def _ended(ag: "Runtime", loop: Loop, journal: Journal) -> None:
    """Notes how the run ended; a replay must have ended so, too."""
    system = Candidate(loop.records).id
    done: dict[str, JSON] = {"stopped": loop.stopped, "rounds": len(loop.reports), "system": system}
    if not journal.replay:
        journal.keep("finished", "", done)
    elif (then := journal.recall("finished", "")) is not None and then["system"] != system:
        raise InputError(
            f"run {ag.run_id} does not repeat: it came to another system", "its code or its configuration changed"
        )


async def _beforehand(ag: "Runtime", loop: Loop) -> dict[str, Any]:
    """What a person should know before anything is spent: what the gate can prove, and what a run will take."""
    planner, model = ag.hooks.planner, ag.composition.model
    val, settings = loop.examples["val"], ag.settings
    can = {"grows": len(val) >= settings.splits.val, "repeats": not settings.deterministic}
    said = planner.describe(val, loop.assessor.level("0"), **can) if hasattr(planner, "describe") else ""
    estimated = model is not None and not model.simulated and not loop.journal.replay
    return {
        "gate": said if ag.hooks.compares else _NO_GATE,
        "estimate": await ag.estimate() if estimated else None,
    }


async def _sealed(ag: "Runtime", loop: Loop, budget: Budget, before: Mapping[str, Any]) -> dict[str, Evaluation]:
    """Scores on test, once for what the run began with and once for what it ended with; they steer nothing."""
    budget.release()
    found: dict[str, Evaluation] = {}
    # Where this run committed nothing it changed nothing, whatever others committed meanwhile.
    after = loop.records if any(report.commit for report in loop.reports) else before
    if loop.moved:
        names = ", ".join(sorted(loop.moved))
        ag.manager.notes.append(f"another writer changed {names} meanwhile: what this run committed builds on that")
    for name, system in (("before", loop.system(before)), ("after", loop.system(after))):
        try:
            if loop.examples["test"]:
                found[name] = await loop.evaluator.evaluate(system, "test", loop.examples["test"], ag.epochs)
        except BudgetExceeded as error:
            if not found and not loop.reports:
                raise  # it was too small to begin with
            loop.stopped = loop.stopped or error.reason
    loop.journal.sync()
    return found


def _begin_journal(ag: "Runtime", run: str, *, replay: bool) -> Journal:
    """The journal of a new run, or of one that goes on."""
    if not run:
        ag.begin("evolve")
        assert ag.folder is not None
        return Journal.open(ag.folder / JOURNAL)
    ag.folder = find_run(ag.workdir, run)
    if not (ag.folder / JOURNAL).is_file():
        raise InputError(f"the run {ag.folder.name} has no journal", "it was no evolution, or gc removed it")
    # Whatever has a result had a first line; begun again, it would pay for all of it and write over that result.
    if not (ag.folder / JOURNAL).stat().st_size and (ag.folder / "result.json").is_file():
        raise StoreError(
            f"the journal of the run {ag.folder.name} was emptied: it holds nothing, and the run has a result",
            f"restore {JOURNAL} from a copy, or begin a new run",
        )
    check_same(ag.folder, ag.composition.config)
    ag.verb = "evolve"
    ag.manager.begin()
    journal = Journal.open(ag.folder / JOURNAL, replay=replay)
    if not replay:
        ag.tracer.close()
        ag.tracer = Tracer(ag.folder / "traces.jsonl")
        ag.unfinished = True
    elif (done := journal.recall("finished", "")) is None:
        journal.ends = "the journal ends here: the run was broken off"
    elif str(done["stopped"]).startswith("budget."):
        journal.ends = str(done["stopped"])
    return journal


def _loop(
    ag: "Runtime",
    budget: Budget,
    benchmark: Benchmark,
    examples: Mapping[Split, Sequence[Example]],
    rounds: int,
    journal: Journal,
) -> Loop:
    settings, optimizer = ag.settings, ag.composition.optimizer
    instance = optimizer.instance if optimizer else None
    evaluator = ag.watched = ag.evaluator(budget, benchmark, journal)
    heads = {name: head.version for name, head in ag.manager.heads().items()}
    known = digest({split: [example.digest for example in found] for split, found in examples.items()})
    filled = ag.manager.filled
    began: dict[str, JSON] = {"heads": heads, "scorer": evaluator.scorer, "examples": known, "filled": filled}
    started = journal.once("started", "", lambda: began)
    if started["scorer"] != evaluator.scorer:
        raise InputError(f"the scorer is not the one that run {ag.run_id} began with", "begin a new run")
    if started["examples"] != known:
        raise InputError(f"the examples are not those that run {ag.run_id} began with", "begin a new run")
    for name, values in started["filled"].items():  # what an agent of now lacks is not what that of then did
        ag.manager.fill(name, values)
    records, stood = ag.manager.records(started["heads"])
    concurrent = bool(getattr(instance, "concurrent", False))
    if settings.width > 1 and not concurrent:
        ag.manager.notes.append(f"{optimizer.name if optimizer else ''} makes one proposal at a time: width is 1")
    if not ag.hooks.compares:
        ag.manager.notes.append(_NO_GATE)
    entries = ag.store.entries(run=ag.run_id)
    ag.loop = loop = Loop(
        run=ag.run_id,
        seed=settings.seed,
        rounds=rounds,
        batch=int(getattr(instance, "batch", 24)),
        store=ag.store,
        manager=ag.manager,
        hooks=ag.hooks,
        evaluator=evaluator,
        budget=budget,
        journal=journal,
        examples=examples,
        records=records,
        heads=stood,
        width=settings.width if concurrent else 1,
        screen=bool(getattr(instance, "screen", True)),
        epochs=ag.epochs,
        level=settings.alpha,
        goal=settings.goal,
        commits=settings.commit,
        token=None if journal.replay else ag.store.fence(ag.run_id),
        logged={str(entry.body.get("decision")): entry for entry in entries if "decision" in entry.body},
        model=ag.model_id,
        optimizer=optimizer.name if optimizer else "",
        only=settings.evolve,
        environment=ag.environment_id,
        client=_optimizer_client(ag, budget, journal) if ag.composition.model else None,
    )
    _check_rollouts(ag, budget, examples)
    _note_models(ag, stood)
    if note := scorer_note(ag.store, stood, evaluator.scorer):
        ag.manager.notes.append(note)
    return loop


def _check_rollouts(ag: "Runtime", budget: Budget, examples: Mapping[Split, Sequence[Example]]) -> None:
    """Raises InputError if one assessment and test's scores take all that the budget allows."""
    limit = budget.limits.rollouts
    wanted = 2 * ag.settings.epochs * (len(examples["test"]) + len(examples["val"]))
    if limit is not None and wanted >= limit:
        raise InputError(
            f"budget.rollouts is {limit}, and to assess on val and test once takes {wanted}, with none left to search",
            f"raise it, or lower splits.val and splits.test: budget.rollouts={4 * wanted}",
        )


def _optimizer_client(ag: "Runtime", budget: Budget, journal: Journal) -> Callable[[str, int], ModelClient]:
    """Makes the client of a proposal, whose answers the journal keeps."""

    def made(proposal: str, seed: int) -> ModelClient:
        client = ag.client(budget, "optimizer", seed, None)
        record_calls(client, journal, budget, proposal)
        return client

    return made


def _note_models(ag: "Runtime", heads: Mapping[str, Any]) -> None:  # heads by name
    others = sorted({head.model for head in heads.values() if head.model and head.model != ag.model_id})
    if others:
        ag.manager.notes.append(
            f"some heads were evolved with {', '.join(others)}, not with {ag.model_id or 'no model'}"
        )
