"""What a line of the treasury account's statement may be, beside what is expected there; pure functions.

A line is matched without asking only where there is one way to read it: the amount is the same, the day is near, the
reference or at least the bank's word for it is there, and nothing else fits either side. Everything else is proposed
with its reasons, for the officer to decide.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from functools import cached_property
from uuid import UUID

from cvq_core.bank_table import plain
from cvq_core.errors import N_, BadInput, NotFound, Refusal

TOGETHER_MAX = 500
"""How many lines, and how many expected movements, one decision puts together."""

PROPOSED_MAX = 4
PAIRS_MAX = 20_000
"""Of how many lines and movements of one amount each pair is still looked at."""

CROWD = frozenset({UUID(int=0), UUID(int=1)})
"""Stands for the lines that could be a movement where there are too many to be named."""

DAYS_LATE_MAX = 400
"""Within how many days a reference alone still speaks for a movement."""

REFERENCE_LENGTH_MIN = 7


class ItemKind(StrEnum):
    """What is expected on the account."""

    CASH = "cash"
    CHEQUES_REMITTED = "cheques_remitted"
    CESU = "cesu"
    ANCV = "ancv"
    DEPOSIT = "deposit"
    CARD = "card"
    PAYFIP = "payfip"
    DEBIT_RUN = "debit_run"
    DEBIT_RETURN = "debit_return"
    BOUNCE = "bounce"
    BANK_FEES = "bank_fees"


ITEM_WORDS: dict[ItemKind, str] = {
    ItemKind.CASH: N_("versement d’espèces"),
    ItemKind.CHEQUES_REMITTED: N_("chèques versés"),
    ItemKind.CESU: N_("CESU versés"),
    ItemKind.ANCV: N_("chèques-vacances versés"),
    ItemKind.DEPOSIT: N_("remise de chèques"),
    ItemKind.CARD: N_("terminal de carte bancaire"),
    ItemKind.PAYFIP: N_("paiement en ligne"),
    ItemKind.DEBIT_RUN: N_("prélèvements"),
    ItemKind.DEBIT_RETURN: N_("prélèvement rejeté"),
    ItemKind.BOUNCE: N_("chèque rejeté"),
    ItemKind.BANK_FEES: N_("frais de la banque"),
}

WINDOWS: dict[ItemKind, tuple[int, int]] = {
    ItemKind.CASH: (0, 20),
    ItemKind.CHEQUES_REMITTED: (0, 20),
    ItemKind.CESU: (0, 90),
    ItemKind.ANCV: (0, 90),
    ItemKind.DEPOSIT: (0, 20),
    ItemKind.CARD: (0, 7),
    ItemKind.PAYFIP: (0, 7),
    ItemKind.DEBIT_RUN: (-1, 5),
    # The bank knows of these before we do: they are written down from its notice.
    ItemKind.DEBIT_RETURN: (-60, 10),
    ItemKind.BOUNCE: (-10, 20),
    ItemKind.BANK_FEES: (-10, 45),
}
"""How many days after the movement its line may come, the first and the last."""

_BANK_WORDS: dict[ItemKind, frozenset[str]] = {
    ItemKind.CASH: frozenset({"especes", "numeraire", "versement"}),
    ItemKind.CHEQUES_REMITTED: frozenset({"chq", "cheque", "cheques"}),
    ItemKind.CESU: frozenset({"cesu"}),
    ItemKind.ANCV: frozenset({"ancv"}),
    ItemKind.DEPOSIT: frozenset({"chq", "cheque", "cheques", "remchq"}),
    ItemKind.CARD: frozenset({"cb", "carte", "cartes", "tpe", "telecollecte"}),
    ItemKind.PAYFIP: frozenset({"payfip", "tipi", "tipiregie"}),
    ItemKind.DEBIT_RUN: frozenset({"prlv", "prelevement", "prelevements", "sdd", "sepa"}),
    ItemKind.DEBIT_RETURN: frozenset({"rejet", "retour", "impaye", "prlv", "prelevement"}),
    ItemKind.BOUNCE: frozenset({"rejet", "impaye", "impayes"}),
    ItemKind.BANK_FEES: frozenset({"frais", "commission", "commissions"}),
}
"""By which words a bank names a movement in its label."""


class Reason(StrEnum):
    """Why a line is read in some way, or why it is doubtful."""

    AMOUNT = "amount"
    REFERENCE = "reference"
    WORD = "word"
    NEAR = "near"
    LATE = "late"
    OTHER_AMOUNT = "other_amount"
    NOT_ALONE = "not_alone"
    UNDONE = "undone"
    SEVERAL = "several"


REASON_WORDS: dict[Reason, str] = {
    Reason.AMOUNT: N_("même montant"),
    Reason.REFERENCE: N_("référence retrouvée"),
    Reason.WORD: N_("libellé de ce genre"),
    Reason.NEAR: N_("jour proche"),
    Reason.LATE: N_("jour éloigné"),
    Reason.OTHER_AMOUNT: N_("autre montant"),
    Reason.NOT_ALONE: N_("d’autres lectures sont possibles"),
    Reason.UNDONE: N_("déjà défait une fois"),
    Reason.SEVERAL: N_("plusieurs ensemble"),
}


class UnknownStatementLine(NotFound):
    """No line of this office's statement has this id."""

    slug = "unknown-statement-line"
    message = N_("Cette ligne de relevé n’existe pas.")


