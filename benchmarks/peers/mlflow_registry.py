"""MLflow's prompt registry on SQLite, timed for benchmarks/rspl.py; runs where MLflow is installed.

`python mlflow_registry.py FOLDER TEMPLATE_FILE VERSIONS…` prints one JSON object for each operation at each number of
versions. A few versions are registered through the API, rows alike fill up by SQL, and the API says that they count.
"""

import gc
import json
import os
import sqlite3
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

os.environ |= {"MLFLOW_DISABLE_TELEMETRY": "true", "MLFLOW_LOGGING_LEVEL": "ERROR"}
NAME, BY_API, WARM, RUNS, AT_LEAST, SECONDS = "x", 3, 3, 100, 10, 30.0
TABLES = ("model_versions", "model_version_tags")


def fill(database: sqlite3.Connection, template: str, count: int) -> None:
    """Rows for the versions BY_API + 1 to `count`: copies of the last one, but for its number and text."""
    for table in TABLES:
        columns = [row[1] for row in database.execute(f"PRAGMA table_info({table})")]
        other = {"version": "n.i", "value": "CASE key WHEN 'mlflow.prompt.text' THEN :text || n.i ELSE value END"}
        database.execute(
            f"WITH RECURSIVE n(i) AS (VALUES({BY_API + 1}) UNION ALL SELECT i + 1 FROM n WHERE i < :count) "
            f"INSERT INTO {table} ({', '.join(columns)}) "
            f"SELECT {', '.join(other.get(name, f't.{name}') for name in columns)} "
            f"FROM {table} t, n WHERE t.version = {BY_API}",
            {"count": count, "text": template},
        )


def check(database: sqlite3.Connection, template: str, count: int) -> None:
    """What was filled in is to MLflow, and in its rows, what it would have registered itself."""
    import mlflow

    assert mlflow.genai.load_prompt(f"prompts:/{NAME}/{count}", cache_ttl_seconds=0).template == f"{template}{count}"
    assert mlflow.genai.register_prompt(NAME, f"{template}{count + 1}").version == count + 1
    for table in TABLES:
        query = f"SELECT * FROM {table} WHERE version = ? ORDER BY 1"
        rows = [[list(map(type, row)) for row in database.execute(query, (number,))] for number in (count, count + 1)]
        assert rows[0] == rows[1] != []


def timed(operation: Callable[[], object]) -> dict[str, float]:
    """Median and 95th percentile in µs of RUNS runs, or of as many, at least AT_LEAST, as fit into SECONDS."""
    times: list[float] = []
    probe: list[float] = []  # the same sum, which tells the machine's drift between us and who runs us
    until = time.monotonic() + SECONDS
    while len(times) < RUNS + WARM and (len(times) < AT_LEAST + WARM or time.monotonic() < until):
        if times and times[-1] > 10_000:
            gc.collect()  # a long operation leaves as many objects in cycles as there are versions
        start = time.perf_counter()
        operation()
        times.append((time.perf_counter() - start) * 1e6)
        start = time.perf_counter()
        sum(range(100_000))
        probe.append((time.perf_counter() - start) * 1e6)
    p95 = statistics.quantiles(times[WARM:], n=20, method="inclusive")[-1]
    median, n = statistics.median(times[WARM:]), len(times) - WARM
    return {"median": median, "p95": p95, "n": n, "probe": statistics.median(probe)}


def measure(folder: Path, template: str, count: int) -> None:
    import mlflow

    path = folder / f"mlflow-{count}.db"
    mlflow.set_tracking_uri(f"sqlite:///{path}")
    mlflow.set_registry_uri(f"sqlite:///{path}")
    for number in range(1, BY_API + 1):
        mlflow.genai.register_prompt(NAME, f"{template}{number}")
    database = sqlite3.connect(path, isolation_level=None)
    fill(database, template, count)
    check(database, template, count)
    database.close()
    mlflow.genai.set_prompt_alias(NAME, "production", count // 2)
    client, load = mlflow.MlflowClient(), mlflow.genai.load_prompt
    numbers = iter(range(count + 2, sys.maxsize))
    assert len(client.search_prompt_versions(NAME, max_results=100)) == 100
    assert load(f"prompts:/{NAME}@production", cache_ttl_seconds=0).version == count // 2
    operations: dict[str, Callable[[], object]] = {
        "load a version not read before": lambda: load(f"prompts:/{NAME}/{count}", cache_ttl_seconds=0),
        "load the head": lambda: load(f"prompts:/{NAME}@latest", cache_ttl_seconds=0),
        "load by alias": lambda: load(f"prompts:/{NAME}@production", cache_ttl_seconds=0),
        "load by alias, cached": lambda: load(f"prompts:/{NAME}@production"),
        "page of 100 of the history": lambda: client.search_prompt_versions(NAME, max_results=100),
        "register a version": lambda: mlflow.genai.register_prompt(NAME, f"{template}{next(numbers)}"),
    }
    for name, operation in operations.items():
        print(json.dumps({"versions": count, "operation": name, **timed(operation)}), flush=True)


def main() -> None:
    start = time.perf_counter()
    import mlflow

    imported = time.perf_counter() - start
    from mlflow.store.db.utils import create_sqlalchemy_engine

    with create_sqlalchemy_engine(f"sqlite:///{Path(sys.argv[1]) / 'about.db'}").connect() as connection:
        pragmas = [connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in ("journal_mode", "synchronous")]
    print(json.dumps({"version": mlflow.__version__, "import": imported, "pragmas": pragmas}), flush=True)
    gc.disable()  # favours MLflow: a collection would fall into its longer operations
    gc.freeze()
    for count in sys.argv[3:]:
        measure(Path(sys.argv[1]), Path(sys.argv[2]).read_text(), int(count))


if __name__ == "__main__":
    main()
