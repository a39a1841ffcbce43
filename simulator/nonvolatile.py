"""What the pen remembers without power: strokes, boot epoch, technician fault, pairing key.

The file of the program ``--memory`` stands for the pen's FRAM. It is replaced as a whole, so that
an interrupted write leaves the older copy. It decides nothing about what the values mean.
"""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from zlib import crc32

from drivers.registers import Fault

_KIND = "penpilot simulated pen memory"


@dataclass(slots=True)
class Memory:
    """The non-volatile values.

    Args:
        strokes: Since the pen was made, modulo 2^32.
        epoch: Number of the last boot, modulo 65,536.
        fault: Latched technician fault, 0 for none.
        key: Pairing key in hexadecimal, empty for none.
    """

    strokes: int = 0
    epoch: int = 0
    fault: int = 0
    key: str = ""


class NotAMemoryFileError(ValueError):
    """The file exists and is something else; it must not be overwritten."""


def load_memory(path: Path) -> Memory:
    """Read the memory of a pen; a missing file is a pen fresh from the factory.

    A memory that fails its own check comes up with the fault *memory*, as a pen would.

    Raises:
        NotAMemoryFileError: If the file is no memory of a pen.
        OSError: If it cannot be read.
    """
    if not path.exists():
        return Memory()
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise NotAMemoryFileError(str(path)) from error
    if not isinstance(record, dict) or record.get("kind") != _KIND:
        raise NotAMemoryFileError(str(path))
    values = record.get("values")
    if not isinstance(values, dict) or record.get("check") != _check(values):
        return Memory(fault=int(Fault.MEMORY))
    return Memory(**values)


def save_memory(path: Path, memory: Memory) -> None:
    """Replace the file.

    Raises:
        OSError: If it cannot be written.
    """
    values = asdict(memory)
    record = {"kind": _KIND, "values": values, "check": _check(values)}
    fresh = path.with_name(f".{path.name}.{os.getpid()}.new")
    fresh.write_text(json.dumps(record) + "\n", encoding="utf-8")
    fresh.replace(path)


def _check(values: dict[str, int | str]) -> int:
    return crc32(json.dumps(values, sort_keys=True).encode())
