"""Samples of invoices: a month to print, one being made, an empty one; the short address as a telephone shows it."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

from cvq_advisor_console.views.invoices import InvoiceRow, InvoicesPage, MonthChoice, RunRow, RunsView
from cvq_core.invoice_papers.routes import LinkPage
from cvq_core.web.views import NavItem
from tests.e2e.look.samples_moments import Sample, at, region, shell

_SHELL = shell("Benoît Rousseau", "Régie de Parthenay-Gâtine", NavItem("Caisse", "/caisse", current=True))
_MAKING = RunRow("Celles qui n’étaient pas imprimées", at(10, 10), "en préparation", "sun", True, 1200, 4066, "")
_READY = RunRow("Toutes", at(9), "prêtes", "ok", False, 4066, 4066, "/factures/impressions/1.pdf")
_RUNS = RunsView(region("invoice-runs"), (_MAKING, _READY), "/factures/imprimer", "1", "2026-10", 4066, 12)
_PAGE = InvoicesPage(
    "/factures",
    "Régie de recettes et d’avances",
    "octobre 2026",
    (MonthChoice("2026-11", "novembre 2026"), MonthChoice("2026-10", "octobre 2026", chosen=True)),
    _RUNS,
)
_LINK = LinkPage("Parthenay-Gâtine", "2026-000412", date(2026, 12, 10), 4725, "/f/k3m7xq29abcd/payer", "1", True, True)

ROWS = (
    InvoiceRow(
        "2026-000412", "Cantine, octobre 2026, Léa Moreau", date(2026, 11, 3), date(2026, 12, 10), 6350, 4725, "/a.pdf"
    ),
    InvoiceRow("2026-000017", "Cantine, septembre 2026", date(2026, 10, 2), date(2026, 11, 10), 2200, 0, "/b.pdf"),
)
"""What a family's file lists; the second is paid."""

INVOICES: dict[str, Sample] = {
    "invoices": Sample("invoices.html", {"shell": _SHELL, "view": _PAGE}),
    "invoices-empty": Sample(
        "invoices.html",
        {"shell": _SHELL, "view": replace(_PAGE, runs=replace(_RUNS, rows=(), invoices=0, not_printed=0))},
    ),
    "invoice-link": Sample("invoice_link.html", {"view": _LINK}),
    "invoice-link-paid": Sample("invoice_link.html", {"view": replace(_LINK, due_cents=0)}),
    "invoice-link-not-offered": Sample("invoice_link.html", {"view": replace(_LINK, is_offered=False)}),
}
