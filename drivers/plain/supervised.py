"""What a pen may do that nobody but its host supervises: bounds that no profile raises.

A plain pen takes an order however old it is, and does not stop by itself when its needles go
deeper than set. What is left is its watchdog, so the harm of one watchdog time must be bearable.
"""

from __future__ import annotations

import struct
import zlib

DEPTH_UM_MAX = 500
"""Deepest needle protrusion. ASSUMED: no over-depth trip stands behind it, so it keeps to the
shallow third of what areas of the face are granted, and twice as deep is still shallow."""

SPEED_DHZ_MAX = 1_000
"""Fastest strokes per second, in tenths. ASSUMED, from `WATCHDOG_MS_MAX`: 100 strokes in the
longest time that a lost host stays unnoticed."""

WATCHDOG_MS_MAX = 1_000
"""Longest watchdog of a pen that is driven. ASSUMED. DESIGN 5 asks a pen with a lease for 251 ms
(SR-012, hazards of a dead host); a plain pen gets four times as long and pays in depth and speed.
A hand that stands still for all of it puts 100 strokes of 12 needles on one spot of 6 x 6 mm:
3,333 punctures per cm2, less than the 5,000 that need a reason, and 36 needles make 10,000, which
nothing lifts (`safety.limits`)."""

WATCHDOG_MS_MIN = 100
"""Shortest watchdog that can be kept alive: two scans. Source: DESIGN 5, heartbeat 50 ms."""

FRESHNESS_MS = 199
"""The watchdog is kicked only while the last status is at most this old. Source: as
`drivers.registers.FRESHNESS_MS`, which a plain pen does not know."""

LATENCY_MS_MAX = 20
"""Slowest pen that can be driven. ASSUMED: less than the answer timeout of 25 ms (DESIGN 5)."""

SETTLED_UM = 50
SETTLED_MS = 20
"""Measured protrusion this close to the set one for so long has settled. Source: protocol.md 6."""

REST_UM = 100
"""Needles measured at most this far out are retracted. ASSUMED: twice `SETTLED_UM`."""


def limits_hash(words: tuple[int, ...]) -> int:
    """Return the low 16 bits of the CRC-32 over the eight limits of an identity.

    Args:
        words: Registers 8 to 15 of an identity, in their order. Source: docs/protocol.md 2.
    """
    return zlib.crc32(struct.pack(">8H", *words)) & 0xFFFF
