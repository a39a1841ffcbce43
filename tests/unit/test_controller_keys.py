"""What keys stand for, and reading them from a terminal without waiting."""

from __future__ import annotations

import os
import sys
import termios
from collections.abc import Iterator
from contextlib import closing, suppress

import pytest

from controller.keys import Keys, meaning


@pytest.mark.req("SR-005")
@pytest.mark.parametrize("character", [" ", "\x1b", "\x03", "s", "S"])
def test_stop_has_many_keys(character: str) -> None:
    """Space, Esc, Ctrl-C and S, large or small, are STOP."""
    assert "stop" == meaning(character)


@pytest.mark.parametrize(
    ("characters", "means"),
    [
        ("\r\nrR", "go"),
        ("pP", "pause"),
        ("dD", "done"),
        ("aA", "seen"),
        ("mM", "mute"),
        ("qQ", "quit"),
        ("xyz1[~\t\0é€", None),
    ],
)
def test_key_stands_for_one_thing_or_for_nothing(characters: str, means: str | None) -> None:
    """Every other key is passed over."""
    assert [means] * len(characters) == [meaning(character) for character in characters]


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """Let standard input be a terminal; give the end at which somebody types."""
    typing, reading = os.openpty()
    with closing(os.fdopen(reading, "r", closefd=True)) as stdin:
        monkeypatch.setattr(sys, "stdin", stdin)
        yield typing
    os.close(typing)


def pressed(keys: Keys, count: int) -> list[str]:
    """Return so many meanings, however many looks it takes for a terminal to pass keys on."""
    found: list[str] = []
    for _ in range(100_000):
        found += keys.pressed()
        if len(found) >= count:
            return found
    pytest.fail(f"only {found}")


def test_keys_are_read_in_order_and_without_enter(terminal: int) -> None:
    """What was typed since the last look is told, then nothing."""
    with Keys() as keys:
        assert [] == keys.pressed()
        os.write(terminal, "pxd\ram é".encode())
        assert ["pause", "done", "go", "seen", "mute", "stop"] == pressed(keys, 6)
        assert [] == keys.pressed()


@pytest.mark.req("SR-005")
@pytest.mark.parametrize("sequence", ["\x1b[A", "\x1b[D", "\x1bOP", "\x1b[15~"])
def test_arrow_and_function_keys_are_stop_first(terminal: int, sequence: str) -> None:
    """A key too much stops: whatever begins with Esc is STOP before anything else."""
    with Keys() as keys:
        os.write(terminal, sequence.encode())
        assert "stop" == pressed(keys, 1)[0]


def test_terminal_is_given_back_as_it_was(terminal: int) -> None:
    """Line mode and echo are off while keys are read, and on again also after an error."""
    before = termios.tcgetattr(terminal)
    inside = []
    with suppress(ValueError), Keys():
        inside = termios.tcgetattr(terminal)
        int("an error")

    assert (before[3], termios.ICANON) == (
        termios.tcgetattr(terminal)[3],
        before[3] & ~inside[3] & termios.ICANON,
    )


def test_ctrl_c_goes_on_to_send_its_signal(terminal: int) -> None:
    """Keys leave the terminal's signals on, so that Ctrl-C reaches a program that is stuck."""
    with Keys() as keys:
        assert termios.tcgetattr(terminal)[3] & termios.ISIG
        assert keys.is_terminal


@pytest.mark.parametrize("stdin", [None, "/dev/null"])
def test_no_key_is_pressed_where_there_is_no_terminal(
    monkeypatch: pytest.MonkeyPatch, stdin: str | None
) -> None:
    """A pipe, a file and no input at all are left alone."""
    with open(stdin or os.devnull, encoding="utf-8") as file:  # noqa: PTH123 None is allowed
        monkeypatch.setattr(sys, "stdin", file if stdin else None)
        with Keys() as keys:
            assert (False, []) == (keys.is_terminal, keys.pressed())
