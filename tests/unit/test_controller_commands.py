"""The commands: shapes of their JSON, one line for every error, and a STOP that finds its way."""

from __future__ import annotations

import fcntl
import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from controller.cli import penpilot
from controller.commands.stop import shows_rest
from controller.config import Home
from controller.errors import ExitCode, PlanError
from controller.ipc import ControlServer
from controller.running import Running, announce
from drivers.discovery import PortInfo
from hil.programs import simulated_pen
from safety.facts import Intent, IntentKind

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples" / "plans" / "face.toml"
GRANT = {"asked", "granted", "within_limits", "tier", "binding", "reasons", "note", "text"}
LIMIT = {"layer", "low", "high", "confirm_above", "source"}

pytestmark = pytest.mark.usefixtures("penpilot_home")


def run(*arguments: object) -> tuple[int, str, str]:
    """Return exit code, standard output and standard error of the command."""
    result = CliRunner().invoke(penpilot, [str(one) for one in arguments])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, result.stdout, result.stderr


def run_json(*arguments: object) -> tuple[int, Any]:
    """Return exit code and the one JSON document of the command."""
    code, out, err = run(*arguments, "--json")
    assert ("", 1) == (err, out.count("\n"))
    return code, json.loads(out)


def write_plan(folder: Path, text: str = "", **changes: object) -> Path:
    """Write the plan of one area with some fields changed, or any text."""
    fields: dict[str, object] = {"area": '"cheek"', "depth_um": 500, "speed_dhz": 1_000}
    fields |= {"passes": 2, "patch_mm2": 400} | changes
    rows = "".join(f"{name} = {value}\n" for name, value in fields.items())
    path = folder / "plan.toml"
    head = 'format = 1\nname = "Plan"\nindication = "acne_scars"\n[patient]\nmodifiers = []\n'
    path.write_text(text or f"{head}[[area]]\n{rows}")
    return path


@pytest.mark.req("SR-001")
def test_plan_check_tells_what_is_granted_and_what_binds(tmp_path: Path) -> None:
    """The document has the names of docs/cli.md; a plan within all limits ends with code 0."""
    code, told = run_json("plan", "check", EXAMPLE)

    names = {"plan", "plan_hash", "pen", "profile", "patient", "granted", "areas", "exit_code"}
    assert names == set(told)
    assert ({"jurisdiction": "us", "version": 1}, []) == (told["profile"], told["patient"])
    assert (0, 0, True, None) == (code, told["exit_code"], told["granted"], told["pen"])
    assert ["forehead", "periorbital", "cheek"] == [area["area"] for area in told["areas"]]
    names = {"area", "granted", "patch_mm2", "strokes_per_pass", "pass_ms", "punctures_per_cm2"}
    names |= {"indication", "reason", "tier", "strokes_max", "guard_band_um", "dose"}
    for area in told["areas"]:
        assert names | {"depth_limit", "depth_um", "speed_dhz", "passes"} == set(area)
        assert ("recommended", 60, None) == tuple(
            area[name] for name in ("tier", "guard_band_um", "dose")
        )
        assert LIMIT == set(area["depth_limit"])
        assert all(GRANT == set(area[name]) for name in ("depth_um", "speed_dhz", "passes"))

    code, told = run_json("plan", "check", write_plan(tmp_path, depth_um=1_501))
    assert (ExitCode.REFUSED, 3, False) == (code, told["exit_code"], told["granted"])
    assert "acne_scars indication" == told["areas"][0]["depth_um"]["binding"]["source"]
    sources = [one["source"] for one in told["areas"][0]["depth_um"]["reasons"]]
    assert "cheek limit" in sources


def test_plan_check_says_in_words_why_a_plan_is_refused(tmp_path: Path) -> None:
    """The table is followed by a sentence for everything that stands against it."""
    code, out, err = run("plan", "check", write_plan(tmp_path, depth_um=1_501, passes=5))

    assert (ExitCode.REFUSED, "") == (code, err)
    words = " ".join(out.split())
    assert "REFUSED cheek: depth_um: asked 1501, granted 1000: acne_scars indication" in words
    assert "cheek limit (0 to 1500 less 60 of guard band, recommended up to 1000)" in words
    assert "REFUSED cheek: passes: asked 5, granted 4: cheek limit (1 to 4)" in words
    assert "Checked without a pen" in words
    assert "Treats cheek: acne scars of the face, usually 3 sessions, 28 days apart" in words


