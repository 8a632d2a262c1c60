"""A serial line with Modbus RTU slaves, exact to the byte: what is when over, told and too early.

    request ─► t3.5 ─► reply, one byte after the other ─► told: each, by a UART's FIFO, or over USB
       ▲                                       │
       └────────────── silence ◄───────────────┘   less than t3.5 is a violation

Arithmetic alone; `emulated_port` plays it in real time. Silence is the wire's: from the end of the
last byte as reckoned, not as delivered, to the moment just before the request was written, or, of a
master that cannot be looked into, the later one at which it was seen. An emulator that is late
tells later and sees later; neither makes a silence shorter, so it never causes a violation.
"""

from __future__ import annotations

import math
import statistics
import struct
from collections import deque
from dataclasses import dataclass, field
from itertools import accumulate, pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

FAST_SILENCE, FAST_ABOVE = 1.75e-3, 19_200
"""Seconds between frames above that baud rate (Modbus over Serial Line V1.02, §2.5.1.1)."""

REQUEST, REPLY = 8, 5
"""Bytes of a read, and of its reply beside the registers."""

LATE = 0.5e-3
"""Seconds from which on a read counts as disturbed by the machine."""

ENOUGH = 3
"""Undisturbed reads from which on the median is theirs alone."""


@dataclass(frozen=True)
class Pace:
    """A line's speed; 10 bits a character are 8N1."""

    baud: int
    bits: int = 10

    @property
    def character(self) -> float:
        """Seconds."""
        return self.bits / self.baud

    @property
    def silence(self) -> float:
        """Seconds between two frames: 3.5 characters."""
        return FAST_SILENCE if self.baud > FAST_ABOVE else 3.5 * self.character

    def limit(self, registers: int) -> float:
        """The least seconds that a read takes, next silence included."""
        return (REQUEST + REPLY + 2 * registers) * self.character + 2 * self.silence


# Each of these, given when each byte of a reply is over, says when the master is told of how many.


@dataclass(frozen=True)
class EachByte:
    """The master is told of each byte at once."""

    def __call__(self, ends: Sequence[float]) -> list[tuple[float, int]]:
        """When, and of how many."""
        return [(end, 1) for end in ends]


@dataclass(frozen=True)
class Fifo:
    """A UART such as the PL011: it tells of `mark` bytes, or after `idle` seconds of silence."""

    mark: int
    idle: float

    def __call__(self, ends: Sequence[float]) -> list[tuple[float, int]]:
        """When, and of how many."""
        whole = [(ends[last], self.mark) for last in range(self.mark - 1, len(ends), self.mark)]
        rest = len(ends) % self.mark
        return [*whole, (ends[-1] + self.idle, rest)] if rest else whole


@dataclass
class LatencyTimer:
    """A USB adapter of FTDI's: a packet goes when it is full, or when the timer has run out.

    The timer starts anew with each packet, the empty ones included (FTDI AN232B-04, §3.3).
    """

    period: float
    packet: int = 62
    _sent: float = 0.0

    def __call__(self, ends: Sequence[float]) -> list[tuple[float, int]]:
        """When, and of how many."""
        told: list[tuple[float, int]] = []
        held: list[float] = []
        for end in ends:
            if held and end > self._runs_out(held[0]):
                told.append(self._send(held, self._runs_out(held[0])))
            held.append(end)
            if len(held) == self.packet:
                told.append(self._send(held, end))
        if held:
            told.append(self._send(held, self._runs_out(held[0])))
        return told

    def _runs_out(self, held_since: float) -> float:
        """The timer's first end from then on, with something to send."""
        periods = math.ceil((held_since - self._sent) / self.period)
        return self._sent + max(periods, 1) * self.period

    def _send(self, held: list[float], at: float) -> tuple[float, int]:
        self._sent = at
        count = len(held)
        held.clear()
        return at, count


@dataclass
class Exchange:
    """A request and its reply, by the wire's clock (monotonic seconds).

    Attributes:
        seen: when the request's first byte was seen.
        over: when the reply's last byte was over.
        told: when the master was to be told of how many bytes.
        late: seconds by which the emulator told later, at the worst.
    """

    seen: float
    over: float
    told: list[tuple[float, int]] = field(default_factory=list)
    late: float = 0.0


