"""What every driver must do, as tests; whoever writes one subclasses `DriverContract`.

The driver is given a port in memory, in a time of its own, so that nothing waits and every run is
the same. At the other end sits a pen of the driver's maker, as far as it can be told apart here:
see `PenControl`. Needs pytest; nothing else of `hil` imports it.

::

    class TestAcmePen(DriverContract):
        @pytest.fixture
        def opener(self) -> Opener:
            return open_acme

        @pytest.fixture
        def pen(self) -> FakeAcme:
            return FakeAcme()

docs/your-own-pen.md leads through it.
"""

from __future__ import annotations

import itertools
import os

import pytest

from drivers.driver import Driver, Opener, Setup
from drivers.errors import (
    DeviceError,
    LinkLost,
    Preempted,
    SilentDevice,
    UnprovenPen,
    WrongDevice,
)
from drivers.registers import Command, PenState
from hil.contract_bench import (
    ANSWER_US,
    DEPTH_UM,
    IDENTIFY_US_MAX,
    SPEED_DHZ,
    STOP_US,
    TOKENS,
    ContractBench,
    same,
)
from hil.contract_port import ContractPort, PenControl


class DriverContract(ContractBench):
    """Subclass this with fixtures `opener` and `pen`, and `argument` if the driver wants one."""

    def test_identify_orders_nothing(
        self, driver: Driver, port: ContractPort, pen: PenControl
    ) -> None:
        """A pen that was identified has executed nothing, and is known from then on."""
        identity = driver.identify()

        same(identity, driver.identity, "identity kept")
        same([], list(pen.executed), "orders executed")
        same(True, driver.epoch is not None, "epoch is known")
        same(True, pen.is_read(port.written[0]), "the first frame only reads")

    def test_pen_whose_key_is_known_must_prove_it(
        self, opener: Opener, argument: str, port: ContractPort, pen: PenControl
    ) -> None:
        """The pens of the contract hold no key: under a paired serial number none is driven."""
        tokens = itertools.cycle(TOKENS).__next__
        driver = opener(Setup(port, argument, port.clock_us, tokens, lambda _: bytes(32)))

        with pytest.raises(UnprovenPen):
            driver.identify()

        same((None, []), (driver.identity, list(pen.executed)), "identity, orders executed")

    def test_silent_device_is_told_within_two_seconds(
        self, driver: Driver, port: ContractPort, pen: PenControl
    ) -> None:
        """Nobody there: SilentDevice in time, after nothing but reading."""
        port.is_mute = True
        began_us = port.now_us

        with pytest.raises(SilentDevice):
            driver.identify()

        same(True, port.now_us - began_us <= IDENTIFY_US_MAX, "ended in time")
        same([], [f.hex() for f in port.written if not pen.is_read(f)], "frames that write")
        same(None, driver.identity, "identity")

    def test_looped_line_is_a_wrong_device(
        self, driver: Driver, port: ContractPort, pen: PenControl
    ) -> None:
        """A plug that sends all back is told as a wrong device, after nothing but reading."""
        port.is_looped = True
        began_us = port.now_us

        with pytest.raises(WrongDevice):
            driver.identify()

        same(True, port.now_us - began_us <= IDENTIFY_US_MAX, "ended in time")
        same([], [f.hex() for f in port.written if not pen.is_read(f)], "frames that write")

    def test_babble_ends_by_every_deadline(self, driver: Driver, port: ContractPort) -> None:
        """A line that never falls silent holds up neither identification, nor POLL, nor STOP."""
        driver.identify()
        port.is_babbling = True
        began_us = port.now_us
        exchange = driver.exchange(Command.POLL, timeout_us=ANSWER_US, attempts=2)
        polled_us = port.now_us
        driver.stop(timeout_us=STOP_US, attempts=3)
        stopped_us = port.now_us

        with pytest.raises(DeviceError):
            driver.identify()

        same(None, exchange.status, "status believed")
        same(True, polled_us - began_us <= 2 * 4 * ANSWER_US, "POLL ended in time")
        same(True, stopped_us - polled_us <= 3 * 6 * STOP_US, "STOP ended in time")
        same(True, port.now_us - stopped_us <= IDENTIFY_US_MAX, "identification ended in time")

    def test_silence_ends_by_every_deadline(self, driver: Driver, port: ContractPort) -> None:
        """A pen that says nothing more holds up neither POLL nor STOP."""
        driver.identify()
        port.is_mute = True
        began_us = port.now_us
        driver.exchange(Command.POLL, timeout_us=ANSWER_US, attempts=2)
        polled_us = port.now_us

        driver.stop(timeout_us=STOP_US, attempts=3)

        same(True, polled_us - began_us <= 2 * 4 * ANSWER_US, "POLL ended in time")
        same(True, port.now_us - polled_us <= 3 * 6 * STOP_US, "STOP ended in time")

    def test_session_is_executed_once_and_in_order(
        self, driver: Driver, port: ContractPort, pen: PenControl
    ) -> None:
        """OPEN, ARM, START, renewed and stopped: each is executed once, and the status shows it."""
        self.make_run(driver, port)
        for _ in range(5):
            exchange = self.ask(driver, port, Command.RENEW)
            same(PenState.RUN, exchange.status and exchange.status.state, "state while renewed")
        was_running = pen.is_running

        stopped = driver.stop(timeout_us=STOP_US)

        same((True, False), (was_running, pen.is_running), "motor before and after STOP")
        same(True, stopped.status is not None and stopped.status.is_stopped, "STOP is confirmed")
        orders = [one for one in pen.executed if one in (Command.ARM, Command.START)]
        same([Command.ARM, Command.START], orders, "orders executed")

    def test_damaged_answer_is_never_believed(self, driver: Driver, port: ContractPort) -> None:
        """Whichever bit of an answer is wrong, no status comes of it."""
        driver.identify()
        self.ask(driver, port, Command.POLL)
        for bit in range(200):
            port.flipped_bit = bit

            exchange = self.ask(driver, port, Command.POLL)

            same(None, exchange.status, f"status with bit {bit} wrong")
        port.flipped_bit = None
        same(True, self.ask(driver, port, Command.POLL).status is not None, "good answer again")

    def test_answer_to_an_earlier_question_is_never_believed(
        self, driver: Driver, port: ContractPort
    ) -> None:
        """A pen that is always one answer behind is not believed, and a good one is, soon."""
        driver.identify()
        self.ask(driver, port, Command.POLL)
        port.is_one_behind = True
        for _ in range(20):
            same(None, self.ask(driver, port, Command.POLL).status, "status of an earlier question")
        port.is_one_behind = False

        later = [self.ask(driver, port, Command.POLL).status for _ in range(5)]

        same(True, later[-1] is not None, "good answer again")

    def test_late_answer_is_not_taken_for_the_next(
        self, driver: Driver, port: ContractPort
    ) -> None:
        """Answers that come after their time, between two questions, change nothing."""
        driver.identify()
        for _ in range(10):
            port.delay_us = 2 * ANSWER_US
            same(None, self.ask(driver, port, Command.POLL).status, "status of a late answer")
            port.delay_us = None

            status = self.ask(driver, port, Command.POLL).status

            same(True, status is not None, "the next answer")

    @pytest.mark.parametrize("is_executed", [True, False], ids=["answer lost", "order lost"])
    def test_start_of_unknown_outcome_is_settled_and_never_repeated(
        self, driver: Driver, port: ContractPort, pen: PenControl, *, is_executed: bool
    ) -> None:
        """Nobody heard what became of START: only a later status tells, and START never follows."""
        self.make_ready(driver, port)
        port.is_mute, port.is_cut = is_executed, not is_executed
        said = len(port.written)

        unknown = self.ask(driver, port, Command.START)

        same((True, None), (unknown.outcome_unknown, unknown.status), "outcome")
        same(1, len(port.written) - said, "frames written before the first answer")
        with pytest.raises(RuntimeError):
            self.ask(driver, port, Command.START)
        port.is_mute = port.is_cut = False
        status = self.ask(driver, port, Command.POLL).status
        starts = list(pen.executed).count(Command.START)
        same(True, status is not None, "the status that settles it")
        if status is not None:
            took = status.took(unknown.token, unknown.sequence)
            same((starts == 1, starts), (took, int(took)), "what the status says, and the pen")

    def test_stop_goes_out_at_once_while_an_exchange_waits(
        self, driver: Driver, port: ContractPort, pen: PenControl, wake: tuple[int, int]
    ) -> None:
        """A wake ends the exchange in hand, and the next frame is STOP, with no time between."""
        self.make_run(driver, port)
        port.is_mute = True
        port.wake_at(wake[1], port.now_us + 5_000)

        exchange = driver.exchange(
            Command.RENEW,
            depth_um=DEPTH_UM,
            speed_dhz=SPEED_DHZ,
            timeout_us=ANSWER_US,
            attempts=2,
            wake_fd=wake[0],
        )
        woken_us, said = port.now_us, len(port.written)
        port.is_mute = False
        driver.stop(timeout_us=STOP_US)

        same((True, None), (exchange.preempted, exchange.status), "the exchange")
        same(True, pen.is_stop(port.written[said]), "the next frame is STOP")
        same(woken_us, port.written_us[said], "when it was written")
        same(False, pen.is_running, "the motor runs")

    def test_wake_before_an_exchange_sends_nothing(
        self, driver: Driver, port: ContractPort, wake: tuple[int, int]
    ) -> None:
        """Who wants a STOP is not kept waiting by a question that was not asked yet."""
        driver.identify()
        said = len(port.written)
        os.write(wake[1], b"s")

        exchange = driver.exchange(Command.POLL, timeout_us=ANSWER_US, wake_fd=wake[0])

        same((True, 0), (exchange.preempted, exchange.attempts), "the exchange")
        same(said, len(port.written), "frames written")

    @pytest.mark.parametrize("after_us", [0, 150, 450], ids=["before", "at once", "later"])
    @pytest.mark.parametrize("is_mute", [False, True], ids=["heard", "mute"])
    def test_stop_goes_out_at_once_while_the_pen_is_identified(
        self,
        driver: Driver,
        port: ContractPort,
        pen: PenControl,
        wake: tuple[int, int],
        *,
        after_us: int,
        is_mute: bool,
    ) -> None:
        """A wake ends the asking, whatever was to be asked next, and the next frame is STOP."""
        port.is_mute = is_mute
        if after_us:
            port.wake_at(wake[1], port.now_us + after_us)
        else:
            os.write(wake[1], b"s")
        wanted_us = port.now_us + after_us

        with pytest.raises(Preempted):
            driver.identify(wake_fd=wake[0])
        woken_us, said = port.now_us, len(port.written)
        driver.stop(timeout_us=0, attempts=1)

        same(True, woken_us <= wanted_us, "ended as soon as it was wanted")
        same(None, driver.identity, "identity")
        same(True, pen.is_stop(port.written[said]), "the next frame is STOP")
        same(woken_us, port.written_us[said], "when it was written")

    def test_stop_is_repeated_until_it_reads_back(
        self, driver: Driver, port: ContractPort, pen: PenControl
    ) -> None:
        """The first STOPs are lost on the line; they are said again until the pen stands."""
        self.make_run(driver, port)
        port.lost_stops = 3

        stopped = driver.stop(timeout_us=STOP_US)

        stops = [frame for frame in port.written if pen.is_stop(frame)]
        same(True, len(stops) >= 4, "STOPs written")
        same(False, pen.is_running, "the motor runs")
        same(True, stopped.status is not None and stopped.status.is_stopped, "STOP is confirmed")

    def test_stop_that_nothing_confirms_uses_all_its_attempts(
        self, driver: Driver, port: ContractPort, pen: PenControl
    ) -> None:
        """A pen that never hears is told so often as was asked for, and nothing is claimed."""
        self.make_run(driver, port)
        said = len(port.written)
        port.is_cut = True

        stopped = driver.stop(timeout_us=STOP_US, attempts=4)

        stops = [frame for frame in port.written[said:] if pen.is_stop(frame)]
        same((4, None), (len(stops), stopped.status), "STOPs and status")

    def test_stop_needs_no_identification(
        self, driver: Driver, port: ContractPort, pen: PenControl
    ) -> None:
        """STOP is written before anybody knows who is there, for it cannot wait."""
        driver.stop(timeout_us=0, attempts=1)

        same(True, pen.is_stop(port.written[0]), "the first frame is STOP")
        same(1, len(port.written), "frames written")

    def test_orders_need_an_identified_pen(self, driver: Driver, port: ContractPort) -> None:
        """Nothing but STOP is said to a device that nobody knows."""
        for command in set(Command) - {Command.STOP}:
            with pytest.raises(RuntimeError):
                driver.exchange(command, timeout_us=ANSWER_US)

        same([], port.written, "frames written")

    @pytest.mark.parametrize("command", [Command.OPEN, Command.ARM, Command.START, Command.RESET])
    def test_orders_are_asked_once(
        self, driver: Driver, port: ContractPort, command: Command
    ) -> None:
        """An order that changes something cannot be given several attempts."""
        driver.identify()
        said = len(port.written)

        with pytest.raises(ValueError, match="attempts"):
            driver.exchange(command, timeout_us=ANSWER_US, attempts=2)

        same(said, len(port.written), "frames written")

    def test_lost_port_is_told(self, driver: Driver, port: ContractPort) -> None:
        """When the port goes away, question and STOP both say LinkLost."""
        driver.identify()
        port.has_hung_up = True

        with pytest.raises(LinkLost):
            driver.exchange(Command.POLL, timeout_us=ANSWER_US)
        with pytest.raises(LinkLost):
            driver.stop(timeout_us=STOP_US)
        with pytest.raises(LinkLost):
            driver.identify()

    def test_close_gives_the_port_back_and_may_be_repeated(
        self, driver: Driver, port: ContractPort
    ) -> None:
        """Closing twice is no error, and the port is closed."""
        driver.close()
        driver.close()

        same(True, port.is_closed, "the port is closed")

    def test_metrics_count_what_was_asked(self, driver: Driver, port: ContractPort) -> None:
        """Ten questions are ten exchanges more, none of them unanswered, and damage never falls."""
        driver.identify()
        before, damaged = driver.metrics(), driver.discarded
        for _ in range(10):
            self.ask(driver, port, Command.POLL)

        after = driver.metrics()

        counted = (after.exchanges - before.exchanges, after.unanswered - before.unanswered)
        same((10, 0), counted, "exchanges, unanswered")
        same(True, driver.discarded >= damaged, "damage")
