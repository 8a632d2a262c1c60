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
from telemetry.language import Phrase
from telemetry.settings import SettingsError, read_secret

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from collector.config import CollectorConfig
    from collector.ingest.mqtt_settings import MqttSettings
    from telemetry.language import Lang

CONNECTS_WITHIN = 5.0
"""Seconds that a broker elsewhere gets to accept a connection."""


RULES = Phrase(en="rules: {n} in {path}", vi="quy tắc cảnh báo: {n} trong {path}")
NO_RULES = Phrase(
    en="rules: none; nothing raises an alarm",
    vi="quy tắc cảnh báo: chưa có; sẽ không có cảnh báo nào",
)
NO_DATA_DIR = Phrase(
    en="data_dir: {path} is not there yet; the start makes it",
    vi="data_dir: {path} chưa có; sẽ được tạo khi khởi động",
)
NOT_OURS = Phrase(
    en="data_dir: {path} may not be written by this user",
    vi="data_dir: người dùng này không được ghi vào {path}",
)
OPEN_TO_OTHERS = Phrase(
    en="data_dir: others may look into {path}; the start forbids it",
    vi="data_dir: người khác xem được {path}; khi khởi động sẽ chặn lại",
)
WILL_LISTEN = Phrase(
    en="broker: {program} {version} will listen on {listen}",
    vi="broker: {program} {version} sẽ lắng nghe tại {listen}",
)
UNREADABLE = Phrase(en="{name}: {path} cannot be read", vi="{name}: không đọc được {path}")
SECRET = Phrase(en="secret: {path}", vi="bí mật: {path}")
NO_BROKER = Phrase(
    en="broker: {place} does not answer: {reason}", vi="broker: {place} không trả lời: {reason}"
)
BROKER_ANSWERS = Phrase(en="broker: {place} answers", vi="broker: {place} có trả lời")
NO_STORE = Phrase(en="store: {url}: {reason}", vi="kho dữ liệu: {url}: {reason}")
STORE_ANSWERS = Phrase(en="store: {url} answers", vi="kho dữ liệu: {url} có trả lời")


class Level(StrEnum):
    """How bad it is: a FAIL keeps the collector from its work."""

    OK = "ok"
    WARN = "warn"
    FAIL = "FAIL"


@dataclass(frozen=True, slots=True)
class Finding:
    """What the check found at one place."""

    level: Level
    text: str


async def offline(config: CollectorConfig, lang: Lang) -> list[Finding]:
    """What can be said without asking anybody."""
    return [
        _rules(config.rules, lang),
        _data_dir(config.data_dir, lang),
        await _broker(config, lang),
        *_files(config, lang),
    ]


async def online(config: CollectorConfig, lang: Lang) -> list[Finding]:
    """Whether the store and a broker elsewhere answer."""
    findings = []
    if config.broker.external is not None:
        findings.append(await _reach(config.broker.external, lang))
    if isinstance(config.store, InfluxSettings):
        findings.append(await _influx(config.store, lang))
    return findings


def _rules(path: Path | None, lang: Lang) -> Finding:
    if path is None:
        return Finding(Level.WARN, NO_RULES(lang))
    try:
        found = rules.load(path)
    except SettingsError as error:
        return Finding(Level.FAIL, str(error))
    return Finding(Level.OK, RULES(lang, n=len(found), path=path))


def _data_dir(path: Path, lang: Lang) -> Finding:
    if not path.exists():
        return Finding(Level.WARN, NO_DATA_DIR(lang, path=path))
    if not os.access(path, os.R_OK | os.W_OK | os.X_OK):
        return Finding(Level.FAIL, NOT_OURS(lang, path=path))
    if path.stat().st_mode & 0o077:
        return Finding(Level.WARN, OPEN_TO_OTHERS(lang, path=path))
    return Finding(Level.OK, f"data_dir: {path}")


async def _broker(config: CollectorConfig, lang: Lang) -> Finding:
    if config.broker.embedded is None:
        return Finding(Level.OK, f"broker: {config.mqtt.host}:{config.mqtt.port}")
    try:
        program = child.find_program()
        version = await child.version(program)
    except BrokerWontStart as error:
        return Finding(Level.FAIL, f"broker: {error}")
    spelt = ".".join(map(str, version))
    listen = config.broker.embedded.listen
    says = WILL_LISTEN(lang, program=program, version=spelt, listen=listen)
    return Finding(Level.OK, says)


def _files(config: CollectorConfig, lang: Lang) -> Iterator[Finding]:
    """Certificates, keys and secrets that the configuration names."""
    embedded, external = config.broker.embedded, config.broker.external
    for part in (embedded and embedded.tls, external and external.tls, config.api.tls):
        for name, path in part or ():
            if path is not None:
                yield _readable(name, path, lang)
    if external is not None and external.password is not None:
        yield _secret(external.password, lang)
    if isinstance(config.store, InfluxSettings) and config.store.secret_file is not None:
        yield _secret(config.store.secret_file, lang)


def _readable(name: str, path: Path, lang: Lang) -> Finding:
    if os.access(path, os.R_OK):
        return Finding(Level.OK, f"{name}: {path}")
    return Finding(Level.FAIL, UNREADABLE(lang, name=name, path=path))


def _secret(path: Path, lang: Lang) -> Finding:
    try:
        read_secret(path)
    except SettingsError as error:
        return Finding(Level.FAIL, str(error))
    return Finding(Level.OK, SECRET(lang, path=path))


async def _reach(broker: MqttSettings, lang: Lang) -> Finding:
    place = f"{broker.host}:{broker.port}"
    try:
        async with asyncio.timeout(CONNECTS_WITHIN):
            _, writer = await asyncio.open_connection(broker.host, broker.port)
    except OSError as error:
        return Finding(Level.FAIL, NO_BROKER(lang, place=place, reason=error))
    writer.close()
    return Finding(Level.OK, BROKER_ANSWERS(lang, place=place))


async def _influx(settings: InfluxSettings, lang: Lang) -> Finding:
    store = STORES[settings.kind](settings)
    try:
        await store.open()
    except StoreUnavailable as error:
        return Finding(Level.FAIL, NO_STORE(lang, url=settings.url, reason=error))
    finally:
        await store.close()
    return Finding(Level.OK, STORE_ANSWERS(lang, url=settings.url))
