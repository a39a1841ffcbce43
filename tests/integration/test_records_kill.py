"""A program that writes and is killed: whatever it was told to be durable is there, and whole."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from controller.records.store import RecordStore

if TYPE_CHECKING:
    from pathlib import Path

KILLS, AT_ONCE = 20, 2
AT = datetime(2026, 11, 22, 14, 3, 5, tzinfo=UTC)

# Imports take most of a start, so one program makes them once and forks a writer for every line
# that it reads. A writer says its process id and then every ticket that is durable, in a pipe of
# its own, which ends with it.
NURSERY = """
import os
import random
import signal
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

from controller.records.entries import draft
from controller.records.store import RecordStore
from controller.records.writer import JournalWriter


def write(folder, session, pipe):
    rng = random.Random(session)
    store = RecordStore(folder / "records.db", folder / "record.key", busy_timeout_ms=30_000)
    writer = JournalWriter(store)
    print(os.getpid(), file=pipe, flush=True)
    ticket = durable = 0
    while writer.failed is None:
        for _ in range(rng.randint(1, 12)):
            body = {"n": ticket + 1, "fill": "x" * rng.choice((0, 40, 3_000))}
            ticket = writer.submit(draft(session, "k", body, datetime.now(UTC)))
        while durable < ticket and writer.failed is None:
            time.sleep(0.0001)
            if durable < writer.durable_ticket:
                durable = writer.durable_ticket
                print(durable, file=pipe, flush=True)
    print(writer.failed, file=pipe, flush=True)


signal.signal(signal.SIGCHLD, signal.SIG_IGN)
folder = Path(sys.argv[1])
for line in sys.stdin:
    session = line.strip()
    if os.fork() == 0:
        with (folder / session).open("w") as pipe:
            write(folder, session, pipe)
        os._exit(1)
"""


def kill_at_random(pipe: Path, rng: random.Random) -> int:
    """Kill a writer at some moment; return the last ticket that it was told to be durable."""
    with pipe.open() as lines:
        pid = int(lines.readline())
        printed = [lines.readline() for _ in range(rng.randint(0, 60))]
        os.kill(pid, signal.SIGKILL)
        printed += lines.readlines()
    return max([0, *(int(line) for line in printed if line.endswith("\n"))])


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="kill -9 is a matter of POSIX")
@pytest.mark.req("SR-014", "HZ-34", "R02", "R03")
@pytest.mark.parametrize("seed", [20261122])
def test_no_kill_loses_what_was_acknowledged(tmp_path: Path, seed: int) -> None:
    """After every kill all acknowledged entries are there once, in order, in a chain that holds."""
    rng = random.Random(seed)
    program = [sys.executable, "-c", NURSERY, str(tmp_path)]
    with subprocess.Popen(program, stdin=subprocess.PIPE, text=True, bufsize=1) as nursery:
        assert nursery.stdin is not None
        for number in range(0, KILLS, AT_ONCE):
            sessions = [f"{seed}-{number + one}" for one in range(AT_ONCE)]
            for session in sessions:
                os.mkfifo(tmp_path / session)
                nursery.stdin.write(f"{session}\n")
            acknowledged = [kill_at_random(tmp_path / session, rng) for session in sessions]
            with RecordStore(tmp_path / "records.db", tmp_path / "record.key") as store:
                verdict = store.verify()
                found = [[e.body["n"] for e in store.entries(session)] for session in sessions]
                next_seq = store.append("after", "k", {}, AT)

            assert verdict.ok, verdict.detail
            assert verdict.count + 1 == next_seq
            for tickets, durable in zip(found, acknowledged, strict=True):
                assert list(range(1, len(tickets) + 1)) == tickets
                assert durable <= len(tickets)
    assert 0 == nursery.returncode
