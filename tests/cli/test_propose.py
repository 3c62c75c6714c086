import json
import re

import pytest

from autogenesis_core import Registry

AGENT = "agent/skilled"
JUDGED = ("+agent=skilled", "+benchmark=digits", "+gate=better", "splits.train=10", "splits.val=10", "splits.test=10")


@pytest.fixture
def proposal(skilled, evolved, typed):
    """Proposes a skill by hand; gives the proposal's id."""

    def propose(skill, *more):
        with Registry.open() as registry:
            text = json.loads(registry.text(AGENT))
        (evolved / "new.json").write_text(json.dumps({**text, "parameters": {**text["parameters"], "skill": skill}}))
        code, out, err = typed("propose", AGENT, "--file", "new.json", "--json", *more)
        assert (code, err) == (0, "")
        return json.loads(out)["proposals"][0]

    return propose


def head():
    with Registry.open() as registry:
        return registry.find(AGENT).version


def test_what_a_person_proposes_changes_nothing_and_is_shown(proposal, typed, evolved):
    before = head()
    made = proposal(9)
    assert head() == before
    out = typed("proposals")[1]
    assert made in out
    assert "edited by hand" in out


def test_the_change_and_what_to_type_next_are_shown(skilled, evolved, typed, proposal):
    proposal(9)
    code, out, _ = typed("propose", AGENT, "--file", "new.json")
    assert (code, out.splitlines()[0]) == (0, "parameters.skill  8 → 9")
    assert "autogenesis assess" in out


def test_the_reason_that_was_given_stands_with_the_proposal(proposal, typed):
    proposal(9, "reason=more skill")
    assert "more skill" in typed("proposals")[1]


def test_a_good_one_would_be_committed_and_assess_commits_nothing(proposal, typed):
    before, made = head(), proposal(9)
    code, out, err = typed("assess", made, *JUDGED)
    assert (code, err) == (0, "")
    assert out.splitlines()[-4:] == [
        "  1 of 1 would be committed",
        "",
        f"  take it       autogenesis commit {made} {' '.join(JUDGED)}",
        out.splitlines()[-1],
    ]
    assert not re.search("nothing was committed|before +after|test, sealed|indecisive", out)
    assert head() == before
    assert made in typed("proposals")[1]


@pytest.mark.parametrize("flag", ["--estimate", "--dry-run"])
@pytest.mark.parametrize("verb", ["assess", "commit"])
def test_to_ask_what_it_takes_or_to_rehearse_it_decides_nothing(proposal, typed, verb, flag, evolved):
    before, made = head(), proposal(9)
    runs = set((evolved / "workdir" / "runs").iterdir())
    code, out, err = typed(verb, made, *JUDGED, flag)
    assert (code, err) == (0, "")
    assert ("nothing was spent" if flag == "--estimate" else "nothing of this is kept") in out
    assert (head(), set((evolved / "workdir" / "runs").iterdir())) == (before, runs)
    assert made in typed("proposals")[1]


def test_a_good_one_is_committed_by_the_gates(proposal, typed):
    made = proposal(9)
    code, out, err = typed("commit", made, *JUDGED)
    assert (code, err) == (0, "")
    assert "commit 1.0.3: 0.8 to 0.9" in out
    assert made in typed("proposals", "committed")[1]


def test_a_bad_one_is_rejected_with_exit_code_1_and_closed(proposal, typed):
    before, made = head(), proposal(2)
    code, out, _ = typed("commit", made, *JUDGED)
    assert (code, head()) == (1, before)
    assert "reject: 0.8 to 0.2" in out
    assert made in typed("proposals", "rejected")[1]


def test_to_assess_a_bad_one_leaves_it_open_and_nothing_in_the_log(proposal, typed):
    made = proposal(2)
    before = typed("log", "--json")[1]
    code, out, _ = typed("assess", made, *JUDGED)
    assert (code, "  0 of 1 would be committed" in out.splitlines(), "take it" in out) == (1, True, False)
    assert made in typed("proposals")[1]
    assert typed("log", "--json")[1] == before


def test_without_a_name_all_open_ones_are_judged_each_for_itself(proposal, typed):
    proposal(9)
    proposal(10)
    result = json.loads(typed("commit", *JUDGED, "--json")[1])
    assert [entry["decision"] for entry in result["rounds"]] == ["commit", "commit"]


def test_what_belongs_together_is_judged_together(skilled, evolved, typed, proposal, write_note):
    first = proposal(9)
    write_note()
    found = json.loads(typed("propose", "prompt/notes", "--file", "other.md", f"with={first}", "--json")[1])
    code, out, _ = typed("commit", *JUDGED, "use=[prompt/notes]", "--json")
    result = json.loads(out)
    assert (code, len(result["rounds"]), found["group"][:5]) == (0, 1, "user-")
    assert set(result["rounds"][0]["versions"]) == {AGENT, "prompt/notes"}


@pytest.fixture
def write_note(evolved, typed):
    def write():
        text = "---\nname: notes\ndescription: Takes notes\n---\n## Rules\nWrite it down.\n"
        (evolved / "notes.md").write_text(text)
        (evolved / "other.md").write_text(text.replace("it down", "all of it down"))
        assert typed("import", "notes.md")[0] == 0

    return write


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (("propose", AGENT), "what is proposed?"),
        (("propose", AGENT, "--file", "nowhere.json"), "nowhere.json cannot be read"),
        (("propose", AGENT, "--file", "new.json", "with=nothing"), "no open proposal 'nothing'"),
        (("assess", "nothing", *JUDGED), "no open proposal 'nothing'"),
        (("commit", "+optimizer=proposes", *JUDGED), "+optimizer=proposes means nothing to commit"),
    ],
)
def test_what_cannot_be_is_said_in_one_line_with_exit_code_2(proposal, typed, words, reason):
    proposal(9)
    code, _, err = typed(*words)
    assert code == 2
    assert err.startswith(f"autogenesis: {reason}")


def test_with_nothing_proposed_there_is_nothing_to_judge(skilled, evolved, typed):
    code, _, err = typed("commit", *JUDGED)
    assert (code, err.splitlines()[0]) == (2, "autogenesis: no proposal is open")


def test_an_edit_that_changes_nothing_or_more_than_variables_is_not_judged(proposal, typed, evolved):
    proposal(9)
    record = json.loads((evolved / "new.json").read_text())
    (evolved / "same.json").write_text(json.dumps({**record, "parameters": {**record["parameters"], "skill": 8}}))
    (evolved / "nap.json").write_text(json.dumps({**record, "parameters": {**record["parameters"], "nap": 1.0}}))
    (evolved / "about.json").write_text(json.dumps({**record, "description": "Has more skill"}))
    errors = [
        typed("propose", AGENT, "--file", name)[2].splitlines()[0] for name in ("same.json", "nap.json", "about.json")
    ]
    assert errors == [
        f"autogenesis: that is {AGENT} as it stands",
        f"autogenesis: this edit of {AGENT} cannot be judged: #nap is not trainable",
        f"autogenesis: this edit of {AGENT} cannot be judged: it changes more than the values of variables",
    ]
