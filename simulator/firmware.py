"""The pen's firmware: its states, the orders that it takes, and when it stops by itself.

Written from docs/protocol.md sections 4 and 6, and independent of the host's safety package. It
sees the physics through sensors and actuators only, and reads no clock: one `step` is one
millisecond. What RAM holds is gone when a new instance boots; `Memory` stays.
"""

from __future__ import annotations

from collections.abc import Callable

from drivers.registers import (
    BUTTON_HOLD_MS,
    READY_TIMEOUT_MS,
    TECHNICIAN_FAULT_FIRST,
    Command,
    Fault,
    PenState,
    Result,
)
from simulator.contact import ContactSense
from simulator.monitors import Monitors
from simulator.nonvolatile import Memory
from simulator.orders import refusal
from simulator.pairing import Pairing
from simulator.parameters import PenParameters
from simulator.plant import Plant
from simulator.session import TICK_MODULUS, Order, Session, echo_age_ms
from simulator.truth import Log

_STORE_STROKES = 64
"""The memory is stored at least every so many strokes. ASSUMED."""

_CLIMATE_MS = 10
"""Warmth and supply are looked at this often; they must act within 100 ms. Source: D11."""


class Firmware:
    """One boot of the pen.

    Args:
        parameters: What the pen was built with.
        plant: Sensors and actuators.
        memory: The non-volatile values; the epoch is counted up here.
        store: Called when `memory` must be made to last.
        log: Takes what happens, for the judges.
        draw: Gives so many random bytes.
        first_tick_ms: Tick at boot; other than 0 only to get near the wrap after 49.7 days.
    """

    def __init__(
        self,
        parameters: PenParameters,
        plant: Plant,
        memory: Memory,
        store: Callable[[], None],
        log: Log,
        draw: Callable[[int], bytes],
        first_tick_ms: int = 0,
    ) -> None:
        self.p = parameters.firmware
        self.plant = plant
        self.memory = memory
        self.session = Session(first_tick_ms)
        self.monitors = Monitors(self.p)
        self.state = PenState.BOOT
        self.fault = Fault.NONE
        self.set_depth_um = 0
        self.set_speed_dhz = 0
        self.lease_end_ms = 0
        self.lease_ended = False
        self.uptime_ms = first_tick_ms
        self._store = store
        self._log = log
        self._sense = ContactSense(
            self.p,
            plant.motor.no_load_ma(self.p.speed_dhz_min),
            plant.motor.no_load_ma(self.p.speed_dhz_max),
        )
        self._since_ms = first_tick_ms
        self._settled_ms = 0
        self._has_settled = False
        self.last_order = (0, 0)
        self._button_was_down = plant.button_down
        self._button_ms = first_tick_ms
        self._encoder_seen = plant.encoder_strokes
        memory.epoch = (memory.epoch + 1) & 0xFFFF
        store()
        self.pairing = Pairing(parameters.serial_number, memory, store, draw)
        plant.brake()
        plant.depth.move_to(0)

    @property
    def tick_ms(self) -> int:
        """The pen's own clock, modulo 2^32."""
        return self.uptime_ms % TICK_MODULUS

    @property
    def is_settled(self) -> bool:
        """Whether the measured depth has stayed at the set one for long enough."""
        return self._settled_ms >= self.p.settle_ms

    @property
    def is_retracted(self) -> bool:
        """Whether the depth sensor shows the needles inside the nose."""
        return self.plant.depth_um <= self.p.settle_um

    @property
    def depth_cap_um(self) -> int:
        """The smaller of the pen's and the cartridge's depth; the pen's own decision (D03)."""
        return min(self.p.depth_um_max, self.plant.cartridge.depth_um_max)

    @property
    def contact(self) -> bool:
        """Whether the pen senses skin."""
        return self._sense.contact

    def execute(self, order: Order, *, intact: bool) -> Result:
        """Take or refuse an order. Source: docs/protocol.md 6.

        Args:
            order: The order, right or wrong.
            intact: Whether its CRC-32 is right.
        """
        if order.command == Command.STOP:
            self.stop("order")
            result = Result.DONE
        else:
            result = refusal(self, order, intact=intact)
            if result is Result.DONE:
                self._obey(order)
        if result is Result.DONE:
            self.last_order = (order.token & 0xFFFF, order.sequence)
        if result is not Result.NONE:
            named = order.command <= max(Command)
            name = Command(order.command).name if named else str(order.command)
            self._log("order", command=name, result=result.name, sequence=order.sequence)
        return result

    def pair(self, request: bytes) -> bytes:
        """Answer a pairing request; it moves nothing. Source: docs/protocol.md 11."""
        held_ms = self.uptime_ms - self._button_ms if self._button_was_down else 0
        is_at_rest = self.state is PenState.SAFE and self.session.token == 0
        may_agree = is_at_rest and held_ms >= BUTTON_HOLD_MS
        result, answer = self.pairing.answer(request, self.uptime_ms, may_agree=may_agree)
        self._log("pairing", result=result.name)
        return answer

    def stop(self, source: str) -> None:
        """Switch the motor off, retract, and void lease and token; in any state.

        Args:
            source: Who wanted it: ``order``, ``write`` (function 06), ``broadcast``, ``lease``,
                ``button``, ``silence`` (an idle token) or ``hang-up`` (DTR fell).
        """
        self._log("stop", source=source)
        self.session.void(self.uptime_ms)
        self._fall_back()

    def _obey(self, order: Order) -> None:
        if order.command == Command.OPEN:
            self.session.open(order, self.uptime_ms)
            self.lease_ended = False
        elif order.command == Command.ARM:
            self._arm(order)
        elif order.command == Command.RESET:
            self.session.void(self.uptime_ms)
            self.fault = Fault.NONE
            self._enter(PenState.SAFE)
        else:
            if order.command == Command.START:
                self._start()
            said_ms = self.uptime_ms - echo_age_ms(order, self.tick_ms)
            self.lease_end_ms = said_ms + self.p.lease_ms
            self._watch_lease()

    def _arm(self, order: Order) -> None:
        self.set_depth_um = order.depth_um
        self.set_speed_dhz = order.speed_dhz
        self._settled_ms = 0
        self._has_settled = False
        self.monitors.reset(self.set_depth_um, self.depth_cap_um)
        self.plant.brake()
        self.plant.depth.move_to(order.depth_um)
        self._enter(PenState.READY)

    def _start(self) -> None:
        self.monitors.reset(self.set_depth_um, self.depth_cap_um)
        self._sense.reset()
        self._enter(PenState.RUN)
        self.plant.drive(self.set_speed_dhz)

    def step(self) -> None:
        """Go on by 1 ms, after the physics has."""
        self.uptime_ms += 1
        plant = self.plant
        if plant.encoder_strokes != self._encoder_seen:
            self._count_strokes()
        if plant.button_down is not self._button_was_down:
            self._button_was_down = plant.button_down
            self._button_ms = self.uptime_ms
            if plant.button_down:
                self.stop("button")
        state = self.state
        if state is PenState.RUN:
            self._step_run()
        elif state is PenState.READY:
            self._step_ready()
        elif state is not PenState.SAFE:
            self._step_retracting()
        if self.session.is_idle(self.uptime_ms):
            self._lose_token()

    def may_rest_until_ms(self) -> int:
        """Return the uptime up to which nothing happens by itself while the physics rests.

        That is now, unless the pen waits in SAFE, or in FAULT with its retraction decided.
        """
        now_ms = self.uptime_ms
        is_waiting = self.state is PenState.SAFE or (
            self.state is PenState.FAULT and now_ms - self._since_ms > self.p.retract_ms_max
        )
        if not is_waiting or self.plant.button_down is not self._button_was_down:
            return now_ms
        return self.session.idle_ms() - 1 if self.session.token else now_ms + TICK_MODULUS

    def _step_run(self) -> None:
        if self._watch_lease() or self._watch_armed():
            return
        fault = self.monitors.motor(self.plant, self.set_speed_dhz)
        if fault:
            self.trip(fault)
            return
        if self._sense.update(self.plant.current_ma, self.plant.speed_dhz):
            self._log("contact_on" if self.contact else "contact_off")

    def _step_ready(self) -> None:
        if self._watch_armed():
            return
        if self.uptime_ms - self._since_ms >= READY_TIMEOUT_MS:
            self._log("ready_end")
            self._fall_back()

    def _step_retracting(self) -> None:
        """BOOT, STOPPING and FAULT: the needles come to rest inside the nose."""
        waited_ms = self.uptime_ms - self._since_ms
        if not self.is_retracted:
            if waited_ms == self.p.retract_ms_max:
                self.plant.depth.hold()
                self.trip(Fault.RETRACT_FAILED)
        elif self.state is PenState.STOPPING and self.plant.speed_dhz == 0:
            self._enter(PenState.SAFE)
            self._store()
        elif self.state is PenState.BOOT and waited_ms >= self.p.boot_ms:
            if self.memory.fault:
                self.trip(Fault(self.memory.fault))
            else:
                self._enter(PenState.SAFE)

    def _watch_lease(self) -> bool:
        if self.state is not PenState.RUN or self.uptime_ms < self.lease_end_ms:
            return False
        self._log("lease_end", lease_end_ms=self.lease_end_ms % TICK_MODULUS)
        self.lease_ended = True
        self.stop("lease")
        return True

    def _watch_armed(self) -> bool:
        plant = self.plant
        beyond_um = plant.depth_um - self.set_depth_um
        if -self.p.settle_um <= beyond_um <= self.p.settle_um:
            self._settled_ms += 1
            self._has_settled = self._has_settled or self.is_settled
        else:
            self._settled_ms = 0
        fault = self.monitors.armed(plant, has_settled=self._has_settled)
        if not fault and self.uptime_ms % _CLIMATE_MS == 0:
            fault = self.monitors.climate(plant)
        if fault:
            self.trip(fault)
        return bool(fault)

    def trip(self, fault: Fault) -> None:
        """Go to FAULT with the motor off and the needles on their way back.

        The first fault is kept, but one for a technician displaces one for an operator. A fault
        from before the last boot comes first.
        """
        is_technicians = fault >= TECHNICIAN_FAULT_FIRST
        if self.state is PenState.FAULT:
            if self.fault >= TECHNICIAN_FAULT_FIRST or not is_technicians:
                return
        else:
            self._rest()
            if fault is not Fault.RETRACT_FAILED:
                self.plant.depth.move_to(0)
        if is_technicians:
            self.memory.fault = self.memory.fault or fault
            fault = Fault(self.memory.fault)
        self.fault = fault
        self.session.void(self.uptime_ms)
        self._log("fault", fault=fault.name)
        self._enter(PenState.FAULT)
        self._store()

    def _fall_back(self) -> None:
        if self.state in (PenState.READY, PenState.RUN):
            self._rest()
            self.plant.depth.move_to(0)
            self._enter(PenState.STOPPING)

    def _rest(self) -> None:
        self.plant.brake()
        if self.contact:
            self._log("contact_off")
        self._sense.reset()
        self._settled_ms = 0

    def _lose_token(self) -> None:
        self._log("token_idle")
        self.session.void(self.uptime_ms)
        if self.state is PenState.READY:
            self.stop("silence")

    def _count_strokes(self) -> None:
        fresh = self.plant.encoder_strokes - self._encoder_seen
        self._encoder_seen = self.plant.encoder_strokes
        before = self.memory.strokes
        self.memory.strokes = (before + fresh) % TICK_MODULUS
        if before // _STORE_STROKES != self.memory.strokes // _STORE_STROKES:
            self._store()

    def _enter(self, state: PenState) -> None:
        self._since_ms = self.uptime_ms
        if state is not self.state:
            self._log("state", before=self.state.name, after=state.name)
            self.state = state
