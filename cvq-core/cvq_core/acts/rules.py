"""Rules of a founding act's changes, as pure functions.

What an act allows holds from a day to a day. A change says what holds from its own day on; what held before stays as it
was, so that a receipt of last year is read beside last year's act. Nothing is changed backwards: what was collected
without an act is not made lawful afterwards.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from typing import Generic, TypeVar

from cvq_core.errors import N_, BadInput, Forbidden, NotFound, Refusal
from cvq_core.offices.rules import VOUCHERS, Appointment, MandateTitle, Means
from cvq_core.services.rules import ServiceCode
from cvq_core.text import money

ORDER_LENGTH_MAX = 120
PLAN_DAYS_MAX = 2 * 366
APPOINTMENT_YEARS_MAX = 30
CEILING_MAX_CENTS = 10_000_000_00
FLOAT_MAX_CENTS = 5_000_00
TOP_UP_MAX_CENTS = 5_000_00
CASH_PAYMENT_MAX_CENTS = 300_00
"""What a public debt may be paid of in cash (art. 1680 CGI); an act may allow less."""

Key = TypeVar("Key")


class ActChangeKind(StrEnum):
    """What a change is about."""

    OFFICE_LIMITS = "office_limits"
    PLACE_LIMITS = "place_limits"
    COLLECTS = "collects"
    APPOINTED = "appointed"
    APPOINTMENT_ENDED = "appointment_ended"


class UnknownOffice(NotFound):
    """No cash office has this id, or this code."""

    slug = "unknown-office"
    message = N_("Cette régie n’existe pas.")


class UnknownAppointment(NotFound):
    """No appointment has this id."""

    slug = "unknown-appointment"
    message = N_("Cette nomination n’existe pas.")


class UnknownStaff(NotFound):
    """Nobody of the staff has this login, or the account is closed."""

    slug = "unknown-staff"
    message = N_("Personne n’a cet identifiant, ou son compte est fermé.")
    what_to_do = N_("Vérifiez l’identifiant avec lequel la personne se connecte.")


class OrderMissing(BadInput):
    """A change names no order, or one of tomorrow."""

    slug = "order-missing"
    message = N_("Il manque l’arrêté qui décide de ce changement : son numéro, et son jour qui n’est pas à venir.")
    what_to_do = N_("Recopiez-le du document signé. Sans lui, rien ne change.")


class ChangeInPast(BadInput):
    """A change would hold from a day that is over, or in a far future."""

    slug = "act-change-in-past"
    message = N_("Un acte ne change qu’à partir d’aujourd’hui, et au plus deux ans d’avance.")
    what_to_do = N_(
        "Choisissez un jour à partir d’aujourd’hui. Ce qui a été encaissé avant reste jugé sur l’acte d’alors."
    )


class VouchersWithoutService(BadInput):
    """Vouchers are accepted for no service that is collected here, or services are named for vouchers that are not."""

    slug = "vouchers-without-service"
    message = N_("Un titre de paiement accepté paie au moins un service, et seulement des services encaissés ici.")
    what_to_do = N_("Cochez les services qu’il paie, ou ne l’acceptez pas.")


class LimitOutOfBounds(BadInput):
    """A ceiling or a limit that cannot be."""

    slug = "limit-out-of-bounds"
    message = N_("Ce montant n’est pas possible ici : entre {least} et {most}.")
    what_to_do = N_("Vérifiez-le sur l’acte. Rien n’a changé.")


class RemitDaysOutOfBounds(BadInput):
    """Remitting less often than monthly is not allowed."""

    slug = "remit-days-out-of-bounds"
    message = N_("On verse au moins une fois par mois : entre 1 et 31 jours.")


class AppointmentOverlaps(Refusal):
    """The person is appointed to this place in that time already."""

    slug = "appointment-overlaps"
    message = N_("Cette personne est déjà nommée ici à cette période.")
    what_to_do = N_("Mettez d’abord fin à la nomination en cours, puis nommez-la de nouveau.")


class OfficerOverlaps(Refusal):
    """The office has an officer in that time already."""

    slug = "officer-overlaps"
    message = N_("Cette régie a déjà un régisseur à cette période : {name}.")
    what_to_do = N_(
        "Une régie n’a qu’un régisseur. Mettez d’abord fin à la nomination de l’autre, ou nommez un suppléant."
    )


class OfficerNotAtMain(BadInput):
    """An officer or a substitute is appointed to the office's own counter, which has all of it under them."""

    slug = "officer-not-at-main"
    message = N_("Le régisseur et ses suppléants se nomment à la régie elle-même, pas à une sous-régie.")


class AppointmentNotPossible(BadInput):
    """An appointment that ends before it begins, or lasts for ever."""

    slug = "appointment-not-possible"
    message = N_("Une nomination commence au plus tôt aujourd’hui et finit après son début.")


class AppointmentOver(Refusal):
    """It ended, or was ended, before."""

    slug = "appointment-over"
    message = N_("Cette nomination est déjà finie.")


class NotOneself(Forbidden):
    """Whoever sets acts up appoints nobody to public money who is themselves."""

    slug = "not-oneself"
    message = N_("On ne se nomme pas soi-même à une régie.")
    what_to_do = N_("Qui ordonne n’encaisse pas : demandez à un autre administrateur.")


@dataclass(frozen=True, slots=True)
class Order:
    """The signed decision that a change copies: its number or title, and its day."""

    reference: str
    signed_on: date


@dataclass(frozen=True, slots=True)
class Collects:
    """What a place may collect and how; `voucher_services` has, for each kind of vouchers, what it pays for."""

    services: frozenset[ServiceCode]
    means: frozenset[Means]
    voucher_services: Mapping[Means, frozenset[ServiceCode]]


