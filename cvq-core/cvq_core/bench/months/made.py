"""How often things happen in the months, and how much of each there was."""

from __future__ import annotations

from dataclasses import dataclass

MEALS, SWIMS = 0.92, 0.02
"""How probable it is that somebody enrolled eats on a day, and that a guardian swims."""
INVOICED = 0.4
"""Share of the families that get an invoice each month."""
PAID_ONLINE, PAID_AT_A_COUNTER = 0.61, 0.29
"""Of what is invoiced, as Parthenay's own figures of 2017 have it; the rest stays due."""
TOP_UPS_A_DAY = 8
"""At each counter; fewer where hardly anybody lives."""
VOIDED, MISCOUNTED, REFUSED = 0.02, 0.05, 0.1
"""Of receipts, of closed drawers, and of attempts to pay online."""


@dataclass(slots=True)
class Made:
    """How much of each there was."""

    taps: int = 0
    receipts: int = 0
    voids: int = 0
    slips: int = 0
    deposits: int = 0
    invoices: int = 0
    online: int = 0
