"""The folder of a run: what was composed, with which plugins, what came of it."""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from autogenesis_core.errors import InputError, StoreError, unknown
from autogenesis_core.identity import JSON, digest
from autogenesis_core.services.secrets import redact


def make_run_folder(runs: Path, identity: list[JSON]) -> Path:
    """A new folder below `runs`, named by what is run (`identity`) and how often it was."""
    runs.mkdir(parents=True, exist_ok=True)
    attempt = 0
    while True:
        folder = runs / digest([*identity, attempt])[:8]
        try:
            folder.mkdir()
            return folder
        except FileExistsError:
            attempt += 1


def find_run(workdir: Path, run: str) -> Path:
    """The folder of a run, by its name or the beginning of one; raises UnknownName or InputError."""
    runs = workdir / "runs"
    names = sorted(path.name for path in runs.glob("*/")) if runs.is_dir() else []
    found = [name for name in names if name == run] or [name for name in names if run and name.startswith(run)]
    if len(found) > 1:
        raise InputError(f"'{run}' could be {', '.join(found[:5])}", "give more of the name")
    if not found:
        raise unknown("run", run, names)
    return runs / found[0]


def read_json(path: Path) -> dict[str, Any]:
    """What a file of a run folder holds, {} if it is not there; raises StoreError for one that is damaged."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise StoreError(f"{path} cannot be read: {error}") from None
    return found if isinstance(found, dict) else {}


_FREE = ("workdir", "workers", "rounds", "budget", "timeout", "requests")  # may differ when a run goes on


def check_same(folder: Path, config: Mapping[str, Any]) -> None:
    """Raises InputError if a run began with another configuration than `config`, saying where they differ."""
    then = read_json(folder / "config.json")
    now = json.loads(json.dumps(redact(dict(config)), default=str))
    differ = [key for key in sorted(then.keys() | now.keys()) if key not in _FREE and then.get(key) != now.get(key)]
    if differ:
        raise InputError(
            f"run {folder.name} began with another configuration: {', '.join(differ)}",
            "only rounds, budget, workers, requests and timeout may change",
        )


_READABLE = 200_000  # characters; more takes Python seconds to indent, and nobody reads it so


def write_json(path: Path, data: Mapping[str, Any]) -> None:
    """Writes `data`, indented unless it is very long, without secrets; what is no JSON as its text."""
    text = json.dumps(redacted := redact(data), ensure_ascii=False, default=str)
    if len(text) < _READABLE:
        text = json.dumps(redacted, indent=2, ensure_ascii=False, default=str)
    beside = path.with_name(f".{path.name}")
    try:
        beside.write_text(text + "\n", encoding="utf-8", errors="backslashreplace")
        os.replace(beside, path)  # a process that dies here, or a full disk, leaves what was there before
    except OSError as error:
        beside.unlink(missing_ok=True)
        raise StoreError(f"{path} cannot be written: {error}") from None
