"""Live progress of a run: a line at the foot of a terminal, plain lines elsewhere."""

import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from autogenesis_core import redact
from autogenesis_core.cli.render import render_head, render_progress, render_round
from autogenesis_core.hookspecs import hookimpl

if TYPE_CHECKING:
    from autogenesis_core.runtime import Runtime


class Progress:
    """An observer like any other."""

    def __init__(self, *, quiet: bool, terminal: bool) -> None:
        self._quiet = quiet
        self._terminal = terminal and not quiet
        self._runtime: Runtime | None = None
        self._foot: Any = None  # rich's, imported only where there is a terminal

    @hookimpl
    async def sepl_observe(self, event: str, data: Mapping[str, Any]) -> None:
        """Shows what happens."""
        if self._quiet:
            return
        if event == "started":
            self._say(render_head(data))
            self._runtime = data["runtime"]
            self._open()
        elif event == "round":
            self._say(render_round(data["report"]))
        elif event == "asking":
            self.close()
        elif event == "answered":
            self._open()

    def close(self) -> None:
        """Takes the foot away."""
        if self._foot is not None:
            self._foot.stop()
            self._foot = None

    def _open(self) -> None:
        runtime = self._runtime
        if not self._terminal or runtime is None or self._foot is not None:
            return
        from rich.live import Live
        from rich.text import Text

        def foot() -> Text:
            return Text(
                redact(render_progress(runtime.progress, runtime.evaluating)), no_wrap=True, overflow="ellipsis"
            )

        self._foot = Live(get_renderable=foot, transient=True, refresh_per_second=5)
        self._foot.start()

    def _say(self, text: str) -> None:
        text = redact(text)
        if self._foot is not None:
            self._foot.console.print(text, markup=False, highlight=False, soft_wrap=True)
        else:
            print(text)
            sys.stdout.flush()
