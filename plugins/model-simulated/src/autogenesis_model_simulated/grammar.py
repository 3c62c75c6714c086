"""Which rules a prompt states: `parse_rules`. GRAMMAR.md says the same for people."""

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache

from attrs import frozen

from autogenesis_model_simulated import vocabulary as v
from autogenesis_model_simulated.cues import CUES, Cue
from autogenesis_model_simulated.pin import parse_pin
from autogenesis_model_simulated.rule import FIXED_FAMILY, OWN_FAMILY, Rule

Span = tuple[int, int]
_LONGEST_SENTENCE = 800


def parse_rules(text: str, tools: Iterable[str] = ()) -> tuple[Rule, ...]:
    """The rules that `text` states, each once, in the order of their sentences; `tools` are names besides the usual."""
    return _parsed(text, tuple(dict.fromkeys((*OWN_FAMILY, *tools))))


# One prompt is read for every question of a benchmark.
@lru_cache(maxsize=1024)
def _parsed(text: str, known: tuple[str, ...]) -> tuple[Rule, ...]:
    found = (rule for sentence in sentences(text) for rule in _Sentence.of(sentence, known).rules())
    return tuple(dict.fromkeys(found))


def sentences(text: str) -> list[str]:
    """The sentences and lines of `text`, without headings, bullets and pins; of a monster its beginning."""
    plain = text.replace("\u2019", "'").replace("`", "").replace("**", "")
    # 'A' and 'a' are the letters, not what is said.
    plain = re.sub(r"(?<!\w)[\"'\u2018\u201c](\w)[\"'\u201d](?!\w)", r"\1", plain)
    parts: list[str] = []
    for line in plain.splitlines():
        if line.lstrip().startswith("#") or parse_pin(line):
            continue
        bare = re.sub(r"^\s*(?:[-*\u2022+]|\d+[.)])\s+", "", line)
        parts += re.split(r"(?<=[.!?])[\"')]*\s+(?=[\w\"'(])", bare)
    return [part.strip()[:_LONGEST_SENTENCE] for part in parts if part.strip()]


