"""The tool that sorts words."""

from autogenesis_core import tool


@tool(read_only=True, idempotent=True, open_world=False, blocking=False)
def sort_words(words: list[str], descending: bool = False) -> list[str]:
    """Sort words by code point, in which all capital letters come before all small ones.

    Args:
        words: the words, in any order; repeated ones are kept
        descending: true to sort from last to first

    Returns:
        the words in order

    Examples:
        {"words": ["pear", "Fig", "apple"]} -> ["Fig","apple","pear"]
        {"words": ["a", "c", "b"], "descending": true} -> ["c","b","a"]
    """
    return sorted(words, reverse=descending)
