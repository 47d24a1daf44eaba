"""Carts and attempts to pay them online, as pure functions.

A cart is what somebody means to pay at once: wallets and invoices. An attempt is one operation at PayFiP for what was
then due of it. Nothing that a browser or a notification says is believed: each is only a reason to ask PayFiP, whose
answers come late, twice, in any order, or never. So an answer can only raise an attempt's state in the order below, and
the state after some answers is the same in whatever order, and however often, they came.

    open ─► sent ─► unknown ─► expired ─► cancelled ─► refused ─► paid
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from cvq_core.errors import N_, BadInput, NotFound, Refusal, Unavailable

AMOUNT_CENTS_MIN = 1_00
AMOUNT_CENTS_MAX = 100_000_00
"""What PayFiP takes in one payment."""

PAGE_LIFE = timedelta(minutes=15)
"""How long PayFiP lets somebody pay under one identifier."""

UNKNOWN_AFTER = timedelta(hours=2)
"""How long PayFiP may say that it does not know yet."""

ASKED_UNTIL = timedelta(hours=50)
"""How long one goes on asking: within a day PayFiP forgets what was never paid, and says so."""

FORGETS_AFTER = timedelta(hours=24)
"""From when on PayFiP's answer that something is not paid is its last: no page of it takes money any more."""

CART_LIFE = timedelta(days=7)

TOKEN_ALPHABET = "23456789abcdefghjkmnpqrstuvwxyz"  # noqa: S105 - no secret: the letters that nobody mistakes
TOKEN_LENGTH = 10

_REFDET = re.compile(r"[A-Za-z0-9]{1,30}")
_IDOP = re.compile(r"[A-Za-z0-9-]{8,64}")
_BASE32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"


class AttemptState(StrEnum):
    """What is known of one attempt, the weakest knowledge first."""

    OPEN = "open"
    SENT = "sent"
    UNKNOWN = "unknown"
    EXPIRED = "expired"
    CANCELLED = "cancelled"
    REFUSED = "refused"
    PAID = "paid"


_STRENGTH = {state: strength for strength, state in enumerate(AttemptState)}


class Said(StrEnum):
    """What PayFiP answered about an operation."""

    PAID = "paid"
    REFUSED = "refused"
    CANCELLED = "cancelled"
    NOT_YET = "not_yet"
    FORGOTTEN = "forgotten"


_MEANS = {
    Said.PAID: AttemptState.PAID,
    Said.REFUSED: AttemptState.REFUSED,
    Said.CANCELLED: AttemptState.CANCELLED,
    Said.NOT_YET: AttemptState.SENT,
    Said.FORGOTTEN: AttemptState.EXPIRED,
}


class CartState(StrEnum):
    """Where a cart stands, for the people who look at it."""

    OPEN = "open"
    SENT = "sent"
    PAID = "paid"
    REFUSED = "refused"
    CANCELLED = "cancelled"
    EXPIRED = "expired"
    UNKNOWN = "unknown"


class Trouble(StrEnum):
    """Why an attempt stands on the reconciliation list."""

    UNKNOWN = "unknown"
    OTHER_AMOUNT = "other_amount"
    PAID_TWICE = "paid_twice"
    PAID_ELSEWHERE = "paid_elsewhere"
    CONTRADICTED = "contradicted"
    IN_THE_BANK = "in_the_bank"
    ASKED_TOO_LATE = "asked_too_late"


TROUBLE_WORDS: dict[Trouble, str] = {
    Trouble.UNKNOWN: N_("Deux heures après, PayFiP ne sait toujours pas si c’est payé."),
    Trouble.OTHER_AMOUNT: N_("Le montant payé n’est pas celui demandé : tout est au compte d’attente."),
    Trouble.PAID_TWICE: N_("Ce panier était déjà payé : ce second paiement est au compte d’attente."),
    Trouble.PAID_ELSEWHERE: N_("Une partie était déjà réglée autrement : le surplus est au compte d’attente."),
    Trouble.CONTRADICTED: N_("PayFiP a donné ensuite un autre montant que celui qui est écrit."),
    Trouble.ASKED_TOO_LATE: N_("PayFiP n’a pas pu être interrogé à temps : seule la banque sait si c’est payé."),
    Trouble.IN_THE_BANK: N_("La banque dit que c’est payé ; PayFiP ne nous l’a pas dit."),
}


