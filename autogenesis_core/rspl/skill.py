"""Skills: folders with a SKILL.md, as a form of tool; their files are artifacts of the record.

The format is that of agentskills.io; the limits on sizes, counts and paths are ours.
"""

import hashlib
import os
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar, cast

from attrs import asdict, field, frozen

from autogenesis_core.errors import InputError, InvalidRecord, StoreError, did_you_mean, unknown
from autogenesis_core.identity import JSON, canonical, plain
from autogenesis_core.rspl.record import Installed, Record
from autogenesis_core.rspl.tool import Annotations, Tool, ToolResult

# A stored skill is compared with what this module would write: another wording of _SCHEMA is another format.
FORMAT = "skill-folder/1"
_SCHEMA: Mapping[str, JSON] = {
    "type": "object",
    "properties": {
        "file": {
            "type": "string",
            "description": "path of one of the skill's files; without it, the instructions and the list of files",
            "default": "",
        },
    },
    "required": [],
    "additionalProperties": False,
}
_HINTS = Annotations(read_only=True, destructive=False, idempotent=True, open_world=False)
_KEYS = ("name", "description", "license", "compatibility", "allowed-tools", "metadata")
_NAME = re.compile(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?")
_FRONT = re.compile(r"---[ \t]*\r?\n(.*?)^---[ \t]*(?:\r?\n|\Z)", re.DOTALL | re.MULTILINE)
_PERMISSION = re.compile(r"(?:\([^()]*\)|\S)+")  # Bash(git add:*) is one
_LEFT_OUT = re.compile(r"(?:\A|/)(?:\.[^./][^/]*|__pycache__)(?:/|\Z)")
_RESERVED = re.compile(r"(con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³])[ ]*(\..*)?", re.IGNORECASE)
_PROGRAM = (b"#!", b"\x7fELF")

_FRONT_SIZE = 64_000  # characters, as they are written
_FRONT_TEXT = 10_000  # characters that they stand for; an escape writes one as six
_BODY = 200_000  # characters
_SHOWN = 100_000  # characters of one file that a call shows
_FILE = 5_000_000  # bytes
_TOTAL = 50_000_000  # bytes
_FILES = 500
_PATH = 200  # characters
_PART = 255  # bytes; what file systems allow for one name


def read_skill(folder: Path, distribution: str = "") -> tuple[Record, dict[str, bytes]]:
    """The record of a skill folder, and its artifacts by SHA-256; `distribution` is the plugin that ships it.

    Raises InputError for a folder that cannot be read or that is no skill.
    """
    name = Path(os.path.abspath(folder)).name  # `.` has no name of its own
    try:
        if not folder.is_dir():
            hint = f"name the folder that holds it: {folder.parent}" if name.casefold() == "skill.md" else ""
            raise InputError(f"no skill folder {str(folder)!r}", hint)
        with _prefixed(name):
            files = _within_limits(_walk(folder))
    except OSError as error:
        raise InputError(f"skill '{name}' cannot be read: {error}") from None
    return skill_record(files, distribution, name)


def skill_record(
    files: Mapping[str, bytes], distribution: str = "", folder: str = ""
) -> tuple[Record, dict[str, bytes]]:
    """The record of a skill's files by path within its folder, and its artifacts by SHA-256.

    Hidden files and `__pycache__` are left out. An empty `folder` says that its name is not known.
    Raises InvalidRecord for what is no skill.
    """
    with _prefixed(folder):
        kept = _within_limits(files.items())
        _check_clashes(kept)
        front, body = _parse(_skill_text(kept))
        if folder and front["name"] != folder:
            raise InvalidRecord(
                f"SKILL.md says that its name is '{front['name']}', and its folder is {folder!r}", "make them the same"
            )
        data = {path: content for path, content in kept.items() if path != "SKILL.md"}
        record = _record(front, body, {path: _facts(data[path]) for path in sorted(data)}, distribution)
        _check(record)
    return record, {_sha256(content): content for content in data.values()}


def to_folder(record: Record, artifacts: Callable[[str], bytes]) -> dict[str, bytes]:
    """The skill's files by path; reading them gives the same record. `artifacts` gives the bytes of a SHA-256.

    Which of them are executable is in the record. Raises InvalidRecord if the record is no skill, StoreError if an
    artifact is not what the record says.
    """
    _require_skill(record)
    files = {"SKILL.md": _skill_md(_front(record), cast("str", record.parameters["body"])).encode()}
    return files | {path: _content(record, path, artifacts) for path in _files(record)}


def check_skill(record: Record) -> None:
    """Raises InvalidRecord for a record that claims to be a skill and is none; others pass."""
    if record.exports.get("form") == "skill":
        with _prefixed(record.id):
            _check(record)


@frozen
class Skill(Tool):
    """A built skill: its instructions when called, one of its files when asked for by name.

    Arguments:
        artifacts: gives the bytes of a SHA-256
    """

    annotations: ClassVar[Annotations] = _HINTS
    record: Record = field(validator=lambda _, __, record: _require_skill(record))
    artifacts: Callable[[str], bytes]

    def run(self, file: str = "") -> ToolResult:
        """Read a skill's instructions, or one of its files.

        Args:
            file: path of one of the skill's files; without it, the instructions and the list of files
        """
        if not file or file == "SKILL.md":
            return ToolResult(self._instructions())
        files = _files(self.record)
        if file not in files:
            hint = "call without `file` for the list" if files else "it has no files, only its instructions"
            error = unknown(f"file of skill {self.record.name}", file[:_PATH], files, hint)
            return ToolResult(str(error), is_error=True)
        content = _content(self.record, file, self.artifacts)
        text = _text(content)
        if text is None:
            reason = f"{file} is binary ({len(content):,} bytes) and cannot be shown as text"
            return ToolResult(f"{reason}; go by what the instructions say of it", is_error=True)
        if len(text) > _SHOWN:
            reason = f"{file} has {len(text):,} characters, and at most {_SHOWN:,} are shown"
            advice = "it must be split into smaller files in the skill; go on without it"
            return ToolResult(f"{reason}; {advice}", is_error=True)
        return ToolResult(text)

    def _instructions(self) -> str:
        body, files = str(self.record.parameters["body"]).strip("\n"), _files(self.record)
        if not files:
            return body
        lines = [f"- {path} ({facts['size']:,} bytes)" for path, facts in sorted(files.items())]
        text = f"{body}\n\nFiles of this skill (call it with `file` to read one):\n" + "\n".join(lines)
        if any(facts["executable"] or path.startswith("scripts/") for path, facts in files.items()):
            text += "\nScripts can be read but not yet run here."
        return text


def _text(content: bytes) -> str | None:
    if b"\0" in content:
        return None
    try:
        return content.decode()
    except UnicodeDecodeError:
        return None


# Folders


def _walk(folder: Path | str, above: str = "") -> Iterator[tuple[str, bytes]]:
    with os.scandir(folder) as scan:
        entries = sorted(scan, key=lambda entry: entry.name)
    for entry in entries:
        path = above + entry.name
        if _left_out(path):
            continue
        if entry.is_symlink():
            raise InvalidRecord(f"{path!r} is a link, and a skill holds its files itself", "put the file in its place")
        _check_path(path)
        if entry.is_dir(follow_symlinks=False):
            yield from _walk(entry.path, f"{path}/")
        elif entry.is_file(follow_symlinks=False):
            with open(entry.path, "rb", opener=_open) as file:
                content = file.read(_FILE + 1)  # one more than is allowed tells that there is more
            yield path, content
        else:
            raise InvalidRecord(f"{path!r} is no regular file")


def _open(path: str, flags: int) -> int:
    # What was a file a moment ago may be a link or a FIFO now: neither is followed or waited for.
    return os.open(path, flags | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0))


