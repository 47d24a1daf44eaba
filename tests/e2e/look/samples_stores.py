"""Samples of what the cash officer keeps beside the drawer: the advance, inactive values, minutes."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

from cvq_advisor_console.views.advances import (
    AdvancePage,
    Choice,
    ClosedRow,
    ExpenseRow,
    ExpenseView,
    FundView,
    MovementRow,
    PayingView,
    ReplenishView,
    StatementRow,
)
from cvq_advisor_console.views.cash import StepLink
from cvq_core.web.views import Act, NavItem
from tests.e2e.look.samples_moments import Sample, at, shell

_NAV = (NavItem("Accueil", "/secretary"), NavItem("Caisse", "/cash", current=True))
SHELL = shell("Benoît Rousseau", "Guichet de la communauté", *_NAV, live=False)


def links(current: str) -> tuple[StepLink, ...]:
    """The other things to do at the cash desk."""
    steps = (
        ("Encaisser", "c", "cash"),
        ("Verser", "v", "building"),
        ("Retrouver une quittance", "t", "search"),
        ("Avance", "a", "wallet"),
        ("Valeurs inactives", "s", "credit-card"),
        ("Procès-verbaux", "p", "shield-check"),
    )
    return tuple(StepLink(label, f"/cash/{key}", key, icon, label == current) for label, key, icon in steps)


_EXPENSES = (
    ExpenseRow(
        "CVQ-D-000012", at(10, 40), "Jeanne Moreau", "solde d’un compte fermé", 3160, "/1", "à reconstituer", "sun"
    ),
    ExpenseRow("CVQ-D-000011", at(9, 20), "Papeterie Roy", "menues fournitures", -1250, "/2", "annulation", "off"),
    ExpenseRow("CVQ-D-000010", at(9, 5), "Papeterie Roy", "menues fournitures", 1250, "/3", "annulée", "off"),
    ExpenseRow("CVQ-D-000009", at(9, 5, days=-7), "La Poste", "affranchissement", 4250, "/4", "sur un état", "ok"),
)
_ADVANCE = AdvancePage(
    "Guichet de la communauté",
    "Régie de recettes et d’avances",
    links("Avance"),
    (StepLink("Payer", "/a", "1", "cash", current=True), StepLink("Reconstituer", "/b", "2", "refresh")),
    FundView(80000, 15340, 57250, 7410, 80000, 20000, "Délibération du 30 juin 2005, article 9"),
)
_PAYING = PayingView(
    "/pay",
    "k1",
    (Choice("closed_account", "solde d’un compte fermé", chosen=True), Choice("postage", "affranchissement")),
    (Choice("cash", "espèces", chosen=True), Choice("transfer", "virement")),
    "/lookup",
    number="F00042",
    wallets=(Choice("w1", "Piscine (31,60 €)", chosen=True), Choice("w2", "Cantine (4,20 €)")),
    amount="31,60",
    closed=(
        ClosedRow("F00042", "Piscine", date(2026, 11, 3), 3160, "/r1"),
        ClosedRow("F00017", "Centre de loisirs", date(2026, 10, 28), 1150, "/r2"),
    ),
    expenses=_EXPENSES,
)
_EXPENSE = ExpenseView(
    "12",
    "Dépense",
    "CVQ-D-000012",
    at(10, 40),
    (
        ("À qui", "Jeanne Moreau"),
        ("Pour quoi", "solde d’un compte fermé"),
        ("Pièce justificative", "courrier du 3 novembre"),
        ("Comment", "virement"),
        ("Compte remboursé", "Piscine, F00042"),
        ("IBAN", "FR14 •••• 2606"),
        ("Payé par", "Benoît Rousseau"),
    ),
    3160,
    "à reconstituer",
    "sun",
    "/12.pdf",
    "/back",
    cancel=Act("/cancel"),
)
_REPLENISH = ReplenishView(
    3160,
    _EXPENSES[:3],
    Act("/state"),
    "k2",
    (
        StatementRow("s2", "CVQ-E-000002", at(11, 0, days=-7), 4250, 4250, "/s2.pdf"),
        StatementRow("s1", "CVQ-E-000001", at(11, 0, days=-30), 12000, 0, "/s1.pdf"),
    ),
    "/move",
    "k3",
    (
        Choice("replenished:s2", "reconstitution de l’état CVQ-E-000002, reste 42,50 €"),
        Choice("withdrawn", "espèces retirées du compte de l’avance"),
    ),
    (Choice("cash", "en caisse d’avance"), Choice("transfer", "sur le compte de l’avance", chosen=True)),
    (
        MovementRow(
            at(14, 0, days=-2), "reconstitution reçue du comptable", "sur le compte de l’avance", 12000, "Mandat 118"
        ),
    ),
)


def _advance(**changes: Any) -> Sample:
    return Sample("advance.html", {"shell": SHELL, "view": replace(_ADVANCE, **changes)})


STORES: dict[str, Sample] = {
    "advance-paying": _advance(paying=_PAYING),
    "advance-expense": _advance(expense=_EXPENSE),
    "advance-replenish": _advance(replenish=_REPLENISH),
    "advance-none": _advance(
        fund=None,
        steps=(),
        refused="L’acte de cette régie ne prévoit pas d’avance aujourd’hui.",
        refused_todo="L’administrateur l’inscrit d’après l’acte constitutif.",
    ),
}
