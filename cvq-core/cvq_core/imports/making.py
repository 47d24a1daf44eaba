"""What a portion of staged families leads to: who each person is, and the rows of what is made. One transaction's."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from cvq_core.access.facts import EVERY_DAY, RightKind
from cvq_core.access.tables import Entitlement
from cvq_core.cards.rules import CardStatus
from cvq_core.cards.tables import Card
from cvq_core.clock import local_day
from cvq_core.errors import N_
from cvq_core.families.departures import NUMBER_DIGITS, next_number
from cvq_core.imports import rules
from cvq_core.imports.clusters import Clusters
from cvq_core.imports.records import OldPerson, person_of, quotient_of_content
from cvq_core.imports.tables import (
    FamilyState,
    ImportBatch,
    ImportFamily,
    ImportPair,
    ImportPerson,
    OpeningBalance,
    Verdict,
)
from cvq_core.people.names import folded, search_key
from cvq_core.people.rules import FamilyRole
from cvq_core.people.store import in_force, word_rows
from cvq_core.people.tables import Commune, FamilyAccount, FamilyQuotient, Membership, Person, PersonWord
from cvq_core.services.rules import ServiceCode

CARD_YEARS = 5
"""How long a card that is taken over stays good; old bases do not say."""
CLUSTER_MAX = 200

Row = dict[str, Any]

UNDECIDED = N_("Une ressemblance est à décider.")
CONTRADICTED = N_("Des décisions se contredisent : l’une dit la même personne, une autre le contraire.")
TWO_PEOPLE = N_("Deux personnes de notre base seraient la même : revoyez la décision.")
ACCOUNT_CLOSED = N_("Son compte a été fermé depuis.")
SAME_GUARDIANS = N_("Mêmes responsables que le compte {number} : à réunir si c’est un seul foyer.")


@dataclass(slots=True)
class Made:
    """How much one portion made."""

    families: int = 0
    persons: int = 0
    linked: int = 0


class Making:
    """Decides what becomes of some families. `look` reads what it must know, `make` decides; rows are written after."""

    def __init__(self, db: AsyncSession, batch: ImportBatch, now: datetime) -> None:
        self._db = db
        self._batch = batch
        self._now = now
        self._today = local_day(now)
        self._made = Made()
        self._made_here: set[UUID] = set()
        self.rows: dict[type[Any], list[Row]] = {
            table: []
            for table in (
                *(Person, PersonWord, FamilyAccount, Membership, FamilyQuotient),
                *(Card, Entitlement, OpeningBalance),
            )
        }
        self.family_changes: list[Row] = []
        self.person_changes: list[Row] = []
        self.reopened: list[Row] = []
        self.accounts_made: list[UUID] = []

    async def look(self, families: Sequence[ImportFamily], persons: Sequence[ImportPerson]) -> None:
        """Read everything that deciding needs; the families are this transaction's alone."""
        db = self._db
        self._families = families
        self._persons: dict[UUID, list[tuple[ImportPerson, OldPerson]]] = {family.id: [] for family in families}
        for row in persons:
            self._persons[row.family_id].append((row, person_of(row.key, row.role, row.content or {})))
        identities = {row.identity for row in persons}
        await self._look_at_pairs(identities)
        related = {each for identity in identities for each in self._clusters.of(identity)}
        known = {row.person_id for row in persons if row.person_id is not None}
        self._people = set(await db.scalars(select(Person.id).where(Person.id.in_(related | known))))
        await self._look_at_accounts(self._people)
        self._communes = {
            (folded(name), postcode): insee
            for insee, name, postcode in await db.execute(select(Commune.insee, Commune.name, Commune.postcode))
        }
        self._number = int(await next_number(db))
        old = [person for mine in self._persons.values() for _, person in mine]
        numbers = [person.card_number for person in old if person.card_number]
        uids = [person.card_uid for person in old if person.card_uid]
        cards = await db.execute(select(Card.number, Card.uid).where(or_(Card.number.in_(numbers), Card.uid.in_(uids))))
        self._cards = {word for row in cards for word in row}
        self._enrolled = await self._enrolments()

    def make(self) -> Made:
        """Decide every family, and return how much is made."""
        for family in self._families:
            why = self._held(family)
            if why:
                self.family_changes.append(self._family_change(family, FamilyState.WAITING, why, family.account_id))
                continue
            self._take(family)
        return self._made

    async def _look_at_pairs(self, identities: set[UUID]) -> None:
        """Read what was decided of these people, and of those who are the same as they, and so on."""
        same: set[tuple[UUID, UUID]] = set()
        self._open: set[UUID] = set()
        self._different: set[tuple[UUID, UUID]] = set()
        frontier, seen = set(identities), set(identities)
        while frontier:
            rows = await self._db.execute(
                select(ImportPair.low, ImportPair.high, ImportPair.verdict).where(
                    or_(ImportPair.low.in_(frontier), ImportPair.high.in_(frontier))
                )
            )
            reached: set[UUID] = set()
            for low, high, verdict in rows:
                if verdict is Verdict.SAME:
                    same.add((low, high))
                    reached |= {low, high}
                elif verdict is Verdict.DIFFERENT:
                    self._different.add((low, high))
                else:
                    self._open |= {low, high}
            frontier = reached - seen
            seen |= reached
        self._clusters = Clusters(same)

    async def _look_at_accounts(self, people: Collection[UUID]) -> None:
        """Read the open accounts of these people: who guards them, and who is what in them."""
        db = self._db
        mine = select(Membership.account_id).where(Membership.person_id.in_(people), in_force(self._today))
        linked = [family.account_id for family in self._families if family.account_id is not None]
        rows = await db.execute(
            select(FamilyAccount.id, FamilyAccount.number, FamilyAccount.closed_on).where(
                or_(FamilyAccount.id.in_(mine), FamilyAccount.id.in_(linked))
            )
        )
        accounts = rows.all()
        self._open_accounts = {account_id: number for account_id, number, closed in accounts if closed is None}
        # An account that an undone import had to leave behind is closed, and opens again under its own number.
        fresh = [rules.account_id_of(self._batch.base, family.number) for family in self._families]
        left = await db.execute(select(FamilyAccount.id, FamilyAccount.number).where(FamilyAccount.id.in_(fresh)))
        self._left = {row[0]: row[1] for row in left}
        members = await db.execute(
            select(Membership.account_id, Membership.person_id, Membership.role).where(
                Membership.account_id.in_(self._open_accounts), in_force(self._today)
            )
        )
        self._roles: set[tuple[UUID, UUID, FamilyRole]] = set()
        guardians: dict[UUID, set[UUID]] = {}
        for account_id, person_id, role in members:
            self._roles.add((account_id, person_id, role))
            if role is FamilyRole.GUARDIAN:
                guardians.setdefault(account_id, set()).add(person_id)
        self._by_guardians = {frozenset(who): account_id for account_id, who in guardians.items()}

    async def _enrolments(self) -> set[tuple[UUID, ServiceCode, UUID | None]]:
        rows = await self._db.execute(
            select(Entitlement.person_id, Entitlement.service_code, Entitlement.payer_account_id).where(
                Entitlement.person_id.in_(self._people),
                Entitlement.kind == RightKind.ENROLMENT,
                or_(Entitlement.valid_until.is_(None), Entitlement.valid_until > self._now),
            )
        )
        return {(person_id, service, payer) for person_id, service, payer in rows if person_id is not None}

    def _held(self, family: ImportFamily) -> str:
        """Return why a family cannot be taken over yet, "" when it can."""
        if family.account_id is not None and family.account_id not in self._open_accounts:
            return ACCOUNT_CLOSED
        for row, _ in self._persons[family.id]:
            if row.person_id is not None:
                continue
            members = self._clusters.of(row.identity)
            if row.identity in self._open:
                return UNDECIDED
            if self._clusters.contradicted(row.identity, self._different):
                return CONTRADICTED
            if len(members) > CLUSTER_MAX or len(self._there(members)) > 1:
                return TWO_PEOPLE
        return ""

    def _there(self, members: Iterable[UUID]) -> set[UUID]:
        return {member for member in members if member in self._people or member in self._made_here}

    def _take(self, family: ImportFamily) -> None:
        """Take one family over: its people, its account, and what hangs on them."""
        content = family.content or {}
        resolved: list[tuple[ImportPerson, OldPerson, UUID]] = []
        for row, person in self._persons[family.id]:
            person_id, is_made = self._person(row, person)
            resolved.append((row, person, person_id))
            self.person_changes.append({"id": row.id, "person_id": person_id, "person_made": is_made})
        account_id, is_made, why = self._account(family, [(p.role, person_id) for _, p, person_id in resolved])
        for row, person, person_id in resolved:
            self._belong(account_id, row, person, person_id)
            self._card(row, person, person_id)
            self._enrol(account_id, row, person, person_id)
        if content.get("quotient"):
            self._quotient(family, account_id, content["quotient"])
        for service, cents in (content.get("balances") or {}).items():
            code = ServiceCode(service)
            self.rows[OpeningBalance].append(
                {
                    "id": rules.opening_id(family.id, code),
                    "batch_id": self._batch.id,
                    "family_id": family.id,
                    "service_code": code,
                    "amount_cents": cents,
                }
            )
        self._made.families += 1
        self.family_changes.append(self._family_change(family, FamilyState.APPLIED, why, account_id, is_made))

    def _person(self, row: ImportPerson, person: OldPerson) -> tuple[UUID, bool]:
        """Return who a staged person is, and whether they are made here."""
        if row.person_id is not None:
            return row.person_id, row.person_made
        there = self._there(self._clusters.of(row.identity))
        if there:
            self._made.linked += 1
            return there.pop(), False
        self._made.persons += 1
        self._made_here.add(row.identity)
        insee = self._communes.get((folded(person.city or ""), person.postcode or ""))
        address = person.address
        if insee is None and person.city:
            address = ", ".join(part for part in (person.address, person.city) if part)[:200]
        self.rows[Person].append(
            {
                "id": row.identity,
                "family_name": person.family_name[:80],
                "given_names": person.given_names[:120],
                "usual_name": person.usual_name,
                "birth_date": person.birth_date,
                "address": address,
                "postcode": person.postcode,
                "commune_insee": insee,
                "phone": person.phone,
                "email": person.email,
                "deceased_on": None,
                "search_key": search_key(person.family_name, person.usual_name, person.given_names),
            }
        )
        self.rows[PersonWord] += word_rows(row.identity, person.family_name, person.usual_name, person.given_names)
        return row.identity, True

    def _account(self, family: ImportFamily, members: list[tuple[FamilyRole, UUID]]) -> tuple[UUID, bool, str]:
        """Return a family's account, whether it is opened here, and what people should know of it."""
        if family.account_id is not None:
            return family.account_id, family.account_made, ""
        guardians = frozenset(person_id for role, person_id in members if role is FamilyRole.GUARDIAN)
        same = self._by_guardians.get(guardians) if guardians else None
        if same is not None and self._batch.unites_families:
            return same, False, ""
        why = SAME_GUARDIANS.format(number=self._open_accounts[same]) if same is not None else ""
        account_id = rules.account_id_of(self._batch.base, family.number)
        content = family.content or {}
        values = {"label": content["label"], "email": content["email"], "closed_on": None}
        if account_id in self._left:
            number = self._left[account_id]
            self.reopened.append({"id": account_id, **values})
        else:
            number = f"{self._number:0{NUMBER_DIGITS}d}"
            self._number += 1
            row = {"id": account_id, "number": number, "opened_on": self._today, "merged_into_id": None, **values}
            self.rows[FamilyAccount].append(row)
        self.accounts_made.append(account_id)
        self._open_accounts[account_id] = number
        if guardians and same is None:
            self._by_guardians[guardians] = account_id
        return account_id, True, why

    def _belong(self, account_id: UUID, row: ImportPerson, person: OldPerson, person_id: UUID) -> None:
        if (account_id, person_id, person.role) in self._roles:
            return
        self._roles.add((account_id, person_id, person.role))
        self.rows[Membership].append(
            {
                "id": rules.membership_id(row.id),
                "account_id": account_id,
                "person_id": person_id,
                "role": person.role,
                "valid_from": self._today,
                "valid_until": None,
                "share_percent": None,
            }
        )

    def _card(self, row: ImportPerson, person: OldPerson, person_id: UUID) -> None:
        """Take a card over where its number and its chip are known and are nobody's yet."""
        if not person.card_number or not person.card_uid or {person.card_number, person.card_uid} & self._cards:
            return
        self._cards |= {person.card_number, person.card_uid}
        self.rows[Card].append(
            {
                "id": rules.card_id(row.id),
                "number": person.card_number,
                "uid": person.card_uid,
                "person_id": person_id,
                "status": CardStatus.ACTIVE,
                "status_since": self._now,
                "blocked_reason": None,
                "valid_from": self._today,
                "valid_until": self._today.replace(year=self._today.year + CARD_YEARS, day=min(self._today.day, 28)),
                "replaced_by_id": None,
            }
        )

    def _enrol(self, account_id: UUID, row: ImportPerson, person: OldPerson, person_id: UUID) -> None:
        for service in person.enrolled:
            if (person_id, service, account_id) in self._enrolled:
                continue
            self._enrolled.add((person_id, service, account_id))
            self.rows[Entitlement].append(
                {
                    "id": rules.enrolment_id(row.id, service),
                    "kind": RightKind.ENROLMENT,
                    "service_code": service,
                    "point_id": None,
                    "person_id": person_id,
                    "account_id": None,
                    "payer_account_id": account_id,
                    "valid_from": self._now,
                    "valid_until": None,
                    "entries_left": None,
                    "weekdays": EVERY_DAY,
                    "opens_at": None,
                    "closes_at": None,
                }
            )

    def _quotient(self, family: ImportFamily, account_id: UUID, content: Row) -> None:
        quotient = quotient_of_content(content)
        self.rows[FamilyQuotient].append(
            {
                "id": rules.quotient_id(family.id),
                "account_id": account_id,
                "value_euros": quotient.value_euros,
                "source": quotient.source,
                "valid_from": quotient.valid_from,
                "valid_until": quotient.valid_until,
                "recorded_at": self._now,
            }
        )

    def _family_change(
        self, family: ImportFamily, state: FamilyState, why: str, account_id: UUID | None, is_made: bool = False
    ) -> Row:
        return {"id": family.id, "state": state, "why": why, "account_id": account_id, "account_made": is_made}
