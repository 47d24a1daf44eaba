"""A village lives a month, and every account of it is right to the cent; at night it is the whole territory for three.

`make nightly` runs `cvq bench months`, on PostgreSQL.
"""

from __future__ import annotations

from pathlib import Path

from cvq_core.bench.months.bench import live
from tests.postgresql_cluster import Cluster, run_on


async def test_a_month_of_a_village_closes_to_the_cent(tmp_path: Path) -> None:
    result = await live(f"sqlite:///{tmp_path}/months.sqlite", "demo", months=1)
    _assert_closed(result.figures)


async def test_a_month_closes_alike_on_postgresql(postgresql: Cluster) -> None:
    await run_on(postgresql.url("postgres"), "CREATE DATABASE months")
    result = await live(postgresql.url("months"), "demo", months=1)
    _assert_closed(result.figures)
    await run_on(postgresql.url("postgres"), "DROP DATABASE months WITH (FORCE)")


def _assert_closed(figures: object) -> None:
    assert isinstance(figures, dict)
    for name in ("off_cents", "files_wrong", "troubles"):
        assert figures[f"months_{name}"] == 0, name
    for name in ("taps", "receipts", "voids", "slips", "deposits", "invoices", "online"):
        assert figures[f"months_{name}"] > 0, name
