"""The program ``penpilot simulate``: a simulated pen at a pseudo-terminal or a TCP port.

It is the only place of this package that reads a clock, handles signals or opens files. Exit
codes: 0 after SIGINT or SIGTERM, 2 for options that cannot be used, 4 for a port or file that
the system refuses.
"""

from __future__ import annotations

import ipaddress
import json
import os
import secrets
import signal
import time
from collections.abc import Callable
from contextlib import ExitStack, suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import get_args

import click

from drivers.registers import Capability
from simulator.faults import KINDS, FaultOrder, FaultSyntaxError, parse_fault
from simulator.nonvolatile import Memory, NotAMemoryFileError, load_memory, save_memory
from simulator.parameters import FirmwareParameters, PenParameters
from simulator.pen import Pen, Transport
from simulator.plain import PlainPen
from simulator.ports import Port, PtyPort, TcpPort
from simulator.serve import serve
from simulator.truth import TruthWriter

EXIT_REFUSED = 4
_NS_PER_US = 1_000
_PLAIN = "plain"
_ADDRESS = {"rtu": "", "native": "native+", _PLAIN: "modbus:examples/pens/simulated.toml+"}
"""What a host writes before the port. Source: docs/protocol.md 10."""

_KEY_BYTES = 32
_U32_MAX = 0xFFFFFFFF
_PORT_MAX = 0xFFFF
_FAULT_HELP = "NAME[:VALUE]@tick=MS, @strokes=N or @run=MS[#K]; repeatable. Names: " + ", ".join(
    KINDS
)


def _read_faults(
    _ctx: click.Context, _param: click.Parameter, texts: tuple[str, ...]
) -> tuple[FaultOrder, ...]:
    try:
        return tuple(parse_fault(text) for text in texts)
    except FaultSyntaxError as error:
        raise click.BadParameter(str(error)) from error


def _read_address(
    _ctx: click.Context, _param: click.Parameter, text: str | None
) -> tuple[str, int] | None:
    if text is None:
        return None
    host, _, number = text.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if not (host and number.isascii() and number.isdigit() and int(number) <= _PORT_MAX):
        raise click.BadParameter(f"{text!r} is not HOST:PORT with a port of 0 to {_PORT_MAX}")
    return host, int(number)


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--pty-link", type=click.Path(path_type=Path), help="Link to the pseudo-terminal.")
@click.option(
    "--tcp",
    metavar="HOST:PORT",
    callback=_read_address,
    help="Serve TCP instead; port 0 picks a free one.",
)
@click.option("--listen-anywhere", is_flag=True, help="Let --tcp listen beyond this machine.")
@click.option(
    "--transport",
    type=click.Choice([*get_args(Transport), _PLAIN]),
    default="rtu",
    show_default=True,
    help="Modbus RTU, native frames (docs/protocol.md 1 and 10), or plain registers.",
)
@click.option("--seed", type=click.IntRange(min=0), default=1, show_default=True)
@click.option("--serial", type=click.IntRange(0, _U32_MAX), default=42, show_default=True)
@click.option("--fault", "faults", multiple=True, callback=_read_faults, help=_FAULT_HELP)
@click.option("--dtr-stops", is_flag=True, help="Stop the pen when the host hangs up.")
@click.option("--truth", type=click.Path(path_type=Path), help="Append what truly happens here.")
@click.option("--memory", type=click.Path(path_type=Path), help="The pen's non-volatile memory.")
@click.option("--no-pairing", is_flag=True, help="Be an older pen, which cannot be paired.")
@click.option(
    "--paired",
    metavar="KEYFILE",
    type=click.Path(path_type=Path),
    help="Hold the key of this file from the beginning, as `penpilot pair` keeps it.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the ready line as JSON.")
def simulate(
    *,
    pty_link: Path | None,
    tcp: tuple[str, int] | None,
    listen_anywhere: bool,
    transport: str,
    seed: int,
    serial: int,
    faults: tuple[FaultOrder, ...],
    dtr_stops: bool,
    truth: Path | None,
    memory: Path | None,
    no_pairing: bool,
    paired: Path | None,
    as_json: bool,
) -> None:
    """Serve a simulated pen until interrupted.

    Without --tcp it is a pseudo-terminal, whose path is printed once it is ready. Signal USR1
    presses the pen's button, and the next one lets it go.
    """
    if tcp and pty_link:
        raise click.UsageError("--pty-link and --tcp exclude each other")
    port = (
        _tcp_port(tcp, listen_anywhere=listen_anywhere)
        if tcp
        else _pty_port(pty_link, sees_hang_up=dtr_stops)
    )
    _raise_priority()
    remembered = _load(memory)
    if paired:
        remembered.key = _read_key(paired)
    announce = partial(_announce, serial, seed, _ADDRESS[transport], as_json)
    try:
        with ExitStack() as stack:
            start_ns = time.monotonic_ns()
            make = PlainPen if transport == _PLAIN else Pen
            pen = make(
                PenParameters(
                    serial_number=serial,
                    firmware=_firmware(dtr_stops=dtr_stops, can_be_paired=not no_pairing),
                ),
                seed,
                memory=remembered,
                store=partial(save_memory, memory, remembered) if memory else None,
                truth=_open_truth(truth, stack),
                faults=faults,
                monotonic_us=start_ns // _NS_PER_US,
                transport="native" if transport == "native" else "rtu",
                draw=secrets.token_bytes,
            )
            _press_button_on_signal(pen)
            serve(pen, port, partial(_elapsed_us, start_ns), _stop_on_signals(), announce)
            pen.log("program_end")
            if memory:
                save_memory(memory, remembered)
    except OSError as error:
        click.echo(f"penpilot simulate: {error}", err=True)
        raise SystemExit(EXIT_REFUSED) from error


