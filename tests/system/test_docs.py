"""The documentation is true: its examples run, and its reference names what the code has.

The convention, in MyST's own blocks:

- a code block with `:caption: FILE` is a file; the blocks of a page are written to one folder of their own, in order;
- a `console` block with `:class: run` is a session in that folder: each line that begins with `$ ` is run, and the
  lines after it are what it prints, on both outputs. Only `autogenesis` and `python` are run.
  A line `…` stands for any lines, `…` within a line for any text. Ids, times and durations may differ; an id that was
  shown stands for the one that was printed, also in later commands of the page.
- all other blocks are not run.
"""

import asyncio
import inspect
import json
import os
import re
import shlex
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml

import autogenesis_core
from autogenesis_core import hookspecs
from autogenesis_core.catalog import DISTRIBUTIONS, GROUPS, SEVERAL, Catalog
from autogenesis_core.cli.arguments import VERBS
from autogenesis_core.cli.new import plugin_files

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = sorted(path for path in DOCS.rglob("*.md") if "_build" not in path.parts)
BLOCK = re.compile(r"^```\{code-block\} (\w+)\n((?::\w+: [^\n]*\n)*)(.*?)^```$", re.MULTILINE | re.DOTALL)
ID = r"\b(?=[0-9a-f]*\d)[0-9a-f]{8,12}\b"
VARYING = re.compile(rf"(?P<id>{ID})|(?P<time>\d{{4}}-\d\d-\d\d \d\d:\d\d)|(?P<seconds>\b\d+ s\b)|(?P<any>…)")
PATTERNS = {"id": "([0-9a-f]{8,12})", "time": r"\d{4}-\d\d-\d\d \d\d:\d\d", "seconds": r"\d+ s", "any": ".*"}


class Block(NamedTuple):
    """A code block of a page."""

    language: str
    options: dict[str, str]
    text: str

    @property
    def runs(self) -> bool:
        return self.language == "console" and "run" in self.options.get("class", "").split()


def page(name: str) -> str:
    return (DOCS / name).read_text(encoding="utf-8")


def blocks(path: Path) -> list[Block]:
    found = BLOCK.findall(path.read_text(encoding="utf-8"))
    return [Block(language, dict(re.findall(r":(\w+): (.*)", options)), text) for language, options, text in found]


def commands(session: str) -> Iterator[tuple[str, list[str]]]:
    """The commands of a session and the lines that each is said to print."""
    for part in re.split(r"^\$ ", session, flags=re.MULTILINE)[1:]:
        command, *lines = part.rstrip("\n").split("\n")
        yield command, lines


def pattern(lines: list[str]) -> tuple[str, list[str]]:
    """A regular expression for what is printed, and the ids that stand in it, in order."""
    made, ids = "", []
    for line in lines:
        if line.strip() == "…":
            made += r"(?:.*\n)*?"
            continue
        at = 0
        for match in VARYING.finditer(line):
            made += re.escape(line[at : match.start()]) + PATTERNS[str(match.lastgroup)]
            at = match.end()
            if match.lastgroup == "id":
                ids.append(match[0])
        made += re.escape(line[at:]) + r"[ ]*\n"
    return made, ids


def run(command: str, folder: Path) -> str:
    words = shlex.split(command)
    programs = {"autogenesis": [sys.executable, "-m", "autogenesis_core.cli"], "python": [sys.executable]}
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("AUTOGENESIS_", "OPENAI_"))}
    done = subprocess.run(
        [*programs[words[0]], *words[1:]], cwd=folder, env={**environment, "COLUMNS": "200"}, timeout=60, check=False,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, encoding="utf-8",
    )  # fmt: skip
    return done.stdout


def test_what_is_written_in_the_examples_is_what_a_session_reads():
    made, ids = pattern(["run 5d1c0f7e  took 3 s …", "…", "end"])
    assert ids == ["5d1c0f7e"]
    assert re.fullmatch(made, "run aaaa0000  took 12 s or so\na\nb\nend\n")
    assert not re.fullmatch(made, "run aaaa0000  took 12 s or so\na\nb\nthe end\n")


@pytest.mark.parametrize(
    "path", [path for path in PAGES if any(block.runs for block in blocks(path))], ids=lambda p: p.stem
)
def test_the_examples_of_a_page_print_what_it_says(path, tmp_path):
    known: dict[str, str] = {}
    for block in blocks(path):
        if name := block.options.get("caption"):
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_text(block.text, encoding="utf-8")
        for command, lines in commands(block.text) if block.runs else ():
            for shown, real in known.items():
                command = command.replace(shown, real)  # the command with this store's own ids
            printed = run(command, tmp_path)
            wanted, ids = pattern(lines)
            match = re.fullmatch(wanted, printed)
            assert match, f"$ {command}\n{printed}\n--- the page says\n" + "\n".join(lines)
            known |= dict(zip(ids, match.groups(), strict=True))


