"""A simulated slave answers as the Modbus standard says, and nothing makes it crash."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pymodbus.pdu import DecodePDU

from device_profiles.registers import Table
from edge_agent.simulate.slave import Identity, answer

IMAGE = {
    Table.COIL: dict.fromkeys(range(10, 30), 0) | {10: 1, 13: 1, 19: 1},
    Table.DISCRETE: dict.fromkeys(range(2000), 1),
    Table.HOLDING: {100: 0x1234, 101: 0xFFFF, 102: 0, 104: 7},
    Table.INPUT: {address: address for address in range(65_411, 65_536)},
}
WHO = Identity("Acme", "Meter", "1.0")


def ask(text: str) -> str | None:
    reply = answer(bytes.fromhex(text), IMAGE, WHO)
    return None if reply is None else reply.hex(" ")


@pytest.mark.parametrize(
    ("request_", "reply"),
    [
        ("01 00 0a 00 01", "01 01 01"),
        ("01 00 0a 00 0a", "01 02 09 02"),
        ("03 00 64 00 03", "03 06 12 34 ff ff 00 00"),
        ("04 ff ff 00 01", "04 02 ff ff"),
    ],
)
def test_what_is_there_is_read(request_: str, reply: str) -> None:
    assert ask(request_) == reply


def test_the_largest_reads_are_answered_whole() -> None:
    bits = answer(bytes.fromhex("02 0000 07d0"), IMAGE, WHO)
    registers = answer(bytes.fromhex("04 ff83 007d"), IMAGE, WHO)

    assert bits == b"\x02\xfa" + b"\xff" * 250
    assert registers is not None
    assert (len(registers), registers[:4].hex()) == (252, "04faff83")


@pytest.mark.parametrize(
    ("request_", "why"),
    [
        ("03 00 66 00 02", "one register of the two is not there"),
        ("03 00 00 00 01", "the register is not there"),
        ("04 ff ff 00 02", "the last register is beyond 65535"),
        ("02 07 d0 00 01", "the bit is not there"),
    ],
)
def test_an_address_that_is_not_there_refuses_the_whole_read(request_: str, why: str) -> None:
    assert ask(request_) == f"{0x80 | int(request_[:2], 16):02x} 02", why


@pytest.mark.parametrize(
    "request_",
    ["01 000a 0000", "02 0000 07d1", "03 0064 0000", "04 ff83 007e", "03 00 64", "03 0064 0001 00"],
)
def test_a_count_or_length_out_of_bounds_is_an_illegal_value(request_: str) -> None:
    assert ask(request_) == f"{0x80 | int(request_[:2], 16):02x} 03"


@pytest.mark.parametrize("function", [0, 5, 6, 7, 15, 16, 22, 23, 66, 127])
def test_writes_and_all_else_are_unknown_functions(function: int) -> None:
    assert ask(f"{function:02x} 0064 0001") == f"{function | 0x80:02x} 01"


@pytest.mark.parametrize("which", [1, 2, 3])
def test_it_says_who_it_is_whatever_list_is_asked_for(which: int) -> None:
    names = "00 04 41 63 6d 65 01 05 4d 65 74 65 72 02 03 31 2e 30"

    assert ask(f"2b 0e {which:02x} 00") == f"2b 0e {which:02x} 81 00 00 03 {names}"


@pytest.mark.parametrize(
    ("request_", "reply"),
    [
        ("2b 0e 04 02", "2b 0e 04 81 00 00 01 02 03 31 2e 30"),
        ("2b 0e 01 02", "2b 0e 01 81 00 00 01 02 03 31 2e 30"),
        ("2b 0e 04 03", "ab 02"),
        ("2b 0e 05 00", "ab 03"),
        ("2b 0e 00 00", "ab 03"),
        ("2b 0d 01 00", "ab 01"),
        ("2b 0e 01", "ab 03"),
    ],
)
def test_identification_is_answered_by_object_and_refused_by_rule(
    request_: str, reply: str
) -> None:
    assert ask(request_) == reply


def test_a_list_that_begins_at_an_unknown_object_begins_at_the_first() -> None:
    assert answer(b"\x2b\x0e\x01\x80", IMAGE, WHO) == answer(b"\x2b\x0e\x01\x00", IMAGE, WHO)


def test_a_device_without_identity_does_not_know_the_function() -> None:
    assert answer(b"\x2b\x0e\x01\x00", IMAGE, None) == b"\xab\x01"


def test_nothing_is_answered_to_nothing() -> None:
    assert ask("") is None


@given(st.binary(min_size=1, max_size=260))
def test_any_bytes_get_a_pdu_of_their_function(request_: bytes) -> None:
    reply = answer(request_, IMAGE, WHO)

    assert reply is not None
    assert reply[0] & 0x7F == request_[0] & 0x7F
    assert 2 <= len(reply) <= 253


@given(st.sampled_from([1, 2, 3, 4]), st.integers(0, 65_535), st.integers(0, 65_535))
def test_an_independent_decoder_reads_every_answer(function: int, address: int, count: int) -> None:
    table = list(IMAGE)[function - 1]
    cells = [IMAGE[table].get(cell) for cell in range(address, address + min(count, 2000))]

    reply = answer(bytes((function, *address.to_bytes(2), *count.to_bytes(2))), IMAGE, WHO)

    assert reply is not None
    decoded = DecodePDU(is_server=False).decode(reply)
    assert decoded is not None
    if decoded.isError():
        limit = 2000 if table.is_bits else 125
        assert None in cells or not 1 <= count <= limit
    elif table.is_bits:
        assert decoded.bits[:count] == [bool(cell) for cell in cells]
    else:
        assert decoded.registers == cells
