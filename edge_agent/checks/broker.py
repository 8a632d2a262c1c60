"""The broker, as the agent would meet it: reached, trusted, logged in to; and a collector there.

The login is a connection of its own, `<agent>-check`, beside that of a running agent: the agent's
own client id would throw it out. It publishes nothing, and listens to what the agent listens to.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import aiomqtt

from edge_agent.checks.buses import CONNECT_WITHIN, unreachable
from edge_agent.checks.certificate import read
from edge_agent.checks.files import dated
from edge_agent.checks.finding import Verdict, fail, ok, warn
from edge_agent.delivery.connection import connected, new_client, tls_context
from telemetry import topics
from telemetry.announce import MalformedAnnouncement, unpack_presence
from telemetry.language import Phrase
from telemetry.settings import SettingsError, read_secret

if TYPE_CHECKING:
    from collections.abc import Iterator

    from edge_agent.checks.finding import Finding
    from edge_agent.delivery.settings import TlsSettings, UplinkSettings
    from telemetry.announce import Presence
    from telemetry.language import Lang

LOGIN_WITHIN = 10.0
"""Seconds for a login."""

PRESENCE_WITHIN = 3.0
"""Seconds for what the broker retains to come."""

SUFFIX = "-check"
"""Behind the agent's id, the client id of the login."""

BROKER = Phrase(en="broker", vi="broker")
ACCEPTS = Phrase(en="{place} accepts connections", vi="{place} nhận kết nối")
REACH = Phrase(
    en="is uplink.host right, does the name resolve, does a firewall block port {port}?",
    vi="uplink.host có đúng không, tên có phân giải được không, tường lửa có chặn cổng {port}?",
)
SERVER = Phrase(en="broker's certificate", vi="chứng thư của broker")
NOT_TRUSTED = Phrase(
    en="{place} is not trusted: {reason}", vi="{place} không được tin cậy: {reason}"
)
NO_TLS = Phrase(en="{place}: no TLS: {reason}", vi="{place}: không bắt tay TLS được: {reason}")
TLS_PORT = Phrase(
    en="does that port speak TLS (usually 8883), and is this agent's certificate known there?",
    vi="cổng này có dùng TLS không (thường là 8883), và broker có biết chứng thư của agent?",
)
HOST_NAME = Phrase(
    en="set uplink.host to a name that stands in the broker's certificate",
    vi="đặt uplink.host là một tên có trong chứng thư của broker",
)
OTHER_CA = Phrase(
    en="uplink.tls.ca is not the authority that signed it; take the file of the new bundle",
    vi="uplink.tls.ca không phải CA đã ký; dùng tệp CA trong gói đăng ký mới",
)
BROKER_RENEWS = Phrase(
    en="the broker needs a new certificate; is this gateway's clock right?",
    vi="broker cần chứng thư mới; đồng hồ của gateway có đúng không?",
)
LOGIN = Phrase(en="login", vi="đăng nhập")
ADMITTED = Phrase(
    en="accepted, and may hear its receipts", vi="được chấp nhận và được nhận biên nhận"
)
NO_LOGIN = Phrase(en="not accepted: {reason}", vi="bị từ chối: {reason}")
CREDENTIALS = Phrase(
    en="username, password or certificate; on the collector: `collector agents list`",
    vi="kiểm tra tên, mật khẩu hoặc chứng thư; ở trung tâm: `collector agents list`",
)
NOT_PERMITTED = Phrase(
    en="accepted, but may not hear {topic}", vi="được chấp nhận nhưng không được nhận {topic}"
)
ACCESS_LIST = Phrase(
    en="the broker's access list must permit ct/v1/{agent}/# and ct/v1/collector/#",
    vi="danh sách quyền của broker phải cho phép ct/v1/{agent}/# và ct/v1/collector/#",
)
COLLECTOR = Phrase(en="collector", vi="trung tâm")
NONE_THERE = Phrase(
    en="none is online at this broker; what is read waits in the outbox",
    vi="chưa có trung tâm nào trực tuyến; dữ liệu đọc được sẽ chờ trong hộp gửi",
)
ONLINE = Phrase(en="{name} is online", vi="{name} đang trực tuyến")
STORE_DOWN = Phrase(
    en="{name} is online, but its store is down: nothing is stored now",
    vi="{name} đang trực tuyến nhưng kho dữ liệu đang hỏng: chưa lưu được",
)
ASK_CENTRE = Phrase(
    en="ask the centre: `collector check` says what is wrong",
    vi="báo trung tâm: `collector check` cho biết lỗi gì",
)


