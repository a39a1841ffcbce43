"""Sets penpilot up and runs it, with nothing but Python; the Makefile calls it.

Usage: python3 bootstrap.py COMMAND [ARGUMENTS]      or: make COMMAND ARGS="ARGUMENTS"

    demo   set up, then `penpilot demo ARGUMENTS`
    setup  set up only; the program is then .venv/bin/penpilot
    test   set up with the tools, run `check`, then pytest with ARGUMENTS
    check  format, lint, types, import directions
    mutants   how many mutants of safety its tests kill; ARGUMENTS: safety/limits.py, or --help
    planted   defects of meaning, each of which named tests must catch
    evidence  the long proofs: 5,000,000 states, all limit cases, 1,000,000 inputs to the parsers,
              all mutants, all planted defects
    trace     write build/trace.html: hazard, requirement, invariant, test
    bench     what a scan costs; ARGUMENTS: --json, --rounds N
    lock   write both lock files anew; `--upgrade` takes newer versions

It must not need an installed package, name a package index, ask for root or write outside this
checkout. There are two environments, each holding exactly its lock file and penpilot itself:
``.venv`` to run (requirements.lock) and ``.venv-test`` to work on it (requirements-test.lock).
On Windows ``py bootstrap.py demo`` does the same; it is written for that and was never tried there.
"""

# No future import and no recent name above the check of the version: an old Python must get there.
import contextlib
import functools
import hashlib
import importlib.util
import json
import os
import platform
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple, NoReturn

EXIT_FAILED, EXIT_CANNOT, EXIT_INTERRUPTED = 1, 2, 130
"""A step failed; machine or command line must change first; Ctrl+C. Source: argparse, POSIX."""


def python_problem(major: int, minor: int) -> str:
    """Say what is wrong with a Python of that version; nothing if it will do."""
    if (major, minor) >= (3, 11):
        return ""
    return f"""penpilot needs Python 3.11 or newer; this is Python {major}.{minor}.
Install a newer one, or name it: make demo PYTHON=/path/to/python3.12\n"""


if python_problem(*sys.version_info[:2]):
    sys.stderr.write(python_problem(*sys.version_info[:2]))
    sys.exit(EXIT_CANNOT)


class Environment(NamedTuple):
    """A virtual environment and the lock file that says what is in it."""

    folder: Path
    lock: Path

    def program(self, name: str) -> str:
        """Return the path of a program inside, there or not."""
        windows = os.name == "nt"
        return str(self.folder / ("Scripts" if windows else "bin") / (name + ".exe" * windows))


ROOT = Path(__file__).resolve().parent
RUN = Environment(ROOT / ".venv", ROOT / "requirements.lock")
TEST = Environment(ROOT / ".venv-test", ROOT / "requirements-test.lock")
STAMP = "penpilot-setup.json"  # written into an environment last: one without it is half-made

CHECKS = {
    "format": ["ruff", "format", "--check", "."],
    "lint": ["ruff", "check", "."],
    "types": ["mypy"],
    "imports": ["lint-imports", "--no-logo"],
}
PYTEST = ["pytest", "-n", "3", "--dist", "loadgroup"]  # tests with real programs mostly wait
MUTANTS = ["python", "-m", "tests.mutants"]
PLANTED = ["python", "-m", "tests.mutants.planted"]
EVIDENCE = {
    "model": ["python", "-m", "tests.model", "--states", "5000000"],
    "limits": ["python", "-m", "tests.oracle.compare_limits", "--all"],
    "fuzz": ["python", "-m", "tests.fuzz", "--inputs", "1000000"],
    "mutants": [*MUTANTS, "--recheck"],
    "planted": PLANTED,
    "hostile": ["python", "-m", "tests.hostile", "--out", "build/hostile-wire.md"],
}
TRACE = ["python", "requirements/make_trace.py", "--out", "build/trace.html"]

say = functools.partial(print, flush=True)


def give_up(text: str, code: int) -> NoReturn:
    """End with a text for the person at the keyboard."""
    sys.stderr.write(text + "\n")
    raise SystemExit(code)


