"""What a line or a device may do to frames: one stimulus each, applied to whatever passes.

Nothing here knows who asks, penpilot or pymodbus: a stimulus sees requests and answers as bytes,
and says what arrives instead, and when. Source of the ids: [SAF] 5; of those without: [PEERS] 1.1.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field

from tests.contract.scripted_pen import FRAMES, framed, status_frame

Parts = list[tuple[int, bytes]]
"""Bytes that arrive, each with its delay in microseconds."""


@dataclass
class Scene:
    """What a stimulus may look at.

    Args:
        timeout_us: How long the host waits for an answer.
        chance: Draws; seeded by whoever runs it.
        request: The request that is being answered.
        earlier: All answers that the device gave before, oldest first.
        number: How many answers there were before.
    """

    timeout_us: int
    chance: random.Random
    request: bytes = b""
    earlier: list[bytes] = field(default_factory=list)
    number: int = 0


Change = Callable[[Scene, bytes], Parts]


def as_it_is(_: Scene, frame: bytes) -> Parts:
    """Let it pass."""
    return [(0, frame)]


@dataclass(frozen=True)
class Stimulus:
    """One thing that goes wrong, all the time.

    Args:
        ids: Of [SAF] 5, or ``peers``.
        text: What happens, in words.
        answer: What the host hears instead of an answer.
        request: What the device hears instead of a request.
        babble: Bytes that come every 10 ms besides.
    """

    ids: str
    text: str
    answer: Change = as_it_is
    request: Change = as_it_is
    babble: bytes = b""


def same_crc(frame: bytes) -> bytes:
    """Return the frame with a CRC-16 that fits its changed bytes."""
    return framed(frame[:-2])


def flipped(scene: Scene, frame: bytes, bits: int) -> bytes:
    """Return the frame with so many bits flipped, anywhere."""
    places = scene.chance.sample(range(8 * len(frame)), bits)
    return _flip(frame, places)


def unseen_by_crc16(scene: Scene, frame: bytes) -> bytes:
    """Return the frame with four bits flipped as the CRC-16 cannot see: its own polynomial.

    x^16 + x^15 + x^2 + 1, in the order of the wire: lowest bit of each byte first.
    """
    start = 16 + scene.chance.randrange(8 * len(frame) - 33)  # leave unit and function alone
    return _flip(frame, [start, start + 1, start + 14, start + 16])


def _flip(frame: bytes, places: list[int]) -> bytes:
    changed = bytearray(frame)
    for place in places:
        changed[place // 8] ^= 1 << place % 8
    return bytes(changed)


def of_bytes(change: Callable[[Scene, bytes], bytes]) -> Change:
    """Return a change that delays nothing."""
    return lambda scene, frame: [(0, change(scene, frame))]


def late(timeouts: float) -> Change:
    """Return a change that lets everything come so many timeouts late."""
    return lambda scene, frame: [(int(timeouts * scene.timeout_us), frame)]


def every_second(change: Change) -> Change:
    """Return a change of every second frame only."""

    def changed(scene: Scene, frame: bytes) -> Parts:
        return change(scene, frame) if scene.number % 2 else [(0, frame)]

    return changed


def _other_function(_: Scene, frame: bytes) -> bytes:
    other = {3: 4, 6: 5, 23: 3}.get(frame[1], 3)
    return same_crc(frame[:1] + bytes([other]) + frame[2:])


def _fewer_registers(_: Scene, frame: bytes) -> bytes:
    if frame[1] == 6 or frame[1] & 0x80:
        return frame
    return framed(frame[:2] + b"\x02" + frame[3:5])


def _other_count(count: int) -> Callable[[Scene, bytes], bytes]:
    return lambda _, frame: same_crc(frame[:2] + bytes([count]) + frame[3:])


def _other_values(scene: Scene, frame: bytes) -> bytes:
    """Right frame, wrong registers: the answer to another question, or an echo that lies."""
    body = bytes(scene.chance.randrange(256) for _ in frame[3:-2])
    return framed(frame[:3] + body)


def _old(scene: Scene, frame: bytes) -> bytes:
    fitting = [f for f in scene.earlier[:-1] if f[:2] == frame[:2] and len(f) == len(frame)]
    return fitting[0] if fitting else b""


def _second_pen(_: Scene, frame: bytes) -> bytes:
    """The answer of another pen, right in every other respect."""
    if frame[1] != 0x17:
        return same_crc(frame[:3] + bytes(len(frame) - 5) + frame[-2:])
    return status_frame(frame[3:39], serial_number=43)


def _swapped(scene: Scene, frame: bytes) -> Parts:
    """Each answer waits for the next one and comes after it."""
    if scene.number % 2 == 0:
        return [(scene.timeout_us, frame)]
    return [(0, frame)]


def _drip(_: Scene, frame: bytes) -> Parts:
    return [(5_000 * n, frame[n : n + 1]) for n in range(len(frame))]


def _split(gap_us: int) -> Change:
    return lambda _, frame: [(n * gap_us, frame[7 * n : 7 * n + 7]) for n in range(7)]


def _jitter(scene: Scene, frame: bytes) -> Parts:
    return [(scene.chance.randrange(int(1.6 * scene.timeout_us)), frame)]


def _exception(code: int, function: int | None = None) -> Callable[[Scene, bytes], bytes]:
    def changed(scene: Scene, frame: bytes) -> bytes:
        asked = scene.request[1] if function is None else function
        return framed(frame[:1] + bytes([asked | 0x80, code]))

    return changed


def _noise(scene: Scene, size: int) -> bytes:
    return bytes(scene.chance.randrange(256) for _ in range(size))


STIMULI = (
    Stimulus("none", "nothing goes wrong"),
    Stimulus("BY01", "one bit of every answer flipped", of_bytes(lambda s, f: flipped(s, f, 1))),
    Stimulus("BY01", "one bit of every request", request=of_bytes(lambda s, f: flipped(s, f, 1))),
    Stimulus("BY02", "three bits flipped", of_bytes(lambda s, f: flipped(s, f, 3))),
    Stimulus("BY03", "four bits that the CRC-16 cannot see", of_bytes(unseen_by_crc16)),
    Stimulus("BY03", "the same in requests", request=of_bytes(unseen_by_crc16)),
    Stimulus(
        "BY04",
        "a burst of 32 bits",
        of_bytes(lambda s, f: f[:8] + _noise(s, 4) + f[12:] if len(f) > 14 else f[:2] + b"\0\0"),
    ),
    Stimulus("BY05", "a byte dropped", of_bytes(lambda _, f: f[:4] + f[5:])),
    Stimulus("BY06", "two bytes inserted", of_bytes(lambda s, f: f[:4] + _noise(s, 2) + f[4:])),
    Stimulus("BY07", "the last bytes stuck at FF", of_bytes(lambda _, f: f[:5] + b"\xff" * 40)),
    Stimulus("BY08", "random registers, CRC-16 right", of_bytes(_other_values)),
    Stimulus("BY09", "a break in every answer", of_bytes(lambda _, f: f[:4] + b"\0")),
    Stimulus("BY10", "every byte misread", of_bytes(lambda _, f: bytes(b * 3 & 255 for b in f))),
    Stimulus("FR01", "every second answer lost", every_second(lambda *_: [])),
    Stimulus("FR02", "answers twice", of_bytes(lambda _, f: f + f)),
    Stimulus("FR02", "requests twice", request=lambda _, f: [(0, f), (2_500, f)]),
    Stimulus("FR03", "answers swapped", _swapped),
    Stimulus("FR04", "answers cut after 7 bytes", of_bytes(lambda _, f: f[:7])),
    Stimulus("FR05", "executed, but the answer lost", lambda *_: []),
    Stimulus("FR06", "requests lost", request=lambda *_: []),
    Stimulus(
        "FR07",
        "the last answer and this in one read",
        of_bytes(lambda s, f: (s.earlier[-2] if len(s.earlier) > 1 else b"") + f),
    ),
    Stimulus("FR08", "answers split by gaps of 2 ms", _split(2_000)),
    Stimulus("FR09", "three bytes of noise before", of_bytes(lambda _, f: b"\0\x01\x03" + f)),
    Stimulus("FR09", "noise behind", of_bytes(lambda s, f: f + _noise(s, 5))),
    Stimulus("FR10", "own echo instead of the answer", of_bytes(lambda s, _: s.request)),
    Stimulus("FR10", "own echo, then the answer", of_bytes(lambda s, f: s.request + f)),
    Stimulus("FR11", "answers of unit 2", of_bytes(lambda _, f: same_crc(b"\2" + f[1:]))),
    Stimulus("FR12", "exception 04", of_bytes(_exception(4))),
    Stimulus("FR12", "exception 06 of another function", of_bytes(_exception(6, 16))),
    Stimulus("FR13", "byte count 0", of_bytes(_other_count(0))),
    Stimulus("FR13", "byte count 250", of_bytes(_other_count(250))),
    Stimulus("FR14", "the identity instead", of_bytes(lambda *_: FRAMES["identity"])),
    Stimulus("FR15", "an old answer instead", of_bytes(_old)),
    Stimulus("FR15", "an old answer before", of_bytes(lambda s, f: _old(s, f) + f)),
    Stimulus("FR16", "the answer of a second pen", of_bytes(_second_pen)),
    Stimulus("TI01", "answers 1.5 timeouts late", late(1.5)),
    Stimulus("TI01", "answers 3 timeouts late", late(3)),
    Stimulus("TI02", "jitter up to 1.6 timeouts", _jitter),
    Stimulus("TI03", "answers held for 16 ms", lambda _, f: [(16_000, f)]),
    Stimulus("TI04", "every second answer stalls 10 timeouts", every_second(late(10))),
    Stimulus("TI05", "nothing reaches the host", lambda *_: []),
    Stimulus("TI06", "requests parked for 4 timeouts", request=late(4)),
    Stimulus("TI10", "one byte every 5 ms", _drip),
    Stimulus("peers", "another function answers", of_bytes(_other_function)),
    Stimulus("peers", "one register instead of all", of_bytes(_fewer_registers)),
    Stimulus(
        "peers",
        "a damaged answer, then the good one",
        of_bytes(lambda s, f: flipped(s, f, 1) + f),
    ),
    Stimulus("peers", "endless babble, no answer", lambda *_: [], babble=b" Busy "),
    Stimulus("peers", "endless babble besides", babble=b" Busy "),
)
"""All stimuli of the byte, frame and timing kinds that concern frames. TI07 (unplugged) and TI08
(port held) are tested at real ports in tests/unit/test_drivers_port.py, TI09 is a matter of the
whole system."""
