"""Of the registry's tools: an agent finds, loads and uses what it was not given, and proposes edits that change nothing."""

import asyncio
import json

import pytest
from attrs import frozen
from hypothesis import given
from hypothesis import strategies as st

from autogenesis_core import (
    Agent,
    Answer,
    Benchmark,
    InputError,
    ModelAnswer,
    Question,
    Registry,
    Runtime,
    Score,
    ToolCall,
    ToolContext,
    hookimpl,
    read_skill,
    variable,
)
from autogenesis_core.testing import ScriptedModel
from autogenesis_tool_registry.find_resources import find_resources
from autogenesis_tool_registry.load_resource import load_resource
from autogenesis_tool_registry.propose_edit import propose_edit
from autogenesis_tool_registry.registry import fenced, one_line
from autogenesis_tool_registry.use_resource import use_resource

ALL = "+tool=[find_resources,load_resource,use_resource,propose_edit]"
LETTERS = {"text": "Banana", "letter": "a"}


@frozen
class Caller(Agent):
    """Makes the tool calls that its task is, and answers what they gave."""

    uses_model = False
    rules: str = variable(default="Answer.")
    places: int = variable(default=2)

    async def run(self, task, context):
        results = [
            await context.tools.call(ToolCall("1", name, json.dumps(arguments))) for name, arguments in json.loads(task)
        ]
        return Answer("", [{"text": r.text, "data": r.data, "is_error": r.is_error} for r in results])


class Twice(Benchmark):
    """Two tasks a split, each a proposal; the score is whether it was taken."""

    def examples(self, sizes, seed):
        call = ["propose_edit", {"variable": "agent/caller#rules", "value": "Shout.", "reason": "why not"}]
        return {
            split: [Question(f"{split}-{i}", json.dumps([call] * (2 * place + i + 1))) for i in range(2)]
            for place, split in enumerate(sizes)
        }

    def score(self, example, outcome):
        return Score(float(not any(result["is_error"] for result in outcome.data)))


@pytest.fixture
def folder(tmp_path):
    """A project with a prompt and a skill of its own."""
    files = {
        "conf/prompt/commit.yaml": "# @package prompt.commit\n# How to write a commit message\nfile: commit.md\n",
        "commit.md": "---\nname: commit\ndescription: How to write a commit message\nsections:\n"
        "  format: {trainable: false}\n---\n## Style\nUse the imperative for {{ change }}.\n\n## Format\n```\nsubject\n```\n",
        "pdf-forms/SKILL.md": "---\nname: pdf-forms\ndescription: Fills in forms of PDF documents\n---\nRead `fields.md` first.\n",
        "pdf-forms/fields.md": "Names of fields.\n",
    }
    for path, text in files.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text)
    return tmp_path


def compose(folder, *more, agent=None, **objects):
    return Runtime.compose(ALL, *more, folder=folder, agent=agent or Caller(), **objects)


async def call(ag, name, **arguments):
    """What the agent of a running system is answered to one tool call."""
    return (await ag.act(json.dumps([[name, arguments]]))).data[0]


def calls(folder, *made, more=(), observer=None):
    """What the agent is answered to calls; the skill and the prompt are in the store, and not composed."""

    async def main():
        async with Runtime.compose("+prompt=[commit]", folder=folder, agent=Caller()) as ag:
            record, artifacts = read_skill(folder / "pdf-forms")
            ag.tool.register(record, artifacts=artifacts)
        async with compose(folder, *more) as ag:
            if observer:
                ag.observe(observer)
            return [await call(ag, name, **arguments) for name, arguments in made]

    return asyncio.run(main())


def one(folder, name, /, **arguments):
    return calls(folder, (name, arguments))[0]


# Finding


def test_what_was_not_composed_is_found_by_what_it_is_for(folder):
    found = one(folder, "find_resources", query="fill in a pdf form")
    assert found["data"][0] | {"score": 0} == {
        "id": "tool/pdf_forms", "description": "Fills in forms of PDF documents", "score": 0,
    }  # fmt: skip
    assert found["data"][0]["score"] > 0
    first = found["text"].splitlines()[0]
    assert first == f"tool/pdf_forms (score {found['data'][0]['score']:.2f}): Fills in forms of PDF documents"


def test_results_are_of_one_kind_and_as_many_as_wanted(folder):
    query = "the message of a commit, the form of a pdf, a caller"
    every, prompts, first = calls(
        folder,
        ("find_resources", {"query": query}),
        ("find_resources", {"query": query, "kind": "prompt"}),
        ("find_resources", {"query": query, "k": 1}),
    )
    assert {found["id"] for found in every["data"]} >= {"tool/pdf_forms", "prompt/commit"}
    assert [found["id"] for found in prompts["data"]] == ["prompt/commit"]
    assert first["data"] == every["data"][:1]


