"""A request to stop that must not be forgotten.

Python 3.11's `asyncio.wait_for`, by which aiomqtt waits, forgets a cancellation that comes in the
very moment of its result (3.12 does not). An endless loop around it would then go on for ever, so
it asks after each step whether it was to end.
"""

from __future__ import annotations

import asyncio


def obey() -> None:
    """Go on being cancelled, where a result or an error has taken the cancellation's place.

    Raises:
        CancelledError: if the current task is asked to end.
    """
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError
