"""Verbs on runs of before: resume, replay, verify."""

import asyncio
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from autogenesis_core.cli.arguments import Arguments
from autogenesis_core.cli.render import render_result, render_verify
from autogenesis_core.cli.run import finished
from autogenesis_core.cli.screen import counted, say, say_json
from autogenesis_core.defaults import find_workdir
from autogenesis_core.errors import InputError
from autogenesis_core.runfolder import find_run, read_json

if TYPE_CHECKING:
    from autogenesis_core.runtime import Runtime


def resume_(arguments: Arguments) -> int:
    """Goes on with an evolution that was broken off, or for more rounds."""
    name, runtime = _found(arguments)
    asyncio.run(finished(arguments, runtime, lambda ag: ag.evolve(resume=name), render_result))
    return 0


def replay_(arguments: Arguments) -> int:
    """Decides everything again and says whether it comes to the same; exit code 1 if not."""
    name, runtime = _found(arguments)
    done = read_json(runtime.workdir / "runs" / name / "result.json")
    again = asyncio.run(_replayed(runtime, name))
    same = [key for key in ("digests", "heads", "commits") if done.get(key) == again[key]]
    equal = len(same) == 3 and _verdicts(done) == _verdicts(again)
    if arguments.json:
        say_json({"run": name, "same": equal, "heads": again["heads"], "digests": again["digests"]})
        return int(not equal)
    rounds = f"{counted(len(again['rounds']), 'round')}, {counted(len(again['commits']), 'commit')}"
    if "failed" in done or not done:
        say(f"  {rounds} replayed; the run itself did not end: autogenesis resume {name}")
        return 0
    say(f"  {rounds} decided again, with no call: " + ("the same" if equal else "NOT the same"))
    for resource, version in again["heads"].items():
        say(f"  {resource}@{version}  {again['digests'][resource][:12]}")
    return int(not equal)


def verify_(arguments: Arguments) -> int:
    """Scores a run's claim again; exit code 1 unless it stands."""
    name, runtime = _found(arguments)
    fresh = "--fresh" in arguments.flags
    found = asyncio.run(finished(arguments, runtime, lambda ag: ag.verify(name, fresh=fresh), render_verify))
    return int(found["standing"] != "stands")


async def _replayed(runtime: "Runtime", name: str) -> dict[str, Any]:
    async with runtime as ag:
        return await ag.evolve(resume=name, replay=True)


def _verdicts(result: Mapping[str, Any]) -> Sequence[Any]:
    return [(entry["round"], entry["decision"], entry["reason"]) for entry in result.get("rounds", ())]


def _found(arguments: Arguments) -> tuple[str, "Runtime"]:
    """The run that is meant, and its runtime."""
    from autogenesis_core.runtime import Runtime

    given = dict(word.lstrip("+").split("=", 1) for word in arguments.overrides if "=" in word)
    if arguments.verb == "replay" and (other := given.keys() - {"workdir"}):
        raise InputError(f"a replay changes nothing, so {', '.join(sorted(other))} means nothing here", arguments.usage)
    workdir = given.pop("workdir", None)
    more = [word for word in arguments.overrides if not word.lstrip("+").startswith("workdir=")]
    place = find_workdir(Path.cwd(), workdir)
    found = find_run(place, arguments.word())
    began = Path(str(read_json(found / "run.json").get("folder", "")))
    if began.is_dir():
        os.chdir(began)  # paths in its configuration, e.g. of data, are taken from there
    return found.name, Runtime.of_run(found.name, *more, workdir=str(place))
