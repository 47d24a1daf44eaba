"""The short address that an invoice bears: what is due, and the way to PayFiP.

Whoever holds the paper may call these: an address gets some calls a minute, and the page names nobody.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path
from uuid import UUID

from aiohttp import web
from limits import RateLimitItemPerMinute
from pydantic import BaseModel, Field

from cvq_core.errors import TooMany
from cvq_core.ids import new_id
from cvq_core.invoice_papers.store import invoice_by_token
from cvq_core.payables.rules import Payable, PayableKind
from cvq_core.payments.carts import make_cart
from cvq_core.payments.routes import online_payments
from cvq_core.payments.rules import PayerEmailMissing, check_email
from cvq_core.web import PUBLIC, Context, Routes

TEMPLATES = Path(__file__).parent / "templates"
CALLS_A_MINUTE = 30

routes = Routes("/f", tag="online payment")


@dataclass(frozen=True, slots=True)
class LinkPage:
    """`invoice_link.html`: an invoice as whoever holds its paper sees it. POST to `pay_url` with `key` and `email`."""

    territory: str
    number: str
    due_on: date
    due_cents: int
    pay_url: str
    key: str
    is_offered: bool
    email_needed: bool


class PayForm(BaseModel):
    """The address to which PayFiP writes; `key` was made with the form."""

    key: UUID
    email: str = Field(default="", max_length=80)


@routes.get("/{token}", access=PUBLIC)
async def show(context: Context) -> web.Response:
    """Show what is due on an invoice."""
    await _bound(context)
    standing = await invoice_by_token(context.db, _token(context))
    settings = context.services.settings
    view = LinkPage(
        territory=settings.territory,
        number=standing.number,
        due_on=standing.invoice.due_on,
        due_cents=standing.due_cents,
        pay_url=f"/f/{_token(context)}/payer",
        key=str(new_id()),
        is_offered=online_payments(context).offered,
        email_needed=settings.payfip_email is None,
    )
    page = context.page("invoice_link.html", view=view)
    page.headers["Referrer-Policy"] = "same-origin"
    return page


@routes.post("/{token}/payer", access=PUBLIC, body=PayForm, form=True)
async def pay(context: Context, form: PayForm) -> web.Response:
    """Put what is due on an invoice into a cart of its own, and go on to it."""
    await _bound(context)
    standing = await invoice_by_token(context.db, _token(context))
    if standing.due_cents == 0:
        return context.redirect(f"/f/{_token(context)}")
    address = form.email.strip() or context.services.settings.payfip_email or ""
    if not address:
        raise PayerEmailMissing
    cart = await make_cart(
        context.db,
        form.key,
        [Payable(PayableKind.INVOICE, standing.invoice.id, standing.due_cents)],
        place_code=online_payments(context).place_code,
        email=check_email(address),
        acknowledged=bool(form.email.strip()),
        actor_kind="anonymous",
        actor_id=None,
        now=context.now,
    )
    await context.journal_once("cart-made", cart.id, subject=("cart", cart.id), account_id=standing.family_account_id)
    return context.redirect(f"/p/{cart.token}")


async def _bound(context: Context) -> None:
    if not await context.services.limiter.hit(RateLimitItemPerMinute(CALLS_A_MINUTE), f"invoice:{context.address}"):
        raise TooMany(retry_after_s=60)


def _token(context: Context) -> str:
    return context.request.match_info["token"]
