"""All C files for the pen's firmware as texts by name; writes none of them."""

from __future__ import annotations

from drivers.firmware.header import header
from drivers.firmware.selftest import selftest
from drivers.firmware.vectors import declarations, definitions


def sources(penpilot: str) -> dict[str, str]:
    """Return the text of every file by its name.

    Args:
        penpilot: Version of penpilot, which stands in the head of each.
    """
    return {
        "penlink.h": header(penpilot),
        "penlink_vectors.h": declarations(penpilot),
        "penlink_vectors.c": definitions(penpilot),
        "penlink_selftest.c": selftest(penpilot),
    }
