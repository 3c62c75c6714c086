"""How well the grammar reads wordings: `python -m autogenesis_model_simulated.measure FILE`.

A line of FILE is `{"text": ..., "rules": [{"intent", "value", "task", "tool"?}], "negated": bool}`.
"""

import json
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from autogenesis_model_simulated.grammar import parse_rules
from autogenesis_model_simulated.rule import Rule


def measure(lines: Iterable[Mapping[str, Any]]) -> dict[str, dict[str, float]]:
    """Recall and precision of the rules over labelled wordings, overall and for those with a negation."""
    examples = [(_labels(line), set(parse_rules(line["text"])), bool(line["negated"])) for line in lines]
    negated = [example for example in examples if example[2]]
    return {"all": _figures(examples), "negated": _figures(negated)}


def _labels(line: Mapping[str, Any]) -> set[Rule]:
    return {Rule(rule["intent"], rule["value"], rule["task"], rule.get("tool")) for rule in line["rules"]}


def _figures(examples: list[tuple[set[Rule], set[Rule], bool]]) -> dict[str, float]:
    expected = sum(len(labels) for labels, _, _ in examples)
    found = sum(len(rules) for _, rules, _ in examples)
    right = sum(len(labels & rules) for labels, rules, _ in examples)
    return {
        "lines": len(examples),
        "rules": expected,
        "found": found,
        "right": right,
        "recall": round(right / expected, 4) if expected else 1.0,
        "precision": round(right / found, 4) if found else 1.0,
    }


def main() -> int:
    """Print the figures for the file that the command line names, as one JSON object."""
    if len(sys.argv) != 2:
        sys.stderr.write("which file? type: python -m autogenesis_model_simulated.measure FILE.jsonl\n")
        return 2
    text = Path(sys.argv[1]).read_text(encoding="utf-8")
    figures = measure(json.loads(line) for line in text.splitlines() if line.strip())
    sys.stdout.write(json.dumps(figures, indent=2) + "\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
