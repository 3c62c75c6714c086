"""Skills: SKILL.md folders as records with artifacts, what is refused, and what a call shows."""

import asyncio
import hashlib
import os
import random
import socket
import string
import time
from contextlib import nullcontext
from inspect import Parameter

import pytest
import yaml
from attrs import asdict, evolve
from hypothesis import given, settings
from hypothesis import strategies as st

from autogenesis_core import InputError, Installed, InvalidRecord, Record, Toolbox, ToolCall
from autogenesis_core.errors import StoreError
from autogenesis_core.rspl.skill import FORMAT, Skill, check_skill, read_skill, skill_record, to_folder
from autogenesis_core.rspl.toolbox import ToolSet

SKILL_MD = """---
name: pdf-forms
description: Fills PDF forms. Use when a form is to be filled.
license: Apache-2.0
compatibility: Needs Python 3.11
metadata:
  author: acme
  version: 1.10
allowed-tools: Bash(git add:*) Read
---

# PDF forms

Read references/fields.md first.
"""
FILES = {
    "SKILL.md": SKILL_MD.encode(),
    "references/fields.md": "Fields: ä, ö\n".encode(),
    "scripts/fill.py": b"#!/usr/bin/env python\nprint(1)\n",
    "assets/logo.png": b"\x89PNG\0",
}
MINIMAL = b"---\nname: tiny\ndescription: Does little.\n---\n"
SHA = "0" * 64


def write(folder, files):
    for path, content in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(content)
    return folder


def made(files=FILES, folder=""):
    record, artifacts = skill_record(files, "d", folder)
    return record, artifacts


def front(text):
    """A minimal skill with other front matter."""
    return {"SKILL.md": f"---\n{text}\n---\nBody".encode()}


@pytest.fixture
def folder(tmp_path):
    return write(tmp_path / "pdf-forms", FILES)


@pytest.fixture
def tiny(tmp_path):
    return write(tmp_path / "tiny", {"SKILL.md": MINIMAL})


@pytest.fixture
def skill():
    record, artifacts = made()
    return Skill(record, artifacts.__getitem__)


# The record


def test_a_folder_is_a_tool_record_with_its_files_as_artifacts(folder):
    record, artifacts = read_skill(folder, "autogenesis-tool-pdf")
    assert (record.id, record.description) == ("tool/pdf_forms", "Fills PDF forms. Use when a form is to be filled.")
    assert Installed("autogenesis-tool-pdf", "tool/pdf_forms", "skill-folder/1") == record.implementation
    assert record.parameters["body"] == "\n# PDF forms\n\nRead references/fields.md first.\n"
    assert record.parameters["files"] == {
        path: {"sha256": hashlib.sha256(content).hexdigest(), "size": len(content), "executable": path[:3] == "scr"}
        for path, content in FILES.items()
        if path != "SKILL.md"
    }
    assert list(record.parameters["files"]) == ["assets/logo.png", "references/fields.md", "scripts/fill.py"]
    assert record.trainable == {"body": True, "files": False}
    assert artifacts == {hashlib.sha256(data).hexdigest(): data for path, data in FILES.items() if path != "SKILL.md"}


def test_the_exports_say_what_a_model_and_a_person_may_know(folder):
    exports = read_skill(folder)[0].exports
    hints = {"read_only": True, "destructive": False, "idempotent": True, "open_world": False}
    assert (exports["form"], exports["annotations"]) == ("skill", hints)
    assert exports["skill"] == {
        "name": "pdf-forms",
        "license": "Apache-2.0",
        "compatibility": "Needs Python 3.11",
        "metadata": {"author": "acme", "version": "1.10"},  # as it is written: no number
        "allowed_tools": ["Bash(git add:*)", "Read"],
    }


def test_the_exported_schema_is_the_signature_of_the_call():
    exports = made()[0].exports
    (parameter,) = Skill.signature().parameters.values()
    assert (parameter.name, parameter.annotation, parameter.default) == ("file", str, "")
    assert parameter.kind is Parameter.POSITIONAL_OR_KEYWORD
    assert list(exports["parameters"]["properties"]) == ["file"]
    assert exports["parameters"]["properties"]["file"]["default"] == ""
    assert asdict(Skill.annotations) == exports["annotations"]


