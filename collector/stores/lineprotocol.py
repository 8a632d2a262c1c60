"""Rows as InfluxDB's line protocol, in bytes, times in ms.

    electricity_meter,agent=a1,device=m1,profile=sdm630 voltage=230.1,state=3i 1700000000000

Tags and field names are names (`telemetry.names`): none of them needs an escape. Text values do.
Points are not built from objects: that costs a hundred times as much.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from collector.stores.rows import Field, SeriesKey

TIME_MAX = (2**63 - 2) // 1_000_000
"""The last ms that fits InfluxDB's nanoseconds, in the year 2262."""


def encode(key: SeriesKey, fields: Mapping[str, Field], at: int) -> bytes:
    """One line, without its end."""
    parts = []
    for name, value in fields.items():
        if type(value) is float:
            parts.append(f"{name}={value!r}")
        elif type(value) is int:
            parts.append(f"{name}={value}i")
        else:
            parts.append(f'{name}="{_escaped(str(value))}"')
    return f"{_head(key)} {','.join(parts)} {at}".encode()


@lru_cache(maxsize=65_536)
def _head(key: SeriesKey) -> str:
    return f"{key.measurement},agent={key.agent},device={key.device},profile={key.profile}"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')
