"""The model plugin, with the real litellm, against a server on loopback."""

import asyncio
import json
import os
import subprocess
import sys
import time
from email.utils import formatdate
from pathlib import Path

import pytest

os.environ.setdefault("LITELLM_LOCAL_MODEL_COST_MAP", "True")  # before the import: else it goes to the network
pytest.importorskip("litellm")

import yaml
from attrs import evolve, fields

from autogenesis_core import (
    AuthenticationFailed,
    BadRequest,
    ContextExceeded,
    InputError,
    ModelAnswer,
    ModelError,
    ModelRequest,
    ModelTimeout,
    Overloaded,
    Price,
    RateLimited,
    Runtime,
    ToolCall,
    TransportError,
    Usage,
)
from autogenesis_core.testing.openai_server import OpenAIServer, Reply
from autogenesis_model_litellm.model import LitellmModel
from autogenesis_model_litellm.request import strict

# litellm itself ignores these of pydantic when it is imported, which pytest undoes for each test.
pytestmark = [
    pytest.mark.filterwarnings("ignore:.*`ReadOnly` qualifier"),
    pytest.mark.filterwarnings("ignore:.*Accessing the.*attribute on the instance is deprecated"),
]

KEY = "sk-test-0123456789abcdef"
ASK = ModelRequest([{"role": "user", "content": "Say it."}])
TOOL = {
    "type": "function",
    "function": {
        "name": "add",
        "description": "adds",
        "parameters": {"type": "object", "properties": {"a": {"type": "number"}}},
    },
}
CALLS = (ToolCall("call_1", "add", '{"a": 1}'), ToolCall("call_2", "add", '{"a": [2, 3]}'))
CLOSED = {
    "type": "object",
    "properties": {"n": {"type": "integer"}},
    "required": ["n"],
    "additionalProperties": False,
}
USAGE = Usage(100, 10, 40)


