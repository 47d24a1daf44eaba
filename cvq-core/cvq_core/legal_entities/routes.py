"""Companies and associations over HTTP: their accounts, their people, the cards and the rights of those."""

from __future__ import annotations

from datetime import date
from typing import Literal
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from cvq_core.cards.tables import Card
from cvq_core.clock import local_day
from cvq_core.legal_entities.rules import EntityKind
from cvq_core.legal_entities.service import (
    Entity,
    add_holder,
    end_holder,
    end_professional_right,
    entity_of,
    find_entities,
    give_card,
    give_professional_right,
    holders_of,
    open_entity,
    rights_of,
)
from cvq_core.people.names import listed_name
from cvq_core.people.rules import FamilyRole
from cvq_core.services.rules import ServiceCode
from cvq_core.staff.rules import Permission
from cvq_core.web import Context, Routes

routes = Routes("/api/v1/legal-entities", tag="legal entities")
EntityRole = Literal["payer", "holder"]


class Body(BaseModel):
    """What is sent here: nothing unknown. `id` is made by who asks, and makes a repetition harmless."""

    model_config = ConfigDict(extra="forbid")

    id: UUID


class EntityBody(Body):
    """A company or an association that gets an account."""

    kind: EntityKind
    name: str = Field(min_length=2, max_length=120)
    siret: str = Field("", max_length=20)
    rna: str = Field("", max_length=12)
    email: str | None = Field(None, max_length=254)


class HolderBody(Body):
    """Somebody who belongs to it from today on."""

    person_id: UUID
    role: EntityRole


class HolderEnd(BaseModel):
    """Somebody who belongs to it no more."""

    model_config = ConfigDict(extra="forbid")

    person_id: UUID
    role: EntityRole


class CardBody(Body):
    """A card that somebody carries for it."""

    person_id: UUID
    number: str = Field(max_length=20)
    uid: str = Field(max_length=60)
    valid_until: date


class RightBody(Body):
    """A service that its people may use as professionals, who are charged."""

    service: ServiceCode
    valid_until: AwareDatetime | None = None


class EntityOut(BaseModel):
    """A company or an association."""

    id: UUID
    number: str
    name: str
    kind: EntityKind
    siret: str | None
    rna: str | None
    closed_on: date | None

    @classmethod
    def of(cls, found: Entity) -> EntityOut:
        """Return what is shown of one."""
        entity, account = found.entity, found.account
        return cls(
            id=account.id,
            number=account.number,
            name=account.label,
            kind=entity.kind,
            siret=entity.siret,
            rna=entity.rna,
            closed_on=account.closed_on,
        )


class HeldCardOut(BaseModel):
    """A card of the account."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    number: str
    status: str
    valid_until: date


class HolderOut(BaseModel):
    """Somebody who belongs to the account."""

    person_id: UUID
    name: str
    role: FamilyRole
    since: date
    cards: list[HeldCardOut]


class RightOut(BaseModel):
    """What the account's people may use through it."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    kind: str
    service_code: ServiceCode
    valid_from: AwareDatetime
    valid_until: AwareDatetime | None


class EntityFileOut(BaseModel):
    """A company or an association with its people and what they may use."""

    entity: EntityOut
    holders: list[HolderOut]
    rights: list[RightOut]


class FoundOut(BaseModel):
    """Those that a search found, at most fifty."""

    entities: list[EntityOut]


class WithdrawnOut(BaseModel):
    """The cards that were withdrawn."""

    cards: list[UUID]


@routes.get("", access=Permission.FAMILIES, answer=FoundOut)
async def entities(context: Context) -> FoundOut:
    """Find companies and associations by name, SIRET or account number (`q`)."""
    found = await find_entities(context.db, context.request.query.get("q", "")[:120])
    return FoundOut(entities=[EntityOut.of(each) for each in found])


