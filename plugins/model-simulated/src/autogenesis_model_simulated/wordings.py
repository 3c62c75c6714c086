"""How the simulated model words a rule when it writes one into a prompt, in plain words of its own."""

from autogenesis_model_simulated.draw import Draws
from autogenesis_model_simulated.rule import Rule

_FOR = {
    "all": ("", "", ""),
    "arithmetic": ("For arithmetic, ", "When you calculate something, ", "In arithmetic questions, "),
    "sorting": ("For sorting questions, ", "When you sort words, ", "When the task is sorting, "),
    "counting": ("For counting questions, ", "When you count letters, ", "When asked how many times a letter occurs, "),
    "conversion": ("For base conversions, ", "When you convert a number, ", "In conversion tasks, "),
}
_THINGS = {
    "all": "every question",
    "arithmetic": "arithmetic",
    "sorting": "sorting words",
    "counting": "counting letters",
    "conversion": "base conversions",
}
# Keyed by (intent, value); {for} opens with the family, {thing} names it, {tool} is the tool's name.
_WORDINGS: dict[tuple[str, str], tuple[str, ...]] = {
    ("answer_format", "value_only"): (
        "{for}reply with the answer only, without any other words.",
        "{for}give just the value and nothing else.",
        "{for}output only the final result, with no sentence around it.",
        "{for}do not wrap the answer in a sentence; write the bare value.",
    ),
    ("answer_format", "sentence"): (
        "{for}answer in a full sentence.",
        "{for}explain your reasoning in a full sentence.",
        "{for}put the answer into a complete sentence.",
    ),
    ("use_tool", "do"): (
        "Use the {tool} tool for {thing}.",
        "Always call {tool} for {thing}.",
        "For {thing}, use {tool} and answer from its result.",
        "For {thing}, do not rely on your own mind, but call {tool}.",
    ),
    ("use_tool", "dont"): (
        "Do not use {tool} for {thing}.",
        "For {thing}, never call {tool}.",
        "Avoid {tool} for {thing}.",
    ),
    ("precedence", "standard"): (
        "Multiply and divide before you add and subtract.",
        "Follow the standard order of operations in every expression.",
        "Respect operator precedence when you evaluate an expression.",
    ),
    ("precedence", "left_to_right"): (
        "Evaluate expressions from left to right.",
        "Apply the operators of an expression in the order in which they appear.",
    ),
    ("sort_order", "code_point"): (
        "Sort words by their ASCII code, with capitals before small letters.",
        "Uppercase words come before lowercase words when you sort.",
        "When sorting, do not ignore case: compare by Unicode code point.",
    ),
    ("sort_order", "ignore_case"): ("Ignore case when you sort words.", "Sort words as a dictionary does."),
    ("counting", "letter_by_letter"): (
        "Count letter by letter.",
        "When you count a letter, go through the text one character at a time.",
        "Never guess a letter count; look at each character of the text.",
    ),
    ("counting", "at_a_glance"): ("Count letters at a glance.", "Just estimate how often a letter occurs."),
    ("conversion", "stepwise"): (
        "Convert numbers step by step, through decimal.",
        "When you convert between bases, first compute the decimal value and then the digits of the target base.",
        "Convert digit by digit, with place values.",
    ),
    ("conversion", "at_a_glance"): (
        "Write converted numbers down directly.",
        "When you convert a number, guess the result.",
    ),
    ("digits", "lowercase"): (
        "Use lowercase letters for digits above 9.",
        "Write the digits of a converted number in lowercase.",
        "Never write hexadecimal digits in uppercase.",
    ),
    ("digits", "uppercase"): (
        "Use uppercase letters for digits above 9.",
        "Hexadecimal digits must be capital letters.",
    ),
    ("verify", "do"): (
        "{for}check the result again before you answer.",
        "{for}verify the result before replying.",
        "{for}double-check your result.",
    ),
    ("verify", "dont"): ("{for}do not check the result again.", "{for}skip any double-checking."),
}
USELESS = (
    "Be careful and think about the question.",
    "Read the question closely and do your best.",
    "You are an expert, so act like one.",
    "Stay focused and be helpful to the user.",
    "Remember that quality is important.",
    "Take a deep breath.",
)


def wordings(rule: Rule) -> list[str]:
    """All the ways in which the model would word `rule`."""
    found = (
        _filled(template, rule, opening)
        for template in _WORDINGS[rule.intent, rule.value]
        for opening in (_FOR[rule.task] if "{for}" in template else ("",))
    )
    return list(dict.fromkeys(found))


def wording(rule: Rule, draws: Draws, name: str) -> str:
    """One of them, by the draw `name`."""
    return draws.choice(f"wording {name}", wordings(rule))


def _filled(template: str, rule: Rule, opening: str) -> str:
    if rule.tool == "any":
        template = template.replace("the {tool} tool", "{tool}")
    text = template.replace("{for}", opening).replace("{thing}", _THINGS[rule.task])
    text = text.replace("{tool}", "a tool" if rule.tool == "any" else rule.tool or "")
    return text[0].upper() + text[1:]
