# ruff: noqa: D102  # RoundContext: what its methods do stands in SeplContext
"""A proposal: what the loop gives its operators to see, and what came of them."""

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Literal
from weakref import WeakKeyDictionary

from attrs import evolve, field, frozen

from autogenesis_core.errors import InputError, PluginError, unknown
from autogenesis_core.identity import JSON, derive
from autogenesis_core.rspl.reader import Proposal
from autogenesis_core.rspl.record import Record
from autogenesis_core.sepl.context import SeplContext
from autogenesis_core.sepl.evaluation import Evaluation, Example, Scored
from autogenesis_core.sepl.patch import apply_patches
from autogenesis_core.sepl.pool import Member, Prefix
from autogenesis_core.sepl.spaces import Assessment, Candidate, Edit, Hypothesis, Trace
from autogenesis_core.sepl.trial import Trial
from autogenesis_core.sepl.variables import Variable
from autogenesis_core.services.client import ModelClient

if TYPE_CHECKING:
    from autogenesis_core.sepl.loop import Loop

State = Literal["nothing", "failed", "invalid", "rejected", "kept", "conflict", "open"]


@frozen
class Proposed:
    """One proposal and what became of it in the pool.

    Arguments:
        slot: its number among those of its round
        parent: the member of the pool that it started from
        reason: why it failed, is not valid or was rejected
        trial: of candidate and parent on train examples, if it came so far
        seen: the parent's scores by example, in the rollouts that reflection read
    """

    slot: int
    parent: Member
    hypotheses: tuple[Hypothesis, ...] = ()
    edits: tuple[Edit, ...] = ()
    state: State = "nothing"
    reason: str = ""
    candidate: Candidate | None = None
    trial: Trial | None = None
    seen: Mapping[str, Sequence[float]] = field(factory=dict)

    @property
    def screen(self) -> Assessment | None:
        """Candidate and parent on train examples, if it came so far."""
        return None if self.trial is None else self.trial.screen

    @property
    def expected(self) -> tuple[str, ...]:
        """The train examples that its edits said they would fix."""
        return tuple(dict.fromkeys(example for edit in self.edits for example in edit.expects))


# No attribute of a context leads to its loop: nothing that an operator is given leads to examples held out.
_LOOPS: WeakKeyDictionary["RoundContext", "Loop"] = WeakKeyDictionary()


