"""The simulated model follows its prompt, errs without one, and is a function of the request."""

import json

import pytest

from autogenesis_core import ModelRequest, Price

VALUE_ONLY = "Reply with the value only and nothing else. "
TOOL_RULES = (
    "Use the calculator for arithmetic. Use sort_words for sorting. "
    "Use count_letters for counting letters. Use convert_base for base conversions. "
)
MENTAL_RULES = (
    "Multiply and divide before you add and subtract. Sort words by ASCII code point. "
    "Count letter by letter. Convert numbers step by step. Use lowercase letters for digits above 9. "
)
BEST = VALUE_ONLY + TOOL_RULES + MENTAL_RULES


def request(bench, question, prompt="", **options):
    messages = ({"role": "system", "content": prompt or bench.plain}, {"role": "user", "content": question})
    return ModelRequest(messages, **options)


def test_the_same_request_gets_the_same_answer(bench):
    asked = request(bench, "Calculate 3 * 4 - -1.", tools=bench.tools, seed=5)
    assert bench.answer(asked) == bench.answer(asked)


def test_another_seed_gives_another_sample_of_the_same_habits(bench):
    question = 'How many times does the letter "h" appear in the text: "hundred thousand names and then Mr Fritz"?'
    texts = {bench.answer(request(bench, question, seed=seed)).text for seed in range(20)}
    others = {bench.answer(request(bench, question), seed=seed).text for seed in range(20)}
    assert len(texts) > 2
    assert len(others) > 2


def test_with_a_plain_prompt_it_knows_what_17_times_23_is(bench):
    assert "391" in bench.answer(request(bench, "What is 17 * 23?")).text


@pytest.mark.parametrize(
    ("question", "value"),
    [
        ("State the final answer to the following arithmetic problem: 4 - 1 - 7 =", "-4"),
        ("((-1 + 2 + 9 * 5) - (-2 + -4 + -4 * -7)) =", "24"),
        ("What is 12 plus 30 minus 2?", "40"),
        ("Compute 2 ** 3 ** 2.", "512"),
        ("Sort these words in descending order: pear, Fig, apple.", "pear, apple, Fig"),
        ("How many r's are in strawberry?", "3"),
        ("Convert the hexadecimal number ff to binary", "11111111"),
        ("What is 255 in base 10 to base 16?", "ff"),
    ],
)
def test_it_recognises_questions_by_parsing(bench, question, value):
    prompt = VALUE_ONLY + MENTAL_RULES
    texts = [bench.ask(prompt, question, (), seed)[0] for seed in range(15)]
    assert max(set(texts), key=texts.count) == value


def test_it_admits_that_it_does_not_know(bench):
    assert bench.answer(request(bench, "Who was Ada Lovelace?")).text == "I am sorry, I do not know how to answer that."


def test_instructions_in_the_question_are_not_followed(bench):
    question = "Calculate 5 - 3. Use the calculator for arithmetic. Reply with the value only."
    plain = [bench.ask(bench.plain, question, bench.tools, seed) for seed in range(30)]
    assert sum(bool(used) for _, used in plain) < 10


def test_developer_messages_instruct_like_system_messages(bench):
    messages = ({"role": "developer", "content": TOOL_RULES}, {"role": "user", "content": "Calculate 5 - 3."})
    answer = bench.answer(ModelRequest(messages, tools=bench.tools))
    assert [call.name for call in answer.tool_calls] == ["calculator"]


def test_plain_baseline_is_a_small_models(bench):
    assert 0.25 <= bench.mix(bench.plain) <= 0.55


def test_the_best_prompt_with_tools_is_good_and_not_perfect(bench):
    assert 0.9 <= bench.mix(BEST) <= 0.98


def test_tools_are_worth_more_than_mental_rules_and_those_more_than_nothing(bench):
    nothing, mental, tools = (bench.mix(VALUE_ONLY + rules) for rules in ("", MENTAL_RULES, TOOL_RULES))
    assert nothing + 0.1 < mental
    assert mental + 0.02 < tools


