"""Who a plain pen is, in the words of every other pen; its limits are the tightest that are known.

Of the eight numbers under the limits' hash none comes from the moment, so the hash changes only if
the profile or the limits in the pen do.
"""

from __future__ import annotations

from drivers.block import Identity
from drivers.plain.profile import PlainProfile
from drivers.plain.supervised import limits_hash
from drivers.plain.survey import Readings
from drivers.registers import Capability


def identity_of(profile: PlainProfile, heard: Readings) -> Identity | None:
    """Return the identity, or None if the pen's own limits are unknown or allow nothing.

    Args:
        profile: One that lacks nothing needed for driving.
        heard: What was read of the pen.
    """
    limits, cartridge, dog = profile.limits, profile.cartridge, profile.watchdog
    if limits is None or cartridge is None or dog is None:
        return None
    depth_um_max = _tighter(profile.depth_um_max, heard, "depth_um_max")
    speed_dhz_max = _tighter(profile.speed_dhz_max, heard, "speed_dhz_max")
    if depth_um_max < limits.depth_step_um or speed_dhz_max < limits.speed_dhz_min:
        return None
    hashed = (
        depth_um_max - depth_um_max % limits.depth_step_um,
        limits.depth_step_um,
        limits.speed_dhz_min,
        speed_dhz_max,
        dog.timeout_ms,
        limits.depth_tolerance_um,
        cartridge.needles,
        cartridge.depth_um_max,
    )
    serial_number = heard.number("serial_number")
    return Identity(
        0,
        0 if serial_number is None else serial_number & 0xFFFF_FFFF,
        0,
        0,
        profile.model,
        capabilities_of(heard),
        *hashed,
        cartridge_uid=0,
        limits_hash=limits_hash(hashed),
        stop_ms_max=limits.stop_ms_max,
    )


def capabilities_of(heard: Readings) -> Capability:
    """Return what a pen that may be driven can do: its lease is the watchdog; it has no gate."""
    simulated = Capability(Capability.SIMULATED * heard.is_on("simulated"))
    sensed = Capability.DEPTH_SENSE | Capability.CONTACT_SENSE
    return Capability.LEASE | Capability.DEPTH_DRIVE | sensed | simulated


def _tighter(stated: int, heard: Readings, name: str) -> int:
    """Return the smaller of a limit and what the pen says of it; 0 if it does not say."""
    if name not in heard.numbers:
        return stated
    said = heard.numbers[name]
    return 0 if said is None else min(stated, said)
