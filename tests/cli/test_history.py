"""What versions and the log look like: history, blame, log, show at a time, proposals."""

import json
import re
from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autogenesis_core.cli.graph import HEAD, PLAIN, SHIPPED, Node, draw
from autogenesis_core.cli.story import details, evidence, origin_of, story
from autogenesis_core.registry import LogEntry
from autogenesis_core.rspl.store import Change, Store

AGENT = "agent/skilled"
STORE = "workdir/autogenesis.db"
EVENTS = (
    "commit", "reject", "rollback", "restore", "install", "copy", "alias", "branch", "mark", "import", "other",
)  # fmt: skip


def versions_of(out: str) -> list[str]:
    return re.findall(r"^  (\d+\.\d+\.\d+) ", out, re.MULTILINE)


def drawn(*nodes: tuple[str, str, str]) -> list[str]:
    return [line.rstrip() for line in draw([Node(*node) for node in nodes])]


def test_a_history_without_forks_is_one_line_from_the_head_to_what_was_shipped():
    assert drawn(("3", "2", HEAD), ("2", "1", PLAIN), ("1", "", SHIPPED)) == ["●", "│", "○"]


def test_each_line_of_descent_has_a_lane_and_joins_where_it_forks():
    nodes = [("5", "3", HEAD), ("4", "2", HEAD), ("3", "2", PLAIN), ("2", "1", PLAIN), ("1", "", SHIPPED)]
    assert drawn(*nodes) == ["●", "│ ●", "• │", "├─╯", "○"]


def test_a_head_where_others_fork_is_still_a_head():
    nodes = [("4", "1", HEAD), ("3", "2", HEAD), ("2", "1", PLAIN), ("1", "", SHIPPED)]
    assert drawn(*nodes) == ["●", "│ ●", "│ •", "○─╯"]
    assert drawn(("3", "1", HEAD), ("2", "1", HEAD), ("1", "", HEAD)) == ["●", "│ ●", "●─╯"]


def test_a_lane_that_joins_passes_behind_one_that_goes_on():
    nodes = [("5", "2", HEAD), ("4", "1", HEAD), ("3", "2", HEAD), ("2", "1", PLAIN), ("1", "", SHIPPED)]
    assert drawn(*nodes) == ["●", "│ ●", "│ │ ●", "├─┼─╯", "○─╯"]


def test_nothing_is_drawn_of_nothing():
    assert draw([]) == []


@given(st.lists(st.floats(0, 0.999), max_size=30).map(lambda found: [int(x * k) for k, x in enumerate(found, 1)]))
def test_from_each_version_the_lines_lead_down_to_its_parent(parents):
    """Version k + 1 comes from version `parents[k]`; the drawing is read as a person reads it."""
    nodes = [Node(str(k + 1), str(parent), PLAIN) for k, parent in enumerate(parents)]
    rows = draw([*reversed(nodes), Node("0", "", SHIPPED)])
    names = [str(k) for k in range(len(parents), -1, -1)]
    assert len({len(row) for row in rows}) == 1
    if len(rows[0]) == 1:
        return  # one lane, in which each comes from the next
    places = [next(at for at, mark in enumerate(row) if mark in "•○├") for row in rows]
    for k, at in enumerate(places[:-1]):
        below = next(i for i in range(k + 1, len(rows)) if rows[i][at] not in "│┼")
        assert rows[below][at] in "•○├╯"
        assert names[below] == nodes[int(names[k]) - 1].parent


def test_history_draws_branches_aliases_and_states(evolved, typed):
    typed("branch", "trial")
    typed("alias", f"{AGENT}@1.0.1", "production")
    typed("restore", f"{AGENT}@1.0.0", "branch=trial")
    typed("restore", f"{AGENT}@1.0.1")
    typed("mark", f"{AGENT}@1.0.2", "deprecated")
    code, out, _ = typed("history", AGENT)
    lines = [line.split("   20")[0].rstrip() for line in out.splitlines()[:5]]
    assert code == 0
    assert lines == [
        "  1.0.4   ●   main  champion",
        "  1.0.3   │ ● trial",
        "  1.0.2   ├─╯ deprecated",
        "  1.0.1   •   @production",
        "  1.0.0   ○   shipped",
    ]
    assert "restore to agent/skilled@1.0.1 by user" in out
    found = json.loads(typed("history", AGENT, "--json")[1])
    assert [(row["version"], row["labels"], row["state"]) for row in found[:3]] == [
        ("1.0.4", ["main", "champion"], "active"), ("1.0.3", ["trial"], "active"), ("1.0.2", [], "deprecated"),
    ]  # fmt: skip


