"""Prompts: Markdown files with front matter, one variable for each section; and their rendering to messages."""

import re
from collections.abc import Mapping
from typing import Any, cast

from attrs import frozen

from autogenesis_core.errors import InvalidRecord, TemplateError
from autogenesis_core.identity import JSON
from autogenesis_core.rspl.record import Installed, Record
from autogenesis_core.rspl.template import inputs_of, render

FORMAT = "prompt-file/1"
_HEADING = re.compile(r" {0,3}(#{1,2})(?:[ \t]+(.*?))??(?:[ \t]+#+)?[ \t]*")
_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})(.*)")
_ROLES = ("system", "developer", "user")


def parse_prompt(text: str, name: str, distribution: str) -> Record:
    """The record of a prompt file.

    Front matter gives `name`, `description` and, by section, `role` (default system) and `trainable` (default true).
    Each `##` heading outside code fences begins a section whose id is the heading's slug; text before the first is
    `preamble`. Raises InvalidRecord for a file that is none.
    """
    front, body = _front_matter(text, name)
    sections: dict[str, str] = {}
    titles: dict[str, str] = {}
    for level, title, value in _split(body):
        slug = _slug(title) if level else "preamble"
        if level == 1 or not slug or slug in sections:
            raise InvalidRecord(
                f"prompt '{name}': the heading '{title}' begins no new section",
                "sections begin with ## and a name of their own",
            )
        if level or value:
            sections[slug], titles[slug] = value, title
    marks = front.get("sections") or {}
    _check_front(name, front, marks, sections)
    try:
        record = _record(name, distribution, front, marks, sections, titles)
    except InvalidRecord as error:
        raise InvalidRecord(f"prompt '{name}': {error.reason}", error.hint) from None
    check_prompt(record)
    return record


def _record(
    name: str, distribution: str, front: Mapping[str, Any], marks: Mapping[str, Any],
    sections: Mapping[str, str], titles: Mapping[str, str],
) -> Record:  # fmt: skip
    return Record(
        kind="prompt",
        name=str(front.get("name", name)),
        description=str(front.get("description", "")),
        implementation=Installed(distribution, f"prompt/{name}", FORMAT),
        parameters=sections,
        exports={
            "sections": [
                {"id": slug, "title": titles[slug], "role": marks.get(slug, {}).get("role", "system")}
                for slug in sections
            ],
        },
        trainable={slug: bool(marks.get(slug, {}).get("trainable", True)) for slug in sections},
    )


def check_prompt(record: Record, before: Record | None = None) -> None:
    """Raises InvalidRecord for a section that is no data: it adds a heading or, against `before`, an input or tag.

    And for a record that does not say in which order and role its sections stand.
    """
    _check_sections(record)
    for section, value in record.parameters.items():
        where = f"{record.id}#{section}"
        if not isinstance(value, str):
            raise InvalidRecord(f"{where} is text, not {type(value).__name__}")
        if len(_split(value)) > 1:
            raise InvalidRecord(f"{where} may not add a heading of level 1 or 2", "use ### or a list")
        if _open_fence(value):
            raise InvalidRecord(f"{where} may not leave a code fence open")
        try:
            wanted = inputs_of(value)
        except TemplateError as error:
            raise InvalidRecord(f"{where}: {error.reason}", error.hint) from None
        if before and (added := wanted - inputs_of(str(before.parameters.get(section, "")))):
            raise InvalidRecord(f"{where} may not add the input {', '.join(sorted(added))}")
        old = _tags(str(before.parameters.get(section, ""))) if before else None
        if old and any(new > known for new, known in zip(_tags(value), old, strict=True)):
            raise InvalidRecord(f"{where} may not add a template tag")


def _check_sections(record: Record) -> None:
    """Raises InvalidRecord for a prompt whose exports do not order its sections: it could not be rendered."""
    sections = record.exports.get("sections")
    if not isinstance(sections, list):
        raise InvalidRecord(f"{record.id}: its exports have no list of sections")
    for section in sections:
        match section:
            case {"id": str(), "title": str(title), "role": "system" | "developer" | "user", **rest}:
                if not rest and title == " ".join(title.split()):
                    continue
        raise InvalidRecord(f"{record.id}: a section has an id, a title of one line and a role")
    ids = [section["id"] for section in cast("list[dict[str, str]]", sections)]
    if sorted(ids) != sorted(record.parameters):
        raise InvalidRecord(f"{record.id}: its exports order other sections than it has")