def _within_limits(files: Iterable[tuple[str, bytes]]) -> dict[str, bytes]:
    """The files that belong to a skill; stops at the first that is too much, so that `files` may be a long walk."""
    kept: dict[str, bytes] = {}
    total = 0
    for path, content in files:
        if _left_out(path):
            continue
        _check_path(path)
        kept[path] = content
        if path != "SKILL.md":
            total += len(content)
        _check_size(path, len(content))
        _check_sum(len(kept) - ("SKILL.md" in kept), total)
    return kept


def _check_size(path: str, size: int) -> None:
    if size > _FILE:
        raise InvalidRecord(f"{path!r} has more than {_FILE:,} bytes", "keep large data elsewhere and name its source")


def _check_sum(count: int, total: int) -> None:
    if count > _FILES:
        raise InvalidRecord(f"more than {_FILES} files beside SKILL.md")
    if total > _TOTAL:
        raise InvalidRecord(f"its files have more than {_TOTAL:,} bytes together")


def _left_out(path: str) -> bool:
    return _LEFT_OUT.search(path) is not None


def _check_path(path: str) -> None:
    """Raises InvalidRecord for a path that is no plain relative one on every system."""
    if len(path) > _PATH:
        raise InvalidRecord(f"the path {path[:_PATH]!r}… has more than {_PATH} characters")
    if any(unicodedata.category(letter) in ("Cc", "Cf", "Cs", "Zl", "Zp") for letter in path):
        raise InvalidRecord(f"the path {path!r} has a control or invisible character")
    if forbidden := set(path) & set('\\:*?"<>|'):
        raise InvalidRecord(f"the path {path!r} has {min(forbidden)!r}, which not every system allows")
    for part in path.split("/"):
        if part in ("", ".", ".."):
            raise InvalidRecord(f"the path {path!r} does not lead to a file within the folder")
        if part[-1] in " ." or _RESERVED.fullmatch(part) or len(part.encode()) > _PART:
            raise InvalidRecord(f"the path {path!r} has the name {part!r}, which not every system allows")