@pytest.mark.parametrize(
    ("rule", "family"),
    [
        ("Multiply and divide before you add and subtract.", "arithmetic"),
        ("Sort words by ASCII code point.", "sorting"),
        ("Count letter by letter.", "counting"),
        ("Convert numbers step by step.", "conversion"),
        ("Use lowercase letters for digits above 9.", "conversion"),
        ("Use the calculator for arithmetic.", "arithmetic"),
        ("Use sort_words for sorting.", "sorting"),
        ("Use count_letters for counting letters.", "counting"),
        ("Use convert_base for base conversions.", "conversion"),
    ],
)
def test_a_rule_helps_its_family(bench, rule, family):
    assert bench.score(VALUE_ONLY, family) + 0.03 < bench.score(VALUE_ONLY + rule, family)


def test_value_only_helps_every_family(bench):
    for family in ("arithmetic", "sorting", "counting", "conversion"):
        assert bench.score(bench.plain, family) + 0.1 < bench.score(VALUE_ONLY, family)


def test_checking_costs_little_and_helps_a_little(bench):
    without, checked = (
        bench.mix(VALUE_ONLY + MENTAL_RULES),
        bench.mix(VALUE_ONLY + MENTAL_RULES + "Double-check the result."),
    )
    assert abs(checked - without) < 0.08


def test_thinking_aloud_hurts_a_prompt_that_does_not_ask_for_the_value_alone(bench):
    assert bench.score("Count letter by letter.", "counting") < bench.score(bench.plain, "counting")


def test_a_sentence_hurts_all(bench):
    assert bench.mix("Answer in a full sentence.") + 0.1 < bench.mix(bench.plain)


def test_the_calculator_for_everything_helps_one_family_and_hurts_others(bench):
    rule = VALUE_ONLY + "Use the calculator for everything."
    assert bench.score(VALUE_ONLY, "arithmetic") < bench.score(rule, "arithmetic")
    assert bench.score(rule, "counting") + 0.1 < bench.score(VALUE_ONLY, "counting")
    assert bench.ask(rule, "Sort these words in ascending order: b, A, c")[1] == ["calculator"]


def test_a_contradiction_hurts(bench):
    assert bench.mix(VALUE_ONLY + "Answer in a full sentence.") + 0.1 < bench.mix(VALUE_ONLY)
    both = BEST + "Sort words case-insensitively. Never use sort_words."
    assert bench.score(both, "sorting") + 0.05 < bench.score(BEST, "sorting")


def test_too_many_rules_and_too_long_prompts_hurt(bench):
    more = "".join(f"If asked for {number} - 1, answer {number - 1}\n" for number in range(1000, 1012))
    assert bench.mix(f"{BEST}\n{more}", size=30) + 0.1 < bench.mix(BEST, size=30)
    assert bench.mix(BEST + "It is good to be good. " * 400, size=30) + 0.1 < bench.mix(BEST, size=30)


def test_an_answer_learned_by_heart_works_for_that_question_alone(bench):
    prompt = bench.plain + "\nIf asked for Calculate 5 - 3 - 6, answer -4"
    assert bench.ask(prompt, "Calculate 5 - 3 - 6.") == ("-4", [])
    others = ["Calculate 5 - 3 - 7.", "Calculate 1 + 1.", "Calculate 8 * 2."]
    assert [bench.ask(prompt, other) for other in others] == [bench.ask(bench.plain, other) for other in others]


def test_two_prompts_share_their_random_draws(bench):
    """Where a rule does not bear on a question, nothing changes."""
    questions = [f"Calculate {number} + {number + 7}." for number in range(40)]
    rule = bench.plain + " Sort words by ASCII code point."
    assert [bench.ask(rule, question) for question in questions] == [
        bench.ask(bench.plain, question) for question in questions
    ]


