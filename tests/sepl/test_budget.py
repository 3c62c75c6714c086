import asyncio
import re
from contextlib import suppress

import pytest
from attrs import frozen

from autogenesis_core import (
    BudgetExceeded,
    InputError,
    Model,
    ModelAnswer,
    ModelRequest,
    Overloaded,
    Price,
    Runtime,
    Usage,
)
from autogenesis_core.sepl.budget import Budget
from autogenesis_core.settings import BudgetLimits

CHEAP = Price(0.001, 0.002)


class Metered(Model):
    """Answers as many tokens as it may, a hundred at the most; counts how often it was asked."""

    def __init__(self, price: Price | None = CHEAP, words: int = 100, nap: float = 0.0) -> None:
        self.asked = 0
        self.used = Usage()
        self._price, self._words, self._nap = price, words, nap

    @property
    def id(self) -> str:
        return "metered"

    async def answer(self, request: ModelRequest) -> ModelAnswer:
        self.asked += 1
        await asyncio.sleep(self._nap * (self.asked % 3))
        tokens = min(self._words, request.max_tokens or self._words)
        usage = Usage(sum(len(m["content"]) for m in request.messages) // 4, tokens)
        self.used += usage
        return ModelAnswer("fine", usage=usage)

    async def price(self) -> Price | None:
        return self._price


@pytest.fixture
def asks(skilled):
    """The agent of the other tests, which asks the model once for each task."""

    @frozen
    class Asks(skilled):
        uses_model = True

        async def run(self, task, context):
            await context.model([{"role": "user", "content": f"Think of {task}, please."}])
            return await skilled.run(self, task, context)

    return Asks


SIZES = (5, 10, 10)  # a round takes 10 calls on train and 20 on val, and test 20 at the end


@pytest.mark.parametrize("workers", [1, 16])
@pytest.mark.parametrize("calls", [31, 49, 50, 57, 80, 99])
def test_a_limit_on_calls_is_never_overshot_and_test_is_still_scored_after(run, composition, asks, calls, workers):
    """Test's scores were held back, so that they can be paid whenever the run stops."""
    model = Metered()
    limits = {"calls": calls, "money": None}
    ran = run(composition([4, 5, 6, 7, 8], agent=asks(), model=model, sizes=SIZES, limits=limits, workers=workers))
    assert model.asked == ran.result["spent"]["calls"] <= calls
    assert ran.result["scores"]["test"]["after"]["n"] == 10
    assert ran.result["scores"]["test"]["after"]["coverage"] == 1.0
    said = rf"budget\.calls is spent: {calls}; the last assessment and test need (20|40)"
    assert re.fullmatch(said, ran.result["stopped"])


@pytest.mark.parametrize("limits", [{"tokens": 4000, "money": None}, {"money": 8.0}], ids=["tokens", "money"])
@pytest.mark.parametrize("words", [10, 1000, 5000])
def test_a_limit_on_tokens_or_money_is_never_overshot(run, composition, asks, limits, words):
    """However long the model's answers would be by itself."""
    model = Metered(words=words)
    with suppress(BudgetExceeded):  # too little to begin with
        run(composition([4, 5, 6, 7], agent=asks(), model=model, sizes=(1, 2, 2), limits=limits))
    assert model.asked > 0
    assert model.used.input_tokens + model.used.output_tokens <= limits.get("tokens", 10**9)
    assert CHEAP.of(model.used) <= (limits["money"] or 10**9)


def test_what_was_committed_before_the_budget_was_spent_stays(run, composition, asks):
    ran = run(composition([5, 8, 9], agent=asks(), model=Metered(), sizes=SIZES, limits={"calls": 64, "money": None}))
    assert (ran.values["agent/skilled#skill"], ran.result["scores"]["test"]["after"]["mean"]) == (5, 0.5)
    assert ran.fault is None


def test_a_budget_too_small_to_begin_says_so(run, composition, asks):
    model = Metered()
    with pytest.raises(BudgetExceeded, match=r"budget\.calls"):
        run(composition([5], agent=asks(), model=model, sizes=SIZES, limits={"calls": 5, "money": None}))
    assert model.asked <= 5


def test_seconds_end_a_run(run, composition, asks):
    made = composition(
        [4] * 50, agent=asks(), model=Metered(nap=0.02), sizes=(1, 3, 3), limits={"seconds": 0.5, "money": None}
    )
    edits = made.optimizer.instance
    edits.plan = [[("agent/skilled#style", f"style {i}")] for i in range(500)]
    result = run(made).result
    assert (result["stopped"], result["spent"]["seconds"] < 5) == ("budget.seconds is spent: 0.5", True)


def test_seconds_end_a_run_without_a_model_too(run, composition, skilled):
    @frozen
    class Naps(skilled):
        async def run(self, task, context):
            await asyncio.sleep(0.01)
            return await skilled.run(self, task, context)

    made = composition([4], agent=Naps(), sizes=(1, 3, 3), limits={"seconds": 0.3})
    made.optimizer.instance.plan = [[("agent/skilled#style", f"style {i}")] for i in range(100)]
    assert run(made).result["stopped"] == "budget.seconds is spent: 0.3"


def test_a_money_budget_with_an_unknown_price_refuses_to_start(run, composition, asks):
    model = Metered(price=None)
    with pytest.raises(InputError, match="the price of metered is unknown") as caught:
        run(composition([5], agent=asks(), model=model, limits={"money": 1.0}))
    assert "budget.money=null" in str(caught.value)
    assert model.asked == 0


def test_without_a_limit_on_money_an_unknown_price_is_fine(run, composition, asks):
    spent = run(composition([5], agent=asks(), model=Metered(price=None), limits={"money": None}, sizes=SIZES)).result[
        "spent"
    ]
    assert (spent["money"], spent["calls"]) == (None, 10 + 20 + 20)


def test_money_is_what_tokens_cost(run, composition, asks):
    spent = run(composition([5], agent=asks(), model=Metered(), limits={"money": 1000.0}, sizes=SIZES)).result["spent"]
    assert spent["money"] == pytest.approx(spent["input_tokens"] * 0.001 + spent["output_tokens"] * 0.002)


def test_a_cost_that_the_provider_says_comes_before_the_price(measured, composition, asks):
    class Says(Metered):
        async def answer(self, request):
            await super().answer(request)
            return ModelAnswer("fine", usage=Usage(1, 1), cost=0.25)

    spent = measured(composition(agent=asks(), model=Says(), sizes=(0, 0, 2), limits={"money": 100.0}))["spent"]
    assert spent["money"] == 0.5


def test_failed_attempts_count_as_calls(measured, composition, asks, monkeypatch):
    async def at_once(_):
        return None

    class Overloads(Metered):
        async def answer(self, request):
            if self.asked % 2 == 0:
                self.asked += 1
                raise Overloaded("try again", retry_after=0.0)
            return await super().answer(request)

    model = Overloads()
    made = composition(agent=asks(), model=model, sizes=(0, 0, 4), limits={"money": None}, workers=1)
    assert measured(made)["spent"]["calls"] == model.asked == 8


def test_a_limit_that_stops_a_run_stops_it_alike_with_1_and_with_16_workers(run, composition, asks, tmp_path):
    found = []
    for workers in (1, 16):
        made = composition(
            [4, 5, 6, 7], agent=asks(), model=Metered(nap=0.001), sizes=SIZES, limits={"calls": 97, "money": None},
            workers=workers, folder=tmp_path / str(workers),
        )  # fmt: skip
        result = run(made).result
        # Which rollouts were in flight when the budget was spent differs, and so do their tokens; nothing else may.
        result["spent"], result["objectives"] = result["spent"]["calls"], None
        found.append(result)
    assert found[0] == found[1]


def test_acting_is_metered_too(composition, asks):
    async def act():
        async with Runtime(composition(agent=asks(), model=Metered(), limits={"calls": 1, "money": None})) as ag:
            return await ag.act("3")

    assert asyncio.run(act()).text == "?3"


def request(text: str = "x" * 40, max_tokens: int | None = 10) -> ModelRequest:
    return ModelRequest([{"role": "user", "content": text}], max_tokens=max_tokens)


def test_a_reservation_counts_until_it_is_settled():
    budget = Budget(BudgetLimits(calls=2, money=None))
    first, _ = budget.reserve(request()), budget.reserve(request())
    with pytest.raises(BudgetExceeded, match=r"budget\.calls is spent: 2"):
        budget.reserve(request())
    budget.settle(first, None)
    with pytest.raises(BudgetExceeded):
        budget.reserve(request())
    assert budget.spent()["calls"] == 1


def test_what_an_answer_did_not_use_is_free_again():
    budget = Budget(BudgetLimits(tokens=100, money=None))
    for _ in range(5):
        budget.settle(budget.reserve(request()), ModelAnswer("", usage=Usage(10, 5)))
    with pytest.raises(BudgetExceeded, match=r"budget\.tokens"):
        budget.reserve(request(max_tokens=9))
    budget.reserve(request(max_tokens=8))  # beside the 17 that the request counts as


def test_what_is_held_is_not_available_until_it_is_released():
    budget = Budget(BudgetLimits(calls=3, money=None))
    budget.settle(budget.reserve(request()), ModelAnswer(""))
    budget.hold(budget.used + budget.used)
    with pytest.raises(BudgetExceeded):
        budget.reserve(request())
    budget.release()
    budget.reserve(request())
