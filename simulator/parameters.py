"""All figures of the simulated pen, as frozen data.

It computes nothing. Figures of the physics are SI floats (that is what ``motor`` and ``skin``
calculate in); everything that the firmware decides with is an integer with its unit last.

Sources: [DOM] is the project's domain research, section 4 (real pen mechanics); [WIRE] is
docs/protocol.md; [INV] are the pen's invariants D01 to D12. What has no source says ASSUMED.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from drivers.registers import LEASE_MS, Capability


@dataclass(frozen=True, slots=True)
class MotorParameters:
    """The DC motor, its cam and its driver.

    A 6 V motor of 15 to 17 mm has 4 to 6 ohm and 5.5 to 6.5 mNm/A [DOM 4.2]. Rewound for one
    Li-ion cell (0.53 times the turns) that is 1.4 ohm and 3.2 mNm/A; bridge and leads add 0.5 ohm
    (ASSUMED). With 0.7 g cm2 of rotor [DOM 4.2] and 0.1 g cm2 of cam (ASSUMED) the shorted motor
    slows down with a time constant of 15 ms, so that friction and brake together stop 150
    strokes/s in about 40 ms. Friction is 0.3 W at 117 strokes/s [DOM 4.5].
    """

    resistance_ohm: float = 1.9
    torque_constant_nm_per_a: float = 3.2e-3
    inertia_kg_m2: float = 8.0e-8
    friction_nm: float = 0.38e-3
    viscous_nm_s: float = 5.0e-8
    friction_spread: float = 0.05
    """Pens of one make differ by this share, either way. ASSUMED."""
    ripple_nm: float = 0.04e-3
    """Spring of the cartridge's membrane, once per stroke. ASSUMED."""
    current_limit_a: float = 0.9
    """The driver's own limit, by chopping. ASSUMED."""
    feedback_gain: float = 3.0
    """Volts per volt of missing back-EMF. ASSUMED: load costs 1 to 7 % of speed [DOM 4.6]."""
    soft_start_ms: int = 150
    """From standstill to any set speed. Source: [DOM 4.5], spin-up 80 to 300 ms."""
    bare_friction_share: float = 0.75
    """Friction left without a cartridge, whose membrane is the rest. ASSUMED."""


@dataclass(frozen=True, slots=True)
class DepthDriveParameters:
    """The motorised depth stop (lead screw and stepper) and its protrusion sensor."""

    speed_um_per_ms: float = 40.0
    """ASSUMED: 1.5 mm are retracted in about 40 ms."""
    backlash_um: float = 20.0
    """A preloaded nut; a dial has 20 to 50 um. Source: [DOM 4.6]."""
    seat_spread_um: float = 10.0
    """How the cartridge sits, either way; part of the true protrusion. ASSUMED."""
    bias_spread_um: float = 5.0
    """Error of the sensor after calibration, either way. ASSUMED."""
    noise_um: float = 3.0
    """Standard deviation of one sample of 1 ms. ASSUMED."""


@dataclass(frozen=True, slots=True)
class SkinParameters:
    """The load of one solid 33 G needle in skin. Source: [DOM 4.3], middle of each range."""

    puncture_depth_m: float = 0.15e-3
    puncture_force_n: float = 0.15
    cutting_force_n: float = 0.045
    friction_n_per_m: float = 60.0
    exit_share: float = 0.4
    modulus_scale: float = 1.0
    """0.6 (eyelid) to 1.6 (scar)."""
    bulge_m: float = 0.2e-3
    """Skin rises into the nose by this much under the hand's pressure. ASSUMED."""


@dataclass(frozen=True, slots=True)
class HandParameters:
    """How a practitioner's hand behaves. All ASSUMED but the 20 mm/s of [DOM 4.4]."""

    set_down_ms: int = 250
    lift_off_ms: int = 200
    row_ms: int = 2_000
    turn_ms: int = 150
    speed_um_per_ms: int = 20
    spread: float = 0.2
    """Every time of the hand varies by this share, either way."""


