"""Bytes and time of a value on the wire: our envelope against JSON as others send it.

The same samples, each deflated by zlib at level 6. Our reading checks everything and makes samples
of it; the others' only parses.
"""

from __future__ import annotations

import json
import time
import zlib
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import msgspec

from benchmarks.report import Report
from benchmarks.series import VALUES, envelopes
from telemetry import envelope

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from telemetry.envelope import Envelope

COUNT = 500
"""Envelopes."""

FIRST, STEP = 1_700_000_000_000, 1_000

Codec = tuple["Callable[[Envelope], bytes]", "Callable[[bytes], object]"]


def _pack_objects(said: Envelope) -> bytes:
    """An object a sample, as most gateways send it."""
    objects = [{"device": s.device, "at": s.at, "values": s.values} for s in said.samples]
    return zlib.compress(json.dumps(objects).encode(), 6)


def _unpack_objects(payload: bytes) -> object:
    return json.loads(zlib.decompress(payload))


def _pack_senml(said: Envelope) -> bytes:
    """RFC 8428: a record a value, the device and the time once a sample."""
    records: list[dict[str, Any]] = []
    for sample in said.samples:
        base: dict[str, Any] = {"bn": f"{sample.device}/", "bt": sample.at / 1000}
        for name, value in sample.values.items():
            records.append(base | {"n": name, "v": value})
            base = {}
    return zlib.compress(msgspec.json.encode(records), 6)


def _unpack_senml(payload: bytes) -> object:
    return msgspec.json.decode(zlib.decompress(payload))


CODECS: dict[str, Codec] = {
    "our envelope": (envelope.pack, envelope.unpack),
    "an object a sample, standard json": (_pack_objects, _unpack_objects),
    "SenML, msgspec": (_pack_senml, _unpack_senml),
}


def run(count: int = COUNT) -> Report:
    """Measure."""
    said = [each for _, each in envelopes(count, FIRST, STEP)]
    rows = tuple((name, _measure(codec, said)) for name, codec in CODECS.items())
    size, pack, unpack = rows[0][1]
    return Report(
        name="wire",
        title=f"{count} envelopes of {VALUES} values",
        columns=("bytes/value", "pack µs/value", "unpack µs/value"),
        rows=rows,
        line={"bytes_per_value": size, "pack_us": pack, "unpack_us": unpack},
    )


def _measure(codec: Codec, said: Sequence[Envelope]) -> tuple[float, float, float]:
    """Bytes, and µs of processor time to pack and to unpack, a value."""
    pack, unpack = codec
    clock = [time.process_time()]
    payloads = [pack(each) for each in said]
    clock.append(time.process_time())
    for payload in payloads:
        unpack(payload)
    clock.append(time.process_time())
    values = len(said) * VALUES
    micro = [(after - before) / values * 1e6 for before, after in pairwise(clock)]
    return sum(map(len, payloads)) / values, micro[0], micro[1]
