"""Replaying a scan log: the same decisions, or the first difference by scan, time and field."""

from __future__ import annotations

import contextlib
import json
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from click.testing import CliRunner

from controller.cli import penpilot
from controller.commands import safety_replay
from controller.errors import ExitCode, RecordError
from controller.scanlog.lines import BODIES, NOTHING, Body, Scan, digest_of
from controller.scanlog.reader import read_log
from controller.scanlog.replay import MISSING, FieldDifference, Replay, differences, replay
from safety.causes import Cause, CauseCode
from safety.facts import IntentKind
from safety.memory import Entry, Memory, Order
from safety.states import OrderKind, State
from safety.step import SafetyCore
from tests.unit.scan_logs import RECORDED, chained, changed, treatment, written

RECORD_BYTES_MAX = 60_000


@pytest.fixture(scope="module")
def bodies() -> list[Body]:
    """All of a log that ends in the middle of a pass."""
    world = treatment()
    world.close()
    return world.bodies


def replayed(path: Path, lines: list[bytes]) -> Replay:
    """Return what a replay of these lines finds."""
    return replay(read_log(written(path, lines)))


def run(*arguments: str) -> tuple[int, str, str]:
    """Return exit code, standard output and standard error of the command."""
    result = CliRunner().invoke(penpilot, ["safety", "replay", *arguments])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, result.stdout, result.stderr


@pytest.mark.req("SR-018", "HZ-70")
def test_treatment_replays_identical(tmp_path: Path, bodies: list[Body]) -> None:
    """From the first memory on, the core alone makes every decision again, byte for byte."""
    found = replayed(tmp_path / "a.gz", chained(bodies))

    assert None is found.difference
    assert len(bodies) - 2 == found.scans == sum(found.states.values())
    assert State.RUNNING in found.states
    assert bodies[-1] == found.end


@pytest.mark.req("SR-018", "HZ-70")
def test_recorded_treatment_still_replays_identical() -> None:
    """Today's core decides as the recorded one; docs/scanlog.md says how to record it anew."""
    found = replay(read_log(RECORDED))

    assert None is found.difference, found.difference
    assert RECORD_BYTES_MAX > RECORDED.stat().st_size
    assert found.scans > 200
    assert found.states.keys() > {State.RUNNING, State.PAUSED, State.FAULT, State.ESTOP}


def tampered(document: Any, *path: str | int, value: Any) -> None:
    """Set one value inside a document."""
    for step in path[:-1]:
        document = document[step]
    assert document[path[-1]] != value
    document[path[-1]] = value


TAMPERING: dict[str, tuple[tuple[str | int, ...], Any, set[str]]] = {
    "a fact that decides": (("body", "facts", "telemetry", "fault"), 1, {"order.kind", "digest"}),
    "a fact that decides nothing": (("body", "facts", "telemetry", "supply_mv"), 3_999, {"digest"}),
    "the time": (("body", "now_ms"), 0, {"digest"}),
    "a wish": (("body", "intents"), [], {"digest"}),
    "what was decided": (
        ("body", "decision", "memory", "watch", "stall_ms"),
        77,
        {"memory.watch.stall_ms", "digest"},
    ),
    "a digest": (("digest",), "0" * 32, {"digest"}),
}
"""Where a line is changed, into what, and fields that must be named."""


@pytest.mark.req("SR-018")
@pytest.mark.parametrize("name", TAMPERING)
def test_changed_line_is_the_first_difference(
    tmp_path: Path, bodies: list[Body], name: str
) -> None:
    """Whatever is changed in a scan, that scan is named, with its time and what differs."""
    path, value, named = TAMPERING[name]
    number = len(bodies) - 5
    before = bodies[number]
    assert isinstance(before, Scan)
    if name == "the time":
        value = before.now_ms + 1
    if name == "a wish":
        value = [{"kind": IntentKind.LOCK.value, "source": "flow", "role": 1, "area": ""}]
    lines = chained(bodies)
    lines[number] = changed(lines[number], lambda d: tampered(d, *path, value=value))
    found = replayed(tmp_path / "a.gz", lines).difference

    assert found is not None
    assert number == found.scan
    assert named <= {one.path for one in found.fields}
    if name != "the time":
        assert before.now_ms == found.now_ms


@pytest.mark.req("SR-018")
@pytest.mark.parametrize(
    "change",
    [
        lambda lines: lines[:8] + lines[9:],
        lambda lines: [*lines[:8], lines[8], *lines[8:]],
        lambda lines: [changed(lines[0], lambda d: d["body"].update(session="S2")), *lines[1:]],
        lambda lines: lines[:-2] + lines[-1:],
        lambda lines: [*lines[:-1], changed(lines[-1], lambda d: d["body"].update(lost=1))],
    ],
    ids=["left out", "doubled", "other session", "last one left out", "other end"],
)
def test_lines_that_do_not_follow_each_other_differ(
    tmp_path: Path, bodies: list[Body], change: Callable[[list[bytes]], list[bytes]]
) -> None:
    """The digests are a chain, so that scans that decide nothing cannot go missing either."""
    found = replayed(tmp_path / "a.gz", change(chained(bodies))).difference

    assert found is not None
    assert "digest" in {one.path for one in found.fields}


