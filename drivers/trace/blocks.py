"""The blocks of Pen Link as somebody reads them: every field by name, damaged or not; total.

`drivers.block` decodes what is to be believed; this shows what was there.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping
from enum import IntEnum, IntFlag
from typing import Any

from drivers.packing import block_crc32
from drivers.registers import (
    IDENTITY,
    ORDER,
    PAIRING_ANSWER,
    PAIRING_REQUEST,
    STATUS,
    UNKNOWN_I16,
    UNKNOWN_U16,
    Block,
    Capability,
    Command,
    Fault,
    Field,
    Flag,
    PairingResult,
    PairingStep,
    PenState,
    Result,
)

Fields = dict[str, int | str | None]
"""What a frame holds, by name: numbers, words of the protocol, and None for "not known"."""

HOST_BLOCKS = (ORDER, PAIRING_REQUEST)
PEN_BLOCKS = (STATUS, IDENTITY, PAIRING_ANSWER)

_MEMBERS: dict[str, dict[str, type[IntEnum]]] = {
    ORDER.name: {"command": Command},
    STATUS.name: {"state": PenState, "fault": Fault, "result": Result},
    PAIRING_REQUEST.name: {"step": PairingStep},
    PAIRING_ANSWER.name: {"result": PairingResult},
}
_FLAGS: dict[str, dict[str, type[IntFlag]]] = {
    STATUS.name: {"flags": Flag},
    IDENTITY.name: {"capabilities": Capability},
}
_UNKNOWN = {
    "depth_um": UNKNOWN_I16,
    "speed_dhz": UNKNOWN_U16,
    "current_ma": UNKNOWN_I16,
    "temperature_cdegc": UNKNOWN_I16,
    "supply_mv": UNKNOWN_U16,
}
"""The registers of a status that stand for "could not be measured". Source: docs/protocol.md 4."""


def block_of(blocks: tuple[Block, ...], address: int | None, words: int) -> Block | None:
    """Return the block of so many registers at an address (None: anywhere), or None."""
    for block in blocks:
        if block.words == words and address in (None, block.address):
            return block
    return None


def fields_of(block: Block, body: bytes) -> Fields:
    """Return every field of a block but its CRC-32.

    Args:
        block: Which one it is.
        body: All of its bytes.
    """
    found: Fields = {}
    for name, place, is_signed, words, flags in _LAYOUTS[block.name]:
        taken = body[place]
        if len(taken) > 4:
            found[name] = taken.hex()
            continue
        value = int.from_bytes(taken, "big", signed=is_signed)
        if words is not None:
            found[name] = words.get(value) or f"unknown {value}"
        elif flags is not None:
            found[name] = " ".join(word for bit, word in flags if bit & value) or "none"
        else:
            found[name] = None if block is STATUS and value == _UNKNOWN.get(name) else value
    return found


def crc32_defect(block: Block, body: bytes, serial_number: int | None) -> str:
    """Return what is wrong with a block's CRC-32, or an empty text.

    Args:
        block: Which one it is.
        body: All of its bytes.
        serial_number: Of the pen; None if it is not known, and then nothing can be said.
    """
    if block is not IDENTITY and serial_number is None:
        return ""
    found = int.from_bytes(body[-4:], "big")
    numbers = {0} if block is IDENTITY else {serial_number or 0}
    if block is ORDER and body[1] == Command.STOP:
        numbers.add(0)  # a host that does not know the pen yet says STOP all the same
    if found in {block_crc32(block, body[:-4], number) for number in numbers}:
        return ""
    return "CRC-32 wrong"


_Flags = tuple[tuple[int, str], ...]
_Layout = tuple[tuple[str, slice, bool, dict[int, str] | None, _Flags | None], ...]


def _words(member: IntEnum | IntFlag) -> str:
    return str(member.name).lower().replace("_", "-")


def _place(field: Field) -> slice:
    start = 2 * field.offset + (field.part == "low")
    return slice(start, start + (2 * field.words if field.part == "word" else 1))


def _layout(block: Block) -> _Layout:
    """Return of every field name, place, whether it is signed, and the words it stands for."""
    members, flags = _MEMBERS.get(block.name, {}), _FLAGS.get(block.name, {})
    return tuple(
        (
            field.name,
            _place(field),
            field.signed,
            {int(one): _words(one) for one in members[field.name]}
            if field.name in members
            else None,
            tuple((int(one), _words(one)) for one in flags[field.name])
            if field.name in flags
            else None,
        )
        for field in block.fields
    )


_LAYOUTS = {block.name: _layout(block) for block in (*HOST_BLOCKS, *PEN_BLOCKS)}


def in_words(block: Block, fields: Mapping[str, Any]) -> str:
    """Return a block in one line."""
    return _WORDS[block.name](fields)


def _order(said: Mapping[str, Any]) -> str:
    text = str(said["command"]).upper()
    if said["command"] in ("open", "reset"):
        text += f" epoch {said['depth_um']}"
    elif said["depth_um"] or said["speed_dhz"]:
        text += f" {said['depth_um']} um, {_tenths(said['speed_dhz'])} strokes/s"
    return (
        f"{text}, token {said['token']:08x}, sequence {said['sequence']}, "
        f"echo {said['tick_echo_ms']} ms"
    )


def _status(said: Mapping[str, Any]) -> str:
    text = str(said["state"]).upper()
    if said["fault"] != "none":
        text += f" fault {said['fault']}"
    if said["result"] != "none":
        text += f", {said['result']}"
    depth = "?" if said["depth_um"] is None else said["depth_um"]
    speed = "?" if said["speed_dhz"] is None else _tenths(said["speed_dhz"])
    return (
        f"{text}, answers {said['sequence_echo']} of {said['token_echo']:04x}, {depth} um, "
        f"{speed} strokes/s, tick {said['tick_ms']} ms, {said['flags']}"
    )


def _identity(said: Mapping[str, Any]) -> str:
    return (
        f"pen {said['serial_number']}, protocol {said['version_major']}.{said['version_minor']}, "
        f"firmware {said['firmware_major']}.{said['firmware_minor']}, "
        f"up to {said['depth_um_max']} um, {said['capabilities']}"
    )


def _pairing_request(said: Mapping[str, Any]) -> str:
    return f"pairing {said['step']}, number {said['number']}"


def _pairing_answer(said: Mapping[str, Any]) -> str:
    return f"pairing {said['result']}, answers number {said['number']}"


def _tenths(value: int) -> str:
    return f"{value // 10}.{value % 10}"


_WORDS: dict[str, Callable[[Mapping[str, Any]], str]] = {
    ORDER.name: _order,
    STATUS.name: _status,
    IDENTITY.name: _identity,
    PAIRING_REQUEST.name: _pairing_request,
    PAIRING_ANSWER.name: _pairing_answer,
}


def registers_text(data: bytes) -> str:
    """Return registers as four hex digits each."""
    count = len(data) // 2
    return " ".join(f"{word:04x}" for word in struct.unpack(f">{count}H", data[: 2 * count]))
