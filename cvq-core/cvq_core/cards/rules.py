"""Rules about cards as pure functions: numbers, states, and what is said of a card that does not work."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Literal

from cvq_core.errors import N_, BadInput, Refusal

NUMBER_LENGTH = 10
_UID_LENGTHS = (8, 14, 20)  # hexadecimal digits of the 4, 7 and 10 bytes of ISO/IEC 14443-3
_SEPARATORS = re.compile(r"[\s:.-]+")
# H. Michael Damm's quasigroup of order 10: the check digit catches every wrong digit and every swap of neighbours.
_DAMM = (
    "0317598642",
    "7092154863",
    "4206871359",
    "1750983426",
    "6123045978",
    "3674209581",
    "5869720134",
    "8945362017",
    "9438617205",
    "2581436790",
)


class CardStatus(StrEnum):
    """Where a card is in its life. A made one waits for its holder and opens nothing."""

    MADE = "made"
    ACTIVE = "active"
    BLOCKED = "blocked"
    REPLACED = "replaced"
    EXPIRED = "expired"


class BlockedReason(StrEnum):
    """Why a card is blocked."""

    LOST = "lost"
    STOLEN = "stolen"
    WITHDRAWN = "withdrawn"

    def is_worse_than(self, other: BlockedReason | None) -> bool:
        """Whether it stands in the place of another: what was stolen is lost too, and a house's word outlasts both."""
        return other is None or _GRAVITY.index(self) > _GRAVITY.index(other)


_GRAVITY = (BlockedReason.LOST, BlockedReason.STOLEN, BlockedReason.WITHDRAWN)
CardAct = Literal["hand_over", "block", "unblock", "replace", "expire"]
TRANSITIONS: dict[tuple[CardStatus, CardAct], CardStatus] = {
    (CardStatus.MADE, "hand_over"): CardStatus.ACTIVE,
    (CardStatus.MADE, "block"): CardStatus.BLOCKED,
    (CardStatus.ACTIVE, "block"): CardStatus.BLOCKED,
    (CardStatus.ACTIVE, "replace"): CardStatus.REPLACED,
    (CardStatus.ACTIVE, "expire"): CardStatus.EXPIRED,
    (CardStatus.BLOCKED, "unblock"): CardStatus.ACTIVE,
    (CardStatus.BLOCKED, "replace"): CardStatus.REPLACED,
    (CardStatus.EXPIRED, "replace"): CardStatus.REPLACED,
}
"""Every change of state that there is; a replaced card has none left."""


class BadCardNumber(BadInput):
    """Not ten digits with the right check digit."""

    slug = "bad-card-number"
    message = N_("Ce numéro de carte ne peut pas être juste : un chiffre est faux, ou il en manque.")
    what_to_do = N_("Relisez les dix chiffres imprimés sur la carte.")


class BadCardUid(BadInput):
    """Not what a card reader sees of a card."""

    slug = "bad-card-uid"
    message = N_("Ce que le lecteur a lu n’est pas l’identifiant d’une carte.")
    what_to_do = N_("Présentez la carte une seconde fois, à plat sur le lecteur.")


class CardStateRefused(Refusal):
    """The card is not in a state from which this can be done."""

    slug = "card-state"
    message = N_("L’état de cette carte ne permet pas cette action.")
    what_to_do = N_("Rouvrez la fiche de la carte : son état a peut-être changé entre-temps.")


def check_digit(digits: str) -> str:
    """Return the check digit of `digits` (Damm, 2004)."""
    interim = 0
    for digit in digits:
        interim = int(_DAMM[interim][int(digit)])
    return str(interim)


def card_number(text: str) -> str:
    """Return the ten digits of a card number as somebody typed it.

    Raises:
        BadCardNumber: it is not one.
    """
    digits = _SEPARATORS.sub("", text)
    if not (len(digits) == NUMBER_LENGTH and digits.isascii() and digits.isdigit() and check_digit(digits) == "0"):
        raise BadCardNumber
    return digits


def looks_like_card_number(text: str) -> bool:
    """Whether `text` can be a card number, so that one search box takes names and cards."""
    try:
        card_number(text)
    except BadCardNumber:
        return False
    return True


