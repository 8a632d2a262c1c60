"""Wired M-Bus (EN 13757-2, -3): heat, water, gas, electricity meters that describe their data.

    10 ⟨C⟩ ⟨A⟩ ⟨sum⟩ 16                             we ask; E5 is the acknowledgement
    68 ⟨L⟩ ⟨L⟩ 68 ⟨C⟩ ⟨A⟩ ⟨CI⟩ ⟨data⟩ ⟨sum⟩ 16      the meter's telegram

    SND_NKE or selection ─E5─► REQ_UD2 ─telegram─► fields found? ─no, and more follow─► REQ_UD2 …

An address is a primary one, 0 to 250, or 16 hex digits: the number as printed, maker, version and
medium as they come over the wire; F stands for any digit. Fields: see `mbus_fields`.
"""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING

from edge_agent.protocols.conversation import Listen, Question, Refused, Send
from edge_agent.protocols.exchange import Shape
from edge_agent.protocols.mbus_fields import Wanted, pick, wanted
from edge_agent.protocols.mbus_telegram import HEADER, Telegram, telegram

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

    from edge_agent.protocols.conversation import Conversation
    from edge_agent.protocols.exchange import Heard

SHORT, LONG, END, ACKNOWLEDGED = 0x10, 0x68, 0x16, 0xE5
SND_NKE, SND_UD, REQ_UD2, FCB = 0x40, 0x53, 0x5B, 0x20
"""Control codes; the frame count bit tells a new request from a repeated one."""

FROM_MASTER = 0x40
SELECT, ERROR_REPORT = 0x52, 0x70
SELECTED, ANYBODY = 0xFD, 0xFE
"""Addresses: whoever is selected; whoever is there, alone."""

MOST_TELEGRAMS = 16
"""Most telegrams of one readout: more are a meter that never ends."""

HEAD, OVERHEAD = 4, 6

ERRORS = (
    "unspecified error",
    "it knows no such request",
    "the request is too long",
    "too many records",
    "a record that ends too early",
    "more than 10 DIFEs",
    "more than 10 VIFEs",
    "error 7",
    "busy",
    "too many readouts",
)
"""Application errors (The M-Bus: A Documentation, 4.8, §6.6)."""

_PRIMARY = re.compile(r"\d{1,3}")
_SECONDARY = re.compile(r"[0-9F]{8}[0-9A-F]{8}")
_PRIMARY_MAX = 250


def short_frame(control: int, address: int) -> bytes:
    """A request without data."""
    return bytes((SHORT, control, address, control + address & 0xFF, END))


def long_frame(control: int, address: int, ci: int, data: bytes) -> bytes:
    """A frame with data."""
    content = bytes((control, address, ci)) + data
    head = bytes((LONG, len(content), len(content), LONG))
    return head + content + bytes((sum(content) & 0xFF, END))


class Mbus:
    """The protocol."""

    def questions(self, address: str, fields: Sequence[str]) -> tuple[Question, ...]:
        """One readout, of as many telegrams as it takes to find the fields.

        Raises:
            ValueError: if the address or a field is none.
        """
        station, begin = _beginning(address)
        asked = tuple(wanted(field) for field in fields)
        return (
            Question(
                fields=tuple(fields),
                converse=partial(_converse, station, begin, asked),
                sends=len(begin) + len(short_frame(REQ_UD2, station)),
                receives=1 + 2 * (OVERHEAD + 0xFF),  # most readouts are one telegram or two
            ),
        )


def _beginning(address: str) -> tuple[int, bytes]:
    """The address to ask, and what makes the meter listen: a reset of its link, or a selection."""
    if _SECONDARY.fullmatch(address.upper()):
        chosen = bytes.fromhex(address[:8])[::-1] + bytes.fromhex(address[8:])
        return SELECTED, long_frame(SND_UD, SELECTED, SELECT, chosen)
    if _PRIMARY.fullmatch(address) and (int(address) <= _PRIMARY_MAX or int(address) == ANYBODY):
        return int(address), short_frame(SND_NKE, int(address))
    raise ValueError(f"address {address!r} should be 0 to {_PRIMARY_MAX}, or 16 hex digits")


def _converse(station: int, begin: bytes, asked: Sequence[Wanted]) -> Conversation:
    """Begins with the frame count bit set, as a meter expects after a reset or a selection."""
    heard = yield Send(begin)
    # its telegram in place of the acknowledgement is as good
    while ACKNOWLEDGED not in heard and _own(station, begin, heard) is None:
        heard = heard[1 - SHAPE.longest :] + (yield Listen())
    readout: list[Telegram] = []
    control = REQ_UD2 | FCB
    while True:
        if _own(station, begin, heard) is None:
            heard += yield Send(short_frame(control, station))
        said, heard = yield from _telegram(station, begin, heard)
        readout.append(said)
        found = pick(readout, asked)
        if len(found) == len(asked) or not said.more_follow or len(readout) == MOST_TELEGRAMS:
            return pick(readout, asked, is_whole=True)
        control ^= FCB


def _telegram(
    station: int, begin: bytes, heard: bytes
) -> Generator[Listen, bytes, tuple[Telegram, bytes]]:
    """Listens for the meter's telegram.

    Raises:
        Refused: if the meter refuses, or its data cannot be read.
    """
    while (found := _own(station, begin, heard)) is None:
        heard = heard[1 - SHAPE.longest :] + (yield Listen())
    good, heard = found
    if good[HEAD + 2] == ERROR_REPORT:
        raise Refused(f"the meter says: {_reason(good[HEAD + 3 : -2])}")
    return telegram(good), heard


def _own(station: int, begin: bytes, heard: bytes) -> Heard | None:
    """The first frame that the meter sent; others', and our own that come back, are passed over."""
    while found := SHAPE.find(heard):
        good, heard = found
        if _is_own(good, station, begin):
            return found
    return None


def _is_own(good: bytes, station: int, begin: bytes) -> bool:
    control, sender, ci = good[HEAD : HEAD + 3]
    if control & FROM_MASTER:
        return False
    if station != SELECTED:
        return station in (sender, ANYBODY)
    return ci == ERROR_REPORT or _is_chosen(telegram(good), begin)


def _is_chosen(said: Telegram, begin: bytes) -> bool:
    """Whether a telegram's head is the selected one; F and FF in the selection are any."""
    chosen, head = begin[HEAD + 3 : -2], said.identity
    number = zip(chosen[:4][::-1].hex(), head[:4][::-1].hex(), strict=False)
    rest = zip(chosen[4:], head[4:], strict=False)
    return (
        len(head) == HEADER
        and all(wish in ("f", digit) for wish, digit in number)
        and all(wish in (0xFF, byte) for wish, byte in rest)
    )


def _reason(data: bytes) -> str:
    code = data[0] if data else 0
    return ERRORS[code] if code < len(ERRORS) else f"error {code}"


def _size(begun: bytes) -> int | None:
    if len(begun) < HEAD:
        return None
    same = begun[1] == begun[2] and begun[3] == LONG and begun[1] > HEAD - 2
    return OVERHEAD + begun[1] if same else 0


def _is_sound(good: bytes) -> bool:
    return sum(good[HEAD:-2]) & 0xFF == good[-2] and good[-1] == END


SHAPE = Shape(sync=bytes((LONG,)), size=_size, longest=OVERHEAD + 0xFF, is_sound=_is_sound)
