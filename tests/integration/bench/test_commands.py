"""`cvq bench` as it is called: what it prints, and what it says when it cannot measure."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

import pytest

from cvq_advisor_console.bench import call, mirror, resume
from cvq_advisor_console.bench.call import CallRound
from cvq_core.bench import hordak

CVQ = Path(sys.executable).with_name("cvq")
LEDGER_RATIOS = {"ledger_tpcb", "ledger_hot", "ledger_hot_read", "ledger_sqlite", "ledger_simple_update"}
DEMO_CARDS = 340
RATIOS = {"tap_batched", "tap_single", "tap_cpu", "tap_latency", "tap_p99", "tap_sqlite"}


async def _cvq_bench(*arguments: str) -> tuple[int, str, str]:
    process = await asyncio.create_subprocess_exec(
        *(str(CVQ), "bench", *arguments), stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    try:
        said, erred = await process.communicate()
    finally:
        if process.returncode is None:
            process.terminate()
            await process.wait()
    return process.returncode or 0, said.decode(), erred.decode()


def _check_shape(found: dict[str, Any], name: str) -> None:
    assert list(found) == ["bench", "ratios", "figures", "conditions"]
    assert found["bench"] == name
    assert {"cores", "python", "others_cpu_share", "rounds"} <= found["conditions"].keys()


def _check_durable(found: dict[str, Any]) -> None:
    """A figure of a database that forgets in a power cut would be worth nothing."""
    assert (found["conditions"]["fsync"], found["conditions"]["synchronous_commit"]) == ("on", "on")


async def test_taps_prints_its_ratios_in_one_json_object_and_nothing_is_lost() -> None:
    asked = ("taps", "--json", "--rounds", "1", "--seconds", "0.3", "--preset", "demo", "--times", "3")
    code, said, erred = await _cvq_bench(*asked)
    assert code == 0, erred
    found = json.loads(said.splitlines()[-1])
    _check_shape(found, "taps")
    assert found["ratios"].keys() >= RATIOS
    assert all(value > 0 for value in found["ratios"].values())
    assert found["conditions"]["cards"] > 3 * DEMO_CARDS
    assert found["figures"]["taps_acknowledged"] > 0
    for figure in ("taps_failed", "taps_lost", "taps_doubled", "wallets_overdrawn", "ledger_troubles"):
        assert found["figures"][figure] == 0, figure
    _check_durable(found)


async def test_ledger_prints_its_ratios_in_one_json_object_and_nothing_is_lost() -> None:
    code, said, erred = await _cvq_bench(*("ledger", "--json", "--rounds", "1", "--seconds", "0.3", "--preset", "demo"))
    assert code == 0, erred
    found = json.loads(said.splitlines()[-1])
    _check_shape(found, "ledger")
    assert found["ratios"].keys() >= LEDGER_RATIOS
    assert all(value > 0 for value in found["ratios"].values())
    assert ("ledger_hordak" in found["ratios"]) == hordak.is_installed()
    assert ("ledger_hordak" in found["ratios"]) == ("not installed" not in found["conditions"]["hordak"])
    assert found["figures"]["ledger_acknowledged"] > 0
    for side in ("spread", "hot", "alone"):
        assert found["figures"][f"ledger_{side}_p99_ms"] > 0
    for figure in ("ledger_lost", "ledger_doubled", "wallets_overdrawn", "ledger_troubles"):
        assert found["figures"][figure] == 0, figure
    _check_durable(found)


@pytest.mark.parametrize("name", ["call", "mirror", "resume"])
async def test_too_few_rounds_are_refused_with_a_sentence_and_no_measurement(name: str) -> None:
    code, said, erred = await _cvq_bench(name, "--rounds", "2")
    assert code == 1
    assert "at least 5" in erred
    assert "Traceback" not in erred
    assert said == ""


async def test_help_names_every_bench_and_an_unknown_one_is_refused() -> None:
    code, said, _ = await _cvq_bench("--help")
    assert code == 0
    for name in ("taps", "ledger", "call", "mirror", "resume"):
        assert name in said
    code, _, erred = await _cvq_bench("nothing")
    assert code == 2
    assert "nothing" in erred


def test_mirrors_object_holds_percentiles_over_all_keys_and_of_each_round() -> None:
    conditions: dict[str, object] = {"cores": 2, "python": "3", "others_cpu_share": 0.0, "rounds": 2}
    found = mirror.result([[100.0] * 12, [100.0] * 11 + [900.0]], 321.04, conditions)
    _check_shape(found, "mirror")
    assert found["figures"] == {
        "mirror_p50_ms": 100.0,
        "mirror_p95_ms": 100.0,
        "mirror_max_ms": 900.0,
        "mirror_rounds_p95_ms": [100.0, 900.0],
        "mirror_keys": 24,
        "queue_ms": 321.0,
    }


def test_resumes_object_has_the_worst_fault_first_and_each_fault_after_it() -> None:
    conditions: dict[str, object] = {"cores": 2, "python": "3", "others_cpu_share": 0.0, "rounds": 3}
    seconds = {"server": [(1.0, 5.0), (2.0, 6.0), (9.0, 13.0)], "page": [(0.5, 0.6)] * 3}
    found = resume.result(seconds, conditions)
    _check_shape(found, "resume")
    assert found["figures"] == {
        "resume_s": 2.0,
        "resume_server_s": 2.0,
        "resume_server_max_s": 9.0,
        "resume_server_from_fault_s": 6.0,
        "resume_page_s": 0.5,
        "resume_page_max_s": 0.5,
        "resume_page_from_fault_s": 0.6,
    }


def test_calls_figures_have_what_performance_is_judged_by() -> None:
    rounds = [CallRound(200.0, [50.0, 60.0])] * 5
    assert {"call_setup_added_ms", "call_glass_added_ms"} <= call.figures(rounds, rounds).keys()
