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
from cvq_advisor_console.views.minutes import (
    ComparedRow,
    ComparingView,
    CountingView,
    DestroyView,
    LineField,
    MinuteRow,
    MinutesPage,
    MinutesView,
    MinuteView,
    PieceField,
)
from cvq_advisor_console.views.values import (
    CountedValuesView,
    CountValuesView,
    KindTotal,
    MoveView,
    SellView,
    StockRow,
    StockView,
    ValueMovementRow,
    ValuesPage,
)
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


_KINDS = (Choice("k1", "Carnet de 10 entrées à la piscine (25,00 €)"), Choice("k2", "Carte vierge (1,00 €)"))
_HOLDERS = (
    Choice("place:1", "au lieu : Guichet de la communauté"),
    Choice("person:1:2", "confié à Odile Brémaud, Guichet de la communauté"),
)
_VALUES = ValuesPage(
    "Guichet de la communauté",
    "Régie de recettes et d’avances",
    links("Valeurs inactives"),
    (
        StepLink("Stock", "/v", "1", "list-check", current=True),
        StepLink("Recevoir, confier, rendre", "/v2", "2", "arrow-right"),
        StepLink("Vendre", "/v3", "3", "cash"),
        StepLink("Compter", "/v4", "4", "calculator"),
    ),
    (KindTotal("Carnet de 10 entrées à la piscine", 88, 220000), KindTotal("Carte vierge", 450, 45000)),
    265000,
)
_STOCK = StockView(
    (
        StockRow(
            "Carnet de 10 entrées à la piscine", "en stock", "Guichet de la communauté", "21–100", 80, 200000, "ok"
        ),
        StockRow("Carnet de 10 entrées à la piscine", "confié", "Guichet, Odile Brémaud", "3–10", 8, 20000, "ok"),
        StockRow("Carnet de 10 entrées à la piscine", "vendu", "", "1–2, 11–19", 11, 27500, "off"),
        StockRow("Carnet de 10 entrées à la piscine", "manquant", "Guichet de la communauté", "20", 1, 2500, "alert"),
        StockRow("Carte vierge", "en stock", "Guichet de la communauté", "551–1000", 450, 45000, "ok"),
    ),
    (
        ValueMovementRow(
            at(10, 12),
            "Carnet de 10 entrées à la piscine",
            "1–2",
            "confié, Guichet de la communauté, Odile Brémaud → vendu",
            "",
            Act("/undo"),
        ),
        ValueMovementRow(
            at(9, 3),
            "Carnet de 10 entrées à la piscine",
            "1–10",
            "en stock, Guichet de la communauté → confié, Guichet de la communauté, Odile Brémaud",
            "Pour la semaine",
        ),
    ),
    "/v.csv",
    "/v.pdf",
    Act("/kinds"),
    "k",
    (Choice("", "aucun : c’est une carte vierge"), Choice("pool", "Piscine")),
)
_MOVE = MoveView("/moves", "k", _KINDS, (Choice("comptable", "chez le comptable"), *_HOLDERS), _HOLDERS)
_SELL = SellView("/sales", "k", _KINDS[:1], (Choice("cash", "espèces", chosen=True), Choice("cheque", "chèque")))
_COUNTED = CountedValuesView(
    "Carnet de 10 entrées à la piscine", "en stock, Guichet", "21–99", "100", "", "Carnet introuvable", "/v"
)


def _values(**changes: Any) -> Sample:
    return Sample("values.html", {"shell": SHELL, "view": replace(_VALUES, **changes)})


