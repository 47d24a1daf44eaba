"""Amounts as people write them."""

from __future__ import annotations

import re

from cvq_core.errors import N_, BadInput

BAD_AMOUNT = N_("Écrivez le montant comme 12,50.")
BAD_DAY = N_("Écrivez le jour comme 03/03/2026.")
BAD_NUMBER = N_("Un nombre entier est attendu.")
_AMOUNT = re.compile(r"(\d{1,7})(?:[.,](\d{1,2}))?")


def cents_of(text: str) -> int | None:
    """Return "12,50", "12.5" or "1 200" as cents; nothing when it is no amount."""
    compact = re.sub(r"[\s\u00a0\u202f€]", "", text)
    found = _AMOUNT.fullmatch(compact)
    if found is None:
        return None
    euros, rest = found.groups()
    return int(euros) * 100 + int((rest or "0").ljust(2, "0"))


def required_cents(field: str, text: str) -> int:
    """Return an amount that must be there.

    Raises:
        BadInput: it is none; the field is named.
    """
    cents = cents_of(text)
    if cents is None:
        raise BadInput(fields={field: BAD_AMOUNT})
    return cents


def written(cents: int) -> str:
    """Return an amount as it stands in a field: "12,50"."""
    return f"{cents // 100},{cents % 100:02d}"
