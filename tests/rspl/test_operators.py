"""Every operator of the protocol's table (1.3), for all five kinds alike; written from the documentation alone."""

import asyncio
import json
from collections.abc import Mapping, Sequence

import pytest
from attrs import evolve, field, frozen, validators

from autogenesis_core import (
    Agent,
    ConfigurationError,
    Contract,
    Environment,
    EnvironmentSpec,
    Found,
    InputError,
    InvalidRecord,
    LifecycleError,
    Memory,
    PluginError,
    Record,
    Registry,
    Runtime,
    Source,
    State,
    Step,
    Tool,
    ToolResult,
    UnknownName,
    parse_prompt,
    variable,
)
from autogenesis_core.build import describe
from autogenesis_core.settings import Composition, Resource

KINDS = ("prompt", "agent", "tool", "environment", "memory")
SECRET = "kelp-9vQ2-walrus-Tz41"


@frozen
class Sayer(Agent):
    """Says a task again, with a word before it."""

    uses_model = False
    hint: str = variable(default="first")
    size: int = field(default=1, validator=validators.gt(0))
    key: str = ""

    async def run(self, task, context):
        return f"{self.hint} {task}"


@frozen
class Joiner(Tool):
    """Joins words."""

    hint: str = variable(default="first")
    size: int = field(default=1, validator=validators.gt(0))
    key: str = ""

    def run(self, word: str) -> str:
        """Put a word behind another.

        Args:
            word: any word
        """
        return f"{self.hint} {word}"


@frozen
class World(Environment):
    """A world that answers with a word."""

    hint: str = variable(default="first")
    size: int = field(default=1, validator=validators.gt(0))
    key: str = ""

    @property
    def spec(self):
        return EnvironmentSpec("World-v1", {}, {})

    async def reset(self, seed):
        return seed

    async def step(self, action):
        return Step(f"{self.hint} {action}", 1.0, True)


@frozen
class Notes(Memory):
    """Recalls one word for everything."""

    hint: str = variable(default="first")
    size: int = field(default=1, validator=validators.gt(0))
    key: str = ""

    async def add(self, event):
        """Forgets it."""

    async def recall(self, query, limit):
        return [{"role": "user", "content": f"{self.hint} {query}"}]


CLASSES = {"prompt": None, "agent": Sayer, "tool": Joiner, "environment": World, "memory": Notes}
INPUTS = {
    "prompt": {"task": "word"},
    "agent": {"task": "word"},
    "tool": {"word": "word"},
    "environment": {"seed": 1, "actions": ["word"]},
    "memory": {"query": "word"},
}


def made(kind, name="thing", hint="first", **parameters):
    if kind == "prompt":
        text = f"---\ndescription: Answers with a word before the task.\n---\n\n## Hint\n{hint}\n\n## Task\n{{{{ task }}}}\n"
        return parse_prompt(text, name, "d")
    values = {"hint": hint, "size": 1, "key": "", **parameters}
    record = describe(kind, name, f"The {kind} that says a word.", CLASSES[kind], "d", values)
    return evolve(record, parameters=values)


def said(kind, result):
    """What a resource answered, whatever its kind's shape."""
    match kind:
        case "prompt":
            return " ".join(line for line in result[0]["content"].splitlines() if line and line[0] != "#")
        case "agent":
            return result.text
        case "tool":
            assert isinstance(result, ToolResult)
            return result.text
        case "environment":
            return result[0].observation
        case _:
            return result[0]["content"]


def within(folder, kind, use, resources=None):
    """What `use(server)` gives, in a runtime with one `thing` of each kind."""

    async def main():
        things = [Resource(made(each), CLASSES[each]) for each in KINDS] if resources is None else resources
        async with Runtime(Composition(resources=things, folder=folder)) as ag:
            return await use(getattr(ag, kind))

    return asyncio.run(main())


def stored(folder):
    """Every byte below a folder, together."""
    return b"".join(path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file())


each_kind = pytest.mark.parametrize("kind", KINDS)


# Lifecycle and registration


