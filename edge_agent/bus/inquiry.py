"""One exchange in a protocol other than Modbus, and what its fields mean."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from device_profiles.fields import Interpreter, interpreter
from telemetry.sample import NOT_VALID

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from device_profiles.channel import FieldChannel
    from edge_agent.bus.cost import Cost
    from edge_agent.bus.planned import Decoded
    from edge_agent.protocols.conversation import Fields, Question, Spoken
    from telemetry.sample import Flag


@dataclass(frozen=True, slots=True, eq=False)
class Inquiry:
    """A question, and the channels that its answer brings."""

    question: Question
    channels: tuple[FieldChannel, ...]
    beside: tuple[FieldChannel, ...] = ()
    _interpreters: tuple[tuple[str, str, Interpreter], ...] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Compile what interprets an answer."""
        compiled = tuple((c.id, c.field, interpreter(c)) for c in self.channels)
        object.__setattr__(self, "_interpreters", compiled)

    def seconds(self, cost: Cost, /) -> float:
        """How long it takes of the bus's time, if the answer is as long as it can be."""
        return cost.exchange(self.question.sends + self.question.receives)

    def split(self) -> tuple[Inquiry, ...]:
        """Nothing: an exchange is what it is."""
        return ()

    def factors(self, _answer: Fields, /) -> Mapping[str, int]:
        """Nothing: fields have no scale factors beside them."""
        return {}

    def decode(
        self, answer: Fields, _factors: Mapping[str, int], _missing: Mapping[str, Flag], /
    ) -> Decoded:
        """What an answer says; a field that it should have and has not is not valid."""
        return {
            name: interpret(answer.get(key, NOT_VALID))
            for name, key, interpret in self._interpreters
        }


def inquiries(
    spoken: Spoken, address: str, channels: Iterable[FieldChannel]
) -> tuple[Inquiry, ...]:
    """The fewest exchanges that bring these channels.

    Raises:
        ValueError: if the protocol knows no such address or field.
    """
    wanted = [channel for channel in channels if channel.access.is_read]
    fields = tuple(dict.fromkeys(channel.field for channel in wanted))
    return tuple(
        Inquiry(question, tuple(c for c in wanted if c.field in question.fields))
        for question in spoken.questions(address, fields)
    )