class NotToMatch(Refusal):
    """A line or an expected movement is matched already, or is none of this office."""

    slug = "not-to-match"
    message = N_("Une de ces lignes est déjà rapprochée, ou n’est plus attendue.")
    what_to_do = N_("Rouvrez la page : la liste est à jour. Rien n’a été enregistré.")


class SumsDiffer(BadInput):
    """The lines and what they are matched with do not add up to the same."""

    slug = "sums-differ"
    message = N_("Les lignes du relevé font {lines}, et ce qui est attendu fait {items}.")
    what_to_do = N_("Choisissez ce qui fait le même total, ou classez la ligne avec son motif.")


class NothingToMatch(BadInput):
    """Nothing was chosen, or too much."""

    slug = "nothing-to-match"
    message = N_("Rien n’est choisi.")
    what_to_do = N_("Cochez une ligne du relevé, et ce qui lui correspond.")


class UnknownMatch(NotFound):
    """No decision has this id."""

    slug = "unknown-match"
    message = N_("Ce rapprochement n’existe pas.")


class MatchUndone(Refusal):
    """It was undone, or is itself what undoes another."""

    slug = "match-undone"
    message = N_("Ce rapprochement est déjà défait.")


ItemKey = tuple[ItemKind, UUID]


@dataclass(frozen=True, slots=True)
class Item:
    """A movement that is expected on the account, in cents: plus comes onto it.

    `references` are what the bank may repeat; items of one `group` may arrive as one sum.
    """

    kind: ItemKind
    id: UUID
    day: date
    amount_cents: int
    label: str
    references: tuple[str, ...] = ()
    group: str = ""

    @property
    def key(self) -> ItemKey:
        """What tells it from all others."""
        return self.kind, self.id


@dataclass(frozen=True)
class Line:
    """A movement on the statement, in cents: plus came onto the account."""

    id: UUID
    day: date
    amount_cents: int
    label: str
    reference: str = ""

    @cached_property
    def words(self) -> frozenset[str]:
        """What the bank wrote, word by word."""
        return frozenset(plain(f"{self.label} {self.reference}").split())

    @cached_property
    def compact(self) -> str:
        """What the bank wrote, without spaces and signs: banks leave hyphens out."""
        return plain(f"{self.label} {self.reference}").replace(" ", "")


@dataclass(frozen=True, slots=True)
class Reading:
    """One way to read a line. `differs_cents` is not zero where the reference is there and the amount is another's."""

    items: tuple[Item, ...]
    reasons: tuple[Reason, ...]
    certain: bool = False
    differs_cents: int = 0

    @property
    def amount_cents(self) -> int:
        """What its items add up to."""
        return sum(item.amount_cents for item in self.items)