def _firmware(*, dtr_stops: bool, can_be_paired: bool) -> FirmwareParameters:
    older = FirmwareParameters(dtr_stops=dtr_stops)
    if not can_be_paired:
        return older
    return replace(older, capabilities=older.capabilities | Capability.PAIRING)


def _read_key(path: Path) -> str:
    """Return the key of a file that `penpilot pair` wrote, in hexadecimal."""
    try:
        key = json.loads(path.read_text(encoding="utf-8"))["key"]
        is_key = len(bytes.fromhex(key)) == _KEY_BYTES
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise click.BadParameter(f"{path}: no key ({error})", param_hint="--paired") from error
    if not is_key:
        raise click.BadParameter(f"{path}: no key of 32 bytes", param_hint="--paired")
    return str(key)


def _press_button_on_signal(pen: Pen) -> None:
    """Let SIGUSR1 press the button, and let it go: whoever has this process has the pen in hand."""

    def toggle(_number: int, _frame: object) -> None:
        pen.plant.button_down = not pen.plant.button_down

    if hasattr(signal, "SIGUSR1"):
        signal.signal(signal.SIGUSR1, toggle)


def _raise_priority() -> None:
    """Ask for a place before ordinary programs: hardware is not held up by a busy machine."""
    try:
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(1))
    except (OSError, AttributeError):
        with suppress(OSError, AttributeError):
            os.nice(-10)


def _pty_port(link: Path | None, *, sees_hang_up: bool) -> Port:
    if not hasattr(os, "openpty"):
        raise click.UsageError("this system has no pseudo-terminals; use --tcp 127.0.0.1:0")
    if link is not None:
        if os.path.lexists(link) and not link.is_symlink():
            raise click.BadParameter(f"{link} exists and is not a link", param_hint="--pty-link")
        if not link.parent.is_dir():
            raise click.BadParameter(f"{link.parent} is no directory", param_hint="--pty-link")
    return PtyPort(link, sees_hang_up=sees_hang_up)


def _tcp_port(address: tuple[str, int], *, listen_anywhere: bool) -> Port:
    host, number = address
    if not listen_anywhere and not _is_loopback(host):
        raise click.BadParameter(
            f"{host} is not this machine's loopback; --listen-anywhere allows it",
            param_hint="--tcp",
        )
    return TcpPort(host, number)


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _load(path: Path | None) -> Memory:
    if path is None:
        return Memory()
    try:
        return load_memory(path)
    except NotAMemoryFileError as error:
        raise click.BadParameter(
            f"{path} exists and is no memory of a pen", param_hint="--memory"
        ) from error
    except OSError as error:
        raise click.BadParameter(str(error), param_hint="--memory") from error


def _open_truth(path: Path | None, stack: ExitStack) -> TruthWriter | None:
    if path is None:
        return None
    try:
        return stack.enter_context(path.open("a", encoding="utf-8", buffering=1)).write
    except OSError as error:
        raise click.BadParameter(f"{path}: {error.strerror}", param_hint="--truth") from error


def _elapsed_us(start_ns: int) -> int:
    return (time.monotonic_ns() - start_ns) // _NS_PER_US


def _stop_on_signals() -> Callable[[], bool]:
    received: list[int] = []
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda which, _frame: received.append(which))
    return lambda: bool(received)


def _announce(serial: int, seed: int, prefix: str, as_json: bool, url: str) -> None:
    address = prefix + url
    if as_json:
        ready = {"event": "ready", "url": url, "serial_number": serial, "seed": seed}
        click.echo(json.dumps({**ready, "pid": os.getpid(), "address": address}))
    else:
        click.echo(f"simulated pen {serial} is ready at {address} (seed {seed}); Ctrl-C ends it")


if __name__ == "__main__":
    simulate(prog_name="penpilot simulate")
