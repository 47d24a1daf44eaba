"""What a new staff list changes, as pure functions: who came, who moved, who left, and when to doubt it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, time
from enum import StrEnum
from uuid import UUID

from cvq_core.bank_table import plain
from cvq_core.errors import N_, BadInput, NotFound, Refusal

BYTES_MAX = 5 * 1024**2
ROWS_MAX = 20_000
LEAVERS_ALWAYS_ALLOWED = 2
"""So few may leave at once whatever their part in a small list."""
SETTLED = "settled"
"""Why nothing is applied where the employer gives again what was refused or undone before."""


class BadStaffList(BadInput):
    """The file is no staff list: a line of it cannot be read, and none is believed."""

    slug = "bad-staff-list"
    message = N_("La ligne {line} de la liste du personnel ne se lit pas : rien n’a changé.")
    what_to_do = N_(
        "Il faut une ligne de titres avec « matricule », « nom », « prénom » et « groupe » (et « date de naissance »), "
        "un matricule par ligne, chacun une seule fois."
    )


class StaffListTooShort(Refusal):
    """More people are missing than ever leave at once: the list is rather cut than the doors closed."""

    slug = "staff-list-too-short"
    message = N_("{gone} agents sur {known} manquent dans la liste du personnel : rien n’a changé.")
    what_to_do = N_(
        "Si la liste est entière, appliquez-la avec « cvq agents apply --even-so ». Sinon, déposez-la entière."
    )


class UnknownStaffList(NotFound):
    """No staff list has this code."""

    slug = "unknown-staff-list"
    message = N_("Aucune liste du personnel ne porte ce code.")


class UnknownStaffRun(NotFound):
    """This is not the last list that was applied, or it was undone already."""

    slug = "unknown-staff-run"
    message = N_("Cette application de liste ne se défait pas, ou plus.")
    what_to_do = N_("Seule la dernière se défait : déposez une liste corrigée.")


class BadStaffGroup(BadInput):
    """The name, the days or the doors of a group cannot be right."""

    slug = "bad-staff-group"
    message = N_("Ce groupe d’agents ne peut pas être réglé ainsi.")
    what_to_do = N_("Il lui faut un nom, des jours de la semaine et des portes connues.")


class NobodyToLink(Refusal):
    """The last list does not name this number, or it is somebody's already."""

    slug = "nobody-to-link"
    message = N_("Ce matricule n’attend personne : la liste ne le nomme plus, ou il est déjà rattaché.")
    what_to_do = N_("Rechargez la page.")


class RunOutcome(StrEnum):
    """What became of a list that was read."""

    APPLIED = "applied"
    REFUSED = "refused"
    UNDOING = "undoing"


@dataclass(frozen=True, slots=True)
class ListRow:
    """Somebody on a list; `group` as the employer writes it."""

    number: str
    family_name: str
    given_name: str
    born: date | None
    group: str

    @property
    def group_key(self) -> str:
        """The group's name as groups are compared: without accents, capitals and signs."""
        return plain(self.group)[:80]


@dataclass(frozen=True, slots=True)
class KnownAgent:
    """Somebody who was on the list before and has not left; `born` as our base has it."""

    id: UUID
    number: str
    person_id: UUID
    group: str
    born: date | None = None

    def is_other(self, row: ListRow) -> bool:
        """Whether the number has gone to somebody else: names change with a marriage, birth dates do not."""
        return self.born is not None and row.born is not None and self.born != row.born


@dataclass(frozen=True, slots=True)
class Schedule:
    """When the doors of a group are open to its people: a bit a day, Monday lowest, and local hours."""

    weekdays: int
    opens_at: time | None
    closes_at: time | None


@dataclass(frozen=True, slots=True)
class Changes:
    """What a list changes among those who are known, and who is on it without being known."""

    left: tuple[KnownAgent, ...]
    moved: tuple[tuple[KnownAgent, ListRow], ...]
    new: tuple[ListRow, ...]


def changes(rows: Sequence[ListRow], known: Collection[KnownAgent]) -> Changes:
    """Return who left, who changed groups and who is new, each in the order of their numbers."""
    listed = {row.number: row for row in rows}
    before = {agent.number: agent for agent in known}
    stayed = {number for number in before.keys() & listed.keys() if not before[number].is_other(listed[number])}
    return Changes(
        left=tuple(before[number] for number in sorted(before.keys() - stayed)),
        moved=tuple(
            (before[number], listed[number])
            for number in sorted(stayed)
            if before[number].group != listed[number].group_key
        ),
        new=tuple(listed[number] for number in sorted(listed.keys() - stayed)),
    )


def check_leavers(gone: int, known: int, percent_max: int) -> None:
    """Refuse a list on which more are missing than may leave at once.

    Raises:
        StaffListTooShort
    """
    if gone > max(LEAVERS_ALWAYS_ALLOWED, known * percent_max // 100):
        raise StaffListTooShort(gone=gone, known=known)


def same_person(row: ListRow, family_names: Iterable[str | None], given_names: str) -> bool:
    """Whether names in our base are those of a row: one of the family names, and the first given name."""
    wanted = plain(row.family_name)
    given = plain(row.given_name).split()
    ours = plain(given_names).split()
    return (
        any(plain(name) == wanted for name in family_names if name)
        and bool(given and ours)
        and (given == ours[: len(given)] or ours == given[: len(ours)])
    )


def doors_to_change(
    held: Mapping[UUID, tuple[UUID, Schedule]], wanted: Collection[UUID], schedule: Schedule
) -> tuple[list[UUID], list[UUID]]:
    """Return which rights end and at which points new ones begin, given the rights that a list gave, by point.

    A right that the list gave and somebody ended by hand is in `held` all the same: it is not given again.
    """
    ending = [right for point, (right, when) in held.items() if point not in wanted or when != schedule]
    kept = {point for point, (_, when) in held.items() if point in wanted and when == schedule}
    return sorted(ending), sorted(point for point in wanted if point not in kept)
