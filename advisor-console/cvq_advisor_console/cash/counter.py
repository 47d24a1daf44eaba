"""Where a mandatary stands today, and the parts of their page."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any
from uuid import UUID, uuid5

from sqlalchemy import select

from cvq_advisor_console.cash.amounts import cents_of, written
from cvq_advisor_console.views.cash import (
    CashPage,
    CollectingView,
    ConfirmLine,
    ConfirmView,
    CountLine,
    CountView,
    DrawerView,
    MeansChoice,
    MeansTotal,
    OpeningView,
    PayerFound,
    PayerSearch,
    ReceiptDone,
    ReceiptRow,
    WalletLine,
)
from cvq_core.clock import local_day
from cvq_core.errors import N_
from cvq_core.ids import new_id
from cvq_core.ledger.tables import Wallet
from cvq_core.ledger.wallets import wallets_of
from cvq_core.offices.rules import (
    DENOMINATIONS_CENTS,
    MEANS_WORDS,
    Act,
    Means,
    NotMandatary,
    Officer,
    receipt_number,
)
from cvq_core.offices.store import (
    DrawerTotals,
    act_of,
    drawer_totals,
    open_drawer_of,
    receipts_of,
    sub_office_by_id,
    sub_offices_of,
)
from cvq_core.offices.tables import CashOffice, Drawer, Receipt, SubOffice
from cvq_core.people.names import spoken_name
from cvq_core.people.store import accounts_of, family_account_by_id, person_by_id
from cvq_core.services.tables import Service
from cvq_core.text import money
from cvq_core.web import Context
from cvq_core.web.views import Act as PageAct
from cvq_desk.booking.lookup import look_up

LARGEST_COIN_CENTS = 200
NOT_IN_ACT = N_("ne s’encaisse pas ici")


@dataclass(frozen=True, slots=True)
class Counter:
    """A place of the cash office, what it may collect, and the drawer that is open there."""

    context: Context
    officer: Officer
    sub_office: SubOffice
    office: CashOffice
    act: Act
    drawer: Drawer | None

    def say(self, sentence: str, **facts: object) -> str:
        """Return a sentence in the language of the person who asks."""
        return self.context._(sentence, **facts)

    def means_word(self, means: Means) -> str:
        """Return how somebody pays, in a word."""
        return self.say(MEANS_WORDS[means])

    async def page(self, **step: Any) -> CashPage:
        """Return the page with one step on it, the drawer beside."""
        return CashPage(place=self.sub_office.label, office=self.office.label, drawer=await drawer_view(self), **step)


async def counter_of(context: Context) -> Counter:
    """Return where the person may collect today.

    Raises:
        NotMandatary: nowhere.
    """
    assert context.principal.id is not None
    today = local_day(context.now)
    places = await sub_offices_of(context.db, context.principal.id, today)
    if not places:
        raise NotMandatary
    wanted = context.request.query.get("lieu")
    place = next((each for each in places if str(each.id) == wanted), places[0])
    sub_office, office = await sub_office_by_id(context.db, place.id, today)
    context.place = sub_office.label
    return Counter(
        context=context,
        officer=Officer(context.principal.id, context.principal.name),
        sub_office=sub_office,
        office=office,
        act=await act_of(context.db, sub_office, office, today),
        drawer=await open_drawer_of(context.db, context.principal.id, sub_office.id),
    )


def opening_view(counter: Counter) -> OpeningView:
    """Return the step that opens a drawer."""
    return OpeningView(
        url="/caisse/ouvrir",
        drawer_id=str(new_id()),
        float_limit_cents=counter.sub_office.float_cents,
        float_value=written(counter.sub_office.float_cents),
    )


async def drawer_view(counter: Counter) -> DrawerView | None:
    """Return the open drawer, with what must be in it."""
    if counter.drawer is None:
        return None
    totals = await drawer_totals(counter.context.db, counter.drawer)
    return DrawerView(
        opened_at=counter.drawer.opened_at,
        float_cents=totals.float_cents,
        expected_cents=totals.expected_cents,
        by_means=means_totals(counter, totals),
        receipts=tuple(
            receipt_row(counter, line.receipt, voided=line.voided_by_id is not None)
            for line in await receipts_of(counter.context.db, counter.drawer.id, limit=12)
        ),
        count_url="/caisse/compter",
    )


def means_totals(counter: Counter, totals: DrawerTotals) -> tuple[MeansTotal, ...]:
    """Return what came in, by means."""
    return tuple(
        MeansTotal(counter.means_word(each.means), each.receipts, each.total_cents) for each in totals.by_means
    )


def receipt_row(counter: Counter, receipt: Receipt, *, voided: bool) -> ReceiptRow:
    """Return a receipt as a line of the drawer."""
    return ReceiptRow(
        number=number_of(receipt),
        issued_at=receipt.issued_at,
        name=family_of(receipt),
        means_word=counter.means_word(receipt.means),
        total_cents=receipt.total_cents,
        pdf_url=pdf_url(receipt, new_id()),
        voided=voided,
    )


def household(label: str) -> str:
    """Return a family's name as it follows the word "famille"."""
    return label.removeprefix("Famille ").removeprefix("Foyer ")


def number_of(receipt: Receipt) -> str:
    """Return a receipt's number as it is printed."""
    return receipt_number(receipt.printed["series"], receipt.number)