@dataclass(frozen=True, slots=True)
class SupplyParameters:
    """One Li-ion cell and the warmth of the motor."""

    open_circuit_v: float = 3.99
    resistance_ohm: float = 0.12
    """Source: [DOM 4.5], 0.05 to 0.15 ohm."""
    ambient_cdegc: int = 2_350
    thermal_k_per_w: float = 48.0
    thermal_time_ms: int = 242_000
    """Housing of the motor. Source: [DOM 4.2], Rth2 and its time constant."""


@dataclass(frozen=True, slots=True)
class NoiseParameters:
    """Standard deviations of one sample of 1 ms. ASSUMED, as of a converter of 12 bits."""

    current_ma: float = 2.0
    speed_dhz: float = 0.7


@dataclass(frozen=True, slots=True)
class Cartridge:
    """What sits in the pen's nose. Source: [WIRE 2], section 8's example."""

    needles: int = 12
    depth_um_max: int = 2_500
    uid: int = 0xC0FFEE01


@dataclass(frozen=True, slots=True)
class FirmwareParameters:
    """What the firmware was built with: its limits and its patience."""

    version_major: int = 1
    version_minor: int = 0
    model: int = 1
    capabilities: int = int(
        Capability.SIMULATED
        | Capability.LEASE
        | Capability.HARDWARE_GATE
        | Capability.CONTACT_SENSE
        | Capability.DEPTH_SENSE
        | Capability.DEPTH_DRIVE
    )
    """As of a pen that cannot be paired; `simulator.cli` adds that it can."""
    depth_um_max: int = 2_500
    depth_step_um: int = 50
    speed_dhz_min: int = 500
    speed_dhz_max: int = 1_500
    lease_ms: int = LEASE_MS
    depth_tolerance_um: int = 150
    stop_ms_max: int = 50
    settle_um: int = 50
    settle_ms: int = 20
    """Source of the last two: [WIRE 6], rule 8."""
    dtr_stops: bool = False
    """Whether the host's hang-up stops the pen. Source: [WIRE 1], DTR; a pen may do without."""
    over_depth_samples: int = 3
    """Source: [WIRE 6], over-depth."""
    boot_ms: int = 50
    """ASSUMED."""
    retract_ms_max: int = 300
    """2.5 mm take 63 ms; ASSUMED with ample margin."""
    stall_ma: int = 600
    """70 % of the driver's limit, for stall_ms, below half the set speed. Source: [DOM 4.5]."""
    stall_ms: int = 100
    no_feedback_ms: int = 50
    overspeed_percent: int = 110
    overspeed_ms: int = 20
    """Source of the last four: [INV] D05."""
    over_current_ma: int = 1_200
    over_current_ms: int = 5
    """Above what the driver can give: only a failed driver gets there. ASSUMED."""
    cartridge_ms: int = 10
    """A removal is believed after this; the bridge must be off within 20 ms. Source: [INV] D10."""
    temperature_cdegc_max: int = 5_500
    """ASSUMED: well above the 38 to 45 degC of a long session [DOM 4.5]."""
    supply_mv_min: int = 3_300
    """Speed can no longer be held. Source: [DOM 4.5]."""
    contact_on_ma: int = 5
    contact_off_ma: int = 3
    """Current above no-load; ASSUMED from 9 mA at 0.25 mm with 12 needles (`skin`)."""
    contact_blank_ms: int = 200
    """From START on: soft start takes 150 ms, and its current says nothing. ASSUMED."""
    contact_on_ms: int = 50
    contact_off_ms: int = 30
    """Source: [DOM 4.5], contact is current above no-load for more than 50 ms."""


@dataclass(frozen=True, slots=True)
class PenParameters:
    """One pen. The defaults are the pen of docs/protocol.md section 8."""

    serial_number: int = 42
    unit_id: int = 1
    motor: MotorParameters = field(default_factory=MotorParameters)
    depth: DepthDriveParameters = field(default_factory=DepthDriveParameters)
    skin: SkinParameters = field(default_factory=SkinParameters)
    hand: HandParameters = field(default_factory=HandParameters)
    supply: SupplyParameters = field(default_factory=SupplyParameters)
    noise: NoiseParameters = field(default_factory=NoiseParameters)
    cartridge: Cartridge = field(default_factory=Cartridge)
    firmware: FirmwareParameters = field(default_factory=FirmwareParameters)
