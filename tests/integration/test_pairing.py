"""Pairing with real programs: command line, control process, pty, simulated pen with a button."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from controller.config import Home
from controller.pairing_keys import PenKey, load, save
from hil.programs import SimulatedPen, held_button, simulated_pen
from hil.truth import read_truth

pytestmark = pytest.mark.slow

Penpilot = Callable[..., Any]


def orders(pen: SimulatedPen) -> set[object]:
    """Return every order that reached the pen, but for those that ask and those that stop."""
    found = {e.fields["command"] for e in read_truth(pen.truth) if e.event == "order"}
    return found - {"POLL", "STOP"}


@pytest.mark.req("SR-055", "SR-056", "SR-014")
@pytest.mark.parametrize("transport", ["rtu", "native"])
def test_technician_pairs_a_pen_and_it_treats(
    tmp_path: Path, penpilot_home: Path, short_plan: Path, penpilot: Penpilot, transport: str
) -> None:
    """Refused as an unpaired pen, paired with its button held, then treated to the end."""
    with simulated_pen(tmp_path, options=["--transport", transport]) as pen:
        port = ("native+" if transport == "native" else "") + pen.url
        treat = ("treat", str(short_plan), "--port", port, "--yes")
        before = penpilot(*treat)
        with held_button(pen):
            done = penpilot("pair", "--port", port, "--by", "Tech Nician", "--json")
        after = penpilot(*treat)
    key = load(Home(penpilot_home), 42)
    listed = json.loads(penpilot("records", "list", "--json").stdout)
    shown = json.loads(penpilot("records", "show", listed[0]["session"], "--json").stdout)

    assert 3 == before.returncode
    assert "unpaired pen" in before.stderr
    assert 0 == done.returncode, done.stderr
    assert "Hold the stop button" in done.stderr
    assert 0 == after.returncode, after.stderr
    assert key is not None
    assert key.fingerprint == json.loads(done.stdout)["fingerprint"]
    assert ["completed", "completed"] == [one["status"] for one in listed]
    kinds = {one["kind"]: one["body"] for one in shown["entries"]}
    assert {"by": "Tech Nician", "fingerprint": key.fingerprint} == kinds["pen_paired"]
    assert key.key.hex() not in json.dumps(shown)


@pytest.mark.req("SR-055")
def test_nobody_at_the_button_pairs_nothing(
    penpilot_home: Path, pen: SimulatedPen, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a while the command gives up with the reason, and the older key is as before."""
    from controller import pairing
    from controller.errors import RefusedError

    before = load(Home(penpilot_home), 42)
    monkeypatch.setattr(pairing, "BUTTON_WAIT_S", 0.6)
    with pytest.raises(RefusedError, match="nobody held the stop button"):
        pairing.pair(pen.url, "me", Home(penpilot_home), lambda _text: None)

    assert before == load(Home(penpilot_home), 42)


@pytest.mark.req("SR-055", "HZ-78")
@pytest.mark.parametrize(
    ("options", "why"),
    [
        ([], "it is not paired"),
        (["--no-pairing"], "cannot be paired"),
        (["--paired", "other.json"], "cloned pen"),
    ],
)
def test_other_pen_under_a_paired_serial_number_is_not_driven(
    tmp_path: Path,
    short_plan: Path,
    penpilot: Penpilot,
    paired: list[str],
    options: list[str],
    why: str,
) -> None:
    """A downgraded pen and a clone end with code 4 and one line, and get no order but STOP."""
    other = PenKey(42, bytes(32), "a thief", "2026-11-22T14:03:05.000Z")
    place = save(Home(tmp_path / "elsewhere"), other)
    options = [str(place) if one == "other.json" else one for one in options]
    with simulated_pen(tmp_path, options=options) as pen:
        done = penpilot("treat", str(short_plan), "--port", pen.url, "--yes")
        looked = penpilot("identify", "--port", pen.url)
        stopped = penpilot("stop", "--port", pen.url)

    assert 4 == done.returncode
    assert why in done.stderr
    assert "a technician pairs it again" in done.stderr
    assert 1 == len(done.stderr.splitlines())
    assert set() == orders(pen)
    assert (0, 0) == (looked.returncode, stopped.returncode)
    assert paired


@pytest.mark.req("SR-055", "HZ-79", "SR-013")
def test_host_without_the_key_may_look_and_stop_and_nothing_else(
    tmp_path: Path, short_plan: Path, penpilot: Penpilot
) -> None:
    """The pen of another computer: identify and stop work, treat and reset are refused (3)."""
    key = PenKey(42, bytes(32), "them", "2026-11-22T14:03:05.000Z")
    file = save(Home(tmp_path / "theirs"), key)
    with simulated_pen(tmp_path, options=["--paired", str(file)]) as pen:
        found = json.loads(penpilot("identify", "--port", pen.url, "--json").stdout)
        done = penpilot("treat", str(short_plan), "--port", pen.url, "--yes")
        reset = penpilot("reset", "--port", pen.url)
        stopped = penpilot("stop", "--port", pen.url)

    assert {"pairing", "paired"} <= set(found["capabilities"])
    assert (3, 3, 0) == (done.returncode, reset.returncode, stopped.returncode)
    assert "paired with another computer" in done.stderr
    assert set() == orders(pen)


@pytest.mark.req("SR-055", "SR-017")
def test_key_that_others_can_read_begins_nothing(
    penpilot_home: Path, pen: SimulatedPen, short_plan: Path, penpilot: Penpilot
) -> None:
    """One line, code 2, and the pen is not asked for anything; STOP works all the same."""
    key = load(Home(penpilot_home), 42)
    assert key is not None
    save(Home(penpilot_home), replace(key, by="us")).chmod(0o644)
    done = penpilot("treat", str(short_plan), "--port", pen.url, "--yes")

    assert 2 == done.returncode
    assert "chmod 600" in done.stderr
    assert set() == orders(pen)
    assert 0 == penpilot("stop", "--port", pen.url).returncode


def test_pens_are_listed_and_forgotten(
    penpilot_home: Path, penpilot: Penpilot, paired: list[str]
) -> None:
    """The list tells who and when, never the key; forgetting is on record, and needs a name."""
    listed = penpilot("pair", "--list", "--json")
    nameless = penpilot("pair", "--forget", "42")
    done = penpilot("pair", "--forget", "42", "--by", "Tech", "--json")
    again = penpilot("pair", "--forget", "42", "--by", "Tech")
    both = penpilot("pair", "--list", "--forget", "42")

    assert ["a test"] == [one["by"] for one in json.loads(listed.stdout)]
    assert "key" not in json.loads(listed.stdout)[0]
    assert 2 == nameless.returncode
    assert "--by" in nameless.stderr
    assert json.loads(done.stdout)["forgotten"] is True
    assert load(Home(penpilot_home), 42) is None
    assert (2, 2) == (again.returncode, both.returncode)
    assert "Pairing of a pen" in penpilot("records", "list").stdout
    assert paired
