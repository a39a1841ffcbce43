"""What holds answers back, and who else opens ports: found, named, and with a remedy."""

from __future__ import annotations

from pathlib import Path

import pytest

from controller.commands import doctor
from controller.line_advice import LATENCY_RULE, meddlers, remedy_for
from drivers.latency import LATENCY_MS_MAX, LatencyTimer, latency_timer_of, latency_timers


@pytest.fixture
def devices(tmp_path: Path) -> Path:
    """Three bridges: one at 16 ms, one at 1 ms, one of a make without a timer."""
    for name, text in (("ttyUSB0", "16\n"), ("ttyUSB1", "1\n"), ("ttyUSB2", None)):
        (tmp_path / "devices" / name).mkdir(parents=True)
        if text:
            (tmp_path / "devices" / name / "latency_timer").write_text(text)
    return tmp_path / "devices"


def test_timers_are_read_where_there_are_any(devices: Path) -> None:
    """Bridges without a timer are left out, and a machine without bridges has none."""
    found = latency_timers(devices)

    assert [("ttyUSB0", 16, True), ("ttyUSB1", 1, False)] == [
        (timer.name, timer.latency_ms, timer.is_long) for timer in found
    ]
    assert () == latency_timers(devices / "none")


def test_timer_of_a_port_is_found_through_its_links(devices: Path, tmp_path: Path) -> None:
    """A stable name leads to the bridge behind it; a socket has none."""
    link = tmp_path / "usb-FTDI_AB12"
    link.symlink_to("/dev/ttyUSB0")
    timer = latency_timer_of(str(link), devices)

    assert timer is not None
    assert 16 == timer.latency_ms
    assert latency_timer_of("socket://host:4000", devices) is None


@pytest.mark.parametrize("text", ["", "x", "-1", "256", "²", "1" * 5_000, "\xff"])
def test_timer_that_says_nonsense_is_none(devices: Path, text: str) -> None:
    """Only a whole number of 0 to 255 ms is believed."""
    (devices / "ttyUSB0" / "latency_timer").write_text(text)

    assert latency_timer_of("/dev/ttyUSB0", devices) is None


@pytest.mark.parametrize(("ms", "is_long"), [(0, False), (1, False), (2, False), (3, True)])
def test_timer_is_long_above_2_ms(ms: int, is_long: bool) -> None:
    """The bound belongs to the good side."""
    assert is_long is LatencyTimer("ttyUSB0", Path("x"), ms).is_long
    assert 2 == LATENCY_MS_MAX


def test_remedy_of_a_slow_bridge_is_a_command_and_a_rule(devices: Path) -> None:
    """The text can be copied as it stands; other ports get advice of their own."""
    slow = remedy_for("/dev/ttyUSB0", devices)

    assert f"echo 1 | sudo tee {devices}/ttyUSB0/latency_timer" in slow
    assert LATENCY_RULE in slow
    assert "hub" in remedy_for("/dev/ttyUSB1", devices)
    assert "hub" in remedy_for("socket://h:1", devices)


def test_programs_that_open_foreign_ports_are_named(tmp_path: Path) -> None:
    """A running ModemManager is found by the name of its process, another program is not."""
    for number, name in (("1", "init"), ("77", "ModemManager"), ("x", "brltty")):
        (tmp_path / number).mkdir()
        (tmp_path / number / "comm").write_text(f"{name}\n")

    assert ["ModemManager"] == list(meddlers(tmp_path))
    assert [] == list(meddlers(tmp_path / "none"))


def test_doctor_tells_of_slow_bridges_and_meddlers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each is worth a look with its remedy; a quick bridge is fine."""
    timers = (LatencyTimer("ttyUSB0", Path("t"), 16), LatencyTimer("ttyUSB1", Path("t"), 1))
    monkeypatch.setattr("drivers.latency.latency_timers", lambda: timers)
    monkeypatch.setattr("controller.line_advice.meddlers", lambda: iter(["brltty"]))
    bridges, others = list(doctor._bridges()), list(doctor._meddlers())

    assert ["warning", "ok"] == [finding.status for finding in bridges]
    assert "16 ms" in bridges[0].text
    assert "sudo tee t" in bridges[0].remedy
    assert [("warning", True)] == [(one.status, bool(one.remedy)) for one in others]
    assert {doctor._bridges, doctor._meddlers} <= set(doctor.CHECKS)
