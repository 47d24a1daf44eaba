"""The days that are no account's, service by service: who bears them is said once."""

from __future__ import annotations

from typing import Literal
from uuid import UUID

from aiohttp import web
from pydantic import BaseModel
from sqlalchemy import select

from cvq_advisor_console.views.unclaimed import BearerView, UnclaimedPage, UnclaimedRow
from cvq_core.access.unclaimed import Unclaimed, charge_by_id, settle_unclaimed, unclaimed_charges
from cvq_core.errors import N_
from cvq_core.services.tables import Service
from cvq_core.staff import Permission, Scope
from cvq_core.web import Context, Routes

routes = Routes("/jours-sans-compte", tag="pages")

SHARES: Literal["shares"] = "shares"


class SettleForm(BaseModel):
    """The button that was pressed: an account, or all of them by their shares."""

    bearer: UUID | Literal["shares"]


@routes.get("", access=Permission.SEE_SERVICE)
async def unclaimed_page(context: Context) -> web.Response:
    """Show what waits at the services of whoever asks, the oldest first."""
    rows = []
    for service in await context.db.scalars(select(Service).order_by(Service.position)):
        if context.principal.may(Permission.SEE_SERVICE, Scope("service", service.id)):
            rows += [_row(context, each, service.label) for each in await unclaimed_charges(context.db, service.code)]
    return context.page("unclaimed.html", view=UnclaimedPage(tuple(rows)))


@routes.post("/{id}", access=Permission.SEE_SERVICE, body=SettleForm, form=True)
async def settle_on_page(context: Context, body: SettleForm) -> web.Response:
    """Charge what was served, and go back to the list."""
    charge = await charge_by_id(context.db, context.path_id())
    service = await context.db.get_one(Service, charge.service_code)
    context.require(Permission.SEE_SERVICE, Scope("service", service.id))
    assert context.principal.id is not None, "only staff see a service"
    account_id = None if body.bearer == SHARES else body.bearer
    assert account_id is None or isinstance(account_id, UUID)
    await settle_unclaimed(context.db, charge.id, account_id=account_id, staff_id=context.principal.id, now=context.now)
    await context.journal_once(
        "unclaimed-settled", charge.id, subject=("person", charge.person_id), account_id=account_id
    )
    return context.redirect("/jours-sans-compte")


def _row(context: Context, charge: Unclaimed, service: str) -> UnclaimedRow:
    bearers = [BearerView(str(each.account_id), each.label) for each in charge.accounts]
    shares = " / ".join(f"{each.share_percent}" for each in charge.accounts if each.share_percent is not None)
    if shares and len(bearers) > 1:
        bearers.append(BearerView(SHARES, context._(N_("Partager {shares}"), shares=shares)))
    return UnclaimedRow(
        url=f"/jours-sans-compte/{charge.id}",
        child=charge.child,
        service=context._(service),
        day=charge.day,
        amount_cents=charge.amount_cents,
        because=charge.because,
        bearers=tuple(bearers),
    )
