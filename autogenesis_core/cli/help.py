"""Our own `--help`: short, and without importing Hydra."""

from autogenesis_core.cli.arguments import CHANGE, EVOLVE, LOOK, PLUGINS, SHARE, STORE, VERBS

_TEXT = """\
autogenesis: agents that get better by themselves, and can prove it, undo it and explain it

  autogenesis "a task" +agent=tool_calling                          act once
  autogenesis +agent=tool_calling +benchmark=reasoning_gym          measure
  autogenesis +agent=tool_calling +optimizer=reflection             evolve; with no model set, a demonstration offline

What is composed decides what happens: text acts, a benchmark measures, an optimizer evolves.
  +KIND=NAME     choose an option; +tool=[a,b] chooses several; ~KIND chooses none
  KIND.KEY=VALUE set one of its settings; seed=, workers=, rounds=, splits.test=, budget.money=, workdir= are the run's
  lock=FILE      a whole configuration with its resources, as freeze wrote it
  --task-file F  the task from a file; - reads it from standard input; text that looks like a setting goes after --
  --json         one JSON value in place of text
  --estimate     what an evolution will take; --dry-run goes through all of it on a stub: both spend nothing

A model: AUTOGENESIS_MODEL=openai/gpt-5-mini, or +model=litellm model.name=…; +model=simulated is an offline stand-in.

Verbs; autogenesis VERB --help shows one, and workdir= and branch= say where it looks
"""
_GROUPS = {"evolve": EVOLVE, "look": LOOK, "change": CHANGE, "share": SHARE, "store": STORE, "plugins": PLUGINS}
_LEFT = 52  # characters of a verb and what it takes; a longer one has its summary on the next line


def show_help(verb: str) -> int:
    """Prints the help, of one verb or of all."""
    if verb:
        print(f"autogenesis {verb} {VERBS[verb].usage}\n  {VERBS[verb].summary}")
        return 0
    print(_TEXT, end="")
    for title, verbs in _GROUPS.items():
        print(f"\n {title}")
        for name, entry in verbs.items():
            left = f"{name} {entry.usage}"
            if len(left) > _LEFT:
                print(f"  {left}")
            print(f"  {left if len(left) <= _LEFT else '':<{_LEFT}} {entry.summary}")
    return 0