def test_files_in_memory_are_the_same_skill_as_the_folder(folder):
    record, artifacts = skill_record(dict(reversed(FILES.items())), "d", "pdf-forms")
    assert (record, artifacts) == read_skill(folder, "d")
    assert list(record.parameters["files"]) == sorted(FILES.keys() - {"SKILL.md"})


def test_another_content_of_a_script_is_another_record(folder):
    before = read_skill(folder)[0].digest
    (folder / "scripts/fill.py").write_bytes(b"#!/usr/bin/env python\nprint(2)\n")
    assert read_skill(folder)[0].digest != before


def test_a_record_holds_no_path_of_this_machine(folder):
    assert str(folder) not in read_skill(folder)[0].body
    assert str(folder.parent) not in read_skill(folder)[0].body


def test_the_working_folder_is_a_skill_by_its_own_name(folder, monkeypatch):
    monkeypatch.chdir(folder)
    assert read_skill(type(folder)("."))[0].name == "pdf_forms"


def test_a_folder_reached_by_a_link_is_read_as_that_name(folder):
    os.symlink(folder, folder.parent / "other")
    with pytest.raises(InputError, match="its name is 'pdf-forms', and its folder is 'other'"):
        read_skill(folder.parent / "other")


def test_hidden_files_and_caches_are_left_out(folder):
    before = read_skill(folder)
    write(
        folder,
        {
            ".DS_Store": b"x", ".git/config": b"x", "scripts/__pycache__/fill.pyc": b"x", "references/.hidden": b"x",
            ".git/a:b": b"",
        },
    )  # fmt: skip
    os.symlink(folder, folder / ".self")
    assert read_skill(folder) == before


@pytest.mark.parametrize(
    ("name", "resource"), [("a", "a"), ("pdf--forms", "pdf__forms"), ("3d-models", "skill_3d_models"), ("7", "skill_7")]
)
def test_a_resource_name_is_the_skills_with_underscores(name, resource):
    record, _ = made(front(f"name: {name}\ndescription: x"))
    assert (record.name, record.exports["skill"]["name"]) == (resource, name)


@pytest.mark.parametrize(
    "text", [SKILL_MD.replace("\n", "\r\n"), "\ufeff" + SKILL_MD, SKILL_MD.replace("---\n", "---  \n")]
)
def test_windows_line_ends_a_byte_order_mark_and_spaces_after_the_dashes_are_read(text):
    record, plain = made({"SKILL.md": text.encode()})[0], made({"SKILL.md": SKILL_MD.encode()})[0]
    assert (record.description, record.exports) == (plain.description, plain.exports)
    assert record.parameters["body"].replace("\r\n", "\n") == plain.parameters["body"]


def test_a_body_is_kept_to_the_letter():
    for body in ("", "\n", "  x  \r\n\t", "---\na: b\n---\n", "\ufeff", "\0\x1b[31m", "a\rb\u2028c"):
        record, _ = made({"SKILL.md": MINIMAL + body.encode()})
        assert record.parameters["body"] == body
        assert skill_record(to_folder(record, {}.get), "d") == (record, {})


def test_a_description_in_a_block_has_no_line_end_of_its_own():
    record, _ = made(front("name: x\ndescription: >\n  Reads\n  files.\n"))
    assert record.description == "Reads files."


# There and back

PRINTED = st.text(st.characters(exclude_categories=["Cs", "Cc"]) | st.sampled_from("\n\t:#&*!'\"-{}[]"), max_size=60)
VALUES = PRINTED.map(str.strip)
NAMES = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,20}[a-z0-9])?", fullmatch=True)
FRONTS = st.fixed_dictionaries(
    {"name": NAMES, "description": VALUES.filter(bool)},
    optional={
        "license": VALUES,
        "compatibility": VALUES,
        "metadata": st.dictionaries(PRINTED, VALUES, max_size=4),
        "allowed-tools": VALUES | st.just("Read Bash(git add:*) Bash(jq:*)"),
    },
)
PATHS = st.lists(
    st.text(string.ascii_letters + string.digits + "_-äß ", min_size=1, max_size=8), min_size=1, max_size=3
)
TREES = st.dictionaries(PATHS.map("/".join), st.binary(max_size=30) | st.just(b"#!/bin/sh\n"), max_size=5)


