"""How a facility is reserved, as the fields of a form and back: a row for each stretch of hours and each public."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import time
from typing import Any

from cvq_advisor_console.cash.amounts import required_cents, written
from cvq_advisor_console.facilities.week import URL
from cvq_advisor_console.facilities.words import BOOKER_WORDS
from cvq_advisor_console.views.facilities import OpeningRow, RuleRow, TermsView
from cvq_core.clock import local_day
from cvq_core.errors import N_
from cvq_core.facilities.refusals import BadTerms
from cvq_core.facilities.store import terms_on
from cvq_core.facilities.tables import Facility
from cvq_core.facilities.terms import BookerKind, BookerRule, Opening, Terms, check_terms
from cvq_core.ids import new_id
from cvq_core.tariffs.store import UnknownTariff, tariff_in_force
from cvq_core.web import Context
from cvq_core.web.views import Act

OPENINGS_SHOWN = 6
WEEK = range(7)
NOT_A_NUMBER = N_("Écrivez un nombre entier.")
NOT_AN_HOUR = N_("Écrivez des heures comme 8:00, et des jours comme 05-01.")


async def terms_view(context: Context, facility: Facility, errors: Mapping[str, str]) -> TermsView:
    """Return the terms of today as fields, with empty rows to add hours."""
    today = local_day(context.now)
    terms = (await terms_on(context.db, facility.id, today)).terms
    openings = [
        OpeningRow(
            number,
            frozenset(day for day in WEEK if each.weekdays >> day & 1),
            f"{each.opens:%H:%M}",
            f"{each.closes:%H:%M}",
            each.first or "",
            each.last or "",
        )
        for number, each in enumerate(terms.openings)
    ]
    openings += [OpeningRow(number) for number in range(len(openings), max(OPENINGS_SHOWN, len(openings) + 1))]
    return TermsView(
        save=Act(f"{URL}/{facility.id}/regles"),
        id=str(new_id()),
        valid_from=today,
        slot_minutes=str(terms.slot_minutes or ""),
        minutes_min=terms.minutes_min,
        minutes_max=terms.minutes_max,
        minutes_before=terms.minutes_before,
        minutes_after=terms.minutes_after,
        closed_on_holidays=terms.closed_on_holidays,
        offer_hours=terms.offer_hours,
        reminder_hours=terms.reminder_hours,
        how_to_enter=terms.how_to_enter,
        openings=tuple(openings),
        rules=tuple(_rule_row(context, who, terms.rule(who)) for who in BookerKind),
        items=await _items(context, facility),
        errors=dict(errors),
    )


def terms_of(sent: Mapping[str, Any]) -> Terms:
    """Return the terms that a form says.

    Raises:
        BadTerms: a field is no number or no hour, or the whole cannot be.
    """
    openings = tuple(
        _opening(sent, number) for number in range(60) if sent.get(f"opens_{number}") or sent.get(f"closes_{number}")
    )
    rules = tuple(_rule(sent, who) for who in BookerKind if sent.get(f"may_{who}"))
    slot = str(sent.get("slot_minutes", "")).strip()
    return check_terms(
        Terms(
            openings=openings,
            rules=rules,
            slot_minutes=_whole(sent, "slot_minutes") if slot else None,
            minutes_min=_whole(sent, "minutes_min"),
            minutes_max=_whole(sent, "minutes_max"),
            minutes_before=_whole(sent, "minutes_before"),
            minutes_after=_whole(sent, "minutes_after"),
            closed_on_holidays=bool(sent.get("closed_on_holidays")),
            offer_hours=_whole(sent, "offer_hours"),
            reminder_hours=_whole(sent, "reminder_hours"),
            how_to_enter=str(sent.get("how_to_enter", "")).strip(),
        )
    )


def _opening(sent: Mapping[str, Any], number: int) -> Opening:
    days = sent.get(f"days_{number}", [])
    ticked = {str(day) for day in (days if isinstance(days, list) else [days])}
    weekdays = sum(1 << day for day in WEEK if str(day) in ticked)
    first, last = (str(sent.get(f"{name}_{number}", "")).strip() or None for name in ("first", "last"))
    try:
        opens, closes = (time.fromisoformat(str(sent.get(f"{name}_{number}"))) for name in ("opens", "closes"))
    except ValueError:
        raise BadTerms(fields={"openings": NOT_AN_HOUR}) from None
    return Opening(weekdays, opens, closes, first, last)


def _rule(sent: Mapping[str, Any], who: BookerKind) -> BookerRule:
    deposit = str(sent.get(f"deposit_{who}", "")).strip()
    return BookerRule(
        who,
        days_ahead=_whole(sent, f"days_ahead_{who}"),
        standing_max=_whole(sent, f"standing_max_{who}"),
        cancel_hours=_whole(sent, f"cancel_hours_{who}"),
        late_refund_percent=_whole(sent, f"late_refund_percent_{who}"),
        price_item=str(sent.get(f"price_item_{who}", "")).strip() or None,
        deposit_cents=required_cents(f"deposit_{who}", deposit) if deposit else 0,
    )


def _rule_row(context: Context, who: BookerKind, rule: BookerRule | None) -> RuleRow:
    shown = rule or BookerRule(who)
    return RuleRow(
        who.value,
        context._(BOOKER_WORDS[who]),
        rule is not None,
        shown.days_ahead,
        shown.standing_max,
        shown.cancel_hours,
        shown.late_refund_percent,
        shown.price_item or "",
        written(shown.deposit_cents) if shown.deposit_cents else "",
    )


async def _items(context: Context, facility: Facility) -> tuple[tuple[str, str], ...]:
    """Return what the service's tariff sells, by code and name."""
    try:
        version = await tariff_in_force(context.db, facility.service_code, local_day(context.now))
    except UnknownTariff:
        return ()
    return tuple((item.code, item.label) for item in version.tariff.items)


def _whole(sent: Mapping[str, Any], name: str) -> int:
    text = str(sent.get(name, "")).strip()
    if not text.isascii() or not text.isdigit() or len(text) > 6:
        raise BadTerms(fields={name: NOT_A_NUMBER})
    return int(text)
