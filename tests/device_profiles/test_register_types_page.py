"""Promise: what the page about register types says is what decoding does, line by line."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from device_profiles.channel import RegisterChannel
from device_profiles.decode import Doubted, decoder
from device_profiles.registers import Type, natural_order
from telemetry.sample import Flag
from telemetry.settings import read_yaml

PAGE = (Path(__file__).parents[2] / "docs" / "register-types.md").read_text(encoding="utf-8")
LISTED = re.findall(r"^\| `(\w+)` \| (\d+|as `length` says) \| .+ \| (\w+) \|$", PAGE, re.MULTILINE)
EXAMPLES = re.findall(r"^\| `(type: .+)` \| `([0-9A-F ]+)` \| `(.+)` \|$", PAGE, re.MULTILINE)


def channel(keys: str) -> RegisterChannel:
    entry: dict[str, Any] = read_yaml(f"{{{keys}}}", "page")[0]
    return RegisterChannel.model_validate({"id": "c", "table": "holding", "address": 0, **entry})


def test_every_type_is_listed_with_its_registers_and_the_type_of_its_values() -> None:
    needs = {kind: ", length: 1" if kind.has_length else "" for kind in Type} | {
        Type.BOOL: ", bit: 0"
    }
    expected = [
        (
            kind,
            "as `length` says" if kind.has_length else str(kind.registers),
            channel(f"type: {kind}{needs[kind]}").stored,
        )
        for kind in Type
    ]

    assert expected == LISTED


@pytest.mark.parametrize(("keys", "registers", "shown"), EXAMPLES)
def test_an_example_decodes_to_its_value(keys: str, registers: str, shown: str) -> None:
    words = [int(word, 16) for word in registers.split()]

    outcome = decoder(channel(keys))(words)

    assert spelled(outcome) == shown


def spelled(outcome: object) -> str:
    assert not isinstance(outcome, Doubted)
    return str(outcome).lower() if isinstance(outcome, bool) else str(outcome)


def test_every_type_has_an_example_and_long_numbers_have_one_in_each_usual_order() -> None:
    shown = [channel(keys) for keys, _, _ in EXAMPLES]
    orders = {
        kind: {c.order or natural_order(kind) for c in shown if c.type is kind} for kind in Type
    }

    assert all(orders.values())
    for kind in (kind for kind in Type if kind.is_number and kind.registers == 2):
        assert len(orders[kind]) >= 4
    for kind in (kind for kind in Type if kind.is_number and kind.registers == 4):
        assert orders[kind] == {"ABCDEFGH", "GHEFCDAB", "BADCFEHG", "HGFEDCBA"}


def test_flags_are_spelled_as_messages_spell_them() -> None:
    flags = {shown for _, _, shown in EXAMPLES if shown.startswith("bad:")}

    assert {str(Flag.parse(flag)) for flag in flags} == flags
    assert len(flags) >= 5
