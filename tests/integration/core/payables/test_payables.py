"""What stands together in one payment is read with the words that people know, and refused when it makes no sense."""

from __future__ import annotations

from datetime import timedelta

import pytest

from cvq_core.clock import local_day
from cvq_core.database import Database
from cvq_core.ids import new_id
from cvq_core.invoices.rules import Line, UnknownInvoice
from cvq_core.invoices.store import issue_invoice
from cvq_core.ledger.rules import AmountOutOfBounds
from cvq_core.ledger.wallets import UnknownWallet
from cvq_core.payables.rules import PAYABLES_MAX, NothingToPay, Payable, PayableKind, check_payables
from cvq_core.payables.store import payable_lines
from cvq_core.services.rules import ServiceCode
from tests.core_examples import NOW, create_family, create_services, create_wallet


async def test_a_wallet_and_an_invoice_stand_in_one_payment_each_with_its_words(database: Database) -> None:
    async with database.write() as db:
        await create_services(db)
        family = await create_family(db)
        wallet = await create_wallet(db, family.id)
        invoice = await issue_invoice(
            db,
            new_id(),
            family_account_id=family.id,
            label="Novembre",
            lines=[Line(ServiceCode.CANTEEN, "Repas", 2, 235), Line(ServiceCode.POOL, "Entrée", 1, 300)],
            due_on=local_day(NOW) + timedelta(days=30),
            now=NOW,
        )
        chosen = [
            Payable(PayableKind.INVOICE, invoice.id, 770),
            Payable(PayableKind.WALLET, wallet.id, 1000),
        ]
        settles, tops_up = await payable_lines(db, chosen)
    assert (settles.label, settles.due_cents, settles.service) == ("Facture 2026-000001", 770, None)
    assert settles.services == {ServiceCode.CANTEEN, ServiceCode.POOL}
    assert (tops_up.label, tops_up.due_cents, tops_up.services) == ("Piscine", None, {ServiceCode.POOL})
    assert {settles.account_number, tops_up.account_number} == {"F00001"}


async def test_what_does_not_exist_is_not_paid_for(database: Database) -> None:
    async with database.read() as db:
        with pytest.raises(UnknownWallet):
            await payable_lines(db, [Payable(PayableKind.WALLET, new_id(), 100)])
        with pytest.raises(UnknownInvoice):
            await payable_lines(db, [Payable(PayableKind.INVOICE, new_id(), 100)])


def test_nothing_too_much_or_one_thing_twice_is_no_payment() -> None:
    one = Payable(PayableKind.WALLET, new_id(), 100)
    for payables in ([], [one, one], [Payable(PayableKind.WALLET, new_id(), 1) for _ in range(PAYABLES_MAX + 1)]):
        with pytest.raises(NothingToPay):
            check_payables(payables)
    for cents in (0, -1, True, 10.0):
        with pytest.raises(AmountOutOfBounds):
            check_payables([Payable(PayableKind.WALLET, new_id(), cents)])  # type: ignore[arg-type]  # hostile on purpose
