"""Measuring a running system: its scores, against a baseline, a claim again, and what an evolution would take."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from autogenesis_core.errors import InputError
from autogenesis_core.identity import derive
from autogenesis_core.rspl.system import System
from autogenesis_core.runfolder import find_run, read_json
from autogenesis_core.sepl.budget import Budget
from autogenesis_core.sepl.estimate import Estimate, Plan
from autogenesis_core.sepl.estimate import estimate as estimated
from autogenesis_core.sepl.evaluation import SPLITS, Benchmark, Example, Outcome, Split
from autogenesis_core.sepl.ledger import granted
from autogenesis_core.sepl.report import baseline_result, failures_result, measure_result, verify_result
from autogenesis_core.sepl.splits import plain_text
from autogenesis_core.services.client import ModelClient
from autogenesis_core.services.model import Price, Usage
from autogenesis_core.services.stub import StubModel
from autogenesis_core.services.tracing import Tracer
from autogenesis_core.settings import BudgetLimits

if TYPE_CHECKING:
    from autogenesis_core.runtime import Runtime

_TRIED = 3  # rollouts on the stub, for an estimate


async def measure(ag: "Runtime", baseline: str = "") -> dict[str, Any]:
    """See Runtime.measure."""
    ag.check()
    benchmark, examples = ag.examples()
    budget = await ag.budget(strict=True)
    systems = [ag.system()]
    if baseline:
        systems.append(System(ag.manager.standing(baseline), ag.manager))
    ag.begin("measure")
    evaluator = ag.watched = ag.evaluator(budget, benchmark)
    await ag.started("measure", examples, 0)
    found = {
        split: await evaluator.compare(systems, split, evaluator.draws("rollout", examples[split], ag.epochs))
        for split in SPLITS
        if examples[split]
    }
    result = {
        **ag.described("measure"),
        **measure_result({split: both[0] for split, both in found.items()}, ag.settings.alpha),
        **(baseline_result(baseline, found, ag.settings.alpha) if baseline else {}),
        **failures_result(evaluator),
        "spent": budget.spent(),
    }
    return await ag.finish(result)


async def verify(ag: "Runtime", run: str, *, fresh: bool = False) -> dict[str, Any]:
    """See Runtime.verify."""
    done = read_json(find_run(ag.workdir, run) / "result.json")
    if not done.get("commits"):
        raise InputError(f"run {run} committed nothing, so there is no claim to verify", "autogenesis runs")
    ag.check()
    benchmark, examples = ag.examples()
    budget = await ag.budget(strict=True)
    systems = [System(ag.manager.records(done[when])[0], ag.manager) for when in ("started", "heads")]
    ag.begin("verify")
    split, chosen = _unseen(ag, benchmark, examples) if fresh else _sealed_again(ag, examples)
    evaluator = ag.watched = ag.evaluator(budget, benchmark)
    await ag.started("verify", {split: chosen}, 0)
    draws = evaluator.draws(f"verify {ag.run_id}", chosen, ag.epochs)
    before, after = await evaluator.compare(systems, split, draws)
    result = {
        **ag.described("verify"),
        **verify_result(done, before, after, ag.settings.alpha, fresh=fresh),
        "scorer_changed": done.get("scorer") != evaluator.scorer,
        **failures_result(evaluator),
        "spent": budget.spent(),
    }
    return await ag.finish(result)


def _sealed_again(ag: "Runtime", examples: Mapping[Split, Sequence[Example]]) -> tuple[Split, Sequence[Example]]:
    split: Split = "test" if examples["test"] else "val"
    if ag.settings.deterministic:
        raise InputError("scores are deterministic here, so fresh seeds are no new evidence", "--fresh")
    return split, examples[split]


def _unseen(
    ag: "Runtime", benchmark: Benchmark, examples: Mapping[Split, Sequence[Example]]
) -> tuple[Split, Sequence[Example]]:
    """As many examples as test has that are in none of the run's splits."""
    known = {plain_text(example.input) for split in SPLITS for example in examples[split]}
    size = len(examples["test"]) or len(examples["val"])
    sizes: dict[Split, int] = {"train": 0, "val": 0, "test": len(known) + size}
    made = benchmark.examples(sizes, derive(ag.settings.seed, "verify", ag.run_id) % 2**31)
    unseen = [example for example in made["test"] if plain_text(example.input) not in known][:size]
    if len(unseen) < min(size, 10):
        raise InputError(
            f"the benchmark has only {len(unseen)} examples that the run never saw",
            "more examples, or without --fresh: the same ones under fresh seeds",
        )
    return "test", unseen


async def estimate(ag: "Runtime") -> Estimate:
    """See Runtime.estimate."""
    ag.check()
    benchmark, examples = ag.examples()
    settings, optimizer = ag.settings, ag.composition.optimizer
    instance = optimizer.instance if optimizer else None
    planner = ag.hooks.planner
    level = granted(settings.alpha, (), reused=settings.deterministic)
    looks = planner.plan(len(examples["val"]), level) if planner and examples["val"] else (len(examples["val"]),)
    plan = Plan(
        rounds=(settings.rounds or int(getattr(instance, "rounds", 3))) if optimizer else 0,
        width=settings.width if getattr(instance, "concurrent", False) else 1,
        batch=min(int(getattr(instance, "batch", 24)), len(examples["train"])),
        val=looks[-1],
        test=len(examples["test"]),
        epochs=ag.epochs,
        screen=bool(getattr(instance, "screen", True)),
        first_look=looks[0],
    )
    model = ag.composition.model
    price = await model.price() if model else Price(0.0, 0.0)
    usage, calls = await _tried(ag, benchmark, examples["train"][:_TRIED])
    agent = ag.composition.chosen("agent")[0]
    steps = int(agent.overrides.get("max_steps", agent.record.parameters.get("max_steps", 1)))  # type: ignore[arg-type]  # a number, as its class says
    uses_model = model is not None and bool(getattr(type(instance), "uses_model", True)) and optimizer is not None
    return estimated(plan, usage, calls, steps, price, uses_model)


async def _tried(ag: "Runtime", benchmark: Benchmark, examples: Sequence[Example]) -> tuple[Usage, int]:
    """Tokens and calls of a rollout on the stub, the mean of a few; an agent that is code of its own is not run."""
    model, runs = ag.composition.model, ag.composition.chosen("agent")[0].uses_model
    if model is None or not examples or not (runs or benchmark.uses_model):
        return Usage(), 0
    stub, budget = StubModel(model), Budget(BudgetLimits(money=None))
    evaluator = ag.evaluator(budget, benchmark)
    evaluator.tracer = Tracer()
    evaluator.client = lambda role, seed, span, tally: ModelClient(
        stub, role, budget, seed=derive(seed, role), tally=tally
    )
    if runs:
        await evaluator.evaluate(ag.system(), "train", examples)
    else:
        for example in examples:
            await benchmark.judge(example, Outcome(), evaluator.client("judge", 0, None, None))
    used, n = budget.used, len(examples)
    return Usage(-(-used.usage.input_tokens // n), -(-used.usage.output_tokens // n)), -(-used.calls // n)
