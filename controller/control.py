"""The control process: owns the port, runs the scan, and ends with the needles at rest.

It is a program of its own (``python -m controller.control``), so that nothing else of penpilot can
make the scan late. It reads one JSON line from standard input, answers with one on standard output,
and is then guided over loopback (`controller.ipc`).
"""

from __future__ import annotations

import contextlib
import gc
import os
import secrets
import signal
import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from controller.clock import MonotonicClock
from controller.closing import Ending, Hold, SessionWatch
from controller.commissioning import refuse_slow_line
from controller.config import Home
from controller.errors import ControllerError, ExitCode, RecordError
from controller.grants import CALIBRATION_UM, granted_areas
from controller.ipc import ControlServer
from controller.journal import SessionJournal
from controller.logs import configure, finish, get_logger
from controller.mailbox import Mailbox
from controller.opening import Opening, open_session, opened_body, read_plan
from controller.pairing_keys import KeyRing
from controller.priority import raise_priority
from controller.records.writer import JournalWriter
from controller.running import Running, announce, claimed, find_on_port, resolve_port
from controller.sampler import Sampler
from controller.scanlog.files import folder_of, new_file
from controller.scanlog.writer import ScanLog
from controller.scanloop import ScanLoop, Timing
from controller.session_link import IDENTIFY_MS, open_link
from controller.snapshot import snapshot
from controller.tracing.session import SessionTraces
from controller.translate import pen_identity_of
from drivers.block import Identity
from drivers.driver import Driver
from drivers.errors import LinkError, PortBusy, SilentDevice, WrongDevice
from drivers.registers import Capability, Command
from safety.facts import Calibration, Facts, Intent, IntentKind
from safety.ledger import Outcome
from safety.memory import Decision, Memory
from safety.states import State

if TYPE_CHECKING:
    from controller.records.store import RecordStore

DRIVER_WAIT_US = 10_000_000
"""The program that started us must come back to guide within this. ASSUMED."""


SCAN_LOG_CLOSE_S = 1.0
"""How long the end of a session waits for the last scans to be logged. ASSUMED."""


class Spec(msgspec.Struct, forbid_unknown_fields=True):
    """What the control process is told on standard input.

    Args:
        home: Data folder.
        plan: Path of the plan.
        port: Port or URL of the pen.
        resume: Session to go on with, or None.
        is_attended: Whether somebody sits at the keys, who has to see the alarms before the end.
        pen: Serial number of the only pen that will do, or None.
        trace: File that gets every byte of the line, or None.
    """

    home: str
    plan: str
    port: str
    resume: str | None = None
    is_attended: bool = False
    pen: int | None = None
    trace: str | None = None


@dataclass(slots=True)
class _Rig:
    """What is open while a session runs."""

    home: Home
    port: str
    link: Driver
    pen: Identity
    epoch: int
    store: RecordStore
    opening: Opening
    is_attended: bool
    traces: SessionTraces


def main() -> int:
    """Run one session; return the exit code."""
    try:
        spec = msgspec.json.decode(sys.stdin.buffer.readline(), type=Spec)
    except msgspec.MsgspecError as error:
        return _fail(f"standard input: {error}", ExitCode.INPUT)
    home = Home(Path(spec.home))
    raise_priority()
    # The scan logs too, and must not wait for a disk that hangs.
    configure(home.logs, in_background=True)
    with contextlib.ExitStack() as stack:
        stack.callback(finish)
        try:
            rig = _set_up(spec, home, stack)
        except ControllerError as error:
            return _fail(str(error), error.exit_code)
        except LinkError as error:
            return _fail(str(error), ExitCode.LINK)
        return _run(rig)


def _fail(message: str, code: ExitCode) -> int:
    """Tell the starter why nothing was begun."""
    # The message may hold what a person typed, so that it goes to them and not into the log.
    get_logger().warning("session.not_begun", exit_code=int(code))
    _say({"type": "failed", "exit_code": int(code), "message": message})
    return int(code)


def _say(message: dict[str, Any]) -> None:
    sys.stdout.buffer.write(msgspec.json.encode(message) + b"\n")
    sys.stdout.buffer.flush()


