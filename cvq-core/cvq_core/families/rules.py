"""Merging two accounts, closing one: what moves, what stays, what prevents it. Pure functions over values."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from uuid import UUID

from cvq_core.errors import N_, BadInput, NotFound, Refusal
from cvq_core.ledger.rules import WalletLevel
from cvq_core.people.rules import FamilyRole
from cvq_core.services.rules import ServiceCode


class SameAccount(BadInput):
    """An account is not merged with itself."""

    slug = "same-account"
    message = N_("Ce sont les deux fois le même compte.")
    what_to_do = N_("Choisissez le compte à garder et celui qui a été ouvert par erreur.")


class AccountClosed(Refusal):
    """One of the accounts is closed already."""

    slug = "account-closed"
    message = N_("Le compte {number} est fermé.")
    what_to_do = N_("Un compte fermé se lit toujours, et ne change plus.")


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


OLD_DEBT = N_("le compte {service} gardé ne peut pas reprendre une dette de {amount} sans passer sous zéro.")
SPENT_SINCE = N_("de l’argent a été dépensé depuis sur le compte {service}.")
PAID_SINCE = N_("la facture {number} a été payée depuis, en tout ou partie.")
KEPT_CLOSED = N_("le compte gardé a été fermé ou réuni à un autre depuis.")


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
