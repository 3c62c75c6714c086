"""The model client: the one owner of retries, metering, seeds and parsing."""

import asyncio

import pytest

from autogenesis_core import (
    AuthenticationFailed,
    BadRequest,
    BudgetExceeded,
    ContextExceeded,
    InvalidAnswer,
    ModelAnswer,
    ModelClient,
    ModelError,
    ModelTimeout,
    Overloaded,
    RateLimited,
    ToolCall,
    TransportError,
    Usage,
)
from autogenesis_core.errors import Refused
from autogenesis_core.services.tracing import Tracer
from autogenesis_core.testing import FunctionModel, ScriptedModel

HELLO = [{"role": "user", "content": "hello"}]
SCHEMA = {"type": "object"}


class Meter:
    """Counts what is reserved, and allows so many calls."""

    def __init__(self, allowed=100):
        self.allowed = allowed
        self.open = []
        self.settled = []

    def reserve(self, request):
        if self.allowed == 0:
            raise BudgetExceeded("budget.calls is spent")
        self.allowed -= 1
        self.open.append(object())
        return self.open[-1]

    async def freed(self):
        return False

    def limit(self, reservation):
        return 0

    def settle(self, reservation, answer):
        self.open.remove(reservation)
        self.settled.append(answer and answer.text)


@pytest.fixture
def pauses(monkeypatch):
    """The waits between attempts, which take no time here."""
    waited = []

    async def sleep(seconds):
        waited.append(seconds)

    monkeypatch.setattr(asyncio, "sleep", sleep)
    return waited


def ask(model, messages=HELLO, *, client=None, **options):
    made = client or ModelClient(model)
    return asyncio.run(made(messages, **options))


# Retries


@pytest.mark.parametrize("error", [RateLimited("429"), Overloaded("500"), ModelTimeout("late"), TransportError("cut")])
def test_an_error_that_may_pass_is_tried_again(pauses, error):
    model = ScriptedModel([error, error, "hi"])
    assert ask(model).text == "hi"
    assert (len(model.requests), len(pauses)) == (3, 2)


@pytest.mark.parametrize(
    "error",
    [ModelError("no"), AuthenticationFailed("401"), BadRequest("400"), ContextExceeded("long"), InvalidAnswer("bad")],
)
def test_a_permanent_error_is_not_tried_again(pauses, error):
    model = ScriptedModel([error])
    with pytest.raises(type(error)):
        ask(model)
    assert (len(model.requests), pauses) == (1, [])


def test_after_the_last_attempt_the_error_is_raised_without_another_wait(pauses):
    model = FunctionModel(lambda request: Overloaded("500"))
    with pytest.raises(Overloaded):
        ask(model, client=ModelClient(model, attempts=3))
    assert (len(model.requests), len(pauses)) == (3, 2)


def test_every_attempt_of_a_call_is_the_same_request(pauses):
    model = ScriptedModel([Overloaded("500"), "hi"])
    ask(model)
    assert model.requests[0] == model.requests[1]


def test_the_wait_is_what_the_provider_asks_for_and_a_minute_at_most(pauses):
    ask(ScriptedModel([RateLimited("429", retry_after=7.5), RateLimited("429", retry_after=3600.0), "hi"]))
    assert pauses == [7.5, 60.0]


def test_a_wait_of_nothing_is_honoured(pauses):
    ask(ScriptedModel([RateLimited("429", retry_after=0.0), "hi"]))
    assert pauses == [0.0]


def test_without_a_wish_of_the_provider_waits_double_with_jitter(pauses):
    model = ScriptedModel([Overloaded("500")] * 3 + ["hi"])
    ask(model, client=ModelClient(model, wait=2.0))
    for pause, longest in zip(pauses, (2.0, 4.0, 8.0), strict=True):
        assert longest / 2 <= pause <= longest


# Metering


def test_every_attempt_settles_its_reservation(pauses):
    meter = Meter()
    model = ScriptedModel([Overloaded("500"), RateLimited("429"), "hi"])
    ask(model, client=ModelClient(model, meter=meter))
    assert (meter.open, meter.settled) == ([], [None, None, "hi"])


@pytest.mark.parametrize("error", [BadRequest("400"), ZeroDivisionError(), asyncio.CancelledError()], ids=repr)
def test_an_attempt_that_fails_for_good_settles_too(error):
    def fail(request):
        raise error

    meter = Meter()
    with pytest.raises(type(error)):
        ask(None, client=ModelClient(FunctionModel(fail), meter=meter))
    assert (meter.open, meter.settled) == ([], [None])


def test_an_answer_that_does_not_parse_was_used_all_the_same():
    meter = Meter()
    with pytest.raises(InvalidAnswer):
        ask(None, client=ModelClient(ScriptedModel(["no JSON"]), meter=meter), schema=SCHEMA)
    assert meter.settled == ["no JSON"]


def test_a_reservation_is_not_held_while_the_client_waits(monkeypatch):
    """Else a call that waits for a minute makes others that the budget allows fail."""
    meter, held = Meter(), []

    async def sleep(seconds):
        held.append(len(meter.open))

    monkeypatch.setattr(asyncio, "sleep", sleep)
    model = ScriptedModel([Overloaded("500"), "hi"])
    ask(model, client=ModelClient(model, meter=meter))
    assert held == [0]