_MINUTES = MinutesPage(
    "Guichet de la communauté",
    "Régie de recettes et d’avances",
    links("Procès-verbaux"),
    (
        StepLink("Procès-verbaux", "/pv", "1", "shield-check", current=True),
        StepLink("Détruire des valeurs", "/pv2", "2", "trash"),
    ),
)
_LIST = MinutesView(
    "/begin",
    (Choice("audit", "vérification inopinée"), Choice("handover", "remise de service")),
    (Choice("1", "Guichet de la communauté", chosen=True), Choice("2", "Mairie du Tallud")),
    (
        MinuteRow(
            "CVQ-PV-000002",
            at(16, 5),
            "remise de service",
            "Mairie du Tallud",
            "Paul Roy · Nina Petit",
            "/2",
            differs=True,
        ),
        MinuteRow(
            "CVQ-PV-000001", at(9, 5, days=-9), "vérification inopinée", "Guichet", "Odile Brémaud · Alix Petit", "/1"
        ),
    ),
)


def _pieces(name: str, *cents: int) -> tuple[PieceField, ...]:
    return tuple(PieceField(f"{name}d{each}", each) for each in cents)


_NOTES, _COINS = (10000, 5000, 2000, 1000, 500), (200, 100, 50, 20, 10, 5, 2, 1)
_COUNTING = CountingView(
    "/compare",
    "Procès-verbal : remise de service",
    "Guichet de la communauté",
    True,
    {"key": "k"},
    (
        LineField("l0", "Espèces au coffre", "cash", _pieces("l0", *_NOTES), _pieces("l0", *_COINS)),
        LineField(
            "l1",
            "Espèces dans la caisse ouverte de Odile Brémaud",
            "cash",
            _pieces("l1", *_NOTES),
            _pieces("l1", *_COINS),
        ),
        LineField("l2", "Chèques", "cents"),
        LineField("l3", "Nombre de chèques", "things"),
        LineField("l4", "Compte de l’avance, d’après son relevé", "cents"),
        LineField("l5", "Carnet de 10 entrées à la piscine", "things"),
    ),
    (Choice("1", "Paul Roy, mandataire"), Choice("2", "Nina Petit, mandataire")),
    (Choice("2", "Nina Petit, mandataire"), Choice("1", "Paul Roy, mandataire")),
)
_ROWS = (
    ComparedRow("Espèces au coffre", "50,00 €", "49,50 €", "−0,50 €", "e0"),
    ComparedRow("Chèques", "131,20 €", "131,20 €", ""),
    ComparedRow("Nombre de chèques", "5", "5", ""),
)
_COMPARING = ComparingView(
    "/sign",
    "Procès-verbal : remise de service",
    "Guichet de la communauté",
    ("Paul Roy", "Nina Petit"),
    _ROWS,
    {"key": "k"},
    "/again",
    "La nomination de celui qui part prend fin ce jour : Arrêté 2026-14.",
)
_MINUTE = MinuteView(
    "1",
    "Procès-verbal : vérification inopinée",
    "CVQ-PV-000001",
    at(9, 5),
    "Guichet de la communauté",
    ("Odile Brémaud, tient la caisse", "Alix Petit, comptable public"),
    (replace(_ROWS[0], explain="", explanation="Rendu de trop, dit celle qui tient la caisse"), *_ROWS[1:]),
    (("Dernière quittance de la série", "CVQ-000412"), ("Versements en cours, à intégrer", "1, 98,00 €")),
    "/1.pdf",
    "/pv",
)


def _minutes(**changes: Any) -> Sample:
    return Sample("minutes.html", {"shell": SHELL, "view": replace(_MINUTES, **changes)})


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
    "values-stock": _values(stock=_STOCK),
    "values-move": _values(move=_MOVE),
    "values-sell": _values(sell=_SELL),
    "values-sell-closed": _values(refused="Ouvrez une caisse avant d’encaisser."),
    "values-count": _values(count=CountValuesView("/counts", "k", _KINDS, _HOLDERS)),
    "values-counted": _values(counted=_COUNTED),
    "minutes": _minutes(minutes=_LIST),
    "minutes-counting": _minutes(counting=_COUNTING),
    "minutes-comparing": _minutes(comparing=_COMPARING),
    "minutes-one": _minutes(minute=_MINUTE),
    "minutes-destroy": _minutes(destroy=DestroyView("/destroy", "k", _KINDS, _HOLDERS)),
}
