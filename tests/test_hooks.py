"""DESIGN §4: the façade over the hooks."""

import asyncio
import warnings

import pytest
from attrs import frozen

from autogenesis_core import (
    Assessment,
    BudgetExceeded,
    Edit,
    Hypothesis,
    InputError,
    ModelError,
    PluginError,
    Vote,
    hookimpl,
    hookspecs,
)
from autogenesis_core.hooks import Hooks
from autogenesis_core.sepl.operators import verdict


def ask(hooks, hook, *arguments):
    """The answer; hypotheses by their texts."""
    answer = asyncio.run(getattr(hooks, hook)(*arguments))
    return [h.text for h in answer] if hook == "reflect" and answer is not None else answer


class Reflects:
    """Answers what it was given, or does it."""

    def __init__(self, answer=NotImplemented):
        self.answer = answer
        self.asked = 0

    @hookimpl
    async def sepl_reflect(self, context):
        self.asked += 1
        if isinstance(self.answer, BaseException):
            raise self.answer
        return self.answer if self.answer is NotImplemented else [Hypothesis(text) for text in self.answer]


class Votes:
    def __init__(self, decision):
        self.decision = decision
        self.asked = 0

    @hookimpl
    async def sepl_gate(self, candidate, assessment):
        self.asked += 1
        return NotImplemented if self.decision is None else Vote("gate", self.decision, "because")


class Observes:
    def __init__(self, error=None):
        self.error = error
        self.events = []

    @hookimpl
    async def sepl_observe(self, event, data):
        self.events.append((event, data))
        if self.error:
            raise self.error

    @hookimpl
    async def rspl_observe(self, event, data):
        self.events.append((event, data))
        if self.error:
            raise self.error


class Authorizes:
    def __init__(self, answer):
        self.answer = answer

    @hookimpl
    async def rspl_authorize(self, use):
        return self.answer


def registered(*plugins):
    hooks = Hooks()
    for index, plugin in enumerate(plugins):
        hooks.register(plugin, f"plugin {index}")
    return hooks


# Who answers


def test_an_answer_is_awaited_and_given():
    assert ask(registered(Reflects(["hypothesis"])), "reflect", None) == ["hypothesis"]


def test_the_first_that_does_not_decline_answers_and_nobody_is_asked_after():
    plugins = [Reflects(), Reflects(["second"]), Reflects(["third"])]
    assert ask(registered(*plugins), "reflect", None) == ["second"]
    assert [plugin.asked for plugin in plugins] == [1, 1, 0]


def test_an_empty_answer_is_an_answer_and_no_declining():
    assert ask(registered(Reflects([]), Reflects(["other"])), "reflect", None) == []


def test_without_any_answer_there_is_none():
    assert ask(registered(Reflects(), Reflects()), "reflect", None) is None
    assert ask(Hooks(), "reflect", None) is None


def test_the_order_is_that_of_the_configuration_and_not_pluggys():
    assert ask(registered(Reflects(["first"]), Reflects(["second"])), "reflect", None) == ["first"]


def test_no_plugin_may_push_itself_to_the_front():
    class Pushes:
        @hookimpl(tryfirst=True)
        async def sepl_reflect(self):
            return [Hypothesis("pushed")]

    class Modest:
        @hookimpl(trylast=True)
        async def sepl_reflect(self):
            return [Hypothesis("modest")]

    assert ask(registered(Modest(), Pushes()), "reflect", None) == ["modest"]


@pytest.mark.parametrize("option", ["wrapper", "hookwrapper"])
def test_a_wrapper_is_refused_when_it_is_registered(option):
    """pluggy's wrappers never see an awaited result."""

    class Wraps:
        @hookimpl(**{option: True})
        def sepl_reflect(self):
            yield

    with pytest.raises(PluginError, match="plugin 0"):
        registered(Wraps())


def test_a_hook_may_take_fewer_arguments_and_any_of_them():
    class Few:
        @hookimpl
        async def sepl_select(self, hypotheses):
            return hypotheses

        @hookimpl
        async def sepl_evaluate(self, candidate, context):
            return Assessment(candidate, context)

    hooks, edit = registered(Few()), Edit("agent/x#y", 1)
    assert ask(hooks, "select", "context", [edit]) == [edit]
    assert ask(hooks, "evaluate", "context", "candidate") == Assessment("candidate", "context")


