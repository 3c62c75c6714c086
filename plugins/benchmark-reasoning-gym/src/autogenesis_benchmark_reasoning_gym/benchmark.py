"""The benchmark: a mix of reasoning-gym's tasks, its splits, and its scores."""

import warnings
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from itertools import accumulate, pairwise
from random import Random
from typing import Any

from attrs import field, frozen

from autogenesis_benchmark_reasoning_gym import generator, plain, wire
from autogenesis_core import (
    SPLITS,
    Benchmark,
    InputError,
    Outcome,
    Question,
    Score,
    Split,
    canonical,
    derive,
    digest,
    unknown,
)

_SHOWN = 500  # characters of an answer that feedback repeats


@frozen
class ReasoningGym(Benchmark):
    """Questions of one or more of reasoning-gym's tasks.

    Arguments:
        tasks: names of datasets, e.g. `word_sorting`; each split holds them in equal shares
        weights: other shares, relative to 1
        settings: by task, what its dataset's configuration takes, e.g. `{"word_sorting": {"max_words": 5}}`
    """

    tasks: Sequence[str] = ("basic_arithmetic", "word_sorting", "letter_counting", "base_conversion")
    weights: Mapping[str, float] = field(factory=dict)
    settings: Mapping[str, Mapping[str, Any]] = field(factory=dict)  # a dataset's settings are of any JSON type

    def __attrs_post_init__(self) -> None:
        if not self.tasks or len(set(self.tasks)) < len(self.tasks):
            raise InputError("`tasks` names one or more of reasoning-gym's datasets, each once", "tasks=[word_sorting]")
        for name in (*self.weights, *self.settings):
            if name not in self.tasks:
                raise unknown("task of this mix", name, self.tasks)
        for name, weight in self.weights.items():
            if not 0 < weight < float("inf"):
                raise InputError(
                    f"the weight of {name} is {weight}; it must be more than 0", "leave the task out instead"
                )

    def examples(self, sizes: Mapping[Split, int], seed: int) -> Mapping[Split, Sequence[Question]]:
        """Questions for each split, none of them twice; fewer, in proportion, of a task that has not so many.

        Raises UnknownName for a task or setting that does not exist, InputError for a setting's wrong value.
        """
        for task in self.tasks:
            generator.check(task, self._settings(task))
        weights = [float(self.weights.get(task, 1)) for task in self.tasks]
        wanted = {split: _shares(sizes.get(split, 0), weights) for split in SPLITS}
        drawn: dict[Split, list[Question]] = {split: [] for split in SPLITS}
        seen: set[str] = set()
        for position, task in enumerate(self.tasks):
            numbers = [wanted[split][position] for split in SPLITS]
            questions = self._draw(task, sum(numbers), seed, seen)
            ends = accumulate(_shares(len(questions), numbers), initial=0)
            for split, (start, end) in zip(SPLITS, pairwise(ends), strict=True):
                drawn[split] += questions[start:end]
        for split in SPLITS:
            if sizes.get(split, 0) and not drawn[split]:
                raise InputError(
                    f"{', '.join(self.tasks)}: too few different questions for `{split}`", "smaller splits"
                )
            Random(derive(seed, split)).shuffle(drawn[split])  # noqa: S311  # reproducible, not secret
        return drawn

    def score(self, example: Question, outcome: Outcome) -> Score:
        """What the task's own verifier gives, from 0 to 1; many give a part for a right value within other text.

        An answer that a verifier cannot read counts 0; raises what it raises if it cannot read its own answer either.
        """
        task, answer = str(example.metadata["task"]), outcome.text.strip()
        if isinstance(example.target, str) and answer == example.target.strip():
            answer = example.target
        elif not plain.is_plain(task, answer):
            return Score(0.0, f"The answer is not a plain value or formula, so it is not read: {_quoted(answer)}.")
        try:
            value = self._verify(task, answer, example)
        except Exception:  # noqa: BLE001  # verifiers raise whatever a malformed answer leads them to
            if isinstance(example.target, str):
                self._verify(task, example.target, example)
            value = 0.0
        return Score(value, _feedback(value, answer, example))

    @property
    def digest(self) -> str:
        """Over reasoning-gym's version, too: its verifiers change with it."""
        return digest([super().digest, version("reasoning-gym")])

    def _settings(self, task: str) -> str:
        return canonical(self.settings.get(task, {}))

    def _draw(self, task: str, number: int, seed: int, seen: set[str]) -> list[Question]:
        return [
            Question(
                f"{task}-{index}",
                entry["question"],
                entry["answer"],
                {"task": task, "metadata": wire.encode(entry["metadata"])},
            )
            for index, entry in generator.entries(task, self._settings(task), seed, number, seen)
        ]

    def _verify(self, task: str, answer: str, example: Question) -> float:
        metadata = wire.decode(example.metadata["metadata"])
        entry = {"question": example.input, "answer": example.target, "metadata": metadata}
        with warnings.catch_warnings(action="ignore"):  # of the libraries that verifiers parse answers with
            return float(generator.verifier(task, self._settings(task)).score_answer(answer, entry))


def _shares(total: int, weights: Sequence[float]) -> list[int]:
    """`total` in whole numbers by weight; the largest remainders get what is left."""
    exact = [total * weight / (sum(weights) or 1.0) for weight in weights]
    shares = [int(share) for share in exact]
    order = sorted(range(len(weights)), key=lambda i: (shares[i] - exact[i], i))
    for i in order[: total - sum(shares)]:
        shares[i] += 1
    return shares


def _feedback(value: float, answer: str, example: Question) -> str:
    if value >= 1:
        return "Right."
    if not isinstance(example.target, str):  # several answers may be right, and the dataset names none
        return f"The verifier gives {value:.2f} of 1 for the answer {_quoted(answer)}."
    more = ""
    if example.target.strip() in answer:
        more = " The expected text is in it, but an answer must hold nothing else."
    return f"Expected {_quoted(example.target.strip())}, but the answer was {_quoted(answer)}.{more}"


def _quoted(text: str) -> str:
    return f'"{text}"' if len(text) <= _SHOWN else f'"{text[:_SHOWN]}…" (cut)'
