"""Merging two accounts, closing one: what moves, what stays, what prevents it. Pure functions over values."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from uuid import UUID

from cvq_core.errors import N_, BadInput, NotFound, Refusal
from cvq_core.ledger.rules import WalletLevel
from cvq_core.people.rules import FAMILY_ROLE_WORDS, FamilyRole
from cvq_core.services.rules import SERVICE_LABELS, ServiceCode
from cvq_core.text import money, short_date, translator


class SameAccount(BadInput):
    """An account is not merged with itself."""

    slug = "same-account"
    message = N_("Ce sont les deux fois le même compte.")
    what_to_do = N_("Choisissez le compte à garder et celui qui a été ouvert par erreur.")


class CannotReopen(Refusal):
    """The account is open, was merged, or was closed otherwise than by a departure."""

    slug = "cannot-reopen"
    message = N_("Le compte {number} ne se rouvre pas.")
    what_to_do = N_("Seul rouvre un compte fermé par un départ ; une réunion de comptes se défait sur sa propre page.")


class MergePrevented(Refusal):
    """Something stands against the merger."""

    slug = "merge-prevented"
    message = N_("Ces deux comptes ne peuvent pas être réunis.")
    what_to_do = N_("{why} Rien n’a changé : réglez d’abord cela, puis recommencez.")


class NotMerged(Refusal):
    """The account was merged into no other."""

    slug = "not-merged"
    message = N_("Ce compte n’a pas été réuni à un autre.")


class UndoPrevented(Refusal):
    """Something happened since the merger that its reversal would not undo."""

    slug = "merge-undo-prevented"
    message = N_("Cette réunion de comptes ne peut plus être défaite.")
    what_to_do = N_("{why} Rien n’a changé : ouvrez un autre compte, et passez une écriture pour ce qui doit y aller.")


class AlreadyUndone(Refusal):
    """A merger is undone once."""

    slug = "merge-already-undone"
    message = N_("Cette réunion de comptes a déjà été défaite.")


class UnknownMerge(NotFound):
    """No merger has this id."""

    slug = "unknown-merge"
    message = N_("Cette réunion de comptes n’existe pas.")


class NotAMember(NotFound):
    """The person is nothing of the kind in the account."""

    slug = "not-a-member"
    message = N_("Cette personne n’a pas ce rôle dans ce compte aujourd’hui.")


class BadFamilyDay(BadInput):
    """A day that cannot be right: a death to come, a departure before the arrival."""

    slug = "bad-family-day"
    message = N_("Cette date n’est pas possible.")
    what_to_do = N_("Une arrivée précède un départ, et un décès n’est pas à venir.")


OLD_DEBT = N_("Le compte {service} gardé ne peut pas reprendre une dette de {amount} sans passer sous zéro.")
TWO_HOUSEHOLDS = N_(
    "Un calendrier de garde partage un enfant ({child}) entre ces deux comptes : ce sont deux foyers, "
    "et chacun a le sien. Si c’est une erreur, enregistrez d’abord un calendrier sans l’un des deux."
)
HANDED_OVER = N_(
    "La dette du compte {service} est sur une liste d’impayés remise au comptable, pour {amount} : elle y serait deux "
    "fois. Retirez d’abord la liste, ou attendez que la dette soit payée."
)
NO_HOUSEHOLD = N_(
    "Le compte {number} est celui d’une entreprise ou d’une association : il ne se réunit pas à un autre."
)
SPENT_SINCE = N_("Ce qui était arrivé sur le compte {service} a été dépensé depuis.")
PAID_SINCE = N_("La facture {number} a été payée depuis, en tout ou partie.")
KEPT_CLOSED = N_("Le compte gardé a été fermé ou réuni à un autre depuis.")
MANDATE_SINCE = N_("Un mandat de prélèvement a été signé depuis pour le compte réuni.")

ACCORD_ENDS = N_("L’accord pour demander le quotient à la CAF ou à la MSA s’arrête : la famille l’a retiré depuis.")
MANDATE_STAYS = N_(
    "Le mandat de prélèvement {reference} reste au compte réuni : le compte gardé en a déjà un pour la même régie."
)
MANDATE_GIVES_WAY = N_(
    "Le mandat de prélèvement {reference} du compte gardé, qui n’est pas en vigueur, laisse la place à celui du compte "
    "réuni."
)
TOP_UP_STAYS = N_("L’approvisionnement automatique du compte {service} s’arrête : le compte gardé a déjà le sien.")
TOP_UP_CIRCLE = N_(
    "L’approvisionnement automatique du compte {service} s’arrête : avec ceux du compte gardé, il tournerait en rond."
)
NOTICE_STAYS = N_("L’avertissement de solde bas du compte {service} s’arrête : le compte gardé a déjà le sien.")
NOTICE_NO_EMAIL = N_(
    "L’avertissement de solde bas du compte {service} s’arrête : le compte gardé n’a pas d’adresse électronique."
)


@dataclass(frozen=True, slots=True)
class Why:
    """A French sentence with its facts, told to whoever asks: services and roles by their names, `amount` in cents."""

    sentence: str
    facts: Mapping[str, object] = field(default_factory=dict)

    def in_words(self, language: str = "fr") -> str:
        """Return the sentence in a language."""
        told = {name: _told(name, value, language) for name, value in self.facts.items()}
        return translator(language).gettext(self.sentence).format_map(told)


def _told(name: str, value: object, language: str) -> object:
    if isinstance(value, ServiceCode):
        return translator(language).gettext(SERVICE_LABELS[value]).lower()
    if isinstance(value, FamilyRole):
        return translator(language).gettext(FAMILY_ROLE_WORDS[value])
    if name == "amount" and isinstance(value, int):
        return money(value, language)
    return short_date(value, language) if isinstance(value, date) else value


class What(StrEnum):
    """What becomes of a wallet or an invoice when its account closes."""

    REFUND = "refund"
    DEBT = "debt"


WHAT_WORDS: dict[What, str] = {
    What.REFUND: N_("à rembourser à la famille par la régie"),
    What.DEBT: N_("à réclamer : figure sur la liste des impayés"),
}


@dataclass(frozen=True, slots=True)
class WalletStanding:
    """A wallet with its level."""

    id: UUID
    service: ServiceCode
    level: WalletLevel


@dataclass(frozen=True, slots=True)
class WalletMove:
    """What leaves a wallet for the kept account's of the same service; a debt is below zero."""

    service: ServiceCode
    from_id: UUID
    amount_cents: int


