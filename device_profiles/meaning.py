"""What a channel's value means, whatever protocol it is read by: its unit, scale, codes, series."""

from __future__ import annotations

import re
from abc import abstractmethod
from decimal import Decimal
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

from pydantic import ConfigDict, Field, model_validator

from device_profiles.registers import Type
from device_profiles.repeat import as_entry
from device_profiles.sampling import Deadband, Tests
from device_profiles.writing import Access, Write
from telemetry.names import CHANNEL, REASON, RESERVED_CHANNELS, is_name
from telemetry.sample import TEXT_MAX, is_storable
from telemetry.settings import Settings
from telemetry.units import UNITS

if TYPE_CHECKING:
    from collections.abc import Iterator

SCALE_MIN, SCALE_MAX = Decimal("1e-30"), Decimal("1e30")
"""Scales beyond these are typing errors, and could take a value out of a float's range."""

FLAG_BITS = 64
"""Most bits of a number that flags can name."""

NO_FLAG = "none"
"""The value while no bit is set."""

UNNAMED_FLAG = re.compile(r"bit([0-9]+)")
"""What a bit that is set and has no name is called."""

Stored = Literal["float", "int", "bool", "str"]
"""A channel's type in messages and stores; permanent for a series."""


class ChannelKind(StrEnum):
    """How a channel behaves in time."""

    GAUGE = "gauge"
    COUNTER = "counter"
    """Only rises, until it wraps or is reset."""
    STATE = "state"
    TEXT = "text"
    TIME = "time"
    """An instant by the device's clock, as text."""


class ValidIf(Settings):
    """A channel holds only while another one, of the same group, has this value."""

    channel: str
    equals: bool | int | float | str


