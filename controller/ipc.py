"""Talk between the control process and the programs around it: one JSON object a line on loopback.

The control process listens; a driver guides the session, viewers look on, and anybody may say STOP.
Nothing here decides, and nothing here can hold the scan up: the server has a thread of its own, and
a client that does not read loses frames.
"""

from __future__ import annotations

import hmac
import selectors
import socket
from collections.abc import Callable
from threading import Thread
from typing import Any

import msgspec

from safety.facts import Intent, IntentKind

LINE_MAX = 4_096
"""Longest line from a client; a longer one is passed over. ASSUMED: an intent takes 100 bytes."""

CLIENTS_MAX = 32
"""Most programs at once; for one more the oldest that does not drive must go. ASSUMED."""

BACKLOG_MAX = 262_144
"""Bytes that may wait for a slow client before its frames are dropped. ASSUMED: 5 s of frames."""

NOT_OURS = (
    *(msgspec.DecodeError, msgspec.ValidationError),
    *(RecursionError, UnicodeDecodeError),
)
"""What a line that is no JSON object makes the decoder say."""

_WISHES = {
    "arm": IntentKind.ARM,
    "start": IntentKind.START,
    "pass-done": IntentKind.PASS_DONE,
    "pause": IntentKind.PAUSE,
    "resume": IntentKind.RESUME,
    "reset": IntentKind.RESET,
    "finish": IntentKind.FINISH,
    "change-area": IntentKind.CHANGE_AREA,
    "acknowledge": IntentKind.ACKNOWLEDGE,
    "pause-audio": IntentKind.PAUSE_AUDIO,
}
_STOPS = {"stop": IntentKind.STOP, "estop": IntentKind.ESTOP}
_SOURCES = frozenset({"key", "command", "flow", "signal", "pedal"})
_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(dict[str, Any]).decode


