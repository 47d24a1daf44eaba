"""Rules of public money at the counter, as pure functions.

A régie collects only what its founding act enumerates, by the means it enumerates; anything else would be *gestion de
fait*, and is refused (CGCT R1617-1 and following; décret 2012-1246, article 22). The drawer of a mandatary is that
mandatary's alone, from its opening to its count.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from uuid import UUID

from cvq_core.errors import N_, BadInput, Forbidden, NotFound, Refusal
from cvq_core.ledger.rules import AmountOutOfBounds
from cvq_core.services.rules import SERVICE_LABELS, ServiceCode
from cvq_core.text import money

TOP_UPS_MAX = 20
COUNT_MAX = 10_000
DENOMINATIONS_CENTS = (50000, 20000, 10000, 5000, 2000, 1000, 500, 200, 100, 50, 20, 10, 5, 2, 1)
"""Every euro note and coin, in cents, the largest first."""
LARGEST_NOTE_CENTS = DENOMINATIONS_CENTS[0]


class Means(StrEnum):
    """How somebody pays."""

    CASH = "cash"
    CHEQUE = "cheque"
    CARD = "card"


MEANS_WORDS: dict[Means, str] = {
    Means.CASH: N_("espèces"),
    Means.CHEQUE: N_("chèque"),
    Means.CARD: N_("carte bancaire"),
}


class MandateTitle(StrEnum):
    """As what somebody was appointed to a cash office."""

    OFFICER = "officer"
    SUBSTITUTE = "substitute"
    MANDATARY = "mandatary"


MANDATE_TITLE_WORDS: dict[MandateTitle, str] = {
    MandateTitle.OFFICER: N_("régisseur"),
    MandateTitle.SUBSTITUTE: N_("mandataire suppléant"),
    MandateTitle.MANDATARY: N_("mandataire"),
}


class NotMandatary(Forbidden):
    """This person is not appointed to this place on this day."""

    slug = "not-mandatary"
    message = N_("Vous n’êtes pas mandataire de cette régie aujourd’hui.")
    what_to_do = N_("Adressez la personne au régisseur ou à un mandataire. Votre nomination est à voir avec lui.")


class NotYourDrawer(Forbidden):
    """The drawer is somebody else's."""

    slug = "not-your-drawer"
    message = N_("Cette caisse est celle de quelqu’un d’autre.")
    what_to_do = N_("Ouvrez la vôtre.")


class UnknownSubOffice(NotFound):
    """There is no such place, or it is closed."""

    slug = "unknown-sub-office"
    message = N_("Cette régie n’existe pas, ou est fermée.")


class UnknownDrawer(NotFound):
    """No drawer has this id."""

    slug = "unknown-drawer"
    message = N_("Cette caisse n’existe pas.")


class UnknownReceipt(NotFound):
    """No receipt has this id or number."""

    slug = "unknown-receipt"
    message = N_("Cette quittance n’existe pas.")
    what_to_do = N_("Vérifiez son numéro.")


class DrawerClosed(Refusal):
    """The drawer is closed: its count is done."""

    slug = "drawer-closed"
    message = N_("Cette caisse est fermée.")
    what_to_do = N_("Ouvrez une caisse avant d’encaisser.")


class DrawerAlreadyOpen(Refusal):
    """This person has a drawer open at this place."""

    slug = "drawer-already-open"
    message = N_("Votre caisse est déjà ouverte ici.")
    what_to_do = N_("Continuez avec celle-là, ou fermez-la d’abord.")


class FloatOutOfBounds(BadInput):
    """More float than the place was given, or less than nothing."""

    slug = "float-out-of-bounds"
    message = N_("Le fonds de caisse de ce lieu ne dépasse pas {limit}.")
    what_to_do = N_("Comptez-le de nouveau.")


class NotInAct(Refusal):
    """The founding act does not enumerate this service."""

    slug = "service-not-in-act"
    message = N_("L’acte de cette régie ne permet pas d’encaisser pour ce service : {service}.")
    what_to_do = N_("Rien n’a été encaissé. Adressez la personne à la régie de ce service.")


class MeansNotInAct(Refusal):
    """The founding act does not enumerate this means of payment."""

    slug = "means-not-in-act"
    message = N_("L’acte de cette régie ne permet pas ce moyen de paiement : {means}.")
    what_to_do = N_("Rien n’a été encaissé. Proposez un autre moyen de paiement.")


class NothingToCollect(BadInput):
    """No wallet to top up, too many, or one twice."""

    slug = "nothing-to-collect"
    message = N_("Choisissez au moins un compte à approvisionner, chacun une seule fois.")


class AmountAboveLimit(BadInput):
    """One top-up is larger than the office allows."""

    slug = "amount-above-limit"
    message = N_("On n’approvisionne pas un compte de plus de {limit} à la fois.")
    what_to_do = N_("Vérifiez le montant, ou faites deux opérations.")


class CashPaymentTooLarge(Refusal):
    """One payment in cash is larger than the office allows."""

    slug = "cash-payment-too-large"
    message = N_("Un paiement en espèces ne dépasse pas {limit}.")
    what_to_do = N_("Proposez un chèque ou une carte bancaire.")


class TenderedTooLittle(BadInput):
    """What was given does not cover the total."""

    slug = "tendered-too-little"
    message = N_("Il manque {missing} pour faire le compte.")