def test_champion_is_the_head_of_the_branch_that_is_asked_for(evolved, typed):
    typed("branch", "trial")
    typed("restore", f"{AGENT}@1.0.0", "branch=trial")
    assert "trial  champion" in typed("history", AGENT, "branch=trial")[1]
    assert "main  champion" in typed("history", AGENT)[1]


def test_history_stops_at_a_limit_and_says_how_to_see_more(notes, typed):
    with Store.open(notes / STORE) as store:
        record = store.record(store.head("main", "prompt", "notes").digest)
        for number in range(25):
            change = record.with_values({"style": f"Use {number} lines."})
            store.commit("main", [Change(change, store.head("main", "prompt", "notes").version)])
    out = typed("history", "prompt/notes")[1]
    assert versions_of(out) == [f"1.0.{number}" for number in range(25, 5, -1)]
    assert "the last 20; limit=200 shows more" in out
    assert versions_of(typed("history", "prompt/notes", "limit=3")[1]) == ["1.0.25", "1.0.24", "1.0.23"]
    assert "more" not in typed("history", "prompt/notes", "limit=26")[1]
    assert len(json.loads(typed("history", "prompt/notes", "--json")[1])) == 26
    assert len(json.loads(typed("history", "prompt/notes", "limit=5", "--json")[1])) == 5
    assert json.loads(typed("log", "--json", "limit=5")[1]) == json.loads(typed("log", "--json")[1])[-5:]
    assert "the last 5; limit=50 shows more" in typed("log", "limit=5")[1]


def test_history_is_drawn_in_ascii_where_the_output_can_show_no_more(evolved, command):
    done = command("history", AGENT, folder=evolved, PYTHONIOENCODING="ascii")
    assert (done.returncode, done.stderr) == (0, b"")
    assert [line[:16].split()[1] for line in done.stdout.decode("ascii").splitlines()[:3]] == ["*", "|", "o"]


def test_blame_names_the_version_and_the_evidence_of_each_line(evolved, typed):
    code, out, _ = typed("blame", f"{AGENT}#skill")
    lines = out.splitlines()
    run = next((evolved / "workdir" / "runs").iterdir()).name
    assert (code, lines[0]) == (0, "agent/skilled@1.0.2#skill")
    assert lines[1].split() == ["1.0.2", run, "r3", "8"]
    assert re.fullmatch(r" +↳ commit [0-9a-f]{10} · val 0.50 → 0.80 · hypothesis: too little skill", lines[2])
    found = json.loads(typed("blame", f"{AGENT}#skill", "--json")[1])["skill"]
    assert [(line["text"], line["version"], line["before"], line["after"]) for line in found] == [
        ("8", "1.0.2", 0.5, 0.8)
    ]


def test_blame_of_an_old_version_is_of_what_it_said(evolved, typed):
    found = json.loads(typed("blame", f"{AGENT}@1.0.1#skill", "--json")[1])
    assert [(line["text"], line["version"]) for line in found["skill"]] == [("5", "1.0.1")]


def test_blame_tells_the_lines_of_a_text_apart(notes, typed):
    text = (notes / "notes.md").read_text().replace("Leave out what was not.", "Leave out the rest.")
    (notes / "new.md").write_text(text)
    typed("edit", "prompt/notes", "--file", "new.md")
    out = typed("blame", "prompt/notes#rules")[1]
    lines = [line.split(maxsplit=2) for line in out.splitlines()]
    assert lines[0] == ["prompt/notes@1.0.1#rules"]
    assert [(line[0], line[-1]) for line in lines[1:] if line and line[0][0] == "1"] == [
        ("1.0.0", "Write down what was said."), ("1.0.1", "Leave out the rest."),
    ]  # fmt: skip
    assert out.count("set by user, without evidence") == 2


