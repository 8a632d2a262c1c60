"""Promise: any SMP message reads as its sender meant it; any other bytes are refused by name."""

from __future__ import annotations

import cbor2
import pytest
from hypothesis import given
from hypothesis import strategies as st
from smp import error as smp_error
from smp import header as smp_header
from smp import os_management

from firmware_bridge.message import (
    COMMANDS,
    HEADER_BYTES,
    MAX_DEPTH,
    BoardCommand,
    Group,
    ImageCommand,
    MalformedMessage,
    Message,
    Op,
    OsCommand,
    Refusal,
    ReturnCode,
    Version,
    pack,
    unpack,
)

bytes8 = st.integers(0, 0xFF)
keys = st.one_of(st.text(max_size=8), st.integers(-(2**64), 2**64 - 1))
scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**64), 2**64 - 1),
    st.floats(allow_nan=False),
    st.text(max_size=20),
    st.binary(max_size=20),
)
payloads = st.dictionaries(
    keys,
    st.recursive(
        scalars,
        lambda inner: st.one_of(
            st.lists(inner, max_size=3), st.dictionaries(keys, inner, max_size=3)
        ),
        max_leaves=8,
    ).filter(lambda value: depth(value) < MAX_DEPTH),
    max_size=5,
)
messages = st.builds(
    Message,
    op=st.sampled_from(Op),
    group=st.integers(0, 0xFFFF),
    command=bytes8,
    sequence=bytes8,
    payload=payloads,
    version=st.sampled_from(Version),
    flags=bytes8,
)


def depth(value: object) -> int:
    """How many containers stand around the innermost value."""
    match value:
        case dict():
            return 1 + max((depth(part) for part in value.values()), default=0)
        case list():
            return 1 + max((depth(part) for part in value), default=0)
        case _:
            return 0


def packet(payload: bytes, *, op: int = 1, version: int = 1) -> bytes:
    """A packet of a BOARD ident around any payload, whole or not."""
    return bytes([version << 3 | op, 0, *len(payload).to_bytes(2), 0, 64, 1, 0]) + payload


def reply(payload: dict[str | int, object], version: Version = Version.V2) -> Message:
    """A reply read from the bytes of `payload`."""
    return unpack(packet(cbor2.dumps(payload), version=version))


@given(messages)
def test_what_is_packed_unpacks_to_itself(message: Message) -> None:
    assert unpack(pack(message)) == message


@given(messages)
def test_an_independent_codec_reads_the_same_from_our_packets(message: Message) -> None:
    packed = pack(message)

    op, version, flags, length, group, sequence, command = (
        packed[0] & 7,
        packed[0] >> 3,
        packed[1],
        int.from_bytes(packed[2:4]),
        int.from_bytes(packed[4:6]),
        packed[6],
        packed[7],
    )
    assert (op, version, flags) == (message.op, message.version, message.flags)
    assert (group, sequence, command) == (message.group, message.sequence, message.command)
    assert length == len(packed) - HEADER_BYTES
    assert cbor2.loads(packed[HEADER_BYTES:]) == message.payload


@given(st.binary(min_size=8, max_size=8))
def test_headers_are_read_as_the_smp_package_reads_them(header: bytes) -> None:
    header = header[:2] + b"\x00\x01" + header[4:]
    try:
        expected = smp_header.Header.loads(header)
    except ValueError as error:
        if "Command ID" in str(error):
            return  # it knows the commands of Zephyr's groups only; ours may have more
        with pytest.raises(MalformedMessage):
            unpack(header + b"\xa0")
        return

    message = unpack(header + b"\xa0")

    assert message.op.value == expected.op.value
    assert message.version.value == expected.version.value
    assert message.flags == expected.flags
    assert message.group == expected.group_id
    assert message.sequence == expected.sequence
    assert message.command == expected.command_id


@given(st.text(max_size=50), bytes8)
def test_requests_are_the_smp_package_s_bytes(text: str, sequence: int) -> None:
    theirs = bytes(os_management.EchoWriteRequest(d=text, sequence=sequence))
    echo = Message(
        op=Op.WRITE,
        group=Group.OS,
        command=OsCommand.ECHO,
        sequence=sequence,
        payload={"d": text},
    )

    assert pack(echo) == theirs
    assert unpack(theirs) == echo


def test_names_have_the_numbers_of_the_smp_package() -> None:
    assert [op.value for op in Op] == [op.value for op in smp_header.OP]
    assert Group.OS.value == smp_header.GroupId.OS_MANAGEMENT.value
    assert Group.IMAGE.value == smp_header.GroupId.IMAGE_MANAGEMENT.value
    ids = smp_header.CommandId
    assert OsCommand.ECHO.value == ids.OSManagement.ECHO.value
    assert OsCommand.RESET.value == ids.OSManagement.RESET.value
    assert OsCommand.PARAMETERS.value == ids.OSManagement.MCUMGR_PARAMETERS.value
    assert ImageCommand.STATE.value == ids.ImageManagement.STATE.value
    assert ImageCommand.UPLOAD.value == ids.ImageManagement.UPLOAD.value
    assert ImageCommand.ERASE.value == ids.ImageManagement.ERASE.value
    shared = [code.value for code in smp_error.MGMT_ERR if code != smp_error.MGMT_ERR.EPERUSER]
    assert [code.value for code in ReturnCode] == shared


