"""Who may ask for the library, and what is read of somebody who holds out a card there."""

from __future__ import annotations

import re
import secrets
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from cvq_core.access.facts import Right, RightKind
from cvq_core.access.tables import Entitlement
from cvq_core.cards.rules import BadCardNumber, BadCardUid
from cvq_core.cards.store import UnknownCard, card_facts, find_card
from cvq_core.cards.tables import Card
from cvq_core.clock import local_day
from cvq_core.errors import N_, BadInput, NotFound, Refusal
from cvq_core.ids import new_id
from cvq_core.invoices.tables import InvoiceLine
from cvq_core.journal.store import SYSTEM, record
from cvq_core.ledger.tables import Receivable, Wallet
from cvq_core.library.rules import PatronFacts
from cvq_core.library.tables import LibraryAccess, LibraryBlock
from cvq_core.once import insert_once
from cvq_core.people.arrangements import days_of
from cvq_core.people.custody import payers
from cvq_core.people.names import listed_name
from cvq_core.people.rules import FamilyRole
from cvq_core.people.store import in_force
from cvq_core.people.tables import FamilyAccount, Membership, Person
from cvq_core.services.rules import ServiceCode
from cvq_core.services.store import policy_in_force
from cvq_core.staff.store import digest

ENCODINGS = ("utf-8", "iso-8859-1", "cp1252", "cp850")
ENDED_RIGHTS_KEPT = timedelta(days=400)
"""How long a reader whose subscription ended is still known by name."""

_LOGIN = re.compile(r"[a-z0-9][a-z0-9._-]{2,39}")
_PAYING = (FamilyRole.GUARDIAN, FamilyRole.CHILD, FamilyRole.PAYER)

_READING = (RightKind.SUBSCRIPTION, RightKind.HOUSEHOLD)


class BadLibraryAccess(BadInput):
    """The name, the institution, the encoding or the service cannot be right."""

    slug = "bad-library-access"
    message = N_("Cet accès de médiathèque ne peut pas être créé ainsi.")
    what_to_do = N_(
        "Un identifiant de 3 à 40 lettres minuscules ou chiffres, un établissement sans « | », un encodage parmi "
        "utf-8, iso-8859-1, cp1252 et cp850."
    )


class LibraryAccessTaken(Refusal):
    """Another library software has this login, or had it."""

    slug = "library-access-taken"
    message = N_("Cet identifiant de médiathèque est déjà pris.")
    what_to_do = N_("Choisissez-en un autre : un identifiant révoqué ne sert plus.")


class UnknownLibraryAccess(NotFound):
    """No library software has this login, or it was revoked."""

    slug = "unknown-library-access"
    message = N_("Aucun accès de médiathèque ne porte cet identifiant.")


@dataclass(frozen=True, slots=True)
class Bearer:
    """A card that was looked up: whose it is, and what is known of them."""

    card_id: UUID
    person_id: UUID
    facts: PatronFacts


async def add_access(
    db: AsyncSession,
    login: str,
    *,
    label: str,
    institution: str,
    service: ServiceCode = ServiceCode.LIBRARY,
    encoding: str = "utf-8",
    fee_limit_cents: int | None = None,
    now: datetime,
) -> str:
    """Let a library software ask from now on, and return its secret, which cannot be read again.

    Raises:
        BadLibraryAccess, LibraryAccessTaken
        UnknownService: the territory has no such service.
    """
    good = _LOGIN.fullmatch(login) and encoding in ENCODINGS and 1 <= len(label.strip()) <= 120
    named = 1 <= len(institution) <= 40 and institution.isprintable() and "|" not in institution
    lends = service in (ServiceCode.LIBRARY, ServiceCode.TOY_LIBRARY)
    if not (good and named and lends) or (fee_limit_cents is not None and fee_limit_cents < 0):
        raise BadLibraryAccess
    await policy_in_force(db, service, local_day(now))
    secret = secrets.token_urlsafe(24)
    access_id = new_id()
    row = {
        "id": access_id,
        "login": login,
        "secret_digest": digest(secret),
        "label": label.strip(),
        "institution": institution,
        "encoding": encoding,
        "service_code": service,
        "fee_limit_cents": fee_limit_cents,
        "made_at": now,
        "revoked_at": None,
    }
    if not await insert_once(db, LibraryAccess.__table__, row):
        raise LibraryAccessTaken
    record(db, now=now, actor=SYSTEM, action="library-access-made", subject=("library_access", access_id))
    return secret


async def revoke_access(db: AsyncSession, login: str, *, now: datetime) -> None:
    """Let a library software ask no more, at once.

    Raises:
        UnknownLibraryAccess
    """
    found = await db.scalar(select(LibraryAccess).where(LibraryAccess.login == login).with_for_update())
    if found is None or found.revoked_at is not None:
        raise UnknownLibraryAccess
    found.revoked_at = now
    record(db, now=now, actor=SYSTEM, action="library-access-revoked", subject=("library_access", found.id))


async def accesses(db: AsyncSession) -> list[LibraryAccess]:
    """Return every library software that may ask or might once, by login."""
    return list(await db.scalars(select(LibraryAccess).order_by(LibraryAccess.login).limit(200)))


async def access_of(db: AsyncSession, login: str, secret: str) -> LibraryAccess | None:
    """Return the access that a login and its secret open, None where they do not."""
    found: LibraryAccess | None = await db.scalar(select(LibraryAccess).where(LibraryAccess.login == login))
    known = found.secret_digest if found is not None and found.revoked_at is None else digest("")
    right = secrets.compare_digest(known, digest(secret))
    return found if right and found is not None and found.revoked_at is None else None