@dataclass
class Slaves:
    """Units that answer reads of holding registers after t3.5; register n says n."""

    pace: Pace
    told: EachByte | Fifo | LatencyTimer = field(default_factory=EachByte)
    dead: frozenset[int] = frozenset()
    served: list[Exchange] = field(default_factory=list)
    _request: bytes = b""
    _seen: float = 0.0
    _due: deque[tuple[float, bytes]] = field(default_factory=deque)

    @property
    def due(self) -> float | None:
        """When the master is to be told of something next."""
        return self._due[0][0] if self._due else None

    def hear(self, data: bytes, at: float) -> None:
        """Bytes of a request, seen at `at`; they began to go over the line then."""
        if not self._request:
            self._seen = at
        self._request += data
        if len(self._request) >= REQUEST:
            request, self._request = self._request[:REQUEST], b""
            if request[0] not in self.dead and crc(request[:-2]) == request[-2:]:
                self._answer(request)

    def take(self, now: float) -> bytes:
        """What the master is to be told by now."""
        pieces = []
        while self._due and self._due[0][0] <= now:
            due, piece = self._due.popleft()
            pieces.append(piece)
            self.served[-1].late = max(self.served[-1].late, now - due)
        return b"".join(pieces)

    def _answer(self, request: bytes) -> None:
        unit, function, address, count = struct.unpack(">BBHH", request[:-2])
        words = struct.pack(f">{count}H", *range(address, address + count))
        body = bytes([unit, function, len(words)]) + words
        reply = body + crc(body)
        character = self.pace.character
        begun = self._seen + REQUEST * character + self.pace.silence
        ends = [begun + (index + 1) * character for index in range(len(reply))]
        told = self.told(ends)
        self.served.append(Exchange(self._seen, ends[-1], told))
        for at, size in told:
            self._due.append((at, reply[:size]))
            reply = reply[size:]


@dataclass
class Noted:
    """What a master noted of one request.

    Attributes:
        written: when it was about to be written.
        waited: seconds since it had heard the last reply's end in which it was ready to run and
            did not, because others had the processor.
        heard: when it was told of how many bytes of the reply.
    """

    written: float
    waited: float = 0.0
    heard: list[tuple[float, int]] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True)
class Judged:
    """What some reads in a row came to.

    Attributes:
        seconds: a read, from the beginning of one request to that of the next: the median of those
            that were not disturbed.
        of_all: the median of all.
        reads: that were followed by another, which has a silence to keep.
        violations: those after which it was not kept.
        disturbed: those of which more than `LATE` was lost on the way to the master, on the way
            back, or to other programs that had its processor.
    """

    seconds: float
    of_all: float
    reads: int
    violations: int
    disturbed: int


def judge(served: Sequence[Exchange], pace: Pace, noted: Sequence[Noted] = ()) -> Judged:
    """Look back at reads without a pause between them; of each, the master may have noted more."""
    begun = [each.written for each in noted] or [each.seen for each in served]
    silences = [began - before.over for before, began in zip(served[:-1], begun[1:], strict=True)]
    seconds = [after.seen - before.seen for before, after in pairwise(served)]
    lost = _lost(served, noted) if noted else [each.late for each in served[:-1]]
    calm = [read for read, late in zip(seconds, lost, strict=True) if late <= LATE]
    return Judged(
        seconds=statistics.median(calm if len(calm) >= ENOUGH else seconds),
        of_all=statistics.median(seconds),
        reads=len(seconds),
        violations=sum(silence < pace.silence for silence in silences),
        disturbed=len(seconds) - len(calm),
    )


def _lost(served: Sequence[Exchange], noted: Sequence[Noted]) -> list[float]:
    """Of each read but the last, the most seconds that the machine took at one place."""
    unseen = [each.seen - note.written for each, note in zip(served, noted, strict=True)]
    late = [
        _behind(each.told, note.heard) for each, note in zip(served[:-1], noted[:-1], strict=True)
    ]
    waited = [each.waited for each in noted[1:]]
    return [max(each) for each in zip(unseen[:-1], unseen[1:], late, waited, strict=True)]


def _behind(told: Sequence[tuple[float, int]], heard: Sequence[tuple[float, int]]) -> float:
    """By how much the last two pieces, which tell the end, were heard after they were to be."""
    bytes_heard = [at for at, size in heard for _ in range(size)]
    ends = list(accumulate(size for _, size in told))
    return max(
        bytes_heard[end - 1] - due for (due, _), end in zip(told[-2:], ends[-2:], strict=True)
    )


def crc(body: bytes) -> bytes:
    """A frame's checksum as it stands on the wire, bit by bit as the standard draws it (§6.2.2)."""
    value = 0xFFFF
    for byte in body:
        value ^= byte
        for _ in range(8):
            value = (value >> 1) ^ 0xA001 if value & 1 else value >> 1
    return struct.pack("<H", value)
