"""What every link to a pen must do, whatever it is made of; a new driver subclasses the contract.

`PenLinkContract` is run over Modbus RTU and over native frames, each over a port in memory, a real
pty and a socket. The pen behind all of them is scripted here, with arithmetic of its own that was
typed from docs/protocol.md and shares nothing with `drivers` but this page.
"""

from __future__ import annotations

import itertools
import os
import socket
import tty
from typing import TYPE_CHECKING

import pytest

from drivers.errors import SilentDevice
from drivers.framing import Framing
from drivers.native import NativeFraming
from drivers.pen import PenLink
from drivers.port import SerialPort
from drivers.registers import Command, PenState, Result
from drivers.rtu import RTU

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from drivers.exchange import Exchange
    from drivers.port import Port

from tests.contract.native_pen import ScriptedNativePen
from tests.contract.scripted_pen import (
    PATIENT_US,
    TOKENS,
    FakeClock,
    MemoryPort,
    ScriptedPen,
    ServedPen,
    monotonic_us,
)


def poll(link: PenLink) -> Exchange:
    """Return how a POLL that will be answered ended."""
    return link.exchange(Command.POLL, timeout_us=PATIENT_US)


class PenLinkContract:
    """Subclass this with a fixture `port_and_clock` that leads to the scripted pen.

    A pen in another framing also brings its own `framing`, a fixture `pen`, and three bytes of
    `noise` that are no frame there.
    """

    framing: Framing = RTU
    noise = b"\x00\x01\x17"

    @pytest.fixture
    def pen(self) -> ScriptedPen:
        """Return the pen at the other end."""
        return ScriptedPen()

    @pytest.fixture
    def link(self, port_and_clock: tuple[Port, Callable[[], int]]) -> Iterator[PenLink]:
        """Return the link, not yet identified."""
        port, clock_us = port_and_clock
        link = PenLink(port, clock_us, itertools.cycle(TOKENS).__next__, self.framing)
        yield link
        link.close()

    @pytest.fixture
    def wake(self) -> Iterator[tuple[int, int]]:
        """Return a pipe: read end for the link, write end for whoever wants a STOP."""
        read_fd, write_fd = os.pipe()
        yield read_fd, write_fd
        os.close(read_fd)
        os.close(write_fd)

    @pytest.mark.req("SR-015")
    def test_identify_names_the_pen_and_asks_before_it_polls(
        self, link: PenLink, pen: ScriptedPen
    ) -> None:
        """The identity is that of docs/protocol.md 8, and reading comes before the first write."""
        identity = link.identify()

        assert (42, 2_500, 50) == (
            identity.serial_number,
            identity.depth_um_max,
            identity.depth_step_um,
        )
        assert [0x03, 0x17] == [request[1] for request in pen.requests]

    def test_poll_is_believed_again_and_again(self, link: PenLink) -> None:
        """Twenty polls in a row are all answered, with rising ticks."""
        link.identify()

        ticks = [poll(link).status.tick_ms for _ in range(20)]

        assert sorted(set(ticks)) == ticks

    def test_session_goes_from_open_to_stop(self, link: PenLink) -> None:
        """Every order of a session is taken, and each status shows it."""
        link.identify()
        seen = []
        for command in (Command.OPEN, Command.ARM, Command.START, Command.RENEW, Command.STOP):
            exchange = link.exchange(command, depth_um=750, speed_dhz=1_000, timeout_us=PATIENT_US)
            assert exchange.status.took(exchange.token, exchange.sequence)
            seen.append(exchange.status.state)

        assert [
            PenState.SAFE,
            PenState.READY,
            PenState.RUN,
            PenState.RUN,
            PenState.STOPPING,
        ] == seen

    @pytest.mark.req("SR-049", "H08")
    def test_open_brings_a_token_of_its_own(self, link: PenLink) -> None:
        """Two sessions never share a token."""
        link.identify()

        first = link.exchange(Command.OPEN, timeout_us=PATIENT_US).token
        poll(link)
        second = link.exchange(Command.OPEN, timeout_us=PATIENT_US).token

        assert list(TOKENS[1:]) == [first, second]

    @pytest.mark.req("SR-011", "HZ-08", "D08", "W08")
    def test_open_is_taken_only_with_a_status_newer_than_the_stop(self, link: PenLink) -> None:
        """The answer to a STOP is not newer than the STOP; that to a POLL after it is."""
        link.identify()
        link.stop(timeout_us=PATIENT_US)
        at_once = link.exchange(Command.OPEN, timeout_us=PATIENT_US)
        after = link.exchange(Command.OPEN, timeout_us=PATIENT_US)

        assert (Result.STALE_TICK, Result.DONE) == (at_once.status.result, after.status.result)
        assert not at_once.status.took(at_once.token, at_once.sequence)

    @pytest.mark.req("SR-011", "HZ-24", "D06", "W06")
    @pytest.mark.parametrize("command", [Command.OPEN, Command.RESET])
    def test_open_and_reset_are_said_to_the_boot_that_was_identified(
        self, link: PenLink, pen: ScriptedPen, command: Command
    ) -> None:
        """They name the epoch that the host knows, and so are void after a restart."""
        link.identify()
        pen.restart()
        link.exchange(command, timeout_us=PATIENT_US)
        link.identify()
        again = link.exchange(command, timeout_us=PATIENT_US)

        named = [int.from_bytes(r[23:25]) for r in pen.requests if r[12:13] == bytes([command])]
        assert [7, 8] == named
        assert Result.DONE is again.status.result

    @pytest.mark.req("SR-005", "SR-013")
    def test_stop_is_written_before_identification(self, link: PenLink, pen: ScriptedPen) -> None:
        """A STOP needs no identified pen; the pen takes it, though no status can be believed."""
        pen.state = PenState.RUN

        exchange = link.stop(attempts=2, timeout_us=PATIENT_US // 2)

        assert exchange.status is None
        assert PenState.STOPPING is pen.state
        assert [5, 5] == [request[12] for request in pen.requests]

    @pytest.mark.req("SR-005")
    def test_stop_is_confirmed_by_a_status(self, link: PenLink, pen: ScriptedPen) -> None:
        """The first STOP is answered by a status with the motor off, and no second one follows."""
        link.identify()
        pen.state = PenState.RUN

        exchange = link.stop(timeout_us=PATIENT_US)

        assert exchange.status.is_stopped
        assert 1 == sum(request[12:13] == b"\x05" for request in pen.requests)

    @pytest.mark.req("SR-011")
    def test_outcome_is_unknown_when_nothing_answers(self, link: PenLink, pen: ScriptedPen) -> None:
        """A lost answer is a value, and the next POLL settles what became of the order."""
        link.identify()
        link.exchange(Command.OPEN, timeout_us=PATIENT_US)
        pen.is_mute = True
        lost = link.exchange(Command.ARM, depth_um=750, speed_dhz=1_000)
        pen.is_mute = False
        after = poll(link)

        assert lost.outcome_unknown
        assert after.status.took(lost.token, lost.sequence)

    def test_identify_names_a_silent_device(self, link: PenLink, pen: ScriptedPen) -> None:
        """Nothing heard at all is its own error."""
        pen.is_mute = True

        with pytest.raises(SilentDevice) as caught:
            link.identify(timeout_ms=40)

        assert 40 == caught.value.waited_ms

    def test_noise_before_every_answer_costs_nothing(self, link: PenLink, pen: ScriptedPen) -> None:
        """Where pymodbus drops the whole reply behind one byte of noise, this link finds it."""
        pen.prefix = self.noise
        link.identify()

        assert poll(link).status is not None
        assert 6 == link.metrics().noise_bytes

    @pytest.mark.req("SR-010")
    def test_late_answer_is_not_the_next_one(self, link: PenLink, pen: ScriptedPen) -> None:
        """With every answer one request late, no answer is ever believed."""
        link.identify()
        pen.is_late = True

        statuses = [link.exchange(Command.POLL).status for _ in range(5)]

        assert [None] * 5 == statuses

    @pytest.mark.req("SR-020")
    def test_restart_of_the_pen_is_reported_until_it_is_identified_again(
        self, link: PenLink, pen: ScriptedPen
    ) -> None:
        """No status of a restarted pen is believed; identification starts afresh."""
        link.identify()
        pen.restart()
        exchanges = [poll(link) for _ in range(2)]

        assert [(None, True)] * 2 == [(e.status, e.epoch_changed) for e in exchanges]

        link.identify()

        assert not poll(link).epoch_changed

    @pytest.mark.req("SR-013")
    def test_wake_ends_an_exchange_and_stop_follows(
        self, link: PenLink, pen: ScriptedPen, wake: tuple[int, int]
    ) -> None:
        """With the wake readable nothing more is asked, and the next frame is STOP."""
        read_fd, write_fd = wake
        link.identify()
        asked = len(pen.requests)
        os.write(write_fd, b"!")

        exchange = link.exchange(Command.POLL, wake_fd=read_fd)
        stop = link.stop(timeout_us=PATIENT_US)

        assert (True, 0, False) == (
            exchange.preempted,
            exchange.attempts,
            exchange.outcome_unknown,
        )
        assert stop.status.is_stopped
        assert [5] == [request[12] for request in pen.requests[asked:]]

    def test_close_twice_is_harmless(self, link: PenLink) -> None:
        """Closing is idempotent."""
        link.close()
        link.close()


class TestOverMemory(PenLinkContract):
    """The contract in virtual time."""

    @pytest.fixture
    def port_and_clock(self, pen: ScriptedPen) -> tuple[Port, Callable[[], int]]:
        """Return a port in memory and its clock."""
        clock = FakeClock()
        return MemoryPort(clock, pen.answer), clock


@pytest.mark.slow
class TestOverPty(PenLinkContract):
    """The contract over a real pty and in real time."""

    @pytest.fixture
    def port_and_clock(self, pen: ScriptedPen) -> Iterator[tuple[Port, Callable[[], int]]]:
        """Return a serial port on a pty and the machine's monotonic clock."""
        master, slave = os.openpty()
        tty.setraw(slave)
        served = ServedPen(pen, master)
        with SerialPort(os.ttyname(slave)) as port:
            yield port, monotonic_us
        served.close()
        os.close(slave)
        os.close(master)


@pytest.mark.slow
class TestOverSocket(PenLinkContract):
    """The contract over TCP on this machine and in real time."""

    @pytest.fixture
    def port_and_clock(self, pen: ScriptedPen) -> Iterator[tuple[Port, Callable[[], int]]]:
        """Return a serial port on a socket and the machine's monotonic clock."""
        with socket.create_server(("127.0.0.1", 0)) as server:
            with SerialPort(f"socket://127.0.0.1:{server.getsockname()[1]}") as port:
                connection, _ = server.accept()
                served = ServedPen(pen, connection.fileno())
                yield port, monotonic_us
            served.close()
            connection.close()


class OnNativeFrames:
    """What is different for a pen on native frames, for a class that fulfils the contract."""

    framing = NativeFraming()
    noise = b"\x02\x01\x17"

    @pytest.fixture
    def pen(self) -> ScriptedNativePen:
        """Return the pen at the other end."""
        return ScriptedNativePen()

    @pytest.mark.req("SR-013")
    def test_stop_brings_three_stop_bytes_with_every_frame(
        self, link: PenLink, pen: ScriptedNativePen
    ) -> None:
        """A pen that cannot make out the frame has stopped all the same."""
        link.identify()
        link.exchange(Command.OPEN, timeout_us=PATIENT_US)
        before = pen.stop_bytes
        link.stop(timeout_us=PATIENT_US)

        assert (0, 3) == (before, pen.stop_bytes)


class TestNativeOverMemory(OnNativeFrames, TestOverMemory):
    """The contract in virtual time, on native frames."""


@pytest.mark.slow
class TestNativeOverPty(OnNativeFrames, TestOverPty):
    """The contract over a real pty and in real time, on native frames."""


@pytest.mark.slow
class TestNativeOverSocket(OnNativeFrames, TestOverSocket):
    """The contract over TCP on this machine and in real time, on native frames."""
