"""Running what was composed: act, measure or evolve, with live progress and a short table at the end."""

import asyncio
import json
import sys
from collections.abc import Mapping
from typing import Any

from autogenesis_core import redact
from autogenesis_core.cli.arguments import Arguments
from autogenesis_core.cli.progress import Progress
from autogenesis_core.cli.render import render_measure, render_result
from autogenesis_core.errors import InputError


def run(arguments: Arguments) -> int:
    """Acts, measures or evolves, as the configuration says."""
    return asyncio.run(_run(arguments))


async def _run(arguments: Arguments) -> int:
    from autogenesis_core.runtime import Runtime

    runtime = Runtime.compose(*arguments.overrides)
    runtime.check()
    async with runtime as ag:
        progress = Progress(quiet=arguments.json, terminal=sys.stdout.isatty())
        ag.observe(progress)
        if arguments.task:
            if ag.composition.optimizer or ag.composition.benchmark:
                raise InputError(
                    "a task together with a benchmark or an optimizer: refining one solution is not built yet",
                    'autogenesis "the task" +agent=…   acts;   without the task it measures or evolves',
                )
            answer = await ag.act(arguments.task)
            _print({"run": ag.run_id, "answer": answer.text, "data": answer.data}, answer.text, arguments.json)
            return 0
        if ag.composition.optimizer:
            result = await _with(progress, ag.evolve())
            _print(result, render_result(result, ag.notes), arguments.json)
            return 0
        if ag.composition.benchmark or ag.composition.chosen("environment"):
            result = await _with(progress, ag.measure())
            _print(result, render_measure(result, ag.notes), arguments.json)
            return 0
        raise InputError(
            "there is nothing to do", 'give a task ("…"), something to measure (+benchmark=…) or +optimizer=…'
        )


async def _with(progress: Progress, work: Any) -> dict[str, Any]:  # a coroutine of a result
    try:
        return await work  # type: ignore[no-any-return]
    finally:
        progress.close()


def _print(data: Mapping[str, Any], text: str, as_json: bool) -> None:
    print(json.dumps(redact(data), ensure_ascii=False, default=str) if as_json else redact(text))
