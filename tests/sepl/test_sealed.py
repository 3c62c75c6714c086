"""`test` is sealed: nothing that an operator or a gate is given leads to a test example."""

import inspect
from collections import deque
from collections.abc import Iterable, Mapping
from types import CellType, FunctionType, MethodType, ModuleType

import pytest
from attrs import define, field

from autogenesis_core import Edit, Question, Score, Vote, hookimpl
from autogenesis_core.testing import FunctionModel

MARK = "the sealed text"


def parts(thing):
    """What a thing leads to: attributes in `__dict__` and slots, items, what a function closes over or is bound to."""
    if isinstance(thing, Mapping):
        yield from thing.keys()
        yield from thing.values()
    elif isinstance(thing, Iterable) and not isinstance(thing, str | bytes) and hasattr(thing, "__len__"):
        yield from thing
    if isinstance(thing, MethodType):
        yield from (thing.__self__, thing.__func__)
    elif isinstance(thing, FunctionType):
        yield from (*(thing.__closure__ or ()), *(thing.__defaults__ or ()), *(thing.__kwdefaults__ or {}).values())
    elif isinstance(thing, CellType):
        yield from () if thing == CellType() else (thing.cell_contents,)
    yield from getattr(thing, "__dict__", {}).values()
    for cls in type(thing).__mro__:
        for name in (
            [getattr(cls, "__slots__", ())]
            if isinstance(getattr(cls, "__slots__", ()), str)
            else getattr(cls, "__slots__", ())
        ):
            yield inspect.getattr_static(thing, name, None) and getattr(thing, name, None)


def texts(*roots) -> set[str]:
    """Every text that these lead to."""
    seen, found, waiting = set(), set(), deque(roots)
    keep = []  # so that no place in memory is used twice
    while waiting:
        thing = waiting.popleft()
        if isinstance(thing, str):
            found.add(thing)
        elif not isinstance(thing, ModuleType | type | int | float | None.__class__) and id(thing) not in seen:
            seen.add(id(thing))
            keep.append(thing)
            waiting.extend(parts(thing))
    return found


@define(eq=False)
class Curious:
    """Answers every operator, or declines, and keeps what it was given."""

    rounds: int = 3
    concurrent: bool = True
    given: list = field(factory=list)
    early: set = field(factory=set)

    def look(self, **given):
        self.given.append(given)
        self.early |= texts(*given.values())

    @hookimpl
    async def sepl_parent(self, context):
        self.look(context=context)
        return NotImplemented

    @hookimpl
    async def sepl_reflect(self, context):
        await context.traces()
        _ = context.model, context.variables, context.proposals, context.tools
        self.look(context=context, traces=context.traces, improve=context.improve, model=context.model)
        return NotImplemented

    @hookimpl
    async def sepl_select(self, context, hypotheses):
        self.look(context=context, hypotheses=hypotheses)
        return [Edit("agent/skilled#skill", 3 + 2 * context.round)]

    @hookimpl
    async def sepl_improve(self, context, edits):
        self.look(context=context, edits=edits)
        return NotImplemented

    @hookimpl
    async def sepl_evaluate(self, context, candidate):
        self.look(context=context, candidate=candidate)
        return NotImplemented

    @hookimpl
    async def sepl_commit(self, context, candidate, assessment):
        self.look(context=context, candidate=candidate, assessment=assessment)
        return NotImplemented

    @hookimpl
    async def sepl_interim(self, candidate, assessment):
        self.look(candidate=candidate, assessment=assessment)
        return NotImplemented

    @hookimpl
    async def sepl_gate(self, candidate, assessment):
        self.look(candidate=candidate, assessment=assessment)
        return Vote("curious", "commit", "fine")

    @hookimpl
    async def sepl_observe(self, event, data):
        if event != "finished":
            self.look(data=data)


@pytest.fixture
def marked(digits):
    """The benchmark of numbers, with a mark in each text, and all texts that were made kept in it."""

    class Marked(digits):
        def __init__(self):
            self.made = None

        def examples(self, sizes, seed):
            self.made = {
                split: [Question(f"{split}-{i}", f"{split} {MARK} {i}", str(i)) for i in range(size)]
                for split, size in sizes.items()
            }
            return self.made

        def score(self, example, outcome):
            return Score(float(int(example.target) % 10 < int(outcome.text)))

    return Marked


@pytest.mark.parametrize("width", [1, 2])
def test_nothing_that_an_operator_or_a_gate_is_given_leads_to_a_test_example(run, composition, marked, skilled, width):
    class Says(skilled):
        async def run(self, task, context):
            return str(self.skill)

    curious = Curious()
    made = composition(
        optimizer=curious, gate=curious, agent=Says(), benchmark=marked(), width=width, branch="main",
        model=FunctionModel(lambda _: "x"),
    )  # fmt: skip
    ran = run(made)
    assert ran.result["commits"]
    assert {key for given in curious.given for key in given} >= {"context", "candidate", "assessment", "data", "model"}
    seen = {text.split(" ", 1)[0] for text in curious.early if MARK in text}
    assert seen == {"train", "val"}  # those of val are what gates vote on


def test_the_search_of_this_test_finds_what_is_hidden_in_attributes_slots_and_closures():
    @define
    class Slotted:
        inner: object

    def closed(value):
        return lambda: value

    for hidden in ([Slotted({"x": (MARK,)})], closed(MARK), closed(Slotted(closed(MARK))), {MARK: 1}):
        assert MARK in texts(hidden)
