"""Rule W07 inside the link: how often frames are damaged, in the sender's and the host's time."""

from __future__ import annotations

import itertools

import pytest

from drivers.damage import FEW, FEW_US, MANY, MANY_US, DamageRate
from drivers.framing import DAMAGED, Discard, Framing
from drivers.native import NativeFraming
from drivers.pen import PenLink
from drivers.registers import Command
from drivers.rtu import RTU
from safety.monitors import link as monitor
from tests.contract.native_pen import NATIVE_FRAMES, ScriptedNativePen
from tests.contract.scripted_pen import FRAMES, FakeClock, MemoryPort, ScriptedPen

PENS: dict[str, tuple[Framing, type[ScriptedPen], bytes]] = {
    "rtu": (RTU, ScriptedPen, FRAMES["status of the poll"]),
    "native": (NativeFraming(), ScriptedNativePen, NATIVE_FRAMES["status of the poll"]),
}


def noted(*times_us: int) -> DamageRate:
    """Return a rate to which one damaged frame was told at each of these times."""
    rate = DamageRate()
    for count, time_us in enumerate(times_us, 1):
        rate.note(count, time_us)
    return rate


@pytest.mark.req("W07")
def test_figures_are_those_that_safety_reacts_to() -> None:
    """The link and the monitor mean the same by too many."""
    assert (monitor.ERRORS_FEW, monitor.ERRORS_MANY) == (FEW, MANY)
    assert (1_000 * monitor.ERRORS_FEW_MS, 1_000 * monitor.ERRORS_MANY_MS) == (FEW_US, MANY_US)


@pytest.mark.parametrize(
    ("times_us", "now_us", "is_high"),
    [
        ((), 0, False),
        ((1, 2, 3), 3, False),
        ((1, 2, 3, 4), 4, True),
        ((1, 2, 3, 4), 1_000_001, True),
        ((1, 2, 3, 4), 1_000_002, False),
        (tuple(range(0, 20 * 1_000_000, 1_000_000)), 20_000_000, False),
        (tuple(range(0, 21 * 1_000_000, 1_000_000)), 21_000_000, True),
        (tuple(range(0, 21 * 1_000_000, 1_000_000)), 600_000_000, True),
        (tuple(range(0, 21 * 1_000_000, 1_000_000)), 600_000_001, False),
    ],
)
@pytest.mark.req("W07")
def test_rate_is_high_above_3_in_1_s_or_20_in_10_min(
    times_us: tuple[int, ...], now_us: int, *, is_high: bool
) -> None:
    """Exactly at the edge it still counts, and it falls again by itself."""
    assert is_high is noted(*times_us).is_high(now_us)


def test_rate_keeps_no_more_than_it_needs() -> None:
    """A count that leaps is as good as 21 frames."""
    rate = DamageRate()
    rate.note(10**9, 5)

    assert rate.is_high(5)
    assert 21 == len(rate._times_us)


@pytest.mark.parametrize("kind", PENS)
@pytest.mark.req("W07", "SR-016")
def test_link_is_noisy_after_four_damaged_answers_and_quiet_after_a_second(kind: str) -> None:
    """Three are not too many; what comes late or not at all is not damaged."""
    framing, make_pen, status = PENS[kind]
    pen, clock = make_pen(), FakeClock()
    broken = status[:20] + bytes([status[20] ^ 0x10]) + status[21:]
    answers = itertools.chain([broken] * 3, [b""], [broken], itertools.repeat(None))
    port = MemoryPort(clock, pen.answer)
    link = PenLink(port, clock, itertools.count(0x1234ABCD).__next__, framing)
    link.identify()
    seen = []

    def answer(request: bytes) -> bytes:
        good = pen.answer(request)
        put = next(answers)
        return good if put is None else put

    port.answer = answer
    for _ in range(6):
        link.exchange(Command.POLL)
        seen.append((link.discarded, link.is_noisy))

    assert [1, 2, 3, 3, 4, 4] == [count for count, _ in seen]
    assert [False, False, False, False, True, True] == [is_noisy for _, is_noisy in seen]
    assert link.metrics().is_noisy
    clock.now_us += 1_000_000
    assert not link.metrics().is_noisy


def test_damage_is_what_lines_do_and_nothing_else() -> None:
    """Late and foreign answers, restarts and loose bytes are no damage to a frame."""
    assert set(Discard) - set(DAMAGED) == {
        *(Discard.NOISE, Discard.EXCEPTION, Discard.TOKEN, Discard.SEQUENCE, Discard.LATE),
        *(Discard.EPOCH, Discard.TICK),
    }
