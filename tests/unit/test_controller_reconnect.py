"""A lost pen is waited for, known again by its serial number, and resumed by a person only."""

from __future__ import annotations

from typing import Any

import pytest

from controller.errors import ExitCode
from controller.treatment.reconnect import DECIDE_S, WAIT_S, News, come_back, is_lost

LOST = {"outcome": "interrupted", "exit_code": int(ExitCode.LINK), "link_failure": "Input/output"}


class Room:
    """A person, a pen and a clock that only goes on when somebody waits.

    Args:
        back_s: When the pen is back, in seconds; None: never.
        keys: What is pressed, by the second from which it is seen.
        serial: Of the pen that comes.
    """

    def __init__(
        self, back_s: float | None, keys: dict[float, list[str]] | None = None, serial: int = 42
    ) -> None:
        self.now = 0.0
        self.back_s = back_s
        self.keys = dict(keys or {})
        self.serial = serial
        self.told: list[str] = []
        self.looks = 0

    def pressed(self) -> list[str]:
        """Return what was pressed by now."""
        due = sorted(at for at in self.keys if at <= self.now)
        found = [key for at in due for key in self.keys.pop(at)]
        if "interrupt" in found:
            raise KeyboardInterrupt
        return found

    def look(self, port: str) -> int | None:
        """Return who is there."""
        assert port == "usb:0403:6001:AB12"
        self.looks += 1
        return self.serial if self.back_s is not None and self.now >= self.back_s else None

    def wait(self, seconds: float) -> None:
        """Let time pass."""
        self.now += seconds

    def tell(self, news: News) -> None:
        """Note the news."""
        self.told.append(news.state)

    def run(self) -> bool:
        """Wait for pen 42."""
        return come_back(
            "usb:0403:6001:AB12",
            42,
            self,
            self.tell,
            look=self.look,
            now_s=lambda: self.now,
            wait_s=self.wait,
        )


@pytest.mark.req("SR-006")
def test_person_goes_on_with_the_pen_that_came_back() -> None:
    """Enter after the pen is back, and nothing less."""
    room = Room(5.0, {7.0: ["go"]})

    assert room.run()
    assert ["waiting", "back"] == room.told
    assert 7.0 == pytest.approx(room.now, abs=0.1)


@pytest.mark.req("SR-006")
def test_enter_that_was_pressed_too_early_resumes_nothing() -> None:
    """What was pressed before the pen was back does not count; the wait for a person ends."""
    room = Room(5.0, {1.0: ["go"], 4.9: ["go", "go"]})

    assert not room.run()
    assert ["waiting", "back", "left"] == room.told
    assert DECIDE_S == pytest.approx(room.now - 5.0, abs=0.6)


@pytest.mark.req("SR-015")
def test_another_pen_is_refused() -> None:
    """Whoever else is on the port, the session goes on with its own pen only."""
    room = Room(1.0, {2.0: ["go"]}, serial=43)

    assert not room.run()
    assert ["waiting", "other-pen"] == room.told


def test_pen_that_stays_away_is_given_up() -> None:
    """The wait is bounded, and looks for the pen all the while."""
    room = Room(None)

    assert not room.run()
    assert ["waiting", "gone"] == room.told
    assert WAIT_S == pytest.approx(room.now, abs=0.6)
    assert room.looks >= WAIT_S


@pytest.mark.parametrize("key", ["stop", "quit", "interrupt"])
@pytest.mark.parametrize("at_s", [2.0, 6.0])
def test_person_may_end_the_wait_at_any_time(key: str, at_s: float) -> None:
    """Space, Esc, Q and Ctrl-C end it before and after the pen is back."""
    room = Room(5.0, {at_s: [key], 9.0: ["go"]})

    assert not room.run()
    assert "left" == room.told[-1]
    assert at_s == pytest.approx(room.now, abs=0.6)


@pytest.mark.parametrize(
    ("closed", "expected"),
    [
        (LOST, True),
        (None, False),
        ({**LOST, "link_failure": ""}, False),
        ({**LOST, "outcome": "faulted"}, False),
        ({**LOST, "exit_code": int(ExitCode.DEVICE)}, False),
    ],
)
def test_only_a_lost_link_is_waited_for(closed: Any, expected: bool) -> None:
    """A fault, a stop or a silent program is not cured by a cable."""
    assert expected is is_lost(closed)