def _check_clashes(paths: Iterable[str]) -> None:
    """Raises InvalidRecord for two paths that are one where case or Unicode's normal forms do not count."""
    seen = {"skill.md": "SKILL.md"}
    for path in sorted(paths):
        parts = path.split("/")
        for end in range(1, len(parts) + 1):
            place = "/".join(parts[:end]) + "/" * (end < len(parts))
            key = unicodedata.normalize("NFD", unicodedata.normalize("NFD", place).casefold()).rstrip("/")
            if (other := seen.setdefault(key, place)) == place:
                continue
            if path.casefold() == "skill.md":
                raise InvalidRecord(f"{path!r} is in the place of SKILL.md", "rename it to SKILL.md")
            raise InvalidRecord(f"{other!r} and {place!r} are one name on some systems", "rename one of them")


# SKILL.md


def _skill_text(files: Mapping[str, bytes]) -> str:
    if "SKILL.md" not in files:
        raise InvalidRecord("it has no SKILL.md", "a skill is a folder with a file SKILL.md")
    try:
        return files["SKILL.md"].decode("utf-8-sig")  # editors on Windows begin a file with a mark
    except UnicodeDecodeError as error:
        raise InvalidRecord(f"SKILL.md is no UTF-8 text (byte {error.start})", "save it as UTF-8") from None


def _parse(text: str) -> tuple[dict[str, Any], str]:
    """The checked front matter of a SKILL.md, and the text after it as it is."""
    found = _FRONT.match(text)
    if not found:
        raise InvalidRecord("SKILL.md has no front matter", "it begins with a line ---, and a line --- ends it")
    if len(found[1]) > _FRONT_SIZE:
        raise InvalidRecord(f"the front matter has {len(found[1]):,} characters; at most {_FRONT_SIZE:,} are allowed")
    front = _yaml(found[1])
    _check_front(front)
    return front, text[found.end() :]


