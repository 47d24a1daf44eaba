"""What changed for a site since its controller last asked: whom the live events on "access" name, as they are now."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any, Literal
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from cvq_core.access.changes import TOPIC
from cvq_core.access.tables import Entitlement
from cvq_core.card_keys.store import public_keys
from cvq_core.clock import local_day
from cvq_core.controllers.records import Site, gather, next_people, read_site
from cvq_core.controllers.tables import Controller
from cvq_core.controllers.wire import PEOPLE_A_PAGE, Changes, Page, SignedPage, TooLong, sign
from cvq_core.ids import new_id
from cvq_core.ledger.tables import Wallet
from cvq_core.live.store import Event, events_since, last_sequences
from cvq_core.people.tables import Membership
from cvq_core.public_holidays import holidays_around


@dataclass(slots=True)
class Named:
    """Whom and what some events name."""

    persons: set[UUID] = field(default_factory=set)
    accounts: set[UUID] = field(default_factory=set)
    wallets: set[UUID] = field(default_factory=set)
    services: set[str] = field(default_factory=set)
    everybody: bool = False

    def add(self, payload: dict[str, Any]) -> None:
        """Take in one event (`access.changes.note_change` says what its payload holds)."""
        self.everybody = self.everybody or bool(payload.get("everybody"))
        self.services.update(payload.get("services", ()))
        for name in ("persons", "accounts", "wallets"):
            getattr(self, name).update(UUID(each) for each in payload.get(name, ()))


async def list_page(
    db: AsyncSession,
    controller: Controller,
    key: Ed25519PrivateKey,
    *,
    run: UUID | None,
    after: UUID | None,
    now: datetime,
) -> SignedPage:
    """Return one page of the whole list: the first without `run` and `after`, each other by what the last one said.

    Each page is read by itself; what changes while a list is fetched comes with the changes after its first page.
    """
    sequence = (await last_sequences(db, [TOPIC]))[TOPIC]
    site = await read_site(db, controller, now=now)
    people = await next_people(db, site, after=after, limit=PEOPLE_A_PAGE)
    page = Page(
        kind="list",
        controller_id=controller.id,
        run=run or new_id(),
        sequence=sequence,
        made_at=now,
        expires_at=now + timedelta(hours=controller.list_hours),
        after=after,
        before=people[-1] if len(people) == PEOPLE_A_PAGE else None,
        holidays=holidays_of(site.instants),
        signing_keys={version: key.hex() for version, key in (await public_keys(db)).items()},
        points=site.points,
        people=tuple(await gather(db, site, people)),
    )
    while True:
        try:
            return sign(page, key)
        except TooLong:
            if len(people) == 1:
                raise
            # The others come with the next page.
            people = people[: len(people) // 2]
            found = tuple(person for person in page.people if person.id <= people[-1])
            page = page.model_copy(update={"before": people[-1], "people": found})


async def changes_since(
    db: AsyncSession, controller: Controller, key: Ed25519PrivateKey, sequence: int, *, now: datetime
) -> Changes | None:
    """Return what changed after an event's number; None where nothing did.

    `more` says that as much again waits: a page holds as many people as one of the list.
    """
    events, gone = await events_since(db, TOPIC, sequence)
    if gone:
        return Changes(afresh=True)
    if not events:
        return None
    changed_at = datetime.fromisoformat(events[0].payload["at"])
    site = await read_site(db, controller, now=now)
    people: set[UUID] = set()
    last = sequence
    for event in events:
        named = _named([event])
        if _changes_everything(named, site):
            return Changes(afresh=True, changed_at=changed_at)
        found = people | await _people_of(db, named)
        if len(found) > PEOPLE_A_PAGE:
            break
        people, last = found, event.sequence
    if last == sequence:
        return Changes(afresh=True, changed_at=changed_at)
    try:
        signed = await people_page(db, controller, key, people, sequence=last, now=now, site=site, kind="changes")
    except TooLong:
        return Changes(afresh=True, changed_at=changed_at)
    return Changes(signed=signed, more=last < events[-1].sequence, changed_at=changed_at)


async def people_page(
    db: AsyncSession,
    controller: Controller,
    key: Ed25519PrivateKey,
    people: Collection[UUID],
    *,
    sequence: int,
    now: datetime,
    site: Site | None = None,
    kind: Literal["changes", "people"] = "people",
) -> SignedPage:
    """Return what the site's points need of some people now; of whom they need nothing, the page says that they go.

    Raises:
        TooLong: ask for fewer.
    """
    site = site or await read_site(db, controller, now=now)
    found = await gather(db, site, sorted(people))
    kept = {person.id for person in found}
    page = Page(
        kind=kind,
        controller_id=controller.id,
        run=new_id(),
        sequence=sequence,
        made_at=now,
        expires_at=now + timedelta(hours=controller.list_hours),
        holidays=holidays_of(site.instants),
        signing_keys={version: key.hex() for version, key in (await public_keys(db)).items()},
        points=site.points,
        people=tuple(found),
        gone=tuple(sorted(set(people) - kept)),
    )
    return sign(page, key)


def holidays_of(instants: Iterable[datetime]) -> tuple[date, ...]:
    """Return the public holidays of a list's days, and of the day before the first."""
    return tuple(sorted({day for instant in instants for day in holidays_around(local_day(instant))}))


def _named(events: Iterable[Event]) -> Named:
    named = Named()
    for event in events:
        named.add(event.payload)
    return named


def _changes_everything(named: Named, site: Site) -> bool:
    """A tariff or a policy of a service that the site charges for concerns everybody whom it knows."""
    return named.everybody or not named.services.isdisjoint(site.services)


async def _people_of(db: AsyncSession, named: Named) -> set[UUID]:
    people = set(named.persons)
    accounts = set(named.accounts)
    if named.wallets:
        accounts.update(await db.scalars(select(Wallet.family_account_id).where(Wallet.id.in_(named.wallets))))
    if accounts:
        people.update(await db.scalars(select(Membership.person_id).where(Membership.account_id.in_(accounts))))
        # Whoever an enrolment has another account pay for is nobody's member there.
        people.update(
            person_id
            for person_id in await db.scalars(
                select(Entitlement.person_id).where(Entitlement.payer_account_id.in_(accounts))
            )
            if person_id is not None
        )
    return people