class Decision(StrEnum):
    """What the cash officer decided about a line of the reconciliation list."""

    CREDITED = "credited"
    FILED = "filed"


class NoOnlinePayment(Refusal):
    """This installation has no PayFiP."""

    slug = "no-online-payment"
    message = N_("Il n’y a pas de paiement en ligne ici.")
    what_to_do = N_("Proposez de payer à la régie ou à la mairie. Rien n’a été enregistré.")


class PayFipSilent(Unavailable):
    """PayFiP does not answer, or answers what is no answer."""

    slug = "payfip-silent"
    message = N_("Le service de paiement de l’État ne répond pas pour l’instant.")
    what_to_do = N_("Rien n’a été payé. Recommencez dans quelques minutes : le panier est gardé.")


class AmountNotOnline(BadInput):
    """Less or more than PayFiP takes."""

    slug = "amount-not-online"
    message = N_("En ligne, on peut payer de {least} à {most} en une fois.")
    what_to_do = N_("Changez les montants, ou proposez de payer à la régie.")


class PayerEmailMissing(BadInput):
    """PayFiP wants an e-mail address, and there is none."""

    slug = "payer-email-missing"
    message = N_("PayFiP demande une adresse électronique de 6 à 80 caractères.")
    what_to_do = N_("Écrivez celle de la personne qui paie.")


class NotCollectedOnline(Refusal):
    """The founding act does not let the office collect this, or not online."""

    slug = "not-collected-online"
    message = N_("L’acte de la régie ne permet pas d’encaisser ceci en ligne : {what}.")
    what_to_do = N_("Retirez-le du panier, ou proposez de payer à la régie.")


class UnknownCart(NotFound):
    """No cart has this id or address."""

    slug = "unknown-cart"
    message = N_("Ce paiement n’existe pas, ou n’existe plus.")
    what_to_do = N_("Vérifiez l’adresse, ou demandez-en une nouvelle à votre mairie.")


class CartPaid(Refusal):
    """It is paid, or nothing of it is due any more."""

    slug = "cart-paid"
    message = N_("Tout est déjà payé : il n’y a plus rien à régler ici.")


class CartExpired(Refusal):
    """Its address is too old."""

    slug = "cart-expired"
    message = N_("Cette adresse de paiement n’est plus valable.")
    what_to_do = N_("Demandez-en une nouvelle à votre mairie. Ce qui est dû reste dû.")


class PaymentBeingChecked(Refusal):
    """PayFiP does not know yet whether an earlier attempt was paid."""

    slug = "payment-being-checked"
    message = N_("Un premier paiement est encore en cours de vérification : ne payez pas une seconde fois.")
    what_to_do = N_("Revenez à cette page plus tard, ou demandez à la régie.")


class UnknownAttempt(NotFound):
    """No attempt to pay has this id."""

    slug = "unknown-attempt"
    message = N_("Ce paiement en ligne n’existe pas.")


class NotToReconcile(Refusal):
    """It is not on the list, or was decided before."""

    slug = "not-to-reconcile"
    message = N_("Ce paiement n’est pas, ou n’est plus, à rapprocher.")
    what_to_do = N_("Rouvrez la liste.")


class NotInTheBank(Refusal):
    """No line of a bank file says that this was paid."""

    slug = "not-in-the-bank"
    message = N_("Aucune ligne de la banque ne dit que ce paiement est arrivé, avec ce montant.")
    what_to_do = N_("Importez le relevé du jour, ou attendez le suivant.")


