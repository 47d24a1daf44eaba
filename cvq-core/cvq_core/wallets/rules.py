"""When money may move between two wallets, when it moves by itself, and when a family is told, as pure functions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from uuid import UUID

from cvq_core.errors import N_, BadInput, Forbidden, Refusal
from cvq_core.ledger.rules import AmountOutOfBounds
from cvq_core.text import money

SETTING_CENTS_MAX = 1_000_00
"""No threshold, amount or monthly ceiling of a family is above a thousand euros."""


class TopUpMeans(StrEnum):
    """Where an automatic top-up takes the money."""

    WALLET = "wallet"


class WalletsOfTwoFamilies(Forbidden):
    """Money never moves from one family's wallet to another's."""

    slug = "wallets-of-two-families"
    message = N_("Ces deux comptes de service ne sont pas ceux de la même famille.")
    what_to_do = N_("Rien n’a été déplacé. Choisissez deux comptes de cette famille.")


class SameWallet(BadInput):
    """From a wallet to itself."""

    slug = "same-wallet"
    message = N_("Choisissez deux comptes de service différents.")


class NotEnoughToMove(Refusal):
    """More than the wallet holds; what a family may owe is not there to be moved."""

    slug = "not-enough-to-move"
    message = N_("Il n’y a que {held} sur ce compte de service.")
    what_to_do = N_("Rien n’a été déplacé. Choisissez une somme qui s’y trouve.")


class BadTopUpSetting(BadInput):
    """Amounts of an automatic top-up that do not fit each other, or are beyond the bounds."""

    slug = "bad-top-up-setting"
    message = N_("Ces montants ne vont pas ensemble.")
    what_to_do = N_("La somme ajoutée doit être plus grande que zéro, et tenir dans le plafond du mois.")


class TopUpInACircle(Refusal):
    """The wallet that would pay is itself filled, by way of others, from the one that it would fill."""

    slug = "top-up-in-a-circle"
    message = N_("Ces comptes s’approvisionneraient l’un l’autre sans fin.")
    what_to_do = N_("Arrêtez d’abord l’autre approvisionnement automatique.")


class NoFamilyEmail(Refusal):
    """A notice has no address to go to."""

    slug = "no-family-email"
    message = N_("Ce compte famille n’a pas d’adresse électronique.")
    what_to_do = N_("Notez-la sur le compte, puis demandez de nouveau l’avertissement.")


@dataclass(frozen=True, slots=True)
class TopUpSetting:
    """A family's wish: below `threshold_cents`, add `amount_cents`, at most `month_max_cents` in a calendar month."""

    threshold_cents: int
    amount_cents: int
    month_max_cents: int


def check_top_up(setting: TopUpSetting) -> None:
    """Refuse a setting that could do nothing, or too much.

    Raises:
        BadTopUpSetting: see the message.
    """
    if not 0 <= setting.threshold_cents <= SETTING_CENTS_MAX:
        raise BadTopUpSetting
    if not 0 < setting.amount_cents <= setting.month_max_cents <= SETTING_CENTS_MAX:
        raise BadTopUpSetting


def check_circle(wallet_id: UUID, source_id: UUID, sources: Mapping[UUID, UUID]) -> None:
    """Refuse a source that is itself filled from the wallet; `sources` maps wallets to what fills them.

    Raises:
        SameWallet: a wallet that would fill itself.
        TopUpInACircle: it would, by way of others.
    """
    if wallet_id == source_id:
        raise SameWallet
    seen = {source_id}
    while (source := sources.get(source_id)) is not None and source not in seen:
        if source == wallet_id:
            raise TopUpInACircle
        seen.add(source)
        source_id = source


def check_move(amount_cents: int, held_cents: int) -> None:
    """Refuse to move what is not there.

    Raises:
        AmountOutOfBounds: not a positive whole number of cents.
        NotEnoughToMove: the wallet holds less.
    """
    if type(amount_cents) is not int or amount_cents <= 0:
        raise AmountOutOfBounds
    if amount_cents > held_cents:
        raise NotEnoughToMove(held=money(max(0, held_cents)), held_cents=held_cents)


def top_up_due(setting: TopUpSetting, *, balance_cents: int, source_cents: int, this_month_cents: int) -> int:
    """Return how much is to be added now, in cents; 0 when nothing is.

    `this_month_cents` is what was added since the first of the month: the ceiling holds whatever was changed since.
    What the source does not hold is not moved, and the amount that is left of the month's ceiling is.
    """
    if balance_cents >= setting.threshold_cents:
        return 0
    return max(0, min(setting.amount_cents, setting.month_max_cents - this_month_cents, source_cents))


class Notice(StrEnum):
    """What is to be done about a low balance."""

    TELL = "tell"
    FORGET = "forget"
    NOTHING = "nothing"


def notice_due(threshold_cents: int, *, balance_cents: int, told: bool) -> Notice:
    """Return whether to tell the family: once when the balance has gone below, again only after it came back."""
    if balance_cents < threshold_cents:
        return Notice.NOTHING if told else Notice.TELL
    return Notice.FORGET if told else Notice.NOTHING


def first_of_month(day: date) -> date:
    """Return the first day of a day's month."""
    return day.replace(day=1)
