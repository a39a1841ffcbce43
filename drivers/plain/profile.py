"""A device profile as values: which register of a plain Modbus pen means what; it asks nobody.

`drivers.plain.profile_file` reads it from TOML. Scales are exact: a register holds
``value * denominator / numerator``. What is measured is rounded up, so that needles are never shown
shallower than they are; what is ordered must come out even, or it is not sent.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from drivers.plain.supervised import DEPTH_UM_MAX, SPEED_DHZ_MAX
from drivers.registers import Fault

UNITS = {
    "depth_um": "um",
    "speed_dhz": "dHz",
    "current_ma": "mA",
    "temperature_cdegc": "cdegC",
    "supply_mv": "mV",
    "strokes": "strokes",
    "tick_ms": "ms",
    "serial_number": "number",
    "depth_um_max": "um",
    "speed_dhz_max": "dHz",
}
"""Everything that may be measured, with the one unit that it is scaled to."""

SWITCHES = ("motor_on", "contact", "cartridge", "button", "watchdog_tripped", "simulated")
"""Everything that is true or false."""

COSTS = {
    "watchdog": "nothing stops the pen when its host dies",
    "watchdog read-back": "nobody would see that the pen has no such watchdog",
    "identity": "any other Modbus device would be written to",
    "depth_um": "depth is not seen, so nothing may move",
    "speed_dhz": "a motor that runs away is not seen",
    "current_ma": "a blocked motor is not seen",
    "temperature_cdegc": "a hot pen is not seen",
    "supply_mv": "an empty battery is not seen",
    "strokes": "the dose cannot be counted",
    "motor_on": "nobody could confirm a stop",
    "contact": "no pass could be counted",
    "cartridge": "needles could be changed in the middle of a pass",
    "setpoint depth_um": "the depth cannot be ordered",
    "setpoint speed_dhz": "the speed cannot be ordered",
    "run": "the motor can be neither started nor stopped",
    "limits": "nothing can be granted",
    "cartridge needles": "punctures cannot be counted",
    "tick_ms": "an answer that comes late and looks right is believed; a restart is seen only by "
    "its lost settings",
    "serial_number": "pens of one kind are not told apart",
    "fault": "faults that the pen finds itself are not seen",
    "button": "the pen's stop button looks like a pen that stopped by itself",
    "watchdog_tripped": "a watchdog that ran out looks like a pen that stopped by itself",
    "reset": "faults are cleared at the pen",
    "depth_um_max": "limits that are changed in the pen are not seen",
    "speed_dhz_max": "limits that are changed in the pen are not seen",
    "simulated": "a simulated pen would not be marked as one",
}
"""What the lack of each thing costs. Those before ``tick_ms`` are needed for
driving, because `safety` lets nothing move without them."""

NEEDED = tuple(COSTS)[: tuple(COSTS).index("tick_ms")]


@dataclass(frozen=True, slots=True)
class Field:
    """One number in one or two registers.

    Args:
        name: What it is, with its unit last.
        address: Of its first register, as on the wire: 0 to 65,535.
        read: Function that reads it, 3 or 4; None where it cannot be read.
        write: Function that writes it, 6 or 16; None where it cannot be written.
        words: Registers taken, 1 or 2.
        is_low_word_first: Whether the low word comes first.
        is_signed: Whether it is two's complement.
        numerator: Of the scale.
        denominator: Of the scale.
        unknown: The number, as it stands in the registers, that means "not known"; or None.
    """

    name: str
    address: int
    read: int | None = None
    write: int | None = None
    words: int = 1
    is_low_word_first: bool = False
    is_signed: bool = False
    numerator: int = 1
    denominator: int = 1
    unknown: int | None = None

    @property
    def access(self) -> str:
        """What can be done with it, in words."""
        ways = [("read", self.read), ("write", self.write)]
        return " and ".join(way for way, function in ways if function is not None)

    def value_of(self, registers: tuple[int, ...]) -> int | None:
        """Return what its registers say, rounded up to the unit; None for "not known"."""
        ordered = registers[::-1] if self.is_low_word_first else registers
        raw = 0
        for register in ordered:
            raw = raw << 16 | register
        if self.is_signed and raw >> (16 * self.words - 1):
            raw -= 1 << (16 * self.words)
        return None if raw == self.unknown else -(-raw * self.numerator // self.denominator)

    def registers_of(self, value: int) -> tuple[int, ...] | None:
        """Return its registers for a value, or None if that does not come out even or fit."""
        raw, rest = divmod(value * self.denominator, self.numerator)
        bits = 16 * self.words
        low, end = (-(1 << bits - 1), 1 << bits - 1) if self.is_signed else (0, 1 << bits)
        if rest or not low <= raw < end or raw == self.unknown:
            return None
        words = tuple(raw >> shift & 0xFFFF for shift in range(bits - 16, -1, -16))
        return words[::-1] if self.is_low_word_first else words


@dataclass(frozen=True, slots=True)
class Switch:
    """Something that is so or not: yes if the masked register is one of the values.

    Args:
        name: What it is.
        address: Of the register.
        read: Function that reads it, 3 or 4.
        mask: Bits that count.
        values: What they are when it is so; none given means anything but 0.
    """

    name: str
    address: int
    read: int
    mask: int
    values: tuple[int, ...]

    def is_on(self, register: int) -> bool:
        """Return whether the register says yes."""
        bits = register & self.mask
        return bits in self.values if self.values else bits != 0


@dataclass(frozen=True, slots=True)
class FaultCodes:
    """The register that tells faults, 0 for none.

    Args:
        address: Of the register.
        read: Function that reads it, 3 or 4.
        mask: Bits that count.
        codes: What the maker's numbers mean in ours.
    """

    address: int
    read: int
    mask: int
    codes: Mapping[int, Fault]

    def fault_of(self, register: int) -> Fault:
        """Return the fault; one that nobody has explained needs a technician."""
        code = register & self.mask
        return self.codes.get(code, Fault.SELF_TEST) if code else Fault.NONE


@dataclass(frozen=True, slots=True)
class Expected:
    """A register that never changes and tells what the device is."""

    address: int
    read: int
    value: int


@dataclass(frozen=True, slots=True)
class Run:
    """The register that starts and stops the motor, and keeps what was written to it."""

    field: Field
    start: int
    stop: int


@dataclass(frozen=True, slots=True)
class Watchdog:
    """What stops the pen when its host says nothing any more.

    Args:
        field: The register that is kicked; readable if it keeps what was written to it.
        kick: What is written to it; None counts from 1 to 65,535, so that each kick is another.
        timeout_ms: After this without a kick the pen stops by itself.
        timeout: The register that holds this time, or None if the maker has fixed it.
    """

    field: Field
    kick: int | None
    timeout_ms: int
    timeout: Field | None

    @property
    def is_seen(self) -> bool:
        """Whether it can be read back that there is one."""
        return self.timeout is not None or self.field.read is not None


@dataclass(frozen=True, slots=True)
class Limits:
    """What the maker states of the pen."""

    depth_um_max: int
    depth_step_um: int
    speed_dhz_min: int
    speed_dhz_max: int
    depth_tolerance_um: int
    stop_ms_max: int


@dataclass(frozen=True, slots=True)
class Cartridge:
    """The only kind of cartridge that may be used."""

    needles: int
    depth_um_max: int


@dataclass(frozen=True, slots=True)
class PlainProfile:
    """One kind of plain Modbus pen.

    Args:
        name: Of the pen, for people.
        model: Number of the model, for the record.
        unit_id: Modbus unit id, 1 to 247.
        latency_ms: The pen answers within this, or never.
        identity: Registers that must hold what they should before anything is written.
        measured: By name, see `UNITS`.
        switches: By name, see `SWITCHES`.
        fault: Where faults are told, or None.
        setpoints: ``depth_um`` and ``speed_dhz``, as far as they can be ordered.
        run: What starts and stops the motor, or None.
        reset: Register and number that clear a fault, or None.
        watchdog: The device's own, or None.
        limits: Of the maker, or None.
        cartridge: Which one, or None.
    """

    name: str
    model: int
    unit_id: int
    latency_ms: int
    identity: tuple[Expected, ...]
    measured: Mapping[str, Field]
    switches: Mapping[str, Switch]
    fault: FaultCodes | None
    setpoints: Mapping[str, Field]
    run: Run | None
    reset: tuple[Field, int] | None
    watchdog: Watchdog | None
    limits: Limits | None
    cartridge: Cartridge | None

    @property
    def missing(self) -> tuple[str, ...]:
        """Everything of `COSTS` that the profile does not name."""
        dog = self.watchdog
        named = {*self.measured, *self.switches, *(f"setpoint {name}" for name in self.setpoints)}
        parts = {
            "watchdog": dog,
            "watchdog read-back": dog is not None and dog.is_seen,
            "identity": self.identity,
            "run": self.run,
            "limits": self.limits,
            "cartridge needles": self.cartridge,
            "fault": self.fault,
            "reset": self.reset,
        }
        return tuple(one for one in COSTS if one not in named and not parts.get(one))

    @property
    def lacking(self) -> tuple[str, ...]:
        """What is missing for driving; without any of it the pen is only read."""
        return tuple(one for one in self.missing if one in NEEDED)

    @property
    def depth_um_max(self) -> int:
        """Deepest protrusion that is driven: the maker's, or the supervised one if less."""
        limits = self.limits
        if limits is None:
            return 0
        deepest_um = min(limits.depth_um_max, DEPTH_UM_MAX)
        return deepest_um - deepest_um % limits.depth_step_um

    @property
    def speed_dhz_max(self) -> int:
        """Fastest speed that is driven: the maker's, or the supervised one if less."""
        return 0 if self.limits is None else min(self.limits.speed_dhz_max, SPEED_DHZ_MAX)
