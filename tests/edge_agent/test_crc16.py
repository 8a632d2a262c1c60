"""Promise: a checksum is the one that everybody else computes."""

from __future__ import annotations

from crccheck.crc import (  # type: ignore[import-untyped] # it has no type hints
    Crc16Mcrf4XX,
    CrcArc,
    CrcModbus,
)
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.crc16 import ARC, MCRF4XX, MODBUS


@given(st.binary(max_size=300))
def test_the_checksums_are_those_of_an_independent_library(data: bytes) -> None:
    ours = MODBUS(data), ARC(data), MCRF4XX(data)

    assert ours == (CrcModbus.calc(data), CrcArc.calc(data), Crc16Mcrf4XX.calc(data))


def test_they_have_the_catalogues_check_values() -> None:
    """CRC RevEng, catalogue of parametrised CRC algorithms."""
    assert [crc(b"123456789") for crc in (MODBUS, ARC, MCRF4XX)] == [0x4B37, 0xBB3D, 0x6F91]
