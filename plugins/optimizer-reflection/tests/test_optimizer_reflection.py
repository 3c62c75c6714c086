import asyncio
import json
import re

import pytest
from attrs import evolve

from autogenesis_core import (
    Candidate,
    ConfigurationError,
    Edit,
    Episode,
    Failed,
    Hypothesis,
    InputError,
    Installed,
    InvalidAnswer,
    ModelAnswer,
    ModelClient,
    ModelError,
    Outcome,
    Patch,
    Question,
    Record,
    Round,
    Scored,
    SeplContext,
    Trace,
    UnknownName,
    Verdict,
    parse_prompt,
    structure,
    unknown,
)
from autogenesis_core.rspl.prompt import check_prompt
from autogenesis_core.sepl.proposing import resolved
from autogenesis_core.sepl.variables import lift
from autogenesis_core.testing import OptimizerContract, ScriptedModel
from autogenesis_optimizer_reflection.optimizer import ReflectionOptimizer
from autogenesis_optimizer_reflection.reply import EDITS, HYPOTHESES

RULES, TOOLS = "prompt/solver#rules", "prompt/solver#tools"
PROMPT = """---
description: what the solver is told
sections: {preamble: {trainable: false}}
---
You are a solver.

## Rules
Answer the question.

## Tools
Use the tools.
"""
TRACES = (
    Trace(Question("q1", "1 + 1?", "2"), Outcome("2"), Scored(1.0, "Right.")),
    Trace(Question("q2", "2 + 2?", "4"), Outcome("It is 4."), Scored(0.2, "Expected 4."), ("calculator",)),
    Trace(Question("q3", "3 + 3?", "6"), Outcome("seven"), Scored(0.0, "Expected 6.")),
    Trace(Question("q4", "4 + 4?", "8"), Outcome(), Failed("infra", "no connection")),
    Trace(Question("q5", "5 + 5?", "10"), Outcome(), Failed("invalid", "the step limit")),
)
HYPOTHESIS = Hypothesis("The value is wrapped in words.", (RULES,), ("q2",))


class TestReflection(OptimizerContract):
    option = "optimizer/reflection"


class Setting(SeplContext):
    """A round over a prompt and a scripted model."""

    round, seed = 1, 0

    def __init__(self, answers=(), traces=TRACES, history=(), records=None):
        self.scripted = ScriptedModel([a if isinstance(a, ModelError | str) else json.dumps(a) for a in answers])
        self.client = ModelClient(self.scripted)
        self.rolled, self.history = traces, history
        self.train = [trace.example for trace in traces]
        self._records = records or {"prompt/solver": parse_prompt(PROMPT, "solver", "test")}

    records = property(lambda self: self._records)
    variables = property(lambda self: lift(self._records))
    tools = property(lambda self: {"calculator": "Evaluates an expression."})
    model = property(lambda self: self.client)

    async def traces(self):
        return self.rolled

    def improve(self, edits):
        records = dict(self._records)
        known = {variable.id: variable for variable in self.trainable}
        made = []
        for edit in edits:
            if edit.variable not in known:
                raise unknown("trainable variable", edit.variable, known)
            variable = known[edit.variable]
            before = records[variable.resource]
            made.append(resolved(edit, before.values()[variable.path]))
            records[variable.resource] = before.with_values({variable.path: made[-1].value})
            check_prompt(records[variable.resource], before)
        return Candidate(records, tuple(made))

    async def evaluate(self, candidates, examples):
        raise AssertionError("reflection evaluates nothing itself")

    @property
    def requests(self):
        return self.scripted.requests

    def block(self, number=-1):
        """The JSON of a request's last message, which must hold exactly one."""
        text = self.requests[number].messages[-1]["content"]
        assert text.count("```") == 2
        return json.loads(re.search(r"```json\n(.*)\n```$", text, re.DOTALL)[1])


def reflect(context, **settings):
    return asyncio.run(ReflectionOptimizer(**settings).sepl_reflect(context))


