"""The contract: what a selection of resources can do, generated from their records in the form of a SKILL.md.

What records say is untrusted: a plugin, an import or an optimizer wrote it. Every text of theirs becomes one line, or
indented lines of code, that can neither begin a block of Markdown of its own nor close a tag around the contract.
"""

import os
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from attrs import asdict, field, frozen

from autogenesis_core.errors import InputError, InvalidRecord, TemplateError
from autogenesis_core.identity import JSON, canonical
from autogenesis_core.rspl.entity import KINDS
from autogenesis_core.rspl.record import Record
from autogenesis_core.rspl.tool import Annotations
from autogenesis_core.services.model import estimate_tokens

LIMIT = 4_000_000  # bytes of a saved contract
_DESCRIPTION = 1024  # characters that a SKILL.md may have in its description
_NAME = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,62}[a-z0-9])?")
_HEADING = re.compile(rf"## ((?:{'|'.join(KINDS)})/[a-z][a-z0-9_]{{0,63}})")
_SHOWN = 200  # characters of a value that are shown
_DEPTH = 4  # levels of a nested argument that are shown
# Control, format (bidirectional overrides, tags), surrogates: they show a person something else than they tell a model.
_HIDDEN = ("Cc", "Cf", "Cs")
_JOINERS = "\u200c\u200d"  # format characters that scripts and emoji need
_OPENERS = re.compile(r"[#>\-+*=_|\[]|`{3}|~{3}|[0-9]{1,9}(?=[.)])")
_LIMITS: Mapping[str, str] = {
    "minimum": "at least {}",
    "exclusiveMinimum": "more than {}",
    "maximum": "at most {}",
    "exclusiveMaximum": "less than {}",
    "multipleOf": "a multiple of {}",
    "minLength": "at least {} characters",
    "maxLength": "at most {} characters",
    "minItems": "at least {} items",
    "maxItems": "at most {} items",
    "format": "format {}",
    "pattern": "matching {}",
}


