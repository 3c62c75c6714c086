"""Sharing: resources of a registry as files, from files, and from one store to another."""

import os
from pathlib import Path

from attrs import evolve

from autogenesis_core.errors import InputError, UnknownName
from autogenesis_core.loading import default_branch
from autogenesis_core.registry import Registry
from autogenesis_core.rspl.document import SIZE, Document
from autogenesis_core.rspl.folder import read_folder, write_folder
from autogenesis_core.rspl.prompt import parse_prompt
from autogenesis_core.rspl.record import Record
from autogenesis_core.rspl.skill import read_skill
from autogenesis_core.rspl.store import Store
from autogenesis_core.rspl.transfer import Edit, Imported


def write(document: Document, path: Path, *, branch: str, force: bool = False) -> None:
    """Writes a document to a `.json` file, whole or not at all, or as a folder of files that people review.

    Raises InputError for a file that is no export, unless told to replace it, and for what cannot be written.
    """
    if path.suffix != ".json" or path.is_dir():
        write_folder(document, path, branch=branch)
        return
    if path.exists() and not force:
        try:
            Document.from_json(_text(path))
        except InputError:
            raise InputError(f"{path} is there and is no export", "name another file, or add --force") from None
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        beside.write_text(document.to_json(), encoding="utf-8", newline="\n")
        beside.replace(path)
    except OSError as error:
        raise InputError(f"{path} cannot be written: {error}") from None
    finally:
        beside.unlink(missing_ok=True)


def read(registry: Registry, path: Path) -> tuple[Document, list[Edit]]:
    """What a file or folder brings: an exported document or folder, a skill's folder, or a prompt's Markdown file.

    A skill or prompt that the registry has already is an edit of its head. Raises InputError for anything else.
    """
    if path.is_dir():
        return _skill(registry, path) if (path / "SKILL.md").exists() else _folder(registry, path)
    if path.suffix == ".md":
        record = parse_prompt(_text(path), path.stem, "")
        return _edit(registry, record, Edit(record, None))
    text = _text(path)
    try:
        return Document.from_json(text), []
    except InputError as error:
        raise InputError(f"{path}: {error.reason}", error.hint) from None


def open_other(path: Path, *, create: bool = False) -> Registry:
    """The registry of another store: a store's file, the folder that holds it, or the project around that."""
    found = [path, path / "autogenesis.db", path / "workdir" / "autogenesis.db"]
    file = next((file for file in found if file.is_file()), path if path.suffix == ".db" else found[1])
    store = Store.open(file, create=create)
    try:
        return Registry(store, default_branch(store, None))
    except BaseException:
        store.close()
        raise


def _folder(registry: Registry, path: Path) -> tuple[Document, list[Edit]]:
    document, edits = read_folder(path, branch=registry.branch)
    if not document.resources and not edits:
        raise InputError(
            f"{path} holds no exported resources, and no skill", "autogenesis export to=FOLDER/ writes one"
        )
    return document, edits


def _skill(registry: Registry, path: Path) -> tuple[Document, list[Edit]]:
    record, artifacts = read_skill(path)
    return _edit(registry, record, Edit(record, None, artifacts))


def _edit(registry: Registry, record: Record, edit: Edit) -> tuple[Document, list[Edit]]:
    """An edit on top of the head that is here, which the document then names; or of a new resource."""
    try:
        head = registry.find(record.id)
    except UnknownName:
        return Document({}, {}, {}, {}), [edit]
    before = registry.store.record(head.digest)
    record = evolve(record, implementation=before.implementation)
    if record.digest == before.digest:
        return Document({}, {}, {}, {}), []
    return registry.export([str(head)]), [evolve(edit, record=record, base=head.version)]


def _text(path: Path) -> str:
    try:
        if not path.is_file():
            raise InputError(f"there is no file {path}")
        if path.stat().st_size > SIZE:
            raise InputError(f"{path} has more than {SIZE:,} bytes")
        return path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path} cannot be read: {error}") from None


__all__ = ["Document", "Edit", "Imported", "open_other", "read", "write"]