def test_a_call_that_the_budget_does_not_allow_is_not_made(pauses):
    model = ScriptedModel([Overloaded("500")])
    with pytest.raises(BudgetExceeded):
        ask(model, client=ModelClient(model, meter=Meter(allowed=1)))
    assert len(model.requests) == 1


# Answers


def test_an_answer_has_text_usage_and_its_latency():
    answer = ask(ScriptedModel([ModelAnswer("hi", usage=Usage(5, 1), cost=0.25)]))
    assert (answer.text, answer.usage, answer.cost, answer.parsed) == ("hi", Usage(5, 1), 0.25, None)
    assert answer.latency > 0


@pytest.mark.parametrize(
    ("text", "parsed"),
    [
        ('{"a": [1, null]}', {"a": [1, None]}),
        ('  {"a": 1}\n', {"a": 1}),
        ('```json\n{"a": 1}\n```', {"a": 1}),
        ('```\n{"a": "```"}\n```', {"a": "```"}),
        ("3", 3),
    ],
)
def test_with_a_schema_the_answer_is_parsed(text, parsed):
    model = ScriptedModel([text])
    answer = ask(model, schema=SCHEMA)
    assert (answer.parsed, answer.text) == (parsed, text)
    assert model.requests[0].schema == SCHEMA


@pytest.mark.parametrize("text", ["", "hello", '{"a": 1', '{"a": NaN}', "```json\n```", "[" * 100_000])
def test_with_a_schema_an_answer_that_is_no_json_is_invalid(text):
    with pytest.raises(InvalidAnswer, match="no JSON"):
        ask(ScriptedModel([text]), schema=SCHEMA)


def test_an_answer_that_was_cut_off_is_invalid_even_if_it_parses():
    with pytest.raises(InvalidAnswer, match="cut off at its token limit\n  raise max_tokens"):
        ask(ScriptedModel([ModelAnswer("12", finish_reason="length")]), schema=SCHEMA)


def test_without_a_schema_a_cut_off_text_is_an_answer():
    assert ask(ScriptedModel([ModelAnswer("12", finish_reason="length")])).text == "12"


def test_a_filtered_answer_is_a_refusal():
    with pytest.raises(Refused):
        ask(ScriptedModel([ModelAnswer("", finish_reason="content_filter")]))


def test_an_answer_continues_the_conversation_as_an_assistants_message():
    answer = ModelAnswer("", tool_calls=(ToolCall("c1", "add", '{"a": 1}'),))
    call = {"id": "c1", "type": "function", "function": {"name": "add", "arguments": '{"a": 1}'}}
    assert answer.message() == {"role": "assistant", "content": "", "tool_calls": [call]}


def test_options_reach_the_model():
    model = ScriptedModel(["hi"])
    tools = [{"type": "function", "function": {"name": "add"}}]
    ask(model, tools=tools, temperature=0.5, max_tokens=9)
    request = model.requests[0]
    assert (request.tools, request.temperature, request.max_tokens) == (tools, 0.5, 9)


# Seeds


def seeds(seed, calls=3):
    model = FunctionModel(lambda request: "hi")
    client = ModelClient(model, seed=seed)
    for _ in range(calls):
        ask(model, client=client)
    return [request.seed for request in model.requests]


def test_seeds_differ_by_call_and_repeat_by_seed():
    assert seeds(1) == seeds(1)
    assert len({*seeds(1), *seeds(2)}) == 6
    assert all(0 <= seed < 2**31 for seed in seeds(1))


def test_a_retry_does_not_shift_the_seeds_of_later_calls(pauses):
    model = ScriptedModel(["a", Overloaded("500"), "b", "c"])
    client = ModelClient(model, seed=1)
    for _ in range(3):
        ask(model, client=client)
    first, second, again, third = (request.seed for request in model.requests)
    assert second == again
    assert [first, second, third] == seeds(1)


# Traces


def test_a_call_is_traced_with_usage_and_its_messages_once(tmp_path):
    import json

    tracer = Tracer(tmp_path / "traces.jsonl")
    model = ScriptedModel([ModelAnswer("hi", usage=Usage(5, 1), cost=0.5), "bye"])
    client = ModelClient(model, tracer=tracer)
    history = list(HELLO)
    history.append(ask(model, history, client=client).message())
    ask(model, history, client=client)
    tracer.close()
    lines = [json.loads(line) for line in (tmp_path / "traces.jsonl").read_text().splitlines()]
    bodies = [line["value"] for line in lines if line["type"] == "body"]
    spans = [line for line in lines if line["type"] == "model"]
    assert bodies == [*history, {"role": "assistant", "content": "bye"}]
    assert [len(span["messages"]) for span in spans] == [1, 2]
    assert (spans[0]["usage"], spans[0]["cost"], spans[0]["role"]) == ([5, 1, 0], 0.5, "task")
    assert spans[1]["messages"] == [*spans[0]["messages"], spans[0]["answer"]]


def test_a_call_that_failed_is_traced_with_its_error(tmp_path):
    tracer = Tracer(tmp_path / "traces.jsonl")
    with pytest.raises(BadRequest):
        ask(None, client=ModelClient(ScriptedModel([BadRequest("too odd")]), tracer=tracer))
    tracer.close()
    assert '"error": "BadRequest: too odd"' in (tmp_path / "traces.jsonl").read_text()