def _yaml(head: str) -> dict[str, Any]:
    """The front matter with every scalar as the text that stands there: a version 1.10 is no number."""
    import yaml

    depth = 0
    try:
        # Events come one by one, so that an alias bomb or a thousand brackets end here and build nothing.
        for event in yaml.parse(head, yaml.SafeLoader):
            depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
            if getattr(event, "anchor", None) or getattr(event, "tag", None) or depth > 2:
                line = cast("Any", event.start_mark).line + 2
                raise InvalidRecord(
                    f"the front matter has an anchor, an alias, a tag or too many levels (line {line})",
                    "a text that begins with & * or ! goes into quotes",
                )
        front = _plain(yaml.compose(head, yaml.SafeLoader))
    except (yaml.YAMLError, ValueError, OverflowError) as error:  # PyYAML lets the errors of its escapes through
        if isinstance(error, InvalidRecord):
            raise
        mark: Any = getattr(error, "problem_mark", None)
        where = f" (line {mark.line + 2})" if mark else ""
        reason = getattr(error, "problem", None) or str(error).partition("\n")[0]
        hint = "a text with ': ' or ' #' in it goes into quotes"
        raise InvalidRecord(f"the front matter is no YAML: {reason}{where}", hint) from None
    if not isinstance(front, dict):
        raise InvalidRecord("the front matter is no mapping of keys to values")
    return front


def _plain(node: Any) -> Any:  # a node of PyYAML's; front matter may hold anything
    import yaml

    if isinstance(node, yaml.ScalarNode):
        return node.value.strip()
    if isinstance(node, yaml.SequenceNode):
        return [_plain(item) for item in node.value]
    if not isinstance(node, yaml.MappingNode):
        return None
    pairs: dict[str, Any] = {}
    for key, value in node.value:
        if not isinstance(key, yaml.ScalarNode):
            raise InvalidRecord("the front matter has a key that is no text")
        if key.value in pairs:
            raise InvalidRecord(f"the front matter has {key.value[:_PATH]!r} twice")
        pairs[key.value] = _plain(value)
    return pairs


def _check_front(front: Mapping[str, Any]) -> None:
    for key in sorted(front.keys() - set(_KEYS)):
        near = did_you_mean(key[:_PATH], _KEYS)
        raise InvalidRecord(
            f"the front matter has an unknown key {key[:_PATH]!r}" + (f"; did you mean {near}?" if near else ""),
            f"known: {', '.join(_KEYS)}; other facts go below `metadata`",
        )
    for key, value in front.items():
        if key == "metadata" and not _is_string_map(value):
            raise InvalidRecord("`metadata` maps texts to texts")
        if key != "metadata" and not isinstance(value, str):
            raise InvalidRecord(f"`{key}` is one text" + (", with spaces between" if key == "allowed-tools" else ""))
    texts = [*(text for text in front.values() if isinstance(text, str)), *_flat(front.get("metadata", {}))]
    if sum(map(len, texts)) > _FRONT_TEXT:
        raise InvalidRecord(f"the front matter holds more than {_FRONT_TEXT:,} characters", "move text below it")
    if any(unicodedata.category(letter) in ("Cc", "Cs") and letter not in "\n\t" for text in texts for letter in text):
        raise InvalidRecord("the front matter has a control character")
    name, description = front.get("name", ""), front.get("description", "")
    if not (_NAME.fullmatch(name) and len(name) <= 64):
        hint = "lower-case letters and digits with hyphens between, at most 64"
        raise InvalidRecord(f"{name[:80]!r} is no name for a skill" if name else "`name` is missing", hint)
    if not description:
        raise InvalidRecord("`description` is missing", "it says what the skill does and when to use it")
    for key, limit in (("description", 1024), ("compatibility", 500)):
        if len(front.get(key, "")) > limit:
            raise InvalidRecord(f"`{key}` has {len(front[key]):,} characters; at most {limit:,} are allowed")


def _is_string_map(value: object) -> bool:
    return isinstance(value, Mapping) and all(isinstance(text, str) for text in _flat(value))


def _flat(pairs: Mapping[Any, Any]) -> list[Any]:
    return [*pairs.keys(), *pairs.values()]


def _skill_md(front: Mapping[str, Any], body: str) -> str:
    import yaml

    # Breaks within a text are written as \n: folding would be one more thing to read back exactly.
    head = yaml.safe_dump(plain(front), sort_keys=False, allow_unicode=True, width=float("inf"))
    return f"---\n{head}---\n{body}"


# Records


