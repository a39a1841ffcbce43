"""Lines of Acme's imaginary protocol: words and a checksum; knows no order and no port.

::

    REQUEST 9abccafe 17 START 400 1000 6c1f02e4
    word, token of the session, number of the request, verb, arguments, CRC-32 of all before it
    ANSWER 9abccafe 17 3 0 77 ... 0d4c33b1
"""

from __future__ import annotations

import zlib


def sealed(*words: object) -> bytes:
    """Return the words as a line with its checksum."""
    text = " ".join(str(word) for word in words)
    return f"{text} {zlib.crc32(text.encode()):08x}\n".encode()


def opened(line: bytes) -> list[str] | None:
    """Return the words of a line without its checksum, or None if that is wrong."""
    body, _, checksum = line.strip().rpartition(b" ")
    if checksum != f"{zlib.crc32(body):08x}".encode() or not body.isascii():
        return None
    return body.decode().split(" ")
