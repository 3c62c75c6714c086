import time
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autogenesis_core import InputError, Patch, apply_patches
from autogenesis_core.sepl.patch import rebase

LINES = st.lists(st.sampled_from(["a", "b", "c", "d", "", "e f"]), min_size=1, max_size=8)
TEXTS = LINES.map("\n".join)


def test_a_patch_adds_replaces_or_deletes_a_span():
    text = "Be brief.\nNever lie.\nStop."
    assert apply_patches(text, [Patch("add", "lie", "Say so.")]) == "Be brief.\nNever lie.\nSay so.\nStop."
    assert apply_patches(text, [Patch("replace", "brief", "long")]) == "Be long.\nNever lie.\nStop."
    assert apply_patches(text, [Patch("delete", "\nNever lie.")]) == "Be brief.\nStop."
    assert apply_patches(text, [Patch("add", text="End.")]) == f"{text}\nEnd."
    assert apply_patches("", [Patch("add", text="Begin.")]) == "Begin."


def test_patches_apply_one_after_the_other_to_the_text_as_it_is_then():
    patches = [Patch("add", text="new line"), Patch("replace", "new line", "newer")]
    assert apply_patches("old", patches) == "old\nnewer"


@pytest.mark.parametrize(
    ("patch", "found"),
    [
        (Patch("replace", "x", "y"), "nowhere"),
        (Patch("delete", "a"), "2 times"),
        (Patch("add", "a", "y"), "2 times"),
        (Patch("replace", "", "y"), "times"),
    ],
)
def test_a_span_that_is_not_there_exactly_once_is_an_error(patch, found):
    with pytest.raises(InputError, match=found):
        apply_patches("a b a", [patch])


@given(TEXTS, TEXTS)
def test_onto_the_base_itself_the_edit_is_the_result_and_no_edit_leaves_what_is_there(base, edited):
    assert rebase(base, edited, base) == edited
    assert rebase(base, base, edited) == edited
    assert rebase(base, edited, edited) == edited


@given(st.lists(st.integers(0, 2), min_size=1, max_size=8), st.data())
def test_changes_of_different_lines_are_combined_in_either_order(who, data):
    """Each line belongs to one of two writers, or to nobody, so that they never touch the same."""
    base = [f"line {number}" for number in range(len(who))]

    def written(writer):
        made = [data.draw(st.sampled_from([line, f"{writer} {line}"])) if who[n] == writer else line
                for n, line in enumerate(base)]  # fmt: skip
        return "\n".join(made)

    first, second = written(1), written(2)
    text = "\n".join(base)
    expected = "\n".join((first if owner == 1 else second).split("\n")[number] for number, owner in enumerate(who))
    assert rebase(text, first, second) in (expected, None)
    assert rebase(text, first, second) == rebase(text, second, first)
    if not any(a and b and a != b for a, b in pairwise(who)):
        assert rebase(text, first, second) == expected


@given(TEXTS, TEXTS, TEXTS)
@settings(max_examples=200)
def test_no_line_that_either_added_is_lost_and_nothing_is_made_up(base, edited, onto):
    made = rebase(base, edited, onto)
    if made is None:
        return
    lines = made.split("\n")
    for text in (edited, onto):
        for line in set(text.split("\n")) - set(base.split("\n")):
            assert line in lines
    # A text that is empty has an empty line, which nobody needs to have written.
    assert set(lines) - {""} <= {*base.split("\n"), *edited.split("\n"), *onto.split("\n")}


@pytest.mark.parametrize(
    ("edited", "onto"),
    [("a\nX\nc", "a\nY\nc"), ("a\nc", "a\nY\nc"), ("X", "a\nb\nY"), ("a\nX\nY\nc", "a\nZ\nc")],
)
def test_different_changes_of_the_same_line_are_a_conflict(edited, onto):
    assert rebase("a\nb\nc", edited, onto) is None
    assert rebase("a\nb\nc", onto, edited) is None


def test_an_empty_line_that_one_added_stays():
    assert rebase("b", "\n\nb", "a\nb") == "a\n\n\nb"


def test_what_both_added_at_one_place_is_kept_and_what_both_changed_alike_is_there_once():
    assert rebase("a\nb", "a\nX\nb", "a\nY\nb") == "a\nY\nX\nb"
    assert rebase("a\nb", "a\nX\nb", "a\nX\nb\nc") == "a\nX\nb\nc"


@pytest.mark.parametrize(
    ("edited", "onto", "expected"),
    [
        ("a\nBe brief.", "a\nAdd up.\nBe brief.", "a\nAdd up.\nBe brief."),
        ("a\nBe brief.\nAdd up.", "a\nBe brief.", "a\nBe brief.\nAdd up."),
        ("a\nBe brief.\nNo units.", "a\nBe brief.\nAdd up.", "a\nBe brief.\nAdd up.\nNo units."),
        ("a\nBe brief.", "A\nBe brief.", "A\nBe brief."),
        ("A\nBe brief.", "a\nBe brief.", "A\nBe brief."),
        ("a\n\nBe brief.", "a\n\nAdd up.\n\nBe brief.", "a\n\nAdd up.\n\nBe brief."),
    ],
)
def test_a_sentence_that_both_added_at_one_place_among_others_is_there_once(edited, onto, expected):
    assert rebase("a", edited, onto) == expected


def test_of_code_that_both_added_at_one_place_no_line_is_taken_for_the_others():
    assert rebase("a", "a\n```\nx = 1\n  go on\n```", "a\n```\ny = 2\n  go on\n```") == (
        "a\n```\ny = 2\n  go on\n```\n```\nx = 1\n  go on\n```"
    )


def test_long_texts_take_bounded_time_and_too_long_ones_are_a_conflict():
    lines = [f"line {number % 7}" for number in range(4000)]
    edited, onto = [*lines], [*lines]
    edited[10], onto[3990] = "mine", "yours"
    start = time.process_time()
    made = rebase("\n".join(lines), "\n".join(edited), "\n".join(onto))
    assert made is not None
    assert (made.split("\n")[10], made.split("\n")[3990]) == ("mine", "yours")
    assert time.process_time() - start < 1
    assert rebase("\n".join(lines * 2), "\n".join(edited * 2), "\n".join(onto * 2)) is None
