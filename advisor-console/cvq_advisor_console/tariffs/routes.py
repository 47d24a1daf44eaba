"""The tariffs of the services that somebody manages: list, table, proposal, simulation, adoption."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from uuid import UUID

from aiohttp import web
from pydantic import BaseModel, Field
from sqlalchemy import select

from cvq_advisor_console.tariffs.pages import (
    Tried,
    day_of,
    fault_rows,
    propose_url,
    service_tariffs,
    simulation_page,
    tariff_page,
    version_line,
    version_url,
)
from cvq_advisor_console.views.tariffs import AdoptPage, ProposePage, TariffsPage
from cvq_core.clock import local_day
from cvq_core.errors import N_, NotFound, Refusal
from cvq_core.ids import new_id
from cvq_core.people.tables import FamilyAccount
from cvq_core.services.rules import ServiceCode
from cvq_core.services.tables import Service
from cvq_core.spreadsheets import to_csv, to_xlsx
from cvq_core.staff import Permission, Scope
from cvq_core.tariffs.export import sheets
from cvq_core.tariffs.month import month_before, month_of
from cvq_core.tariffs.reading import CHARACTERS_MAX, UnreadableTariff
from cvq_core.tariffs.simulation import simulate
from cvq_core.tariffs.store import (
    Official,
    OtherService,
    Version,
    adopt,
    check_first_day,
    propose,
    tariffs_in_force,
    version_by_id,
    versions_of,
)
from cvq_core.tariffs.words import SERVICE_WORDS
from cvq_core.web import Context, Routes
from cvq_core.web.problems import describe

routes = Routes("/tarifs", tag="pages")

SKELETON = """# Ce qui suit un dièse est un commentaire.
service: {service}
titre: …
décision: Délibération n° … du …
prestations:
  - code: …
    nom: …
    unité: …
    prix:
      - montant: 0,00 €
"""
FILE_TYPES = {"csv": "text/csv", "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"}


class ProposeForm(BaseModel):
    """A tariff's file; its id was made with the form."""

    key: UUID
    text: str = Field(default="", max_length=2 * CHARACTERS_MAX)


class AdoptForm(BaseModel):
    """From when a version is to hold."""

    valid_from: str = Field(default="", max_length=10)


@routes.get("", access=Permission.MANAGE_TARIFFS)
async def tariffs_page(context: Context) -> web.Response:
    """List the tariffs of one's services, with what holds today."""
    labels = await _managed(context)
    in_force = await tariffs_in_force(context.db, labels, local_day(context.now))
    versions = await versions_of(context.db, labels)
    view = TariffsPage(
        local_day(context.now),
        tuple(
            service_tariffs(context, service, label, versions[service], in_force.get(service))
            for service, label in labels.items()
        ),
    )
    return context.page("tariffs.html", view=view)


@routes.get("/{service}/proposer", access=Permission.MANAGE_TARIFFS)
async def propose_page(context: Context) -> web.Response:
    """Show where a tariff is written, pasted or taken from a file; it begins with one that is there."""
    service, label = await _service_here(context)
    text = await _first_text(context, service)
    return context.page("tariff_propose.html", view=_proposing(service, label, text, str(new_id())))


@routes.post("/{service}/proposer", access=Permission.MANAGE_TARIFFS, body=ProposeForm, form=True)
async def propose_it(context: Context, form: ProposeForm) -> web.Response:
    """Keep a proposal, or say which lines are wrong."""
    service, label = await _service_here(context)
    try:
        version = await propose(
            context.db, form.key, service=service, text=form.text, by=_official(context), now=context.now
        )
    except (UnreadableTariff, OtherService) as refusal:
        problem = describe(refusal, context.words)
        faults = refusal.faults if isinstance(refusal, UnreadableTariff) else ()
        view = replace(
            _proposing(service, label, form.text, str(form.key)),
            faults=fault_rows(context, form.text, faults),
            error=problem["title"],
        )
        return context.page("tariff_propose.html", status=422, view=view)
    await context.journal_once("tariff-proposed", version.id, subject=("tariff", version.id))
    return context.redirect(version_url(version.id))


@routes.get("/versions/{id}", access=Permission.MANAGE_TARIFFS)
async def version_page(context: Context) -> web.Response:
    """Show a version as tables, and where it stands."""
    version, label, in_force = await _version_here(context)
    return context.page("tariff.html", view=tariff_page(context, label, version, in_force))


