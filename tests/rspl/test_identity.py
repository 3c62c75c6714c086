"""DESIGN §5, rule by rule: heads, upgrades, candidates, isolation, pins, restore."""

import asyncio
import threading

import pytest
from attrs import evolve, frozen

from autogenesis_core import Conflict, Installed, Prompt, Record, Runtime, UnknownName, variable
from autogenesis_core.registry import Registry
from autogenesis_core.rspl.entity import Memory
from autogenesis_core.rspl.manager import Manager, restore
from autogenesis_core.rspl.prompt import parse_prompt
from autogenesis_core.rspl.reference import Reference
from autogenesis_core.rspl.store import SHIPPED, Change, Store
from autogenesis_core.rspl.system import System
from autogenesis_core.sepl.spaces import Candidate
from autogenesis_core.settings import Composition, Resource, Settings


def prompt(text="Be brief.", name="style"):
    return parse_prompt(f"## Rules\n{text}\n", name, "autogenesis-agent-x")


def started(store, *records, branch="main"):
    manager = Manager(store, branch)
    for record in records:
        manager.register(record)
    manager.init()
    return manager


@pytest.fixture
def path(tmp_path):
    return tmp_path / "autogenesis.db"


@pytest.fixture
def store(path):
    with Store.open(path) as opened:
        yield opened


# Shipped records and upgrades


def test_what_a_plugin_ships_is_version_1_0_0_on_shipped_and_where_main_stands(store):
    manager = started(store, prompt())
    assert store.branches() == (SHIPPED,)
    assert manager.heads()["prompt/style"].version == "1.0.0"
    assert prompt() == manager.get_info("prompt/style")


def test_the_same_record_shipped_again_makes_no_new_version(store):
    started(store, prompt())
    before = store.entries()
    assert started(store, prompt()).notes == []
    assert before == store.entries()


def test_an_upgrade_makes_a_new_version_on_shipped_and_main_follows_if_it_stood_there(store):
    started(store, prompt("old"))
    manager = started(store, prompt("new"))
    assert store.head(SHIPPED, "prompt", "style").version == "1.0.1"
    assert store.history("prompt", "style")[0].parents == ("1.0.0",)
    assert prompt("new") == manager.get_info("prompt/style")
    assert manager.notes == []


def test_a_head_on_main_that_moved_stays_at_an_upgrade_and_one_line_says_so(store):
    started(store, prompt("old")).set_variables("prompt/style", {"rules": "mine"})
    manager = started(store, prompt("new"))
    assert manager.get_info("prompt/style").parameters["rules"] == "mine"
    assert store.head("main", "prompt", "style").version == "1.0.1"
    assert store.head(SHIPPED, "prompt", "style").version == "1.0.2"
    assert manager.notes == ["prompt/style: the plugin ships a new version 1.0.2; main stays at 1.0.1"]


def test_an_upgrade_of_one_resource_says_nothing_of_others(store):
    started(store, prompt("old", "a"), prompt("old", "b")).set_variables("prompt/b", {"rules": "mine"})
    manager = started(store, prompt("new", "a"), prompt("old", "b"))
    assert manager.notes == []
    assert [entry.event for entry in store.entries()] == ["install", "commit", "install"]
    assert [change["resource"] for change in store.entries()[-1].body["changes"]] == ["prompt/a"]


def test_a_downgrade_is_a_new_version_with_the_old_digest(store):
    for text in ("old", "new", "old"):
        started(store, prompt(text))
    newest, _, oldest = store.history("prompt", "style")
    assert ("1.0.2", oldest.digest) == (newest.version, newest.digest)


def test_a_head_whose_plugin_is_gone_is_not_deleted(store):
    started(store, prompt()).set_variables("prompt/style", {"rules": "mine"})
    manager = started(store, prompt(name="other"))
    assert ["prompt/other"] == manager.list() == list(manager.heads())
    assert store.head("main", "prompt", "style").version == "1.0.1"
    assert started(store, prompt()).get_info("prompt/style").parameters["rules"] == "mine"


def test_branches_are_apart(store):
    main, demo = started(store, prompt()), started(store, prompt(), branch="demo")
    demo.set_variables("prompt/style", {"rules": "shown"})
    assert prompt() == main.get_info("prompt/style")
    assert main.set_variables("prompt/style", {"rules": "mine"}) == "1.0.2"
    assert demo.get_info("prompt/style").parameters["rules"] == "shown"


def test_installed_code_that_differs_from_a_versions_is_reported(store):
    def shipped(hash_):
        return Record("tool", "x", "", Installed("d", "tool/x", hash_), {"n": 1})

    started(store, shipped("one"))
    manager = started(store, shipped("one"))
    manager.update("tool/x", evolve(shipped("one"), parameters={"n": 2}))
    manager = started(store, shipped("two"))
    assert (manager.get_info("tool/x").parameters, manager.get_info("tool/x").implementation.hash) == ({"n": 2}, "two")
    assert "tool/x: the installed code differs from the code of its version" in manager.notes


