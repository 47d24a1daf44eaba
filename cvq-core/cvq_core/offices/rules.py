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
from cvq_core.ledger.rules import AmountOutOfBounds, MoreThanDue
from cvq_core.payables.rules import PayableKind, PayableLine
from cvq_core.services.rules import SERVICE_LABELS, ServiceCode
from cvq_core.text import money

COUNT_MAX = 10_000
VOUCHER_KINDS_MAX = 20
VOUCHER_FACE_CENTS_MAX = 500_00
DENOMINATIONS_CENTS = (50000, 20000, 10000, 5000, 2000, 1000, 500, 200, 100, 50, 20, 10, 5, 2, 1)
"""Every euro note and coin, in cents, the largest first."""
LARGEST_NOTE_CENTS = DENOMINATIONS_CENTS[0]


class Means(StrEnum):
    """How somebody pays."""

    CASH = "cash"
    CHEQUE = "cheque"
    CARD = "card"
    CESU = "cesu"
    ANCV = "ancv"
    PAYFIP = "payfip"
    DIRECT_DEBIT = "direct_debit"


MEANS_WORDS: dict[Means, str] = {
    Means.CASH: N_("espèces"),
    Means.CHEQUE: N_("chèque"),
    Means.CARD: N_("carte bancaire"),
    Means.CESU: N_("CESU préfinancé"),
    Means.ANCV: N_("chèque-vacances ANCV"),
    Means.PAYFIP: N_("PayFiP"),
    Means.DIRECT_DEBIT: N_("prélèvement"),
}
VOUCHERS = frozenset({Means.CESU, Means.ANCV})
"""What is counted by face value, gives no change, and pays only for some services."""
COUNTER_MEANS = frozenset({Means.CASH, Means.CHEQUE, Means.CARD}) | VOUCHERS
"""What a person can hand over."""
BY_THE_BANK = frozenset({Means.PAYFIP, Means.DIRECT_DEBIT})
"""What comes by itself."""
VOUCHER_SERVICES: dict[Means, frozenset[ServiceCode]] = {
    Means.CESU: frozenset({ServiceCode.CRECHE, ServiceCode.AFTER_SCHOOL, ServiceCode.LEISURE_CENTRE}),
    Means.ANCV: frozenset({ServiceCode.POOL, ServiceCode.SQUASH, ServiceCode.LEISURE_CENTRE}),
}
"""What a place starts with where its act says nothing else: childcare, and leisure."""


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


class FloatNotInSafe(Refusal):
    """The safe holds less than the float that a drawer is to open with."""

    slug = "float-not-in-safe"
    message = N_("Il n’y a que {held} au coffre : une caisse ne s’ouvre pas avec plus.")
    what_to_do = N_("Comptez-le de nouveau, ou fermez d’abord la caisse qui tient le reste.")


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


class MeansNotAtCounter(Refusal):
    """The act enumerates this means, and nobody can hand it over at a counter."""

    slug = "means-not-at-counter"
    message = N_("Ce moyen de paiement ne s’encaisse pas au guichet : {means}.")
    what_to_do = N_("Rien n’a été encaissé. La banque l’apporte elle-même ; au guichet, proposez un autre moyen.")


class VoucherNotForService(Refusal):
    """These vouchers do not pay for this service."""

    slug = "voucher-not-for-service"
    message = N_("Ce titre ne paie pas ce service : {means}, {service}.")
    what_to_do = N_("Rien n’a été encaissé. Proposez un autre moyen de paiement pour ce service.")


class VouchersGiveNoChange(BadInput):
    """The vouchers make another sum than the total."""

    slug = "vouchers-give-no-change"
    message = N_("Les titres font {given}, et le total est de {total} : ils ne rendent pas la monnaie.")
    what_to_do = N_("Versez la différence sur un compte du même service, ou payez le reste à part.")


class BadMeansDetails(BadInput):
    """Vouchers without a count, or the details of another means."""

    slug = "bad-means-details"
    message = N_("Ce qui est noté ne va pas avec ce moyen de paiement.")
    what_to_do = N_("Pour des titres, comptez-les par valeur ; un chèque a son numéro, sa banque et son tireur.")


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
class Cheque:
    """What the deposit slip needs of a cheque."""

    number: str
    bank: str
    drawer_name: str


@dataclass(frozen=True, slots=True)
class VoucherCount:
    """So many vouchers of one face value."""

    face_cents: int
    number: int


@dataclass(frozen=True, slots=True)
class MeansDetails:
    """What is noted of a payment besides its amount; each means has its own part, and the others stay empty."""

    cheque: Cheque | None = None
    card_reference: str = ""
    vouchers: tuple[VoucherCount, ...] = ()


