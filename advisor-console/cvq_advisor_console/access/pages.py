"""From points, taps and conflicts to what the pages show."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from uuid import UUID

from sqlalchemy import func, select

from cvq_advisor_console.access.words import (
    ASSURANCE_WORDS,
    CONTROLLER_WORDS,
    DIRECTION_WORDS,
    EVENT_WORDS,
    FALLBACK_WORDS,
    MODE_WORDS,
    OTHER_TROUBLE,
    OUTCOME_WORDS,
)
from cvq_advisor_console.views.access import (
    AccessNow,
    AreaRow,
    ConflictRow,
    ModeChoice,
    PointPage,
    PointRow,
    Region,
    TapRow,
    TapsNow,
    Told,
)
from cvq_core.access.conflicts import CONFLICT_WORDS, Listed, open_conflicts
from cvq_core.access.events import latest_events
from cvq_core.access.facts import PointMode
from cvq_core.access.late_rules import ConflictOutcome
from cvq_core.access.lent import at_two_sites
from cvq_core.access.manage import AreaNow, gauges, points_listed, recent_taps
from cvq_core.access.tables import AccessPoint
from cvq_core.clock import local_day
from cvq_core.controllers.store import last_report, states
from cvq_core.controllers.tables import ControlledPoint
from cvq_core.controllers.watching import delay_of
from cvq_core.devices.tables import Device, DeviceToken
from cvq_core.errors import N_
from cvq_core.footfall.rules import NO_PASSAGE
from cvq_core.footfall.store import figures
from cvq_core.services.rules import ServiceCode
from cvq_core.services.tables import Service
from cvq_core.text import hour, lasting, short_date
from cvq_core.web import Context
from cvq_core.web.views import Act

URL = "/acces"
TOLD_SINCE = timedelta(days=1)
TWO_SITES_SINCE = timedelta(days=7)
TAPS_SINCE = timedelta(days=1)
TAPS_SHOWN = 50
FULL = 100


async def access_now(context: Context, service: Service) -> AccessNow:
    """Return a service's doors as they are now."""
    found = await points_listed(context.db, [service.code])
    passed = await _passed_today(context, [point.id for point in found])
    readers = await _readers(context, found)
    return AccessNow(
        region=Region(f"{URL}/fragments/maintenant?service={service.code}"),
        points=tuple(
            PointRow(
                url=f"{URL}/points/{point.id}",
                label=point.label,
                site=point.site,
                mode=context._(MODE_WORDS[point.mode][0]),
                mode_tone=MODE_WORDS[point.mode][2],
                reader=readers[point.id][0],
                reader_tone=readers[point.id][1],
                allowed=passed.get(point.id, (0, 0))[0],
                refused=passed.get(point.id, (0, 0))[1],
            )
            for point in found
        ),
        areas=tuple(_area(each) for each in await gauges(context.db, [service.code], now=context.now)),
        told=tuple(await _told(context, service.code, {point.id for point in found})),
    )


async def conflict_rows(context: Context, service: ServiceCode) -> tuple[ConflictRow, ...]:
    """Return what waits to be settled at a service."""
    return tuple(_conflict(context, each) for each in await open_conflicts(context.db, service))


async def taps_now(context: Context, point_id: UUID) -> TapsNow:
    """Return the last presentations at a point."""
    rows = await recent_taps(context.db, point_id, since=context.now - TAPS_SINCE, limit=TAPS_SHOWN)
    return TapsNow(
        Region(f"{URL}/points/{point_id}/fragments/passages"),
        tuple(
            TapRow(
                at=each.tap.tapped_at,
                person=each.person or context._(N_("carte inconnue")),
                words=each.tap.display_short,
                allowed=each.tap.allowed,
                late=each.tap.offline,
            )
            for each in rows
        ),
    )


async def point_page(context: Context, point: AccessPoint) -> PointPage:
    """Return one point's page."""
    url = f"{URL}/points/{point.id}"
    modes = tuple(
        ModeChoice(
            value=mode.value,
            label=context._(MODE_WORDS[mode][0]),
            help=context._(MODE_WORDS[mode][1]),
            current=mode is point.mode,
            set=None if mode is point.mode else Act(f"{url}/mode"),
        )
        for mode in PointMode
    )
    return PointPage(
        label=point.label,
        site=point.site,
        back_url=f"{URL}?service={point.service_code}",
        modes=modes,
        mode_url=f"{url}/mode",
        facts=(*_facts(context, point), *await _block_delay(context, point)),
        taps=await taps_now(context, point.id),
        settings_url=f"{url}/reglages",
        rights_url=f"{url}/droits",
    )


def _facts(context: Context, point: AccessPoint) -> list[tuple[str, str]]:
    found = [
        (context._(N_("Lecture de la carte")), context._(ASSURANCE_WORDS[point.assurance])),
        (context._(N_("Sens")), context._(DIRECTION_WORDS[point.direction])),
        (context._(N_("Liaison coupée trop longtemps")), context._(FALLBACK_WORDS[point.offline_fallback])),
    ]
    if point.passback_minutes:
        words = context._(N_("{minutes} minutes entre deux entrées"), minutes=point.passback_minutes)
        found.append((context._(N_("Anti-retour")), words))
    if point.guardian_age:
        words = context._(N_("avant {age} ans, derrière un responsable"), age=point.guardian_age)
        found.append((context._(N_("Enfants")), words))
    if point.reserved_only:
        found.append((context._(N_("Accès")), context._(N_("sur réservation seulement"))))
    return found


