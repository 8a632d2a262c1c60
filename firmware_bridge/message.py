"""SMP messages: an 8-byte header and a CBOR map, as MCUmgr, MCUboot and Zephyr speak them.

    byte 0            1      2-3     4-5    6         7
    version·8 + op    flags  length  group  sequence  command     then `length` bytes of CBOR

Source: Zephyr, "SMP Protocol Specification" (services/device_mgmt/smp_protocol).
A device's refusal is a message like any other: see `Message.refusal`.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from enum import IntEnum
from io import BytesIO
from typing import TYPE_CHECKING, Any, NamedTuple

import cbor2

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_HEADER = struct.Struct("!BBHHBB")
HEADER_BYTES = _HEADER.size

MAX_DEPTH = 8
"""Deepest nesting of maps and lists: MCUmgr's own answers nest three (image state)."""

CBOR_INT_MIN, CBOR_INT_MAX = -(2**64), 2**64 - 1
"""What a CBOR integer holds without a tag (RFC 8949, 3.1)."""


class Op(IntEnum):
    """What a message does: the header's lowest three bits."""

    READ = 0
    READ_REPLY = 1
    WRITE = 2
    WRITE_REPLY = 3

    @property
    def is_reply(self) -> bool:
        """Whether a device says it."""
        return self in (Op.READ_REPLY, Op.WRITE_REPLY)


class Version(IntEnum):
    """The protocol's version, in the header's bits 3 and 4."""

    V1 = 0
    """An error is `rc`."""
    V2 = 1
    """An error is `err`: a group and its own code."""


class Group(IntEnum):
    """Groups of commands that this program knows; a message may be of any other."""

    OS = 0
    """Echo, reset, parameters (Zephyr, SMP group 0)."""
    IMAGE = 1
    """Firmware images: state and upload (Zephyr, SMP group 1)."""
    BOARD = 64
    """Ours: the first number that the protocol leaves to applications."""


class OsCommand(IntEnum):
    """Commands of `Group.OS`."""

    ECHO = 0
    RESET = 5
    PARAMETERS = 6
    """The size and number of the device's buffers."""


class ImageCommand(IntEnum):
    """Commands of `Group.IMAGE`."""

    STATE = 0
    UPLOAD = 1
    ERASE = 5


class BoardCommand(IntEnum):
    """Commands of `Group.BOARD`; values are raw, units and scales stand in the device's profile."""

    IDENT = 0
    """Read: board, fw, sn, profile, proto, mtu, boot_count, reset_reason."""
    TELEMETRY = 1
    """Read: `t` (ms since the boot), `n` (sequence), `v` (raw value by point id)."""
    COMMAND = 2
    """Write: let the board do something."""
    DESCRIBE = 3
    """Read: the board's points: id, type, unit, scale."""
    EVENTS = 4
    """Read: events by their sequence; write: they arrived, the board may forget them."""
    PUSH = 5
    """Write: send telemetry unasked, or stop it."""
    PUSHED_TELEMETRY = 0x81
    """As `TELEMETRY`, in a read reply that nobody asked for."""


COMMANDS: dict[int, type[IntEnum]] = {
    Group.OS: OsCommand,
    Group.IMAGE: ImageCommand,
    Group.BOARD: BoardCommand,
}
"""Which commands a group has."""


class ReturnCode(IntEnum):
    """Codes that every group shares (Zephyr, `enum mcumgr_err_t`)."""

    OK = 0
    UNKNOWN = 1
    NO_MEMORY = 2
    INVALID = 3
    TIMEOUT = 4
    NO_ENTRY = 5
    BAD_STATE = 6
    MESSAGE_SIZE = 7
    NOT_SUPPORTED = 8
    CORRUPT = 9
    BUSY = 10
    ACCESS_DENIED = 11
    VERSION_TOO_OLD = 12
    VERSION_TOO_NEW = 13


Value = None | bool | int | float | str | bytes | list["Value"] | dict[str | int, "Value"]
"""What a payload holds; CBOR's tags and other extras are refused."""


class Refusal(NamedTuple):
    """A device's "no": `code` is one of `ReturnCode`, or a code of `group` where one is named."""

    code: int
    group: int | None = None

    def __str__(self) -> str:
        """The code by its name, where all groups share it."""
        if self.group is not None:
            return f"code {self.code} of group {self.group}"
        known = self.code in ReturnCode.__members__.values()
        return ReturnCode(self.code).name.lower() if known else f"code {self.code}"


