"""Rows of a file: JSON, JSON lines or CSV, plain or compressed."""

import csv
import gzip
import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeAlias

from autogenesis_core import InputError

# A row's values are whatever the file holds.
Row: TypeAlias = Mapping[str, Any]
_KINDS = (".json", ".jsonl", ".csv")


def read_rows(path: Path) -> list[Row]:
    """The rows of a file, by its name's ending; raises InputError for one that cannot be read, with the line."""
    suffixes = [suffix.lower() for suffix in path.suffixes]
    kind = next((suffix for suffix in reversed(suffixes) if suffix != ".gz"), "")
    if kind not in _KINDS:
        raise InputError(f"{path.name} is none of {', '.join(_KINDS)}", "the ending says how a file is read")
    text = _text(path, compressed=bool(suffixes) and suffixes[-1] == ".gz")
    rows = {".json": _json, ".jsonl": _json_lines, ".csv": _csv}[kind](text, path.name)
    if not rows:
        raise InputError(f"{path.name} holds no examples")
    return rows


def _text(path: Path, *, compressed: bool) -> str:
    try:
        data = path.read_bytes()
        return (gzip.decompress(data) if compressed else data).decode("utf-8-sig")
    except FileNotFoundError:
        raise InputError(f"there is no file {path}", "the path is taken from the current folder") from None
    except UnicodeDecodeError as error:
        raise InputError(f"{path.name} is no UTF-8 text (byte {error.start})") from None
    except (OSError, EOFError) as error:
        raise InputError(f"{path} cannot be read: {error}") from None


def _json(text: str, name: str) -> list[Row]:
    data = _parse(text, name, 1)
    if isinstance(data, dict):
        lists = {key: value for key, value in data.items() if isinstance(value, list)}
        if len(lists) != 1:
            found = f"lists: {', '.join(lists)}" if lists else "none"
            raise InputError(f"{name} is an object; it needs exactly one list of examples ({found})")
        data = next(iter(lists.values()))
    if not isinstance(data, list):
        raise InputError(f"{name} is neither a list of examples nor an object with one")
    return [_row(item, f"example {number} of {name}") for number, item in enumerate(data, 1)]


def _json_lines(text: str, name: str) -> list[Row]:
    lines = enumerate(text.split("\n"), 1)
    return [_row(_parse(line, name, number), f"line {number} of {name}") for number, line in lines if line.strip()]


def _csv(text: str, name: str) -> list[Row]:
    reader = csv.DictReader(io.StringIO(text, newline=""), strict=True)
    rows: list[Row] = []
    try:
        for row in reader:
            if None in row or None in row.values():
                raise InputError(f"line {reader.line_num} of {name} has not as many cells as the first line has names")
            rows.append(row)
    except csv.Error as error:
        raise InputError(f"line {reader.line_num} of {name} is no CSV: {error}") from None
    return rows


def _parse(text: str, name: str, first: int) -> object:
    try:
        return json.loads(text, parse_constant=_no_number)
    except json.JSONDecodeError as error:
        where = f"line {first + error.lineno - 1}, column {error.colno}"
        hint = "one JSON object a line is .jsonl" if error.msg == "Extra data" else ""
        raise InputError(f"{name} is no JSON: {error.msg} ({where})", hint) from None
    except (ValueError, RecursionError) as error:
        raise InputError(f"{name} is no JSON: {error} (line {first} or after)") from None


def _no_number(constant: str) -> object:
    raise ValueError(f"{constant} is no number of JSON")


def _row(item: object, where: str) -> Row:
    if not isinstance(item, dict):
        raise InputError(f"{where} is no object with fields, but {json.dumps(item)[:60]}")
    return item
