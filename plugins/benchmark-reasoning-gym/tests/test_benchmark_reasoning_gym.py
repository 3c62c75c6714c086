import json
import random
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autogenesis_core import ConfigurationError, InputError, Outcome, Question, UnknownName, canonical, structure
from autogenesis_core.testing import BenchmarkContract

pytest.importorskip("reasoning_gym")

from autogenesis_benchmark_reasoning_gym import wire
from autogenesis_benchmark_reasoning_gym.benchmark import ReasoningGym
from autogenesis_benchmark_reasoning_gym.plain import is_plain

SIZES = {"train": 20, "val": 12, "test": 8}


class TestReasoningGym(BenchmarkContract):
    option = "benchmark/reasoning_gym"


def everything(splits):
    return [question for questions in splits.values() for question in questions]


def task_of(question: Question) -> str:
    return question.id.rpartition("-")[0]


def test_splits_have_the_sizes_that_were_asked_for_and_no_question_twice():
    splits = ReasoningGym().examples(SIZES, 3)
    assert {split: len(questions) for split, questions in splits.items()} == SIZES
    assert len({question.input for question in everything(splits)}) == 40
    assert len({question.id for question in everything(splits)}) == 40


def test_the_default_mix_has_equal_shares_in_every_split():
    for split, questions in ReasoningGym().examples(SIZES, 3).items():
        tasks = [task_of(question) for question in questions]
        assert {tasks.count(task) for task in ReasoningGym().tasks} == {SIZES[split] // 4}


def test_weights_shift_the_shares():
    mix = ReasoningGym(tasks=["chain_sum", "word_sorting"], weights={"chain_sum": 3})
    tasks = [task_of(question) for question in mix.examples({"train": 8}, 0)["train"]]
    assert (tasks.count("chain_sum"), tasks.count("word_sorting")) == (6, 2)


def test_another_seed_gives_other_questions_even_if_it_is_the_next():
    first, second = (everything(ReasoningGym().examples(SIZES, seed)) for seed in (1, 2))
    assert len({q.input for q in first} & {q.input for q in second}) <= 1


def test_the_same_seed_gives_the_same_questions_in_another_process():
    code = (
        "from autogenesis_benchmark_reasoning_gym.benchmark import ReasoningGym as R\n"
        "print([q.digest for q in R(tasks=['word_sorting', 'list_functions']).examples({'val': 6}, 5)['val']])"
    )
    questions = ReasoningGym(tasks=["word_sorting", "list_functions"]).examples({"val": 6}, 5)["val"]
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == str([question.digest for question in questions])


def test_tasks_whose_questions_do_not_repeat_are_refused_with_the_remedy():
    code = (
        "from autogenesis_benchmark_reasoning_gym.benchmark import ReasoningGym as R\n"
        "print(len(R(tasks=['ransom_note']).examples({'val': 3}, 5)['val']))"
    )

    def run(hash_seed):
        env = {"PYTHONHASHSEED": hash_seed, "PYTHONPATH": ":".join(sys.path)}
        return subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=False)

    assert run("0").stdout.strip() == "3"
    assert "PYTHONHASHSEED=0" in run("random").stderr


def test_the_global_random_numbers_are_left_alone():
    import numpy as np

    random.seed(4)
    np.random.seed(4)  # the legacy generator is what must not change
    before = random.getstate(), np.random.get_state()[1].tolist()
    benchmark = ReasoningGym(tasks=["list_functions", "pool_matrix"])
    benchmark.examples({"train": 6}, 0)
    assert before == (random.getstate(), np.random.get_state()[1].tolist())


def test_a_task_with_few_questions_shares_them_out():
    few = ReasoningGym(tasks=["tower_of_hanoi"], settings={"tower_of_hanoi": {"min_disks": 2, "max_disks": 2}})
    splits = few.examples({"train": 100, "val": 50, "test": 50}, 0)
    found = everything(splits)
    assert 0 < len(found) < 200
    assert len({question.input for question in found}) == len(found)
    assert len(splits["train"]) >= len(splits["val"]) >= len(splits["test"]) > 0


def test_verifiers_judge_and_feedback_says_what_was_expected():
    question = ReasoningGym(tasks=["basic_arithmetic"]).examples({"train": 1}, 0)["train"][0]
    benchmark = ReasoningGym()
    right = benchmark.score(question, Outcome(f"  {question.target}\n"))
    wordy = benchmark.score(question, Outcome(f"The answer is {question.target}."))
    wrong = benchmark.score(question, Outcome("no idea"))
    assert (right.value, right.feedback) == (1.0, "Right.")
    assert 0 < wordy.value < 1
    assert "nothing else" in wordy.feedback
    assert (wrong.value, wrong.feedback) == (0.0, f'Expected "{question.target}", but the answer was "no idea".')


