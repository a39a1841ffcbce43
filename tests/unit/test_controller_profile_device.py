"""`penpilot profile check` on descriptions of plain Modbus pens, told apart by what they say."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from controller.cli import penpilot
from controller.errors import ExitCode
from controller.profile_force import shipped
from drivers.plain.profile import COSTS

PENS = Path(__file__).parents[2] / "examples" / "pens"
GENERIC = PENS / "motor-controller.toml"

pytestmark = pytest.mark.usefixtures("penpilot_home")


def check(*arguments: object) -> tuple[int, str, str]:
    """Return exit code, standard output and standard error of ``penpilot profile check``."""
    result = CliRunner().invoke(penpilot, ["profile", "check", *map(str, arguments)])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, result.stdout, result.stderr


def check_json(*arguments: object) -> tuple[int, Any]:
    """Return exit code and the one JSON document."""
    code, out, err = check(*arguments, "--json")
    assert ("", 1) == (err, out.count("\n"))
    return code, json.loads(out)


def test_device_profile_is_explained_register_by_register() -> None:
    """Address, functions, scale and unit of every field, the watchdog, and the limits."""
    code, out, err = check(GENERIC)

    assert (0, "") == (code, err)
    lines = out.splitlines()
    assert "measured.current_ma         0x0012     3      -  signed, x 10 / 1 = mA" in lines
    assert "setpoint.depth_um           0x0020     3     16  x 1 / 1 = um" in lines
    assert any("after 1000 ms, fixed by the maker; read back: the time." in one for one in lines)
    assert any("up to 500 um" in one and "500 to 1000 dHz" in one for one in lines)
    assert f"Missing    serial_number: {COSTS['serial_number']}" in lines
    assert "A pen described so can be driven, supervised." == lines[-1]


def test_device_profile_as_json_has_its_shape() -> None:
    """The same for scripts; the limits are those in force, beside those of the maker."""
    code, told = check_json(GENERIC)

    names = {"kind", "name", "model", "unit_id", "latency_ms", "registers", "watchdog", "limits"}
    assert names | {"can_be_driven", "missing", "exit_code"} == set(told)
    assert (0, 0, "device", True) == (
        code,
        told["exit_code"],
        told["kind"],
        told["can_be_driven"],
    )
    assert {"timeout_ms": 1_000, "is_set": False, "read_back": ["the time"]} == told["watchdog"]
    assert (500, 1_500) == (
        told["limits"]["depth_um_max"],
        told["limits"]["depth_um_max_stated"],
    )
    by_name = {one["name"]: one for one in told["registers"]}
    assert ("read and write", 1, 1) == (
        by_name["setpoint.depth_um"]["access"],
        by_name["setpoint.depth_um"]["numerator"],
        by_name["setpoint.depth_um"]["words"],
    )


@pytest.mark.req("SR-015", "SR-017", "SR-059")
def test_device_without_watchdog_is_refused_for_driving(tmp_path: Path) -> None:
    """The file is right, so it is explained; exit code 3 says that no pen is driven by it."""
    head, _, tail = GENERIC.read_text(encoding="utf-8").partition("[watchdog]")
    file = tmp_path / "pen.toml"
    file.write_text(head + tail[tail.index("[limits]") :])

    code, told = check_json(file)
    _, out, _ = check(file)

    assert (ExitCode.REFUSED, None, False) == (code, told["watchdog"], told["can_be_driven"])
    needed = [one["name"] for one in told["missing"] if one["is_needed"]]
    assert ["watchdog", "watchdog read-back"] == needed
    assert "Watchdog   none: this pen is only read, never driven." in out
    assert out.endswith("can only be read.\n")


@pytest.mark.req("SR-017")
def test_slip_in_a_device_profile_is_told_in_one_line(tmp_path: Path) -> None:
    """Field, value and rule, and exit code 2."""
    file = tmp_path / "pen.toml"
    file.write_text(GENERIC.read_text(encoding="utf-8").replace("needles = 12", "needles = 0"))

    code, out, err = check(file)

    message = "penpilot: cartridge.needles = 0: must be a whole number, 1 to 100\n"
    assert (ExitCode.INPUT, "", message) == (code, out, err)


@pytest.mark.req("SR-028")
def test_limits_of_areas_are_told_apart_by_their_content(tmp_path: Path) -> None:
    """A signed profile is checked as before, and one without its signature is still refused."""
    code, told = check_json(shipped() / "us.toml")
    copy = tmp_path / "simulated.toml"
    copy.write_bytes((shipped() / "us.toml").read_bytes())

    assert (0, "us") == (code, told["jurisdiction"])
    assert ExitCode.INPUT == check(copy)[0]


def test_file_without_signature_is_told_how_a_pen_is_described(tmp_path: Path) -> None:
    """A slip in the line that tells the two kinds of file apart would else be hard to find."""
    file = tmp_path / "pen.toml"
    file.write_text(GENERIC.read_text(encoding="utf-8").replace('kind = "', 'kind = "a-', 1))

    code, _, err = check(file)

    assert ExitCode.INPUT == code
    assert 'a line of the file must say kind = "plain-modbus-pen"' in err
