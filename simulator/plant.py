"""Everything of the pen that is not firmware: motor, depth drive, cartridge, skin, hand, supply.

The firmware reads the sensors (integers, with noise) and moves the actuators; the truth behind
them is for tests and judges. It obeys blindly: what must not happen is the firmware's business.
"""

from __future__ import annotations

from simulator.depth import DepthDrive
from simulator.hand import Hand
from simulator.motor import RAD_S_PER_DHZ, TURN_RAD, Motor
from simulator.noise import NOISE_MASK, even_share, noise_table
from simulator.parameters import PenParameters
from simulator.skin import Skin
from simulator.truth import Log

_THERMAL_STEP_MS = 100
_AUDIBLE_RAD_S = 10.0 * TURN_RAD
"""The hand hears the motor from 10 strokes/s on. ASSUMED."""


class Plant:
    """The physics of one pen.

    Args:
        parameters: All figures.
        seed: Names this pen's tolerances and every noise.
        log: Where bridge and skin edges are told to.
    """

    __slots__ = (
        "_current_noise",
        "_heat_j",
        "_log",
        "_p",
        "_speed_noise",
        "_temperature_k",
        "button_down",
        "cartridge",
        "cartridge_in",
        "current_ma",
        "depth",
        "depth_um",
        "encoder_strokes",
        "hand",
        "motor",
        "now_ms",
        "skin",
        "skin_strokes",
        "speed_dhz",
        "temperature_cdegc",
    )

    def __init__(self, parameters: PenParameters, seed: int, log: Log) -> None:
        self._p = parameters
        self._log = log
        share = 1.0 + parameters.motor.friction_spread * even_share(seed, "friction")
        self.motor = Motor(parameters.motor, share)
        self.depth = DepthDrive(parameters.depth, seed)
        self.skin = Skin(parameters.skin, parameters.cartridge.needles)
        self.hand = Hand(parameters.hand, seed)
        self.cartridge = parameters.cartridge
        self.button_down = False
        self.now_ms = 0
        self.encoder_strokes = 0
        self.skin_strokes = 0
        self._current_noise = _scaled(noise_table(seed, "current"), parameters.noise.current_ma)
        self._speed_noise = _scaled(noise_table(seed, "speed"), parameters.noise.speed_dhz)
        self._heat_j = 0.0
        self._temperature_k = 0.0
        self.temperature_cdegc = parameters.supply.ambient_cdegc
        self.cartridge_in = True
        self._sample()

    @property
    def supply_mv(self) -> int:
        """Measured supply, under the present load."""
        return round(1000.0 * self._supply_v())

    @property
    def is_at_rest(self) -> bool:
        """Whether nothing will change but temperature and noise until somebody acts."""
        motor = self.motor
        return (
            not motor.driving
            and motor.speed_rad_s == 0.0
            and not self.depth.moving
            and self.hand.is_idle
        )

    def drive(self, speed_dhz: int) -> None:
        """Close the bridge and run up to that speed."""
        if not self.motor.driving:
            self._log("motor_on", speed_dhz=speed_dhz)
        self.motor.drive(speed_dhz)

    def brake(self) -> None:
        """Open the bridge and short the winding."""
        if self.motor.driving:
            self._log("motor_off")
        self.motor.off()

    def seat_cartridge(self, *, is_in: bool) -> None:
        """Put the cartridge in or take it out."""
        self.cartridge_in = is_in
        self.motor.cartridge_in = is_in

    def rest_until(self, now_ms: int) -> None:
        """Jump over quiet time: the same as `step` that often, when `is_at_rest`."""
        first = self.now_ms // _THERMAL_STEP_MS
        for _ in range(now_ms // _THERMAL_STEP_MS - first):
            self._warm()
        self.now_ms = now_ms
        self._sample()

    def step(self) -> None:
        """Go on by 1 ms."""
        self.now_ms += 1
        motor = self.motor
        self.depth.step()
        if motor.driving or motor.speed_rad_s > 0.0:
            self._run_motor()
        else:
            motor.current_a = 0.0
        self._step_hand()
        if self.now_ms % _THERMAL_STEP_MS == 0:
            self._warm()
        self._sample()

    def _run_motor(self) -> None:
        motor = self.motor
        load_nm = 0.0
        if self.hand.on_skin and self.cartridge_in:
            load_nm = self.skin.torque_nm(self.depth.true_um, motor.speed_rad_s)
        strokes = motor.strokes
        motor.step(load_nm, self._supply_v())
        if motor.strokes != strokes:
            self.encoder_strokes += not motor.feedback_lost
            self.skin_strokes += load_nm > 0.0
        self._heat_j += abs(motor.volts * motor.current_a) * 0.001

    def _step_hand(self) -> None:
        hand = self.hand
        was_on_skin = hand.on_skin
        hand.step(self.now_ms, hears_motor=self.motor.speed_rad_s >= _AUDIBLE_RAD_S)
        if hand.on_skin is not was_on_skin:
            self._log("skin_on" if hand.on_skin else "skin_off", row=hand.row)

    def _warm(self) -> None:
        supply = self._p.supply
        watts = self._heat_j * (1000.0 / _THERMAL_STEP_MS)
        self._heat_j = 0.0
        goal_k = watts * supply.thermal_k_per_w
        share = _THERMAL_STEP_MS / supply.thermal_time_ms
        self._temperature_k += (goal_k - self._temperature_k) * share
        self.temperature_cdegc = supply.ambient_cdegc + round(100.0 * self._temperature_k)

    def _supply_v(self) -> float:
        supply = self._p.supply
        drawn_a = self.motor.current_a if self.motor.driving else 0.0
        return supply.open_circuit_v - drawn_a * supply.resistance_ohm

    def _sample(self) -> None:
        entry = self.now_ms & NOISE_MASK
        motor = self.motor
        self.depth_um = self.depth.measured_um(entry)
        self.current_ma = round(1000.0 * motor.current_a + self._current_noise[entry])
        speed_rad_s = motor.speed_rad_s
        if speed_rad_s > 0.0 and not motor.feedback_lost:
            shown_dhz = round(speed_rad_s / RAD_S_PER_DHZ + self._speed_noise[entry])
            self.speed_dhz = max(0, shown_dhz)
        else:
            self.speed_dhz = 0


def _scaled(table: tuple[float, ...], deviation: float) -> tuple[float, ...]:
    return tuple(deviation * entry for entry in table)