@settings(max_examples=200, deadline=None)
@given(FRONTS, st.text(st.characters(exclude_categories=["Cs"])), TREES)
def test_a_skill_goes_to_its_files_and_back(meta, body, tree):
    head = yaml.safe_dump(meta, allow_unicode=True)
    try:
        record, artifacts = made({"SKILL.md": f"---\n{head}---\n{body}".encode(), **tree})
    except InvalidRecord as error:
        # Names that clash or end in a space are drawn too; nothing else of what is drawn may be refused.
        assert "one name on some systems" in error.reason or "not every system allows" in error.reason
        return
    files = to_folder(record, artifacts.__getitem__)
    again, same = made(files, meta["name"])
    assert (again.digest, same) == (record.digest, artifacts)
    assert files.keys() - {"SKILL.md"} == tree.keys()
    assert (record.description, record.parameters["body"]) == (meta["description"], body)
    assert record.exports["skill"].get("metadata") == meta.get("metadata")
    check_skill(Record.from_body(record.body))


@settings(max_examples=20, deadline=None)
@given(FRONTS, st.text(st.characters(exclude_categories=["Cs"]), max_size=50))
def test_a_skill_goes_to_a_real_folder_and_back(tmp_path_factory, meta, body):
    record, artifacts = made({**FILES, "SKILL.md": f"---\n{yaml.safe_dump(meta)}---\n{body}".encode()})
    folder = write(tmp_path_factory.mktemp("skills") / meta["name"], to_folder(record, artifacts.__getitem__))
    assert read_skill(folder, "d") == (record, artifacts)


def test_an_evolved_body_is_a_skill_still(folder):
    record, artifacts = read_skill(folder)
    evolved = record.with_values({"body": "Do it.\n---\nname: other\n"})
    check_skill(evolved)
    write(folder, to_folder(evolved, artifacts.__getitem__))
    assert read_skill(folder)[0] == evolved


def test_an_artifact_that_is_not_what_the_record_says_is_a_store_error():
    record, artifacts = made()
    with pytest.raises(StoreError, match=r"tool/pdf_forms: the stored content of .* is not what the record says"):
        to_folder(record, lambda sha256: artifacts[sha256] + b"x")


