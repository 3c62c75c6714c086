"""The folder: a document as files that people review, each resource's text beside its lineage.

`prompt/NAME.md`, `tool/SKILL-NAME/` or `KIND/NAME.json` is what the head says; `KIND/NAME.lineage.json` is the document
of that resource alone. What was changed in the former and is not in the latter is an edit.
"""

import os
import re
import unicodedata
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import cast

from autogenesis_core.errors import InputError, InvalidRecord
from autogenesis_core.identity import JSON
from autogenesis_core.rspl.document import SIZE, Commit, Document, Lineage, Row, read_json
from autogenesis_core.rspl.entity import KINDS, Kind
from autogenesis_core.rspl.prompt import parse_prompt, to_markdown
from autogenesis_core.rspl.reader import SHIPPED
from autogenesis_core.rspl.record import Installed, Record
from autogenesis_core.rspl.skill import read_skill, to_folder
from autogenesis_core.rspl.transfer import Edit

_LINEAGE = ".lineage.json"
_NAME = re.compile(r"[a-z][a-z0-9_]{0,63}")
_MARK = "<!-- written by autogenesis export -->"
_TEXT = 16_000_000  # bytes of one text; a record has at most a quarter of it
_ROWS = 100  # of a table in README.md
_CELL = 200  # characters of a table's cell


def write_folder(document: Document, folder: Path, *, branch: str = "main") -> None:
    """Writes a document as a folder; twice gives the same bytes.

    The head is that on `branch`, else the shipped one, else the newest version. Only files of the document's own
    resources are written, and a README.md if there is none of another's.
    Raises InputError for a place that is a link or cannot be written, and for names that differ only on some systems.
    """
    try:
        _make(folder)
        for id_ in sorted(document.resources):
            _write_resource(document.only(id_), id_, folder, branch)
        readme = folder / "README.md"
        if not readme.exists() or readme.read_bytes().startswith(_MARK.encode()):
            _write(readme, _readme(document, branch).encode())
    except OSError as error:
        raise InputError(f"the folder {folder} cannot be written: {error}") from None


def read_folder(folder: Path, *, branch: str = "main") -> tuple[Document, list[Edit]]:
    """The document of a folder's lineages, and what was edited since they were written.

    Other files are left alone. Raises InputError for a link, a file that is too large, or one that is no resource.
    """
    if not folder.is_dir():
        raise InputError(f"no folder {str(folder)!r}")
    document = Document({}, {}, {}, {})
    edits: list[Edit] = []
    try:
        places = [(kind, folder / kind) for kind in KINDS if _is_folder(folder / kind)]
        for kind, place in places:
            for path in sorted(place.glob(f"*{_LINEAGE}")):
                if _NAME.fullmatch(name := path.name.removesuffix(_LINEAGE)):
                    document = document.joined(_lineage_document(path, f"{kind}/{name}"))
        for kind, place in places:
            edits += _edits(kind, place, document, branch)
    except OSError as error:
        raise InputError(f"the folder {folder} cannot be read: {error}") from None
    for edit in edits:
        if sum(other.record.id == edit.record.id for other in edits) > 1:
            raise InputError(f"{folder} says twice what {edit.record.id} is")
    return document, edits


# Writing


def _write_resource(document: Document, id_: str, folder: Path, branch: str) -> None:
    kind, _, name = id_.partition("/")
    place = folder / kind
    _make(place)
    record = document.records[_head(document.resources[id_], branch).digest]
    files = _files(document, record)
    for path, content in files.items():
        for above in reversed((place / path).relative_to(place).parents[:-1]):
            _make(place / above)
        _write(place / path, content, executable=_is_executable(record, path))
    for path in _stale(document, files):
        if (place / path).is_file() and (place / path).resolve() == place.resolve() / path:
            (place / path).unlink()
    _write(place / f"{name}{_LINEAGE}", document.to_json().encode())


