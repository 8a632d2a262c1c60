"""Meters and controllers at the far end of a line, by code of their own: bytes in, bytes out."""

from __future__ import annotations

from dataclasses import dataclass, field

from crccheck.crc import CrcX25  # type: ignore[import-untyped] # it has no type hints


@dataclass
class Dlt645Meter:
    """A meter with DL/T 645-2007, which sends long items in parts.

    Attributes:
        address: its 12 digits.
        items: content by identifier, low byte first.
        part: most bytes of content in one frame.
    """

    address: str
    items: dict[str, bytes]
    part: int = 190
    heard: list[bytes] = field(default_factory=list)
    _begun: bytes = b""

    def answer(self, data: bytes) -> bytes:
        """What it says to these bytes; nothing until a request to it is whole."""
        self._begun += data
        start = self._begun.find(b"\x68")
        frame = self._begun[start:] if start >= 0 else b""
        if len(frame) < 12 or len(frame) < 12 + frame[9]:
            return b""
        self._begun = b""
        self.heard.append(frame)
        if frame[1:7] not in (bytes.fromhex(self.address)[::-1], b"\xaa" * 6):
            return b""
        asked = bytes(byte - 0x33 & 0xFF for byte in frame[10:-2])
        return b"\xfe\xfe" + self._said(frame[8], asked)

    def _said(self, control: int, asked: bytes) -> bytes:
        content = self.items.get(asked[:4][::-1].hex().upper())
        if control not in (0x11, 0x12) or content is None:
            return self._framed(control | 0xC0, b"\x02")
        nth = asked[4] if control == 0x12 else 0
        rest = content[(nth + 1) * self.part :]
        body = asked[:4] + content[nth * self.part : (nth + 1) * self.part] + asked[4:]
        return self._framed(control | (0xA0 if rest else 0x80), body)

    def _framed(self, control: int, body: bytes) -> bytes:
        address = bytes.fromhex(self.address)[::-1]
        shifted = bytes(byte + 0x33 & 0xFF for byte in body)
        frame = b"\x68" + address + bytes([0x68, control, len(body)]) + shifted
        return frame + bytes([sum(frame) & 0xFF, 0x16])


@dataclass
class SignalController:
    """A traffic signal controller with AB3418.

    Attributes:
        payloads: what it says to each message it knows; any other is an error.
        address: its address byte.
    """

    payloads: dict[int, bytes]
    address: int = 0x05
    heard: list[bytes] = field(default_factory=list)
    _begun: bytes = b""

    def answer(self, data: bytes) -> bytes:
        """What it says to these bytes; nothing until a request to it is whole."""
        self._begun += data
        if self._begun.count(b"\x7e") < 2:
            return b""
        frame, self._begun = self._begun.strip(b"\x7e"), b""
        plain = frame.replace(b"\x7d\x5e", b"\x7e").replace(b"\x7d\x5d", b"\x7d")
        if CrcX25.calc(plain[:-2]).to_bytes(2, "little") != plain[-2:]:
            return b""
        if plain[:3] != bytes([self.address, 0x13, 0xC0]):
            return b""
        self.heard.append(plain[3:-2])
        message = plain[3]
        if message in self.payloads:
            return controller_frame(self.address, message | 0x40, self.payloads[message])
        return controller_frame(self.address, message | 0x60, b"\x01\x00")


def controller_frame(address: int, message: int, payload: bytes) -> bytes:
    """A frame of AB3418, escaped."""
    plain = bytes([address, 0x13, 0xC0, message]) + payload
    crc: int = CrcX25.calc(plain)
    plain += crc.to_bytes(2, "little")
    escaped = plain.replace(b"\x7d", b"\x7d\x5d").replace(b"\x7e", b"\x7d\x5e")
    return b"\x7e" + escaped + b"\x7e"
