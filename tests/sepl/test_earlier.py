"""A scorer that has changed since the heads were committed is told of at the next run."""

from autogenesis_core import Score


def notes(ran):
    return [note for note in ran.notes if "scorer" in note]


def test_a_changed_scorer_is_noticed_at_the_next_run(run, composition, digits):
    class Strict(digits):
        def score(self, example, outcome):
            return Score(float(outcome.text == example.input) * 0.9)

    assert notes(run(composition([5]))) == []
    assert notes(run(composition([6]))) == []
    assert notes(run(composition([9], benchmark=Strict()))) == [
        "the scorer has changed since agent/skilled@1.0.2 was committed: scores of then and of now do not compare"
    ]
    assert notes(run(composition([2], benchmark=Strict()))) == []  # it was committed with this one in the meantime


def test_heads_that_no_evolution_committed_say_nothing_of_a_scorer(run, composition):
    assert notes(run(composition([2]))) == []
    assert notes(run(composition([1]))) == []


def test_a_commit_says_on_whose_word_it_was_made(run, composition):
    ran = run(composition([5]))
    commit = next(entry for entry in ran.entries if entry.event == "commit")
    assert commit.body["scorer"] == ran.result["scorer"]
