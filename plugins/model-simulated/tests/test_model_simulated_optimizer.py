"""As an optimizer's model it reflects on what it is shown and writes edits, good ones and bad ones."""

import json

import pytest

from autogenesis_core import ModelRequest
from autogenesis_model_simulated.grammar import parse_rules

RULES, TOOLS = "prompt/tool_calling#rules", "prompt/tool_calling#tools"
VARIABLES = [
    {"id": "prompt/tool_calling#preamble", "role": "text", "description": "who it is", "value": "You help."},
    {"id": RULES, "role": "instructions", "description": "rules of answering", "value": "- Answer the question."},
    {"id": TOOLS, "role": "instructions", "description": "when to use tools", "value": "- There are tools."},
    {"id": "tool/dates#source", "role": "source", "description": "rules of dates", "value": "def run(): ..."},
]
NAMES = ("calculator", "sort_words", "count_letters", "convert_base")
OFFERED = [{"name": name, "description": name} for name in NAMES]
TEXT, TEXTS = {"type": "string"}, {"type": "array", "items": {"type": "string"}}
NUMBERS = {"type": "array", "items": {"type": "integer"}}


def schema(name, **properties):
    item = {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}
    return {"type": "object", "properties": {name: {"type": "array", "items": item}}, "required": [name]}


REFLECT = schema("hypotheses", text=TEXT, variables=TEXTS, examples=TEXTS)
SELECT = schema("edits", variable=TEXT, value=TEXT, reason=TEXT, hypotheses=NUMBERS, expects=TEXTS)


def rollout(example, question, expected, answer, tools_used=()):
    score = float(expected == answer)
    return {
        "example": example,
        "input": question,
        "expected": expected,
        "answer": answer,
        "score": score,
        "feedback": "",
        "tools_used": list(tools_used),
    }


WRAPPED = [rollout(f"w{n}", f"Calculate {n} + 1.", str(n + 1), f"The answer is {n + 1}.") for n in range(6)]
LEFT_TO_RIGHT = [rollout(f"l{n}", f"Calculate {n} + 2 * 3.", str(n + 6), str((n + 2) * 3)) for n in range(1, 7)]
CASE = [rollout(f"c{n}", f"Sort in ascending order: b{n}, A, Zoo", f"A, Zoo, b{n}", f"A, b{n}, Zoo") for n in range(6)]
COUNTED = [
    rollout(f"n{n}", f'How many times does the letter "a" appear in the text: "a{"a" * n} b"?', str(n + 1), str(n + 2))
    for n in range(6)
]
UPPER = [rollout(f"u{n}", f"convert the base-10 number {n} to base-16", f"{n:x}", f"{n:X}") for n in range(10, 16)]


def ask(bench, wanted, seed=0, **block):
    filled = {"variables": VARIABLES, "tools": OFFERED, "rejected": [], **block}
    content = f"Here is what happened.\n```json\n{json.dumps(filled, indent=1)}\n```\nAnswer in JSON."
    asked = ModelRequest(
        ({"role": "system", "content": "You improve prompts."}, {"role": "user", "content": content}),
        schema=wanted,
        seed=seed,
    )
    return json.loads(bench.answer(asked).text)


def reflect(bench, rollouts, seed=0, **block):
    return ask(bench, REFLECT, seed, rollouts=rollouts, **block)["hypotheses"]


def select(bench, hypotheses, seed=0, **block):
    return ask(bench, SELECT, seed, hypotheses=hypotheses, **block)["edits"]


def cures(hypotheses):
    return {
        (rule.intent, rule.value)
        for hypothesis in hypotheses
        for rule in parse_rules(hypothesis["text"].rpartition("Remedy: ")[2])
    }


@pytest.mark.parametrize(
    ("rollouts", "cure"),
    [
        (WRAPPED, ("answer_format", "value_only")),
        (LEFT_TO_RIGHT, ("precedence", "standard")),
        (CASE, ("sort_order", "code_point")),
        (COUNTED, ("counting", "letter_by_letter")),
        (UPPER, ("digits", "lowercase")),
    ],
)
def test_it_sees_the_cause_of_a_failure(bench, rollouts, cure):
    found = [cures(reflect(bench, rollouts, seed, tools=[])) for seed in range(20)]
    assert sum(cure in seen for seen in found) >= 14


def test_it_sees_that_a_tool_was_at_hand(bench):
    found = [cures(reflect(bench, LEFT_TO_RIGHT, seed)) for seed in range(30)]
    assert sum(("use_tool", "do") in seen for seen in found) >= 8


def test_it_sees_that_a_tool_was_used_for_the_wrong_thing(bench):
    used = [{**item, "tools_used": ["calculator", "count_letters"]} for item in COUNTED]
    texts = [hypothesis["text"] for seed in range(20) for hypothesis in reflect(bench, used, seed)]
    assert any("calculator was used where it does not help" in text for text in texts)


def test_it_names_one_or_two_causes_at_a_time(bench):
    rollouts = WRAPPED + LEFT_TO_RIGHT + CASE + COUNTED + UPPER
    assert {len(reflect(bench, rollouts, seed)) for seed in range(20)} == {1, 2}


def test_nothing_wrong_and_nothing_known_give_no_hypotheses(bench):
    right = [rollout("r", "Calculate 1 + 1.", "2", "2")]
    failed = [{**WRAPPED[0], "answer": None, "failure": "timeout"}]
    assert reflect(bench, right) == reflect(bench, failed) == reflect(bench, []) == select(bench, []) == []