def test_the_tools_of_the_registry_are_not_among_the_results(folder):
    found = one(folder, "find_resources", query="find load use propose edit a resource of the registry", k=20)
    assert [result["id"] for result in found["data"] if "resource" in result["id"] or "edit" in result["id"]] == []


def test_that_nothing_fits_is_said(folder):
    found = one(folder, "find_resources", query="zzyzx")
    assert (found["text"], found["data"]) == ("nothing in the registry fits; other words may find more", [])


@pytest.mark.parametrize("arguments", [{"k": 0}, {"k": 21}, {"k": -1}, {"kind": "tools"}, {"k": "4"}])
def test_bad_arguments_of_a_search_are_answered(folder, arguments):
    found = one(folder, "find_resources", query="pdf", **arguments)
    assert found["is_error"]
    assert next(iter(arguments)) in found["text"]


# Loading


def test_a_prompt_is_loaded_with_its_texts_and_what_may_be_changed(folder):
    loaded = one(folder, "load_resource", id="prompt/commit")
    assert loaded["data"]["values"] == {
        "prompt/commit#style": "Use the imperative for {{ change }}.", "prompt/commit#format": "```\nsubject\n```",
    }  # fmt: skip
    assert loaded["data"]["trainable"] == ["prompt/commit#style"]
    assert loaded["data"]["contract"] in loaded["text"] + "\n"
    assert "Inputs: change" in loaded["text"]
    assert (
        "prompt/commit#style, which may be changed:\n```\nUse the imperative for {{ change }}.\n```" in loaded["text"]
    )
    assert "prompt/commit#format, fixed:\n````\n```\nsubject\n```\n````" in loaded["text"]


def test_a_skill_is_loaded_with_its_body_and_its_files_are_named(folder):
    loaded = one(folder, "load_resource", id="tool/pdf_forms")
    assert "tool/pdf_forms#body, which may be changed:\n```\nRead `fields.md` first.\n" in loaded["text"]
    assert "fields.md (17 bytes)" in loaded["text"]
    assert loaded["data"]["trainable"] == ["tool/pdf_forms#body"]


def test_other_resources_are_loaded_with_the_values_that_may_be_changed(folder):
    loaded = one(folder, "load_resource", id="agent/caller")
    assert loaded["data"]["values"] == {"agent/caller#rules": "Answer.", "agent/caller#places": 2}
    assert "agent/caller#places, which may be changed:\n```\n2\n```" in loaded["text"]


@pytest.mark.parametrize("name", ["load_resource", "use_resource"])
def test_a_wrong_id_is_answered_with_the_nearest(folder, name):
    arguments = {"input": {}} if name == "use_resource" else {}
    wrong, bare = calls(folder, (name, {"id": "tool/pdf_form", **arguments}), (name, {"id": "", **arguments}))
    assert (wrong["is_error"], bare["is_error"]) == (True, True)
    assert "did you mean tool/pdf_forms?" in wrong["text"]


@given(st.text(alphabet=st.sampled_from("`a\n~ "), max_size=30))
def test_a_text_cannot_end_the_fence_around_it(text):
    first, *lines, last = fenced(text).split("\n")
    assert "\n".join(lines) == text
    assert first == last
    assert all(first not in line for line in lines)


def test_long_texts_are_cut_visibly():
    assert fenced("a" * 50_007).endswith("a… (7 characters more)\n```")
    assert one_line("a" * 301) == "a" * 300 + "…"


@given(st.text())
def test_a_description_is_one_line_without_hidden_characters(text):
    line = one_line(text)
    assert all(letter.isprintable() for letter in line)
    assert len(line) <= 301


# Using


def test_a_skill_and_its_files_are_read_and_a_prompt_is_rendered(folder):
    body, file, prompt = calls(
        folder,
        ("use_resource", {"id": "tool/pdf_forms", "input": {}}),
        ("use_resource", {"id": "tool/pdf_forms", "input": {"file": "fields.md"}}),
        ("use_resource", {"id": "prompt/commit", "input": {"change": "a fix"}}),
    )
    assert body["text"].startswith("Read `fields.md` first.")
    assert file["text"] == "Names of fields.\n"
    assert prompt["data"][0]["role"] == "system"
    assert "Use the imperative for a fix." in prompt["data"][0]["content"]
    assert json.loads(prompt["text"]) == prompt["data"]


