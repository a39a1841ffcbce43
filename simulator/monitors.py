"""What the firmware watches every millisecond, each as a count of bad samples in a row.

A monitor says which fault it sees; what follows from it is the firmware's business.
Source: invariants D04, D05, D10, D11 and docs/protocol.md 6, over-depth.
"""

from __future__ import annotations

from drivers.registers import Fault
from simulator.parameters import FirmwareParameters
from simulator.plant import Plant


class Monitors:
    """Counters of bad samples.

    Args:
        parameters: Limits and patience.
    """

    __slots__ = ("_bad_ms", "_deep", "_depth_um_max", "_out", "_overspeed_dhz", "_p")

    def __init__(self, parameters: FirmwareParameters) -> None:
        self._p = parameters
        self._overspeed_dhz = parameters.speed_dhz_max * parameters.overspeed_percent // 100
        self._deep = 0
        self._out = 0
        self._depth_um_max = 0
        self._bad_ms: dict[Fault, int] = {}

    def reset(self, set_um: int, cap_um: int) -> None:
        """Count from 0 again: the depth is about to change, or the motor to run.

        Args:
            set_um: Depth that was ordered.
            cap_um: The smaller of the pen's and the cartridge's depth.
        """
        self._deep = 0
        self._out = 0
        self._bad_ms.clear()
        self._depth_um_max = min(set_um, cap_um) + self._p.depth_tolerance_um

    def armed(self, plant: Plant, *, has_settled: bool) -> Fault:
        """Watch for a cartridge that leaves, and for needles beyond what was set."""
        if plant.cartridge_in and plant.depth_um <= self._depth_um_max:
            self._deep = 0
            self._out = 0
            return Fault.NONE
        too_deep = has_settled and plant.depth_um > self._depth_um_max
        self._deep = self._deep + 1 if too_deep else 0
        self._out = 0 if plant.cartridge_in else self._out + 1
        if self._deep >= self._p.over_depth_samples:
            return Fault.OVER_DEPTH
        return Fault.CARTRIDGE if self._out >= self._p.cartridge_ms else Fault.NONE

    def motor(self, plant: Plant, set_dhz: int) -> Fault:
        """Watch a driven motor."""
        p = self._p
        speed_dhz, current_ma = plant.speed_dhz, plant.current_ma
        if current_ma < p.stall_ma and 0 < speed_dhz <= self._overspeed_dhz:
            self._bad_ms.clear()
            return Fault.NONE
        stalls = current_ma >= p.stall_ma and 2 * speed_dhz < set_dhz
        looks = (
            (Fault.OVER_CURRENT, current_ma >= p.over_current_ma, p.over_current_ms),
            (Fault.OVERSPEED, speed_dhz > self._overspeed_dhz, p.overspeed_ms),
            (Fault.STALL, stalls, p.stall_ms),
            (Fault.NO_FEEDBACK, speed_dhz == 0 and not stalls, p.no_feedback_ms),
        )
        worst = Fault.NONE
        for fault, is_bad, patience_ms in looks:
            self._bad_ms[fault] = self._bad_ms.get(fault, 0) + 1 if is_bad else 0
            if worst is Fault.NONE and self._bad_ms[fault] >= patience_ms:
                worst = fault
        return worst

    def climate(self, plant: Plant) -> Fault:
        """Watch warmth and supply; called every 10 ms, so that one bad look is enough."""
        if plant.temperature_cdegc > self._p.temperature_cdegc_max:
            return Fault.OVER_TEMPERATURE
        if plant.supply_mv < self._p.supply_mv_min:
            return Fault.LOW_SUPPLY
        return Fault.NONE


def cause_has_gone(fault: Fault, plant: Plant, monitors: Monitors) -> bool:
    """Whether an operator's fault may be reset."""
    if fault is Fault.CARTRIDGE:
        return plant.cartridge_in
    if fault in (Fault.OVER_TEMPERATURE, Fault.LOW_SUPPLY):
        return monitors.climate(plant) is not fault
    return True