@dataclass(frozen=True, slots=True)
class OfficeLimits:
    """An office's limits in cents; no ceiling is None. `ceiling_counts` has what its act counts besides cash."""

    cash_payment_max_cents: int
    top_up_max_cents: int
    ceiling_cents: int | None
    ceiling_refuses: bool
    ceiling_counts: tuple[str, ...]
    remit_every_days: int


@dataclass(frozen=True, slots=True)
class PlaceLimits:
    """A place's float and ceiling in cents; no ceiling is None."""

    float_cents: int
    ceiling_cents: int | None
    ceiling_refuses: bool


@dataclass(frozen=True, slots=True)
class Period:
    """From a day to a day, both included; None is for ever."""

    valid_from: date
    valid_until: date | None

    def meets(self, other: Period) -> bool:
        """Whether some day lies in both."""
        return (other.valid_until is None or self.valid_from <= other.valid_until) and (
            self.valid_until is None or other.valid_from <= self.valid_until
        )


def check_order(order: Order, today: date) -> Order:
    """Return an order as it is kept.

    Raises:
        OrderMissing: it has no number, or a day to come.
    """
    reference = " ".join(order.reference.split())[:ORDER_LENGTH_MAX]
    if len(reference) < 3 or order.signed_on > today:
        raise OrderMissing
    return Order(reference, order.signed_on)


def check_from(day: date, today: date) -> None:
    """Refuse a change that would hold from a past day, or from too far away.

    Raises:
        ChangeInPast
    """
    if not today <= day <= today + timedelta(days=PLAN_DAYS_MAX):
        raise ChangeInPast


def check_collects(wanted: Collects) -> None:
    """Refuse vouchers that would pay for nothing, or for what is not collected here.

    Raises:
        VouchersWithoutService
    """
    for means in VOUCHERS:
        pays_for = wanted.voucher_services.get(means, frozenset())
        if bool(pays_for) != (means in wanted.means) or not pays_for <= wanted.services:
            raise VouchersWithoutService


def check_office_limits(limits: OfficeLimits) -> None:
    """Refuse limits that the law does not allow, or that nobody means.

    Raises:
        LimitOutOfBounds, RemitDaysOutOfBounds
    """
    _check_cents(limits.cash_payment_max_cents, 1, CASH_PAYMENT_MAX_CENTS)
    _check_cents(limits.top_up_max_cents, 1, TOP_UP_MAX_CENTS)
    if limits.ceiling_cents is not None:
        _check_cents(limits.ceiling_cents, 1, CEILING_MAX_CENTS)
    if not 1 <= limits.remit_every_days <= 31:
        raise RemitDaysOutOfBounds


def check_place_limits(limits: PlaceLimits) -> None:
    """Refuse a float or a ceiling that nobody means.

    Raises:
        LimitOutOfBounds
    """
    _check_cents(limits.float_cents, 0, FLOAT_MAX_CENTS)
    if limits.ceiling_cents is not None:
        _check_cents(limits.ceiling_cents, 1, CEILING_MAX_CENTS)


def _check_cents(cents: int, least: int, most: int) -> None:
    if type(cents) is not int or not least <= cents <= most:
        raise LimitOutOfBounds(least=money(least), most=money(most))


def check_appointment(
    period: Period, title: MandateTitle, today: date, *, at_main: bool, theirs: Collection[Period]
) -> None:
    """Refuse an appointment that cannot be; `theirs` are the person's others at this place.

    Raises:
        AppointmentNotPossible, OfficerNotAtMain, AppointmentOverlaps
    """
    first, last = period.valid_from, period.valid_until
    far = today + timedelta(days=366 * APPOINTMENT_YEARS_MAX)
    if not today <= first <= today + timedelta(days=PLAN_DAYS_MAX) or (last is not None and not first <= last <= far):
        raise AppointmentNotPossible
    if title is not MandateTitle.MANDATARY and not at_main:
        raise OfficerNotAtMain
    if any(period.meets(each) for each in theirs):
        raise AppointmentOverlaps


def ended(appointment: Appointment, last_day: date, today: date) -> date | None:
    """Return the last day of an appointment that is ended, today at the earliest; None where it never begins.

    Raises:
        AppointmentOver: it ended before.
        AppointmentNotPossible: the day is past, or later than it ends anyway.
    """
    if appointment.valid_until is not None and appointment.valid_until < today:
        raise AppointmentOver
    if last_day < today or (appointment.valid_until is not None and last_day > appointment.valid_until):
        raise AppointmentNotPossible
    return last_day if last_day >= appointment.valid_from else None


@dataclass(frozen=True, slots=True)
class Amended(Generic[Key]):
    """What becomes of the periods of an act: which begin, which end the day before, which are taken off the plan."""

    begins: frozenset[Key]
    ends: frozenset[Key]
    goes_on: frozenset[Key]
    unplanned: frozenset[tuple[Key, date]]


def amended(periods: Mapping[Key, Sequence[Period]], wanted: Collection[Key], day: date) -> Amended[Key]:
    """Return what to do so that exactly `wanted` holds from a day on, and every day before it as it did.

    What holds on the eve and is wanted goes on without an end; what was planned to begin on that day or later is taken
    off the plan, since the newer act says what holds then.
    """
    eve = day - timedelta(days=1)
    holds = {
        key
        for key, its in periods.items()
        if any(each.valid_from <= eve and (each.valid_until is None or each.valid_until >= eve) for each in its)
    }
    planned = {(key, each.valid_from) for key, its in periods.items() for each in its if each.valid_from >= day}
    return Amended(
        begins=frozenset(wanted) - holds,
        ends=frozenset(holds - set(wanted)),
        goes_on=frozenset(holds & set(wanted)),
        unplanned=frozenset(planned),
    )