def test_plan_check_speaks_of_lengths_in_one_unit(tmp_path: Path) -> None:
    """Table and sentences tell protrusion in um, as a plan asks for it; none is in mm."""
    text = run("plan", "check", write_plan(tmp_path, depth_um=1_501))[1]

    assert "needle protrusion in um" in text
    assert "cheek  1501    1000 refused" in text
    assert re.search(r"1000 indication\b", text)
    assert not re.search(r"\d mm\b(?!/s)|\b[01]\.\d\d\b", text)


@pytest.mark.req("SR-001")
def test_plan_check_says_that_a_reason_was_named(tmp_path: Path) -> None:
    """Beyond the recommended range the tier is another, and the reason stands beside it."""
    plan = write_plan(tmp_path, depth_um=1_200, reason='"deep, old scars"')
    code, told = run_json("plan", "check", plan)
    assert (0, "confirmed") == (code, told["areas"][0]["tier"])

    words = " ".join(run("plan", "check", plan)[1].split())
    assert "beyond the recommended range because: deep, old scars" in words
    assert "confirmed" in words


@pytest.mark.req("SR-001")
def test_plan_check_says_that_the_patient_is_unknown(tmp_path: Path) -> None:
    """Silence about the patient refuses the plan and tells what to add; modifiers are named."""
    plan = write_plan(tmp_path)
    said = plan.read_text()
    plan.write_text(said.replace("[patient]\nmodifiers = []\n", ""))
    code, told = run_json("plan", "check", plan)
    assert (ExitCode.REFUSED, None) == (code, told["patient"])
    assert "add [patient] with modifiers = []" in " ".join(run("plan", "check", plan)[1].split())

    plan.write_text(said.replace("[]", '["pigment_history"]').replace("500", "800"))
    code, told = run_json("plan", "check", plan)
    assert (ExitCode.REFUSED, ["pigment_history"]) == (code, told["patient"])
    assert "patient" == told["areas"][0]["depth_um"]["binding"]["layer"]
    assert "melasma, or dark marks" in " ".join(run("plan", "check", plan)[1].split())


@pytest.mark.req("SR-017")
@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("\x00", "must be TOML"),
        ("format = 1\n", "area"),
        ('format = 1\n"a\\nb" = 1\n', r"'a\nb'"),
        ('format = 1\n"\\u001b[2J" = "\\u001b[31m"\n', "must be one of"),
    ],
)
def test_bad_plan_is_one_line_for_people_and_one_object_for_scripts(
    tmp_path: Path, text: str, says: str
) -> None:
    """Whatever the file holds, the line is one, printable, and ends with exit code 2."""
    path = write_plan(tmp_path, text)
    for command in (["plan", "check", path], ["treat", path, "--port", "/dev/pts/x", "--yes"]):
        code, out, err = run(*command)
        assert (ExitCode.INPUT, "", 1) == (code, out, err.count("\n"))
        assert err.startswith("penpilot: ")
        assert says in err
        assert err.rstrip("\n").isprintable()
        code, told = run_json(*command)
        assert (ExitCode.INPUT, {"error", "exit_code"}, 2) == (code, set(told), told["exit_code"])
        assert f"penpilot: {told['error']}\n" == err


def test_plan_that_is_missing_a_folder_or_a_pipe_is_bad_input(tmp_path: Path) -> None:
    """None of them is read, and none keeps the command waiting."""
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    for path in (tmp_path / "none", tmp_path, fifo, Path("/dev/zero")):
        code, _, err = run("plan", "check", path)
        assert (ExitCode.INPUT, 1) == (code, err.count("\n"))