def test_what_is_wrong_with_a_use_is_an_answer(folder):
    answers = calls(
        folder,
        ("use_resource", {"id": "tool/pdf_forms", "input": {"files": "fields.md"}}),
        ("use_resource", {"id": "tool/pdf_forms", "input": {"file": "field.md"}}),
        ("use_resource", {"id": "tool/pdf_forms", "input": "fields.md"}),
        ("use_resource", {"id": "prompt/commit", "input": {}}),
        ("use_resource", {"id": "prompt/commit", "input": {"self": 1, "": 2}}),
        ("use_resource", {"id": "agent/caller", "input": {"task": "[]"}}),
    )
    assert [answer["is_error"] for answer in answers] == [True] * 6
    said = ["did you mean", "did you mean fields.md?", "input", "change", "", "cannot be run from here"]
    assert [text for text, answer in zip(said, answers, strict=True) if text not in answer["text"]] == []


@pytest.mark.parametrize("name", ["find_resources", "load_resource", "use_resource", "propose_edit"])
def test_the_registry_is_not_used_through_itself(folder, name):
    inner = {"id": "tool/pdf_forms", "input": {}}
    answer = one(folder, "use_resource", id=f"tool/{name}", input=inner)
    assert answer["is_error"]
    assert answer["text"].startswith(f"tool/{name} is a tool of the registry itself")


def test_a_copy_of_use_resource_is_not_used_through_it_either(folder):
    async def main():
        async with compose(folder) as ag:
            ag.tool.copy("use_resource", "again")
            return await call(ag, "use_resource", id="tool/again", input={"id": "tool/again", "input": {}})

    assert "is a tool of the registry itself" in asyncio.run(main())["text"]


def test_a_use_asks_for_permission_for_itself_and_for_what_it_uses(folder):
    asked = []

    class Guard:
        @hookimpl
        async def rspl_authorize(self, use):
            asked.append((use.tool, use.annotations["destructive"]))
            return "deny" if use.tool == "pdf_forms" else "allow"

    answer = calls(folder, ("use_resource", {"id": "tool/pdf_forms", "input": {}}), observer=Guard())[0]
    assert asked == [("use_resource", True), ("pdf_forms", False)]
    assert (answer["is_error"], answer["text"]) == (True, "pdf_forms is not allowed here (deny)")


def test_a_use_is_traced_with_what_was_used_and_its_digest(folder):
    async def main():
        async with compose(folder, "+prompt=[commit]") as ag:
            await call(ag, "use_resource", id="prompt/commit", input={"change": "a fix"})
            digest, path = ag.prompt.get_info("commit").digest, ag.folder / "traces.jsonl"
        return digest, [json.loads(line) for line in path.read_text().splitlines()]

    digest, lines = asyncio.run(main())
    assert [(line["resource"], line["digest"]) for line in lines if line["type"] == "use"] == [
        ("prompt/commit", digest)
    ]


def test_what_the_store_has_and_nothing_here_implements_is_an_answer_and_no_end_of_the_run(folder, monkeypatch):
    """The plugin of a resource may have gone since it was brought into the store."""
    pytest.importorskip("autogenesis_tool_text")

    async def main():
        async with Runtime.compose("+tool=[count_letters]", folder=folder, agent=Caller()):
            pass
        async with compose(folder) as ag:
            ag.manager.find_class = None
            return await call(ag, "use_resource", id="tool/count_letters", input=LETTERS)

    answer = asyncio.run(main())
    assert answer["is_error"]
    assert answer["text"].startswith("tool/count_letters cannot be used here: ")


# Proposing


def propose(**changes):
    return ("propose_edit", {"variable": "agent/caller#rules", "value": "Be brief.", "reason": "too long", **changes})


def opened(folder):
    with Registry.open(folder=folder) as registry:
        return registry.proposals()


def test_a_proposal_is_kept_and_changes_nothing(folder):
    answer, loaded = calls(folder, propose(reason=" too long\n"), ("load_resource", {"id": "agent/caller"}))
    [proposal] = opened(folder)
    assert (proposal.variable, proposal.value, proposal.reason, proposal.state) == (
        "agent/caller#rules", "Be brief.", "too long", "open",
    )  # fmt: skip
    assert answer["data"] == {"id": proposal.id, "variable": "agent/caller#rules"}
    assert f"proposal {proposal.id} for agent/caller#rules is kept; nothing has changed" in answer["text"]
    assert "+optimizer=proposals" in answer["text"]
    assert loaded["data"]["values"]["agent/caller#rules"] == "Answer."
    with Registry.open(folder=folder) as registry:
        assert {entry.event for entry in registry.log()} == {"install"}


def test_the_same_proposal_twice_is_one(folder):
    first, second = calls(folder, propose(), propose(reason="still too long"))
    assert first["data"] == second["data"]
    assert len(opened(folder)) == 1


