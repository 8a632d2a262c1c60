"""What `collector check` looks at, before a start and while it runs: ok, warn or FAIL."""

from __future__ import annotations

import asyncio
import os
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from collector.alarms import rules
from collector.broker import child
from collector.broker.child import BrokerWontStart
from collector.stores import StoreUnavailable
from collector.stores.adapters import STORES
from collector.stores.settings import InfluxSettings
from telemetry.settings import SettingsError, read_secret

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from collector.config import CollectorConfig
    from collector.ingest.mqtt_settings import MqttSettings

CONNECTS_WITHIN = 5.0
"""Seconds that a broker elsewhere gets to accept a connection."""


class Level(StrEnum):
    """How bad it is: a FAIL keeps the collector from its work."""

    OK = "ok"
    WARN = "warn"
    FAIL = "FAIL"


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the check."""

    level: Level
    text: str

    def __str__(self) -> str:
        """As the check prints it."""
        return f"{self.level:<5} {self.text}"


async def offline(config: CollectorConfig) -> list[Finding]:
    """What can be said without asking anybody."""
    return [
        _rules(config.rules),
        _data_dir(config.data_dir),
        await _broker(config),
        *_files(config),
    ]


async def online(config: CollectorConfig) -> list[Finding]:
    """Whether the store and a broker elsewhere answer."""
    findings = []
    if config.broker.external is not None:
        findings.append(await _reach(config.broker.external))
    if isinstance(config.store, InfluxSettings):
        findings.append(await _influx(config.store))
    return findings


def _rules(path: Path | None) -> Finding:
    if path is None:
        return Finding(Level.WARN, "rules: none; nothing raises an alarm")
    try:
        found = rules.load(path)
    except SettingsError as error:
        return Finding(Level.FAIL, str(error))
    return Finding(Level.OK, f"rules: {len(found)} in {path}")


def _data_dir(path: Path) -> Finding:
    if not path.exists():
        return Finding(Level.WARN, f"data_dir: {path} is not there yet; the start makes it")
    if not os.access(path, os.R_OK | os.W_OK | os.X_OK):
        return Finding(Level.FAIL, f"data_dir: {path} may not be written by this user")
    if path.stat().st_mode & 0o077:
        return Finding(Level.WARN, f"data_dir: others may look into {path}; the start forbids it")
    return Finding(Level.OK, f"data_dir: {path}")


async def _broker(config: CollectorConfig) -> Finding:
    if config.broker.embedded is None:
        return Finding(Level.OK, f"broker: {config.mqtt.host}:{config.mqtt.port}")
    try:
        program = child.find_program()
        version = await child.version(program)
    except BrokerWontStart as error:
        return Finding(Level.FAIL, f"broker: {error}")
    spelt = ".".join(map(str, version))
    listen = config.broker.embedded.listen
    return Finding(Level.OK, f"broker: {program} {spelt} will listen on {listen}")


def _files(config: CollectorConfig) -> Iterator[Finding]:
    """Certificates, keys and secrets that the configuration names."""
    embedded, external = config.broker.embedded, config.broker.external
    for part in (embedded and embedded.tls, external and external.tls, config.api.tls):
        for name, path in part or ():
            if path is not None:
                yield _readable(name, path)
    if external is not None and external.password is not None:
        yield _secret(external.password)
    if isinstance(config.store, InfluxSettings) and config.store.secret_file is not None:
        yield _secret(config.store.secret_file)


def _readable(name: str, path: Path) -> Finding:
    if os.access(path, os.R_OK):
        return Finding(Level.OK, f"{name}: {path}")
    return Finding(Level.FAIL, f"{name}: {path} cannot be read")


def _secret(path: Path) -> Finding:
    try:
        read_secret(path)
    except SettingsError as error:
        return Finding(Level.FAIL, str(error))
    return Finding(Level.OK, f"secret: {path}")


async def _reach(broker: MqttSettings) -> Finding:
    place = f"{broker.host}:{broker.port}"
    try:
        async with asyncio.timeout(CONNECTS_WITHIN):
            _, writer = await asyncio.open_connection(broker.host, broker.port)
    except OSError as error:
        return Finding(Level.FAIL, f"broker: {place} does not answer: {error}")
    writer.close()
    return Finding(Level.OK, f"broker: {place} answers")


async def _influx(settings: InfluxSettings) -> Finding:
    store = STORES[settings.kind](settings)
    try:
        await store.open()
    except StoreUnavailable as error:
        return Finding(Level.FAIL, f"store: {settings.url}: {error}")
    finally:
        await store.close()
    return Finding(Level.OK, f"store: {settings.url} answers")
