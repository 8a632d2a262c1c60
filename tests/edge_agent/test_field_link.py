"""Promise: a device's own answer in time, or the reason why not, in any protocol and any pieces.

In virtual time, on a stream that is told what comes when; and once over a pseudo terminal.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import threading
import tty
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device_profiles.loader import find
from edge_agent.bus.failures import BadReply, BusDown, DeviceRefused, NoReply, ReadFailed
from edge_agent.bus.fields import DRAIN_MAX, FieldLink
from edge_agent.bus.inbox import Inbox
from edge_agent.bus.link import link_for
from edge_agent.bus.poller import Poller
from edge_agent.bus.settings import SerialBus
from edge_agent.config import DeviceSettings
from edge_agent.protocols.conversation import Conversation, Fields, Listen, Question, Refused, Send
from edge_agent.site.site import site_device
from edge_agent.stamp import Stamps
from parts.virtual_time import run_virtually
from telemetry.sample import NO_REPLY, Sample

if TYPE_CHECKING:
    from pathlib import Path

BUS = SerialBus.model_validate(
    {"id": "air", "transport": "serial", "port": "/dev/ttyS0", "baud": 300, "parity": "E"}
)
CHARACTER = 11 / 300
WITHIN = 1.0

Behaviour = Callable[[bytes], Iterator[tuple[float, bytes]]]


def line(*, sends: bytes = b"ASK\n", faster: int | None = None) -> Question:
    """Ask, and take the first line that begins with `=`; `!` refuses, `>` asks for a go-ahead."""

    def converse() -> Conversation:
        heard = yield Send(sends) if sends else Listen()
        while True:
            *whole, rest = heard.split(b"\n")
            for text in whole:
                if text.startswith(b"="):
                    return {"said": text[1:].decode()}
                if text.startswith(b"!"):
                    raise Refused(text[1:].decode())
            go_ahead = any(text.startswith(b">") for text in whole)
            heard = rest + (yield Send(b"GO\n", baud=faster) if go_ahead else Listen())

    return Question(fields=("said",), converse=converse, sends=len(sends), receives=20)


@dataclass
class Scripted:
    """A `ByteStream` on which a device behaves as told, each time that something is sent."""

    behave: list[Behaviour] = field(default_factory=list)
    sent: list[tuple[float, bytes]] = field(default_factory=list)
    lines: list[tuple[float, int, str]] = field(default_factory=list)
    heard_at: float = 0.0
    inbox: Inbox = field(default_factory=Inbox)
    is_open: bool = False

    async def open(self) -> None:
        """It opens."""
        self.is_open = True

    def close(self) -> None:
        """It closes."""
        self.is_open = False
        self.inbox.close("pulled out")

    def write(self, data: bytes) -> None:
        """The device hears it when it has left."""
        loop = asyncio.get_running_loop()
        self.sent.append((loop.time(), data))
        behave = self.behave.pop(0) if self.behave else says(b"=7\n")
        self.speak(behave(data), after=len(data) * CHARACTER)

    def speak(self, pieces: Iterator[tuple[float, bytes]], after: float = 0.0) -> None:
        """The device says this, each piece some seconds after the one before."""
        for wait, piece in pieces:
            after += wait
            asyncio.get_running_loop().call_later(after, self._came, piece)

    async def receive(self) -> bytes:
        """The next bytes."""
        return await self.inbox.receive()

    def pending(self) -> bytes:
        """What is there."""
        return self.inbox.take()

    def set_line(self, baud: int, parity: str, data_bits: int, stop_bits: int) -> None:
        """Noted."""
        at = asyncio.get_running_loop().time()
        self.lines.append((at, baud, f"{data_bits}{parity}{stop_bits}"))

    def _came(self, piece: bytes) -> None:
        self.heard_at = asyncio.get_running_loop().time()
        self.inbox.put(piece)


def says(*pieces: bytes, after: float = 0.1, between: float = 0.01) -> Behaviour:
    return lambda _: iter([(between if n else after, piece) for n, piece in enumerate(pieces)])


def nothing(_: bytes) -> Iterator[tuple[float, bytes]]:
    return iter(())


async def opened(*behave: Behaviour) -> tuple[FieldLink, Scripted]:
    stream = Scripted(list(behave))
    link = FieldLink(BUS, stream)
    await link.open()
    return link, stream


async def ask(link: FieldLink, question: Question | None = None, **more: float) -> Fields:
    return await link.ask("5", question or line(), start_within=WITHIN, **more)


def virtually(
    test: Callable[..., Coroutine[Any, Any, None]],
) -> Callable[[], None]:
    def run() -> None:
        run_virtually(test())

    run.__name__ = test.__name__
    run.__doc__ = test.__doc__
    return run


@given(cuts=st.sets(st.integers(1, 11)), noise=st.binary(max_size=8))
def test_an_answer_is_found_in_any_pieces_and_behind_noise(cuts: set[int], noise: bytes) -> None:
    answer = noise.replace(b"=", b"").replace(b"!", b"").replace(b">", b"") + b"\n=230.1 V\n"
    edges = [0, *sorted(cut for cut in cuts if cut < len(answer)), len(answer)]
    pieces = [answer[a:b] for a, b in pairwise(edges)]

    async def main() -> Fields:
        link, _ = await opened(says(*pieces))
        return await ask(link)

    assert run_virtually(main()) == {"said": "230.1 V"}


@virtually
async def test_silence_is_told_when_the_device_had_its_time() -> None:
    link, _ = await opened(nothing)

    with pytest.raises(NoReply, match="nothing within 1 s at 5"):
        await ask(link)

    waited = asyncio.get_running_loop().time()
    assert WITHIN + 4 * CHARACTER <= waited <= WITHIN + 4 * CHARACTER + 0.1


@virtually
async def test_what_is_no_answer_is_a_bad_reply_once_it_stops() -> None:
    link, _ = await opened(says(b"#####"))

    with pytest.raises(BadReply, match="5 bytes that are no answer"):
        await ask(link)


@virtually
async def test_a_line_that_babbles_ends_the_question_all_the_same() -> None:
    link, _ = await opened(lambda _: iter([(0.05, b"#")] * 10_000))

    with pytest.raises(BadReply):
        await ask(link)

    assert asyncio.get_running_loop().time() < 5


@virtually
async def test_an_answer_longer_than_most_is_heard_to_its_end() -> None:
    long = b"#" * 3000 + b"\n=7\n"
    pieces = [long[at : at + 8] for at in range(0, len(long), 8)]
    link, _ = await opened(says(*pieces, between=8 * CHARACTER))

    fields = await ask(link, replace(line(), most=4000))

    assert fields == {"said": "7"}


@virtually
async def test_a_late_answer_is_not_the_next_ones() -> None:
    link, _ = await opened(says(b"=late\n", after=2.5), says(b"=right\n"))

    with pytest.raises(NoReply):
        await ask(link, late_within=3.0)
    fields = await ask(link)

    assert fields == {"said": "right"}
    assert link.late_replies == 1


@virtually
async def test_a_late_answer_that_still_comes_is_heard_out() -> None:
    late = lambda _: iter([(2.0, b"=la"), *[(0.03, b"x")] * 10, (0.03, b"te\n")])  # noqa: E731
    link, stream = await opened(late, says(b"=right\n"))

    with pytest.raises(NoReply):
        await ask(link)
    fields = await ask(link)

    assert fields == {"said": "right"}
    assert stream.sent[1][0] >= 2.33


@virtually
async def test_after_a_good_answer_nobody_waits_but_for_what_the_device_needs() -> None:
    link, stream = await opened()

    await ask(link)
    answered = asyncio.get_running_loop().time()
    await ask(link, pause=0.5)
    await ask(link)

    assert stream.sent[1][0] == answered
    assert stream.sent[2][0] >= stream.sent[1][0] + 0.5


@virtually
async def test_a_device_that_speaks_by_itself_is_heard_from_now_on() -> None:
    link, stream = await opened()
    stream.speak(iter([(1.0, b"=%d\n" % n) for n in range(10)]))
    await asyncio.sleep(4.5)

    fields = await link.ask("", line(sends=b""), start_within=1.5)

    assert fields == {"said": "4"}
    assert asyncio.get_running_loop().time() == pytest.approx(5.0)
    assert stream.sent == []
    assert link.late_replies == 0


@virtually
async def test_half_a_frame_heard_at_first_is_no_harm() -> None:
    link, stream = await opened()
    stream.speak(iter([(0.0, b"=12"), (0.3, b"34\n"), (1.0, b"=56\n")]))
    await asyncio.sleep(0.2)

    fields = await link.ask("", line(sends=b""), start_within=1.5)

    assert fields == {"said": "56"}


@virtually
async def test_a_refusal_is_the_devices_word() -> None:
    link, _ = await opened(says(b"!no such data\n"))

    with pytest.raises(DeviceRefused, match="no such data"):
        await ask(link)


@virtually
async def test_a_change_of_speed_waits_for_what_was_sent_and_is_taken_back() -> None:
    link, stream = await opened(says(b">\n"), says(b"=fast\n"))

    fields = await ask(link, line(faster=9600))

    assert fields == {"said": "fast"}
    (at, baud, pace), (_, back, _) = stream.lines
    assert (baud, pace, back) == (9600, "8E1", 300)
    assert at >= stream.sent[1][0] + len(b"GO\n") * CHARACTER


@pytest.mark.parametrize("then", [nothing, says(b"#"), says(b"!no\n")], ids=["silent", "bad", "no"])
def test_a_speed_is_taken_back_whatever_comes(then: Behaviour) -> None:
    async def main() -> None:
        link, stream = await opened(says(b">\n"), then, says(b"=again\n"))
        with pytest.raises(ReadFailed):
            await ask(link, line(faster=9600))

        assert [baud for _, baud, _ in stream.lines] == [9600, 300]
        assert await ask(link) == {"said": "again"}

    run_virtually(main())


@virtually
async def test_a_port_that_breaks_ends_the_question_at_once() -> None:
    link, stream = await opened(nothing)
    asyncio.get_running_loop().call_later(0.5, stream.close)

    with pytest.raises(BusDown, match="pulled out"):
        await ask(link)
    with pytest.raises(BusDown, match="not open"):
        await ask(link)

    assert asyncio.get_running_loop().time() == 0.5


@virtually
async def test_a_line_that_is_never_silent_is_asked_all_the_same() -> None:
    link, stream = await opened(nothing, says(b"\n=7\n"))
    stream.speak(iter([(0.01, b"#")] * 2000))

    with pytest.raises(BadReply):
        await ask(link)
    began = asyncio.get_running_loop().time()
    with contextlib.suppress(BadReply):
        await ask(link)

    assert stream.sent[1][0] <= began + DRAIN_MAX + WITHIN


# with a poller, over a pseudo terminal


@pytest.fixture
def port(tmp_path: Path) -> Iterator[tuple[int, Path]]:
    """The device's end of a line, and the port at the other one."""
    master, slave = os.openpty()
    tty.setraw(slave)
    link = tmp_path / "ttyUSB0"
    link.symlink_to(os.ttyname(slave))
    yield master, link
    os.close(master)
    os.close(slave)


