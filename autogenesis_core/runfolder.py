"""The folder of a run: what was composed, with which plugins, what came of it."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

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


def write_json(path: Path, data: Mapping[str, Any]) -> None:
    """Writes `data`, indented, without secrets; what is no JSON as its text."""
    text = json.dumps(redact(data), indent=2, ensure_ascii=False, default=str)
    path.write_text(text + "\n", encoding="utf-8", errors="backslashreplace")
