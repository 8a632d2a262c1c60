"""Whose a certificate is and until when it holds: the few fields of X.509 (RFC 5280) that matter.

Python's ssl module tells them of a peer only. What is read here is never trusted: a handshake
decides that.
"""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_PEM = re.compile(
    rb"-----BEGIN (?:TRUSTED )?CERTIFICATE-----(.*?)-----END (?:TRUSTED )?CERTIFICATE-----",
    re.DOTALL,
)
SEQUENCE, SET, OID, VERSION = 0x30, 0x31, 0x06, 0xA0
UTC_TIME, GENERALIZED_TIME = 0x17, 0x18
COMMON_NAME = bytes.fromhex("550403")
"""2.5.4.3 (RFC 5280, appendix A.1)."""

CENTURY_FROM = 50
"""Two digits of a year from here on are of the 20th century (RFC 5280, §4.1.2.5.1)."""

_Value = tuple[int, bytes]
"""A tag and its content."""


class NoCertificate(ValueError):
    """The bytes hold none that can be read."""


@dataclass(frozen=True, slots=True)
class Certificate:
    """Its common name (empty if it has none), and between which moments it holds."""

    name: str
    since: datetime
    until: datetime


def certificates(pem: bytes) -> list[Certificate]:
    """Those in a PEM file, in order.

    Raises:
        NoCertificate: if there is none, or one that cannot be read.
    """
    found = [_decoded(match[1]) for match in _PEM.finditer(pem)]
    if not found:
        raise NoCertificate("no certificate in PEM")
    return [read(der) for der in found]


def read(der: bytes) -> Certificate:
    """The certificate in these bytes (DER).

    Raises:
        NoCertificate: if it is none.
    """
    try:
        ((_, whole),) = _values(der)
        fields = list(_values(next(_values(whole))[1]))
        # version (may be left out), serial number, algorithm, issuer, validity, subject, key …
        _, _, _, (_, validity), (_, subject), *_ = fields[fields[0][0] == VERSION :]
        since, until = (_time(*value) for value in _values(validity))
        return Certificate(_common_name(subject), since, until)
    except (ValueError, IndexError, StopIteration) as error:
        raise NoCertificate(f"no certificate that can be read: {error}") from error


def _decoded(text: bytes) -> bytes:
    try:
        return base64.b64decode(b"".join(text.split()), validate=True)
    except binascii.Error as error:
        raise NoCertificate(f"damaged PEM: {error}") from error


def _values(data: bytes) -> Iterator[_Value]:
    """What stands in a row, tag by tag (X.690, §8.1)."""
    at = 0
    while at < len(data):
        tag, size, at = data[at], data[at + 1], at + 2
        if size & 0x80:
            count = size & 0x7F
            size, at = int.from_bytes(data[at : at + count]), at + count
        if at + size > len(data):
            raise ValueError("it is cut off")
        yield tag, data[at : at + size]
        at += size


def _time(tag: int, content: bytes) -> datetime:
    text = content.decode("ascii")
    if tag == UTC_TIME:
        text = ("19" if int(text[:2]) >= CENTURY_FROM else "20") + text
    elif tag != GENERALIZED_TIME:
        raise ValueError(f"tag {tag:#x} is no time")
    return datetime.strptime(text, "%Y%m%d%H%M%SZ").replace(tzinfo=UTC)


def _common_name(subject: bytes) -> str:
    for _, relative in _values(subject):
        for _, pair in _values(relative):
            (_, kind), (_, text) = _values(pair)
            if kind == COMMON_NAME:
                return text.decode("utf-8", "replace")
    return ""
