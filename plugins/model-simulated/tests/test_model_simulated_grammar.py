"""The grammar reads rules, negations and families in plain English."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autogenesis_model_simulated.grammar import parse_rules
from autogenesis_model_simulated.rule import FAMILIES, FIXED_FAMILY, OPPOSITES, OWN_FAMILY, Rule
from autogenesis_model_simulated.wordings import USELESS, wordings

HELD_OUT = Path(__file__).with_name("wordings_held_out.jsonl")


def every_rule():
    for intent, values in OPPOSITES.items():
        tasks = [FIXED_FAMILY[intent]] if intent in FIXED_FAMILY else ["all", *FAMILIES]
        tools = [*OWN_FAMILY, "any"] if intent == "use_tool" else [None]
        yield from (Rule(intent, value, task, tool) for value in values for task in tasks for tool in tools)


def test_every_rule_is_understood_in_the_models_own_words():
    misread = [
        (text, parse_rules(text)) for rule in every_rule() for text in wordings(rule) if parse_rules(text) != (rule,)
    ]
    assert misread == []


def test_useless_advice_is_no_rule():
    assert [parse_rules(text) for text in USELESS] == [()] * len(USELESS)


def test_wordings_that_it_was_not_tuned_on_are_read_with_recall_and_precision_of_nine_tenths():
    command = [sys.executable, "-m", "autogenesis_model_simulated.measure", str(HELD_OUT)]
    printed = subprocess.run(
        command, capture_output=True, text=True, check=True, env={"PYTHONPATH": ":".join(sys.path)}
    )
    figures = json.loads(printed.stdout)
    assert figures["all"]["recall"] >= 0.9
    assert figures["all"]["precision"] >= 0.9
    assert figures["negated"]["recall"] >= 0.9


@pytest.mark.parametrize(
    ("text", "rules"),
    [
        ("Never wrap the answer in a sentence.", [Rule("answer_format", "value_only", "all")]),
        ("Don't just give the number.", [Rule("answer_format", "sentence", "all")]),
        ("Do not ignore operator precedence.", [Rule("precedence", "standard", "arithmetic")]),
        ("Never answer without calling a tool.", [Rule("use_tool", "do", "all", "any")]),
        ("For sums, be polite.", []),
        ("For sums, double-check.", [Rule("verify", "do", "arithmetic")]),
        ("The calculator evaluates expressions.", []),
        ("- calculator: Evaluates an expression.", []),
        ("## Use the calculator", []),
        ("If asked for 5 - 3 - 6, answer -4", []),
    ],
)
def test_negation_scope_and_descriptions(text, rules):
    assert parse_rules(text) == tuple(rules)


def test_a_tool_that_is_offered_is_known_by_its_name():
    assert parse_rules("Use date_diff for counting questions.") == ()
    assert parse_rules("Use date_diff for counting questions.", ["date_diff"]) == (
        Rule("use_tool", "do", "counting", "date_diff"),
    )
    assert parse_rules("Call the date diff tool.", ["date_diff"]) == (Rule("use_tool", "do", "all", "date_diff"),)


def test_a_rule_counts_once_and_contradictions_are_kept():
    text = "Count letter by letter.\nCount letter by letter.\nCount letters at a glance."
    assert [rule.value for rule in parse_rules(text)] == ["letter_by_letter", "at_a_glance"]


@given(st.text(max_size=300))
def test_any_text_can_be_read(text):
    for rule in parse_rules(text):
        assert rule.value in OPPOSITES[rule.intent]
