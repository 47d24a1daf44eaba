"""A payment at the sub-office's page: what is asked for, the amounts and means of one family, the last look."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from uuid import UUID

from sqlalchemy import select

from cvq_advisor_console.cash.amounts import BAD_AMOUNT, BAD_NUMBER, cents_of, written
from cvq_advisor_console.cash.counter import Counter, household
from cvq_advisor_console.cash.prices import price_choices
from cvq_advisor_console.invoices.pages import paper_url
from cvq_advisor_console.views.cash import (
    CollectingView,
    ConfirmLine,
    ConfirmView,
    DetailsFields,
    InvoiceLine,
    MeansChoice,
    WalletLine,
)
from cvq_core.errors import N_
from cvq_core.ids import new_id
from cvq_core.invoices.store import invoices_of
from cvq_core.ledger.tables import Wallet
from cvq_core.ledger.wallets import wallets_of
from cvq_core.offices.receipt_pdf import means_details
from cvq_core.offices.rules import COUNTER_MEANS, NO_DETAILS, VOUCHERS, Cheque, Means, MeansDetails, VoucherCount
from cvq_core.offices.service import printed_details
from cvq_core.payables.rules import Payable, PayableKind
from cvq_core.payables.store import payable_lines
from cvq_core.people.names import spoken_name
from cvq_core.people.store import family_account_by_id, person_by_id
from cvq_core.services.tables import Service
from cvq_core.text import money
from cvq_core.web.views import Act as PageAct

INVOICES_SHOWN = 12
NOT_IN_ACT = N_("ne s’encaisse pas ici")
WANTED = N_("À écrire, pour le bordereau de remise.")
DETAIL_FIELDS = ("cheque_number", "cheque_bank", "cheque_drawer", "card_reference")


@dataclass(frozen=True, slots=True)
class Asked:
    """What the form sends: amounts by wallet and by invoice as they were written, the means, what was given."""

    account_id: UUID
    person_id: UUID | None
    amounts: Mapping[UUID, str]
    means: str
    tendered: str
    invoices: Mapping[UUID, str] = field(default_factory=dict)
    noted: DetailsFields = field(default_factory=DetailsFields)

    def payables(self) -> list[Payable]:
        """Return what is paid for; a field without an amount pays for nothing."""
        wanted = [
            *((PayableKind.WALLET, *each) for each in self.amounts.items()),
            *((PayableKind.INVOICE, *each) for each in self.invoices.items()),
        ]
        cents = [(kind, each_id, cents_of(text) or 0) for kind, each_id, text in wanted]
        return [Payable(*each) for each in cents if each[2]]

    def details(self) -> MeansDetails:
        """Return what is noted of the means that was chosen; what was typed for another one is left out."""
        noted = self.noted
        if self.means == Means.CHEQUE:
            return MeansDetails(
                cheque=Cheque(noted.cheque_number.strip(), noted.cheque_bank.strip(), noted.cheque_drawer.strip())
            )
        if self.means == Means.CARD:
            return MeansDetails(card_reference=noted.card_reference.strip())
        if self.means in VOUCHERS:
            return MeansDetails(vouchers=voucher_counts(noted))
        return NO_DETAILS

    def tendered_cents(self) -> int:
        """Return what was given: cash as it was written, vouchers as they were counted, otherwise the total."""
        total = sum(each.amount_cents for each in self.payables())
        if self.means in VOUCHERS:
            return sum(each.face_cents * each.number for each in voucher_counts(self.noted))
        if self.means != Means.CASH or not self.tendered.strip():
            return total
        return cents_of(self.tendered) or 0


def voucher_counts(noted: DetailsFields) -> tuple[VoucherCount, ...]:
    """Return the vouchers that were counted; a line without a number counts none."""
    counts = [(cents_of(line.face_value) or 0, line.number.strip()) for line in noted.vouchers]
    return tuple(VoucherCount(face, int(number)) for face, number in counts if number.isdecimal() and int(number))


def required_details(noted: DetailsFields, means: str) -> dict[str, str]:
    """Return the fields that this means cannot do without and that are empty or no number, with what to write."""
    if means == Means.CHEQUE:
        names = ("cheque_number", "cheque_bank", "cheque_drawer")
        return {name: WANTED for name in names if not getattr(noted, name).strip()}
    wrong = {}
    if means in VOUCHERS:
        for line in noted.vouchers:
            if line.face_value.strip() and cents_of(line.face_value) is None:
                wrong[f"f{line.index}"] = BAD_AMOUNT
            number = line.number.strip()
            if number and not (number.isascii() and number.isdigit() and len(number) <= 4):
                wrong[f"n{line.index}"] = BAD_NUMBER
    return wrong


async def collecting_view(
    counter: Counter, asked: Asked, errors: Mapping[str, str] = MappingProxyType({})
) -> CollectingView:
    """Return the step that takes amounts and means."""
    context = counter.context
    account = await family_account_by_id(context.db, asked.account_id)
    person = await person_by_id(context.db, asked.person_id) if asked.person_id else None
    payer = spoken_name(person.family_name, person.usual_name, person.given_names) if person else account.label
    prices = await price_choices(context, asked.account_id, counter.act.services)
    lines = [
        WalletLine(
            field_name=f"w{wallet.id}",
            service=service.label,
            balance_cents=wallet.balance_cents,
            value=asked.amounts.get(wallet.id, ""),
            error=errors.get(f"w{wallet.id}", ""),
            why_not="" if wallet.service_code in counter.act.services else counter.say(NOT_IN_ACT),
            prices=prices.get(wallet.service_code, ()),
        )
        for wallet, service in await services_of(counter, asked.account_id)
    ]
    limit = counter.say(
        N_("En espèces, {cash} au plus par paiement ; {top_up} au plus par compte."),
        cash=money(counter.act.cash_payment_max_cents, context.language),
        top_up=money(counter.act.top_up_max_cents, context.language),
    )
    return CollectingView(
        url="/caisse/verifier",
        account_id=str(asked.account_id),
        family=household(account.label),
        payer=payer,
        wallets=tuple(lines),
        invoices=await invoice_lines(counter, asked, errors),
        means=tuple(
            MeansChoice(means.value, counter.means_word(means), chosen=asked.means == means.value)
            for means in Means
            if means in counter.act.means & COUNTER_MEANS
        ),
        tendered_value=asked.tendered,
        details=asked.noted,
        limit_words=limit,
        errors=errors,
        change_payer_url="/caisse/qui",
    )


async def invoice_lines(counter: Counter, asked: Asked, errors: Mapping[str, str]) -> tuple[InvoiceLine, ...]:
    """Return the invoices on which something is due, the oldest first."""
    due = (await invoices_of(counter.context.db, asked.account_id, due_only=True))[-INVOICES_SHOWN:][::-1]
    if not due:
        return ()
    whole = [Payable(PayableKind.INVOICE, each.invoice.id, each.due_cents) for each in due]
    readable = await payable_lines(counter.context.db, whole)
    return tuple(
        InvoiceLine(
            field_name=f"i{each.invoice.id}",
            label=line.label,
            due_on=each.invoice.due_on,
            due_cents=each.due_cents,
            value=asked.invoices.get(each.invoice.id, ""),
            error=errors.get(f"i{each.invoice.id}", ""),
            why_not="" if line.services <= counter.act.services else counter.say(NOT_IN_ACT),
            paper_url=paper_url("/caisse/factures", each.invoice.id),
        )
        for each, line in zip(due, readable, strict=True)
    )


async def services_of(counter: Counter, account_id: UUID) -> list[tuple[Wallet, Service]]:
    """Return an account's wallets with their services, in the order in which pages list them."""
    wallets = {wallet.service_code: wallet for wallet in await wallets_of(counter.context.db, account_id)}
    services = await counter.context.db.scalars(
        select(Service).where(Service.code.in_(list(wallets))).order_by(Service.position)
    )
    return [(wallets[service.code], service) for service in services]


