"""A telegram of a wired M-Bus meter: who it is, its status, and its records (EN 13757-3)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from edge_agent.protocols.conversation import Refused
from edge_agent.protocols.mbus_fixed import fixed_records
from edge_agent.protocols.mbus_records import Record, cut

if TYPE_CHECKING:
    from telemetry.sample import Value

VARIABLE, FIXED, WITHOUT_HEADER = (0x72, 0x76), (0x73, 0x77), 0x78
HIGH_FIRST: Final = 0x04
"""Bit of CI: numbers come with their high byte first (mode 2, which hardly any meter has)."""

HEADER = 8
"""Bytes that identify a meter: number, maker, version, medium."""

ENCRYPTED: Final = (5, 7)
"""Modes of the signature's high byte that are AES; old meters have other things there."""

_CI_AT, _DATA_AT = 6, 7
_VERSION_AT, _MEDIUM_AT, _ACCESS_AT, _STATUS_AT, _SIGNATURE_AT, _RECORDS_AT = 6, 7, 8, 9, 10, 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Telegram:
    """What a meter sent at once.

    Attributes:
        identity: number, maker, version and medium, low bytes first; empty if it does not say.
        header: what it says of itself, by field.
        more_follow: whether the readout goes on in another telegram.
    """

    identity: bytes
    header: dict[str, Value]
    records: tuple[Record, ...]
    more_follow: bool


def telegram(frame: bytes) -> Telegram:
    """What a good long frame says.

    Raises:
        Refused: if it is encrypted, or of a kind that is not known.
    """
    ci, data = frame[_CI_AT], frame[_DATA_AT:-2]
    step = -1 if ci & HIGH_FIRST and ci != WITHOUT_HEADER else 1
    if ci in FIXED:
        number, status, counters = fixed_records(data, step)
        header: dict[str, Value] = {"id": number, "status": status}
        return Telegram(identity=b"", header=header, records=counters, more_follow=False)
    if ci == WITHOUT_HEADER:
        records, more_follow = cut(data, step)
        return Telegram(identity=b"", header={}, records=records, more_follow=more_follow)
    if ci not in VARIABLE:
        raise Refused(f"the meter sends data of kind CI {ci:02X}, which is not known")
    header, identity = _header(data, step)
    records, more_follow = cut(data[_RECORDS_AT:], step)
    return Telegram(identity=identity, header=header, records=records, more_follow=more_follow)


def _header(data: bytes, step: int) -> tuple[dict[str, Value], bytes]:
    if len(data) < _RECORDS_AT:
        raise Refused(
            f"the meter's data have {len(data)} bytes; their head alone has {_RECORDS_AT}"
        )
    if data[_SIGNATURE_AT:_RECORDS_AT][::step][1] & 0x1F in ENCRYPTED:
        raise Refused("the meter's records are encrypted")
    number, maker = data[:4][::step], data[4:_VERSION_AT][::step]
    code = int.from_bytes(maker, "little")
    header: dict[str, Value] = {
        "id": number[::-1].hex().upper(),
        "manufacturer": "".join(chr(64 + (code >> shift & 0x1F)) for shift in (10, 5, 0)),
        "version": data[_VERSION_AT],
        "medium": data[_MEDIUM_AT],
        "access_number": data[_ACCESS_AT],
        "status": data[_STATUS_AT],
    }
    return header, number + maker + data[_VERSION_AT:HEADER]
