"""Lines of the scan log: whatever the core can know, remember or decide comes back as it was."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from controller.scanlog.lines import (
    BODIES,
    FORMAT,
    Begin,
    Line,
    digest_of,
    encoded,
    line_of,
    scan_of,
)
from controller.scanlog.reader import decoded
from safety.facts import Facts, Intent
from safety.ledger import AreaPlan
from safety.limits import DEPTH_UM_ABSOLUTE, absolute_limits
from safety.memory import Decision, Entry, Memory

few = settings(max_examples=30, suppress_health_check=[HealthCheck.too_slow])
"""A whole memory has some hundred values to draw."""


@st.composite
def area_plans(draw: st.DrawFn) -> AreaPlan:
    """An area that the checks of its type let through."""
    depth_um = draw(st.integers(1, DEPTH_UM_ABSOLUTE))
    bounds = {limit.quantity: (limit.low, limit.high) for limit in absolute_limits(depth_um)}
    others = {"depth_um": (depth_um, depth_um), "strokes_per_pass": (1, 9), "strokes_max": (9, 99)}
    values = {name: draw(st.integers(*bound)) for name, bound in (bounds | others).items()}
    return AreaPlan(draw(st.text(max_size=9)), **values)


PLAIN = st.integers() | st.booleans() | st.text(max_size=9)
BODIES_OF_ENTRIES = st.dictionaries(st.text(max_size=9), PLAIN, max_size=3)

st.register_type_strategy(AreaPlan, area_plans())
st.register_type_strategy(Entry, st.builds(Entry, body=BODIES_OF_ENTRIES))


@pytest.mark.req("SR-018")
@few
@given(
    st.from_type(Facts),
    st.lists(st.from_type(Intent), max_size=3),
    st.integers(),
    st.none() | st.from_type(Decision),
    st.text("0123456789abcdef", max_size=32),
)
def test_scan_comes_back_as_it_was(
    facts: Facts, intents: list[Intent], now_ms: int, decision: Decision | None, before: str
) -> None:
    """A scan's line decodes into equal values of the same types, under the digest it was given."""
    body = scan_of(facts, tuple(intents), now_ms, decision)
    text, digest = line_of(body, before)
    line = decoded(text[:-1], Line, "here")
    back = decoded(bytes(line.body), BODIES[line.kind], "here")

    assert (b"\n", 1) == (text[-1:], text.count(b"\n"))
    assert (facts, tuple(intents), now_ms) == (back.facts, back.intents, back.now_ms)
    assert decision == decoded(bytes(back.decision), Decision | None, "here")
    assert digest == line.digest == digest_of(bytes(line.body), before)


@pytest.mark.req("SR-018")
@few
@given(st.from_type(Memory))
def test_memory_comes_back_as_it_was(memory: Memory) -> None:
    """The first line holds everything that the core began with."""
    text, _ = line_of(Begin(FORMAT, "0.1.0", "S1", memory), "")
    line = decoded(text[:-1], Line, "here")

    assert memory == decoded(bytes(line.body), Begin, "here").memory


@few
@given(st.from_type(Decision))
def test_equal_decisions_have_equal_bytes_whatever_the_order_of_their_words(
    decision: Decision,
) -> None:
    """The body of a journal entry is a mapping, and mappings have no order that counts."""

    def turned(value: Any) -> Any:
        if isinstance(value, dict):
            return {name: turned(part) for name, part in reversed(value.items())}
        return [turned(one) for one in value] if isinstance(value, list) else value

    raw = encoded(decision)
    other = msgspec.convert(turned(msgspec.json.decode(raw)), Decision)

    assert decision == other
    assert raw == encoded(other)
