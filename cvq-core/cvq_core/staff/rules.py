"""Who may do what: roles are sets of permissions, grants give a role somewhere for some time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Literal
from uuid import UUID

from cvq_core.errors import N_, Forbidden
from cvq_core.journal.store import Actor


class Permission(StrEnum):
    """What a route may ask for. One permission is one thing that people do."""

    BOOK = "appointments.book"
    SEE_TOWN_HALL = "town_hall.see"
    SEARCH_PEOPLE = "people.search"
    FAMILIES = "families.manage"
    SERVE = "visits.serve"
    COLLECT = "cash.collect"
    READ_BOOKS = "books.read"
    SEE_SERVICE = "service.see"
    MANAGE_TARIFFS = "tariffs.manage"
    MANAGE_ACCESS = "access.manage"
    RECORD_QUOTIENT = "quotients.record"
    MANAGE_CARDS = "cards.manage"
    SEE_ACTS = "acts.see"
    DECIDE_IMPORTS = "imports.decide"
    RESERVE = "facilities.reserve"
    MANAGE_FACILITIES = "facilities.manage"
    ADMINISTER = "administer"
    AUDIT = "audit.read"
    TAP = "taps.decide"
    TICK = "attendance.tick"
    BOOTH = "booth.connect"
    CONTROL = "controller.connect"
    ENCODE = "cards.encode"


class Role(StrEnum):
    """The staff's roles."""

    SECRETARY = "secretary"
    ADVISOR = "advisor"
    CASH_OFFICER = "cash_officer"
    SERVICE_MANAGER = "service_manager"
    ADMINISTRATOR = "administrator"
    AUDITOR = "auditor"


ScopeKind = Literal["town_hall", "organisation", "service", "office", "everywhere"]

ROLE_PERMISSIONS: dict[Role, frozenset[Permission]] = {
    Role.SECRETARY: frozenset(
        {
            Permission.BOOK,
            Permission.SEE_TOWN_HALL,
            Permission.SEARCH_PEOPLE,
            Permission.COLLECT,
            Permission.FAMILIES,
            Permission.MANAGE_CARDS,
            Permission.RECORD_QUOTIENT,
            Permission.SEE_ACTS,
            Permission.DECIDE_IMPORTS,
            Permission.RESERVE,
        }
    ),
    Role.ADVISOR: frozenset({Permission.SERVE}),
    Role.CASH_OFFICER: frozenset(
        {Permission.COLLECT, Permission.READ_BOOKS, Permission.SEARCH_PEOPLE, Permission.SEE_ACTS}
    ),
    Role.SERVICE_MANAGER: frozenset(
        {
            Permission.SEE_SERVICE,
            Permission.TICK,
            Permission.MANAGE_TARIFFS,
            Permission.MANAGE_ACCESS,
            Permission.RESERVE,
            Permission.MANAGE_FACILITIES,
        }
    ),
    Role.ADMINISTRATOR: frozenset(
        {Permission.ADMINISTER, Permission.SEE_ACTS, Permission.DECIDE_IMPORTS, Permission.MANAGE_ACCESS}
    ),
    Role.AUDITOR: frozenset({Permission.AUDIT, Permission.READ_BOOKS, Permission.SEE_ACTS}),
}

ROLE_SCOPE: dict[Role, ScopeKind] = {
    Role.SECRETARY: "town_hall",
    Role.ADVISOR: "organisation",
    Role.CASH_OFFICER: "office",
    Role.SERVICE_MANAGER: "service",
    Role.ADMINISTRATOR: "everywhere",
    Role.AUDITOR: "everywhere",
}

DEVICE_PERMISSIONS: dict[str, frozenset[Permission]] = {
    "booth": frozenset({Permission.BOOTH}),
    "reader": frozenset({Permission.TAP, Permission.TICK}),
    "controller": frozenset({Permission.TAP, Permission.CONTROL}),
    "encoder": frozenset({Permission.ENCODE}),
}


@dataclass(frozen=True, slots=True)
class Scope:
    """Where a permission holds."""

    kind: ScopeKind
    id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Grant:
    """A role, somewhere, for some time."""

    role: Role
    scope: Scope
    valid_from: datetime
    valid_until: datetime | None = None

    def holds(self, now: datetime) -> bool:
        """Whether the grant is in force at `now`."""
        return self.valid_from <= now and (self.valid_until is None or now < self.valid_until)


class OutOfScope(Forbidden):
    """The permission is there, but not for this town hall, organisation, service or office."""

    slug = "out-of-scope"
    message = N_("Cette fiche relève d’un autre lieu ou d’un autre organisme que le vôtre.")
    what_to_do = N_("Demandez à l’organisme concerné, ou à l’administrateur si votre rattachement a changé.")


@dataclass(frozen=True, slots=True)
class Principal:
    """Who asks: a person of the staff with grants, a device with its subject, or nobody known."""

    kind: Literal["staff", "booth", "reader", "controller", "encoder", "anonymous"]
    id: UUID | None = None
    name: str = ""
    grants: tuple[Grant, ...] = ()
    subject_id: UUID | None = None
    login_session_id: UUID | None = None

    @property
    def actor(self) -> Actor:
        """The principal as the journal writes it."""
        return Actor(self.kind, self.id, self.name or "inconnu")

    def permissions(self) -> frozenset[Permission]:
        """Everything that is allowed somewhere."""
        if self.kind in DEVICE_PERMISSIONS:
            return DEVICE_PERMISSIONS[self.kind]
        return frozenset().union(*(ROLE_PERMISSIONS[grant.role] for grant in self.grants))

    def scope_ids(self, permission: Permission) -> frozenset[UUID]:
        """Where `permission` is held, as the identifiers of its scopes."""
        return frozenset(
            grant.scope.id
            for grant in self.grants
            if permission in ROLE_PERMISSIONS[grant.role] and grant.scope.id is not None
        )

    def may(self, permission: Permission, scope: Scope | None = None) -> bool:
        """Whether `permission` is held, at `scope` where one is named."""
        if self.kind in DEVICE_PERMISSIONS:
            return permission in DEVICE_PERMISSIONS[self.kind] and (scope is None or scope.id == self.subject_id)
        return any(
            permission in ROLE_PERMISSIONS[grant.role]
            and (scope is None or grant.scope.kind == "everywhere" or grant.scope == scope)
            for grant in self.grants
        )

    def require(self, permission: Permission, scope: Scope | None = None) -> None:
        """Refuse unless `may`.

        Raises:
            Forbidden: the permission is held nowhere.
            OutOfScope: it is held, but not here.
        """
        if not self.may(permission):
            raise Forbidden
        if not self.may(permission, scope):
            raise OutOfScope


ANONYMOUS = Principal("anonymous")
