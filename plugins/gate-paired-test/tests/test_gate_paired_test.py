import asyncio
import math
import random

import pytest
from attrs import evolve

from autogenesis_core import (
    Assessment,
    Candidate,
    Cell,
    ConfigurationError,
    Evaluation,
    Failed,
    Question,
    Scored,
    structure,
)
from autogenesis_core.testing import GateContract
from autogenesis_gate_paired_test.auto import AutoGate
from autogenesis_gate_paired_test.gate import PairedTestGate

GATE = PairedTestGate()
LOST = Failed("timeout", "no answer in 60 s")


class TestPairedTest(GateContract):
    option = "gate/paired_test"


class TestAuto(GateContract):
    option = "gate/auto"


def cells(results):
    made = (value if isinstance(value, Failed) else Scored(value) for value in results)
    return tuple(Cell(f"e{index}", result) for index, result in enumerate(made))


def assessed(before, after, *, alpha=0.05, looks=(), look=None):
    """What a gate sees after `look` (from 0; default: the last) of `looks`."""
    look = (len(looks) - 1 if looks else 0) if look is None else look
    return Assessment(
        Evaluation("new", "val", cells(after)), Evaluation("old", "val", cells(before)), alpha,
        tuple(looks), look, complete=not looks or look == len(looks) - 1,
    )  # fmt: skip


def ask(hook, assessment):
    return asyncio.run(hook(Candidate({}), assessment))


def beforehand(n, alpha, clusters=None):
    nothing = Evaluation("", "val", (), clusters=clusters or {})
    return Assessment(nothing, nothing, alpha, (n,), -1, complete=False)


def test_a_proved_gain_is_committed_with_its_evidence():
    found = ask(GATE.sepl_gate, assessed([0.0] * 12 + [1.0] + [0.5] * 37, [1.0] * 12 + [0.0] + [0.5] * 37, alpha=0.025))
    assert (found.gate, found.decision, found.reason) == (
        "paired_test",
        "commit",
        "12 fixed, 1 broken, +0.22, p = 0.0017",
    )
    low, high = found.evidence["interval"]
    assert low < 0.22 < high
    assert {key: found.evidence[key] for key in ("n", "alpha", "look", "looks", "reused", "fixed", "broken")} == {
        "n": 50, "alpha": 0.025, "look": 1, "looks": [50], "reused": False, "fixed": 12, "broken": 1,
    }  # fmt: skip
    assert found.evidence["p"] == pytest.approx(14 / 2**13)
    assert 0 < found.evidence["spent"] <= 0.025


def test_the_level_is_the_ledgers():
    """Six fixed and none broken is one in 64 by chance."""
    before, after = [0.0] * 6 + [1.0] * 44, [1.0] * 50
    assert ask(GATE.sepl_gate, assessed(before, after, alpha=1 / 64)).decision == "commit"
    found = ask(GATE.sepl_gate, assessed(before, after, alpha=1 / 65))
    assert (found.decision, found.reason) == (
        "reject",
        "6 fixed, 0 broken, +0.12, may be chance: p = 0.016 at level 0.015",
    )


def test_without_a_ledger_the_level_is_five_percent():
    assert ask(GATE.sepl_gate, assessed([0.0] * 5, [1.0] * 5, alpha=None)).evidence["alpha"] == 0.05
    assert ask(GATE.sepl_gate, assessed([0.0] * 5, [1.0] * 5, alpha=None)).decision == "commit"
    assert ask(GATE.sepl_gate, assessed([0.0] * 4, [1.0] * 4, alpha=None)).decision == "reject"


def test_harm_and_equal_scores_are_rejected_in_plain_words():
    found = ask(GATE.sepl_gate, assessed([1.0] * 7 + [0.0] * 43, [0.0] * 7 + [1.0] * 3 + [0.0] * 40))
    assert (found.decision, found.reason) == ("reject", "7 broken, 3 fixed")
    assert ask(GATE.sepl_gate, assessed([1.0, 0.0], [1.0, 0.0])).reason == "no score changed"


