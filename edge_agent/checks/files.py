"""The configuration, its profiles, and the secrets and certificates that it names."""

from __future__ import annotations

import ssl
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from edge_agent.checks.certificate import NoCertificate, certificates
from edge_agent.checks.finding import fail, ok, warn
from edge_agent.delivery.connection import tls_context
from telemetry.language import Phrase
from telemetry.settings import SettingsError, read_secret

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from edge_agent.checks.certificate import Certificate
    from edge_agent.checks.finding import Finding
    from edge_agent.delivery.settings import TlsSettings, UplinkSettings
    from edge_agent.site.site import Site
    from telemetry.language import Lang

EXPIRES_SOON = timedelta(days=30)

CONFIGURATION = Phrase(en="configuration", vi="cấu hình")
SIZE = Phrase(en="devices: {devices}, buses: {buses}", vi="{devices} thiết bị, {buses} bus")
NOTHING_TO_READ = Phrase(
    en="`edge-agent add` or `edge-agent scan` brings the first device",
    vi="thêm thiết bị đầu tiên bằng `edge-agent add` hoặc `edge-agent scan`",
)
PROFILE = Phrase(en="profile {id}", vi="hồ sơ {id}")
REVISION = Phrase(en="revision {revision}", vi="bản {revision}")
UNVERIFIED = Phrase(
    en="revision {revision}, not yet confirmed on hardware: {facts}",
    vi="bản {revision}, chưa kiểm chứng trên thiết bị thật: {facts}",
)
COMPARE = Phrase(
    en="compare with the device's display: `edge-agent test --expect ID.CHANNEL=VALUE+-OFF`",
    vi="so với màn hình của thiết bị: `edge-agent test --expect ID.KÊNH=GIÁ_TRỊ+-SAI_SỐ`",
)
PASSWORD = Phrase(en="password", vi="mật khẩu")
READABLE = Phrase(en="{path} can be read", vi="đọc được {path}")
RE_ENROL = Phrase(
    en="ask for a new bundle (`collector agents add`) and apply it with `edge-agent enroll`",
    vi="xin gói đăng ký mới (`collector agents add`) rồi chạy `edge-agent enroll`",
)
CA = Phrase(en="authority's certificate", vi="chứng thư của CA")
OWN = Phrase(en="own certificate", vi="chứng thư của gateway")
UNTIL = Phrase(en="{name}, until {until:%Y-%m-%d}", vi="{name}, hết hạn {until:%Y-%m-%d}")
EXPIRED = Phrase(
    en="{name} expired on {until:%Y-%m-%d}", vi="{name} đã hết hạn từ {until:%Y-%m-%d}"
)
NOT_YET = Phrase(
    en="{name} holds only from {since:%Y-%m-%d %H:%M} UTC on",
    vi="{name} chỉ có hiệu lực từ {since:%Y-%m-%d %H:%M} UTC",
)
SET_CLOCK = Phrase(
    en="is this gateway's clock right? (`timedatectl`)",
    vi="đồng hồ của gateway có đúng không? (`timedatectl`)",
)
RENEW = Phrase(
    en="have it renewed; the agent takes the new file at its next connection",
    vi="gia hạn chứng thư; agent dùng tệp mới ở lần kết nối sau",
)
OTHER_NAME = Phrase(
    en="its name is {name!r}, this agent is {agent!r}: the broker will let it do nothing",
    vi="chứng thư mang tên {name!r} nhưng agent là {agent!r}: broker sẽ không cho phép gì",
)
NAME_RIGHT = Phrase(
    en="have one made for {agent}, or set agent.id to the name",
    vi="xin chứng thư cho {agent}, hoặc sửa agent.id theo tên đó",
)
UNREADABLE = Phrase(en="{path} cannot be read: {reason}", vi="không đọc được {path}: {reason}")
PERMIT = Phrase(
    en="it must be PEM, and readable for the user of the agent",
    vi="tệp phải ở dạng PEM và người dùng của agent đọc được",
)
NO_PAIR = Phrase(
    en="{key} is not the key of {certificate}", vi="{key} không phải khóa của {certificate}"
)


def files(site: Site, lang: Lang) -> Iterator[Finding]:
    """What can be looked at without a port, a clock or a broker."""
    config = site.config
    size = SIZE(lang, devices=len(site.devices), buses=len(config.buses))
    if site.devices:
        yield ok(CONFIGURATION(lang), size)
    else:
        yield warn(CONFIGURATION(lang), size, NOTHING_TO_READ(lang))
    yield from _profiles(site, lang)
    yield from _password(config.uplink, lang)
    if config.uplink.tls is not None:
        yield from _tls(config.uplink.tls, config.agent.id, lang)


def _profiles(site: Site, lang: Lang) -> Iterator[Finding]:
    for profile in {device.profile.id: device.profile for device in site.devices}.values():
        about = PROFILE(lang, id=profile.id)
        if profile.verify:
            facts = ", ".join(profile.verify)
            says = UNVERIFIED(lang, revision=profile.revision, facts=facts)
            yield warn(about, says, COMPARE(lang))
        else:
            yield ok(about, REVISION(lang, revision=profile.revision))


def _password(uplink: UplinkSettings, lang: Lang) -> Iterator[Finding]:
    if uplink.password_file is None:
        return
    try:
        read_secret(uplink.password_file)
    except SettingsError as error:
        yield fail(PASSWORD(lang), str(error), RE_ENROL(lang))
    else:
        yield ok(PASSWORD(lang), READABLE(lang, path=uplink.password_file))


def _tls(tls: TlsSettings, agent: str, lang: Lang) -> Iterator[Finding]:
    yield from _certificate(tls.ca, CA(lang), lang)
    if tls.certificate is None or tls.key is None:
        return
    yield from _certificate(tls.certificate, OWN(lang), lang, agent)
    try:
        tls_context(tls)
    except ssl.SSLError:
        says = NO_PAIR(lang, key=tls.key, certificate=tls.certificate)
        yield fail(OWN(lang), says, RE_ENROL(lang))
    except OSError as error:
        says = UNREADABLE(lang, path=tls.key, reason=error.strerror)
        yield fail(OWN(lang), says, PERMIT(lang))


def _certificate(path: Path, about: str, lang: Lang, agent: str | None = None) -> Iterator[Finding]:
    """Its dates; of the agent's own, whether it is this agent's."""
    try:
        found = certificates(path.read_bytes())
    except (OSError, NoCertificate) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        yield fail(about, UNREADABLE(lang, path=path, reason=reason), PERMIT(lang))
        return
    now = datetime.now(UTC)
    chosen = found if agent is None else found[:1]  # the authorities that signed it come after
    yield from (dated(each, about, now, lang) for each in chosen)
    if agent is not None and found[0].name != agent:
        says = OTHER_NAME(lang, name=found[0].name, agent=agent)
        yield warn(about, says, NAME_RIGHT(lang, agent=agent))


def dated(certificate: Certificate, about: str, now: datetime, lang: Lang) -> Finding:
    """What its dates say."""
    facts = {"name": certificate.name, "since": certificate.since, "until": certificate.until}
    if now < certificate.since:
        return fail(about, NOT_YET(lang, **facts), SET_CLOCK(lang))
    if now >= certificate.until:
        return fail(about, EXPIRED(lang, **facts), RENEW(lang))
    if now + EXPIRES_SOON >= certificate.until:
        return warn(about, UNTIL(lang, **facts), RENEW(lang))
    return ok(about, UNTIL(lang, **facts))
