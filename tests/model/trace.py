"""A way through the space in words, for people; it decides nothing."""

from __future__ import annotations

from collections.abc import Sequence

from tests.model.state import (
    DENIED,
    FAR,
    NONE,
    OLD,
    SPENT,
    STRANGER,
    UNKNOWN,
    At,
    Host,
    Kind,
    Mode,
    Order,
    Pen,
    State,
    Status,
)

_MARKS = ((OLD, "older than a stop"), (SPENT, "taken"), (DENIED, "settled as not taken"))


def drawn(trace: Sequence[tuple[str, State]]) -> str:
    """Return the trace, one step a paragraph: what happened, and host, pen and wire after it."""
    lines: list[str] = []
    for number, (text, state) in enumerate(trace):
        lines.append(f"{number:3d}. {text}")
        lines.append(f"       host  {_host(state.host)}")
        lines.append(f"       pen   {_pen(state.pen)}")
        lines.extend(f"       wire  {_order(order)}" for order in state.orders)
        lines.extend(f"       wire  {_status(status)}" for status in state.statuses)
    return "\n".join(lines)


def _host(host: Host) -> str:
    words = [Mode(host.mode).name]
    if host.mode == Mode.DEAD:
        words.append(f"for {host.age} ticks")
    else:
        known = "knows no tick" if host.age == UNKNOWN else f"knows the tick {host.age} ago"
        words.append(known + (" of an earlier boot" if host.boot else ""))
    if host.is_waiting:
        words.append("waits for an answer")
    if host.asked != FAR:
        words.append(f"outcome of #-{host.asked} unknown")
    return ", ".join(words)


def _pen(pen: Pen) -> str:
    token = {NONE: "no token", STRANGER: "a stranger's token"}.get(pen.token, f"token -{pen.token}")
    words = [At(pen.at).name, token]
    if pen.at == At.RUN:
        words.append(f"lease ends in {pen.lease}, from the tick {pen.echo} ago")
    if pen.newest != FAR:
        words.append(f"newest #-{pen.newest}")
    words.append("last order " + (f"#-{pen.last}" if pen.last != FAR else "none or a stranger's"))
    return ", ".join(words)


def _order(order: Order) -> str:
    words = [f"{Kind(order.kind).name} #-{order.back} token -{order.token} tick {order.age} ago"]
    if order.boot:
        words.append("earlier boot")
    words.extend(text for mark, text in _MARKS if order.marks & mark)
    return "> " + ", ".join(words)


def _status(status: Status) -> str:
    last = f"last order #-{status.last}" if status.last != FAR else "last order another"
    boot = ", earlier boot" if status.boot else ""
    return f"< {At(status.at).name} for #-{status.back}, {last}, tick {status.age} ago{boot}"
