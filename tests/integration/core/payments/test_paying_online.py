"""A cart paid online: credited once whatever is lost or doubled, and never lost."""

from __future__ import annotations

import asyncio
from uuid import uuid4

import pytest
from sqlalchemy import func, select, update

from cvq_core.ids import new_id
from cvq_core.jobs.tables import Job
from cvq_core.ledger.rules import AccountKind, IdempotencyMismatch, MoreThanDue, TransactionKind
from cvq_core.ledger.store import postings_of
from cvq_core.ledger.tables import LedgerTransaction
from cvq_core.ledger.verify import verify
from cvq_core.offices.rules import Means
from cvq_core.payables.rules import Payable, PayableKind
from cvq_core.payments.carts import make_cart
from cvq_core.payments.reconciliation import listed
from cvq_core.payments.rules import (
    AmountNotOnline,
    AttemptState,
    CartExpired,
    CartPaid,
    CartState,
    NoOnlinePayment,
    NotCollectedOnline,
    PayFipSilent,
    PaymentBeingChecked,
    Trouble,
    UnknownCart,
)
from cvq_core.payments.service import LOOK_UP, OnlinePayments
from cvq_core.payments.tables import Cart, PaymentAttempt
from cvq_core.payments.verify import verify_payments
from cvq_core.payments.virtual import Fault, Result
from tests.core_examples import NOW, create_counter, create_officer
from tests.integration.core.payments.conftest import Ground

WALLET, INVOICE = PayableKind.WALLET, PayableKind.INVOICE


async def test_one_payment_settles_wallets_and_invoices_in_one_transaction(ground: Ground) -> None:
    first, second = await ground.invoice(770), await ground.invoice(1230)
    cart = await ground.cart((WALLET, ground.wallet, 2000), (INVOICE, first, 770), (INVOICE, second, 1000))
    idop = await ground.started(cart)
    assert await ground.state(cart) == CartState.SENT
    ground.virtual.end(idop, Result.PAID_BY_CARD)
    (attempt,) = await ground.attempts(cart)
    assert await ground.payments.ask(attempt.id, idop)
    assert await ground.state(cart) == CartState.PAID
    assert await ground.balance(ground.wallet) == 2000
    assert [await ground.balance(each) for each in (first, second)] == [0, 230]
    assert await ground.held(AccountKind.ONLINE_PAYMENTS) == 3770
    async with ground.database.read() as db:
        written = await db.get_one(LedgerTransaction, attempt.id)
        assert (written.kind, written.reference) == (TransactionKind.PAYMENT, attempt.refdet)
        assert len(await postings_of(db, attempt.id)) == 4
        assert await verify(db) == []


async def test_two_hundred_notices_at_once_credit_once(ground: Ground) -> None:
    cart = await ground.cart((WALLET, ground.wallet, 1500))
    idop = await ground.started(cart)
    ground.virtual.end(idop, Result.PAID_BY_DEBIT)
    (attempt,) = await ground.attempts(cart)
    credited = await asyncio.gather(*(ground.payments.ask(attempt.id, idop) for _ in range(20)))
    assert sum(credited) == 1
    assert await ground.balance(ground.wallet) == 1500


async def test_a_refused_payment_leaves_the_cart_and_the_next_one_pays_it(ground: Ground) -> None:
    cart = await ground.cart((WALLET, ground.wallet, 1500))
    idop = await ground.started(cart)
    ground.virtual.end(idop, Result.CARD_REFUSED)
    await ground.payments.ask_again(cart.token)
    assert await ground.state(cart) == CartState.REFUSED
    again = await ground.started(cart)
    assert again != idop
    ground.virtual.end(again, Result.PAID_BY_CARD)
    await ground.payments.ask_again(cart.token)
    assert await ground.state(cart) == CartState.PAID
    assert await ground.balance(ground.wallet) == 1500


async def test_whoever_comes_back_goes_on_with_the_same_operation(ground: Ground) -> None:
    cart = await ground.cart((WALLET, ground.wallet, 1500))
    assert await ground.started(cart) == await ground.started(cart)
    ground.hour.forward(minutes=16)
    assert len(await ground.attempts(cart)) == 1
    await ground.started(cart)
    assert len(await ground.attempts(cart)) == 2, "the first identifier is dead"


async def test_a_payment_whose_notification_is_lost_is_found_by_asking(ground: Ground) -> None:
    cart = await ground.cart((WALLET, ground.wallet, 1500))
    idop = await ground.started(cart)
    ground.virtual.end(idop, Result.PAID_BY_CARD)
    assert await ground.payments.poll() == 0, "it is not time yet"
    ground.hour.forward(seconds=11)
    assert await ground.payments.poll() == 1
    assert await ground.balance(ground.wallet) == 1500
    ground.hour.forward(days=1)
    assert await ground.payments.poll() == 0, "there is no more to learn"


