"""How a bench comes into each state by ordinary means."""

from __future__ import annotations

from typing import TYPE_CHECKING

from safety.facts import IntentKind, Role
from safety.states import State

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.unit.conftest import Bench


def to_connecting(bench: Bench) -> None:
    """Somebody wants the port opened, and it is not open yet."""
    bench.rest(1)


def to_identifying(bench: Bench) -> None:
    """The line answers, and the pen has not said who it is."""
    bench.identity = None
    bench.rest(2)


def to_locked(bench: Bench) -> None:
    """The pen is good, and no session is open."""
    bench.session_is_open = False
    bench.until(State.LOCKED)
    bench.rest(2)


def to_service(bench: Bench) -> None:
    """A technician works on the pen."""
    to_locked(bench)
    bench.want(IntentKind.SERVICE_ENTER, Role.TECHNICIAN)


def to_idle(bench: Bench) -> None:
    """A session is open."""
    bench.until(State.IDLE)
    bench.rest(2)


def to_unknown(bench: Bench) -> None:
    """START has left, and its answer is lost."""
    bench.to_armed()
    bench.want(IntentKind.START)
    bench.lost_answers = 1
    bench.rest(1)


def to_stopping(bench: Bench) -> None:
    """The pen was told to stop."""
    bench.to_running()
    bench.want(IntentKind.PAUSE)


def to_paused(bench: Bench) -> None:
    """The needles rest, and the pass is kept."""
    to_stopping(bench)
    bench.until(State.PAUSED)


def to_latched(bench: Bench) -> None:
    """Over-depth latches, and ESTOP does if the pen does not obey STOP then."""
    state = State.FAULT if bench.pen.obeys_stop else State.ESTOP
    bench.to_running()
    bench.pen.extra_depth_um = 300
    bench.until(state)
    bench.pen.obeys_stop = True
    bench.rest(5)


def to_estop(bench: Bench) -> None:
    """The pen does not obey STOP."""
    bench.pen.obeys_stop = False
    to_latched(bench)


WAYS: dict[State, Callable[[Bench], None]] = {
    State.OFFLINE: lambda _: None,
    State.CONNECTING: to_connecting,
    State.IDENTIFYING: to_identifying,
    State.SELFTEST: lambda bench: bench.until(State.SELFTEST),
    State.LOCKED: to_locked,
    State.SERVICE: to_service,
    State.IDLE: to_idle,
    State.PLANNED: lambda bench: bench.to_planned(),
    State.ARMED: lambda bench: bench.to_armed(),
    State.UNKNOWN_OUTCOME: to_unknown,
    State.RUNNING: lambda bench: bench.to_running(),
    State.STOPPING: to_stopping,
    State.PAUSED: to_paused,
    State.FAULT: to_latched,
    State.ESTOP: to_estop,
}
"""How a bench comes into each state by ordinary means."""


def to_state(bench: Bench, state: State) -> None:
    """Bring the bench into one of the states."""
    WAYS[state](bench)
    assert state is bench.state
