"""Where each number of a value is, as pure functions.

Blank cards, ticket books and the like are worth money before they are sold, so they are kept as stock, by number, with
an account of their own (instruction 06-031-A-B-M, title 6). A stock is a set of holdings that never overlap; each says
which numbers, from the first to the last, are with whom.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from cvq_core.errors import N_, BadInput, Forbidden, NotFound, Refusal

NUMBER_MAX = 999_999_999
QUANTITY_MAX = 100_000
SPANS_MAX = 200
FACE_CENTS_MAX = 1_000_00
_SPAN = re.compile(r"(\d{1,9})(?:\s*(?:-|–|à)\s*(\d{1,9}))?")


class Whereabouts(StrEnum):
    """With whom a number is: in stock, or gone for good."""

    COMPTABLE = "comptable"
    PLACE = "place"
    PERSON = "person"
    SOLD = "sold"
    ISSUED = "issued"
    RETURNED = "returned"
    DESTROYED = "destroyed"
    MISSING = "missing"
    SPOILED = "spoiled"


WHEREABOUTS_WORDS: dict[Whereabouts, str] = {
    Whereabouts.COMPTABLE: N_("chez le comptable"),
    Whereabouts.PLACE: N_("en stock"),
    Whereabouts.PERSON: N_("confié"),
    Whereabouts.SOLD: N_("vendu"),
    Whereabouts.ISSUED: N_("carte faite"),
    Whereabouts.RETURNED: N_("rendu au comptable"),
    Whereabouts.DESTROYED: N_("détruit"),
    Whereabouts.MISSING: N_("manquant"),
    Whereabouts.SPOILED: N_("gâché, à détruire"),
}
IN_STOCK = frozenset({Whereabouts.PLACE, Whereabouts.PERSON})


class UnknownValue(NotFound):
    """This office keeps no such value."""

    slug = "unknown-value"
    message = N_("Cette valeur inactive n’existe pas.")


class BadValue(BadInput):
    """It has no name or code, or its face value is impossible."""

    slug = "bad-value"
    message = N_("Il faut à cette valeur un code, un nom et une valeur possible ; une carte vierge ne se vend pas.")


class BadSpan(BadInput):
    """No numbers, or the last before the first, or too many at once."""

    slug = "bad-span"
    message = N_("Ces numéros ne sont pas possibles : écrivez-les comme « 101-150 », le plus petit d’abord.")
    what_to_do = N_("Un mouvement porte sur {most} numéros au plus.")


class NumbersElsewhere(Refusal):
    """Some of these numbers are not where they would leave from."""

    slug = "numbers-elsewhere"
    message = N_("Le n° {number} n’est pas là : {where}.")
    what_to_do = N_("Rien n’a bougé. Vérifiez les numéros, ou comptez ce stock.")


class NumbersKnown(Refusal):
    """Some of these numbers were received before."""

    slug = "numbers-known"
    message = N_("Le n° {number} a déjà été reçu : {where}.")
    what_to_do = N_("Rien n’a été reçu. Comparez le bordereau du comptable et les liasses.")


class NotEnoughInStock(Refusal):
    """No holding has so many numbers in a row."""

    slug = "not-enough-in-stock"
    message = N_("Il n’y a pas {quantity} numéros qui se suivent dans ce stock.")
    what_to_do = N_("Rien n’a bougé. Prenez-en moins, ou demandez-en au régisseur.")


class NotValueKeeper(Forbidden):
    """Only the officer does this, or whoever keeps that stock."""

    slug = "not-value-keeper"
    message = N_("Ce stock n’est pas le vôtre.")
    what_to_do = N_("Le régisseur reçoit, rend et détruit ; un mandataire dispose de ce qui est à son lieu ou à lui.")


class HolderNotAppointed(Refusal):
    """Values are handed to somebody who is not appointed there."""

    slug = "holder-not-appointed"
    message = N_("Cette personne n’est pas mandataire de ce lieu aujourd’hui : rien ne peut lui être confié.")


class ValueReasonMissing(BadInput):
    """A count with a difference, and what leaves the stock for no money, are explained."""

    slug = "value-reason-missing"
    message = N_("Écrivez l’explication : {number} numéros ne sont pas où ils devraient.")


class SaleNotUndoable(Refusal):
    """It is no sale, or was taken back."""

    slug = "sale-not-undoable"
    message = N_("Ce n’est pas une vente, ou elle a déjà été reprise.")


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """Numbers in a row, both ends included."""

    first: int
    last: int

    @property
    def quantity(self) -> int:
        """How many they are."""
        return self.last - self.first + 1

    def overlaps(self, other: Span) -> bool:
        """Whether a number is in both."""
        return self.first <= other.last and other.first <= self.last


@dataclass(frozen=True, slots=True)
class Holder:
    """Who has numbers: a place of the office, somebody of its staff there, or one of the ways to be gone."""

    where: Whereabouts
    place_id: UUID | None = None
    staff_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Holding:
    """Numbers with one holder."""

    span: Span
    holder: Holder


COMPTABLE = Holder(Whereabouts.COMPTABLE)


def check_span(span: Span) -> None:
    """Refuse impossible numbers.

    Raises:
        BadSpan
    """
    whole = type(span.first) is int and type(span.last) is int
    if not whole or not 0 < span.first <= span.last <= NUMBER_MAX or span.quantity > QUANTITY_MAX:
        raise BadSpan(most=QUANTITY_MAX)


def spans_of(text: str) -> list[Span]:
    """Return what somebody wrote as "101-150, 160" as spans, in order; nothing written is no span.

    Raises:
        BadSpan: it cannot be read, or a number stands there twice.
    """
    spans: list[Span] = []
    for part in (each.strip() for each in re.split(r"[,;\n]", text)):
        if not part:
            continue
        found = _SPAN.fullmatch(part)
        if found is None or len(spans) == SPANS_MAX:
            raise BadSpan(most=QUANTITY_MAX)
        first, last = found.groups()
        span = Span(int(first), int(last or first))
        check_span(span)
        spans.append(span)
    if len(joined(spans)) > SPANS_MAX or sum(span.quantity for span in joined(spans)) != quantity(spans):
        raise BadSpan(most=QUANTITY_MAX)
    return joined(spans)


def written(spans: Iterable[Span]) -> str:
    """Return spans as they are written and read: "101–150, 160"."""
    return ", ".join(f"{span.first}–{span.last}" if span.quantity > 1 else f"{span.first}" for span in spans)


def quantity(spans: Iterable[Span]) -> int:
    """Return how many numbers spans hold."""
    return sum(span.quantity for span in spans)


def joined(spans: Iterable[Span]) -> list[Span]:
    """Return the same numbers in as few spans as possible, in order."""
    out: list[Span] = []
    for span in sorted(spans):
        if out and span.first <= out[-1].last + 1:
            out[-1] = Span(out[-1].first, max(out[-1].last, span.last))
        else:
            out.append(span)
    return out


def without(spans: Iterable[Span], taken: Iterable[Span]) -> list[Span]:
    """Return the numbers of `spans` that are not in `taken`."""
    left = joined(spans)
    for gone in taken:
        parts = []
        for span in left:
            if not span.overlaps(gone):
                parts.append(span)
                continue
            if span.first < gone.first:
                parts.append(Span(span.first, gone.first - 1))
            if span.last > gone.last:
                parts.append(Span(gone.last + 1, span.last))
        left = parts
    return left


def moved(stock: Sequence[Holding], span: Span, source: Holder, target: Holder) -> list[Holding]:
    """Return a stock after numbers went from one holder to another; from the comptable they are new.

    `stock` holds at least what overlaps the span or touches it.

    Raises:
        NumbersKnown: some were received before.
        NumbersElsewhere: some are not with the source.
    """
    check_span(span)
    if source == COMPTABLE:
        for holding in stock:
            if holding.span.overlaps(span):
                number = max(span.first, holding.span.first)
                raise NumbersKnown(number=number, where=WHEREABOUTS_WORDS[holding.holder.where])
        rest = list(stock)
    else:
        _check_held(stock, span, source)
        rest = [Holding(left, holding.holder) for holding in stock for left in without([holding.span], [span])]
    return _compact([*rest, Holding(span, target)])


def _check_held(stock: Sequence[Holding], span: Span, source: Holder) -> None:
    missing = without([span], [each.span for each in stock if each.holder == source])
    if missing:
        number = missing[0].first
        where = next((each.holder.where for each in stock if each.span.first <= number <= each.span.last), None)
        words = WHEREABOUTS_WORDS[where] if where is not None else WHEREABOUTS_WORDS[Whereabouts.COMPTABLE]
        raise NumbersElsewhere(number=number, where=words)


def _compact(stock: Iterable[Holding]) -> list[Holding]:
    """Join neighbours with the same holder."""
    out: list[Holding] = []
    for holding in sorted(stock, key=lambda each: each.span):
        if out and out[-1].holder == holding.holder and out[-1].span.last + 1 == holding.span.first:
            out[-1] = Holding(Span(out[-1].span.first, holding.span.last), holding.holder)
        else:
            out.append(holding)
    return out


def next_span(spans: Iterable[Span], wanted: int) -> Span:
    """Return the lowest numbers of a stock, so many in a row.

    Raises:
        NotEnoughInStock
    """
    for span in sorted(spans):
        if 0 < wanted <= span.quantity:
            return Span(span.first, span.first + wanted - 1)
    raise NotEnoughInStock(quantity=wanted)


@dataclass(frozen=True, slots=True)
class Counted:
    """What a count found: numbers that should be there and are not, and numbers that should not."""

    missing: tuple[Span, ...]
    unexpected: tuple[Span, ...]

    @property
    def differs(self) -> bool:
        """Whether books and stock disagree."""
        return bool(self.missing or self.unexpected)


def compare(expected: Collection[Span], counted: Collection[Span]) -> Counted:
    """Return what a count found beside the books."""
    return Counted(tuple(without(expected, counted)), tuple(without(counted, expected)))
