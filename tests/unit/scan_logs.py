"""Scan logs for tests: a world that logs, lines packed by hand, and the recorded log of tests/data.

``python -m tests.unit.scan_logs`` records tests/data/treatment.scanlog.gz anew, which is wanted
when the core decides otherwise on purpose; the change of the file is then part of the review.
"""

from __future__ import annotations

import gzip
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, BinaryIO

import msgspec

from controller.scanlog.lines import FORMAT, Begin, Body, End, Scan, line_of, scan_of
from controller.scanlog.writer import CLOSED, ScanLog
from hil.world import World
from safety.facts import Facts, Intent, IntentKind
from safety.ledger import AreaPlan
from safety.memory import Decision, Memory
from safety.states import State
from simulator.pen import Pen

RECORDED = Path(__file__).parents[1] / "data" / "treatment.scanlog.gz"
"""A treatment of two areas with a pause, a blocked rotor and an emergency stop."""

PLAN = (
    AreaPlan("forehead", 500, 1_000, 1, 240, 10_000),
    AreaPlan("cheek", 1_000, 1_200, 2, 240, 10_000),
)
LONG = (AreaPlan("cheek", 1_000, 1_000, 1, 3_000, 10_000),)


class LoggedWorld(World):
    """A world whose scans are kept as bodies of lines."""

    def __init__(self, areas: tuple[AreaPlan, ...] = PLAN, seed: int = 3, **options: Any) -> None:
        super().__init__(areas, Pen(seed=seed), **options)
        self.first = self.memory
        self.scans: list[Scan] = []
        self.loop._on_scan = self._log

    @property
    def bodies(self) -> list[Body]:
        """All lines of a log that was closed."""
        return [Begin(FORMAT, "0.1.0", "S1", self.first), *self.scans, End(CLOSED, 0)]

    def _log(
        self,
        memory_before: Memory,
        facts: Facts,
        intents: tuple[Intent, ...],
        now_ms: int,
        decision: Decision | None,
    ) -> None:
        del memory_before
        self.scans.append(scan_of(facts, intents, now_ms, decision))


def treatment(seed: int = 3) -> LoggedWorld:
    """Return a world that has begun a pass and delivered a part of it."""
    world = LoggedWorld(seed=seed)
    world.scan_until(lambda m: m.state is State.RUNNING)
    world.scan(10)
    return world


def chained(bodies: Iterable[Body]) -> list[bytes]:
    """Return the lines of a log, each with its end of line and the digest that is due."""
    lines, before = [], ""
    for body in bodies:
        line, before = line_of(body, before)
        lines.append(line)
    return lines


def written(path: Path, lines: Iterable[bytes]) -> Path:
    """Pack lines into a file."""
    path.write_bytes(gzip.compress(b"".join(lines), mtime=0))
    return path


def changed(line: bytes, change: Callable[[Any], None]) -> bytes:
    """Return a line whose JSON document was changed; its digest stays as it was."""
    document = msgspec.json.decode(line)
    change(document)
    return msgspec.json.encode(document) + b"\n"


def record(open_file: Callable[[], BinaryIO]) -> None:
    """Log the treatment that `RECORDED` holds."""
    world = World(PLAN, Pen(seed=42))
    log = ScanLog("recorded", open_file, print, waiting_max=10_000)
    world.loop._on_scan = log.on_scan
    world.scan_until(lambda m: m.state is State.RUNNING)
    world.scan(15)
    world.want(IntentKind.PAUSE)
    world.scan_until(lambda m: m.state is State.PAUSED, pushing=False)
    world.scan(20)
    world.want(IntentKind.RESUME)
    world.scan_until(lambda m: m.current is not None and m.current.plan.area == "cheek")
    world.scan_until(lambda m: m.state is State.RUNNING)
    world.scan(40)
    world.pen.inject("stall", 300)
    world.scan_until(lambda m: m.state not in (State.RUNNING, State.STOPPING), pushing=False)
    world.scan(20)
    world.want(IntentKind.ACKNOWLEDGE, IntentKind.RESET)
    world.scan(20)
    world.want(IntentKind.ESTOP)
    world.scan(10)
    log.close(60.0)
    world.close()


if __name__ == "__main__":
    record(lambda: RECORDED.open("wb"))
