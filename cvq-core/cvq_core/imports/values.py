"""What stands in a cell, understood: dates, amounts, names, telephones. Pure; `Unclear` says what is wrong."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal, InvalidOperation

import phonenumbers

from cvq_core.cards.rules import BadCardNumber, BadCardUid, card_number, card_uid
from cvq_core.errors import N_
from cvq_core.imports.sources import Cell
from cvq_core.ledger.rules import AMOUNT_CENTS_MAX
from cvq_core.tariffs.quotients import EUROS_MAX

AGE_YEARS_MAX = 120
PHONE_LENGTH_MAX = 20
YES = frozenset({"oui", "o", "x", "1", "vrai", "true", "yes", "y", "inscrit", "inscrite"})
NO = frozenset({"non", "n", "0", "faux", "false", "no", "-"})
# What old bases write where they know no date.
NO_DATE = frozenset({date(1900, 1, 1), date(1899, 12, 30), date(1899, 12, 31), date(1901, 1, 1)})

_EMAIL = re.compile(r"[\w.!#$%&'*+/=?^`{|}~-]{1,64}@[a-z0-9-]{1,63}(\.[a-z0-9-]{1,63})+", re.ASCII | re.IGNORECASE)
_TITLES = re.compile(r"^(?:m\.|mr|mme|mlle|monsieur|madame|mademoiselle|dr)\s+(?=\S)", re.IGNORECASE)
_BORN = re.compile(r"^(?P<usual>.+?)\s*(?:\bn[ée]e?\b|\(\s*n[ée]e?\b|\()\s*(?P<birth>[^()]+?)\)?$", re.IGNORECASE)
_MARRIED = re.compile(r"^(?P<birth>.+?)\s+(?:ép(?:ouse|x)?|ep(?:ouse|x)?|vve|veuve)\.?\s+(?P<usual>.+)$", re.IGNORECASE)
_LOWER_PARTICLES = frozenset({"de", "du", "des", "d"})


class Unclear(Exception):
    """A cell that cannot be understood: a French sentence with the place `{text}`."""

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence)
        self.sentence = sentence


def day(cell: Cell, formats: Sequence[str], today: date) -> date | None:
    """Return the day that a cell says in one of the formats; a year of two digits is never to come.

    Raises:
        Unclear
    """
    if isinstance(cell, date):
        return cell
    for each in formats:
        try:
            found = datetime.strptime(cell, each).date()  # noqa: DTZ007 - a civil date has no zone
        except ValueError:
            continue
        if "%y" in each and found > today:
            found = found.replace(year=found.year - 100)
        return found
    raise Unclear(_BAD_DATE)


def birth(cell: Cell, formats: Sequence[str], today: date) -> date | None:
    """Return a birth date; none where the old base wrote a date that stands for "unknown".

    Raises:
        Unclear: no date, one to come, or of somebody more than 120 years old.
    """
    found = day(cell, formats, today)
    if found is None or found in NO_DATE:
        return None
    if found > today or found.year < today.year - AGE_YEARS_MAX:
        raise Unclear(_IMPOSSIBLE_BIRTH)
    return found


def cents(cell: Cell) -> int:
    """Return an amount in cents: "1 234,50 €", "-12.5", "(12,50)" and "12,50-" are all understood.

    Raises:
        Unclear: no amount, a fraction of a cent, or more than the ledger takes.
    """
    text = str(cell).replace("€", "").replace("\u00a0", "").replace("\u202f", "").replace(" ", "").replace("−", "-")
    below = text.startswith("-") or text.endswith("-") or (text.startswith("(") and text.endswith(")"))
    text = text.strip("-+()").upper().removesuffix("EUR")
    if re.fullmatch(r"[0-9]{1,3}(?:\.[0-9]{3})+,[0-9]{1,2}", text):
        text = text.replace(".", "")
    if not re.fullmatch(r"[0-9]{1,10}(?:[.,][0-9]{1,8})?", text):
        raise Unclear(_BAD_AMOUNT)
    try:
        exact = Decimal(text.replace(",", ".")) * 100
    except InvalidOperation:
        raise Unclear(_BAD_AMOUNT) from None
    if exact != exact.to_integral_value() or exact > AMOUNT_CENTS_MAX:
        raise Unclear(_BAD_AMOUNT)
    return -int(exact) if below else int(exact)


def quotient(cell: Cell) -> int:
    """Return a family quotient in whole euros; the funds' cents are dropped.

    Raises:
        Unclear
    """
    found = cents(cell) // 100
    if not 0 <= found <= EUROS_MAX:
        raise Unclear(_BAD_QUOTIENT)
    return found


def phone(cell: Cell) -> str:
    """Return a telephone number as people write it: "05 36 49 12 34"; a workbook may have lost the nought in front.

    Raises:
        Unclear
    """
    digits = re.sub(r"[\s./-]", "", str(cell))
    if re.fullmatch(r"[1-9]\d{8}", digits):
        digits = f"0{digits}"
    try:
        number = phonenumbers.parse(digits, "FR")
    except phonenumbers.NumberParseException:
        raise Unclear(_BAD_PHONE) from None
    if not phonenumbers.is_possible_number(number):
        raise Unclear(_BAD_PHONE)
    kind = phonenumbers.PhoneNumberFormat
    french = number.country_code == 33
    written = phonenumbers.format_number(number, kind.NATIONAL if french else kind.INTERNATIONAL)
    return written[:PHONE_LENGTH_MAX]


def email(cell: Cell) -> str:
    """Return an e-mail address in small letters.

    Raises:
        Unclear
    """
    text = str(cell).strip().lower()
    if len(text) > 254 or not _EMAIL.fullmatch(text):
        raise Unclear(_BAD_EMAIL)
    return text


def number_of_card(cell: Cell) -> str:
    """Return a card's printed number; ten digits, of which a workbook may have lost a nought in front.

    Raises:
        Unclear
    """
    text = str(cell)
    try:
        return card_number(text.zfill(10) if text.isdecimal() else text)
    except BadCardNumber:
        raise Unclear(BadCardNumber.message) from None


def uid_of_card(cell: Cell) -> str:
    """Return what a reader sees of a card.

    Raises:
        Unclear
    """
    try:
        return card_uid(str(cell))
    except BadCardUid:
        raise Unclear(_BAD_UID) from None


def yes(cell: Cell) -> bool:
    """Return whether a cell says yes.

    Raises:
        Unclear
    """
    word = str(cell).strip().lower()
    if word in YES:
        return True
    if word in NO or not word:
        return False
    raise Unclear(_NOT_YES_OR_NO)


def family_names(text: str) -> tuple[str, str | None]:
    """Return the name at birth and the one in use, of a cell that may hold both: "MOREAU née DUPONT"."""
    text = _TITLES.sub("", text)
    for pattern in (_BORN, _MARRIED):
        match = pattern.fullmatch(text)
        if match is not None and match["birth"].strip() and match["usual"].strip():
            return tidy_name(match["birth"]), tidy_name(match["usual"])
    return tidy_name(text), None


def given_names(text: str) -> str:
    """Return given names as one writes them: "JEAN-PIERRE  marie" becomes "Jean-Pierre Marie"."""
    return tidy_name(_TITLES.sub("", text.replace(",", " ").replace(";", " ")))


def tidy_name(text: str) -> str:
    """Return a name with its capitals where they belong, if it came all in one case: "LE GOFF", "d'arc"."""
    text = " ".join(text.replace("'", "’").split())
    if text not in (text.upper(), text.lower()):
        return text
    words = re.split(r"([\s’-]+)", text.lower())
    return "".join(
        word if word in _LOWER_PARTICLES and place > 0 else word[:1].upper() + word[1:]
        for place, word in enumerate(words)
    )


_BAD_DATE = N_("« {text} » n’est pas une date écrite comme la correspondance le dit.")
_IMPOSSIBLE_BIRTH = N_("« {text} » n’est pas une date de naissance possible.")
_BAD_AMOUNT = N_("« {text} » n’est pas un montant en euros et centimes.")
_BAD_QUOTIENT = N_("« {text} » n’est pas un quotient familial : un nombre d’euros, de 0 à 20 000.")
_BAD_PHONE = N_("« {text} » n’est pas un numéro de téléphone.")
_BAD_EMAIL = N_("« {text} » n’est pas une adresse électronique.")
_BAD_UID = N_("« {text} » n’est pas l’identifiant d’une puce : 8, 14 ou 20 chiffres hexadécimaux.")
_NOT_YES_OR_NO = N_("« {text} » ne dit ni oui ni non.")
