"""A read in whatever protocol, and what all the reads of a round say together.

A channel may lean on others: on the power of ten that scales it (`sf`), on the state in which alone
it holds (`valid_if`). Where these came in another read of the round, that one's words are used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from device_profiles.decode import Doubted
from telemetry.sample import NOT_VALID, Flag

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from device_profiles.meaning import Channel, ValidIf
    from edge_agent.bus.cost import Cost
    from telemetry.sample import Value

Answer = Any
"""What a read brought: words, or a protocol's fields; each request reads those of its own kind."""

Decoded = dict[str, "Value | Flag | Doubted"]
"""What each channel came to."""


class ShortReply(ValueError):
    """A reply has less than its request asked for."""


class Planned(Protocol):
    """A read as the poller asks it, whatever the protocol."""

    @property
    def channels(self) -> tuple[Channel, ...]:
        """What it brings."""
        ...

    @property
    def beside(self) -> tuple[Channel, ...]:
        """What it brings only for these to lean on."""
        ...

    def seconds(self, cost: Cost, /) -> float:
        """How long it takes of the bus's time."""
        ...

    def split(self) -> tuple[Planned, ...]:
        """Two reads in place of one that the device refused; none if there is nothing to part."""
        ...

    def factors(self, answer: Answer, /) -> Mapping[str, int]:
        """The scale factors in an answer, as they stand there, by channel."""
        ...

    def decode(
        self, answer: Answer, factors: Mapping[str, int], missing: Mapping[str, Flag], /
    ) -> Decoded:
        """What an answer says; `factors` and `missing` are the whole round's."""
        ...


def seconds(reads: Iterable[Planned], cost: Cost) -> float:
    """How long reads take of the bus's time, one after the other."""
    return sum(read.seconds(cost) for read in reads)


def decode_round(
    replies: Sequence[tuple[Planned, Answer]], missing: Mapping[str, Flag]
) -> tuple[dict[str, Value], dict[str, Flag]]:
    """The values of all replies of a round, and the flags of channels without, or doubted.

    Args:
        replies: each read that was answered, with its answer.
        missing: why the channels of the others were not read.

    Raises:
        ShortReply: if an answer has less than its request asked for.
    """
    own = [request.factors(answer) for request, answer in replies]
    told = {name: factor for factors in own for name, factor in factors.items()}
    decoded = [
        request.decode(answer, {**told, **factors} if factors else told, missing)
        for (request, answer), factors in zip(replies, own, strict=True)
    ]
    whole: Decoded = {name: outcome for part in decoded for name, outcome in part.items()}
    values: dict[str, Value] = {}
    flags = dict(missing)
    for (request, _), part in zip(replies, decoded, strict=True):
        for channel in request.channels:
            outcome = part[channel.id]
            if channel.valid_if is not None:
                outcome = _conditional(outcome, channel.valid_if, part, whole, missing)
            _enter(channel.id, outcome, values, flags)
    return values, flags


def _conditional(
    outcome: Value | Flag | Doubted,
    valid_if: ValidIf,
    part: Decoded,
    whole: Decoded,
    missing: Mapping[str, Flag],
) -> Value | Flag | Doubted:
    """The outcome if its condition is met; of the condition's readings, the same reply's counts."""
    name = valid_if.channel
    state = part.get(name, whole.get(name, missing.get(name)))
    match state:
        case Flag():
            return state
        case Doubted(value=value):
            state = value
    return outcome if state == valid_if.equals else NOT_VALID


def _enter(
    name: str,
    outcome: Value | Flag | Doubted,
    values: dict[str, Value],
    flags: dict[str, Flag],
) -> None:
    flags.pop(name, None)
    if isinstance(outcome, Doubted):
        values[name], flags[name] = outcome
    elif isinstance(outcome, Flag):
        flags[name] = outcome
    else:
        values[name] = outcome
