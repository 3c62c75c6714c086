import asyncio
import json
import os
import sys
from contextlib import suppress

import pytest
from attrs import evolve, frozen

from autogenesis_core import (
    Assessment,
    Candidate,
    Cell,
    ConfigurationError,
    Cost,
    Evaluation,
    Failed,
    InputError,
    Installed,
    Question,
    Record,
    Runtime,
    Scored,
    Vote,
    structure,
)
from autogenesis_core.services.secrets import structure_with_secrets
from autogenesis_core.testing import GateContract
from autogenesis_gate_human.gate import HumanGate
from autogenesis_gate_human.request import request_of

EVIL = "\x1b[2Jnew line\n## Approved\n```\n\u202e"


class TestHuman(GateContract):
    option = "gate/human"


def record(**parameters):
    return Record("agent", "worker", "Works", Installed("tests", "agent/worker", "0"), parameters)


def assessed(before, after, *, old=None, votes=(), inputs="Question {}"):
    def side(results, cost):
        made = (r if isinstance(r, Failed) else Scored(r) for r in results)
        return Evaluation("", "val", tuple(Cell(f"v{i}", r, cost=cost) for i, r in enumerate(made)))

    val = [Question(f"v{i}", inputs.format(i)) for i in range(len(before))]
    return Assessment(
        side(after, Cost(150, 0.003, 1.0)), side(before, Cost(100, 0.002, 2.0)),
        committed={"agent/worker": old or record(text="one\ntwo", size=1)},
        examples=[Question("v0", "of train"), *val], holdout=tuple(e.id for e in val), votes=tuple(votes),
    )  # fmt: skip


NEW = Candidate({"agent/worker": record(text="one\nthree", size=2)})
GAIN = assessed([0.0, 0.0, 1.0], [1.0, 1.0, 0.0], votes=[Vote("auto", "commit", "2 fixed, 1 broken, p = 0.01")])


def ask(gate, assessment=GAIN, candidate=NEW):
    return asyncio.run(gate.sepl_gate(candidate, assessment))


def answered(tmp_path, text, assessment=GAIN, wait=5.0):
    """The vote where a person writes `text` as soon as the request is there, and what programs are shown of it."""
    path = tmp_path / "answer"

    async def both():
        async def person():
            while not (tmp_path / "answer.request.md").is_file():  # noqa: ASYNC110  # another's file
                await asyncio.sleep(0.01)
            request = json.loads((tmp_path / "answer.request.json").read_text())
            path.write_text(text.replace("ID", request["request"]))
            return request

        return await asyncio.gather(HumanGate(file=str(path), wait=wait).sepl_gate(NEW, assessment), person())

    return asyncio.run(both())


@pytest.mark.parametrize(
    ("text", "decision", "reason"),
    [
        ("yes ID", "commit", "yes, in answer"),
        ("  YES ID  \nand more", "commit", "yes, in answer"),
        ("no ID", "reject", "no"),
        ("no ID it is\ttoo long", "reject", "no: it is too long"),
        ("no ID \x1b[2J" + "x" * 500, "reject", "no: \\x1b[2J" + "x" * 193),
    ],
)
def test_an_answer_in_the_file_decides(tmp_path, text, decision, reason):
    found, _ = answered(tmp_path, text)
    assert (found.decision, found.reason, found.evidence["answer"]) == (decision, reason, reason)


@pytest.mark.parametrize("text", ["yes", "yes other", "ID", "ok ID", "yes ID but", "", "\xff\xfe", "yesID", "yes  "])
def test_what_is_no_clear_answer_to_this_request_is_none(tmp_path, text):
    found, _ = answered(tmp_path, text, wait=0.5)
    assert (found.decision, found.reason) == ("reject", "no answer within 0.5 seconds")


