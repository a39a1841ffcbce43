"""The `penpilot` command itself: its commands, its exit codes, and packages that are not ours."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
import tomllib
from importlib.machinery import ModuleSpec
from importlib.metadata import EntryPoint
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from controller import cli
from controller.cli import _SUMMARIES, PACKAGES, foreign_packages, main, penpilot
from controller.errors import ExitCode
from controller.logs import EVENTS
from hil.cli import DRILL_NAMES
from hil.drills import DRILLS

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
COMMANDS = sorted(PROJECT["entry-points"]["penpilot.commands"])


def run(*arguments: str) -> tuple[int, str]:
    """Return exit code and output of the command."""
    result = CliRunner().invoke(penpilot, arguments)
    return result.exit_code, result.output


def test_help_lists_every_command_with_its_summary() -> None:
    """Commands are those of the entry points, and each has a line."""
    code, text = run("--help")

    listed = text[text.index("Commands:") :]
    assert (0, COMMANDS) == (code, [line.split()[0] for line in listed.splitlines()[1:] if line])
    for name in COMMANDS:
        assert f"{name} " in listed
        assert _SUMMARIES[name].split(". ")[0][:30] in listed


def test_summaries_name_exactly_our_commands() -> None:
    """Every written-out line is a sentence about a command that exists, and none is missing."""
    assert COMMANDS == sorted(_SUMMARIES)
    assert all(text[0].isupper() and text.endswith(".") for text in _SUMMARIES.values())


def test_command_of_another_distribution_is_listed_with_its_own_help(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A command that another package brings is loaded for its line, and runs."""
    stranger = EntryPoint("stranger", "tests_stranger:hello", cli.GROUP)

    @click.command()
    def hello() -> None:
        """Greet from outside."""
        click.echo("hello")

    monkeypatch.setattr(EntryPoint, "load", lambda _point: hello)
    monkeypatch.setattr("controller.cli.entry_points", lambda group: [stranger] if group else [])

    assert "stranger  Greet from outside." in run("--help")[1]
    assert (0, "hello\n") == run("stranger")
    assert ExitCode.INPUT == run("stop")[0]


def test_help_tells_every_exit_code() -> None:
    """Each code of `ExitCode` stands in the help with its meaning, and so does what this is not."""
    text = " ".join(run("--help")[1].split())

    told = text[text.index("Exit codes:") :]
    meanings = {
        ExitCode.DONE: "0 done",
        ExitCode.INPUT: "2 wrong input or configuration",
        ExitCode.REFUSED: "3 refused by safety",
        ExitCode.LINK: "4 link",
        ExitCode.DEVICE: "5 device fault",
        ExitCode.STOPPED: "130 stopped by the user",
    }
    assert set(ExitCode) == set(meanings)
    for meaning in meanings.values():
        assert meaning in told
    assert "not a cleared medical device" in text


@pytest.mark.req("SR-017")
@pytest.mark.parametrize(
    "arguments",
    [
        ("teleport",),
        ("--frobnicate",),
        ("plan",),
        ("plan", "check"),
        ("plan", "check", "a", "b"),
        ("identify",),
        ("treat", "plan.toml"),
        ("treat", "--port", "/dev/pts/7"),
        ("records", "show"),
        ("records", "close", "x"),
        ("demo", "--drill", "earthquake"),
        ("demo", "--seed", "-1"),
        ("stop", "--port"),
    ],
    ids=" ".join,
)
def test_wrong_words_are_bad_input(arguments: tuple[str, ...]) -> None:
    """Unknown commands and options, and missing arguments, end with exit code 2 and a usage."""
    code, text = run(*arguments)

    assert ExitCode.INPUT == code
    assert "Usage:" in text or "Error: " in text


@pytest.mark.req("SR-017")
@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("teleport",), "No such command 'teleport'."),
        (("--frobnicate",), "No such option '--frobnicate'."),
        (("plan", "check"), "Missing argument 'PLAN'."),
        (("plan", "check", "a", "b\n\x1b[2J"), "Got unexpected extra argument"),
        (("identify",), "Missing option '--port'."),
        (("identify", "--nope"), "No such option '--nope'."),
        (("demo", "--drill", "earthquake"), "'earthquake' is not one of 'over-depth'"),
        (("demo", "--seed", "-1"), "-1 is not in the range x>=0"),
        (("simulate", "--tcp", "x"), "'x' is not HOST:PORT"),
    ],
    ids=lambda value: " ".join(value)[:20].strip() if isinstance(value, tuple) else "",
)
def test_wrong_words_are_one_object_for_scripts(arguments: tuple[str, ...], says: str) -> None:
    """With --json click's own refusals have the shape of all errors, on the same stream."""
    result = CliRunner().invoke(penpilot, [*arguments, "--json"])

    told = json.loads(result.stdout)
    assert (ExitCode.INPUT, "") == (result.exit_code, result.stderr)
    assert ({"error", "exit_code"}, 2) == (set(told), told["exit_code"])
    assert told["error"].isprintable()
    assert says in told["error"]