def test_two_systems_that_start_at_once_on_a_new_store_both_start(tmp_path):
    for attempt in range(8):
        path = tmp_path / f"{attempt}.db"
        Store.open(path).close()
        barrier, errors = threading.Barrier(3), []

        def start(path=path, barrier=barrier, errors=errors) -> None:
            with Store.open(path) as store:
                manager = Manager(store)
                manager.register(prompt())
                barrier.wait()
                try:
                    manager.init()
                except Conflict as error:
                    errors.append(str(error))

        threads = [threading.Thread(target=start) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert errors == []


# Candidates


def test_a_candidates_id_is_over_the_whole_map_of_names_and_digests():
    records = {"prompt/a": prompt(name="a"), "prompt/b": prompt(name="b")}
    id_ = Candidate(records).id
    assert id_ == Candidate(dict(reversed(records.items()))).id
    assert id_ == Candidate({"prompt/a": prompt(name="a"), "prompt/b": prompt(name="b")}).id
    assert id_ != Candidate({"prompt/a": prompt(name="a")}).id
    assert id_ != Candidate({**records, "prompt/b": prompt("other", "b")}).id
    assert id_ != Candidate({"prompt/a": records["prompt/b"], "prompt/b": records["prompt/a"]}).id


def test_a_candidate_is_seen_by_nobody_until_its_commit(path):
    with Store.open(path) as store, Store.open(path) as another:
        manager, other = started(store, prompt()), started(another, prompt())
        before = store.entries()
        made = manager.edited(manager.get_info("prompt/style"), {"rules": "better"})
        assert System({"prompt/style": made}, manager).prompts["style"].record.parameters["rules"] == "better"
        for who in (manager, other):
            assert prompt() == who.get_info("prompt/style")
            assert prompt() == who.get("prompt/style").record
        assert before == store.entries()
        store.commit("main", [Change(made, "1.0.0")])
        for who in (manager, other):
            assert made == who.get_info("prompt/style")


# Isolation


def test_a_system_made_before_a_commit_keeps_its_records_after_it(store):
    manager = started(store, prompt("old"))
    system = System(manager.records()[0], manager)
    manager.set_variables("prompt/style", {"rules": "new"})
    assert system.records["prompt/style"].parameters["rules"] == "old"
    assert system.prompts["style"].record.parameters["rules"] == "old"
    assert System(manager.records()[0], manager).prompts["style"].record.parameters["rules"] == "new"


@frozen
class Notes(Memory):
    size: int = variable(default=3)

    async def add(self, event):
        """Forgets it."""

    async def recall(self, query, limit):
        return []


def test_memories_are_new_for_each_rollout_and_prompts_are_shared_by_digest(store):
    manager = Manager(store)
    manager.register(Record("memory", "notes", "", Installed("d", "memory/notes", "h"), {"size": 3}), Notes)
    manager.register(prompt())
    manager.init()
    system = System(manager.records()[0], manager)
    first, second = system.memory(), system.memory()
    assert (first.size, second.size) == (3, 3)
    assert first is not second
    assert manager.get("prompt/style") is system.prompts["style"]
    assert isinstance(system.prompts["style"], Prompt)


# Restore, aliases, pins


def test_restore_makes_a_new_version_with_the_old_digest(store):
    manager = started(store, prompt("old"))
    manager.set_variables("prompt/style", {"rules": "new"})
    before = store.history("prompt", "style")
    assert manager.restore(Reference.parse("prompt/style@1.0.0")) == "1.0.2"
    newest, *older = store.history("prompt", "style")
    assert (prompt("old").digest, ("1.0.1",)) == (newest.digest, newest.parents)
    assert before == older
    assert prompt("old") == manager.get_info("prompt/style")


def test_a_restored_head_does_not_stand_where_the_shipped_one_does(store):
    manager = started(store, prompt("old"))
    manager.set_variables("prompt/style", {"rules": "new"})
    manager.restore(Reference.parse("prompt/style@1.0.0"))
    manager = started(store, prompt("shipped anew"))
    assert prompt("old") == manager.get_info("prompt/style")
    assert len(manager.notes) == 1


def test_restore_of_a_resource_that_main_never_changed_descends_from_the_shipped_head(store):
    started(store, prompt("old"))
    manager = started(store, prompt("new"))
    assert manager.restore(Reference.parse("prompt/style@1.0.0")) == "1.0.2"
    assert store.history("prompt", "style")[0].parents == ("1.0.1",)
    assert prompt("old") == manager.get_info("prompt/style")


def test_several_resources_go_back_at_once(store):
    manager = started(store, prompt("old", "a"), prompt("old", "b"))
    changes = [Change(prompt("new", name), "1.0.0") for name in "ab"]
    store.commit("main", changes)
    old = [store.find(Reference.parse(f"prompt/{name}@1.0.0"), "main") for name in "ab"]
    restore(store, "main", old, "rollback")
    assert [prompt("old", "a"), prompt("old", "b")] == [manager.get_info(f"prompt/{name}") for name in "ab"]
    assert [entry.event for entry in store.entries()] == ["install", "commit", "rollback"]


def test_rollback_undoes_all_resources_of_a_commit_at_once(store):
    started(store, prompt("old", "a"), prompt("old", "b"), prompt("old", "c"))
    commit, _ = store.commit("main", [Change(prompt("new", name), "1.0.0") for name in "ab"])
    store.commit("main", [Change(prompt("new", "c"), "1.0.0")])
    before = {name: store.history("prompt", name) for name in "abc"}
    undone, versions = Registry(store, "main").rollback(commit[:6])
    assert versions == {"prompt/a": "1.0.2", "prompt/b": "1.0.2"}
    for name in "ab":
        newest, *older = store.history("prompt", name)
        assert (prompt("old", name).digest, ("1.0.1",), undone) == (newest.digest, newest.parents, newest.commit)
        assert before[name] == older
    assert before["c"] == store.history("prompt", "c")
    assert ("rollback", [commit]) == (store.entries()[-1].event, store.entries()[-1].body["undoes"])


def test_rollback_of_a_rollback_brings_the_commit_back(store):
    started(store, prompt("old"))
    commit, _ = store.commit("main", [Change(prompt("new"), "1.0.0")])
    registry = Registry(store, "main")
    undone, _ = registry.rollback(commit)
    registry.rollback(undone)
    assert prompt("new").digest == store.head("main", "prompt", "style").digest


def test_rollback_of_a_run_goes_back_to_before_its_first_commit(store):
    started(store, prompt("old"))
    store.commit("main", [Change(prompt("better"), "1.0.0")], run="run1")
    store.commit("main", [Change(prompt("best"), "1.0.1")], run="run1")
    Registry(store, "main").rollback("run1")
    assert prompt("old").digest == store.head("main", "prompt", "style").digest


def test_what_was_never_committed_cannot_be_rolled_back(store):
    started(store, prompt("old"))
    store.log("reject", "candidate1", "run1", {})
    for name in ("candidate1", "run1", "nothing"):
        with pytest.raises(UnknownName):
            Registry(store, "main").rollback(name)
    assert len(store.entries()) == 2


def test_a_users_commit_says_that_it_is_one_and_has_no_evidence(store):
    manager = started(store, prompt())
    manager.set_variables("prompt/style", {"rules": "mine"})
    body = store.entries()[-1].body
    assert (body["author"], body["evidence"]) == ("user", None)


def test_a_pin_holds_a_version_whatever_the_head_does(store):
    manager = started(store, prompt("old"))
    manager.set_variables("prompt/style", {"rules": "new"})
    pinned = started(store, prompt("old"))
    pinned.pin("prompt/style@1.0.0")
    assert {"prompt/style"} == set(pinned.pinned)
    assert prompt("old") == pinned.get_info("prompt/style") == pinned.records()[0]["prompt/style"]
    manager.set_variables("prompt/style", {"rules": "newer"})
    assert prompt("old") == pinned.get_info("prompt/style")


def test_a_pin_without_a_version_holds_the_head_of_now(store):
    manager = started(store, prompt("old"))
    manager.pin("prompt/style")
    store.commit("main", [Change(prompt("new"), "1.0.0")])
    assert prompt("old") == manager.get_info("prompt/style")


@pytest.mark.parametrize("text", ["prompt/style@1.0.9", "prompt/stile@1.0.0", "promt/style"])
def test_a_pin_of_what_is_not_there_is_an_unknown_name(store, text):
    with pytest.raises(UnknownName):
        started(store, prompt()).pin(text)


async def _pinned(folder):
    composition = Composition(Settings(pins=["prompt/style@1.0.0"]), [Resource(prompt("old"))], folder=folder)
    async with Runtime(composition) as ag:
        return ag.prompt.get_info("style"), ag.manager.pinned


def test_a_runtime_takes_its_pins_from_the_settings(tmp_path):
    with Store.open(tmp_path / "workdir" / "autogenesis.db") as store:
        started(store, prompt("old")).set_variables("prompt/style", {"rules": "new"})
    assert (prompt("old"), {"prompt/style"}) == asyncio.run(_pinned(tmp_path))