class Channel(Settings):
    """One value of the device, whatever it is read by.

    Attributes:
        id: its name, never changed.
        unit: by its SenML name, or empty.
        group: which interval it is read at.
        scale: the value is `raw * scale + offset`, in decimal arithmetic.
        enum: what each code means; the value is the text.
        flags: what each bit means, 0 the least significant; the value is the names of the set bits.
        nan: raw values that mean: no value.
        nan_reasons: the same, with the reason of each.
        range: lowest and highest credible value; one outside is kept, and doubted.
        deadband: a change that is smaller is not worth sending.
        tests: what a credible series does; what fails is kept, and doubted.
        wrap: the value at which a counter begins again at 0.
        valid_if: when it holds at all.
        access: whether it is read, written, or both; nothing is ever written by the agent.
        write: what a write would have to obey; declared for people, never executed.
        verify: which facts of it nobody has confirmed on hardware.
    """

    model_config = ConfigDict(json_schema_extra=as_entry)

    id: str
    unit: str = ""
    kind: ChannelKind = ChannelKind.GAUGE
    group: str = "default"
    label: str = ""
    scale: Decimal = Decimal(1)
    offset: Decimal = Decimal(0)
    enum: dict[int, str] = Field(default_factory=dict)
    flags: dict[Annotated[int, Field(ge=0, lt=FLAG_BITS)], str] = Field(default_factory=dict)
    nan: tuple[int, ...] = ()
    nan_reasons: dict[int, str] = Field(default_factory=dict)
    range: tuple[float, float] | None = None
    deadband: Deadband | None = None
    tests: Tests | None = None
    wrap: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = None
    valid_if: ValidIf | None = None
    access: Access = Access.READ
    write: Write | None = None
    verify: tuple[str, ...] = ()

    @property
    @abstractmethod
    def raw(self) -> Stored:
        """The type of what the device says, before it is scaled or named."""

    @property
    def is_scaled(self) -> bool:
        """Whether the value differs from the raw number."""
        return self.scale != 1 or self.offset != 0

    @property
    def is_number(self) -> bool:
        """Whether its values are numbers."""
        return self.stored in ("float", "int")

    @property
    def stored(self) -> Stored:
        """The type of its values, whatever they are: `230.0` stays a float."""
        if self.enum or self.flags:
            return "str"
        return "float" if self.raw == "int" and self.is_scaled else self.raw

    @model_validator(mode="before")
    @classmethod
    def _default_kind(cls, entry: Any) -> Any:  # noqa: ANN401 - YAML can be anything
        if not isinstance(entry, dict) or "kind" in entry:
            return entry
        kind = _kind(entry.get("type"), is_coded=bool(entry.get("enum") or entry.get("flags")))
        return {**entry, "kind": kind}

    @model_validator(mode="after")
    def _agrees_with_itself(self) -> Self:
        for problem in self._problems():
            raise ValueError(problem)
        return self

    def _problems(self) -> Iterator[str]:
        if not is_name(CHANNEL, self.id):
            yield f"id {self.id!r} should be snake_case, such as voltage_l1"
        if self.id in RESERVED_CHANNELS:
            yield f"id {self.id!r} is the stores' own; choose another"
        if self.unit and self.unit not in UNITS:
            yield f"unit {self.unit!r} is not in the table of SenML units"
        yield from self._problems_of_place()
        yield from self._problems_of_scale()
        yield from self._problems_of_codes()
        yield from self._problems_of_series()
        yield from self._problems_of_access()

    @abstractmethod
    def _problems_of_place(self) -> Iterator[str]:
        """What is wrong with where the device says it."""

    def _problems_of_scale(self) -> Iterator[str]:
        if self.is_scaled and self.raw not in ("float", "int"):
            yield f"scale and offset do not apply to {self.raw}"
        if not (self.scale.is_finite() and SCALE_MIN <= abs(self.scale) <= SCALE_MAX):
            yield f"scale {self.scale} is not between {SCALE_MIN} and {SCALE_MAX}"
        if not (self.offset.is_finite() and abs(self.offset) <= SCALE_MAX):
            yield f"offset {self.offset} is beyond {SCALE_MAX}"

    def _problems_of_codes(self) -> Iterator[str]:
        if self.enum and (self.raw != "int" or self.is_scaled):
            yield "enum is for integers without scale"
        if self.flags and (self.raw != "int" or self.is_scaled or self.enum):
            yield "flags are for integers without scale and enum"
        for code, text in self.enum.items():
            if not (text and is_storable(text)):
                yield f"enum {code} should have a text of 1 to {TEXT_MAX} characters"
        yield from self._problems_of_flags()
        all_set = ",".join(self.flags.get(bit, f"bit{bit}") for bit in range(FLAG_BITS))
        if len(all_set) > TEXT_MAX:
            yield f"all flags together are longer than {TEXT_MAX} characters"
        if (self.nan or self.nan_reasons) and self.raw not in ("float", "int"):
            yield f"nan does not apply to {self.raw}"
        for reason in self.nan_reasons.values():
            if not is_name(REASON, reason):
                yield f"reason {reason!r} should be snake_case, such as stuck_on"

    def _problems_of_flags(self) -> Iterator[str]:
        names = list(self.flags.values())
        for bit, name in self.flags.items():
            if not is_name(CHANNEL, name):
                yield f"flag {name!r} should be snake_case, such as door_open"
            if names.count(name) > 1:
                yield f"flag {name!r} stands twice"
            if name == NO_FLAG:
                yield f"flag {name!r} is what no flag is called"
            if (other := UNNAMED_FLAG.fullmatch(name)) and int(other[1]) != bit:
                yield f"flag {name!r} is what bit {other[1]} without a name is called"

    def _problems_of_series(self) -> Iterator[str]:
        for name in ("range", "deadband", "tests"):
            if getattr(self, name) is not None and not self.is_number:
                yield f"{name} does not apply to values of {self.stored}"
        if self.range is not None and not self.range[0] <= self.range[1]:
            yield f"range {list(self.range)} should be [lowest, highest]"
        if self.kind is ChannelKind.COUNTER and not self.is_number:
            yield f"a counter is a number, not {self.stored}"
        if self.wrap is not None and self.kind is not ChannelKind.COUNTER:
            yield "wrap is for counters: kind: counter"

    def _problems_of_access(self) -> Iterator[str]:
        if self.access.is_written and self.write is None:
            yield f"access {self.access} needs write, which says what a write must obey"
        if self.write is not None and not self.access.is_written:
            yield "write needs access: rw, or w for what cannot be read"


def _kind(kind: object, *, is_coded: bool) -> ChannelKind:
    """What a channel of that type is, unless it says so itself."""
    if is_coded or kind in (Type.BOOL, Type.SUNSSF):
        return ChannelKind.STATE
    if not isinstance(kind, str) or kind not in set(Type):
        return ChannelKind.GAUGE
    if Type(kind).is_time:
        return ChannelKind.TIME
    return ChannelKind.TEXT if Type(kind).is_text else ChannelKind.GAUGE