@each_kind
def test_init_brings_what_is_registered_into_the_store_and_says_the_names(tmp_path, kind):
    async def use(server):
        server.register(made(kind, "other"), CLASSES[kind])
        return server.init(), server.init()

    first, again = within(tmp_path, kind, use)
    assert list(first) == list(again) == ["thing", "other"]
    with Registry.open(folder=tmp_path) as registry:
        assert registry.heads(f"{kind}/other") == {f"{kind}/other": {"shipped": "1.0.0"}}
        assert [entry.event for entry in registry.log(f"{kind}/other")] == ["install"]


@each_kind
def test_build_makes_the_instance_that_get_gives(tmp_path, kind):
    async def use(server):
        server.register(made(kind, "other"), CLASSES[kind])
        assert server.get_state("other").lifecycle == "registered"
        built = await server.build("other")
        assert server.get_state("other").lifecycle == "built"
        again = server.get("other")
        assert type(built) is type(again)
        assert CLASSES[kind] is None or isinstance(built, CLASSES[kind])
        assert again == built
        return getattr(built, "hint", None) or built.record.parameters["hint"]

    assert within(tmp_path, kind, use) == "first"


@each_kind
def test_a_resource_that_was_retired_is_registered_and_built_again(tmp_path, kind):
    async def use(server):
        states = []
        await server.build("thing")
        server.unregister("thing")
        server.register(made(kind), CLASSES[kind])
        states.append(server.get_state("thing").lifecycle)
        await server.build("thing")
        return [*states, server.get_state("thing").lifecycle]

    assert within(tmp_path, kind, use) == ["registered", "built"]


@each_kind
def test_register_makes_a_resource_known_and_gives_its_version(tmp_path, kind):
    async def use(server):
        assert server.register(made(kind, "other", "hello"), CLASSES[kind]) == "1.0.0"
        assert list(server.list()) == ["thing", "other"]
        return server.get_state("other")

    state = within(tmp_path, kind, use)
    assert isinstance(state, State)
    assert (state.id, state.version, state.branch) == (f"{kind}/other", "1.0.0", "shipped")
    assert state.digest == made(kind, "other", "hello").digest


@each_kind
def test_each_of_several_resources_of_a_kind_runs_by_its_name(tmp_path, kind):
    async def use(server):
        server.register(made(kind, "other", "hello"), CLASSES[kind])
        return [said(kind, await server.run(name, INPUTS[kind])) for name in ("thing", "other")]

    assert within(tmp_path, kind, use) == ["first word", "hello word"]


@each_kind
def test_a_name_is_registered_once_and_the_first_one_stays(tmp_path, kind):
    async def use(server):
        with pytest.raises(InputError, match=f"{kind}/thing is registered twice"):
            server.register(made(kind, hint="second"), CLASSES[kind])
        return server.get_variables("thing")["hint"]

    assert within(tmp_path, kind, use) == "first"


@each_kind
def test_a_server_registers_and_updates_its_own_kind_only(tmp_path, kind):
    other = KINDS[KINDS.index(kind) - 1]

    async def use(server):
        with pytest.raises(InputError, match=f"{other}/more"):
            server.register(made(other, "more"), CLASSES[other])
        with pytest.raises(InputError, match=f"{other}/thing"):
            server.update("thing", made(other))
        with pytest.raises(InputError, match=f"{kind}/more"):
            server.update("thing", made(kind, "more"))
        return list(server.list()), server.get_state("thing").version

    assert within(tmp_path, kind, use) == (["thing"], "1.0.0")


@each_kind
def test_unregister_retires_a_resource_and_its_versions_stay(tmp_path, kind):
    async def use(server):
        server.set_variables("thing", {"hint": "second"})
        await server.build("thing")
        assert server.unregister("thing") is None
        assert list(server.list()) == []
        for ask in (server.get, server.get_info, server.get_variables, server.unregister):
            with pytest.raises(UnknownName, match=f"{kind}/thing"):
                ask("thing")
        for ask in (server.build("thing"), server.run("thing", INPUTS[kind])):
            with pytest.raises(UnknownName, match=f"{kind}/thing"):
                await ask
        with pytest.raises(UnknownName, match=f"{kind}/thing"):
            server.set_variables("thing", {"hint": "third"})
        server.register(made(kind), CLASSES[kind])
        return server.get_state("thing").version, said(kind, await server.run("thing", INPUTS[kind]))

    assert within(tmp_path, kind, use) == ("1.0.1", "second word")
    with Registry.open(folder=tmp_path) as registry:
        assert [version.version for version, _ in registry.history(f"{kind}/thing")] == ["1.0.1", "1.0.0"]