def select(context, hypotheses=(HYPOTHESIS,), **settings):
    return asyncio.run(ReflectionOptimizer(**settings).sepl_select(context, hypotheses))


def supposed(**changes):
    return {"text": "The value is wrapped in words.", "variables": [RULES], "examples": ["q2"], **changes}


def proposed(**changes):
    value = "Answer the question with the bare value."
    return {"variable": RULES, "value": value, "reason": "bare", "hypotheses": [0], "expects": ["q2"], **changes}


def test_hypotheses_come_from_the_models_structured_answer():
    context = Setting([{"hypotheses": [supposed(), supposed(text="  ", examples=[])]}])
    assert reflect(context) == [HYPOTHESIS]
    assert context.requests[0].schema == HYPOTHESES


def test_the_model_is_shown_failures_first_worst_first_and_then_successes():
    context = Setting([{"hypotheses": []}])
    reflect(context)
    block = context.block()
    assert list(block) == ["variables", "tools", "rollouts", "rejected", "predictions"]
    assert [rollout["example"] for rollout in block["rollouts"]] == ["q5", "q3", "q2", "q1"]
    assert block["rollouts"][2] == {
        "example": "q2", "input": "2 + 2?", "expected": "4", "answer": "It is 4.", "score": 0.2,
        "feedback": "Expected 4.", "tools_used": ["calculator"],
    }  # fmt: skip
    assert block["rollouts"][0]["answer"] is None
    assert block["rollouts"][0]["failure"] == "invalid: the step limit"
    assert block["tools"] == [{"name": "calculator", "description": "Evaluates an expression."}]
    assert "Of 5 rollouts 3 failed and 1 succeeded." in context.requests[0].messages[-1]["content"]


def test_only_trainable_texts_are_shown():
    records = {
        "prompt/solver": parse_prompt(PROMPT, "solver", "test"),
        "agent/policy": Record("agent", "policy", "", Installed("x", "y", "z"), {"steps": 3}, {}, {"steps": True}),
    }
    context = Setting([{"hypotheses": []}], records=records)
    reflect(context)
    assert context.block()["variables"] == [
        {"id": RULES, "description": "what the solver is told", "value": "Answer the question."},
        {"id": TOOLS, "description": "what the solver is told", "value": "Use the tools."},
    ]


def test_with_nothing_but_numbers_to_change_it_says_which_optimizer_to_take():
    weights = Record("agent", "policy", "", Installed("x", "y", "z"), {"weights": [0.1]}, {}, {"weights": True})
    with pytest.raises(InputError, match="evolution_strategy"):
        reflect(Setting(records={"agent/policy": weights}))


def test_without_failures_the_model_is_not_asked():
    context = Setting(traces=(TRACES[0], TRACES[3]))
    assert reflect(context) == []
    assert context.requests == []


def test_returns_of_episodes_are_judged_by_the_best_of_the_batch():
    played = [Trace(Episode(f"e{n}", n), Outcome("", None, n), Scored(n, "")) for n in (20.0, 500.0, 9.0)]
    context = Setting([{"hypotheses": []}], traces=played)
    reflect(context)
    shown = context.block()["rollouts"]
    assert [(rollout["example"], rollout["expected"]) for rollout in shown] == [
        ("e9.0", None), ("e20.0", None), ("e500.0", None),
    ]  # fmt: skip


def test_long_texts_are_cut_visibly_and_many_rollouts_are_not_all_shown():
    long = [Trace(Question(f"q{n}", "x" * 9000, "1"), Outcome("y" * 9000), Scored(0.0)) for n in range(30)]
    context = Setting([{"hypotheses": []}], traces=long)
    reflect(context)
    shown = context.block()["rollouts"]
    assert len(shown) == 16
    assert shown[0]["answer"].endswith("… (7000 characters more)")


def test_a_fence_within_a_value_does_not_end_the_block():
    fenced = Trace(Question("q", "```json\n{}\n```", "1"), Outcome("``` no"), Scored(0.0))
    context = Setting([{"hypotheses": []}], traces=[fenced])
    reflect(context)
    assert context.block()["rollouts"][0]["input"] == "```json\n{}\n```"


