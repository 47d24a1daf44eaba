"""Samples of the books: a month that is open, with an edition being made; a closed year; an empty month; a journal."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

from cvq_advisor_console.views.books import (
    AccountRow,
    BookChooser,
    BooksPage,
    Choice,
    EditionRow,
    EditionsView,
    Figure,
    FileLink,
    HeldRow,
    JournalPage,
    LineRow,
    TotalRow,
)
from cvq_core.web.views import Act, NavItem
from tests.e2e.look.samples_moments import Sample, at, region, shell

_SHELL = shell("Benoît Rousseau", "Régie de Parthenay-Gâtine", NavItem("Livres", "/livres", current=True))
_FILES = tuple(
    FileLink(label, f"/livres/editions/1/{label}")
    for label in ("Journal (PDF)", "Balance (PDF)", "Journal (CSV)", "Balance (CSV)", "Journal et balance (XLSX)")
)
_URL = "/livres/journal?livre=1&periode=2026-10"
_MAKING = EditionRow("provisoire", at(10, 10), "en préparation", "sun", is_making=True, done=1200, payments=2480)
_READY = EditionRow("CVQ-L-000007", at(9), "prête", "ok", _FILES)
_EDITIONS = EditionsView(region("books"), (_MAKING,), Act("/livres/editions"), "1", "1", "2026-10", False)
_FIRST, _LAST = "CVQAGUADZ3QAB2SZKC5KE3NOTEPXQ", "CVQAGUADZ3QAB2SZKC5KE3NOTEPXU"
_TREASURY = "Versé au comptable, Régie de recettes et d’avances de Parthenay-Gâtine"
_TOTALS = (
    TotalRow(("Cantine", "espèces"), 412550, -1500, 411050, 412, "CVQ-000101", "CVQ-002480", _URL),
    TotalRow(
        ("Cantine", "PayFiP"),
        1284300,
        0,
        1284300,
        604,
        "CVQAGUADZ3QAB2SZKC5KE3NOTEPXQ",
        "CVQAGUADZ3QAB2SZKC5KE3NOTEPXU",
        _URL,
    ),
    TotalRow(("Piscine", "carte bancaire"), 98000, 0, 98000, 77, "CVQ-000103", "CVQ-002471", _URL),
    TotalRow(
        ("À classer", "PayFiP"),
        3250,
        0,
        3250,
        1,
        "CVQAGUADZ3QAB2SZKC5KE3NOTEPXS",
        "CVQAGUADZ3QAB2SZKC5KE3NOTEPXS",
        _URL,
    ),
)
_ACCOUNTS = (
    AccountRow("Comptes famille, Cantine", 1204400, 0, 1696850, 2901250),
    AccountRow("Coffre, Mairie du Tallud", -50000, 411050, 400000, -61050),
    AccountRow("Écarts de caisse, Mairie du Tallud", -150, 50, 0, -200),
    AccountRow(
        "Versé au comptable, Régie de recettes et d’avances de Parthenay-Gâtine", -1154250, 1685800, 0, -2840050
    ),
)
_PAGE = BooksPage(
    label="Régie de recettes et d’avances",
    period="octobre 2026",
    chooser=BookChooser(
        "/livres",
        (Choice("1", "Toute la régie : Régie de recettes et d’avances", True), Choice("1.2", "École du Tallud")),
        (Choice("2026-11", "novembre 2026"), Choice("2026-10", "octobre 2026", True), Choice("2026", "année 2026")),
    ),
    figures=(
        Figure("À l’ouverture", 51250),
        Figure("Encaissé", 1798100),
        Figure("Annulé ou revenu", -1500),
        Figure("Versé", -1685800),
        Figure("À la clôture", 162050),
    ),
    closed_on=None,
    editions=_EDITIONS,
    movements=("Encaissé", "Annulé ou revenu", "Écarts de caisse", "Versé"),
    held=(
        HeldRow("espèces", 11050, (412550, -1500, -50, -400000), 22050),
        HeldRow("carte bancaire", 40200, (98000, 0, 0, 0), 138200),
        HeldRow("PayFiP", 0, (1287550, 0, 0, -1285800), 1750),
    ),
    held_total=HeldRow("En tout", 51250, (1798100, -1500, -50, -1685800), 162000),
    cash=(
        Figure("Au coffre", 61050),
        Figure("Dans les caisses ouvertes", 5000),
        Figure("En route vers le régisseur", 6000),
        Figure("dont fonds de caisse", 50000),
        Figure("À verser", 22050),
    ),
    totals=_TOTALS,
    totals_sum=TotalRow(("En tout", ""), 1798100, -1500, 1796600, 1094, "CVQ-000101", "", _URL),
    accounts=_ACCOUNTS,
    accounts_sum=AccountRow("En tout", 0, 2096900, 2096900, 0),
    to_classify_cents=3250,
    close=Act("/livres/arreter"),
    close_key="2",
)
_NO = ""
_LINE = LineRow(
    row=101,
    kind="quittance",
    number="CVQ-000101",
    at=at(9, 12),
    place="Mairie du Tallud",
    by="Odile Brémaud",
    account="0000123",
    service="Cantine",
    means="espèces",
    amount_cents=1550,
    voids="",
    slip="CVQ-V-000012",
    treasury_slip="CVQ-V-000014",
)
_JOURNAL = JournalPage(
    label="Régie de recettes et d’avances",
    period="octobre 2026",
    url="/livres/journal",
    book="1",
    period_word="2026-10",
    services=(Choice("canteen", "Cantine", True), Choice("pool", "Piscine")),
    means=(Choice("cash", "espèces"), Choice("payfip", "PayFiP")),
    rows=(
        _LINE,
        replace(
            _LINE, row=102, number="CVQ-000102", kind="annulation", voids="CVQ-000101", amount_cents=-1550, slip=""
        ),
        replace(
            _LINE,
            row=2481,
            number="CVQAGUADZ3QAB2SZKC5KE3NOTEPXQ",
            kind="paiement en ligne",
            place="Paiement en ligne",
            by="PayFiP",
            means="PayFiP",
            treasury_slip="",
        ),
    ),
    total=TotalRow(("",), 3100, -1550, 1550, 3, "", "", ""),
    back_url="/livres?livre=1",
    page=2,
    pages=13,
    earlier_url="/livres/journal?page=1",
    later_url="/livres/journal?page=3",
)
_CLOSED = replace(
    _PAGE,
    closed_on=date(2026, 11, 2),
    close=None,
    editions=replace(
        _EDITIONS,
        rows=(replace(_READY, title="CVQ-L-000008, duplicata n° 1"), _READY),
        is_closed=True,
    ),
)
_EMPTY = replace(
    _PAGE,
    held=(),
    totals=(),
    accounts=(),
    close=Act("/livres/arreter", why_not="Ce mois n’est pas fini : il ne peut pas encore être arrêté."),
    editions=replace(_EDITIONS, rows=()),
    to_classify_cents=0,
    disagreement="cash: the journal says (1550, 0), the ledger (1500, 0)",
)

BOOKS: dict[str, Sample] = {
    "books": Sample("books.html", {"shell": _SHELL, "view": _PAGE}, presses=("details.fold summary",)),
    "books-closed": Sample("books.html", {"shell": _SHELL, "view": _CLOSED}),
    "books-empty": Sample("books.html", {"shell": _SHELL, "view": _EMPTY}),
    "book-journal": Sample("book_journal.html", {"shell": _SHELL, "view": _JOURNAL}),
    "book-journal-empty": Sample("book_journal.html", {"shell": _SHELL, "view": replace(_JOURNAL, rows=(), page=1)}),
}