def test_swapped_lines_differ(tmp_path: Path, bodies: list[Body]) -> None:
    """The first of the two is named."""
    lines = chained(bodies)
    lines[8], lines[9] = lines[9], lines[8]
    found = replayed(tmp_path / "a.gz", lines).difference

    assert found is not None
    assert 8 == found.scan


def test_log_chained_anew_after_a_change_still_differs(tmp_path: Path, bodies: list[Body]) -> None:
    """Digests can be made by anybody; the core's decision cannot."""
    number = len(bodies) - 5
    document = msgspec.json.decode(chained(bodies)[number])["body"]
    tampered(document, "facts", "telemetry", "is_button_down", value=True)
    body = msgspec.json.decode(msgspec.json.encode(document), type=BODIES["scan"])
    found = replayed(tmp_path / "a.gz", chained([*bodies[:number], body, *bodies[number + 1 :]]))

    assert found.difference is not None
    assert number == found.difference.scan
    shown = {(one.path, one.logged, one.replayed) for one in found.difference.fields}
    assert ("order.kind", "RENEW", "STOP") in shown
    assert ("memory.state", "RUNNING", "STOPPING") in shown


def test_log_of_another_core_differs(
    tmp_path: Path, bodies: list[Body], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A core that orders otherwise is found out at the first scan where it does."""
    really = SafetyCore.step

    def step(core: SafetyCore, *arguments: Any) -> Any:
        decision = really(core, *arguments)
        order = Order(OrderKind.STOP) if decision.memory.state is State.ARMED else decision.order
        return type(decision)(decision.memory, order, decision.entries, decision.firings)

    monkeypatch.setattr(SafetyCore, "step", step)
    found = replayed(tmp_path / "a.gz", chained(bodies))

    assert found.difference is not None
    assert State.ARMED is list(found.states)[-1]
    assert {"order.kind"} <= {one.path for one in found.difference.fields}
    assert all(one.path.startswith("order") for one in found.difference.fields)


def test_cut_off_log_is_identical_without_an_end(tmp_path: Path, bodies: list[Body]) -> None:
    """A process that was killed leaves no mark, and what it left is as good."""
    found = replayed(tmp_path / "a.gz", chained(bodies)[:-1])

    assert (None, None) == (found.difference, found.end)


def breaking(bodies: list[Body]) -> list[Body]:
    """Return a log that begins with a memory over which the core breaks down: RUNNING what?"""
    begin, first = bodies[0], bodies[-5]
    return [msgspec.structs.replace(begin, memory=Memory(state=State.RUNNING)), first]


def test_breakdown_of_the_core_that_was_logged_is_identical(
    tmp_path: Path, bodies: list[Body]
) -> None:
    """What ended a session can be brought back as often as one likes."""
    begin, scan = breaking(bodies)
    scan = msgspec.structs.replace(scan, decision=NOTHING)

    assert None is replayed(tmp_path / "a.gz", chained([begin, scan])).difference


def test_breakdown_of_the_core_that_was_not_logged_differs(
    tmp_path: Path, bodies: list[Body]
) -> None:
    """Facts that contradict the memory end in a difference and never in a traceback."""
    found = replayed(tmp_path / "a.gz", chained(breaking(bodies))).difference

    assert found is not None
    (one,) = found.fields
    assert "decision" == one.path
    assert one.logged.startswith("Decision(")
    assert "Error: " in one.replayed or "Broken: " in one.replayed


def places(document: Any, *path: str | int) -> Iterator[tuple[str | int, ...]]:
    """Yield the paths of all values inside a document."""
    inner = document.items() if isinstance(document, dict) else ()
    for name, value in enumerate(document) if isinstance(document, list) else inner:
        yield (*path, name)
        yield from places(value, *path, name)


@pytest.mark.req("SR-017", "SR-018")
@pytest.mark.parametrize("value", [None, -(2**70), 99, "x", []], ids=repr)
def test_any_one_value_that_is_hostile_is_refused_or_differs(
    tmp_path: Path, bodies: list[Body], value: object
) -> None:
    """Whatever stands in a log, and though its digests fit, the replay ends with a clear word."""
    raw = [msgspec.json.encode(body) for body in (bodies[0], bodies[-5])]
    told = Counter[str]()
    for which, text in enumerate(raw):
        for path in places(msgspec.json.decode(text)):
            if "decision" in path:
                continue
            document = msgspec.json.decode(text)
            with contextlib.suppress(AssertionError):
                tampered(document, *path, value=value)
            texts = [*raw[:which], msgspec.json.encode(document), *raw[which + 1 :]]
            try:
                found = replayed(tmp_path / "a.gz", rechained(texts))
            except RecordError as error:
                told["refused" if "\n" not in str(error) else "unclear"] += 1
            else:
                told["identical" if found.difference is None else "differs"] += 1

    assert told["refused"] > 50
    assert told["differs"] > 0
    assert (0, 0) == (told["unclear"], told["identical"])


def rechained(bodies: list[bytes]) -> list[bytes]:
    """Return the lines of a first body and a scan, each with the digest that is due."""
    lines, before = [], ""
    for kind, body in zip(("begin", "scan"), bodies, strict=True):
        before = digest_of(body, before)
        lines.append(b'{"kind":"%s","body":%s,"digest":"%s"}\n')
        lines[-1] %= (kind.encode(), body, before.encode())
    return lines


@pytest.mark.req("SR-017")
def test_decision_that_is_none_is_refused(tmp_path: Path, bodies: list[Body]) -> None:
    """A decision that no core can have made is damage."""
    lines = chained(bodies)
    lines[7] = changed(lines[7], lambda d: d["body"]["decision"]["memory"].update(state=99))

    with pytest.raises(RecordError, match=r"line 8, decision: .*\$\.memory\.state"):
        replayed(tmp_path / "a.gz", lines)


def test_differences_name_the_innermost_fields() -> None:
    """Lists by number, mappings by name, enumerations by their names, what lacks as such."""
    logged = Memory(causes=(Cause(CauseCode.STALL),), state=State.IDLE)
    other = Memory(causes=(Cause(CauseCode.STALL, "x"), Cause(CauseCode.DWELL)), state=State.LOCKED)
    entries = Entry(1, "fault", {"a": 1, "b": True}), Entry(1, "fault", {"a": 1, "b": 1, "c": 2})

    assert [
        FieldDifference("state", "IDLE", "LOCKED"),
        FieldDifference("causes.0.detail", "", "x"),
        FieldDifference("causes.1", MISSING, str(Cause(CauseCode.DWELL))),
    ] == list(differences(logged, other))
    assert [
        FieldDifference("body.b", "True", "1"),
        FieldDifference("body.c", MISSING, "2"),
    ] == list(differences(*entries))
    assert [] == list(differences(logged, logged.copy()))


def test_command_tells_scans_states_and_identical() -> None:
    """Exit code 0, in words and as JSON."""
    code, out, err = run(str(RECORDED))
    told = json.loads(run(str(RECORDED), "--json")[1])

    assert (ExitCode.DONE, "") == (code, err)
    assert out.endswith("End      closed\nReplay   identical\n")
    assert (True, None, 0, "closed") == tuple(
        told[name] for name in ("identical", "difference", "exit_code", "end")
    )
    assert told["scans"] == sum(one["scans"] for one in told["states"])
    assert f"Scans    {told['scans']}, from {told['first_ms']} ms" in out


@pytest.mark.req("SR-017")
def test_command_names_the_first_difference(tmp_path: Path, bodies: list[Body]) -> None:
    """Exit code 2, scan, time and fields, in words and as JSON."""
    number = len(bodies) - 5
    lines = chained(bodies)
    lines[number] = changed(
        lines[number], lambda d: tampered(d, "body", "facts", "telemetry", "fault", value=1)
    )
    path = str(written(tmp_path / "a.gz", lines))
    code, out, _ = run(path)
    json_code, json_out, _ = run(path, "--json")
    difference = json.loads(json_out)["difference"]

    assert ExitCode.INPUT == code == json_code == json.loads(json_out)["exit_code"]
    assert f"differs in scan {number} at {difference['now_ms']} ms:" in out
    assert "  order.kind: logged RENEW, replayed STOP\n" in out
    assert {"field": "order.kind", "logged": "RENEW", "replayed": "STOP"} in difference["fields"]


@pytest.mark.req("SR-017")
def test_command_refuses_what_is_no_log(tmp_path: Path) -> None:
    """Exit code 2 and one line that names the file."""
    code, out, err = run(str(tmp_path / "none.gz"))

    assert (ExitCode.INPUT, "") == (code, out)
    assert 1 == err.count("\n")
    assert "none.gz: must be a file" in err


def test_command_shows_no_bar_where_nobody_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    """However long it takes, a file or a pipe gets the result alone."""
    monkeypatch.setattr(safety_replay, "BAR_AFTER_S", 0.0)

    assert "" == run(str(RECORDED))[2]
