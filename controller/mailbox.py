"""Where other threads leave what people want; STOP wakes the scan, everything else waits for it.

One thread takes, any number put. Nothing here decides.
"""

from __future__ import annotations

import socket
from collections import deque
from threading import Lock

from safety.facts import Intent, IntentKind
from safety.step import STOP_WISHES

INTENTS_MAX = 64
"""More wishes than this in one scan are a fault of the sender; the oldest are dropped. ASSUMED."""


class Mailbox:
    """Intents on their way to the scan.

    A STOP is kept apart from the queue, so that no flood of other wishes can push it out, and
    makes `wake_fd` readable. Rule: SR-013.
    """

    def __init__(self) -> None:
        """Open the pair of sockets that wakes the scan; Windows selects no pipes."""
        self._lock = Lock()
        self._waiting: deque[Intent] = deque(maxlen=INTENTS_MAX)
        self._stops: deque[Intent] = deque(maxlen=1)
        self._emergencies: deque[Intent] = deque(maxlen=1)
        self._reader, self._writer = socket.socketpair()
        self._reader.setblocking(False)
        self._writer.setblocking(False)

    @property
    def wake_fd(self) -> int:
        """Becomes readable as soon as a STOP is here; readable until it is taken."""
        return self._reader.fileno()

    @property
    def has_stop(self) -> bool:
        """Whether a STOP waits."""
        return bool(self._stops or self._emergencies)

    def put(self, intent: Intent) -> None:
        """Leave an intent. Never blocks; safe in a signal handler's thread of its own."""
        if intent.kind in STOP_WISHES:
            self.put_stop(intent)
            return
        with self._lock:
            self._waiting.append(intent)

    def put_stop(self, intent: Intent) -> None:
        """Leave a STOP and wake the scan; takes no lock, so that a signal handler may call it.

        Of several that nobody has taken yet the last one stays, and an emergency stop beside it.
        """
        kept = self._emergencies if intent.kind is IntentKind.ESTOP else self._stops
        kept.append(intent)
        try:
            self._writer.send(b"!")
        except BlockingIOError:  # the scan has been woken often enough
            return

    def take(self) -> tuple[Intent, ...]:
        """Return what is here, STOP first, and empty the box."""
        try:
            while self._reader.recv(4096):
                pass
        except BlockingIOError:
            pass
        # To look and to clear in two steps would lose a STOP that comes in between.
        emergencies = (self._emergencies.pop(),) if self._emergencies else ()
        stops = (self._stops.pop(),) if self._stops else ()
        with self._lock:
            waiting = tuple(self._waiting)
            self._waiting.clear()
        return (*emergencies, *stops, *waiting)

    def close(self) -> None:
        """Close the pair of sockets."""
        self._reader.close()
        self._writer.close()
