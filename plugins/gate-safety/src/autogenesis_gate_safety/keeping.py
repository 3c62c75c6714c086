"""What must stay: resources and their exports, placeholders, protected variables, texts."""

from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase

from autogenesis_core import Record, TemplateError, inputs_of
from autogenesis_gate_safety.change import text_of


def kept_problems(
    before: Mapping[str, Record], after: Mapping[str, Record], protected: Sequence[str], keep: Sequence[str]
) -> list[str]:
    """What does not stay as it must, each in a few words."""
    problems = [f"{name} is gone" for name in before if name not in after]
    problems += [f"{name} is new" for name in after if name not in before]
    for name in (name for name in before if name in after):
        if before[name].digest == after[name].digest:
            continue
        if before[name].exports != after[name].exports:
            problems.append(f"{name} shows models another schema than before")
        old, new = before[name].values(), after[name].values()
        for path in dict.fromkeys((*old, *new)):
            variable, texts = f"{name}#{path}", (text_of(old.get(path)), text_of(new.get(path)))
            if old.get(path) != new.get(path) and any(fnmatchcase(variable, pattern) for pattern in protected):
                problems.append(f"{variable} is protected")
            if any(text and text in texts[0] and text not in texts[1] for text in keep):
                problems.append(f"{variable} loses a text that must stay")
            if before[name].kind == "prompt" and texts[0] != texts[1]:
                problems += _placeholder_problems(variable, *texts)
    return problems


def _placeholder_problems(variable: str, before: str, after: str) -> list[str]:
    try:
        old, new = inputs_of(before), inputs_of(after)
    except TemplateError as error:
        return [f"{variable}: {error.reason}"]
    problems = [f"{variable} loses the placeholder {{{{ {name} }}}}" for name in sorted(old - new)]
    return problems + [f"{variable} adds the placeholder {{{{ {name} }}}}" for name in sorted(new - old)]
