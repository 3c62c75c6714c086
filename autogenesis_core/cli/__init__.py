"""The command line: a thin skin over the runtime, the store and the catalogue. Everything heavy is imported late."""

import os
import sys
from collections.abc import Sequence

from autogenesis_core.cli.arguments import VERBS, Arguments, split


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command line; returns the exit code: 0, 1 for a failed run, 2 for bad input, 130 when interrupted."""
    from autogenesis_core.errors import AutogenesisError, on_one_line

    try:
        code = _dispatch(split(sys.argv[1:] if argv is None else argv))
        sys.stdout.flush()  # here, where a reader that went away is no error
        return code
    except AutogenesisError as error:
        _traceback()
        notes = "".join(f"\n  {note}" for note in getattr(error, "__notes__", ()))
        _say(f"autogenesis: {error}{notes}")
        return error.exit_code
    except KeyboardInterrupt as error:
        said = getattr(error.__context__, "__notes__", ["what was committed stays"])  # a run says how it goes on
        print(f"autogenesis: interrupted; {'; '.join(said)}", file=sys.stderr)
        return 130
    except BrokenPipeError:
        # The reader went away; pointing stdout elsewhere keeps the interpreter's last flush quiet.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as error:  # noqa: BLE001  # a person gets one line, and the traceback when asked for
        _traceback()
        _say(f"autogenesis: {type(error).__name__}: {on_one_line(str(error))}\n  AUTOGENESIS_TRACE=1 shows where")
        return 1


def _dispatch(arguments: Arguments) -> int:
    if "--version" in arguments.flags:
        return _version()
    if "--help" in arguments.flags or not (arguments.verb or arguments.overrides or arguments.task):
        from autogenesis_core.cli.help import show_help

        return show_help(arguments.verb)
    if arguments.verb:
        from importlib import import_module

        module, function = VERBS[arguments.verb].module, arguments.verb
        return int(getattr(import_module(f"autogenesis_core.cli.{module}"), f"{function}_")(arguments))
    from autogenesis_core.cli.run import run

    return run(arguments)


def _version() -> int:
    from autogenesis_core import __version__

    print(f"autogenesis {__version__} (Python {sys.version.split()[0]})")
    return 0


def _traceback() -> None:
    if os.environ.get("AUTOGENESIS_TRACE"):
        import traceback

        _say(traceback.format_exc())


def _say(text: str) -> None:
    from autogenesis_core import redact
    from autogenesis_core.terminal import visible

    print(visible(redact(text)), file=sys.stderr)