def family_of(receipt: Receipt) -> str:
    """Return for whom a receipt is."""
    return ", ".join(dict.fromkeys(str(line["family"]) for line in receipt.printed["lines"]))


def pdf_url(receipt: Receipt, print_id: UUID) -> str:
    """Return where a receipt prints; the same `print_id` is the same printing, however often it is fetched."""
    return f"/caisse/quittances/{receipt.id}.pdf?print={print_id}"


async def search_view(counter: Counter, typed: str) -> PayerSearch:
    """Return who pays: one line for each family account of those who were found."""
    context = counter.context
    matches = await look_up(
        context.db, typed, actor=context.principal.actor, now=context.now, language=context.language
    )
    found = []
    for match in matches.people:
        for account in await accounts_of(context.db, match.person_id, local_day(context.now)):
            found.append(
                PayerFound(
                    name=match.name,
                    url=f"/caisse/comptes/{account.id}?person={match.person_id}",
                    family=household(account.label),
                    birth_date=match.birth_date,
                    commune=match.commune,
                    card_digits=match.card_digits,
                )
            )
    return empty_search(typed, found=tuple(found), searched=matches.searched, more=matches.more)


def empty_search(typed: str = "", **more: Any) -> PayerSearch:
    """Return the search, with what was found where there is any."""
    return PayerSearch(url="/caisse/chercher", fragment_url="/caisse/fragments/payers", query=typed, **more)


@dataclass(frozen=True, slots=True)
class Asked:
    """What the form sends: amounts by wallet as they were written, the means, what was given."""

    account_id: UUID
    person_id: UUID | None
    amounts: Mapping[UUID, str]
    means: str
    tendered: str


async def collecting_view(
    counter: Counter, asked: Asked, errors: Mapping[str, str] = MappingProxyType({})
) -> CollectingView:
    """Return the step that takes amounts and means."""
    context = counter.context
    account = await family_account_by_id(context.db, asked.account_id)
    person = await person_by_id(context.db, asked.person_id) if asked.person_id else None
    payer = spoken_name(person.family_name, person.usual_name, person.given_names) if person else account.label
    lines = [
        WalletLine(
            field_name=f"w{wallet.id}",
            service=service.label,
            balance_cents=wallet.balance_cents,
            value=asked.amounts.get(wallet.id, ""),
            error=errors.get(f"w{wallet.id}", ""),
            why_not="" if wallet.service_code in counter.act.services else counter.say(NOT_IN_ACT),
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
        means=tuple(
            MeansChoice(means.value, counter.means_word(means), chosen=asked.means == means.value)
            for means in Means
            if means in counter.act.means
        ),
        tendered_value=asked.tendered,
        limit_words=limit,
        errors=errors,
        change_payer_url="/caisse/qui",
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
    account = await family_account_by_id(counter.context.db, asked.account_id)
    lines, total = [], 0
    for wallet, service in await services_of(counter, asked.account_id):
        cents = cents_of(asked.amounts.get(wallet.id, "")) or 0
        if cents:
            lines.append(ConfirmLine(service.label, cents, wallet.balance_cents + cents))
            total += cents
    tendered = tendered_cents(asked, total)
    fields = {
        "account_id": str(asked.account_id),
        **({"person_id": str(asked.person_id)} if asked.person_id else {}),
        **{f"w{wallet_id}": text for wallet_id, text in asked.amounts.items() if text},
        "means": asked.means,
        "tendered": written(tendered),
        "key": str(new_id()),
    }
    return ConfirmView(
        family=household(account.label),
        lines=tuple(lines),
        total_cents=total,
        means_word=counter.means_word(Means(asked.means)),
        tendered_cents=tendered,
        change_cents=tendered - total,
        fields=fields,
        collect=PageAct("/caisse/encaisser"),
        back_url=f"/caisse/comptes/{asked.account_id}",
    )


def tendered_cents(asked: Asked, total: int) -> int:
    """Return what was given: for cash as it was written, otherwise the total."""
    if asked.means != Means.CASH or not asked.tendered.strip():
        return total
    return cents_of(asked.tendered) or 0


async def done_view(counter: Counter, receipt: Receipt) -> ReceiptDone:
    """Return the receipt that was just issued."""
    voidable = receipt.voids_id is None and counter.drawer is not None and receipt.drawer_id == counter.drawer.id
    return ReceiptDone(
        id=str(receipt.id),
        number=number_of(receipt),
        name=family_of(receipt),
        total_cents=receipt.total_cents,
        change_cents=receipt.change_cents,
        pdf_url=pdf_url(receipt, uuid5(receipt.id, "first")),
        next_url="/caisse/qui",
        void=PageAct(f"/caisse/quittances/{receipt.id}/annuler?key={new_id()}") if voidable else None,
    )


def count_view(error: str = "") -> CountView:
    """Return the count that closes the drawer."""
    lines = [CountLine(cents) for cents in DENOMINATIONS_CENTS]
    return CountView(
        url="/caisse/fermer",
        notes=tuple(line for line in lines if line.denomination_cents > LARGEST_COIN_CENTS),
        coins=tuple(line for line in lines if line.denomination_cents <= LARGEST_COIN_CENTS),
        error=error,
        back_url="/caisse/qui",
    )
