"""The settings of doors and of areas as pages, for the managers of their services."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import time
from typing import Any
from uuid import UUID

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from sqlalchemy import select

from cvq_advisor_console.access.pages import URL
from cvq_advisor_console.access.scope import chosen_service, own_point
from cvq_advisor_console.access.words import ASSURANCE_WORDS, DIRECTION_WORDS, FALLBACK_WORDS, KIND_WORDS
from cvq_advisor_console.views.access_settings import AreaForm, AreasPage, SettingsPage
from cvq_advisor_console.views.books import Choice
from cvq_core.access.areas import AreaCount
from cvq_core.access.manage import (
    SettingsDoNotFit,
    UnknownArea,
    change_area,
    change_point,
    create_area,
    create_point,
    set_inside,
)
from cvq_core.access.manage_bodies import AreaBody, NewAreaBody, NewPointBody, SettingsBody
from cvq_core.access.tables import AccessArea, AccessPoint
from cvq_core.bank_table import plain
from cvq_core.clock import local_day
from cvq_core.errors import N_, Refusal
from cvq_core.ids import new_id
from cvq_core.services.rules import ServiceCode
from cvq_core.services.tables import Service
from cvq_core.staff import Permission, Scope
from cvq_core.tariffs.store import UnknownTariff, tariff_in_force
from cvq_core.web import Context, Routes
from cvq_core.web.problems import describe
from cvq_core.web.views import Act

routes = Routes(URL, tag="pages")
MANAGE = Permission.MANAGE_ACCESS
AREAS_MAX = 500
BOXES = ("shows_balance", "reserved_only")
WRITTEN = (
    *("label", "site", "price_code", "assurance", "direction", "area_id", "passback_minutes", "double_tap_s"),
    *("guardian_age", "guardian_minutes", "clock_tolerance_s", "offline_fallback"),
)
MAY_BE_EMPTY = ("price_code", "area_id", "guardian_age")
BOUNDS = N_("Cette valeur n’est pas possible.")


class Fields(BaseModel):
    """A form whose fields are read one by one, so that what is wrong is said beside its field."""

    model_config = ConfigDict(extra="allow")


class CountForm(BaseModel):
    """How many somebody counted."""

    inside: int = Field(ge=0, le=100_000)


@routes.get("/points/{id}/reglages", access=MANAGE)
async def settings(context: Context) -> web.Response:
    """Show a point's settings as fields."""
    point = await own_point(context)
    return context.page("access_settings.html", view=await _page(context, point, _values(point), _ticked(point)))


@routes.post("/points/{id}/reglages", access=MANAGE, body=Fields, form=True)
async def save_settings(context: Context, form: Fields) -> web.Response:
    """Set what differs, and go back to the point; what is wrong is said beside its field."""
    point = await own_point(context)
    sent = _sent(form)
    ticked = frozenset(name for name in BOXES if sent.get(name))
    try:
        body = SettingsBody.model_validate(_told(sent))
        if body.area_id != point.area_id:
            await _check_area(context, point.service_code, body.area_id)
        changed = await change_point(context.db, point.id, body.changes(), now=context.now)
    except ValidationError as wrong:
        view = await _page(context, point, sent, ticked, errors=_errors(context, wrong))
        return context.page("access_settings.html", view=view, status=422)
    except (SettingsDoNotFit, UnknownArea) as refusal:
        await context.db.refresh(point)
        view = await _page(context, point, sent, ticked, error=_said(context, refusal))
        return context.page("access_settings.html", view=view, status=422)
    if changed:
        personal = {"settings": ", ".join(changed)}
        context.journal("access-point-changed", subject=("access_point", point.id), personal=personal)
    return context.redirect(f"{URL}/points/{point.id}")