@routes.post("", access=Permission.FAMILIES, body=EntityBody, answer=EntityOut, status=201)
async def open_one(context: Context, body: EntityBody) -> EntityOut:
    """Open an account for a company or an association."""
    found = await open_entity(
        context.db,
        body.id,
        kind=body.kind,
        name=body.name,
        siret=body.siret,
        rna=body.rna,
        email=body.email,
        by=context.principal.id,
        now=context.now,
    )
    await context.journal_once("entity-opened", body.id, subject=("account", body.id), account_id=body.id)
    return EntityOut.of(found)


@routes.get("/{id}", access=Permission.FAMILIES, answer=EntityFileOut)
async def entity_file(context: Context) -> EntityFileOut:
    """Show a company or an association with its people; the look is recorded."""
    found = await entity_of(context.db, context.path_id())
    account_id = found.account.id
    holders = await holders_of(context.db, account_id, local_day(context.now))
    rights = await rights_of(context.db, account_id, context.now)
    answer = EntityFileOut(
        entity=EntityOut.of(found),
        holders=[
            HolderOut(
                person_id=each.person.id,
                name=listed_name(each.person.family_name, each.person.usual_name, each.person.given_names),
                role=each.membership.role,
                since=each.membership.valid_from,
                cards=[HeldCardOut.model_validate(card) for card in each.cards],
            )
            for each in holders
        ],
        rights=[RightOut.model_validate(each) for each in rights],
    )
    async with context.acting() as writing:
        writing.journal("account-looked-at", subject=("account", account_id), account_id=account_id)
    return answer


@routes.post("/{id}/holders", access=Permission.FAMILIES, body=HolderBody)
async def new_holder(context: Context, body: HolderBody) -> None:
    """Let a person belong to it from today on."""
    account_id = context.path_id()
    await add_holder(
        context.db,
        body.id,
        account_id=account_id,
        person_id=body.person_id,
        role=FamilyRole(body.role),
        now=context.now,
    )
    await context.journal_once("member-added", body.id, subject=("person", body.person_id), account_id=account_id)


@routes.post("/{id}/holders/end", access=Permission.FAMILIES, body=HolderEnd, answer=WithdrawnOut)
async def holder_leaves(context: Context, body: HolderEnd) -> WithdrawnOut:
    """Let a person belong to it no more; their cards of this account are withdrawn at once."""
    account_id = context.path_id()
    cards = await end_holder(
        context.db,
        account_id=account_id,
        person_id=body.person_id,
        role=FamilyRole(body.role),
        now=context.now,
    )
    context.journal("member-left", subject=("person", body.person_id), account_id=account_id)
    return WithdrawnOut(cards=cards)


@routes.post("/{id}/cards", access=Permission.FAMILIES, body=CardBody, answer=HeldCardOut, status=201)
async def new_card(context: Context, body: CardBody) -> HeldCardOut:
    """Give a person a card of it."""
    account_id = context.path_id()
    card: Card = await give_card(
        context.db,
        body.id,
        account_id=account_id,
        person_id=body.person_id,
        number=body.number,
        uid=body.uid,
        valid_until=body.valid_until,
        by=context.principal.id,
        now=context.now,
    )
    await context.journal_once("entity-card-given", body.id, subject=("person", body.person_id), account_id=account_id)
    return HeldCardOut.model_validate(card)


@routes.post("/{id}/rights", access=Permission.FAMILIES, body=RightBody, answer=RightOut, status=201)
async def new_right(context: Context, body: RightBody) -> RightOut:
    """Let its people use a service as professionals."""
    account_id = context.path_id()
    right = await give_professional_right(
        context.db,
        body.id,
        account_id=account_id,
        service=body.service,
        valid_until=body.valid_until,
        now=context.now,
    )
    personal = {"service": body.service.value}
    await context.journal_once(
        "entity-right-given", body.id, subject=("account", account_id), account_id=account_id, personal=personal
    )
    return RightOut.model_validate(right)


@routes.delete("/{id}/rights/{right_id}", access=Permission.FAMILIES)
async def right_ends(context: Context) -> None:
    """Let its people use a service no more."""
    account_id, right_id = context.path_id(), context.path_id("right_id")
    if await end_professional_right(context.db, right_id, account_id=account_id, now=context.now):
        context.journal("entity-right-ended", subject=("account", account_id), account_id=account_id)
