"""Promise: of the meters and controllers on a line, the one asked is heard, and no other."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.protocols import PROTOCOLS
from edge_agent.protocols.conversation import replay
from parts.recorded import METERS, Recorded
from parts.talk import talk

FOREIGN = {"dlt645": "000000000007", "mbus": "77", "umb": "0x7007", "ab3418": "7"}


def first(protocol: str) -> Recorded:
    return next(record for record in METERS if record.protocol == protocol)


@given(record=st.sampled_from(METERS), noise=st.binary(max_size=300))
def test_a_good_frame_is_found_behind_noise(record: Recorded, noise: bytes) -> None:
    result = talk(record.question, [noise, record.frame])

    assert record.is_said(result.said)


@pytest.mark.parametrize("record", METERS, ids=str)
def test_an_exchange_tells_how_many_bytes_it_takes(record: Recorded) -> None:
    sent = talk(record.question, []).sent

    assert record.question.sends >= sum(map(len, sent))
    assert record.question.receives >= min(len(record.frame), 1024)


@pytest.mark.parametrize("name", FOREIGN)
def test_another_stations_frame_is_not_taken(name: str) -> None:
    record = first(name)
    (question,) = PROTOCOLS[name].questions(FOREIGN[name], list(record.says))

    said = replay(question, record.frame)

    assert said is None


@pytest.mark.parametrize("name", ["dlt645", "iec62056-21", "mbus", "umb", "ab3418"])
def test_an_address_or_a_field_that_is_none_is_named(name: str) -> None:
    good = first(name)

    with pytest.raises(ValueError, match=r"field '\(!\)'"):
        PROTOCOLS[name].questions(good.address, ["(!)"])
    with pytest.raises(ValueError, match=r"address 'nowhere!' should be "):
        PROTOCOLS[name].questions("nowhere!", list(good.says))