async def test_a_notification_is_a_reason_to_ask_and_nothing_more(ground: Ground) -> None:
    cart = await ground.cart((WALLET, ground.wallet, 1500))
    idop = await ground.started(cart)
    await ground.payments.heard(idop)
    assert await ground.payments.poll() == 1
    assert await ground.balance(ground.wallet) == 0, "nobody has paid"
    ground.virtual.end(idop, Result.PAID_BY_CARD)
    await ground.payments.heard(idop)
    assert await ground.payments.poll() == 1
    assert await ground.balance(ground.wallet) == 1500


async def test_a_payment_whose_identifier_was_lost_on_its_way_is_known_by_its_reference(ground: Ground) -> None:
    cart = await ground.cart((WALLET, ground.wallet, 1500))
    await ground.started(cart)  # the client's WSDL is read
    ground.hour.forward(minutes=16)
    ground.virtual.faults.extend([Fault.NOT_YET, Fault.ANSWER_LOST])
    with pytest.raises(PayFipSilent):
        await ground.payments.start(cart.token)
    lost = (await ground.attempts(cart))[-1]
    assert (lost.state, lost.idop) == (AttemptState.OPEN, None)
    idop = ground.virtual.by_refdet(lost.refdet).idop
    ground.virtual.end(idop, Result.PAID_BY_CARD)
    await ground.payments.heard(idop)
    await ground.payments.heard(idop)
    async with ground.database.read() as db:
        (job,) = await db.scalars(select(Job).where(Job.kind == LOOK_UP))
    await ground.payments.look_up(job.payload)
    await ground.payments.look_up(job.payload)
    assert await ground.state(cart) == CartState.PAID
    assert await ground.balance(ground.wallet) == 1500


async def test_two_hours_without_knowing_go_to_the_list_and_the_late_answer_takes_them_off(ground: Ground) -> None:
    cart = await ground.cart((WALLET, ground.wallet, 1500))
    idop = await ground.started(cart)
    ground.hour.forward(hours=2)
    await ground.payments.poll()
    (attempt,) = await ground.attempts(cart)
    assert (attempt.state, attempt.trouble) == (AttemptState.UNKNOWN, Trouble.UNKNOWN)
    with pytest.raises(PaymentBeingChecked):
        await ground.payments.start(cart.token)
    ground.virtual.end(idop, Result.PAID_BY_CARD)
    ground.hour.forward(hours=1)
    await ground.payments.poll()
    (attempt,) = await ground.attempts(cart)
    assert (attempt.state, attempt.trouble) == (AttemptState.PAID, None)
    assert await ground.balance(ground.wallet) == 1500


async def test_another_amount_waits_and_is_listed_and_the_cart_is_not_paid_by_it(ground: Ground) -> None:
    cart = await ground.cart((WALLET, ground.wallet, 1500))
    idop = await ground.started(cart)
    ground.virtual.end(idop, Result.PAID_BY_CARD, amount_cents=1400)
    await ground.payments.ask_again(cart.token)
    (attempt,) = await ground.attempts(cart)
    assert (attempt.trouble, attempt.waiting_cents) == (Trouble.OTHER_AMOUNT, 1400)
    assert await ground.balance(ground.wallet) == 0
    assert await ground.held(AccountKind.TO_CLASSIFY) == 1400
    assert await ground.state(cart) == CartState.UNKNOWN


async def test_a_cart_paid_twice_credits_once_and_keeps_the_second_payment(ground: Ground) -> None:
    cart = await ground.cart((WALLET, ground.wallet, 1500))
    first = await ground.started(cart)
    ground.hour.forward(minutes=16)
    second = await ground.started(cart)
    for idop in (first, second):
        ground.virtual.end(idop, Result.PAID_BY_CARD)
    attempts = await ground.attempts(cart)
    await asyncio.gather(*(ground.payments.ask(each.id, each.idop) for each in attempts))
    assert await ground.balance(ground.wallet) == 1500
    assert await ground.held(AccountKind.TO_CLASSIFY) == 1500
    assert sorted(str(each.trouble) for each in await ground.attempts(cart)) == ["None", "paid_twice"]


async def test_an_invoice_paid_at_the_counter_meanwhile_leaves_the_surplus_waiting(ground: Ground) -> None:
    invoice = await ground.invoice(1000)
    cart = await ground.cart((INVOICE, invoice, 1000), (WALLET, ground.wallet, 500))
    idop = await ground.started(cart)
    await ground.pay_elsewhere(invoice, 600)
    ground.virtual.end(idop, Result.PAID_BY_CARD)
    await ground.payments.ask_again(cart.token)
    assert await ground.balance(invoice) == 0
    assert await ground.balance(ground.wallet) == 500
    assert await ground.held(AccountKind.TO_CLASSIFY) == 600
    (attempt,) = await ground.attempts(cart)
    assert attempt.trouble is Trouble.PAID_ELSEWHERE