@frozen
class Prompt:
    """A built prompt: renders its sections to messages."""

    record: Record

    def render(self, /, **inputs: Any) -> list[dict[str, str]]:
        """Messages in OpenAI's chat shape, neighbouring sections of one role joined; `inputs` are any values.

        Raises TemplateError if an input is missing.
        """
        messages: list[dict[str, str]] = []
        for section in self.record.exports["sections"]:  # type: ignore[union-attr]  # parse_prompt wrote a list
            text = render(str(self.record.parameters[section["id"]]), inputs).strip()  # type: ignore[index,call-overload]
            if not text:
                continue
            part = f"## {section['title']}\n{text}" if section["title"] else text  # type: ignore[index,call-overload]
            if messages and messages[-1]["role"] == section["role"]:  # type: ignore[index,call-overload]
                messages[-1]["content"] += f"\n\n{part}"
            else:
                messages.append({"role": section["role"], "content": part})  # type: ignore[index,call-overload,dict-item]
        return messages


def to_markdown(record: Record) -> str:
    """The prompt file that `parse_prompt` reads back to the same record."""
    import yaml

    front: dict[str, Any] = {"name": record.name, "description": record.description}
    marks: dict[str, Any] = {}
    parts = []
    for section in cast("list[dict[str, str]]", record.exports["sections"]):
        slug, text = section["id"], str(record.parameters[section["id"]])
        parts.append(f"## {section['title']}\n{text}" if section["title"] else text)
        mark: dict[str, Any] = {} if section["role"] == "system" else {"role": section["role"]}
        if not record.trainable.get(slug, True):
            mark["trainable"] = False
        if mark:
            marks[slug] = mark
    if marks:
        front["sections"] = marks
    head = yaml.safe_dump(front, sort_keys=False, allow_unicode=True, width=10_000)
    return f"---\n{head}---\n\n" + "\n\n".join(parts) + "\n"


def _front_matter(text: str, name: str) -> tuple[Mapping[str, Any], str]:
    import yaml

    text = text.replace("\r\n", "\n")
    if not text.startswith("---\n"):
        return {}, text
    head, found, body = text[4:].partition("\n---\n")
    try:
        front = yaml.safe_load(head) if found else None
    except (yaml.YAMLError, ValueError, RecursionError) as error:  # of a date that is none, of a thousand brackets
        raise InvalidRecord(f"prompt '{name}': the front matter is no YAML: {error}") from None
    if not isinstance(front, dict):
        raise InvalidRecord(f"prompt '{name}': the front matter is no mapping that ends in a line ---")
    return front, body


def _check_front(name: str, front: Mapping[str, Any], marks: object, sections: Mapping[str, JSON]) -> None:
    if extra := front.keys() - {"name", "description", "sections"}:
        raise InvalidRecord(f"prompt '{name}': the front matter has an unknown key '{sorted(map(str, extra))[0]}'")
    if not isinstance(marks, dict) or not all(isinstance(mark, dict) for mark in marks.values()):
        raise InvalidRecord(f"prompt '{name}': `sections` maps a section to its role and trainable mark")
    for slug, mark in marks.items():
        if slug not in sections:
            raise InvalidRecord(f"prompt '{name}': the front matter marks '{slug}', which is no section")
        if mark.keys() - {"role", "trainable"} or mark.get("role", "system") not in _ROLES:
            raise InvalidRecord(f"prompt '{name}#{slug}': a mark is `role` ({', '.join(_ROLES)}) or `trainable`")
        if not isinstance(mark.get("trainable", True), bool):
            raise InvalidRecord(f"prompt '{name}#{slug}': `trainable` is true or false")


def _split(body: str) -> list[tuple[int, str, str]]:
    """(level, heading, text) of each part; the first has level 0. A heading in a code fence is text."""
    parts: list[tuple[int, str, list[str]]] = [(0, "", [])]
    fence = ""
    for line in re.split(r"\r\n?|\n", body):
        outside = not fence
        fence = _fence_after(line, fence)
        heading = _HEADING.fullmatch(line) if outside and not fence else None
        if heading:
            parts.append((len(heading[1]), heading[2] or "", []))
        else:
            parts[-1][2].append(line)
    return [(level, title, "\n".join(lines).strip("\n")) for level, title, lines in parts]


def _fence_after(line: str, fence: str) -> str:
    mark = _FENCE.fullmatch(line)
    if not mark:
        return fence
    if not fence:
        # A back-tick after the mark makes it code within a line.
        return "" if mark[1][0] == "`" and "`" in mark[2] else mark[1]
    return "" if mark[1].startswith(fence) and not mark[2].strip() else fence


def _open_fence(text: str) -> bool:
    fence = ""
    for line in re.split(r"\r\n?|\n", text):
        fence = _fence_after(line, fence)
    return bool(fence)


def _slug(title: str) -> str:
    return re.sub(r"[^a-z0-9]+", "_", title.lower()).strip("_")


def _tags(text: str) -> tuple[int, int, int]:
    return text.count("{{"), text.count("{%"), text.count("{#")
