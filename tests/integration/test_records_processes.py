"""Several programs and one record: they agree on one key and one chain, from the first entry on."""

from __future__ import annotations

import subprocess
import sys
from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

from controller.records.store import RecordStore

if TYPE_CHECKING:
    from pathlib import Path

PROGRAMS, ROUNDS, ENTRIES = 3, 8, 25

WRITER = """
import sys
from datetime import UTC, datetime
from pathlib import Path

from controller.records.store import RecordStore

name = sys.argv[1]
for line in sys.stdin:
    folder = Path(line.strip())
    with RecordStore(folder / "records.db", folder / "record.key", busy_timeout_ms=30_000) as store:
        for number in range(int(sys.argv[2])):
            store.append(name, "k", {"n": number}, datetime.now(UTC))
    print("done", flush=True)
"""


@pytest.mark.slow
@pytest.mark.req("SR-014", "HZ-77", "R03")
def test_programs_that_start_at_once_write_one_chain(tmp_path: Path) -> None:
    """Programs that make the same record at the same moment lose no entry and break no chain."""
    folders = [tmp_path / str(number) for number in range(ROUNDS)]
    with ExitStack() as stack:
        programs = [
            stack.enter_context(
                subprocess.Popen(
                    [sys.executable, "-c", WRITER, f"program {number}", str(ENTRIES)],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    text=True,
                    bufsize=1,
                )
            )
            for number in range(PROGRAMS)
        ]
        for folder in folders:
            folder.mkdir()
            for program in programs:
                assert program.stdin is not None
                program.stdin.write(f"{folder}\n")
            answers = [program.stdout.readline() for program in programs if program.stdout]

            assert ["done\n"] * PROGRAMS == answers

    for folder in folders:
        with RecordStore(folder / "records.db", folder / "record.key") as store:
            verdict, entries = store.verify(), list(store.entries())
        assert (True, PROGRAMS * ENTRIES) == (verdict.ok, verdict.count)
        for number in range(PROGRAMS):
            written = [e.body["n"] for e in entries if e.session == f"program {number}"]
            assert list(range(ENTRIES)) == written