@frozen
class Contract:
    """What some resources can do, as text for a prompt.

    Arguments:
        name: the SKILL.md's: lower-case letters, digits and hyphens
        text: the whole file, front matter first
        tokens: about how many the text has, by `estimate_tokens`
        ids: `kind/name` of each resource, in the order of the text
    """

    name: str
    text: str
    tokens: int
    ids: tuple[str, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """The resources' names without their kinds."""
        return tuple(id_.partition("/")[2] for id_ in self.ids)

    def is_current(self, records: Iterable[Record]) -> bool:
        """Whether this is the contract of `records` as they are now."""
        return self == contract(records, self.name)


@frozen
class _Selection:
    """Records by their digests, which say all of them: what a contract is cached by."""

    digests: tuple[str, ...]
    records: tuple[Record, ...] = field(eq=False)


def contract(records: Iterable[Record], title: str = "resources") -> Contract:
    """The contract of `records`, which depends on them and `title` alone; their order does not matter.

    Raises InputError for a title without a letter or digit and for a resource that is given twice.
    """
    name = re.sub(r"[^a-z0-9]+", "-", title.lower())[:64].strip("-")
    if not name:
        raise InputError(f"'{title}' is no title for a contract", "it needs a letter from a to z, or a digit")
    found = sorted(records, key=lambda record: record.id)
    for id_, count in Counter(record.id for record in found).items():
        if count > 1:
            raise InputError(f"a contract has each resource once, but {id_} is given {count} times")
    return _contract(name, _Selection(tuple(record.digest for record in found), tuple(found)))


@lru_cache(maxsize=64)
def _contract(name: str, selection: _Selection) -> Contract:
    ids = tuple(record.id for record in selection.records)
    text = "\n\n".join([_front(name, ids), *map(_block, selection.records)]) + "\n"
    return Contract(name, text, estimate_tokens(text), ids)


def save(contract: Contract, path: Path) -> None:
    """Writes a contract's text; whoever reads meanwhile finds the old file or the new. Raises InputError."""
    data = contract.text.encode()
    if len(data) > LIMIT:
        raise InputError(f"this contract has {len(data):,} bytes; at most {LIMIT:,} may be saved", "select fewer")
    try:
        beside = path.with_name(f".{path.name}.{os.urandom(8).hex()}")
        try:
            with beside.open("xb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            beside.replace(path)
        finally:
            beside.unlink(missing_ok=True)
    except (OSError, ValueError) as error:
        raise InputError(f"the contract cannot be written to {path}: {error}") from None


def load(path: Path) -> Contract:
    """A saved contract; `is_current` says whether it still holds.

    Raises InputError if the file cannot be read, InvalidRecord if it holds no contract.
    """
    try:
        if path.exists() and not path.is_file():  # a pipe would be waited for
            raise InputError(f"{path} is no file")
        with path.open("rb") as file:
            data = file.read(LIMIT + 1)
    except (OSError, ValueError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"the contract at {path} cannot be read: {error}") from None
    if len(data) > LIMIT:
        raise InvalidRecord(f"{path} has more than {LIMIT:,} bytes, which no contract has")
    try:
        text = data.decode().replace("\r\n", "\n")
    except UnicodeDecodeError:
        raise InvalidRecord(f"{path} holds no contract: it is no text in UTF-8") from None
    return _read(text, str(path))


def _read(text: str, where: str) -> Contract:
    head = re.match(rf"---\nname: '?({_NAME.pattern})'?\n", text)
    headings = [line for line in text.split("\n") if line.startswith("## ")]
    ids = tuple(match[1] for line in headings if (match := _HEADING.fullmatch(line)))
    if not head or len(ids) < len(headings) or list(ids) != sorted(set(ids)):
        raise InvalidRecord(f"{where} holds no contract", "write it anew from the resources")
    # The front matter follows from the headings, so a block that was added or taken away by hand is noticed.
    if not text.startswith(f"{_front(head[1], ids)}\n"):
        raise InvalidRecord(f"{where} holds no contract: its headings are not what its front matter names")
    return Contract(head[1], text, estimate_tokens(text), ids)


def _front(name: str, ids: Sequence[str]) -> str:
    import yaml

    description = f"How to use {', '.join(ids)}." if ids else "No resources."
    if len(description) > _DESCRIPTION:
        kinds = Counter(id_.partition("/")[0] for id_ in ids)
        description = f"How to use {len(ids)} resources: {', '.join(f'{kind} ({n})' for kind, n in kinds.items())}."
    front = yaml.safe_dump({"name": name, "description": description}, sort_keys=False, width=10_000)
    return f"---\n{front}---"


def _block(record: Record) -> str:
    if record.kind == "tool":
        parts = _skill(record) if record.exports.get("form") == "skill" else _tool(record)
    elif record.kind == "prompt":
        parts = _prompt(record)
    else:
        spec = _mapping(record.exports.get("spec"))
        parts = [_values("Parameters", record.parameters, record), _values("Specification", spec, record)]
    return "\n\n".join(filter(None, [f"## {record.id}", _line(record.description), *parts]))


def tool_description(record: Record) -> str:
    """A tool's contract without its arguments: what a model is told beside the schema that has them."""
    parts = [] if record.form == "skill" else _tool_facts(record)
    return "\n\n".join(filter(None, [record.description, *parts]))


def _tool(record: Record) -> list[str]:
    arguments = _list("Arguments", _arguments(_mapping(record.exports.get("parameters")))) or "Arguments: none"
    return [arguments, *_tool_facts(record)]


def _tool_facts(record: Record) -> list[str]:
    told = record.exports
    returned = told.get("returns")
    return [
        f"Returns: {_inline(returned)}" if isinstance(returned, str) and returned else "",
        _list("Errors", map(_line, _texts(told.get("raises")))),
        _list("Limits", map(_line, _texts(told.get("limits")))),
        _examples(_texts(told.get("examples"))),
        f"Effects: {_effects(_mapping(told.get('annotations')))}.",
    ]


def _skill(record: Record) -> list[str]:
    """What tells a model whether to load the skill; its body is what it loads."""
    skill = _mapping(record.exports.get("skill"))
    files = _mapping(record.parameters.get("files"))
    lines = []
    for path, entry in sorted(files.items()):
        size = _mapping(entry).get("size")
        lines.append(_name(path) + (f" ({size:,} bytes)" if isinstance(size, int) else ""))
    name, needs = skill.get("name"), skill.get("compatibility")
    return [
        f"Skill: {_inline(name)}" if isinstance(name, str) else "",
        f"Needs: {_inline(needs)}" if isinstance(needs, str) and needs else "",
        _list("Arguments", _arguments(_mapping(record.exports.get("parameters")))),
        _list("Files", lines),
    ]


def _prompt(record: Record) -> list[str]:
    from autogenesis_core.rspl.template import inputs_of

    try:
        inputs = sorted(set().union(*(inputs_of(str(text)) for text in record.parameters.values())))
    except TemplateError as error:
        raise InvalidRecord(f"{record.id}: {error.reason}", error.hint) from None
    listed = record.exports.get("sections")
    roles = {
        str(section.get("id")): str(section.get("role", "system"))
        for section in map(_mapping, listed if isinstance(listed, list) else ())
    }
    sections = [
        f"{_name(name)}: {_inline(roles.get(name, 'system'))}, {'trainable' if record.is_trainable(name) else 'fixed'}"
        for name in [*(name for name in roles if name in record.parameters), *sorted(record.parameters.keys() - roles)]
    ]
    return [_inline(f"Inputs: {', '.join(inputs) or 'none'}"), _list("Sections", sections)]


def _arguments(schema: Mapping[str, JSON], depth: int = 0) -> Iterator[str]:
    """A line for each property of an object's schema; those of an inner object are indented below it."""
    required = schema.get("required")
    for name, found in _mapping(schema.get("properties")).items():
        inner = _mapping(found)
        facts = [_type(inner)]
        if isinstance(required, list) and name in required:
            facts.append("required")
        elif "default" in inner:
            facts.append(f"default {_value(inner['default'])}")
        else:
            facts.append("optional")
        facts += _limits(inner)
        text = inner.get("description")
        told = f": {_inline(text)}" if isinstance(text, str) and text else ""
        yield "  " * depth + f"{_name(name)} ({', '.join(facts)}){told}"
        if depth + 1 < _DEPTH:
            yield from _arguments(inner if "properties" in inner else _mapping(inner.get("items")), depth + 1)


def _limits(schema: Mapping[str, JSON]) -> list[str]:
    members = schema.get("anyOf")
    parts = [schema, *map(_mapping, members if isinstance(members, list) else ())]
    return [words.format(_value(part[key])) for part in parts for key, words in _LIMITS.items() if key in part]


def _type(schema: Mapping[str, JSON], depth: int = 0) -> str:
    if "enum" in schema or "const" in schema:
        values = schema.get("enum", [schema.get("const")])
        return f"one of {', '.join(map(_value, values))}" if isinstance(values, list) else "any"
    for key in ("anyOf", "oneOf"):
        if isinstance(members := schema.get(key), list) and depth < _DEPTH:
            return " or ".join(dict.fromkeys(_type(_mapping(member), depth + 1) for member in members)) or "any"
    kind = schema.get("type")
    if isinstance(kind, list):
        return " or ".join(_inline(str(member)) for member in kind) or "any"
    if kind == "array" and (items := _mapping(schema.get("items"))) and depth < _DEPTH:
        return f"array of {_type(items, depth + 1)}"
    return _inline(kind) if isinstance(kind, str) else "any"


def _effects(given: Mapping[str, JSON]) -> str:
    """The four hints in words; one that a record lacks is MCP's default, the worse."""
    hints = asdict(Annotations()) | dict(given)
    if hints["read_only"]:
        words = ["reads only"]
    else:
        words = ["may destroy" if hints["destructive"] else "changes things but destroys nothing"]
    words.append("may be repeated" if hints["idempotent"] else "may act anew each time")
    return ", ".join([*words, "reaches the open world" if hints["open_world"] else "stays in a closed world"])


def _values(title: str, values: Mapping[str, JSON], record: Record) -> str:
    return _list(
        title,
        (
            f"{_name(name)}: {_value(value)}{' (trainable)' if record.is_trainable(name) else ''}"
            for name, value in sorted(values.items())
        ),
    )


def _list(title: str, lines: Iterable[str]) -> str:
    # An empty item below the title would make a heading of it.
    items = [re.sub(r"^ *", r"\g<0>- ", line) for line in lines if line]
    return "\n".join([f"{title}:", *items]) if items else ""


def _examples(texts: Sequence[str]) -> str:
    """Code, indented: unlike a fence, that has no end which an example could write."""
    lines = [shown for text in texts for line in text.splitlines() if (shown := _visible(line.expandtabs(4)).rstrip())]
    return "\n".join(["Examples:\n", *(f"    {line}" for line in lines)]) if lines else ""


def _value(value: JSON) -> str:
    text = _inline(canonical(value))
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}… ({len(text):,} characters)"


def _line(text: str) -> str:
    """A text that begins a line: what Markdown would read as the beginning of a block is escaped."""
    found = _inline(text)
    opener = _OPENERS.match(found)
    if not opener:
        return found
    at = opener.end() if opener[0].isdigit() else 0
    return f"{found[:at]}\\{found[at:]}"


def _name(text: str) -> str:
    return _line(text) or '""'


def _inline(text: str) -> str:
    """A text on one line, without hidden characters, and without what could be a tag."""
    return re.sub(r"<(?=[A-Za-z/!?|])", "&lt;", " ".join(_visible(text).split()))


def _visible(text: str) -> str:
    """A text without hidden characters, with a space for each that is some sort of space."""
    spaced = (" " if c.isspace() else c for c in text)
    return "".join(c for c in spaced if c in _JOINERS or unicodedata.category(c) not in _HIDDEN)


def _mapping(value: object) -> Mapping[str, Any]:  # JSON data
    return value if isinstance(value, Mapping) else {}


def _texts(value: object) -> list[str]:
    return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []
