"""The C sources for the pen's firmware: made from the map, equal to the page, and they compile."""

from __future__ import annotations

import re
import shutil
import subprocess
import tomllib
from enum import EnumType
from pathlib import Path

import pytest

from drivers import registers
from drivers.firmware.constants import ENUMERATIONS, GROUPS, RULES
from drivers.firmware.examples import SERIAL_NUMBER, examples, native_examples, refused, stops
from drivers.firmware.sources import sources
from drivers.registers import Block
from simulator.codec import ORDER_CODEC, crc16
from simulator.frames import FrameReader, read_request
from simulator.parameters import PenParameters

ROOT = Path(__file__).parents[2]
DATA = ROOT / "tests" / "data"
GOLDEN = tomllib.loads((DATA / "frames.toml").read_text(encoding="utf-8"))
PAGE = (ROOT / "docs" / "protocol.md").read_text(encoding="utf-8")
SOURCES = sources("1.2.3")
COMPILER = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
STRICT = ["-std=c99", "-Wall", "-Wextra", "-Werror", "-pedantic"]
SHOWN_KINDS = {"identity-request", "identity", "order", "status", "stop-06", "exception"}
"""What section 8 of the page shows; sections 10 and 11 have frames of their own."""

needs_compiler = pytest.mark.skipif(COMPILER is None, reason="there is no C compiler here")


