"""The contract of drivers can fail: each planted slip of a driver is caught by its test."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

PLANTED = """
import pytest
from drivers.errors import LinkLost
from drivers.plain.bus import Bus
from drivers.plain.driver import PlainPen
from drivers.plain.profile_file import load_profile
from drivers.registers import Command
from hil.contract import DriverContract
from simulator.plain import PlainPen as Simulated

class Far:
    executed = ()
    def __init__(self):
        self._events = []
        self._pen = Simulated(truth=self._events.append)
    @property
    def executed(self):
        import json
        events = map(json.loads, self._events)
        return [Command[e["command"]] for e in events if e.get("result") == "DONE"]
    @property
    def is_running(self):
        return self._pen.bridge_is_on
    def answer(self, frame, now_us):
        return self._pen.receive(frame, now_us)
    def is_stop(self, frame):
        return frame[:-2] == bytes.fromhex("010601020000")
    def is_read(self, frame):
        return frame[1] in (3, 4)

class Planted(DriverContract):
    slip = PlainPen
    @pytest.fixture
    def pen(self):
        return Far()
    @pytest.fixture
    def opener(self):
        slip, path = self.slip, @PROFILE@
        return lambda setup: slip(
            setup.port, load_profile(path), setup.clock_us, lambda: 7, setup.keys
        )

class WritesFirst(PlainPen):
    def identify(self, timeout_ms=1500):
        self.stop(attempts=1, timeout_us=0)
        return super().identify(timeout_ms)

class Repeats(PlainPen):
    def exchange(self, command, **how):
        done = super().exchange(command, **how)
        if command is Command.START and done.status is None:
            self._conduct.is_unsettled = False
            done = super().exchange(command, **how)
        return done

class Remembers(PlainPen):
    last = None
    def exchange(self, command, **how):
        from dataclasses import replace
        done = super().exchange(command, **how)
        self.last = done.status or self.last
        return replace(done, status=self.last)

class AsksBeforeStop(PlainPen):
    def stop(self, **how):
        if self.identity is not None:
            self.exchange(Command.POLL)
        return super().stop(**how)

class StopsOnce(PlainPen):
    def stop(self, *, timeout_us=15_000, attempts=1):
        return super().stop(timeout_us=timeout_us, attempts=1)

class DeafToWake(PlainPen):
    def exchange(self, command, *, wake_fd=None, **how):
        return super().exchange(command, **how)

class DeafWhileAsking(PlainPen):
    def identify(self, timeout_ms=1500, wake_fd=None):
        return super().identify(timeout_ms)

class AsksForNoProof(PlainPen):
    def __init__(self, port, profile, clock_us, token_source, keys=None):
        super().__init__(port, profile, clock_us, token_source)

class Swallows(PlainPen):
    def stop(self, **how):
        try:
            return super().stop(**how)
        except LinkLost:
            return None

class Patient(PlainPen):
    def exchange(self, command, *, timeout_us=25_000, **how):
        return super().exchange(command, timeout_us=40 * timeout_us, **how)

"""
SLIPS = {
    "WritesFirst": "silent_device_is_told",
    "Repeats": "start_of_unknown_outcome",
    "Remembers": "damaged_answer_is_never_believed",
    "AsksBeforeStop": "stop_goes_out_at_once",
    "StopsOnce": "stop_is_repeated_until",
    "DeafToWake": "wake_before_an_exchange",
    "DeafWhileAsking": "stop_goes_out_at_once_while_the_pen",
    "AsksForNoProof": "pen_whose_key_is_known",
    "Swallows": "lost_port_is_told",
    "Patient": "silence_ends_by_every_deadline",
}


@pytest.mark.slow
def test_each_planted_slip_is_caught_by_its_test(tmp_path: Path) -> None:
    """A contract that every driver passes would be none."""
    profile = ROOT / "examples" / "pens" / "simulated.toml"
    classes = "".join(f"class Test{name}(Planted):\n    slip = {name}\n\n" for name in SLIPS)
    quoted = f"__import__('pathlib').Path({str(profile)!r})"
    (tmp_path / "test_planted.py").write_text(PLANTED.replace("@PROFILE@", quoted) + classes)

    result = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-rf", "-p", "no:cacheprovider", "test_planted.py"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )

    failed = [line for line in result.stdout.splitlines() if line.startswith("FAILED")]
    missed = [
        name
        for name, test in SLIPS.items()
        if not any(f"::Test{name}::test_{test}" in line for line in failed)
    ]
    assert [] == missed, result.stdout + result.stderr
