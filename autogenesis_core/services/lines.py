"""JSON a line, for what is written by the thousand."""

import json
from collections.abc import Callable

try:
    from json.encoder import c_make_encoder, encode_basestring_ascii  # type: ignore[attr-defined]  # not in typeshed
except ImportError:  # another Python than CPython
    c_make_encoder = None


def line_encoder(separators: tuple[str, str] = (", ", ": ")) -> Callable[[object], str]:
    """`json.JSONEncoder(separators=…, default=str).encode`, with its C part made once and not for each value."""
    if c_make_encoder is None:
        return json.JSONEncoder(separators=separators, default=str).encode
    between, after = separators
    pieces = c_make_encoder(None, str, encode_basestring_ascii, None, after, between, False, False, True)
    return lambda value: "".join(pieces(value, 0))
