"""What a scan found, as people and scripts read it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from edge_agent.scan.recognise import Sure
from edge_agent.scan.sweep import WAIT
from telemetry.language import Phrase
from telemetry.layout import labelled, spelled
from telemetry.units import label

if TYPE_CHECKING:
    from collections.abc import Iterator

    from edge_agent.scan.recognise import Candidate
    from edge_agent.scan.scanner import Found, Garbled
    from edge_agent.scan.sweep import Probe
    from telemetry.language import Lang
    from telemetry.sample import Value

NAMEPLATE = {0: "vendor", 1: "product", 2: "revision"}
"""The basic identification objects (Modbus Application Protocol V1.1b3, §6.21)."""

MOST_VALUES = 4
"""Values that are shown as evidence."""

AT = Phrase(en="unit {unit}, {pace}", vi="địa chỉ {unit}, {pace}")
ON_NETWORK = Phrase(en="unit {unit}", vi="địa chỉ {unit}")
ALONE = Phrase(
    en="answers whatever the unit is: one device, no gateway",
    vi="trả lời mọi địa chỉ: một thiết bị, không phải gateway",
)
SURE = {
    Sure.CERTAIN: Phrase(en="certain", vi="chắc chắn"),
    Sure.LIKELY: Phrase(en="likely", vi="rất có thể"),
    Sure.POSSIBLE: Phrase(en="possible", vi="có thể"),
}
NAMED = Phrase(en="it says that it is {nameplate}", vi="nó tự xưng là {nameplate}")
REGISTER = Phrase(en="its model's register holds {value}", vi="thanh ghi của mẫu này chứa {value}")
VALUES = Phrase(en="fits: {values}", vi="phù hợp: {values}")
MORE = Phrase(en="and {n} more", vi="và {n} giá trị nữa")
BEGINS = Phrase(
    en="SunSpec model {model} begins at {offset}: that is its offset",
    vi="mô hình SunSpec {model} bắt đầu tại {offset}: đó là offset của nó",
)
CHAIN = Phrase(en="its SunSpec models: {models}", vi="các mô hình SunSpec của nó: {models}")
OTHERS = Phrase(en="or {profiles}", vi="hoặc {profiles}")
UNKNOWN = Phrase(en="no profile fits", vi="không có hồ sơ nào khớp")
SAYS = Phrase(en="{table} {address} is {value}", vi="{table} {address} là {value}")
REFUSES = Phrase(
    en="refuses {table} {address} with exception {code}",
    vi="từ chối {table} {address} với mã lỗi {code}",
)
SLOW = Phrase(en="slow: the first answer took {ms} ms", vi="chậm: câu trả lời đầu mất {ms} ms")
GARBLED = Phrase(
    en="something answers, and never with a good frame: two devices of one address, another "
    "parity, or noise",
    vi="có phản hồi nhưng không khung nào đúng: hai thiết bị trùng địa chỉ, sai parity, hoặc nhiễu",
)


def device(found: Found, lang: Lang) -> str:
    """A found device: where, what, and why."""
    best = found.candidates[0] if found.candidates else None
    what = UNKNOWN(lang) if best is None else f"{best.profile.id} ({SURE[best.sure](lang)})"
    why = _unknown(found, lang) if best is None else _evidence(found, best, lang)
    lines = [labelled(f"{_place(found.probe, lang)}:", what, width=0)]
    lines += [labelled("-", text, indent=2, width=1) for text in why]
    if others := [candidate.profile.id for candidate in found.others]:
        lines.append(labelled("-", OTHERS(lang, profiles=", ".join(others)), indent=2, width=1))
    lines += [labelled("!", remark, indent=2, width=1) for remark in _remarks(found, lang)]
    return "\n".join(lines)


def garbled(each: Garbled, lang: Lang) -> str:
    """Somebody who cannot be understood."""
    return f"{_place(each.probe, lang)}\n{labelled('!', GARBLED(lang), indent=2, width=1)}"


def document(found: Found) -> dict[str, Any]:
    """For scripts."""
    answer = {"exception": found.exception} if found.words is None else {"value": found.words[0]}
    return where(found.probe) | {
        "answered": {"table": found.probe.table, "address": found.probe.address} | answer,
        "seconds": round(found.took, 3),
        "any_unit": found.alone,
        "nameplate": found.nameplate and _nameplate(found),
        "sunspec": [{"model": m.id, "offset": m.offset} for m in found.models],
        "candidates": [_candidate(each) for each in found.candidates],
    }


def where(probe: Probe) -> dict[str, Any]:
    """The unit and the line, for scripts."""
    line = (
        {}
        if probe.pace is None
        else {
            "baud": probe.pace.baud,
            "parity": probe.pace.parity,
        }
    )
    return {"unit": probe.unit} | line


def _candidate(candidate: Candidate) -> dict[str, Any]:
    return {
        "profile": candidate.profile.id,
        "offset": candidate.offset,
        "sure": candidate.sure,
        "bits": round(candidate.bits, 1),
        "named": candidate.named,
        "register": candidate.register,
        "values": dict(candidate.values),
    }


def _place(probe: Probe, lang: Lang) -> str:
    if probe.pace is None:
        return ON_NETWORK(lang, unit=probe.unit)
    return AT(lang, unit=probe.unit, pace=probe.pace)


def _evidence(found: Found, candidate: Candidate, lang: Lang) -> Iterator[str]:
    if candidate.named:
        yield NAMED(lang, nameplate=" ".join(_nameplate(found).values()))
    if (addressing := candidate.profile.addressing) is not None:
        yield BEGINS(lang, model=addressing.sunspec, offset=candidate.offset)
    elif candidate.register is not None:
        yield REGISTER(lang, value=candidate.register)
    if candidate.values:
        units = {channel.id: channel.unit for channel in candidate.profile.channels}
        shown = [_shown(name, value, units[name]) for name, value in candidate.values.items()]
        more = len(shown) - MOST_VALUES
        rest = [MORE(lang, n=more)] if more > 0 else []
        yield VALUES(lang, values=", ".join([*shown[:MOST_VALUES], *rest]))


def _shown(name: str, value: Value, unit: str) -> str:
    return f"{name} {spelled(value)} {label(unit)}".rstrip()


def _unknown(found: Found, lang: Lang) -> Iterator[str]:
    if found.nameplate:
        yield NAMED(lang, nameplate=" ".join(_nameplate(found).values()))
    if found.models:
        at = ", ".join(f"{model.id} ({model.offset})" for model in found.models)
        yield CHAIN(lang, models=at)
    place = {"table": found.probe.table, "address": found.probe.address}
    if found.words is None:
        yield REFUSES(lang, code=found.exception, **place)
    else:
        yield SAYS(lang, value=found.words[0], **place)


def _remarks(found: Found, lang: Lang) -> Iterator[str]:
    if found.alone:
        yield ALONE(lang)
    if found.took > 2 * WAIT:
        yield SLOW(lang, ms=round(found.took * 1000))


def _nameplate(found: Found) -> dict[str, str]:
    texts = found.nameplate or {}
    return {NAMEPLATE.get(number, str(number)): text for number, text in texts.items() if text}
