"""The tracer: JSON lines, bodies once, secrets redacted."""

import asyncio
import json

import pytest

from autogenesis_core.services.tracing import Tracer


@pytest.fixture
def path(tmp_path):
    return tmp_path / "traces.jsonl"


def lines(path):
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def traced(path, work):
    """What a tracer wrote of `work(tracer)`."""
    tracer = Tracer(path)
    work(tracer)
    tracer.close()
    return lines(path)


# Spans


def test_spans_nest_and_are_written_when_they_end(path):
    def work(tracer):
        with tracer.span("rollout", example="e1") as rollout:
            with tracer.span("model", rollout) as model, tracer.span("tool", model):
                pass
            with tracer.span("tool", rollout):
                pass

    found = traced(path, work)
    assert [(line["type"], line["id"], line["parent"]) for line in found] == [
        ("tool", 3, 2),
        ("model", 2, 1),
        ("tool", 4, 1),
        ("rollout", 1, None),
    ]
    assert found[-1]["example"] == "e1"
    assert all(line["seconds"] >= 0 for line in found)
    assert found[-1]["seconds"] >= found[0]["seconds"]


def test_data_may_be_added_until_a_span_ends(path):
    def work(tracer):
        with tracer.span("tool", name="a") as span:
            span.data["result"] = "b"

    assert {"name": "a", "result": "b"}.items() <= traced(path, work)[0].items()


@pytest.mark.parametrize("error", [ValueError("oops"), KeyboardInterrupt(), asyncio.CancelledError()], ids=repr)
def test_an_exception_is_noted_in_every_span_around_it_and_goes_on(path, error):
    def work(tracer):
        with pytest.raises(type(error)), tracer.span("rollout") as outer, tracer.span("tool", outer):
            raise error

    expected = f"{type(error).__name__}: {error}"
    assert [line["error"] for line in traced(path, work)] == [expected, expected]


def test_spans_of_tasks_at_once_keep_their_own_parents(path):
    def work(tracer):
        async def rollout(name):
            with tracer.span("rollout", name=name) as span:
                await asyncio.sleep(0)
                with tracer.span("tool", span, name=name):
                    await asyncio.sleep(0)

        async def main():
            await asyncio.gather(*(rollout(str(n)) for n in range(5)))

        asyncio.run(main())

    found = traced(path, work)
    names = {line["id"]: line["name"] for line in found if line["type"] == "rollout"}
    assert [line["name"] for line in found if line["type"] == "tool"] == [
        names[line["parent"]] for line in found if line["type"] == "tool"
    ]
    assert len({line["id"] for line in found}) == 10


# Bodies


def test_a_body_is_written_once_and_named_by_its_digest(path):
    keys = []

    def work(tracer):
        keys.extend(tracer.body(value) for value in ({"b": 1, "a": 2}, "text", {"a": 2, "b": 1}, "text"))

    found = traced(path, work)
    assert [line["value"] for line in found] == [{"b": 1, "a": 2}, "text"]
    assert [line["digest"] for line in found] == keys[:2] == keys[2:]


@pytest.mark.parametrize("value", ["half a pair \ud83d", {"content": "\udfff"}])
def test_a_body_of_text_that_is_no_unicode_is_written_all_the_same(path, value):
    """Providers answer such text now and then; it must not end a rollout."""
    found = traced(path, lambda tracer: tracer.body(value))
    assert [line["type"] for line in found] == ["body"]


# Secrets

SECRET = "sk-1234567890"


@pytest.mark.parametrize(
    "name", ["OPENAI_API_KEY", "HF_TOKEN", "MY_SECRET", "DB_PASSWORD", "my_key", "AWS_CREDENTIALS"]
)
def test_a_secret_of_the_environment_is_nowhere_in_the_traces(path, monkeypatch, name):
    monkeypatch.setenv(name, SECRET)

    def work(tracer):
        tracer.body({"role": "user", "content": f"my key is {SECRET}."})
        tracer.body({SECRET: 1})
        with pytest.raises(ValueError, match=SECRET), tracer.span("tool", arguments=[SECRET]):
            raise ValueError(f"key {SECRET} refused")

    traced(path, work)
    text = path.read_text()
    assert SECRET not in text
    assert text.count("[redacted]") == 4


def test_what_is_named_otherwise_or_is_short_is_no_secret(path, monkeypatch):
    monkeypatch.setenv("EDITOR_NAME", "emacs-the-editor")
    monkeypatch.setenv("SHORT_TOKEN", "on")
    found = traced(path, lambda tracer: tracer.body("emacs-the-editor is on"))
    assert found[0]["value"] == "emacs-the-editor is on"


@pytest.mark.parametrize("secret", ['pass"word\\123', "zwei\nzeilen\tlang", "schlüssel-ü-99", "a.b*c+d?(e)"])
def test_a_secret_with_characters_that_json_writes_otherwise_is_redacted(path, monkeypatch, secret):
    monkeypatch.setenv("MY_PASSWORD", secret)
    found = traced(path, lambda tracer: tracer.body(f"<{secret}>"))
    assert [line["value"] for line in found] == ["<[redacted]>"]


def test_of_two_secrets_of_which_one_begins_the_other_nothing_is_left(path, monkeypatch):
    monkeypatch.setenv("A_TOKEN", SECRET)
    monkeypatch.setenv("B_TOKEN", SECRET + "-and-more")
    found = traced(path, lambda tracer: tracer.body(f"<{SECRET}-and-more> <{SECRET}>"))
    assert [line["value"] for line in found] == ["<[redacted]> <[redacted]>"]


@pytest.mark.parametrize("secret", ["redacted", "[redacted]", '"type": ', "12345678"])
def test_every_line_is_json_whatever_the_secrets_are(path, monkeypatch, secret):
    monkeypatch.setenv("ODD_TOKEN", secret)

    def work(tracer):
        with tracer.span("tool", number=12345678, text=secret):
            pass

    assert [line["id"] for line in traced(path, work)] == [1]


# Files


def test_without_a_path_nothing_is_written(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    tracer = Tracer()
    with tracer.span("tool"):
        assert tracer.body("text") == ""
    tracer.close()
    assert list(tmp_path.iterdir()) == []


def test_lines_are_appended_and_a_closed_tracer_may_write_again(path):
    tracer = Tracer(path)
    for name in ("a", "b"):
        with tracer.span("tool", name=name):
            pass
        tracer.close()
    assert [line["name"] for line in lines(path)] == ["a", "b"]


def test_a_long_run_is_written_as_it_goes(path):
    tracer = Tracer(path)
    for _ in range(1_000):
        with tracer.span("tool"):
            pass
    assert len(lines(path)) >= 800
    tracer.close()
    assert len(lines(path)) == 1_000
