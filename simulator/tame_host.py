"""A tame host: talks to a pen in virtual time, one order at a time, and believes every answer.

For tests and experiments with the pen alone. It checks nothing and times nothing out; the host
that treats people is in `drivers` and `safety`, and shares no code with this one.
"""

from __future__ import annotations

from collections.abc import Callable

from drivers.registers import ORDER, PROTOCOL_VERSION, STATUS, Command
from simulator.codec import ORDER_CODEC, STATUS_CODEC, seal
from simulator.frames import EXCHANGE
from simulator.pen import US_PER_MS, Pen
from simulator.session import SEQUENCE_MODULUS

_STATUS_AT = 3
_CRC16_BYTES = 2


class TameHost:
    """One host with one pen.

    Args:
        pen: The pen.
        token: What it calls its session.
    """

    def __init__(self, pen: Pen, token: int = 0x1234ABCD) -> None:
        self.pen = pen
        self.token = token
        self.sequence = 0
        self.tick_ms = 0
        self.epoch = 0
        self.depth_um = 0
        self.speed_dhz = 0

    def frame(self, command: int, **fields: int) -> bytes:
        """Return the next order as it goes on the wire.

        Args:
            command: What to ask for.
            fields: What to say other than a well-behaved host would.
        """
        self.sequence = (self.sequence + 1) % SEQUENCE_MODULUS
        has_setpoint = command in (Command.ARM, Command.START, Command.RENEW)
        boot = self.epoch if command in (Command.OPEN, Command.RESET) else 0
        values = {
            "version": PROTOCOL_VERSION,
            "command": int(command),
            "token": self.token,
            "sequence": self.sequence,
            "tick_echo_ms": self.tick_ms,
            "depth_um": self.depth_um if has_setpoint else boot,
            "speed_dhz": self.speed_dhz if has_setpoint else 0,
            **fields,
        }
        order = ORDER_CODEC.pack(values, self.pen.parameters.serial_number)
        return exchange_frame(order, unit=self.pen.parameters.unit_id)

    def say(self, command: int, **fields: int) -> dict[str, int]:
        """Send an order now and return the status that answers it."""
        return self.hear(self.pen.receive(self.frame(command, **fields), self.pen.now_us))

    def hear(self, answer: bytes) -> dict[str, int]:
        """Read a status."""
        status = STATUS_CODEC.unpack(answer[_STATUS_AT:-_CRC16_BYTES])
        self.tick_ms, self.epoch = status["tick_ms"], status["epoch"]
        return status

    def wait(self, duration_ms: int) -> None:
        """Let time go by in silence."""
        self.pen.advance(self.pen.now_us + duration_ms * US_PER_MS)

    def ms_until(self, is_so: Callable[[Pen], bool], at_most_ms: int = 2_000) -> int:
        """Return after how many milliseconds of silence it is so; ``at_most_ms`` if it never is."""
        for duration_ms in range(1, at_most_ms):
            self.wait(1)
            if is_so(self.pen):
                return duration_ms
        return at_most_ms

    def open(self) -> dict[str, int]:
        """Come to know tick and epoch, and open a session, once the pen is at rest."""
        self.wait(100)
        self.say(Command.POLL)
        return self.say(Command.OPEN)

    def arm(self, depth_um: int, speed_dhz: int) -> dict[str, int]:
        """Open, arm and wait until the depth has settled."""
        self.open()
        self.depth_um, self.speed_dhz = depth_um, speed_dhz
        self.say(Command.ARM)
        self.wait(150)
        return self.say(Command.POLL)

    def start(self, depth_um: int = 1_000, speed_dhz: int = 1_000) -> dict[str, int]:
        """Open, arm and start."""
        self.arm(depth_um, speed_dhz)
        return self.say(Command.START)

    def renew_for(self, duration_ms: int, every_ms: int = 50) -> dict[str, int]:
        """Renew the lease for some time and return the last status."""
        status: dict[str, int] = {}
        for _ in range(duration_ms // every_ms):
            self.wait(every_ms)
            status = self.say(Command.RENEW)
        return status


def exchange_frame(order: bytes, unit: int) -> bytes:
    """Return the frame of function 23 that writes an order and reads the status."""
    head = bytes((unit, EXCHANGE))
    for block in (STATUS, ORDER):
        head += block.address.to_bytes(2) + block.words.to_bytes(2)
    return seal(head + bytes((len(order),)) + order)