@pytest.fixture(autouse=True)
def _key(monkeypatch):
    for name in [name for name in os.environ if name.endswith(("_API_KEY", "_API_BASE", "_BASE_URL"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("OPENAI_API_KEY", KEY)


def model(server, **settings):
    return LitellmModel(**{"name": "openai/gpt-4o", "api_base": server.url, "timeout": 30.0} | settings)


def answer(reply, request=ASK, **settings):
    """The answer to `request`, and the body that the server saw."""
    with OpenAIServer([reply]) as server:
        result = asyncio.run(model(server, **settings).answer(request))
    assert len(server.requests) == 1
    return result, server.requests[0].body


def failure(kind, reply, request=ASK, **settings):
    """The error of kind `kind` that one single request ended in."""
    with OpenAIServer([reply]) as server:
        with pytest.raises(kind) as caught:
            asyncio.run(model(server, **settings).answer(request))
        assert len(server.requests) == 1
    assert type(caught.value) is kind
    assert "openai/gpt-4o" in str(caught.value)
    assert KEY not in str(caught.value)
    return caught.value


async def collected(model, request=ASK):
    return [piece async for piece in model.stream(request)]


def test_a_plain_answer_has_text_usage_cost_and_latency():
    result, body = answer(Reply("It.", usage=USAGE))
    assert body == {"model": "gpt-4o", "messages": [{"role": "user", "content": "Say it."}]}
    assert evolve(result, latency=0.0) == ModelAnswer(
        "It.", usage=USAGE, cost=pytest.approx(60 * 2.5e-6 + 40 * 1.25e-6 + 10 * 1e-5), model="gpt-4o"
    )
    assert 0 < result.latency < 5


def test_the_cost_of_an_unknown_model_is_unknown():
    result, _ = answer(Reply("It.", usage=USAGE), name="openai/nobody-knows-it")
    assert result.cost is None


def test_ones_own_price_gives_the_cost():
    result, _ = answer(Reply("It.", usage=USAGE), name="openai/nobody-knows-it", input_price=2.0, output_price=10.0)
    assert result.cost == pytest.approx(100 * 2e-6 + 10 * 1e-5)


def test_two_tool_calls_of_one_turn_keep_their_ids_and_arguments():
    result, body = answer(Reply(tool_calls=CALLS), evolve(ASK, tools=[TOOL]))
    assert body["tools"] == [TOOL]
    assert (result.text, result.tool_calls, result.finish_reason) == ("", CALLS, "tool_calls")


def test_malformed_arguments_of_a_tool_call_stay_as_the_model_wrote_them():
    broken = (ToolCall("call_1", "add", '{"a": '),)
    result, _ = answer(Reply(tool_calls=broken), evolve(ASK, tools=[TOOL]))
    assert result.tool_calls == broken


def test_tool_calls_that_end_with_stop_are_reported_as_tool_calls():
    result, _ = answer(Reply(tool_calls=CALLS, finish_reason="stop"), evolve(ASK, tools=[TOOL]))
    assert result.finish_reason == "tool_calls"


def test_the_conversation_goes_on_with_tool_results():
    messages = [*ASK.messages, ModelAnswer("", CALLS[:1]).message()]
    messages.append({"role": "tool", "tool_call_id": "call_1", "content": "1"})
    _, body = answer(Reply("One."), ModelRequest(messages, tools=[TOOL]))
    assert body["messages"] == messages


@pytest.mark.parametrize("reason", ["length", "content_filter"])
def test_the_finish_reason_is_reported(reason):
    result, _ = answer(Reply("It", finish_reason=reason))
    assert result.finish_reason == reason


def test_log_probabilities_are_reported_where_the_reply_has_them():
    assert answer(Reply("It.", logprobs=[-0.5, -0.25]))[0].logprobs == (-0.5, -0.25)
    assert answer(Reply("It."))[0].logprobs is None


def test_sampling_options_of_the_request_come_before_those_of_the_model():
    request = evolve(ASK, temperature=0.0, max_tokens=7, seed=5, stop=["END"])
    _, body = answer(Reply("It."), request, temperature=0.9, max_tokens=99)
    assert {name: body[name] for name in ("temperature", "max_tokens", "seed", "stop")} == {
        "temperature": 0.0,
        "max_tokens": 7,
        "seed": 5,
        "stop": ["END"],
    }


def test_sampling_options_of_the_model_are_for_requests_without_any():
    _, body = answer(Reply("It."), temperature=0.9, max_tokens=99)
    assert (body["temperature"], body["max_tokens"]) == (0.9, 99)


def test_a_reasoning_model_gets_no_temperature_because_it_takes_none():
    _, body = answer(Reply("It."), evolve(ASK, temperature=0.3, max_tokens=9), name="openai/gpt-5-mini")
    assert "temperature" not in body
    assert body["max_completion_tokens"] == 9


def test_stop_texts_that_a_model_does_not_take_are_an_error():
    with OpenAIServer([]) as server, pytest.raises(BadRequest, match="openai/gpt-5-mini takes no stop"):
        asyncio.run(model(server, name="openai/gpt-5-mini").answer(evolve(ASK, stop=["END"])))
    assert server.requests == []


def test_a_schema_becomes_a_response_format():
    result, body = answer(Reply('{"n": 3}'), evolve(ASK, schema=CLOSED))
    assert body["response_format"] == {
        "type": "json_schema",
        "json_schema": {"name": "answer", "schema": CLOSED, "strict": True},
    }
    assert (result.text, result.parsed) == ('{"n": 3}', None)


def test_strict_mode_is_for_closed_schemas_only():
    assert strict({"type": "array", "items": CLOSED})
    assert not strict(CLOSED | {"required": []})
    assert not strict({"type": "object", "properties": {}})
    assert not strict({"anyOf": [CLOSED, {"type": "object"}]})
    assert not strict(CLOSED | {"properties": {"n": {"type": "object", "additionalProperties": True}}})


def test_a_provider_that_refuses_a_schema_is_asked_in_words_from_then_on():
    def reply(body):
        if "response_format" in body:
            return Reply("'response_format' of type 'json_schema' is not supported.", status=400)
        return Reply('{"n": 3}')

    async def twice(server):
        asked = model(server)
        request = evolve(ASK, schema=CLOSED)
        return [(await asked.answer(request)).text, (await asked.answer(request)).text]

    with OpenAIServer(reply) as server:
        assert asyncio.run(twice(server)) == ['{"n": 3}', '{"n": 3}']
    assert ["response_format" in request.body for request in server.requests] == [True, False, False]
    instruction = server.requests[1].body["messages"][0]
    assert instruction["role"] == "system"
    assert json.dumps(CLOSED) in instruction["content"]


def test_the_words_for_a_schema_go_into_the_system_message_that_is_there():
    system = {"role": "system", "content": "Be brief."}
    replies = [Reply("no json_schema here", status=400), Reply("{}")]
    with OpenAIServer(replies) as server:
        asyncio.run(model(server).answer(ModelRequest([system, *ASK.messages], schema=CLOSED)))
    first, second = server.requests[1].body["messages"]
    assert first["content"].startswith("Be brief.\n\n")
    assert second == ASK.messages[0]
    assert system == {"role": "system", "content": "Be brief."}


def test_another_bad_request_with_a_schema_is_not_asked_again():
    failure(BadRequest, Reply("messages are empty", status=400), evolve(ASK, schema=CLOSED))


def test_a_refused_key_names_its_variable_and_never_the_key():
    error = failure(AuthenticationFailed, Reply(f"Incorrect API key provided: {KEY}", status=401))
    assert "Incorrect API key provided: [key]" in error.reason
    assert "OPENAI_API_KEY" in error.hint


def test_a_masked_key_is_not_repeated_either():
    error = failure(AuthenticationFailed, Reply("Incorrect API key: sk-proj-****************1234", status=403))
    assert "1234" not in str(error)


@pytest.mark.parametrize(
    ("name", "variable"),
    [
        ("openai/gpt-4o", "OPENAI_API_KEY"),
        ("anthropic/claude-sonnet-4-5", "ANTHROPIC_API_KEY"),
        ("gemini/gemini-2.5-flash", "GEMINI_API_KEY"),
    ],
)
def test_a_missing_key_names_the_variable_to_set(name, variable, monkeypatch):
    monkeypatch.delenv("OPENAI_API_KEY")
    with OpenAIServer([]) as server, pytest.raises(AuthenticationFailed, match="there is no key") as caught:
        asyncio.run(model(server, name=name).answer(ASK))
    assert variable in caught.value.hint


def test_the_key_comes_from_the_variable_that_is_named(monkeypatch):
    monkeypatch.setenv("MY_KEY", "another-key-42")
    with OpenAIServer([Reply("It."), Reply("another-key-42 is bad", status=401)]) as server:
        named = model(server, api_key="env:MY_KEY")
        asyncio.run(named.answer(ASK))
        with pytest.raises(AuthenticationFailed) as caught:
            asyncio.run(named.answer(ASK))
    assert server.requests[0].headers["authorization"] == "Bearer another-key-42"
    assert "another-key-42" not in str(caught.value) + repr(named)
    assert "MY_KEY" in caught.value.hint


def test_a_key_may_be_a_reference_that_is_read_when_the_model_is_built(monkeypatch, tmp_path):
    monkeypatch.setenv("MY_OWN_VARIABLE", KEY)
    with OpenAIServer([Reply("4")]) as server:
        settings = ["+model=litellm", "model.name=openai/gpt-4o", f"model.api_base={server.url}"]
        runtime = Runtime.compose(*settings, "model.api_key={secret: MY_OWN_VARIABLE}", folder=tmp_path)
        assert asyncio.run(runtime.composition.model.answer(ASK)).text == "4"
        assert server.requests[0].headers["authorization"] == f"Bearer {KEY}"
    assert KEY not in repr(runtime.composition)
    with pytest.raises(InputError, match="NOT_SET_ANYWHERE"):
        Runtime.compose(*settings, "model.api_key={secret: NOT_SET_ANYWHERE}", folder=tmp_path)


def test_a_named_variable_that_is_not_set_is_said():
    with OpenAIServer([]) as server, pytest.raises(AuthenticationFailed, match="NOT_SET_ANYWHERE"):
        asyncio.run(model(server, api_key="env:NOT_SET_ANYWHERE").answer(ASK))


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [({}, None), ({"retry-after": "7"}, 7.0), ({"retry-after-ms": "250"}, 0.25), ({"retry-after": "x"}, None)],
)
def test_a_rate_limit_says_how_long_to_wait(headers, seconds):
    assert failure(RateLimited, Reply("slowly", status=429, headers=headers)).retry_after == seconds


def test_a_wait_until_a_date_is_understood():
    later = formatdate(time.time() + 60, usegmt=True)
    error = failure(RateLimited, Reply("slowly", status=429, headers={"retry-after": later}))
    assert error.retry_after == pytest.approx(60, abs=10)


def test_a_used_up_quota_is_no_rate_limit():
    reply = Reply("You exceeded your current quota.", status=429, code="insufficient_quota")
    failure(ModelError, reply)


@pytest.mark.parametrize("status", [500, 503, 529])
def test_a_failing_provider_is_asked_once_and_overloaded(status):
    error = failure(Overloaded, Reply("boom", status=status, headers={"retry-after": "3"}))
    assert (f"HTTP {status}" in error.reason, error.retry_after) == (True, 3.0)


@pytest.mark.parametrize("status", [400, 404, 413, 422])
def test_a_refused_request_is_a_bad_request(status):
    assert "no, because" in failure(BadRequest, Reply("no, because", status=status)).reason


def test_too_long_a_request_exceeds_the_context():
    text = "This model's maximum context length is 10 tokens."
    failure(ContextExceeded, Reply(text, status=400, code="context_length_exceeded"))


def test_a_long_error_page_is_cut():
    error = failure(Overloaded, Reply(raw="<html>\n" * 1000, status=502))
    assert len(error.reason) < 700


def test_a_slow_answer_times_out():
    begun = time.monotonic()
    error = failure(ModelTimeout, Reply("It.", delay=10.0), timeout=0.3)
    assert "0.3 s" in error.reason
    assert time.monotonic() - begun < 5


def test_a_connection_cut_in_the_body_is_a_transport_error():
    failure(TransportError, Reply("It." * 1000, cut=True))


def test_a_body_that_is_no_json_is_a_transport_error():
    error = failure(TransportError, Reply(raw="<html>hello</html>"))
    assert "no JSON" in error.reason


def test_a_reply_without_an_answer_is_a_transport_error():
    failure(TransportError, Reply(raw='{"id": "x", "object": "chat.completion", "choices": []}'))


def test_a_server_that_is_not_there_is_a_transport_error_with_its_address():
    with OpenAIServer([]) as server:
        gone = model(server)
    with pytest.raises(TransportError) as caught:
        asyncio.run(gone.answer(ASK))
    assert server.url in caught.value.hint


def test_an_unknown_provider_is_said():
    with pytest.raises(BadRequest, match="knows no provider") as caught:
        asyncio.run(LitellmModel("nobody/model").answer(ASK))
    assert "provider/model" in caught.value.hint


def test_an_error_is_not_explained_by_an_older_one_that_is_being_handled():
    async def retried(server):
        asked = model(server)
        with pytest.raises(ConnectionError):
            await asked.answer(ASK)
        try:
            raise TimeoutError
        except TimeoutError:
            await asked.answer(ASK)

    replies = [Reply("It." * 1000, cut=True), Reply("boom", status=500)]
    with OpenAIServer(replies) as server, pytest.raises(Overloaded):
        asyncio.run(retried(server))


@pytest.mark.parametrize("name", ["anthropic/claude-sonnet-4-5", "mistral/small", "hosted_vllm/x"])
def test_the_wait_survives_other_providers(name, monkeypatch):
    monkeypatch.setenv("OTHER_KEY", KEY)
    with OpenAIServer([Reply("slowly", status=429, headers={"retry-after": "7"})]) as server:
        with pytest.raises(RateLimited) as caught:
            asyncio.run(model(server, name=name, api_key="env:OTHER_KEY").answer(ASK))
        assert (caught.value.retry_after, len(server.requests)) == (7.0, 1)


def test_a_stream_brings_pieces_and_last_the_whole_answer():
    request = evolve(ASK, tools=[TOOL])
    with OpenAIServer([Reply("one two three", tool_calls=CALLS, usage=USAGE)]) as server:
        *pieces, last = asyncio.run(collected(model(server), request))
    assert pieces == ["one", " two", " three"]
    assert (last.text, last.tool_calls, last.finish_reason) == ("one two three", CALLS, "tool_calls")
    assert (last.usage, last.model) == (USAGE, "gpt-4o")
    assert last.cost == pytest.approx(60 * 2.5e-6 + 40 * 1.25e-6 + 10 * 1e-5)
    assert len(server.requests) == 1


def test_a_stream_of_an_unknown_model_has_no_cost():
    with OpenAIServer([Reply("one", usage=USAGE)]) as server:
        *_, last = asyncio.run(collected(model(server, name="openai/nobody-knows-it")))
    assert last.cost is None


def test_a_stream_comes_piece_by_piece():
    async def first_piece(server):
        begun = time.monotonic()
        await anext(model(server).stream(ASK))
        return time.monotonic() - begun

    with OpenAIServer(lambda body: Reply("one two three four", pause=0.5)) as server:
        asyncio.run(first_piece(server))
        assert asyncio.run(first_piece(server)) < 1.4
    assert server.requests[1].disconnected.is_set()


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (Reply("slowly", status=429, headers={"retry-after": "7"}), RateLimited),
        (Reply("boom", status=500), Overloaded),
        (Reply("one two three four", cut=True), TransportError),
        (Reply("one two three four", pause=5.0), ModelTimeout),
        (Reply(raw="<html>hello</html>"), TransportError),
        (Reply(raw='data: {"choices": [{"index": 0, "delta": {"content": "on"}}]}\n\n'), TransportError),
    ],
)
def test_a_stream_fails_as_an_answer_does(reply, kind):
    with OpenAIServer([reply]) as server:
        with pytest.raises(kind, match="openai/gpt-4o"):
            asyncio.run(collected(model(server, timeout=0.5)))
        assert len(server.requests) == 1


