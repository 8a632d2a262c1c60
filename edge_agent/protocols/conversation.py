"""How a serial protocol other than Modbus is spoken, without any input or output.

    Question ─converse─► Send │ Listen ─► bytes that came ─► … ─► Fields

A conversation is a generator: it yields what to do next, is sent each piece of bytes that came,
and returns what the device said. It is fed until it returns; the one who drives it keeps the
deadline. Bytes that make no good frame are skipped, and the next good frame counts.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from telemetry.sample import Flag, Value

Fields = Mapping[str, Value | Flag]
"""What a device said, by the protocol's own names; raw, as the profile's channels scale it."""


class Refused(Exception):
    """A good frame came, in which the device says that it will not answer; the message says why."""


@dataclass(frozen=True, slots=True)
class Send:
    """Send these bytes, then wait for the answer; `baud`: the speed to change to after them."""

    data: bytes
    baud: int | None = None


@dataclass(frozen=True, slots=True)
class Listen:
    """Wait for (more) bytes."""


Conversation = Generator[Send | Listen, bytes, Fields]


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One exchange with a device.

    Attributes:
        fields: that the answer brings, among those that were asked for.
        converse: begins the exchange anew.
        sends: bytes of its requests; 0 where the device speaks by itself.
        receives: bytes of its answers as a rule, for the bus's time.
        most: bytes that they may have, for the deadline; as many, if it is not said.
    """

    fields: tuple[str, ...]
    converse: Callable[[], Conversation]
    sends: int
    receives: int
    most: int = 0


class Spoken(Protocol):
    """A protocol."""

    def questions(self, address: str, fields: Sequence[str]) -> tuple[Question, ...]:
        """The fewest exchanges that bring these fields of the device at `address`.

        Raises:
            ValueError: if the protocol knows no such address or field, with what it does know.
        """
        ...


def replay(question: Question, data: bytes) -> Fields | None:
    """What the device said in recorded bytes; None if they make no whole answer.

    Raises:
        Refused: if the device refused.
    """
    conversation = question.converse()
    try:
        step = next(conversation)
        while not (isinstance(step, Listen) and not data):
            step, data = conversation.send(data), b""
    except StopIteration as done:
        fields: Fields = done.value
        return fields
    return None