@pytest.mark.parametrize("kind", KINDS[1:])
def test_a_resource_that_cannot_be_built_is_failed_and_says_why_and_may_be_mended(tmp_path, kind):
    async def use(server):
        server.register(made(kind, "broken", size="many"), CLASSES[kind])
        with pytest.raises(ConfigurationError, match=f"{kind}/broken.size"):
            await server.build("broken")
        assert server.get_state("broken").lifecycle == "failed"
        assert server.update("broken", made(kind, "broken")) == "1.0.1"
        await server.build("broken")
        state = server.get_state("broken")
        assert (state.lifecycle, state.reason) == ("built", "")
        return server.get_info("broken").parameters["size"]

    assert within(tmp_path, kind, use) == 1


@pytest.mark.parametrize("kind", KINDS[1:])
def test_the_state_of_a_failed_resource_says_what_is_wrong(tmp_path, kind):
    async def use(server):
        server.register(made(kind, "broken", size="many"), CLASSES[kind])
        with pytest.raises(ConfigurationError):
            await server.build("broken")
        return server.get_state("broken").reason

    assert "size" in within(tmp_path, kind, use)


@each_kind
def test_a_version_moves_along_its_lifecycle_only(tmp_path, kind):
    async def use(server):
        server.set_variables("thing", {"hint": "second"})

    within(tmp_path, kind, use)
    with Registry.open(folder=tmp_path) as registry:
        name = f"{kind}/thing@1.0.0"
        assert registry.find(name).state == "active"
        for wrong in ("candidate", "archived", "active"):
            with pytest.raises(LifecycleError, match=name):
                registry.mark(name, wrong)
        assert registry.mark(name, "deprecated").state == "deprecated"
        assert registry.mark(name, "active").state == "active"
        registry.mark(name, "deprecated")
        assert registry.mark(name, "archived").state == "archived"
        for wrong in ("candidate", "active", "deprecated", "archived"):
            with pytest.raises(LifecycleError, match=name):
                registry.mark(name, wrong)
        assert registry.find(name).state == "archived"
        assert registry.audit() is None


@each_kind
def test_a_version_that_is_archived_can_still_be_restored(tmp_path, kind):
    async def use(server):
        server.set_variables("thing", {"hint": "second"})
        with Registry.open(folder=tmp_path) as registry:
            registry.mark(f"{kind}/thing@1.0.0", "deprecated")
            registry.mark(f"{kind}/thing@1.0.0", "archived")
        return server.restore("thing", "1.0.0"), server.get_variables("thing")["hint"]

    assert within(tmp_path, kind, use) == ("1.0.2", "first")


# Retrieval and inspection


@each_kind
def test_get_info_gives_the_record_and_get_state_where_it_stands(tmp_path, kind):
    async def use(server):
        return server.get_info("thing"), server.get_state("thing")

    record, state = within(tmp_path, kind, use)
    assert isinstance(record, Record)
    assert isinstance(state, State)
    assert record == made(kind)
    assert (state.id, state.version, state.digest) == (f"{kind}/thing", "1.0.0", record.digest)
    assert (state.branch, state.pinned, state.reason) == ("shipped", False, "")
    assert state.lifecycle in ("registered", "built")


@each_kind
def test_list_gives_the_names_of_its_kind(tmp_path, kind):
    async def use(server):
        for name in ("zebra", "ant"):
            server.register(made(kind, name), CLASSES[kind])
        return server.list()

    names = within(tmp_path, kind, use)
    assert isinstance(names, Sequence)
    assert list(names) == ["thing", "zebra", "ant"]