@frozen
class _Sentence:
    """One sentence, where its clauses lie and what each negation in it covers."""

    text: str
    clauses: tuple[Span, ...]
    denials: tuple[Span, ...]
    tools: tuple[str, ...]

    @classmethod
    def of(cls, text: str, tools: tuple[str, ...]) -> "_Sentence":
        clauses = tuple(_clauses(text))
        return cls(text, clauses, tuple(_denials(text, clauses)), tools)

    def rules(self) -> list[Rule]:
        """The rules of the sentence; of two that contradict each other, the one with the stronger cue."""
        if self._tells():
            return []
        found: list[Rule] = []
        for rule in [*self._tool_rules(), *self._cue_rules()]:
            if rule not in found and not any(rule.contradicts(other) for other in found):
                found.append(rule)
        return _without_echoes(found, self.text)

    def _tells(self) -> bool:
        """Whether the sentence tells something and asks for nothing."""
        asks = v.DIRECTIVE.search(self.text) or v.COMMANDING.search(self.text) or self.denials
        return bool(v.NARRATIVE.search(self.text)) and not asks

    def _denied(self, position: int) -> bool:
        return sum(start <= position < end for start, end in self.denials) % 2 == 1

    def _covered(self, position: int) -> bool:
        """Whether there is any negation, be it one that another one takes back."""
        return any(start <= position < end for start, end in self.denials)

    def _clause(self, position: int) -> Span:
        return next(span for span in self.clauses if position < span[1] or span is self.clauses[-1])

    def _families(self, span: Span) -> list[str]:
        part = self.text[span[0] : span[1]]
        return [family for family, pattern in v.FAMILY_WORDS.items() if pattern.search(part)]

    def _scope(self, position: int) -> list[str]:
        """The families that an instruction at `position` is about: its clause's, else the sentence's; none is all."""
        clause = self._clause(position)
        if v.EVERYTHING.search(self.text[clause[0] : clause[1]]):
            return []
        if own := self._families(clause):
            return own
        if (leading := v.LEADING.match(self.text)) and (families := self._families(leading.span())):
            return families
        before = self._families((0, clause[0]))
        if len(before) == 1:
            return before
        # "Without any words, give the count" and "give it alone, if it is a count".
        opens = v.WITHOUT.match(self.text, clause[0])
        after = [span for span in self.clauses if span[0] >= clause[1]]
        later = [span for span in after if opens or v.SCOPING.match(self.text, span[0])]
        return self._families(later[0]) if later else []

    def _cue_rules(self) -> Iterable[Rule]:
        context = self._context()
        for cue in CUES:
            for match in cue.pattern.finditer(self.text):
                head = _head(match)
                denied = self._denied(head)
                if (cue.only_negated and not self._covered(head)) or not _fits(cue, context):
                    continue
                for task in self._tasks(cue, match.start()):
                    rule = Rule(cue.intent, cue.value, task)
                    yield rule.negated() if denied else rule

    def _context(self) -> set[str]:
        """The families that the sentence has to do with, also by the tools that it names."""
        named = {OWN_FAMILY[tool] for _, _, tool in _mentions(self.text, self.tools) if tool in OWN_FAMILY}
        families = {*self._families((0, len(self.text))), *named}
        if v.DIGITS.search(self.text):
            families.add("conversion")
        if not families and v.CAPITALS.search(self.text):
            families.add("sorting")
        return families

    def _tasks(self, cue: Cue, position: int) -> list[str]:
        fixed = FIXED_FAMILY.get(cue.intent)
        return [fixed] if fixed else self._scope(position) or ["all"]

    def _tool_rules(self) -> Iterable[Rule]:
        mentions = sorted(_mentions(self.text, self.tools))
        asked = False
        for index, (start, end, tool) in enumerate(mentions):
            after = mentions[index + 1][0] if index + 1 < len(mentions) else len(self.text)
            clause = self._clause(start)
            # "Use the calculator for sums and sort_words for lists": the verb stands but once.
            again = asked and v.FOR.match(self.text, end) is not None
            asked = self._covered(start) or again or self._asks(clause, start)
            if asked:
                for task in self._tool_tasks(tool, start, (end, min(after, clause[1]))):
                    yield Rule("use_tool", "dont" if self._denied(start) else "do", task, tool)

    def _asks(self, clause: Span, position: int) -> bool:
        """Whether the clause asks for the tool that it mentions at `position`, and does not merely describe it."""
        before, after = self.text[clause[0] : position], self.text[position : clause[1]]
        if v.USING.search(before) or (v.DIRECTIVE.search(after) and v.USING.search(after)):
            return True
        if v.TAKE_IT.match(self.text, position):
            return True
        return bool(v.BARE_BEFORE.search(before) and v.BARE_AFTER.match(self.text, position))

    def _tool_tasks(self, tool: str, position: int, after: Span) -> list[str]:
        if v.EVERYTHING.search(self.text[after[0] : after[1]]):
            return ["all"]
        if tool == "any":
            return self._scope(position) or ["all"]
        own = OWN_FAMILY.get(tool)
        named = self._families(after)
        leading = v.LEADING.match(self.text)
        if not named and leading and leading.end() <= position:
            if v.EVERYTHING.search(leading.group()):
                return ["all"]
            named = self._families(leading.span())
        if not named and (sent := v.SENDING.search(self.text[:position])):
            named = self._families(sent.span())
        if own in named or (own and not named):
            return [own]
        return named or self._scope(position) or ["all"]


def _fits(cue: Cue, context: set[str]) -> bool:
    family = FIXED_FAMILY.get(cue.intent)
    if family is None or cue.context == "any" or family in context:
        return True
    return cue.context == "free" and not context


def _head(match: re.Match[str]) -> int:
    heads = [match.start(name) for name, found in match.groupdict().items() if name[0] == "h" and found is not None]
    return heads[0] if heads else match.start()


