"""A control server on a bench: what it was told, and programs that are connected to it."""

from __future__ import annotations

import socket
from contextlib import ExitStack, closing
from queue import Empty, Queue

import pytest

from controller.ipc import ControlClient, ControlServer
from safety.facts import Intent

TOKEN = "shown-by-the-driver"  # noqa: S105 a secret of the tests alone
WAIT_S = 10.0
CLOSED = {"type": "closed", "outcome": "completed"}


class Bench:
    """A server, what it was told, and programs that are connected to it."""

    def __init__(self, stack: ExitStack) -> None:
        self.stack = stack
        self.intents: Queue[Intent] = Queue()
        self.beats: Queue[bool] = Queue()
        self.server = ControlServer(TOKEN, self.intents.put, self.beats.put)

    def client(self) -> ControlClient:
        """Return one more program that is connected."""
        return self.stack.enter_context(closing(ControlClient(self.server.address)))

    def raw(self) -> socket.socket:
        """Return one more connection, as bytes."""
        made = socket.create_connection(self.server.address, WAIT_S)
        made.settimeout(WAIT_S)
        return self.stack.enter_context(made)

    def driver(self) -> ControlClient:
        """Return a program that has shown the token."""
        made = self.client()
        made.send({"driver": TOKEN})
        assert self.beats.get(timeout=WAIT_S)
        return made

    def admit(self, count: int) -> None:
        """Wait until so many programs have been let in; they see no frame before."""
        while len(self.server._clients) < count:
            with pytest.raises(Empty):
                self.intents.get(timeout=0.005)

    def next_intent(self) -> Intent:
        """Return what was wanted next."""
        return self.intents.get(timeout=WAIT_S)
