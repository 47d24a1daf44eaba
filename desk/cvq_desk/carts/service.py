"""Making a cart for the resident, and showing where to pay it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import segno
from sqlalchemy.ext.asyncio import AsyncSession

from cvq_core.payables.rules import Payable, check_payables
from cvq_core.payables.store import payable_lines
from cvq_core.payments.carts import latest_cart_of, make_cart, standing_of
from cvq_core.payments.rules import CartState, PayerEmailMissing, check_email
from cvq_core.payments.service import OnlinePayments, cart_url
from cvq_core.payments.tables import Cart
from cvq_core.settings import Settings
from cvq_core.text import money
from cvq_desk.visits.acts import Act, own_visit, require_session, tell
from cvq_desk.visits.consents import check_look
from cvq_desk.visits.rules import ConsentScope, NoAccount, NoConsent
from cvq_desk.visits.store import latest_consent
from cvq_desk.visits.tables import Visit
from cvq_desk.wire import PaymentState, PaymentView

PAYMENT_PAGE = "payment"
"""What `Visit.shown` is while screen 2 shows where to pay."""


async def cart_for_visit(
    act: Act, payments: OnlinePayments, visit_id: UUID, cart_id: UUID, payables: Sequence[Payable], *, email: str
) -> Cart:
    """Put wallets and invoices of the account that is open together, to be paid online; the same id is the same cart.

    Without an address of the resident's, PayFiP gets the office's, and nobody is written to.

    Raises:
        NoOnlinePayment, PayerEmailMissing, NoConsent, ConsentPaused and everything of `make_cart`.
        NoAccount: something belongs to another account than the one that is open.
    """
    place_code = payments.place_code
    visit = await own_visit(act, visit_id)
    require_session(visit)
    consent = await latest_consent(act.db, visit.id)
    if consent is None:
        raise NoConsent(visit_id=visit.id)
    await check_look(act, visit, consent.account_id, ConsentScope.WALLETS)
    check_payables(payables)
    if any(line.family_account_id != consent.account_id for line in await payable_lines(act.db, payables)):
        raise NoAccount(visit_id=visit.id)
    address = email or act.settings.payfip_email or ""
    if not address:
        raise PayerEmailMissing
    cart = await make_cart(
        act.db,
        cart_id,
        payables,
        place_code=place_code,
        email=check_email(address),
        acknowledged=bool(email),
        actor_kind="staff",
        actor_id=act.principal.id,
        now=act.now,
        visit_id=visit.id,
        topics=((f"visit:{visit.id}", "payment"), (f"booth:{visit.booth_id}", "view")),
    )
    visit.shown = PAYMENT_PAGE
    tell(act.db, visit)
    await act.journal_once(
        "cart-made", cart.id, visit, account_id=consent.account_id, consent_id=consent.id, subject=("cart", cart.id)
    )
    return cart


async def payment_view(db: AsyncSession, visit: Visit, *, now: datetime, settings: Settings) -> PaymentView | None:
    """Return what screen 2 shows of the visit's cart while it is the page to show; nothing when there is none."""
    cart = await latest_cart_of(db, visit.id) if visit.shown == PAYMENT_PAGE else None
    if cart is None:
        return None
    standing = await standing_of(db, cart, now)
    if standing.state is CartState.PAID:
        state = PaymentState.PAID
    elif standing.state in (CartState.UNKNOWN, CartState.EXPIRED):
        state = PaymentState.CHECKED
    else:
        state = PaymentState.TO_PAY
    url = cart_url(settings, cart)
    rows = segno.make(url, error="m", micro=False).matrix
    total = sum(line.amount_cents for line in standing.lines)
    return PaymentView(
        state=state,
        amount=money(total if state is PaymentState.PAID else standing.due_cents, settings.language),
        address=url.partition("://")[2],
        url=url,
        code=["".join("1" if dark else "0" for dark in row) for row in rows],
    )


def qr_code(address: str) -> str:
    """Return an address as a QR code, an SVG in a `data:` address: large enough to be read from a screen."""
    code: str = segno.make(address, error="m", micro=False).svg_data_uri(scale=8, border=4, light="#fff")
    return code
