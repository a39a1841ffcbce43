"""The kinds of entries and the words in them; it reads and writes none.

What each kind holds is a table in docs/records.md. A kind that is not listed here is kept and
shown, never refused: a later program may have written it.
"""

from __future__ import annotations

from enum import StrEnum


class Kind(StrEnum):
    """What an entry says."""

    SESSION_OPENED = "session_opened"
    PASS_PLANNED = "pass_planned"  # noqa: S105 - a pass of the needles
    PASS_STARTED = "pass_started"  # noqa: S105 - a pass of the needles
    PASS_ENDED = "pass_ended"  # noqa: S105 - a pass of the needles
    PASS_RECONCILED = "pass_reconciled"  # noqa: S105 - a pass of the needles
    AREA_CHOSEN = "area_chosen"
    STATE = "state"
    FAULT = "fault"
    FAULT_GONE = "fault_gone"
    RESET = "reset"
    RELEASED = "released"
    PEN_PAIRED = "pen_paired"
    PEN_FORGOTTEN = "pen_forgotten"
    CARTRIDGE_CHANGED = "cartridge_changed"
    STOP = "stop"
    ALARM = "alarm"
    ALARMS_ACKNOWLEDGED = "alarms_acknowledged"
    AUDIO_PAUSED = "audio_paused"
    RESUMED = "resumed"
    SCAN = "scan"
    SESSION_CLOSED = "session_closed"


class Outcome(StrEnum):
    """What became of a pass; all but the last count as delivered."""

    DELIVERED = "delivered"
    PARTIAL = "partial"
    UNCERTAIN = "uncertain"
    NOT_DELIVERED = "not_delivered"


class Status(StrEnum):
    """What became of a session."""

    OPEN = "open"
    COMPLETED = "completed"
    STOPPED = "stopped"
    FAULTED = "faulted"
    INTERRUPTED = "interrupted"


SAMPLES = frozenset({Kind.SCAN.value})
"""The kinds that come many times a minute; a summary of a session needs none of them."""
