"""The link in the mail that offers a place: whoever waited takes it or leaves it, without a card and without a call.

The link is the one that was mailed, good until the offer ends, for one reservation; what was taken or left cannot be
taken again. Whoever holds it may use it: an address gets some calls a minute, and the page names nobody.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from aiohttp import web
from limits import RateLimitItemPerMinute

from cvq_core.errors import Refusal, TooMany
from cvq_core.facilities.mails import OFFER_PURPOSE, OFFER_URL
from cvq_core.facilities.refusals import OfferOver, UnknownReservation
from cvq_core.facilities.rules import ReservationState
from cvq_core.facilities.service import Doing, Wish, accept, cancel, check_wish
from cvq_core.facilities.store import Held, reservation_by_id
from cvq_core.journal.store import Actor
from cvq_core.signed_links import LinkOver, read_token
from cvq_core.web import PUBLIC, Context, Routes
from cvq_core.web.problems import describe

TEMPLATES = Path(__file__).parent / "templates"
CALLS_A_MINUTE = 30
routes = Routes(OFFER_URL, tag="pages")


@dataclass(frozen=True, slots=True)
class OfferPage:
    """`offer.html`: a place that is offered, or taken. POST to `take_url` or `leave_url`; `why_not`: it cannot be."""

    territory: str
    place: str
    site: str
    starts_at: datetime
    ends_at: datetime
    taken: bool
    price_cents: int
    deposit_cents: int = 0
    until: datetime | None = None
    take_url: str = ""
    leave_url: str = ""
    why_not: str = ""


@routes.get("/{token}", access=PUBLIC)
async def show(context: Context) -> web.Response:
    """Show what is offered, what it costs and until when."""
    held = await _held(context)
    made, facility = held.reservation, held.facility
    view = OfferPage(
        territory=context.services.settings.territory,
        place=facility.label,
        site=", ".join(filter(None, (facility.site, facility.address))),
        starts_at=made.starts_at,
        ends_at=made.ends_at,
        taken=made.state is ReservationState.BOOKED,
        price_cents=made.price_cents,
    )
    if not view.taken:
        view = await _offered(context, held, view)
    page = context.page("offer.html", view=view)
    page.headers["Referrer-Policy"] = "no-referrer"
    return page


@routes.post("/{token}/prendre", access=PUBLIC, form=True)
async def take(context: Context) -> web.Response:
    """Take the place: it is paid and opens the door as any other."""
    held = await _held(context)
    await accept(_doing(context), held.reservation.id)
    return context.redirect(_url(context))


@routes.post("/{token}/laisser", access=PUBLIC, form=True)
async def leave(context: Context) -> web.Response:
    """Leave the place to whoever waits next."""
    held = await _held(context)
    if held.reservation.state is not ReservationState.OFFERED:
        raise OfferOver
    await cancel(_doing(context), held.reservation.id)
    return context.page("offer_left.html", territory=context.services.settings.territory)


async def _offered(context: Context, held: Held, view: OfferPage) -> OfferPage:
    made = held.reservation
    wish = Wish(made.id, made.facility_id, held.span, made.person_id, made.account_id)
    try:
        cost = (await check_wish(_doing(context), wish, without=made.id)).cost
    except Refusal as refusal:
        problem = describe(refusal, context.words)
        why_not = f"{problem['title']} {problem['detail']}".strip()
        return replace(view, until=made.offer_until, why_not=why_not, leave_url=f"{_url(context)}/laisser")
    return replace(
        view,
        until=made.offer_until,
        price_cents=cost.price_cents,
        deposit_cents=cost.deposit_cents,
        take_url=f"{_url(context)}/prendre",
        leave_url=f"{_url(context)}/laisser",
    )


async def _held(context: Context) -> Held:
    """Return the reservation that the link is for, while it is offered or taken.

    Raises:
        LinkOver: the link is no longer good.
        OfferOver: the offer has ended, or the place was given up.
    """
    if not await context.services.limiter.hit(RateLimitItemPerMinute(CALLS_A_MINUTE), f"offer:{context.address}"):
        raise TooMany(retry_after_s=60)
    settings, token = context.services.settings, context.request.match_info["token"]
    try:
        held = await reservation_by_id(context.db, read_token(settings, OFFER_PURPOSE, token, now=context.now))
    except UnknownReservation:
        raise LinkOver from None
    if held.reservation.state not in (ReservationState.OFFERED, ReservationState.BOOKED):
        raise OfferOver
    return held


def _doing(context: Context) -> Doing:
    actor = Actor("anonymous", None, "lien reçu par courriel")
    return Doing(context.db, context.services.settings, actor, context.now)


def _url(context: Context) -> str:
    return f"{OFFER_URL}/{context.request.match_info['token']}"
