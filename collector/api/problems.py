"""Errors as RFC 9457 problem documents, whatever went wrong: a query, a token, the store.

The bodies never carry a traceback; a bug is a plain 500 here and a traceback in the log.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException

from collector.stores import StoreUnavailable
from collector.stores.query import QueryRefused

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fastapi import FastAPI, Request

MEDIA_TYPE = "application/problem+json"


class ProblemDocument(BaseModel):
    """RFC 9457; `errors` lists what is wrong with a request, a line an error."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "type": "about:blank",
                "title": "Content Too Large",
                "status": 413,
                "detail": "more than 10000 points of voltage_l1; ask for agg=mean&every=1min",
            }
        }
    )

    type: str = "about:blank"
    title: str
    status: int
    detail: str
    errors: list[str] = Field(default_factory=list)


class Problem(Exception):
    """A request that cannot be answered, and what its sender can do about it."""

    def __init__(
        self, status: HTTPStatus, detail: str, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.headers = headers


def documented(*statuses: HTTPStatus) -> dict[int | str, dict[str, Any]]:
    """What a path's OpenAPI entry says of the problems that it may answer with."""
    return {
        int(status): {
            "description": status.phrase,
            "content": {MEDIA_TYPE: {"schema": ProblemDocument.model_json_schema()}},
        }
        for status in statuses
    }


def answer(
    status: HTTPStatus,
    detail: str,
    *,
    errors: list[str] | None = None,
    headers: Mapping[str, str] | None = None,
) -> JSONResponse:
    """The problem as a response."""
    document = {
        "type": "about:blank",
        "title": status.phrase,
        "status": int(status),
        "detail": detail,
    }
    if errors:
        document["errors"] = errors
    return JSONResponse(document, int(status), headers, media_type=MEDIA_TYPE)


def install(app: FastAPI) -> None:
    """Have `app` answer every error so."""
    app.add_exception_handler(Problem, _problem)
    app.add_exception_handler(QueryRefused, _query_refused)
    app.add_exception_handler(StoreUnavailable, _store_unavailable)
    app.add_exception_handler(RequestValidationError, _not_valid)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(Exception, _bug)


def _problem(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, Problem)  # noqa: S101 - registered for it
    return answer(error.status, error.detail, headers=error.headers)


def _query_refused(_request: Request, error: Exception) -> JSONResponse:
    return answer(HTTPStatus.BAD_REQUEST, str(error))


def _store_unavailable(_request: Request, error: Exception) -> JSONResponse:
    detail = f"the store does not answer: {error}"
    return answer(HTTPStatus.SERVICE_UNAVAILABLE, detail, headers={"Retry-After": "10"})


def _not_valid(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)  # noqa: S101 - registered for it
    errors = [
        f"{'.'.join(str(part) for part in e['loc'])}: {e['msg'].removeprefix('Value error, ')}"
        for e in error.errors()
    ]
    return answer(HTTPStatus.UNPROCESSABLE_ENTITY, "; ".join(errors), errors=errors)


def _http(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)  # noqa: S101 - registered for it
    status = HTTPStatus(error.status_code)
    detail = f"{request.method} {request.url.path}: {error.detail}"
    return answer(status, detail, headers=error.headers)


def _bug(_request: Request, _error: Exception) -> JSONResponse:
    return answer(HTTPStatus.INTERNAL_SERVER_ERROR, "the collector failed; its log says how")
