"""Reasoning-gym's datasets: checked settings, questions, verifiers. It is imported here alone, and only when called."""

import json
import random
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import fields
from difflib import get_close_matches
from functools import cache
from itertools import count
from typing import Any

from autogenesis_core import InputError, derive, unknown

_SIZE = 1000  # of a dataset as reasoning-gym makes it; after so many questions another seed follows
_PATIENCE = 300  # draws in a row that bring nothing new, after which a task has no more questions

# Their questions or answers depend on the order of Python's sets (found with reasoning-gym 0.1.25 by comparing 25
# questions of every task under two hash seeds), so they repeat only where that order does.
_HASHED = frozenset(
    {"codeio", "isomorphic_strings", "knight_swap", "polynomial_multiplication", "ransom_note", "word_ladder"}
)


@cache
def _library() -> Any:  # it has no stubs
    with warnings.catch_warnings():
        # A dependency of it warns when it is compiled, which is at a person's very first run.
        warnings.simplefilter("ignore", SyntaxWarning)
        import reasoning_gym
    return reasoning_gym


def check(task: str, settings: str) -> None:
    """Raises UnknownName or InputError if there is no such task, or it does not take `settings` (canonical JSON)."""
    names = sorted(_library().factory.DATASETS.keys() - {"composite"})
    if task not in names:
        near = ", ".join(get_close_matches(task, names, n=8, cutoff=0.4))
        raise unknown(
            "task of reasoning-gym", task, names, f"near: {near or 'none'}; GALLERY.md of reasoning-gym has all"
        )
    if task in _HASHED and sys.flags.hash_randomization:
        raise InputError(
            f"the questions of {task} repeat only with a fixed hash seed", "PYTHONHASHSEED=0 autogenesis …"
        )
    known = sorted({field.name for field in fields(_library().factory.DATASETS[task][1])} - {"seed", "size"})
    for key in json.loads(settings):
        if key in ("seed", "size"):
            raise InputError(f"`{key}` is no setting of {task}: the run decides it", "seed=1 or splits.train=100")
        if key not in known:
            raise unknown(f"setting of {task}", key, known)
    _dataset(task, settings, 0)


def entries(task: str, settings: str, seed: int, number: int, seen: set[str]) -> Iterator[tuple[int, dict[str, Any]]]:
    """At most `number` entries with their index, none with a question that is in `seen`, to which they are added."""
    found = missed = 0
    for chunk in count():
        dataset = None
        for index in range(_SIZE):
            if found == number or missed == _PATIENCE:
                return
            dataset = dataset or _dataset(task, settings, derive(seed, task, chunk) % 2**31)
            with _isolated(derive(seed, task, chunk, index)):
                entry = dataset[index]
            text = entry["question"].strip()
            missed = missed + 1 if text in seen else 0
            if not missed:
                seen.add(text)
                found += 1
                yield chunk * _SIZE + index, entry


@cache
def verifier(task: str, settings: str) -> Any:  # reasoning-gym's classes have no stubs
    """The dataset whose `score_answer` judges answers; its seed plays no part in that."""
    return _dataset(task, settings, 0)


def _dataset(task: str, settings: str, seed: int) -> Any:  # as above
    library = _library()
    try:
        with _isolated(seed):
            return library.create_dataset(task, seed=seed, size=_SIZE, **json.loads(settings))
    except (AssertionError, TypeError, ValueError, KeyError) as error:
        raise InputError(f"reasoning-gym does not take the settings of {task}: {error or settings}") from None


@contextmanager
def _isolated(seed: int) -> Iterator[None]:
    """Two datasets draw from the global generators: they are seeded for it, and afterwards are as they were."""
    import numpy as np

    python, legacy = random.getstate(), np.random.get_state()
    random.seed(seed)
    np.random.seed(seed % 2**32)
    try:
        yield
    finally:
        random.setstate(python)
        np.random.set_state(legacy)
