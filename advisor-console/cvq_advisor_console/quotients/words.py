"""A family quotient in words: what is known, whence, until when, and what that does to the prices."""

from __future__ import annotations

from datetime import date

from cvq_core.errors import N_
from cvq_core.people.rules import QuotientSource
from cvq_core.people.tables import FamilyQuotient
from cvq_core.tariffs.words import Say
from cvq_core.text import NO_BREAK_SPACE, month_name, short_date

SOURCE_WORDS = {
    QuotientSource.CAF: N_("CAF"),
    QuotientSource.MSA: N_("MSA"),
    QuotientSource.DECLARED: N_("dit par la famille"),
}


def quotient_sentence(known: FamilyQuotient | None, on: date, say: Say, language: str) -> str:
    """Return what is known of a family's quotient on a day, with what it means for the prices."""
    if known is None:
        return say(N_("Aucun quotient n’est connu : la famille paie le prix le plus haut."))
    facts = {
        "value": euros(known.value_euros),
        "source": say(SOURCE_WORDS[known.source]),
        "month": month_name(known.valid_from, language),
        "until": short_date(known.valid_until, language) if known.valid_until else "",
    }
    if known.valid_until is None:
        return say(N_("{value} ({source}), depuis {month}."), **facts)
    if known.valid_until < on:
        return say(
            N_("{value} ({source}) n’est plus valable depuis le {until} : la famille paie le prix le plus haut."),
            **facts,
        )
    return say(N_("{value} ({source}), depuis {month}, valable jusqu’au {until}."), **facts)


def euros(value: int) -> str:
    """Return a quotient: whole euros."""
    return f"{value}{NO_BREAK_SPACE}€"