def child_environment() -> dict[str, str]:
    """Return this run's variables, so that a mirror or proxy is used, less what leads elsewhere."""
    kept = {k: v for k, v in os.environ.items() if k not in {"PYTHONHOME", "PYTHONPATH"}}
    quiet = {"PIP_DISABLE_PIP_VERSION_CHECK": "1", "PIP_ROOT_USER_ACTION": "ignore"}
    return kept | quiet | {"PIP_USER": "0", "PYTHONUTF8": "1", "UV_PYTHON_DOWNLOADS": "never"}


def call(command: list[str]) -> int:
    """Run a program at the root of the checkout and return its exit code."""
    return subprocess.call(command, cwd=ROOT, env=child_environment())


def run_stage(text: str, command: list[str]) -> None:
    """Announce one stage and run it; end if it fails."""
    say(f"  {text}")
    if call(command):
        hint = "Packages come from where pip looks: PIP_INDEX_URL, or PIP_NO_INDEX, PIP_FIND_LINKS."
        give_up(f"Stopped at: {text}\nThe reason stands above. {hint}", EXIT_FAILED)


def expected_stamp(environment: Environment) -> dict[str, str]:
    """Return what the stamp says of an environment that can be used as it is, cause by cause."""
    import tomllib  # noqa: PLC0415 - not in the old Python that must reach `python_problem`

    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    own = json.dumps([project["build-system"], project["project"], project["tool"]["hatch"]])
    return {
        "place of the checkout": str(ROOT),
        "Python": f"{platform.python_version()} of {sys.base_prefix}",
        environment.lock.name: hashlib.sha256(environment.lock.read_bytes()).hexdigest(),
        "pyproject.toml": hashlib.sha256(own.encode()).hexdigest(),
    }