class MalformedMessage(ValueError):
    """The bytes are no SMP message, or the message has no bytes; the text says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One request or reply.

    Attributes:
        group: one of `Group`, or any other 16-bit number.
        command: its id within the group, 8 bits.
        sequence: 8 bits, which a reply repeats.
        flags: 8 bits; the protocol defines none yet.
    """

    op: Op
    group: int
    command: int
    sequence: int
    payload: Mapping[str | int, Value] = field(default_factory=dict)
    version: Version = Version.V2
    flags: int = 0

    @property
    def refusal(self) -> Refusal | None:
        """Why the device did not do it, or None for a request and for a reply without an error.

        An `rc` of zero says that all is well (version 1). A server may answer with `rc` in
        version 2 too, where no group was reached.
        """
        if not self.op.is_reply:
            return None
        match self.payload:
            case {"err": {"group": int(group), "rc": int(code)}} if code != ReturnCode.OK:
                return Refusal(code, group)
            case {"rc": int(code)} if code != ReturnCode.OK:
                return Refusal(code)
            case _:
                return None


def pack(message: Message) -> bytes:
    """The packet for `message`; its CBOR is canonical: shortest numbers, keys in order.

    Raises:
        MalformedMessage: if a field is out of its range, or the payload holds what it may not.
    """
    payload = dict(message.payload)
    _check_plain(payload)
    try:
        encoded = cbor2.dumps(payload, canonical=True)
    except (cbor2.CBORError, UnicodeEncodeError) as error:
        raise MalformedMessage(f"the payload has no CBOR: {error}") from error
    first = message.version << 3 | message.op
    try:
        header = _HEADER.pack(
            first, message.flags, len(encoded), message.group, message.sequence, message.command
        )
    except struct.error as error:
        raise MalformedMessage(f"a header field is out of range: {error}") from error
    return header + encoded


def unpack(packet: bytes) -> Message:
    """The message in `packet`, which must be exactly one.

    Raises:
        MalformedMessage: if it is none, whatever the bytes are.
    """
    if len(packet) < HEADER_BYTES:
        raise MalformedMessage(f"{len(packet)} bytes; a header alone has {HEADER_BYTES}")
    first, flags, length, group, sequence, command = _HEADER.unpack_from(packet)
    if len(packet) - HEADER_BYTES != length:
        raise MalformedMessage(f"announces {length} bytes, carries {len(packet) - HEADER_BYTES}")
    try:
        op, version = Op(first & 0b111), Version(first >> 3 & 0b11)
    except ValueError as error:
        raise MalformedMessage(str(error)) from error
    return Message(
        op=op,
        group=group,
        command=command,
        sequence=sequence,
        payload=_payload(packet[HEADER_BYTES:]),
        version=version,
        flags=flags,
    )


def _payload(raw: bytes) -> Mapping[str | int, Value]:
    stream = BytesIO(raw)
    decoder = cbor2.CBORDecoder(
        stream, max_depth=MAX_DEPTH, allow_duplicate_keys=False, semantic_decoders=_NoTags()
    )
    try:
        payload = decoder.decode()
    except cbor2.CBORError as error:
        raise MalformedMessage(f"not CBOR, or not of the plain kind: {error}") from error
    if not isinstance(payload, dict):
        raise MalformedMessage(f"the payload is no map but {type(payload).__name__}")
    if stream.tell() != len(raw):
        raise MalformedMessage(f"{len(raw) - stream.tell()} bytes follow the payload's map")
    _check_plain(payload)
    return payload


class _NoTags(dict[int, Any]):
    """A decoder for every tag, which refuses it.

    Tags 28 and 29 show one list many times: a short payload could keep us busy for years.
    """

    def __missing__(self, tag: int) -> Callable[[object, bool], object]:
        def refuse(_decoder: object, _immutable: bool) -> object:  # noqa: FBT001 - cbor2 calls it
            raise ValueError(f"tag {tag} is refused")

        return refuse


def _check_plain(payload: object) -> None:
    """Refuse what is no `Value`, or nested too deep."""
    items = [(payload, 1)]
    while items:
        item, depth = items.pop()
        match item:
            case dict() | list() if depth > MAX_DEPTH:
                raise MalformedMessage(f"the payload is nested deeper than {MAX_DEPTH}")
            case dict():
                if any(type(key) not in (str, int) for key in item):
                    raise MalformedMessage("a key is no text and no integer")
                items.extend((part, depth + 1) for pair in item.items() for part in pair)
            case list():
                items.extend((part, depth + 1) for part in item)
            case bool() | float() | str() | bytes() | None:
                pass
            case int() if CBOR_INT_MIN <= item <= CBOR_INT_MAX:
                pass
            case _:
                raise MalformedMessage(f"the payload holds a {type(item).__name__} (not plain)")
