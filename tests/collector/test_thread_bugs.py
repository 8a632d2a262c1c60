"""Promise: a bug in a thread ends the collector, so that its supervisor starts it anew."""

from __future__ import annotations

import asyncio
import threading

import pytest

from collector.app import raise_thread_bugs


async def test_a_bug_in_a_thread_is_raised_where_the_parts_are_awaited() -> None:
    def fail() -> None:
        raise ZeroDivisionError

    waiting = asyncio.create_task(raise_thread_bugs())
    await asyncio.sleep(0)  # the task must have begun

    threading.Thread(target=fail).start()

    with pytest.raises(ZeroDivisionError):
        await waiting


async def test_the_hook_is_given_back() -> None:
    before = threading.excepthook
    waiting = asyncio.create_task(raise_thread_bugs())
    await asyncio.sleep(0)

    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting

    assert threading.excepthook is before