def _mentions(text: str, tools: Sequence[str]) -> Iterable[tuple[int, int, str]]:
    """Where a tool is mentioned: (start, end, name), "any" for tools as such."""
    taken: list[Span] = []
    for tool in tools:
        spaced = re.escape(tool.replace("_", " "))
        names = [re.escape(tool), rf"{spaced} (?:tool|function)"]
        names += [v.TOOL_WORDS[tool]] if tool in v.TOOL_WORDS else []
        for match in v.words(*names).finditer(text):
            taken.append(match.span())
            yield *match.span(), tool
    for match in v.ANY_TOOL.finditer(text):
        near = any(start - 5 <= match.end() and match.start() <= end + 1 for start, end in taken)
        if not near:
            yield *match.span(), "any"


def _clauses(text: str) -> Iterable[Span]:
    start = 0
    for match in v.BOUNDARY.finditer(text):
        if match.start() > start and not _lists(text, start, match):
            yield start, match.start()
            start = match.start()
    yield start, len(text) + 1


def _lists(text: str, start: int, boundary: re.Match[str]) -> bool:
    """Whether a comma only separates the members of a list that a negation governs."""
    if not boundary.group().strip().startswith(","):
        return False
    if not v.NEGATORS.search(text, start, boundary.start()):
        return False
    rest = text[boundary.start() :].rstrip(".!")
    if re.match(rf",\s+(?:{v.NEGATED_START}|{v.IMPERATIVE})\b", rest, re.IGNORECASE):
        return False
    return bool(v.LISTING.match(rest) or v.NOUN_LIST.match(rest))


def _denials(text: str, clauses: Sequence[Span]) -> Iterable[Span]:
    """What each negation covers."""
    masked = v.HARMLESS.sub(lambda match: "_" * len(match.group()), text)
    backward = [match.span() for match in v.POST_NEGATORS.finditer(masked)]
    for start, end in backward:
        if re.match(r"\s+(?:for \w+ )?to\b", masked[end:]):  # "it is forbidden to ..."
            yield end, _reach(masked, end - 1, clauses)
            continue
        first = _beginning(start, clauses)
        # "must never be placed after" denies what follows as well as what it is said of.
        yield first, _reach(masked, end - 1, clauses) if v.PASSIVE.search(masked[start:end]) else end
    for match in v.NEGATORS.finditer(masked):
        if not any(start <= match.start() < end for start, end in backward):
            # "precedence does not apply": what is denied of a thing denies the thing.
            spoken_of = v.SAID_OF.search(masked[_beginning(match.start(), clauses) : match.end()])
            first = _beginning(match.start(), clauses) if spoken_of else match.end()
            yield first, _reach(masked, match.end(), clauses)
    for match in v.PREFERENCE.finditer(masked):
        yield match.end(), _reach(masked, match.end(), clauses)


def _beginning(position: int, clauses: Sequence[Span]) -> int:
    return max((span[0] for span in clauses if span[0] <= position), default=0)


def _reach(text: str, position: int, clauses: Sequence[Span]) -> int:
    """Where a negation that begins at `position` ends: with its clause, or at a word such as "until"."""
    last = next((span[1] for span in clauses if position < span[1]), len(text) + 1)
    stop = v.SCOPE_END.search(text, position, last)
    # The word itself still belongs to the negation: "never add before you multiply".
    return stop.start() + 1 if stop else last


def _without_echoes(rules: list[Rule], text: str) -> list[Rule]:
    """`rules` without "just put down the result", where it only says again that a conversion is to be quick."""
    quick = any(rule.value == "at_a_glance" for rule in rules)
    weak = re.search(r"\bjust (?:\w+ )*(?:the|a|an) ", text, re.IGNORECASE)
    if quick and weak and not re.search(r"\b(?:and|with) (?:only|nothing)|\bonly\b|\balone\b|without", text):
        return [rule for rule in rules if rule.intent != "answer_format"]
    return rules
