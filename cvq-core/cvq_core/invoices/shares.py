"""A shared child's billed month, split between two accounts to the cent: a pure rule over dated charges.

Prepaid services are paid by whose day it is. A billed one is paid by shares: whatever the days, each account bears its
percentage of the whole month. The month is split once, not each charge, so that nobody pays odd cents by the day; where
the shares change in between, each stretch of the month is split by its own. The cents that do not divide go to the
largest rests, and of equal rests to the first part (`people.custody.split_by_shares`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from cvq_core.errors import N_, BadInput, Refusal
from cvq_core.ledger.rules import AMOUNT_CENTS_MAX, AmountOutOfBounds
from cvq_core.people.custody import Part, split_by_shares
from cvq_core.text import NO_BREAK_SPACE, money, short_date

CHARGES_MAX = 500
LABEL_CHARACTERS = 80
EXPLANATION_CHARACTERS = 300


class BadMonth(BadInput):
    """No charge, too many, or one that is of another month or of a day to come."""

    slug = "bad-shared-month"
    message = N_("Ce mois ne peut pas être partagé : il lui faut des prestations, toutes de ce mois et déjà passées.")


class NoSharesThen(Refusal):
    """On a day of the month nothing says who bears the child in which shares."""

    slug = "no-shares-then"
    message = N_("Aucun calendrier de garde ne dit dans quelles parts les comptes de l’enfant paient le {day}.")
    what_to_do = N_("Rien n’a été facturé. Enregistrez le calendrier, ou facturez ces jours à un seul compte.")


class MonthBilled(Refusal):
    """This month of the child was billed before, under another request."""

    slug = "shared-month-billed"
    message = N_("Ce mois de l’enfant a déjà été facturé pour ce service.")
    what_to_do = N_("Rien n’a été facturé une seconde fois. Une erreur se corrige par une écriture.")


@dataclass(frozen=True, slots=True)
class Charge:
    """What a child used on a day: `quantity` times `unit_cents`."""

    day: date
    label: str
    quantity: int
    unit_cents: int

    @property
    def amount_cents(self) -> int:
        """What it adds to the month."""
        return self.quantity * self.unit_cents


@dataclass(frozen=True, slots=True)
class Share:
    """What an account bears of a stretch of the month; `detail` says in French what the stretch is made of."""

    part: Part
    amount_cents: int
    total_cents: int
    detail: str


def check_month(month: date, charges: Sequence[Charge], today: date) -> None:
    """Refuse what is no month of charges. `month` is its first day.

    Raises:
        BadMonth
        AmountOutOfBounds: a charge is not a positive whole number of cents, or the month beyond what the ledger takes.
    """
    after = (month.replace(day=28) + timedelta(days=4)).replace(day=1)
    if month.day != 1 or not 1 <= len(charges) <= CHARGES_MAX:
        raise BadMonth
    if any(not month <= each.day < after or each.day > today for each in charges):
        raise BadMonth
    if any(type(n) is not int or n <= 0 for each in charges for n in (each.quantity, each.unit_cents)):
        raise AmountOutOfBounds
    if sum(each.amount_cents for each in charges) > AMOUNT_CENTS_MAX:
        raise AmountOutOfBounds


def split_month(charges: Sequence[Charge], parts_on: Callable[[date], tuple[Part, ...]]) -> list[Share]:
    """Return what each account bears of a month, in the order of the days from which its shares held.

    `parts_on` gives the shares of a day: one part where the child has one account, none where nothing says it.

    Raises:
        NoSharesThen: a day without shares.
    """
    stretches: dict[tuple[Part, ...], list[Charge]] = {}
    for charge in sorted(charges, key=lambda each: (each.day, each.label, each.unit_cents)):
        parts = parts_on(charge.day)
        if not parts:
            raise NoSharesThen(day=short_date(charge.day))
        stretches.setdefault(parts, []).append(charge)
    found = []
    for parts, held in stretches.items():
        total = sum(each.amount_cents for each in held)
        borne = split_by_shares(total, parts)
        detail = _detail(held)
        found += [Share(part, borne[part.account_id], total, detail) for part in parts]
    return found


def fingerprint(charges: Sequence[Charge]) -> bytes:
    """Return what tells these charges from others, whatever their order: 32 bytes."""
    rows = sorted(f"{each.day}\0{each.label}\0{each.quantity}\0{each.unit_cents}" for each in charges)
    return hashlib.sha256("\n".join(rows).encode()).digest()


def share_label(what: str, share: Share) -> str:
    """Return the line of an invoice: which part of which total. Both families may read it, so it names no account."""
    what = what[:LABEL_CHARACTERS]
    if share.part.share_percent == 100:
        return what
    return f"{what}{NO_BREAK_SPACE}: {share.part.share_percent}{NO_BREAK_SPACE}% de {money(share.total_cents)}"


def _detail(charges: Sequence[Charge]) -> str:
    counted: dict[tuple[str, int], int] = {}
    for each in charges:
        key = (each.label, each.unit_cents)
        counted[key] = counted.get(key, 0) + each.quantity
    text = ", ".join(f"{count} × {label} à {money(cents)}" for (label, cents), count in counted.items())
    return text if len(text) <= EXPLANATION_CHARACTERS else text[: EXPLANATION_CHARACTERS - 1] + "…"
