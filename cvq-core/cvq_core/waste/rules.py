"""What a deposit at the waste centre is and costs, as pure functions."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from fractions import Fraction

from cvq_core.errors import N_, BadInput, NotFound, Refusal

_PLATE = re.compile(r"[A-Z0-9]{4,12}")
LINES_MAX = 12
LITRES_MAX = 20_000
LITRES_STEP = 50
"""Volumes are read off a trailer: half a cubic metre is said, not a litre."""


LIST_LASTS = timedelta(hours=72)
"""How long a tablet may go by the list of who comes: a long weekend without a line."""


class LateKind(StrEnum):
    """Why a deposit that a tablet brings home is shown to the manager; slugs never change."""

    NOT_TAKEN = "not-taken"
    PRICE_DIFFERS = "price-differs"


class Standing(StrEnum):
    """As whom somebody brings something."""

    HOUSEHOLD = "household"
    PROFESSIONAL = "professional"


STANDING_WORDS: dict[Standing, str] = {
    Standing.HOUSEHOLD: N_("particulier"),
    Standing.PROFESSIONAL: N_("professionnel"),
}


class BadDeposit(BadInput):
    """No line, too many, one category twice, or a volume that cannot be."""

    slug = "bad-waste-deposit"
    message = N_("Ce dépôt n’est pas possible : chaque catégorie une fois, avec son volume.")
    what_to_do = N_("Choisissez les catégories et leurs volumes, par pas de 50 litres, 20 m³ au plus.")


class BadPlate(BadInput):
    """Not a number plate."""

    slug = "bad-number-plate"
    message = N_("Cette plaque d’immatriculation ne peut pas être juste.")
    what_to_do = N_("Recopiez-la telle qu’elle est sur le véhicule, par exemple AB-123-CD.")


class UnknownCategory(NotFound):
    """The waste centre takes no such thing."""

    slug = "unknown-waste-category"
    message = N_("Cette catégorie de déchets n’est pas acceptée ici.")


class NotAdmitted(Refusal):
    """Neither a household of the territory nor a professional who is registered."""

    slug = "waste-not-admitted"
    message = N_("Cette carte n’est pas inscrite à la déchèterie.")
    what_to_do = N_("L’inscription se fait en mairie ; les professionnels s’inscrivent avec leur SIRET.")


class ChooseStanding(Refusal):
    """Somebody may come for their household and for their company."""

    slug = "waste-choose-standing"
    message = N_("Cette personne vient comme particulier ou comme professionnel : il faut choisir.")
    what_to_do = N_("Demandez-lui pour qui elle dépose, puis choisissez.")


class ChoosePayer(Refusal):
    """Somebody comes for several companies, and nothing says for which this time."""

    slug = "waste-choose-payer"
    message = N_("Cette personne peut venir pour {names} : il faut savoir qui paie.")
    what_to_do = N_("Présentez la carte de l’organisme pour qui elle dépose ; la mairie la lui donne.")


class QuotaReached(Refusal):
    """The household has come as often as it may this year."""

    slug = "waste-quota-reached"
    message = N_("Ce foyer a fait ses {quota} passages de l’année.")
    what_to_do = N_("Les passages reprennent en janvier. Une erreur se voit avec le service des déchets.")


class CardNotGood(Refusal):
    """The card does not work; `why` is what is said to its bearer."""

    slug = "waste-card-not-good"
    message = N_("Cette carte n’est pas acceptée.")
    what_to_do = N_("{why}")


@dataclass(frozen=True, slots=True)
class Category:
    """A kind of waste; without `price_code` it is free for everybody: sorted loads are worth taking."""

    code: str
    label: str
    price_code: str | None = None


@dataclass(frozen=True, slots=True)
class Load:
    """So many litres of one category."""

    category: str
    litres: int

    @property
    def cubic_metres(self) -> Fraction:
        """The volume as tariffs count it."""
        return Fraction(self.litres, 1000)


@dataclass(frozen=True, slots=True)
class Charged:
    """A load with what it costs, in cents, and why (`tariffs.kept`)."""

    load: Load
    label: str
    amount_cents: int
    why: str = ""


@dataclass(frozen=True, slots=True)
class Visits:
    """How often a household has come this year, this time included, and how often it may; None is without limit."""

    made: int
    quota: int | None

    @property
    def overrun(self) -> bool:
        """Whether that is too often."""
        return self.quota is not None and self.made > self.quota


def check_loads(loads: Sequence[Load], known: Collection[str]) -> None:
    """Refuse a deposit that cannot be.

    Raises:
        BadDeposit, UnknownCategory
    """
    categories = [load.category for load in loads]
    if not 1 <= len(loads) <= LINES_MAX or len(set(categories)) != len(categories):
        raise BadDeposit
    if any(not 0 < load.litres <= LITRES_MAX or load.litres % LITRES_STEP for load in loads):
        raise BadDeposit
    if not set(categories) <= set(known):
        raise UnknownCategory


def standing_of(may: Collection[Standing], asked: Standing | None) -> Standing:
    """Return as whom somebody comes, given as whom they may.

    Raises:
        NotAdmitted, ChooseStanding
    """
    if asked is not None:
        if asked not in may:
            raise NotAdmitted
        return asked
    if not may:
        raise NotAdmitted
    if len(may) > 1:
        raise ChooseStanding
    return next(iter(may))


def is_charged(category: Category, standing: Standing) -> bool:
    """Whether a category costs somebody something: never a household, and professionals where it has a price."""
    return standing is Standing.PROFESSIONAL and category.price_code is not None


def charged(
    loads: Sequence[Load], categories: Mapping[str, Category], prices: Mapping[str, tuple[int, str]]
) -> list[Charged]:
    """Return what each load costs: `prices` has the cents and the reasons of the categories that cost something."""
    found = []
    for load in loads:
        cents, why = prices.get(load.category, (0, ""))
        found.append(Charged(load, categories[load.category].label, cents, why))
    return found


def volume_words(litres: int) -> str:
    """Return a volume as the slip says it: "1,5 m³"."""
    whole, rest = divmod(litres, 1000)
    decimals = f"{rest:03d}".rstrip("0")
    return f"{whole}{',' + decimals if decimals else ''} m³"


def plate_key(seen: str) -> str:
    """Return a number plate as it is kept and compared: "ab-123-cd" is "AB123CD".

    Raises:
        BadPlate: it is none.
    """
    key = "".join(character for character in seen.upper() if character not in " -.·")
    if not _PLATE.fullmatch(key):
        raise BadPlate
    return key
