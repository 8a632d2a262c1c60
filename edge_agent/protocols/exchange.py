"""Sound frames out of a stream of bytes, and the conversation that most instruments need.

    bytes ─hear─► the first whole frame with the right checksum ─decode─► Fields

A frame may begin at every byte: what is torn, foreign or noise delays nothing that is sound.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from edge_agent.protocols.conversation import Listen, Question, Send

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Generator, Mapping, Sequence

    from edge_agent.protocols.conversation import Conversation
    from telemetry.sample import Flag, Value

Heard = tuple[bytes, bytes]
"""A sound frame, and the bytes that came behind it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """How a frame looks.

    Attributes:
        sync: the bytes it begins with.
        size: how many bytes a frame has that begins with these (the sync is there); None if they
            do not tell yet, 0 if no frame begins so.
        longest: no frame has more bytes.
        is_sound: whether a frame of the right size has its checksum (or syntax) right.
    """

    sync: bytes
    size: Callable[[bytes], int | None]
    longest: int
    is_sound: Callable[[bytes], bool]

    def find(self, heard: bytes) -> Heard | None:
        """The first whole and sound frame, whatever stands before it."""
        start = heard.find(self.sync)
        while start >= 0:
            candidate = heard[start : start + self.longest]
            size = self.size(candidate)
            if size and size <= len(candidate) and self.is_sound(candidate[:size]):
                return candidate[:size], heard[start + size :]
            start = heard.find(self.sync, start + 1)
        return None


def hear(shape: Shape, heard: bytes) -> Generator[Listen, bytes, Heard]:
    """Listen until a sound frame has come; only what may still become one is kept."""
    while (found := shape.find(heard)) is None:
        heard = heard[1 - shape.longest :] + (yield Listen())
    return found


def ended_by(end: bytes) -> Callable[[bytes], int | None]:
    """The size of frames that last until `end`."""

    def size(begun: bytes) -> int | None:
        at = begun.find(end, 1)
        return None if at < 0 else at + len(end)

    return size


def asked(fields: Sequence[str], known: Collection[str]) -> tuple[str, ...]:
    """The fields that were asked for, each once.

    Raises:
        ValueError: if one is not known, with those that are.
    """
    for field in fields:
        if field not in known:
            raise ValueError(f"there is no field {field!r}; known are {', '.join(known)}")
    return tuple(dict.fromkeys(fields))


def single_exchange(
    request: bytes,
    shape: Shape,
    decode: Callable[[bytes], Mapping[str, Value | Flag]],
    fields: tuple[str, ...],
) -> Question:
    """Send `request` (nothing to a device that speaks by itself) and take the first frame.

    A frame that says nothing about `fields`, such as the receipt of a command, is passed over.
    """

    def converse() -> Conversation:
        heard = yield Send(request) if request else Listen()
        while True:
            frame, heard = yield from hear(shape, heard)
            said = decode(frame)
            if answer := {field: said[field] for field in fields if field in said}:
                return answer

    return Question(fields=fields, converse=converse, sends=len(request), receives=shape.longest)
