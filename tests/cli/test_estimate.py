import json

WORDS = ("+agent=tool_calling", "+benchmark=reasoning_gym", "+optimizer=reflection", "+model=simulated")


def test_an_estimate_spends_nothing_and_writes_no_run(typed, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code, out, err = typed(*WORDS, "--estimate", "--json")
    found = json.loads(out)
    assert (code, err) == (0, "")
    assert list(tmp_path.iterdir()) == []
    assert all(low <= high for low, high in (found["rollouts"], found["calls"], found["tokens"]))
    assert found["money"] == [0.0, 0.0]


def test_a_run_takes_no_more_than_its_estimate(typed, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    found = json.loads(typed(*WORDS, "--estimate", "--json")[1])
    spent = json.loads(typed(*WORDS, "--json")[1])["spent"]
    assert found["rollouts"][0] <= spent["rollouts"] <= found["rollouts"][1]
    assert found["calls"][0] <= spent["calls"] <= found["calls"][1]


def test_more_rounds_and_proposals_cost_more(typed, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    few, many = (
        json.loads(typed(*WORDS, "--estimate", "--json", *more)[1]) for more in ((), ("optimizer.rounds=6", "width=2"))
    )
    assert all(few[key][1] < many[key][1] for key in ("rollouts", "calls", "tokens"))


def test_a_dry_run_goes_through_it_all_and_leaves_nothing(skilled, evolved, typed, evolve_words):
    before = {path: path.read_bytes() for path in evolved.rglob("*") if path.is_file()}
    code, out, err = typed(*evolve_words, "optimizer.skills=9 9 9", "--dry-run")
    assert (code, err) == (0, "")
    assert out.rstrip().splitlines()[-1] == (
        "  dry run: models were stubs; agent skilled is code of its own, which ran as it is; nothing of this is kept"
    )
    assert "dry run, in a copy of the store" in out.splitlines()[0]
    assert not [line for line in out.splitlines() if "/tmp" in line or "autogenesis " in line]
    assert {path: path.read_bytes() for path in evolved.rglob("*") if path.is_file()} == before


def test_a_dry_run_asks_a_stub_in_the_place_of_the_model(typed, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code, out, err = typed(
        *WORDS[:3], "+model=litellm", "model.name=openai/gpt-5-mini", "budget.money=null", "--dry-run", "--json"
    )
    assert (code, err) == (0, "")
    assert json.loads(out)["model"] == "stub of openai/gpt-5-mini"
    assert [path.name for path in tmp_path.iterdir()] == []


def test_a_dry_run_says_what_a_run_would_say_of_wrong_settings(typed, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code, _, err = typed("+agent=tool_caling", "--dry-run")
    assert (code, err.splitlines()[0]) == (2, "autogenesis: no agent 'tool_caling'; did you mean agent=tool_calling?")
