"""The motorised depth stop with its protrusion sensor, in steps of 1 ms.

The stepper is driven by steps and not by the sensor, so that the sensor stays an independent
witness: a stuck sensor or a loose cartridge plate cannot pull the needles along. The screw locks
itself, so nothing moves without an order. It judges nothing.
"""

from __future__ import annotations

from simulator.noise import even_share, noise_table
from simulator.parameters import DepthDriveParameters


class DepthDrive:
    """One depth stop. All positions are protrusions in um, 0 flush with the nose.

    Args:
        parameters: Figures of the make.
        seed: Names this pen's backlash, seat, bias and noise.
    """

    __slots__ = (
        "_bias_um",
        "_noise",
        "_nut_um",
        "_p",
        "_screw_um",
        "_seat_um",
        "_shown_um",
        "jammed",
        "moving",
        "plate_um",
        "sensor_stuck",
        "target_um",
        "true_um",
    )

    def __init__(self, parameters: DepthDriveParameters, seed: int) -> None:
        self._p = parameters
        self._noise = tuple(parameters.noise_um * share for share in noise_table(seed, "depth"))
        self._bias_um = parameters.bias_spread_um * even_share(seed, "depth bias")
        self._seat_um = parameters.seat_spread_um * even_share(seed, "cartridge seat")
        self._screw_um = 0.0
        self._nut_um = 0.0
        self._shown_um = 0
        self.target_um = 0
        self.plate_um = 0.0
        self.true_um = self._seat_um
        self.moving = False
        self.jammed = False
        self.sensor_stuck = False

    def move_to(self, target_um: int) -> None:
        """Go to that protrusion, at the drive's own speed."""
        self.target_um = target_um
        self.moving = self._screw_um != target_um

    def hold(self) -> None:
        """Switch the drive off; the screw stays where it is."""
        self.moving = False

    def loosen_plate(self, shift_um: float) -> None:
        """Let the cartridge's plate slip: all protrusion grows at once by so much."""
        self.plate_um += shift_um
        self._update_truth()

    def measured_um(self, entry: int) -> int:
        """Return what the sensor says, with that entry of its noise."""
        if not self.sensor_stuck:
            self._shown_um = round(self.true_um + self._bias_um + self._noise[entry])
        return self._shown_um

    def step(self) -> None:
        """Go on by 1 ms."""
        if not self.moving or self.jammed:
            return
        way_um = self.target_um - self._screw_um
        reach_um = self._p.speed_um_per_ms
        if -reach_um <= way_um <= reach_um:
            self._screw_um = float(self.target_um)
            self.moving = False
        else:
            self._screw_um += reach_um if way_um > 0 else -reach_um
        slack_um = self._p.backlash_um / 2.0
        self._nut_um = min(max(self._nut_um, self._screw_um - slack_um), self._screw_um + slack_um)
        self._update_truth()

    def _update_truth(self) -> None:
        self.true_um = self._nut_um + self._seat_um + self.plate_um
