"""Forbidden content, searched for in a process of its own: Python cannot stop a regular expression that runs away."""

import asyncio
import json
import sys
from collections.abc import Sequence

from autogenesis_gate_safety.change import Change

_SECONDS = 5.0  # for all patterns and texts of a candidate
_SEARCH = """
import json, re, sys

patterns, pairs = json.load(sys.stdin)
found = []
for number, source in enumerate(patterns):
    pattern = re.compile(source)
    for place, texts in enumerate(pairs):
        before, after = (sum(1 for _ in pattern.finditer(text)) for text in texts)
        if after > before:
            found.append([number, place])
print(json.dumps(found))
"""


async def brought_in(patterns: Sequence[str], changes: Sequence[Change]) -> list[str]:
    """Which patterns match more often than before, each in a few words; also if that cannot be said in time."""
    if not patterns or not changes:
        return []
    request = json.dumps([list(patterns), [[change.before, change.after] for change in changes]])
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-I", "-S", "-c", _SEARCH,
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL, env={},
    )  # fmt: skip
    try:
        answer, _ = await asyncio.wait_for(process.communicate(request.encode()), _SECONDS)
    except TimeoutError:
        return [f"forbidden content cannot be searched for within {_SECONDS:g} seconds: a pattern or a text is hostile"]
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode:
        return ["forbidden content cannot be searched for: the search failed"]
    return [f"{changes[place].variable} brings in {patterns[number]!r:.60}" for number, place in json.loads(answer)]
