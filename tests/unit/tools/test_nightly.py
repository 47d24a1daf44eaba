"""The nightly table says what was measured, what falls short and what was not run, and nothing else."""

from __future__ import annotations

import json
import sys
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path
from typing import Any

import pytest

SCRIPT = Path(__file__).parents[3] / "tools" / "nightly"


@pytest.fixture
def nightly(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The script as a module, which keeps its results in a folder of the test's own."""
    loader = SourceFileLoader("nightly_under_test", str(SCRIPT))
    spec = spec_from_loader(loader.name, loader)
    assert spec is not None
    module = module_from_spec(spec)
    # Its dataclasses look their module up while they are made.
    monkeypatch.setitem(sys.modules, loader.name, module)
    monkeypatch.setattr("sys.dont_write_bytecode", True)
    loader.exec_module(module)
    monkeypatch.setattr(module, "KEPT", tmp_path)
    return module


def _result(bench: str, **figures: float) -> dict[str, Any]:
    return {"bench": bench, "ratios": {}, "figures": figures, "conditions": {"rounds": 5}}


def test_a_step_that_was_not_run_is_said_to_be_so(nightly: Any) -> None:
    table = nightly.table()
    assert "| `mirror_p95_ms` | not yet run | ≤ 150 ms | |" in table
    steps = "taps, hundredfold, ledger, months, booking, call, mirror, resume, cuts, lives, payfip, site, year, tests"
    assert f"Not yet run: {steps}." in table
    assert "reached" not in table


def test_a_figure_beyond_its_aim_stands_among_what_falls_short(nightly: Any) -> None:
    nightly.keep("mirror", _result("mirror", mirror_p95_ms=151.0), 1.0)
    nightly.keep("resume", _result("resume", resume_s=5.0), 1.0)
    table = nightly.table()
    assert "| `mirror_p95_ms` | 151 ms | ≤ 150 ms | **short** |" in table
    assert "* `mirror_p95_ms` (mirror) is 151 ms, aimed at ≤ 150 ms." in table
    assert "| `resume_s` | 5 s | ≤ 5 s | reached |" in table
    assert "`resume_s` is" not in table


def test_a_step_that_could_not_run_is_named_with_its_reason(nightly: Any) -> None:
    nightly.keep("call", {"trouble": "Chromium is missing"}, 1.0)
    table = nightly.table()
    assert "`call` could not be run: Chromium is missing" in table
    assert "| `call_setup_added_ms` | no figure | ≤ 100 ms | |" in table


def test_what_was_kept_is_whole_and_has_its_day(nightly: Any, tmp_path: Path) -> None:
    nightly.keep("tests", {"tests": 3, "failures": 1, "errors": 0, "skipped": 0, "failed": ["a::b"]}, 2.4)
    kept = json.loads((tmp_path / "tests.json").read_text())
    assert kept["took_s"] == 2
    assert len(kept["day"]) == 10
    table = nightly.table()
    assert "Other nightly tests: 3 run, 1 failed, 0 skipped." in table
    assert "Failed: `a::b`." in table
