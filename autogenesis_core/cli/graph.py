"""The graph of a history: a lane for each line of descent, drawn beside the versions."""

from collections.abc import Sequence
from typing import NamedTuple

HEAD, SHIPPED, PLAIN = "●", "○", "•"
_PASSING, _FORK, _END, _ACROSS, _CROSSED = "│", "├", "╯", "─", "┼"
ASCII = str.maketrans("●○•│├╯─┼", "*o.||'-+")


class Node(NamedTuple):
    """A version: its name, its first parent's ("" if that is of another resource, or none) and its mark."""

    name: str
    parent: str
    mark: str


def draw(nodes: Sequence[Node]) -> list[str]:
    """A drawing beside each node, all of one width. Nodes come newest first, each before its parent."""
    lanes: list[str] = []  # the node that each lane leads down to; "" where it is free
    rows = []
    for node in nodes:
        mine = [at for at, wanted in enumerate(lanes) if wanted == node.name] or [_free(lanes)]
        rows.append(_row(lanes, mine, node.mark))
        for at in mine[1:]:
            lanes[at] = ""
        lanes[mine[0]] = node.parent
        while lanes and not lanes[-1]:
            lanes.pop()
    width = max(map(len, rows), default=0)
    if width == 1:  # where there is one lane only, a plain version need not be told from one that passes
        rows = [row.replace(PLAIN, _PASSING) for row in rows]
    return [row.ljust(width) for row in rows]


def _free(lanes: list[str]) -> int:
    if "" not in lanes:
        lanes.append("")
    return lanes.index("")


def _row(lanes: Sequence[str], mine: Sequence[int], mark: str) -> str:
    first, last = mine[0], mine[-1]
    row = ""
    for at, wanted in enumerate(lanes):
        joined = first < at <= last
        row += (_ACROSS if joined else " ") if at else ""
        if at == first:
            row += _FORK if len(mine) > 1 and mark == PLAIN else mark
        elif at in mine:
            row += _END
        elif wanted:
            row += _CROSSED if joined else _PASSING
        else:
            row += _ACROSS if joined else " "
    return row
