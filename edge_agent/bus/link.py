"""A port as its poller sees it, whatever is spoken there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from edge_agent.bus.fields import FieldLink
from edge_agent.bus.inquiry import Inquiry
from edge_agent.bus.modbus import ModbusLink
from edge_agent.bus.request import Request
from edge_agent.bus.settings import SerialBus, SerialOverTcpBus

if TYPE_CHECKING:
    from edge_agent.bus.planned import Answer, Planned
    from edge_agent.bus.settings import AnyBus
    from edge_agent.site.site import SiteDevice


class Link(Protocol):
    """One port. Only one task may use it, and asks one thing at a time."""

    @property
    def late_replies(self) -> int:
        """Replies that came after their deadline and were dropped."""
        ...

    @property
    def is_open(self) -> bool:
        """Whether something can be asked."""
        ...

    async def open(self) -> None:
        """Open the port or connection anew.

        Raises:
            BusDown: if that fails, with the reason.
        """
        ...

    def close(self) -> None:
        """Let the port go."""
        ...

    async def fetch(self, device: SiteDevice, request: Planned) -> Answer:
        """What a device answers to one of its own requests.

        Raises:
            ReadFailed: if it brought nothing, by what happened.
        """
        ...


class ModbusPort(ModbusLink):
    """A port on which Modbus is spoken."""

    async def fetch(self, device: SiteDevice, request: Planned) -> Answer:
        """The words of a read."""
        assert isinstance(request, Request)  # noqa: S101 - a site plans nothing else for it
        timing = device.profile.timing
        return await self.read(
            device.settings.unit,
            request,
            start_within=device.response,
            late_within=timing.response_timeout,
            pause=timing.pause,
        )


class FieldPort(FieldLink):
    """A port on which another protocol is spoken."""

    async def fetch(self, device: SiteDevice, request: Planned) -> Answer:
        """The fields of an exchange."""
        assert isinstance(request, Inquiry)  # noqa: S101 - a site plans nothing else for it
        timing = device.profile.timing
        return await self.ask(
            device.address,
            request.question,
            start_within=device.response,
            late_within=timing.response_timeout,
            pause=timing.pause,
        )


def link_for(bus: AnyBus) -> Link:
    """The bus's own, not open yet."""
    match bus:
        case SerialBus() | SerialOverTcpBus():
            return FieldPort(bus)
        case _:
            return ModbusPort(bus)
