"""What the pages of the founding acts show."""

from __future__ import annotations

from datetime import date
from uuid import UUID

from sqlalchemy import func, select

from cvq_advisor_console.acts.words import (
    KIND_WORDS,
    PAYS_FOR,
    diff_of,
    means_words,
    office_facts,
    place_facts,
    services_words,
)
from cvq_advisor_console.views.acts import (
    AppointmentRow,
    ChangeRow,
    Fact,
    OfficeLine,
    OfficePage,
    OfficesPage,
    PlaceCard,
)
from cvq_core.acts.store import (
    Appointed,
    appointments_of,
    changes_of,
    collects_on,
    limits_of,
    offices,
    place_limits_of,
    places_of,
    planned_days,
)
from cvq_core.clock import local_day
from cvq_core.offices.rules import MANDATE_TITLE_WORDS, MEANS_WORDS, Appointment
from cvq_core.offices.tables import CashOffice, SubOffice
from cvq_core.staff import Permission
from cvq_core.web import Context

NOW, PLANNED, OVER = "now", "planned", "over"


def office_url(office_id: UUID) -> str:
    """Return the address of an office's act."""
    return f"/regies/{office_id}"


async def offices_page(context: Context) -> OfficesPage:
    """Return every office with how many places it has."""
    rows = await context.db.execute(select(SubOffice.office_id, func.count()).group_by(SubOffice.office_id))
    places: dict[UUID, int] = dict(rows.all())
    return OfficesPage(
        tuple(
            OfficeLine(office_url(each.id), each.label, each.code, places.get(each.id, 0))
            for each in await offices(context.db)
        )
    )


async def office_page(context: Context, office: CashOffice) -> OfficePage:
    """Return an office's act as it stands today, everybody appointed, and its changes."""
    today = local_day(context.now)
    places = await places_of(context.db, office.id)
    labels = {place.id: place.label for place in places}
    appointed = [_row(context, each, labels, today) for each in await appointments_of(context.db, office.id)]
    changes = [
        ChangeRow(
            title=context._(KIND_WORDS[change.kind]),
            place=labels[change.sub_office_id] if change.sub_office_id else "",
            holds_from=change.holds_from,
            order=change.order_reference,
            signed_on=change.order_signed_on,
            written_by=name,
            changed_at=change.changed_at,
            lines=diff_of(context, change),
        )
        for change, name in await changes_of(context.db, office.id)
    ]
    return OfficePage(
        label=office.label,
        code=office.code,
        founding_act=office.founding_act,
        limits=office_facts(context, limits_of(office)),
        places=tuple([await _card(context, place, today) for place in places]),
        appointments=tuple(each for each in appointed if each.state != OVER),
        past=tuple(each for each in appointed if each.state == OVER),
        changes=tuple(changes),
        may_change=context.principal.may(Permission.ADMINISTER),
        limits_url=f"{office_url(office.id)}/limites",
        appoint_url=f"{office_url(office.id)}/nommer",
    )


async def _card(context: Context, place: SubOffice, today: date) -> PlaceCard:
    collects = await collects_on(context.db, place, today)
    return PlaceCard(
        label=place.label,
        code=place.code,
        is_main=place.is_main,
        services=services_words(context, collects.services),
        means=means_words(context, collects.means),
        vouchers=tuple(
            Fact(context._(PAYS_FOR, means=context._(MEANS_WORDS[means])), ", ".join(services_words(context, codes)))
            for means, codes in sorted(collects.voucher_services.items())
            if codes
        ),
        limits=place_facts(context, place_limits_of(place)),
        planned=tuple(await planned_days(context.db, place.id, today)),
        act_url=f"/regies/lieux/{place.id}/acte",
        limits_url=f"/regies/lieux/{place.id}/limites",
        closed_on=place.closed_on,
    )


def _row(context: Context, each: Appointed, labels: dict[UUID, str], today: date) -> AppointmentRow:
    its = each.appointment
    return AppointmentRow(
        name=each.name,
        title=context._(MANDATE_TITLE_WORDS[its.title]),
        place=labels[each.sub_office_id],
        valid_from=its.valid_from,
        valid_until=its.valid_until,
        state=_state(its, today),
        end_url=f"/regies/nominations/{each.id}/fin",
    )


def _state(its: Appointment, today: date) -> str:
    if its.valid_until is not None and its.valid_until < today:
        return OVER
    return PLANNED if its.valid_from > today else NOW
