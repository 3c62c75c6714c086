"""Text for a terminal, from wherever it comes."""

import re

# Controls but tab and line feed, what turns or hides text (bidirectional, zero-width, tag characters), and surrogates.
_UNSEEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u061c\u115f\u1160\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\u3164\ufeff"
    "\uffa0\ufff9-\ufffb\ud800-\udfff\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)


def visible(text: str) -> str:
    r"""`text` for a terminal: what moves, hides or turns text is written out (`\x1b`); tab and line feed stay.

    Text from a record is not to be trusted: an escape sequence could clear, forge or retitle a terminal.
    """
    if text.isascii() and text.isprintable():
        return text
    return _UNSEEN.sub(lambda found: found[0].encode("unicode_escape").decode(), text)
