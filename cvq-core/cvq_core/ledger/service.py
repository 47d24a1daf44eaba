"""A family's account at a glance: its members with their cards, its wallets with what moved last."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from cvq_core.cards.rules import printed_number, standing
from cvq_core.cards.store import card_facts, cards_of, standing_in_words
from cvq_core.cards.tables import Card
from cvq_core.ledger.statements import Movement, latest_movements
from cvq_core.ledger.wallets import wallets_of
from cvq_core.people.names import listed_name, spoken_name
from cvq_core.people.rules import FAMILY_ROLE_WORDS, FamilyRole
from cvq_core.people.store import family_account_by_id, members_of
from cvq_core.people.tables import Person
from cvq_core.services.rules import POLICY_WORDS, FundingPolicy, ServiceCode
from cvq_core.services.store import services_in_force
from cvq_core.text import translator


@dataclass(frozen=True, slots=True)
class CardOverview:
    """A card as a family's account shows it: `words` says why it does not work, "" when it does."""

    id: UUID
    number: str
    last_digits: str
    usable: bool
    slug: str
    words: str


@dataclass(frozen=True, slots=True)
class MemberOverview:
    """A member of the family with every role they have in it and their newest card."""

    person_id: UUID
    name: str
    listed_name: str
    birth_date: date | None
    deceased_on: date | None
    roles: tuple[FamilyRole, ...]
    roles_in_words: tuple[str, ...]
    card: CardOverview | None


@dataclass(frozen=True, slots=True)
class WalletOverview:
    """A wallet with what an empty one means, and its latest movements, the newest first."""

    id: UUID
    service: ServiceCode
    label: str
    balance_cents: int
    policy: FundingPolicy
    policy_in_words: str
    movements: tuple[Movement, ...]


@dataclass(frozen=True, slots=True)
class AccountOverview:
    """A family account as an advisor sees it once the resident has agreed."""

    id: UUID
    number: str
    label: str
    closed_on: date | None
    members: tuple[MemberOverview, ...]
    wallets: tuple[WalletOverview, ...]


async def account_overview(
    db: AsyncSession,
    account_id: UUID,
    *,
    on: date,
    services: Collection[ServiceCode] | None = None,
    movements: int = 5,
    phone: str = "",
    language: str = "fr",
) -> AccountOverview:
    """Return a family account on a day, in six queries whatever its size.

    `services` limits the wallets to what was agreed to; `phone` is whom to call about a card.

    Raises:
        UnknownFamilyAccount: there is no such account.
    """
    account = await family_account_by_id(db, account_id)
    people: dict[UUID, Person] = {}
    roles: dict[UUID, list[FamilyRole]] = {}
    for person, membership in await members_of(db, account_id, on):
        people[person.id] = person
        roles.setdefault(person.id, []).append(membership.role)
    cards = await cards_of(db, people.keys())
    members = tuple(
        _member(
            person,
            roles[person.id],
            next(iter(cards.get(person.id, [])), None),
            on=on,
            phone=phone,
            language=language,
        )
        for person in people.values()
    )
    return AccountOverview(
        id=account.id,
        number=account.number,
        label=account.label,
        closed_on=account.closed_on,
        members=members,
        wallets=await wallet_overviews(
            db, account_id, on=on, services=services, movements=movements, language=language
        ),
    )


async def wallet_overviews(
    db: AsyncSession,
    account_id: UUID,
    *,
    on: date,
    services: Collection[ServiceCode] | None = None,
    movements: int = 5,
    language: str = "fr",
) -> tuple[WalletOverview, ...]:
    """Return a family account's wallets on a day, in the order in which people list the services."""
    _ = translator(language).gettext
    in_force = await services_in_force(db, on)
    wallets = {
        wallet.service_code: wallet
        for wallet in await wallets_of(db, account_id)
        if services is None or wallet.service_code in services
    }
    latest = await latest_movements(db, [wallet.id for wallet in wallets.values()], each=movements)
    return tuple(
        WalletOverview(
            id=wallets[code].id,
            service=code,
            label=_(service.label),
            balance_cents=wallets[code].balance_cents,
            policy=service.policy,
            policy_in_words=_(POLICY_WORDS[service.policy]),
            movements=latest[wallets[code].id],
        )
        for code, service in in_force.items()
        if code in wallets
    )


def _member(
    person: Person, roles: list[FamilyRole], card: Card | None, *, on: date, phone: str, language: str
) -> MemberOverview:
    _ = translator(language).gettext
    names = (person.family_name, person.usual_name, person.given_names)
    return MemberOverview(
        person_id=person.id,
        name=spoken_name(*names),
        listed_name=listed_name(*names),
        birth_date=person.birth_date,
        deceased_on=person.deceased_on,
        roles=tuple(roles),
        roles_in_words=tuple(_(FAMILY_ROLE_WORDS[role]) for role in roles),
        card=_card(card, on=on, phone=phone, language=language) if card is not None else None,
    )


def _card(card: Card, *, on: date, phone: str, language: str) -> CardOverview:
    facts = card_facts(card)
    found = standing(facts, on)
    return CardOverview(
        id=card.id,
        number=printed_number(card.number),
        last_digits=card.number[-4:],
        usable=found.usable,
        slug=found.slug,
        words=standing_in_words(facts, on, phone=phone, language=language),
    )
