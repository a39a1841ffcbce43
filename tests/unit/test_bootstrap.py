"""The set-up script: when it builds, what with, and what it says; nothing is installed here."""

from __future__ import annotations

import ast
import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from types import ModuleType

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "bootstrap.py"


@pytest.fixture
def boot(tmp_path: Path) -> Any:
    """Load the script from a checkout of its own, with two lock files in it."""
    for name in ("bootstrap.py", "pyproject.toml", "Makefile"):
        (tmp_path / name).write_bytes((ROOT / name).read_bytes())
    (tmp_path / "requirements.lock").write_text("a==1 \\\n    --hash=x\nb==2\n")
    (tmp_path / "requirements-test.lock").write_text("a==1\n")
    return load(tmp_path / "bootstrap.py")


def load(path: Path) -> ModuleType:
    """Import a script by its path."""
    spec = importlib.util.spec_from_file_location("bootstrap_under_test", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def pretend_built(boot: Any) -> None:
    """Put the runtime environment there as a finished set-up leaves it."""
    python = Path(boot.RUN.program("python"))
    python.parent.mkdir(parents=True)
    python.write_text("")
    stamp = boot.RUN.folder / boot.STAMP
    stamp.write_text(json.dumps(boot.expected_stamp(boot.RUN)))


@pytest.fixture
def stages(boot: Any, monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """Record the commands that a set-up would run; the first one makes the folder."""
    commands: list[list[str]] = []

    def pretend(command: list[str]) -> int:
        commands.append(command)
        if command[1:3] == ["-m", "venv"]:
            pretend_built(boot)
            (boot.RUN.folder / boot.STAMP).unlink()
        return 0

    monkeypatch.setattr(boot, "call", pretend)
    return commands


@pytest.mark.parametrize(
    ("version", "fits"), [((3, 10), False), ((2, 7), False), ((3, 11), True), ((4, 0), True)]
)
def test_python_is_refused_when_older_than_3_11(
    boot: Any, version: tuple[int, int], fits: bool
) -> None:
    """Python 3.11 and later will do; for an older one the text names both versions."""
    text = boot.python_problem(*version)

    assert fits == (text == "")
    assert fits or ("3.11" in text and f"{version[0]}.{version[1]}" in text)


def test_script_says_so_and_exits_2_when_python_is_old() -> None:
    """Loaded by an old Python the script ends with code 2 and one plain text, no traceback."""
    program = (
        "import sys, runpy; sys.version_info = (3, 8, 0); sys.argv[:] = ['bootstrap.py', 'demo']"
    )
    program += f"; runpy.run_path({str(SCRIPT)!r}, run_name='__main__')"
    result = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )

    assert (2, "") == (result.returncode, result.stdout)
    assert result.stderr.startswith("penpilot needs Python 3.11 or newer; this is Python 3.8.")


def test_script_can_be_parsed_by_an_old_python() -> None:
    """The grammar is that of Python 3.6, so that the sentence is reached there."""
    source = SCRIPT.read_text(encoding="utf-8")

    assert ast.parse(source, feature_version=(3, 6))
    assert "from __future__" not in source


@pytest.mark.req("SR-024")
def test_environment_is_kept_when_nothing_changed(boot: Any, stages: list[list[str]]) -> None:
    """A second run finds the stamp and starts nothing."""
    pretend_built(boot)

    boot.ensure(boot.RUN)

    assert [] == stages
    assert "" == boot.reason_to_build(boot.RUN)


@pytest.mark.req("SR-024")
def test_environment_is_built_when_it_is_not_there(boot: Any, stages: list[list[str]]) -> None:
    """A first run makes the environment, installs the lock by hash, then our own package."""
    boot.ensure(boot.RUN)

    own = ["-q", "--no-deps", "--no-build-isolation", "--editable", "."]
    assert 3 == len(stages)
    assert {"--require-hashes", "--only-binary", "requirements.lock"} <= set(stages[1])
    assert own == stages[2][-5:]
    assert "" == boot.reason_to_build(boot.RUN)


@pytest.mark.req("SR-024")
@pytest.mark.parametrize("content", [None, "", "{", '{"Python": '])
def test_environment_is_rebuilt_when_it_was_left_half_made(
    boot: Any, stages: list[list[str]], content: str | None
) -> None:
    """Without a whole stamp everything is removed and made again."""
    pretend_built(boot)
    leftover = boot.RUN.folder / "leftover"
    leftover.write_text("")
    stamp = boot.RUN.folder / boot.STAMP
    stamp.unlink() if content is None else stamp.write_text(content)

    assert "only half-made" == boot.reason_to_build(boot.RUN)
    boot.ensure(boot.RUN)

    assert (False, 3) == (leftover.exists(), len(stages))


@pytest.mark.req("SR-024")
def test_environment_is_left_half_made_when_a_stage_fails(
    boot: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A failed stage ends the run with code 1, names the stage, and leaves no stamp."""
    monkeypatch.setattr(boot, "call", lambda command: int("requirements.lock" in command))

    with pytest.raises(SystemExit) as ended:
        boot.ensure(boot.RUN)

    assert 1 == ended.value.code
    assert "Stopped at: 2/3 2 packages of requirements.lock" in capsys.readouterr().err
    assert not (boot.RUN.folder / boot.STAMP).exists()


def test_environment_is_out_of_date_when_the_lock_changed(boot: Any) -> None:
    """One changed character in the lock file is named as the cause."""
    pretend_built(boot)
    boot.RUN.lock.write_text("a==2\n")

    assert "out of date, changed: requirements.lock" == boot.reason_to_build(boot.RUN)


def test_environment_is_out_of_date_when_a_command_was_added(boot: Any) -> None:
    """The project's table counts, since entry points are written at installation; tools' do not."""
    pretend_built(boot)
    pyproject = boot.ROOT / "pyproject.toml"
    text = pyproject.read_text(encoding="utf-8")

    pyproject.write_text(text.replace("line-length = 100", "line-length = 99"), encoding="utf-8")
    assert "" == boot.reason_to_build(boot.RUN)
    pyproject.write_text(text.replace('name = "penpilot"', 'name = "other"'), encoding="utf-8")
    assert "out of date, changed: pyproject.toml" == boot.reason_to_build(boot.RUN)


def test_environment_is_out_of_date_when_the_checkout_moved(boot: Any) -> None:
    """Programs of an environment hold its full path, so a moved or copied one is useless."""
    pretend_built(boot)
    stamp = boot.RUN.folder / boot.STAMP
    stamp.write_text(stamp.read_text().replace(str(boot.ROOT), "/elsewhere"))

    assert "out of date, changed: place of the checkout" == boot.reason_to_build(boot.RUN)


def test_environment_is_out_of_date_when_python_is_another(
    boot: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another version of Python needs packages of its own."""
    pretend_built(boot)
    monkeypatch.setattr(boot.platform, "python_version", lambda: "3.99.0")

    assert "out of date, changed: Python" == boot.reason_to_build(boot.RUN)


def test_environment_is_useless_when_its_python_has_gone(boot: Any) -> None:
    """A stamp beside a missing interpreter is not believed."""
    pretend_built(boot)
    Path(boot.RUN.program("python")).unlink()

    assert "without its Python" == boot.reason_to_build(boot.RUN)


@pytest.mark.parametrize(
    ("ensurepip", "uv", "pip", "make", "install"),
    [
        (True, "/bin/uv", True, [sys.executable, "-m", "venv"], ["-m", "pip", "install"]),
        (False, "/bin/uv", True, ["/bin/uv", "venv"], ["/bin/uv", "pip", "install"]),
        (False, None, True, [sys.executable, "-m", "venv", "--without-pip"], ["-m", "pip"]),
    ],
)
def test_tools_are_chosen_from_what_is_there(
    boot: Any, ensurepip: bool, uv: str | None, pip: bool, make: list[str], install: list[str]
) -> None:
    """The standard way comes first, then uv, then a pip from outside."""
    chosen = boot.choose_tools(boot.RUN, ensurepip=ensurepip, uv=uv, pip=pip)

    assert set(make) <= set(chosen[0])
    assert set(install) <= set(chosen[1])
    assert boot.RUN.program("python") in chosen[1]


def test_missing_package_is_named_when_nothing_can_make_an_environment(
    boot: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without ensurepip, uv and pip the run ends with code 2 and the command that helps."""
    with pytest.raises(SystemExit) as ended:
        boot.choose_tools(boot.RUN, ensurepip=False, uv=None, pip=False)

    package = f"python{sys.version_info[0]}.{sys.version_info[1]}-venv"
    assert 2 == ended.value.code
    assert f"sudo apt install {package}" in capsys.readouterr().err


def test_children_keep_the_users_index_and_lose_foreign_paths(
    boot: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A mirror and a wheel folder stay in force; what would import from elsewhere does not."""
    monkeypatch.setenv("PIP_INDEX_URL", "file:///mirror")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_USER", "1")
    monkeypatch.setenv("PYTHONPATH", "/elsewhere")

    variables = boot.child_environment()

    assert ("file:///mirror", "1") == (variables["PIP_INDEX_URL"], variables["PIP_NO_INDEX"])
    assert ("0", "1") == (variables["PIP_USER"], variables["PYTHONUTF8"])
    assert "PYTHONPATH" not in variables


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such lock; the script says so")
def test_second_setup_waits_while_the_first_is_at_work(
    boot: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    """A set-up that finds another one says so, and goes on when that one has died."""
    program = f"import fcntl; f = open({str(boot.__file__)!r}, 'rb'); fcntl.flock(f, fcntl.LOCK_EX)"
    program += "; print(flush=True); input()"
    with subprocess.Popen(
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as holder:
        assert holder.stdin is not None
        assert holder.stdout is not None
        holder.stdout.readline()
        real_flock = importlib.import_module("fcntl").flock

        def flock(file: Any, how: int) -> None:
            try:
                real_flock(file, how)
            except BlockingIOError:
                holder.kill()
                raise

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("fcntl.flock", flock)
            with boot.only_one():
                said = capsys.readouterr().out

    assert "Another set-up is under way here; waiting for it.\n" == said


def test_sum_ends_with_failure_when_one_program_fails(
    boot: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Every program runs, the last lines name the one that failed, and the exit code is 1."""
    ran: list[str] = []

    def pretend(command: list[str]) -> int:
        ran.append(Path(command[0]).stem)
        return 3 if ran[-1] == "mypy" else 0

    monkeypatch.setattr(boot, "ensure", lambda _: None)
    monkeypatch.setattr(boot, "call", pretend)
    code = boot.main(["test", "-k", "nothing"])

    assert (1, ["ruff", "ruff", "mypy", "lint-imports", "pytest"]) == (code, ran)
    closing = capsys.readouterr().out.split("-- NOT passed\n")[1]
    assert ["passed", "passed", "FAILED", "passed", "passed"] == closing.split()[1::4]


@pytest.mark.parametrize(
    ("argv", "programs"),
    [
        (["mutants", "safety/limits.py"], [["-m", "tests.mutants", "safety/limits.py"]]),
        (["planted"], [["-m", "tests.mutants.planted"]]),
        (["trace"], [["requirements/make_trace.py", "--out", "build/trace.html"]]),
        (["bench", "--json"], [["-m", "benchmarks.bench_one", "--json"]]),
        (
            ["evidence"],
            [
                ["-m", "tests.model", "--states", "5000000"],
                ["-m", "tests.oracle.compare_limits", "--all"],
                ["-m", "tests.fuzz", "--inputs", "1000000"],
                ["-m", "tests.mutants", "--recheck"],
                ["-m", "tests.mutants.planted"],
                ["-m", "tests.hostile", "--out", "build/hostile-wire.md"],
            ],
        ),
    ],
    ids=lambda value: value[0] if isinstance(value[0], str) else "",
)
def test_proof_runs_on_the_python_of_the_test_environment(
    boot: Any, monkeypatch: pytest.MonkeyPatch, argv: list[str], programs: list[list[str]]
) -> None:
    """Each of the long commands starts its programs with their arguments, all on one Python."""
    ran: list[list[str]] = []
    monkeypatch.setattr(boot, "ensure", lambda _: None)
    monkeypatch.setattr(boot, "call", lambda command: ran.append(command) or 0)
    (boot.ROOT / "benchmarks").mkdir()
    (boot.ROOT / "benchmarks/bench_one.py").write_text("")
    code = boot.main(argv)

    assert 0 == code
    assert programs == [command[1:] for command in ran]
    assert {boot.TEST.program("python")} == {command[0] for command in ran}


@pytest.mark.parametrize(("argv", "code"), [([], 0), (["--help"], 0), (["demmo"], 2)])
def test_usage_is_shown_when_no_command_is_given(
    boot: Any, capsys: pytest.CaptureFixture[str], argv: list[str], code: int
) -> None:
    """Asking shows the commands; a slip shows them too and ends with code 2."""
    assert code == boot.main(argv)
    assert "Usage: python3 bootstrap.py COMMAND" in capsys.readouterr().out


def test_makefile_hands_over_command_and_arguments(boot: Any) -> None:
    """``make`` starts the script by a relative path, with the name of the target and ARGS."""
    result = subprocess.run(
        ["make", "-n", "demo", "PYTHON=py", "ARGS=--drill 'over depth'"],
        cwd=boot.ROOT,
        env={"PATH": os.environ["PATH"]},  # not that of the `make test` around this
        capture_output=True,
        text=True,
        check=True,
    )

    assert "py bootstrap.py demo --drill 'over depth'\n" == result.stdout


@pytest.mark.parametrize("name", ["requirements.lock", "requirements-test.lock"])
def test_lock_names_no_host_and_hashes_every_package(name: str) -> None:
    """A lock file holds versions and hashes; where they come from is the machine's business."""
    lines = (ROOT / name).read_text(encoding="utf-8").splitlines()
    packages = [line for line in lines if line[:1].isalnum()]

    assert [] == [line for line in lines if "://" in line or line.startswith("-")]
    assert packages
    assert [] == [line for line in packages if "==" not in line or not line.endswith("\\")]


def test_locks_agree_on_every_shared_package() -> None:
    """What runs is what was tested: the runtime lock is a part of the test lock."""
    runtime, tools = (
        {line for line in (ROOT / name).read_text(encoding="utf-8").splitlines() if "==" in line}
        for name in ("requirements.lock", "requirements-test.lock")
    )

    assert set() == runtime - tools
