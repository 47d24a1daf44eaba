"""The waste centre that the tests of this folder begin with."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from cvq_core.database import Database
from tests.integration.core.waste.ground import Ground, ground_on


@pytest.fixture
async def ground(database: Database) -> AsyncIterator[Ground]:
    async with ground_on(database) as ground:
        yield ground
