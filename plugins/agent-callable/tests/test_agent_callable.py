"""Of the agent that is a user's function: it is called as it is written, and its mistakes are said."""

import asyncio

import pytest

from autogenesis_agent_callable.agent import CallableAgent
from autogenesis_core import Answer, Context, InputError, Toolbox, UnknownName

APP = """
import asyncio
from autogenesis_core import Answer

def run(task, *, style="short", shots=(), client=object()):
    return f"{task} {style}"

async def later(task, *, style="short"):
    await asyncio.sleep(0)
    return {"task": task, "style": style}

def answer(task):
    return Answer("five", 5)

def positional(task, style="short"):
    return style

def anything(*tasks, **variables):
    return f"{tasks} {variables}"

def nothing(task):
    return None

def fails(task):
    raise KeyError(task)

def no_task(*, style="short"):
    return style

def none():
    return ""

def wants(task, *, style):
    return style

def two(task, context):
    return ""

number = 5
"""


@pytest.fixture
def app(tmp_path, monkeypatch):
    tmp_path.joinpath("app.py").write_text(APP, encoding="utf-8")
    monkeypatch.chdir(tmp_path)


def run(agent, task="2 + 3"):
    return asyncio.run(agent.run(task, Context(Toolbox(None), 0)))


pytestmark = pytest.mark.usefixtures("app")


def test_calls_the_function_with_the_task_and_the_variables():
    assert run(CallableAgent("app.py:run")) == "2 + 3 short"
    assert run(CallableAgent("app.py:run", {"style": "long"})) == "2 + 3 long"


def test_awaits_an_async_function_and_keeps_data():
    answer = run(CallableAgent("app.py:later"))
    assert answer == Answer("{'task': '2 + 3', 'style': 'short'}", {"task": "2 + 3", "style": "short"})
    assert run(CallableAgent("app.py:answer")) == Answer("five", 5)


def test_completes_the_variables_from_keyword_only_defaults_that_are_json():
    completed = CallableAgent("app.py:run").complete(None)
    assert completed == {"variables": {"style": "short", "shots": ()}}
    assert CallableAgent("app.py:run", {"style": "long"}).complete(None)["variables"]["style"] == "long"
    assert CallableAgent("app.py:answer").complete(None) == {"variables": {}}


def test_a_completed_agent_answers_as_before():
    agent = CallableAgent("app.py:run")
    assert run(CallableAgent("app.py:run", **agent.complete(None))) == run(agent)


def test_a_variable_may_be_a_positional_argument_or_any_name_where_the_function_takes_any():
    assert run(CallableAgent("app.py:positional", {"style": "long"})) == "long"
    assert run(CallableAgent("app.py:anything", {"x": 1})) == "('2 + 3',) {'x': 1}"


def test_needs_no_model():
    assert not CallableAgent.uses_model


@pytest.mark.parametrize(
    ("path", "variables", "reason"),
    [
        ("app", {}, "write it as file.py:function"),
        ("missing.py:run", {}, "there is no file missing.py"),
        ("app.py:rum", {}, "did you mean run?"),
        ("app.py:number", {}, "no function in app.py 'number'"),
        ("app.py:none", {}, "takes no task"),
        ("app.py:no_task", {}, "takes no task"),
        ("app.py:run", {"stile": "long"}, "did you mean style?"),
        ("app.py:positional", {"task": "x"}, "no variable of app.py:positional 'task'"),
        ("app.py:wants", {}, "argument: 'style'"),
        ("app.py:two", {}, "argument: 'context'"),
    ],
)
def test_says_what_is_wrong_when_it_is_composed_and_when_it_runs(path, variables, reason):
    agent = CallableAgent(path, variables)
    with pytest.raises(InputError) as caught:
        agent.complete(None)
    assert reason in str(caught.value)
    with pytest.raises(type(caught.value)):
        run(agent)


def test_an_unknown_variable_is_an_unknown_name():
    with pytest.raises(UnknownName, match="known: client, shots, style"):
        CallableAgent("app.py:run", {"x": 1}).complete(None)


def test_a_file_that_fails_is_named(tmp_path):
    tmp_path.joinpath("broken.py").write_text("import no_such_module", encoding="utf-8")
    with pytest.raises(InputError, match=r"broken\.py fails on import: ModuleNotFoundError"):
        CallableAgent("broken.py:run").complete(None)


def test_an_answer_of_none_is_an_error_and_the_functions_own_errors_are_its_own():
    with pytest.raises(InputError, match="returned None"):
        run(CallableAgent("app.py:nothing"))
    with pytest.raises(KeyError):
        run(CallableAgent("app.py:fails"))


def test_a_batch_function_is_called_with_what_waits(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    source = "sizes = []\ndef run(tasks, *, style='!'):\n    sizes.append(len(tasks))\n    return [t + style for t in tasks]\n"
    tmp_path.joinpath("batch.py").write_text(source, encoding="utf-8")
    agent = CallableAgent("batch.py:run", {"style": "?"}, batch=4)

    async def ask():
        return await asyncio.gather(*(agent.run(str(n), Context(Toolbox(None), 0)) for n in range(6)))

    assert asyncio.run(ask()) == [f"{n}?" for n in range(6)]
    assert agent.function.__globals__["sizes"] == [4, 2]


def test_only_a_function_that_is_declared_thread_safe_is_called_in_a_thread(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    source = "import threading\ndef run(task):\n    return threading.current_thread() is threading.main_thread()\n"
    tmp_path.joinpath("where.py").write_text(source, encoding="utf-8")
    assert run(CallableAgent("where.py:run")).data is True
    assert run(CallableAgent("where.py:run", threads=True)).data is False
