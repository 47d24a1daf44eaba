"""The tap bench measures everything that it promises, on a small territory; how fast is no matter here."""

from __future__ import annotations

import json

from cvq_core.bench.harness import BenchOptions
from cvq_core.bench.taps import run

RATIOS = {"tap_batched", "tap_single", "tap_cpu", "tap_latency", "tap_p99", "tap_sqlite"}


async def test_every_ratio_comes_out_and_no_tap_is_lost_doubled_or_overdrawn() -> None:
    result = await run(BenchOptions(rounds=1, seconds=0.5, preset="demo", clients=4, pgbench_scale=1))
    assert set(result.ratios) >= RATIOS
    assert all(value > 0 for value in result.ratios.values())
    assert result.figures["taps_acknowledged"] > 0
    for name in ("taps_failed", "taps_lost", "taps_doubled", "wallets_overdrawn", "ledger_troubles"):
        assert result.figures[name] == 0, name
    conditions = json.loads(result.line())["conditions"]
    assert (conditions["fsync"], conditions["synchronous_commit"]) == ("on", "on")
