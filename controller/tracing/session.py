"""The traces of a control process: between port and link, beside every scan, and at its end."""

from __future__ import annotations

from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from controller.clock import MonotonicClock
from controller.config import Home
from controller.logs import get_logger
from controller.scanloop import OnScan
from controller.tracing.files import folder_of, new_dump, new_trace, next_number
from controller.tracing.recorder import Recorder
from controller.tracing.trips import TripWatch
from drivers.address import parse_address
from drivers.port import Port
from drivers.trace.format import Header
from drivers.trace.recorder import TracedPort
from safety.facts import Facts, Intent
from safety.memory import Decision, Memory

CLOSE_S = 1.0
"""How long the end of a session waits for its traces to be written. ASSUMED: as the scan log."""

_TEXT_MAX = 1_000  # a header has one line


class SessionTraces:
    """The flight recorder of one session, and the trace of all of it where that is wanted.

    Args:
        home: Data folder.
        address: Of the pen, as the operator gave it.
        whole: File for everything, or None.

    Raises:
        ConfigError: If that file cannot be made.
    """

    def __init__(self, home: Home, address: str, whole: Path | None) -> None:
        self._folder = folder_of(home)
        self._clock = MonotonicClock()
        self._watch = TripWatch()
        self._is_closed = False
        header = Header(
            version=version("penpilot"),
            driver=parse_address(address).driver,
            port=address[:_TEXT_MAX],
            start=f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%S.%f}Z",
            start_us=self._clock.now_us(),
        )
        self._recorder = Recorder(
            header,
            lambda name: new_dump(self._folder, name),
            _say_loss,
            None if whole is None else new_trace(whole),
        )

    @property
    def dumps(self) -> list[str]:
        """Names of the files that trips have left, or are about to leave."""
        return list(self._recorder.dumps)

    @property
    def paths(self) -> list[str]:
        """The same with their folder."""
        return [str(self._folder / name) for name in self.dumps]

    def wrap(self, port: Port) -> Port:
        """Return the port with a recorder around it."""
        return TracedPort(port, self._clock.now_us, self._recorder.take)

    def begin(self, session: str, serial_number: int) -> None:
        """Say which session and pen this is, before the first scan."""
        number = next_number(self._folder, session)
        self._recorder.name(session, serial_number, number, self._clock.now_us())

    def beside(self, on_scan: OnScan) -> OnScan:
        """Return what is to be told of every scan: the given listener, and this one."""

        def both(
            before: Memory,
            facts: Facts,
            intents: tuple[Intent, ...],
            now_ms: int,
            decision: Decision | None,
        ) -> None:
            on_scan(before, facts, intents, now_ms, decision)
            reason = self._watch.trip(before, facts, decision)
            if reason:
                self.trip(reason)

        return both

    def trip(self, reason: str) -> None:
        """Have the recorder written; never waits."""
        self._recorder.trip(reason, self._clock.now_us())

    def close(self) -> None:
        """Write what waits; what the disk does not take in time is lost. May be called twice."""
        if not self._is_closed:
            self._is_closed = True
            self._recorder.close(CLOSE_S)


def _say_loss(reason: str) -> None:
    """Say that a trace has a gap, or is missing."""
    get_logger().warning("trace.incomplete", reason=reason)