@each_kind
def test_a_list_is_the_callers_own(tmp_path, kind):
    async def use(server):
        names = server.list()
        if isinstance(names, list):
            names.clear()
        return list(server.list())

    assert within(tmp_path, kind, use) == ["thing"]


@each_kind
def test_retrieve_finds_resources_of_its_kind_by_what_they_say(tmp_path, kind):
    async def use(server):
        for name, text in (("weather", "Forecasts rain and sunshine."), ("bakery", "Bakes bread and cake.")):
            server.register(evolve(made(kind, name), description=text), CLASSES[kind])
        return [server.retrieve(query, 1) for query in ("will there be rain", "bread")], server.retrieve("word", 9)

    found, every = within(tmp_path, kind, use)
    assert [[each.id for each in result] for result in found] == [[f"{kind}/weather"], [f"{kind}/bakery"]]
    assert all(isinstance(each, Found) and each.id.startswith(f"{kind}/") for each in every)
    assert [each.score for each in every] == sorted((each.score for each in every), reverse=True)


@each_kind
@pytest.mark.parametrize("k", [0, -1, 101])
def test_retrieve_says_how_many_may_be_asked_for(tmp_path, kind, k):
    async def use(server):
        server.retrieve("word", k)

    with pytest.raises(InputError, match="100"):
        within(tmp_path, kind, use)


# Evolution and versioning


@each_kind
def test_update_commits_a_record_as_a_new_version_without_evidence(tmp_path, kind):
    async def use(server):
        before = await server.build("thing")
        assert server.update("thing", made(kind, hint="second")) == "1.0.1"
        assert server.get_info("thing") == made(kind, hint="second")
        assert (getattr(before, "hint", None) or before.record.parameters["hint"]) == "first"
        return said(kind, await server.run("thing", INPUTS[kind])), server.get_state("thing")

    text, state = within(tmp_path, kind, use)
    assert text == "second word"
    assert (state.version, state.branch) == ("1.0.1", "main")
    with Registry.open(folder=tmp_path) as registry:
        (version, entry), _ = registry.history(f"{kind}/thing")
        assert version.parents == ("1.0.0",)
        assert (entry.event, entry.body["author"], entry.body["evidence"]) == ("commit", "user", None)


@each_kind
def test_update_counts_up_the_part_of_the_version_that_was_said(tmp_path, kind):
    async def use(server):
        bumps = ["patch", "minor", "patch", "major", "minor", "patch"]
        return [server.update("thing", made(kind, hint=f"h{n}"), bump=bump) for n, bump in enumerate(bumps)]

    assert within(tmp_path, kind, use) == ["1.0.1", "1.1.0", "1.1.1", "2.0.0", "2.1.0", "2.1.1"]


@each_kind
def test_a_record_that_may_not_be_stored_is_refused_and_nothing_is_written(tmp_path, kind):
    async def use(server):
        with Registry.open(folder=tmp_path) as registry:
            before = registry.log()
            if kind == "prompt":
                wrong = [made(kind).with_values({"hint": text}) for text in ("# Title", "## More", "{%", "```")]
            else:
                wrong = [made(kind, size=0), made(kind, size="many"), made(kind, colour="red")]
            for record in wrong:
                with pytest.raises(InputError):
                    server.update("thing", record)
            for values in ({"hint": 3}, {"hint": "x", "hnit": "y"}, {"hint": float("nan")}):
                with pytest.raises(InputError):
                    server.set_variables("thing", values)
            assert before == registry.log()
        return server.get_info("thing") == made(kind)

    assert within(tmp_path, kind, use)


@each_kind
def test_source_text_is_kept_as_a_version_and_never_run_in_this_process(tmp_path, kind):
    trace = tmp_path / "ran"
    record = evolve(made(kind), implementation=Source("python", f"open({str(trace)!r}, 'w')"))

    async def use(server):
        try:
            server.update("thing", record)
            await server.build("thing")
        except (PluginError, InputError):
            pass
        return trace.exists()

    assert within(tmp_path, kind, use) is False


