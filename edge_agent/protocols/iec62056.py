"""IEC 62056-21, the meters with an optical head: signing on, and reading all that they show.

    we  /?⟨address⟩!⏎              at 300 baud, 7E1, in modes A, B and C
    it  /⟨maker⟩⟨speed⟩⟨model⟩⏎    the speed's letter tells the mode
    we  ACK 0⟨speed⟩0⏎             mode C: read out at this speed, 0 to 6; mode B changes unasked
    it  STX ⟨data sets⟩ ! ⏎ ETX ⟨BCC⟩

A telegram that ends with `!` and a CRC-16 (DSMR) counts as well; the address `push` is a meter that
sends by itself. A field is a data set's code as `iec62056_data` reads it: `1.8.0`, `1.8.0 kWh`.
"""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING

from edge_agent import crc16
from edge_agent.protocols.conversation import Listen, Question, Refused, Send
from edge_agent.protocols.exchange import Shape
from edge_agent.protocols.iec62056_data import Wanted, fields_of, wanted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from edge_agent.protocols.conversation import Conversation

STX, ETX = b"\x02", b"\x03"
PUSH = "push"
SPEEDS = dict(zip("0123456", (300, 600, 1200, 2400, 4800, 9600, 19200), strict=True))
"""Baud by what mode C's identification says (IEC 62056-21 §6.3.14)."""

SPEEDS_B = dict(zip("ABCDEF", (600, 1200, 2400, 4800, 9600, 19200), strict=True))
"""The same in mode B; any other letter is mode A, which stays at 300 baud."""

READOUT_MAX = 8192
"""Longest readout that is waited for, in bytes; meters send 100 to 4,000."""

IDENTIFICATION = re.compile(rb"/[A-Za-z]{3}([^/!\r\n])[^/!\r\n]*\r\n")
"""Maker, speed, model (IEC 62056-21 §6.3.2)."""

_TELEGRAM_END = re.compile(rb"!([0-9A-Fa-f]{1,4})\r\n")
"""The CRC has four digits; some adapters leave zeros out."""

_LONGEST_END = len("!6796\r\n")
_ADDRESS = re.compile(r"[0-9A-Za-z ]{0,32}")
_ERROR = re.compile(r"\((ER[^()]*)\)")


def block_check(data: bytes) -> int:
    """The exclusive or of all bytes behind the first SOH or STX, ETX included (ISO 1155)."""
    check = 0
    for byte in data:
        check ^= byte
    return check


class Iec62056:
    """The protocol; an address is what stands on the meter, or empty if it is the only one."""

    def questions(self, address: str, fields: Sequence[str]) -> tuple[Question, ...]:
        """One readout, which brings everything.

        Raises:
            ValueError: if the address or a field is none.
        """
        if not _ADDRESS.fullmatch(address):
            raise ValueError(f"address {address!r} should be up to 32 letters and digits, or push")
        asked = tuple(wanted(field) for field in fields)
        sign_on = b"" if address == PUSH else f"/?{address}!\r\n".encode("ascii")
        return (
            Question(
                fields=tuple(fields),
                converse=partial(_converse, sign_on, asked),
                sends=len(sign_on) + len(_acknowledge("0")) if sign_on else 0,
                receives=len("/ISk5MT174-0001\r\n") + 1024,
                most=READOUT_MAX,
            ),
        )


def _block_size(begun: bytes) -> int | None:
    end = begun.find(ETX)
    return None if end < 0 else end + 2


def _block_is_sound(block: bytes) -> bool:
    return STX not in block[1:-1] and block_check(block[1:-1]) == block[-1]


def _telegram_size(begun: bytes) -> int | None:
    end = _TELEGRAM_END.search(begun)
    return end.end() if end else None


def _telegram_is_sound(telegram: bytes) -> bool:
    text, _, crc = telegram.rstrip().rpartition(b"!")
    # DSMR 4 and 5 (P1 companion standard, §5.2)
    return crc16.ARC(text + b"!") == int(crc, 16)


BLOCK = Shape(sync=STX, size=_block_size, longest=READOUT_MAX, is_sound=_block_is_sound)
TELEGRAM = Shape(sync=b"/", size=_telegram_size, longest=READOUT_MAX, is_sound=_telegram_is_sound)


def _converse(sign_on: bytes, asked: Sequence[Wanted]) -> Conversation:
    """Signs on, and takes the first good readout."""
    heard, is_greeted = b"", not sign_on
    step: Send | Listen = Send(sign_on) if sign_on else Listen()
    while True:
        heard = heard[-READOUT_MAX:] + (yield step)
        if (text := _readout(heard)) is not None:
            return fields_of(text, asked)
        step = Listen()
        if not is_greeted and (greeting := IDENTIFICATION.search(heard)):
            is_greeted = True
            step = _proceed(greeting[1].decode("latin-1"))


def _proceed(speed: str) -> Send | Listen:
    if speed in SPEEDS:
        return Send(_acknowledge(speed), baud=SPEEDS[speed])
    if speed in SPEEDS_B:
        return Send(b"", baud=SPEEDS_B[speed])
    return Listen()


def _acknowledge(speed: str) -> bytes:
    return f"\x060{speed}0\r\n".encode("ascii")


def _readout(heard: bytes) -> str | None:
    """The data sets of a good block or telegram, if there is one.

    What begins behind the last end cannot be whole, and is not looked at.

    Raises:
        Refused: if the meter sent an error in their place.
    """
    if found := BLOCK.find(heard[: heard.rfind(ETX) + 2]):
        text = found[0][1:-2].decode("latin-1")
        if error := _ERROR.fullmatch(text.strip()):
            raise Refused(f"the meter says: {error[1]}")
        return text
    found = TELEGRAM.find(heard[: heard.rfind(b"!") + _LONGEST_END])
    return found[0].decode("latin-1") if found else None