def test_evidence_has_the_gates_test_and_what_it_fixed():
    body = {
        "author": "optimizer", "before": 0.46, "after": 0.7, "round": 1, "hypotheses": [{"text": "answers in prose"}],
        "verdict": {"votes": [{"gate": "improvement", "evidence": {"p": 0.0002, "fixed": 12, "broken": 0}}]},
    }  # fmt: skip
    entry = LogEntry(1, 0.0, "commit", "a" * 10, "7f3a", body, "")
    assert evidence(entry) == "val 0.46 → 0.70, p < 0.001, fixed 12, broke 0 · hypothesis: answers in prose"
    assert origin_of(entry) == "7f3a r1"
    assert evidence(
        LogEntry(2, 0.0, "import", "a" * 10, "7f3a", {"origin": {"event": "commit", "body": body}}, "")
    ) == (evidence(entry))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=6,
)
KEYS = st.sampled_from(
    ["author", "to", "from", "heads", "branch", "source", "resource", "alias", "version", "verdict", "hypotheses", "edits",
     "changes", "before", "after", "round", "origin", "votes", "evidence", "text", "reason", "event", "body"]
)  # fmt: skip
BODIES = st.recursive(
    st.dictionaries(KEYS, JSON, max_size=6),
    lambda inner: st.dictionaries(KEYS, inner | st.lists(inner, max_size=2), max_size=5),
    max_leaves=4,
)


@given(st.sampled_from(EVENTS), BODIES)
def test_an_entry_of_any_form_has_a_story_of_one_line(event, body):
    entry = LogEntry(1, 0.0, event, "abc", "", body, "")
    for text in (story(entry), evidence(entry), origin_of(entry), *details(entry)):
        assert "\n" not in text


def test_the_log_tells_of_every_kind_of_event(evolved, typed):
    typed("alias", AGENT, "production")
    typed("alias", AGENT, "production", "--remove")
    typed("branch", "trial")
    typed("copy", AGENT, "other")
    typed("mark", f"{AGENT}@1.0.1", "deprecated")
    typed("restore", f"{AGENT}@1.0.0")
    code, out, _ = typed("log")
    assert code == 0
    for part in (
        "shipped by its plugin", "val +0.20   0.3 to 0.5", "agent/skilled@production: nothing → 1.0.2 by user",
        "agent/skilled@production: 1.0.2 → nothing by user", "trial takes 1 head from main by user",
        "copy of agent/skilled@1.0.2 by user", "agent/skilled@1.0.1: active → deprecated by user",
        "restore to agent/skilled@1.0.0 by user",
    ):  # fmt: skip
        assert part in out
    events = [entry["event"] for entry in json.loads(typed("log", "--json")[1])]
    assert events[4:] == ["alias", "alias", "branch", "copy", "mark", "restore"]


def test_the_log_of_a_resource_is_of_its_versions(evolved, typed):
    typed("copy", AGENT, "other")
    assert [entry["event"] for entry in json.loads(typed("log", AGENT, "--json")[1])] == ["install", "commit", "commit"]
    assert [entry["event"] for entry in json.loads(typed("log", "agent/other", "--json")[1])] == ["copy"]


def test_show_at_a_time_is_what_stood_there_then(evolved, typed):
    times = {entry["seq"]: entry["time"] for entry in json.loads(typed("log", "--json")[1])}
    typed("restore", f"{AGENT}@1.0.0")

    def version(seq: int) -> str:
        moment = datetime.fromtimestamp(times[seq] + 0.001).isoformat()
        return json.loads(typed("show", AGENT, f"at={moment}", "--json")[1])["version"]

    assert (version(1), version(2), version(4)) == ("1.0.0", "1.0.1", "1.0.2")
    assert json.loads(typed("show", AGENT, "--json")[1])["version"] == "1.0.3"


def test_a_day_is_meant_to_its_end_and_show_says_so(evolved, typed):
    today = datetime.now().date().isoformat()
    out = typed("show", AGENT, f"at={today}")[1]
    assert f"as agent/skilled was at {today} 23:59:59" in out
    assert out.startswith("agent/skilled@1.0.2")