@each_kind
def test_copy_makes_a_resource_of_its_own(tmp_path, kind):
    async def use(server):
        server.set_variables("thing", {"hint": "second"})
        assert server.copy("thing", "twin") == "1.0.0"
        assert list(server.list()) == ["thing", "twin"]
        assert server.get_variables("twin") == server.get_variables("thing")
        assert type(server.get("twin")) is type(server.get("thing"))
        assert server.set_variables("twin", {"hint": "mine"}) == "1.0.1"
        assert server.set_variables("thing", {"hint": "third"}) == "1.0.2"
        return [server.get_variables(name)["hint"] for name in ("thing", "twin")]

    assert within(tmp_path, kind, use) == ["third", "mine"]
    with Registry.open(folder=tmp_path) as registry:
        (_, _), (first, entry) = registry.history(f"{kind}/twin")
        assert first.parents == (f"{kind}/thing@1.0.1",)
        assert entry.event == "copy"
        assert registry.record(f"{kind}/twin@1.0.0") == evolve(registry.record(f"{kind}/thing@1.0.1"), name="twin")


@each_kind
@pytest.mark.parametrize("new", ["thing", "", "a/b", "../x", "a b", "a@1", "a#b", "x" * 500, "ä"], ids=repr)
def test_a_copy_has_a_name_of_its_own_that_can_be_one(tmp_path, kind, new):
    async def use(server):
        with pytest.raises(InputError):
            server.copy("thing", new)
        return list(server.list())

    assert within(tmp_path, kind, use) == ["thing"]


@each_kind
def test_restore_brings_back_an_earlier_record_bit_for_bit(tmp_path, kind):
    async def use(server):
        bodies = {server.get_state("thing").version: server.get_info("thing").body}
        for count in range(4):
            version = server.set_variables("thing", {"hint": f"ü {count}\n\n· {'x' * count}"})
            bodies[version] = server.get_info("thing").body
        for version in reversed(list(bodies)):
            new = server.restore("thing", version)
            assert server.get_info("thing").body == bodies[version]
            assert server.get_state("thing").version == new
        with pytest.raises(UnknownName, match=f"did you mean {kind}/thing@1.0."):
            server.restore("thing", "1.0.99")
        return bodies

    bodies = within(tmp_path, kind, use)
    with Registry.open(folder=tmp_path) as registry:
        for version, body in bodies.items():
            assert registry.record(f"{kind}/thing@{version}").body == body
        newest, _ = registry.history(f"{kind}/thing")[0]
        assert (newest.version, newest.parents) == ("1.0.9", ("1.0.8",))
        assert newest.digest == registry.find(f"{kind}/thing@1.0.0").digest
        assert registry.audit() is None


@each_kind
def test_variables_are_read_by_path_and_set_as_a_new_version(tmp_path, kind):
    async def use(server):
        values = server.get_variables("thing")
        assert isinstance(values, Mapping)
        assert values["hint"] == "first"
        assert server.set_variables("thing", {"hint": "second"}) == "1.0.1"
        assert server.get_variables("thing") == {**values, "hint": "second"}
        return said(kind, await server.run("thing", INPUTS[kind]))

    assert within(tmp_path, kind, use) == "second word"


@each_kind
def test_what_one_does_with_the_variables_that_were_read_changes_no_resource(tmp_path, kind):
    async def use(server):
        server.get_variables("thing")["hint"] = "spoilt"
        return server.get_variables("thing")["hint"], server.get_info("thing") == made(kind)

    assert within(tmp_path, kind, use) == ("first", True)


@each_kind
def test_the_json_of_a_record_is_the_callers_own(tmp_path, kind):
    async def use(server):
        server.get_info("thing").to_json()["parameters"]["hint"] = "spoilt"
        return server.get_variables("thing")["hint"], server.get_info("thing") == made(kind)

    assert within(tmp_path, kind, use) == ("first", True)


@each_kind
def test_an_unknown_variable_is_answered_with_the_nearest(tmp_path, kind):
    async def use(server):
        server.set_variables("thing", {"hitn": "x"})

    with pytest.raises(UnknownName, match="did you mean .*hint"):
        within(tmp_path, kind, use)


