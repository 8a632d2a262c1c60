"""Reading stored values back from a collector, over its HTTP API."""

from __future__ import annotations

import json
import urllib.error
import urllib.parse
import urllib.request
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from edge_agent.acceptance.point import ReadBack

if TYPE_CHECKING:
    from telemetry.sample import Value

ANSWER_WITHIN = 15.0
"""Seconds for an answer."""


class NoAnswer(Exception):
    """The collector cannot be asked, or refuses."""


@dataclass(frozen=True, slots=True)
class Centre:
    """A collector: its address, and the token with which it is asked."""

    url: str
    token: str

    def read_back(self, agent: str, device: str, at: int) -> dict[str, ReadBack]:
        """By channel, what is stored of a device at that time (ms since epoch).

        Raises:
            NoAnswer: if it cannot be asked, or refuses.
        """
        span = {"from": _spell(at), "to": _spell(at + 1)}
        asked = {"agent": agent, "device": device, "quality": "all", **span}
        series = self._get(f"/v1/series?{urllib.parse.urlencode(asked)}")
        return {one["channel"]: ReadBack(_value(one)) for one in series if one["points"]}

    def _get(self, path: str) -> Any:  # noqa: ANN401 - a JSON document
        url = self.url.rstrip("/") + path
        if not url.startswith(("http://", "https://")):
            raise NoAnswer(f"{self.url} should begin with http:// or https://")
        headers = {"Authorization": f"Bearer {self.token}"}
        request = urllib.request.Request(url, headers=headers)  # noqa: S310 - looked at above
        try:
            with urllib.request.urlopen(request, timeout=ANSWER_WITHIN) as answer:  # noqa: S310 - as above
                return json.load(answer)
        except urllib.error.HTTPError as error:
            with error:
                raise NoAnswer(f"{self.url}: {_detail(error)}") from error
        except (OSError, ValueError) as error:
            reason = getattr(error, "reason", None) or error
            raise NoAnswer(f"{self.url} does not answer: {reason}") from error


def _value(series: dict[str, Any]) -> Value | None:
    value: Value | None = series["points"][-1]["value"]
    return value


def _detail(error: urllib.error.HTTPError) -> str:
    """What a problem document (RFC 9457) says, or the status of whoever answered without one."""
    try:
        return str(json.load(error)["detail"])
    except (ValueError, KeyError, TypeError):
        return f"{error.code} {error.reason}"


def _spell(at: int) -> str:
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=at)
    return moment.isoformat(timespec="milliseconds")
