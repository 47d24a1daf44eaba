"""Taking a deposit: as whom, how often, for how much; and billing what professionals brought.

A deposit that comes from a tablet without a network is a fact: it is written whatever the card, the quota or the wallet
say, and what should not have been is marked. Locks: the household's account before its visits are counted, then the
ledger's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from cvq_core.cards.rules import standing as card_standing
from cvq_core.cards.store import card_facts, find_card, standing_in_words
from cvq_core.cards.tables import Card
from cvq_core.clock import local_day
from cvq_core.invoices.rules import Line
from cvq_core.invoices.store import issue_invoice
from cvq_core.invoices.tables import Invoice
from cvq_core.ledger.revenue import revenue_accounts
from cvq_core.ledger.rules import (
    IdempotencyMismatch,
    InsufficientFunds,
    NewPosting,
    NewTransaction,
    TransactionKind,
)
from cvq_core.ledger.store import post
from cvq_core.ledger.wallets import wallets_of
from cvq_core.legal_entities.service import account_of_card
from cvq_core.people.arrangements import kept_accounts
from cvq_core.people.names import listed_name
from cvq_core.people.store import family_account_by_id, person_by_id
from cvq_core.people.tables import FamilyAccount
from cvq_core.services.rules import FundingPolicy, ServiceCode
from cvq_core.services.store import policy_in_force
from cvq_core.tariffs.kept import kept
from cvq_core.tariffs.quote import quote
from cvq_core.tariffs.rules import UserKind
from cvq_core.text import short_date
from cvq_core.waste.rules import (
    CardNotGood,
    Charged,
    ChoosePayer,
    Load,
    NotAdmitted,
    QuotaReached,
    Standing,
    Visits,
    charged,
    check_loads,
    is_charged,
    standing_of,
    volume_words,
)
from cvq_core.waste.store import (
    Deposit,
    categories,
    deposits_by_id,
    quota_on,
    standings,
    unbilled,
    visits_made,
)
from cvq_core.waste.tables import WasteBilled, WasteDeposit, WasteLoad

INVOICE_LINES_MAX = 200


@dataclass(frozen=True, slots=True)
class NewDeposit:
    """What the attendant says: who, and what they brought; `id` is the tablet's. Who is a card or a person."""

    id: UUID
    point_id: UUID
    loads: tuple[Load, ...]
    occurred_at: datetime
    card_uid: str | None = None
    card_number: str | None = None
    person_id: UUID | None = None
    standing: Standing | None = None
    offline: bool = False
    reader_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Assessed:
    """What a deposit comes to, before anything is written."""

    person_id: UUID
    name: str
    account_id: UUID
    standing: Standing
    visits: Visits
    loads: tuple[Charged, ...]

    @property
    def amount_cents(self) -> int:
        """What is charged in all."""
        return sum(each.amount_cents for each in self.loads)


async def assess(db: AsyncSession, asked: NewDeposit) -> Assessed:
    """Return as whom somebody comes, the number of their visit and what it costs; the household's account is held.

    Raises:
        BadDeposit, UnknownCategory, NotAdmitted, ChooseStanding, ChoosePayer
        UnknownCard, UnknownPerson, CardNotGood, QuotaReached: unless it happened offline (an unknown card is always
            refused: nobody knows whose it is).
        UnknownTariff, NoSuchItem, NoCaseFits: a category's price is not in the tariff.
    """
    # What was taken meanwhile no more was brought all the same.
    known = await categories(db, brought=[load.category for load in asked.loads] if asked.offline else ())
    check_loads(asked.loads, known)
    day = local_day(asked.occurred_at)
    card = await _card(db, asked)
    person_id = _person(card, asked, day)
    person = await person_by_id(db, person_id)
    may = await standings(db, person_id, asked.occurred_at)
    as_whom = standing_of(may, asked.standing)
    account_id = may[as_whom][0]
    if as_whom is Standing.PROFESSIONAL:
        account_id = await _payer(db, may[as_whom], card)
    made = await visits_made(db, account_id, day.year)
    visits = Visits(1, None)
    if as_whom is Standing.HOUSEHOLD:
        visits = Visits(made + 1, await quota_on(db, day))
        if visits.overrun and not asked.offline:
            raise QuotaReached(quota=visits.quota)
    prices: dict[str, tuple[int, str]] = {}
    for load in asked.loads:
        item = known[load.category].price_code
        if item is not None and is_charged(known[load.category], as_whom):
            priced = await quote(
                db,
                ServiceCode.WASTE_CENTRE,
                item,
                person_id=person_id,
                account_id=account_id,
                on=day,
                quantity=load.cubic_metres,
                user=UserKind.PROFESSIONAL,
                category=load.category,
            )
            prices[load.category] = (priced.amount_cents, kept(priced))
    loads = charged(asked.loads, known, prices)
    name = listed_name(person.family_name, person.usual_name, person.given_names)
    if as_whom is Standing.PROFESSIONAL:
        # The slip is the company's proof of where its waste went.
        name = f"{name}, {(await family_account_by_id(db, account_id)).label}"
    return Assessed(person_id, name, account_id, as_whom, visits, tuple(loads))


