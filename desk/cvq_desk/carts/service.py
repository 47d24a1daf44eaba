"""Making a cart for the resident, and showing where to pay it."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

import segno

from cvq_core.payables.rules import Payable, check_payables
from cvq_core.payables.store import payable_lines
from cvq_core.payments.rules import PayerEmailMissing, check_email
from cvq_core.payments.service import OnlinePayments
from cvq_core.payments.store import make_cart
from cvq_core.payments.tables import Cart
from cvq_desk.visits.acts import Act, own_visit, require_session
from cvq_desk.visits.consents import check_look
from cvq_desk.visits.rules import ConsentScope, NoAccount, NoConsent
from cvq_desk.visits.store import latest_consent


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
        topics=(f"visit:{visit.id}", f"booth:{visit.booth_id}"),
    )
    act.journal("cart-made", visit, account_id=consent.account_id, consent_id=consent.id, subject=("cart", cart.id))
    return cart


def qr_code(address: str) -> str:
    """Return an address as a QR code, an SVG in a `data:` address: large enough to be read from a screen."""
    code: str = segno.make(address, error="m", micro=False).svg_data_uri(scale=8, border=4, light="#fff")
    return code