def _files(document: Document, record: Record) -> dict[str, bytes]:
    """What a record is written as, by path below its kind's folder."""
    if record.kind == "prompt":
        return {f"{record.name}.md": to_markdown(record).encode()}
    if record.form == "skill":
        skill = _skill_name(record)
        return {f"{skill}/{path}": body for path, body in to_folder(record, document.artifacts.__getitem__).items()}
    data = {key: value for key, value in record.to_json().items() if key not in ("kind", "name")}
    return {f"{record.name}.json": (_indented(data) + "\n").encode()}


def _indented(data: Mapping[str, JSON]) -> str:
    import json

    return json.dumps(data, sort_keys=True, indent=2, ensure_ascii=False, allow_nan=False)


def _skill_name(record: Record) -> str:
    return str(cast("Mapping[str, JSON]", record.exports["skill"])["name"])


def _is_executable(record: Record, path: str) -> bool:
    if record.form != "skill":
        return False
    files = cast("Mapping[str, Mapping[str, JSON]]", record.parameters["files"])
    return bool(files.get(path.partition("/")[2], {}).get("executable"))


def _stale(document: Document, files: Mapping[str, bytes]) -> Iterator[str]:
    """Files that an earlier version of a skill had and this has not: left there, they would be a part of it."""
    for record in document.records.values():
        if record.form == "skill":
            earlier = cast("Mapping[str, JSON]", record.parameters["files"])
            yield from (path for file in earlier if (path := f"{_skill_name(record)}/{file}") not in files)


def _make(folder: Path) -> None:
    if folder.is_symlink():
        raise InputError(f"{folder} is a link, and nothing is written through one")
    folder.mkdir(parents=True, exist_ok=True)


def _write(path: Path, content: bytes, *, executable: bool = False) -> None:
    if path.is_symlink() or path.is_dir():
        raise InputError(f"{path} is a link or a folder, and nothing is written over it")
    if path.exists() and path.read_bytes() == content:
        return  # its time stays, so that what watches the folder sees changes only
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        beside.write_bytes(content)
        beside.chmod(0o755 if executable else 0o644)
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)


def _head(lineage: Lineage, branch: str) -> Row:
    version = lineage.heads.get(branch) or lineage.heads.get(SHIPPED)
    return next((row for row in lineage.versions if row.version == version), lineage.versions[-1])


# README.md: all that a model wrote stands in code spans, where nothing is a link, a mention or HTML


def _readme(document: Document, branch: str) -> str:
    parts = [_MARK, "# Resources", "", "Written by `autogenesis export`; edit the texts, not this page."]
    for id_, lineage in sorted(document.resources.items()):
        head = _head(lineage, branch)
        path = min(_files(document, document.records[head.digest]))
        parts += ["", f"## [`{id_}`]({id_.partition('/')[0]}/{path.partition('/')[0]})", ""]
        parts += [f"{_span(document.records[head.digest].description)}, at `{head.version}`", ""]
        parts += ["| version | when | by | score | why |", "|---|---|---|---|---|"]
        parts += [_line(row, document.commits[row.commit]) for row in reversed(lineage.versions[-_ROWS:])]
        if (more := len(lineage.versions) - _ROWS) > 0:
            parts += ["", f"{more:,} earlier versions are in `{id_}{_LINEAGE}`."]
    return "\n".join(parts) + "\n"


def _line(row: Row, commit: Commit) -> str:
    body = commit.body
    before, after = (f"{score:.2f}" if isinstance(score, int | float) else "" for score in (
        body.get("before"), body.get("after")
    ))  # fmt: skip
    author, optimizer = body.get("author"), body.get("optimizer")
    by = str(f"optimizer {optimizer}" if optimizer else author or commit.event)
    hypotheses = cast("list[Mapping[str, JSON]]", body.get("hypotheses") or [{}])
    day = datetime.fromtimestamp(commit.time, UTC).date().isoformat()
    score = f"{before} → {after}" if before or after else ""
    why = _span(str(hypotheses[0].get("text", ""))) or ("" if commit.event == "commit" else _span(commit.event))
    return f"| {row.version} | {day} | {_span(by)} | {score} | {why} |"


def _span(text: str) -> str:
    """A text as one code span that may stand in a table."""
    plain = "".join(" " if unicodedata.category(c)[0] in "CZ" else {"`": "'", "|": "¦"}.get(c, c) for c in text)
    short = " ".join(plain.split())
    return f"`{short[: _CELL - 1]}…`" if len(short) > _CELL else f"`{short}`" if short else ""