def test_a_stream_falls_back_to_words_for_a_schema():
    replies = [Reply("no response_format", status=400), Reply('{"n": 3}')]
    with OpenAIServer(replies) as server:
        *_, last = asyncio.run(collected(model(server), evolve(ASK, schema=CLOSED)))
    assert last.text == '{"n": 3}'


@pytest.mark.parametrize("streamed", [False, True])
def test_cancelling_closes_the_request(streamed):
    async def cancelled(server):
        asked = model(server)
        task = asyncio.create_task(collected(asked) if streamed else asked.answer(ASK))
        while not server.requests:  # noqa: ASYNC110 - the server runs in another thread
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.2)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return await asyncio.to_thread(server.requests[0].disconnected.wait, 2.0)

    with OpenAIServer([Reply("one two three", delay=0 if streamed else 20.0, pause=20.0)]) as server:
        assert asyncio.run(cancelled(server))


def test_many_answers_come_at_once():
    async def many(server):
        asked = model(server)
        return await asyncio.gather(*(asked.answer(ASK) for _ in range(20)))

    begun = time.monotonic()
    with OpenAIServer(lambda body: Reply("It.", delay=0.3)) as server:
        assert [result.text for result in asyncio.run(many(server))] == ["It."] * 20
    assert time.monotonic() - begun < 4


