"""The journal's tables, and how its entries become rows and back.

`transitions` and `dead_letters` are only appended to. `alarm_state`, `frontiers` and `streams` are
the engine's memory, a row each. `marked_hours` are roll-ups that are out of date.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from collector.alarms.classify import Frontier
from collector.alarms.machine import Condition, State
from collector.alarms.memory import QUIET, AlarmKey, Held, Memory, StreamKey
from collector.alarms.transition import Kind, Series, Transition
from telemetry import codec

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable

    from collector.journal.entry import DeadLetter, Hour

SCHEMA_VERSION = 1

SCHEMA = f"""
CREATE TABLE transitions (
  id INTEGER PRIMARY KEY AUTOINCREMENT, at INTEGER NOT NULL, detected_at INTEGER NOT NULL,
  kind TEXT NOT NULL, rule TEXT NOT NULL, revision INTEGER NOT NULL, agent TEXT NOT NULL,
  device TEXT NOT NULL, channel TEXT NOT NULL, occurrence TEXT NOT NULL, value TEXT NOT NULL,
  who TEXT NOT NULL, comment TEXT NOT NULL);
CREATE INDEX transitions_of_occurrence ON transitions (occurrence);
CREATE TABLE alarm_state (
  rule TEXT, agent TEXT, device TEXT, channel TEXT, state TEXT NOT NULL,
  PRIMARY KEY (rule, agent, device, channel)) WITHOUT ROWID;
CREATE TABLE frontiers (
  agent TEXT, device TEXT, channel TEXT, at INTEGER NOT NULL, value TEXT NOT NULL, good_at INTEGER,
  PRIMARY KEY (agent, device, channel)) WITHOUT ROWID;
CREATE TABLE streams (
  agent TEXT, stream TEXT, ranges TEXT NOT NULL, PRIMARY KEY (agent, stream)) WITHOUT ROWID;
CREATE TABLE marked_hours (
  measurement TEXT, hour INTEGER, reading INTEGER NOT NULL,
  PRIMARY KEY (measurement, hour)) WITHOUT ROWID;
CREATE TABLE dead_letters (
  id INTEGER PRIMARY KEY AUTOINCREMENT, agent TEXT NOT NULL, stream TEXT NOT NULL,
  seq INTEGER NOT NULL, device TEXT NOT NULL, at INTEGER NOT NULL, sample TEXT NOT NULL,
  reason TEXT NOT NULL, UNIQUE (agent, stream, seq, device, at, sample));
PRAGMA user_version = {SCHEMA_VERSION};
"""

TRANSITION_COLUMNS = (
    "at, detected_at, kind, rule, revision, agent, device, channel, occurrence, value, who, comment"
)
DEAD_LETTER_COLUMNS = "agent, stream, seq, device, at, sample, reason"


def append_transitions(db: sqlite3.Connection, transitions: Iterable[Transition]) -> None:
    """Add transitions at the journal's end."""
    db.executemany(
        f"INSERT INTO transitions ({TRANSITION_COLUMNS}) VALUES (?,?,?,?,?,?,?,?,?,?,?,?)",  # noqa: S608 - a constant
        [
            (
                *(t.at, t.detected_at, t.kind, t.rule, t.revision, *t.series, t.occurrence),
                *(_text(t.value), t.who, t.comment),
            )
            for t in transitions
        ],
    )


def transition_of(row: tuple[Any, ...]) -> Transition:
    """The transition in a row of `TRANSITION_COLUMNS`."""
    return Transition(
        at=row[0],
        detected_at=row[1],
        kind=Kind(row[2]),
        rule=row[3],
        revision=row[4],
        series=Series(row[5], row[6], row[7]),
        occurrence=row[8],
        value=codec.decode(row[9].encode()),
        who=row[10],
        comment=row[11],
    )


def write_memory(db: sqlite3.Connection, memory: Memory) -> None:
    """Replace the rows of what has changed; an alarm that went quiet loses its row."""
    alarms = memory.alarms.items()
    db.executemany(
        "DELETE FROM alarm_state WHERE (rule, agent, device, channel) = (?,?,?,?)",
        [(key.rule, *key.series) for key, held in alarms if held.state == QUIET],
    )
    db.executemany(
        "REPLACE INTO alarm_state VALUES (?,?,?,?,?)",
        [(key.rule, *key.series, _state_text(held)) for key, held in alarms if held.state != QUIET],
    )
    db.executemany(
        "REPLACE INTO frontiers VALUES (?,?,?,?,?,?)",
        [(*key, f.at, _text(f.value), f.good_at) for key, f in memory.frontiers.items()],
    )
    db.executemany(
        "REPLACE INTO streams VALUES (?,?,?)",
        [(*key, _text(ranges)) for key, ranges in memory.streams.items()],
    )


def read_memory(db: sqlite3.Connection) -> Memory:
    """All that the engine knew at the last commit."""
    memory = Memory()
    for rule, agent, device, channel, state in db.execute("SELECT * FROM alarm_state"):
        memory.alarms[AlarmKey(rule, Series(agent, device, channel))] = _held(state)
    for agent, device, channel, at, value, good_at in db.execute("SELECT * FROM frontiers"):
        series = Series(agent, device, channel)
        memory.frontiers[series] = Frontier(at, codec.decode(value.encode()), good_at)
    for agent, stream, ranges in db.execute("SELECT * FROM streams"):
        spans = codec.decode(ranges.encode())
        memory.streams[StreamKey(agent, stream)] = tuple((first, last) for first, last in spans)
    return memory


def mark_hours(db: sqlite3.Connection, hours: Iterable[Hour], reading: int) -> None:
    """Note that roll-ups are out of date since the `reading`-th reading of the marks."""
    db.executemany("REPLACE INTO marked_hours VALUES (?,?,?)", [(*h, reading) for h in hours])


def append_dead_letters(db: sqlite3.Connection, letters: Iterable[DeadLetter]) -> None:
    """Keep dead letters; one that is there already is not kept twice."""
    db.executemany(
        f"INSERT OR IGNORE INTO dead_letters ({DEAD_LETTER_COLUMNS}) VALUES (?,?,?,?,?,?,?)",  # noqa: S608 - a constant
        [(d.agent, d.stream, d.seq, d.device, d.at, d.sample, d.reason) for d in letters],
    )


def _text(document: object) -> str:
    return codec.encode(document).decode()


def _state_text(held: Held) -> str:
    s = held.state
    return _text([s.condition.value, s.since, s.active_at, s.returned_at, s.acked, held.revision])


def _held(text: str) -> Held:
    condition, since, active_at, returned_at, acked, revision = codec.decode(text.encode())
    state = State(Condition(condition), since, active_at, returned_at, acked)
    return Held(state, revision)
