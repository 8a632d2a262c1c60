"""Which stores there are, by the `kind` of their settings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from collector.stores.influx import InfluxStore
from collector.stores.sqlite import SqliteStore

if TYPE_CHECKING:
    from collections.abc import Callable

    from collector.stores import Store

STORES: dict[str, Callable[[Any], Store]] = {"sqlite": SqliteStore, "influxdb": InfluxStore}
"""Called with its settings: a store that is not opened yet."""
