"""Splits by content, and examples that stand in two of them."""

import asyncio
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autogenesis_core import Benchmark, InputError, Question, Runtime, Score, split_by_content
from autogenesis_core.sepl.splits import plain_text, without_duplicates

SIZES = {"train": 60, "val": 50, "test": 100}


def questions(texts, **metadata):
    return [Question(f"q{number}", text, metadata=metadata) for number, text in enumerate(texts)]


def where(splits):
    return {question.input: split for split, found in splits.items() for question in found}


@given(
    st.lists(st.integers(0, 10**6), unique=True, min_size=30, max_size=80),
    st.lists(st.integers(10**6 + 1, 2 * 10**6), unique=True, max_size=80),
    st.tuples(*[st.integers(1, 40)] * 3),
    st.integers(0, 9),
)
@settings(max_examples=100, deadline=None)
def test_examples_that_are_added_move_none_to_another_split(first, more, asked, seed):
    sizes = dict(zip(("train", "val", "test"), asked, strict=True))
    before = split_by_content(questions(map(str, first)), sizes, seed)
    after = where(split_by_content(questions(map(str, [*more, *first])), sizes, seed))
    lent = {split for split, found in before.items() if len(found) == 1}  # the one that it has may be lent
    moved = {
        text
        for text, split in where(before).items()
        if after.get(text, split) != split and not {split, after[text]} & lent
    }
    assert moved == set()


def test_a_split_has_about_its_share_and_never_more_than_its_size():
    splits = split_by_content(questions(f"question {n}" for n in range(2100)), SIZES, 0)
    assert {split: len(found) for split, found in splits.items()} == SIZES
    shares = Counter(where(split_by_content(questions(f"question {n}" for n in range(210)), SIZES, 0)).values())
    assert all(abs(shares[split] - size) < 25 for split, size in SIZES.items())


def test_another_seed_deals_otherwise_and_the_order_of_the_file_says_nothing():
    texts = [f"question {n}" for n in range(300)]
    first = split_by_content(questions(texts), SIZES, 0)
    again = split_by_content(questions(texts[::-1]), SIZES, 0)
    assert [[q.input for q in found] for found in first.values()] == [[q.input for q in v] for v in again.values()]
    assert where(first) != where(split_by_content(questions(texts), SIZES, 1))


def test_a_split_of_no_size_gets_nothing():
    splits = split_by_content(questions("abc"), {"train": 0, "val": 2, "test": 0}, 0)
    assert [len(splits[split]) for split in ("train", "val", "test")] == [0, 2, 0]
    assert split_by_content(questions("abc"), {}, 0) == {"train": [], "val": [], "test": []}


@pytest.mark.parametrize("seed", range(20))
def test_in_a_tiny_file_no_split_is_empty_while_there_is_one_to_lend(seed):
    splits = split_by_content(questions(["one", "two", "three"]), SIZES, seed)
    assert [len(found) for found in splits.values()] == [1, 1, 1]


@pytest.mark.parametrize("seed", range(10))
def test_what_differs_in_case_space_and_punctuation_alone_stays_together(seed):
    same = questions(
        ["What is the capital of France?", "what is the  capital of france", "What is the capital of France ?"]
    )
    assert len(set(where(split_by_content(same, SIZES, seed)).values())) == 1


@pytest.mark.parametrize("seed", range(10))
def test_a_cluster_stays_together(seed):
    found = split_by_content(questions(map(str, range(40)), cluster="one document"), SIZES, seed)
    assert len(set(where(found).values())) == 1


@pytest.mark.parametrize(
    ("first", "second"),
    [("What is 1.5?", "What is 15?"), ("8 - 3", "8 + 3"), ("(8 - 3) * 6", "8 - (3 * 6)"), ("f(a,b)", "f(ab)"), ("a ! b", "a b")],
)  # fmt: skip
def test_what_makes_another_question_is_not_taken_for_punctuation(first, second):
    assert plain_text(first) != plain_text(second)


def test_an_example_in_two_splits_is_left_out_of_the_one_that_learns():
    splits = {
        "train": questions(["Say a.", "say b", "c"]),
        "val": [Question("v1", "say A"), Question("v2", "d")],
        "test": [Question("t1", "D"), Question("t2", "say  b!")],
    }
    kept, notes = without_duplicates(splits)
    assert {split: [q.id for q in found] for split, found in kept.items()} == {
        "train": ["q2"], "val": ["v1"], "test": ["t1", "t2"],
    }  # fmt: skip
    assert notes == [
        "1 example of val left out, the same in another split: v2 = t1 of test",
        "2 examples of train left out, the same in another split: q0 = v1 of val, q1 = t2 of test",
    ]


def test_without_duplicates_nothing_is_left_out_and_nothing_said():
    splits = {"train": questions("ab"), "val": questions("cd"), "test": []}
    assert without_duplicates(splits) == (splits, [])


def test_a_split_of_which_every_example_stands_in_another_is_an_error():
    with pytest.raises(InputError, match=r"every example of train .*\n.*q0 = t0 of test"):
        without_duplicates({"train": questions("a"), "val": [], "test": [Question("t0", "A")]})


class Leaky(Benchmark):
    """Gives one question of test to train as well."""

    def examples(self, sizes, seed):
        return {
            split: [*(Question(f"{split}-{n}", f"{start + n}") for n in range(size)), Question(f"{split}-x", shared)]
            for (split, size), start, shared in zip(
                sizes.items(), (0, 1000, 2000), ("Same?", "3000", "same"), strict=True
            )
        }

    def score(self, example, outcome):
        return Score(1.0)


def test_the_core_holds_it_against_every_benchmark(composition):
    async def measured():
        async with Runtime(composition([3], benchmark=Leaky(), sizes=(4, 4, 4))) as ag:
            return await ag.measure(), list(ag.notes)

    result, notes = asyncio.run(measured())
    assert {split: score["n"] for split, score in result["scores"].items()} == {"train": 4, "val": 5, "test": 5}
    assert "1 example of train left out, the same in another split: train-x = test-x of test" in notes
