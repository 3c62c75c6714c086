"""A server on loopback that speaks OpenAI's chat API from a script, for tests of models and agents."""

import json
import re
import select
import socket
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Lock, Thread
from types import TracebackType
from typing import Any, Self, TypeAlias, cast

from attrs import define, field, frozen

from autogenesis_core.services.model import ToolCall, Usage

# What a client sends and what we answer are any JSON objects.
Body: TypeAlias = dict[str, Any]


@frozen
class Reply:
    """One scripted reply.

    Arguments:
        text: the answer's text, or the error's message where `status` is 400 or more
        tool_calls, usage, logprobs: as in a ModelAnswer; `usage.cached_tokens` is a part of `input_tokens`
        finish_reason: None for what the API says itself, "stop" or "tool_calls"
        status: the HTTP status
        code: the error's code, e.g. "context_length_exceeded"
        headers: further response headers, e.g. `{"retry-after": "7"}`
        raw: a body to send as it is, instead of the API's JSON
        delay: seconds before the first byte
        pause: seconds between two pieces of a stream
        cut: close the connection in the middle of the body
    """

    text: str = ""
    tool_calls: Sequence[ToolCall] = ()
    usage: Usage = field(factory=Usage)
    logprobs: Sequence[float] = ()
    finish_reason: str | None = None
    status: int = 200
    code: str | None = None
    headers: Mapping[str, str] = field(factory=dict)
    raw: str | None = None
    delay: float = 0.0
    pause: float = 0.0
    cut: bool = False


Script: TypeAlias = "Sequence[Reply] | Callable[[Body], Reply]"


@define(eq=False)
class Received:
    """One request as it came: header names in lower case, the body parsed."""

    path: str
    headers: dict[str, str]
    body: Body
    disconnected: Event = field(factory=Event)
    """Set when the client hung up before it had the whole reply."""


class OpenAIServer:
    """Serves `script` on a free port of 127.0.0.1 for as long as its `with` block runs.

    `script` is a list, one reply a request in the order of arrival, or a function from the request's body to
    its reply. A request beyond the list's end gets a 400 that says so. A request with `"stream": true` gets
    its reply as server-sent events, a word at a time.
    """

    def __init__(self, script: Script) -> None:
        self.requests: list[Received] = []
        self._script = script
        self._lock = Lock()
        self._http = _HTTPServer(self)
        self._thread = Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)

    @property
    def url(self) -> str:
        """The API's base address, ending in `/v1`."""
        return f"http://127.0.0.1:{self._http.server_address[1]}/v1"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._http.shutdown()
        self._http.hang_up()
        self._http.server_close()
        self._thread.join()

    def reply(self, received: Received) -> Reply:
        """Records a request and returns the script's reply to it."""
        with self._lock:
            self.requests.append(received)
            number = len(self.requests)
        if callable(self._script):
            return self._script(received.body)
        if number > len(self._script):
            return Reply(f"the script of this test server ends after {len(self._script)} replies", status=400)
        return self._script[number - 1]


