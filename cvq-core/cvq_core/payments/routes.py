"""The public page of a payment, and the door where PayFiP says that something happened.

Anybody may call these: an address gets some calls a minute, and nothing that is sent is believed.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from aiohttp import web
from limits import RateLimitItemPerMinute

from cvq_core.errors import TooMany
from cvq_core.payments.service import OnlinePayments
from cvq_core.payments.views import pay_page
from cvq_core.web import PUBLIC, Context, Routes
from cvq_core.web.context import FIELDS
from cvq_core.web.security import CONTENT_POLICY

TEMPLATES = Path(__file__).parent / "templates"
ONLINE_PAYMENTS: web.AppKey[OnlinePayments] = web.AppKey("online_payments", OnlinePayments)
CALLS_A_MINUTE = 60
NOTICES_A_MINUTE = 600
LOOKS_MAX = 20
"""How often the page that one comes back to asks by itself, some seconds apart."""

routes = Routes(tag="online payment")


def online_payments(context: Context) -> OnlinePayments:
    """Return the online payments of this server."""
    return context.request.app[ONLINE_PAYMENTS]


@routes.get("/p/{token}", access=PUBLIC, own_transactions=True)
async def pay(context: Context) -> web.Response:
    """Show what is to be paid under a short address."""
    await _bound(context)
    standing = await online_payments(context).standing(_token(context))
    return _page(context, pay_page(standing, context.services.settings.territory))


@routes.post("/p/{token}/payer", access=PUBLIC, form=True, own_transactions=True)
async def pay_now(context: Context) -> web.Response:
    """Send the browser on to PayFiP's page."""
    await _bound(context)
    address = await online_payments(context).start(_token(context))
    return web.Response(status=303, headers={"Location": address})


@routes.get("/p/{token}/retour", access=PUBLIC, own_transactions=True)
async def come_back(context: Context) -> web.Response:
    """Show where a payment stands to somebody who comes back from PayFiP, whatever their address says."""
    await _bound(context)
    standing = await online_payments(context).ask_again(_token(context))
    looks = _number(context.request.query.get("n", "")) + 1
    own = f"/p/{standing.cart.token}/retour"
    again = f"{own}?n={looks}" if looks <= LOOKS_MAX else ""
    view = pay_page(standing, context.services.settings.territory, again_url=again, look_url="" if again else own)
    return _page(context, view)


@routes.post("/api/v1/payfip/notification", access=PUBLIC, own_transactions=True)
async def notified(context: Context) -> None:
    """Take PayFiP's notification: a reason to ask it, and nothing more."""
    sent = context.request.get(FIELDS)
    await _heard(context, {**context.request.query, **(sent if isinstance(sent, dict) else {})})


@routes.get("/api/v1/payfip/notification", access=PUBLIC, own_transactions=True, status=204)
async def notified_by_address(context: Context) -> None:
    """Take a notification that comes in the address alone."""
    await _heard(context, context.request.query)


async def _heard(context: Context, fields: Mapping[str, object]) -> None:
    await _bound(context, NOTICES_A_MINUTE, "notices")
    await online_payments(context).heard(str(fields.get("idop") or fields.get("idOp") or ""))


async def _bound(context: Context, calls: int = CALLS_A_MINUTE, what: str = "pay") -> None:
    if not await context.services.limiter.hit(RateLimitItemPerMinute(calls), f"{what}:{context.address}"):
        raise TooMany(retry_after_s=60)


def _page(context: Context, view: object) -> web.Response:
    page = context.page("pay.html", view=view)
    # The form ends on PayFiP's own page, and browsers follow a form's redirection only where the policy lets it go.
    payments = online_payments(context)
    if payments.offered:
        allowed = f"form-action 'self' {payments.payfip.origin}"
        page.headers["Content-Security-Policy"] = CONTENT_POLICY.replace("form-action 'self'", allowed)
    # The address stays with us: its token goes to nobody. "no-referrer" would keep the form's own origin back as well.
    page.headers["Referrer-Policy"] = "same-origin"
    return page


def _token(context: Context) -> str:
    return context.request.match_info["token"]


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 3 else 0
