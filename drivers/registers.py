"""The register map of Pen Link 1, as data; it encodes nothing and opens nothing.

Both ends of the wire read this file: the host's codec (`drivers.block`) and the simulated pen's
own codec (`simulator.codec`). The golden frames in ``tests/data`` are typed from
``docs/protocol.md``, so that a slip in this file is seen by both.

Source of the layout: docs/protocol.md, sections 2 to 5.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum, IntFlag

PROTOCOL_VERSION = 1
"""Version byte of every order and status. Source: docs/protocol.md 1."""

UNIT_ID = 1
"""Modbus unit id of a pen that was not told otherwise. Source: docs/protocol.md 1."""

BAUD_RATE = 115_200
"""Line speed, 8 data bits, no parity, 1 stop bit. Source: docs/protocol.md 1."""

DATA_ID = b"PENLINK1"
"""Implicit first bytes under every CRC-32. Source: docs/protocol.md 5."""

IDENTITY_MAGIC = 0x50454E31
"""ASCII ``PEN1``, the first two registers of the identity. Source: docs/protocol.md 2."""

UNKNOWN_I16 = -0x8000
"""A signed measurement that the pen could not take. Source: docs/protocol.md 4."""

UNKNOWN_U16 = 0xFFFF
"""An unsigned measurement that the pen could not take. Source: docs/protocol.md 4."""

LEASE_MS = 200
"""The run permission ends at echoed tick plus this. Source: docs/protocol.md 6, DESIGN 5."""

FRESHNESS_MS = LEASE_MS - 1
"""An order's tick echo may be at most this old: less than the lease. Source: docs/protocol.md 6."""

SEQUENCE_WINDOW = 4
"""A sequence number may be ahead of the last one by 1 to this. Source: docs/protocol.md 6."""

TOKEN_IDLE_MS = 1_000
"""A token without a valid request for so long is void. Source: docs/protocol.md 6."""

READY_TIMEOUT_MS = 30_000
"""READY falls back to SAFE after this without START. Source: docs/protocol.md 6."""


class Command(IntEnum):
    """What an order asks of the pen. Source: docs/protocol.md 3."""

    POLL = 0
    OPEN = 1
    ARM = 2
    START = 3
    RENEW = 4
    STOP = 5
    RESET = 6


class PenState(IntEnum):
    """The state a pen reports. Source: docs/protocol.md 4."""

    BOOT = 0
    SAFE = 1
    READY = 2
    RUN = 3
    STOPPING = 4
    FAULT = 5
    SERVICE = 6


class Fault(IntEnum):
    """Why a pen is in FAULT; from 0x80 on only a technician clears it. Source: protocol.md 4."""

    NONE = 0x00
    STALL = 0x01
    NO_FEEDBACK = 0x02
    OVERSPEED = 0x03
    OVER_CURRENT = 0x04
    OVER_TEMPERATURE = 0x05
    LOW_SUPPLY = 0x06
    CARTRIDGE = 0x07
    OVER_DEPTH = 0x81
    RETRACT_FAILED = 0x82
    INGRESS = 0x83
    SELF_TEST = 0x84
    MEMORY = 0x85
    BRIDGE_SHORT = 0x86


TECHNICIAN_FAULT_FIRST = 0x80
"""Fault codes from here on survive a power cycle and need a technician. Source: protocol.md 4."""


class Flag(IntFlag):
    """Bits of the status register ``flags``. Source: docs/protocol.md 4."""

    MOTOR_ON = 0x01
    CONTACT = 0x02
    CARTRIDGE = 0x04
    SETTLED = 0x08
    BUTTON = 0x10
    LEASE_ENDED = 0x20
    TOKEN_LIVE = 0x40


class Result(IntEnum):
    """What became of the order in this very exchange. Source: docs/protocol.md 4."""

    NONE = 0
    DONE = 1
    BAD_CRC = 2
    BAD_TOKEN = 3
    OLD_SEQUENCE = 4
    STALE_TICK = 5
    WRONG_STATE = 6
    OVER_LIMIT = 7
    SETPOINT_CHANGED = 8
    UNKNOWN_COMMAND = 9
    BAD_VERSION = 10
    FAULT_ACTIVE = 11
    NO_CARTRIDGE = 12
    NOT_SETTLED = 13


class Capability(IntFlag):
    """What a pen says that it can do. Source: docs/protocol.md 2."""

    SIMULATED = 0x01
    LEASE = 0x02
    HARDWARE_GATE = 0x04
    CONTACT_SENSE = 0x08
    DEPTH_SENSE = 0x10
    DEPTH_DRIVE = 0x20
    PAIRING = 0x40
    PAIRED = 0x80


class PairingStep(IntEnum):
    """What a pairing request asks of the pen. Source: docs/protocol.md 11."""

    HELLO = 1
    PROVE = 2
    AGREE = 3