def test_a_proved_gain_must_also_be_more_than_the_minimum():
    gate = PairedTestGate(minimum=0.1)
    found = ask(gate.sepl_gate, assessed([0.0] * 10 + [1.0] * 90, [1.0] * 100))
    assert (found.decision, found.reason) == ("reject", "10 fixed, 0 broken, +0.10, not more than +0.1")
    # At a look it is not enough either, but may become so.
    early = assessed([0.0] * 10 + [1.0] * 90, [1.0] * 100, looks=(100, 101), look=0)
    assert ask(gate.sepl_interim, early).decision == "continue"
    assert ask(GATE.sepl_interim, early).decision == "commit"


@pytest.mark.parametrize("gate", [PairedTestGate(), AutoGate()])
def test_before_there_is_evidence_it_says_if_none_could_decide(gate):
    assert ask(gate.sepl_interim, beforehand(8, 1 / 256)).decision == "continue"
    found = ask(gate.sepl_interim, beforehand(8, 1 / 257))
    assert (found.decision, found.evidence) == ("indecisive", {"n": 8, "alpha": 1 / 257})
    assert found.reason == (
        "8 pairs can prove no gain at level 0.0039; a fresh hold-out is due: more, or other, examples of val"
    )
    # And so it is: the best possible result would not be committed.
    best = assessed([0.0] * 8, [1.0] * 8, alpha=1 / 257)
    assert ask(gate.sepl_gate, best).decision == "reject"


def test_a_level_too_small_for_a_number_proves_nothing():
    assert ask(GATE.sepl_interim, beforehand(50, 0.0)).decision == "indecisive"
    assert ask(GATE.sepl_gate, assessed([0.0] * 50, [1.0] * 50, alpha=0.0)).decision == "reject"


