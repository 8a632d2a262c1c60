"""The inbox's promise: bounded, never blocking; what it drops is counted and will be sent again."""

from __future__ import annotations

import asyncio
import threading

from collector.ingest.inbox import Inbox, Message


def envelope(number: int, size: int = 10) -> Message:
    return Message(f"ct/v1/gw-1/up/live/0123456789abcdef/{number}", bytes(size), number)


def status(payload: bytes) -> Message:
    return Message("ct/v1/gw-1/up/status", payload, 0)


def inbox(room: int = 100) -> Inbox:
    return Inbox(asyncio.get_running_loop(), room)


async def test_messages_are_taken_in_order_as_many_as_asked_for() -> None:
    box = inbox()
    for number in (1, 2, 3):
        box.put(envelope(number))

    assert await box.take(25) == [envelope(1), envelope(2)]
    assert await box.take(25) == [envelope(3)]


async def test_one_message_larger_than_asked_for_is_taken_alone() -> None:
    box = inbox()
    box.put(envelope(1, size=60))
    box.put(envelope(2))

    assert await box.take(25) == [envelope(1, size=60)]


async def test_a_full_inbox_drops_and_counts() -> None:
    box = inbox(room=25)
    for number in (1, 2, 3):
        box.put(envelope(number))

    assert box.dropped == 1
    assert await box.take(100) == [envelope(1), envelope(2)]
    box.put(envelope(4))
    assert await box.take(100) == [envelope(4)]


async def test_of_announcements_the_latest_is_kept_even_when_full() -> None:
    box = inbox(room=10)
    box.put(envelope(1))
    box.put(status(b"online"))
    box.put(status(b"offline"))

    assert await box.take(100) == [status(b"offline"), envelope(1)]
    assert box.dropped == 0


async def test_a_thread_wakes_the_taker_and_nothing_gets_lost() -> None:
    box, most = inbox(room=10**6), 5000

    def put() -> None:
        for number in range(most):
            box.put(envelope(number))

    thread = threading.Thread(target=put)
    thread.start()
    taken: list[Message] = []
    while len(taken) < most:
        taken += await asyncio.wait_for(box.take(500), 30)
    thread.join()

    assert [message.at for message in taken] == list(range(most))
