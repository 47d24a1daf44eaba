"""Staff accounts, their passwords and their sessions."""

from __future__ import annotations

import functools
import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from cvq_core.errors import N_, BadInput, NotSignedIn
from cvq_core.ids import new_id
from cvq_core.staff.rules import ANONYMOUS, Grant, Principal, Role, Scope
from cvq_core.staff.tables import Credential, LoginSession, Staff, StaffGrant

HASHER = PasswordHasher()
PASSWORD_LENGTH_MIN = 10
TOUCH_EVERY = timedelta(minutes=1)


class WrongLogin(NotSignedIn):
    """Unknown login, wrong password or closed account: which one is not said."""

    slug = "wrong-login"
    message = N_("L’identifiant ou le mot de passe n’est pas le bon.")
    what_to_do = N_("Vérifiez les majuscules, puis recommencez. Mot de passe oublié : demandez à l’administrateur.")


class WeakPassword(BadInput):
    """The new password is too short."""

    slug = "weak-password"
    message = N_("Le mot de passe est trop court : il faut au moins {length} caractères.")
    what_to_do = N_("Trois mots qui ne vont pas ensemble font un bon mot de passe.")


def digest(token: str) -> str:
    """Return what is stored of a token."""
    return hashlib.sha256(token.encode()).hexdigest()


async def add_staff(
    db: AsyncSession,
    *,
    login: str,
    display_name: str,
    password: str,
    now: datetime,
    email: str | None = None,
    staff_id: UUID | None = None,
    password_hash: str | None = None,
) -> Staff:
    """Create a staff account with its password."""
    staff = Staff(
        id=staff_id or new_id(), login=login, display_name=display_name, email=email, created_at=now, language="fr"
    )
    db.add(staff)
    await db.flush()
    secret = password_hash or HASHER.hash(password)
    db.add(Credential(id=new_id(), staff_id=staff.id, kind="password", name="", secret=secret, created_at=now))
    return staff


def grant(db: AsyncSession, staff_id: UUID, role: Role, scope: Scope, *, now: datetime) -> StaffGrant:
    """Give a role to somebody from now on."""
    row = StaffGrant(
        id=new_id(), staff_id=staff_id, role=role.value, scope_kind=scope.kind, scope_id=scope.id, valid_from=now
    )
    db.add(row)
    return row


@dataclass(frozen=True, slots=True)
class KnownPassword:
    """What is stored of somebody's password."""

    staff_id: UUID
    display_name: str
    secret: str

    def __repr__(self) -> str:
        return f"KnownPassword({self.staff_id})"


async def password_of(db: AsyncSession, login: str) -> KnownPassword | None:
    """Return what is stored for a login; None where it is unknown or its account closed."""
    found = await db.execute(
        select(Staff.id, Staff.display_name, Credential.secret)
        .join(Credential, Credential.staff_id == Staff.id)
        .where(Staff.login == login.strip().lower(), Credential.kind == "password", Staff.disabled_at.is_(None))
    )
    row = found.first()
    return KnownPassword(*row) if row else None


def is_password(known: KnownPassword | None, password: str) -> bool:
    """Tell whether it is the password; slow on purpose, so call it in a thread and outside a transaction."""
    try:
        HASHER.verify(known.secret if known else _nobodys_hash(), password)
    except (VerificationError, InvalidHashError):
        return False
    return known is not None


@functools.cache
def _nobodys_hash() -> str:
    """Verified where the login is unknown, so that the answer takes as long and tells nothing.

    Not made when the module is imported: it costs a fifth of a second, and every command imports it.
    """
    return HASHER.hash(secrets.token_hex(16))


def hash_password(password: str) -> str:
    """Return what is stored of a new password; as slow as `is_password`.

    Raises:
        WeakPassword: it is too short.
    """
    if len(password) < PASSWORD_LENGTH_MIN:
        raise WeakPassword(length=PASSWORD_LENGTH_MIN)
    return HASHER.hash(password)


async def set_password(db: AsyncSession, staff_id: UUID, secret: str, *, now: datetime) -> None:
    """Replace a password by one that was hashed, and end the account's sessions."""
    await db.execute(
        update(Credential)
        .where(Credential.staff_id == staff_id, Credential.kind == "password")
        .values(secret=secret, changed_at=now)
    )
    await db.execute(
        update(LoginSession)
        .where(LoginSession.staff_id == staff_id, LoginSession.ended_at.is_(None))
        .values(ended_at=now)
    )


async def open_session(
    db: AsyncSession, staff_id: UUID, *, now: datetime, hours_max: int, address: str = "", browser: str = ""
) -> str:
    """Open a session and return the token for the browser's cookie; it is not stored."""
    token = secrets.token_urlsafe(32)
    db.add(
        LoginSession(
            id=new_id(),
            staff_id=staff_id,
            token_digest=digest(token),
            created_at=now,
            last_seen_at=now,
            expires_at=now + timedelta(hours=hours_max),
            address=address[:64],
            browser=browser[:200],
        )
    )
    return token


async def principal_of_session(db: AsyncSession, token: str, *, now: datetime, idle: timedelta) -> Principal:
    """Return who holds `token`, with the grants in force; nobody when the session is over or unknown."""
    found = (
        await db.execute(
            select(LoginSession, Staff)
            .join(Staff, Staff.id == LoginSession.staff_id)
            .where(
                LoginSession.token_digest == digest(token),
                LoginSession.ended_at.is_(None),
                LoginSession.expires_at > now,
                Staff.disabled_at.is_(None),
            )
        )
    ).first()
    if not found or found[0].last_seen_at + idle <= now:
        return ANONYMOUS
    session, staff = found
    rows = await db.scalars(select(StaffGrant).where(StaffGrant.staff_id == staff.id))
    grants = tuple(
        Grant(Role(row.role), Scope(row.scope_kind, row.scope_id), row.valid_from, row.valid_until)  # type: ignore[arg-type]  # a checked column
        for row in rows
    )
    return Principal(
        kind="staff",
        id=staff.id,
        name=staff.display_name,
        grants=tuple(grant for grant in grants if grant.holds(now)),
        login_session_id=session.id,
    )


async def touch_session(db: AsyncSession, session_id: UUID, now: datetime) -> None:
    """Note that the session is in use; at most once a minute, so that reading pages writes little."""
    await db.execute(
        update(LoginSession)
        .where(LoginSession.id == session_id, LoginSession.last_seen_at < now - TOUCH_EVERY)
        .values(last_seen_at=now)
    )


async def end_session(db: AsyncSession, session_id: UUID, now: datetime) -> None:
    """Sign out."""
    await db.execute(update(LoginSession).where(LoginSession.id == session_id).values(ended_at=now))