@routes.get("/versions/{id}/tarif.yaml", access=Permission.MANAGE_TARIFFS)
async def version_file(context: Context) -> web.Response:
    """Give a version's file as it was proposed."""
    version, _, _ = await _version_here(context)
    name = f"tarif-{version.row.service_code.value}-{version.row.number}.yaml"
    return web.Response(
        body=version.row.text.encode(),
        content_type="application/yaml",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


@routes.get("/versions/{id}/adopter", access=Permission.MANAGE_TARIFFS)
async def adopt_page(context: Context) -> web.Response:
    """Ask once more, with the day from which the version would hold."""
    version, label, in_force = await _version_here(context)
    written = context.request.query.get("valid_from", "")[:10]
    day = day_of(written)
    error = "" if day else context._(N_("Choisissez le jour à partir duquel ce tarif s’applique."))
    if day:
        try:
            check_first_day(day, local_day(context.now))
        except Refusal as refusal:
            error = describe(refusal, context.words)["title"]
    if version.adoption is not None:
        return context.redirect(version_url(version.row.id))
    if error or day is None:
        view = replace(tariff_page(context, label, version, in_force), chosen_day=written, error=error)
        return context.page("tariff.html", status=422, view=view)
    service = version.row.service_code
    held = (await tariffs_in_force(context.db, [service], day)).get(service)
    return context.page(
        "tariff_adopt.html",
        view=AdoptPage(
            label,
            version_line(context, version, in_force),
            day,
            version_line(context, held, in_force) if held else None,
            bool(held and held.adoption and held.adoption.valid_from == day),
            version_url(version.row.id, "/adopter"),
            version_url(version.row.id),
        ),
    )


@routes.post("/versions/{id}/adopter", access=Permission.MANAGE_TARIFFS, body=AdoptForm, form=True)
async def adopt_it(context: Context, form: AdoptForm) -> web.Response:
    """Let a version hold from a day on."""
    version, _, _ = await _version_here(context)
    day = day_of(form.valid_from)
    if day is None:
        return context.redirect(version_url(version.row.id, "/adopter"))
    await adopt(context.db, version.row.id, valid_from=day, by=_official(context), now=context.now)
    await context.journal_once(
        "tariff-adopted", version.row.id, subject=("tariff", version.row.id), personal={"from": str(day)}
    )
    return context.redirect(version_url(version.row.id))


@routes.get("/versions/{id}/essai", access=Permission.MANAGE_TARIFFS)
async def simulation_of(context: Context) -> web.Response:
    """Show what a version would have changed last month."""
    version, label, in_force = await _version_here(context)
    tried = await _try(context, version, in_force)
    view = simulation_page(context, label, version, in_force, tried)
    return context.page("tariff_simulation.html", view=view)


@routes.get("/versions/{id}/essai.{format}", access=Permission.MANAGE_TARIFFS)
async def simulation_file(context: Context) -> web.Response:
    """Give a simulation with every family as CSV or XLSX."""
    kind = context.request.match_info["format"]
    if kind not in FILE_TYPES:
        raise NotFound
    version, _, in_force = await _version_here(context)
    tried = await _try(context, version, in_force)
    parts = sheets(tried.simulation, tried.numbers, context._)
    body = await asyncio.to_thread(to_csv if kind == "csv" else to_xlsx, parts)
    name = f"essai-{version.row.service_code.value}-{version.row.number}-{tried.month.first:%Y-%m}.{kind}"
    return web.Response(
        body=body,
        content_type=FILE_TYPES[kind],
        headers={"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"},
    )


async def _managed(context: Context) -> dict[ServiceCode, str]:
    """Return the services whose tariffs one manages, in their order; those without units to price are left out."""
    ids = context.principal.scope_ids(Permission.MANAGE_TARIFFS)
    rows = await context.db.execute(
        select(Service.code, Service.label)
        .where(Service.id.in_(ids), Service.code.in_(SERVICE_WORDS))
        .order_by(Service.position)
    )
    return {code: context._(label) for code, label in rows}


async def _service_here(context: Context, code: ServiceCode | None = None) -> tuple[ServiceCode, str]:
    """Return the service in the path, or `code`, with its label; only to whom manages it."""
    written = code or context.request.match_info["service"]
    if written not in SERVICE_WORDS:
        raise NotFound
    service = await context.db.scalar(select(Service).where(Service.code == ServiceCode(written)))
    if service is None:
        raise NotFound
    context.require(Permission.MANAGE_TARIFFS, Scope("service", service.id))
    return service.code, context._(service.label)


async def _version_here(context: Context) -> tuple[Version, str, Version | None]:
    """Return the version in the path, its service's label and what holds today."""
    version = await version_by_id(context.db, context.path_id())
    service, label = await _service_here(context, version.row.service_code)
    return version, label, (await tariffs_in_force(context.db, [service], local_day(context.now))).get(service)


async def _first_text(context: Context, service: ServiceCode) -> str:
    """Return what a proposal begins with: the version asked for, else what holds today, else the bare bones."""
    try:
        asked = await version_by_id(context.db, UUID(context.request.query.get("depuis", "")))
        if asked.row.service_code is service:
            return asked.row.text
    except (ValueError, NotFound):
        pass
    in_force = (await tariffs_in_force(context.db, [service], local_day(context.now))).get(service)
    return in_force.row.text if in_force else SKELETON.format(service=SERVICE_WORDS[service])


async def _try(context: Context, version: Version, in_force: Version | None) -> Tried:
    tariff = version.tariff
    month = await month_of(context.db, tariff, *month_before(local_day(context.now)))
    before = in_force.tariff if in_force else None
    simulation = await asyncio.to_thread(simulate, before, tariff, month.uses)
    concerned = {family.account_id for family in simulation.families}
    rows = await context.db.execute(select(FamilyAccount.id, FamilyAccount.number))
    return Tried(month, simulation, {account: number for account, number in rows if account in concerned})


def _official(context: Context) -> Official:
    return Official(context.principal.id, context.principal.name)


def _proposing(service: ServiceCode, label: str, text: str, key: str) -> ProposePage:
    return ProposePage(label, propose_url(service), key, text, "/tarifs")
