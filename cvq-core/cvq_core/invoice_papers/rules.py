"""The words and refusals of printing invoices."""

from __future__ import annotations

from datetime import date, timedelta
from enum import StrEnum

from cvq_core.errors import N_, BadInput, NotFound, Refusal

TOKEN_LENGTH = 12
"""Letters of `payments.rules.TOKEN_ALPHABET`: 58 bits, for an address that lasts as long as a paper."""

RUN_INVOICES_MAX = 10_000


class RunState(StrEnum):
    """Where the printing of a month stands."""

    MAKING = "making"
    READY = "ready"
    FAILED = "failed"
    GONE = "gone"


class UnknownRun(NotFound):
    """There is no such printing, or not for this office."""

    slug = "unknown-invoice-run"
    message = N_("Cette impression de factures n’existe pas.")


class RunNotReady(Refusal):
    """Its file is not made yet, could not be made, or was removed."""

    slug = "invoice-run-not-ready"
    message = N_("Ces factures ne sont pas, ou ne sont plus, prêtes à imprimer.")
    what_to_do = N_("Attendez la fin de la préparation, ou demandez une nouvelle impression.")


class NoInvoices(Refusal):
    """Nothing is to be printed of the month."""

    slug = "no-invoices"
    message = N_("Il n’y a aucune facture à imprimer pour ce mois.")


class TooManyInvoices(Refusal):
    """More than one file takes."""

    slug = "too-many-invoices"
    message = N_("Il y a trop de factures pour une seule impression.")
    what_to_do = N_("Demandez à la personne qui administre le logiciel.")


class BadMonth(BadInput):
    """No month, or one to come."""

    slug = "bad-invoice-month"
    message = N_("Ce mois ne peut pas être imprimé.")
    what_to_do = N_("Choisissez un mois qui a commencé.")


def read_month(word: str, today: date) -> date:
    """Return the first day of the month "2026-03"; "" is this one.

    Raises:
        BadMonth
    """
    if not word:
        return today.replace(day=1)
    try:
        month = date.fromisoformat(f"{word}-01") if len(word) == 7 else None
    except ValueError:
        month = None
    if month is None or month > today or month.year < 2000:
        raise BadMonth
    return month


def month_after(month: date) -> date:
    """Return the first day of the next month."""
    return (month.replace(day=28) + timedelta(days=4)).replace(day=1)
