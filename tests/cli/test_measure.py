import json

import pytest

WORDS = ("+agent=skilled", "+benchmark=digits", "splits.train=0", "splits.val=10", "splits.test=40")

BROKEN = """
def answer(task):
    raise ValueError("agent is broken")
"""


def measured(typed, *words):
    code, out, err = typed("measure", *WORDS, *words, "--json")
    assert err == ""
    return code, json.loads(out)


def test_what_is_significantly_worse_than_the_champion_is_exit_code_1(skilled, evolved, typed):
    code, found = measured(typed, "agent.skill=5", "--baseline", "champion")
    assert (code, found["baseline"]["regression"], found["baseline"]["same"]) == (1, True, False)
    against = found["baseline"]["against"]["test"]
    assert (against["baseline"]["mean"], against["change"]["delta"], against["change"]["n"]) == (
        0.8, pytest.approx(-0.3), 40,
    )  # fmt: skip


def test_what_is_better_is_no_regression(skilled, evolved, typed):
    code, found = measured(typed, "agent.skill=9", "--baseline", "champion")
    assert (code, found["baseline"]["regression"]) == (0, False)
    assert found["baseline"]["against"]["test"]["change"]["delta"] == pytest.approx(0.1)


def test_the_champion_itself_is_nothing_to_compare(skilled, evolved, typed):
    code, out, _ = typed("measure", *WORDS, "--baseline", "champion")
    assert (code, "this is champion itself: there is nothing to compare" in out) == (0, True)


def test_a_pinned_version_is_held_against_the_champion(skilled, evolved, typed):
    code, found = measured(typed, "pins=[agent/skilled@1.0.0]", "--baseline", "champion")
    assert (code, found["scores"]["test"]["mean"]) == (1, 0.3)


def test_a_baseline_may_be_an_alias_or_a_branch(skilled, evolved, typed):
    assert typed("alias", "agent/skilled@1.0.1", "production")[0] == 0
    assert measured(typed, "--baseline", "production")[1]["baseline"]["against"]["test"]["baseline"]["mean"] == 0.5
    assert measured(typed, "--baseline", "shipped")[1]["baseline"]["against"]["test"]["baseline"]["mean"] == 0.3


def test_a_name_that_none_of_the_resources_has_is_an_error(skilled, evolved, typed):
    code, _, err = typed("measure", *WORDS, "--baseline", "champoin")
    assert code == 2
    assert "did you mean champion?" in err.splitlines()[0]


def test_the_screen_says_regression_in_capitals(skilled, evolved, typed):
    code, out, _ = typed("measure", *WORDS, "agent.skill=2", "--baseline", "champion")
    assert code == 1
    assert "  REGRESSION: significantly worse than champion" in out.splitlines()


def test_measure_measures_also_where_an_optimizer_is_composed(skilled, evolved, typed):
    code, found = measured(typed, "+optimizer=proposes", "+gate=better")
    assert (code, found["verb"], "rounds" in found) == (0, "measure", False)


def test_several_epochs_are_reduced_to_one_value_an_example(skilled, evolved, typed):
    found = measured(typed, "epochs=3", "reducer=pass_at_2")[1]
    assert (found["scores"]["test"]["mean"], found["scores"]["test"]["n"]) == (0.8, 120)


def test_a_note_says_how_many_rollouts_failed_and_the_most_frequent_reason(skilled, tmp_path, monkeypatch, typed):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "broken.py").write_text(BROKEN)
    words = ("measure", "+agent=callable", "agent.path=broken.py:answer", "+benchmark=digits")
    code, out, err = typed(*words, "splits.train=0", "splits.val=10", "splits.test=20")
    said = "  note: 30 of 30 rollouts failed: ValueError: agent is broken (traces.jsonl)"
    assert (code, said in out.splitlines(), err) == (0, True, "")