# What SKILL.md may not be


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("description: x", "`name` is missing"),
        ("name: x", "`description` is missing"),
        ("name: x\ndescription: ' '", "`description` is missing"),
        ("name: x\ndescription:", "`description` is missing"),
        ("name: Pdf\ndescription: x", "'Pdf' is no name for a skill"),
        ("name: a_b\ndescription: x", "'a_b' is no name for a skill"),
        ("name: -a\ndescription: x", "'-a' is no name for a skill"),
        ("name: a-\ndescription: x", "'a-' is no name for a skill"),
        ("name: ../a\ndescription: x", "'../a' is no name for a skill"),
        ("name: é\ndescription: x", "'é' is no name for a skill"),
        (f"name: {'a' * 65}\ndescription: x", "is no name for a skill"),
        (f"name: x\ndescription: {'x' * 1025}", "`description` has 1,025 characters; at most 1,024 are allowed"),
        (f"name: x\ndescription: x\ncompatibility: {'x' * 501}", "`compatibility` has 501 characters; at most 500"),
        ("name: x\ndescription: x\nlicence: MIT", "an unknown key 'licence'; did you mean license?"),
        ("name: x\ndescription: x\nallowed_tools: Read", "'allowed_tools'; did you mean allowed-tools?"),
        ("name: x\ndescription: x\nmetadata: {}\nallowed-tools: [Read]", "`allowed-tools` is one text, with spaces between"),
        ("name: x\ndescription: {a: b}", "`description` is one text"),
        ("name: x\ndescription: x\nmetadata: 3", "`metadata` maps texts to texts"),
        ("name: x\ndescription: x\nmetadata: {a: [b]}", "has an anchor, an alias, a tag or too many levels"),
        ("name: x\ndescription: x\nmetadata: [a]", "`metadata` maps texts to texts"),
        ("name: x\nname: y\ndescription: x", "the front matter has 'name' twice"),
        ("name: x\ndescription: x\n? [a]\n: b", "the front matter has a key that is no text"),
        ("name: x\ndescription: Use when: always", "is no YAML: mapping values are not allowed here (line 3)"),
        ("name: x\ndescription: &a x", "has an anchor, an alias, a tag or too many levels (line 3)"),
        ("name: x\ndescription: *a", "has an anchor, an alias, a tag or too many levels (line 3)"),
        ("name: x\ndescription: !!python/object/apply:os.system [id]", "has an anchor, an alias, a tag"),
        ('name: x\ndescription: "\\e[31m"', "the front matter has a control character"),
        ('name: x\ndescription: "\\ud800"', "the front matter has a control character"),
        ('name: x\ndescription: "\\U00110000"', "the front matter is no YAML"),
        ("name: x\ndescription: \0", "the front matter is no YAML: unacceptable character"),
        ("name: x\ndescription: x\n--- \nmore", None),
        ("- name", "the front matter is no mapping of keys to values"),
        ("", "the front matter is no mapping of keys to values"),
        ("name: x\ndescription: x\n...\n{", "the front matter is no YAML"),
        ("# " + "x" * 64_000, "the front matter has 64,003 characters; at most 64,000 are allowed"),
        (f"name: x\ndescription: x\nlicense: {'x' * 10_000}", "the front matter holds more than 10,000 characters"),
    ],
)  # fmt: skip
def test_front_matter_that_is_wrong_says_what_is(text, reason):
    if reason is None:  # a line --- ends it, and what follows is text
        assert made(front(text))[0].parameters["body"] == "more\n---\nBody"
        return
    with pytest.raises(InvalidRecord) as error:
        made(front(text))
    assert reason in error.value.reason


def test_limits_are_met_exactly():
    text = f"name: {'a' * 64}\ndescription: {'é' * 1024}\ncompatibility: {'x' * 500}"
    record, _ = made({"SKILL.md": f"---\n{text}\n---\n{'ü' * 200_000}".encode()})
    assert len(record.description) == 1024
    with pytest.raises(InvalidRecord, match="the text has 200,001 characters; at most 200,000 are allowed"):
        made({"SKILL.md": MINIMAL + b"x" * 200_001})


def test_text_at_the_limit_that_is_longer_once_escaped_is_a_skill_still():
    record, _ = made(front('name: x\ndescription: x\nlicense: "' + "\\uFFFE" * 9_000 + '"'))
    assert skill_record(to_folder(record, {}.get), "d") == (record, {})


@pytest.mark.parametrize("bomb", ["[" * 60_000, "{a: " * 15_000, "- " * 30_000, "? " * 30_000, "a: &a [x]\n" * 6_000])
def test_a_bomb_in_the_front_matter_is_refused_at_once(bomb):
    began = time.perf_counter()
    with pytest.raises(InvalidRecord):
        made(front(bomb))
    assert time.perf_counter() - began < 2


def test_a_billion_laughs_are_refused_at_once():
    levels = "\n".join(f"{chr(98 + n)}: &{chr(98 + n)} [{', '.join([f'*{chr(97 + n)}'] * 9)}]" for n in range(9))
    with pytest.raises(InvalidRecord, match="an anchor, an alias"):
        made(front(f"a: &a [lol]\n{levels}\nname: x\ndescription: x"))


@pytest.mark.parametrize(
    "content", [b"", b"# Title", b"name: x\n---\n", b"---\nname: x", b" ---\nname: x\n---\n", b"\xff\xfe-\0"]
)
def test_text_without_front_matter_is_no_skill(content):
    with pytest.raises(InvalidRecord, match=r"no front matter|no UTF-8"):
        made({"SKILL.md": content})


