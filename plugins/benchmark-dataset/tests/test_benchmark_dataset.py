import asyncio
import gzip
import json
import random
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autogenesis_benchmark_dataset.benchmark import Dataset
from autogenesis_benchmark_dataset.scorers import letter_in, number_in
from autogenesis_core import InputError, Outcome, PluginError, Question, Score, UnknownName
from autogenesis_core.testing import BenchmarkContract

SIZES = {"train": 6, "val": 4, "test": 4}
SHARED = Path(__file__).resolve().parents[4] / "shared" / "data"
FILE = Path(__file__).parent / "questions.jsonl"


class TestDataset(BenchmarkContract):
    option = "benchmark/dataset"
    settings = (f"benchmark.path={FILE}",)


def write(folder, rows, name="data.jsonl"):
    path = folder / name
    path.write_text("\n".join(json.dumps(row) for row in rows), encoding="utf-8")
    return str(path)


def rows(count, **more):
    return [{"input": f"What is {n} + {n}?", "target": str(2 * n), **more} for n in range(count)]


def everything(splits):
    return [question for questions in splits.values() for question in questions]


def score(scorer, answer, target):
    return Dataset("data.jsonl", scorer=scorer).score(Question("q", "?", target), Outcome(answer))


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("data.json", json.dumps(rows(3))),
        ("data.json", json.dumps({"canary": "x", "examples": rows(3)})),
        ("data.jsonl", "\n\n".join(json.dumps(row) for row in rows(3)) + "\n"),
        ("data.csv", "input,target\r\nWhat is 0 + 0?,0\r\nWhat is 1 + 1?,2\r\nWhat is 2 + 2?,4\r\n"),
        ("data.v2.CSV", '\ufeffinput,target\n"What is 0 + 0?",0\nWhat is 1 + 1?,2\nWhat is 2 + 2?,4'),
    ],
)
@pytest.mark.parametrize("compressed", [False, True])
def test_json_json_lines_and_csv_hold_the_same_examples(tmp_path, name, content, compressed):
    path = tmp_path / (name + ".gz" * compressed)
    path.write_bytes(gzip.compress(content.encode()) if compressed else content.encode())
    found = everything(Dataset(str(path)).examples({"train": 3}, 0))
    assert {(question.input, question.target) for question in found} == {
        ("What is 0 + 0?", "0"), ("What is 1 + 1?", "2"), ("What is 2 + 2?", "4"),
    }  # fmt: skip


@pytest.mark.parametrize(
    ("fields", "chosen"),
    [
        ({"question": "q", "answer": "a"}, {}),
        ({"prompt": "q", "label": "a"}, {}),
        ({"text": "q", "output": "a", "input": "other", "target": "other"}, {"input": "text", "target": "output"}),
    ],
)
def test_fields_are_guessed_or_chosen(tmp_path, fields, chosen):
    question = everything(Dataset(write(tmp_path, [fields]), **chosen).examples({"test": 1}, 0))[0]
    assert (question.input, question.target) == ("q", "a")


def test_the_order_in_the_file_does_not_matter_and_the_seed_does(tmp_path):
    shuffled = rows(40)
    random.Random(1).shuffle(shuffled)
    first = Dataset(write(tmp_path, rows(40), "a.jsonl")).examples(SIZES, 3)
    second = Dataset(write(tmp_path, shuffled, "b.jsonl")).examples(SIZES, 3)
    other = Dataset(write(tmp_path, rows(40), "a.jsonl")).examples(SIZES, 4)
    assert [q.input for q in everything(first)] == [q.input for q in everything(second)]
    assert [q.input for q in everything(first)] != [q.input for q in everything(other)]


def test_an_input_that_occurs_twice_is_used_once(tmp_path):
    twice = [*rows(6), *rows(6), {"input": " What is 0 + 0? ", "target": "1"}]
    found = everything(Dataset(write(tmp_path, twice)).examples({"train": 20, "val": 20}, 0))
    assert len({question.input for question in found}) == len(found) == 6


