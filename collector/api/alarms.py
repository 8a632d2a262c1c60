"""`/v1/alarms`: what is open, its history, and the acknowledgement."""

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Path, Query
from pydantic import BaseModel, ConfigDict, Field
from pydantic.config import JsonDict

from collector.alarms.acknowledging import AlarmState, standing
from collector.alarms.engine import NotOpen, OpenAlarm
from collector.alarms.rules import Priority
from collector.alarms.transition import Kind, Transition
from collector.api.access import Operator, Viewer, audit_log
from collector.api.parts import After, Parts, PartsOf
from collector.api.problems import Problem, documented
from collector.api.times import spell

router = APIRouter(tags=["alarms"])

ALARM: JsonDict = {
    "occurrence": "9f86d081884c7d65",
    "rule": "mains-high",
    "title": "Mains voltage high",
    "priority": "medium",
    "state": "unacked-active",
    "agent": "gw-1",
    "device": "meter-1",
    "channel": "voltage_l1",
    "active_at": "2026-11-22T06:00:00.000Z",
    "action": "Call the grid operator; switch the cabinet to battery.",
}


URGENCY = tuple(Priority)
"""Most urgent first."""

STATES = tuple(AlarmState)
NEEDS_ACK = (AlarmState.UNACKED_ACTIVE, AlarmState.UNACKED_NORMAL)


class AlarmOut(BaseModel):
    """An occurrence that is active, or not acknowledged yet."""

    model_config = ConfigDict(json_schema_extra={"example": ALARM})

    occurrence: str = Field(description="the occurrence's id: the same for whoever computes it")
    rule: str
    title: str
    priority: Priority
    state: AlarmState
    agent: str
    device: str
    channel: str
    active_at: str = Field(description="when it became active, in event time")
    returned_at: str | None = Field(None, description="when it returned to normal")
    action: str = Field(description="what whoever sees it must do")
    cause: str = ""
    responsible: str = ""


class TransitionOut(BaseModel):
    """A step of an occurrence, as the journal has it."""

    at: str = Field(description="event time; of an acknowledgement, when it was given")
    detected_at: str = Field(description="when the collector knew")
    kind: Kind
    rule: str
    revision: int
    agent: str
    device: str
    channel: str
    occurrence: str
    value: float | int | bool | str | None
    who: str
    comment: str

    @classmethod
    def of(cls, transition: Transition) -> "TransitionOut":
        """As the API tells it."""
        return cls(
            at=spell(transition.at),
            detected_at=spell(transition.detected_at),
            kind=transition.kind,
            rule=transition.rule,
            revision=transition.revision,
            agent=transition.series.agent,
            device=transition.series.device,
            channel=transition.series.channel,
            occurrence=transition.occurrence,
            value=transition.value,
            who=transition.who,
            comment=transition.comment,
        )


class Occurrence(BaseModel):
    """An occurrence: how it stands if it is open, and every step of it."""

    alarm: AlarmOut | None = Field(description="null once it is closed")
    transitions: list[TransitionOut]


class JournalPage(BaseModel):
    """Steps in the journal's order; ask again with `after` = `next` for what follows."""

    next: int
    transitions: list[TransitionOut]


class Acknowledgement(BaseModel):
    """Who acknowledges is told by the token."""

    comment: str = Field("", max_length=1000, examples=["crew is on its way"])


OccurrenceId = Annotated[str, Path(pattern=r"^[0-9a-f]{16}$", examples=["9f86d081884c7d65"])]


