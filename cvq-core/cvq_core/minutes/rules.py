"""What the books say of a place at an instant, beside what was counted, as pure functions.

A handover between two officers and an on-the-spot audit each produce their minute (instruction 06-031-A-B-M, titles 3
and 9). What the books say is read at one instant and has a digest; a minute is written only while the books are still
those that were counted against, so that nothing was posted during the count.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from cvq_core.errors import N_, BadInput, Forbidden, NotFound, Refusal
from cvq_core.offices.rules import counted_total

COUNTED_CENTS_MAX = 100_000_000
EXPLANATION_LENGTH_MAX = 300


class MinuteKind(StrEnum):
    """What a minute records."""

    HANDOVER = "handover"
    AUDIT = "audit"
    DESTRUCTION = "destruction"


MINUTE_WORDS: dict[MinuteKind, str] = {
    MinuteKind.HANDOVER: N_("remise de service"),
    MinuteKind.AUDIT: N_("vérification inopinée"),
    MinuteKind.DESTRUCTION: N_("destruction de valeurs inactives"),
}


class Unit(StrEnum):
    """How a line is counted: cash note by note, another sum as it adds up, or things one by one."""

    CASH = "cash"
    CENTS = "cents"
    THINGS = "things"


class UnknownMinute(NotFound):
    """No minute has this id, or it is another office's."""

    slug = "unknown-minute"
    message = N_("Ce procès-verbal n’existe pas.")


class NotForMinutes(Forbidden):
    """Only those who are appointed to a place, or the office's officer, record its minutes."""

    slug = "not-for-minutes"
    message = N_("Vous n’êtes pas nommé à ce lieu : vous ne pouvez pas en dresser le procès-verbal.")
    what_to_do = N_("Demandez au régisseur ou à un mandataire du lieu.")


class BooksMoved(Refusal):
    """Something was posted since the count began."""

    slug = "books-moved"
    message = N_("Les livres ont bougé pendant le comptage.")
    what_to_do = N_("Rien n’a été signé. Arrêtez les encaissements de ce lieu, puis comptez de nouveau.")


class NotCounted(BadInput):
    """A line of the books was not counted, or impossibly."""

    slug = "not-counted"
    message = N_("Tout n’est pas compté : {line}.")
    what_to_do = N_("Écrivez ce que vous voyez ; zéro, s’il n’y a rien.")


class DifferenceUnexplained(BadInput):
    """What was counted differs from the books, and nobody wrote why."""

    slug = "difference-unexplained"
    message = N_("Un écart n’est pas expliqué : {line}.")
    what_to_do = N_("Écrivez l’explication de celui qui tient la caisse, ou qu’il n’en donne pas.")


class BadParties(BadInput):
    """Both parties are named, and they are two."""

    slug = "bad-parties"
    message = N_("Il faut deux personnes différentes, nommées toutes les deux.")


class NotYoursToEnd(Forbidden):
    """An appointment is ended by a handover of whoever leaves, or of the office's officer."""

    slug = "not-yours-to-end"
    message = N_("Seul celui qui part, ou le régisseur, met fin à sa nomination par une remise de service.")
    what_to_do = N_("Rien n’a été signé. Demandez-le-lui, ou dressez le procès-verbal sans cela.")


class IncomingNotAppointed(Refusal):
    """The outgoing one's appointment would end without the incoming one's beginning."""

    slug = "incoming-not-appointed"
    message = N_("La nomination de celui qui arrive ne commence pas à temps.")
    what_to_do = N_("Rien n’a été signé. Sa nomination, de l’ordonnateur, doit tenir au plus tard demain.")


@dataclass(frozen=True, slots=True)
class BookLine:
    """One thing that the books say and that is counted: cents, or a number of things."""

    code: str
    label: str
    unit: Unit
    amount: int


@dataclass(frozen=True, slots=True)
class Books:
    """What the books say of a place at an instant; `facts` are stated beside and not counted.

    `last_receipt` is the place's own: a payment and its void move it, though they leave every amount as it was.
    """

    lines: tuple[BookLine, ...]
    facts: tuple[tuple[str, str], ...]
    last_receipt: int

    @property
    def digest(self) -> str:
        """A digest of what is counted: the same as long as nothing was posted here."""
        said = [[line.code, line.amount] for line in self.lines], self.last_receipt
        return hashlib.sha256(json.dumps(said, ensure_ascii=False).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Seen:
    """What was counted of one line: notes and coins (cents to how many) for cash, an amount otherwise."""

    amount: int
    pieces: Mapping[int, int] | None = None


@dataclass(frozen=True, slots=True)
class Compared:
    """A line of the books beside what was counted."""

    line: BookLine
    seen: Seen

    @property
    def difference(self) -> int:
        """Counted less books: minus is missing."""
        return self.seen.amount - self.line.amount


def compare(books: Books, seen: Mapping[str, Seen]) -> list[Compared]:
    """Return every line beside what was counted of it.

    Raises:
        NotCounted: a line is missing, or holds what cannot be.
        BadCount: notes or coins that there are not.
    """
    compared = []
    for line in books.lines:
        found = seen.get(line.code)
        if found is None or (line.unit is Unit.CASH) != (found.pieces is not None):
            raise NotCounted(line=line.label)
        amount = counted_total(found.pieces) if found.pieces is not None else found.amount
        if type(amount) is not int or not 0 <= amount <= COUNTED_CENTS_MAX:
            raise NotCounted(line=line.label)
        compared.append(Compared(line, Seen(amount, found.pieces)))
    return compared


def check_explained(compared: Sequence[Compared], explanations: Mapping[str, str]) -> None:
    """Refuse a difference that nobody explains.

    Raises:
        DifferenceUnexplained
    """
    for each in compared:
        if each.difference and len(explanations.get(each.line.code, "").strip()) < 3:
            raise DifferenceUnexplained(line=each.line.label)


def check_parties(first: str, second: str) -> None:
    """Refuse a minute of nobody, or of one person with themselves.

    Raises:
        BadParties
    """
    one, other = first.strip().casefold(), second.strip().casefold()
    if not one or not other or one == other:
        raise BadParties


def minute_number(series: str, number: int) -> str:
    """Return a minute's number as it is printed: "CVQ-PV-000003"."""
    return f"{series}-PV-{number:06d}"