def test_every_group_has_its_commands() -> None:
    assert set(COMMANDS) == set(Group)
    assert BoardCommand.PUSHED_TELEMETRY == 0x80 | BoardCommand.TELEMETRY


def test_maps_of_indefinite_length_are_read() -> None:
    message = unpack(bytes.fromhex("0b00000700000100bf6172626869ff"))

    assert message.payload == {"r": "hi"}
    assert message.op is Op.WRITE_REPLY


@given(st.binary(max_size=200))
def test_arbitrary_bytes_are_a_message_or_malformed(raw: bytes) -> None:
    for candidate in (raw, packet(raw)):
        try:
            message = unpack(candidate)
        except MalformedMessage:
            continue
        assert message.refusal is None or isinstance(message.refusal, Refusal)


@given(messages, st.data())
def test_a_packet_that_is_cut_or_longer_is_malformed(message: Message, data: st.DataObject) -> None:
    packed = pack(message)
    end = data.draw(st.integers(0, len(packed) - 1))

    with pytest.raises(MalformedMessage):
        unpack(packed[:end])
    with pytest.raises(MalformedMessage, match="announces"):
        unpack(packed + b"\0")


@pytest.mark.parametrize(
    ("payload", "words"),
    [
        ("", "not CBOR"),
        ("80", "no map but list"),
        ("a0a0", "1 bytes follow"),
        ("a2616101616102", "Duplicate"),
        ("a1810101", "no text and no integer"),
        ("a1f501", "no text and no integer"),
        ("a16161f7", "not plain"),
        ("a16161f8ff", "not plain"),
        ("a16161c249ffffffffffffffffff", "tag 2"),
        ("a16161d81c80", "tag 28"),
        ("a16161d9d9f700", "tag 55799"),
        ("a161619bffffffffffffffff", "not CBOR"),
        ("a161617bffffffffffffffff", "not CBOR"),
        ("a16161" + "81" * MAX_DEPTH + "00", "nesting"),
        ("a16161" + "81" * 60_000, "nesting"),
        ("a161ff00", "not CBOR"),
    ],
)
def test_what_no_board_should_send_is_refused_by_name(payload: str, words: str) -> None:
    with pytest.raises(MalformedMessage, match=words):
        unpack(packet(bytes.fromhex(payload)))


def test_the_deepest_payload_passes_both_ways() -> None:
    payload: dict[str | int, object] = {"a": 1}
    for _ in range(MAX_DEPTH - 1):
        payload = {"a": payload}

    message = reply(payload)

    assert unpack(pack(message)) == message
    too_deep = Message(op=Op.READ, group=0, command=0, sequence=0, payload={"a": message.payload})  # type: ignore[dict-item] # a Mapping here is a dict
    with pytest.raises(MalformedMessage, match="deeper"):
        pack(too_deep)


@pytest.mark.parametrize(
    "message",
    [
        Message(op=Op.READ, group=-1, command=0, sequence=0),
        Message(op=Op.READ, group=0x1_0000, command=0, sequence=0),
        Message(op=Op.READ, group=0, command=256, sequence=0),
        Message(op=Op.READ, group=0, command=0, sequence=256),
        Message(op=Op.READ, group=0, command=0, sequence=0, flags=256),
        Message(op=Op.READ, group=0, command=0, sequence=0, payload={"a": bytes(65_536)}),
        Message(op=Op.READ, group=0, command=0, sequence=0, payload={"a": 2**64}),
        Message(op=Op.READ, group=0, command=0, sequence=0, payload={"a": "\ud800"}),
        Message(op=Op.READ, group=0, command=0, sequence=0, payload={"a": {1, 2}}),  # type: ignore[dict-item] # on purpose
    ],
)
def test_what_fits_no_packet_is_not_packed(message: Message) -> None:
    with pytest.raises(MalformedMessage):
        pack(message)


@pytest.mark.parametrize("first", [0x04, 0x07, 0x12, 0x1A])
def test_an_unknown_op_or_version_is_malformed(first: int) -> None:
    with pytest.raises(MalformedMessage, match="is not a valid"):
        unpack(bytes([first, 0, 0, 1, 0, 0, 0, 0, 0xA0]))


@pytest.mark.parametrize(
    ("payload", "version", "refusal", "words"),
    [
        ({"rc": 8}, Version.V1, Refusal(8), "not_supported"),
        ({"rc": 256}, Version.V1, Refusal(256), "code 256"),
        ({"rc": 8, "rsn": "no"}, Version.V2, Refusal(8), "not_supported"),
        ({"err": {"group": 1, "rc": 11}}, Version.V2, Refusal(11, 1), "code 11 of group 1"),
    ],
)
def test_a_device_s_refusal_is_a_value(
    payload: dict[str | int, object], version: Version, refusal: Refusal, words: str
) -> None:
    message = reply(payload, version)

    assert message.refusal == refusal
    assert str(message.refusal) == words


@pytest.mark.parametrize("payload", [{}, {"rc": 0}, {"err": {"group": 1, "rc": 0}}, {"off": 128}])
def test_a_reply_without_an_error_is_no_refusal(payload: dict[str | int, object]) -> None:
    assert reply(payload).refusal is None


def test_a_request_refuses_nothing() -> None:
    request = Message(op=Op.WRITE, group=0, command=0, sequence=0, payload={"rc": 8})

    assert request.refusal is None
