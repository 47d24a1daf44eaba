"""Samples of a family's statement (a usual quarter, one that leaves lines to the paper, none), and of nobody's days."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

from cvq_advisor_console.views.statements import SectionView, StatementPage, WalletChoice
from cvq_advisor_console.views.unclaimed import BearerView, UnclaimedPage, UnclaimedRow
from cvq_core.families.statements import StatementLine
from cvq_core.web.views import NavItem
from tests.e2e.look.samples_moments import Sample, shell

_SHELL = shell("Karim Lefèvre", "Communauté de communes", NavItem("Console", "/console", current=True), live=False)
_TOP_UP = StatementLine(date(2026, 9, 3), "Approvisionnement (chèque), Mairie du Tallud", 5000, 4530)


def _meals(count: int, balance: int) -> tuple[StatementLine, ...]:
    first = date(2026, 9, 4)
    return tuple(
        StatementLine(first + timedelta(days=number), "Cantine, un repas", -235, balance - 235 * (number + 1))
        for number in range(count)
    )


_PAGE = StatementPage(
    url="/console/1/releve",
    account="Famille Moreau",
    number="0000123",
    first=date(2026, 8, 24),
    last=date(2026, 11, 24),
    wallets=(WalletChoice("1", "Cantine"), WalletChoice("2", "Piscine")),
    sections=(
        SectionView("Cantine", False, -470, (_TOP_UP, *_meals(21, 4530)), -405),
        SectionView("Piscine", False, 1240, (), 1240),
        SectionView(
            "Facture 2026-000112",
            True,
            0,
            (
                StatementLine(date(2026, 10, 1), "Facture 2026-000112", -9400, -9400),
                StatementLine(date(2026, 10, 20), "Paiement (espèces), Mairie du Tallud", 4000, -5400),
            ),
            -5400,
        ),
    ),
    pdf_url="/console/1/releve.pdf",
    csv_url="/console/1/releve.csv",
)

_MANAGER = shell("Marc Roy", "Cantine du Tallud", NavItem("Jours sans compte", "/unclaimed", current=True), live=False)
_TWO = (BearerView("1", "Famille Bonnin"), BearerView("2", "Famille Texier"))
_UNCLAIMED = UnclaimedPage(
    (
        UnclaimedRow(
            "/unclaimed/1",
            "TEXIER Emma",
            "Cantine",
            date(2026, 11, 20),
            235,
            "vendredi 20 novembre 2026 : d’après le rythme de garde, ce jour n’est à personne.",
            (*_TWO, BearerView("shares", "Partager 60 / 40")),
        ),
        UnclaimedRow(
            "/unclaimed/2",
            "ROUSSEAU-DELACROIX Marie-Antoinette",
            "Accueil périscolaire",
            date(2026, 11, 23),
            180,
            "L’enfant est dans plusieurs comptes, et aucun calendrier de garde n’est enregistré pour ce jour.",
            _TWO,
        ),
    )
)

STATEMENTS: dict[str, Sample] = {
    "unclaimed": Sample("unclaimed.html", {"shell": _MANAGER, "view": _UNCLAIMED}),
    "unclaimed-none": Sample("unclaimed.html", {"shell": _MANAGER, "view": UnclaimedPage()}),
    "statement": Sample("statement.html", {"shell": _SHELL, "view": _PAGE}),
    "statement-long": Sample(
        "statement.html",
        {
            "shell": _SHELL,
            "view": replace(
                _PAGE, sections=(SectionView("Cantine", False, 300_000, _meals(60, 20_000), 5_900, left_out=1342),)
            ),
        },
    ),
    "statement-family": Sample("statement.html", {"shell": _SHELL, "view": replace(_PAGE, back_url="/familles/1")}),
    "statement-empty": Sample("statement.html", {"shell": _SHELL, "view": replace(_PAGE, sections=())}),
}