def test_proposals_are_of_any_type_that_a_variable_has(folder):
    calls(
        folder, propose(variable="agent/caller#places", value=3), propose(variable="tool/pdf_forms#body", value="Read.")
    )
    assert [(proposal.variable, proposal.value) for proposal in opened(folder)] == [
        ("agent/caller#places", 3), ("tool/pdf_forms#body", "Read."),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"variable": "agent/caller#rule"}, "did you mean agent/caller#rules?"),
        ({"variable": "agent/calls#rules"}, "did you mean agent/caller?"),
        ({"variable": "agent/caller"}, "agent/caller"),
        ({"variable": "caller"}, "names no resource"),
        ({"variable": "agent/caller@1.0.0#rules"}, "as it stands"),
        ({"variable": "prompt/commit#format"}, "no trainable variable"),
        ({"variable": "prompt/commit#style", "value": "## More\nMuch."}, "heading"),
        ({"variable": "prompt/commit#style", "value": 3}, "text"),
        ({"value": "Answer."}, "that is the value of agent/caller#rules already"),
        ({"reason": " \n"}, "needs a reason"),
    ],
)
def test_a_proposal_that_cannot_be_is_refused_with_the_reason(folder, changes, said):
    answer = one(folder, *[propose(**changes)[0]], **propose(**changes)[1])
    assert answer["is_error"]
    assert said in answer["text"]
    assert opened(folder) == []


def test_what_is_pinned_is_not_for_proposals(folder):
    async def main():
        async with compose(folder, "+prompt=[commit]"):
            pass
        async with compose(folder, "+prompt=[commit]", "pins=[prompt/commit@1.0.0]") as ag:
            return await call(ag, "propose_edit", variable="prompt/commit#style", value="Be brief.", reason="long")

    assert "no trainable variable" in asyncio.run(main())["text"]


def test_while_the_system_is_measured_no_proposal_is_taken(folder):
    async def main():
        async with compose(folder, benchmark=Twice()) as ag:
            return await ag.measure()

    scores = asyncio.run(main())["scores"]
    assert [scores[split]["mean"] for split in ("train", "val", "test")] == [0.0] * 3
    assert opened(folder) == []


# What a model and a program see


@pytest.mark.parametrize(
    ("kind", "hints"),
    [
        (find_resources, (True, False, True, False)),
        (load_resource, (True, False, True, False)),
        (use_resource, (False, True, False, True)),
        (propose_edit, (False, False, True, False)),
    ],
)
def test_hints_say_what_each_does_to_the_world(kind, hints):
    told = kind.annotations
    assert (told.read_only, told.destructive, told.idempotent, told.open_world) == hints


@pytest.mark.parametrize("kind", [find_resources, load_resource, use_resource, propose_edit])
def test_no_model_sees_the_context_and_every_array_says_of_what(kind):
    schema = kind.describe()[1]
    assert "context" not in schema["properties"]
    arrays = [part for one in schema["properties"].values() for part in (one, *one.get("anyOf", ()))]
    assert [part for part in arrays if part.get("type") == "array" and "items" not in part] == []


def test_without_a_running_system_they_say_so():
    with pytest.raises(InputError, match="needs a running system"):
        asyncio.run(find_resources().call({"query": "pdf"}, ToolContext()))


# The whole way, with a model


def turn(name, **arguments):
    return ModelAnswer("", tool_calls=(ToolCall(f"call-{name}", name, json.dumps(arguments)),))


def test_a_model_finds_loads_and_uses_a_tool_that_it_was_not_given_and_proposes_an_edit_of_its_prompt(folder):
    pytest.importorskip("autogenesis_agent_tool_calling")
    pytest.importorskip("autogenesis_tool_text")
    edit = {
        "variable": "prompt/tool_calling#rules",
        "value": "Look for a tool first.",
        "reason": "counting by eye fails",
    }
    model = ScriptedModel(
        [
            turn("find_resources", query="how often does a letter occur in a word", k=2, kind="tool"),
            turn("load_resource", id="tool/count_letters"),
            turn("use_resource", id="tool/count_letters", input=LETTERS),
            turn("propose_edit", **edit),
            "3",
        ]
    )

    async def main():
        async with Runtime.compose("+tool=[count_letters]", folder=folder, agent=Caller()):
            pass
        async with Runtime.compose("+agent=tool_calling", ALL, "branch=main", folder=folder, model=model) as ag:
            before = ag.prompt.get_info("tool_calling").digest
            answer = await ag.act("How many a has Banana?")
            return answer.text, ag.tool.list(), ag.prompt.get_info("tool_calling").digest == before

    text, tools, unchanged = asyncio.run(main())
    told = [message["content"] for message in model.requests[-1].messages if message["role"] == "tool"]
    assert (text, unchanged) == ("3", True)
    assert "count_letters" not in tools
    assert told[0].startswith("tool/count_letters (score ")
    assert "letter (string, required)" in told[1]
    assert told[2] == "3"
    [proposal] = opened(folder)
    assert {"variable": proposal.variable, "value": proposal.value, "reason": proposal.reason} == edit
    assert proposal.id in told[3]
