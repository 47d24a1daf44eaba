"""The bookkeeping of measurements."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from cvq_core.bench.harness import BenchResult, CpuClock, Samples, cap_per_s, conditions_of, cores, percentile_ms


def test_a_ratio_is_the_median_of_the_rounds_own_ratios() -> None:
    samples = Samples()
    # The third round was disturbed on both sides: its ratio is as good as the others'.
    for ours, limit in ((50, 100), (60, 100), (5, 10), (90, 100), (40, 100)):
        samples.add("ours", ours)
        samples.add("limit", limit)
    assert samples.ratio("ours", "limit") == 0.5
    assert samples.median("ours") == 50
    assert samples.spread("limit") == pytest.approx(0.9)


def test_rounds_that_were_not_measured_on_both_sides_make_no_ratio() -> None:
    samples = Samples()
    samples.add("ours", 1)
    samples.add("ours", 2)
    samples.add("limit", 1)
    with pytest.raises(ValueError, match="shorter"):
        samples.ratio("ours", "limit")


def test_the_cap_is_what_all_cores_could_do() -> None:
    assert cap_per_s(0.5, 1000) == cores() * 2000
    assert cap_per_s(0.0, 0) == 0.0


def test_a_percentile_is_a_latency_that_was_seen() -> None:
    latencies = [0.001 * each for each in range(1, 101)]
    assert percentile_ms(latencies, 0.5) == pytest.approx(51)
    assert percentile_ms(latencies, 0.99) == pytest.approx(100)
    assert percentile_ms([0.004], 0.99) == pytest.approx(4)


def test_the_cpu_of_children_counts_also_when_they_have_ended() -> None:
    clock = CpuClock([os.getpid()])
    spend = "import time\nwhile time.process_time() < 0.5: pass"
    subprocess.run([sys.executable, "-c", spend], check=True)
    assert clock.ours_s() >= 0.4
    assert 0.0 <= clock.others_share() <= 1.0


def test_the_line_is_json_with_what_a_reader_needs() -> None:
    conditions = conditions_of("aiohttp", "no-such-package", preset="demo")
    result = BenchResult("taps", {"tap_single": 0.123456}, {"taps_lost": 0, "tap_p50_ms": 1.23456}, conditions)
    read = json.loads(result.line())
    assert "\n" not in result.line()
    assert read["bench"] == "taps"
    assert read["ratios"] == {"tap_single": 0.1235}
    assert read["figures"] == {"taps_lost": 0.0, "tap_p50_ms": 1.235}
    assert read["conditions"]["cores"] == cores()
    assert read["conditions"]["no-such-package"] is None
    assert read["conditions"]["preset"] == "demo"