@pytest.mark.parametrize("task", ["graph_color", "rearc", "n_queens", "countdown", "game_of_life", "simple_equations"])
def test_what_a_verifier_needs_is_in_the_question(task):
    benchmark = ReasoningGym(tasks=[task])
    for question in benchmark.examples({"train": 2}, 1)["train"]:
        metadata = json.loads(canonical(question.metadata))
        again = Question(question.id, question.input, question.target, metadata)
        if isinstance(question.target, str):
            assert ReasoningGym(tasks=[task]).score(again, Outcome(question.target)).value == 1.0
        assert ReasoningGym(tasks=[task]).score(again, Outcome("[[")).value < 0.1


def test_answers_are_never_executed(tmp_path):
    mark = tmp_path / "mark"
    attack = f"__import__('pathlib').Path({str(mark)!r}).touch()"
    for task in ("binary_matrix", "countdown", "n_queens", "puzzle24", "simple_integration", "spiral_matrix"):
        question = ReasoningGym(tasks=[task]).examples({"train": 1}, 0)["train"][0]
        for answer in (attack, f"[{attack}]", f"{attack} + 3!"):
            score = ReasoningGym(tasks=[task]).score(question, Outcome(answer))
            assert score.value == 0.0
            assert not mark.exists()


@pytest.mark.parametrize(
    "answer",
    ["9**9**9", "9**(99*99*99)", "((2**64)**64)**64", "x**(64/(1/64)/(1/64))", "f(x)", "exp.__class__", "lambda: 1",
     "[x for x in (1,)]", "x" * 1001, "1" * 200, "sin(x, evaluate=0)", "(" * 150 + ")" * 150],
)  # fmt: skip
def test_formulas_that_call_or_grow_without_bound_are_not_read(answer):
    assert not is_plain("simple_integration", answer)


@pytest.mark.parametrize(
    "answer", ["3*x**2/2 + C", "-sin(2*x)**2 + sqrt(x)", "exp(-x)/5", "x**(3/2)", "(1 + 2)*(3 - 4)/5"]
)
def test_ordinary_formulas_are_read(answer):
    assert is_plain("intermediate_integration", answer)


METADATA = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=4),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.lists(inner, max_size=3).map(tuple)
        | st.dictionaries(st.text(max_size=3) | st.integers() | st.sampled_from(["()", "{}", "set"]), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(METADATA)
def test_metadata_goes_through_json_and_back(metadata):
    text = canonical(wire.encode(metadata))
    assert wire.decode(json.loads(text)) == metadata


def test_an_unknown_task_is_answered_with_the_nearest():
    with pytest.raises(UnknownName, match="did you mean word_sorting"):
        ReasoningGym(tasks=["word_sortin"]).examples(SIZES, 0)


def test_an_unknown_setting_is_answered_with_the_nearest():
    with pytest.raises(UnknownName, match="did you mean max_words"):
        ReasoningGym(tasks=["word_sorting"], settings={"word_sorting": {"max_word": 3}}).examples(SIZES, 0)


def test_a_settings_wrong_value_is_an_error_with_reasoning_gyms_reason():
    wrong = ReasoningGym(tasks=["word_sorting"], settings={"word_sorting": {"max_words": 1}})
    with pytest.raises(InputError, match=r"does not take the settings of word_sorting: .*max_words"):
        wrong.examples(SIZES, 0)


def test_seed_and_size_belong_to_the_run():
    with pytest.raises(InputError, match="the run decides"):
        ReasoningGym(tasks=["word_sorting"], settings={"word_sorting": {"seed": 1}}).examples(SIZES, 0)


@pytest.mark.parametrize(
    "data",
    [{"tasks": []}, {"tasks": ["a", "a"]}, {"weights": {"word_sortin": 1}}, {"weights": {"word_sorting": 0}},
     {"settings": {"chain_sum": {}}}, {"tasks": "word_sorting"}],
)  # fmt: skip
def test_a_mix_that_cannot_be_is_refused_when_it_is_built(data):
    with pytest.raises(ConfigurationError):
        structure(data, ReasoningGym, "benchmark")


def test_settings_reach_the_dataset():
    settings = {"word_sorting": {"min_words": 3, "max_words": 3}}
    for question in ReasoningGym(tasks=["word_sorting"], settings=settings).examples({"val": 5}, 0)["val"]:
        assert question.target.count(",") == 2