def test_the_price_is_ones_own_then_the_lists_then_unknown():
    assert asyncio.run(LitellmModel("openai/gpt-4o", input_price=1.0, output_price=2.0).price()) == Price(1e-6, 2e-6)
    assert asyncio.run(LitellmModel("openai/gpt-4o").price()) == Price(2.5e-6, 1e-5)
    assert asyncio.run(LitellmModel("openai/nobody-knows-it").price()) is None


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ("openai:gpt-5-mini", "openai/gpt-5-mini"),
        ("openai/gpt-5-mini", "openai/gpt-5-mini"),
        ("ollama/llama3:8b", "ollama/llama3:8b"),
        ("openrouter:openai/gpt-4o", "openrouter/openai/gpt-4o"),
    ],
)
def test_a_colon_after_the_provider_is_a_slash(given, name):
    assert LitellmModel(given).id == name


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"name": " "}, "model.name is empty"),
        ({"api_key": KEY}, "env:NAME"),
        ({"api_key": "env:"}, "env:NAME"),
        ({"timeout": 0.0}, "model.timeout is 0"),
        ({"input_price": -1.0, "output_price": 1.0}, "model.input_price is -1"),
        ({"input_price": 1.0}, "belong together"),
    ],
)
def test_a_setting_that_cannot_be_right_is_an_input_error(settings, said):
    with pytest.raises(InputError, match=said) as caught:
        LitellmModel(**{"name": "openai/gpt-4o"} | settings)
    assert KEY not in str(caught.value)


