"""Writes ``penlink.h``: the register map, constants and checksums of Pen Link in C99.

Deterministic: equal map and version give equal text. It knows no rule of the pen; those stand in
docs/protocol.md, whose sections the comments name.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from drivers.firmware.constants import (
    ENUMERATIONS,
    GROUPS,
    Constant,
    hexadecimal,
    whole,
)
from drivers.firmware.helpers import BLOCK_CRC32, CHECKSUMS, NUMBERS
from drivers.registers import (
    DATA_ID,
    IDENTITY,
    ORDER,
    PAIRING_ANSWER,
    PAIRING_REQUEST,
    PROTOCOL_VERSION,
    STATUS,
    Block,
    Field,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

MAP = ((IDENTITY, 2), (ORDER, 3), (STATUS, 4), (PAIRING_REQUEST, 11), (PAIRING_ANSWER, 11))
"""Every block, with the section of docs/protocol.md that defines it."""

_HEAD = """\
/* penlink.h: Pen Link {version} for the firmware of a pen.
 *
 * Written by penpilot {penpilot}: `penpilot firmware header`. Do not edit it; write it anew.
 * C99, no dynamic memory, no state. The rules stand in docs/protocol.md, which is authoritative;
 * docs/firmware.md says what to build in which order.
 */
#ifndef PENLINK_H
#define PENLINK_H

#include <stddef.h>
#include <stdint.h>