def _set_up(spec: Spec, home: Home, stack: contextlib.ExitStack) -> _Rig:
    """Open record and port, identify the pen and grant the plan; whatever fails, fails here."""
    home.create()
    plan = read_plan(Path(spec.plan))
    traces = SessionTraces(home, spec.port, None if spec.trace is None else Path(spec.trace))
    stack.callback(traces.close)
    link = _open(home, spec.port, traces)
    stack.callback(link.close)
    pen = link.identify(IDENTIFY_MS)
    if spec.pen not in {None, pen.serial_number}:
        raise WrongDevice(spec.port, f"pen {pen.serial_number}", f"pen {spec.pen}")
    first = link.exchange(Command.POLL, attempts=3)
    if first.status is None:
        raise SilentDevice(spec.port, IDENTIFY_MS)
    # The store takes most of a second to load; a port without a pen is told of before that.
    from controller.records.store import RecordStore  # noqa: PLC0415 see above

    store = RecordStore(home.records_db, home.record_key)
    stack.callback(store.close)
    if spec.resume is not None:
        stack.enter_context(claimed(home, spec.resume))
    opening = open_session(
        plan=plan, pen=pen, store=store, home=home, resume=spec.resume, now=datetime.now(UTC)
    )
    refuse_slow_line(home, spec.port, link, pen)
    epoch = first.status.epoch
    traces.begin(opening.session, pen.serial_number)
    return _Rig(home, spec.port, link, pen, epoch, store, opening, spec.is_attended, traces)


def _open(home: Home, port: str, traces: SessionTraces) -> Driver:
    """Open the port for this process alone; if a session of ours holds it, say which."""
    try:
        return open_link(port, wrap=traces.wrap, keys=KeyRing(home))
    except PortBusy as error:
        other = find_on_port(home, port)
        if other is None:
            raise
        detail = f"session {other.session} runs on it, process {other.pid}"
        raise PortBusy(port, detail) from error


def _run(rig: _Rig) -> int:
    """Run the session from its first entry to its last."""
    writer = JournalWriter(rig.store)
    journal = SessionJournal(writer, rig.opening.session, lambda: datetime.now(UTC))
    session = _Session(rig, journal)
    try:
        session.announce()
        ending = session.run()
    except BrokenPipeError:
        ending = Ending("stopped", "nobody was there to guide it", ExitCode.STOPPED)
        journal.write("session_closed", {"outcome": ending.outcome, "reason": ending.reason})
    except BaseException:
        get_logger().error("session.crashed", session=rig.opening.session, exc_info=True)
        rig.traces.trip("the session crashed")
        raise
    finally:
        is_durable = writer.close(5.0)
        session.withdraw()
        session.end_scan_log()
        rig.traces.close()
    if not is_durable:
        ending = Ending(ending.outcome, f"the record failed: {writer.failed}", ExitCode.INPUT)
    session.say_goodbye(ending)
    return int(ending.exit_code)


