"""`cvq bench NAME`: each bench is loaded only when it is called, and all give the same object."""

from __future__ import annotations

import json
from typing import Any

from rich.table import Table

from cvq_advisor_console.bench.conditions import BenchError
from cvq_advisor_console.demo.browsers import BrowserMissing
from cvq_advisor_console.demo.processes import Died
from cvq_core.bench.harness import BenchOptions


class CannotMeasure(Exception):
    """This bench cannot run here; the message says why."""


async def measure(name: str, options: BenchOptions) -> dict[str, Any]:
    """Run the bench `name`: an object with `bench`, `ratios`, `figures` (units in their names) and `conditions`.

    Raises:
        CannotMeasure: something that it needs is missing, or what it measures did not come to stand.
    """
    try:
        return await _measure(name, options)
    except (BenchError, BrowserMissing, Died) as error:
        raise CannotMeasure(f"cvq bench {name}: {error}") from error


async def _measure(name: str, options: BenchOptions) -> dict[str, Any]:
    if name in ("taps", "ledger", "months", "booking"):
        from cvq_core.bench import booking, ledger, taps
        from cvq_core.bench.cluster import NoPostgresql, ServerElsewhere
        from cvq_core.bench.months import bench as months

        run = {"taps": taps.run, "ledger": ledger.run, "months": months.run, "booking": booking.run}[name]
        try:
            found: dict[str, Any] = json.loads((await run(options)).line())
        except (NoPostgresql, ServerElsewhere) as error:
            raise BenchError(str(error)) from error
        return found
    if name == "call":
        from cvq_advisor_console.bench import call

        return await call.run(options.rounds)
    if name == "mirror":
        from cvq_advisor_console.bench import mirror

        return await mirror.run(options)
    from cvq_advisor_console.bench import resume

    return await resume.run(options)


def figures_table(found: dict[str, Any]) -> Table:
    """Return ratios and figures for a reader."""
    table = Table("what", "value", title=f"cvq bench {found['bench']}")
    for name, value in {**found["ratios"], **found["figures"]}.items():
        table.add_row(name, str(value))
    return table
