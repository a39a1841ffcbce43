"""Whole sessions with every fault of the pen, logged by the real thread and decided again."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from controller.scanlog.files import new_file
from controller.scanlog.reader import read_log
from controller.scanlog.replay import replay
from controller.scanlog.writer import ScanLog
from hil.world import World
from safety.facts import IntentKind
from safety.states import State
from simulator.faults import KINDS
from simulator.pen import Pen
from tests.unit.scan_logs import LONG, RECORDED

ROOT = Path(__file__).parents[2]
REPLAY = "from controller.commands.safety import safety; safety()"


def logged(folder: Path, play: Callable[[World], None]) -> tuple[Path, World]:
    """Play something in a world that logs; return the log and the world."""
    world = World(LONG, Pen(seed=7))
    log = ScanLog("S1", lambda: new_file(folder, "S1"), pytest.fail, waiting_max=100_000)
    world.loop._on_scan = log.on_scan
    play(world)
    world.close()
    assert log.close(30.0)
    return folder / "S1.scanlog.gz", world


@pytest.mark.req("SR-018", "HZ-70")
@pytest.mark.parametrize("name", sorted(KINDS))
def test_session_with_a_fault_replays_identical(tmp_path: Path, name: str) -> None:
    """The fault, what the core made of it, and what people wanted then, come out the same."""

    def play(world: World) -> None:
        world.scan_until(lambda m: m.state is State.RUNNING)
        world.scan(20)
        world.pen.inject(name)
        world.scan(60)
        world.want(IntentKind.ACKNOWLEDGE, IntentKind.RESET)
        world.scan(20)

    path, world = logged(tmp_path, play)
    found = replay(read_log(path))

    assert None is found.difference, found.difference
    assert len(world.decisions) == found.scans
    assert {decision.memory.state for decision in world.decisions} == found.states.keys()
    assert found.states.keys() - {State.RUNNING, State.ARMED, State.UNKNOWN_OUTCOME}


@pytest.mark.slow
@pytest.mark.req("SR-018", "HZ-70")
@pytest.mark.parametrize("options", [["-O"], []], ids=["optimised", "plain"])
def test_recorded_log_replays_identical_in_another_process(options: list[str]) -> None:
    """Neither ``python -O`` nor another hash seed changes a decision."""
    done = subprocess.run(
        [sys.executable, *options, "-c", REPLAY, "replay", str(RECORDED), "--json"],
        env={**os.environ, "PYTHONHASHSEED": "4711", "PYTHONPATH": str(ROOT)},
        capture_output=True,
        check=False,
        text=True,
    )

    assert (0, "") == (done.returncode, done.stderr)
    assert json.loads(done.stdout)["identical"]


KILLED = """
import sys
from pathlib import Path
from controller.scanlog.files import new_file
from controller.scanlog.writer import ScanLog
from hil.world import World
from simulator.pen import Pen
from tests.unit.scan_logs import PLAN

world = World(PLAN, Pen(seed=7))
log = ScanLog("S1", lambda: new_file(Path(sys.argv[1]), "S1"), print, waiting_max=100_000)
world.loop._on_scan = log.on_scan
world.scan_until(lambda m: bool(m.ledger.passes))
print(len(world.decisions), flush=True)
sys.stdin.read()
"""


@pytest.mark.slow
@pytest.mark.req("SR-018")
def test_killed_process_leaves_its_scans_within_a_second(tmp_path: Path) -> None:
    """One second after the last scan, ``kill -9`` loses none of them."""
    process = subprocess.Popen(
        [sys.executable, "-c", KILLED, str(tmp_path)],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        assert process.stdout is not None
        scans = int(process.stdout.readline())
        # A real disk is waited for here, so real time must pass.
        time.sleep(1.0)
        process.kill()
    found = replay(read_log(tmp_path / "S1.scanlog.gz"))

    assert (None, None, scans) == (found.difference, found.end, found.scans)


@pytest.mark.slow
def test_logging_tells_what_it_costs(tmp_path: Path) -> None:
    """What the scan pays and how large the file becomes, at a scan's own pace, is printed."""
    took_ns: list[int] = []
    scans: list[tuple[object, ...]] = []
    world = World(LONG, Pen(seed=7))
    world.loop._on_scan = lambda *scan: scans.append(scan)
    world.scan_until(lambda m: m.state is State.RUNNING)
    world.scan(600)
    world.close()
    log = ScanLog("S1", lambda: new_file(tmp_path, "S1"), pytest.fail)
    for scan in scans:
        began_ns = time.perf_counter_ns()
        log.on_scan(*scan)  # type: ignore[arg-type]
        took_ns.append(time.perf_counter_ns() - began_ns)
        # The thread works between the scans, as it does in a session; ten times faster, though.
        time.sleep(0.005)
    assert log.close(30.0)
    size = (tmp_path / "S1.scanlog.gz").stat().st_size
    took_ns.sort()
    p50_us, p99_us = (took_ns[len(took_ns) * share // 100] / 1_000 for share in (50, 99))
    hour_mb = size / len(scans) * 72_000 / 1e6
    print(f"{p50_us:.1f} us, p99 {p99_us:.1f} us, {size / len(scans):.0f} B, {hour_mb:.1f} MB/h")  # noqa: T201

    assert size > 0
