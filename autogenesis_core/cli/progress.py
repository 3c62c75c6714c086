"""Live progress of a run: a bar on a terminal, plain lines elsewhere."""

import sys
import time
from collections.abc import Mapping
from typing import Any

from autogenesis_core import redact
from autogenesis_core.cli.render import render_head, render_round
from autogenesis_core.hookspecs import hookimpl


class Progress:
    """An observer like any other."""

    def __init__(self, *, quiet: bool, terminal: bool) -> None:
        self._quiet = quiet
        self._bar: Any = None  # rich's, imported only where there is a terminal
        self._terminal = terminal and not quiet
        self._task: Any = None
        self._start = time.monotonic()

    @hookimpl
    async def sepl_observe(self, event: str, data: Mapping[str, Any]) -> None:
        """Shows what happens."""
        if self._quiet:
            return
        if event == "started":
            self._say(render_head(data))
            self._open(data)
        elif event == "round":
            self._say(render_round(data["report"]))
            if self._bar is not None:
                self._bar.advance(self._task)

    def close(self) -> None:
        """Takes the bar away."""
        if self._bar is not None:
            self._bar.stop()
            self._bar = None

    def _open(self, data: Mapping[str, Any]) -> None:
        if not self._terminal:
            return
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

        runtime = data["runtime"]
        columns = (
            TextColumn("  "),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("rounds ·"),
            TimeElapsedColumn(),
        )
        self._bar = Progress(*columns, transient=True)
        self._task = self._bar.add_task(runtime.run_id, total=data["rounds"] or None)
        self._bar.start()

    def _say(self, text: str) -> None:
        text = redact(text)
        if self._bar is not None:
            self._bar.console.print(text, markup=False, highlight=False, soft_wrap=True)
        else:
            print(text)
            sys.stdout.flush()