async def test_the_counter_and_the_bank_at_the_same_instant_pay_an_invoice_once(ground: Ground) -> None:
    invoice = await ground.invoice(1000)
    cart = await ground.cart((INVOICE, invoice, 1000))
    idop = await ground.started(cart)
    ground.virtual.end(idop, Result.PAID_BY_CARD)
    (attempt,) = await ground.attempts(cart)
    counter, _ = await asyncio.gather(
        ground.pay_elsewhere(invoice, 1000), ground.payments.ask(attempt.id, idop), return_exceptions=True
    )
    assert await ground.balance(invoice) == 0
    expected = 0 if isinstance(counter, MoreThanDue) else 1000
    assert await ground.held(AccountKind.TO_CLASSIFY) == expected


async def test_the_rest_of_a_cart_is_paid_when_a_part_was_paid_elsewhere(ground: Ground) -> None:
    invoice = await ground.invoice(1000)
    cart = await ground.cart((INVOICE, invoice, 1000), (WALLET, ground.wallet, 500))
    await ground.pay_elsewhere(invoice, 1000)
    idop = await ground.started(cart)
    assert ground.virtual.operations[idop].asked["montant"] == "500"
    ground.virtual.end(idop, Result.PAID_BY_CARD)
    await ground.payments.ask_again(cart.token)
    assert await ground.state(cart) == CartState.PAID
    assert await ground.held(AccountKind.TO_CLASSIFY) == 0


async def test_what_is_paid_expired_or_unknown_is_not_paid_again(ground: Ground) -> None:
    invoice = await ground.invoice(1000)
    paid, old = await ground.cart((INVOICE, invoice, 1000)), await ground.cart((WALLET, ground.wallet, 500))
    await ground.pay_elsewhere(invoice, 1000)
    with pytest.raises(CartPaid):
        await ground.payments.start(paid.token)
    ground.hour.forward(days=8)
    with pytest.raises(CartExpired):
        await ground.payments.start(old.token)
    with pytest.raises(UnknownCart):
        await ground.payments.start("2345678923")


@pytest.mark.parametrize("fault", [Fault.SILENT, Fault.TECHNICAL, Fault.ANSWER_LOST])
async def test_a_silent_payfip_is_refused_with_words_and_the_cart_is_kept(ground: Ground, fault: Fault) -> None:
    warm = await ground.cart((WALLET, ground.wallet, 100))
    await ground.started(warm)
    cart = await ground.cart((WALLET, ground.wallet, 1500))
    ground.virtual.faults.append(fault)
    with pytest.raises(PayFipSilent):
        await ground.payments.start(cart.token)
    assert await ground.state(cart) == CartState.OPEN
    idop = await ground.started(cart)
    ground.virtual.end(idop, Result.PAID_BY_CARD)
    ground.virtual.faults.append(fault)
    await ground.payments.ask_again(cart.token)
    assert await ground.state(cart) == CartState.SENT, "no answer says nothing"
    await ground.payments.ask_again(cart.token)
    assert await ground.state(cart) == CartState.PAID


async def test_without_payfip_the_rest_works_and_paying_online_is_refused(ground: Ground) -> None:
    without = OnlinePayments(ground.database, ground.hour, ground.settings, None)
    cart = await ground.cart((WALLET, ground.wallet, 1500))
    assert not without.offered
    assert await without.poll() == 0
    await without.heard(str(uuid4()))
    with pytest.raises(NoOnlinePayment):
        await without.start(cart.token)


async def test_what_the_act_does_not_enumerate_is_not_collected_online(ground: Ground) -> None:
    async with ground.database.write() as db:
        other = await create_officer(db, "paul", "Paul Roy")
        cash_only = await create_counter(db, other, code="AUL", means=(Means.CASH,))
        for code in (cash_only.code,):
            with pytest.raises(NotCollectedOnline):
                await make_cart(
                    db,
                    new_id(),
                    [Payable(WALLET, ground.wallet, 1000)],
                    place_code=code,
                    email="jeanne@aulnay.fr",
                    acknowledged=False,
                    actor_kind="staff",
                    actor_id=None,
                    now=NOW,
                )