@router.get(
    "/v1/alarms",
    summary="Open alarms, the most urgent first",
    responses=documented(HTTPStatus.UNAUTHORIZED),
)
async def alarms(
    parts: PartsOf,
    _caller: Viewer,
    state: Annotated[list[AlarmState] | None, Query(description="any of these")] = None,
    priority: Annotated[list[Priority] | None, Query(description="any of these")] = None,
    agent: Annotated[str | None, Query(examples=["gw-1"])] = None,
) -> list[AlarmOut]:
    """What is active, and what returned to normal without an acknowledgement."""
    shown = [_alarm_out(alarm) for alarm in parts.alarms.list()]
    return sorted(
        (
            alarm
            for alarm in shown
            if alarm.state in (state or STATES)
            and alarm.priority in (priority or URGENCY)
            and alarm.agent == (agent or alarm.agent)
        ),
        key=lambda alarm: (
            alarm.state not in NEEDS_ACK,
            URGENCY.index(alarm.priority),
            alarm.active_at,
            alarm.occurrence,
        ),
    )


@router.get(
    "/v1/alarms/journal",
    summary="What alarms did, in the order in which it was found out",
    responses=documented(HTTPStatus.UNAUTHORIZED),
)
async def journal(
    parts: PartsOf,
    _caller: Viewer,
    after: After = 0,
    limit: Annotated[int, Query(ge=1, le=10_000)] = 1000,
) -> JournalPage:
    """The journal is only appended to; pages never change."""
    page = await parts.journal.transitions(after, limit)
    return JournalPage(
        next=page[-1][0] if page else after,
        transitions=[TransitionOut.of(transition) for _, transition in page],
    )


@router.get(
    "/v1/alarms/{occurrence}",
    summary="One occurrence and its history",
    responses=documented(HTTPStatus.UNAUTHORIZED, HTTPStatus.NOT_FOUND),
)
async def one(parts: PartsOf, _caller: Viewer, occurrence: OccurrenceId) -> Occurrence:
    """Open or closed."""
    history = await parts.journal.occurrence(occurrence)
    if not history:
        raise _unknown(occurrence)
    return Occurrence(
        alarm=_open(parts, occurrence),
        transitions=[TransitionOut.of(transition) for transition in history],
    )


@router.post(
    "/v1/alarms/{occurrence}/ack",
    summary="Acknowledge an occurrence",
    responses=documented(
        HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT
    ),
)
async def acknowledge(
    parts: PartsOf, caller: Operator, occurrence: OccurrenceId, given: Acknowledgement
) -> Occurrence:
    """To acknowledge again changes nothing; 409 if the occurrence was closed or superseded."""
    try:
        await parts.alarms.acknowledge(occurrence, caller.name, given.comment)
    except NotOpen as error:
        history = await parts.journal.occurrence(occurrence)
        if not history:
            raise _unknown(occurrence) from error
        last = history[-1]
        if not any(step.kind is Kind.ACKNOWLEDGED for step in history):
            raise Problem(
                HTTPStatus.CONFLICT,
                f"occurrence {occurrence} of {last.rule} is not open: {last.kind} "
                f"at {spell(last.at)}",
            ) from error
    else:
        audit_log.info("audit: %s acknowledged %s: %r", caller.name, occurrence, given.comment)
    return await one(parts, caller, occurrence)


def _open(parts: Parts, occurrence: str) -> AlarmOut | None:
    found = (alarm for alarm in parts.alarms.list() if alarm.occurrence == occurrence)
    return next(map(_alarm_out, found), None)


def _alarm_out(alarm: OpenAlarm) -> AlarmOut:
    rule, state = alarm.rule, alarm.state
    return AlarmOut(
        occurrence=alarm.occurrence,
        rule=rule.id,
        title=rule.title,
        priority=rule.priority,
        state=standing(alarm),
        agent=alarm.series.agent,
        device=alarm.series.device,
        channel=alarm.series.channel,
        active_at=spell(state.active_at or 0),
        returned_at=None if state.returned_at is None else spell(state.returned_at),
        action=rule.action,
        cause=rule.cause,
        responsible=rule.responsible,
    )


def _unknown(occurrence: str) -> Problem:
    return Problem(HTTPStatus.NOT_FOUND, f"no alarm ever had the occurrence {occurrence}")