def test_what_does_not_exist_is_left_out_of_hypotheses():
    context = Setting([{"hypotheses": [supposed(variables=["prompt/x#y", RULES], examples=["q2", "val-1"])]}])
    assert reflect(context) == [HYPOTHESIS]


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ("no JSON at all", "no JSON"),
        ({"hypothesis": []}, "answer.hypothesis"),
        ({"hypotheses": [supposed(text=3)]}, "3 is no text"),
        ({"hypotheses": [{"text": "a", "variables": []}]}, "missing"),
        ([], "answer"),
    ],
)
def test_a_malformed_answer_is_asked_for_once_more_with_the_reason(wrong, said):
    context = Setting([wrong, {"hypotheses": [supposed()]}])
    assert reflect(context) == [HYPOTHESIS]
    text = context.requests[1].messages[-1]["content"]
    assert text.startswith("Your last answer could not be used:")
    assert said in text
    assert context.block(1) == context.block(0)


@pytest.mark.parametrize("ask", [reflect, select])
def test_after_two_malformed_answers_the_proposal_fails_with_the_reason(ask):
    """The core counts failures in a row; babble must not pass for "nothing to propose"."""
    context = Setting(["no", "no"])
    with pytest.raises(InvalidAnswer, match="answer cannot be used: .* no JSON"):
        ask(context)
    assert len(context.requests) == 2


def test_an_edit_may_be_patches_of_the_text_as_it_stands():
    patches = [{"op": "add", "span": "question", "text": "Give the bare value."}]
    context = Setting([{"edits": [proposed(value=None, patches=patches)]}])
    (edit,) = select(context)
    assert (edit.value, edit.patches) == (None, (Patch("add", "question", "Give the bare value."),))
    assert "Give the bare value." in context.improve([edit]).edits[0].value


def test_a_patch_that_does_not_fit_is_dropped_and_the_model_told_why():
    patches = [{"op": "replace", "span": "no such words", "text": "x"}]
    context = Setting([{"edits": [proposed(value=None, patches=patches)]}, {"edits": [proposed()]}])
    assert [edit.reason for edit in select(context)] == ["bare"]
    assert "nowhere" in context.requests[1].messages[-1]["content"]


def test_how_earlier_predictions_held_is_shown():
    edits = (Edit(RULES, "Be brief.", expects=("q2", "q3")),)
    history = [
        Round(1, edits, Verdict("indecisive", "kept"), ("q2", "q3"), ("q2",), ("q1",), tried=True),
        Round(1, edits, Verdict("commit", "committed")),
        Round(2, edits, Verdict("reject", "invalid"), ("q2",)),
    ]
    context = Setting([{"hypotheses": []}], history=history)
    reflect(context)
    assert context.block()["predictions"] == [
        {"variables": [RULES], "expected": ["q2", "q3"], "held": ["q2"], "broken": ["q1"]}
    ]


def test_an_answer_that_was_cut_off_is_asked_for_once_more():
    context = Setting()
    context.client = ModelClient(ScriptedModel([ModelAnswer('{"hyp', finish_reason="length"), '{"hypotheses": []}']))
    assert reflect(context) == []


def test_a_model_that_fails_ends_the_round_with_its_error():
    with pytest.raises(ModelError, match="the key"):
        reflect(Setting([ModelError("the key is wrong")]))


def test_edits_come_from_the_models_structured_answer():
    context = Setting([{"edits": [proposed(hypotheses=[0, 7], expects=["q2", "test-1"])]}])
    assert select(context) == [Edit(RULES, "Answer the question with the bare value.", "bare", (0,), ("q2",))]
    assert context.requests[0].schema == EDITS
    assert list(context.block()) == ["variables", "tools", "hypotheses", "rejected", "predictions"]
    assert context.block()["hypotheses"] == [supposed()]


def test_without_hypotheses_the_model_is_not_asked_for_edits():
    context = Setting()
    assert select(context, ()) == []
    assert context.requests == []


