"""What people are told of their reservations by e-mail: what, when, where, and never why."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from cvq_core.clock import local_day
from cvq_core.errors import N_
from cvq_core.facilities.tables import Facility, Reservation
from cvq_core.mail import file_mail
from cvq_core.people.tables import FamilyAccount, Person
from cvq_core.settings import Settings
from cvq_core.signed_links import make_token
from cvq_core.text import hour, long_date, money, translator

OFFER_URL, OFFER_PURPOSE = "/place", "reservation-offer"


class MailKind(StrEnum):
    """What there is to tell."""

    BOOKED = "booked"
    REMINDER = "reminder"
    OFFERED = "offered"
    CANCELLED = "cancelled"
    DEPOSIT = "deposit"


SUBJECTS = {
    MailKind.BOOKED: N_("Réservé : {place}, {day}"),
    MailKind.REMINDER: N_("Rappel : {place}, {day}"),
    MailKind.OFFERED: N_("Une place s’est libérée : {place}, {day}"),
    MailKind.CANCELLED: N_("Réservation annulée : {place}, {day}"),
    MailKind.DEPOSIT: N_("Votre caution : {place}"),
}
_WHEN = N_("{place}\n{site}\n{day}, de {begins} à {ends}\n")
_TEXTS = {
    MailKind.BOOKED: N_("Votre réservation est faite. Votre carte ouvre la porte à l’heure dite."),
    MailKind.REMINDER: N_("Vous avez une réservation. Prenez votre carte : elle ouvre la porte."),
    MailKind.OFFERED: N_(
        "Vous attendiez ce créneau : il est à vous si vous le prenez avant {until_hour}, {until_day}. "
        "Appelez votre mairie ou passez-y. Sans réponse, il sera proposé à la personne suivante."
    ),
    MailKind.CANCELLED: N_("Cette réservation est annulée. {reason} Rendu : {refunded}."),
    MailKind.DEPOSIT: N_("Votre caution de {deposit} : {returned} vous sont rendus. {deposit_reason}"),
}
_TAKE = N_("La prendre ou la laisser d’ici :\n{link}")
_LATE = N_("Pour annuler, appelez votre mairie le plus tôt possible : quelqu’un attend peut-être la place.")


async def file_reservation_mail(
    db: AsyncSession, settings: Settings, kind: MailKind, reservation: Reservation, *, now: datetime
) -> bool:
    """File what is to be told of a reservation, once; return whether there is an address to tell it to.

    Without an SMTP server or an address nobody is told: the slip and the pages say the same.
    """
    person = await db.get_one(Person, reservation.person_id)
    account = await db.get(FamilyAccount, reservation.account_id) if reservation.account_id else None
    own = person.email if person.deceased_on is None else None
    address = own or (account.email if account else None)
    if settings.smtp_url is None or not address:
        return False
    facility = await db.get_one(Facility, reservation.facility_id)
    say = translator(settings.language).gettext
    facts = _facts(reservation, facility, settings.language)
    parts = [_WHEN, _TEXTS[kind]]
    if kind in (MailKind.BOOKED, MailKind.REMINDER):
        parts.append(_LATE)
    elif kind is MailKind.OFFERED and reservation.offer_until is not None:
        facts["link"] = _link(settings, reservation.id, reservation.offer_until)
        parts.append(_TAKE)
    text = "\n".join([say(N_("Bonjour,")), "", *(say(part).format_map(facts).strip() + "\n" for part in parts)])
    await file_mail(
        db,
        settings,
        to=address,
        subject=say(SUBJECTS[kind]).format_map(facts),
        text=text,
        now=now,
        key=f"reservation-{kind}-{reservation.id}",
    )
    return True


def _link(settings: Settings, reservation_id: UUID, until: datetime) -> str:
    base = str(settings.public_url).rstrip("/")
    return f"{base}{OFFER_URL}/{make_token(settings, OFFER_PURPOSE, reservation_id, until)}"


def _facts(reservation: Reservation, facility: Facility, language: str) -> dict[str, str]:
    until = reservation.offer_until
    kept = reservation.deposit_kept_cents or 0
    return {
        "place": facility.label,
        "site": ", ".join(filter(None, (facility.site, facility.address))),
        "day": long_date(local_day(reservation.starts_at), language),
        "begins": hour(reservation.starts_at, language),
        "ends": hour(reservation.ends_at, language),
        "until_hour": hour(until, language) if until else "",
        "until_day": long_date(local_day(until), language) if until else "",
        "reason": f"{reservation.ended_reason}." if reservation.ended_reason else "",
        "refunded": money(reservation.refunded_cents, language),
        "deposit": money(reservation.deposit_cents, language),
        "returned": money(reservation.deposit_cents - kept, language),
        "deposit_reason": reservation.deposit_reason,
    }