class RoundContext(SeplContext):
    """The loop as the operators of one proposal may see it."""

    def __init__(self, loop: "Loop", number: int, slot: int) -> None:
        _LOOPS[self] = loop
        self.round = number
        self.slot = slot
        self.seed = loop.seed
        self.train = loop.examples["train"]
        self.history = Prefix(loop.history)
        self.pool = Prefix(loop.pool)
        self.parent = loop.tip
        self.front = dict(loop.front.counts)
        self._traces: Sequence[Trace] | None = None

    @property
    def train_ids(self) -> frozenset[str]:
        return _LOOPS[self].train_ids

    @property
    def records(self) -> Mapping[str, Record]:
        return self.parent.records

    @property
    def variables(self) -> Sequence[Variable]:
        return _LOOPS[self].variables(self.parent.records)

    @property
    def tools(self) -> Mapping[str, str]:
        return {r.name: r.description for r in self.records.values() if r.kind == "tool"}

    @property
    def proposals(self) -> Sequence[Proposal]:
        def found() -> JSON:
            open_ = _LOOPS[self].store.proposals()
            return [[p.id, p.time, p.run, p.variable, p.value, p.reason, p.state] for p in open_]

        trainable = {variable.id for variable in self.trainable}
        rows = _LOOPS[self].journal.once("proposals", str(self.round), found)
        return [made for made in (Proposal(*row) for row in rows) if made.variable in trainable]

    @cached_property
    def _client(self) -> ModelClient:
        client = _LOOPS[self].client
        if client is None:
            raise InputError(
                "the optimizer needs a model and none is set",
                "AUTOGENESIS_MODEL=…, or +model=litellm model.name=…",
            )
        slot = [self.slot] if self.slot else []
        return client(f"{self.round} {self.slot}", derive(self.seed, self.round, *slot, "optimizer"))

    @property
    def model(self) -> ModelClient:
        return self._client

    def begin_again(self) -> None:
        """Lets the proposal be made from its beginning, with what was answered already."""
        if "_client" in self.__dict__:
            self._client.begin_again()

    @cached_property
    def minibatch(self) -> tuple[int, Sequence[Example]]:
        """This proposal's train examples, and how often all of train were drawn before."""
        return _LOOPS[self].deal(self.slot)

    @property
    def looked(self) -> bool:
        """Whether anybody asked for traces."""
        return self._traces is not None

    @property
    def seen(self) -> dict[str, list[float]]:
        """The scores of the traces, if anybody asked for them."""
        found: dict[str, list[float]] = {}
        for trace in self._traces or ():
            if isinstance(trace.result, Scored):
                found.setdefault(trace.example.id, []).append(trace.result.value)
        return found

    async def traces(self) -> Sequence[Trace]:
        if self._traces is None:
            evaluator = _LOOPS[self].evaluator
            passes, examples = self.minibatch
            draws = evaluator.draws(f"traces {passes}", examples)
            self._traces = await evaluator.traces(_LOOPS[self].system(self.records), draws)
        return self._traces

    def improve(self, edits: Sequence[Edit]) -> Candidate:
        trainable = {variable.id: variable for variable in self.trainable}
        records = dict(self.records)
        made = []
        for edit in edits:
            if edit.variable not in trainable:
                raise unknown("trainable variable", edit.variable, trainable)
            variable = trainable[edit.variable]
            now = records[variable.resource].values()[variable.path]
            edit = resolved(edit, now)
            records[variable.resource] = _LOOPS[self].manager.edited(
                records[variable.resource], {variable.path: edit.value}
            )
            made.append(edit)
        return Candidate(records, tuple(made))

    async def evaluate(self, candidates: Sequence[Candidate], examples: Sequence[Example]) -> Sequence[Evaluation]:
        if any(_LOOPS[self].train.get(example.id) is not example for example in examples):
            raise InputError("an optimizer may only evaluate on examples of train")
        systems = [_LOOPS[self].system(candidate.records) for candidate in candidates]
        evaluator = _LOOPS[self].evaluator
        return await evaluator.compare(systems, "train", evaluator.draws("rollout", examples))


def resolved(edit: Edit, now: JSON) -> Edit:
    """`edit` with its new value, made from its patches if it has any; raises InputError for a patch that fits not."""
    if not edit.patches:
        return edit
    if not isinstance(now, str):
        raise InputError(f"{edit.variable} is no text, so it cannot be patched", "give its new value")
    return evolve(edit, value=apply_patches(now, edit.patches))


def check_trainable(loop: "Loop", parent: Mapping[str, Record], candidate: Candidate) -> Candidate:
    """`candidate`, unless an optimizer's own Improve left the trainable subspace or made what may not be stored.

    Raises PluginError, or InputError for a value that is not valid.
    """
    free = {variable.id for variable in loop.variables(parent) if variable.trainable}
    if candidate.records.keys() != parent.keys():
        raise PluginError("the optimizer added or removed a resource, which is not trainable")
    for name, before in parent.items():
        after = candidate.records[name]
        if after is before:
            continue
        old = before.values()
        changed = {path: value for path, value in after.values().items() if path in old and old[path] != value}
        outside = [path for path in changed if f"{name}#{path}" not in free]
        if outside or before.with_values(changed) != after:
            raise PluginError(f"the optimizer changed something of {name} that is not trainable")
        if changed:
            loop.manager.edited(before, changed)
    return candidate
