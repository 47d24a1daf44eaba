"""What a reservation costs, and the entries that it makes: its price, its deposit, and what comes back of them.

The price goes the way of the service's funding policy: from the service's wallet of the paying account, or as an
invoice where the service is billed. A deposit leaves the wallet for an account of what the office holds for others, and
must really be there: nobody owes a deposit. Everything goes back to the wallet that the account has by then.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID, uuid5

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from cvq_core.clock import local_day
from cvq_core.facilities.refusals import NobodyPays
from cvq_core.facilities.rules import Span, quantity
from cvq_core.facilities.tables import Facility, Reservation
from cvq_core.facilities.terms import BookerKind, BookerRule, Terms
from cvq_core.ids import new_id
from cvq_core.invoices.rules import Line
from cvq_core.invoices.store import issue_invoice
from cvq_core.journal.store import Actor
from cvq_core.ledger.revenue import revenue_accounts
from cvq_core.ledger.rules import (
    LABEL_LENGTH_MAX,
    AccountKind,
    InsufficientFunds,
    NewPosting,
    NewTransaction,
    TransactionKind,
)
from cvq_core.ledger.store import Posted, post
from cvq_core.ledger.tables import LedgerAccount, Receivable, Wallet
from cvq_core.ledger.wallets import open_wallet
from cvq_core.once import insert_once
from cvq_core.services.rules import SERVICE_LABELS, FundingPolicy, ServiceCode
from cvq_core.services.store import policy_in_force
from cvq_core.tariffs.kept import kept
from cvq_core.tariffs.quote import quote
from cvq_core.tariffs.rules import UserKind
from cvq_core.tariffs.store import tariff_in_force
from cvq_core.tariffs.words import kept_reasons
from cvq_core.text import short_date, translator

DUE_AFTER = timedelta(days=30)
EXPLANATION_MAX = 300


@dataclass(frozen=True, slots=True)
class Cost:
    """What somebody pays for a time, in cents, and the reasons of the price as they are kept."""

    price_cents: int = 0
    deposit_cents: int = 0
    why: str = ""

    @property
    def is_free(self) -> bool:
        """Whether no account is needed."""
        return not (self.price_cents or self.deposit_cents)


async def cost_of(
    db: AsyncSession,
    facility: Facility,
    terms: Terms,
    rule: BookerRule,
    span: Span,
    *,
    person_id: UUID,
    account_id: UUID | None,
    now: datetime,
) -> Cost:
    """Return what a reservation costs under a rule, by the tariff of its day.

    Raises:
        UnknownTariff, NoSuchItem, NoCaseFits: the tariff does not say.
        UnknownService: the service has no policy.
    """
    service = facility.service_code
    free = await policy_in_force(db, service, local_day(now)) is FundingPolicy.FREE
    if rule.price_item is None or free:
        return Cost(deposit_cents=rule.deposit_cents)
    on = local_day(span.starts_at)
    item = (await tariff_in_force(db, service, on)).tariff.item(rule.price_item)
    priced = await quote(
        db,
        service,
        item.code,
        person_id=person_id,
        account_id=account_id,
        on=on,
        quantity=quantity(terms, item.unit, span),
        user=UserKind.PROFESSIONAL if rule.who is BookerKind.COMPANY else UserKind.HOUSEHOLD,
    )
    return Cost(priced.amount_cents, rule.deposit_cents, kept(priced))


async def charge(
    db: AsyncSession, reservation: Reservation, facility: Facility, cost: Cost, *, actor: Actor, now: datetime
) -> None:
    """Write what a reservation costs, and hold its deposit.

    Raises:
        NobodyPays: it costs something and has no account.
        InsufficientFunds: the wallet does not hold it.
    """
    reservation.price_cents, reservation.deposit_cents = cost.price_cents, cost.deposit_cents
    reservation.why = cost.why or None
    if cost.is_free:
        return
    if reservation.account_id is None:
        raise NobodyPays
    service = facility.service_code
    if cost.price_cents and await policy_in_force(db, service, local_day(now)) is FundingPolicy.BILLED:
        await _invoice(db, reservation, facility, cost, actor=actor, now=now)
    elif cost.price_cents:
        wallet = await _wallet(db, reservation, service, now)
        [revenue] = (await revenue_accounts(db, {service}, now)).values()
        legs = (NewPosting(wallet.id, -cost.price_cents), NewPosting(revenue, cost.price_cents))
        label, kind = _label("Réservation", facility), TransactionKind.USE
        await _post(db, reservation, kind, label, legs, actor=actor, now=now, why=cost.why)
    if cost.deposit_cents:
        wallet = await _wallet(db, reservation, service, now)
        deposits = await _deposits(db, service, now)
        legs = (NewPosting(wallet.id, -cost.deposit_cents), NewPosting(deposits, cost.deposit_cents))
        kind = TransactionKind.DEPOSIT_HELD
        posted = await _post(db, reservation, kind, _label("Caution", facility), legs, actor=actor, now=now)
        left = posted.balances[wallet.id]
        if left < 0:
            raise InsufficientFunds(balance_cents=left + cost.deposit_cents, missing_cents=-left)


async def give_back(
    db: AsyncSession, reservation: Reservation, facility: Facility, cents: int, *, actor: Actor, now: datetime
) -> None:
    """Give back a part of the price: off what is still due of an invoice first, the rest into the wallet."""
    if not cents:
        return
    service = facility.service_code
    due = 0
    if reservation.invoice_id is not None:
        balance = await db.scalar(select(Receivable.balance_cents).where(Receivable.id == reservation.invoice_id))
        due = min(-(balance or 0), cents)
    [revenue] = (await revenue_accounts(db, {service}, now)).values()
    legs = [NewPosting(revenue, -cents)]
    if due and reservation.invoice_id is not None:
        legs.append(NewPosting(reservation.invoice_id, due))
    if cents > due:
        legs.append(NewPosting((await _wallet(db, reservation, service, now)).id, cents - due))
    label = _label("Réservation annulée", facility)
    await _post(db, reservation, TransactionKind.REFUND, label, tuple(legs), actor=actor, now=now)


async def end_deposit(
    db: AsyncSession, reservation: Reservation, facility: Facility, kept_cents: int, *, actor: Actor, now: datetime
) -> None:
    """Give a deposit back, but for what is kept of it, which the service earns."""
    held, service = reservation.deposit_cents, facility.service_code
    if not held:
        return
    legs = [NewPosting(await _deposits(db, service, now), -held)]
    if kept_cents:
        [revenue] = (await revenue_accounts(db, {service}, now)).values()
        legs.append(NewPosting(revenue, kept_cents))
    if held > kept_cents:
        legs.append(NewPosting((await _wallet(db, reservation, service, now)).id, held - kept_cents))
    label = _label("Caution gardée" if kept_cents else "Caution rendue", facility)
    await _post(db, reservation, TransactionKind.DEPOSIT_ENDED, label, tuple(legs), actor=actor, now=now)


async def _invoice(
    db: AsyncSession, reservation: Reservation, facility: Facility, cost: Cost, *, actor: Actor, now: datetime
) -> None:
    assert reservation.account_id is not None, "checked before"
    invoice_id = uuid5(reservation.id, "invoice")
    label = _label("Réservation", facility)
    line = Line(
        facility.service_code,
        f"{label}, {short_date(local_day(reservation.starts_at))}",
        1,
        cost.price_cents,
        # Whoever reserved may not know the quotient of the account that pays.
        kept_reasons(cost.why, _in_french, with_quotient=False)[:EXPLANATION_MAX],
        person_id=reservation.person_id,
    )
    await issue_invoice(
        db,
        invoice_id,
        family_account_id=reservation.account_id,
        label=label,
        lines=[line],
        due_on=local_day(now) + DUE_AFTER,
        now=now,
        actor_kind=actor.kind,
        actor_id=actor.id,
    )
    reservation.invoice_id = invoice_id


async def _post(
    db: AsyncSession,
    reservation: Reservation,
    kind: TransactionKind,
    label: str,
    legs: tuple[NewPosting, ...],
    *,
    actor: Actor,
    now: datetime,
    why: str = "",
) -> Posted:
    """Write one entry of a reservation: it has one of each kind at most."""
    transaction = NewTransaction(
        id=uuid5(reservation.id, kind.value),
        kind=kind,
        label=label,
        occurred_at=now,
        postings=legs,
        actor_kind=actor.kind,
        actor_id=actor.id,
        visit_id=reservation.visit_id,
        why=why,
    )
    return await post(db, transaction, now=now)


async def _wallet(db: AsyncSession, reservation: Reservation, service: ServiceCode, now: datetime) -> Wallet:
    assert reservation.account_id is not None, "money moved only where an account pays"
    return await open_wallet(db, new_id(), family_account_id=reservation.account_id, service=service, now=now)


async def _deposits(db: AsyncSession, service: ServiceCode, now: datetime) -> UUID:
    """Return the ledger account of the deposits that a service holds, opened by whoever needs it first."""
    code = f"{AccountKind.DEPOSITS}:{service}"
    wanted = select(LedgerAccount.id).where(LedgerAccount.code == code)
    found = await db.scalar(wanted)
    if found is None:
        label = f"Cautions, {SERVICE_LABELS[service]}"
        row = {"id": new_id(), "code": code, "kind": AccountKind.DEPOSITS, "label": label, "opened_at": now}
        await insert_once(db, LedgerAccount.__table__, row)
        found = await db.scalar(wanted)
    assert found is not None, "it was just opened"
    return found


def _in_french(sentence: str, **places: object) -> str:
    return translator("fr").gettext(sentence).format_map(places)


def _label(what: str, facility: Facility) -> str:
    return f"{what}, {facility.label}"[:LABEL_LENGTH_MAX]