def test_each_malformed_skill_md_is_a_record_or_an_input_error():
    """3,000 damaged copies of a good file, the same ones each time."""
    dice = random.Random(7)
    pieces = [
        b"---\n", b"\n", b"\r", b"\r\n", b": ", b"&a ", b"*a", b"!!python/name:os.system ", b"!!int ", b"{", b"}", b"[", b"]",
        b"- ", b"? ", b"|\n", b">-\n", b"'", b'"', b"\\x", b'"\\U00110000"', b'"\\ud800"', b"\t", b"\0", b"\xff", b"\xc3",
        "\ufeff".encode(), "\u2028".encode(), "\x85".encode(), "\U0001d4b3".encode(), b"%YAML 9.9\n", b"...\n", b"<<: ", b"2024-99-99",
        b"0x", b"1e999", b"=", b"null", b"metadata:\n", b"name: ", b"description: ", b"#", b"../", b"\x1b[2J", b"x" * 2000,
    ]  # fmt: skip
    outcomes = {"record": 0, "error": 0}
    for _ in range(3_000):
        text = bytearray(SKILL_MD.encode())
        for _ in range(dice.choice((1, 1, 2, 5))):
            where, length = dice.randrange(len(text) + 1), dice.choice((0, 1, 3, 40))
            end = 230 if dice.random() < 0.8 else len(text)
            where = min(where, end)
            text[where : where + length] = dice.choice((b"", dice.choice(pieces), bytes([dice.randrange(256)])))
        try:
            record, _ = skill_record({"SKILL.md": bytes(text)})
        except InputError as error:
            assert error.reason
            outcomes["error"] += 1
        else:
            assert Record.from_body(record.body).digest == record.digest
            outcomes["record"] += 1
    assert min(outcomes.values()) > 300  # neither a door that is shut nor one that is open


# What a folder may not be


def test_a_name_that_is_not_the_folders_says_both(tiny):
    with pytest.raises(InvalidRecord, match="SKILL.md says that its name is 'tiny', and its folder is 'small'"):
        read_skill(tiny.rename(tiny.parent / "small"))


@pytest.mark.parametrize("name", ["skill.md", "Skill.md", "SKILL.MD"])
def test_another_case_of_skill_md_says_what_to_rename(tmp_path, name):
    folder = write(tmp_path / "tiny", {name: MINIMAL})
    with pytest.raises(InvalidRecord) as error:
        read_skill(folder)
    assert (error.value.reason, error.value.hint) == (
        f"skill 'tiny': '{name}' is in the place of SKILL.md",
        "rename it to SKILL.md",
    )


