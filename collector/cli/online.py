"""Asking a running collector over its HTTP API, with errors that say what to do."""

from __future__ import annotations

import contextlib
import ssl
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import httpx

from collector import config
from collector.api.tokens import Tokens
from collector.cli.exits import Exit, leave
from telemetry.settings import read_secret

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

TIMEOUT = httpx.Timeout(30, connect=5)
"""Seconds; a query over a year may take its time."""


EXITS: dict[int, Exit] = {
    HTTPStatus.SERVICE_UNAVAILABLE: Exit.NO_ANSWER,
    HTTPStatus.BAD_REQUEST: Exit.WRONG_INPUT,
    HTTPStatus.UNPROCESSABLE_ENTITY: Exit.WRONG_INPUT,
    HTTPStatus.NOT_FOUND: Exit.WRONG_INPUT,
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: Exit.WRONG_INPUT,
}
"""What a refusal means to a script; any other is FAILED."""


@dataclass(frozen=True, slots=True)
class Collector:
    """A running collector: where it is and how it is asked."""

    url: str
    token: str
    verify: ssl.SSLContext | bool = True

    @contextlib.contextmanager
    def session(self) -> Iterator[httpx.Client]:
        """A client for its API; ends the command if it does not answer, or refuses."""
        headers = {"Authorization": f"Bearer {self.token}"}
        try:
            with httpx.Client(
                base_url=self.url, headers=headers, timeout=TIMEOUT, verify=self.verify
            ) as client:
                yield client
        except httpx.TransportError as error:
            leave(f"no collector answers at {self.url}: {error}", Exit.NO_ANSWER)

    def get(self, path: str, **parameters: object) -> Any:  # noqa: ANN401 - a JSON document
        """The document at `path`."""
        given = {name: value for name, value in parameters.items() if value is not None}
        with self.session() as client:
            return judged(client.get(path, params=given))  # type: ignore[arg-type]

    def post(self, path: str, document: object) -> Any:  # noqa: ANN401 - a JSON document
        """What the collector answers to `document`."""
        with self.session() as client:
            return judged(client.post(path, json=document))


def find(config_file: Path, url: str | None, token_file: Path | None) -> Collector:
    """The collector that the options name.

    Raises:
        SettingsError: if the configuration or the token cannot be read.
    """
    if url is not None:
        if token_file is None:
            leave("--url needs --token-file", Exit.WRONG_INPUT)
        return Collector(_address(url), _token(token_file))
    settings = config.load(config_file)
    token = _token(token_file) if token_file else Tokens(settings.data_dir).local()
    api = settings.api
    scheme = "https" if api.tls else "http"
    host = "127.0.0.1" if api.listen.is_any else api.listen.host
    address = api.listen._replace(host=host)
    return Collector(
        f"{scheme}://{address}", token, _pinned(api.tls.certificate) if api.tls else True
    )


def judged(response: httpx.Response) -> Any:  # noqa: ANN401 - a JSON document
    """The document in a response; a problem ends the command with its detail."""
    if not response.is_success:
        response.read()
        leave(_detail(response), EXITS.get(response.status_code, Exit.FAILED))
    try:
        return response.json()
    except ValueError:
        leave(f"{response.url}: no collector answers there", Exit.NO_ANSWER)


def _address(url: str) -> str:
    try:
        httpx.URL(url)
    except httpx.InvalidURL as error:
        leave(f"--url {url}: {error}", Exit.WRONG_INPUT)
    return url


def _token(path: Path) -> str:
    token = read_secret(path)
    if not (token.isascii() and token.isprintable()):
        leave(f"{path} holds no token", Exit.WRONG_INPUT)
    return token


def _detail(response: httpx.Response) -> str:
    """What a problem document says, or the status of whoever answered without one."""
    try:
        return str(response.json()["detail"])
    except (ValueError, KeyError, TypeError):
        return f"{response.url}: {response.status_code} {response.reason_phrase}"


def _pinned(certificate: Path) -> ssl.SSLContext:
    """Trust exactly this machine's own certificate, whatever name it carries."""
    context = ssl.create_default_context(cafile=certificate)
    context.check_hostname = False
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    return context