@given(st.integers(1, 60), st.tuples(*[st.integers(0, 30)] * 3), st.integers(0, 5))
@settings(max_examples=60, deadline=None)
def test_splits_are_disjoint_and_none_that_is_asked_for_is_empty(tmp_path_factory, count, asked, seed):
    path = write(tmp_path_factory.mktemp("data"), rows(count))
    sizes = dict(zip(("train", "val", "test"), asked, strict=True))
    if count < sum(size > 0 for size in asked):
        with pytest.raises(InputError, match="none is left for"):
            Dataset(path).examples(sizes, seed)
        return
    splits = Dataset(path).examples(sizes, seed)
    assert len({question.id for question in everything(splits)}) == len(everything(splits))
    assert all(bool(size) <= len(splits[split]) <= size for split, size in sizes.items())


def test_an_example_that_is_added_moves_none_to_another_split(tmp_path):
    first = Dataset(write(tmp_path, rows(100), "a.jsonl")).examples(SIZES, 3)
    second = Dataset(write(tmp_path, rows(130), "b.jsonl")).examples(SIZES, 3)
    split_of = {question.input: split for split, found in second.items() for question in found}
    for split, found in first.items():
        assert {split_of.get(question.input, split) for question in found} == {split}


def test_examples_of_one_cluster_stay_in_one_split(tmp_path):
    data = [{**row, "document": number % 8} for number, row in enumerate(rows(80))]
    splits = Dataset(write(tmp_path, data), cluster="document").examples({"train": 30, "val": 30, "test": 30}, 0)
    found = [{question.cluster for question in questions} for questions in splits.values()]
    assert sum(map(len, found)) == len(set.union(*found)) == 8
    with pytest.raises(UnknownName, match="did you mean document"):
        Dataset(write(tmp_path, data), cluster="documents").examples(SIZES, 0)


def test_the_files_own_splits_are_kept(tmp_path):
    own = ["train", "Validation", "test", "dev", "train"]
    data = [{**row, "fold": fold} for row, fold in zip(rows(5), own, strict=True)]
    splits = Dataset(write(tmp_path, data), split="fold").examples(SIZES, 0)
    assert {split: sorted(q.id for q in questions) for split, questions in splits.items()} == {
        "train": ["data-1", "data-5"], "val": ["data-2", "data-4"], "test": ["data-3"],
    }  # fmt: skip


def test_a_question_that_the_file_has_in_two_splits_is_given_in_both(tmp_path):
    """The core tells of it and leaves it out of the one that learns: what decides is never what was learned from."""
    twice = [*rows(4, fold="train"), *rows(6, fold="test")]
    splits = Dataset(write(tmp_path, twice), split="fold").examples({"train": 9, "test": 9}, 0)
    assert [len(splits[split]) for split in ("train", "test")] == [4, 6]


