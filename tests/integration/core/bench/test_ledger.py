"""The ledger bench measures everything that it promises, on a small territory; how fast is no matter here."""

from __future__ import annotations

import json

from cvq_core.bench import hordak
from cvq_core.bench.harness import BenchOptions
from cvq_core.bench.ledger import run

RATIOS = {"ledger_tpcb", "ledger_hot", "ledger_hot_read", "ledger_sqlite", "ledger_simple_update"}


async def test_every_ratio_comes_out_and_no_payment_is_lost_doubled_or_overdrawn() -> None:
    result = await run(BenchOptions(rounds=1, seconds=0.5, preset="demo", clients=4, pgbench_scale=1))
    assert set(result.ratios) >= RATIOS
    assert ("ledger_hordak" in result.ratios) == hordak.is_installed()
    assert all(value > 0 for value in result.ratios.values())
    assert result.figures["ledger_acknowledged"] > 0
    for side in ("spread", "hot", "alone"):
        assert result.figures[f"ledger_{side}_p99_ms"] > 0
    for name in ("ledger_lost", "ledger_doubled", "wallets_overdrawn", "ledger_troubles"):
        assert result.figures[name] == 0, name
    conditions = json.loads(result.line())["conditions"]
    assert (conditions["fsync"], conditions["synchronous_commit"]) == ("on", "on")
    assert conditions["hordak"]
