"""Who may ask what: a bearer token (RFC 6750) and the role that it carries."""

import logging
from http import HTTPStatus
from typing import Annotated

from fastapi import Depends
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from collector.api.parts import PartsOf
from collector.api.problems import Problem
from collector.api.tokens import Caller, Role

audit_log = logging.getLogger("collector.audit")
"""A line for every operator's action: who did what to which."""

_bearer = HTTPBearer(
    auto_error=False,
    description="A token made by `collector tokens add NAME --role viewer|operator|admin`.",
)
_CHALLENGE = {"WWW-Authenticate": "Bearer"}


async def _caller(
    parts: PartsOf, sent: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]
) -> Caller:
    if sent is None:
        raise Problem(HTTPStatus.UNAUTHORIZED, "a bearer token is needed", _CHALLENGE)
    caller = parts.tokens.authenticate(sent.credentials)
    if caller is None:
        raise Problem(HTTPStatus.UNAUTHORIZED, "the token is not known", _CHALLENGE)
    return caller


async def _operator(caller: Annotated[Caller, Depends(_caller)]) -> Caller:
    if not caller.role.includes(Role.OPERATOR):
        raise Problem(HTTPStatus.FORBIDDEN, f"{caller.name} is {caller.role}; this needs operator")
    return caller


Viewer = Annotated[Caller, Depends(_caller)]
"""Anybody with a token."""

Operator = Annotated[Caller, Depends(_operator)]
"""Who may act on alarms."""