async def confirm_view(counter: Counter, asked: Asked) -> ConfirmView:
    """Return the last look before the receipt; nothing is written yet."""
    context = counter.context
    account = await family_account_by_id(context.db, asked.account_id)
    wallets = {wallet.id: wallet.balance_cents for wallet in await wallets_of(context.db, asked.account_id)}
    lines = []
    for line in await payable_lines(context.db, asked.payables()):
        cents = line.payable.amount_cents
        if line.due_cents is None:
            lines.append(ConfirmLine(line.label, cents, wallets[line.payable.id] + cents))
        else:
            lines.append(ConfirmLine(line.label, cents, line.due_cents - cents, is_invoice=True))
    total = sum(line.amount_cents for line in lines)
    tendered = asked.tendered_cents()
    return ConfirmView(
        family=household(account.label),
        lines=tuple(lines),
        total_cents=total,
        means_word=counter.means_word(Means(asked.means)),
        tendered_cents=tendered,
        change_cents=tendered - total,
        fields=fields_of(asked, tendered),
        collect=PageAct(counter.here("/caisse/encaisser")),
        back_url=f"/caisse/comptes/{asked.account_id}",
        details_words=means_details(printed_details(asked.details())),
    )


def fields_of(asked: Asked, tendered: int) -> dict[str, str]:
    """Return what goes along from one step to the next, as the form sends it."""
    noted = asked.noted
    return {
        "account_id": str(asked.account_id),
        **({"person_id": str(asked.person_id)} if asked.person_id else {}),
        **{f"w{wallet_id}": text for wallet_id, text in asked.amounts.items() if text},
        **{f"i{invoice_id}": text for invoice_id, text in asked.invoices.items() if text},
        "means": asked.means,
        "tendered": written(tendered),
        **{name: getattr(noted, name) for name in DETAIL_FIELDS if getattr(noted, name)},
        **{f"f{line.index}": line.face_value for line in noted.vouchers if line.number},
        **{f"n{line.index}": line.number for line in noted.vouchers if line.number},
        "key": str(new_id()),
    }
