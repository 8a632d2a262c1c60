"""Which profile fits a device: what to ask it next, and what its answers say so far.

    nameplate (43/14) ─► SunSpec's chain ─► known registers ─► values of what is still possible

A model is out as soon as the device refuses one of its reads or a value is not credible. One whose
place differs from device to device is out unless the chain of SunSpec models leads to it. What
remains is certain if the device named itself, likely if its values fit far better than those of
any other model, and else possible. A profile that does not say how it is recognised, such as a
template for PLCs, is never more than possible.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING

from device_profiles.registers import Table
from edge_agent.bus.request import decode_reply
from edge_agent.scan.signature import in_chain, is_coded, worth
from edge_agent.scan.sunspec import WORDS, Walk
from telemetry.sample import NOT_A_NUMBER, NOT_VALID, SENTINEL, Flag, Quality

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from device_profiles.channel import RegisterChannel
    from device_profiles.model import ModbusProfile
    from edge_agent.bus.request import Request
    from edge_agent.scan.signature import Signature
    from edge_agent.scan.sunspec import Model
    from telemetry.sample import Value

LIKELY_BITS = 10.0
"""Bits that make a model likely: one chance in 1024 that another device's registers fit."""

LEAD = 4.0
"""Bits by which it must be ahead of the next model."""

MOST_CODE_BITS = 6.0
"""What all codes of a model are worth together: a PLC is full of ones and twos."""

POSSIBLE_BITS = 3.0
"""With less, nothing was said."""


class Sure(StrEnum):
    """How sure it is that a device is of a model."""

    CERTAIN = "certain"
    LIKELY = "likely"
    POSSIBLE = "possible"


@dataclass(frozen=True, slots=True)
class WhoAreYou:
    """Read Device Identification, 43/14."""


@dataclass(frozen=True, slots=True)
class Read:
    """Registers or bits of one table."""

    table: Table
    address: int
    count: int


