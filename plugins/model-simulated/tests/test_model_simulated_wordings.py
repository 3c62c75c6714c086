"""How well the grammar understands wordings that were written without sight of it."""

import json
import subprocess
import sys
from pathlib import Path

BLIND = Path(__file__).with_name("wordings_blind.jsonl")


def test_rules_in_wordings_written_blind_are_understood():
    command = [sys.executable, "-m", "autogenesis_model_simulated.measure", str(BLIND)]
    found = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)

    assert (found["all"]["lines"], found["negated"]["lines"]) == (240, 117)
    assert min(found["all"]["recall"], found["all"]["precision"]) >= 0.9
    assert min(found["negated"]["recall"], found["negated"]["precision"]) >= 0.88
