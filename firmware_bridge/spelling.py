"""How messages look as JSON: bytes as `{"hex": "00ff"}`, integer keys as text, `NaN` as text."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

from firmware_bridge.message import COMMANDS, Group, Message

if TYPE_CHECKING:
    from firmware_bridge.message import Value


def document(message: Message) -> dict[str, Any]:
    """A message as a JSON object; groups and commands by name where they are known."""
    told = {
        "op": message.op.name.lower(),
        "group": _name(Group, message.group),
        "command": _name(COMMANDS.get(message.group), message.command),
        "sequence": message.sequence,
        "version": int(message.version) + 1,
        "payload": plain(dict(message.payload)),
    }
    if message.refusal is not None:
        told["refusal"] = str(message.refusal)
    return told


def plain(value: Value) -> Any:  # noqa: ANN401 - a JSON document can be anything
    """A payload's value in JSON's types."""
    match value:
        case bytes():
            return {"hex": value.hex()}
        case float() if not math.isfinite(value):
            return str(value)
        case dict():
            return {str(key): plain(part) for key, part in value.items()}
        case list():
            return [plain(part) for part in value]
        case _:
            return value


def payload(text: str) -> dict[str | int, Value]:
    """The payload that JSON `text` spells.

    Raises:
        ValueError: if it is no JSON object.
    """
    try:
        document = json.loads(text, object_hook=_unhex)
    except RecursionError as error:
        raise ValueError("nested too deep") from error
    match document:
        case dict():
            return document
        case _:
            raise ValueError("a JSON object is expected")


def line(value: Any) -> str:  # noqa: ANN401 - a JSON document can be anything
    """`value` as one line of JSON that is safe to show on a terminal."""
    return printable(json.dumps(value, ensure_ascii=False))


def printable(text: str) -> str:
    """`text` with escapes for what a terminal would obey instead of showing."""
    return "".join(c if c.isprintable() else json.dumps(c)[1:-1] for c in text)


def _name(names: Any, number: int) -> str | int:  # noqa: ANN401 - type[IntEnum] or None
    if names is not None and number in names.__members__.values():
        return str(names(number).name.lower())
    return number


def _unhex(entry: dict[str, Any]) -> bytes | dict[str, Any]:
    match entry:
        case {"hex": str(digits)} if len(entry) == 1:
            return bytes.fromhex(digits)
        case _:
            return entry
