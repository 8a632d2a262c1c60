"""The collector as one process: the one place that knows which parts exist.

broker ─► journal ─► engine ─► intake ─► ingest ─► store      each part is started after those
                                 ▲                            that it needs, and stopped before
                                API, roll-ups                 them; a bug in one stops them all
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import logging
import secrets
import signal
import threading
from typing import TYPE_CHECKING

from collector import private_files
from collector.alarms import rules
from collector.alarms.acknowledging import OpenAlarms
from collector.alarms.engine import Engine
from collector.api import application
from collector.api.parts import Parts
from collector.api.serving import ApiServer
from collector.api.tokens import Tokens
from collector.broker.agents import Register
from collector.broker.child import BrokerChild
from collector.failures import CannotStart
from collector.ingest.ingest import Ingest
from collector.ingest.intake import Intake
from collector.ingest.storing import Storing
from collector.journal.journal import Journal
from collector.live import Live
from collector.stores.adapters import STORES
from collector.stores.rollup import RollUps
from telemetry import systemd

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from collector.config import CollectorConfig
    from collector.stores import Store

log = logging.getLogger(__name__)

LOCK_FILE = "collector.lock"
JOURNAL_FILE = "journal.db"


class AnotherRuns(CannotStart):
    """Another collector runs on the same data directory."""


async def run(config: CollectorConfig) -> None:
    """Run the collector until SIGTERM or SIGINT.

    Raises:
        AnotherRuns: if the data directory is in use.
        BrokerWontStart: if the embedded broker does not get ready.
        ApiCannotListen: if the API's address is taken.
        JournalUnusable: if the journal cannot be opened.
        SettingsError: if rules or secrets cannot be read.
    """
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    private_files.make_directory(config.data_dir)
    async with (
        _only_one(config.data_dir),
        _broker(config) as broker,
        Journal(config.data_dir / JOURNAL_FILE) as journal,
        _store(config) as store,
    ):
        await _run_parts(config, broker, journal, store, stopping)
    log.info("collector %s: stopped", config.collector.id)


async def _run_parts(
    config: CollectorConfig,
    broker: BrokerChild | None,
    journal: Journal,
    store: Store,
    stopping: asyncio.Event,
) -> None:
    engine = Engine(rules.load(config.rules) if config.rules else (), await journal.open())
    live = Live()
    intake = Intake(config.mqtt, secrets.token_hex(8), asyncio.get_running_loop())
    storing = Storing(store=store, journal=journal, intake=intake, live=live)
    ingest = Ingest(intake=intake, engine=engine, journal=journal, storing=storing, live=live)
    tokens = Tokens(config.data_dir)
    tokens.local()
    parts = Parts(
        store=store,
        journal=journal,
        live=live,
        alarms=OpenAlarms(engine, journal, live),
        intake=intake,
        tokens=tokens,
        broker_restarts=lambda: broker.restarts if broker else 0,
        stopping=stopping,
    )
    api = ApiServer(application.build(parts), config.api)
    async with asyncio.TaskGroup() as tasks:
        endless = [
            tasks.create_task(ingest.run()),
            tasks.create_task(RollUps(store, journal).run()),
            tasks.create_task(_feed_watchdog()),
            tasks.create_task(raise_thread_bugs()),
        ]
        if broker is not None:
            endless.append(tasks.create_task(broker.run()))
        tasks.create_task(api.run())
        intake.start()
        try:
            log.info("collector %s: API on %s", config.collector.id, config.api.listen)
            systemd.notify("READY=1")
            await stopping.wait()
            systemd.notify("STOPPING=1")
        finally:
            await asyncio.to_thread(intake.stop)
            api.stop()
            for task in endless:
                task.cancel()


@contextlib.asynccontextmanager
async def _only_one(data_dir: Path) -> AsyncIterator[None]:
    """Hold the data directory; the kernel lets go of it when the process ends, however."""
    with (data_dir / LOCK_FILE).open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise AnotherRuns(f"{data_dir}: another collector runs on this directory") from error
        yield


@contextlib.asynccontextmanager
async def _broker(config: CollectorConfig) -> AsyncIterator[BrokerChild | None]:
    """The embedded broker, ready; None if the broker runs elsewhere."""
    if config.broker.embedded is None:
        yield None
        return
    Register(config.broker_dir).publish()
    async with BrokerChild(config.broker.embedded, config.broker_dir) as child:
        yield child


@contextlib.asynccontextmanager
async def _store(config: CollectorConfig) -> AsyncIterator[Store]:
    """The store, not opened yet: that is tried for ever by who writes to it."""
    store = STORES[config.store.kind](config.store)
    try:
        yield store
    finally:
        await store.close()


async def raise_thread_bugs() -> None:
    """End with the error that ends a thread, such as paho's: nobody else would notice."""
    loop = asyncio.get_running_loop()
    bug: asyncio.Future[None] = loop.create_future()

    def take(error: BaseException) -> None:
        if not bug.done():
            bug.set_exception(error)

    def hook(arguments: threading.ExceptHookArgs) -> None:
        error = arguments.exc_value or RuntimeError(f"thread {arguments.thread} ended")
        loop.call_soon_threadsafe(take, error)

    before, threading.excepthook = threading.excepthook, hook
    try:
        await bug
    finally:
        threading.excepthook = before


async def _feed_watchdog() -> None:
    interval = systemd.watchdog_interval()
    while interval is not None:
        systemd.notify("WATCHDOG=1")
        await asyncio.sleep(interval)