class _Session:
    """One session: the scan loop with its journal, its server and its signals."""

    def __init__(self, rig: _Rig, journal: SessionJournal) -> None:
        self._rig = rig
        self._journal = journal
        self._mailbox = Mailbox()
        self._clock = MonotonicClock()
        self._server_clock = MonotonicClock()
        self._token = secrets.token_urlsafe(24)
        self._server = ControlServer(self._token, self._mailbox.put, self._on_beat)
        self._watch = SessionWatch()
        self._hold = Hold(is_attended=rig.is_attended)
        self._sampler = Sampler()
        self._announced: Path | None = None
        folder, name = folder_of(rig.home), rig.opening.session
        self._scan_log = ScanLog(name, lambda: new_file(folder, name), _say_loss)
        areas = granted_areas(rig.opening.grants)
        self._loop = ScanLoop(
            link=rig.link,
            identity=pen_identity_of(rig.pen, rig.epoch),
            clock=self._clock,
            mailbox=self._mailbox,
            journal=journal,
            memory=Memory(plan=areas, ledger=rig.opening.ledger, unsettled=rig.opening.unsettled),
            calibration=Calibration(CALIBRATION_UM, is_in_date=True),
            publish=self._publish,
            on_scan=rig.traces.beside(self._scan_log.on_scan),
        )

    def announce(self) -> None:
        """Write the opening entries, listen, and tell the starter where."""
        self._write_opening()
        for number in (signal.SIGTERM, signal.SIGINT, *_hang_up_signals()):
            signal.signal(number, self._on_signal)
        self._server.start()
        host, tcp_port = self._server.address
        running = Running(
            session=self._rig.opening.session,
            pid=os.getpid(),
            port=self._rig.port,
            resolved=resolve_port(self._rig.port),
            host=host,
            tcp_port=tcp_port,
        )
        self._announced = announce(self._rig.home, running)
        get_logger().info(
            "session.begun",
            session=running.session,
            serial_number=self._rig.pen.serial_number,
            resumed=self._rig.opening.is_resumed,
        )
        _say(
            {
                "type": "ready",
                "address": [host, tcp_port],
                "token": self._token,
                "session": running.session,
                "pid": running.pid,
                "plan": self._rig.opening.plan.name,
                "simulated": bool(self._rig.pen.capabilities & Capability.SIMULATED),
                "serial_number": self._rig.pen.serial_number,
                "areas": [one.as_json() for one in self._rig.opening.grants],
                "passes": [
                    {"area": p.area, "number": p.number, "outcome": str(p.outcome)}
                    for p in self._rig.opening.ledger.passes
                ],
            }
        )

    def _write_opening(self) -> None:
        """Write down who, what and with which pen, before anything is asked of it."""
        opening, rig = self._rig.opening, self._rig
        if opening.is_resumed:
            for area, number in opening.unended:
                body = {"area": area, "number": number, "outcome": str(Outcome.UNCERTAIN)}
                self._journal.write("pass_ended", {**body, "reason": "interrupted"})
            self._journal.write("resumed", {"serial_number": rig.pen.serial_number})
        else:
            body = opened_body(opening, rig.port, rig.pen, rig.epoch)
            self._journal.write("session_opened", body)

    def run(self) -> Ending:
        """Scan until the end; return how it ended."""
        # Nothing that lives now will be thrown away before the end: the collector need not look.
        gc.freeze()
        self._loop.driver_seen_us = self._clock.now_us() + DRIVER_WAIT_US
        self._loop.run(self._is_over)
        ending = self._hold.ending
        if ending is None:
            raise RecordError("session", "ended without an ending")
        if ending.outcome != "interrupted":
            body: dict[str, Any] = {"outcome": ending.outcome, "reason": ending.reason}
            if self._rig.traces.dumps:
                body["traces"] = self._rig.traces.dumps
            self._journal.write("session_closed", body)
        return ending

    def _is_over(self, decision: Decision, facts: Facts) -> bool:
        self._watch.is_over(decision, facts)
        now_ms = self._clock.now_us() // 1_000
        is_over = self._hold.is_over(self._watch.ending, decision, facts, now_ms)
        # The pen was identified before the first scan, so the plan's turn comes in IDLE.
        is_new = self._hold.ending is None and not self._watch.has_plan
        if is_new and decision.memory.state is State.IDLE:
            self._mailbox.put(Intent(IntentKind.PLAN))
        return is_over

    def _publish(self, decision: Decision, facts: Facts, timing: Timing) -> None:
        now_ms = self._clock.now_us() // 1_000
        frame = snapshot(decision, facts, timing, now_ms, is_ended=self._hold.is_holding)
        sample = self._sampler.take(frame, now_ms)
        if sample is not None:
            self._journal.write("scan", sample)
        for firing in decision.firings:
            if not firing.is_refused and firing.before is not firing.after:
                get_logger().info(
                    "machine.moved",
                    before=firing.before.name,
                    machine_event=firing.event.name,
                    after=firing.after.name,
                )
        self._server.publish(frame)

    def _on_beat(self, is_there: bool) -> None:
        self._loop.driver_seen_us = self._server_clock.now_us() if is_there else None

    def _on_signal(self, number: int, _frame: object) -> None:
        self._mailbox.put_stop(Intent(IntentKind.STOP, "signal"))
        del number

    def withdraw(self) -> None:
        """Take back the announcement, whatever happened."""
        if self._announced is not None:
            with contextlib.suppress(OSError):
                self._announced.unlink()

    def end_scan_log(self) -> None:
        """Write what waits for the scan log; if the disk does not take it, say so."""
        self._scan_log.close(SCAN_LOG_CLOSE_S)

    def say_goodbye(self, ending: Ending) -> None:
        """Tell everybody how it ended."""
        get_logger().info(
            "session.ended",
            outcome=ending.outcome,
            reason=ending.reason,
            exit_code=int(ending.exit_code),
            late_ms_max=self._loop.timing.late_ms_max,
            scans=self._loop.timing.scans,
            scans_not_logged=self._scan_log.lost,
        )
        self._server.close(
            {
                "type": "closed",
                "session": self._rig.opening.session,
                "outcome": ending.outcome,
                "reason": ending.reason,
                "exit_code": int(ending.exit_code),
                "link_failure": self._loop.link_failure,
                "causes": self._watch.codes,
                "traces": self._rig.traces.paths,
            },
            timeout_s=2.0,
        )


def _hang_up_signals() -> tuple[signal.Signals, ...]:
    return (signal.SIGHUP,) if hasattr(signal, "SIGHUP") else ()


def _say_loss(reason: str) -> None:
    """Say that the scan log has a gap at its end; the record, which has none, is another file."""
    get_logger().warning("scanlog.incomplete", reason=reason)


if __name__ == "__main__":
    sys.exit(main())
