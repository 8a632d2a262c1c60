"""Promise: a capture becomes readable, damage is named, and no input ends in a trace."""

from __future__ import annotations

import json
import pty
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from firmware_bridge.cli import app
from firmware_bridge.framing import MAX_PACKET, Damage, frame
from firmware_bridge.message import COMMANDS, BoardCommand, Group, Message, Op, pack, unpack

ECHO_REPLY = "020b01020a0102020dbf61726568656c6c6fff f1bb00"

ROOT = Path(__file__).parent.parent.parent
DOCUMENT = ROOT / "docs" / "board-link.md"
PROGRAM = "from firmware_bridge.cli import app; app()"

runner = CliRunner()


def pushed(**values: object) -> bytes:
    """A frame of telemetry that nobody asked for."""
    return frame(
        pack(
            Message(
                op=Op.READ_REPLY,
                group=Group.BOARD,
                command=BoardCommand.PUSHED_TELEMETRY,
                sequence=0,
                payload=values,  # type: ignore[arg-type] # plain by the tests' choice
            )
        )
    )


def test_hex_text_becomes_a_line_a_message() -> None:
    result = runner.invoke(app, ["decode", *ECHO_REPLY.split()])

    assert result.output == 'write_reply os echo #2 {"r": "hello"}\n'
    assert result.exit_code == 0


def test_hex_text_may_have_colons_and_lack_the_last_zero() -> None:
    digits = bytes.fromhex(ECHO_REPLY).hex(":").removesuffix(":00")

    result = runner.invoke(app, ["decode", digits])

    assert "hello" in result.output
    assert result.exit_code == 0


def test_a_capture_is_read_and_its_damage_named(tmp_path: Path) -> None:
    capture = tmp_path / "capture.bin"
    altered = bytearray(pushed(n=2))
    altered[-3] ^= 1
    capture.write_bytes(pushed(n=1) + bytes(altered) + pushed(n=3) + pushed(n=4)[:-4])

    result = runner.invoke(app, ["decode", "--file", str(capture)])

    assert result.output.splitlines() == [
        'read_reply board pushed_telemetry #0 {"n": 1}',
        f"damaged frame: checksum ({len(altered) - 1} bytes)",
        'read_reply board pushed_telemetry #0 {"n": 3}',
        f"damaged frame: encoding ({len(altered) - 4} bytes)",
    ]
    assert result.exit_code == 1


def test_json_is_an_object_a_line() -> None:
    stream = pushed(v={1: -40, 2: float("nan")}, raw=[b"\x00\xff"]) + b"\x01\x02\0"

    result = runner.invoke(app, ["decode", "--json"], input=stream)

    message, damage = (json.loads(line) for line in result.output.splitlines())
    assert message == {
        "op": "read_reply",
        "group": "board",
        "command": "pushed_telemetry",
        "sequence": 0,
        "version": 2,
        "payload": {"v": {"1": -40, "2": "nan"}, "raw": [{"hex": "00ff"}]},
    }
    assert damage == {"problem": "damaged frame: encoding", "bytes": 2}
    assert result.exit_code == 1


def test_a_good_frame_around_a_malformed_message_is_named() -> None:
    result = runner.invoke(app, ["decode"], input=frame(b"no message"))

    assert result.output.startswith("malformed message: announces ")
    assert result.exit_code == 1


def test_a_refusal_is_shown() -> None:
    refused = Message(op=Op.WRITE_REPLY, group=300, command=9, sequence=1, payload={"rc": 8})

    line = runner.invoke(app, ["decode"], input=frame(pack(refused))).output
    document = json.loads(
        runner.invoke(app, ["decode", "--json"], input=frame(pack(refused))).output
    )

    assert line == 'write_reply 300 9 #1 REFUSED not_supported {"rc": 8}\n'
    assert document["refusal"] == "not_supported"


def test_a_board_cannot_write_escape_codes_to_the_terminal() -> None:
    result = runner.invoke(app, ["decode"], input=pushed(label="\x1b[2J\x9b1mTrạm\u202e😀"))

    assert result.output.endswith('{"label": "\\u001b[2J\\u009b1mTrạm\\u202e😀"}\n')


def test_nothing_at_all_is_said_and_told_by_the_exit_code() -> None:
    result = runner.invoke(app, ["decode"], input=b"\0\0")

    assert "no frame found" in result.stderr
    assert result.exit_code == 1