class TenderedDiffers(BadInput):
    """A cheque or a card payment is of another amount than the total, or far more cash was given than makes sense."""

    slug = "tendered-differs"
    message = N_("Ce qui est remis ne correspond pas au total de {total}.")
    what_to_do = N_("Un chèque ou une carte paie le total exact ; pour des espèces, comptez de nouveau.")


class ReceiptNotVoidable(Refusal):
    """It is voided already, or is a void itself."""

    slug = "receipt-not-voidable"
    message = N_("Cette quittance est déjà annulée, ou est elle-même une annulation.")


class ReceiptDrawerClosed(Refusal):
    """The drawer in which it was collected is counted."""

    slug = "receipt-drawer-closed"
    message = N_("La caisse de cette quittance est fermée : on ne peut plus l’annuler ici.")
    what_to_do = N_("Demandez au régisseur un remboursement.")


class BadCount(BadInput):
    """Not a count of euro notes and coins."""

    slug = "bad-count"
    message = N_("Ce comptage n’est pas possible : chaque pièce et chaque billet a son nombre, de zéro à {most}.")


@dataclass(frozen=True, slots=True)
class Officer:
    """Who stands at the counter: somebody of the staff."""

    staff_id: UUID
    name: str


@dataclass(frozen=True, slots=True)
class TopUp:
    """So many cents for one wallet."""

    wallet_id: UUID
    amount_cents: int


@dataclass(frozen=True, slots=True)
class Act:
    """What the founding act lets a place collect on a day, how, and how much at once."""

    services: frozenset[ServiceCode]
    means: frozenset[Means]
    cash_payment_max_cents: int
    top_up_max_cents: int


@dataclass(frozen=True, slots=True)
class Due:
    """What is to be paid, what was given, and the change, in cents."""

    total_cents: int
    tendered_cents: int
    change_cents: int


def check_collection(
    act: Act,
    top_ups: Sequence[TopUp],
    services: Mapping[UUID, ServiceCode],
    means: Means,
    tendered_cents: int,
) -> Due:
    """Return the total and the change of a collection. `services` maps each wallet to its service.

    Raises:
        NothingToCollect, AmountOutOfBounds, AmountAboveLimit: the wallets or their amounts.
        NotInAct, MeansNotInAct: what, or how, is not in the act.
        CashPaymentTooLarge: above the office's limit.
        TenderedTooLittle, TenderedDiffers: what was given.
    """
    if not 1 <= len(top_ups) <= TOP_UPS_MAX or len({each.wallet_id for each in top_ups}) != len(top_ups):
        raise NothingToCollect
    for top_up in top_ups:
        if type(top_up.amount_cents) is not int or top_up.amount_cents <= 0:
            raise AmountOutOfBounds
        if top_up.amount_cents > act.top_up_max_cents:
            raise AmountAboveLimit(limit=money(act.top_up_max_cents))
        service = services[top_up.wallet_id]
        if service not in act.services:
            raise NotInAct(service=SERVICE_LABELS[service])
    if means not in act.means:
        raise MeansNotInAct(means=MEANS_WORDS[means])
    total = sum(each.amount_cents for each in top_ups)
    if means is Means.CASH and total > act.cash_payment_max_cents:
        raise CashPaymentTooLarge(limit=money(act.cash_payment_max_cents))
    return Due(total, tendered_cents, _change(total, means, tendered_cents))


def _change(total_cents: int, means: Means, tendered_cents: int) -> int:
    if type(tendered_cents) is not int or tendered_cents < 0:
        raise AmountOutOfBounds
    if tendered_cents < total_cents:
        raise TenderedTooLittle(missing=money(total_cents - tendered_cents))
    # Nobody gives a whole largest note too much: that is a slip of the keys.
    most = total_cents if means is not Means.CASH else total_cents + LARGEST_NOTE_CENTS - 1
    if tendered_cents > most:
        raise TenderedDiffers(total=money(total_cents))
    return tendered_cents - total_cents


def counted_total(counted: Mapping[int, int]) -> int:
    """Return the cents in a drawer, counted as denomination in cents to how many.

    Raises:
        BadCount: no such note or coin, or an impossible number of them.
    """
    for denomination, number in counted.items():
        if denomination not in DENOMINATIONS_CENTS or type(number) is not int or not 0 <= number <= COUNT_MAX:
            raise BadCount(most=COUNT_MAX)
    return sum(denomination * number for denomination, number in counted.items())


def check_float(float_cents: int, limit_cents: int) -> None:
    """Refuse a float that the place was not given.

    Raises:
        FloatOutOfBounds
    """
    if type(float_cents) is not int or not 0 <= float_cents <= limit_cents:
        raise FloatOutOfBounds(limit=money(limit_cents))


@dataclass(frozen=True, slots=True)
class Appointment:
    """Somebody's appointment to a place, from a day to another (that day included)."""

    title: MandateTitle
    valid_from: date
    valid_until: date | None


def appointed(appointments: Collection[Appointment], on: date) -> Appointment:
    """Return the appointment that holds on a day.

    Raises:
        NotMandatary: none does.
    """
    for each in appointments:
        if each.valid_from <= on and (each.valid_until is None or on <= each.valid_until):
            return each
    raise NotMandatary


def receipt_number(series: str, number: int) -> str:
    """Return a receipt's number as it is printed and asked for: "POM-000042"."""
    return f"{series}-{number:06d}"
