"""A day at a town hall's counter: open, collect, void, print, close; and everything that is refused."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.exc import DBAPIError

from cvq_core.database import Database
from cvq_core.errors import Refusal
from cvq_core.ids import new_id
from cvq_core.ledger.rules import (
    AccountKind,
    AmountOutOfBounds,
    IdempotencyMismatch,
    InsufficientFunds,
    UnknownLedgerAccount,
)
from cvq_core.ledger.store import balance_of
from cvq_core.ledger.tables import LedgerAccount, LedgerTransaction
from cvq_core.ledger.verify import verify
from cvq_core.ledger.wallets import UnknownWallet, wallets_by_id
from cvq_core.offices.drawers import close_drawer, open_drawer
from cvq_core.offices.rules import (
    BadCount,
    CashPaymentTooLarge,
    DrawerAlreadyOpen,
    DrawerClosed,
    FloatOutOfBounds,
    Means,
    MeansNotInAct,
    NotInAct,
    NotMandatary,
    NotYourDrawer,
    Officer,
    ReceiptDrawerClosed,
    ReceiptNotVoidable,
    TenderedTooLittle,
    UnknownDrawer,
    UnknownReceipt,
    UnknownSubOffice,
)
from cvq_core.offices.service import collect, print_receipt, void
from cvq_core.offices.store import (
    drawer_totals,
    open_drawer_of,
    receipt_by_number,
    receipts_of,
    sub_offices_of,
)
from cvq_core.offices.tables import Drawer, Receipt, SubOffice
from cvq_core.offices.verify import verify_offices
from cvq_core.services.rules import FundingPolicy, ServiceCode
from cvq_core.services.store import add_service
from tests.core_examples import (
    LONG_AGO,
    NOW,
    TODAY,
    create_counter,
    create_family,
    create_ledger_account,
    create_officer,
    create_services,
    create_wallet,
    move,
    top_up,
)

RIVALS = 20


@dataclass(frozen=True)
class Counter:
    """Odile at the counter of Pompaire, her drawer open with 20 euros, and the Moreau family before her."""

    database: Database
    odile: Officer
    place: UUID
    drawer: UUID
    pool: UUID
    canteen: UUID
    squash: UUID
    revenue: UUID

    async def collect(
        self,
        *top_ups: tuple[UUID, int],
        means: Means = Means.CASH,
        tendered: int = 5000,
        key: UUID | None = None,
        officer: Officer | None = None,
        days: int = 0,
    ) -> Receipt:
        async with self.database.write() as db:
            return await collect(
                db,
                key=key or new_id(),
                drawer_id=self.drawer,
                payables=[top_up(*each) for each in top_ups],
                means=means,
                tendered_cents=tendered,
                officer=officer or self.odile,
                now=NOW + timedelta(days=days),
            )

    async def void(self, receipt: Receipt, *, key: UUID | None = None, officer: Officer | None = None) -> Receipt:
        async with self.database.write() as db:
            return await void(
                db,
                key=key or new_id(),
                receipt_id=receipt.id,
                reason="Erreur de compte",
                officer=officer or self.odile,
                now=NOW,
            )

    async def close(self, counted: dict[int, int], *, officer: Officer | None = None, days: int = 0) -> Drawer:
        async with self.database.write() as db:
            return await close_drawer(
                db, self.drawer, counted=counted, officer=officer or self.odile, now=NOW + timedelta(days=days)
            )

    async def balance(self, wallet_id: UUID) -> int:
        async with self.database.read() as db:
            return (await wallets_by_id(db, [wallet_id]))[wallet_id].balance_cents

    async def place_balance(self, kind: AccountKind) -> int:
        async with self.database.read() as db:
            account = await db.scalar(select(LedgerAccount.id).where(LedgerAccount.code == f"{kind}:POM-MAIRIE"))
            assert account is not None
            return await balance_of(db, account)

    async def expected(self) -> int:
        async with self.database.read() as db:
            return (await drawer_totals(db, await db.get_one(Drawer, self.drawer))).expected_cents

    async def written(self) -> tuple[int, int]:
        """How many transactions and receipts there are: a refusal changes neither."""
        async with self.database.read() as db:
            counts = [await db.scalar(select(func.count()).select_from(each)) for each in (LedgerTransaction, Receipt)]
        return int(counts[0] or 0), int(counts[1] or 0)


@pytest.fixture
async def counter(database: Database) -> AsyncIterator[Counter]:
    async with database.write() as db:
        await create_services(db)
        await add_service(db, ServiceCode.SQUASH, service_id=new_id(), policy=FundingPolicy.REFUSE, valid_from=LONG_AGO)
        family = await create_family(db)
        odile = await create_officer(db)
        place = await create_counter(db, odile)
        drawer = await open_drawer(db, new_id(), sub_office_id=place.id, officer=odile, float_cents=2000, now=NOW)
        counter = Counter(
            database=database,
            odile=odile,
            place=place.id,
            drawer=drawer.id,
            pool=(await create_wallet(db, family.id)).id,
            canteen=(await create_wallet(db, family.id, ServiceCode.CANTEEN)).id,
            squash=(await create_wallet(db, family.id, ServiceCode.SQUASH)).id,
            revenue=await create_ledger_account(db),
        )
    yield counter
    async with database.read() as db:
        assert [*await verify(db), *await verify_offices(db)] == []


async def test_cash_for_two_wallets_makes_one_receipt_with_the_change(counter: Counter) -> None:
    receipt = await counter.collect((counter.pool, 2000), (counter.canteen, 1550), tendered=5000)
    assert (receipt.number, receipt.total_cents, receipt.change_cents) == (1, 3550, 1450)
    assert [(line["service"], line["balance_cents"]) for line in receipt.printed["lines"]] == [
        ("Piscine", 2000),
        ("Cantine", 1550),
    ]
    assert (await counter.balance(counter.pool), await counter.balance(counter.canteen)) == (2000, 1550)
    assert await counter.expected() == 2000 + 3550


async def test_receipts_are_numbered_without_a_gap_also_after_a_refusal(counter: Counter) -> None:
    numbers = []
    for _ in range(3):
        numbers.append((await counter.collect((counter.pool, 100), tendered=100)).number)
        with pytest.raises(NotInAct):
            await counter.collect((counter.squash, 100), tendered=100)
    assert numbers == [1, 2, 3]


async def test_the_same_request_gets_the_same_receipt_and_moves_money_once(counter: Counter) -> None:
    key = new_id()
    receipts = [await counter.collect((counter.pool, 2000), key=key, days=days) for days in (0, 0, 1)]
    assert {(each.id, each.number, each.issued_at) for each in receipts} == {(key, 1, NOW)}
    assert await counter.balance(counter.pool) == 2000


@pytest.mark.parametrize("change", ["amount", "wallet", "means", "tendered"])
async def test_the_same_key_with_another_content_is_refused(counter: Counter, change: str) -> None:
    key = new_id()
    await counter.collect((counter.pool, 2000), key=key, tendered=2000)
    wallet = counter.canteen if change == "wallet" else counter.pool
    amount = 1999 if change == "amount" else 2000
    before = await counter.written()
    with pytest.raises(IdempotencyMismatch):
        await counter.collect(
            (wallet, amount),
            key=key,
            means=Means.CHEQUE if change == "means" else Means.CASH,
            tendered=2001 if change == "tendered" else 2000,
        )
    assert await counter.written() == before


async def test_a_key_that_named_another_transaction_collects_nothing(counter: Counter) -> None:
    async with counter.database.write() as db:
        other = await move(db, counter.canteen, -470, counter.revenue)
    with pytest.raises(IdempotencyMismatch):
        await counter.collect((counter.pool, 2000), key=other.transaction_id)


async def test_a_cheque_waits_to_be_banked_and_is_not_in_the_drawer(counter: Counter) -> None:
    await counter.collect((counter.pool, 2000), means=Means.CHEQUE, tendered=2000)
    assert await counter.place_balance(AccountKind.CHEQUES) == 2000
    assert await counter.expected() == 2000  # the float alone


async def test_a_mandatary_sees_the_places_where_she_may_collect(counter: Counter) -> None:
    async with counter.database.read() as db:
        assert [each.id for each in await sub_offices_of(db, counter.odile.staff_id, TODAY)] == [counter.place]
        assert await sub_offices_of(db, counter.odile.staff_id, TODAY - timedelta(days=1)) == []
        assert await sub_offices_of(db, new_id(), TODAY) == []


async def refused(counter: Counter, kind: type[Refusal], *top_ups: tuple[UUID, int], **more: object) -> None:
    """Assert that a collection is refused and changes nothing at all."""
    before = await counter.written(), await counter.expected()
    with pytest.raises(kind):
        await counter.collect(*top_ups, **more)  # type: ignore[arg-type]  # named arguments
    assert (await counter.written(), await counter.expected()) == before


async def test_what_the_act_does_not_enumerate_is_refused(counter: Counter) -> None:
    await refused(counter, NotInAct, (counter.squash, 1000))
    await refused(counter, NotInAct, (counter.pool, 1000), (counter.squash, 1000))
    await refused(counter, MeansNotInAct, (counter.pool, 1000), means=Means.CARD, tendered=1000)


async def test_the_act_is_dated(counter: Counter) -> None:
    async with counter.database.write() as db:
        await db.execute(
            text("UPDATE collectable_service SET valid_until = :day WHERE service_code = 'pool'"), {"day": TODAY}
        )
    await counter.collect((counter.pool, 1000))
    await refused(counter, NotInAct, (counter.pool, 1000), days=1)


@pytest.mark.parametrize("cents", [0, -1000])
async def test_nothing_and_less_than_nothing_is_no_amount(counter: Counter, cents: int) -> None:
    await refused(counter, AmountOutOfBounds, (counter.pool, cents))


async def test_too_little_money_and_too_much_cash_are_refused(counter: Counter) -> None:
    await refused(counter, TenderedTooLittle, (counter.pool, 2000), tendered=1999)
    await refused(counter, CashPaymentTooLarge, (counter.pool, 300_01), tendered=400_00)


async def test_a_wallet_that_does_not_exist_is_refused(counter: Counter) -> None:
    await refused(counter, UnknownWallet, (new_id(), 1000))
    await refused(counter, UnknownWallet, (counter.revenue, 1000))


async def test_somebody_elses_drawer_is_not_touched(counter: Counter) -> None:
    async with counter.database.write() as db:
        other = await create_officer(db, "marc", "Marc Petit")
    receipt = await counter.collect((counter.pool, 1000))
    await refused(counter, NotYourDrawer, (counter.pool, 1000), officer=other)
    with pytest.raises(NotYourDrawer):
        await counter.void(receipt, officer=other)
    with pytest.raises(NotYourDrawer):
        await counter.close({}, officer=other)


async def test_whoever_is_no_longer_mandatary_collects_nothing_but_still_counts_the_drawer(counter: Counter) -> None:
    await counter.collect((counter.pool, 1000), tendered=1000)
    async with counter.database.write() as db:
        await db.execute(text("UPDATE mandatary SET valid_until = :day"), {"day": TODAY})
    await refused(counter, NotMandatary, (counter.pool, 1000), days=1)
    assert (await counter.close({1000: 3}, days=1)).difference_cents == 0


async def test_a_stranger_to_the_place_opens_no_drawer(counter: Counter) -> None:
    async with counter.database.write() as db:
        stranger = await create_officer(db, "marc", "Marc Petit")
    for kind, place, officer, cents in (
        (NotMandatary, counter.place, stranger, 0),
        (UnknownSubOffice, new_id(), counter.odile, 0),
        (FloatOutOfBounds, counter.place, counter.odile, 5001),
        (DrawerAlreadyOpen, counter.place, counter.odile, 0),
    ):
        with pytest.raises(kind):
            async with counter.database.write() as db:
                await open_drawer(db, new_id(), sub_office_id=place, officer=officer, float_cents=cents, now=NOW)


async def test_opening_the_same_drawer_twice_opens_one(counter: Counter) -> None:
    async with counter.database.write() as db:
        again = await open_drawer(
            db, counter.drawer, sub_office_id=counter.place, officer=counter.odile, float_cents=2000, now=NOW
        )
        assert again.id == counter.drawer
    with pytest.raises(IdempotencyMismatch):
        async with counter.database.write() as db:
            await open_drawer(
                db, counter.drawer, sub_office_id=counter.place, officer=counter.odile, float_cents=0, now=NOW
            )
    assert await counter.expected() == 2000


async def test_a_drawers_id_cannot_be_a_wallets(counter: Counter) -> None:
    await counter.close({1000: 2})
    with pytest.raises(IdempotencyMismatch):
        async with counter.database.write() as db:
            await open_drawer(
                db, counter.pool, sub_office_id=counter.place, officer=counter.odile, float_cents=0, now=NOW
            )


async def test_of_many_who_open_a_drawer_for_one_person_at_once_one_does(counter: Counter) -> None:
    await counter.close({1000: 2})

    async def try_to_open() -> UUID:
        async with counter.database.write() as db:
            drawer = await open_drawer(
                db, new_id(), sub_office_id=counter.place, officer=counter.odile, float_cents=0, now=NOW
            )
            return drawer.id

    results = await asyncio.gather(*(try_to_open() for _ in range(RIVALS)), return_exceptions=True)
    opened = [each for each in results if isinstance(each, UUID)]
    assert len(opened) == 1
    assert {type(each) for each in results} == {UUID, DrawerAlreadyOpen}
    async with counter.database.read() as db:
        mine = await open_drawer_of(db, counter.odile.staff_id, counter.place)
    assert mine is not None
    assert mine.id == opened[0]


async def test_a_void_is_a_counter_entry_with_a_number_of_its_own(counter: Counter) -> None:
    receipt = await counter.collect((counter.pool, 2000))
    voiding = await counter.void(receipt)
    assert (voiding.number, voiding.total_cents, voiding.voids_id) == (2, -2000, receipt.id)
    assert voiding.printed["voids"] == "POM-000001"
    assert await counter.balance(counter.pool) == 0
    assert await counter.expected() == 2000
    async with counter.database.read() as db:
        lines = await receipts_of(db, counter.drawer)
        totals = await drawer_totals(db, await db.get_one(Drawer, counter.drawer))
    assert [(line.receipt.number, line.voided_by_id) for line in lines] == [(2, None), (1, voiding.id)]
    assert [(each.receipts, each.total_cents) for each in totals.by_means] == [(0, 0)]


async def test_a_void_asked_again_is_the_same_and_nothing_is_voided_twice(counter: Counter) -> None:
    receipt, key = await counter.collect((counter.pool, 2000)), new_id()
    assert {(await counter.void(receipt, key=key)).number for _ in range(2)} == {2}
    with pytest.raises(ReceiptNotVoidable):
        await counter.void(receipt)
    async with counter.database.read() as db:
        voiding = await db.get_one(Receipt, key)
    with pytest.raises(ReceiptNotVoidable):
        await counter.void(voiding)


async def test_of_many_who_void_one_receipt_at_once_one_does(counter: Counter) -> None:
    receipt = await counter.collect((counter.pool, 2000))
    results = await asyncio.gather(*(counter.void(receipt) for _ in range(RIVALS)), return_exceptions=True)
    assert len([each for each in results if isinstance(each, Receipt)]) == 1
    assert {type(each) for each in results} == {Receipt, ReceiptNotVoidable}
    assert await counter.expected() == 2000


async def test_money_that_is_already_spent_is_not_given_back(counter: Counter) -> None:
    receipt = await counter.collect((counter.pool, 2000))
    async with counter.database.write() as db:
        await move(db, counter.pool, -300, counter.revenue)
    with pytest.raises(InsufficientFunds):
        await counter.void(receipt)
    assert await counter.balance(counter.pool) == 1700


async def test_twenty_payments_at_once_have_twenty_numbers_in_a_row(counter: Counter) -> None:
    receipts = await asyncio.gather(*(counter.collect((counter.pool, 100), tendered=100) for _ in range(RIVALS)))
    assert sorted(each.number for each in receipts) == list(range(1, RIVALS + 1))
    assert await counter.balance(counter.pool) == RIVALS * 100


async def test_two_drawers_of_one_series_never_share_a_number(counter: Counter) -> None:
    async with counter.database.write() as db:
        series = (await db.get_one(SubOffice, counter.place)).series_id
        marc = await create_officer(db, "marc", "Marc Petit")
        elsewhere = await create_counter(db, marc, code="TALLUD")
        elsewhere.series_id = series
        drawer = await open_drawer(db, new_id(), sub_office_id=elsewhere.id, officer=marc, float_cents=0, now=NOW)
    other = replace(counter, odile=marc, place=elsewhere.id, drawer=drawer.id)
    receipts = await asyncio.gather(
        *(each.collect((wallet, 100), tendered=100) for each, wallet in _alternating(counter, other))
    )
    assert sorted(each.number for each in receipts) == list(range(1, RIVALS + 1))


def _alternating(one: Counter, other: Counter) -> Sequence[tuple[Counter, UUID]]:
    return [(one, one.pool) if turn % 2 else (other, other.canteen) for turn in range(RIVALS)]


async def test_a_drawer_that_balances_closes_without_a_difference(counter: Counter) -> None:
    await counter.collect((counter.pool, 1550), tendered=2000)
    drawer = await counter.close({2000: 1, 1000: 1, 500: 1, 50: 1})
    assert (drawer.counted_cents, drawer.expected_cents, drawer.difference_cents) == (3550, 3550, 0)
    assert drawer.counted == {"50": 1, "500": 1, "1000": 1, "2000": 1}
    assert await counter.place_balance(AccountKind.SAFE) == 5000 + 1550
    assert await counter.expected() == 0


@pytest.mark.parametrize(("counted", "difference"), [({1000: 1}, -1000), ({1000: 3, 5: 1}, 1005), ({}, -2000)])
async def test_a_difference_is_recorded_and_never_hidden(
    counter: Counter, counted: dict[int, int], difference: int
) -> None:
    drawer = await counter.close(counted)
    assert drawer.difference_cents == difference
    assert await counter.place_balance(AccountKind.DIFFERENCE) == -difference  # what is missing is a plus there
    assert await counter.place_balance(AccountKind.SAFE) == 5000 + difference


async def test_a_closed_drawer_collects_nothing_and_voids_nothing(counter: Counter) -> None:
    receipt = await counter.collect((counter.pool, 1000), tendered=1000)
    await counter.close({1000: 3})
    with pytest.raises(DrawerClosed):
        await counter.collect((counter.pool, 1000))
    with pytest.raises(ReceiptDrawerClosed):
        await counter.void(receipt)


async def test_a_drawer_is_closed_once_on_one_count(counter: Counter) -> None:
    first = await counter.close({1000: 2})
    again = await counter.close({1000: 2, 500: 0}, days=1)
    assert (again.closed_at, again.difference_cents) == (first.closed_at, 0)
    with pytest.raises(DrawerClosed):
        await counter.close({1000: 3})


async def test_a_count_that_cannot_be_is_refused_and_the_drawer_stays_open(counter: Counter) -> None:
    with pytest.raises(BadCount):
        await counter.close({3: 1})
    await counter.collect((counter.pool, 1000))


async def test_the_first_printing_is_the_original_and_every_later_one_a_duplicate(counter: Counter) -> None:
    receipt, first = await counter.collect((counter.pool, 1000)), new_id()

    async def print_it(print_id: UUID) -> tuple[int, bool]:
        async with counter.database.write() as db:
            printing = await print_receipt(db, receipt.id, print_id=print_id, officer=counter.odile, now=NOW)
        return printing.copy, printing.voided

    assert [await print_it(each) for each in (first, first, new_id(), new_id())] == [
        (0, False),
        (0, False),
        (1, False),
        (2, False),
    ]
    await counter.void(receipt)
    assert await print_it(new_id()) == (3, True)


async def test_of_many_printings_at_once_one_is_the_original(counter: Counter) -> None:
    receipt = await counter.collect((counter.pool, 1000))

    async def print_it() -> int:
        async with counter.database.write() as db:
            return (await print_receipt(db, receipt.id, print_id=new_id(), officer=counter.odile, now=NOW)).copy

    assert sorted(await asyncio.gather(*(print_it() for _ in range(RIVALS)))) == list(range(RIVALS))


async def test_a_receipt_is_found_by_what_is_printed_on_it(counter: Counter) -> None:
    receipt = await counter.collect((counter.pool, 1000))
    async with counter.database.read() as db:
        assert (await receipt_by_number(db, "POM", 1)).id == receipt.id
        with pytest.raises(UnknownReceipt):
            await receipt_by_number(db, "POM", 2)


async def test_what_does_not_exist_is_refused_by_its_name(counter: Counter) -> None:
    nowhere = replace(counter, drawer=new_id())
    with pytest.raises(UnknownDrawer):
        await nowhere.collect((counter.pool, 1000))
    with pytest.raises(UnknownDrawer):
        await nowhere.close({})
    with pytest.raises(UnknownLedgerAccount):
        async with counter.database.read() as db:
            await balance_of(db, new_id())


@pytest.mark.parametrize("statement", ["UPDATE receipt SET number = 7", "DELETE FROM receipt"])
async def test_a_receipt_is_never_changed_nor_deleted(counter: Counter, statement: str) -> None:
    await counter.collect((counter.pool, 1000))
    with pytest.raises(DBAPIError, match="receipt only grows"):
        async with counter.database.write() as db:
            await db.execute(text(statement))
