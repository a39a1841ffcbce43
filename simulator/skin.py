"""What skin asks of the motor: energy per stroke by depth, as a mean torque at the shaft.

It knows no hand and no time; whether the needles are in skin is somebody else's truth.
Source of the force law: the project's domain research, section 4.3.
"""

from __future__ import annotations

from simulator.motor import TURN_RAD
from simulator.parameters import SkinParameters

_NOWHERE_UM = -1e9
"""No needle is ever there; the energy of the last depth is kept."""


class Skin:
    """The skin under one cartridge.

    Args:
        parameters: Force law of one needle.
        needles: Of the cartridge.
    """

    __slots__ = ("_known_um", "_needles", "_p", "_torque_nm")

    def __init__(self, parameters: SkinParameters, needles: int) -> None:
        self._p = parameters
        self._needles = needles
        self._known_um = _NOWHERE_UM
        self._torque_nm = 0.0

    def energy_j(self, protrusion_um: float) -> float:
        """Return the energy of one slow stroke.

        The needle lifts skin up to the puncture, cuts on with a force of its own, rubs in
        proportion to its depth, and rubs again on the way out.
        """
        p = self._p
        depth_m = protrusion_um * 1e-6 + p.bulge_m
        if depth_m <= 0.0:
            return 0.0
        stretch_m = min(depth_m, p.puncture_depth_m)
        stiffness_n_per_m = p.puncture_force_n / p.puncture_depth_m
        puncture_j = stiffness_n_per_m * stretch_m * stretch_m / 2.0
        cut_m = max(depth_m - p.puncture_depth_m, 0.0)
        inside_j = p.cutting_force_n * cut_m
        inside_j += p.friction_n_per_m * depth_m * depth_m / 2.0 if cut_m > 0.0 else 0.0
        return self._needles * p.modulus_scale * (puncture_j + (1.0 + p.exit_share) * inside_j)

    def torque_nm(self, protrusion_um: float, speed_rad_s: float) -> float:
        """Return the mean extra torque at the motor's shaft, in Nm."""
        if protrusion_um != self._known_um:
            self._known_um = protrusion_um
            self._torque_nm = self.energy_j(protrusion_um) / TURN_RAD
        return self._torque_nm * velocity_factor(speed_rad_s / TURN_RAD)


def velocity_factor(stroke_hz: float) -> float:
    """Return how much of the slow force is left at that many strokes per second.

    1.0 at rest, 0.5 at 50 and 0.3 from 150 strokes/s on, straight in between: with a cam of
    2.5 mm that is 0.4 and 1.2 m/s. Source: domain research 4.3 (0.3 to 0.5 above 0.5 m/s).
    """
    if stroke_hz >= 150.0:
        return 0.3
    if stroke_hz >= 50.0:
        return 0.6 - 0.002 * stroke_hz
    return 1.0 - 0.01 * stroke_hz
