"""What real devices said, in tests/wire: their bytes, and what these mean by their source."""

from __future__ import annotations

import itertools
import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from edge_agent.protocols import PROTOCOLS
from edge_agent.protocols.ab3418 import Message, frame
from telemetry.sample import Flag

if TYPE_CHECKING:
    from collections.abc import Sequence

    from edge_agent.protocols.conversation import Fields, Question

WIRE = Path(__file__).parent.parent / "wire"


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """An answer; `within`: how far its source may be off, where that prints few decimals."""

    protocol: str
    address: str
    device: str
    frame: bytes
    says: dict[str, Any]
    within: float = 0.0

    def __str__(self) -> str:
        """For a test's name."""
        return f"{self.protocol}-{self.device}"

    @property
    def question(self) -> Question:
        """The one exchange that brings what it says."""
        (question,) = PROTOCOLS[self.protocol].questions(self.address, list(self.says))
        return question

    def is_said(self, said: Fields | None) -> bool:
        """Whether every field is there, with its value or flag, and no other."""
        if said is None or set(said) != set(self.says):
            return False
        plain = {name: str(v) if isinstance(v, Flag) else v for name, v in said.items()}
        return all(self._is_same(plain[name], told) for name, told in self.says.items())

    def _is_same(self, said: object, told: object) -> bool:
        if self.within and not isinstance(told, str):
            return bool(said == pytest.approx(told, rel=1e-6, abs=self.within))
        return said == told


def _recorded(name: str, *, within: float) -> list[Recorded]:
    records = json.loads((WIRE / name).read_text(encoding="utf-8"))
    return [
        Recorded(
            protocol=record["protocol"],
            address=record["address"],
            device=record["device"],
            frame=bytes.fromhex(record["hex"]),
            says=record["says"],
            within=within if record.get("rounded") else 0.0,
        )
        for record in records
    ]


INSTRUMENTS = _recorded("instruments.json", within=0.0501)
"""Some sources print one decimal."""

CONTROLLER = Recorded(
    protocol="ab3418",
    address="1",
    device="traffic signal controller",
    frame=frame(0x05, Message.LONG_STATUS + 0x40, bytes(range(0x6E, 0x6E + 32))),
    says={"status": 0x6F, "interval_ring0": 0x6, "det8_occupancy": 0x8D},
)
"""Computed: the recorded frames of this protocol are requests."""

METERS = [*_recorded("meters.json", within=5.1e-7), CONTROLLER]
"""libmbus prints six decimals."""


def first_of_each(records: Sequence[Recorded]) -> list[Recorded]:
    """The first record of each protocol."""
    return list({record.protocol: record for record in reversed(records)}.values())


def pieces_of(data: bytes, cuts: Sequence[int]) -> list[bytes]:
    """The same bytes, cut somewhere."""
    edges = sorted({0, len(data), *(cut % (len(data) + 1) for cut in cuts)})
    return [data[begin:end] for begin, end in itertools.pairwise(edges)]
