"""JSON in and out: msgspec where it has wheels, the standard library elsewhere (32-bit ARM).

Both give the same document. The bytes differ only in how an exponent is spelt (`1e16`, `1e+16`),
which no reader minds: receipts and checksums are about bytes as they were sent. Neither reads a
NaN or an infinity; who encodes a document keeps them out (msgspec would write null).
"""

from __future__ import annotations

import json
import math
from typing import Any


class NotJson(ValueError):
    """The bytes are no JSON document."""


def _reject(constant: str) -> float:
    raise ValueError(f"{constant} is not JSON")


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"{text:.40} is out of range")
    return value


def encode_standard(document: object) -> bytes:
    """`document` as compact UTF-8 JSON, by the standard library."""
    return json.dumps(document, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()


def decode_standard(payload: bytes) -> Any:  # noqa: ANN401 - a document can be anything
    """The document in `payload`, by the standard library.

    Raises:
        NotJson: if there is none.
    """
    try:
        document = json.loads(payload.decode(), parse_constant=_reject, parse_float=_finite)
        if b"\\ud" in payload.lower():
            encode_standard(document)  # half a surrogate pair is no text
    except (ValueError, RecursionError) as error:
        raise NotJson(str(error)) from error
    return document


try:
    import msgspec
except ImportError:  # pragma: no cover - 32-bit ARM has no wheel
    encode, decode = encode_standard, decode_standard
else:
    _encoder = msgspec.json.Encoder()
    _decoder = msgspec.json.Decoder()

    def encode(document: object) -> bytes:
        """`document` as compact UTF-8 JSON."""
        return _encoder.encode(document)

    def decode(payload: bytes) -> Any:  # noqa: ANN401 - a document can be anything
        """The document in `payload`.

        Raises:
            NotJson: if there is none.
        """
        try:
            return _decoder.decode(payload)
        except (ValueError, RecursionError) as error:
            raise NotJson(str(error)) from error