def _record(front: Mapping[str, Any], body: str, files: Mapping[str, JSON], distribution: str) -> Record:
    name = front["name"].replace("-", "_")
    name = f"skill_{name}" if name[0].isdigit() else name
    skill: dict[str, JSON] = {
        key: front[key] for key in ("name", "license", "compatibility", "metadata") if key in front
    }
    if "allowed-tools" in front:
        skill["allowed_tools"] = _PERMISSION.findall(front["allowed-tools"])
    return Record(
        kind="tool",
        name=name,
        description=front["description"],
        implementation=Installed(distribution, f"tool/{name}", FORMAT),
        parameters={"body": body, "files": files},
        exports={"form": "skill", "parameters": _SCHEMA, "annotations": asdict(_HINTS), "skill": skill},
        trainable={"body": True, "files": False},
    )


def _front(record: Record) -> dict[str, Any]:
    """The front matter that a record came from, as far as it is one; `_check_front` says."""
    skill = record.exports.get("skill")
    if not isinstance(skill, Mapping):
        raise InvalidRecord("its exports have no `skill`")
    front = {"description": record.description, **skill}
    tools = front.pop("allowed_tools", None)
    if isinstance(tools, list) and all(isinstance(tool, str) for tool in tools):
        front["allowed-tools"] = " ".join(cast("list[str]", tools))
    return {key: front[key] for key in (*_KEYS, *sorted(front.keys() - set(_KEYS))) if key in front}


def _check(record: Record) -> None:
    """The one proof that a record is a skill: the SKILL.md that it writes reads back as this record."""
    body, files = record.parameters.get("body"), record.parameters.get("files")
    if not isinstance(body, str) or not isinstance(files, Mapping) or not isinstance(record.implementation, Installed):
        raise InvalidRecord("a skill has the parameters `body`, a text, and `files`, a mapping")
    if len(body) > _BODY:
        raise InvalidRecord(f"the text has {len(body):,} characters; at most {_BODY:,} are allowed", "use files")
    _check_files(files)
    front = _front(record)
    _check_front(front)
    read = _record(*_parse(_skill_md(front, body)), files, record.implementation.distribution)
    if read.digest != record.digest:
        mine, its = read.to_json(), record.to_json()
        differing = [key for key in mine if canonical(mine[key]) != canonical(its[key])]
        raise InvalidRecord(f"it is not what its SKILL.md would say; it differs in {', '.join(differing)}")


def _check_files(files: Mapping[str, Any]) -> None:
    total = 0
    for path, facts in files.items():
        _check_path(path)
        if path == "SKILL.md" or _left_out(path):
            raise InvalidRecord(f"{path!r} is not among the files that a skill keeps beside SKILL.md")
        match facts:
            case {"sha256": str(sha256), "size": int(size), "executable": bool()} if (
                len(facts) == 3 and re.fullmatch("[0-9a-f]{64}", sha256) and size >= 0 and not isinstance(size, bool)
            ):
                total += size
                _check_size(path, size)
            case _:
                raise InvalidRecord(f"{path!r} is not described by its sha256, size and executable")
    _check_sum(len(files), total)
    _check_clashes(files)


def _require_skill(record: Record) -> None:
    with _prefixed(record.id):
        if record.exports.get("form") != "skill":
            raise InvalidRecord("it is no skill")
        _check(record)


def _files(record: Record) -> Mapping[str, Mapping[str, Any]]:
    return cast("Mapping[str, Mapping[str, Any]]", record.parameters["files"])


def _content(record: Record, path: str, artifacts: Callable[[str], bytes]) -> bytes:
    facts = _files(record)[path]
    content = artifacts(facts["sha256"])
    if _facts(content) != facts:
        raise StoreError(f"{record.id}: the stored content of {path} is not what the record says")
    return content


def _facts(content: bytes) -> dict[str, JSON]:
    # The mark is taken from the content, so that a record is the same on every system and after every archive.
    return {"sha256": _sha256(content), "size": len(content), "executable": content.startswith(_PROGRAM)}


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


@contextmanager
def _prefixed(name: str) -> Iterator[None]:
    try:
        yield
    except InvalidRecord as error:
        what = name if "/" in name else f"skill {name!r}" if name else "this skill"
        raise InvalidRecord(f"{what}: {error.reason}", error.hint) from None
