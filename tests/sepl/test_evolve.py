import asyncio
import threading

import pytest

from autogenesis_core import InputError, PluginError, Runtime, UnknownName, evolve, hookimpl

PARTS = """
from attrs import frozen
from autogenesis_core import Edit, Vote, hookimpl


@frozen
class Steps:
    name: str = "skill"
    rounds: int = 4

    @hookimpl
    async def sepl_select(self, context):
        variable = next(v for v in context.trainable if v.path == f"variables.{self.name}")
        return [Edit(variable.id, variable.value + 2 if context.round != 2 else 0)]


@frozen
class Greedy:
    @hookimpl
    async def sepl_gate(self, assessment):
        better = assessment.candidate.mean > assessment.baseline.mean
        return Vote("greedy", "commit" if better else "reject", "by the mean")
"""
CONF = "# @package {0}\n# A part\n_target_: autogenesis_test_steps.parts:{1}\n"
EXAMPLES = [(str(number), number) for number in range(60)]
WORDS = ("+gate=greedy", "seed=3", "splits.train=20", "splits.val=20", "splits.test=20")


@pytest.fixture(autouse=True)
def _installed(distribution, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("AUTOGENESIS_MODEL", raising=False)
    distribution(
        "autogenesis-test-steps",
        {
            "parts.py": PARTS,
            "conf/optimizer/steps.yaml": CONF.format("optimizer", "Steps") + "name: skill\nrounds: 4\n",
            "conf/gate/greedy.yaml": CONF.format("gate.greedy", "Greedy"),
        },
    )


def answer(task, *, skill, style="plain"):
    return str(skill)


async def answer_later(task, *, skill):
    await asyncio.sleep(0)
    return answer(task, skill=skill)


def tenths(text, target):
    return float(text) / 10


def run(function, *words, variables=None, examples=EXAMPLES, scorer=tenths, **more):
    made = evolve(
        function, *WORDS, *words, variables=variables or {"skill": 3}, examples=examples, scorer=scorer,
        optimizer="steps", **more,
    )  # fmt: skip
    return asyncio.run(made)


def test_a_function_that_raises_is_named_in_the_result(tmp_path):
    def broken(task, *, skill):
        raise ValueError("agent is broken" if task in ("0", "1") else "agent is\nvery broken")

    result = run(broken)
    first = result["failures"][0]
    assert (first["reason"], len(result["failures"])) == ("ValueError: agent is very broken", 2)
    assert sum(failure["count"] for failure in result["failures"]) == result["spent"]["rollouts"]
    assert run(answer)["failures"] == []


@pytest.mark.parametrize("function", [answer, answer_later])
def test_a_function_of_ones_own_gets_better(function, tmp_path):
    result = run(function)
    assert [entry["decision"] for entry in result["rounds"]] == ["commit", "reject", "commit", "commit"]
    assert result["variables"] == {"skill": 9}
    assert result["scores"]["test"]["after"]["mean"] > result["scores"]["test"]["before"]["mean"]
    assert {path.name for path in tmp_path.iterdir()} == {"workdir"}


async def tenths_later(text, target):
    await asyncio.sleep(0)
    return tenths(text, target), f"{text} of ten"


def test_an_async_scorer_with_feedback_of_its_own_scores_the_same(tmp_path):
    assert run(answer, scorer=tenths_later)["variables"] == {"skill": 9}
    assert " of ten" in next((tmp_path / "workdir/runs").glob("*/traces.jsonl")).read_text()


def comparable(result):
    return {
        key: value for key, value in result.items() if key not in ("spent", "objectives", "run", "scorer", "commits")
    }


def test_threads_and_batches_change_nothing_but_the_time(tmp_path):
    names = []

    def in_thread(task, *, skill, style="plain"):
        names.append(threading.current_thread().name)
        return answer(task, skill=skill, style=style)

    def batched(tasks, *, skill, style="plain"):
        names.append(len(tasks))
        return [answer(task, skill=skill, style=style) for task in tasks]

    in_thread.__name__ = batched.__name__ = "answer"
    plain = run(answer, folder=tmp_path / "plain")
    threaded = run(in_thread, folder=tmp_path / "threads", threads=True)
    assert threading.current_thread().name not in names
    names.clear()
    gathered = run(batched, folder=tmp_path / "batch", batch=4)
    assert max(names) == 4
    for other in (threaded, gathered):
        assert {**comparable(other), "digests": None} == {**comparable(plain), "digests": None}


def test_a_scorer_that_gives_no_number_is_named():
    with pytest.raises(PluginError, match="odd gave 'good' for example-"):
        run(answer, scorer=odd)


def odd(text, target):
    return "good"


def test_examples_may_be_mappings():
    found = [{"input": text, "target": target} for text, target in EXAMPLES]
    assert run(answer, examples=found)["variables"] == {"skill": 9}


def test_examples_of_one_cluster_stay_in_one_split_and_are_counted_as_one():
    found = [{"input": text, "target": target, "cluster": f"page {target // 2}"} for text, target in EXAMPLES]
    score = run(answer, examples=found)["scores"]["test"]["before"]
    assert score["n"] / 2 <= score["clusters"] < score["n"]


def test_a_variable_that_is_not_evolved_stays():
    assert run(answer, variables={"skill": 3, "style": "bold"})["variables"] == {"skill": 9, "style": "bold"}


def test_settings_are_those_of_the_command_line():
    result = run(answer, "seed=3", "optimizer.rounds=1")
    assert (result["seed"], len(result["rounds"]), result["variables"]) == (3, 1, {"skill": 5})


def test_a_second_run_goes_on_from_the_first():
    run(answer, "optimizer.rounds=1")
    result = run(answer, "optimizer.rounds=1")
    assert (result["variables"], result["rounds"][0]["from"]) == ({"skill": 7}, {"agent/answer": "1.0.1"})


def test_the_splits_share_no_example_even_where_there_are_duplicates():
    sizes = run(answer, examples=[*EXAMPLES, *EXAMPLES])["examples"]
    assert sizes == run(answer)["examples"]
    assert sum(sizes.values()) <= 60


def test_few_examples_are_shared_among_the_splits():
    sizes = run(answer, examples=EXAMPLES[:9])["examples"]
    assert min(sizes.values()) >= 1
    assert sum(sizes.values()) == 9


def test_another_function_is_not_confused_with_the_first():
    """The record of a function says which function it is, so that its versions are its own."""
    run(answer)

    def other(task, *, depth):
        return str(depth)

    assert run(other, "optimizer.name=depth", variables={"depth": 1})["variables"] == {"depth": 7}


def test_a_function_that_lacks_a_variable_is_an_error_and_no_score():
    with pytest.raises(InputError, match="skil"):
        run(answer, variables={"skil": 3, "skill": 3})


def test_an_unknown_optimizer_is_an_error():
    with pytest.raises(UnknownName, match="stepz"):
        asyncio.run(evolve(answer, variables={"skill": 3}, examples=EXAMPLES, scorer=tenths, optimizer="stepz"))


@pytest.mark.parametrize("example", ["abc", ("a", 1, 2), 7, {"target": 1}])
def test_an_example_that_is_none_is_an_input_error_that_says_which(example):
    with pytest.raises(InputError, match=r"examples\[1\]"):
        run(answer, examples=[("1", 1), example])


def test_without_examples_there_is_nothing_to_do():
    with pytest.raises(InputError):
        run(answer, examples=[])


def test_without_variables_there_is_nothing_to_do():
    made = evolve(lambda task: task, *WORDS, variables={}, examples=EXAMPLES, scorer=tenths, optimizer="steps")
    with pytest.raises(InputError, match="nothing here is trainable"):
        asyncio.run(made)


def test_variables_can_be_read_set_and_restored_from_python():
    async def use():
        async with Runtime.compose("+optimizer=steps", *WORDS, agent=function_agent()) as ag:
            first = ag.agent.get_variables("answer")
            version = ag.agent.set_variables("answer", {"variables.skill": 8})
            second = ag.agent.get_variables("answer")
            return first, version, second, ag.agent.restore("answer", "1.0.0"), ag.agent.get_variables("answer")

    def function_agent():
        from autogenesis_core import FunctionAgent

        return FunctionAgent(answer, {"skill": 3})

    first, third = {"variables.skill": 3}, {"variables.skill": 8}
    assert asyncio.run(use()) == (first, "1.0.1", third, "1.0.2", first)


def notes_of(*words):
    from autogenesis_core import FunctionAgent
    from autogenesis_core.evolution import _Pairs, _questions

    async def told():
        parts = {"agent": FunctionAgent(answer, {"skill": 3}), "benchmark": _Pairs(_questions(EXAMPLES), tenths)}
        async with Runtime.compose("+optimizer=steps", *words, **parts) as ag:
            ag.examples()
            return list(ag.notes)

    return asyncio.run(told())


def test_a_split_that_has_fewer_examples_than_asked_for_says_so():
    (note,) = notes_of("splits.train=60", "splits.val=3", "splits.test=100")
    assert note.startswith("asked for splits.train=60, splits.test=100, given ")
    assert "smaller splits leave more" in note
    assert notes_of() == notes_of("splits.val=10", "splits.train=10", "splits.test=10") == []


def test_what_cannot_be_is_not_advised():
    """Val has all the examples that there are for it, and the same scores come again."""
    told = []

    class Notes:
        @hookimpl
        async def sepl_observe(self, event, data):
            told.append(data.get("gate"))

    async def start(*words):
        from autogenesis_core import FunctionAgent
        from autogenesis_core.evolution import _Pairs, _questions

        parts = {"agent": FunctionAgent(answer, {"skill": 3}), "benchmark": _Pairs(_questions(EXAMPLES), tenths)}
        async with Runtime.compose("+optimizer=steps", "+gate=auto", *words, **parts) as ag:
            ag.observe(Notes())
            await ag.evolve()

    asyncio.run(start("deterministic=true"))
    assert "more than there are" in told[0]
    assert "epochs" not in told[0]


def test_examples_that_an_earlier_run_learned_from_and_that_are_now_to_decide_are_told_of():
    """Another seed deals the same examples anew; with the same, also of a file that grew, nothing is told."""

    async def told(*words, examples=EXAMPLES):
        from autogenesis_core import FunctionAgent
        from autogenesis_core.evolution import _Pairs, _questions

        parts = {"agent": FunctionAgent(answer, {"skill": 3}), "benchmark": _Pairs(_questions(examples), tenths)}
        async with Runtime.compose(*WORDS, *words, **parts) as ag:
            await ag.measure()
            return [note for note in ag.notes if "learned from" in note]

    assert asyncio.run(told("seed=4")) == []  # nobody has learned yet
    run(answer, "optimizer.rounds=1")
    assert asyncio.run(told()) == []
    assert asyncio.run(told(examples=[*EXAMPLES, *((str(n), n) for n in range(60, 90))])) == []
    (note,) = asyncio.run(told("seed=4"))
    assert "earlier runs had another seed or other splits" in note
