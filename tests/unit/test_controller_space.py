"""Free space before a session: enough, too little, and not to be known."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import NamedTuple

import pytest

from controller.errors import RefusedError
from controller.space import FREE_BYTES_MIN, free_bytes, refuse_full_disk


class Usage(NamedTuple):
    """What the system says of a disk."""

    total: int
    used: int
    free: int


@pytest.mark.req("SR-014", "R07")
@pytest.mark.parametrize(("free", "is_refused"), [(200_000_000, False), (199_999_999, True)])
def test_session_is_refused_when_the_disk_is_nearly_full(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, free: int, *, is_refused: bool
) -> None:
    """What may not be written down to its end is not begun."""
    monkeypatch.setattr(shutil, "disk_usage", lambda _place: Usage(10**12, 0, free))
    assert FREE_BYTES_MIN == 200_000_000
    if not is_refused:
        refuse_full_disk(tmp_path)
        return

    with pytest.raises(RefusedError, match=r"199 MB are free .* a session needs 200 MB"):
        refuse_full_disk(tmp_path)


def test_folder_that_does_not_exist_yet_has_the_space_of_its_parent(tmp_path: Path) -> None:
    """The data folder is made later than the question is asked."""
    expected = shutil.disk_usage(tmp_path).total

    assert 0 < free_bytes(tmp_path / "a" / "b") <= expected


def test_disk_that_does_not_tell_is_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Unknown is too little."""

    def fail(_place: Path) -> Usage:
        raise PermissionError("no")

    monkeypatch.setattr(shutil, "disk_usage", fail)

    with pytest.raises(RefusedError, match="is not known: no"):
        refuse_full_disk(tmp_path)