Question = WhoAreYou | Read


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A model that fits.

    Attributes:
        bits: what its values are worth as evidence.
        named: the device says on its nameplate that it is this.
        register: the value of the register that tells it, if one does.
        values: that were credible.
        offset: where its registers begin.
    """

    profile: ModbusProfile
    offset: int
    sure: Sure
    bits: float
    named: bool
    register: Value | None
    values: Mapping[str, Value]


class Recognition:
    """One device; nothing here asks."""

    def __init__(self, signatures: Iterable[Signature]) -> None:
        known = tuple(signatures)
        self._placeless = [each for each in known if each.profile.addressing and not each.offset]
        self._signatures = [each for each in known if each not in self._placeless]
        self._walk = Walk()
        self.nameplate: Mapping[int, str] | None = None
        self._answers: dict[Question, Sequence[int] | None] = {}

    def question(self) -> Question | None:
        """What to ask next; None when no answer can change anything."""
        if WhoAreYou() not in self._answers:
            return WhoAreYou()
        possible = [each for each in self._signatures if not self._is_out(each)]
        certain = [each for each in possible if self._tells_itself(each)]
        if self._placeless and not certain and self._walk.address is not None:
            return Read(Table.HOLDING, self._walk.address, WORDS)
        for each in certain or possible:
            for request in _requests(each):
                if self._words(request) is None:
                    return _read(request)
        return None

    def named(self, nameplate: Mapping[int, str] | None) -> None:
        """The identification objects by their id; None: it does not know the function."""
        self.nameplate = nameplate
        self._answers[WhoAreYou()] = None

    def answered(self, read: Read, words: Sequence[int] | None) -> None:
        """What a read brought; None: a refusal, or nothing."""
        self._answers[read] = words
        if read == Read(Table.HOLDING, self._walk.address or 0, WORDS):
            self._walk.tell(words)
            if self._walk.address is None:
                self._place()

    @property
    def models(self) -> tuple[Model, ...]:
        """The SunSpec models that the device has."""
        return self._walk.models

    def _place(self) -> None:
        """Take up the models that have a place in this device."""
        for each in self._placeless:
            self._signatures += in_chain(each.profile, self._walk.models)

    def candidates(self) -> tuple[Candidate, ...]:
        """The models that fit, the best first."""
        found = [self._candidate(each) for each in self._signatures if not self._is_out(each)]
        fitting = [c for c in found if c.sure is Sure.CERTAIN or c.bits >= POSSIBLE_BITS]
        fitting.sort(key=_rank)
        return tuple(_judged(fitting))

    def _candidate(self, signature: Signature) -> Candidate:
        values: dict[str, Value] = {}
        telling: list[RegisterChannel] = []
        for request in signature.reads:
            words = self._words(request)
            if words:
                credible, _ = decode_reply(request, words)
                values |= credible
                telling += (c for c in _telling(request, words) if c.id in credible)
        register = self._register(signature)
        named = signature.nameplate is not None
        sure = Sure.CERTAIN if named or register is not None else Sure.POSSIBLE
        return Candidate(
            profile=signature.profile,
            offset=signature.offset,
            sure=sure,
            bits=_bits(telling),
            named=named,
            register=register,
            values=values,
        )

    def _tells_itself(self, signature: Signature) -> bool:
        return signature.nameplate is not None or self._register(signature) is not None

    def _is_out(self, signature: Signature) -> bool:
        """Whether an answer contradicts it."""
        if WhoAreYou() in self._answers and signature.nameplate is not None:
            objects = self.nameplate
            if objects is None or not signature.nameplate.fits(objects):
                return True
        if any(self._answers.get(_read(each), ()) is None for each in _requests(signature)):
            return True
        if self._is_another(signature):
            return True
        return any(self._is_incredible(request) for request in signature.reads)

    def _is_another(self, signature: Signature) -> bool:
        """Whether the known register holds something else."""
        request = signature.register
        told = request is not None and self._words(request) is not None
        return told and self._register(signature) is None

    def _register(self, signature: Signature) -> Value | None:
        """What the known register holds, if it is right."""
        if signature.known is None or signature.register is None:
            return None
        words = self._words(signature.register)
        if words is None:
            return None
        values, _ = decode_reply(signature.register, words)
        value = next(iter(values.values()), None)
        return value if value is not None and signature.known.fits(value) else None

    def _is_incredible(self, request: Request) -> bool:
        words = self._words(request)
        if words is None:
            return False
        _, flags = decode_reply(request, words)
        told = {channel.id: _may_say(channel) for channel in request.channels}
        return any(flag not in told[name] for name, flag in flags.items() if name in told)

    def _words(self, request: Request) -> Sequence[int] | None:
        """The words of a read, also out of a larger one."""
        for read, words in self._answers.items():
            if isinstance(read, Read) and words is not None and _holds(read, request):
                start = request.address - read.address
                return words[start : start + request.count]
        return None


def _may_say(channel: RegisterChannel) -> set[Flag]:
    """The flags with which a device says that it has no value now, as its profile knows."""
    flags = {
        SENTINEL,
        NOT_A_NUMBER,
        *(Flag(Quality.BAD, reason) for reason in channel.nan_reasons.values()),
    }
    return flags | ({NOT_VALID} if channel.valid_if is not None else set())


def _judged(fitting: Sequence[Candidate]) -> Iterator[Candidate]:
    """The best one is likely if it is far ahead of the others that tell how they are recognised."""
    rivals = [each.bits for each in fitting if each.profile.identify is not None]
    enough = max(LIKELY_BITS, rivals[1] + LEAD if len(rivals) > 1 else 0.0)
    for place, each in enumerate(fitting):
        ahead = place == 0 and each.profile.identify is not None and each.bits >= enough
        likely = ahead and each.sure is Sure.POSSIBLE
        yield replace(each, sure=Sure.LIKELY) if likely else each


def _rank(candidate: Candidate) -> tuple[bool, bool, float, str]:
    """The certain ones first; those that do not tell how they are recognised last."""
    profile = candidate.profile
    uncertain = candidate.sure is not Sure.CERTAIN
    return uncertain, profile.identify is None, -candidate.bits, profile.id


def _telling(request: Request, words: Sequence[int]) -> Iterator[RegisterChannel]:
    """The channels of a read that say something; zeros say nothing."""
    for channel in request.channels:
        start = channel.address - request.address
        if any(words[start : start + channel.width]):
            yield channel


def _bits(channels: Sequence[RegisterChannel]) -> float:
    """What credible values of these are worth; many small codes are hardly worth more than two."""
    codes = sum(worth(channel) for channel in channels if is_coded(channel))
    return min(codes, MOST_CODE_BITS) + sum(worth(c) for c in channels if not is_coded(c))


def _requests(signature: Signature) -> Iterator[Request]:
    if signature.register is not None:
        yield signature.register
    yield from signature.reads


def _read(request: Request) -> Read:
    return Read(request.table, request.address, request.count)


def _holds(read: Read, request: Request) -> bool:
    begins = read.table is request.table and read.address <= request.address
    return begins and request.address + request.count <= read.address + read.count
