import json
from pathlib import Path

import pytest

from autogenesis_core.testing import BenchmarkContract


class TestDataset(BenchmarkContract):
    option = "benchmark/dataset"
    settings = ("benchmark.path=questions.jsonl",)

    @pytest.fixture(autouse=True)
    def questions(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        lines = [json.dumps({"question": f"What is {n} + {n}?", "answer": str(2 * n)}) for n in range(40)]
        (tmp_path / "questions.jsonl").write_text("\n".join(lines), encoding="utf-8")
        monkeypatch.chdir(tmp_path)
