"""Rules of double entry as pure functions over values.

The sign convention, once for all: **plus is credit, minus is debit**. A wallet, a revenue, a debt of the office grow
with a plus; a drawer, cheques to bank, a card payment under way grow with a minus. A family that brings 10 euros makes
the postings wallet +1000, drawer −1000; a pool entry at 3 euros makes wallet −300, revenue +300. So a wallet's
postings add up to what the family has left, and every transaction adds up to zero.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from cvq_core.errors import N_, BadInput, NotFound, Refusal
from cvq_core.text import money

AMOUNT_CENTS_MAX = 10_000_000_000
"""No single posting moves more than a hundred million euros: far above a territory's budget, far below 64 bits."""
POSTINGS_MAX = 1000
LABEL_LENGTH_MAX = 160
REFERENCE_LENGTH_MAX = 80


class AccountKind(StrEnum):
    """What a ledger account stands for."""

    WALLET = "wallet"
    RECEIVABLE = "receivable"
    REVENUE = "revenue"
    FLOAT = "float"
    OPENING = "opening"
    DRAWER = "drawer"
    SAFE = "safe"
    CHEQUES = "cheques"
    CARD_PAYMENTS = "card_payments"
    VOUCHERS = "vouchers"
    REMITTED = "remitted"
    TREASURY = "treasury"
    ONLINE_PAYMENTS = "online_payments"
    DIRECT_DEBITS = "direct_debits"
    TO_CLASSIFY = "to_classify"
    CLASSIFIED = "classified"
    BANK_FEES = "bank_fees"
    DIFFERENCE = "difference"
    ADVANCE = "advance"
    ADVANCE_CASH = "advance_cash"
    ADVANCE_ACCOUNT = "advance_account"
    EXPENSES = "expenses"
    REFUNDS = "refunds"
    DEPOSITS = "deposits"


DEBIT_KINDS = frozenset(
    {
        AccountKind.RECEIVABLE,
        AccountKind.DRAWER,
        AccountKind.SAFE,
        AccountKind.CHEQUES,
        AccountKind.CARD_PAYMENTS,
        AccountKind.VOUCHERS,
        AccountKind.REMITTED,
        AccountKind.TREASURY,
        AccountKind.ONLINE_PAYMENTS,
        AccountKind.DIRECT_DEBITS,
        AccountKind.BANK_FEES,
        AccountKind.DIFFERENCE,
        AccountKind.ADVANCE_CASH,
        AccountKind.ADVANCE_ACCOUNT,
        AccountKind.EXPENSES,
    }
)
"""What the office holds, misses or is owed: it grows with a debit, and its natural balance is the sum's opposite."""


class TransactionKind(StrEnum):
    """What a transaction records."""

    OPENING = "opening"
    TOP_UP = "top_up"
    INVOICED = "invoiced"
    PAYMENT = "payment"
    USE = "use"
    TRANSFER = "transfer"
    REVERSAL = "reversal"
    MERGED = "merged"
    FLOAT_ISSUED = "float_issued"
    DRAWER_OPENED = "drawer_opened"
    DRAWER_CLOSED = "drawer_closed"
    REMITTED = "remitted"
    INTEGRATED = "integrated"
    CLASSIFIED = "classified"
    ADVANCE = "advance"
    EXPENSE = "expense"
    DEPOSITED = "deposited"
    BOUNCED = "bounced"
    BANK_FEES = "bank_fees"
    DIFFERENCE = "difference"
    REFUND = "refund"
    DEPOSIT_HELD = "deposit_held"
    DEPOSIT_ENDED = "deposit_ended"


class UnbalancedTransaction(BadInput):
    """Fewer than two postings, more than the bound, or a sum that is not zero."""

    slug = "unbalanced-transaction"
    message = N_("Cette écriture n’est pas équilibrée : rien n’a été enregistré.")
    what_to_do = N_("C’est une erreur du logiciel : signalez-la avec l’heure qu’il est.")


class AmountOutOfBounds(BadInput):
    """Zero, not a whole number of cents, or beyond what any account may hold."""

    slug = "amount-out-of-bounds"
    message = N_("Ce montant n’est pas possible.")
    what_to_do = N_("Écrivez un montant en euros et centimes, plus grand que zéro.")


class UnknownLedgerAccount(NotFound):
    """A posting names an account that does not exist."""

    slug = "unknown-ledger-account"
    message = N_("Un des comptes de cette écriture n’existe pas : rien n’a été enregistré.")


class UnknownTransaction(NotFound):
    """No transaction has this id."""

    slug = "unknown-transaction"
    message = N_("Cette écriture n’existe pas.")


class IdempotencyMismatch(Refusal):
    """The same id came before with another content."""

    slug = "idempotency-mismatch"
    message = N_("Cette opération a déjà été enregistrée, avec d’autres montants ou d’autres comptes.")
    what_to_do = N_("Rien de plus n’a été enregistré. Vérifiez les derniers mouvements, puis recommencez.")


class InsufficientFunds(Refusal):
    """A wallet would go below its floor."""

    slug = "insufficient-funds"
    message = N_("Il n’y a pas assez d’argent sur ce compte.")
    what_to_do = N_("Approvisionnez-le d’abord.")


class MoreThanDue(Refusal):
    """More would be paid on an invoice than is still due."""

    slug = "more-than-due"
    message = N_("Il ne reste que {due} à payer sur cette facture.")
    what_to_do = N_("Rien n’a été encaissé. Reprenez avec la somme qui reste due.")