def test_the_option_lists_every_setting_with_its_default():
    import autogenesis_model_litellm

    path = Path(autogenesis_model_litellm.__file__).parent / "conf" / "model" / "litellm.yaml"
    option = yaml.safe_load(path.read_text())
    assert option.pop("_target_") == f"{LitellmModel.__module__}:{LitellmModel.__name__}"
    assert option.pop("name") == "???"
    assert option == {a.name: a.default for a in fields(LitellmModel) if a.name != "name"}


SCRIPT = """
import asyncio, os, socket, sys

def offline(address, *more):
    raise AssertionError(f"looked up {address}")

socket.getaddrinfo = offline

from autogenesis_core.services.model import ModelRequest
from autogenesis_core.testing.openai_server import OpenAIServer, Reply
from autogenesis_model_litellm.model import LitellmModel

LitellmModel("openai/gpt-4o")
assert "litellm" not in sys.modules and "openai" not in sys.modules

async def main(server, least_beats):
    model = LitellmModel("openai/gpt-4o", api_base=server.url)
    request = ModelRequest([{"role": "user", "content": "Say it."}])
    call = asyncio.create_task(model.answer(request))
    beats = 0
    while not call.done():
        await asyncio.sleep(0.01)
        beats += 1
    assert beats >= least_beats, f"the event loop stood still: {beats} beats"
    assert (await call).text == "It."
    try:
        await model.answer(request)
    except Exception as error:
        assert type(error).__name__ == "Overloaded", repr(error)
    assert [piece async for piece in model.stream(request)][0] == "It."

def run(least_beats):
    with OpenAIServer([Reply("It."), Reply("boom", status=500), Reply("It.")]) as server:
        asyncio.run(main(server, least_beats))

run(least_beats=20)  # litellm is imported meanwhile
run(least_beats=0)
assert "FROM_DOTENV" not in os.environ
"""


def test_litellm_comes_late_and_quietly_without_network_and_leaves_nothing_open(tmp_path):
    """One fresh interpreter with all warnings shown: no output, no look-up, no `.env`, no unclosed connection."""
    (tmp_path / ".env").write_text("FROM_DOTENV=1\n")
    (tmp_path / "script.py").write_text(SCRIPT)
    path = os.pathsep.join(entry for entry in sys.path if entry)
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": path, "OPENAI_API_KEY": KEY}
    done = subprocess.run(
        [sys.executable, "-W", "always::ResourceWarning", "script.py"],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