def test_an_alias_can_be_asked_what_it_meant_then(evolved, typed):
    typed("alias", f"{AGENT}@1.0.1", "production")
    then = json.loads(typed("log", "--json")[1])[-1]["time"] + 0.001
    typed("alias", f"{AGENT}@1.0.2", "production")
    moment = datetime.fromtimestamp(then).isoformat()
    assert typed("show", f"{AGENT}@production", f"at={moment}")[1].startswith("agent/skilled@1.0.1")
    assert typed("show", f"{AGENT}@production")[1].startswith("agent/skilled@1.0.2")


def test_a_diff_by_words_marks_words(notes, typed):
    (notes / "new.md").write_text((notes / "notes.md").read_text().replace("short lines", "long lines"))
    typed("edit", "prompt/notes", "--file", "new.md")
    assert "-Use short lines." in typed("diff", "prompt/notes@1.0.0")[1].splitlines()
    assert "Use [-short-]{+long+} lines." in typed("diff", "prompt/notes@1.0.0", "--words")[1]


def test_proposals_show_what_would_change(notes, typed):
    with Store.open(notes / STORE) as store:
        id_ = store.propose("7f3a0000", "prompt/notes#style", "Use long lines.", "they read\nbetter")
    code, out, _ = typed("proposals")
    assert code == 0
    assert out.splitlines()[0].split()[0] == id_
    for part in ("run 7f3a0000", "prompt/notes#style", "they read better", "-Use short lines.", "+Use long lines."):
        assert part in out
    assert "autogenesis assess" in out
    assert json.loads(typed("proposals", "--json")[1])[0]["value"] == "Use long lines."
    assert typed("proposals", "committed")[1] == "  no proposal is committed\n"


EVIL = "\x1b]0;owned\x07\x1b[2J\x9b31m\u202e\r"


@pytest.fixture
def hostile(notes):
    """A store in which every text that others may write holds what moves a terminal."""
    with Store.open(notes / STORE) as store:
        head = store.head("main", "prompt", "notes")
        record = store.record(head.digest).with_values({"style": f"Use {EVIL} lines.\nand {EVIL}"})
        body = {
            "author": "optimizer", "round": 1, "before": 0.1, "after": 0.2, "optimizer": EVIL, "model": EVIL,
            "hypotheses": [{"text": EVIL, "variables": [], "examples": []}],
            "edits": [{"variable": f"prompt/notes#style{EVIL}", "value": EVIL, "reason": EVIL}],
            "verdict": {"reason": EVIL, "votes": [{"gate": EVIL, "decision": EVIL, "reason": EVIL, "evidence": {}}]},
        }  # fmt: skip
        store.commit("main", [Change(record, head.version)], body=body, run="7f3a")
        store.propose(f"run{EVIL}", "prompt/notes#style", EVIL, EVIL)
    return notes


@pytest.mark.parametrize(
    "words",
    [("list",), ("show", "prompt/notes"), ("history", "prompt/notes"), ("diff", "prompt/notes@1.0.0"), ("log",),
     ("diff", "prompt/notes@1.0.0", "--words"), ("blame", "prompt/notes"), ("log", "7f3a"), ("proposals",),
     ("retrieve", "notes"), ("contract",), ("run", "prompt/notes", "{}"), ("rollback", "7f3a"), ("alias", "prompt/notes")],
)  # fmt: skip
@pytest.mark.parametrize("flags", [(), ("--json",)])
def test_no_control_character_of_a_record_or_the_log_reaches_the_terminal(hostile, typed, words, flags):
    code, out, err = typed(*words, *flags)
    assert code == 0
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202e]", out + err)


def test_a_body_of_another_form_is_told_as_far_as_it_goes(notes, typed):
    with Store.open(notes / STORE) as store:
        head = store.head("main", "prompt", "notes")
        record = store.record(head.digest).with_values({"style": "Use none."})
        body = {
            "author": 5,
            "round": "x",
            "before": "x",
            "after": [],
            "hypotheses": "x",
            "edits": {"a": 1},
            "verdict": [],
        }
        store.commit("main", [Change(record, head.version)], body=body, run="7f3a")
    for words in (("log",), ("log", "7f3a"), ("history", "prompt/notes"), ("blame", "prompt/notes")):
        code, out, err = typed(*words)
        assert (code, err) == (0, "")
        assert "7f3a" in out