class AlreadyReversed(Refusal):
    """A transaction is reversed once at most, and a reversal is not reversed."""

    slug = "already-reversed"
    message = N_("Cette écriture a déjà été annulée, ou est elle-même une annulation.")
    what_to_do = N_("Vérifiez les derniers mouvements du compte.")


@dataclass(frozen=True, slots=True)
class NewPosting:
    """One leg: plus is credit, minus is debit."""

    account_id: UUID
    amount_cents: int


@dataclass(frozen=True, slots=True)
class NewTransaction:
    """What somebody asks the ledger to write. `id` is theirs: asked again under it, the first answer comes back.

    `label` is French and names nobody, since the ledger keeps it for ten years. `day_only` writes the civil day and no
    hour: the passages at doors and turnstiles keep their hour with the tap, which is purged. Such a transaction's id
    must then hold no instant either (a UUIDv5 or v4, not a UUIDv7). `why` keeps the reasons of a price beside it
    (`cvq_core.tariffs.kept`): they follow from the rest, and make no other request of the same one.
    """

    id: UUID
    kind: TransactionKind
    label: str
    occurred_at: datetime
    postings: tuple[NewPosting, ...]
    actor_kind: str
    actor_id: UUID | None
    reverses_id: UUID | None = None
    reference: str | None = None
    visit_id: UUID | None = None
    day_only: bool = False
    why: str = ""


def check_transaction(transaction: NewTransaction) -> None:
    """Refuse what double entry cannot write.

    Raises:
        AmountOutOfBounds: a posting is zero, no whole number, or too large.
        UnbalancedTransaction: the postings are too few, too many, or do not add up to zero.
    """
    for posting in transaction.postings:
        cents = posting.amount_cents
        if type(cents) is not int or cents == 0 or abs(cents) > AMOUNT_CENTS_MAX:
            raise AmountOutOfBounds
    total = sum(posting.amount_cents for posting in transaction.postings)
    if total != 0 or not 2 <= len(transaction.postings) <= POSTINGS_MAX:
        raise UnbalancedTransaction
    # The one kind that takes a wallet below its floor names the payment that never was.
    assert transaction.kind is not TransactionKind.BOUNCED or transaction.reverses_id is not None
    assert 0 < len(transaction.label) <= LABEL_LENGTH_MAX, "a transaction says in words what it is"
    assert transaction.reference is None or len(transaction.reference) <= REFERENCE_LENGTH_MAX


# Made once: json.dumps would make an encoder for each transaction.
_encoded = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def fingerprint(transaction: NewTransaction) -> bytes:
    """Return the SHA-256 of what was asked. Instants are left out: asked again later, it is still the same thing."""
    content = [
        transaction.kind.value,
        transaction.label,
        [[str(each.account_id), each.amount_cents] for each in transaction.postings],
        transaction.actor_kind,
        str(transaction.actor_id),
        str(transaction.reverses_id),
        transaction.reference,
        str(transaction.visit_id),
    ]
    return hashlib.sha256(_encoded(content).encode()).digest()


def opposite(postings: Iterable[NewPosting]) -> tuple[NewPosting, ...]:
    """Return the postings that undo `postings`."""
    return tuple(NewPosting(each.account_id, -each.amount_cents) for each in postings)


def natural_balance(kind: AccountKind, sum_cents: int) -> int:
    """Return a sum of postings as people say it: what a drawer holds is a plus for them."""
    return -sum_cents if kind in DEBIT_KINDS else sum_cents


def running_balances(postings: Iterable[NewPosting], before: Mapping[UUID, int]) -> list[int | None]:
    """Return the balance after each posting for the accounts in `before` (account to cents), None for the others."""
    balances = dict(before)
    after: list[int | None] = []
    for posting in postings:
        if posting.account_id in balances:
            balances[posting.account_id] += posting.amount_cents
        after.append(balances.get(posting.account_id))
    return after


@dataclass(frozen=True, slots=True)
class WalletLevel:
    """A wallet's balance and how low a debit may take it; no floor, no limit."""

    balance_cents: int
    floor_cents: int | None


def moved(wallet: WalletLevel, change_cents: int, *, bounced: bool = False) -> WalletLevel:
    """Return the wallet after a change.

    A floor below zero is a debt from before the service began to refuse, or a payment that `bounced`: money that never
    was is taken back whatever is left, and the floor follows it down. Such a debt may shrink, never grow again.

    Raises:
        InsufficientFunds: a debit would take it below its floor.
    """
    balance = wallet.balance_cents + change_cents
    floor = wallet.floor_cents
    if floor is not None and bounced:
        floor = min(floor, balance)
    if floor is not None and change_cents < 0 and balance < floor:
        raise InsufficientFunds(balance_cents=wallet.balance_cents, missing_cents=floor - balance)
    return WalletLevel(balance, raised_floor(floor, balance))


def settled(balance_cents: int, change_cents: int) -> int:
    """Return the balance of a receivable after a change; below zero by what is still due.

    Raises:
        MoreThanDue: a credit would take it above zero.
    """
    balance = balance_cents + change_cents
    if balance > 0:
        raise MoreThanDue(due=money(-balance_cents), due_cents=-balance_cents)
    return balance


def raised_floor(floor_cents: int | None, balance_cents: int) -> int | None:
    """Return a floor that follows a debt upwards until it is zero."""
    return floor_cents if floor_cents is None or floor_cents >= 0 else max(floor_cents, min(0, balance_cents))


def floor_for(may_owe: bool, balance_cents: int) -> int | None:
    """Return the floor of a wallet whose service lets people owe, or does not: an old debt is not forgiven by it."""
    return None if may_owe else min(0, balance_cents)
