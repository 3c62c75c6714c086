"""The tracer: JSON lines in the run folder, message bodies once, by digest; secrets redacted."""

import json
import time
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import Any, TextIO

from attrs import define, field

from autogenesis_core.errors import StoreError
from autogenesis_core.services.lines import line_encoder
from autogenesis_core.services.secrets import encoded, environment_secrets

_encode = line_encoder()
_FLUSH = 200  # lines; a crash loses at most so many, and none that a decision stood on (that is the journal's)


@define
class Span:
    """Something that takes time: a rollout, a model call, a tool call. Data may be added until it ends."""

    id: int
    type: str
    parent: int | None
    data: dict[str, Any]
    start: float = field(factory=time.time)
    clock: float = field(factory=time.perf_counter)


@define(eq=False)
class Tracer:
    """Appends spans to `traces.jsonl`; with no path it forgets them."""

    path: Path | None = None
    _file: TextIO | None = None
    _next: int = 0
    _bodies: set[str] = field(factory=set)
    _lines: list[str] = field(factory=list)
    _fault: str = ""
    _secrets: tuple[str, ...] = field(factory=environment_secrets, repr=False)

    def span(self, type_: str, parent: Span | None = None, **data: Any) -> "_Around":
        """A span around a piece of work (`with tracer.span(…) as span`); an exception is noted in it."""
        self._next += 1
        return _Around(self, Span(self._next, type_, parent.id if parent else None, data))

    def body(self, value: object) -> str:
        """The digest of a message or another large value, which is written at its first use only."""
        if self.path is None:
            return ""
        # Providers answer text that is no Unicode now and then, so this is no canonical JSON.
        key = sha256(json.dumps(value, sort_keys=True, default=str).encode()).hexdigest()[:16]
        if key not in self._bodies:
            self._bodies.add(key)
            self._line({"type": "body", "digest": key, "value": value})
        return key

    def close(self) -> None:
        """Writes what is left; raises StoreError if it cannot be written."""
        try:
            if not self._fault:
                self._flush()
        finally:
            self._lines.clear()
            if self._file:
                with suppress(OSError):
                    self._file.close()
                self._file = None

    def write(self, span: Span) -> None:
        """Writes a span that has ended."""
        if self.path is None:
            return
        seconds = round(time.perf_counter() - span.clock, 6)
        self._line(
            {"type": span.type, "id": span.id, "parent": span.parent, "ts": span.start, "seconds": seconds, **span.data}
        )

    def _line(self, data: object) -> None:
        self._lines.append(encoded(data, _encode, self._secrets))
        if len(self._lines) >= _FLUSH:
            self._flush()

    def _flush(self) -> None:
        if self.path is None or not self._lines:
            return
        if self._fault:  # an agent that catches everything does not turn the first into an answer
            raise StoreError(self._fault)
        try:
            if self._file is None:
                torn = _is_torn(self.path)
                self._file = self.path.open("a", encoding="utf-8", errors="backslashreplace")
                self._file.write("\n" if torn else "")
            self._file.write("\n".join(self._lines) + "\n")
            self._file.flush()
        except OSError as error:
            self._fault = f"the traces {self.path} cannot be written: {error}"
            raise StoreError(self._fault) from None
        self._lines.clear()


def _is_torn(path: Path) -> bool:
    """Whether the last line was cut off, by a kill or a full disk."""
    if not path.exists() or not path.stat().st_size:
        return False
    with path.open("rb") as file:
        file.seek(-1, 2)
        return file.read() != b"\n"


class _Around:
    """Ends a span: several times as fast as a generator with contextmanager, and there is one around each rollout."""

    __slots__ = ("span", "tracer")

    def __init__(self, tracer: Tracer, span: Span) -> None:
        self.tracer = tracer
        self.span = span

    def __enter__(self) -> Span:
        return self.span

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if error is not None:
            self.span.data["error"] = f"{type(error).__name__}: {error}"
        self.tracer.write(self.span)