def test_readme_and_tutorial_show_the_demonstration_as_it_is_now(tmp_path):
    shown = [
        re.findall(r"<!-- demonstration -->\n```\n(.*?)```\n<!-- /demonstration -->", path.read_text(), re.DOTALL)
        for path in (ROOT / "README.md", DOCS / "tutorial.md")
    ]
    assert len(shown[0]) == 1
    assert shown[0] == shown[1]
    printed = run("autogenesis +agent=tool_calling +optimizer=reflection", tmp_path)
    wanted, _ = pattern(shown[0][0].splitlines())
    assert re.fullmatch(wanted, printed.rstrip("\n") + "\n"), printed


def test_python_blocks_compile():
    for path in PAGES:
        fences = re.findall(
            r"^```(?:python|\{code-block\} python)\n((?::\w+: [^\n]*\n)*)(.*?)^```$", path.read_text(), re.M | re.S
        )
        for _, text in fences:
            compile(text, str(path), "exec", flags=0x2000)  # ast.PyCF_ALLOW_TOP_LEVEL_AWAIT


def _guide() -> tuple[dict[str, str], dict[str, str]]:
    """The files of the guide's plugin, and its tests."""
    captioned = [block for block in blocks(DOCS / "how-to/write-a-plugin.md") if "caption" in block.options]
    files = {block.options["caption"]: block.text for block in captioned}
    tests = {name: files.pop(name) for name in sorted(files) if name.startswith("test_")}
    return files, tests


def test_the_plugin_of_the_guide_works_when_it_is_installed(distribution):
    files, tests = _guide()
    distribution("autogenesis-tool-dice", files)
    assert Catalog.read().find("tool", "dice").description == "Rolls a die"
    assert len(tests) == 4
    for name, text in tests.items():
        module: dict[str, object] = {}
        exec(compile(text, name, "exec"), module)  # the guide's own
        contract = next(value for key, value in module.items() if key.startswith("Test"))()  # type: ignore[operator]
        for method_name, method in inspect.getmembers(contract, inspect.ismethod):
            if method_name.startswith("test_"):
                method()


def test_the_optimizer_and_the_gates_of_the_guide_evolve_a_system(distribution, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    files, _ = _guide()
    distribution("autogenesis-tool-dice", files)
    (tmp_path / "scorer.py").write_text(
        "def score(answer, target, question):\n    return answer.strip() == target, 'Give only the value.'\n"
    )
    sums = [{"question": f"What is {a} + {b}?", "answer": str(a + b)} for a in range(2, 16) for b in range(11, 21)]
    (tmp_path / "sums.jsonl").write_text("\n".join(map(json.dumps, sums)))

    async def evolved() -> dict[str, Any]:
        async with autogenesis_core.Runtime.compose(
            "+agent=tool_calling", "+model=simulated", "+benchmark=dataset", "benchmark.path=sums.jsonl",
            "benchmark.scorer=scorer.py:score", "+optimizer=remind", "+gate=[brief,proved]", folder=tmp_path,
        ) as ag:  # fmt: skip
            return await ag.evolve()

    result = asyncio.run(evolved())
    committed = next(entry for entry in result["rounds"] if entry["commit"])
    assert [vote["gate"] for vote in committed["votes"]] == ["brief", "proved"]
    assert committed["edits"][0]["reason"] == "Give only the value."
    assert result["scores"]["test"]["change"]["delta"] > 0.2


def test_the_guide_shows_the_files_of_a_generated_plugin():
    tree = next(
        block.text for block in blocks(DOCS / "how-to/write-a-plugin.md") if block.options.get("class") == "tree"
    )
    assert sorted(plugin_files("tool", "dice")) == sorted(re.findall(r"── (\S+)", tree))


def test_every_verb_is_in_the_reference():
    text = page("reference/command-line.md")
    headings = re.findall(r"^### `(.+)`\n\n(.+)", text, re.MULTILINE)
    assert {f"{name} {verb.usage}".strip() for name, verb in VERBS.items()} == {heading for heading, _ in headings}
    for heading, first in headings:
        summary = VERBS[heading.split()[0]].summary
        assert first.lower().startswith(summary.lower().split("?")[0]), f"{heading}: {summary}"


def test_every_flag_is_in_the_reference():
    from autogenesis_core.cli import arguments

    text = page("reference/command-line.md")
    assert [flag for flag in (*arguments._FLAGS, "--task-file") if f"`{flag}" not in text] == []


def test_every_hook_is_in_the_reference_with_its_arguments():
    hooks = {name: value for name, value in vars(hookspecs).items() if name.startswith(("rspl_", "sepl_"))}
    signatures = {f"{name}({', '.join(inspect.signature(hook).parameters)})" for name, hook in hooks.items()}
    assert signatures == set(re.findall(r"^### `(.+)`$", page("reference/hooks.md"), re.MULTILINE))


def test_the_events_in_the_reference_are_those_that_the_core_tells_of():
    source = "\n".join(path.read_text() for path in (ROOT / "autogenesis_core").rglob("*.py"))
    told = {
        "rspl": set(re.findall(r'(?:observe_resource|_tell)\(\s*"(\w+)"', source)),
        "sepl": set(re.findall(r'(?:hooks|self)\.observe\(\s*"(\w+)"', source)),
    }
    for layer, events in told.items():
        section = page("reference/hooks.md").partition(f"### `{layer}_observe")[2].partition("\n#")[0]
        line = next(line for line in section.splitlines() if line.startswith("The core tells of"))
        assert set(re.findall(r"`(\w+)` \(", line)) == events


def test_every_public_name_is_in_the_reference():
    named = re.findall(r"`(\w+)[`(]", "\n".join(re.findall(r"^\| (.+?) \|", page("reference/python.md"), re.MULTILINE)))
    subclasses = {
        "RateLimited",
        "Overloaded",
        "ModelTimeout",
        "TransportError",
    }  # named beside the error that they are kinds of
    assert set(named) | subclasses == set(autogenesis_core.__all__)
    assert all(f"`{name}`" in page("reference/python.md") for name in subclasses)


def test_the_fields_of_a_record_are_in_the_reference():
    from autogenesis_core.rspl.record import Record

    section = page("reference/record.md").partition("## The record")[2].partition("\n## ")[0]
    assert re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE) == [field.name for field in Record.__attrs_attrs__]