class _Client:
    """One connection: what came, what waits to go, and whether it may do more than STOP."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self.incoming = bytearray()
        self.outgoing = bytearray()
        self.is_driver = False
        self.is_skipping = False


class ControlServer:
    """Listens on a loopback port of its own and passes lines on.

    Args:
        token: Secret that a driver must show; STOP needs none. Rule: SR-013.
        on_intent: Called with every wish, from the server's thread.
        on_beat: Called whenever the driver gives a sign, and with False when it has gone.
    """

    def __init__(
        self, token: str, on_intent: Callable[[Intent], None], on_beat: Callable[[bool], None]
    ) -> None:
        self._token = token
        self._on_intent = on_intent
        self._on_beat = on_beat
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.setblocking(False)
        self._wake_reader, self._wake_writer = socket.socketpair()
        for end in (self._wake_reader, self._wake_writer):
            end.setblocking(False)
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._listener, selectors.EVENT_READ)
        self._selector.register(self._wake_reader, selectors.EVENT_READ)
        self._clients: dict[socket.socket, _Client] = {}
        self._latest: bytes | None = None
        self._final: bytes | None = None
        self._thread = Thread(target=self._run, name="control server", daemon=True)

    @property
    def address(self) -> tuple[str, int]:
        """Host and port."""
        host, port = self._listener.getsockname()[:2]
        return str(host), int(port)

    def start(self) -> None:
        """Begin to listen."""
        self._thread.start()

    def publish(self, frame: dict[str, Any]) -> None:
        """Send a frame to everybody; only the newest one is kept if the server is behind."""
        self._latest = _encode(frame) + b"\n"
        self._wake()

    def close(self, last: dict[str, Any], timeout_s: float) -> None:
        """Send a last frame to everybody, and end."""
        self._final = _encode(last) + b"\n"
        self._wake()
        self._thread.join(timeout_s)

    def _wake(self) -> None:
        try:
            self._wake_writer.send(b"!")
        except OSError:  # it is awake, or has ended
            return

    def _run(self) -> None:
        while self._final is None:
            for key, events in self._selector.select():
                self._serve(key.fileobj, events)
        self._fan_out()
        # Whoever reads is told first; one who does not is waited for, but holds up nobody else.
        for client in sorted(self._clients.values(), key=lambda one: len(one.outgoing)):
            self._send_last(client)
        self._selector.close()
        for end in (self._listener, self._wake_reader, self._wake_writer):
            end.close()

    def _serve(self, source: object, events: int) -> None:
        if source is self._listener:
            self._accept()
        elif source is self._wake_reader:
            self._fan_out()
        elif isinstance(source, socket.socket) and source in self._clients:
            client = self._clients[source]
            if events & selectors.EVENT_READ:
                self._receive(client)
            if events & selectors.EVENT_WRITE and client.sock in self._clients:
                self._flush(client)

    def _accept(self) -> None:
        try:
            sock, _ = self._listener.accept()
        except OSError:  # it went before it was accepted
            return
        if len(self._clients) >= CLIENTS_MAX:
            # Whoever comes last may want to say STOP; whoever came first has had time to.
            everybody = list(self._clients.values())
            self._drop(next((c for c in everybody if not c.is_driver), everybody[0]))
        sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._clients[sock] = _Client(sock)
        self._selector.register(sock, selectors.EVENT_READ)

    def _fan_out(self) -> None:
        try:
            while self._wake_reader.recv(4096):
                pass
        except BlockingIOError:
            pass
        frame, self._latest = self._latest, None
        if frame is None:
            return
        for client in list(self._clients.values()):
            if len(client.outgoing) < BACKLOG_MAX:
                client.outgoing += frame
                self._flush(client)

    def _receive(self, client: _Client) -> None:
        try:
            data = client.sock.recv(65_536)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self._drop(client)
            return
        client.incoming += data
        *lines, rest = bytes(client.incoming).split(b"\n")
        for line in lines:
            # The end of a line that was too long is no line of its own.
            if not client.is_skipping and len(line) <= LINE_MAX:
                self._take_line(client, line)
            client.is_skipping = False
        client.is_skipping |= len(rest) > LINE_MAX
        client.incoming = bytearray(b"" if client.is_skipping else rest)

    def _take_line(self, client: _Client, line: bytes) -> None:
        """Act on one line; whatever is not understood is passed over."""
        try:
            message = _decode(line)
        except NOT_OURS:
            return
        said = message.get("source")
        source = said if isinstance(said, str) and said in _SOURCES else "command"
        want = message.get("want")
        if isinstance(want, str) and want in _STOPS:
            self._on_intent(Intent(_STOPS[want], source))
        elif "driver" in message:
            shown = str(message["driver"]).encode()
            client.is_driver = hmac.compare_digest(shown, self._token.encode())
        if not client.is_driver:
            return
        self._on_beat(True)
        kind = _WISHES.get(want) if isinstance(want, str) else None
        area = message.get("area")
        if kind is not None:
            self._on_intent(Intent(kind, source, area=area if isinstance(area, str) else ""))

    def _flush(self, client: _Client) -> None:
        try:
            sent = client.sock.send(client.outgoing)
            del client.outgoing[:sent]
        except BlockingIOError:
            pass
        except OSError:
            self._drop(client)
            return
        wanted = selectors.EVENT_READ | (selectors.EVENT_WRITE if client.outgoing else 0)
        self._selector.modify(client.sock, wanted)

    def _send_last(self, client: _Client) -> None:
        """Send the last frame, waiting briefly for a slow reader."""
        try:
            client.sock.settimeout(0.5)
            client.sock.sendall(bytes(client.outgoing) + (self._final or b""))
            client.sock.close()
        except OSError:
            client.sock.close()

    def _drop(self, client: _Client) -> None:
        self._selector.unregister(client.sock)
        self._clients.pop(client.sock, None)
        client.sock.close()
        if client.is_driver:
            self._on_beat(False)


class ControlClient:
    """One end of a connection to a control process; blocking, for one thread.

    Args:
        address: Host and port.
        timeout_s: How long connecting may take.

    Raises:
        OSError: If nobody listens there.
    """

    def __init__(self, address: tuple[str, int], timeout_s: float = 1.0) -> None:
        self._sock = socket.create_connection(address, timeout_s)
        self._sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._incoming = bytearray()
        self.is_closed = False

    def fileno(self) -> int:
        """Return the socket's descriptor, to be selected on."""
        return self._sock.fileno()

    def send(self, message: dict[str, Any]) -> None:
        """Send one line; a peer that has gone shows at the next `receive`."""
        try:
            self._sock.sendall(_encode(message) + b"\n")
        except OSError:
            self.is_closed = True

    def receive(self, timeout_s: float) -> list[dict[str, Any]]:
        """Return the frames that come within that time; `is_closed` tells when all have come."""
        self._sock.settimeout(max(timeout_s, 0.0001))
        try:
            data = self._sock.recv(65_536)
        except TimeoutError:
            return []
        except OSError:
            data = b""
        if not data:
            self.is_closed = True
            return []
        self._incoming += data
        *lines, rest = bytes(self._incoming).split(b"\n")
        self._incoming = bytearray(rest)
        self.is_closed |= len(rest) > BACKLOG_MAX
        try:
            return [_decode(line) for line in lines if line]
        except NOT_OURS:
            # No control process talks like this: the port has gone to somebody else.
            self.is_closed = True
            return []

    def close(self) -> None:
        """Hang up."""
        self.is_closed = True
        self._sock.close()
