"""Pairs a pen with this computer, as a technician does with the pen in hand; moves no needle.

The order of things: agree on a key, write down who pairs, keep the key, and only then prove it to
the pen, which keeps it too. Whatever fails in between leaves a pen that is not driven from here
until it is paired again.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Any

from controller.config import Home
from controller.errors import RefusedError
from controller.opening import new_session_id
from controller.pairing_keys import KEY_BYTES, PenKey, forget, save
from controller.records.entries import utc_text
from controller.records.kinds import Kind, Status
from controller.records.store import RecordStore
from controller.session_link import IDENTIFY_MS, open_link
from drivers.block import Identity
from drivers.driver import Pairable
from drivers.registers import BUTTON_HOLD_MS, Capability

BUTTON_WAIT_S = 30.0
"""How long the technician has to find the button. ASSUMED."""

ASK_AGAIN_S = 0.25
"""How often the pen is asked whether its button is held. ASSUMED: four times a second."""

_HOLD_S = BUTTON_HOLD_MS // 1_000
HOLD_THE_BUTTON = (
    f"Hold the stop button of pen {{}} now, for {_HOLD_S} s or more, until it is paired."
)


def pair(port: str, by: str, home: Home, say: Callable[[str], None]) -> PenKey:
    """Pair the pen on a port, and return its key.

    Args:
        port: Port or URL of the pen.
        by: The technician's name, for record and key.
        home: Data folder.
        say: Takes what the technician has to do.

    Raises:
        RefusedError: If the pen cannot be paired, or nobody holds its button.
        ConfigError: If the key cannot be kept.
        RecordError: If the record cannot be written; nothing is then kept.
        LinkError: If there is no such port, no pen on it, or the pen does not prove the new key.
    """
    home.create()
    with closing(open_link(port)) as link:
        pen = link.identify(IDENTIFY_MS)
        if not Capability.PAIRING & pen.capabilities or not isinstance(link, Pairable):
            raise RefusedError(
                f"pen {pen.serial_number} cannot be paired: it does not know how. It is driven "
                "within the limits of unpaired pens"
            )
        simulated = bool(Capability.SIMULATED & pen.capabilities)
        told = {"serial_number": pen.serial_number, "simulated": simulated, "epoch": link.epoch}
        with _recorded(home, port, told) as write:
            say(HOLD_THE_BUTTON.format(pen.serial_number))
            agreed = _agreed(link, pen)
            key = PenKey(pen.serial_number, agreed, by, utc_text(datetime.now(UTC)))
            write(Kind.PEN_PAIRED, {"by": by, "fingerprint": key.fingerprint})
            save(home, key)
            link.prove(agreed)
    return key


def unpair(serial_number: int, by: str, home: Home) -> bool:
    """Forget the key of a pen, and return whether there was one; the pen keeps its own.

    Raises:
        ConfigError: If the key cannot be removed.
        RecordError: If the record cannot be written; the key is then kept.
    """
    home.create()
    with _recorded(home, "", {"serial_number": serial_number}) as write:
        write(Kind.PEN_FORGOTTEN, {"by": by})
        return forget(home, serial_number)


def _agreed(link: Pairable, pen: Identity) -> bytes:
    """Return the key agreed upon, once somebody has held the pen's button for long enough."""
    until = time.monotonic() + BUTTON_WAIT_S
    while time.monotonic() < until:
        key = link.agree(secrets.token_bytes(KEY_BYTES))
        if key is not None:
            return key
        time.sleep(ASK_AGAIN_S)
    raise RefusedError(
        f"nobody held the stop button of pen {pen.serial_number} for {_HOLD_S} s while it stood "
        "still. Nothing was changed; try again with the pen in hand"
    )


Write = Callable[[Kind, dict[str, str]], None]


@contextmanager
def _recorded(home: Home, port: str, pen: dict[str, Any]) -> Iterator[Write]:
    """Keep the record of what is done to one pen: a small session of its own, without a pass.

    Yields:
        What writes an entry, which is durable when it returns.

    Raises:
        RecordError: If the record cannot be written.
    """
    now = datetime.now(UTC)
    session = new_session_id(now)
    opened = {"plan_name": "Pairing of a pen", "port": port, "pen": pen, "areas": []}
    outcome, reason = Status.INTERRUPTED, "it was not finished"
    with RecordStore(home.records_db, home.record_key) as store:
        software = f"penpilot {version('penpilot')}"
        store.append(session, Kind.SESSION_OPENED.value, {**opened, "software": software}, now)
        try:
            yield lambda kind, body: _note(store, session, kind, body)
            outcome, reason = Status.COMPLETED, "done"
        finally:
            closed = {"outcome": str(outcome), "reason": reason}
            store.append(session, Kind.SESSION_CLOSED.value, closed, datetime.now(UTC))


def _note(store: RecordStore, session: str, kind: Kind, body: dict[str, str]) -> None:
    store.append(session, kind.value, dict(body), datetime.now(UTC))