async def is_open(db: AsyncSession, access_id: UUID) -> bool:
    """Whether an access still holds."""
    found = await db.scalar(
        select(LibraryAccess.id).where(LibraryAccess.id == access_id, LibraryAccess.revoked_at.is_(None))
    )
    return found is not None


async def bearer_of(db: AsyncSession, identifier: str, service: ServiceCode, *, now: datetime) -> Bearer | None:
    """Return what is known of a card, by the number printed on it or by what a reader sees; None where none has it."""
    card = await _card(db, identifier)
    if card is None:
        return None
    person = await db.get_one(Person, card.person_id)
    accounts = await _paying_accounts(db, person.id, now)
    facts = PatronFacts(
        card=card_facts(card),
        name=listed_name(person.family_name, person.usual_name, person.given_names),
        deceased=person.deceased_on is not None,
        rights=await _rights(db, person.id, accounts, service, now),
        due_cents=await due_cents(db, await _debtors(db, person.id, accounts, now), service),
        blocked_note=await _block(db, person.id, service),
    )
    return Bearer(card.id, person.id, facts)


async def set_block(
    db: AsyncSession, access: LibraryAccess, person_id: UUID, *, blocked: bool, note: str, now: datetime
) -> bool:
    """Let the library lend to somebody no more, or again; return whether that is new. Their card stays as it is."""
    # Two terminals that block at once write one row each, which says the same.
    if (await _block(db, person_id, access.service_code) is not None) is blocked:
        return False
    row = LibraryBlock(
        id=new_id(),
        person_id=person_id,
        service_code=access.service_code,
        blocked=blocked,
        note=note[:200],
        recorded_at=now,
        access_id=access.id,
    )
    db.add(row)
    await db.flush()
    return True


async def due_cents(db: AsyncSession, accounts: Collection[UUID], service: ServiceCode) -> int:
    """Return what some accounts owe one service: wallets below zero, and invoices that are this service's alone."""
    if not accounts:
        return 0
    wallets = await db.scalar(
        select(func.sum(Wallet.balance_cents)).where(
            Wallet.family_account_id.in_(accounts), Wallet.service_code == service, Wallet.balance_cents < 0
        )
    )
    its_own = (
        select(InvoiceLine.invoice_id)
        .join(Receivable, Receivable.id == InvoiceLine.invoice_id)
        .where(Receivable.family_account_id.in_(accounts), Receivable.balance_cents < 0)
        .group_by(InvoiceLine.invoice_id)
        .having(func.min(InvoiceLine.service_code) == service, func.max(InvoiceLine.service_code) == service)
    )
    invoices = await db.scalar(select(func.sum(Receivable.balance_cents)).where(Receivable.id.in_(its_own)))
    return -int(wallets or 0) - int(invoices or 0)


async def _card(db: AsyncSession, identifier: str) -> Card | None:
    """Return the card with a printed number, or with what a reader sees: ten digits are always a number."""
    for name in ("number", "uid"):
        try:
            return await find_card(db, **{name: identifier})
        except (BadCardNumber, BadCardUid, UnknownCard):
            continue
    return None


async def _paying_accounts(db: AsyncSession, person_id: UUID, now: datetime) -> list[UUID]:
    today = local_day(now)
    rows = await db.scalars(
        select(Membership.account_id)
        .join(FamilyAccount, FamilyAccount.id == Membership.account_id)
        .where(
            Membership.person_id == person_id,
            Membership.role.in_(_PAYING),
            in_force(today),
            or_(FamilyAccount.closed_on.is_(None), FamilyAccount.closed_on > today),
        )
        .order_by(Membership.valid_from, Membership.account_id)
    )
    return list(dict.fromkeys(rows))


async def _debtors(db: AsyncSession, person_id: UUID, accounts: list[UUID], now: datetime) -> tuple[UUID, ...]:
    """Return whose debts are told: of a child of two homes those of today's parent, never the other one's."""
    if len(accounts) < 2:
        return tuple(accounts)
    day = (await days_of(db, [person_id], local_day(now))).get(person_id)
    return tuple(accounts) if day is None else payers(day, ())


async def _rights(
    db: AsyncSession, person_id: UUID, accounts: list[UUID], service: ServiceCode, now: datetime
) -> tuple[Right, ...]:
    rows = await db.scalars(
        select(Entitlement)
        .where(
            Entitlement.service_code == service,
            # What opens one door or one building, and what an agent or a company has, is no subscription.
            Entitlement.kind.in_(_READING),
            Entitlement.point_id.is_(None),
            Entitlement.site.is_(None),
            or_(Entitlement.person_id == person_id, Entitlement.account_id.in_(accounts)),
            or_(Entitlement.valid_until.is_(None), Entitlement.valid_until > now - ENDED_RIGHTS_KEPT),
        )
        .order_by(Entitlement.valid_from, Entitlement.id)
        .limit(50)
    )
    return tuple(
        Right(
            id=row.id,
            kind=row.kind,
            valid_from=row.valid_from,
            valid_until=row.valid_until,
            entries_left=row.entries_left,
            weekdays=row.weekdays,
        )
        for row in rows
    )


async def _block(db: AsyncSession, person_id: UUID, service: ServiceCode) -> str | None:
    """Return the library's note on somebody it does not lend to, None where it does."""
    latest = await db.scalar(
        select(LibraryBlock)
        .where(LibraryBlock.person_id == person_id, LibraryBlock.service_code == service)
        .order_by(LibraryBlock.recorded_at.desc(), LibraryBlock.id.desc())
        .limit(1)
    )
    return latest.note if latest is not None and latest.blocked else None