def test_json_behind_two_dashes_is_a_word_like_any_other() -> None:
    """Who does not ask for JSON is told as people are."""
    result = CliRunner().invoke(penpilot, ["identify", "--", "--json"])

    assert (ExitCode.INPUT, "") == (result.exit_code, result.stdout)
    assert "Usage: " in result.stderr


@pytest.mark.parametrize("as_json", [False, True])
def test_interrupted_command_is_stopped_by_the_user(
    monkeypatch: pytest.MonkeyPatch, as_json: bool
) -> None:
    """Ctrl-C in a command that does not take it itself ends with 130 and one line."""

    @click.command()
    @click.option("--json", is_flag=True)
    def wait(**_: object) -> None:
        """Wait for somebody."""
        raise KeyboardInterrupt

    monkeypatch.setattr(EntryPoint, "load", lambda _point: wait)
    result = CliRunner().invoke(penpilot, ["ports", *["--json"] * as_json])

    assert ExitCode.STOPPED == result.exit_code
    if as_json:
        assert {"error": "stopped by Ctrl-C", "exit_code": 130} == json.loads(result.stdout)
    else:
        assert ("", "penpilot: stopped by Ctrl-C\n") == (result.stdout, result.stderr)


@pytest.mark.slow
@pytest.mark.usefixtures("penpilot_home")
@pytest.mark.parametrize(
    "arguments",
    ["safety table", "safety table --json", "explain", "plan check PLAN", "--help", "ports --json"],
)
def test_output_that_nobody_reads_ends_in_silence(arguments: str) -> None:
    """As in `penpilot safety table | head`: 130 as documented, and not a word, whoever prints."""
    plan = str(ROOT / "examples" / "plans" / "face.toml")
    words = [plan if word == "PLAN" else word for word in arguments.split()]
    read_end, write_end = os.pipe()
    os.close(read_end)
    program = [sys.executable, "-m", "controller.cli", *words]
    found = subprocess.run(program, stdout=write_end, stderr=subprocess.PIPE, check=False)
    os.close(write_end)

    assert (ExitCode.STOPPED, b"") == (found.returncode, found.stderr)


def test_version_is_that_of_the_project() -> None:
    """The command tells its version."""
    assert (0, f"penpilot, version {PROJECT['version']}\n") == run("--version")


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help_of_its_own(name: str) -> None:
    """No command fails to load, and each explains itself."""
    for option in ("--help", "-h"):
        code, text = run(name, option)
        assert (0, True) == (code, "Usage:" in text)


def test_our_packages_are_ours() -> None:
    """In this environment nobody else brings a package of one of our names."""
    assert [] == foreign_packages()
    assert ("controller", "drivers", "hil", "safety", "simulator") == PACKAGES


@pytest.mark.req("SR-053", "HZ-61")
@pytest.mark.parametrize("origin", ["/elsewhere/safety/__init__.py", None])
def test_foreign_package_is_named_and_nothing_is_begun(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], origin: str | None
) -> None:
    """A package from another folder, and a folder without a file, end the program with code 2."""
    really_find = importlib.util.find_spec

    def find(name: str) -> ModuleSpec | None:
        foreign = ModuleSpec("safety", None, origin=origin)
        return foreign if name == "safety" else really_find(name)

    monkeypatch.setattr("controller.cli.find_spec", find)
    monkeypatch.setattr("controller.cli.penpilot", lambda: pytest.fail("it was begun"))
    with pytest.raises(SystemExit) as caught:
        main()

    assert ExitCode.INPUT == caught.value.code
    out, err = capsys.readouterr()
    assert ("", 1) == (out, err.count("\n"))
    assert f"shadows safety ({origin or 'missing'})" in err


def test_missing_package_is_named_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """A package that cannot be found at all is not ours either."""
    monkeypatch.setattr("controller.cli.find_spec", lambda _name: None)

    assert [f"{name} (missing)" for name in PACKAGES] == foreign_packages()


def test_program_runs_where_all_packages_are_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a foreign package the command line begins."""
    begun: list[bool] = []
    monkeypatch.setattr("controller.cli.penpilot", lambda: begun.append(True))
    main()

    assert [True] == begun


def test_drills_of_the_help_are_those_of_the_judge() -> None:
    """The names that are written out, so that --help loads nothing, are all there are."""
    assert tuple(DRILLS) == DRILL_NAMES
    assert all(drill.name == name for name, drill in DRILLS.items())


def test_events_have_names_of_two_words() -> None:
    """A log event is a subject and what happened to it."""
    assert all(name.count(".") == 1 and name.islower() for name in EVENTS)


@pytest.mark.slow
def test_help_and_stop_load_nothing_heavy() -> None:
    """Neither the list of commands nor the stop command imports what only a session needs."""
    program = (
        "import sys\nfrom click.testing import CliRunner\nfrom controller.cli import penpilot\n"
        "for words in (['--help'], ['stop', '--help']):\n"
        "    assert CliRunner().invoke(penpilot, words).exit_code == 0\n"
        "heavy = {'pymodbus', 'sqlalchemy', 'transitions', 'rich.table', 'jinja2', 'structlog'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    result = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )

    assert "[]\n" == result.stdout