def test_ids_come_from_the_field_that_is_named(tmp_path):
    data = [{**row, "name": f"n{n}"} for n, row in enumerate(rows(3))]
    found = everything(Dataset(write(tmp_path, data), id="name").examples({"train": 3}, 0))
    assert sorted(question.id for question in found) == ["n0", "n1", "n2"]
    data[1]["name"] = "n0"
    with pytest.raises(InputError, match=r"two examples of data\.jsonl have the name 'n0'"):
        Dataset(write(tmp_path, data), id="name").examples({"train": 3}, 0)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.txt", "x", "a.txt is none of .json, .jsonl, .csv"),
        ("a.json", '[{"input": 1},\n oops]', r"no JSON: Expecting value \(line 2, column 2\)"),
        ("a.json", '{"input": "a"}\n{"input": "b"}', "one JSON object a line is .jsonl"),
        ("a.json", '{"a": [], "b": []}', r"exactly one list of examples \(lists: a, b\)"),
        ("a.json", "3", "neither a list"),
        ("a.json", "[]", "holds no examples"),
        ("a.json", '[{"input": "a", "target": NaN}]', "NaN is no number of JSON"),
        ("a.json", "[" * 100_000, "no JSON"),
        ("a.jsonl", '{"input": "a"}\n\n{"input"', r"no JSON: .*\(line 3, column 9\)"),
        ("a.jsonl", '{"input": "a"}\n[1]', r"line 2 of a.jsonl is no object with fields, but \[1\]"),
        ("a.jsonl", "", "holds no examples"),
        ("a.jsonl", '{"body": "a", "target": "b"}', r"none of the fields input(.|\n)*benchmark.input=.*: body"),
        ("a.jsonl", '{"input": "a", "gold": "b"}', r"none of the fields target(.|\n)*benchmark.target=.*: input"),
        ("a.jsonl", '{"input": "a", "target": "b"}\n{"input": "a"}', "example 2 of a.jsonl has no field 'target'"),
        ("a.jsonl", '{"input": ["a"], "target": "b"}', "the field 'input' of example 1 of a.jsonl is no text"),
        ("a.jsonl", '{"input": "a", "target": ["b"]}', "cannot use the target of example 1 .* is no text or number"),
        ("a.csv", "input,target\na,b,c\n", "line 2 of a.csv has not as many cells"),
        ("a.csv", "input,target\na\n", "line 2 of a.csv has not as many cells"),
        ("a.csv", 'input,target\n"a"b,c\n', "is no CSV"),
        ("a.jsonl.gz", "not compressed", "cannot be read"),
    ],
)  # fmt: skip
def test_a_file_that_cannot_be_used_is_an_error_that_says_where_and_why(tmp_path, name, content, message):
    (tmp_path / name).write_text(content, encoding="utf-8")
    with pytest.raises(InputError, match=message):
        Dataset(str(tmp_path / name)).examples({"train": 1}, 0)


def test_a_missing_file_and_bytes_that_are_no_text_are_errors(tmp_path):
    with pytest.raises(InputError, match="there is no file"):
        Dataset(str(tmp_path / "none.json")).examples(SIZES, 0)
    (tmp_path / "a.json").write_bytes(b'["\xff"]')
    with pytest.raises(InputError, match=r"no UTF-8 text \(byte 2\)"):
        Dataset(str(tmp_path / "a.json")).examples(SIZES, 0)


@pytest.mark.parametrize("chosen", [{"input": "inputs"}, {"target": "inputs"}, {"scorer": "exactly"}])
def test_a_name_that_does_not_exist_is_answered_with_the_nearest(tmp_path, chosen):
    with pytest.raises(UnknownName, match=r"did you mean (input|exact)"):
        Dataset(write(tmp_path, rows(9)), **chosen).examples(SIZES, 0)


def test_a_split_that_nobody_knows_is_an_error(tmp_path):
    with pytest.raises(InputError, match=r'example 1 of data\.jsonl belongs to no known split: "held"'):
        Dataset(write(tmp_path, rows(3, fold="held")), split="fold").examples(SIZES, 0)


def test_a_split_without_examples_is_an_error(tmp_path):
    with pytest.raises(InputError, match="3 different examples, and none is left for `val`"):
        Dataset(write(tmp_path, rows(3, fold="train")), split="fold").examples(SIZES, 0)


