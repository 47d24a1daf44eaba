"""Where a mandatary stands today, and the parts of their page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid5

from cvq_advisor_console.cash.amounts import written
from cvq_advisor_console.views.cash import (
    CashPage,
    CeilingView,
    CountLine,
    CountView,
    DrawerView,
    MeansTotal,
    OpeningView,
    PayerFound,
    PayerSearch,
    PlaceChoice,
    ReceiptDone,
    ReceiptRow,
    StepLink,
)
from cvq_core.clock import local_day
from cvq_core.errors import N_
from cvq_core.ids import new_id
from cvq_core.imports.openings import has_openings
from cvq_core.offices.ceilings import standings_of
from cvq_core.offices.rules import DENOMINATIONS_CENTS, MEANS_WORDS, Act, Means, NotMandatary, Officer, receipt_number
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
from cvq_core.people.store import accounts_of
from cvq_core.staff import Permission
from cvq_core.web import Context
from cvq_core.web.views import Act as PageAct
from cvq_desk.booking.lookup import look_up

LARGEST_COIN_CENTS = 200
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
PLACE_PARAMETER = "lieu"
PLACE_COOKIE = "cvq_lieu"


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