@each_kind
def test_the_next_run_starts_where_the_last_one_ended(tmp_path, kind):
    async def first(server):
        server.set_variables("thing", {"hint": "second"})

    async def second(server):
        return server.get_state("thing").version, said(kind, await server.run("thing", INPUTS[kind]))

    within(tmp_path, kind, first)
    assert within(tmp_path, kind, second) == ("1.0.1", "second word")


# Execution and contract


@each_kind
def test_run_takes_structured_input(tmp_path, kind):
    async def use(server):
        return await server.run("thing", INPUTS[kind])

    assert said(kind, within(tmp_path, kind, use)) == "first word"


@pytest.mark.parametrize(
    ("kind", "wrong"),
    [(kind, {}) for kind in ("prompt", "agent", "tool", "memory")]
    + [
        ("agent", {"task": 3}),
        ("agent", {"task": "x", "more": 1}),
        ("tool", {"word": 3}),
        ("tool", {"word": "x", "wrod": "y"}),
        ("environment", {"actions": "word"}),
        ("environment", {"actions": [], "seed": "one"}),
        ("environment", {"actions": [], "sede": 1}),
        ("memory", {"query": 3}),
        ("memory", {"query": "x", "limit": "many"}),
        ("memory", {"query": "x", "limit": -1}),
        ("memory", {"query": "x", "limti": 1}),
    ],
)
def test_input_of_another_shape_is_an_error_for_people(tmp_path, kind, wrong):
    async def use(server):
        await server.run("thing", wrong)

    with pytest.raises(InputError):
        within(tmp_path, kind, use)


@each_kind
def test_a_contract_is_saved_and_loaded_again(tmp_path, kind):
    path = tmp_path / "contract.md"

    async def use(server):
        server.register(made(kind, "other"), CLASSES[kind])
        saved = server.save_contract(path)
        assert isinstance(saved, Contract)
        assert server.load_contract(path) == saved == server.contract()
        assert server.contract(["other"]).ids == (f"{kind}/other",)
        return saved

    saved = within(tmp_path, kind, use)
    assert path.read_text(encoding="utf-8") == saved.text
    assert set(saved.ids) == {f"{kind}/thing", f"{kind}/other"}
    assert saved.text.startswith("---\nname: ")
    assert saved.tokens > 0
    assert all(name in saved.text for name in ("thing", "other"))


@each_kind
def test_a_contract_of_other_versions_or_of_nothing_is_not_loaded(tmp_path, kind):
    path = tmp_path / "contract.md"

    async def use(server):
        server.save_contract(path)
        server.update("thing", evolve(made(kind), description="Does something else now."))
        assert "something else" in server.contract().text
        with pytest.raises(InputError):
            server.load_contract(path)
        server.restore("thing", "1.0.0")
        server.load_contract(path)
        for content in (b"", b"no contract", b"\xff\xfe", b"---\nname: x\n---\n"):
            path.write_bytes(content)
            with pytest.raises(InputError):
                server.load_contract(path)
        with pytest.raises(InputError):
            server.load_contract(tmp_path / "not-there.md")
        with pytest.raises(InputError):
            server.save_contract(tmp_path / "not" / "there.md")
        with pytest.raises(UnknownName, match=f"did you mean {kind}/thing"):
            server.save_contract(path, ["thign"])
        return path.read_bytes()

    assert within(tmp_path, kind, use) == b"---\nname: x\n---\n"


# Names


BY_NAME = {
    "build": lambda server, record: server.build("thign"),
    "get": lambda server, record: server.get("thign"),
    "get_info": lambda server, record: server.get_info("thign"),
    "get_state": lambda server, record: server.get_state("thign"),
    "get_variables": lambda server, record: server.get_variables("thign"),
    "set_variables": lambda server, record: server.set_variables("thign", {"hint": "x"}),
    "unregister": lambda server, record: server.unregister("thign"),
    "update": lambda server, record: server.update("thign", evolve(record, name="thign")),
    "copy": lambda server, record: server.copy("thign", "new"),
    "restore": lambda server, record: server.restore("thign", "1.0.0"),
    "run": lambda server, record: server.run("thign", {}),
    "contract": lambda server, record: server.contract(["thign"]),
}