def test_hooks_may_stand_in_a_module(tmp_path, monkeypatch):
    (tmp_path / "hooks_in_a_module.py").write_text(
        "from autogenesis_core import Hypothesis, hookimpl\n"
        "@hookimpl\nasync def sepl_reflect():\n    return [Hypothesis('module')]\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    import hooks_in_a_module

    assert ask(registered(hooks_in_a_module), "reflect", None) == ["module"]


def test_every_hook_has_a_method_of_the_facade_and_an_awaited_answer():
    class All:
        asked: tuple[str, ...] = ()

    def hook(name):
        async def call(self):
            self.asked += (name,)
            return Vote("g", "commit", "") if name == "sepl_gate" else NotImplemented

        return hookimpl(call)

    specified = [name for name in vars(hookspecs) if name.startswith(("rspl_", "sepl_"))]
    for name in specified:
        setattr(All, name, hook(name))
    plugin = All()
    hooks = registered(plugin)
    ask(hooks, "register_resources", lambda record, cls: None)
    ask(hooks, "authorize", None)
    ask(hooks, "observe_resource", "built", {})
    ask(hooks, "parent", None)
    ask(hooks, "reflect", None)
    ask(hooks, "select", None, [])
    ask(hooks, "improve", None, [])
    ask(hooks, "evaluate", None, None)
    ask(hooks, "votes", None, None)
    ask(hooks, "interim", None, None)
    ask(hooks, "commit", None, None, None)
    ask(hooks, "observe", "round", {})
    assert tuple(specified) == plugin.asked


def test_every_plugin_may_register_resources():
    class Registers:
        def __init__(self, name):
            self.name = name

        @hookimpl
        async def rspl_register(self, register):
            register(self.name, None)

    found = []
    ask(registered(Registers("a"), Registers("b")), "register_resources", lambda record, cls: found.append(record))
    assert found == ["a", "b"]


def test_the_first_permission_in_configured_order_holds():
    hooks = registered(Authorizes(NotImplemented), Authorizes("deny"), Authorizes("allow"))
    assert ask(hooks, "authorize", None) == "deny"
    assert ask(Hooks(), "authorize", None) is None


# Gates


def test_gates_vote_in_configured_order_and_the_first_reject_ends_it():
    gates = [Votes("commit"), Votes("indecisive"), Votes(None), Votes("reject"), Votes("commit")]
    votes = ask(registered(*gates), "votes", None, None)
    assert [vote.decision for vote in votes] == ["commit", "indecisive", "reject"]
    assert [gate.asked for gate in gates] == [1, 1, 1, 1, 0]


@pytest.mark.parametrize(
    ("decisions", "expected"),
    [
        ([], "reject"),
        (["commit"], "commit"),
        (["commit", "commit"], "commit"),
        (["commit", "indecisive"], "indecisive"),
        (["indecisive", "reject"], "reject"),
        (["indecisive", "commit"], "indecisive"),
    ],
)
def test_a_candidate_is_committed_only_if_all_that_vote_say_so(decisions, expected):
    votes = [Vote(f"gate {n}", decision, "because") for n, decision in enumerate(decisions)]
    assert expected == verdict(votes).decision


@pytest.mark.parametrize("answer", [None, True, "commit", Vote("strict", "Reject", "no"), Vote("strict", "deny", "no")])
def test_a_gates_answer_that_is_no_vote_ends_the_run_with_its_name(answer):
    """A misspelt refusal must never count as consent."""

    class Strange:
        @hookimpl
        async def sepl_gate(self):
            return answer

    hooks = Hooks()
    hooks.register(Strange(), "gate strange")
    with pytest.raises(PluginError, match="gate strange"):
        ask(hooks, "votes", None, None)


# Errors


def test_a_failing_hook_ends_the_run_and_its_plugin_is_named():
    error = ZeroDivisionError("division by zero")
    with pytest.raises(PluginError, match="plugin 1 failed in sepl_reflect: ZeroDivisionError: division by zero") as r:
        ask(registered(Reflects(), Reflects(error), Reflects(["never"])), "reflect", None)
    assert error is r.value.__cause__


@pytest.mark.parametrize("error", [ModelError("no answer"), InputError("no target")], ids=repr)
def test_a_hook_that_fails_with_one_of_our_errors_is_named_too(error):
    with pytest.raises(type(error)) as raised:
        ask(registered(Reflects(error)), "reflect", None)
    assert "plugin 0" in "\n".join([str(raised.value), *getattr(raised.value, "__notes__", ())])


def test_a_spent_budget_passes_through_a_hook():
    with pytest.raises(BudgetExceeded):
        ask(registered(Reflects(BudgetExceeded("budget.calls is spent"))), "reflect", None)


@pytest.mark.parametrize("hook", ["observe", "observe_resource"])
def test_an_observers_error_is_reported_and_the_others_are_told_all_the_same(hook):
    first, second = Observes(ValueError("oops")), Observes()
    hooks = registered(first, second)
    with pytest.warns(UserWarning, match=r"plugin 0 failed in (s|r)\w+_observe: ValueError: oops"):
        ask(hooks, hook, "round", {"n": 1})
    assert [("round", {"n": 1})] == first.events == second.events


def test_every_error_of_an_observer_is_reported_even_the_same_one_again():
    hooks = registered(Observes(ValueError("oops")))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for _ in range(2):
            ask(hooks, "observe", "round", {})
    assert len(caught) == 2


def test_an_observer_cannot_stop_a_cancelled_run():
    with pytest.raises(asyncio.CancelledError):
        ask(registered(Observes(asyncio.CancelledError())), "observe", "round", {})


# Registration


def test_a_misspelt_hook_is_an_error_that_names_plugin_and_hook():
    class Misspelt:
        @hookimpl
        async def sepl_reflct(self, context):
            return []

    with pytest.raises(PluginError, match=r"optimizer x implements a hook wrongly: .*sepl_reflct"):
        Hooks().register(Misspelt(), "optimizer x")


def test_an_argument_that_the_hook_does_not_have_is_an_error_that_names_both():
    class Extra:
        @hookimpl
        async def sepl_reflect(self, context, temperature):
            return []

    with pytest.raises(PluginError, match=r"(?s)optimizer x implements a hook wrongly: .*temperature"):
        Hooks().register(Extra(), "optimizer x")


def test_a_hook_that_is_no_coroutine_is_an_error_when_it_is_registered():
    class Sync:
        @hookimpl
        def sepl_observe(self, event, data):
            """Returns at once."""

    with pytest.raises(PluginError, match=r"observer x .*async"):
        Hooks().register(Sync(), "observer x")


def test_after_a_refused_plugin_the_others_still_answer():
    class Misspelt:
        @hookimpl
        async def sepl_reflect(self, context):
            return ["refused"]

        @hookimpl
        async def sepl_reflct(self, context):
            return []

    hooks = Hooks()
    with pytest.raises(PluginError):
        hooks.register(Misspelt(), "bad")
    hooks.register(Reflects(["good"]), "good")
    assert ask(hooks, "reflect", None) == ["good"]


@frozen
class Listed:
    """A gate with a list among its settings, as any YAML may have."""

    words: list[str]

    @hookimpl
    async def sepl_gate(self):
        return Vote(self.words[0], "commit", "")


def test_an_object_whose_settings_hold_a_list_may_have_hooks():
    votes = ask(registered(Listed(["a"]), Listed(["b"])), "votes", None, None)
    assert [vote.gate for vote in votes] == ["a", "b"]


@frozen
class Plain:
    @hookimpl
    async def sepl_gate(self):
        return Vote("plain", "commit", "")


def test_two_parts_that_are_equal_are_two_all_the_same():
    assert len(ask(registered(Plain(), Plain()), "votes", None, None)) == 2


def test_one_object_is_asked_once_however_often_it_is_registered():
    plugin = Reflects()
    ask(registered(plugin, plugin), "reflect", None)
    assert plugin.asked == 1


def test_there_is_no_global_manager():
    first, second = registered(Reflects(["first"])), Hooks()
    assert ask(first, "reflect", None) == ["first"]
    assert ask(second, "reflect", None) is None


def test_an_unmarked_function_is_no_hook():
    class Unmarked:
        async def sepl_reflect(self, context):
            return ["unmarked"]

    assert ask(registered(Unmarked()), "reflect", None) is None
