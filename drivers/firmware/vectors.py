"""Writes ``penlink_vectors.h`` and ``.c``: frames that a pen must send or take, or must not take.

The bytes come from `drivers.firmware.examples`; nothing is typed twice.
"""

from __future__ import annotations

import struct
import zlib
from typing import TYPE_CHECKING

from drivers.firmware.examples import (
    IN_FRAME,
    SERIAL_NUMBER,
    SHOWN,
    Example,
    block_of,
    examples,
    native_examples,
    refused,
    stops,
)
from drivers.modbus import crc_of
from drivers.packing import Defect, unpack
from drivers.registers import Block

if TYPE_CHECKING:
    from collections.abc import Iterable

CHECKED = (b"", b"\x00", b"123456789", bytes(range(256)))
"""Texts for the checksums alone; the third gives the check values of the usual catalogues."""

_BYTES_A_LINE = 16

_HEAD = """\
/* {name}: worked frames of Pen Link, docs/protocol.md 8.
 *
 * Written by penpilot {penpilot}: `penpilot firmware header`. Do not edit it; write it anew.
 */
"""

_DECLARED = """\
#ifndef PENLINK_VECTORS_H
#define PENLINK_VECTORS_H

#include "penlink.h"

/* The pen of all frames has this serial number. */
#define PENLINK_VECTOR_SERIAL_NUMBER {serial_number}u

/* Where a block begins in its frame, in bytes. */
{in_frame}
struct penlink_check_vector {{
    const uint8_t *data;
    size_t size;
    uint16_t crc16;
    uint32_t crc32;
}};

struct penlink_frame_vector {{
    const char *name;
    const uint8_t *frame;
    size_t size;
}};

{blocks}
/* Checksums alone. */
extern const struct penlink_check_vector penlink_check_vectors[];
extern const size_t penlink_check_vector_count;

/* All worked frames, with a right CRC-16. */
extern const struct penlink_frame_vector penlink_frame_vectors[];
extern const size_t penlink_frame_vector_count;

/* The same in native frames, delimiters included: docs/protocol.md 10. */
extern const struct penlink_frame_vector penlink_native_vectors[];
extern const size_t penlink_native_vector_count;

/* Each of these stops the pen in any state: docs/protocol.md 6. */
extern const struct penlink_frame_vector penlink_stop_vectors[];
extern const size_t penlink_stop_vector_count;

/* Orders with a right CRC-16 and a wrong CRC-32: the pen takes none of them. */
extern const struct penlink_frame_vector penlink_refused_vectors[];
extern const size_t penlink_refused_vector_count;

#endif
"""

_DECLARED_BLOCK = """\
struct penlink_{name}_vector {{
    const char *name;
    const uint8_t *frame;
    size_t size;
    struct penlink_{name} fields;
}};

extern const struct penlink_{name}_vector penlink_{name}_vectors[];
extern const size_t penlink_{name}_vector_count;
"""


def declarations(penpilot: str) -> str:
    """Return the text of ``penlink_vectors.h``."""
    rows = (f"#define PENLINK_{name.upper()}_IN_FRAME {at}u\n" for name, at in IN_FRAME.items())
    return _HEAD.format(name="penlink_vectors.h", penpilot=penpilot) + _DECLARED.format(
        serial_number=SERIAL_NUMBER,
        in_frame="".join(rows),
        blocks="\n".join(_DECLARED_BLOCK.format(name=block.name) for block in SHOWN),
    )


def definitions(penpilot: str) -> str:
    """Return the text of ``penlink_vectors.c``."""
    head = _HEAD.format(name="penlink_vectors.c", penpilot=penpilot)
    parts = [head + '#include "penlink_vectors.h"\n', _checks(), _frames("frame", examples())]
    for block in SHOWN:
        rows = [
            f'{{"{one.name}", {_array("frame", number)}, {len(one.frame)}, {_values(one, block)}}}'
            for number, one in enumerate(examples())
            if one.block is block
        ]
        parts.append(_table(block.name, rows))
    parts += [
        _frames("native", native_examples()),
        _frames("stop", stops()),
        _frames("refused", refused()),
    ]
    return "\n".join(parts)


def _checks() -> str:
    arrays = (_bytes(_array("check", number), data) for number, data in enumerate(CHECKED))
    rows = [
        f"{{{_array('check', number)}, {len(data)}, "
        f"0x{_crc16(data):04X}u, 0x{zlib.crc32(data):08X}u}}"
        for number, data in enumerate(CHECKED)
    ]
    return "".join(arrays) + "\n" + _table("check", rows)


def _crc16(data: bytes) -> int:
    """Return the CRC-16 as a number."""
    return int.from_bytes(crc_of(data), "little")


def _frames(kind: str, found: Iterable[Example]) -> str:
    listed = list(enumerate(found))
    arrays = (_bytes(_array(kind, number), one.frame) for number, one in listed)
    rows = [f'{{"{one.name}", {_array(kind, n)}, {len(one.frame)}}}' for n, one in listed]
    return "".join(arrays) + "\n" + _table(kind, rows)


def _array(kind: str, number: int) -> str:
    return f"{kind}_{number}"


def _bytes(name: str, data: bytes) -> str:
    """Return an array; C knows no empty one, so an empty text has a byte that is not used."""
    numbers = [f"0x{byte:02X}" for byte in data or b"\x00"]
    lines = (
        ", ".join(numbers[start : start + _BYTES_A_LINE])
        for start in range(0, len(numbers), _BYTES_A_LINE)
    )
    return f"static const uint8_t {name}[] = {{\n    " + ",\n    ".join(lines) + "};\n"


def _table(kind: str, rows: list[str]) -> str:
    listed = "".join(f"    {row},\n" for row in rows)
    vector = f"penlink_{_struct_of(kind)}_vector"
    return (
        f"const struct {vector} penlink_{kind}_vectors[] = {{\n{listed}}};\n"
        f"const size_t penlink_{kind}_vector_count = {len(rows)};\n"
    )


def _struct_of(kind: str) -> str:
    return "frame" if kind in {"native", "stop", "refused"} else kind


def _values(one: Example, block: Block) -> str:
    """Return the values of a block in the order of its structure in C."""
    registers = struct.unpack(f">{block.words}H", block_of(one))
    values = unpack(block, registers, 0 if block.name == "identity" else SERIAL_NUMBER)
    if isinstance(values, Defect):
        raise TypeError(f"{one.name}: {values.value}")
    return f"{{{', '.join(map(str, values.values()))}}}"