def test_answers_fit_their_schemas_and_name_what_is_there(bench):
    ids = {variable["id"] for variable in VARIABLES}
    for seed in range(40):
        hypotheses = reflect(bench, WRAPPED + COUNTED, seed)
        for hypothesis in hypotheses:
            assert set(hypothesis) == {"text", "variables", "examples"}
            assert set(hypothesis["variables"]) <= ids
            assert set(hypothesis["examples"]) <= {item["example"] for item in WRAPPED + COUNTED}
        for edit in select(bench, hypotheses, seed):
            assert set(edit) == {"variable", "value", "reason", "hypotheses", "expects"}
            assert edit["variable"] in ids - {"tool/dates#source"}
            assert set(edit["hypotheses"]) <= set(range(len(hypotheses)))
            assert not any(mark in edit["value"] for mark in ("##", "{{", "{%", "{#"))


def test_an_edit_keeps_what_is_there_and_goes_where_it_belongs(bench):
    remedies = {RULES: "Remedy: Count letter by letter.", TOOLS: "Remedy: Always call calculator for arithmetic."}
    for home, text in remedies.items():
        values = [select(bench, [{"text": text, "variables": [], "examples": ["e"]}], seed) for seed in range(20)]
        edits = [edit for edits in values for edit in edits if len(parse_rules(edit["value"])) == 1]
        homes = [edit["variable"] for edit in edits]
        assert max(set(homes), key=homes.count) == home
        kept = {variable["id"]: variable["value"] for variable in VARIABLES}
        assert all(edit["value"].startswith(kept[edit["variable"]] + "\n- ") for edit in edits)


def test_a_line_that_says_the_contrary_is_replaced(bench):
    present = [{**VARIABLES[1], "value": "- Be kind.\n- Answer in a full sentence.\n- Be quick."}]
    hypothesis = {"text": "Remedy: Reply with the value only.", "variables": [RULES], "examples": []}
    values = [edit["value"] for seed in range(20) for edit in select(bench, [hypothesis], seed, variables=present)]
    replaced = [value for value in values if value.count("\n") == 2 and "full sentence" not in value]
    assert len(replaced) >= 10
    assert all(value.startswith("- Be kind.\n- ") and value.endswith("\n- Be quick.") for value in replaced)


def test_about_one_proposal_in_three_is_bad(bench):
    bad, size = 0, 150
    for seed in range(size):
        hypotheses = reflect(bench, COUNTED, seed, tools=[])
        edits = select(bench, hypotheses, seed, tools=[])
        good = [edit for edit in edits if "letter_by_letter" in {rule.value for rule in parse_rules(edit["value"])}]
        bad += not good
    assert 0.2 <= bad / size <= 0.5


def test_another_round_gives_another_proposal(bench):
    hypothesis = {"text": "Remedy: Count letter by letter.", "variables": [], "examples": []}
    first, again = (
        [select(bench, [hypothesis], seed, rejected=rejected) for seed in range(12)]
        for rejected in ([], [{"variable": RULES, "value": "x", "reason": "worse"}])
    )
    assert first != again
    assert first == [select(bench, [hypothesis], seed) for seed in range(12)]


def test_a_rejected_value_is_seldom_proposed_again(bench):
    hypothesis = {"text": "Remedy: Count letter by letter.", "variables": [], "examples": []}
    texts = ("Count letter by letter.", "When you count a letter, go through the text one character at a time.")
    rejected = [{"variable": RULES, "value": f"{VARIABLES[1]['value']}\n- {text}", "reason": "worse"} for text in texts]
    values = [edit["value"] for seed in range(60) for edit in select(bench, [hypothesis], seed, rejected=rejected)]
    assert sum(value in {item["value"] for item in rejected} for value in values) <= 8


def test_a_variable_with_template_tags_is_left_alone(bench):
    tagged = [{**VARIABLES[1], "value": "Hello {{ name }}"}]
    hypothesis = {"text": "Remedy: Count letter by letter.", "variables": [RULES], "examples": []}
    assert [select(bench, [hypothesis], seed, variables=tagged) for seed in range(10)] == [[]] * 10


def test_hypotheses_that_somebody_else_wrote_are_understood(bench):
    hypothesis = {"text": "The agent should use the calculator for arithmetic.", "variables": [], "examples": []}
    values = [edit["value"] for seed in range(20) for edit in select(bench, [hypothesis], seed)]
    assert sum("calculator" in value for value in values) >= 10


def test_an_unknown_schema_gets_the_smallest_valid_answer(bench):
    wanted = {
        "type": "object",
        "properties": {"gradients": {"type": "array"}, "note": {"type": "string"}, "kind": {"enum": ["a", "b"]}},
        "required": ["gradients", "note", "kind"],
    }
    assert ask(bench, wanted) == {"gradients": [], "note": "", "kind": "a"}
    assert ask(bench, REFLECT, variables="nonsense", rollouts=[1, None]) == {"hypotheses": []}


def test_a_request_without_a_block_gets_an_empty_answer(bench):
    asked = ModelRequest(({"role": "user", "content": "Reflect."},), schema=REFLECT)
    assert json.loads(bench.answer(asked).text) == {"hypotheses": []}