@pytest.mark.parametrize(
    ("scorer", "answer", "target", "value"),
    [
        ("exact", " 42\n", "42", 1), ("exact", "42", 42, 1), ("exact", "42.", "42", 0), ("exact", "", "42", 0),
        ("numeric", "So she makes $1,018 a day.", "9 * 2 = 18\n#### 1018", 1),
        ("numeric", "#### 18 (of 20)", "18", 0), ("numeric", "#### 18", "18.0", 1),
        ("numeric", "-5", "\N{MINUS SIGN}5", 1),
        ("numeric", "5", "-5", 0), ("numeric", "none", "5", 0), ("numeric", "1000001", "1000000", 0),
        ("contains", "It is paris, I think.", "Paris", 1), ("contains", "It is 18.", "8", 0),
        ("contains", "C++", "c++", 1),
        ("choice", "(B)", "B", 1), ("choice", "The answer is B.", "(B)", 1), ("choice", "A", "(B)", 0),
        ("choice", "no idea", "(B)", 0),
        ("json", '{"a": 1, "b": [2, null]}', {"b": [2.0, None], "a": 1}, 1),
        ("json", 'Here:\n```json\n{"a": 1}\n```\nDone.', '{"a": 1}', 1), ("json", '```\n[1, 2]\n```', "[1, 2]", 1),
        ("json", "true", "1", 0), ("json", "1", "true", 0), ("json", "[2, 1]", [1, 2], 0), ("json", "[1]", [1, 2], 0),
        ("json", '{"a": 1, "b": 2}', {"a": 1}, 0), ("json", "{}", {"a": 1}, 0), ("json", "no", {"a": 1}, 0),
        ("json", "NaN", "0", 0), ("json", "[" * 100_000, "0", 0), ("json", '"1"', 1, 0), ("json", "null", "null", 1),
        ("regex", "on 2024-05-01", r"\d{4}-\d\d", 1), ("regex", "on May 1", r"\d{4}", 0),
    ],
)  # fmt: skip
def test_scorers_compare_answer_and_target(scorer, answer, target, value):
    found = score(scorer, answer, target)
    assert found.value == value
    assert (found.feedback == "Right.") == bool(value)


@pytest.mark.parametrize(
    ("tolerance", "answer", "target", "value"),
    [(0.0, "0.3", "0.30", 1), (0.0, "0.31", "0.3", 0), (0.01, "0.31", "0.3", 1), (0.01, "0.311", "0.3", 0),
     (2, "It is 98.", "100", 1), (1e-9, "1e300", "1", 0), (0.0, "1e999999999", "5", 0), (0.0, "1e" + "9" * 20, "5", 0),
     (0.0, "1e-" + "9" * 20, "0", 0), (1.0, "1e-999999999", "0", 1), (0.0, "9" * 50 + "1", "9" * 50 + "2", 0)],
)  # fmt: skip
def test_a_number_may_be_off_by_the_tolerance(tolerance, answer, target, value):
    dataset = Dataset("a.json", scorer="numeric", tolerance=tolerance)
    assert dataset.score(Question("q", "?", target), Outcome(answer)).value == value


def test_json_may_be_a_superset_of_the_target_if_that_is_set():
    dataset = Dataset("a.json", scorer="json", subset=True)
    found = dataset.score(Question("q", "?", {"a": {"b": [1]}}), Outcome('{"a": {"b": [1], "c": 2}, "d": 3}'))
    assert found.value == 1
    assert dataset.score(Question("q", "?", {"a": [1]}), Outcome('{"a": [1, 2]}')).value == 0


def test_the_data_of_an_answer_is_what_json_compares():
    outcome = Outcome("{'a': 1}", {"a": 1})
    assert Dataset("a.json", scorer="json").score(Question("q", "?", {"a": 1}), outcome).value == 1


@pytest.mark.parametrize(
    ("answer", "remark"),
    [
        ('{"a": {"b": [1, 3]}}', 'the answer.a.b[1] is "3"; it should be "2".'),
        ('{"a": {}}', "the answer.a has no field 'b'."),
        ('{"a": {"b": [1, 2], "c": 0}}', "the answer.a has a field too much, 'c'."),
        ('{"a": {"b": [1]}}', "the answer.a.b has 1 items; it should have 2."),
        ("a: 1", "The answer is no JSON: Expecting value: line 1 column 1 (char 0)."),
    ],
)
def test_feedback_on_json_says_where_it_differs_first(answer, remark):
    assert score("json", answer, {"a": {"b": [1, 2]}}).feedback.endswith(remark)


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-5, 5)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=2), inner, max_size=3),
    max_leaves=8,
)