NO_DETAILS = MeansDetails()


@dataclass(frozen=True, slots=True)
class Act:
    """What the founding act lets a place collect on a day, how, and how much at once.

    `voucher_services` maps each kind of vouchers to what it may pay for.
    """

    services: frozenset[ServiceCode]
    means: frozenset[Means]
    cash_payment_max_cents: int
    top_up_max_cents: int
    voucher_services: Mapping[Means, frozenset[ServiceCode]]


@dataclass(frozen=True, slots=True)
class Due:
    """What is to be paid, what was given, and the change, in cents."""

    total_cents: int
    tendered_cents: int
    change_cents: int


def check_collection(
    act: Act, lines: Sequence[PayableLine], means: Means, tendered_cents: int, details: MeansDetails = NO_DETAILS
) -> Due:
    """Return the total and the change of a collection; the lines are those of `payables.store.payable_lines`.

    Raises:
        AmountAboveLimit, MoreThanDue: a top-up is too large, or an invoice would be overpaid.
        NotInAct, MeansNotInAct, MeansNotAtCounter, VoucherNotForService: what, or how, may not be collected here.
        CashPaymentTooLarge: above the office's limit.
        BadMeansDetails: what is noted does not go with the means.
        AmountOutOfBounds, TenderedTooLittle, TenderedDiffers, VouchersGiveNoChange: what was given.
    """
    for line in lines:
        _check_line(act, line)
    if means not in act.means:
        raise MeansNotInAct(means=MEANS_WORDS[means])
    if means not in COUNTER_MEANS:
        raise MeansNotAtCounter(means=MEANS_WORDS[means])
    total = sum(line.payable.amount_cents for line in lines)
    if means is Means.CASH and total > act.cash_payment_max_cents:
        raise CashPaymentTooLarge(limit=money(act.cash_payment_max_cents))
    _check_details(means, details)
    if means in VOUCHERS:
        _check_vouchers(act, lines, means, details)
        if tendered_cents != total:
            raise TenderedDiffers(total=money(total))
    return Due(total, tendered_cents, _change(total, means, tendered_cents))


def _check_line(act: Act, line: PayableLine) -> None:
    cents = line.payable.amount_cents
    if line.payable.kind is PayableKind.WALLET and cents > act.top_up_max_cents:
        raise AmountAboveLimit(limit=money(act.top_up_max_cents))
    if line.due_cents is not None and cents > line.due_cents:
        raise MoreThanDue(due=money(line.due_cents), due_cents=line.due_cents)
    for service in sorted(line.services - act.services):
        raise NotInAct(service=SERVICE_LABELS[service])


def _check_details(means: Means, details: MeansDetails) -> None:
    foreign = (
        (details.cheque is not None and means is not Means.CHEQUE)
        or (details.card_reference and means is not Means.CARD)
        or bool(details.vouchers) != (means in VOUCHERS)
    )
    cheque = details.cheque
    if foreign or (cheque is not None and not all((cheque.number, cheque.bank, cheque.drawer_name))):
        raise BadMeansDetails


def _check_vouchers(act: Act, lines: Sequence[PayableLine], means: Means, details: MeansDetails) -> None:
    pays_for = act.voucher_services.get(means, frozenset())
    for line in lines:
        for service in sorted(line.services - pays_for):
            raise VoucherNotForService(means=MEANS_WORDS[means], service=SERVICE_LABELS[service])
    given, total = voucher_total(details.vouchers), sum(line.payable.amount_cents for line in lines)
    if given != total:
        raise VouchersGiveNoChange(given=money(given), total=money(total))


def voucher_total(vouchers: Sequence[VoucherCount]) -> int:
    """Return what vouchers are worth, in cents.

    Raises:
        BadMeansDetails: an impossible face value or number, or one face value twice.
    """
    faces = {each.face_cents for each in vouchers}
    if len(vouchers) > VOUCHER_KINDS_MAX or len(faces) != len(vouchers):
        raise BadMeansDetails
    for each in vouchers:
        if not 0 < each.face_cents <= VOUCHER_FACE_CENTS_MAX or not 0 < each.number <= COUNT_MAX:
            raise BadMeansDetails
    return sum(each.face_cents * each.number for each in vouchers)


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


def check_safe(float_cents: int, held_cents: int) -> None:
    """Refuse a float that is not in the safe; a drawer may open empty in any case.

    Raises:
        FloatNotInSafe
    """
    if float_cents > max(0, held_cents):
        raise FloatNotInSafe(held=money(max(0, held_cents)))


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
