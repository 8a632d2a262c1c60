"""Promise: the uplink says what it is, comes back by itself, and believes nothing it should not."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import signal
import subprocess
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import aiomqtt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.delivery.courier import Courier, Parcel, Posting
from edge_agent.delivery.settings import UplinkSettings
from edge_agent.delivery.uplink import Uplink, pause
from parts.mosquitto import Mosquitto, mosquitto
from parts.processes import free_port, require_program
from parts.receiver import WITHIN, Receiver, receiver
from telemetry.announce import (
    About,
    Status,
    pack_status,
    unpack_about,
    unpack_status,
)
from telemetry.envelope import MAX_BYTES
from telemetry.receipt import Outcome, checksum
from telemetry.topics import Lane, presence, receipts

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator
    from pathlib import Path

ABOUT = About(version="0.1.0", boot="a1", config="0", site="cabinet-7")
STATUS = "ct/v1/gw-1/up/status"
PAYLOAD = b'{"v":1,"clock":"synced","devices":[]}'
PARCEL = Parcel(seq=1, stream="9f86d081884c7d65", crc=checksum(PAYLOAD), last_at=0, payload=PAYLOAD)


class _End:
    """An uplink with its courier, and a way to wait for what it hears."""

    def __init__(self, settings: dict[str, object]) -> None:
        self.courier = Courier(window=4, retry_after=10, live_window=60, backlog_share=0.5)
        self._woken = asyncio.Event()
        self.uplink = Uplink(
            UplinkSettings.model_validate({"reconnect_max": "500ms", **settings}),
            agent="gw-1",
            about=lambda: ABOUT,
            courier=self.courier,
            wake=self._woken.set,
        )

    async def until(self, true: Callable[[], bool]) -> None:
        async with asyncio.timeout(WITHIN):
            while not true():
                self._woken.clear()
                await self._woken.wait()


@contextlib.asynccontextmanager
async def running(settings: dict[str, object]) -> AsyncIterator[_End]:
    end = _End(settings)
    task = asyncio.create_task(end.uplink.run())
    try:
        yield end
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


def is_online(collector: Receiver) -> bool | None:
    word = collector.words.get(STATUS)
    return unpack_status(word).online if word else None


async def test_it_says_who_it_is_and_that_it_leaves(broker: Mosquitto) -> None:
    async with receiver(broker.port) as collector:
        async with running({"port": broker.port}) as end:
            await end.until(lambda: end.courier.is_open)
            await collector.until(lambda: is_online(collector) is True)
            await collector.until(lambda: "ct/v1/gw-1/up/about" in collector.words)
            about = unpack_about(collector.words["ct/v1/gw-1/up/about"])
        await collector.until(lambda: is_online(collector) is False)

    assert about == ABOUT


async def test_what_is_published_comes_back_as_a_receipt(broker: Mosquitto) -> None:
    async with receiver(broker.port) as collector, running({"port": broker.port}) as end:
        await end.until(lambda: end.courier.is_open)

        end.uplink.publish([Posting(Lane.BACKLOG, PARCEL)])
        await end.until(lambda: bool(end.courier.done))

    ((topic, payload),) = collector.envelopes
    assert str(topic) == "ct/v1/gw-1/up/backlog/9f86d081884c7d65/1"
    assert payload == PAYLOAD
    assert end.courier.done[1].outcome is Outcome.STORED


async def test_without_a_connection_a_posting_is_left_to_the_courier(broker: Mosquitto) -> None:
    broker.kill()
    async with running({"port": broker.port}) as end:
        end.uplink.publish([Posting(Lane.LIVE, PARCEL)])

        assert not end.uplink.is_connected


async def test_who_sees_its_own_offline_says_online_again(broker: Mosquitto) -> None:
    async with receiver(broker.port) as collector, running({"port": broker.port}) as end:
        await end.until(lambda: end.courier.is_open)
        await collector.until(lambda: is_online(collector) is True)
        said: list[bool] = []

        async with aiomqtt.Client("127.0.0.1", broker.port) as stranger:
            await stranger.subscribe(STATUS)
            offline = pack_status(Status(online=False, boot="a0"))
            await stranger.publish(STATUS, offline, qos=1, retain=True)
            async with asyncio.timeout(WITHIN):
                async for message in stranger.messages:
                    assert isinstance(message.payload, bytes)
                    said.append(unpack_status(message.payload).online)
                    if said[-2:] == [False, True]:
                        break

    assert False in said
    assert said[-1]


async def test_a_broker_that_was_killed_is_found_again(
    broker: Mosquitto, caplog: pytest.LogCaptureFixture
) -> None:
    async with running({"port": broker.port}) as end:
        async with receiver(broker.port):
            await end.until(lambda: end.courier.is_open)
            broker.kill()
            await end.until(lambda: not end.courier.is_open)
        await asyncio.to_thread(broker.start)
        async with receiver(broker.port):
            await end.until(lambda: end.courier.is_open)

    assert f"broker 127.0.0.1:{broker.port} is not connected, retrying" in caplog.text


async def test_it_can_be_stopped_while_the_broker_hangs(broker: Mosquitto) -> None:
    end = _End({"port": broker.port, "window": 100})
    run = asyncio.create_task(end.uplink.run())
    async with receiver(broker.port):
        await end.until(lambda: end.courier.is_open)
        assert broker.process is not None
        broker.process.send_signal(signal.SIGSTOP)

        big = replace(PARCEL, payload=bytes(MAX_BYTES))
        end.uplink.publish([Posting(Lane.LIVE, replace(big, seq=n)) for n in range(1, 65)])
        await asyncio.sleep(0)  # the publishes begin, and fill what the network holds
        run.cancel()
        done, _ = await asyncio.wait({run}, timeout=WITHIN)
        broker.process.send_signal(signal.SIGCONT)

    assert done
    assert run.cancelled()


@pytest.mark.parametrize("answered", [1, 3, 8])
@pytest.mark.parametrize("turns", range(8))
async def test_it_can_be_stopped_in_the_very_moment_of_an_answer(answered: int, turns: int) -> None:
    """Python 3.11's wait_for forgets a cancellation that comes together with its result."""
    stopping: list[asyncio.Task[None]] = []

    async def stop() -> None:
        for _ in range(turns):
            await asyncio.sleep(0)
        run.cancel()

    def hear(kind: int) -> None:
        if kind == answered and not stopping:
            stopping.append(asyncio.create_task(stop()))

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await answer(reader, writer, granted=b"\1", answered=hear)
        left.set()

    port, left = free_port(), asyncio.Event()
    async with await asyncio.start_server(serve, "127.0.0.1", port):
        run = asyncio.create_task(_End({"port": port}).uplink.run())
        done, _ = await asyncio.wait({run}, timeout=WITHIN)
        await left.wait()

    assert done
    assert run.cancelled()


