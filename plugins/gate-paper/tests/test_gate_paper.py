import asyncio
from pathlib import Path

import pytest

from autogenesis_core import Assessment, Candidate, Cell, ConfigurationError, Evaluation, Failed, Scored, structure
from autogenesis_core.testing import GateContract
from autogenesis_gate_paper.gate import PaperGate

LABEL = "the paper's rule: no control of chance"


class TestPaper(GateContract):
    option = "gate/paper"
    lenient = True


def vote(before, after, **more):
    sides = [
        Evaluation(
            "", "val", tuple(Cell(f"e{i}", r if isinstance(r, Failed) else Scored(r)) for i, r in enumerate(values))
        )
        for values in (after, before)
    ]
    return asyncio.run(PaperGate(**more).sepl_gate(Candidate({}), Assessment(*sides)))


@pytest.mark.parametrize(
    ("after", "decision", "said"),
    [
        ([1.0, 1.0], "commit", "0.50 → 1.00 on 2 examples"),
        ([0.0, 1.0], "commit", "0.50 → 0.50 on 2 examples"),
        ([0.0, 0.9], "reject", "0.50 → 0.45 on 2 examples"),
    ],
)
def test_what_is_not_worse_is_committed_under_its_label(after, decision, said):
    found = vote([1.0, 0.0], after)
    assert (found.decision, found.reason) == (decision, f"{LABEL}; {said}")
    assert found.evidence["test"] == "none: the paper's rule"


def test_missing_evidence_decides_nothing():
    found = vote([1.0] * 10, [1.0] * 8 + [Failed("infra", "no connection")] * 2)
    assert (found.decision, found.reason.startswith(LABEL)) == ("indecisive", True)
    assert vote([1.0] * 10, [1.0] * 8 + [Failed("infra", "")] * 2, coverage=0.8).decision == "commit"
    assert vote([], []).decision == "indecisive"


def test_everything_that_describes_it_says_what_it_is():
    root = Path(__file__).parents[1]
    for path in (root / "README.md", root / "src/autogenesis_gate_paper/conf/gate/paper.yaml"):
        assert "no control of chance" in path.read_text(encoding="utf-8")


def test_settings_out_of_range_are_refused():
    with pytest.raises(ConfigurationError, match="coverage"):
        structure({"coverage": 0}, PaperGate, "gate")