@given(json_values, json_values)
@settings(max_examples=150, deadline=None)
def test_json_is_right_if_and_only_if_its_canonical_form_is_the_targets(first, second):
    def form(value):  # 1 is 1.0 in JSON
        if isinstance(value, float) and value.is_integer():
            return int(value)
        if isinstance(value, list):
            return [form(item) for item in value]
        return {key: form(item) for key, item in value.items()} if isinstance(value, dict) else value

    def right(answer, target):
        return score("json", json.dumps(answer), json.dumps(target)).value == 1

    assert right(first, first)
    assert right(first, second) == (json.dumps(form(first), sort_keys=True) == json.dumps(form(second), sort_keys=True))


def test_feedback_says_what_was_expected_and_what_was_given():
    assert score("numeric", "It is 20.", "#### 18").feedback == (
        'Expected "#### 18", but the answer was "It is 20.". The number read from the answer is 20; it should be 18.'
    )
    assert "nothing else" in score("exact", "The answer is 18.", "18").feedback
    assert len(score("exact", "x" * 10_000, "18").feedback) < 700


@given(
    st.integers(-(10**9), 10**9), st.sampled_from(["{}", "The answer is {}.", "2 * 3 = {}", "${}", "**{}**", "x={}"])
)
def test_numbers_are_read_with_and_without_commas(number, text):
    assert number_in(text.format(number)) == number_in(text.format(f"{number:,}")) == number


@pytest.mark.parametrize(
    ("text", "number"),
    [("3.50", "3.5"), (".5", ".5"), ("1e3", "1000"), ("5-3", "3"), ("version2", None), ("18.", "18")],
)
def test_numbers_are_read_as_people_write_them(text, number):
    found = number_in(text)
    assert found == (None if number is None else pytest.approx(type(found)(number)))


@pytest.mark.parametrize(
    ("text", "letter"),
    [
        ("b", "B"), ("(B)", "B"), ("B.", "B"), ("B) 12/24", "B"), ("**B**", "B"), ("Answer: B", "B"),
        ("The correct answer is (C), not (A).", "C"), ("(A) is wrong, so (D)", "D"), (r"\boxed{C}", "C"),
        ("A dog is the answer", None), ("I think so", None), ("The answer is a dog", None),
        ("Answer: I think so", None),
        ("It is B or C", None), ("", None),
    ],
)  # fmt: skip
def test_a_choice_is_read_only_where_it_is_clear(text, letter):
    assert letter_in(text) == letter


@pytest.mark.parametrize(
    ("scorer", "target", "message"),
    [
        ("numeric", "none", "holds no number"),
        ("choice", "Yes", "no letter of an option"),
        ("regex", "(", "no regular expression"),
        ("contains", " ", "is empty"),
        ("json", "{", "is no JSON"),
        ("exact", None, "no text or number"),
        ("exact", True, "no text or number"),
    ],
)
def test_a_target_that_a_scorer_cannot_use_is_told_beforehand(tmp_path, scorer, target, message):
    path = write(tmp_path, [{"input": "a", "target": target}])
    with pytest.raises(InputError, match=f"the scorer {scorer} cannot use the target of example 1.*{message}"):
        Dataset(path, scorer=scorer).examples({"train": 1}, 0)


def own(folder, body, name="scorer.py"):
    (folder / name).write_text(f"def score(answer, target, question):\n    {body}\n", encoding="utf-8")
    return f"{folder / name}:score"


@pytest.mark.parametrize(
    ("body", "value", "feedback"),
    [
        ("return answer == target", 1.0, "Right."),
        ("return 0.5", 0.5, 'Expected "4". The answer was "4"; its score is 0.5.'),
        ("return 0, f'{question} is not that'", 0.0, "2 + 2? is not that"),
    ],
)
def test_a_function_of_the_users_scores(tmp_path, body, value, feedback):
    found = Dataset("a.json", scorer=own(tmp_path, body)).score(Question("q", "2 + 2?", "4"), Outcome(" 4 "))
    assert (found.value, found.feedback) == (value, feedback)


def test_an_async_function_of_the_users_is_awaited(tmp_path):
    (tmp_path / "scorer.py").write_text("async def score(answer, target, question):\n    return 0.5, 'half'\n")
    found = Dataset("a.json", scorer=f"{tmp_path / 'scorer.py'}:score").score(Question("q", "?", "4"), Outcome("4"))
    assert asyncio.run(found) == Score(0.5, "half")