@dataclass(frozen=True, slots=True)
class Notice:
    """An answer of PayFiP about one operation. The amount and the bank's number are there when it is paid."""

    said: Said
    refdet: str = ""
    amount_cents: int | None = None
    bank_number: str = ""


def after(state: AttemptState, said: Said) -> AttemptState:
    """Return an attempt's state after an answer: the stronger of what was known and what is said."""
    return max(state, _MEANS[said], key=_STRENGTH.__getitem__)


def settles(said: Said, age: timedelta) -> bool:
    """Whether an answer at an attempt's age proves that it was never paid, and never will be.

    What PayFiP does not know any more was never paid only as long as it still remembers what was.
    """
    if said is Said.FORGOTTEN:
        return FORGETS_AFTER <= age < ASKED_UNTIL
    return said in (Said.REFUSED, Said.CANCELLED) and age >= FORGETS_AFTER


def still_doubtful(trouble: Trouble | None, state: AttemptState, *, may_be_paid: bool) -> Trouble | None:
    """Return why an attempt that stands so is listed, if it is; `may_be_paid`: nobody asks any more, and nobody knows.

    What was found in the money itself stays said.
    """
    if trouble not in (None, Trouble.UNKNOWN, Trouble.ASKED_TOO_LATE):
        return trouble
    if state is AttemptState.UNKNOWN:
        return Trouble.UNKNOWN
    return Trouble.ASKED_TOO_LATE if may_be_paid else None


def after_time(state: AttemptState, asked_at: datetime, now: datetime) -> AttemptState:
    """Return an attempt's state when nothing was heard since.

    One whose identifier never reached us has nobody who could pay it. One that PayFiP does not know about after two
    hours is unknown.
    """
    if state is AttemptState.OPEN and now - asked_at > PAGE_LIFE:
        return AttemptState.EXPIRED
    if state is AttemptState.SENT and now - asked_at >= UNKNOWN_AFTER:
        return AttemptState.UNKNOWN
    return state


def ask_again_in(state: AttemptState, age: timedelta) -> timedelta | None:
    """Return how long to wait before asking PayFiP again, at an attempt's age; None when there is no more to learn.

    Somebody who cancelled or was refused may pay after all under the same identifier, and finish after its page has
    died: only what is paid is known for good. What has an answer is asked about seldom once the page is dead.
    """
    if state is AttemptState.PAID or age >= ASKED_UNTIL:
        return None
    wait = next((wait for until, wait in _BACK_OFF if age < until), timedelta(hours=6))
    answered = state not in (AttemptState.OPEN, AttemptState.SENT, AttemptState.UNKNOWN)
    return max(wait, timedelta(hours=1)) if answered and age > 2 * PAGE_LIFE else wait


_BACK_OFF = (
    (timedelta(minutes=3), timedelta(seconds=10)),
    (timedelta(minutes=20), timedelta(seconds=30)),
    (UNKNOWN_AFTER, timedelta(minutes=5)),
    (timedelta(hours=6), timedelta(hours=1)),
)


@dataclass(frozen=True, slots=True)
class AttemptFacts:
    """What a cart's standing depends on of one of its attempts."""

    state: AttemptState
    asked_at: datetime


def cart_state(attempts: Sequence[AttemptFacts], expires_at: datetime, now: datetime, *, settled: bool) -> CartState:
    """Return where a cart stands; `attempts` are in the order in which they were begun."""
    if settled:
        return CartState.PAID
    states = [attempt.state for attempt in attempts]
    # Paid, and the cart is not: another amount came, and somebody has to decide.
    if AttemptState.UNKNOWN in states or AttemptState.PAID in states:
        return CartState.UNKNOWN
    if any(may_still_be_paid(attempt, now) for attempt in attempts):
        return CartState.SENT
    if now >= expires_at:
        return CartState.EXPIRED
    last = states[-1] if states else AttemptState.OPEN
    if last in (AttemptState.REFUSED, AttemptState.CANCELLED):
        return CartState(last.value)
    return CartState.OPEN