class NotPermitted(Exception):
    """The broker's access list forbids to hear a topic, which is the message."""


def broker(uplink: UplinkSettings, agent: str, lang: Lang) -> Iterator[Finding]:
    """Step by step; what comes after a step that fails is not tried."""
    reason = unreachable(uplink.host, uplink.broker_port, uplink.address, lang)
    if reason:
        yield fail(BROKER(lang), reason, REACH(lang, port=uplink.broker_port))
        return
    yield ok(BROKER(lang), ACCEPTS(lang, place=uplink.address))
    if uplink.tls is not None:
        found = _handshake(uplink, uplink.tls, lang)
        yield found
        if found.verdict is Verdict.FAIL:
            return
    yield from _login(uplink, agent, lang)


def _handshake(uplink: UplinkSettings, tls: TlsSettings, lang: Lang) -> Finding:
    about = SERVER(lang)
    try:
        context = tls_context(tls)
        with (
            socket.create_connection((uplink.host, uplink.broker_port), CONNECT_WITHIN) as plain,
            context.wrap_socket(plain, server_hostname=uplink.host) as secured,
        ):
            der = secured.getpeercert(binary_form=True)
    except ssl.SSLCertVerificationError as error:
        says = NOT_TRUSTED(lang, place=uplink.address, reason=error.verify_message)
        return fail(about, says, _trust(error.verify_code)(lang))
    except OSError as error:
        says = NO_TLS(lang, place=uplink.address, reason=error.strerror or error)
        return fail(about, says, TLS_PORT(lang))
    return dated(read(der or b""), about, datetime.now(UTC), lang)


def _trust(code: int) -> Phrase:
    match code:
        case 62 | 64:  # X509_V_ERR_HOSTNAME_MISMATCH, X509_V_ERR_IP_ADDRESS_MISMATCH
            return HOST_NAME
        case 9 | 10:  # X509_V_ERR_CERT_NOT_YET_VALID, X509_V_ERR_CERT_HAS_EXPIRED
            return BROKER_RENEWS
        case _:
            return OTHER_CA


def _login(uplink: UplinkSettings, agent: str, lang: Lang) -> Iterator[Finding]:
    try:
        password = None if uplink.password_file is None else read_secret(uplink.password_file)
        there = asyncio.run(_presences(uplink, agent, password))
    except SettingsError:
        return  # told among the files
    except NotPermitted as topic:
        do = ACCESS_LIST(lang, agent=agent)
        yield fail(LOGIN(lang), NOT_PERMITTED(lang, topic=topic), do)
        return
    except (aiomqtt.MqttError, OSError) as error:
        yield fail(LOGIN(lang), NO_LOGIN(lang, reason=_reason(error)), CREDENTIALS(lang))
        return
    yield ok(LOGIN(lang), ADMITTED(lang))
    online = {name: each for name, each in there.items() if each.online}
    if not online:
        yield warn(COLLECTOR(lang), NONE_THERE(lang), ASK_CENTRE(lang))
    for name, presence in online.items():
        if presence.store == "down":
            yield warn(COLLECTOR(lang), STORE_DOWN(lang, name=name), ASK_CENTRE(lang))
        else:
            yield ok(COLLECTOR(lang), ONLINE(lang, name=name))


def _reason(error: Exception) -> str:
    return str(error) or f"{type(error).__name__}"


async def _presences(
    uplink: UplinkSettings, agent: str, password: str | None
) -> dict[str, Presence]:
    """Collectors by name, as far as the broker retains their word."""
    client = new_client(uplink, identifier=agent + SUFFIX, password=password, will=None)
    client.timeout = LOGIN_WITHIN
    async with connected(client):
        for topic in (topics.receipts(agent), topics.ALL_PRESENCE):
            (answer,) = await client.subscribe(topic, 1)
            code = answer if isinstance(answer, int) else answer.value
            if code >= 0x80:  # noqa: PLR2004 - failure (MQTT 3.1.1, §3.9.3)
                raise NotPermitted(topic)
        return await _heard(client)


async def _heard(client: aiomqtt.Client) -> dict[str, Presence]:
    """What comes until one is online, or nothing more is to be expected."""
    there: dict[str, Presence] = {}
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(PRESENCE_WITHIN):
            async for message in client.messages:
                name, payload = str(message.topic).split("/")[3], message.payload
                with contextlib.suppress(MalformedAnnouncement):
                    if isinstance(payload, bytes) and payload:
                        there[name] = unpack_presence(payload)
                if any(each.online for each in there.values()):
                    break
    return there
