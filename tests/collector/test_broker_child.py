"""The embedded broker comes back when it dies, and never outlives its collector."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from collector.broker import running
from collector.broker.agents import Register
from collector.broker.child import BrokerChild, BrokerWontStart, version
from collector.broker.settings import EmbeddedBroker
from parts.mqtt import Refused, mqtt_client
from parts.processes import free_port

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

DEADLINE = 30.0
"""Seconds; generous, because machines are shared."""


@contextlib.asynccontextmanager
async def watched(child: BrokerChild) -> AsyncIterator[None]:
    """The child started and watched; stopped afterwards."""
    async with child:
        watch = asyncio.create_task(child.run())
        try:
            yield
        finally:
            watch.cancel()


async def until(condition: Callable[[], bool], what: str) -> None:
    for _ in range(round(DEADLINE / 0.05)):
        if condition():
            return
        await asyncio.sleep(0.05)
    pytest.fail(f"not within {DEADLINE} s: {what}")


def is_alive(pid: int) -> bool:
    """Whether the process runs (a zombie has ended)."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


@pytest.fixture
def port() -> int:
    return free_port()


@pytest.fixture
def broker(port: int) -> EmbeddedBroker:
    return EmbeddedBroker.model_validate({"listen": f"127.0.0.1:{port}"})


@pytest.fixture
def register(tmp_path: Path) -> Register:
    register = Register(tmp_path / "broker")
    register.publish()
    return register


async def test_a_started_broker_takes_connections_at_once(
    broker: EmbeddedBroker, register: Register, port: int
) -> None:
    async with watched(BrokerChild(broker, register.directory)):
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.close()
        await writer.wait_closed()


async def test_a_killed_broker_comes_back_and_its_clients_with_it(
    broker: EmbeddedBroker, register: Register, port: int
) -> None:
    child = BrokerChild(broker, register.directory)
    password = register.collector_password()
    async with watched(child):
        first = child.pid
        assert first is not None
        connected = mqtt_client(port, "collector", password)
        client = await asyncio.to_thread(connected.__enter__)

        os.kill(first, signal.SIGKILL)
        await until(lambda: child.pid not in (None, first), "a new broker")
        await asyncio.to_thread(client.wait_for_connection, 2)

        assert await asyncio.to_thread(client.subscribe, "ct/v1/+/up/#", 1)
        assert child.restarts == 1
        await asyncio.to_thread(connected.__exit__, None, None, None)


async def test_a_stopped_broker_is_gone(broker: EmbeddedBroker, register: Register) -> None:
    child = BrokerChild(broker, register.directory)
    async with watched(child):
        pid = child.pid

    assert pid is not None
    assert not is_alive(pid)
    assert running.find(register.directory) is None


async def test_a_port_in_use_is_told_in_the_brokers_words(
    broker: EmbeddedBroker, register: Register, port: int
) -> None:
    server = await asyncio.start_server(lambda _r, _w: None, "127.0.0.1", port)
    async with server:
        with pytest.raises(BrokerWontStart, match="address already in use"):
            await BrokerChild(broker, register.directory).start()


async def test_an_agent_added_while_it_runs_may_connect_and_one_removed_may_not(
    broker: EmbeddedBroker, register: Register, port: int
) -> None:
    async with watched(BrokerChild(broker, register.directory)):
        password = register.add("gw-1")
        await asyncio.to_thread(connects_in_the_end, port, "gw-1", password)

        register.remove("gw-1")
        await asyncio.to_thread(is_refused_in_the_end, port, "gw-1", password)


def connects_in_the_end(port: int, user: str, password: str) -> None:
    for _ in range(100):
        with contextlib.suppress(Refused), mqtt_client(port, user, password):
            return
    pytest.fail(f"{user} is refused")


def is_refused_in_the_end(port: int, user: str, password: str) -> None:
    for _ in range(100):
        try:
            with mqtt_client(port, user, password):
                pass
        except Refused:
            return
    pytest.fail(f"{user} may still connect")


PARENT = """
import asyncio, sys
from pathlib import Path
from collector.broker.child import BrokerChild
from collector.broker.settings import EmbeddedBroker

async def main():
    broker = EmbeddedBroker.model_validate({"listen": "127.0.0.1:" + sys.argv[2]})
    async with BrokerChild(broker, Path(sys.argv[1])) as child:
        print(child.pid, flush=True)
        await child.run()

asyncio.run(main())
"""


async def test_a_killed_collector_leaves_no_broker_behind(register: Register, port: int) -> None:
    parent = await asyncio.create_subprocess_exec(
        sys.executable, "-c", PARENT, register.directory, str(port), stdout=subprocess.PIPE
    )
    assert parent.stdout is not None
    pid = int(await parent.stdout.readline())
    assert is_alive(pid)

    parent.kill()
    await parent.wait()

    await until(lambda: not is_alive(pid), "the broker's end")


async def test_the_broker_of_an_earlier_life_is_ended_first(
    broker: EmbeddedBroker, register: Register
) -> None:
    first = BrokerChild(broker, register.directory)
    second = BrokerChild(broker, register.directory)
    await first.start()
    old = first.pid

    async with watched(second):
        assert old is not None
        assert not is_alive(old)
        assert second.pid == running.find(register.directory)


def test_a_stranger_with_the_pid_of_an_old_broker_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / running.PID_FILE).write_text(str(os.getpid()))

    assert running.find(tmp_path) is None
    assert not running.reload(tmp_path)


async def test_its_files_are_for_its_owner_alone(
    broker: EmbeddedBroker, register: Register
) -> None:
    async with watched(BrokerChild(broker, register.directory)):
        register.add("gw-1")
        modes = {
            path.name: path.stat().st_mode & 0o777
            for path in register.directory.iterdir()
            if path.name != running.PID_FILE
        }

    assert register.directory.stat().st_mode & 0o777 == 0o700
    assert modes.pop("store") & 0o700 == 0o700
    assert set(modes.values()) == {0o600}


async def test_an_old_server_is_refused_by_its_version(tmp_path: Path) -> None:
    program = tmp_path / "nats-server"
    program.write_text("#!/bin/sh\necho nats-server: v2.9.10\n")
    program.chmod(0o700)

    with pytest.raises(BrokerWontStart, match=r"2\.9\.10; 2\.12 is the oldest"):
        await version(program)
