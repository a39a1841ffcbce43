"""Every constant of Pen Link that is no field of a block, in the order of docs/protocol.md.

Values come from `drivers.registers`. What stands here as a number is a rule that only the pen
follows: the host never computes with it.
"""

from __future__ import annotations

from typing import NamedTuple

from drivers.native import DELIMITER, FRAME_BYTES_MAX, STOP_BYTE, STOP_BYTES
from drivers.registers import (
    AGREED_MS,
    BAUD_RATE,
    BUTTON_HOLD_MS,
    CHALLENGE_MS,
    DATA_ID,
    FRESHNESS_MS,
    IDENTITY_MAGIC,
    LEASE_MS,
    LIMIT_WORDS,
    PROTOCOL_VERSION,
    READY_TIMEOUT_MS,
    SEQUENCE_WINDOW,
    TECHNICIAN_FAULT_FIRST,
    TOKEN_IDLE_MS,
    TOKENS_AHEAD,
    UNIT_ID,
    UNKNOWN_I16,
    UNKNOWN_U16,
    WRONG_TOKENS_MAX,
    Capability,
    Command,
    Fault,
    Flag,
    PairingResult,
    PairingStep,
    PenState,
    Result,
)

ENUMERATIONS = {
    "capability": (Capability, 2),
    "command": (Command, 3),
    "state": (PenState, 4),
    "flag": (Flag, 4),
    "fault": (Fault, 4),
    "result": (Result, 4),
    "pairing_step": (PairingStep, 11),
    "pairing_result": (PairingResult, 11),
}
"""Enumerations by their name in C, with the section of docs/protocol.md that defines them."""


class Constant(NamedTuple):
    """One number of the protocol.

    Args:
        name: Name in C without its prefix, the unit last.
        value: As it stands in C.
        meaning: For the comment behind it.
    """

    name: str
    value: str
    meaning: str


def whole(number: int) -> str:
    """Return a number as an unsigned constant of C."""
    return f"{number}u"


def hexadecimal(number: int, digits: int = 4) -> str:
    """Return a number as an unsigned hexadecimal constant of C."""
    return f"0x{number:0{digits}X}u"


LINE = (
    Constant("BAUD_RATE", whole(BAUD_RATE), "8 data bits, no parity, 1 stop bit"),
    Constant("UNIT_ID", whole(UNIT_ID), "unless the pen was told otherwise"),
    Constant("BROADCAST", whole(0), "unit id of everybody; never answered"),
    Constant("FRAME_GAP_US", whole(1_750), "silence between frames on a real wire"),
    Constant("FUNCTION_READ", hexadecimal(0x03, 2), "identity"),
    Constant("FUNCTION_WRITE_ONE", hexadecimal(0x06, 2), "STOP only"),
    Constant("FUNCTION_EXCHANGE", hexadecimal(0x17, 2), "order and status"),
    Constant("EXCEPTION", hexadecimal(0x80, 2), "added to the function in an exception"),
    Constant("EXCEPTION_FUNCTION", whole(1), "every other function"),
    Constant("EXCEPTION_ADDRESS", whole(2), "every other address or count"),
    Constant("EXCEPTION_VALUE", whole(3), "a byte count that does not fit"),
)
"""Source: docs/protocol.md 1."""

BLOCKS = (
    Constant("VERSION", whole(PROTOCOL_VERSION), "of order and status, major one of the identity"),
    Constant("MAGIC", hexadecimal(IDENTITY_MAGIC, 8), "ASCII PEN1"),
    Constant(
        "LIMITS_OFFSET",
        whole(2 * LIMIT_WORDS[0]),
        "of the identity, in bytes: the first under the hash",
    ),
    Constant("LIMITS_BYTES", whole(2 * (LIMIT_WORDS[1] - LIMIT_WORDS[0])), "how many are under it"),
    Constant("UNKNOWN_I16", f"(-{-UNKNOWN_I16 - 1} - 1)", "a signed measurement that is not known"),
    Constant("UNKNOWN_U16", hexadecimal(UNKNOWN_U16), "an unsigned one"),
    Constant("TECHNICIAN_FAULT_FIRST", hexadecimal(TECHNICIAN_FAULT_FIRST, 2), "and all above"),
    Constant("DATA_ID", f'"{DATA_ID.decode("ascii")}"', "first under every CRC-32, never sent"),
    Constant("DATA_ID_BYTES", whole(len(DATA_ID)), ""),
)
"""Source: docs/protocol.md 2 to 5."""

RULES = (
    Constant("LEASE_MS", whole(LEASE_MS), "counted from the echoed tick"),
    Constant("FRESHNESS_MS", whole(FRESHNESS_MS), "a tick echo may be at most so old"),
    Constant("SEQUENCE_WINDOW", whole(SEQUENCE_WINDOW), "an order is 1 to this ahead"),
    Constant("SEQUENCE_AHEAD_MAX", whole(32_767), "the newest number moves by 1 to this"),
    Constant("TOKEN_IDLE_MS", whole(TOKEN_IDLE_MS), "without a valid request a token is void"),
    Constant("READY_TIMEOUT_MS", whole(READY_TIMEOUT_MS), "READY without START"),
    Constant("SETTLED_UM", whole(50), "measured and set depth differ by no more"),
    Constant("SETTLED_MS", whole(20), "for so long"),
    Constant("OVER_DEPTH_SAMPLES", whole(3), "in succession"),
    Constant("SAMPLE_MS", whole(1), "between two of them"),
    Constant("BRIDGE_OFF_MS_MAX", whole(10), "from over-depth to the bridge off"),
)
"""Source: docs/protocol.md 6."""

NATIVE = (
    Constant("NATIVE_DELIMITER", hexadecimal(DELIMITER[0], 2), "ends what came before it"),
    Constant("NATIVE_STOP_BYTE", hexadecimal(STOP_BYTE[0], 2), "STOP, at once, wherever it stands"),
    Constant("NATIVE_STOP_BYTES", whole(len(STOP_BYTES)), "sent before a framed STOP"),
    Constant("NATIVE_FRAME_BYTES_MAX", whole(FRAME_BYTES_MAX), "between two delimiters"),
)
"""Source: docs/protocol.md 10."""

PAIRING = (
    Constant("CHALLENGE_MS", whole(CHALLENGE_MS), "a challenge without its proof is void"),
    Constant("AGREED_MS", whole(AGREED_MS), "an agreed key without its proof is forgotten"),
    Constant("BUTTON_HOLD_MS", whole(BUTTON_HOLD_MS), "before the pen takes AGREE"),
    Constant("TOKENS_AHEAD", whole(TOKENS_AHEAD), "the next token is 1 to this ahead"),
    Constant("WRONG_TOKENS_MAX", whole(WRONG_TOKENS_MAX), "then the session is void"),
)
"""Source: docs/protocol.md 11."""

GROUPS = {
    "The line: docs/protocol.md 1": LINE,
    "What blocks hold: docs/protocol.md 2 to 5": BLOCKS,
    "When the pen takes an order: docs/protocol.md 6": RULES,
    "Native transport: docs/protocol.md 10": NATIVE,
    "Pairing: docs/protocol.md 11": PAIRING,
}
"""All constants, under what stands above them in C."""