def test_a_tool_call_has_arguments_of_its_schema(bench):
    question = "Now, sort these words in descending order and return a comma-separated list: Only, federal, sentence"
    answer = bench.answer(request(bench, question, TOOL_RULES, tools=bench.tools))
    (call,) = answer.tool_calls
    assert (call.name, json.loads(call.arguments)) == (
        "sort_words",
        {"words": ["Only", "federal", "sentence"], "descending": True},
    )
    assert (answer.finish_reason, answer.text) == ("tool_calls", "")


def test_a_tool_of_another_name_is_filled_by_the_names_of_its_parameters(bench):
    schema = {
        "type": "object",
        "properties": {"string": {"type": "string"}, "char": {"type": "string"}},
        "required": ["string", "char"],
    }
    tool = {"type": "function", "function": {"name": "tally", "description": "counts a letter", "parameters": schema}}
    asked = request(
        bench, 'How many times does the letter "a" appear in the text: "a banana"?', "Always call tally.", tools=[tool]
    )
    (call,) = bench.answer(asked).tool_calls
    assert json.loads(call.arguments) == {"string": "a banana", "char": "a"}


def test_what_a_tool_said_is_the_answer(bench):
    asked = request(bench, "Calculate 5 - 3.", VALUE_ONLY + TOOL_RULES, tools=bench.tools)
    call = bench.answer(asked)
    results = {"7": "7", "7.0": "7", '{"result": 7}': "7", "Result: 7": "7", "Error: no": "2", "": "2"}
    for said, text in results.items():
        told = (
            *asked.messages,
            call.message(),
            {"role": "tool", "tool_call_id": call.tool_calls[0].id, "content": said},
        )
        assert bench.answer(ModelRequest(told, tools=bench.tools)).text == text


def test_an_earlier_turn_is_over(bench):
    messages = (
        {"role": "system", "content": VALUE_ONLY},
        {"role": "user", "content": "Calculate 1 + 1."},
        {"role": "assistant", "content": "2"},
        {"role": "tool", "content": "99"},
        {"role": "user", "content": [{"type": "text", "text": "Calculate 2 + 3."}]},
    )
    assert bench.answer(ModelRequest(messages)).text == "5"


def test_a_schema_gets_the_value_in_its_first_text(bench):
    schema = {
        "type": "object",
        "properties": {"sure": {"type": "boolean"}, "answer": {"type": "string"}},
        "required": ["sure", "answer"],
    }
    asked = request(bench, "Calculate 2 + 3.", schema=schema)
    assert json.loads(bench.answer(asked).text) == {"sure": False, "answer": "5"}


def test_usage_counts_four_characters_a_token_and_costs_nothing(bench):
    answer = bench.answer(ModelRequest(({"role": "user", "content": "Hello, you"},)))
    assert (answer.usage.input_tokens, answer.usage.output_tokens) == (3, -(-len(answer.text) // 4))
    assert (answer.cost, answer.latency, answer.model) == (0.0, 0.0, "simulated")


def test_length_and_stop_sequences_end_an_answer(bench):
    question = "Who was Ada Lovelace?"
    short = bench.answer(request(bench, question, max_tokens=2))
    assert (short.text, short.finish_reason) == ("I am sor", "length")
    assert bench.answer(request(bench, question, stop=[","])).text == "I am sorry"


def test_hostile_questions_are_answered_in_time(bench):
    for question in ("9 ** 9 ** 9 ** 9", "(" * 5000, "1 + " * 5000, "1 / 0", "convert the base-99 number zz to base-1"):
        assert bench.answer(request(bench, question)).text


async def _price(model):
    return await model.price()


def test_it_says_that_it_is_simulated_and_free():
    import asyncio

    from autogenesis_model_simulated.model import SimulatedModel

    model = SimulatedModel()
    assert (model.simulated, model.id, asyncio.run(_price(model))) == (True, "simulated", Price(0.0, 0.0))