async def test_nonsense_is_told_and_the_connection_stays(
    broker: Mosquitto, caplog: pytest.LogCaptureFixture
) -> None:
    async with receiver(broker.port) as collector, running({"port": broker.port}) as end:
        await end.until(lambda: end.courier.is_open)
        async with aiomqtt.Client("127.0.0.1", broker.port) as stranger:
            await stranger.publish(receipts("gw-1"), b"\xff", qos=1)
            await stranger.publish(presence("c9"), b"[]", qos=1)

        end.uplink.publish([Posting(Lane.LIVE, PARCEL)])
        await end.until(lambda: bool(end.courier.done))

    assert "not understood on ct/v1/gw-1/down/receipts" in caplog.text
    assert "not understood on ct/v1/collector/c9/presence" in caplog.text
    assert len(collector.envelopes) == 1


async def test_a_cleared_presence_is_an_absent_collector(broker: Mosquitto) -> None:
    async with receiver(broker.port), running({"port": broker.port}) as end:
        await end.until(lambda: end.courier.is_open)

        async with aiomqtt.Client("127.0.0.1", broker.port) as stranger:
            await stranger.publish(presence("c1"), b"", qos=1, retain=True)

        await end.until(lambda: not end.courier.is_open)


async def answer(
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    *,
    granted: bytes,
    answered: Callable[[int], None] = lambda _: None,
) -> None:
    """A broker: CONNACK, PUBACK, and `granted` in each SUBACK; `answered` hears what it answers."""
    with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
        while True:
            (kind,) = await reader.readexactly(1)
            length = shift = 0
            while True:
                (byte,) = await reader.readexactly(1)
                length |= (byte & 0x7F) << shift
                shift += 7
                if byte < 0x80:
                    break
            body = await reader.readexactly(length)
            match kind >> 4:
                case 1:
                    writer.write(bytes.fromhex("20020000"))
                case 3:
                    topic = int.from_bytes(body[:2])
                    writer.write(b"\x40\x02" + body[2 + topic : 4 + topic])
                case 8:
                    writer.write(b"\x90\x05" + body[:2] + 3 * granted)
            answered(kind >> 4)
    writer.close()


