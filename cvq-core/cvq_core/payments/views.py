"""What the public page of a payment shows: it names nobody, and tells whoever has the address what is due."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from cvq_core.payments.carts import CartStanding
from cvq_core.payments.rules import CartState
from cvq_core.payments.tables import PaymentAttempt


@dataclass(frozen=True, slots=True)
class PayLine:
    """One thing that is paid for."""

    label: str
    amount_cents: int


@dataclass(frozen=True, slots=True)
class PayPage:
    """The page of one cart. `again_url` is set while the page asks by itself, `look_url` once it no longer does."""

    territory: str
    state: CartState
    lines: tuple[PayLine, ...]
    due_cents: int
    pay_url: str
    paid_cents: int = 0
    paid_at: datetime | None = None
    reference: str = ""
    again_url: str = ""
    look_url: str = ""


def pay_page(standing: CartStanding, territory: str, *, again_url: str = "", look_url: str = "") -> PayPage:
    """Return the page of a cart: while it is to be paid, with what is still due on each line."""
    paid = _paying(standing)
    due = {share.account_id: share.amount_cents for share in standing.shares}
    if standing.state is CartState.PAID:
        lines = [PayLine(line.label, line.amount_cents) for line in standing.lines]
    else:
        lines = [PayLine(line.label, due[line.account_id]) for line in standing.lines if line.account_id in due]
    return PayPage(
        territory=territory,
        state=standing.state,
        lines=tuple(lines),
        due_cents=standing.due_cents,
        pay_url=f"/p/{standing.cart.token}/payer",
        paid_cents=paid.received_cents or 0 if paid else 0,
        paid_at=paid.credited_at if paid else None,
        reference=paid.refdet if paid else "",
        again_url=again_url if standing.state is CartState.SENT else "",
        look_url=look_url if standing.state is CartState.SENT else "",
    )


def _paying(standing: CartStanding) -> PaymentAttempt | None:
    return next((each for each in standing.attempts if each.id == standing.cart.settled_by), None)