async def take_deposit(db: AsyncSession, asked: NewDeposit, *, now: datetime) -> Deposit:
    """Write a deposit and charge it; the same id with the same content gives the first answer.

    A wallet of the payer's pays where the service is paid from wallets; under any other policy, without a wallet, or
    where it happened offline on an empty one, it waits to be billed.

    Raises:
        everything of `assess`
        InsufficientFunds: the wallet is empty, and the service refuses then.
        IdempotencyMismatch: this id came before with another content.
    """
    first = (await deposits_by_id(db, [asked.id])).get(asked.id)
    if first is not None:
        return await _first_answer(db, first, asked)
    try:
        found = await assess(db, asked)
    except QuotaReached:
        # It may be this very deposit that was the last one, sent twice.
        first = (await deposits_by_id(db, [asked.id])).get(asked.id)
        if first is None:
            raise
        return await _first_answer(db, first, asked)
    # The account's lock may have waited for the same deposit, sent twice.
    first = (await deposits_by_id(db, [asked.id])).get(asked.id)
    if first is not None:
        return await _first_answer(db, first, asked)
    transaction_id = await _pay(db, asked, found, now) if found.amount_cents else None
    row = WasteDeposit(
        id=asked.id,
        point_id=asked.point_id,
        reader_id=asked.reader_id,
        person_id=found.person_id,
        account_id=found.account_id,
        standing=found.standing,
        year=local_day(asked.occurred_at).year,
        visit=found.visits.made,
        quota=found.visits.quota,
        overrun=found.visits.overrun,
        offline=asked.offline,
        occurred_at=asked.occurred_at,
        received_at=now,
        amount_cents=found.amount_cents,
        transaction_id=transaction_id,
        printed_name=found.name[:200],
    )
    db.add(row)
    await db.flush()
    loads = tuple(
        WasteLoad(
            deposit_id=asked.id,
            position=position,
            category=each.load.category,
            label=each.label,
            litres=each.load.litres,
            amount_cents=each.amount_cents,
            why=each.why,
        )
        for position, each in enumerate(found.loads)
    )
    db.add_all(loads)
    await db.flush()
    return Deposit(row, loads)


async def bill_deposits(
    db: AsyncSession, invoice_id: UUID, *, account_id: UUID, until: date, due_on: date, now: datetime
) -> Invoice | None:
    """Put what an account brought up to a day, and has not paid, on one invoice; None where there is nothing.

    An account that was merged into another is billed where it goes on. The same id asked again gives the same invoice.

    Raises:
        UnknownFamilyAccount
        BadInvoice: it is due before it is issued.
        IdempotencyMismatch: this id is another account's invoice.
    """
    account_id = (await kept_accounts(db, [account_id]))[account_id]
    # Whoever bills the same account waits here: each deposit stands on one invoice.
    await visits_made(db, account_id, until.year)
    first = await db.get(Invoice, invoice_id)
    if first is not None:
        if first.family_account_id != account_id:
            raise IdempotencyMismatch
        return first
    deposits: list[Deposit] = []
    lines: list[Line] = []
    for each in await unbilled(db, account_id, until):
        paid = _lines(each)
        if len(lines) + len(paid) > INVOICE_LINES_MAX:
            break
        deposits.append(each)
        lines += paid
    if not lines:
        return None
    invoice = await issue_invoice(
        db,
        invoice_id,
        family_account_id=account_id,
        label=f"Déchèterie, jusqu’au {short_date(until)}",
        lines=lines,
        due_on=due_on,
        now=now,
    )
    db.add_all(WasteBilled(deposit_id=each.row.id, invoice_id=invoice_id) for each in deposits)
    await db.flush()
    return invoice


