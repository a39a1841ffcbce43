"""Traces of real sessions: a fault leaves a dump, and all can be kept, shown and replayed."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from hil.programs import simulated_pen
from tests.integration.conftest import MakePlan, Run

pytestmark = pytest.mark.slow

SHORT = ("cheek", 500, 1, 60)
"""A pass of half a second, shallow enough for a pen that nobody has paired."""

LONG = ("cheek", 500, 1, 3_600)


def lines(text: str) -> list[dict[str, object]]:
    """Return the objects that a program printed."""
    return [json.loads(line) for line in text.splitlines()]


def test_session_that_faults_leaves_a_dump_named_in_record_and_output(
    penpilot: Run, penpilot_home: Path, tmp_path: Path, make_plan: MakePlan
) -> None:
    """The dump holds the fault as the pen told it and the STOP after it; `--trace` holds all."""
    whole = tmp_path / "whole.trace"
    with simulated_pen(tmp_path, faults=["stall@run=300"]) as pen:
        done = penpilot(
            *("treat", str(make_plan(LONG)), "--port", pen.url, "--yes", "--json"),
            *("--trace", str(whole)),
        )
    closed = lines(done.stdout)[-1]
    (dump,) = map(Path, closed["traces"])  # type: ignore[call-overload]
    frames = lines(penpilot("trace", "show", str(dump), "--json").stdout)
    entries = lines(penpilot("records", "show", str(closed["session"]), "--json").stdout)

    assert "faulted" == closed["outcome"]
    assert penpilot_home / "traces" == dump.parent
    told = [one["text"] for one in frames[:-1]]
    trip = next(i for i, text in enumerate(told) if str(text).startswith("trip FAULT: "))
    assert any(str(text).startswith("RUN, ") for text in told[:trip])
    assert any(str(text).startswith("STOP, token") for text in told[trip:])
    assert [dump.name] == next(
        one["body"]["traces"]
        for one in entries[0]["entries"]
        if one["kind"] == "session_closed"  # type: ignore[index, attr-defined]
    )
    assert {0} == {one["damaged"] for one in frames if one["kind"] == "end"}
    assert set(dump.read_text().splitlines()[2:-1]) <= set(whole.read_text().splitlines())
    assert whole.read_text().endswith(" ! end\n")


def test_trace_that_exists_begins_no_session(
    penpilot: Run, tmp_path: Path, make_plan: MakePlan
) -> None:
    """Nothing is written over, and nothing is asked of the pen."""
    taken = tmp_path / "taken.trace"
    taken.write_text("mine")
    refused = penpilot(
        *("treat", str(make_plan(SHORT)), "--port", "/dev/null", "--yes", "--trace", str(taken))
    )

    assert (2, "mine") == (refused.returncode, taken.read_text())
    assert "--trace" in refused.stderr


def test_whole_session_is_kept_exported_and_said_again(
    penpilot: Run, penpilot_home: Path, tmp_path: Path, make_plan: MakePlan
) -> None:
    """Wireshark opens it; a later boot of the pen does nothing of what it is told again."""
    whole, out, memory = (tmp_path / name for name in ("whole.trace", "out.pcapng", "pen.memory"))
    options = ["--memory", str(memory)]
    with simulated_pen(tmp_path, options=options) as pen:
        done = penpilot(
            *("treat", str(make_plan(SHORT)), "--port", pen.url, "--yes", "--json"),
            *("--trace", str(whole)),
        )
    with simulated_pen(tmp_path, options=options) as pen:
        replayed = penpilot(
            *("trace", "replay", str(whole), "--as", "host", "--port", pen.url),
            *("--speed", "0", "--diff"),
        )
    exported = penpilot("trace", "export", str(whole), "--pcap", str(out))

    assert (0, []) == (done.returncode, lines(done.stdout)[-1]["traces"])
    assert not (penpilot_home / "traces").exists()
    assert 2 == replayed.returncode
    assert "stale-tick" in replayed.stdout
    assert 0 == exported.returncode
    written = [line.split(" ")[2] for line in whole.read_text().splitlines() if " > " in line]
    assert len(written) > 20
    if shutil.which("tshark") is None:
        pytest.skip("tshark is not installed: nothing to read the capture with")
    seen = read_by_tshark(out, "-T", "fields", "-e", "modbus.func_code").split()
    assert len(written) <= len(seen) <= 2 * len(written)
    assert {"3", "23"} == set(seen)
    assert "" == read_by_tshark(out, "-Y", "_ws.malformed")


def read_by_tshark(path: Path, *options: str) -> str:
    """Return what tshark prints of a capture, with no setting of its own."""
    command = ["tshark", "-n", "-r", str(path), *options]
    return subprocess.run(command, capture_output=True, check=True, text=True).stdout
