import asyncio

import pytest

from autogenesis_core import Verdict, Vote, hookimpl
from autogenesis_core.sepl.operators import Operators, verdict

COMMIT, REJECT, UNSURE = (Vote(name, name, f"because {name}") for name in ("commit", "reject", "indecisive"))


@pytest.mark.parametrize(
    ("votes", "decision", "reason"),
    [
        ([COMMIT], "commit", "because commit"),
        ([COMMIT, COMMIT], "commit", "because commit"),
        ([COMMIT, REJECT], "reject", "because reject"),
        ([REJECT, COMMIT], "reject", "because reject"),
        ([COMMIT, UNSURE], "indecisive", "because indecisive"),
        ([UNSURE, REJECT], "reject", "because reject"),
    ],
)
def test_a_commit_needs_every_vote(votes, decision, reason):
    found = verdict(votes)
    assert (found.decision, found.reason, list(found.votes)) == (decision, reason, votes)


def test_the_reason_of_a_commit_is_its_proof_whoever_votes_last():
    proof = Vote("test", "commit", "+0.22, p = 0.01", {"p": 0.01})
    assert verdict([proof, COMMIT]).reason == "+0.22, p = 0.01"
    assert verdict([COMMIT, proof, COMMIT]).reason == "+0.22, p = 0.01"


def test_without_a_vote_nothing_is_committed_and_the_reason_says_what_to_choose():
    assert verdict([]).decision == "reject"
    assert "+gate=[safety,auto]" in verdict([]).reason


def test_the_cores_own_operators_propose_nothing():
    async def nobody(*_):
        raise AssertionError("nobody asks")

    core = Operators(nobody, nobody)
    assert asyncio.run(core.sepl_reflect(None)) == []
    assert asyncio.run(core.sepl_select(None, [])) == []


def test_an_evolution_without_a_gate_commits_nothing(run, composition):
    ran = run(composition([5], gate=[]))
    (entry,) = ran.result["rounds"]
    assert (ran.result["commits"], entry["decision"], entry["looks"]["n"]) == ([], "indecisive", 0)
    assert entry["reason"] == "no gate compares scores; add one: +gate=auto"
    assert any("no gate compares scores" in note for note in ran.notes)


def test_a_commit_operator_of_ones_own_decides_without_a_gate(run, composition, proposes):
    class Decides(proposes):
        @hookimpl
        async def sepl_commit(self, assessment):
            return Verdict("commit", f"{len(assessment.pairs)} pairs")

    ran = run(composition(optimizer=Decides([[("agent/skilled#skill", 5)]]), gate=[]))
    assert [(entry["decision"], entry["reason"]) for entry in ran.result["rounds"]] == [("commit", "10 pairs")]
    assert not any("no gate compares scores" in note for note in ran.notes)


def test_an_optimizer_without_hooks_of_its_own_gets_the_cores(run, composition):
    class Idle:
        rounds = 2

    result = run(composition(optimizer=Idle())).result
    assert [entry["reason"] for entry in result["rounds"]] == ["nothing was proposed"] * 2
