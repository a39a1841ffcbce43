"""The contract of all drivers, passed by this one; `pytest` in this folder runs it."""

from __future__ import annotations

import pytest
from acme_pen.driver import open_acme
from acme_pen.fake import FakeAcme

from drivers.driver import Opener
from hil.contract import DriverContract


class TestAcmePen(DriverContract):
    """An Acme pen."""

    @pytest.fixture
    def opener(self) -> Opener:
        """Return what the entry point names."""
        return open_acme

    @pytest.fixture
    def pen(self) -> FakeAcme:
        """Return the pen at the other end."""
        return FakeAcme()
