"""What the frames of a trace mean: Pen Link where it is met, plain Modbus else, damage as damage.

Total: any bytes give a frame. It believes nothing and judges nothing; `drivers.link` does.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from drivers.native import DELIMITER, STOP_BYTE, unframe
from drivers.registers import IDENTITY, ORDER, STATUS, Block, Command
from drivers.trace.blocks import (
    HOST_BLOCKS,
    PEN_BLOCKS,
    Fields,
    block_of,
    crc32_defect,
    fields_of,
    in_words,
    registers_text,
)
from drivers.trace.format import NOTE, TO_PEN, Damage, Event, Header
from drivers.trace.pieces import FRAMINGS, Piece, is_modbus, native, pieces

NO_FRAME = "no frame"
"""Why bytes stand as damaged."""

_EXCEPTION = 0x80
_EXCHANGE = 0x17
_READ = 0x03
_STOP_REGISTER = (ORDER.address, Command.STOP)
_FUNCTIONS = {
    0x01: "read coils",
    0x02: "read inputs",
    0x03: "read registers",
    0x04: "read input registers",
    0x05: "write coil",
    0x06: "write register",
    0x08: "diagnostics",
    0x0F: "write coils",
    0x10: "write registers",
    0x16: "mask register",
    0x17: "read/write registers",
}
"""Source: Modbus application protocol V1.1b3, 6."""


@dataclass(frozen=True, slots=True)
class Frame:
    """A frame, damaged bytes, a note, or a damaged line of the file.

    Args:
        at_us: When its first byte was written or read, host's monotonic clock.
        until_us: When its last byte was.
        direction: As of an event; empty for a damaged line.
        data: Its bytes.
        kind: ``order``, ``status``, ``identity``, ``request``, ``answer``, ``exception``, ``stop``,
            ``pairing request``, ``pairing answer``, ``delimiter``, ``bytes``, ``note``, ``line``.
        text: What it means, in one line.
        fields: What it holds.
        defect: What is wrong with it, or an empty text.
    """

    at_us: int
    until_us: int
    direction: str
    data: bytes
    kind: str
    text: str
    fields: Fields = field(default_factory=dict)
    defect: str = ""


class _Asked(NamedTuple):
    """What the last request asked for."""

    function: int
    address: int
    words: int


class Decoder:
    """Gives meaning to pieces, in their order.

    Args:
        driver: As the header names it.
        serial_number: Of the pen, if it is known; an identity tells it as well.
    """

    def __init__(self, driver: str, serial_number: int | None = None) -> None:
        self._is_modbus = is_modbus(driver)
        self._is_native = FRAMINGS.get(driver) is native
        self._has_blocks = driver in ("penlink", "native")
        self._serial_number = serial_number
        self._asked: _Asked | None = None

    def frame(self, piece: Piece) -> Frame:
        """Return what a piece means."""
        data = piece.data
        if piece.direction == NOTE:
            return _made(piece, "note", data.decode("ascii", "backslashreplace"))
        if not piece.is_intact:
            return _made(piece, "bytes", f"{len(data)} bytes", defect=NO_FRAME)
        if self._is_modbus:
            return self._modbus(piece, data[1], data[2:-2])
        if self._is_native:
            return self._native(piece)
        return _made(piece, "bytes", f"{len(data)} bytes")

    def _modbus(self, piece: Piece, function: int, pdu: bytes) -> Frame:
        if piece.direction == TO_PEN:
            return self._request(piece, function, pdu)
        if function & _EXCEPTION:
            code = pdu[0] if pdu else 0
            text = f"exception {code:02x} to function {function & ~_EXCEPTION}"
            return _made(piece, "exception", text, {"function": function & 0x7F, "code": code})
        return self._answer(piece, function, pdu)

    def _request(self, piece: Piece, function: int, pdu: bytes) -> Frame:
        name = _FUNCTIONS.get(function, f"function {function}")
        fields: Fields = {"unit": piece.data[0], "function": function}
        words = [int.from_bytes(pdu[i : i + 2], "big") for i in range(0, 8, 2)]
        self._asked = _Asked(function, words[0], words[1])
        if function == _EXCHANGE and len(pdu) > 9:
            block = block_of(HOST_BLOCKS, words[2], words[3]) if self._has_blocks else None
            if block is not None and len(pdu) == 9 + 2 * block.words:
                return self._block(piece, block, pdu[9:])
            fields |= {"read_address": words[0], "read_words": words[1], "address": words[2]}
            fields["registers"] = registers_text(pdu[9:])
            text = f"{name}: write 0x{words[2]:04x}: {fields['registers']}; "
            return _made(piece, "request", f"{text}read {words[1]} from 0x{words[0]:04x}", fields)
        if function == 0x06 and self._has_blocks and (words[0], words[1] & 0xFF) == _STOP_REGISTER:
            return _made(piece, "stop", "STOP by function 06", fields)
        if function not in _FUNCTIONS or len(pdu) < 4:
            return _made(piece, "request", f"{name}: {pdu.hex()}", fields | {"data": pdu.hex()})
        fields |= {"address": words[0], "value" if function in (5, 6) else "words": words[1]}
        rest = f": {registers_text(pdu[5:])}" if function in (0x0F, 0x10) else ""
        if rest:
            fields["registers"] = rest[2:]
        text = f"{name} 0x{words[0]:04x}, {words[1]}{rest}"
        return _made(piece, "request", text, fields)

    def _answer(self, piece: Piece, function: int, pdu: bytes) -> Frame:
        name = _FUNCTIONS.get(function, f"function {function}")
        fields: Fields = {"unit": piece.data[0], "function": function}
        if function in (0x01, 0x02, 0x03, 0x04, _EXCHANGE) and pdu:
            body, asked = pdu[1:], self._asked
            address = asked.address if asked is not None and asked.function == function else None
            block = block_of(PEN_BLOCKS, address, len(body) // 2) if self._has_blocks else None
            if block is not None and (function == _READ) == (block is IDENTITY):
                return self._block(piece, block, body)
            is_bits = function in (0x01, 0x02)
            shown = body.hex() if is_bits else registers_text(body)
            fields["data" if is_bits else "registers"] = shown
            return _made(piece, "answer", f"{name}: {shown}", fields)
        return _made(piece, "answer", f"{name}: {pdu.hex()}", fields | {"data": pdu.hex()})

    def _native(self, piece: Piece) -> Frame:
        data = piece.data
        if piece.direction == TO_PEN and not data.strip(STOP_BYTE):
            return _made(piece, "stop", f"stop byte, {len(data)} times")
        if not data.strip(DELIMITER):
            return _made(piece, "delimiter", "delimiter")
        body = unframe(data.strip(DELIMITER)) or b""
        if piece.direction == TO_PEN and body == IDENTITY.direction:
            return _made(piece, "request", "who are you?")
        blocks = HOST_BLOCKS if piece.direction == TO_PEN else PEN_BLOCKS
        for block in blocks:
            if body[:1] == block.direction and len(body) == 1 + 2 * block.words:
                return self._block(piece, block, body[1:])
        return _made(piece, "bytes", f"a frame of kind {body[:1]!r}, {len(body) - 1} bytes")

    def _block(self, piece: Piece, block: Block, body: bytes) -> Frame:
        fields = fields_of(block, body)
        defect = crc32_defect(block, body, self._serial_number)
        number = fields.get("serial_number")
        if block is IDENTITY and not defect and isinstance(number, int):
            self._serial_number = number
        return _made(piece, block.name, in_words(block, fields), fields, defect)


def _made(
    piece: Piece, kind: str, text: str, fields: Fields | None = None, defect: str = ""
) -> Frame:
    at_us, until_us, direction, data, _ = piece
    return Frame(at_us, until_us, direction, data, kind, text, fields or {}, defect)


def frames(header: Header, items: Iterable[Event | Damage]) -> Iterator[Frame]:
    """Yield what a trace holds, in order, one frame at a time."""
    decoder = Decoder(header.driver, header.serial_number)
    now_us = header.start_us
    for piece in pieces(header.driver, items):
        if isinstance(piece, Damage):
            text = f"line {piece.line}: {piece.defect.value}"
            yield Frame(now_us, now_us, "", b"", "line", text, {"line": piece.line}, text)
            continue
        now_us = piece.at_us
        yield decoder.frame(piece)


def is_answer_to(answer: Frame, request: Frame) -> bool | None:
    """Return whether a status answers an order, by token and sequence; None if neither has any."""
    if answer.kind != STATUS.name or request.kind != ORDER.name:
        return None
    token, sequence = request.fields["token"], request.fields["sequence"]
    said = (answer.fields["token_echo"], answer.fields["sequence_echo"])
    return isinstance(token, int) and said == (token & 0xFFFF, sequence)
