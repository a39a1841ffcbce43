"""What may be ordered of a plain pen now, and what its readings amount to; sends nothing.

A plain pen knows no session, so this keeps one for it: who opened it, what was armed, and whether
the motor was started. Every status is made anew from what was read. What the pen says counts for
more than what it was told: setpoints are compared with what was ordered, and a motor that runs is
RUN, whoever started it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from drivers.block import Identity, Status
from drivers.plain.frames import Request, write_request
from drivers.plain.profile import Field, PlainProfile, Watchdog
from drivers.plain.supervised import FRESHNESS_MS, REST_UM, SETTLED_MS, SETTLED_UM
from drivers.plain.survey import Readings
from drivers.registers import Command, Fault, Flag, PenState, Result

ORDERS = frozenset({Command.OPEN, Command.ARM, Command.START, Command.RESET})
"""They change what the pen does, and are never repeated while their outcome is unknown."""

_OWN_TOKEN = frozenset({Command.OPEN, Command.RESET})
_TAKEN_IN = {
    Command.OPEN: (PenState.SAFE,),
    Command.ARM: (PenState.SAFE, PenState.READY),
    Command.START: (PenState.READY,),
    Command.RENEW: (PenState.RUN,),
    Command.RESET: (PenState.FAULT,),
}
"""Source: docs/protocol.md 3."""

_FLAGS = {
    "motor_on": Flag.MOTOR_ON,
    "contact": Flag.CONTACT,
    "cartridge": Flag.CARTRIDGE,
    "button": Flag.BUTTON,
    "watchdog_tripped": Flag.LEASE_ENDED,
}
_KICKS = 0xFFFF
_KICKING = frozenset({Command.START, Command.RENEW})
_REPORTED = frozenset({Command.STOP, Command.RENEW})


@dataclass(frozen=True, slots=True)
class Asked:
    """One request of the host.

    Args:
        command: What is wanted.
        token: Of the session.
        sequence: Number of the request.
        depth_um: Needle protrusion.
        speed_dhz: Strokes per second, in tenths.
    """

    command: Command
    token: int
    sequence: int
    depth_um: int = 0
    speed_dhz: int = 0

    @property
    def order_id(self) -> tuple[int, int]:
        """Low half of the token, and the sequence number."""
        return self.token & 0xFFFF, self.sequence


@dataclass(frozen=True, slots=True)
class Moment:
    """When a status came, and of which pen it is.

    Args:
        tick_ms: Of the status.
        epoch: Number that stands for the pen's boot.
        limits_hash: Over the limits as they are now.
        now_ms: The host's clock.
    """

    tick_ms: int
    epoch: int
    limits_hash: int
    now_ms: int


class Conduct:
    """One pen's session, as far as its host has to keep it.

    Args:
        profile: The pen's; nothing needed for driving is missing.
        watchdog: The profile's.
        identity: What was found and granted when it was identified.
    """

    def __init__(self, profile: PlainProfile, watchdog: Watchdog, identity: Identity) -> None:
        self.is_unsettled = False
        self._profile = profile
        self._watchdog = watchdog
        self._identity = identity
        self._last: Status | None = None
        self._readings = Readings()
        self._last_ms = 0
        self._opened: int | None = None
        self._armed: tuple[int, int] | None = None
        self._is_started = False
        self._pending: Asked | None = None
        self._last_order = (0, 0)
        self._settled_ms: int | None = None
        self._kicked = 0
        self._is_kick_kept = True

    def judge(self, asked: Asked, now_ms: int) -> Result:
        """Return whether an order may go out: DONE, or the reason why not. POLL gives NONE."""
        if asked.command is Command.POLL:
            return Result.NONE
        if self._last is None or not 0 <= now_ms - self._last_ms <= FRESHNESS_MS:
            return Result.STALE_TICK
        return next(self._reasons(asked, self._last), Result.DONE)

    def _reasons(self, asked: Asked, last: Status) -> Iterator[Result]:
        """Yield why an order may not go out, in the order of docs/protocol.md 6."""
        command, wanted = asked.command, (asked.depth_um, asked.speed_dhz)
        if last.state is PenState.FAULT and command is not Command.RESET:
            yield Result.FAULT_ACTIVE
        if command not in _OWN_TOKEN and asked.token != self._opened:
            yield Result.BAD_TOKEN
        if last.state not in _TAKEN_IN[command] or last.has(Flag.BUTTON):
            yield Result.WRONG_STATE
        if command not in _OWN_TOKEN and not last.has(Flag.CARTRIDGE):
            yield Result.NO_CARTRIDGE
        if command is Command.ARM and not self._can_be_said(*wanted):
            yield Result.OVER_LIMIT
        if command in _KICKING:
            if wanted != self._armed or not self._has_setpoints():
                yield Result.SETPOINT_CHANGED
            if not self._has_watchdog() or self._is_started is not (command is Command.RENEW):
                yield Result.WRONG_STATE
            if command is Command.START and not last.has(Flag.SETTLED):
                yield Result.NOT_SETTLED

    def _can_be_said(self, depth_um: int, speed_dhz: int) -> bool:
        """Return whether the setpoints are within the limits and come out even."""
        limits = self._identity
        return (
            0 < depth_um <= min(limits.depth_um_max, limits.cartridge_depth_um_max)
            and depth_um % limits.depth_step_um == 0
            and limits.speed_dhz_min <= speed_dhz <= limits.speed_dhz_max
            and self._profile.setpoints["depth_um"].registers_of(depth_um) is not None
            and self._profile.setpoints["speed_dhz"].registers_of(speed_dhz) is not None
        )

    def writes_for(self, asked: Asked) -> list[Request]:
        """Return what an order that was judged DONE writes, in its order."""
        profile, command = self._profile, asked.command
        dog, run, reset = self._watchdog, profile.run, profile.reset
        writes: list[Request] = []
        if command is Command.OPEN and dog.timeout is not None and dog.timeout.write is not None:
            writes = [self._write(dog.timeout, dog.timeout_ms)]
        elif command is Command.ARM:
            speed, depth = profile.setpoints["speed_dhz"], profile.setpoints["depth_um"]
            writes = [self._write(speed, asked.speed_dhz), self._write(depth, asked.depth_um)]
        elif command is Command.RENEW:
            writes = [self._kick()]
        elif command is Command.START and run is not None:
            writes = [self._kick(), self._write(run.field, run.start)]
        elif command is Command.RESET and reset is not None:
            writes = [self._write(*reset)]
        return writes

    def will_change(self, asked: Asked) -> None:
        """Remember that an order is going out: until a status settles it, nobody knows."""
        self._pending = asked
        self.is_unsettled = True
        if asked.command in (Command.OPEN, Command.ARM):
            self._armed = self._settled_ms = None
        if asked.command is Command.OPEN:
            self._is_kick_kept = True

    def will_stop(self) -> None:
        """Forget the session: nothing that was armed before may be started after a STOP."""
        self._opened = self._armed = self._settled_ms = self._pending = None
        self._is_started = self.is_unsettled = False

    def take_in(self, asked: Asked, result: Result, heard: Readings, at: Moment) -> Status:
        """Return the status that these readings amount to, and settle what hung in the air.

        Args:
            asked: The request that this answers.
            result: What became of it so far.
            heard: What was read after it.
            at: When it came, by every count.
        """
        self._readings, self._last_ms = heard, at.now_ms
        if asked.command in _KICKING and result is Result.DONE:
            is_readable = self._watchdog.field.read is not None
            self._is_kick_kept = not is_readable or heard.kick == self._kicked
            result = Result.DONE if self._has_watchdog() else Result.WRONG_STATE
        pending, self._pending, self.is_unsettled = self._pending, None, False
        if pending is not None and not self._settle(pending, heard) and pending == asked:
            result = Result.WRONG_STATE
        if asked.command in _REPORTED and result is Result.DONE:
            self._last_order = asked.order_id
        state = self._state(heard)
        if state not in (PenState.READY, PenState.RUN):
            self._armed, self._settled_ms, self._is_started = None, None, False
        self._last = Status(
            state=state,
            fault=heard.fault,
            flags=self._flags(heard, state, at.now_ms),
            token_echo=asked.token & 0xFFFF,
            sequence_echo=asked.sequence,
            tick_ms=at.tick_ms,
            epoch=at.epoch,
            last_order_token=self._last_order[0],
            last_order_sequence=self._last_order[1],
            result=result,
            depth_um=heard.number("depth_um"),
            speed_dhz=heard.number("speed_dhz"),
            current_ma=heard.number("current_ma"),
            temperature_cdegc=heard.number("temperature_cdegc"),
            supply_mv=heard.number("supply_mv"),
            strokes=heard.number("strokes") or 0,
            limits_hash=at.limits_hash,
        )
        return self._last

    def _settle(self, order: Asked, heard: Readings) -> bool:
        """Return whether the pen shows that an order was executed, and keep what follows."""
        run = self._profile.run
        setpoints = {"depth_um": order.depth_um, "speed_dhz": order.speed_dhz}
        if order.command is Command.OPEN:
            was_done = self._has_watchdog()
            self._opened = order.token if was_done else None
        elif order.command is Command.ARM:
            was_done = dict(heard.setpoints) == setpoints
            self._armed = (order.depth_um, order.speed_dhz) if was_done else None
        elif order.command is Command.START:
            was_done = heard.is_on("motor_on") or (run is not None and heard.run == run.start)
            self._is_started = was_done
        else:
            was_done = heard.fault is Fault.NONE
        if was_done:
            self._last_order = order.order_id
        return was_done

    def _state(self, heard: Readings) -> PenState:
        run = self._profile.run
        depth_um, speed_dhz = heard.number("depth_um"), heard.number("speed_dhz")
        if heard.fault is not Fault.NONE:
            return PenState.FAULT
        if heard.is_on("motor_on") or (run is not None and heard.run != run.stop):
            return PenState.RUN
        if self._armed is not None and not self._is_started and self._has_setpoints():
            return PenState.READY
        is_at_rest = depth_um is not None and depth_um <= REST_UM and speed_dhz == 0
        return PenState.SAFE if is_at_rest else PenState.STOPPING

    def _flags(self, heard: Readings, state: PenState, now_ms: int) -> Flag:
        flags = Flag(0)
        for name, flag in _FLAGS.items():
            flags |= flag if heard.is_on(name) else Flag(0)
        if self._opened is not None:
            flags |= Flag.TOKEN_LIVE
        is_close = (
            self._armed is not None
            and state in (PenState.READY, PenState.RUN)
            and (depth_um := heard.number("depth_um")) is not None
            and -SETTLED_UM <= depth_um - self._armed[0] <= SETTLED_UM
        )
        if not is_close:
            self._settled_ms = None
        elif self._settled_ms is None:
            self._settled_ms = now_ms
        is_settled = self._settled_ms is not None and now_ms - self._settled_ms >= SETTLED_MS
        return flags | Flag.SETTLED if is_settled else flags

    def _has_setpoints(self) -> bool:
        """Return whether the pen still shows the setpoints that were armed."""
        names = ("depth_um", "speed_dhz")
        return self._armed == tuple(self._readings.setpoints.get(name) for name in names)

    def _has_watchdog(self) -> bool:
        """Return whether the pen shows its watchdog as it should be."""
        dog, heard = self._watchdog, self._readings
        if dog.timeout is not None and heard.watchdog_timeout_ms != dog.timeout_ms:
            return False
        return self._is_kick_kept

    def _kick(self) -> Request:
        dog = self._watchdog
        self._kicked = self._kicked % _KICKS + 1 if dog.kick is None else dog.kick
        return self._write(dog.field, self._kicked)

    def _write(self, field: Field, value: int) -> Request:
        registers = field.registers_of(value) or ()
        return write_request(self._profile.unit_id, field.write or 0, field.address, registers)