def test_ports_are_a_list_with_the_names_of_the_page(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every port has eight names, unknown ones null; without ports the list is empty."""
    usb = PortInfo("/dev/ttyACM0", "/dev/serial/by-id/usb-pen", "Pen", 0x1209, 1, "42")
    plain = PortInfo("/dev/ttyS0", "/dev/ttyS0", "", None, None, None)
    monkeypatch.setattr("drivers.discovery.list_ports", lambda: (usb, plain))
    names = {"device", "stable_name", "description", "vid", "pid", "serial_number"}
    names |= {"choice", "session"}
    code, told = run_json("ports")

    assert (0, [names, names]) == (code, [set(port) for port in told])
    assert told[1]["vid"] is None
    assert run("ports")[1].splitlines()[0] == "/dev/serial/by-id/usb-pen  usb:1209:0001:42  Pen"
    monkeypatch.setattr("drivers.discovery.list_ports", lambda: ())
    assert (0, []) == run_json("ports")
    assert "No serial port found" in run("ports")[1]


def test_doctor_has_a_remedy_for_whatever_is_wrong() -> None:
    """Findings have four names; what is not well comes with what to do, and decides the code."""
    code, told = run_json("doctor")

    assert {"findings", "exit_code"} == set(told)
    for finding in told["findings"]:
        assert {"check", "status", "text", "remedy"} == set(finding)
        assert finding["status"] in {"ok", "warning", "problem"}
        assert (finding["status"] == "ok") == (finding["remedy"] == "")
    is_well = all(finding["status"] != "problem" for finding in told["findings"])
    assert code == told["exit_code"] == (0 if is_well else 2)
    checks = {finding["check"] for finding in told["findings"]}
    assert {"python", "packages", "data folder", "disk", "record"} <= checks


def test_doctor_finds_a_data_folder_that_is_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file where the folder should be is a problem, told in one line with its remedy."""
    (tmp_path / "file").touch()
    monkeypatch.setenv("PENPILOT_HOME", str(tmp_path / "file"))
    code, told = run_json("doctor")

    (finding,) = (one for one in told["findings"] if one["check"] == "data folder")
    assert (ExitCode.INPUT, "problem") == (code, finding["status"])
    assert "PENPILOT_HOME" in finding["text"]


@pytest.mark.req("SR-017")
@pytest.mark.parametrize(
    ("command", "code"),
    [
        (["identify", "--port", "/dev/pts/none"], ExitCode.LINK),
        (["identify", "--port", "/dev/null"], ExitCode.LINK),
        (["identify", "--port", "nonsense://x"], ExitCode.LINK),
        (["plan", "check", EXAMPLE, "--port", "/dev/pts/none"], ExitCode.LINK),
        (["stop", "--port", "/dev/pts/none"], ExitCode.LINK),
        (["stop"], ExitCode.INPUT),
        (["records", "verify"], ExitCode.INPUT),
        (["records", "show", "x"], ExitCode.INPUT),
        (["records", "close", "x", "--reason", "y"], ExitCode.INPUT),
        (["treat", EXAMPLE, "--port", "/dev/pts/none"], ExitCode.INPUT),
    ],
    ids=lambda value: " ".join(str(v) for v in value)[:40] if isinstance(value, list) else "",
)
def test_what_cannot_be_done_is_one_line_and_a_documented_code(
    command: list[object], code: ExitCode
) -> None:
    """No port, no record, no session and no terminal: one line each, for people and for scripts."""
    found, out, err = run(*command)
    assert (code, "", 1) == (found, out, err.count("\n"))
    assert err.startswith("penpilot: ")

    found, told = run_json(*command)
    assert (code, code, {"error", "exit_code"}) == (found, told["exit_code"], set(told))


PEN_AT_REST = {"state": "SAFE", "is_driven": False, "speed_dhz": 0}


@pytest.mark.req("SR-017")
@pytest.mark.slow
def test_port_that_another_program_holds_is_taken(tmp_path: Path) -> None:
    """A busy port is a matter of the link, code 4 as in docs/cli.md, whichever command finds it."""
    with simulated_pen(tmp_path, seed=1) as pen, open(pen.url, "rb+", buffering=0) as other:  # noqa: PTH123
        fcntl.flock(other, fcntl.LOCK_EX)
        for command in (
            ["identify"],
            ["reset"],
            ["stop"],
            ["plan", "check", EXAMPLE],
            ["treat", EXAMPLE, "--yes"],
        ):
            code, told = run_json(*command, "--port", pen.url)
            assert (ExitCode.LINK, 4) == (code, told["exit_code"]), command
            assert "held by another program" in told["error"]


@pytest.mark.req("SR-013", "SR-025")
@pytest.mark.parametrize(
    ("frame", "is_rest"),
    [
        ({"type": "scan", "state": "IDLE", "pen": PEN_AT_REST}, True),
        ({"type": "scan", "state": "FAULT", "pen": PEN_AT_REST | {"state": "FAULT"}}, True),
        ({"type": "scan", "state": "FAULT", "pen": PEN_AT_REST | {"is_driven": True}}, False),
        ({"type": "scan", "state": "FAULT", "pen": PEN_AT_REST | {"state": "RUN"}}, False),
        ({"type": "scan", "state": "IDLE", "pen": PEN_AT_REST | {"speed_dhz": None}}, False),
        ({"type": "scan", "state": "IDLE", "pen": PEN_AT_REST | {"speed_dhz": 1}}, False),
        ({"type": "scan", "state": "IDLE", "pen": None}, False),
        ({"type": "scan", "state": "OFFLINE", "pen": None}, False),
        ({"type": "scan", "state": "PLANNED", "pen": PEN_AT_REST}, False),
        ({"type": "closed", "outcome": "stopped"}, True),
        ({"type": "closed", "outcome": "interrupted"}, False),
    ],
)
def test_stop_is_confirmed_only_by_a_pen_that_was_measured_at_rest(
    frame: dict[str, Any], is_rest: bool
) -> None:
    """Where the session stands is not enough, and a lost pen is no stopped pen."""
    assert is_rest is shows_rest(frame)


@pytest.fixture
def session(penpilot_home: Path) -> Iterator[tuple[ControlServer, list[Intent]]]:
    """A control process that listens, is announced, and notes what is wanted of it."""
    intents: list[Intent] = []

    def take(intent: Intent) -> None:
        intents.append(intent)
        server.publish({"type": "scan", "state": "IDLE", "pen": PEN_AT_REST})

    server = ControlServer("t", take, lambda _is_there: None)
    server.start()
    host, port = server.address
    home = Home(penpilot_home).create()
    announce(home, Running("s-1", os.getpid(), "/dev/pts/77", "/dev/pts/77", host, port))
    yield server, intents
    server.close({"type": "closed", "outcome": "stopped"}, 10)


@pytest.mark.req("SR-005", "SR-013", "HZ-53")
@pytest.mark.parametrize("arguments", [[], ["--port", "/dev/pts/77"]])
def test_stop_goes_through_the_running_session(
    session: tuple[ControlServer, list[Intent]], arguments: list[str]
) -> None:
    """With or without a port the session that holds it is told, and confirms."""
    code, told = run_json("stop", *arguments)

    assert [Intent(IntentKind.STOP, "command")] == session[1]
    assert {"way", "session", "port", "confirmed", "state", "ms"} == set(told)
    wanted = (0, "session", "s-1", "/dev/pts/77", True, "IDLE")
    assert wanted == (code, *(told[n] for n in ("way", "session", "port", "confirmed", "state")))


@pytest.mark.slow
def test_identify_and_plan_check_ask_a_real_port(tmp_path: Path) -> None:
    """Over a pseudo-terminal the names of docs/cli.md are there, and the pen's limits bind."""
    with simulated_pen(tmp_path, seed=1) as pen:
        code, told = run_json("identify", "--port", pen.url)
        text = run("identify", "--port", pen.url)[1]
        checked_code, checked = run_json(
            "plan", "check", write_plan(tmp_path, depth_um=30), "--port", pen.url
        )

    names = "port serial_number firmware model capabilities depth_um_max depth_step_um strokes "
    names += "speed_dhz_min speed_dhz_max lease_ms depth_tolerance_um needles stop_ms_max epoch "
    names += "cartridge_depth_um_max cartridge_uid limits_hash state fault"
    assert (0, set(names.split())) == (code, set(told))
    assert (42, "NONE") == (told["serial_number"], told["fault"])
    assert told["state"] in {"BOOT", "SAFE"}
    assert "simulated" in told["capabilities"]
    assert "Pen 42  SIMULATED" in text
    assert (ExitCode.REFUSED, 42, 0) == (
        checked_code,
        checked["pen"],
        checked["areas"][0]["depth_um"]["granted"],
    )


def test_error_text_is_that_of_the_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is added to, or taken from, what an error says of itself."""

    def refuse(_path: Path) -> None:
        raise PlanError("name", "x", "must be y")

    monkeypatch.setattr("controller.commands.plan.read_plan", refuse)

    assert (2, "", "penpilot: name = 'x': must be y\n") == run("plan", "check", "x")