def printed_number(number: str) -> str:
    """Return a card number as it is printed: "482 130 5779"."""
    return f"{number[:3]} {number[3:6]} {number[6:]}"


def card_uid(text: str) -> str:
    """Return what a reader saw in upper-case hexadecimal digits without separators.

    Raises:
        BadCardUid: it is not 4, 7 or 10 bytes.
    """
    uid = _SEPARATORS.sub("", text[:60]).upper()
    if len(uid) not in _UID_LENGTHS or not all(digit in "0123456789ABCDEF" for digit in uid):
        raise BadCardUid
    return uid


def next_status(status: CardStatus, act: CardAct) -> CardStatus:
    """Return the state after `act`.

    Raises:
        CardStateRefused: there is no such change.
    """
    try:
        return TRANSITIONS[status, act]
    except KeyError:
        raise CardStateRefused from None


@dataclass(frozen=True, slots=True)
class CardFacts:
    """What the rules know of a card. `since` is the day of its present state."""

    status: CardStatus
    since: date
    valid_from: date
    valid_until: date
    blocked_reason: BlockedReason | None = None


@dataclass(frozen=True, slots=True)
class CardStanding:
    """Whether a card works today, and if not, why, in words for the person who holds it.

    `message` and `what_to_do` are French sentences of the catalogue with the places `{date}` and `{contact}`.
    """

    usable: bool
    slug: str
    message: str = ""
    what_to_do: str = ""


USABLE = CardStanding(usable=True, slug="usable")
_LOST = CardStanding(
    False,
    "card-lost",
    N_("Cette carte a été déclarée perdue le {date}."),
    N_("Gardez-la et appelez {contact} : on vous dira comment la remettre en service."),
)
_STOLEN = CardStanding(
    False,
    "card-stolen",
    N_("Cette carte a été déclarée volée le {date}."),
    N_("Appelez {contact} : on vous en remettra une autre."),
)
_WITHDRAWN = CardStanding(
    False, "card-withdrawn", N_("Cette carte a été suspendue le {date}."), N_("Appelez {contact} pour savoir pourquoi.")
)
_REPLACED = CardStanding(
    False,
    "card-replaced",
    N_("Cette carte a été remplacée le {date} : une plus récente est à votre nom."),
    N_("Utilisez la nouvelle. Si vous ne l’avez pas, appelez {contact}."),
)
_EXPIRED = CardStanding(
    False,
    "card-expired",
    N_("Cette carte était valable jusqu’au {date}."),
    N_("Pour en avoir une nouvelle, appelez {contact} : vos comptes et vos droits restent les mêmes."),
)
_NOT_YET = CardStanding(
    False, "card-not-yet-valid", N_("Cette carte sera valable à partir du {date}."), N_("D’ici là, appelez {contact}.")
)
_NOT_HANDED_OVER = CardStanding(
    False,
    "card-not-yet-valid",
    N_("Cette carte n’a pas encore été remise à son titulaire."),
    N_("Appelez {contact} pour la recevoir."),
)
_BLOCKED = {BlockedReason.LOST: _LOST, BlockedReason.STOLEN: _STOLEN, BlockedReason.WITHDRAWN: _WITHDRAWN}


def standing(card: CardFacts, today: date) -> CardStanding:
    """Return whether the card works on a day; what somebody decided comes before what the calendar says."""
    match card.status:
        case CardStatus.MADE:
            return _NOT_HANDED_OVER
        case CardStatus.REPLACED:
            return _REPLACED
        case CardStatus.BLOCKED:
            return _BLOCKED[card.blocked_reason or BlockedReason.WITHDRAWN]
        case CardStatus.EXPIRED:
            return _EXPIRED
        case CardStatus.ACTIVE:
            if today < card.valid_from:
                return _NOT_YET
            return _EXPIRED if today > card.valid_until else USABLE


def standing_date(card: CardFacts, today: date) -> date:
    """Return the day that `{date}` stands for in the words of `standing`."""
    if card.status is CardStatus.ACTIVE:
        return card.valid_from if today < card.valid_from else card.valid_until
    return min(card.since, card.valid_until) if card.status is CardStatus.EXPIRED else card.since