def _lines(deposit: Deposit) -> list[Line]:
    day = short_date(local_day(deposit.row.occurred_at))
    return [
        Line(
            ServiceCode.WASTE_CENTRE,
            f"{load.label}, {volume_words(load.litres)}, {day}"[:120],
            1,
            load.amount_cents,
            person_id=deposit.row.person_id,
        )
        for load in deposit.loads
        if load.amount_cents
    ]


async def _card(db: AsyncSession, asked: NewDeposit) -> Card | None:
    if asked.card_uid is not None:
        return await find_card(db, uid=asked.card_uid)
    return await find_card(db, number=asked.card_number) if asked.card_number is not None else None


def _person(card: Card | None, asked: NewDeposit, day: date) -> UUID:
    if card is None:
        if asked.person_id is None:
            raise NotAdmitted
        return asked.person_id
    facts = card_facts(card)
    if not card_standing(facts, day).usable and not asked.offline:
        raise CardNotGood(why=standing_in_words(facts, day))
    return card.person_id


async def _payer(db: AsyncSession, payers: Sequence[UUID], card: Card | None) -> UUID:
    """Return which of some accounts a professional comes for: that of the card they show, else the only one.

    Raises:
        NotAdmitted: the card's company is not registered here.
        ChoosePayer: there are several.
    """
    carried = await account_of_card(db, card) if card is not None else None
    if carried is not None:
        if carried not in payers:
            raise NotAdmitted
        return carried
    if len(set((await kept_accounts(db, payers)).values())) > 1:
        names = await db.scalars(
            select(FamilyAccount.label).where(FamilyAccount.id.in_(payers)).order_by(FamilyAccount.label)
        )
        raise ChoosePayer(names=", ".join(names))
    return payers[0]


async def _pay(db: AsyncSession, asked: NewDeposit, found: Assessed, now: datetime) -> UUID | None:
    """Take the amount from the payer's wallet; None where it is to be billed."""
    policy = await policy_in_force(db, ServiceCode.WASTE_CENTRE, local_day(now))
    wallets = [each for each in await wallets_of(db, found.account_id) if each.service_code is ServiceCode.WASTE_CENTRE]
    if policy not in (FundingPolicy.SERVE_AND_OWE, FundingPolicy.REFUSE) or not wallets:
        return None
    revenue = (await revenue_accounts(db, {ServiceCode.WASTE_CENTRE}, now))[ServiceCode.WASTE_CENTRE]
    cents = found.amount_cents
    try:
        await post(
            db,
            NewTransaction(
                id=asked.id,
                kind=TransactionKind.USE,
                label="Déchèterie, dépôt",
                occurred_at=asked.occurred_at,
                postings=(NewPosting(wallets[0].id, -cents), NewPosting(revenue, cents)),
                actor_kind="reader",
                actor_id=None,
            ),
            now=now,
        )
    except InsufficientFunds:
        if not asked.offline:
            raise
        return None
    return asked.id


async def _first_answer(db: AsyncSession, first: Deposit, asked: NewDeposit) -> Deposit:
    """Return the first answer; when it was said to be is left aside, since a retry may come after the line is back."""
    card = await _card(db, asked)
    person_id = card.person_id if card is not None else asked.person_id
    loads = [(load.category, load.litres) for load in first.loads]
    same = (
        loads == [(load.category, load.litres) for load in asked.loads]
        and first.row.point_id == asked.point_id
        and person_id == first.row.person_id
        and asked.standing in (None, first.row.standing)
    )
    if not same:
        raise IdempotencyMismatch
    return first
