"""`cvq bench call` measures, with real browsers."""

from __future__ import annotations

import pytest

from cvq_advisor_console.bench.call import run


@pytest.mark.nightly
async def test_the_call_bench_compares_five_rounds_of_both_kinds() -> None:
    result = await run(5)
    figures = result["figures"]
    assert result["bench"] == "call"
    for kind in ("bare", "ours"):
        assert len(figures[f"call_setup_{kind}_rounds_ms"]) == 5
        assert all(value > 0 for value in figures[f"call_glass_{kind}_rounds_ms"])
    added = figures["call_setup_ours_ms"] - figures["call_setup_bare_ms"]
    assert figures["call_setup_added_ms"] == pytest.approx(added, abs=0.2)
