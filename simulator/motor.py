"""The DC motor with cam, speed loop, soft start and dynamic brake, in steps of 1 ms.

It knows neither orders nor leases: somebody lets it run or brakes it. Winding current is taken as
settled within a step (L/R is 30 us), and one step is a quarter of the fastest time constant of
the loop, so that plain Euler steps suffice.
"""

from __future__ import annotations

from math import pi, sin

from simulator.parameters import MotorParameters

STEP_S = 0.001
TURN_RAD = 2.0 * pi
RAD_S_PER_DHZ = TURN_RAD / 10.0

_CAM_STEPS = 64
_CAM = tuple(round(sin(TURN_RAD * step / _CAM_STEPS), 9) for step in range(_CAM_STEPS))
"""Rounded, because the last digit of a sine differs between platforms."""


class Motor:
    """One motor. One revolution is one stroke.

    Args:
        parameters: Figures of the make.
        friction_share: This pen's friction over the make's, about 0.95 to 1.05.
    """

    __slots__ = (
        "_feed_volts",
        "_friction_nm",
        "_p",
        "_ramp_rad_s",
        "_reference_rad_s",
        "_target_rad_s",
        "braking",
        "cartridge_in",
        "current_a",
        "driving",
        "feedback_lost",
        "locked",
        "phase",
        "runaway",
        "speed_rad_s",
        "strokes",
        "volts",
    )

    def __init__(self, parameters: MotorParameters, friction_share: float = 1.0) -> None:
        self._p = parameters
        self._friction_nm = parameters.friction_nm * friction_share
        self._target_rad_s = 0.0
        self._reference_rad_s = 0.0
        self._ramp_rad_s = 0.0
        self._feed_volts = 0.0
        self.driving = False
        self.braking = True
        self.cartridge_in = True
        self.locked = False
        self.feedback_lost = False
        self.runaway = False
        self.speed_rad_s = 0.0
        self.current_a = 0.0
        self.volts = 0.0
        self.phase = 0.0
        self.strokes = 0

    def no_load_ma(self, speed_dhz: int) -> int:
        """Return the current in air at that speed, as found on the factory's test bench."""
        p = self._p
        torque_nm = self._friction_nm + p.viscous_nm_s * speed_dhz * RAD_S_PER_DHZ
        return round(1000.0 * torque_nm / p.torque_constant_nm_per_a)

    def drive(self, speed_dhz: int) -> None:
        """Run up to that many strokes per second, in tenths, by the soft start."""
        p = self._p
        self.driving = True
        self._target_rad_s = speed_dhz * RAD_S_PER_DHZ
        self._ramp_rad_s = self._target_rad_s / p.soft_start_ms
        self._reference_rad_s = min(self.speed_rad_s, self._target_rad_s)
        self._feed_volts = p.friction_nm / p.torque_constant_nm_per_a * p.resistance_ohm

    def off(self, *, brake: bool = True) -> None:
        """Open the bridge; with ``brake`` both ends of the winding are joined."""
        self.driving = False
        self.braking = brake

    def step(self, load_nm: float, supply_v: float) -> None:
        """Go on by 1 ms.

        Args:
            load_nm: What skin asks at the shaft, beyond the pen's own friction.
            supply_v: Voltage at the bridge.
        """
        p = self._p
        speed = self.speed_rad_s
        amps = self._amps(speed, supply_v)
        self.current_a = amps
        drag_nm = self._friction_nm
        if self.cartridge_in:
            drag_nm += p.ripple_nm * _CAM[int(self.phase * _CAM_STEPS)]
        else:
            drag_nm *= p.bare_friction_share
        drag_nm += p.viscous_nm_s * speed + load_nm
        speed += (amps * p.torque_constant_nm_per_a - drag_nm) * STEP_S / p.inertia_kg_m2
        if speed <= 0.0 or self.locked:
            self.speed_rad_s = 0.0
            return
        self.speed_rad_s = speed
        phase = self.phase + speed * (STEP_S / TURN_RAD)
        if phase >= 1.0:
            # At 1,000 strokes/s two turns would fit into a step; the supply ends far below.
            phase -= 1.0
            self.strokes += 1
        self.phase = phase

    def _amps(self, speed: float, supply_v: float) -> float:
        p = self._p
        back_emf = p.torque_constant_nm_per_a * speed
        if not self.driving:
            self.volts = 0.0
            return -back_emf / p.resistance_ohm if self.braking else 0.0
        reference = self._reference_rad_s
        if reference < self._target_rad_s:
            reference = min(reference + self._ramp_rad_s, self._target_rad_s)
            self._reference_rad_s = reference
        wanted_emf = p.torque_constant_nm_per_a * reference
        seen_emf = 0.0 if self.feedback_lost else back_emf
        volts = wanted_emf + self._feed_volts + p.feedback_gain * (wanted_emf - seen_emf)
        if self.runaway or volts > supply_v:
            volts = supply_v
        elif volts < 0.0:
            volts = 0.0
        amps = (volts - back_emf) / p.resistance_ohm
        limit = p.current_limit_a
        if amps > limit and not self.runaway:
            amps = limit
        elif amps < -limit:
            amps = -limit
        self.volts = back_emf + amps * p.resistance_ohm
        return amps