@each_kind
@pytest.mark.parametrize("operator", BY_NAME)
def test_a_misspelt_name_is_answered_with_the_nearest(tmp_path, kind, operator):
    async def use(server):
        result = BY_NAME[operator](server, made(kind))
        if operator in ("build", "run"):
            await result

    with pytest.raises(UnknownName, match=f"did you mean {kind}/thing"):
        within(tmp_path, kind, use)
    with Registry.open(folder=tmp_path) as registry:
        assert {entry.event for entry in registry.log()} == {"install"}


@each_kind
@pytest.mark.parametrize(
    "name", ["", "/", "../thing", "thing@9.9.9", "thing#hint", "a\0b", "x" * 5_000], ids=lambda n: n[:9]
)
def test_a_name_that_cannot_be_one_is_an_error_for_people(tmp_path, kind, name):
    async def use(server):
        for ask in (server.get, server.get_info, server.get_state, server.unregister):
            with pytest.raises(InputError):
                ask(name)
        with pytest.raises(InputError):
            await server.run(name, {})

    within(tmp_path, kind, use)


# Secrets


@pytest.mark.parametrize("kind", KINDS[1:])
def test_a_secret_is_a_reference_everywhere_but_in_the_built_instance(tmp_path, kind, monkeypatch):
    monkeypatch.setenv("OPERATOR_TEST_KEY", SECRET)
    reference = {"secret": "OPERATOR_TEST_KEY"}

    async def use(server):
        server.register(made(kind, "keeper", key=reference), CLASSES[kind])
        built = await server.build("keeper")
        assert str(built.key) == SECRET
        assert server.get_info("keeper").parameters["key"] == reference
        assert server.get_variables("keeper")["key"] == reference
        server.set_variables("keeper", {"hint": "second"})
        server.copy("keeper", "twin")
        server.save_contract(tmp_path / "contract.md")
        server.save_to_json(tmp_path / "export.json")
        shown = [repr(built), repr(server.get_info("keeper")), repr(server.get_state("keeper"))]
        shown += [repr(server.retrieve("keeper", 9)), server.contract().text, server.save_to_json()]
        assert [text for text in shown if SECRET in text] == []
        assert server.restore("keeper", "1.0.0") == "1.0.2"
        return str(server.get("keeper").key), str(server.get("twin").key)

    assert within(tmp_path, kind, use) == (SECRET, SECRET)
    assert b"OPERATOR_TEST_KEY" in stored(tmp_path)
    assert SECRET.encode() not in stored(tmp_path)


@pytest.mark.parametrize("kind", KINDS[1:])
def test_a_secret_that_is_not_set_fails_the_build_and_is_named(tmp_path, kind, monkeypatch):
    monkeypatch.delenv("OPERATOR_TEST_KEY", raising=False)

    async def use(server):
        assert server.register(made(kind, "keeper", key={"secret": "OPERATOR_TEST_KEY"}), CLASSES[kind]) == "1.0.0"
        with pytest.raises(ConfigurationError, match="OPERATOR_TEST_KEY"):
            await server.build("keeper")
        assert server.get_state("keeper").lifecycle == "failed"
        monkeypatch.setenv("OPERATOR_TEST_KEY", SECRET)
        return str((await server.build("keeper")).key)

    assert within(tmp_path, kind, use) == SECRET


@each_kind
def test_the_value_of_a_secret_that_was_read_is_refused_as_a_value(tmp_path, kind, monkeypatch):
    monkeypatch.setenv("OPERATOR_TEST_KEY", SECRET)
    keeper = made("tool", "keeper", key={"secret": "OPERATOR_TEST_KEY"})

    async def main():
        things = [Resource(made(each), CLASSES[each]) for each in KINDS] + [Resource(keeper, Joiner)]
        async with Runtime(Composition(resources=things, folder=tmp_path)) as ag:
            await ag.tool.build("keeper")
            with pytest.raises(InvalidRecord) as raised:
                getattr(ag, kind).set_variables("thing", {"hint": f"use {SECRET} now"})
            assert SECRET not in str(raised.value)

    asyncio.run(main())
    assert SECRET.encode() not in stored(tmp_path)