@dataclass(frozen=True, slots=True)
class Undone:
    """Matches that somebody undid: a line with the items that it was matched with."""

    pairs: frozenset[tuple[UUID, frozenset[ItemKey]]] = field(default_factory=frozenset)

    def has(self, line: Line, items: Iterable[Item]) -> bool:
        """Whether this very match was undone."""
        return (line.id, frozenset(item.key for item in items)) in self.pairs


def readings_of(
    lines: Sequence[Line], items: Sequence[Item], undone: Undone = Undone()
) -> dict[UUID, tuple[Reading, ...]]:
    """Return the ways to read each line, the likeliest first; a certain one stands alone. All are unmatched."""
    by_sum, by_reference = _by_sum(items), _by_reference(items)
    lines_of = Counter(line.amount_cents for line in lines)
    named = {line.id: _named(line, by_reference) for line in lines}
    # So many of these are alike that only a reference tells them apart.
    crowded = frozenset(cents for cents, ways in by_sum.items() if lines_of[cents] * len(ways) > PAIRS_MAX)
    candidates = {}
    for line in lines:
        ways: Iterable[tuple[Item, ...]] = by_sum.get(line.amount_cents, ())
        if line.amount_cents in crowded:
            ways = [(item,) for item in named[line.id].values() if item.amount_cents == line.amount_cents]
        candidates[line.id] = _candidates(line, ways, named[line.id], undone)
    strong, plausible = _holders(candidates)
    for item in items:
        if item.amount_cents in crowded:
            plausible[item.key] |= CROWD
    found: dict[UUID, tuple[Reading, ...]] = {}
    for line in lines:
        mine = candidates[line.id]
        sure = [each for each in mine if _is_certain(line, each, mine, strong, plausible)]
        if sure:
            found[line.id] = (Reading(sure[0].items, sure[0].reasons, certain=True),)
            continue
        more = () if len(mine) <= 1 else (Reason.NOT_ALONE,)
        proposed = [Reading(each.items, (*each.reasons, *more)) for each in sorted(mine, key=_likeliest)[:PROPOSED_MAX]]
        found[line.id] = tuple((proposed + _other_amounts(line, named[line.id], proposed))[:PROPOSED_MAX])
    return found


def certain(readings: Mapping[UUID, Sequence[Reading]]) -> dict[UUID, Reading]:
    """Return the lines that can be read in one way alone."""
    return {line_id: ways[0] for line_id, ways in readings.items() if ways and ways[0].certain}


def is_named(line: Line, reference: str) -> bool:
    """Whether the bank repeats a reference: as a word of its own, or run together with others where it has letters."""
    wanted = plain(reference).replace(" ", "")
    if len(wanted) < REFERENCE_LENGTH_MIN:
        return False
    if wanted.isdigit():
        return any(word.isdigit() and word.lstrip("0") == wanted.lstrip("0") for word in line.words)
    at = line.compact.find(wanted)
    while at >= 0:
        after = line.compact[at + len(wanted) : at + len(wanted) + 1]
        # "CVQC000001" does not stand in "CVQC0000012".
        if not (wanted[-1].isdigit() and after.isdigit()):
            return True
        at = line.compact.find(wanted, at + 1)
    return False


def _by_sum(items: Sequence[Item]) -> dict[int, list[tuple[Item, ...]]]:
    """Return what a line of some amount could be: each item alone, and each group as one sum."""
    found: dict[int, list[tuple[Item, ...]]] = defaultdict(list)
    groups: dict[tuple[ItemKind, str], list[Item]] = defaultdict(list)
    for item in items:
        found[item.amount_cents].append((item,))
        if item.group:
            groups[item.kind, item.group].append(item)
    for together in groups.values():
        if 1 < len(together) <= TOGETHER_MAX:
            found[sum(item.amount_cents for item in together)].append(tuple(together))
    return found


