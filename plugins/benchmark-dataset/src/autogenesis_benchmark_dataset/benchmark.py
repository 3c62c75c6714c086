"""The benchmark: a file's rows as examples, their splits, and their scores."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from attrs import field, frozen, validators

from autogenesis_benchmark_dataset import judge, scorers
from autogenesis_benchmark_dataset.rows import Row, read_rows
from autogenesis_core import (
    JSON,
    SPLITS,
    Benchmark,
    InputError,
    ModelClient,
    Outcome,
    Question,
    Score,
    Split,
    digest,
    load_function,
    split_by_content,
    unknown,
)

_INPUTS = ("input", "question", "prompt", "text")
_TARGETS = ("target", "answer", "output", "label")
_SPLITS: Mapping[str, Split] = {
    "train": "train", "training": "train", "val": "val", "valid": "val", "validation": "val", "dev": "val",
    "test": "test", "testing": "test",
}  # fmt: skip


@frozen
class Dataset(Benchmark):
    """Questions with targets from a file.

    Arguments:
        path: a `.json`, `.jsonl` or `.csv` file, from the current folder; each may also be `.gz`
        input, target: the fields with the question and its target; by default the first of the usual names
        id: the field with a name for each example; by default the row's number
        scorer: `exact`, `numeric`, `contains`, `choice`, `regex`, `json`, `judge`, or `file.py:function`, a function of
            the user's, sync or async, that takes answer, target and question and returns a number, true or false, or
            (number, feedback)
        tolerance: how far the number of `numeric` may be from the target's
        subset: an answer of `json` may have more fields than the target's objects
        rubric: when an answer agrees with the target, for `judge`: a text, or a file that ends in .md or .txt
        threads: the user's function is thread-safe: calls of a sync one run in threads, beside each other
        split: the field that says which split an example belongs to; by default its content decides
        cluster: the field with the group of examples that depend on each other, e.g. the document they ask about; its
            examples stay in one split, and intervals count with groups
    """

    # What repr shows is the scorer: the digest is over it. These say which examples there are, and where.
    path: str = field(repr=False)
    input: str | None = field(default=None, repr=False)
    target: str | None = field(default=None, repr=False)
    id: str | None = field(default=None, repr=False)
    scorer: str = "exact"
    split: str | None = field(default=None, repr=False)
    cluster: str | None = field(default=None, repr=False)
    tolerance: float = field(default=0.0, validator=validators.ge(0))
    subset: bool = False
    rubric: str | None = None
    threads: bool = field(default=False, repr=False)

    def __attrs_post_init__(self) -> None:
        names = [*scorers.SCORERS, "judge"]
        if not self._is_own and self.scorer not in names:
            known = f"known: {', '.join(names)}, or a function of yours: scorer.py:score"
            raise unknown("scorer", self.scorer, names, known)

    def examples(self, sizes: Mapping[Split, int], seed: int) -> Mapping[Split, Sequence[Question]]:
        """The file's examples; of several with the same input and the same split of the file's own, the first alone.

        Without a field for it, the split of an example is a function of the seed and its content, so that a file may
        grow. Raises InputError for a file that cannot be used as it is meant, and if a split would be empty.
        """
        questions = self._questions()
        if self.split is None:
            found = split_by_content([question for question, _ in questions], sizes, seed)
        else:
            found = {
                split: _shuffled([q for q, own in questions if own == split], seed)[: sizes.get(split, 0)]
                for split in SPLITS
            }
        for split in SPLITS:
            if sizes.get(split, 0) and not found[split]:
                raise InputError(
                    f"{self.path} has {len(questions)} different examples, and none is left for `{split}`",
                    f"splits.{split}=0, or more examples" if self.split is None else "leave out benchmark.split",
                )
        return found

    def score(self, example: Question, outcome: Outcome) -> Score | Awaitable[Score]:
        """What the scorer says of the answer, white space around it taken away."""
        answer = outcome.text.strip()
        if self._is_own:
            return scorers.call(load_function(self.scorer), self.scorer, answer, example, threads=self.threads)
        if self.scorer == "json" and outcome.data is not None:
            answer = scorers.text_of(outcome.data)
        options = scorers.Options(self.tolerance, self.subset)
        return scorers.SCORERS[self.scorer].score(answer, example, options)

    @property
    def uses_model(self) -> bool:
        """Whether a model is the judge."""
        return self.scorer == "judge"

    async def judge(self, example: Question, outcome: Outcome, model: ModelClient) -> Score:
        """1 if the model finds twice that answer and target agree, half if once: they change places in between."""
        return await judge.judged(outcome.text.strip(), example, self._rubric, model)

    @property
    def digest(self) -> str:
        """Over the scorers' own source, too, be it ours or the user's."""
        files = [scorers.__file__]
        if self._is_own:
            load_function(self.scorer)  # a wrong path is an error that says so
            files.append(self.scorer.rpartition(":")[0])
        said = [self._rubric, Path(judge.__file__).read_text(encoding="utf-8")] if self.uses_model else []
        texts = [Path(file).expanduser().read_text(encoding="utf-8") for file in files]
        return digest([super().digest, *texts, *said])

    @property
    def _rubric(self) -> str:
        text = self.rubric or judge.RUBRIC
        if not text.endswith((".md", ".txt")):
            return text
        path = Path(text).expanduser()
        if not path.is_file():
            raise InputError(f"there is no file {path}", "benchmark.rubric is a text, or a file here")
        return path.read_text(encoding="utf-8")

    @property
    def _is_own(self) -> bool:
        return ":" in self.scorer or self.scorer.endswith(".py")

    def _questions(self) -> list[tuple[Question, Split | None]]:
        """Every different question, with its split where the file says it."""
        path = Path(self.path).expanduser()
        rows = read_rows(path)
        read = self._reader(rows[0], path.name)
        questions: dict[tuple[str, Split | None], tuple[Question, Split | None]] = {}
        names: set[str] = set()
        for number, row in enumerate(rows, 1):
            question, split = read(row, number)
            if (question.input.strip(), split) in questions:
                continue
            if question.id in names:
                raise InputError(f"two examples of {path.name} have the {self.id} '{question.id}'", "benchmark.id=null")
            names.add(question.id)
            questions[question.input.strip(), split] = question, split
        return list(questions.values())

    def _reader(self, first: Row, name: str) -> Callable[[Row, int], tuple[Question, Split | None]]:
        """Reads a row as a question, by the fields that the first row has."""
        asked = _field("input", self.input, _INPUTS, first, name)
        if self.cluster is not None:
            _field("cluster", self.cluster, (), first, name)
        wanted = self.target
        if not self._is_own or wanted is not None or any(field in first for field in _TARGETS):
            wanted = _field("target", self.target, _TARGETS, first, name)

        def read(row: Row, number: int) -> tuple[Question, Split | None]:
            where = f"example {number} of {name}"
            text = _value(row, asked, where)
            if not isinstance(text, str) or not text.strip():
                raise InputError(f"the field '{asked}' of {where} is no text: {scorers.quoted(text)}")
            target = None if wanted is None else _value(row, wanted, where)
            if self.uses_model and target is None:
                raise InputError(f"the target of {where} is empty, and the judge compares answers with it")
            if self.scorer in scorers.SCORERS:
                scorers.check_target(self.scorer, target, where)
            label = f"{name.partition('.')[0]}-{number}" if self.id is None else str(_value(row, self.id, where))
            split = None if self.split is None else _split(_value(row, self.split, where), where)
            group = {} if self.cluster is None else {"cluster": str(_value(row, self.cluster, where))}
            return Question(label, text, target, group), split

        return read


def _field(purpose: str, chosen: str | None, usual: Sequence[str], row: Row, name: str) -> str:
    found = f"its fields: {', '.join(row)}"
    if chosen is None:
        field = next((field for field in usual if field in row), None)
        if field is None:
            raise InputError(f"{name} has none of the fields {', '.join(usual)}", f"benchmark.{purpose}=…   ({found})")
        return field
    if chosen not in row:
        raise unknown(f"field in {name}", chosen, row, found)
    return chosen


def _value(row: Row, field: str, where: str) -> Any:  # whatever the file holds
    if field not in row:
        raise InputError(f"{where} has no field '{field}'", f"its fields: {', '.join(row)}")
    return row[field]


def _split(value: JSON, where: str) -> Split:
    split = _SPLITS.get(str(value).strip().lower())
    if split is None:
        raise InputError(f"{where} belongs to no known split: {scorers.quoted(value)}", f"known: {', '.join(_SPLITS)}")
    return split


def _shuffled(questions: Sequence[Question], seed: int) -> list[Question]:
    """In an order that only the seed and the questions decide, not their order in the file."""
    return sorted(questions, key=lambda question: digest([seed, question.digest]))