async def test_a_cart_is_made_once_and_refused_when_it_makes_no_sense(ground: Ground) -> None:
    cart_id, invoice = new_id(), await ground.invoice(1000)

    async def made(*payables: Payable) -> str:
        async with ground.database.write() as db:
            cart = await make_cart(
                db,
                cart_id,
                payables,
                place_code=ground.place.code,
                email="jeanne@aulnay.fr",
                acknowledged=False,
                actor_kind="staff",
                actor_id=None,
                now=NOW,
            )
            return cart.token

    with pytest.raises(MoreThanDue):
        await made(Payable(INVOICE, invoice, 1001))
    with pytest.raises(AmountNotOnline):
        await made(Payable(WALLET, ground.wallet, 99))
    assert await made(Payable(INVOICE, invoice, 1000)) == await made(Payable(INVOICE, invoice, 1000))
    with pytest.raises(IdempotencyMismatch):
        await made(Payable(INVOICE, invoice, 900))


async def test_a_payment_is_acknowledged_once_to_whoever_gave_an_address(ground: Ground) -> None:
    anonymous = await ground.cart((WALLET, ground.wallet, 500))
    cart = await ground.cart((WALLET, ground.wallet, 1500), acknowledged=True)
    for each in (anonymous, cart):
        ground.virtual.end(await ground.started(each), Result.PAID_BY_CARD)
        await ground.payments.ask_again(each.token)
        await ground.payments.ask_again(each.token)
    async with ground.database.read() as db:
        (job,) = await db.scalars(select(Job).where(Job.kind == "send-mail"))
        assert await db.scalar(select(func.count(Job.id))) == 1
    assert job.payload["to"] == "jeanne@aulnay.fr"
    (attempt,) = await ground.attempts(cart)
    for words in ("15,00", "mardi 3 mars 2026", attempt.refdet, "Piscine", "Régie de recettes"):
        assert words in job.payload["text"]


async def test_the_check_finds_a_payment_that_the_ledger_does_not_know(ground: Ground) -> None:
    cart = await ground.cart((WALLET, ground.wallet, 1500))
    ground.virtual.end(await ground.started(cart), Result.PAID_BY_CARD)
    await ground.payments.ask_again(cart.token)
    (attempt,) = await ground.attempts(cart)
    async with ground.database.write() as db:
        assert await verify_payments(db) == []
        for wrong in ({"received_cents": 1600}, {"waiting_cents": 100}, {"transaction_id": None}):
            right = {name: getattr(attempt, name) for name in wrong}
            await db.execute(update(PaymentAttempt).values(**wrong))
            assert await verify_payments(db) != []
            await db.execute(update(PaymentAttempt).values(**right))
        await db.execute(update(Cart).values(settled_by=new_id()))
        assert await verify_payments(db) == [f"panier {cart.token} : son paiement n’en est pas un"]


@pytest.mark.parametrize("heard_before", [None, Result.CARD_REFUSED, Result.CANCELLED, Fault.FORGOTTEN])
async def test_a_payment_made_while_the_server_was_away_until_payfip_forgot_it_is_listed(
    ground: Ground, heard_before: Result | Fault | None
) -> None:
    cart = await ground.cart((WALLET, ground.wallet, 1500))
    idop = await ground.started(cart)
    if heard_before is Fault.FORGOTTEN:
        ground.virtual.faults.append(Fault.FORGOTTEN)
    elif heard_before is not None:
        ground.virtual.end(idop, heard_before)
    if heard_before is not None:
        await ground.payments.ask_again(cart.token)
    # Paid; then nobody asks for three days, and PayFiP has forgotten all of it.
    ground.virtual.operations.clear()
    ground.hour.forward(hours=72)
    assert await ground.payments.poll() == 1
    (attempt,) = await ground.attempts(cart)
    assert (attempt.trouble, attempt.next_ask_at) == (Trouble.ASKED_TOO_LATE, None)
    async with ground.database.read() as db:
        assert [line.attempt.id for line in await listed(db, ground.place)] == [attempt.id]
        assert await verify_payments(db) == []
    async with ground.database.write() as db:
        await db.execute(update(PaymentAttempt).values(trouble=None))
    async with ground.database.read() as db:
        assert len(await verify_payments(db)) == 1


@pytest.mark.parametrize("result", [None, Result.CARD_REFUSED, Result.CANCELLED])
async def test_what_payfip_said_the_day_after_not_to_be_paid_is_not_listed_later(
    ground: Ground, result: Result | None
) -> None:
    cart = await ground.cart((WALLET, ground.wallet, 1500))
    idop = await ground.started(cart)
    if result is None:
        ground.virtual.operations.clear()
    else:
        ground.virtual.end(idop, result)
    for hours in (25, 72):
        ground.hour.forward(hours=hours)
        assert await ground.payments.poll() == 1
    (attempt,) = await ground.attempts(cart)
    assert (attempt.trouble, attempt.next_ask_at, attempt.known_unpaid) == (None, None, True)
    async with ground.database.read() as db:
        assert await verify_payments(db) == []
