"""The region of the console where the advisor has the resident pay online."""

from __future__ import annotations

from uuid import UUID

from aiohttp import web

from cvq_advisor_console.cash.amounts import required_cents, written
from cvq_advisor_console.console.desk import Desk
from cvq_advisor_console.views.paying import CartView, PayChoice, PayingLine, PayingView
from cvq_core.clock import local_day
from cvq_core.errors import N_, BadInput
from cvq_core.ids import new_id
from cvq_core.invoices.store import invoices_of
from cvq_core.ledger.service import wallet_overviews
from cvq_core.payables.rules import PAYABLES_MAX, Payable, PayableKind
from cvq_core.payments.carts import latest_cart_of, standing_of
from cvq_core.payments.routes import online_payments
from cvq_core.payments.rules import CartState
from cvq_core.staff import Permission
from cvq_core.text import long_date, money
from cvq_core.web import Context, Routes
from cvq_core.web.context import FIELDS
from cvq_core.web.views import Act
from cvq_desk.carts.service import PAYMENT_PAGE, cart_for_visit, qr_code
from cvq_desk.visits.consents import check_look
from cvq_desk.visits.routes import act_of
from cvq_desk.visits.rules import ConsentPaused, ConsentScope, NoConsent
from cvq_desk.wire import ConsentState

routes = Routes("/console", tag="pages")

STATE_WORDS: dict[CartState, tuple[str, str, str]] = {
    CartState.OPEN: (N_("à payer"), "", "hourglass"),
    CartState.SENT: (N_("en train de payer"), "sun", "hourglass"),
    CartState.PAID: (N_("payé"), "ok", "circle-check"),
    CartState.REFUSED: (N_("refusé par la banque, à reprendre"), "alert", "alert-circle"),
    CartState.CANCELLED: (N_("annulé, à reprendre"), "sun", "alert-circle"),
    CartState.EXPIRED: (N_("trop ancien"), "off", "alert-circle"),
    CartState.UNKNOWN: (N_("en vérification"), "sun", "hourglass"),
}
"""The word of each state, its tone and its icon."""


async def paying_view(desk: Desk) -> PayingView | None:
    """Return what can be paid online of the open account, and the visit's cart; nothing where there is no PayFiP."""
    payments = online_payments(desk.context)
    if not payments.offered:
        return None
    region = desk.region("paying")
    consent = desk.consent
    if consent is None or consent.state != ConsentState.GIVEN:
        return PayingView(region)
    try:
        await check_look(act_of(desk.context), desk.visit, consent.account_id, ConsentScope.WALLETS)
    except (NoConsent, ConsentPaused):
        return PayingView(region)
    return PayingView(
        region,
        choices=await _choices(desk, consent.account_id),
        cart=await _cart(desk),
        show=desk.act("show?page=payment") if desk.visit.shown != PAYMENT_PAGE else None,
        hide=desk.act("show?page=welcome") if desk.visit.shown == PAYMENT_PAGE else None,
        make=Act(url=f"/console/{desk.visit.id}/panier"),
        cart_id=str(new_id()),
    )


@routes.post("/{id}/panier", access=Permission.SERVE, form=True)
async def make_cart(context: Context) -> web.Response:
    """Put what has an amount into a cart, to be paid on the resident's telephone."""
    sent = context.request.get(FIELDS)
    fields = {name: str(value) for name, value in sent.items()} if isinstance(sent, dict) else {}
    payables = [
        Payable(PayableKind(kind), _id(number), required_cents(name, text))
        for name, text in fields.items()
        if (kind := name.partition("-")[0]) in set(PayableKind) and (number := name.partition("-")[2]) and text.strip()
    ]
    cart_id, visit_id = _id(fields.get("id", "")), context.path_id()
    payments = online_payments(context)
    email = fields.get("email", "").strip()
    await cart_for_visit(act_of(context), payments, visit_id, cart_id, payables[: PAYABLES_MAX + 1], email=email)
    return context.redirect(f"/console/{visit_id}")


async def _choices(desk: Desk, account_id: UUID) -> tuple[PayChoice, ...]:
    language = desk.context.language
    today = local_day(desk.context.now)
    invoices = [
        PayChoice(
            name=f"invoice-{standing.invoice.id}",
            label=desk.say(N_("Facture {number}"), number=standing.number),
            hint=desk.say(
                N_("{due} à payer avant le {day}"),
                due=money(standing.due_cents, language),
                day=long_date(standing.invoice.due_on, language),
            ),
            value=written(standing.due_cents),
        )
        for standing in await invoices_of(desk.db, account_id, due_only=True)
    ]
    wallets = [
        PayChoice(
            name=f"wallet-{wallet.id}",
            label=wallet.label,
            hint=desk.say(N_("il reste {amount}"), amount=money(wallet.balance_cents, language)),
        )
        for wallet in await wallet_overviews(desk.db, account_id, on=today, movements=0, language=language)
    ]
    return (*invoices, *wallets)[:PAYABLES_MAX]


async def _cart(desk: Desk) -> CartView | None:
    cart = await latest_cart_of(desk.db, desk.visit.id)
    if cart is None:
        return None
    standing = await standing_of(desk.db, cart, desk.context.now)
    word, tone, icon = STATE_WORDS[standing.state]
    url = online_payments(desk.context).cart_url(cart)
    return CartView(
        word=desk.say(word),
        tone=tone,
        icon=icon,
        lines=tuple(PayingLine(line.label, line.amount_cents) for line in standing.lines),
        total_cents=sum(line.amount_cents for line in standing.lines),
        url=url,
        address=url.partition("://")[2],
        qr_code=qr_code(url),
        payable=standing.state in (CartState.OPEN, CartState.SENT, CartState.REFUSED, CartState.CANCELLED),
    )


def _id(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise BadInput from None
