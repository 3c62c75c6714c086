"""The protocol's verbs for people: propose an edit, assess it, commit what passes the gates."""

import asyncio
import shlex
from functools import partial

from autogenesis_core.cli.arguments import Arguments
from autogenesis_core.cli.edit import given_text, whole_resource
from autogenesis_core.cli.render import render_assessed, render_result, would_commit
from autogenesis_core.cli.run import composed, estimated, finished
from autogenesis_core.cli.screen import say, say_diff, say_json
from autogenesis_core.errors import InputError, unknown

_REASON = "edited by hand"


def propose_(arguments: Arguments) -> int:
    """Keeps an edit of a resource's head for the gates to judge."""
    from autogenesis_core.registry import difference, render

    settings, given = arguments.settings(), whole_resource(arguments)
    if not arguments.file:
        raise InputError("what is proposed?", f"autogenesis propose {given} --file new.md")
    text = given_text(arguments.file)
    with arguments.registry() as registry:
        group = ""
        if other := settings.get("with"):
            known = {proposal.id: proposal.group for proposal in registry.proposals()}
            if other not in known:
                raise unknown("open proposal", other, known)
            group = known[other]
        name = registry.find(given).id
        found = difference(registry.record(name), registry.edited(name, text)[0])
        group, ids = registry.propose(name, text, settings.get("reason", _REASON), group=group)
    if arguments.json:
        return say_json({"group": group, "proposals": ids})
    say_diff(render(found, words=False))
    say(f"\n  proposed: {' '.join(ids)}")
    say("  judge it   autogenesis assess " + " ".join(ids) + " +agent=… +benchmark=…")
    say("  take it    autogenesis commit " + " ".join(ids) + " +agent=… +benchmark=…")
    return 0


def assess_(arguments: Arguments) -> int:
    """Holds proposals against the gates and commits nothing; exit code 1 unless all would be committed."""
    return _judged(arguments, commit=False)


def commit_(arguments: Arguments) -> int:
    """Holds proposals against the gates and commits what passes; exit code 1 unless all do."""
    return _judged(arguments, commit=True)


def _judged(arguments: Arguments, *, commit: bool) -> int:
    for word in arguments.overrides:
        if word.lstrip("+").startswith(("optimizer", "rounds=", "commit=")):
            raise InputError(f"{word} means nothing to {arguments.verb}: the proposals are its optimizer")
    groups = _groups(arguments)
    take = shlex.join(["autogenesis", "commit", *arguments.words, *arguments.overrides])
    render = render_result if commit else partial(render_assessed, judged=len(groups), take=take)
    more = ["+optimizer=proposals", f"rounds={len(groups)}", f"commit={str(commit).lower()}"]
    more += [f"optimizer.only=[{','.join(arguments.words)}]"] if arguments.words else []
    with composed(arguments._replace(overrides=(*arguments.overrides, *more))) as runtime:
        if "--estimate" in arguments.flags:
            return asyncio.run(estimated(arguments, runtime))
        result = asyncio.run(finished(arguments, runtime, lambda ag: ag.evolve(), render))
    if "--dry-run" in arguments.flags:  # what stubs answer passes no gate
        return 0
    return int(sum(map(would_commit, result["rounds"])) < len(groups))


def _groups(arguments: Arguments) -> set[str]:
    """What is to be judged, each for itself; raises InputError if there is nothing."""
    from autogenesis_core.registry import Registry

    given = dict(word.lstrip("+").split("=", 1) for word in arguments.overrides if "=" in word)
    with Registry.open(given.get("workdir"), given.get("branch")) as registry:
        known = {proposal.id: proposal.group for proposal in registry.proposals()}
    for name in arguments.words:
        if name not in known:
            raise unknown("open proposal", name, known)
    if not known:
        raise InputError("no proposal is open", "autogenesis propose RESOURCE --file new.md")
    return {known[name] for name in arguments.words or known}
