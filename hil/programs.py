"""Starts penpilot's own programs as processes of their own, and ends them; judges nothing."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

START_S = 20.0
"""A simulated pen that is not ready by then never will be. ASSUMED: it takes under 1 s."""


class ProgramFailed(Exception):
    """A program of ours did not start; its own words."""


@dataclass(frozen=True, slots=True)
class SimulatedPen:
    """A simulated pen that runs as a program.

    Args:
        url: Port to connect to.
        pid: Its process.
        truth: Its log of what truly happened.
    """

    url: str
    pid: int
    truth: Path


@contextmanager
def held_button(pen: SimulatedPen) -> Iterator[None]:
    """Hold the pen's own button while the block lasts, as somebody with the pen in hand would."""
    os.kill(pen.pid, signal.SIGUSR1)
    try:
        yield
    finally:
        os.kill(pen.pid, signal.SIGUSR1)


@contextmanager
def simulated_pen(
    folder: Path, *, seed: int = 1, faults: Sequence[str] = (), options: Sequence[str] = ()
) -> Iterator[SimulatedPen]:
    """Run ``penpilot simulate`` on a pty while the block lasts.

    Args:
        folder: Where its truth log goes.
        seed: Of the pen.
        faults: As ``--fault`` takes them.
        options: Further options.

    Raises:
        ProgramFailed: If it does not come up.
    """
    truth = folder / "truth.jsonl"
    command = [sys.executable, "-m", "simulator.cli", "--json", "--seed", str(seed)]
    command += ["--truth", str(truth), *options]
    for fault in faults:
        command += ["--fault", fault]
    process = subprocess.Popen(  # noqa: S603 our own program, no shell
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True
    )
    try:
        line = b"" if process.stdout is None else process.stdout.readline()
        if not line:
            error = b"" if process.stderr is None else process.stderr.read()
            raise ProgramFailed(f"the simulated pen did not start: {error.decode().strip()}")
        ready = json.loads(line)
        yield SimulatedPen(ready["url"], ready["pid"], truth)
    finally:
        process.terminate()
        try:
            process.wait(START_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        for pipe in (process.stdout, process.stderr):
            if pipe is not None:
                pipe.close()
