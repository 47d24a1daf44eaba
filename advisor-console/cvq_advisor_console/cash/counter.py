"""Where a mandatary stands today, and the parts of their page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any
from uuid import UUID, uuid5

from sqlalchemy import select

from cvq_advisor_console.cash.amounts import BAD_AMOUNT, BAD_NUMBER, cents_of, written
from cvq_advisor_console.cash.prices import price_choices
from cvq_advisor_console.invoices.pages import paper_url
from cvq_advisor_console.views.cash import (
    CashPage,
    CeilingView,
    CollectingView,
    ConfirmLine,
    ConfirmView,
    CountLine,
    CountView,
    DetailsFields,
    DrawerView,
    InvoiceLine,
    MeansChoice,
    MeansTotal,
    OpeningView,
    PayerFound,
    PayerSearch,
    PlaceChoice,
    ReceiptDone,
    ReceiptRow,
    StepLink,
    WalletLine,
)
from cvq_core.clock import local_day
from cvq_core.errors import N_
from cvq_core.ids import new_id
from cvq_core.imports.openings import has_openings
from cvq_core.invoices.store import invoices_of
from cvq_core.ledger.tables import Wallet
from cvq_core.ledger.wallets import wallets_of
from cvq_core.offices.ceilings import standings_of
from cvq_core.offices.receipt_pdf import means_details
from cvq_core.offices.rules import (
    COUNTER_MEANS,
    DENOMINATIONS_CENTS,
    MEANS_WORDS,
    NO_DETAILS,
    VOUCHERS,
    Act,
    Cheque,
    Means,
    MeansDetails,
    NotMandatary,
    Officer,
    VoucherCount,
    receipt_number,
)
from cvq_core.offices.service import printed_details
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
from cvq_core.payables.rules import Payable, PayableKind
from cvq_core.payables.store import payable_lines
from cvq_core.people.names import spoken_name
from cvq_core.people.store import accounts_of, family_account_by_id, person_by_id
from cvq_core.services.tables import Service
from cvq_core.staff import Permission
from cvq_core.text import money
from cvq_core.web import Context
from cvq_core.web.views import Act as PageAct
from cvq_desk.booking.lookup import look_up

LARGEST_COIN_CENTS = 200
INVOICES_SHOWN = 12
NOT_IN_ACT = N_("ne s’encaisse pas ici")
COLLECT = N_("Encaisser")
REMIT = N_("Verser")
INTEGRATE = N_("Intégrer")
LOOK_UP = N_("Retrouver une quittance")
ADVANCE = N_("Avance")
VALUES = N_("Valeurs inactives")
TREASURY = N_("Compte au Trésor")
MINUTES = N_("Procès-verbaux")
INVOICES = N_("Factures")
BOOKS = N_("Livres")
OPENINGS = N_("Soldes repris")
WANTED = N_("À écrire, pour le bordereau de remise.")
PLACE_PARAMETER = "lieu"
PLACE_COOKIE = "cvq_lieu"
DETAIL_FIELDS = ("cheque_number", "cheque_bank", "cheque_drawer", "card_reference")


@dataclass(frozen=True, slots=True)
class Counter:
    """A place of the cash office, what it may collect, and the drawer that is open there."""

    context: Context
    officer: Officer
    sub_office: SubOffice
    office: CashOffice
    act: Act
    drawer: Drawer | None
    places: tuple[SubOffice, ...]
    # An old base brought balances: the office's own place leads to where they are taken over.
    has_openings: bool = False

    def here(self, url: str) -> str:
        """Return an address that names this place."""
        return f"{url}?{PLACE_PARAMETER}={self.sub_office.id}"

    def say(self, sentence: str, **facts: object) -> str:
        """Return a sentence in the language of the person who asks."""
        return self.context._(sentence, **facts)

    def means_word(self, means: Means) -> str:
        """Return how somebody pays, in a word."""
        return self.say(MEANS_WORDS[means])

    async def page(self, **step: Any) -> CashPage:
        """Return the page with one step on it, the drawer and what the place holds beside."""
        return CashPage(
            place=self.sub_office.label,
            office=self.office.label,
            drawer=await drawer_view(self),
            links=self.links(),
            places=tuple(PlaceChoice(str(each.id), each.label, each.id == self.sub_office.id) for each in self.places)
            if len(self.places) > 1
            else (),
            **step,
        )

    def links(self) -> tuple[StepLink, ...]:
        """Return the other things to do here; the page that one is on is marked."""
        path = self.context.request.path
        steps = [
            (COLLECT, "/caisse/qui" if self.drawer else "/caisse", "c", "cash"),
            (REMIT, "/caisse/versement", "v", "building"),
            (LOOK_UP, "/caisse/quittances", "t", "search"),
            (VALUES, "/caisse/valeurs", "s", "credit-card"),
            (MINUTES, "/caisse/pv", "p", "shield-check"),
        ]
        if self.sub_office.is_main:
            steps.insert(2, (INTEGRATE, "/caisse/a-integrer", "n", "list-check"))
            steps.append((ADVANCE, "/caisse/avance", "a", "wallet"))
            steps.append((TREASURY, "/tresor/cheques", "h", "building"))
            steps.append((INVOICES, "/factures", "k", "receipt"))
        if self.has_openings:
            steps.append((OPENINGS, "/soldes-repris", "o", "calculator"))
        if self.context.principal.may(Permission.READ_BOOKS):
            steps.append((BOOKS, "/livres", "l", "book"))
        return tuple(StepLink(self.say(label), url, key, icon, path == url) for label, url, key, icon in steps)

    async def ceilings(self) -> tuple[CeilingView, ...]:
        """Return what the place and its office hold against their ceilings."""
        standings = await standings_of(self.context.db, self.sub_office, self.office)
        return tuple(
            CeilingView(each.place, each.held_cents, each.ceiling_cents, each.percent, each.warned, each.reached)
            for each in standings.all
        )


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
    place = _chosen(context, places)
    sub_office, office = await sub_office_by_id(context.db, place.id, today)
    context.place = sub_office.label
    return Counter(
        context=context,
        officer=Officer(context.principal.id, context.principal.name),
        sub_office=sub_office,
        office=office,
        act=await act_of(context.db, sub_office, office, today),
        drawer=await open_drawer_of(context.db, context.principal.id, sub_office.id),
        places=tuple(places),
        has_openings=sub_office.is_main and await has_openings(context.db),
    )


def _chosen(context: Context, places: Sequence[SubOffice]) -> SubOffice:
    """Return the place that the address names, else the one that was last chosen here, else the first.

    What moves money names its place in its address: a choice made meanwhile in another window does not turn it aside.
    """
    by_id = {str(place.id): place for place in places}
    named = context.request.query.get(PLACE_PARAMETER)
    if named is not None and named not in by_id:
        raise NotMandatary
    return by_id.get(named or context.request.cookies.get(PLACE_COOKIE, ""), places[0])


def opening_view(counter: Counter) -> OpeningView:
    """Return the step that opens a drawer."""
    return OpeningView(
        url=counter.here("/caisse/ouvrir"),
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
        ceilings=await counter.ceilings(),
    )


def means_totals(counter: Counter, totals: DrawerTotals) -> tuple[MeansTotal, ...]:
    """Return what came in, by means."""
    return tuple(
        MeansTotal(counter.means_word(each.means), each.receipts, each.total_cents) for each in totals.by_means
    )


def means_totals_of(counter: Counter, cents_by_means: Mapping[str, int]) -> tuple[MeansTotal, ...]:
    """Return the totals that a slip prints, by means."""
    return tuple(MeansTotal(counter.means_word(Means(word)), 0, cents) for word, cents in cents_by_means.items())


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


async def search_view(counter: Counter, typed: str, *, base: str = "/caisse/comptes") -> PayerSearch:
    """Return who pays: one line for each family account of those who were found, with its page below `base`."""
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
                    url=f"{base}/{account.id}?person={match.person_id}",
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


def count_view(counter: Counter) -> CountView:
    """Return the count that closes the drawer."""
    notes, coins = count_lines()
    return CountView(url=counter.here("/caisse/fermer"), notes=notes, coins=coins, back_url="/caisse/qui")


def count_lines() -> tuple[tuple[CountLine, ...], tuple[CountLine, ...]]:
    """Return a line for each note, and one for each coin."""
    lines = [CountLine(cents) for cents in DENOMINATIONS_CENTS]
    notes = tuple(line for line in lines if line.denomination_cents > LARGEST_COIN_CENTS)
    return notes, tuple(line for line in lines if line.denomination_cents <= LARGEST_COIN_CENTS)