@dataclass(frozen=True, slots=True)
class MemberMove:
    """A role that a person has in the merged account, and what it becomes in the kept one (`already`: it has it)."""

    membership_id: UUID
    person_id: UUID
    role: FamilyRole
    share_percent: int | None
    already: bool


@dataclass(frozen=True, slots=True)
class Held:
    """A membership that holds on the day of the merger."""

    id: UUID
    person_id: UUID
    role: FamilyRole
    share_percent: int | None


def wallet_moves(
    merged: Sequence[WalletStanding], kept: Mapping[ServiceCode, WalletLevel], may_owe: Collection[ServiceCode]
) -> tuple[list[WalletMove], list[WalletMove]]:
    """Return what moves from one account's wallets to the other's, and what cannot: a debt below the other's floor.

    A wallet that the kept account does not have yet opens empty, under its service's policy.
    """
    moves: list[WalletMove] = []
    prevented: list[WalletMove] = []
    for wallet in merged:
        cents = wallet.level.balance_cents
        if cents == 0:
            continue
        move = WalletMove(wallet.service, wallet.id, cents)
        other = kept.get(wallet.service, WalletLevel(0, None if wallet.service in may_owe else 0))
        below = other.floor_cents is not None and cents < 0 and other.balance_cents + cents < other.floor_cents
        (prevented if below else moves).append(move)
    return moves, prevented


def member_moves(merged: Sequence[Held], kept: Sequence[Held]) -> list[MemberMove]:
    """Return what each role in the merged account becomes in the kept one."""
    there = {(each.person_id, each.role) for each in kept}
    return [
        MemberMove(each.id, each.person_id, each.role, each.share_percent, (each.person_id, each.role) in there)
        for each in merged
    ]


@dataclass(frozen=True, slots=True)
class TopUpKept:
    """A family's automatic top-up of a service's wallet from another's; amounts in cents."""

    service: ServiceCode
    source: ServiceCode
    threshold_cents: int
    amount_cents: int
    month_max_cents: int


def top_ups_carried(
    merged: Sequence[TopUpKept], kept: Mapping[ServiceCode, ServiceCode]
) -> tuple[list[TopUpKept], list[Why]]:
    """Return which of the merged account's top-ups go on for the kept one, and why the others end.

    `kept` maps each service that the kept account fills by itself to what fills it: its own choices stand.
    """
    carried: list[TopUpKept] = []
    ended: list[Why] = []
    sources = dict(kept)
    for each in merged:
        if each.service in sources:
            ended.append(Why(TOP_UP_STAYS, {"service": each.service}))
        elif _leads_to(each.source, each.service, sources):
            ended.append(Why(TOP_UP_CIRCLE, {"service": each.service}))
        else:
            sources[each.service] = each.source
            carried.append(each)
    return carried, ended


def _leads_to(source: ServiceCode, service: ServiceCode, sources: Mapping[ServiceCode, ServiceCode]) -> bool:
    seen: set[ServiceCode] = set()
    at: ServiceCode | None = source
    while at is not None and at not in seen:
        if at is service:
            return True
        seen.add(at)
        at = sources.get(at)
    return False


def is_still_there(*, before_cents: int, moved_cents: int, now_cents: int) -> bool:
    """Whether what came into a wallet can go back: its own money is spent first, then what came.

    Without what came, the wallet must stand no lower than it did before, or at nothing.
    """
    return now_cents - moved_cents >= min(0, before_cents)


def what_is_left(balance_cents: int) -> What | None:
    """Return what a balance is when its account closes; nothing at zero."""
    if balance_cents == 0:
        return None
    return What.REFUND if balance_cents > 0 else What.DEBT


def check_death(on: date, today: date, birth_date: date | None) -> None:
    """Refuse a death to come, or before the birth.

    Raises:
        BadFamilyDay
    """
    if on > today or (birth_date is not None and on < birth_date):
        raise BadFamilyDay
