"""The program that dies, loaded once for the tests of a module."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.integration.power_cut.town import Forking


@pytest.fixture(scope="module")
def forking(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Forking]:
    forking = Forking(tmp_path_factory.mktemp("server") / "log")
    yield forking
    forking.stop()
