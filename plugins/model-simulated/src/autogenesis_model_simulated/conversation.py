"""What a request's messages say: the instructions, the question, and what tools have answered to it."""

from collections.abc import Sequence

from attrs import frozen

from autogenesis_core import Message


@frozen
class Conversation:
    """A request's messages, read as the simulated model reads them.

    `instructions` is the text of all system and developer messages; `question` the last user message;
    `results` what `tool` messages have said since.
    """

    instructions: str
    question: str
    results: tuple[str, ...]

    @classmethod
    def of(cls, messages: Sequence[Message]) -> "Conversation":
        """The conversation that `messages` are."""
        last = max((at for at, message in enumerate(messages) if message.get("role") == "user"), default=len(messages))
        told = [text_of(message) for message in messages if message.get("role") in ("system", "developer")]
        results = tuple(text_of(message) for message in messages[last + 1 :] if message.get("role") == "tool")
        question = text_of(messages[last]) if last < len(messages) else ""
        return cls("\n".join(told), question, results)


def text_of(message: Message) -> str:
    """The text of a message, whose content may be a text, a list of parts, or nothing."""
    content = message.get("content")
    if isinstance(content, str):
        return content
    parts = content if isinstance(content, Sequence) else ()
    return "\n".join(str(part.get("text", "")) for part in parts if isinstance(part, dict))