class _HTTPServer(ThreadingHTTPServer):
    """Knows its open connections, so that closing ends kept-alive ones and joins their threads."""

    daemon_threads = False
    request_queue_size = 128

    def __init__(self, owner: OpenAIServer) -> None:
        self.owner = owner
        self.connections: set[socket.socket] = set()
        super().__init__(("127.0.0.1", 0), _Handler)

    def handle_error(self, request: Any, client_address: Any) -> None:  # socketserver's types
        # A client that drops a kept-alive connection is none of the script's business.
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)

    def hang_up(self) -> None:
        for connection in list(self.connections):
            _shut(connection)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def setup(self) -> None:
        super().setup()
        self._server.connections.add(self.connection)

    def finish(self) -> None:
        self._server.connections.discard(self.connection)
        super().finish()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        """Says nothing: the requests are recorded."""

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        received = Received(self.path, {name.lower(): value for name, value in self.headers.items()}, body)
        reply = self._server.owner.reply(received)
        try:
            self._wait(reply.delay)
            self._send(reply, body)
        except OSError:
            received.disconnected.set()
            self.close_connection = True

    @property
    def _server(self) -> _HTTPServer:
        return cast("_HTTPServer", self.server)

    def _send(self, reply: Reply, body: Body) -> None:
        streamed = body.get("stream") and reply.raw is None and reply.status < 400
        if streamed:
            self._send_stream(reply, body)
        else:
            self._send_whole(reply, body)
        if reply.cut:
            self.close_connection = True
            _shut(self.connection)

    def _send_whole(self, reply: Reply, body: Body) -> None:
        payload = (_whole(reply, body) if reply.raw is None else reply.raw).encode()
        self._send_head(reply, "application/json", ("content-length", str(len(payload))))
        self.wfile.write(payload[: len(payload) // 2] if reply.cut else payload)

    def _send_stream(self, reply: Reply, body: Body) -> None:
        events = list(_events(reply, body))
        self._send_head(reply, "text/event-stream", ("transfer-encoding", "chunked"))
        for number, event in enumerate(events[: len(events) // 2] if reply.cut else events):
            self._wait(reply.pause if number else 0)
            data = f"data: {event}\n\n".encode()
            self.wfile.write(b"%x\r\n%b\r\n" % (len(data), data))
        if not reply.cut:
            self.wfile.write(b"0\r\n\r\n")

    def _send_head(self, reply: Reply, content_type: str, framing: tuple[str, str]) -> None:
        self.send_response(reply.status)
        for name, value in [("content-type", content_type), framing, *reply.headers.items()]:
            self.send_header(name, value)
        self.end_headers()

    def _wait(self, seconds: float) -> None:
        """Waits, and raises ConnectionError as soon as the client has gone."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            readable, _, _ = select.select([self.connection], [], [], left)
            if readable and not self.connection.recv(1, socket.MSG_PEEK):
                raise ConnectionError


def _shut(connection: socket.socket) -> None:
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        return  # the other side was quicker


def _whole(reply: Reply, body: Body) -> str:
    if reply.status >= 400:
        error = {"message": reply.text, "type": "error", "param": None, "code": reply.code}
        return json.dumps({"error": error})
    message: Body = {"role": "assistant", "content": reply.text or None}
    if reply.tool_calls:
        message["tool_calls"] = [_call(call) for call in reply.tool_calls]
    choice = {"index": 0, "message": message, "finish_reason": _finish_reason(reply)}
    if reply.logprobs:
        choice["logprobs"] = _logprobs(reply.logprobs)
    return json.dumps(_head("chat.completion", body) | {"choices": [choice], "usage": _usage(reply.usage)})


def _events(reply: Reply, body: Body) -> Iterator[str]:
    head = _head("chat.completion.chunk", body)
    for delta in _deltas(reply):
        yield json.dumps(head | {"choices": [{"index": 0, "delta": delta, "finish_reason": None}]})
    yield json.dumps(head | {"choices": [{"index": 0, "delta": {}, "finish_reason": _finish_reason(reply)}]})
    if body.get("stream_options", {}).get("include_usage"):
        yield json.dumps(head | {"choices": [], "usage": _usage(reply.usage)})
    yield "[DONE]"


def _deltas(reply: Reply) -> Iterator[Body]:
    yield {"role": "assistant", "content": ""}
    for word in re.findall(r"\s*\S+|\s+$", reply.text):
        yield {"content": word}
    for index, call in enumerate(reply.tool_calls):
        middle = len(call.arguments) // 2
        begun = ToolCall(call.id, call.name, call.arguments[:middle])
        yield {"tool_calls": [_call(begun) | {"index": index}]}
        yield {"tool_calls": [{"index": index, "function": {"arguments": call.arguments[middle:]}}]}


def _head(kind: str, body: Body) -> Body:
    return {"id": "chatcmpl-test", "object": kind, "created": 0, "model": body["model"]}


def _call(call: ToolCall) -> Body:
    return {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}


def _finish_reason(reply: Reply) -> str:
    return reply.finish_reason or ("tool_calls" if reply.tool_calls else "stop")


def _logprobs(values: Sequence[float]) -> Body:
    return {"content": [{"token": "", "logprob": value, "bytes": None, "top_logprobs": []} for value in values]}


def _usage(usage: Usage) -> Body:
    return {
        "prompt_tokens": usage.input_tokens,
        "completion_tokens": usage.output_tokens,
        "total_tokens": usage.input_tokens + usage.output_tokens,
        "prompt_tokens_details": {"cached_tokens": usage.cached_tokens},
    }