# Reading


def _is_folder(place: Path) -> bool:
    if place.is_symlink():
        raise InputError(f"{place} is a link, and none is followed")
    return place.is_dir()


def _read(path: Path, limit: int) -> str:
    if path.is_symlink() or not path.is_file():
        raise InputError(f"{path} is a link or no file, and none is followed")
    with path.open("rb") as file:
        content = file.read(limit + 1)
    if len(content) > limit:
        raise InputError(f"{path} has more than {limit:,} bytes")
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        raise InputError(f"{path} is no UTF-8 text (byte {error.start})", "save it as UTF-8") from None


def _lineage_document(path: Path, id_: str) -> Document:
    try:
        document = Document.from_json(_read(path, SIZE))
    except InputError as error:
        raise InputError(f"{path}: {error.reason}", error.hint) from None
    if set(document.resources) != {id_}:
        raise InputError(f"{path} is not the lineage of {id_} alone")
    return document


def _edits(kind: Kind, place: Path, document: Document, branch: str) -> Iterator[Edit]:
    for path in sorted(place.iterdir()):
        suffix = ".md" if kind == "prompt" else ".json"
        name = path.name.removesuffix(suffix)
        if kind == "tool" and (path / "SKILL.md").exists():
            edit = _skill_edit(path, document, branch)
        elif path.name.endswith(suffix) and _NAME.fullmatch(name):
            edit = _text_edit(path, kind, name, document, branch)
        else:
            continue
        if edit is not None:
            yield edit


def _base(document: Document, id_: str, branch: str) -> tuple[Row, Record] | tuple[None, None]:
    if id_ not in document.resources:
        return None, None
    row = _head(document.resources[id_], branch)
    return row, document.records[row.digest]


def _text_edit(path: Path, kind: Kind, name: str, document: Document, branch: str) -> Edit | None:
    row, head = _base(document, f"{kind}/{name}", branch)
    text = _read(path, _TEXT)
    # What is as it was written is no edit, also where reading it gives something else: a text's outer empty lines go.
    written = _files(document, head).get(path.name, b"").decode() if head else None
    if text.replace("\r\n", "\n") == (written or "").replace("\r\n", "\n"):
        return None
    try:
        record = _prompt(text, name, head) if kind == "prompt" else _record(text, kind, name)
    except (ValueError, RecursionError) as error:  # of PyYAML: a date that is none, a thousand brackets
        reason, hint = (error.reason, error.hint) if isinstance(error, InputError) else (str(error), "")
        raise InvalidRecord(f"{path}: {reason}", hint) from None
    if head and head.digest == record.digest:
        return None
    return Edit(record, row.version if row else None, {key: document.artifacts[key] for key in record.artifacts})


def _prompt(text: str, name: str, head: Record | None) -> Record:
    from attrs import evolve

    record = parse_prompt(text, name, "")
    if record.name != name:
        raise InvalidRecord(f"its front matter says that its name is '{record.name}'", "make them the same")
    return evolve(record, implementation=head.implementation) if head else record


def _record(text: str, kind: Kind, name: str) -> Record:
    data = read_json(text)
    if not isinstance(data, dict) or data.keys() & {"kind", "name"}:
        raise InvalidRecord("this is no record without its kind and name")
    record = Record.from_json({**data, "kind": kind, "name": name})
    if record.artifacts:
        raise InvalidRecord("a skill with files is a folder with a SKILL.md")
    return record


def _skill_edit(path: Path, document: Document, branch: str) -> Edit | None:
    if path.is_symlink():
        raise InputError(f"{path} is a link, and none is followed")
    record, artifacts = read_skill(path)
    row, head = _base(document, record.id, branch)
    if head and isinstance(head.implementation, Installed):
        record, artifacts = read_skill(path, head.implementation.distribution)
    if head and head.digest == record.digest:
        return None
    return Edit(record, row.version if row else None, artifacts)


__all__ = ["read_folder", "write_folder"]