def built(folder: Path, texts: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Write the sources, compile them strictly, and run the self-test."""
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8")
    program = folder / "penlink_selftest"
    files = [str(folder / name) for name in texts if name.endswith(".c")]
    subprocess.run([COMPILER or "", *STRICT, "-o", str(program), *files], check=True)
    return subprocess.run([str(program)], capture_output=True, text=True, check=False)


def test_examples_are_the_golden_frames() -> None:
    """What the encoders make of the worked values is what was typed from the page."""
    golden = {
        entry["name"]: bytes.fromhex(entry["hex"])
        for entry in GOLDEN["frame"]
        if entry["kind"] in SHOWN_KINDS
    }

    assert golden == {example.name: example.frame for example in examples()}
    assert GOLDEN["pen"]["serial_number"] == SERIAL_NUMBER


def test_native_examples_are_the_golden_native_frames() -> None:
    """The same values in native frames are what was typed from section 10 of the page."""
    typed = tomllib.loads((DATA / "native_frames.toml").read_text(encoding="utf-8"))["frame"]
    golden = {entry["name"]: bytes.fromhex(entry["hex"]) for entry in typed}
    made = {example.name: example.frame for example in native_examples()}

    assert made == {name: golden[name] for name in made}
    assert len(made) >= 11


def test_examples_stand_in_section_8_of_the_page() -> None:
    """The worked frames of the page hold the same bytes, whatever marks stand between them."""
    section = PAGE[PAGE.index("## 8. ") : PAGE.index("## 9. ")]
    digits = "".join(re.findall(r"\b[0-9A-F]{2}\b", section.replace("\n", " ")))

    assert [] == [one.name for one in examples() if one.frame.hex().upper() not in digits]


@pytest.mark.req("SR-013")
def test_stop_vectors_are_stops_for_the_pen_too() -> None:
    """The simulated pen, which shares no code with them, reads STOP in each and nothing else."""
    for example in stops():
        (frame,) = FrameReader().feed(example.frame, 0)

        assert read_request(frame).is_stop, example.name


@pytest.mark.req("SR-019")
def test_refused_vectors_have_a_right_crc16_and_a_wrong_crc32() -> None:
    """The pen's own checksums say the same of them."""
    for example in refused():
        (frame,) = FrameReader().feed(example.frame, 0)

        assert 0 == crc16(example.frame)
        assert not ORDER_CODEC.is_intact(read_request(frame).order, SERIAL_NUMBER), example.name


def test_header_names_every_field_where_the_map_has_it() -> None:
    """Offset and size in bytes of each field, and address, size and direction of each block."""
    defined = dict(re.findall(r"#define PENLINK_(\w+) +(\S+)", SOURCES["penlink.h"]))
    blocks = [one for one in vars(registers).values() if isinstance(one, Block)]
    assert 5 <= len(blocks)
    for block in blocks:
        upper = block.name.upper().replace(" ", "_")

        assert block.address == int(defined[f"{upper}_ADDRESS"].rstrip("u"), 16)
        assert f"{block.words}u" == defined[f"{upper}_WORDS"]
        assert block.direction[0] == int(defined[f"{upper}_DIRECTION"].rstrip("u"), 16)
        for field in block.fields:
            name = f"{upper}_{field.name.upper()}"
            offset = 2 * field.offset + (1 if field.part == "low" else 0)
            size = 1 if field.part in {"high", "low"} else 2 * field.words

            assert f"{offset}u" == defined[f"{name}_OFFSET"]
            assert f"{size}u" == defined[f"{name}_BYTES"]


def test_header_knows_every_enumeration_and_constant_of_the_map() -> None:
    """A new member or number in the register map cannot be forgotten here."""
    header = SOURCES["penlink.h"]
    known = vars(registers).items()
    numbers = {name for name, value in known if type(value) is int}
    kinds = {one for _, one in known if isinstance(one, EnumType) and len(one)}

    assert kinds == {kind for kind, _ in ENUMERATIONS.values()}
    for name, (kind, _) in ENUMERATIONS.items():
        for member in kind:
            assert f"PENLINK_{name.upper()}_{member.name} = 0x{member.value:02X}" in header
    in_c = {constant.name for constants in GROUPS.values() for constant in constants}
    renamed = {"PROTOCOL_VERSION": "VERSION", "IDENTITY_MAGIC": "MAGIC"}
    assert set() == {renamed.get(name, name) for name in numbers} - in_c


def test_rules_of_the_header_are_those_of_the_simulated_pen() -> None:
    """Numbers that only a pen needs are those that the simulated one keeps, and the page has."""
    pen = PenParameters().firmware
    rules = {constant.name: int(constant.value.rstrip("u")) for constant in RULES}

    assert pen.lease_ms == rules["LEASE_MS"]
    assert pen.settle_um == rules["SETTLED_UM"]
    assert pen.settle_ms == rules["SETTLED_MS"]
    assert pen.over_depth_samples == rules["OVER_DEPTH_SAMPLES"]
    told = {int(number.replace(",", "")) for number in re.findall(r"\d[\d,]*\d|\d", PAGE)}
    seconds = {"TOKEN_IDLE_MS": 1, "READY_TIMEOUT_MS": 30}
    assert {} == {n: v for n, v in rules.items() if v not in told and seconds.get(n) not in told}


def test_sources_are_the_same_each_time_but_for_the_version() -> None:
    """Equal versions give equal bytes, and the version stands in every file."""
    assert SOURCES == sources("1.2.3")
    assert all("penpilot 1.2.3" in text for text in SOURCES.values())
    assert all(text.isascii() and text.endswith("\n") for text in SOURCES.values())
    assert sources("9") == {
        n: t.replace("penpilot 1.2.3", "penpilot 9") for n, t in SOURCES.items()
    }


@needs_compiler
@pytest.mark.req("SR-016")
def test_selftest_compiles_without_a_warning_and_passes(tmp_path: Path) -> None:
    """Every vector fits the header, as a C compiler understands it."""
    result = built(tmp_path, SOURCES)

    assert 0 == result.returncode, result.stdout
    assert re.fullmatch(r"penpilot 1\.2\.3: [1-9]\d{3} checks, 0 failed\n", result.stdout)


@needs_compiler
@pytest.mark.parametrize(
    ("name", "right", "wrong", "subject"),
    [
        ("penlink_vectors.c", "0x5D, 0xD6}", "0x5D, 0xD7}", "CRC-16: identity"),
        ("penlink_vectors.c", "0x9D, 0x1E, 0x6D", "0x9D, 0x1E, 0x6E", "CRC-32: start"),
        ("penlink_vectors.c", "258, 90000, 750, 1000", "258, 90000, 800, 1000", "order.depth_um"),
        ("penlink_vectors.c", "0x4B37u", "0x4B38u", "CRC-16: of a text"),
        ("penlink_vectors.c", "0xCBF43926u", "0xCBF43927u", "CRC-32: of a text"),
        (
            "penlink_vectors.c",
            "0x12, 0x34, 0xAB, 0xCD, 0x02, 0x02",
            "0x12, 0xE5, 0xAB, 0xCD, 0x02, 0x02",
            "byte",
        ),
        ("penlink.h", "0xA001u", "0x8408u", "CRC-16"),
        ("penlink.h", "{0x50, 0x45", "{0x50, 0x46", "CRC-32: poll"),
        ("penlink.h", "value - 0x10000", "value - 0xFFFF", "status.current_ma"),
        ("penlink.h", "ORDER_DIRECTION           0x57u", "ORDER_DIRECTION  0x52u", "CRC-32: stop"),
    ],
)
def test_selftest_fails_on_a_planted_error(
    tmp_path: Path, name: str, right: str, wrong: str, subject: str
) -> None:
    """One wrong byte, field, check value or rule, in vectors or header, is found and named."""
    assert right in SOURCES[name]
    result = built(tmp_path, SOURCES | {name: SOURCES[name].replace(right, wrong)})

    assert 1 == result.returncode
    assert f"FAILED {subject}" in result.stdout
