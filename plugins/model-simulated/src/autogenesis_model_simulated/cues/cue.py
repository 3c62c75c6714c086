"""A cue: one way to ask for a value of an intent."""

import re

from attrs import frozen

# A stretch of words within one clause.
GAP = r"[^.;:!?]{0,50}?"


@frozen
class Cue:
    """Words that, without negation, ask for `value` of `intent`; negated they ask for the other value.

    The groups of `pattern` whose names begin with h mark the word that a negation must cover, where that is not the
    first. `context` says where the cue counts: "any" where it speaks for itself, "free" in a sentence that is about the
    intent's own family or about none, "own" only in a sentence about its own family. `only_negated` is for words that
    ask for something only by being denied ("no remarks").
    """

    intent: str
    value: str
    pattern: re.Pattern[str]
    context: str = "free"
    only_negated: bool = False
