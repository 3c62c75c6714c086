"""Running what was composed: act, measure or evolve, with live progress and a short table at the end."""

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from autogenesis_core import redact
from autogenesis_core.cli.arguments import Arguments
from autogenesis_core.cli.progress import Progress
from autogenesis_core.cli.render import render_estimate, render_measure, render_result
from autogenesis_core.errors import InputError

if TYPE_CHECKING:
    from autogenesis_core.runtime import Runtime

Work = Callable[["Runtime"], Awaitable[dict[str, Any]]]
Render = Callable[[Mapping[str, Any], Any], str]  # a result and notes


def run(arguments: Arguments) -> int:
    """Acts, measures or evolves, as the configuration says."""
    with composed(arguments) as runtime:
        return asyncio.run(_run(arguments, runtime))


def measure_(arguments: Arguments) -> int:
    """Scores, also where an optimizer is composed; exit code 1 for what is significantly worse than the baseline."""
    if arguments.words:
        raise InputError("measure takes no name", arguments.usage)
    with composed(arguments) as runtime:
        found = asyncio.run(finished(arguments, runtime, lambda ag: ag.measure(arguments.baseline), render_measure))
    return int(bool(found.get("baseline", {}).get("regression")))


async def finished(arguments: Arguments, runtime: "Runtime", work: Work, render: Render) -> dict[str, Any]:
    """What `work` gives, shown as it goes and as `render` shows it at the end."""
    runtime.check()
    async with runtime as ag:
        progress = Progress(quiet=arguments.json, terminal=sys.stdout.isatty())
        ag.observe(progress)
        try:
            result = await work(ag)
        finally:
            progress.close()
        _print(result, render(result, ag.notes), arguments.json)
        return result


async def _run(arguments: Arguments, runtime: "Runtime") -> int:
    composition = runtime.composition
    if arguments.task:
        return await _act(arguments, runtime)
    if "--estimate" in arguments.flags:
        return await estimated(arguments, runtime)
    if composition.optimizer:
        await finished(arguments, runtime, lambda ag: ag.evolve(), render_result)
        return 0
    if composition.benchmark or composition.chosen("environment"):
        await finished(arguments, runtime, lambda ag: ag.measure(), render_measure)
        return 0
    runtime.check()
    raise InputError("there is nothing to do", 'give a task ("…"), something to measure (+benchmark=…) or +optimizer=…')


async def estimated(arguments: Arguments, runtime: "Runtime") -> int:
    """What an evolution will take; nothing is spent."""
    async with runtime as ag:
        found = await ag.estimate()
        _print(found.as_json(), render_estimate(found, ag.settings.budget.money), arguments.json)
    return 0


async def _act(arguments: Arguments, runtime: "Runtime") -> int:
    if runtime.composition.optimizer or runtime.composition.benchmark:
        raise InputError(
            "a task together with a benchmark or an optimizer: refining one solution is not built yet",
            'autogenesis "the task" +agent=…   acts;   without the task it measures or evolves',
        )
    runtime.check()
    async with runtime as ag:
        answer = await ag.act(arguments.task)
        _print({"run": ag.run_id, "answer": answer.text, "data": answer.data}, answer.text, arguments.json)
    return 0


@contextmanager
def composed(arguments: Arguments) -> Iterator["Runtime"]:
    """The runtime of what was typed; of a dry run or an estimate, one that is thrown away afterwards."""
    if not {"--dry-run", "--estimate"} & set(arguments.flags):
        from autogenesis_core.runtime import Runtime

        yield Runtime.compose(*arguments.overrides)
        return
    from autogenesis_core.rehearsal import rehearsal

    estimates = "--estimate" in arguments.flags
    with rehearsal(arguments.overrides, stub=not estimates) as runtime:
        yield runtime
    if not arguments.json and not estimates:
        agents = [agent for agent in runtime.composition.chosen("agent") if not agent.uses_model]
        own = f"; agent {agents[0].record.name} is code of its own, which ran as it is" if agents else ""
        print(f"\n  dry run: models were stubs{own}; nothing of this is kept")


def _print(data: Mapping[str, Any], text: str, as_json: bool) -> None:
    print(json.dumps(redact(data), ensure_ascii=False, default=str) if as_json else redact(text))
