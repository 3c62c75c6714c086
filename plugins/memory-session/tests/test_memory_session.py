"""Of the session memory: never over its budget, always in order, and what is recalled is recent or relevant."""

import asyncio
import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autogenesis_core import InputError, InvalidRecord, canonical
from autogenesis_memory_session.memory import CUT, SessionMemory, tokens

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=80)
contents = st.lists(texts | st.sampled_from(["the cat sat", "a dog", "cat and dog\n" * 9]), max_size=25)
limits = st.integers(-1, 120)


def filled(events, **settings):
    memory = SessionMemory(**settings)

    async def fill():
        for event in events:
            await memory.add(event)

    asyncio.run(fill())
    return memory


def recall(memory, query="", limit=1000):
    return asyncio.run(memory.recall(query, limit))


def said(*contents):
    return [{"n": number, "role": "user", "content": content} for number, content in enumerate(contents)]


def numbers(events):
    return [event["n"] for event in events]


@given(contents, texts, limits)
def test_is_never_over_its_budget_and_keeps_the_order(contents, query, limit):
    events = said(*contents)
    recalled = recall(filled(events), query, limit)
    assert sum(tokens(event) for event in recalled) <= max(limit, 0)
    assert numbers(recalled) == sorted(set(numbers(recalled)))
    for event in recalled:
        original = events[event["n"]]
        cut = event["content"].removesuffix(CUT)
        assert event == original or (
            tokens(original) > limit and event["content"].endswith(CUT) and original["content"].startswith(cut)
        )


@given(contents, texts)
def test_recalls_everything_that_fits(contents, query):
    events = said(*contents)
    assert recall(filled(events), query, sum(map(tokens, events))) == events


@given(contents, texts, limits)
def test_recalls_the_same_for_the_same_events_and_query(contents, query, limit):
    events = said(*contents)
    assert recall(filled(events), query, limit) == recall(filled(events), query, limit)


@given(st.dictionaries(texts, st.none() | st.integers() | texts | st.lists(texts), max_size=4), limits)
def test_an_event_of_any_shape_is_recalled_within_the_budget_or_not_at_all(event, limit):
    recalled = recall(filled([event]), "", limit)
    assert sum(map(tokens, recalled)) <= max(limit, 0)
    if tokens(event) <= limit:
        assert recalled == [event]


def test_tokens_are_a_quarter_of_the_characters_rounded_up():
    event = {"role": "user", "content": "x" * 99}
    assert tokens(event) == math.ceil(len(json.dumps(event, separators=(",", ":"))) / 4)


def test_the_most_recent_event_comes_first_into_the_budget():
    events = said("one", "two", "three")
    assert recall(filled(events), "one", tokens(events[2])) == [events[2]]


def test_recent_and_relevant_events_take_turns():
    events = said("Ada likes tea", "rain today", "Ada has a cat named Tom", "sun today", "wind today", "snow today")
    memory = filled(events)
    budget = tokens(events[5]) + tokens(events[2])
    assert numbers(recall(memory, "what is the name of Ada's cat?", budget)) == [2, 5]
    assert numbers(recall(memory, "what is the name of Ada's cat?", budget + tokens(events[4]))) == [2, 4, 5]
    assert numbers(recall(memory, "zzz", budget)) == [4, 5]


def test_of_equally_relevant_events_the_recent_ones_are_recalled():
    events = said("a cat", "a cat", "a cat", "a dog")
    assert numbers(recall(filled(events), "CAT", tokens(events[0]) * 2)) == [2, 3]


def test_an_event_larger_than_the_budget_is_cut_visibly_at_its_end():
    [event] = recall(filled(said("word " * 500)), "", 40)
    assert event["content"].startswith("word word")
    assert event["content"].endswith(CUT)
    assert tokens(event) in (39, 40)
    assert event["role"] == "user"


def test_an_event_that_fits_the_budget_is_left_out_rather_than_cut():
    events = said("x" * 100, "y" * 100)
    assert recall(filled(events), "", tokens(events[1]) + 5) == [events[1]]


def test_keeps_at_most_max_events():
    events = said(*"abcdef")
    assert numbers(recall(filled(events, max_events=2))) == [4, 5]


def test_what_was_kept_cannot_be_changed_from_outside():
    event = {"role": "user", "content": "a", "tags": ["x"]}
    memory = filled([event])
    event["tags"].append("y")
    recall(memory)[0]["tags"].append("z")
    assert recall(memory) == [{"role": "user", "content": "a", "tags": ["x"]}]


def test_each_instance_has_a_session_of_its_own():
    memory = filled(said("a"))
    assert recall(SessionMemory()) == []
    assert len(recall(memory)) == 1


def test_what_is_no_json_is_refused():
    with pytest.raises(InvalidRecord):
        filled([{"when": object()}])


def test_settings_out_of_range_are_refused():
    with pytest.raises(InputError, match="max_events must be at least 1, not 0"):
        SessionMemory(max_events=0)


def test_an_agents_line_is_never_longer_than_what_the_budget_counted():
    event = {"role": "assistant", "content": 'a "quoted"\nline'}
    assert len(f"- {event['role']}: {event['content']}") <= len(canonical(event))
