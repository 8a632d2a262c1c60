"""Promise: an ultrasonic sensor's distance is heard out of a stream that never pauses."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.protocols.a02 import A02
from edge_agent.protocols.conversation import replay


def frame(distance: int) -> bytes:
    body = b"\xff" + distance.to_bytes(2)
    return body + bytes([sum(body) & 0xFF])


@given(st.integers(0, 7_500), st.integers(0, 3))
def test_the_distance_is_right_wherever_listening_begins(distance: int, late: int) -> None:
    (question,) = A02().questions("", ["distance"])

    said = replay(question, (frame(distance) * 3)[late:])

    assert said == {"distance": distance}


@pytest.mark.parametrize("raw", [0, 65_533, 65_534])
def test_what_means_no_echo_stays_raw_for_the_profile_to_name(raw: int) -> None:
    (question,) = A02().questions("", ["distance"])

    assert replay(question, frame(raw)) == {"distance": raw}
