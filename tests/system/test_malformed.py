"""Malformed names, versions, imports, prompts, skills and lock files: each an error for people, the store unharmed.

1,000 inputs here; `nox -s torture` sets AUTOGENESIS_TORTURE for 10,000.
"""

import json
import os
import random
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest

from autogenesis_core import InputError, Registry, load, parse_prompt
from autogenesis_core.cli import main
from autogenesis_core.lock import read_lock
from autogenesis_core.rspl.skill import skill_record
from autogenesis_core.rspl.store import Change, Store
from autogenesis_core.rspl.transfer import Document

COUNT = 10_000 if os.environ.get("AUTOGENESIS_TORTURE") else 1_000
PROMPT = "---\nname: greet\ndescription: Greets\nsections:\n  rules: {role: user}\n---\nHello.\n\n## Rules\nGreet {{ name }}.\n"
SKILL = "---\nname: notes\ndescription: Writes notes\nmetadata: {a: b}\nallowed-tools: bash python\n---\n# Notes\n\nWrite.\n"
NAMES = ("prompt/greet", "prompt/greet@1.0.0", "prompt/greet@champion", "prompt/greet@main#rules", "tool/notes@best")
JUNK = (
    "", " ", "\x00", "\x1b[2J", "../", "..\\", "/etc/passwd", "@", "#", "@@", "%s%n", "{{", "{{ x", "{% for", "}}", "---",
    "---\n", "\r", "\n## Rules\n", "\n# H1\n", "```", "'", '"', "\\", "null", "NaN", "1e999", "-1", "[[[[", "{" * 50,
    "&a [*a]", "!!python/object:os.system", "\ud800", "\ufeff", "\u202e", "é", "x" * 5000, "99999999999999999999", "1.0.-1",
    "1.0", "01.0.0", "1.0.0.0", "a/b/c", "prompt/", "/greet", "PROMPT/greet", "<script>", "$(id)", ";DROP TABLE versions",
)  # fmt: skip


def spoilt(text: str, draw: random.Random) -> str:
    """`text` with some of it cut, doubled, moved, replaced by junk."""
    for _ in range(draw.randint(1, 4)):
        begin = draw.randrange(len(text) + 1)
        end = min(len(text), begin + draw.choice((0, 1, 2, 8, 60)))
        piece = draw.choice(
            (draw.choice(JUNK), text[begin:end] * 2, "", text[:begin][-20:], chr(draw.randrange(0x300)))
        )
        text = text[:begin] + piece + text[end:]
    return text


@pytest.fixture(scope="module")
def folder():
    """A project with a store that has a history, and an export and a lock file of it."""
    with tempfile.TemporaryDirectory() as name:
        project = Path(name)
        with Store.open(project / "workdir" / "autogenesis.db") as store:
            prompt = parse_prompt(PROMPT, "greet", "acme-greet")
            store.commit("shipped", [Change(prompt, None)], event="install")
            store.commit("main", [Change(prompt.with_values({"rules": "Greet {{ name }} warmly."}), "1.0.0")])
            skill, artifacts = skill_record({"SKILL.md": SKILL.encode(), "scripts/a.py": b"print(1)\n"})
            store.commit("main", [Change(skill, None)], artifacts=artifacts)
            store.set_alias("prompt/greet", "best", "1.0.1")
        yield project


def taken(use: Callable[[], object]) -> bool:
    """Whether an input is taken; what is not is an InputError that says something, and nothing else."""
    try:
        use()
    except InputError as error:
        assert error.exit_code == 2
        assert error.reason
        return False
    return True


def test_what_is_malformed_is_an_error_for_people_and_harms_nothing(folder):
    draw = random.Random(20261124)
    with Registry.open(folder=folder) as registry:
        exported = registry.export().to_json()
        lock = json.dumps(
            {"format": "autogenesis-lock/1", "plugins": {}, "config": {}, "choices": {}, "shipped": {},
             "resources": json.loads(exported)}
        )  # fmt: skip
        path = folder / "spoilt.lock.json"
        entries, before = len(registry.log()), exported

        def locked(text: str) -> object:
            path.write_bytes(text.encode("utf-8", "surrogatepass"))
            return read_lock(path)

        uses: list[tuple[Callable[[str], object], str]] = [
            *((registry.find, name) for name in NAMES),
            *((lambda text: load(text, workdir=folder / "workdir"), name) for name in NAMES[:2]),
            (lambda text: registry.set_alias("prompt/greet@1.0.0", f"{text}@"), "best"),
            (lambda text: registry.retrieve(text), "greets a person"),
            (lambda text: registry.diff(text), NAMES[1]),
            (lambda text: registry.edited("prompt/greet", text), PROMPT),
            (lambda text: registry.edited("tool/notes", text), SKILL),
            (lambda text: parse_prompt(text, "greet", ""), PROMPT),
            (lambda text: skill_record({"SKILL.md": text.encode("utf-8", "replace")}), SKILL),
            (lambda text: skill_record({"SKILL.md": SKILL.encode(), text: b"x"}), "scripts/a.py"),
            (Document.from_json, exported),
            (locked, lock),
        ]
        results = []
        for number in range(COUNT):
            use, text = uses[number % len(uses)]
            changed = spoilt(text, draw)
            results.append(taken(lambda use=use, changed=changed: use(changed)))
        assert 0.02 < sum(results) / COUNT < 0.9  # both happen, so neither is vacuous
        assert len(registry.log()) == entries
        assert registry.audit() is None
        assert registry.export().to_json() == before


def test_the_command_line_says_so_in_a_line_and_exits_with_2(folder, monkeypatch, capsys):
    monkeypatch.chdir(folder)
    draw = random.Random(7)
    (folder / "export.json").write_text("{}")
    for number in range(COUNT // 25):
        verb = draw.choice(
            ("show", "history", "diff", "blame", "alias", "mark", "copy", "restore", "rollback", "export")
        )
        name = spoilt(draw.choice(NAMES[:3]), draw).replace("\x00", "")
        code = main([verb, "--", name] if name.startswith("-") else [verb, name])
        out, err = capsys.readouterr()
        assert code in (0, 2), (number, verb, name, out, err)
        assert "Traceback" not in out + err
        assert "\x1b[2J" not in out + err
        assert (code == 2) == err.startswith("autogenesis: ")
    with Registry.open(folder=folder) as registry:
        assert registry.audit() is None