def reason_to_build(environment: Environment) -> str:
    """Say why the environment cannot be used as it is; nothing if it can."""
    if not environment.folder.exists():
        return "not there yet"
    try:
        found = json.loads((environment.folder / STAMP).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return "only half-made"
    if not Path(environment.program("python")).exists():
        return "without its Python"
    expected = expected_stamp(environment)
    changed = [cause for cause, value in expected.items() if found.get(cause) != value]
    return f"out of date, changed: {', '.join(changed)}" if changed else ""


def choose_tools(
    environment: Environment, *, ensurepip: bool, uv: str | None, pip: bool
) -> tuple[list[str], list[str]]:
    """Return the command that makes the environment and the start of those that install into it."""
    folder, python = str(environment.folder), environment.program("python")
    venv = [sys.executable, "-m", "venv", folder]
    if ensurepip:
        return venv, [python, "-m", "pip", "install"]
    if uv:
        uv_venv = [uv, "venv", "--quiet", "--python", sys.executable, folder]
        return uv_venv, [uv, "pip", "install", "--python", python]
    if pip:
        outer_pip = [sys.executable, "-m", "pip", "--python", python, "install"]
        return [*venv, "--without-pip"], outer_pip
    text = f"{sys.executable} can make no environment: its module ensurepip is missing.\n"
    text += "On Debian and Ubuntu: sudo apt install python{}.{}-venv".format(*sys.version_info[:2])
    give_up(text, EXIT_CANNOT)


def build(environment: Environment) -> None:
    """Make the environment from nothing; the stamp comes last."""
    make, install = choose_tools(
        environment,
        ensurepip=importlib.util.find_spec("ensurepip") is not None,
        uv=shutil.which("uv"),
        pip=importlib.util.find_spec("pip") is not None,
    )
    expected = expected_stamp(environment)
    if environment.folder.exists():
        shutil.rmtree(environment.folder)
    count = sum(line[:1].isalnum() for line in environment.lock.read_text("utf-8").splitlines())
    locked = ["-q", "--require-hashes", "--only-binary", ":all:", "-r", environment.lock.name]
    own = ["-q", "--no-deps", "--no-build-isolation", "--editable", "."]
    run_stage("1/3 an empty environment (5 s)", make)
    run_stage(f"2/3 {count} packages of {environment.lock.name} (10 to 60 s)", [*install, *locked])
    run_stage("3/3 penpilot itself (3 s)", [*install, *own])
    (environment.folder / STAMP).write_text(json.dumps(expected, indent=1), encoding="utf-8")


@contextlib.contextmanager
def only_one(path: Path = Path(__file__)) -> Iterator[None]:
    """Let one run at a time set up this checkout; the lock on this file ends with its process."""
    with path.open("rb") as file:
        if sys.platform != "win32":  # which has no such lock: do not start two at once there
            import fcntl  # noqa: PLC0415 - not on Windows

            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                say("Another set-up is under way here; waiting for it.")
                fcntl.flock(file, fcntl.LOCK_EX)
        yield


def ensure(environment: Environment) -> None:
    """Make the environment unless it stands as it should."""
    with only_one():
        reason = reason_to_build(environment)
        if reason:
            say(f"Setting up {environment.folder.name} ({reason}):")
            begin = time.monotonic()
            build(environment)
            say(f"  ready after {time.monotonic() - begin:.0f} s; the next run skips this")


def run_all(programs: dict[str, list[str]]) -> int:
    """Run programs of the test environment one after the other, whatever fails, then sum up."""
    ensure(TEST)
    lines = []
    for name, (program, *arguments) in programs.items():
        say(f"-- {name}")
        begin = time.monotonic()
        result = "FAILED" if call([TEST.program(program), *arguments]) else "passed"
        lines.append(f"   {name:<8}{result}{time.monotonic() - begin:8.1f} s")
    failed = any("FAILED" in line for line in lines)
    say("\n".join(["-- NOT passed" if failed else "-- all passed", *lines]))
    return EXIT_FAILED if failed else 0


def benchmarks(arguments: list[str]) -> dict[str, list[str]]:
    """Return the programs that measure, by their names."""
    found = sorted((ROOT / "benchmarks").glob("bench_*.py"))
    return {p.stem[6:]: ["python", "-m", f"benchmarks.{p.stem}", *arguments] for p in found}


def demo(arguments: list[str]) -> int:
    """Set up and become the demo, so that Ctrl+C and the exit code are its own."""
    ensure(RUN)
    command = [RUN.program("penpilot"), "demo", *arguments]
    if os.name == "posix":  # elsewhere exec returns to the shell at once
        os.execve(command[0], command, child_environment())
    return subprocess.call(command, env=child_environment())


def lock(arguments: list[str]) -> None:
    """Write both lock files; what stands in both has one version. Settings: pyproject.toml."""
    ensure(TEST)
    uv = [TEST.program("uv"), "pip", "compile", "-q", "pyproject.toml", "--group", "build"]
    test = ["--extra", "test", "--group", "lock", "-o", TEST.lock.name]
    run_stage(f"writing {TEST.lock.name}", [*uv, *test, *arguments])
    run_stage(f"writing {RUN.lock.name}", [*uv, "-c", TEST.lock.name, "-o", RUN.lock.name])


def main(argv: list[str]) -> int:
    """Run one command and return the exit code."""
    command, *arguments = argv or ["--help"]
    commands: dict[str, Callable[[], int | None]] = {
        "demo": lambda: demo(arguments),
        "setup": lambda: ensure(RUN),
        "test": lambda: run_all({**CHECKS, "tests": [*PYTEST, *arguments]}),
        "check": lambda: run_all(CHECKS),
        "mutants": lambda: run_all({"mutants": [*MUTANTS, *arguments]}),
        "planted": lambda: run_all({"planted": PLANTED}),
        "evidence": lambda: run_all(EVIDENCE),
        "trace": lambda: run_all({"trace": TRACE}),
        "bench": lambda: run_all(benchmarks(arguments)),
        "lock": lambda: lock(arguments),
    }
    if command not in commands:
        say(str(__doc__))
        return 0 if command in {"-h", "--help"} else EXIT_CANNOT
    try:
        return commands[command]() or 0
    except KeyboardInterrupt:
        give_up("Stopped. Say the same again to go on.", EXIT_INTERRUPTED)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