class PairingResult(IntEnum):
    """What became of a pairing request. Source: docs/protocol.md 11."""

    DONE = 1
    BAD_CRC = 2
    BAD_VERSION = 3
    UNKNOWN_STEP = 4
    NO_KEY = 5
    NO_CHALLENGE = 6
    WRONG_PROOF = 7
    BUTTON_NOT_HELD = 8
    BAD_PUBLIC_KEY = 9


CHALLENGE_MS = 1_000
"""A challenge without its proof is void after this. Source: docs/protocol.md 11."""

AGREED_MS = 10_000
"""An agreed key without its proof is forgotten after this. Source: docs/protocol.md 11."""

BUTTON_HOLD_MS = 2_000
"""The button is held for so long before a pen takes AGREE. Source: docs/protocol.md 11."""

TOKENS_AHEAD = 16
"""How far a session's next token may be ahead of the last one. Source: docs/protocol.md 11."""

WRONG_TOKENS_MAX = 16
"""A session is void after so many wrong tokens. Source: docs/protocol.md 11."""


@dataclass(frozen=True, slots=True)
class Field:
    """One value inside a block.

    Args:
        name: Name with its unit last, as everywhere in penpilot.
        offset: First register, counted from the start of the block.
        words: Registers taken, 1 or 2, the high word first; more hold plain bytes.
        part: Which byte of a single register: ``word`` (both), ``high`` or ``low``.
        signed: Whether the value is two's complement.
    """

    name: str
    offset: int
    words: int = 1
    part: str = "word"
    signed: bool = False


@dataclass(frozen=True, slots=True)
class Block:
    """Consecutive registers that travel as one and end in their CRC-32.

    Args:
        name: What the block is called in ``docs/protocol.md``.
        address: Modbus address of the first register.
        words: Registers in all, the two of the CRC-32 included.
        direction: Byte that goes under the CRC-32: ``I`` identity, ``W`` order, ``R`` status,
            ``P`` pairing request, ``Q`` pairing answer.
        fields: Every field but the CRC-32, in the order of their registers.
    """

    name: str
    address: int
    words: int
    direction: bytes
    fields: tuple[Field, ...]

    def field(self, name: str) -> Field:
        """Return the field of that name.

        Raises:
            KeyError: If the block has no such field.
        """
        for candidate in self.fields:
            if candidate.name == name:
                return candidate
        raise KeyError(name)


IDENTITY = Block(
    name="identity",
    address=0x0000,
    words=32,
    direction=b"I",
    fields=(
        Field("magic", 0, words=2),
        Field("version_major", 2, part="high"),
        Field("version_minor", 2, part="low"),
        Field("serial_number", 3, words=2),
        Field("firmware_major", 5, part="high"),
        Field("firmware_minor", 5, part="low"),
        Field("model", 6),
        Field("capabilities", 7),
        Field("depth_um_max", 8),
        Field("depth_step_um", 9),
        Field("speed_dhz_min", 10),
        Field("speed_dhz_max", 11),
        Field("lease_ms", 12),
        Field("depth_tolerance_um", 13),
        Field("needles", 14),
        Field("cartridge_depth_um_max", 15),
        Field("cartridge_uid", 16, words=2),
        Field("limits_hash", 18),
        Field("stop_ms_max", 19),
    ),
)

LIMIT_WORDS = (8, 16)
"""Registers of the identity under ``limits_hash``: from, up to before. Source: protocol.md 2."""

ORDER = Block(
    name="order",
    address=0x0100,
    words=10,
    direction=b"W",
    fields=(
        Field("version", 0, part="high"),
        Field("command", 0, part="low"),
        Field("token", 1, words=2),
        Field("sequence", 3),
        Field("tick_echo_ms", 4, words=2),
        Field("depth_um", 6),
        Field("speed_dhz", 7),
    ),
)

STATUS = Block(
    name="status",
    address=0x0200,
    words=20,
    direction=b"R",
    fields=(
        Field("version", 0, part="high"),
        Field("state", 0, part="low"),
        Field("fault", 1, part="high"),
        Field("flags", 1, part="low"),
        Field("token_echo", 2),
        Field("sequence_echo", 3),
        Field("tick_ms", 4, words=2),
        Field("epoch", 6),
        Field("last_order_token", 7),
        Field("last_order_sequence", 8),
        Field("result", 9),
        Field("depth_um", 10, signed=True),
        Field("speed_dhz", 11),
        Field("current_ma", 12, signed=True),
        Field("temperature_cdegc", 13, signed=True),
        Field("supply_mv", 14),
        Field("strokes", 15, words=2),
        Field("limits_hash", 17),
    ),
)

PAIRING_REQUEST = Block(
    name="pairing request",
    address=0x0300,
    words=20,
    direction=b"P",
    fields=(
        Field("version", 0, part="high"),
        Field("step", 0, part="low"),
        Field("number", 1),
        Field("data", 2, words=16),
    ),
)

PAIRING_ANSWER = Block(
    name="pairing answer",
    address=0x0400,
    words=20,
    direction=b"Q",
    fields=(
        Field("version", 0, part="high"),
        Field("result", 0, part="low"),
        Field("number", 1),
        Field("data", 2, words=16),
    ),
)
