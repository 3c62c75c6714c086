import pytest
from attrs import frozen

from autogenesis_core import Edit, Vote, hookimpl

SKILL = "agent/skilled#skill"


@pytest.fixture
def noted(skilled):
    """The agent, and what it was asked: (task, seed, skill)."""
    calls = []

    @frozen
    class Notes(skilled):
        async def run(self, task, context):
            calls.append((task, context.seed, self.skill))
            return await skilled.run(self, task, context)

    return Notes(), calls


def on_val(calls):
    return [call for call in calls if call[0].startswith("10")]


def test_parent_and_child_meet_the_same_cells_which_neither_has_met_before(run, composition, noted):
    agent, calls = noted
    run(composition([5, 8], agent=agent))
    cells = {skill: {(task, seed) for task, seed, has in on_val(calls) if has == skill} for skill in (3, 5, 8)}
    assert (len(cells[3]), len(cells[5]), len(cells[8])) == (10, 20, 10)
    assert cells[5] == cells[3] | cells[8]
    assert not cells[3] & cells[8]


def test_where_scores_are_deterministic_nothing_is_drawn_anew(run, composition, noted):
    agent, calls = noted
    run(composition([5, 8], agent=agent, deterministic=True))
    assert {skill: sum(has == skill for _, _, has in on_val(calls)) for skill in (3, 5, 8)} == {3: 10, 5: 10, 8: 10}


def test_val_is_drawn_in_an_order_of_each_decisions_own_whatever_the_workers(run, composition, better, tmp_path):
    found = []
    for workers in (1, 16):
        gate = better()
        run(composition([5, 8], gate=gate, workers=workers, folder=tmp_path / str(workers)))
        found.append([[cell.example for cell in seen.candidate.cells] for seen in gate.assessments])
    (first, second), again = found
    assert again == [first, second]
    assert (sorted(first), first != second) == (sorted(second), True)


def test_a_search_leaves_the_rollouts_that_test_needs(run, composition):
    """Each round takes 20 rollouts on train and 20 on val; the last of them may not use test's."""
    for limit in range(60, 150, 15):
        result = run(composition([4, 5, 6, 7], limits={"rollouts": limit})).result
        assert result["spent"]["rollouts"] <= limit
        assert (result["scores"]["test"]["before"]["n"], result["scores"]["test"]["after"]["n"]) == (10, 10)


def test_an_optimizer_names_the_parent_and_gets_a_pool_that_it_cannot_change(run, composition, better):
    seen = []

    class Names:
        rounds = 2
        screen = False

        @hookimpl
        async def sepl_parent(self, context):
            return context.pool[0]

        @hookimpl
        async def sepl_select(self, context):
            skill = next(v.value for v in context.variables if v.id == SKILL)
            seen.append((context.parent.number, skill, len(context.pool)))
            with pytest.raises(AttributeError):
                context.pool.append(context.parent)
            with pytest.raises(TypeError):
                context.pool[0] = context.parent
            return [Edit("agent/skilled#style", f"style {context.round}")]

    class Yes(better):
        @hookimpl
        async def sepl_gate(self):
            return Vote("yes", "commit", "always")

    run(composition(optimizer=Names(), gate=Yes()))
    assert seen == [(0, 3, 1), (0, 3, 2)]
