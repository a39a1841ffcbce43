"""`penpilot firmware header`: what it writes, when it is stale, and what it cannot write to."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from controller.cli import penpilot

NAMES = {"penlink.h", "penlink_vectors.h", "penlink_vectors.c", "penlink_selftest.c"}


def run(*arguments: object) -> tuple[int, str, str]:
    """Return exit code, standard output and standard error."""
    result = CliRunner().invoke(penpilot, ["firmware", "header", *map(str, arguments)])
    return result.exit_code, result.stdout, result.stderr


def test_header_writes_the_files_that_its_document_names(tmp_path: Path) -> None:
    """Each file holds the bytes of the hash that is told, and a second run changes none."""
    folder = tmp_path / "new" / "penlink"
    code, out, _ = run("--out", folder, "--json")

    told = json.loads(out)
    hashes = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.iterdir()}
    assert (0, str(folder), True) == (code, told["folder"], told["written"])
    assert NAMES == set(hashes)
    assert hashes == {file["name"]: file["sha256"] for file in told["files"]}
    assert {"missing"} == {file["was"] for file in told["files"]}

    before = {path: path.stat().st_mtime_ns for path in folder.iterdir()}
    _, out, _ = run("--out", folder, "--json")
    assert {"current"} == {file["was"] for file in json.loads(out)["files"]}
    assert before == {path: path.stat().st_mtime_ns for path in folder.iterdir()}


def test_check_tells_a_stale_file_and_writes_nothing(tmp_path: Path) -> None:
    """A changed byte or a missing file ends with exit code 2; the folder stays as it was."""
    run("--out", tmp_path)
    assert 0 == run("--out", tmp_path, "--check")[0]

    changed = tmp_path / "penlink.h"
    changed.write_text(changed.read_text().replace("200u", "201u"))
    (tmp_path / "penlink_vectors.c").unlink()
    code, out, err = run("--out", tmp_path, "--check")

    assert (2, 1) == (code, err.count("\n"))
    assert {"stale", "missing", "current"} == {line.split()[0] for line in out.splitlines()}
    assert "201u" in changed.read_text()
    assert 2 == json.loads(run("--out", tmp_path, "--check", "--json")[1])["exit_code"]


@pytest.mark.req("SR-017")
@pytest.mark.parametrize("name", ["file", "file/below"])
def test_folder_that_cannot_be_one_is_named_in_one_line(tmp_path: Path, name: str) -> None:
    """A file in the place of the folder ends with one line and exit code 2."""
    (tmp_path / "file").write_text("")
    code, _, err = run("--out", tmp_path / name)

    assert (2, 1) == (code, err.count("\n"))
    assert err.startswith("penpilot: --out = ")