@pytest.mark.parametrize(
    ("edit", "why"),
    [
        (proposed(value="\nAnswer the question. "), "changes nothing"),
        (proposed(variable="prompt/solver#rule"), "did you mean prompt/solver#rules?"),
        (proposed(variable="prompt/solver#preamble"), "no text to edit"),
        (proposed(value="Answer.\n## More\nMuch."), "may not add a heading"),
        (proposed(value="Answer {{ question }}."), "may not add"),
    ],
)
def test_an_edit_that_cannot_be_used_is_dropped_and_the_model_told_why(edit, why):
    context = Setting([{"edits": [edit]}, {"edits": [proposed()]}])
    assert [found.variable for found in select(context)] == [RULES]
    assert why in context.requests[1].messages[-1]["content"]


def test_good_edits_are_taken_without_another_request():
    context = Setting([{"edits": [proposed(value="# no"), proposed()]}])
    assert len(select(context)) == 1
    assert len(context.requests) == 1


def test_no_edit_is_an_answer():
    context = Setting([{"edits": []}])
    assert select(context) == []
    assert len(context.requests) == 1


def test_each_variable_is_edited_once_and_no_more_than_max_edits():
    edits = [proposed(), proposed(value="Other."), proposed(variable=TOOLS, value="Use none.")]
    assert [e.value for e in select(Setting([{"edits": edits}]))] == [edits[0]["value"], "Use none."]
    assert [e.variable for e in select(Setting([{"edits": edits}]), max_edits=1)] == [RULES]


def test_rejected_edits_stand_in_the_next_requests_with_the_reason_and_committed_ones_do_not():
    def earlier(number, value, decision, reason):
        return Round(number, (Edit(RULES, value),), Verdict(decision, reason))

    history = [
        earlier(1, "Shout.", "reject", "7 broken, 3 fixed"),
        earlier(2, "Be brief.", "commit", "fine"),
        earlier(3, "Hm.", "indecisive", "too few"),
    ]
    expected = [{"variable": RULES, "value": "Shout.", "reason": "7 broken, 3 fixed"}]
    context = Setting([{"hypotheses": []}, {"edits": []}], history=history)
    reflect(context)
    select(context)
    assert [context.block(number)["rejected"] for number in (0, 1)] == [expected, expected]


def test_the_system_message_is_the_prompts_section_and_a_composed_prompt_goes_before():
    context = Setting([{"hypotheses": []}, {"edits": []}, {"hypotheses": []}])
    reflect(context)
    select(context)
    told = [request.messages[0]["content"] for request in context.requests]
    assert told[0].startswith("You find out why an agent system fails")
    assert told[1].startswith("You improve an agent system by editing its texts")
    own = parse_prompt("## Reflect\nThink.\n\n## Select\nEdit.\n", "reflection", "mine")
    context._records["prompt/reflection"] = evolve(own, trainable={})
    reflect(context)
    assert context.requests[2].messages[0] == {"role": "system", "content": "Think."}


def test_a_prompt_that_is_not_there_or_lacks_a_section_is_an_error():
    with pytest.raises(UnknownName, match="did you mean reflection"):
        reflect(Setting(), prompt="reflexion")
    with pytest.raises(UnknownName, match="no section in prompt/solver 'reflect'"):
        reflect(Setting(), prompt="solver")


@pytest.mark.parametrize("name", ["rounds", "batch", "max_edits"])
def test_counts_must_be_at_least_one(name):
    with pytest.raises(ConfigurationError, match=f"{name} is 0"):
        structure({name: 0}, ReflectionOptimizer, "optimizer")


def test_schemas_are_in_the_strict_form():
    def check(schema):
        if schema["type"] == "object":
            assert schema["additionalProperties"] is False
            assert schema["required"] == list(schema["properties"])
            for inner in schema["properties"].values():
                check(inner)
        elif schema["type"] == "array":
            check(schema["items"])

    check(HYPOTHESES)
    check(EDITS)
