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
from telemetry.language import Phrase
from telemetry.settings import read_secret

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from telemetry.language import Lang

TIMEOUT = httpx.Timeout(30, connect=5)
"""Seconds; a query over a year may take its time."""


NO_ANSWER = Phrase(
    en="no collector answers at {url}: {reason}",
    vi="không có collector trả lời tại {url}: {reason}",
)
NO_COLLECTOR = Phrase(
    en="{url}: no collector answers there", vi="{url}: nơi trả lời không phải là collector"
)
NO_ADDRESS = Phrase(
    en="--url {url}: should be such as https://centre.example.vn:8420",
    vi="--url {url}: phải có dạng như https://centre.example.vn:8420",
)
NEEDS_TOKEN = Phrase(en="--url needs --token-file", vi="có --url thì phải có --token-file")
NO_TOKEN = Phrase(en="{path} holds no token", vi="{path} không chứa token nào")

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
    lang: Lang
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
            leave(NO_ANSWER(self.lang, url=self.url, reason=error), Exit.NO_ANSWER)

    def get(self, path: str, **parameters: object) -> Any:  # noqa: ANN401 - a JSON document
        """The document at `path`."""
        given = {name: value for name, value in parameters.items() if value is not None}
        with self.session() as client:
            return judged(client.get(path, params=given), self.lang)  # type: ignore[arg-type]

    def post(self, path: str, document: object) -> Any:  # noqa: ANN401 - a JSON document
        """What the collector answers to `document`."""
        with self.session() as client:
            return judged(client.post(path, json=document), self.lang)


def find(config_file: Path, url: str | None, token_file: Path | None, lang: Lang) -> Collector:
    """The collector that the options name.

    Raises:
        SettingsError: if the configuration or the token cannot be read.
    """
    if url is not None:
        if token_file is None:
            leave(NEEDS_TOKEN(lang), Exit.WRONG_INPUT)
        return Collector(_address(url, lang), _token(token_file, lang), lang)
    settings = config.load(config_file)
    token = _token(token_file, lang) if token_file else Tokens(settings.data_dir).local()
    api = settings.api
    scheme = "https" if api.tls else "http"
    host = "127.0.0.1" if api.listen.is_any else api.listen.host
    address = api.listen._replace(host=host)
    return Collector(
        f"{scheme}://{address}", token, lang, _pinned(api.tls.certificate) if api.tls else True
    )


def judged(response: httpx.Response, lang: Lang) -> Any:  # noqa: ANN401 - a JSON document
    """The document in a response; a problem ends the command with its detail."""
    if not response.is_success:
        response.read()
        leave(_detail(response), EXITS.get(response.status_code, Exit.FAILED))
    try:
        return response.json()
    except ValueError:
        leave(NO_COLLECTOR(lang, url=response.url), Exit.NO_ANSWER)


def _address(url: str, lang: Lang) -> str:
    try:
        given = httpx.URL(url)
    except httpx.InvalidURL as error:
        leave(f"--url {url}: {error}", Exit.WRONG_INPUT)
    if given.scheme not in ("http", "https") or not given.host:
        leave(NO_ADDRESS(lang, url=url), Exit.WRONG_INPUT)
    return url


def _token(path: Path, lang: Lang) -> str:
    token = read_secret(path)
    if not (token.isascii() and token.isprintable()):
        leave(NO_TOKEN(lang, path=path), Exit.WRONG_INPUT)
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
