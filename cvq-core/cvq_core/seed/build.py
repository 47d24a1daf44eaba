"""A made-up territory as rows, table by table, in an order that foreign keys allow."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain

from sqlalchemy import Table

from cvq_core.access.tables import AccessPoint, Entitlement
from cvq_core.cards.tables import Card
from cvq_core.database import Base
from cvq_core.debits.tables import DebitCreditor
from cvq_core.ledger.rules import TransactionKind
from cvq_core.ledger.tables import LedgerAccount, LedgerTransaction, Posting, Wallet
from cvq_core.offices.tables import (
    AcceptedMeans,
    CashOffice,
    CollectableService,
    ReceiptSeries,
    SubOffice,
    VoucherService,
)
from cvq_core.people.names import search_key
from cvq_core.people.store import word_rows
from cvq_core.people.tables import Commune, FamilyAccount, FamilyQuotient, Membership, Person, PersonWord
from cvq_core.seed.books import Books, Movement
from cvq_core.seed.cards import Cards
from cvq_core.seed.draw import Draw
from cvq_core.seed.heroes import Heroes
from cvq_core.seed.population import Household, Population, Someone, communes
from cvq_core.seed.presets import Preset
from cvq_core.seed.rights import Holdings, Rights, everybody
from cvq_core.seed.tariffs import adoption_rows, version_rows
from cvq_core.seed.territory import Row, Territory
from cvq_core.seed.waste import category_rows, quota_rows, tablet_rows
from cvq_core.services.tables import Service, ServicePolicy
from cvq_core.tariffs.tables import TariffAdoption, TariffVersion
from cvq_core.waste.tables import WasteCategory, WasteQuota


@dataclass(frozen=True, slots=True)
class TableRows:
    """The rows of one table; `count` is how many there will be, about, for a progress bar."""

    table: Table
    rows: Iterable[Row]
    count: int


def build(preset: Preset, draw: Draw) -> list[TableRows]:
    """Return a territory: the same preset and stream of chance give the same rows."""
    territory = Territory.of(draw)
    population = Population(draw, preset)
    heroes = Heroes.of(draw, population) if preset.has_heroes else None
    households = list(population.households(preset.people))
    rights = Rights(draw, territory)
    held = rights.hand_out(households, preset)
    books = Books(draw, territory)
    books.open_offices()
    cards = Cards(draw)
    cards.hand_out(held.card_wanted.values(), list(everybody(households)), preset.cards)
    if heroes is not None:
        heroes.rights(rights, territory)
        heroes.cards(cards)
        heroes.books(books)
        households = [*heroes.households(), *households]
    _open_wallets(books, households, held)
    people = list(everybody(households))
    return [
        _rows(Commune, [_commune(place.insee, place.name, place.postcode) for place in communes()]),
        _rows(Service, territory.services),
        _rows(ServicePolicy, territory.policies),
        _rows(TariffVersion, list(version_rows(draw.opens_at))),
        _rows(TariffAdoption, list(adoption_rows(draw.begins, draw.opens_at))),
        _rows(AccessPoint, [*territory.points, *tablet_rows(territory.points)]),
        _rows(WasteCategory, list(category_rows())),
        _rows(WasteQuota, list(quota_rows(draw.begins, draw.opens_at))),
        _rows(Person, [_person(person) for person in people]),
        TableRows(_table(PersonWord), chain.from_iterable(map(_words, people)), 5 * len(people)),
        _rows(FamilyAccount, [_account(household) for household in households]),
        _rows(Membership, [row for household in households for row in _memberships(draw, household)]),
        _rows(FamilyQuotient, held.quotients),
        _rows(Card, cards.rows),
        _rows(LedgerAccount, books.accounts),
        _rows(Wallet, books.wallets),
        _rows(LedgerTransaction, books.transactions),
        _rows(Posting, books.postings),
        _rows(Entitlement, held.entitlements),
        _rows(CashOffice, books.offices),
        _rows(ReceiptSeries, books.series),
        _rows(DebitCreditor, books.creditors),
        _rows(SubOffice, books.sub_offices),
        _rows(CollectableService, books.collectable),
        _rows(AcceptedMeans, books.means),
        _rows(VoucherService, books.vouchers),
    ]


def _rows(kind: type[Base], rows: list[Row]) -> TableRows:
    return TableRows(_table(kind), rows, len(rows))


def _table(kind: type[Base]) -> Table:
    assert isinstance(kind.__table__, Table)
    return kind.__table__


def _open_wallets(books: Books, households: Iterable[Household], held: Holdings) -> None:
    by_id = {household.id: household for household in households}
    there = {(row["family_account_id"], row["service_code"]) for row in books.wallets}
    opened = books.draw.opens_at
    for (account_id, service), balance in held.wallets.items():
        if (account_id, service) not in there:
            carried = Movement(opened, TransactionKind.OPENING, "Reprise du solde", balance)
            books.open_wallet(by_id[account_id], service, [carried])


def _commune(insee: str, name: str, postcode: str) -> Row:
    return {"insee": insee, "name": name, "postcode": postcode, "in_territory": True}


def _person(person: Someone) -> Row:
    return {
        "id": person.id,
        "family_name": person.family_name,
        "given_names": person.given_names,
        "usual_name": person.usual_name,
        "birth_date": person.birth_date,
        "address": person.home.address,
        "postcode": person.home.postcode,
        "commune_insee": person.home.insee,
        "phone": person.phone,
        "email": person.email,
        "deceased_on": person.deceased_on,
        "search_key": search_key(person.family_name, person.usual_name, person.given_names),
    }


def _words(person: Someone) -> list[Row]:
    return word_rows(person.id, person.family_name, person.usual_name, person.given_names)


def _account(household: Household) -> Row:
    return {
        "id": household.id,
        "number": household.number,
        "label": household.label,
        "email": household.email,
        "opened_on": household.opened_on,
        "closed_on": None,
    }


def _memberships(draw: Draw, household: Household) -> Iterator[Row]:
    for member in household.members:
        yield {
            "id": draw.id(),
            "account_id": household.id,
            "person_id": member.person.id,
            "role": member.role,
            "valid_from": member.since,
            "valid_until": None,
            "share_percent": member.share_percent,
        }