@pytest.mark.parametrize(
    "arguments",
    [
        ["decode", "zz"],
        ["decode", "0"],
        ["decode", "00", "--file", "x"],
        ["decode", "--file", "/no/such/file"],
        ["decode", "--file", "/"],
        ["encode", "fly", "os", "echo"],
        ["encode", "3", "os", "echo"],
        ["encode", "read", "os", "fish"],
        ["encode", "read", "os", "256"],
        ["encode", "read", "moon", "0"],
        ["encode", "read", "70000", "0"],
        ["encode", "read", "300", "name"],
        ["encode", "read", "300", "²"],
        ["encode", "read", "os", "echo", "--sequence", "256"],
        ["encode", "read", "os", "echo", "{"],
        ["encode", "read", "os", "echo", "[1]"],
        ["encode", "read", "os", "echo", '{"a": {"hex": "0"}}'],
        ["encode", "read", "os", "echo", '{"a": 99999999999999999999}'],
        ["encode", "read", "os", "echo", '{"a": "\\ud800"}'],
        ["encode", "read", "os", "echo", '{"a":' * 5000],
        ["encode", "read", "os", "echo", '{"a":' * 50 + "1" + "}" * 50],
        ["encode", "read", "os", "echo", json.dumps({"a": "x" * MAX_PACKET})],
    ],
)
def test_a_wrong_command_line_is_told_and_ends_with_2(arguments: list[str]) -> None:
    result = runner.invoke(app, arguments)

    assert result.exit_code == 2
    assert "Invalid value" in result.stderr
    assert "Traceback" not in result.output


def test_a_request_becomes_a_frame() -> None:
    result = runner.invoke(app, ["encode", "write", "os", "echo", '{"d": "hi"}', "--sequence", "1"])

    assert result.output == frame(bytes.fromhex("0a00000600000100a16164626869")).hex() + "\n"
    assert result.exit_code == 0


def test_a_request_by_numbers_with_bytes_inside_is_told_in_json() -> None:
    result = runner.invoke(
        app, ["encode", "read", "300", "9", '{"a": {"hex": "00ff"}, "b": {"c": null}}', "--json"]
    )

    told = json.loads(result.output)
    message = unpack(bytes.fromhex(told["packet"]))
    assert (message.op, message.group, message.command) == (Op.READ, 300, 9)
    assert message.payload == {"a": b"\x00\xff", "b": {"c": None}}
    assert frame(bytes.fromhex(told["packet"])).hex() == told["frame"]


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.one_of(st.binary(max_size=40), st.binary(min_size=1, max_size=40).map(frame))))
def test_no_capture_ends_in_a_trace(pieces: list[bytes]) -> None:
    result = runner.invoke(app, ["decode", "--json"], input=b"".join(pieces))

    assert result.exit_code in (0, 1)
    for line in result.stdout.splitlines():
        assert isinstance(json.loads(line), dict)


@pytest.mark.parametrize("command", ["decode", "encode"])
def test_help_teaches_by_example_and_names_the_exit_codes(command: str) -> None:
    result = runner.invoke(app, [command, "--help"])

    assert f"firmware-bridge {command} " in result.output
    assert "Exit codes" in result.output
    assert "\\b" not in result.output
    assert "╭" not in result.output


def test_every_command_of_the_program_and_of_the_link_is_documented() -> None:
    page = DOCUMENT.read_text(encoding="utf-8")

    assert "firmware-bridge decode" in page
    assert "firmware-bridge encode" in page
    for group, commands in COMMANDS.items():
        assert f"{group} `{Group(group).name.lower()}`" in page
        for command in commands:
            assert f"{command} `{command.name.lower()}`" in page
    for damage in Damage:
        assert f"damaged frame: {damage}" in page


def test_a_terminal_is_not_waited_for() -> None:
    _, terminal = pty.openpty()

    result = subprocess.run(
        [sys.executable, "-c", PROGRAM, "decode"],
        stdin=terminal,
        capture_output=True,
        check=False,
        cwd=ROOT,
    )

    assert result.returncode == 2
    assert b"standard input" in result.stderr


def test_messages_of_a_live_line_are_shown_when_they_come() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM, "decode"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=ROOT,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(pushed(n=1))
        process.stdin.flush()

        first = process.stdout.readline()
        process.stdin.close()

    assert b'{"n": 1}' in first
    assert process.returncode == 0
