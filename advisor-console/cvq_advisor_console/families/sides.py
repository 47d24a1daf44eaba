"""A shared child's accounts as one of them may know them: itself, and the others by their guardians' names alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from uuid import UUID

from cvq_core.clock import local_day
from cvq_core.errors import N_, NotFound
from cvq_core.people.arrangements import accounts_within, arrangements_of, child_memberships, kept_accounts
from cvq_core.people.custody import Arrangement, ChildMembership
from cvq_core.people.names import folded, spoken_name
from cvq_core.people.rules import FamilyRole
from cvq_core.people.store import family_account_by_id, members_of, person_by_id
from cvq_core.people.tables import FamilyAccount, Person
from cvq_core.web import Context

MOST = date(2199, 12, 31)
VOWELS = frozenset("aeiou")


@dataclass(frozen=True, slots=True)
class Side:
    """One account of a child: `word` is short enough for a day of the calendar, `long` stands in a sentence.

    `guardians` are its guardians' names; of another account nothing else is known here.
    """

    account_id: UUID
    is_own: bool
    word: str
    long: str
    guardians: tuple[tuple[UUID, str], ...]


@dataclass(frozen=True, slots=True)
class Child:
    """A child with its accounts, seen from one of them, which comes first in `sides`."""

    account: FamilyAccount
    person: Person
    name: str
    sides: tuple[Side, ...]
    memberships: tuple[ChildMembership, ...]
    arrangements: tuple[Arrangement, ...]

    def side_of(self, account_id: UUID | None) -> Side | None:
        """Return whose side an account is, None for nobody's and for one that is not the child's any more."""
        return next((side for side in self.sides if side.account_id == account_id), None)

    @property
    def names(self) -> dict[UUID, str]:
        """The accounts as sentences name them after the word "compte"."""
        return {side.account_id: side.long for side in self.sides}

    def shared_on(self, day: date) -> tuple[Side, ...]:
        """Return the sides to which the child belongs on a day."""
        held = {each.account_id for each in self.memberships if each.holds(day)}
        return tuple(side for side in self.sides if side.account_id in held)


async def child_of(context: Context, account_id: UUID, child_id: UUID) -> Child:
    """Return a child of an account with all the accounts that it ever had; a merged one is the one that goes on.

    Raises:
        UnknownFamilyAccount, UnknownPerson
        NotFound: it never was a child of this account.
    """
    db = context.db
    account = await family_account_by_id(db, account_id)
    person = await person_by_id(db, child_id)
    memberships = (await child_memberships(db, [child_id], date.min, MOST)).get(child_id, [])
    own = await accounts_within(db, account_id)
    if not any(each.account_id in own for each in memberships):
        raise NotFound
    arrangements = (await arrangements_of(db, [child_id])).get(child_id, [])
    known = {each.account_id for each in memberships}
    known |= {part.account_id for arrangement in arrangements for part in arrangement.parts}
    kept = await kept_accounts(db, known | {account_id})
    others = sorted(set(kept.values()) - {kept[account_id]})
    sides = [await _side(context, account_id, own=account.label)]
    sides += [await _side(context, other) for other in others]
    return Child(
        account=account,
        person=person,
        name=spoken_name(person.family_name, person.usual_name, person.given_names),
        sides=tuple(_told_apart(sides)),
        memberships=tuple(replace(each, account_id=kept[each.account_id]) for each in memberships),
        arrangements=tuple(arrangements),
    )


async def _side(context: Context, account_id: UUID, *, own: str = "") -> Side:
    members = await members_of(context.db, account_id, local_day(context.now))
    guardians = [person for person, held in members if held.role is FamilyRole.GUARDIAN]
    names = tuple((each.id, spoken_name(each.family_name, each.usual_name, each.given_names)) for each in guardians)
    if own:
        return Side(account_id, True, context._(N_("Ici")), own, names)
    if not names:
        return Side(account_id, False, context._(N_("Autre")), context._(N_("de l’autre foyer")), ())
    firsts = " · ".join(each.given_names.split()[0] for each in guardians)
    both = context._(N_(" et ")).join(name for _, name in names)
    of = N_("d’{names}") if folded(both)[:1] in VOWELS else N_("de {names}")
    return Side(account_id, False, firsts, context._(of, names=both), names)


def _told_apart(sides: Sequence[Side]) -> list[Side]:
    """Give two other sides of one short word their guardians' whole names."""
    words = [side.word for side in sides]
    return [
        side
        if side.is_own or words.count(side.word) == 1 or not side.guardians
        else Side(side.account_id, False, side.guardians[0][1], side.long, side.guardians)
        for side in sides
    ]