def _candidates(
    line: Line, ways: Iterable[tuple[Item, ...]], there: Mapping[ItemKey, Item], undone: Undone
) -> list[Reading]:
    found = []
    for items in ways:
        named = all(item.key in there for item in items)
        first, last = WINDOWS[items[0].kind]
        days = (line.day - max(item.day for item in items)).days
        near = first <= days <= last
        if not near and not (named and abs(days) <= DAYS_LATE_MAX):
            continue
        told = {
            Reason.AMOUNT: True,
            Reason.REFERENCE: named,
            Reason.WORD: bool(line.words & _BANK_WORDS[items[0].kind]),
            Reason.NEAR: near,
            Reason.LATE: not near,
            Reason.SEVERAL: len(items) > 1,
            Reason.UNDONE: undone.has(line, items),
        }
        found.append(Reading(items, tuple(reason for reason, holds in told.items() if holds)))
    return found


def _holders(candidates: Mapping[UUID, Sequence[Reading]]) -> tuple[dict[ItemKey, set[UUID]], dict[ItemKey, set[UUID]]]:
    """Return which lines could be each item: those that name it, and all."""
    strong: dict[ItemKey, set[UUID]] = defaultdict(set)
    plausible: dict[ItemKey, set[UUID]] = defaultdict(set)
    for line_id, ways in candidates.items():
        for way in ways:
            for item in way.items:
                plausible[item.key].add(line_id)
                if Reason.REFERENCE in way.reasons:
                    strong[item.key].add(line_id)
    return strong, plausible


def _is_certain(
    line: Line,
    way: Reading,
    ways: Collection[Reading],
    strong: Mapping[ItemKey, set[UUID]],
    plausible: Mapping[ItemKey, set[UUID]],
) -> bool:
    if Reason.NEAR not in way.reasons or Reason.UNDONE in way.reasons:
        return False
    if Reason.REFERENCE in way.reasons:
        rivals = [each for each in ways if Reason.REFERENCE in each.reasons]
        return len(rivals) == 1 and all(strong[item.key] == {line.id} for item in way.items)
    if Reason.WORD not in way.reasons or len(ways) != 1:
        return False
    return all(plausible[item.key] == {line.id} for item in way.items)


def _likeliest(way: Reading) -> tuple[bool, bool, bool, bool]:
    reasons = way.reasons
    return (
        Reason.UNDONE in reasons,
        Reason.REFERENCE not in reasons,
        Reason.WORD not in reasons,
        Reason.LATE in reasons,
    )


def _by_reference(items: Sequence[Item]) -> dict[str, list[Item]]:
    """Return the items by each of their references, as a line has it when it is written without spaces and signs."""
    found: dict[str, list[Item]] = defaultdict(list)
    for item in items:
        for reference in item.references:
            wanted = plain(reference).replace(" ", "")
            found[wanted.lstrip("0") if wanted.isdigit() else wanted].append(item)
    return found


def _named(line: Line, by_reference: Mapping[str, Sequence[Item]]) -> dict[ItemKey, Item]:
    """Return the items whose reference the bank repeats."""
    signs = {word.lstrip("0") for word in line.words if word.isdigit()}
    for length in {len(reference) for reference in by_reference}:
        signs |= {line.compact[at : at + length] for at in range(len(line.compact) - length + 1)}
    return {
        item.key: item
        for sign in signs & by_reference.keys()
        for item in by_reference[sign]
        if any(is_named(line, reference) for reference in item.references)
    }


def _other_amounts(line: Line, named: Mapping[ItemKey, Item], proposed: Sequence[Reading]) -> list[Reading]:
    """Return the items that the bank names by their reference, with another amount."""
    there = {item.key for way in proposed for item in way.items}
    others = [item for key, item in named.items() if key not in there and item.amount_cents != line.amount_cents]
    return [
        Reading((item,), (Reason.REFERENCE, Reason.OTHER_AMOUNT), differs_cents=line.amount_cents - item.amount_cents)
        for item in sorted(others, key=lambda each: (each.day, each.id))
    ]
