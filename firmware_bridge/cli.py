"""`firmware-bridge`: what boards and their hosts say on the line, made readable, and the way back.

    decode    frames, from hex text or a raw capture, to one line a message
    encode    one request to the frame that carries it

Nothing here opens a port.
"""

from __future__ import annotations

import os
import sys
from enum import IntEnum
from pathlib import Path  # noqa: TC003 - typer reads the annotation when it runs
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from telemetry import extras

with extras.imports("firmware-bridge", "boards", os.environ):
    from firmware_bridge import message, spelling
    from firmware_bridge.framing import DELIMITER, Damaged, Deframer, PacketSize, frame
    from firmware_bridge.message import COMMANDS, Group, MalformedMessage, Message, Op

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from io import BufferedReader

CHUNK = 65_536

DECODE_EXAMPLES = """\b
Examples:
  firmware-bridge decode 020b01020a0102020dbf61726568656c6c6fff f1bb00
  firmware-bridge decode --file capture.bin --json
  timeout 10 cat /dev/ttyACM0 | firmware-bridge decode

\b
Exit codes:
  0  every frame is a good message
  1  something is damaged or malformed, or there is no frame at all
  2  the command line is wrong, or the file cannot be read
"""

ENCODE_EXAMPLES = """\b
Examples:
  firmware-bridge encode write os echo '{"d": "hello"}'
  firmware-bridge encode read board telemetry --sequence 7
  firmware-bridge encode write board push | xxd -r -p > request.bin

\b
Commands by group (others by number):
  os     echo, reset, parameters
  image  state, upload, erase
  board  ident, telemetry, command, describe, events, push

\b
Exit codes:
  0  printed
  2  the command line is wrong
"""

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="Read and write the messages of microcontroller boards (SMP in COBS frames).",
)

AsJson = Annotated[bool, typer.Option("--json", help="One JSON object a line, for scripts.")]


class Request(IntEnum):
    """What a host may ask."""

    READ = Op.READ
    WRITE = Op.WRITE


@app.callback()
def _group() -> None:
    """Read and write the messages of microcontroller boards (SMP in COBS frames)."""


@app.command(epilog=DECODE_EXAMPLES)
def decode(
    hex_text: Annotated[
        list[str] | None,
        typer.Argument(metavar="HEX", help="Frames as hex digits; blanks and colons are fine."),
    ] = None,
    file: Annotated[
        Path | None, typer.Option("--file", "-f", help="A raw capture of the line.")
    ] = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Show each frame as a message; name what is damaged.

    Bytes come from HEX, from --file, or from standard input as they were on the line.
    A frame at the end need not have its closing zero.
    """
    if hex_text and file:
        raise typer.BadParameter("give HEX or --file, not both")
    chunks = _from_hex(hex_text) if hex_text else _from_file(file)
    results = 0
    bad = 0
    for found in _frames(chunks):
        line = _tell(found)
        results += 1
        bad += "problem" in line
        typer.echo(spelling.line(line) if as_json else _sentence(line))
    if not results:
        typer.echo("no frame found", err=True)
    raise typer.Exit(1 if bad or not results else 0)


@app.command(epilog=ENCODE_EXAMPLES)
def encode(  # noqa: PLR0913 - a request has these parts
    op: Annotated[str, typer.Argument(help="read or write.")],
    group: Annotated[str, typer.Argument(help="os, image, board, or a number.")],
    command: Annotated[str, typer.Argument(help="A command of the group, or a number.")],
    payload: Annotated[str, typer.Argument(help='A JSON object; bytes as {"hex": "00ff"}.')] = "{}",
    *,
    sequence: Annotated[int, typer.Option(min=0, max=255, help="What the reply repeats.")] = 0,
    as_json: AsJson = False,
) -> None:
    """Print the frame that carries one request, as hex digits."""
    group_id = _number(group, Group, "group", 0xFFFF)
    request = Message(
        op=Op(_number(op, Request, "op", Op.WRITE)),
        group=group_id,
        command=_number(command, COMMANDS.get(group_id), "command", 0xFF),
        sequence=sequence,
        payload=_payload(payload),
    )
    try:
        packet = message.pack(request)
        framed = frame(packet)
    except (MalformedMessage, PacketSize) as error:
        raise typer.BadParameter(str(error)) from error
    told = {"frame": framed.hex(), "packet": packet.hex()}
    typer.echo(spelling.line(told) if as_json else told["frame"])


def _from_hex(words: list[str]) -> Iterator[bytes]:
    try:
        yield bytes.fromhex("".join(words).replace(":", ""))
    except ValueError as error:
        raise typer.BadParameter(f"HEX is no hex text: {error}") from error


def _from_file(path: Path | None) -> Iterator[bytes]:
    try:
        if path is None:
            if sys.stdin.isatty():
                raise typer.BadParameter("give HEX, --file, or bytes on standard input")
            stdin = cast("BufferedReader", sys.stdin.buffer)
            yield from iter(lambda: stdin.read1(CHUNK), b"")
        else:
            with path.open("rb") as stream:
                yield from iter(lambda: stream.read(CHUNK), b"")
    except OSError as error:
        raise typer.BadParameter(f"{path or 'standard input'}: {error.strerror}") from error


def _frames(chunks: Iterable[bytes]) -> Iterator[bytes | Damaged]:
    deframer = Deframer()
    for chunk in chunks:
        yield from deframer.feed(chunk)
    yield from deframer.feed(DELIMITER)


def _tell(found: bytes | Damaged) -> dict[str, Any]:
    if isinstance(found, Damaged):
        return {"problem": f"damaged frame: {found.damage}", "bytes": found.size}
    try:
        return spelling.document(message.unpack(found))
    except MalformedMessage as error:
        return {"problem": f"malformed message: {error}", "bytes": len(found)}


def _sentence(told: dict[str, Any]) -> str:
    if "problem" in told:
        size = "1 byte" if told["bytes"] == 1 else f"{told['bytes']} bytes"
        return spelling.printable(f"{told['problem']} ({size})")
    head = f"{told['op']} {told['group']} {told['command']} #{told['sequence']}"
    refusal = f" REFUSED {told['refusal']}" if "refusal" in told else ""
    return f"{head}{refusal} {spelling.line(told['payload'])}"


def _number(text: str, names: type[IntEnum] | None, what: str, most: int) -> int:
    if names is not None:
        known = {member.name.lower(): member.value for member in names}
        if text.lower() in known:
            return known[text.lower()]
        expected = ", ".join(known)
    else:
        expected = "a number"
    if names is Request or not text.isascii() or not text.isdigit() or int(text) > most:
        raise typer.BadParameter(f"no {what} {text!r}; known are {expected}")
    return int(text)


def _payload(text: str) -> dict[str | int, message.Value]:
    try:
        return spelling.payload(text)
    except ValueError as error:
        raise typer.BadParameter(f"PAYLOAD: {error}") from error