async def test_a_refused_subscription_is_told_not_taken_for_silence(
    caplog: pytest.LogCaptureFixture,
) -> None:
    port = free_port()
    server = await asyncio.start_server(partial(answer, granted=b"\x80"), "127.0.0.1", port)
    async with server, running({"port": port}) as end, asyncio.timeout(WITHIN):
        while "may not subscribe" not in caplog.text:  # noqa: ASYNC110 - a log has no event
            await asyncio.sleep(0.01)
        assert not end.courier.is_open

    assert "may not subscribe to ct/v1/gw-1/down/receipts" in caplog.text


@pytest.fixture
def secured(tmp_path: Path) -> Iterator[tuple[Mosquitto, Path]]:
    """A broker that wants a certificate, and where the certificates are."""

    def openssl(arguments: str) -> None:
        command = [require_program("openssl"), *arguments.split()]
        subprocess.run(command, check=True, capture_output=True, cwd=tmp_path)

    openssl("req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=ca -keyout ca.key -out ca.pem")
    (tmp_path / "names").write_text("subjectAltName=IP:127.0.0.1")
    for name in ("broker", "gw-1"):
        openssl(f"req -newkey rsa:2048 -nodes -subj /CN={name} -keyout {name}.key -out {name}.csr")
        signing = "-CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile names"
        openssl(f"x509 -req -in {name}.csr {signing} -out {name}.pem")
    extra = (
        f"cafile {tmp_path}/ca.pem\ncertfile {tmp_path}/broker.pem\n"
        f"keyfile {tmp_path}/broker.key\nrequire_certificate true\n"
    )
    with mosquitto(tmp_path, extra) as broker:
        yield broker, tmp_path


async def test_tls_shows_the_agents_certificate_and_checks_the_brokers(
    secured: tuple[Mosquitto, Path],
) -> None:
    broker, pem = secured
    tls = {"ca": pem / "ca.pem", "certificate": pem / "gw-1.pem", "key": pem / "gw-1.key"}

    async with running({"port": broker.port, "tls": tls}) as end, asyncio.timeout(WITHIN):
        while not end.uplink.is_connected:  # noqa: ASYNC110 - no collector wakes anybody here
            await asyncio.sleep(0.01)


# paho leaves the socket of a failed handshake to the garbage collector.
@pytest.mark.filterwarnings("ignore:Exception ignored in. <ssl.SSLSocket")
async def test_a_broker_with_a_strange_certificate_gets_nothing(
    secured: tuple[Mosquitto, Path], caplog: pytest.LogCaptureFixture
) -> None:
    broker, pem = secured

    stranger = {"ca": pem / "gw-1.pem"}
    async with running({"port": broker.port, "tls": stranger}), asyncio.timeout(WITHIN):
        while "retrying" not in caplog.text:  # noqa: ASYNC110 - a log has no event
            await asyncio.sleep(0.01)

    assert "certificate verify failed" in caplog.text
    gc.collect()


@given(st.integers(0, 10_000), st.floats(1, 600))
def test_pauses_grow_to_the_longest_and_are_scattered(attempt: int, longest: float) -> None:
    expected = min(longest, 2.0 ** min(attempt, 16) / 2)

    assert expected / 2 <= pause(attempt, longest) <= expected


async def test_without_a_presence_it_asks_for_one_again(tmp_path: Path) -> None:
    log = tmp_path / "mosquitto.log"
    with mosquitto(tmp_path, "log_type subscribe") as verbose:
        async with running({"port": verbose.port}), asyncio.timeout(WITHIN):
            while log.read_text().count("presence") < 2:  # noqa: ASYNC110 - another process's file
                await asyncio.sleep(0.05)
