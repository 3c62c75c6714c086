"""The tool that counts letters."""

from autogenesis_core import InputError, tool


@tool(read_only=True, idempotent=True, open_world=False, blocking=False)
def count_letters(text: str, letter: str, match_case: bool = False) -> int:
    """Count how often a letter occurs in a text.

    Args:
        text: the text to search
        letter: a single character
        match_case: whether capital and small letters are different letters

    Returns:
        how often it occurs

    Raises:
        InputError: the letter is not a single character

    Examples:
        {"text": "Strawberry", "letter": "r"} -> 3
        {"text": "Anna", "letter": "a", "match_case": true} -> 1
    """
    if len(letter) != 1:
        raise InputError(f"letter must be a single character, not {len(letter)}", "call once for each letter")
    return text.count(letter) if match_case else text.casefold().count(letter.casefold())
