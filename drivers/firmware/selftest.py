"""Writes ``penlink_selftest.c``: a program that holds ``penlink.h`` against every vector.

It runs on the machine that builds the firmware, or in the firmware itself under another name than
``main``. It says what differs, and returns how much: 0 if nothing does.
"""

from __future__ import annotations

from drivers.firmware.examples import SHOWN
from drivers.registers import IDENTITY, Block

_PROGRAM = """\
/* penlink_selftest.c: holds penlink.h against every vector; returns 0 if all fit.
 *
 * Written by penpilot {penpilot}: `penpilot firmware header`. Do not edit it; write it anew.
 * cc -std=c99 -o penlink_selftest penlink_selftest.c penlink_vectors.c && ./penlink_selftest
 */
#include <stdio.h>
#include <string.h>

#include "penlink_vectors.h"

static unsigned checks;
static unsigned failures;

static void check(int holds, const char *subject, const char *name)
{{
    checks++;
    if (!holds) {{
        failures++;
        printf("FAILED %s: %s\\n", subject, name);
    }}
}}

static void check_checksums(void)
{{
    for (size_t i = 0; i < penlink_check_vector_count; i++) {{
        const struct penlink_check_vector *one = &penlink_check_vectors[i];
        const size_t half = one->size / 2u;
        const uint32_t begun = penlink_crc32(0, one->data, half);
        check(penlink_crc16(one->data, one->size) == one->crc16, "CRC-16", "of a text");
        check(penlink_crc32(0, one->data, one->size) == one->crc32, "CRC-32", "of a text");
        check(penlink_crc32(begun, one->data + half, one->size - half) == one->crc32, "CRC-32",
              "of a text in two halves");
    }}
}}

static void check_frames(void)
{{
    for (size_t i = 0; i < penlink_frame_vector_count; i++) {{
        const struct penlink_frame_vector *one = &penlink_frame_vectors[i];
        check(penlink_frame_is_intact(one->frame, one->size), "CRC-16", one->name);
        check(!penlink_frame_is_intact(one->frame, one->size - 1u), "cut frame", one->name);
    }}
}}

static void check_native(void)
{{
    for (size_t i = 0; i < penlink_native_vector_count; i++) {{
        const struct penlink_frame_vector *one = &penlink_native_vectors[i];
        size_t start = 0;
        while (start < one->size && one->frame[start] == PENLINK_NATIVE_STOP_BYTE) {{
            start++;
        }}
        check(start == 0 || start == PENLINK_NATIVE_STOP_BYTES, "stop bytes", one->name);
        check(one->frame[start] == PENLINK_NATIVE_DELIMITER, "first delimiter", one->name);
        check(one->frame[one->size - 1u] == PENLINK_NATIVE_DELIMITER, "last delimiter", one->name);
        check(one->size - start - 2u <= PENLINK_NATIVE_FRAME_BYTES_MAX, "length", one->name);
        for (size_t at = start + 1u; at + 1u < one->size; at++) {{
            const uint8_t byte = one->frame[at];
            check(byte != PENLINK_NATIVE_DELIMITER && byte != PENLINK_NATIVE_STOP_BYTE,
                  "byte inside a native frame", one->name);
        }}
    }}
}}

static void check_refused(void)
{{
    for (size_t i = 0; i < penlink_refused_vector_count; i++) {{
        const struct penlink_frame_vector *one = &penlink_refused_vectors[i];
        const uint8_t *block = one->frame + PENLINK_ORDER_IN_FRAME;
        check(penlink_frame_is_intact(one->frame, one->size), "CRC-16", one->name);
        check(!penlink_order_is_intact(block, PENLINK_VECTOR_SERIAL_NUMBER), "refused", one->name);
    }}
}}

static void check_stops(void)
{{
    for (size_t i = 0; i < penlink_stop_vector_count; i++) {{
        const struct penlink_frame_vector *one = &penlink_stop_vectors[i];
        const int is_exchange = one->frame[1] == PENLINK_FUNCTION_EXCHANGE;
        const size_t command = is_exchange ? PENLINK_ORDER_IN_FRAME + 1u : 5u;
        check(penlink_frame_is_intact(one->frame, one->size), "CRC-16", one->name);
        check(one->frame[command] == PENLINK_COMMAND_STOP, "stop", one->name);
    }}
}}

{blocks}
static void check_limits(void)
{{
    for (size_t i = 0; i < penlink_identity_vector_count; i++) {{
        const struct penlink_identity_vector *one = &penlink_identity_vectors[i];
        const uint8_t *block = one->frame + PENLINK_IDENTITY_IN_FRAME;
        check(penlink_limits_hash(block) == one->fields.limits_hash, "limits_hash", one->name);
    }}
}}

int main(void)
{{
    check_checksums();
    check_frames();
    check_native();
    check_refused();
    check_stops();
{calls}    check_limits();
    printf("%s: %u checks, %u failed\\n", PENLINK_WRITTEN_BY, checks, failures);
    return failures == 0 ? 0 : 1;
}}
"""

_BLOCK = """\
static void check_{name}(void)
{{
    for (size_t i = 0; i < penlink_{name}_vector_count; i++) {{
        const struct penlink_{name}_vector *one = &penlink_{name}_vectors[i];
        const uint8_t *block = one->frame + PENLINK_{upper}_IN_FRAME;
        struct penlink_{name} found;
        uint8_t built[PENLINK_{upper}_BYTES];
        check(penlink_{name}_is_intact(block{serial_number}), "CRC-32", one->name);
        penlink_{name}_read(block, &found);
{fields}        penlink_{name}_write(&one->fields{serial_number}, built);
        check(memcmp(built, block, sizeof built) == 0, "{name} as written", one->name);
        for (size_t bit = 0; bit < 8u * sizeof built; bit++) {{
            built[bit / 8u] ^= (uint8_t)(1u << bit % 8u);
            check(!penlink_{name}_is_intact(built{serial_number}), "one bit flipped", one->name);
            built[bit / 8u] ^= (uint8_t)(1u << bit % 8u);
        }}
    }}
}}
"""


def selftest(penpilot: str) -> str:
    """Return the text of ``penlink_selftest.c``."""
    return _PROGRAM.format(
        penpilot=penpilot,
        blocks="\n".join(_block(block) for block in SHOWN),
        calls="".join(f"    check_{block.name}();\n" for block in SHOWN),
    )


def _block(block: Block) -> str:
    fields = "".join(
        f"        check(found.{field.name} == one->fields.{field.name}, "
        f'"{block.name}.{field.name}", one->name);\n'
        for field in block.fields
    )
    return _BLOCK.format(
        name=block.name,
        upper=block.name.upper(),
        serial_number="" if block is IDENTITY else ", PENLINK_VECTOR_SERIAL_NUMBER",
        fields=fields,
    )
