"""RS-485 by the kernel: the driver switches the transceiver by RTS, to the bit.

Python never does it: it would be late by milliseconds, and cut replies off.
"""

from __future__ import annotations

import errno
import fcntl
import struct
from typing import TYPE_CHECKING

from edge_agent.bus.failures import BusDown

if TYPE_CHECKING:
    from edge_agent.bus.settings import Rs485

TIOCSRS485 = 0x542F
"""Linux, asm-generic/ioctls.h; takes `struct serial_rs485`: flags, delays in ms, five words."""

ENABLED, RTS_ON_SEND, RTS_AFTER_SEND, RX_DURING_TX, TERMINATE_BUS = 1, 2, 4, 16, 32
"""Linux, include/uapi/linux/serial.h."""


def switch_on(descriptor: int, wanted: Rs485) -> None:
    """Have the port's driver switch direction.

    Raises:
        BusDown: if it cannot.
    """
    try:
        fcntl.ioctl(descriptor, TIOCSRS485, packed(wanted))
    except OSError as error:
        if error.errno not in (errno.ENOTTY, errno.EINVAL, errno.EOPNOTSUPP):
            raise
        raise BusDown(
            "its driver has no RS-485 mode: leave rs485 out; a USB adapter for RS-485 switches "
            "by itself"
        ) from error


def packed(wanted: Rs485) -> bytes:
    """`struct serial_rs485`."""
    flags = (
        ENABLED
        | RTS_ON_SEND * wanted.rts_on_send
        | RTS_AFTER_SEND * wanted.rts_after_send
        | RX_DURING_TX * wanted.rx_during_send
        | TERMINATE_BUS * wanted.terminate
    )
    delays = round(wanted.delay_before_send * 1000), round(wanted.delay_after_send * 1000)
    return struct.pack("=8I", flags, *delays, 0, 0, 0, 0, 0)
