"""Lines to InfluxDB 2.x and 3 through influxdb-client, synchronously, as ready bytes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from influxdb_client.client.influxdb_client import InfluxDBClient
from influxdb_client.client.write_api import SYNCHRONOUS
from influxdb_client.domain.write_precision import WritePrecision
from influxdb_client.rest import ApiException
from urllib3.exceptions import HTTPError

from collector.stores import StoreUnavailable
from collector.stores.influx_answers import judge_write
from collector.stores.influx_server import database

if TYPE_CHECKING:
    from collector.stores.query import Source
    from collector.stores.settings import InfluxSettings

MILLISECONDS = cast("WritePrecision", WritePrecision.MS)  # declared as the text that it is


class ClientWriter:
    """The official client's write API; one thread uses it."""

    def __init__(self, settings: InfluxSettings, secret: str) -> None:
        self._settings = settings
        self._client = InfluxDBClient(
            url=settings.url,
            token=secret,
            org=settings.org,
            timeout=round(settings.timeout * 1000),
            ssl_ca_cert=None if settings.ca_file is None else str(settings.ca_file),
        )
        self._api = self._client.write_api(write_options=SYNCHRONOUS)

    def write(self, source: Source, lines: bytes) -> None:
        """Store lines.

        Raises:
            LinesRefused: if some of them never will be.
            StoreUnavailable: if the server cannot take any now.
        """
        bucket = database(self._settings, source)
        try:
            self._api.write(bucket, self._settings.org, lines, write_precision=MILLISECONDS)
        except ApiException as error:
            headers: Any = error.headers or {}
            body = str(error.body or error.reason or "").encode()
            judge_write(error.status or 0, body, headers.get("retry-after"))
        except (HTTPError, UnicodeDecodeError) as error:  # it decodes whatever a proxy says
            raise StoreUnavailable(f"influxdb: {type(error).__name__} {error}") from error
        else:
            judge_write(self._client.api_client.last_response.status, b"", None)

    def close(self) -> None:
        """Let go of the connections."""
        self._api.close()  # type: ignore[no-untyped-call]
        self._client.close()  # type: ignore[no-untyped-call]