async def first_sample(profile: str, port: Path, like: Callable[[Sample], bool]) -> Sample:
    """The first such sample of a device of that profile."""
    bus = SerialBus.model_validate({"id": "field", "transport": "serial", "port": str(port)})
    settings = DeviceSettings.model_validate(
        {"id": "device", "bus": "field", "profile": profile, "interval": "100ms"}
    )
    device = site_device(settings, bus, find(profile))
    came: asyncio.Queue[Sample] = asyncio.Queue()
    poller = Poller(
        name=bus.id,
        place=bus.place,
        link=link_for(bus),
        devices=[device],
        phases=dict.fromkeys(device.rounds, 0.0),
        put=came.put_nowait,
        stamps=Stamps(),
    )
    running = asyncio.create_task(poller.run())
    try:
        async with asyncio.timeout(60):
            while not like(sample := await came.get()):
                pass
            return sample
    finally:
        running.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await running


async def test_a_sensor_that_speaks_by_itself_becomes_samples(port: tuple[int, Path]) -> None:
    master, path = port
    frame = find("plantower-pms5003").examples[0].data
    done = threading.Event()

    def speak() -> None:
        while not done.wait(0.05):
            os.write(master, frame)

    speaker = threading.Thread(target=speak)
    speaker.start()
    try:
        sample = await first_sample("plantower-pms5003", path, lambda s: "pm25" in s.values)
    finally:
        done.set()
        speaker.join()

    assert sample.values["pm25"] == 8.0
    assert sample.values["n0_3"] == 2.1


async def test_an_instrument_that_is_asked_becomes_samples(port: tuple[int, Path]) -> None:
    master, path = port

    def serve() -> None:
        with contextlib.suppress(OSError):
            while os.read(master, 64).endswith(b"\r"):
                os.write(master, b"(226.0 195.0 226.0 014 49.0 27.5 30.0 00001000\r")

    threading.Thread(target=serve, daemon=True).start()
    sample = await first_sample("megatec-q1", path, lambda s: bool(s.values))

    assert 226.0 in sample.values.values()


async def test_a_device_that_says_nothing_is_flagged(port: tuple[int, Path]) -> None:
    _, path = port

    sample = await first_sample("megatec-q1", path, lambda _: True)

    assert set(sample.flags.values()) == {NO_REPLY}
