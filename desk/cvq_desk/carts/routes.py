"""What the advisor's page asks about paying online."""

from __future__ import annotations

from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StrictInt

from cvq_core.payables.rules import PAYABLES_MAX, Payable, PayableKind
from cvq_core.payments.carts import latest_cart_of, standing_of
from cvq_core.payments.routes import online_payments
from cvq_core.payments.rules import CartState, UnknownCart
from cvq_core.payments.tables import Cart
from cvq_core.staff import Permission
from cvq_core.web import Context, Routes
from cvq_desk.carts.service import cart_for_visit, qr_code
from cvq_desk.visits.acts import own_visit
from cvq_desk.visits.routes import act_of

routes = Routes("/api/v1", tag="online payment")


class PayableBody(BaseModel):
    """So many cents for one wallet or one invoice."""

    model_config = ConfigDict(extra="forbid")

    kind: PayableKind
    id: UUID
    amount_cents: StrictInt


class CartBody(BaseModel):
    """What is to be paid online. `id` is made by who asks, and makes a repetition harmless."""

    model_config = ConfigDict(extra="forbid")

    id: UUID
    payables: list[PayableBody] = Field(min_length=1, max_length=PAYABLES_MAX)
    email: str = Field(default="", max_length=80, description="the resident's own; gets the acknowledgement")


class CartLineOut(BaseModel):
    """One thing of a cart."""

    label: str
    amount_cents: int


class CartOut(BaseModel):
    """A cart, where it is paid, and where it stands."""

    id: UUID
    state: CartState
    due_cents: int
    lines: list[CartLineOut]
    url: str
    qr_code: str = Field(description="the address as a QR code: an SVG in a data: address")


@routes.post("/visits/{id}/carts", access=Permission.SERVE, body=CartBody, answer=CartOut, status=201)
async def make_it(context: Context, body: CartBody) -> CartOut:
    """Put wallets and invoices together, to be paid by the resident on their telephone."""
    payables = [Payable(each.kind, each.id, each.amount_cents) for each in body.payables]
    payments = online_payments(context)
    cart = await cart_for_visit(act_of(context), payments, context.path_id(), body.id, payables, email=body.email)
    return await _out(context, cart)


@routes.get("/visits/{id}/cart", access=Permission.SERVE, answer=CartOut)
async def latest(context: Context) -> CartOut:
    """Show where the latest cart of a visit stands."""
    visit = await own_visit(act_of(context), context.path_id())
    cart = await latest_cart_of(context.db, visit.id)
    if cart is None:
        raise UnknownCart
    return await _out(context, cart)


async def _out(context: Context, cart: Cart) -> CartOut:
    standing = await standing_of(context.db, cart, context.now)
    url = online_payments(context).cart_url(cart)
    return CartOut(
        id=cart.id,
        state=standing.state,
        due_cents=standing.due_cents,
        lines=[CartLineOut(label=line.label, amount_cents=line.amount_cents) for line in standing.lines],
        url=url,
        qr_code=qr_code(url),
    )