@routes.get("/nouvelle-porte", access=MANAGE)
async def new_point(context: Context) -> web.Response:
    """Ask for a new point's settings."""
    service = await chosen_service(context, context.request.query.get("service", ""), with_points=False)
    values = {"direction": "both", "offline_fallback": "fail_closed", "clock_tolerance_s": "300", "kind": "door"}
    return context.page("access_settings.html", view=await _new_page(context, service, values, frozenset()))


@routes.post("/nouvelle-porte", access=MANAGE, body=Fields, form=True)
async def make_point(context: Context, form: Fields) -> web.Response:
    """Add a point, and show it."""
    sent = _sent(form)
    service = await chosen_service(context, sent.get("service", ""), with_points=False)
    ticked = frozenset(name for name in BOXES if sent.get(name))
    more = {name: sent.get(name, "") for name in ("id", "code", "kind")}
    try:
        body = NewPointBody.model_validate({**_told(sent), **more, "service": service.code})
        await _check_area(context, service.code, body.area_id)
        point = await create_point(
            context.db,
            body.id,
            code=body.code,
            kind=body.kind,
            service=service.code,
            settings=body.changes(),
            now=context.now,
        )
    except ValidationError as wrong:
        view = await _new_page(context, service, sent, ticked, errors=_errors(context, wrong))
        return context.page("access_settings.html", view=view, status=422)
    except Refusal as refusal:
        view = await _new_page(context, service, sent, ticked, error=_said(context, refusal))
        return context.page("access_settings.html", view=view, status=422)
    await context.journal_once("access-point-made", point.id, subject=("access_point", point.id))
    return context.redirect(f"{URL}/points/{point.id}")


@routes.get("/zones", access=MANAGE)
async def areas(context: Context) -> web.Response:
    """Show the areas of a service."""
    service = await chosen_service(context, context.request.query.get("service", ""), with_points=False)
    return context.page("access_areas.html", view=await _areas_page(context, service))


@routes.post("/zones", access=MANAGE, body=Fields, form=True)
async def make_area(context: Context, form: Fields) -> web.Response:
    """Add an area; a door's settings then lead to it."""
    sent = _sent(form)
    service = await chosen_service(context, sent.get("service", ""), with_points=False)
    try:
        told = {name: sent[name] for name in NewAreaBody.model_fields if sent.get(name)}
        code = "-".join([service.code.value, *plain(sent.get("label", "")).split()]).replace("_", "-")[:60]
        body = NewAreaBody.model_validate({**told, "code": code})
        area = await create_area(
            context.db, body.id, code=body.code, label=body.label, capacity=body.capacity, closes_at=body.closes_at
        )
    except (ValidationError, Refusal) as wrong:
        said = _said(context, wrong) if isinstance(wrong, Refusal) else context._(BOUNDS)
        return context.page("access_areas.html", view=await _areas_page(context, service, said), status=422)
    await context.journal_once("access-area-made", area.id, subject=("access_area", area.id))
    return context.redirect(f"{URL}/zones?service={service.code}")


@routes.post("/zones/{id}", access=MANAGE, body=Fields, form=True)
async def save_area(context: Context, form: Fields) -> web.Response:
    """Set what an area is called, how many it holds and when it closes."""
    area, service = await _own_area(context)
    sent = _sent(form)
    try:
        body = AreaBody.model_validate({name: sent[name] for name in AreaBody.model_fields if sent.get(name)})
    except ValidationError:
        view = await _areas_page(context, service, context._(BOUNDS))
        return context.page("access_areas.html", view=view, status=422)
    if (area.label, area.capacity, area.closes_at) != (body.label, body.capacity, body.closes_at):
        await change_area(
            context.db, area.id, label=body.label, capacity=body.capacity, closes_at=body.closes_at, now=context.now
        )
        context.journal("access-area-changed", subject=("access_area", area.id))
    return context.redirect(f"{URL}/zones?service={service.code}")


