"""The other end of a conversation without any wire: pieces or answers in, what was sent out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from edge_agent.protocols.conversation import Send

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from edge_agent.protocols.conversation import Fields, Question


@dataclass(frozen=True)
class Talk:
    """What came of it: the fields, or None if more bytes were needed; and every request."""

    said: Fields | None
    sent: list[bytes]


def talk(question: Question, pieces: Iterable[bytes]) -> Talk:
    """Each step of the conversation is answered with the next piece."""
    conversation = question.converse()
    sent: list[bytes] = []
    coming = iter(pieces)
    try:
        step = next(conversation)
        while True:
            if isinstance(step, Send):
                sent.append(step.data)
            piece = next(coming, None)
            if piece is None:
                return Talk(None, sent)
            step = conversation.send(piece)
    except StopIteration as done:
        return Talk(done.value, sent)


def ask(question: Question, answer: Callable[[bytes], bytes], unasked: bytes = b"") -> Talk:
    """Each request is answered by a device, which also says something unasked, once."""
    conversation = question.converse()
    sent: list[bytes] = []
    try:
        step = next(conversation)
        while True:
            if isinstance(step, Send):
                sent.append(step.data)
                heard = answer(step.data)
            else:
                heard, unasked = unasked, b""
            if not heard:
                return Talk(None, sent)
            step = conversation.send(heard)
    except StopIteration as done:
        return Talk(done.value, sent)


def byte_by_byte(data: bytes) -> list[bytes]:
    """As the slowest of lines brings it."""
    return [bytes([byte]) for byte in data]