def test_an_answer_that_is_there_already_counts_for_its_own_request_only(tmp_path):
    """As after a kill: the same assessment asks the same request; other evidence is another."""
    path = tmp_path / "answer"
    path.write_text(f"yes {request_of(NEW, GAIN).id}")
    assert ask(HumanGate(file=str(path), wait=0.3)).decision == "commit"
    worse = assessed([0.0, 0.0, 1.0], [0.0, 1.0, 0.0])
    assert ask(HumanGate(file=str(path), wait=0.3), worse).decision == "reject"
    assert (
        ask(
            HumanGate(file=str(path), wait=0.3), candidate=Candidate({"agent/worker": record(text="x", size=1)})
        ).decision
        == "reject"
    )


def test_a_folder_in_the_place_of_the_answer_is_none(tmp_path):
    (tmp_path / "answer").mkdir()
    assert ask(HumanGate(file=str(tmp_path / "answer"), wait=0.3)).decision == "reject"


def test_a_request_that_cannot_be_written_is_said(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(Exception, match="request of gate=human cannot be written"):
        ask(HumanGate(file=str(tmp_path / "file" / "answer"), wait=0.3))


def test_the_request_holds_what_a_decision_needs():
    text = request_of(NEW, GAIN).as_markdown()
    for line in (
        "- score on the held-out examples: 0.333 → 0.667 over 3",
        "- a task takes: tokens 100 → 150 (+50%), money 0.002000 → 0.003000 USD (+50%), seconds 2.00 → 1.00 (-50%)",
        "- gate `auto`: commit, `2 fixed, 1 broken, p = 0.01`",
        "## `agent/worker#text`", " one", "-two", "+three", "## `agent/worker#size`", "-1", "+2",
        "## Fixed: 2", "- `v0` 0 → 1 `Question 0`", "## Broken: 1", "- `v2` 1 → 0 `Question 2`",
    ):  # fmt: skip
        assert line in text.split("\n")


def test_the_request_is_there_for_programs_too(tmp_path):
    found = answered(tmp_path, "no ID")[1]
    assert found["changes"][0] == {"variable": "agent/worker#text", "before": "one\ntwo", "after": "one\nthree"}
    assert (found["before"], found["after"], found["pairs"]) == (pytest.approx(1 / 3), pytest.approx(2 / 3), 3)
    assert found["broken"] == [{"example": "v2", "input": "Question 2", "before": 1.0, "after": 0.0}]
    assert found["cost"]["after"] == {"tokens": 150, "money": pytest.approx(0.003), "seconds": 1.0}
    assert found["answer"] == {"file": "answer", "yes": f"yes {found['request']}", "no": f"no {found['request']}"}


def test_nothing_that_is_shown_can_move_hide_or_forge_a_line():
    votes = [Vote("auto", "commit", EVIL)]
    evil = assessed([0.0, 1.0], [1.0, 1.0], old=record(text="a", key={"x": 1}), votes=votes, inputs=EVIL)
    candidate = Candidate({"agent/worker": record(text=f"a\n{EVIL}", key={EVIL: 1})})
    text = request_of(candidate, evil).as_markdown()
    assert "\x1b" not in text
    assert "\u202e" not in text
    lines = text.split("\n")
    assert "## Approved" not in lines  # in the diff it has a sign before it
    assert "+## Approved" in lines
    fences = [line for line in lines if line.startswith("```")]
    assert fences[:2] == ["````diff", "````"]  # longer than any fence within
    assert f"- gate `auto`: commit, `\\x1b[2Jnew line ## Approved {chr(0x2CB) * 3} \\u202e`" in lines


def test_secrets_that_this_process_read_are_not_shown(monkeypatch):
    @frozen
    class Holds:
        key: str

    monkeypatch.setenv("TOLD_KEY", "walnut-and-hazel")
    structure_with_secrets({"key": {"secret": "TOLD_KEY"}}, Holds, "holds")
    request = request_of(Candidate({"agent/worker": record(text="key walnut-and-hazel", size=1)}), GAIN)
    assert "hazel" not in request.as_markdown()
    assert "hazel" not in json.dumps(request.as_json())
    assert "+key " in request.as_markdown()


def test_what_changed_beside_variables_is_said():
    old = record(text="a", size=1)
    other = evolve(old, exports={"form": "x"})
    assert request_of(Candidate({"agent/worker": other}), assessed([0.0], [1.0], old=old)).others == (
        "agent/worker differs in something else than a variable",
    )
    renamed = Candidate({"agent/other": evolve(old, name="other")})
    assert request_of(renamed, assessed([0.0], [1.0], old=old)).others == ("agent/worker is gone", "agent/other is new")


def test_many_examples_are_counted_and_some_are_listed():
    text = request_of(NEW, assessed([0.0] * 50, [1.0] * 50)).as_markdown()
    assert "## Fixed: 50" in text
    assert "- and 20 more" in text


def test_nobody_is_asked_where_it_could_not_be_a_commit(tmp_path):
    gate = HumanGate(file=str(tmp_path / "answer"), wait=0.3)
    unsure = assessed([0.0], [1.0], votes=[Vote("auto", "indecisive", "too little is scored")])
    assert ask(gate, unsure).reason == "nobody was asked: auto is indecisive"
    lost = [Failed("infra", "no connection")] * 3
    assert ask(gate, assessed([0.0] * 10, [1.0] * 7 + lost)).decision == "indecisive"
    assert ask(gate, evolve(GAIN, committed={})).decision == "indecisive"
    assert list(tmp_path.iterdir()) == []


def test_without_a_terminal_and_a_file_the_answer_is_no(monkeypatch):
    with open(os.devnull) as nobody:
        monkeypatch.setattr("sys.stdin", nobody)
        found = ask(HumanGate())
    assert (found.decision, found.reason) == ("reject", "nobody is there to ask: no terminal, and no gate.human.file")


def test_where_nobody_can_be_asked_a_run_does_not_begin(monkeypatch, tmp_path):
    with open(os.devnull) as nobody:
        monkeypatch.setattr("sys.stdin", nobody)
        with pytest.raises(InputError, match="nobody is there to ask: no terminal, and no gate.human.file") as error:
            HumanGate().check([])
        HumanGate(file=str(tmp_path / "answer")).check([])
    assert "gate.human.file=approval.txt" in str(error.value)


def test_it_says_that_it_waits_and_the_request_is_there_only_as_long(tmp_path, capsys):
    assert answered(tmp_path, "no ID")[0].decision == "reject"
    id_, path = request_of(NEW, GAIN).id, tmp_path / "answer"
    said = f"  gate human waits: read {path}.request.md, then write `yes {id_}`, or `no {id_}` and why, to {path}\n"
    assert capsys.readouterr().err == said
    assert [found.name for found in tmp_path.iterdir()] == ["answer"]
    assert ask(HumanGate(file=str(path), wait=0.3)).decision == "reject"
    assert capsys.readouterr().err == ""


def test_it_has_no_opinion_on_how_much_evidence_is_enough():
    assert asyncio.run(HumanGate().sepl_interim(NEW, GAIN)) is NotImplemented
    assert HumanGate.external


@pytest.mark.skipif(sys.platform == "win32", reason="no pseudo-terminals there")
@pytest.mark.parametrize(
    ("typed", "again", "decision", "reason"),
    [
        ("yes\n", 0, "commit", "yes, at the terminal"),
        ("y\nYES\n", 1, "commit", "yes, at the terminal"),
        ("y\n", 1, "reject", "no answer within 0.4 seconds"),
        ("yes please\nno\n", 1, "reject", "no"),
        ("what\n\nno, too long\n", 2, "reject", "no: too long"),
        ("no too long\n", 0, "reject", "no: too long"),
        ("\x04", 0, "reject", "no answer: the input ended"),
        ("", 0, "reject", "no answer within 0.4 seconds"),
    ],
)
def test_the_terminal_asks_until_it_hears_yes_or_no(monkeypatch, typed, again, decision, reason):
    vote, shown = at_terminal(monkeypatch, typed, 0.4 if "within" in reason else 10.0)
    assert (vote.decision, vote.reason) == (decision, reason)
    assert "Commit this? Type 'yes', or 'no' and why" in shown
    assert shown.count("Neither yes nor no") == again
    assert "+three" in shown


@pytest.mark.skipif(sys.platform == "win32", reason="no pseudo-terminals there")
def test_what_was_typed_before_the_question_is_no_answer(monkeypatch):
    vote, _ = at_terminal(monkeypatch, "", 0.4, before="yes\n")
    assert vote.decision == "reject"


@pytest.mark.skipif(sys.platform == "win32", reason="no pseudo-terminals there")
def test_a_run_that_ends_does_not_wait_for_a_person(monkeypatch):
    with pytest.raises(TimeoutError):
        at_terminal(monkeypatch, "", 60.0, cancel=0.3)


def at_terminal(monkeypatch, typed, wait, *, before="", cancel=None):
    """The vote, and what a terminal showed, where a person types as soon as the question is there."""
    master, slave = os.openpty()
    with open(slave, closefd=False) as stdin, open(slave, "w", closefd=False) as stdout:
        monkeypatch.setattr("sys.stdin", stdin)
        monkeypatch.setattr("sys.stdout", stdout)
        os.write(master, before.encode())
        shown = b""

        async def person():
            nonlocal shown
            os.set_blocking(master, False)
            while b"Commit this?" not in shown:
                await asyncio.sleep(0.01)
                try:
                    shown += os.read(master, 65536)
                except BlockingIOError:
                    continue
            os.write(master, typed.encode())

        async def both():
            asked = asyncio.wait_for(HumanGate(wait=wait).sepl_gate(NEW, GAIN), cancel)
            return (await asyncio.gather(asked, person()))[0]

        try:
            vote = asyncio.run(both())
            with suppress(BlockingIOError):
                while True:
                    shown += os.read(master, 65536)
            return vote, shown.decode().replace("\r\n", "\n")
        finally:
            monkeypatch.undo()
            os.close(master)
            os.close(slave)


@pytest.mark.parametrize("data", [{"wait": 0}, {"wait": -1}, {"wait": float("inf")}, {"coverage": 0}])
def test_settings_out_of_range_are_refused(data):
    with pytest.raises(ConfigurationError, match=next(iter(data))):
        structure(data, HumanGate, "gate")


def test_a_whole_run_asks_about_what_is_proved_and_a_run_that_goes_on_does_not_ask_again(tmp_path):
    for package in (
        "agent_tool_calling", "benchmark_reasoning_gym", "gate_paired_test", "gate_safety", "model_simulated",
        "optimizer_reflection", "tool_calculator", "tool_text",
    ):  # fmt: skip
        pytest.importorskip(f"autogenesis_{package}")
    parts = (
        "+agent=tool_calling", "+optimizer=reflection", "+gate=[safety,auto,human]", "rounds=2",
        f"gate.human.file={tmp_path / 'answer'}", "gate.human.wait=120", "splits.test=5",
    )  # fmt: skip

    async def run(**how):
        async with Runtime.compose(*parts, folder=tmp_path) as ag:
            return await ag.evolve(**how)

    async def both():
        running = asyncio.create_task(run())

        async def person():
            while not (tmp_path / "answer.request.md").is_file():  # another's file
                assert not running.done(), "the run ended without a question"
                await asyncio.sleep(0.05)
            request = json.loads((tmp_path / "answer.request.json").read_text())
            (tmp_path / "answer").write_text(f"yes {request['request']}")
            return request

        return await asyncio.gather(running, person())

    result, request = asyncio.run(both())
    last = result["rounds"][-1]
    assert (last["decision"], [vote["gate"] for vote in last["votes"]]) == ("commit", ["safety", "auto", "human"])
    assert [vote["gate"] for vote in request["votes"]] == ["safety", "auto"]
    assert last["reason"] == request["votes"][1]["reason"]
    for path in tmp_path.glob("answer*"):
        path.unlink()
    again = asyncio.run(run(resume=result["run"], replay=True))
    assert again["digests"] == result["digests"]
    assert list(tmp_path.glob("answer*")) == []
