"""Where to listen: `127.0.0.1:8420`. Only loopback may go without TLS."""

from __future__ import annotations

import ipaddress
from typing import Annotated, NamedTuple

from pydantic import BeforeValidator

PORT_MAX = 65_535


class Address(NamedTuple):
    """A host (a name, or an IP address without brackets) and a TCP port."""

    host: str
    port: int

    @classmethod
    def parse(cls, text: object) -> Address:
        """The address that `text` spells.

        Raises:
            ValueError: if it spells none.
        """
        host, colon, port = str(text).rpartition(":")
        if not (colon and host and port.isascii() and port.isdigit() and int(port) <= PORT_MAX):
            raise ValueError("should be an address such as 127.0.0.1:8420")
        return cls(host.removeprefix("[").removesuffix("]"), int(port))

    @property
    def is_loopback(self) -> bool:
        """Whether only this machine can reach it."""
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return self.host == "localhost"

    @property
    def is_any(self) -> bool:
        """Whether it is every address of this machine, and so nowhere to connect to."""
        return self.host in ("0.0.0.0", "::")  # noqa: S104 - compared, not bound

    def __str__(self) -> str:
        """As people write it."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def _parse(value: object) -> object:
    return value if isinstance(value, Address) else Address.parse(value)


Listen = Annotated[Address, BeforeValidator(_parse)]
"""An address as a configuration writes it."""