# Serialisation


@each_kind
def test_the_records_and_the_whole_history_are_saved_and_loaded_bit_for_bit(tmp_path, kind):
    async def save(server):
        for hint in ("second", "ü \u2028 \\ \" {{ '{' }}" if kind != "prompt" else 'ü \u2028 \\ "'):
            server.set_variables("thing", {"hint": hint})
        server.restore("thing", "1.0.0")
        server.update("thing", made(kind, hint="fifth"), bump="minor")
        text = server.save_to_json(tmp_path / "export.json")
        assert (tmp_path / "export.json").read_text(encoding="utf-8") == text == server.save_to_json()
        return text

    async def load(server):
        loaded = server.load_from_json(tmp_path / "export.json")
        assert {name: list(versions) for name, versions in loaded.items()} == {
            f"{kind}/thing": ["1.0.0", "1.0.1", "1.0.2", "1.0.3", "1.1.0"]
        }
        again = server.load_from_json(tmp_path / "export.json")
        assert not any(again.values())
        return server.save_to_json()

    text = within(tmp_path / "a", kind, save)
    assert within(tmp_path / "b", kind, load, resources=[]) == text
    with Registry.open(folder=tmp_path / "a") as old, Registry.open(folder=tmp_path / "b") as new:
        name = f"{kind}/thing"
        assert [evolve(v, seq=0) for v, _ in old.history(name)] == [evolve(v, seq=0) for v, _ in new.history(name)]
        assert old.heads(name) == new.heads(name)
        for version, _ in old.history(name):
            assert old.record(str(version)).body == new.record(str(version)).body
        assert new.audit() is None


@each_kind
def test_loaded_versions_are_used_by_the_next_run(tmp_path, kind):
    async def save(server):
        server.set_variables("thing", {"hint": "second"})
        return server.save_to_json()

    async def load(server):
        server.load_from_json(text)
        server.restore("thing", "1.0.1")
        return said(kind, await server.run("thing", INPUTS[kind]))

    text = within(tmp_path / "a", kind, save)
    assert within(tmp_path / "b", kind, load) == "second word"


@each_kind
def test_an_export_has_its_own_kind_only_and_another_ones_is_refused(tmp_path, kind):
    other = KINDS[KINDS.index(kind) - 1]

    async def save(server):
        return server.save_to_json()

    assert list(json.loads(within(tmp_path / "a", kind, save))["resources"]) == [f"{kind}/thing"]

    async def load(server):
        with Registry.open(folder=tmp_path / "b") as registry:
            before = registry.log()
            with pytest.raises(InputError, match=other):
                server.load_from_json(text)
            return before == registry.log()

    text = within(tmp_path / "a", other, save)
    assert within(tmp_path / "b", kind, load)


@each_kind
@pytest.mark.parametrize(
    "spoil",
    [
        lambda text: "",
        lambda text: "{}",
        lambda text: "[]",
        lambda text: "null",
        lambda text: "not-there.json",
        lambda text: text[:-20],
        lambda text: text.replace("first", "forst"),
        lambda text: text.replace('"1.0.0"', '"1.0"'),
        lambda text: text.replace('"1.0.0"', "1"),
        lambda text: text.replace("/thing", "/../thing"),
        lambda text: json.dumps({**json.loads(text), "more": 1}),
        lambda text: json.dumps({**json.loads(text), "records": {}}),
        lambda text: "[" * 100_000,
        lambda text: text.replace('"first"', "NaN"),
    ],
    ids=range(14),
)
def test_what_is_no_such_export_is_refused_whole(tmp_path, kind, spoil):
    async def save(server):
        return server.save_to_json()

    async def load(server):
        wrong = spoil(text)
        assert wrong != text
        with Registry.open(folder=tmp_path / "b") as registry:
            with pytest.raises(InputError):
                server.load_from_json(wrong)
            assert list(registry.log()) == []
            return registry.audit()

    text = within(tmp_path / "a", kind, save)
    assert within(tmp_path / "b", kind, load, resources=[]) is None