@routes.post("/zones/{id}/compte", access=MANAGE, body=CountForm, form=True)
async def count_area(context: Context, form: CountForm) -> web.Response:
    """Set how many are inside: somebody counted them."""
    area, service = await _own_area(context)
    context.journal("access-area-counted", subject=("access_area", area.id), personal={"inside": form.inside})
    await set_inside(context.db, area.id, form.inside, now=context.now)
    return context.redirect(f"{URL}/zones?service={service.code}")


def _sent(form: Fields) -> dict[str, str]:
    extra: dict[str, Any] = form.model_extra or {}
    return {name: value.strip()[:200] for name, value in extra.items() if isinstance(value, str)}


def _told(sent: Mapping[str, str]) -> dict[str, Any]:
    """Return a point's settings as the API takes them: an empty field takes away what may be away."""
    told: dict[str, Any] = {name: sent[name] for name in WRITTEN if sent.get(name)}
    told |= {name: None for name in MAY_BE_EMPTY if not sent.get(name)}
    told |= {name: 0 for name in ("passback_minutes", "double_tap_s", "guardian_minutes") if not sent.get(name)}
    return told | {name: bool(sent.get(name)) for name in BOXES}


def _errors(context: Context, wrong: ValidationError) -> dict[str, str]:
    return {str(each["loc"][0]): context._(BOUNDS) for each in wrong.errors() if each["loc"]}


def _said(context: Context, refusal: Refusal) -> str:
    problem = describe(refusal, context.words)
    return f"{problem['title']} {problem['detail']}".strip()


def _values(point: AccessPoint) -> dict[str, str]:
    found = {name: getattr(point, name) for name in WRITTEN}
    return {name: "" if value is None else str(getattr(value, "value", value)) for name, value in found.items()}


def _ticked(point: AccessPoint) -> frozenset[str]:
    return frozenset(name for name in BOXES if getattr(point, name))


async def _page(
    context: Context,
    point: AccessPoint,
    values: Mapping[str, str],
    ticked: frozenset[str],
    *,
    errors: Mapping[str, str] | None = None,
    error: str = "",
) -> SettingsPage:
    return SettingsPage(
        title=point.label,
        site=point.site,
        back_url=f"{URL}/points/{point.id}",
        save=Act(f"{URL}/points/{point.id}/reglages"),
        values=values,
        choices=await _choices(context, point.service_code, values, point.area_id),
        ticked=ticked,
        areas_url=f"{URL}/zones?service={point.service_code}",
        errors=errors or {},
        error=error,
    )


async def _new_page(
    context: Context,
    service: Service,
    values: Mapping[str, str],
    ticked: frozenset[str],
    *,
    errors: Mapping[str, str] | None = None,
    error: str = "",
) -> SettingsPage:
    return SettingsPage(
        title=context._(N_("Nouvelle porte")),
        site=context._(service.label),
        back_url=f"{URL}?service={service.code}",
        save=Act(f"{URL}/nouvelle-porte?service={service.code}"),
        values=values,
        choices=await _choices(context, service.code, values)
        | {"kind": _offered(context, KIND_WORDS, values.get("kind"))},
        ticked=ticked,
        areas_url=f"{URL}/zones?service={service.code}",
        errors=errors or {},
        error=error,
        id=values.get("id") or str(new_id()),
    )


def _offered(context: Context, words: Mapping[Any, str], value: str | None) -> tuple[Choice, ...]:
    return tuple(Choice(each.value, context._(said), each.value == value) for each, said in words.items())


