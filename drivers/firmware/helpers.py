"""The part of ``penlink.h`` that no register map can give: checksums, and bytes to numbers, in C.

C99 without tables, memory or state: a block of 40 bytes costs 320 steps of a shift, which any
microcontroller does between two bytes of the line.
"""

from __future__ import annotations

CHECKSUMS = """\
/* CRC-16 of Modbus over all bytes of a frame before it; sent with its low byte first.
 * docs/protocol.md 1 */
static inline uint16_t penlink_crc16(const uint8_t *data, size_t size)
{
    uint16_t rest = 0xFFFFu;
    for (size_t i = 0; i < size; i++) {
        rest = (uint16_t)(rest ^ data[i]);
        for (int bit = 0; bit < 8; bit++) {
            rest = (uint16_t)((rest & 1u) ? (rest >> 1) ^ 0xA001u : rest >> 1);
        }
    }
    return rest;
}

/* Whether a whole frame ends in its CRC-16. */
static inline int penlink_frame_is_intact(const uint8_t *frame, size_t size)
{
    uint16_t sent;
    if (size < 4u) {
        return 0;
    }
    sent = (uint16_t)(frame[size - 2u] | (uint16_t)(frame[size - 1u] << 8));
    return penlink_crc16(frame, size - 2u) == sent;
}

/* CRC-32 of zlib. Begin with before = 0; to go on, give the value of the bytes before.
 * docs/protocol.md 5 */
static inline uint32_t penlink_crc32(uint32_t before, const uint8_t *data, size_t size)
{
    uint32_t rest = before ^ 0xFFFFFFFFu;
    for (size_t i = 0; i < size; i++) {
        rest ^= data[i];
        for (int bit = 0; bit < 8; bit++) {
            rest = (rest & 1u) ? (rest >> 1) ^ 0xEDB88320u : rest >> 1;
        }
    }
    return rest ^ 0xFFFFFFFFu;
}
"""

NUMBERS = """\
/* Numbers as they travel: most significant byte first. docs/protocol.md 1 */
static inline uint16_t penlink_get_u16(const uint8_t *at)
{
    return (uint16_t)((unsigned)at[0] << 8 | at[1]);
}

static inline int16_t penlink_get_i16(const uint8_t *at)
{
    const int32_t value = penlink_get_u16(at);
    return (int16_t)(value < 0x8000 ? value : value - 0x10000);
}

static inline uint32_t penlink_get_u32(const uint8_t *at)
{
    return (uint32_t)penlink_get_u16(at) << 16 | penlink_get_u16(at + 2);
}

static inline void penlink_put_u16(uint8_t *at, uint16_t value)
{
    at[0] = (uint8_t)(value >> 8);
    at[1] = (uint8_t)(value & 0xFFu);
}

static inline void penlink_put_u32(uint8_t *at, uint32_t value)
{
    penlink_put_u16(at, (uint16_t)(value >> 16));
    penlink_put_u16(at + 2, (uint16_t)(value & 0xFFFFu));
}
"""

BLOCK_CRC32 = """\
/* CRC-32 of a block with what lies under it and is never sent. `size` counts the bytes of the
 * block without its CRC-32. The identity uses serial number 0. docs/protocol.md 5 */
static inline uint32_t penlink_block_crc32(
    uint32_t serial_number, uint8_t direction, uint16_t address, const uint8_t *block, size_t size)
{
    static const uint8_t data_id[] = {%(data_id)s};
    uint8_t under[7];
    penlink_put_u32(under, serial_number);
    under[4] = direction;
    penlink_put_u16(under + 5, address);
    return penlink_crc32(
        penlink_crc32(penlink_crc32(0, data_id, sizeof data_id), under, sizeof under), block, size);
}

/* `limits_hash` of an identity block. docs/protocol.md 2 */
static inline uint16_t penlink_limits_hash(const uint8_t *identity)
{
    const uint8_t *limits = identity + PENLINK_LIMITS_OFFSET;
    return (uint16_t)(penlink_crc32(0, limits, PENLINK_LIMITS_BYTES) & 0xFFFFu);
}
"""
