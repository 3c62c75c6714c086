"""Functions of the user's own files: `app.py:run`. A file that the user names is trusted, and only that."""

import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from autogenesis_core.errors import InputError, unknown
from autogenesis_core.identity import digest


def load_function(path: str) -> Callable[..., Any]:
    """The function that `file.py:name` names; raises InputError if there is none or the file fails.

    The same file with the same content is executed once.
    """
    file, _, name = path.rpartition(":")
    source = Path(file).expanduser().resolve()
    if not file.endswith(".py") or not name:
        raise InputError(f"'{path}' names no function", "write it as file.py:function")
    if not source.is_file():
        raise InputError(f"there is no file {file}", "the path is taken from the current folder")
    module = _load(source)
    found = getattr(module, name, None)
    if not callable(found):
        functions = [key for key, value in vars(module).items() if callable(value) and not key.startswith("_")]
        raise unknown(f"function in {file}", name, functions)
    return found  # type: ignore[no-any-return]  # any callable of the user's


def _load(source: Path) -> object:
    name = f"autogenesis_user_{digest([str(source), source.read_text(encoding='utf-8')])[:16]}"
    if name in sys.modules:
        return sys.modules[name]
    spec = importlib.util.spec_from_file_location(name, source)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    sys.path.insert(0, str(source.parent))
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:
        del sys.modules[name]
        raise InputError(
            f"{source.name} fails on import: {type(error).__name__}: {error}", "AUTOGENESIS_TRACE=1 shows where"
        ) from error
    finally:
        sys.path.remove(str(source.parent))
    return module