async def _block_delay(context: Context, point: AccessPoint) -> list[tuple[str, str]]:
    """Return how long a block or a cancellation takes to count at a point: what is stated, and what was measured."""
    what = context._(N_("Carte bloquée, réservation annulée"))
    led = await context.db.get(ControlledPoint, point.id)
    if led is None:
        return [(what, context._(N_("comptent aussitôt : cette porte demande au serveur")))]
    delay = delay_of(await last_report(context.db, led.controller_id))
    if delay.until is None:
        return [(what, context._(N_("le contrôleur n’a pas encore de liste")))]
    words = context._(
        N_("comptent dans la minute avec la liaison ; sans elle, à son retour, et au plus tard le {day} à {hour}"),
        day=short_date(local_day(delay.until), context.language),
        hour=hour(delay.until, context.language),
    )
    found = [(what, words)]
    if delay.last is not None and delay.longest is not None:
        measured = context._(
            N_("{last} la dernière fois, {longest} au plus depuis hier"),
            last=lasting(delay.last, context.language),
            longest=lasting(delay.longest, context.language),
        )
        found.append((context._(N_("Délai mesuré")), measured))
    return found


async def _passed_today(context: Context, points: Sequence[UUID]) -> dict[UUID, tuple[int, int]]:
    today = local_day(context.now)
    passed: dict[UUID, tuple[int, int]] = {}
    for cell in await figures(context.db, points, today, today, now=context.now):
        assert cell.reason not in NO_PASSAGE
        allowed, refused = passed.get(cell.point_id, (0, 0))
        passed[cell.point_id] = (allowed + cell.number * cell.allowed, refused + cell.number * (not cell.allowed))
    return passed


async def _readers(context: Context, points: Sequence[AccessPoint]) -> Mapping[UUID, tuple[str, str]]:
    """Return of each point whether a device speaks for it, and whether it was heard within the hour of its token."""
    ids = [point.id for point in points]
    heard = await context.db.execute(
        select(Device.subject_id, func.max(DeviceToken.expires_at))
        .outerjoin(DeviceToken, DeviceToken.device_id == Device.id)
        .where(Device.subject_id.in_(ids), Device.revoked_at.is_(None))
        .group_by(Device.subject_id)
    )
    own = {row[0]: row[1] for row in heard}
    faults = {each.controller.id: each.faults for each in await states(context.db, now=context.now)}
    rows = await context.db.execute(select(ControlledPoint).where(ControlledPoint.point_id.in_(ids)))
    led = {each.point_id: each.controller_id for each in rows.scalars()}
    found: dict[UUID, tuple[str, str]] = {}
    for point_id in ids:
        if point_id in led:
            worst = next(iter(faults.get(led[point_id], ())), None)
            found[point_id] = (_trouble(context, worst), "sun") if worst else (context._(N_("en liaison")), "ok")
        elif point_id not in own:
            found[point_id] = (context._(N_("aucun lecteur")), "off")
        elif own[point_id] is not None and own[point_id] > context.now:
            found[point_id] = (context._(N_("en liaison")), "ok")
        else:
            found[point_id] = (context._(N_("muet depuis plus d’une heure")), "sun")
    return found


def _trouble(context: Context, slug: str) -> str:
    return context._(CONTROLLER_WORDS[slug]) if slug in CONTROLLER_WORDS else context._(OTHER_TROUBLE, slug=slug)


async def _told(context: Context, service: ServiceCode, points: set[UUID]) -> list[Told]:
    """Return what doors and controllers give to know, the latest first."""
    told = []
    for listed in await latest_events(context.db, service, since=context.now - TOLD_SINCE):
        words, tone = EVENT_WORDS[listed.event.kind]
        told.append(Told(listed.event.happened_at, listed.point, context._(words), tone))
    return sorted(told, key=lambda each: each.at, reverse=True)


async def two_sites(context: Context, service: ServiceCode) -> tuple[Told, ...]:
    """Return the cards that may be lent or copied, the latest first: names, drawn once a page and written down."""
    told = []
    for pair in await at_two_sites(context.db, service, since=context.now - TWO_SITES_SINCE):
        where = context._(
            N_("carte de {person} à {first} à {hour}, puis à {second}"),
            person=pair.person,
            first=pair.first_site,
            hour=hour(pair.first_at, context.language),
            second=pair.second_site,
        )
        told.append(Told(pair.second_at, where, context._(N_("Prêtée ou copiée ?")), "sun"))
    return tuple(told)


def _area(found: AreaNow) -> AreaRow:
    capacity = found.area.capacity
    percent = min(FULL, round(FULL * found.inside / capacity)) if capacity else None
    return AreaRow(found.area.label, found.inside, capacity, percent)


def _conflict(context: Context, listed: Listed) -> ConflictRow:
    conflict = listed.conflict
    outcomes = [ConflictOutcome.GIVEN_UP]
    if conflict.transaction_id is not None and not conflict.door_allowed:
        outcomes.insert(0, ConflictOutcome.REFUNDED)
    elif conflict.amount_cents and conflict.account_id is not None and conflict.transaction_id is None:
        outcomes.insert(0, ConflictOutcome.BILLED)
    return ConflictRow(
        url=f"{URL}/ecarts/{conflict.id}",
        day=conflict.day,
        at=listed.at,
        words=context._(CONFLICT_WORDS[conflict.kind]),
        point=listed.point,
        person=listed.person or context._(N_("carte inconnue")),
        account=listed.account,
        amount_cents=conflict.amount_cents,
        outcomes=tuple((each.value, context._(OUTCOME_WORDS[each])) for each in outcomes),
    )
