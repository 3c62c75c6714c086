"""A rule: one instruction of a prompt, in the few words that the simulated model understands."""

from attrs import frozen

FAMILIES = ("arithmetic", "sorting", "counting", "conversion")
OWN_FAMILY = {
    "calculator": "arithmetic",
    "sort_words": "sorting",
    "count_letters": "counting",
    "convert_base": "conversion",
}
OPPOSITES = {
    "answer_format": ("value_only", "sentence"),
    "use_tool": ("do", "dont"),
    "precedence": ("standard", "left_to_right"),
    "sort_order": ("code_point", "ignore_case"),
    "counting": ("letter_by_letter", "at_a_glance"),
    "conversion": ("stepwise", "at_a_glance"),
    "digits": ("lowercase", "uppercase"),
    "verify": ("do", "dont"),
}
# The intents that concern one family of tasks only.
FIXED_FAMILY = {
    "precedence": "arithmetic",
    "sort_order": "sorting",
    "counting": "counting",
    "conversion": "conversion",
    "digits": "conversion",
}


@frozen
class Rule:
    """What a prompt asks for: `value` of `intent` on questions of the family `task` ("all" for every family).

    `tool` is the tool's name where the intent is "use_tool" ("any" for whichever fits), else None.
    """

    intent: str
    value: str
    task: str
    tool: str | None = None

    def negated(self) -> "Rule":
        """The rule that asks for the contrary."""
        first, second = OPPOSITES[self.intent]
        return Rule(self.intent, second if self.value == first else first, self.task, self.tool)

    def contradicts(self, other: "Rule") -> bool:
        """Whether the two ask for both values of one intent for the same task and tool."""
        return self.negated() == other