"""


def header(penpilot: str) -> str:
    """Return the text of ``penlink.h``.

    Args:
        penpilot: Version of penpilot, for the head of the file.
    """
    parts = [
        _HEAD.format(version=PROTOCOL_VERSION, penpilot=penpilot)
        + f'#define PENLINK_WRITTEN_BY "penpilot {penpilot}"\n',
        *(_constants(title, constants) for title, constants in GROUPS.items()),
        *(_enumeration(name) for name in ENUMERATIONS),
        CHECKSUMS,
        NUMBERS,
        BLOCK_CRC32 % {"data_id": ", ".join(f"0x{byte:02X}" for byte in DATA_ID)},
        *(_block(block, section) for block, section in MAP),
        "#endif\n",
    ]
    return "\n".join(parts)


def c_name(block: Block) -> str:
    """Return the name of a block in C."""
    return block.name.replace(" ", "_")


def field_bytes(field: Field) -> int:
    """Return how many bytes a field takes."""
    return 2 * field.words if field.part == "word" else 1


def field_offset(field: Field) -> int:
    """Return the first byte of a field, counted from the start of its block."""
    return 2 * field.offset + (field.part == "low")


def _constants(title: str, constants: Sequence[Constant]) -> str:
    width = max(len(constant.name) for constant in constants)
    return f"/* {title} */\n" + "".join(_define(constant, width) for constant in constants)


def _define(constant: Constant, width: int) -> str:
    text = f"#define PENLINK_{constant.name:<{width}} {constant.value}"
    return f"{text} /* {constant.meaning} */\n" if constant.meaning else f"{text}\n"


def _enumeration(name: str) -> str:
    members, section = ENUMERATIONS[name]
    rows = ",\n".join(
        f"    PENLINK_{name.upper()}_{member.name} = 0x{member.value:02X}" for member in members
    )
    return f"/* docs/protocol.md {section} */\nenum penlink_{name} {{\n{rows}\n}};\n"


def _block(block: Block, section: int) -> str:
    """Return constants, structure and functions of one block."""
    upper = c_name(block).upper()
    size = 2 * block.words
    constants = [
        Constant(f"{upper}_ADDRESS", hexadecimal(block.address), "of its first register"),
        Constant(f"{upper}_WORDS", whole(block.words), "registers, the CRC-32 included"),
        Constant(f"{upper}_BYTES", whole(size), ""),
        Constant(f"{upper}_DIRECTION", f"0x{block.direction[0]:02X}u", block.direction.decode()),
        *(one for field in block.fields for one in _places(upper, field)),
        Constant(f"{upper}_CRC32_OFFSET", whole(size - 4), "bytes from the start of the block"),
    ]
    title = f"{block.name.capitalize()}: docs/protocol.md {section}. Offsets are bytes"
    return "\n".join(
        [_constants(title, constants), _struct(block), _intact(block), _read(block), _write(block)]
    )


def _places(upper: str, field: Field) -> tuple[Constant, Constant]:
    name = f"{upper}_{field.name.upper()}"
    half = "" if field.part == "word" else f", {field.part} byte"
    signed = ", signed" if field.signed else ""
    offset = whole(field_offset(field))
    return (
        Constant(f"{name}_OFFSET", offset, f"register {field.offset}{half}{signed}"),
        Constant(f"{name}_BYTES", whole(field_bytes(field)), ""),
    )


def _struct(block: Block) -> str:
    rows = "".join(f"    {_member(field)};\n" for field in block.fields)
    return f"struct penlink_{c_name(block)} {{\n{rows}}};\n"


def _member(field: Field) -> str:
    size = field_bytes(field)
    if _is_plain(field):
        return f"uint8_t {field.name}[{size}]"
    return f"{'int' if field.signed else 'uint'}{8 * size}_t {field.name}"


def _is_plain(field: Field) -> bool:
    """Whether a field holds bytes and no number."""
    return field.words > 2


def _seal(block: Block) -> str:
    """Return the expression of a block's CRC-32; the identity's reader knows no serial number."""
    upper = f"PENLINK_{c_name(block).upper()}"
    serial_number = "0" if block is IDENTITY else "serial_number"
    return (
        f"penlink_block_crc32(\n            {serial_number}, {upper}_DIRECTION, {upper}_ADDRESS, "
        f"block, {upper}_CRC32_OFFSET)"
    )


def _serial_parameter(block: Block) -> str:
    return "" if block is IDENTITY else ", uint32_t serial_number"


def _intact(block: Block) -> str:
    name = c_name(block)
    return (
        f"/* Whether these PENLINK_{name.upper()}_BYTES end in their CRC-32. */\n"
        f"static inline int penlink_{name}_is_intact("
        f"const uint8_t *block{_serial_parameter(block)})\n{{\n"
        f"    return penlink_get_u32(block + PENLINK_{name.upper()}_CRC32_OFFSET)\n"
        f"        == {_seal(block)};\n}}\n"
    )


def _read(block: Block) -> str:
    name = c_name(block)
    rows = "".join(_read_field(f"PENLINK_{name.upper()}", field) for field in block.fields)
    return (
        "/* Take an intact block apart; any numbers come out, known or not. */\n"
        f"static inline void penlink_{name}_read("
        f"const uint8_t *block, struct penlink_{name} *to)\n{{\n{rows}}}\n"
    )


def _read_field(upper: str, field: Field) -> str:
    place = f"{upper}_{field.name.upper()}_OFFSET"
    bits = 8 * field_bytes(field)
    if _is_plain(field):
        return _copy(f"to->{field.name}[i]", f"block[{place} + i]", field)
    if bits == 8:
        return f"    to->{field.name} = block[{place}];\n"
    getter = f"penlink_get_{'i' if field.signed else 'u'}{bits}"
    return f"    to->{field.name} = {getter}(block + {place});\n"


def _write(block: Block) -> str:
    name = c_name(block)
    upper = f"PENLINK_{name.upper()}"
    rows = "".join(_write_field(upper, field) for field in block.fields)
    return (
        f"/* Write a block of {upper}_BYTES with its CRC-32. */\n"
        f"static inline void penlink_{name}_write(\n"
        f"    const struct penlink_{name} *from{_serial_parameter(block)}, uint8_t *block)\n"
        f"{{\n    for (size_t i = 0; i < {upper}_BYTES; i++) {{\n        block[i] = 0;\n    }}\n"
        f"{rows}"
        f"    penlink_put_u32(\n        block + {upper}_CRC32_OFFSET,\n"
        f"        {_seal(block)});\n}}\n"
    )


def _write_field(upper: str, field: Field) -> str:
    place = f"{upper}_{field.name.upper()}_OFFSET"
    bits, value = 8 * field_bytes(field), f"from->{field.name}"
    if _is_plain(field):
        return _copy(f"block[{place} + i]", f"{value}[i]", field)
    if bits == 8:
        return f"    block[{place}] = {value};\n"
    cast = f"(uint{bits}_t)" if field.signed else ""
    return f"    penlink_put_u{bits}(block + {place}, {cast}{value});\n"


def _copy(to: str, source: str, field: Field) -> str:
    size = field_bytes(field)
    return f"    for (size_t i = 0; i < {size}u; i++) {{\n        {to} = {source};\n    }}\n"