def may_still_be_paid(attempt: AttemptFacts, now: datetime) -> bool:
    """Whether PayFiP's page for an attempt still takes money: it is then gone back to, so that nobody pays twice."""
    return attempt.state is AttemptState.SENT and now - attempt.asked_at < PAGE_LIFE


@dataclass(frozen=True, slots=True)
class Share:
    """So many cents of a payment for one ledger account; `is_due` for an invoice, which takes no more than is due."""

    account_id: UUID
    amount_cents: int
    is_due: bool


def outstanding(shares: Iterable[Share], dues: Mapping[UUID, int]) -> list[Share]:
    """Return what is still to be paid of a cart. `dues` maps each invoice's account to what is due on it, in cents.

    A cart of which a part was paid elsewhere meanwhile is not lost: the rest of it remains.
    """
    rest = []
    for share in shares:
        cents = min(share.amount_cents, dues[share.account_id]) if share.is_due else share.amount_cents
        if cents > 0:
            rest.append(Share(share.account_id, cents, share.is_due))
    return rest


@dataclass(frozen=True, slots=True)
class Allocation:
    """Where the money of a payment goes: to each account so many cents, and to the waiting account what remains."""

    credits: tuple[tuple[UUID, int], ...]
    waiting_cents: int
    trouble: Trouble | None


def allocate(shares: Sequence[Share], dues: Mapping[UUID, int], received_cents: int, *, settled: bool) -> Allocation:
    """Return where a payment of `received_cents` goes that was asked for `shares`; nothing of it is lost.

    Money for a cart that is `settled` already, or in another amount than was asked, goes nowhere by itself: somebody
    decides. An invoice that was paid elsewhere meanwhile takes what is still due on it.
    """
    if settled:
        return Allocation((), received_cents, Trouble.PAID_TWICE)
    if received_cents != sum(share.amount_cents for share in shares):
        return Allocation((), received_cents, Trouble.OTHER_AMOUNT)
    credited = tuple((share.account_id, share.amount_cents) for share in outstanding(shares, dues))
    waiting = received_cents - sum(cents for _, cents in credited)
    return Allocation(credited, waiting, Trouble.PAID_ELSEWHERE if waiting else None)


def check_amount(total_cents: int) -> None:
    """Refuse what PayFiP does not take.

    Raises:
        AmountNotOnline: less than 1 euro or more than 100,000.
    """
    if not AMOUNT_CENTS_MIN <= total_cents <= AMOUNT_CENTS_MAX:
        raise AmountNotOnline(least="1 €", most="100 000 €")


def check_email(address: str) -> str:
    """Return a payer's address as PayFiP takes it.

    Raises:
        PayerEmailMissing: it has not 6 to 80 characters, or is no address.
    """
    name, at, host = address.strip().rpartition("@")
    plain = f"{name}@{host}".isascii() and f"{name}@{host}".isprintable() and " " not in address.strip()
    if not (name and at and host and plain and 6 <= len(name) + 1 + len(host) <= 80):
        raise PayerEmailMissing
    return f"{name}@{host}"


def refdet_of(attempt_id: UUID) -> str:
    """Return the reference under which the bank and PayFiP know an attempt: 29 letters and digits, the id itself."""
    number, letters = attempt_id.int, []
    for _ in range(26):
        number, rest = divmod(number, 32)
        letters.append(_BASE32[rest])
    return "CVQ" + "".join(reversed(letters))


def is_refdet(text: str) -> bool:
    """Whether a text may be a reference of a debt."""
    return bool(_REFDET.fullmatch(text))


def is_idop(text: str) -> bool:
    """Whether a text that anybody may have sent looks like an identifier of PayFiP's."""
    return bool(_IDOP.fullmatch(text))
