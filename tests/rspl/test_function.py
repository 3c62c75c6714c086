"""Functions of the user's own as agents: sync, async, in threads, in batches."""

import asyncio
import threading
import time

import pytest

from autogenesis_core import Answer, Context, FunctionAgent, InputError, PluginError, Toolbox, call_function


async def ask(agent, tasks):
    made = (agent.run(task, Context(Toolbox(None), 0)) for task in tasks)
    return await asyncio.gather(*made, return_exceptions=True)


def answers(agent, *tasks):
    return asyncio.run(ask(agent, tasks))


def test_sync_and_async_functions_answer_text_an_answer_or_json():
    async def later(task):
        await asyncio.sleep(0)
        return {"task": task}

    assert answers(FunctionAgent(str.upper), "a") == ["A"]
    assert answers(FunctionAgent(later), "a")[0].data == {"task": "a"}
    assert answers(FunctionAgent(lambda task: Answer(task, 1)), "a") == [Answer("a", 1)]
    assert isinstance(answers(FunctionAgent(lambda task: None), "a")[0], InputError)


def test_a_sync_function_is_called_in_no_thread_unless_it_is_declared_safe():
    def where(task):
        return threading.current_thread().name

    assert answers(FunctionAgent(where), "a") == [threading.current_thread().name]
    assert threading.current_thread().name not in answers(FunctionAgent(where, threads=True), "a")


def test_calls_that_block_run_beside_each_other_in_threads():
    def blocks(task):
        time.sleep(0.1)
        return task

    start = time.perf_counter()
    tasks = [str(n) for n in range(64)]
    assert answers(FunctionAgent(blocks, threads=True), *tasks) == tasks
    assert time.perf_counter() - start < 3.2  # one after the other they take 6.4 s


def test_an_error_in_a_thread_is_raised_where_it_was_called():
    def fails(task):
        raise KeyError(task)

    assert isinstance(answers(FunctionAgent(fails, threads=True), "a")[0], KeyError)


@pytest.mark.parametrize(("error", "raised"), [(StopIteration(), RuntimeError), (SystemExit(3), SystemExit)])
def test_what_no_future_takes_is_raised_all_the_same(error, raised):
    def fails(task):
        raise error

    async def tried(agent):
        try:
            await agent.run("a", Context(Toolbox(None), 0))
        except BaseException as found:
            return type(found)

    assert asyncio.run(tried(FunctionAgent(fails, threads=True))) is raised
    assert asyncio.run(tried(FunctionAgent(fails, batch=2))) is raised


def test_what_a_sync_function_in_a_thread_gives_to_be_awaited_is_awaited():
    async def later(task):
        return task

    assert answers(FunctionAgent(lambda task: later(task), threads=True), "a") == ["a"]


def test_a_call_that_is_given_up_does_not_keep_others_waiting():
    release = threading.Event()

    async def main():
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(call_function(release.wait, threads=True), 0.05)
        return await call_function(lambda: 5, threads=True)

    assert asyncio.run(main()) == 5
    release.set()  # and its thread finds a closed loop


def batched(size, function=None, **more):
    calls = []

    def call(tasks, **variables):
        calls.append(list(tasks))
        return (function or (lambda given: [task.upper() for task in given]))(tasks)

    return FunctionAgent(call, batch=size, **more), calls


def test_waiting_tasks_are_gathered_into_batches():
    agent, calls = batched(4)
    assert answers(agent, *"abcdefghij") == list("ABCDEFGHIJ")
    assert calls == [list("abcd"), list("efgh"), list("ij")]


def test_a_task_that_nobody_joins_is_not_kept_waiting():
    agent, calls = batched(100)
    start = time.perf_counter()
    assert answers(agent, "a") == ["A"]
    assert time.perf_counter() - start < 1
    assert calls == [["a"]]


@pytest.mark.parametrize("threads", [False, True])
def test_one_task_that_fails_is_not_the_failure_of_those_beside_it(threads):
    """So results do not depend on how the batches fell together."""

    def function(tasks):
        if "c" in tasks:
            raise ValueError("c")
        return [task.upper() for task in tasks]

    agent, calls = batched(4, function, threads=threads)
    found = answers(agent, *"abcdef")
    assert [str(answer) for answer in found] == ["A", "B", "c", "D", "E", "F"]
    assert isinstance(found[2], ValueError)
    assert ["c"] in calls


def test_an_async_batch_function_is_awaited():
    async def later(tasks):
        await asyncio.sleep(0)
        return [task * 2 for task in tasks]

    assert answers(FunctionAgent(later, batch=3), *"abcd") == ["aa", "bb", "cc", "dd"]


@pytest.mark.parametrize("wrong", [lambda tasks: tasks[:-1], lambda tasks: "".join(tasks), lambda tasks: None])
def test_as_many_answers_as_tasks_are_wanted(wrong):
    agent, calls = batched(2, wrong)
    assert [type(error) for error in answers(agent, "a", "b")] == [PluginError, PluginError]
    assert len(calls) == 1


def test_who_gives_up_waiting_is_left_out():
    agent, calls = batched(3)

    async def main():
        first = asyncio.ensure_future(ask(agent, ["a"]))
        await asyncio.sleep(0)
        first.cancel()
        return await ask(agent, ["b", "c"])

    assert asyncio.run(main()) == ["B", "C"]
    assert [sorted(call) for call in calls] == [["b", "c"]]
