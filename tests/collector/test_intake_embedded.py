"""The intake keeps its promise on the broker that comes with the collector, too (nats-server)."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest

from collector import private_files
from collector.broker.agents import Register
from collector.broker.child import BrokerChild
from collector.broker.settings import EmbeddedBroker
from collector.ingest.intake import Intake
from collector.ingest.mqtt_settings import MqttSettings
from parts.mqtt import mqtt_client
from parts.processes import free_port
from telemetry import announce, topics
from telemetry.announce import Presence

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

ENVELOPE = "ct/v1/gw-1/up/live/0123456789abcdef/7"


class Site:
    """An embedded broker with one agent enrolled."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.port = free_port()
        self.register = Register(directory / "broker")
        self.register.publish()
        self.agent_password = self.register.add("gw-1")
        settings = EmbeddedBroker.model_validate({"listen": f"127.0.0.1:{self.port}"})
        self.child = BrokerChild(settings, self.register.directory)

    @asynccontextmanager
    async def intake(self, boot: str, user: str = "collector") -> AsyncIterator[Intake]:
        """An intake that was started."""
        secret = self.register.collector_password() if user == "collector" else self.agent_password
        path = self.directory / f"{user}.password"
        private_files.write(path, secret)
        settings = MqttSettings(port=self.port, username=user, password=path)
        intake = Intake(settings, boot, asyncio.get_running_loop())
        intake.start()
        try:
            yield intake
        finally:
            await asyncio.to_thread(intake.stop)


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    site = Site(tmp_path)
    async with site.child:
        yield site


async def until(condition: Callable[[], object], seconds: float = 60) -> None:
    """Wait until something holds."""
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 - what another thread does has no event here
            await asyncio.sleep(0.01)


async def test_an_agent_sees_presence_and_its_envelopes_come_in(site: Site) -> None:
    async with site.intake("boot-1") as intake:
        await until(lambda: intake.connected)
        with mqtt_client(site.port, "gw-1", site.agent_password) as agent:
            assert await asyncio.to_thread(agent.subscribe, topics.ALL_PRESENCE, 1)
            presence = announce.pack_presence(Presence(online=True, boot="boot-1", session=1))
            await until(lambda: (topics.presence("collector"), presence) in agent.heard)

            await asyncio.to_thread(agent.publish, ENVELOPE, b"payload")
            (message,) = await asyncio.wait_for(intake.inbox.take(100), 60)

    assert (message.topic, message.payload) == (ENVELOPE, b"payload")


async def test_a_denied_subscription_is_told(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    async with site.intake("boot-1", user="gw-1") as intake:
        await until(lambda: "denies the subscription to ct/v1/+/up/#" in caplog.text)

        assert not intake.connected


async def test_a_wrong_password_is_told(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    site.register.remove("gw-1")
    async with site.intake("boot-1", user="gw-1"):
        await until(lambda: "refused: " in caplog.text)


async def test_two_collectors_with_one_id_are_told(
    site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    async with site.intake("first") as one:
        await until(lambda: one._introduced)
        async with site.intake("second"):
            await until(lambda: "another collector (boot second)" in caplog.text)


async def test_a_restart_is_no_rival(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    async with site.intake("first") as one:
        await until(lambda: one._introduced)
    async with site.intake("second") as two:
        await until(lambda: two._introduced)

    assert "another collector" not in caplog.text
