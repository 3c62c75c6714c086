import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autogenesis_core import Assessment, Cell, Edit, Evaluation, Failed, Hypothesis, Runtime, Scored
from autogenesis_core.sepl.pool import Front, Prefix, fixed_and_broken, gain, gathered, transplant

SCORES = st.dictionaries(st.sampled_from("abcdef"), st.sampled_from([0.0, 0.5, 1.0]), max_size=6)


@given(st.lists(SCORES, max_size=8))
def test_the_front_is_the_same_as_if_it_were_made_of_all_members_at_once(members):
    front = Front()
    for number, values in enumerate(members):
        front.add(number, values)
    best = {example: max(values[example] for values in members if example in values)
            for example in {key for values in members for key in values}}  # fmt: skip
    holders = {example: {n for n, values in enumerate(members) if values.get(example) == best[example]}
               for example in best}  # fmt: skip
    counts = {n: sum(n in found for found in holders.values()) for n in range(len(members))}
    assert (front.best, front.holders) == (best, holders)
    assert front.counts == {number: count for number, count in counts.items() if count}


def screen(before, after):
    """A comparison of scores by example, one list an example for several seeds."""

    def made(values):
        cells = (
            Cell(example, Failed("infra", "") if value is None else Scored(value), epoch)
            for example, found in values.items()
            for epoch, value in enumerate(found if isinstance(found, list) else [found])
        )
        return Evaluation("s", "train", tuple(cells))

    return Assessment(made(after), made(before))


def test_only_rollouts_that_both_have_under_the_same_seed_are_compared():
    found = screen({"a": [0.0, None], "b": [0.0]}, {"a": [1.0, 0.0], "b": [None]})
    assert fixed_and_broken(found) == (("a",), ())
    assert gain(found) == (1.0, 1)
    assert gain(screen({}, {})) == (0.0, 0)


@given(st.lists(st.integers()), st.lists(st.integers(), min_size=1), st.integers(-9, 9))
def test_a_prefix_does_not_see_what_is_appended_later(items, more, at):
    growing = list(items)
    prefix = Prefix(growing)
    growing += more
    assert (list(prefix), len(prefix), prefix[:], list(reversed(prefix))) == (items, len(items), items, items[::-1])
    assert prefix[at:] == items[at:]
    if -len(items) <= at < len(items):
        assert prefix[at] == items[at]
    else:
        with pytest.raises(IndexError):
            prefix[at]
    assert not hasattr(prefix, "append")


def test_edits_of_several_proposals_name_their_hypotheses_by_the_new_places():
    one, two = Hypothesis("one"), Hypothesis("two")
    parts = [
        ([Edit("a/x#y", 1, hypotheses=(0,))], [one]),
        ([Edit("a/x#z", 2, hypotheses=(0, 1, 7))], [two, one]),
    ]
    edits, hypotheses = gathered(parts)
    assert hypotheses == (one, two)
    assert [edit.hypotheses for edit in edits] == [(0,), (1, 0)]


def test_edits_of_several_resources_are_put_together_or_not_at_all(composition, rules):
    async def joined(edits, others):
        async with Runtime(composition([5], more=[rules])) as ag:
            base = ag.manager.records()[0]

            def edited(changes):
                made = dict(base)
                for variable, value in changes.items():
                    name, _, path = variable.partition("#")
                    made[name] = ag.manager.edited(made[name], {path: value})
                return made

            return transplant(ag.manager, base, edited(edits), edited(others))

    def texts(records):
        return {f"{name}#{path}": value for name, record in records.items() for path, value in record.values().items()}

    mine = {"agent/skilled#skill": 5, "prompt/rules#style": "Be brief.\nBe kind."}
    other = {"agent/skilled#style": "bold", "prompt/rules#style": "Be brief.\nBe exact."}
    found = texts(asyncio.run(joined(mine, other)))
    assert (found["agent/skilled#skill"], found["agent/skilled#style"]) == (5, "bold")
    assert found["prompt/rules#style"] == "Be brief.\nBe exact.\nBe kind."
    assert asyncio.run(joined(mine, {"agent/skilled#skill": 6})) is None
    assert asyncio.run(joined({"prompt/rules#style": "Be quiet."}, {"prompt/rules#style": "Be loud."})) is None