def test_a_folder_without_skill_md_and_one_that_is_none_are_input_errors(tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(InvalidRecord, match="skill 'empty': it has no SKILL.md"):
        read_skill(tmp_path / "empty")
    with pytest.raises(InputError, match="no skill folder"):
        read_skill(tmp_path / "none")
    with pytest.raises(InputError, match="no skill folder"):
        read_skill(tmp_path / "a\0b")
    (tmp_path / "SKILL.md").write_bytes(MINIMAL)
    with pytest.raises(InputError, match="name the folder that holds it"):
        read_skill(tmp_path / "SKILL.md")


@pytest.mark.parametrize("target", ["SKILL.md", "..", "/dev/zero", "nowhere"])
def test_a_link_within_a_folder_is_refused_with_its_path(tiny, target):
    (tiny / "references").mkdir()
    os.symlink(target, tiny / "references" / "more")
    with pytest.raises(InvalidRecord, match="skill 'tiny': 'references/more' is a link"):
        read_skill(tiny)


def test_a_skill_md_that_is_a_link_is_refused(tiny):
    (tiny / "SKILL.md").rename(tiny.parent / "elsewhere")
    os.symlink(tiny.parent / "elsewhere", tiny / "SKILL.md")
    with pytest.raises(InvalidRecord, match=r"'SKILL\.md' is a link"):
        read_skill(tiny)


def test_a_pipe_or_a_socket_is_refused_without_waiting(tiny, monkeypatch):
    os.mkfifo(tiny / "pipe")
    with pytest.raises(InvalidRecord, match="'pipe' is no regular file"):
        read_skill(tiny)
    (tiny / "pipe").unlink()
    monkeypatch.chdir(tiny)  # the address of a socket is short
    with socket.socket(socket.AF_UNIX) as door:
        door.bind("door")
        with pytest.raises(InvalidRecord, match="'door' is no regular file"):
            read_skill(tiny)


def test_a_skill_md_that_is_a_pipe_is_refused_without_waiting(tmp_path):
    (tmp_path / "tiny").mkdir()
    os.mkfifo(tmp_path / "tiny" / "SKILL.md")
    with pytest.raises(InvalidRecord, match=r"'SKILL\.md' is no regular file"):
        read_skill(tmp_path / "tiny")


@pytest.mark.parametrize("swap", [os.mkfifo, lambda path: os.symlink("/dev/zero", path)])
def test_a_file_that_becomes_a_pipe_or_a_link_while_it_is_read_is_neither_awaited_nor_followed(tiny, monkeypatch, swap):
    scan = os.scandir

    def swapped(folder):
        with scan(folder) as entries:
            found = list(entries)
        (tiny / "SKILL.md").unlink()
        swap(tiny / "SKILL.md")
        return nullcontext(found)

    monkeypatch.setattr(os, "scandir", swapped)
    with pytest.raises(InputError, match=r"skill 'tiny'(: SKILL\.md has no front matter| cannot be read)"):
        read_skill(tiny)


def test_names_that_are_no_text_are_refused(tiny):
    with open(os.fsencode(tiny) + b"/\xff", "wb"):
        pass
    with pytest.raises(InvalidRecord, match="has a control or invisible character"):
        read_skill(tiny)


def test_a_folder_of_too_many_or_too_large_files_is_refused(tiny):
    write(tiny, {f"references/{number}": b"" for number in range(500)})
    assert len(read_skill(tiny)[0].parameters["files"]) == 500
    (tiny / "one-more").touch()
    with pytest.raises(InvalidRecord, match="more than 500 files beside SKILL.md"):
        read_skill(tiny)


def test_a_file_and_all_files_together_have_a_limit(tiny):
    with open(tiny / "large", "wb") as file:
        file.truncate(5_000_001)
    with pytest.raises(InvalidRecord, match="'large' has more than 5,000,000 bytes"):
        read_skill(tiny)
    for number in range(11):
        with open(tiny / str(number), "wb") as file:
            file.truncate(5_000_000)
    with pytest.raises(InvalidRecord, match="more than 50,000,000 bytes together"):
        read_skill(tiny)


BAD_PATHS = [
    "../x", "a/../x", "..", "/etc/passwd", "a//b", "a/", "./x", "a/./b", "", "a\\b", "..\\x", "..x/../y", "C:x", "a\0b", "a\nb",
    "\x1b[2J", "a\u202eb", "a\u200bb", "a\u2028b", "\ud800", "x" * 201, "é" * 128, "con", "a/NUL.txt", "Com1", "lpt9 .x",
    "a.", "a ", "a /b", "a?", "a*", 'a"', "a|b", "<a>", "skill.md", "SKILL.MD", "SKILL.md/x",
]  # fmt: skip


@pytest.mark.parametrize("path", BAD_PATHS)
def test_a_path_that_leaves_the_folder_or_does_not_exist_everywhere_is_refused(path):
    with pytest.raises(InvalidRecord):
        made({"SKILL.md": MINIMAL, path: b""})
    with pytest.raises(InvalidRecord):
        check_skill(with_files({path: {"sha256": SHA, "size": 0, "executable": False}}))


CLASHES = [("a", "A"), ("x/a", "X/b"), ("a", "a/b"), ("straße", "STRASSE"), ("\u00e9", "e\u0301"), ("K", "\u212a")]


@pytest.mark.parametrize(("one", "other"), CLASHES)
def test_paths_that_are_one_on_some_systems_are_refused(one, other):
    with pytest.raises(InvalidRecord, match="are one name on some systems"):
        made({"SKILL.md": MINIMAL, one: b"", other: b""})
    facts = {"sha256": SHA, "size": 0, "executable": False}
    with pytest.raises(InvalidRecord, match="are one name on some systems"):
        check_skill(with_files({one: facts, other: facts}))


# Records that claim to be skills


def with_files(files):
    record, _ = made()
    return evolve(record, parameters={**record.parameters, "files": files})


def with_exports(**values):
    record, _ = made()
    return evolve(record, exports={**record.exports, **values})


def with_skill(**values):
    return with_exports(skill={**made()[0].exports["skill"], **values})


@pytest.mark.parametrize(
    "record",
    [
        with_files([]),
        with_files({"a": []}),
        with_files({"a": None}),
        with_files({"a": {"sha256": "0" * 63, "size": 0, "executable": False}}),
        with_files({"a": {"sha256": "A" * 64, "size": 0, "executable": False}}),
        with_files({"a": {"sha256": SHA + "\n", "size": 0, "executable": False}}),
        with_files({"a": {"sha256": SHA, "size": "0", "executable": False}}),
        with_files({"a": {"sha256": SHA, "size": True, "executable": False}}),
        with_files({"a": {"sha256": SHA, "size": -1, "executable": False}}),
        with_files({"a": {"sha256": SHA, "size": 1.0, "executable": False}}),
        with_files({"a": {"sha256": SHA, "size": 5_000_001, "executable": False}}),
        with_files({"a": {"sha256": SHA, "size": 0, "executable": 0}}),
        with_files({"a": {"sha256": SHA, "size": 0}}),
        with_files({"a": {"sha256": SHA, "size": 0, "executable": False, "path": "/x"}}),
        with_files({"SKILL.md": {"sha256": SHA, "size": 0, "executable": False}}),
        with_files({".env": {"sha256": SHA, "size": 0, "executable": False}}),
        with_files({str(n): {"sha256": SHA, "size": 0, "executable": False} for n in range(501)}),
        with_files({str(n): {"sha256": SHA, "size": 5_000_000, "executable": False} for n in range(11)}),
        with_exports(skill=None),
        with_exports(annotations={"read_only": False}),
        with_exports(parameters={"type": "object"}),
        with_exports(extra=1),
        with_skill(name="../x"),
        with_skill(name="other"),
        with_skill(name=3),
        with_skill(license=["MIT"]),
        with_skill(metadata={"a": 1}),
        with_skill(metadata={"a": {"b": ["c"] * 3}}),
        with_skill(metadata={"a": "x" * 3_000_000}),
        with_skill(allowed_tools="Read"),
        with_skill(allowed_tools=["Read Write"]),
        with_skill(allowed_tools=[1]),
        with_skill(path="/x"),
        with_skill(description="another"),
        evolve(made()[0], description=""),
        evolve(made()[0], description="x" * 1025),
        evolve(made()[0], description="\x1b[2J"),
        evolve(made()[0], name="other"),
        evolve(made()[0], kind="agent"),
        evolve(made()[0], implementation=Installed("d", "tool/pdf_forms", "skill-folder/0")),
        evolve(made()[0], implementation=Installed("d", "tool/other", FORMAT)),
        evolve(made()[0], trainable={"body": True, "files": True}),
        evolve(made()[0], trainable={"body": True, "files": 0}),
        evolve(made()[0], parameters={"body": "x"}),
        evolve(made()[0], parameters={**made()[0].parameters, "more": 1}),
        evolve(made()[0], parameters={**made()[0].parameters, "body": 3}),
        evolve(made()[0], parameters={**made()[0].parameters, "body": "\ud800"}),
        evolve(made()[0], parameters={**made()[0].parameters, "body": "x" * 200_001}),
    ],
)
def test_a_record_that_claims_to_be_a_skill_and_is_none_is_refused(record):
    """…by the check, by a build, and by an export."""
    with pytest.raises(InvalidRecord, match="^[a-z]+/[a-z_]+: "):
        check_skill(record)
    with pytest.raises(InvalidRecord):
        Skill(record, {}.get)
    with pytest.raises(InvalidRecord):
        to_folder(record, {}.get)


def test_a_record_of_another_form_passes_the_check_and_builds_no_skill():
    record = Record("tool", "x", "", Installed("d", "tool/x", "hash"))
    check_skill(record)
    with pytest.raises(InvalidRecord, match="tool/x: it is no skill"):
        Skill(record, {}.get)


# Calls


def test_a_call_gives_the_instructions_and_the_list_of_files(skill):
    result = skill.run()
    assert not result.is_error
    assert result.text == (
        "# PDF forms\n\nRead references/fields.md first.\n\n"
        "Files of this skill (call it with `file` to read one):\n"
        "- assets/logo.png (5 bytes)\n"
        "- references/fields.md (15 bytes)\n"
        "- scripts/fill.py (31 bytes)\n"
        "Scripts can be read but not yet run here."
    )
    assert skill.run("SKILL.md") == result


def test_scripts_are_spoken_of_only_where_there_are_some():
    for path, content, expected in (
        ("scripts/x.py", b"", True),
        ("bin/x", b"#!/bin/sh", True),
        ("bin/x", b"\x7fELF\0", True),
        ("docs/scripts.md", b"", False),
    ):
        record, artifacts = made({"SKILL.md": MINIMAL + b"Do.", path: content})
        assert ("Scripts can" in Skill(record, artifacts.__getitem__).run().text) is expected
    record, _ = made({"SKILL.md": MINIMAL + b"Do."})
    assert Skill(record, {}.get).run().text == "Do."


def test_a_call_with_a_file_gives_its_text(skill):
    assert skill.run("references/fields.md").text == "Fields: ä, ö\n"


def test_an_unknown_file_is_an_error_with_the_nearest_name(skill):
    result = skill.run("reference/fields.md")
    assert result.is_error
    assert "no file of skill pdf_forms 'reference/fields.md'; did you mean references/fields.md?" in result.text
    assert skill.run("../../etc/passwd").is_error
    assert len(skill.run("x" * 1_000_000).text) < 1_000
    record, _ = made({"SKILL.md": MINIMAL})
    assert "it has no files" in Skill(record, {}.get).run("x").text


def test_a_file_that_is_no_text_or_too_long_is_an_error_and_never_cut():
    files = {
        "SKILL.md": MINIMAL,
        "long": "ä".encode() * 100_001,
        "fits": "ä".encode() * 100_000,
        "bytes": b"\xff",
        "null": b"a\0",
    }
    record, artifacts = made(files)
    skill = Skill(record, artifacts.__getitem__)
    assert skill.run("fits").text == "ä" * 100_000
    for name, said in (("long", "100,001 characters"), ("bytes", "binary (1 bytes)"), ("null", "binary (2 bytes)")):
        result = skill.run(name)
        assert result.is_error
        assert said in result.text


def test_a_model_sees_only_the_name_and_description_until_it_calls(skill):
    tools = ToolSet({"pdf_forms": skill.record}, {"pdf_forms": skill})
    (schema,) = tools.schemas
    assert schema["function"]["description"] == skill.record.description
    assert "Read references" not in str(schema)
    call = ToolCall("1", "pdf_forms", '{"file": "references/fields.md"}')
    assert asyncio.run(Toolbox(tools).call(call)).text == "Fields: ä, ö\n"
    assert asyncio.run(Toolbox(tools).call(ToolCall("2", "pdf_forms", '{"fil": "x"}'))).is_error
    assert asyncio.run(Toolbox(tools).call(ToolCall("3", "pdf_forms", '{"file": 3}'))).is_error


def test_a_damaged_artifact_is_told_and_not_shown(skill):
    damaged = Skill(skill.record, lambda _: b"something else")
    tools = ToolSet({"pdf_forms": skill.record}, {"pdf_forms": damaged})
    result = asyncio.run(Toolbox(tools).call(ToolCall("1", "pdf_forms", '{"file": "scripts/fill.py"}')))
    assert result.is_error
    assert "the stored content of scripts/fill.py is not what the record says" in result.text
