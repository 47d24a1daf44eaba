"""The waste centres' page, and registering a vehicle."""

from __future__ import annotations

from dataclasses import replace

from aiohttp import web
from pydantic import BaseModel, Field
from sqlalchemy import select

from cvq_advisor_console.views.waste import LateRow, OverrunRow, PlateForm, VehicleRow, WastePage
from cvq_core.access.tables import AccessPoint
from cvq_core.cards.rules import looks_like_card_number
from cvq_core.cards.store import find_card
from cvq_core.clock import local_day
from cvq_core.errors import N_, Refusal
from cvq_core.services.rules import ServiceCode
from cvq_core.staff import Permission
from cvq_core.waste.late import listed_late
from cvq_core.waste.plates import forget_plate, register_plate, vehicles
from cvq_core.waste.routes import waste_scope
from cvq_core.waste.rules import STANDING_WORDS, LateKind, Standing
from cvq_core.waste.store import overruns, quota_on
from cvq_core.web import Context, Routes
from cvq_core.web.problems import describe
from cvq_core.web.views import Act

URL = "/decheterie"
routes = Routes(URL, tag="pages")

_NOT_TAKEN = {
    "unknown-card": N_("Carte que personne ne connaît"),
    "waste-not-admitted": N_("N’était pas inscrit ce jour-là"),
    "waste-choose-standing": N_("Particulier ou professionnel : le gardien ne l’a pas dit"),
    "waste-choose-payer": N_("Plusieurs payeurs possibles, et pas la carte de l’un d’eux"),
    "unknown-waste-category": N_("Catégorie qui n’est plus acceptée"),
}
_OTHERWISE = N_("Aucune règle de ce jour-là ne s’y applique")
_PRICE_DIFFERS = N_("Prix annoncé différent")


class NewPlateForm(BaseModel):
    """A plate, the card of who comes in the vehicle, and as what."""

    plaque: str = Field(max_length=20)
    carte: str = Field(max_length=60)
    pour: Standing


class OldPlateForm(BaseModel):
    """A plate to forget."""

    plaque: str = Field(max_length=20)


@routes.get("", access=Permission.SEE_SERVICE)
async def waste_page(context: Context) -> web.Response:
    """Show what the tablets did without a network this year, and the vehicles; that one looked is written down."""
    scope = await waste_scope(context)
    context.require(Permission.SEE_SERVICE, scope)
    async with context.acting() as writing:
        writing.journal("waste-seen")
    return context.page("waste.html", view=await _page(context, _form(context)))


@routes.post("/vehicules", access=Permission.MANAGE_TARIFFS, body=NewPlateForm, form=True)
async def register(context: Context, form: NewPlateForm) -> web.Response:
    """Say who comes in a vehicle, by their card."""
    context.require(Permission.MANAGE_TARIFFS, await waste_scope(context))
    try:
        by_number = looks_like_card_number(form.carte)
        card = await find_card(context.db, **{"number" if by_number else "uid": form.carte})
        row = await register_plate(
            context.db,
            form.plaque,
            person_id=card.person_id,
            standing=form.pour,
            by=context.principal.id,
            now=context.now,
        )
    except Refusal as refusal:
        problem = describe(refusal, context.words)
        shown = replace(
            _form(context, form.pour),
            plate=form.plaque,
            card=form.carte,
            error=f"{problem['title']} {problem['detail']}".strip(),
        )
        return context.page("waste.html", status=422, view=await _page(context, shown))
    context.journal("waste-plate-set", subject=("person", row.person_id), personal={"plate": row.plate})
    return context.redirect(f"{URL}#vehicules")


@routes.post("/vehicules/oublier", access=Permission.MANAGE_TARIFFS, body=OldPlateForm, form=True)
async def forget(context: Context, form: OldPlateForm) -> web.Response:
    """Forget a vehicle."""
    context.require(Permission.MANAGE_TARIFFS, await waste_scope(context))
    if await forget_plate(context.db, form.plaque):
        context.journal("waste-plate-dropped", personal={"plate": form.plaque})
    return context.redirect(f"{URL}#vehicules")


def _form(context: Context, chosen: Standing = Standing.HOUSEHOLD) -> PlateForm:
    standings = tuple((each.value, context._(STANDING_WORDS[each]).capitalize(), each is chosen) for each in Standing)
    return PlateForm(f"{URL}/vehicules", standings=standings)


async def _page(context: Context, form: PlateForm) -> WastePage:
    today = local_day(context.now)
    first = today.replace(month=1, day=1)
    points = select(AccessPoint.id, AccessPoint.site).where(AccessPoint.service_code == ServiceCode.WASTE_CENTRE)
    sites = {row.id: row.site for row in await context.db.execute(points)}
    may_set = context.principal.may(Permission.MANAGE_TARIFFS)
    return WastePage(
        year=today.year,
        visits_a_year=await quota_on(context.db, today),
        overruns=tuple(
            OverrunRow(row.occurred_at, sites.get(row.point_id, ""), row.printed_name, row.visit, row.quota or 0)
            for row in await overruns(context.db, first)
        ),
        late=tuple(
            LateRow(
                at=row.occurred_at,
                site=sites.get(row.point_id, ""),
                who=row.who,
                words=context._(
                    _PRICE_DIFFERS if row.kind is LateKind.PRICE_DIFFERS else _NOT_TAKEN.get(row.reason, _OTHERWISE)
                ),
                loads=row.loads,
                said_cents=row.said_cents,
                amount_cents=row.amount_cents,
            )
            for row in await listed_late(context.db, first)
        ),
        vehicles=tuple(
            VehicleRow(each.plate, each.name, context._(STANDING_WORDS[each.standing]), Act(f"{URL}/vehicules/oublier"))
            for each in await vehicles(context.db)
        ),
        form=form if may_set else None,
    )