def test_examples_of_one_cluster_count_as_one_pair():
    clusters = {f"e{index}": str(index // 5) for index in range(20)}
    assert ask(GATE.sepl_interim, beforehand(20, 0.05, clusters)).decision == "indecisive"  # four pairs
    assert ask(GATE.sepl_interim, beforehand(20, 0.07, clusters)).decision == "continue"
    found = assessed([0.0] * 20, [1.0] * 20)
    assert ask(GATE.sepl_gate, found).decision == "commit"
    grouped = evolve(found, baseline=evolve(found.baseline, clusters=clusters))
    vote = ask(GATE.sepl_gate, grouped)
    assert (vote.decision, vote.evidence["n"], vote.evidence["p"]) == ("reject", 4, 1 / 16)


def test_it_ends_early_for_what_is_proved_and_what_is_hopeless():
    proved = assessed([0.0] * 25, [1.0] * 25, looks=(10, 25, 50), look=1)
    assert ask(GATE.sepl_interim, proved).decision == "commit"
    assert ask(GATE.sepl_gate, proved).decision == "commit"
    harmed = assessed([1.0] * 25, [1.0] * 15 + [0.0] * 10, looks=(10, 25, 50), look=1)
    found = ask(GATE.sepl_interim, harmed)
    assert (found.decision, found.reason) == ("reject", "10 broken, 0 fixed: hardly provable any more")
    assert ask(PairedTestGate(futility=False).sepl_interim, harmed).decision == "continue"
    unclear = assessed([0.0] * 3 + [1.0] * 22, [1.0] * 25, looks=(10, 25, 50), look=1)
    assert ask(GATE.sepl_interim, unclear).decision == "continue"


def test_missing_evidence_decides_nothing():
    lost = [Failed("infra", "no connection")] * 6
    for before, after in (([0.0] * 50, [1.0] * 44 + lost), ([0.0] * 44 + lost, [1.0] * 50), ([], [])):
        assert ask(GATE.sepl_gate, assessed(before, after)).decision == "indecisive"
    assert ask(PairedTestGate(coverage=0.8).sepl_gate, assessed([0.0] * 44 + lost, [1.0] * 50)).decision == "commit"
    early = assessed([0.0] * 10, [1.0] * 4 + lost, looks=(10, 50), look=0)
    assert ask(GATE.sepl_interim, early).decision == "continue"


def test_examples_that_were_planned_and_never_run_are_missing():
    short = assessed([0.0] * 30, [1.0] * 30, looks=(10, 25, 50))
    found = ask(GATE.sepl_gate, short)
    assert (found.decision, found.reason) == (
        "indecisive", "only 60% of the rollouts have a score both before and after, not 90%",
    )  # fmt: skip


def test_a_candidate_does_not_gain_by_what_it_has_no_score_for():
    """Seven fixed; five that were right before timed out, and would have been lost."""
    before = [0.0] * 7 + [1.0] * 43
    found = ask(GATE.sepl_gate, assessed(before, [1.0] * 45 + [LOST] * 5))
    assert (found.decision, found.reason) == (
        "indecisive", "7 fixed, 0 broken, +0.16, not proved if the candidate's missing scores are losses",
    )  # fmt: skip
    assert ask(GATE.sepl_gate, assessed(before, [1.0] * 50)).decision == "commit"
    assert ask(GATE.sepl_gate, assessed([0.0] * 45 + [1.0] * 5, [1.0] * 45 + [LOST] * 5)).decision == "commit"
    # What neither has a score for, or only the baseline has not, is nobody's gain.
    assert ask(GATE.sepl_gate, assessed(before[:45] + [LOST] * 5, [1.0] * 45 + [LOST] * 5)).decision == "commit"
    assert ask(GATE.sepl_gate, assessed(before[:45] + [LOST] * 5, [1.0] * 50)).decision == "commit"


def test_where_no_score_is_the_lowest_nothing_may_be_missing():
    found = assessed([0.0] * 45 + [1.0] * 5, [1.0] * 49 + [LOST])
    found = evolve(found, baseline=evolve(found.baseline, lowest=None), candidate=evolve(found.candidate, lowest=None))
    assert ask(GATE.sepl_gate, found).decision == "indecisive"


def test_what_is_missing_shortens_the_looks_it_was_at():
    """Two of the first ten are lost; the test at the second look knows that 8 and 22 were there."""
    lost = [Failed("infra", "no connection")] * 2
    found = assessed(lost + [0.0] * 23, [1.0] * 25, looks=(10, 25, 50), look=1)
    vote = ask(PairedTestGate(coverage=0.9).sepl_interim, found)
    assert (vote.decision, vote.evidence["n"], vote.evidence["look"]) == ("commit", 23, 2)


@pytest.mark.parametrize("n", [30, 50])
def test_lineages_of_candidates_that_change_nothing_are_committed_no_more_often_than_the_level(n):
    """A/A through the gate's own hooks, look by look; 70 % of the randomness is shared."""
    rng, tries, alpha = random.Random(n), 500, 0.05
    looks = GATE.plan(n, alpha)
    committed = 0
    for _ in range(tries):
        before = [float(rng.random() < 0.6) for _ in range(n)]
        after = [score if rng.random() < 0.7 else float(rng.random() < 0.6) for score in before]
        for look, end in enumerate(looks):
            found = assessed(before[:end], after[:end], alpha=alpha, looks=looks, look=look)
            if found.complete or ask(GATE.sepl_interim, found).decision != "continue":
                break
        committed += ask(GATE.sepl_gate, found).decision == "commit"
    assert committed / tries <= alpha + 2 * math.sqrt(alpha * (1 - alpha) / tries)


def test_looks_are_shares_of_the_examples_and_none_is_at_fewer_than_five():
    assert GATE.plan(50, 0.05) == (10, 25, 50)
    assert GATE.plan(20, 0.05) == (10, 20)
    assert GATE.plan(4, 0.05) == (4,)
    assert PairedTestGate(looks=(1.0,)).plan(50, 0.05) == (50,)


@pytest.mark.parametrize(
    ("cls", "data"),
    [
        (PairedTestGate, {"looks": []}),
        (PairedTestGate, {"looks": [0.5]}),
        (PairedTestGate, {"looks": [0.5, 0.2, 1.0]}),
        (PairedTestGate, {"looks": [0.0, 1.0]}),
        (PairedTestGate, {"looks": [math.nan, 1.0]}),
        (PairedTestGate, {"minimum": -1}),
        (PairedTestGate, {"coverage": 0}),
        (PairedTestGate, {"coverage": 2}),
        (PairedTestGate, {"draws": 10}),
        (AutoGate, {"goal": 0}),
        (AutoGate, {"goal": 1.5}),
        (AutoGate, {"power": 1.0}),
        (AutoGate, {"looks": [1.0]}),
    ],
)
def test_settings_out_of_range_are_refused(cls, data):
    with pytest.raises(ConfigurationError, match=next(iter(data))):
        structure(data, cls, "gate")


def questions(n, groups=0):
    return [Question(f"q{i}", str(i), metadata={"cluster": str(i % groups)} if groups else {}) for i in range(n)]


def test_auto_takes_no_more_pairs_than_its_goal_needs():
    assert AutoGate().plan(50, 0.025) == (10, 25, 38, 50)
    looks = AutoGate().plan(5000, 0.025)
    assert 380 <= looks[-1] <= 450
    assert AutoGate().plan(5000, 0.0025)[-1] > looks[-1]
    assert AutoGate(goal=0.3).plan(50, 0.025)[-1] < 50
    assert AutoGate(power=0.9).plan(5000, 0.025)[-1] > looks[-1]
    assert AutoGate().plan(3, 0.025) == (3,)
    assert AutoGate(goal=0.01).plan(50, 0.0) == (10, 25, 38, 50)


def test_auto_says_beforehand_what_it_can_prove_and_what_to_change():
    assert AutoGate(goal=0.3).describe(questions(40), 0.025) == (
        "40 pairs, looks at 8, 20, 30, 40; the smallest gain it can prove with 80% power: +0.30"
    )
    assert AutoGate().describe(questions(50), 0.025) == (
        "50 pairs, looks at 10, 25, 38, 50; the smallest gain it can prove with 80% power: +0.27; "
        "to prove +0.10: splits.val=410, or more epochs where scores vary from run to run"
    )
    assert AutoGate().describe(questions(1000), 0.025).startswith("410 of 1000 examples, looks at 82, 205, 308, 410; ")
    assert AutoGate().describe(questions(4), 0.025) == (
        "4 pairs, one look; they can prove no gain at level 0.025; "
        "a fresh hold-out is due: other examples, or more of them, splits.val=410"
    )


def test_auto_advises_nothing_that_cannot_be():
    said = AutoGate().describe(questions(50), 0.025, grows=False, repeats=False)
    assert said.endswith("; to prove +0.10: 410 examples in val, more than there are")
    assert AutoGate().describe(questions(50), 0.025, repeats=False).endswith("; to prove +0.10: splits.val=410")
    assert AutoGate().describe(questions(4), 0.025, grows=False).endswith("a fresh hold-out is due: other examples")


def test_auto_counts_groups_of_examples_that_hang_together():
    assert (
        AutoGate()
        .describe(questions(100, groups=20), 0.025)
        .startswith("20 groups of 100 examples, one look; the smallest gain it can prove with 80% power: +0.3")
    )


def test_the_gain_that_auto_names_is_proved_as_often_as_it_says():
    rng, n, alpha, gate = random.Random(4), 50, 0.025, AutoGate()
    gain = float(gate.describe(questions(n), alpha).partition("power: ")[2].partition(";")[0])
    looks, found = gate.plan(n, alpha), 0
    for _ in range(400):
        before = [float(rng.random() < 0.6) for _ in range(n)]
        after = [float(rng.random() < 0.6 + gain) for _ in range(n)]
        for look, end in enumerate(looks):
            seen = assessed(before[:end], after[:end], alpha=alpha, looks=looks, look=look)
            if seen.complete or ask(gate.sepl_interim, seen).decision != "continue":
                break
        found += ask(gate.sepl_gate, seen).decision == "commit"
    assert 0.8 - 2 * math.sqrt(0.8 * 0.2 / 400) <= found / 400 <= 0.9