def test_a_function_that_is_declared_thread_safe_is_called_in_a_thread(tmp_path):
    body = "import threading; return float(threading.current_thread() is threading.main_thread())"
    path, question = own(tmp_path, body), Question("q", "?", "4")
    assert Dataset("a.json", scorer=path).score(question, Outcome("4")).value == 1
    assert asyncio.run(Dataset("a.json", scorer=path, threads=True).score(question, Outcome("4"))).value == 0


@pytest.mark.parametrize("body", ["return 'good'", "return None", "return float('nan')", "return 1, 2, 3"])
def test_a_function_that_gives_no_score_is_the_plugins_fault_not_the_candidates(tmp_path, body):
    with pytest.raises(PluginError, match=r"scorer.py:score gave .* for q"):
        Dataset("a.json", scorer=own(tmp_path, body)).score(Question("q", "?", "4"), Outcome("4"))


def test_with_a_function_of_ones_own_a_target_is_not_needed(tmp_path):
    path = write(tmp_path, [{"input": "a", "extra": 1}])
    assert everything(Dataset(path, scorer="scorer.py:score").examples({"train": 1}, 0))[0].target is None


def test_evaluations_with_another_scorer_are_not_comparable(tmp_path):
    first = Dataset("a.json", scorer=own(tmp_path, "return 1")).digest
    assert first == Dataset("a.json", scorer=own(tmp_path, "return 1")).digest
    assert first != Dataset("a.json", scorer=own(tmp_path, "return 0")).digest
    assert Dataset("a.json").digest != Dataset("a.json", scorer="numeric").digest
    assert Dataset("a.json", tolerance=0.1).digest != Dataset("a.json").digest
    assert Dataset("moved.json", split="fold").digest == Dataset("a.json").digest
    with pytest.raises(InputError, match="there is no file"):
        _ = Dataset("a.json", scorer=f"{tmp_path}/none.py:score").digest


def shared(name):
    if not (SHARED / name).is_file():
        pytest.skip(f"the data set {name} is not at ../shared/data beside the repository")
    return str(SHARED / name)


@pytest.mark.parametrize(
    ("task", "scorer", "wordy"),
    [
        ("boolean_expressions", "contains", "It is {}."),
        ("date_understanding", "choice", "The answer is {}."),
        ("multistep_arithmetic_two", "numeric", "= {}"),
        ("navigate", "exact", "{}"),
    ],
)
def test_big_bench_hard_is_read_as_it_is(task, scorer, wordy):
    dataset = Dataset(shared(f"bbh/{task}.json"), scorer=scorer)
    splits = dataset.examples({"train": 60, "val": 50, "test": 100}, 0)
    assert [len(questions) for questions in splits.values()] == [60, 50, 100]
    scores = [dataset.score(q, Outcome(wordy.format(q.target))).value for q in everything(splits)]
    assert scores == [1.0] * 210


def test_gsm8k_is_scored_by_the_number_after_the_marks():
    dataset = Dataset(shared("gsm8k/test.jsonl"), scorer="numeric")
    found = everything(dataset.examples({"train": 1319}, 0))
    assert len(found) == 1319
    for question in found:
        final = question.target.rpartition("#### ")[2]
        assert dataset.score(question, Outcome(f"The answer is {final}.")).value == 1.0
        assert dataset.score(question, Outcome(f"The answer is {final}1.")).value == 0.0


def test_humaneval_is_read_with_a_function_of_ones_own(tmp_path):
    scorer = own(tmp_path, "return float(target in answer)")
    dataset = Dataset(shared("humaneval/HumanEval.jsonl.gz"), target="canonical_solution", id="task_id", scorer=scorer)
    found = everything(dataset.examples({"train": 100, "val": 50, "test": 50}, 0))
    assert len(found) == 164
    assert dataset.score(found[0], Outcome(found[0].input + found[0].target + "\n#")).value == 1.0