def _settings(prefix: str, data: dict[str, object]) -> Iterator[tuple[str, str]]:
    """The settings of a file by name, with their defaults as the reference writes them."""
    for key, value in data.items():
        if key.startswith("_") or key == "defaults":
            continue
        if isinstance(value, dict) and key in ("splits", "budget"):
            yield from _settings(f"{prefix}{key}.", value)
        else:
            listed = isinstance(value, list) and value
            yield (
                f"{prefix}{key}",
                ", ".join(map(str, value))
                if listed
                else {"???": "required", "None": "null"}.get(str(value), str(value)),
            )


def _documented(text: str) -> Iterator[tuple[str, str]]:
    for names, shown in re.findall(r"^\| (`.+?) \| (.*?) \|", text, re.MULTILINE):
        found = re.findall(r"`([\w.]+)`", names)
        defaults = shown.split(", ") if len(found) > 1 and "," in shown else [shown] * len(found)
        yield from zip(found, defaults, strict=True)


def test_every_setting_is_in_the_reference_with_its_default():
    text = page("reference/configuration.md")
    found = dict(_settings("", yaml.safe_load((ROOT / "autogenesis_core/conf/autogenesis.yaml").read_text())))
    for path in ROOT.glob("plugins/*/src/*/conf/*/*.yaml"):
        kind = path.parent.name
        prefix = f"{kind}.{path.stem}." if kind in SEVERAL else f"{kind}."
        found |= dict(_settings(f"{kind}={path.stem} {prefix}", yaml.safe_load(path.read_text())))
        assert f"{kind}={path.stem}" in text
    documented = {}
    for section in re.split(r"^## ", text, flags=re.MULTILINE):
        title = section.partition("\n")[0]
        owner = f"{title} " if re.fullmatch(r"\w+=\w+", title) else ""
        documented |= {f"{owner}{name}": default for name, default in _documented(section)}
    assert documented == found


def test_every_group_and_every_option_of_ours_is_in_the_reference():
    text = page("reference/configuration.md")
    assert [group for group in GROUPS if f"`{group}`" not in text] == []
    assert [option for option in DISTRIBUTIONS if option.replace("/", "=") not in text] == []


def test_what_result_json_holds_is_in_the_reference():
    """Every field that report.py writes, by its source: a run of each kind would be slow."""
    report = inspect.getsource(import_module("autogenesis_core.sepl.report"))
    fields = set(re.findall(r'^\s+"(\w+)":', report, re.MULTILINE)) | {"spent", "task", "answer", "data"}
    text = page("reference/result.md")
    assert {field for field in fields if not re.search(rf"[`.]{field}`", text)} == set()


def test_links_lead_somewhere():
    for path in [*PAGES, ROOT / "README.md"]:
        for target in re.findall(r"\]\((?!https?:)([^)#]+)[^)]*\)", path.read_text()):
            assert (path.parent / target).exists(), f"{path.relative_to(ROOT)}: {target}"


def test_the_readme_names_pages_that_are_built():
    group = tomllib.loads((ROOT / "pyproject.toml").read_text())["dependency-groups"]["docs"]
    assert {re.split(r"[<>=]", name)[0] for name in group} == {"furo", "myst-parser", "sphinx"}
