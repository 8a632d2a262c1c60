"""A scan of one bus: asks what the sweep wants asked, and what tells the found devices' models.

It only reads: functions 1 to 4, and 43/14. Nothing is written, nobody is addressed as everybody.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeVar

from edge_agent.bus.failures import BadReply, BusDown, DeviceException, NoReply, ReadFailed
from edge_agent.bus.health import is_silence
from edge_agent.bus.modbus import ModbusLink
from edge_agent.bus.request import Request
from edge_agent.scan.recognise import Read, Recognition, Sure, WhoAreYou
from edge_agent.scan.sweep import PATIENCE, WAIT, Heard, Probe, Sweep

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence

    from edge_agent.bus.settings import ModbusBus
    from edge_agent.scan.pace import Pace
    from edge_agent.scan.recognise import Candidate
    from edge_agent.scan.signature import Signature
    from edge_agent.scan.sunspec import Model

TIMES_LONGER = 3.0
"""How much longer than its first reply took a device may take to answer the questions after it."""

ATTEMPTS = 2
"""How often one of them is asked: noise must not rule a model out."""


STRANGERS = (247, 231, 213)
"""Units that hardly any network has: what answers for these does not look at the unit."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Progress:
    """Before each probe: seconds done and left as far as is known, and what is asked."""

    done: float
    left: float
    probe: Probe


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A device.

    Attributes:
        pace: how the line was set; None on a network.
        probe: what it answered first.
        words: to that; None if it was an exception.
        exception: the code of that.
        took: seconds until the answer was there.
        alone: whether a network device answers whatever the unit is.
        nameplate: what it says of itself, by the object's number; None if it does not.
        models: of SunSpec, that it has.
        candidates: models that fit, the best first.
    """

    unit: int
    pace: Pace | None
    probe: Probe
    words: Sequence[int] | None
    exception: int | None
    took: float
    alone: bool
    nameplate: Mapping[int, str] | None
    models: Sequence[Model]
    candidates: Sequence[Candidate]

    @property
    def others(self) -> Sequence[Candidate]:
        """What it may be in place of the best; who has told what it is leaves only its equals."""
        told = bool(self.candidates) and self.candidates[0].sure is Sure.CERTAIN
        return [each for each in self.candidates[1:] if not told or each.sure is Sure.CERTAIN]


@dataclass(frozen=True, slots=True)
class Garbled:
    """Somebody answers, and never with a good frame: two devices of one address, or noise."""

    probe: Probe


Event = Progress | Found | Garbled


async def scan(
    bus: ModbusBus, probes: Sequence[Probe], signatures: Sequence[Signature]
) -> AsyncGenerator[Event, None]:
    """What is found on a bus, as it is found.

    Raises:
        BusDown: if the port or connection cannot be had, or is lost.
    """
    port = _Port(bus)
    sweep = Sweep(probes)
    try:
        while (probe := sweep.next()) is not None:
            yield Progress(port.seconds, sweep.left, probe)
            answer = await port.ask(probe)
            sweep.tell(probe, answer.heard, late=answer.late)
            if answer.heard is Heard.ANSWER:
                alone = probe.pace is None and await port.answers_for_all(probe)
                yield await _found(port, probe, answer, signatures, alone=alone)
                if alone:
                    return
            elif answer.heard is Heard.NOISE and probe.patient:
                yield Garbled(probe)
    finally:
        port.close()


async def _found(
    port: _Port, probe: Probe, answer: _Answer, signatures: Sequence[Signature], *, alone: bool
) -> Found:
    """Ask a device what it is."""
    recognition = Recognition(signatures)
    within = min(PATIENCE, max(WAIT, answer.took) * TIMES_LONGER)
    while (question := recognition.question()) is not None:
        match question:
            case WhoAreYou():
                recognition.named(await port.identify(probe, within))
            case Read():
                recognition.answered(question, await port.read(probe, question, within))
    return Found(
        unit=probe.unit,
        pace=probe.pace,
        probe=probe,
        words=answer.words,
        exception=answer.exception,
        took=answer.took,
        alone=alone,
        nameplate=recognition.nameplate,
        models=recognition.models,
        candidates=recognition.candidates(),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Answer:
    heard: Heard
    late: bool
    took: float
    words: Sequence[int] | None
    exception: int | None


class _Port:
    """The bus, set to each pace as it is needed."""

    def __init__(self, bus: ModbusBus) -> None:
        self._bus = bus
        self._pace: Pace | None = None
        self._link: ModbusLink | None = None
        self._begun = asyncio.get_running_loop().time()

    @property
    def seconds(self) -> float:
        """Since the scan began."""
        return asyncio.get_running_loop().time() - self._begun

    async def ask(self, probe: Probe) -> _Answer:
        """What comes of a probe."""
        link = await self._at(probe.pace)
        late, begun = link.late_replies, self.seconds
        heard, words, code = Heard.ANSWER, None, None
        request = Request(probe.table, probe.address, 1, ())
        try:
            words = await link.read(probe.unit, request, start_within=probe.within)
        except DeviceException as refusal:
            code = refusal.code
            heard = Heard.SILENCE if is_silence(refusal) else Heard.ANSWER
        except BadReply:
            heard = Heard.NOISE
        except (NoReply, BusDown):  # some devices hang up on a unit that they are not
            heard = Heard.SILENCE
        return _Answer(
            heard=heard,
            late=link.late_replies > late,
            took=min(self.seconds - begun, probe.longest),  # before it the line was kept quiet
            words=words,
            exception=code,
        )

    async def answers_for_all(self, probe: Probe) -> bool:
        """Whether a network device does not look at the unit at all."""
        strangers = [replace(probe, unit=unit) for unit in STRANGERS if unit != probe.unit]
        return all([(await self.ask(each)).heard is Heard.ANSWER for each in strangers])

    async def read(self, probe: Probe, read: Read, within: float) -> list[int] | None:
        """What a device answers; None if it refuses or does not answer."""
        request = Request(read.table, read.address, read.count, ())
        return await self._insist(
            probe.pace, lambda link: link.read(probe.unit, request, start_within=within)
        )

    async def identify(self, probe: Probe, within: float) -> dict[int, str] | None:
        """Who a device says it is."""
        return await self._insist(
            probe.pace, lambda link: link.identify(probe.unit, start_within=within)
        )

    async def _insist(
        self, pace: Pace | None, ask: Callable[[ModbusLink], Awaitable[T]]
    ) -> T | None:
        """The answer, or None; asked again where noise may be to blame."""
        for _ in range(ATTEMPTS):
            link = await self._at(pace)
            try:
                return await ask(link)
            except DeviceException:
                return None
            except ReadFailed:
                continue
        return None

    async def _at(self, pace: Pace | None) -> ModbusLink:
        """The port, open and set so; a connection that was closed is opened again."""
        if self._link is not None and (self._pace != pace or not self._link.is_open):
            self.close()
        if self._link is None:
            link = ModbusLink(at_pace(self._bus, pace))
            await link.open()
            self._link, self._pace = link, pace
        return self._link

    def close(self) -> None:
        """Let the bus go."""
        if self._link is not None:
            self._link.close()
            self._link = None


def at_pace(bus: ModbusBus, pace: Pace | None) -> ModbusBus:
    """The bus with its line set so."""
    if pace is None:
        return bus
    return bus.model_copy(update={"baud": pace.baud, "parity": pace.parity.value, "stop_bits": 1})
