"""Finding tools: recall of `retrieve` on labelled queries, and its speed.

`python benchmarks/retrieval.py [--quick]` prints one JSON object a figure. Each set has its own tools and skills, and
an author who had not seen the code. Of `blind` the code's authors saw the tools, and other queries; of `other_fields`
nothing: its tools are of fields for which the vocabulary has no topics, and hardly a query shares a word with a name.
"""

import json
import statistics
import sys
import time
from pathlib import Path

from autogenesis_core import Installed, Record
from autogenesis_core.rspl.retrieval import Index

DATA = Path(__file__).parents[1] / "tests" / "rspl" / "data"
SETS = {"blind": 0.9, "other_fields": None, "dev": None}


def figure(name: str, value: float, unit: str, target: float | None = None) -> None:
    met = None if target is None else value >= target if unit == "recall" else value <= target
    print(json.dumps({"name": name, "value": round(value, 4), "unit": unit, "target": target, "met": met}), flush=True)


def record(data: dict) -> Record:
    name = data.get("name", data.get("tool")).replace("-", "_")
    properties = {key: {"type": "string", "description": text} for key, text in data.get("arguments", {}).items()}
    exports = {
        "form": "skill" if "body" in data else "native",
        "parameters": {"type": "object", "properties": properties},
    }
    parameters = {"body": data["body"], "files": {}} if "body" in data else {}
    return Record("tool", name, data["description"], Installed("d", f"tool/{name}", "h"), parameters, exports)


def main() -> None:
    for name, target in SETS.items():
        lines = [json.loads(line) for line in (DATA / f"retrieval_{name}.jsonl").read_text().splitlines()]
        queries = [line for line in lines if "query" in line]
        records = [record(line) for line in lines if "query" not in line]
        with Index(records) as index:
            for k in (1, 4):
                figure(f"recall@{k}, {name}: {len(queries)} queries, {len(records)} tools", recall(index, queries, k),
                       "recall", target if k == 4 else None)  # fmt: skip
    many = [
        record({"name": f"{one.name[:50]}_{n}", "description": one.description}) for n in range(12) for one in records
    ]
    begin = time.perf_counter()
    with Index(many[:1000]) as index:
        figure("index of 1,000 tools", (time.perf_counter() - begin) * 1e3, "ms", 200)
        spent = []
        for query in queries * (1 if "--quick" in sys.argv else 5):
            begin = time.perf_counter()
            index.search(query["query"])
            spent.append(time.perf_counter() - begin)
        figure("search in 1,000 tools, median", statistics.median(spent) * 1e3, "ms", 1)


def recall(index: Index, queries: list[dict], k: int) -> float:
    found = 0.0
    for query in queries:
        wanted = {f"tool/{name.replace('-', '_')}" for name in query["expected"]}
        got = {one.id for one in index.search(query["query"], k)}
        found += len(wanted & got) / min(len(wanted), k)
    return found / len(queries)


if __name__ == "__main__":
    main()