async def _choices(
    context: Context, service: ServiceCode, values: Mapping[str, str], present: UUID | None = None
) -> dict[str, tuple[Choice, ...]]:
    found = {
        "assurance": _offered(context, ASSURANCE_WORDS, values.get("assurance")),
        "direction": _offered(context, DIRECTION_WORDS, values.get("direction")),
        "offline_fallback": _offered(context, FALLBACK_WORDS, values.get("offline_fallback")),
    }
    areas = await _areas_of(context, service)
    if present is not None and present not in {each.id for each in areas}:
        areas.append(await context.db.get_one(AccessArea, present))
    found["area_id"] = tuple(Choice(str(each.id), each.label, values.get("area_id") == str(each.id)) for each in areas)
    try:
        items = (await tariff_in_force(context.db, service, local_day(context.now))).tariff.items
    except UnknownTariff:
        items = ()
    priced = [(item.code, item.label) for item in items]
    if values.get("price_code") and values["price_code"] not in dict(priced):
        priced.append((values["price_code"], values["price_code"]))
    found["price_code"] = tuple(Choice(code, label, values.get("price_code") == code) for code, label in priced)
    return found


async def _areas_of(context: Context, service: ServiceCode) -> list[AccessArea]:
    """Return the areas that points of a service lead to, or none yet, by label; those of others too are left out."""
    led = await context.db.execute(
        select(AccessPoint.area_id, Service.code, Service.id)
        .join(Service, Service.code == AccessPoint.service_code)
        .where(AccessPoint.area_id.is_not(None))
        .distinct()
    )
    services: dict[UUID | None, dict[ServiceCode, UUID]] = {}
    for area_id, code, service_id in led:
        services.setdefault(area_id, {})[code] = service_id
    rows = await context.db.scalars(select(AccessArea).order_by(AccessArea.label, AccessArea.id).limit(AREAS_MAX))

    def is_theirs(area: AccessArea) -> bool:
        found = services.get(area.id, {})
        manages = all(context.principal.may(MANAGE, Scope("service", each)) for each in found.values())
        return manages and (not found or service in found)

    return [area for area in rows if is_theirs(area)]


async def _check_area(context: Context, service: ServiceCode, area_id: UUID | None) -> None:
    """Refuse an area that is somebody else's too.

    Raises:
        UnknownArea
    """
    if area_id is not None and area_id not in {each.id for each in await _areas_of(context, service)}:
        raise UnknownArea


async def _areas_page(context: Context, service: Service, error: str = "") -> AreasPage:
    found = await _areas_of(context, service.code)
    rows = await context.db.execute(
        select(AccessPoint.area_id, AccessPoint.label)
        .where(AccessPoint.area_id.in_([each.id for each in found]))
        .order_by(AccessPoint.label)
    )
    points: dict[UUID, list[str]] = {}
    for area_id, label in rows:
        if area_id is not None:
            points.setdefault(area_id, []).append(label)
    return AreasPage(
        service=context._(service.label),
        back_url=f"{URL}?service={service.code}",
        areas=tuple(
            AreaForm(
                id=str(each.id),
                label=each.label,
                capacity=str(each.capacity or ""),
                closes_at=_hour(each.closes_at),
                inside=AreaCount(each.inside, each.counted_at, each.closes_at).now(context.now),
                points=", ".join(points.get(each.id, [])),
                save=Act(f"{URL}/zones/{each.id}"),
                count=Act(f"{URL}/zones/{each.id}/compte"),
            )
            for each in found
        ),
        make=Act(f"{URL}/zones?service={service.code}"),
        id=str(new_id()),
        error=error,
    )


async def _own_area(context: Context) -> tuple[AccessArea, Service]:
    """Return an area all of whose points are of services that whoever asks manages, and one of these services.

    Raises:
        UnknownArea, OutOfScope
    """
    area = await context.db.get(AccessArea, context.path_id())
    if area is None:
        raise UnknownArea
    services = await context.db.scalars(
        select(Service)
        .where(Service.code.in_(select(AccessPoint.service_code).where(AccessPoint.area_id == area.id)))
        .order_by(Service.position)
    )
    found = list(services)
    for service in found:
        context.require(MANAGE, Scope("service", service.id))
    return area, found[0] if found else await chosen_service(context, "", with_points=False)


def _hour(at: time | None) -> str:
    return f"{at:%H:%M}" if at else ""
