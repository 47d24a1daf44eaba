"""Samples of the tariffs: the list, a version, a proposal with faults, a simulation, the last question."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

from cvq_advisor_console.views.tariffs import (
    AdoptPage,
    FamilyRow,
    FaultRow,
    GroupRow,
    ItemTable,
    PriceRow,
    ProposePage,
    ServiceTariffs,
    SimulationPage,
    TariffPage,
    TariffsPage,
    VersionLine,
)
from cvq_core.seed.tariffs import tariff_text
from cvq_core.services.rules import ServiceCode
from cvq_core.web.views import NavItem
from tests.e2e.look.samples_moments import Sample, at, shell

_SHELL = shell("Laurence Pineau", "", NavItem("Tarifs", "/tariffs", current=True), live=False)
_OLD = VersionLine("/tariffs/1", 3, "Restauration scolaire 2025", "en vigueur", "ok", date(2025, 9, 1))
_NEW = VersionLine("/tariffs/2", 4, "Restauration scolaire", "proposé", "sun")
_LINES = (
    _NEW,
    VersionLine("/tariffs/3", 2, "Restauration scolaire 2024", "remplacé", "off", date(2024, 9, 1)),
)
_PLACE = "habitant du territoire"
_PRICES = ("1,00 €", "1,75 €", "2,60 €", "3,30 €", "3,95 €")
_QUOTIENTS = ("0 à 400", "401 à 700", "701 à 1000", "1001 à 1400", "1401 et plus")
_MEAL = ItemTable(
    "Repas enfant",
    "meal",
    "repas",
    (
        *(PriceRow(_PLACE, quotient, price) for quotient, price in zip(_QUOTIENTS, _PRICES, strict=True)),
        PriceRow("hors territoire", "", "5,20 €"),
    ),
    ("Enfant de rang 2 : 10 % de moins", "Enfant de rang 3 et plus : 20 % de moins"),
)
_ADULT = ItemTable("Repas adulte", "meal_adult", "repas", (PriceRow("pour tous", "", "5,60 €"),))
_TEXT = tariff_text(ServiceCode.CANTEEN)
_PAGE = TariffPage(
    "Cantine",
    _NEW,
    "Délibération n° 2026-42 du 12 juin 2026",
    "Laurence Pineau",
    at(9, 30),
    (_MEAL, _ADULT),
    _TEXT,
    "/tariffs",
    "/tariffs/2/try",
    "/tariffs/propose",
    "/tariffs/2.yaml",
    "/tariffs/2/adopt",
    date(2026, 11, 25),
)
_PROPOSE = ProposePage("Cantine", "/tariffs/propose", "k1", _TEXT, "/tariffs")
_GROUPS = tuple(
    GroupRow("Repas enfant", _PLACE, quotient, uses, families, before, after)
    for quotient, uses, families, before, after in (
        ("0 à 400", 4120, 260, 494_400, 412_000),
        ("401 à 700", 9876, 611, 1_826_060, 1_728_300),
        ("701 à 1000", 14_203, 902, 3_550_750, 3_692_780),
        ("1001 à 1400", 12_044, 780, 3_733_640, 3_974_520),
        ("1401 et plus", 7310, 466, 2_558_500, 2_887_450),
    )
)
_TRIED = SimulationPage(
    "Cantine",
    _NEW,
    _OLD,
    "octobre 2026",
    False,
    47_553,
    sum(row.before_cents for row in _GROUPS),
    sum(row.after_cents for row in _GROUPS),
    _GROUPS,
    1482,
    871,
    666,
    tuple(FamilyRow(f"F0{number}", 51, 17_850, 20_145 - number % 97) for number in range(4100, 4108)),
    tuple(FamilyRow(f"F0{number}", 48, 5_760, 4_800 + number % 89) for number in range(2211, 2217)),
    0,
    12,
    "/tariffs/2/try.csv",
    "/tariffs/2/try.xlsx",
    "/tariffs/2",
)
_ADOPT = AdoptPage("Cantine", _NEW, date(2027, 1, 1), _OLD, False, "/tariffs/2/adopt", "/tariffs/2")

TARIFFS: dict[str, Sample] = {
    "tariffs": Sample(
        "tariffs.html",
        {
            "shell": _SHELL,
            "view": TariffsPage(
                at(9).date(),
                (
                    ServiceTariffs("Cantine", "/tariffs/propose", _OLD, _LINES),
                    ServiceTariffs("Piscine", "/tariffs/propose"),
                ),
            ),
        },
    ),
    "tariffs-empty": Sample("tariffs.html", {"shell": _SHELL, "view": TariffsPage(at(9).date())}),
    "tariff": Sample("tariff.html", {"shell": _SHELL, "view": _PAGE}),
    "tariff-past-day": Sample(
        "tariff.html",
        {
            "shell": _SHELL,
            "view": replace(
                _PAGE,
                chosen_day="2026-11-24",
                error="Un tarif s’applique au plus tôt demain : ce qui a déjà été compté ne change plus.",
            ),
        },
    ),
    "tariff-adopted": Sample(
        "tariff.html",
        {
            "shell": _SHELL,
            "view": replace(_PAGE, line=_OLD, adopt_url="", adopted_by="Laurence Pineau", adopted_at=at(10, days=-120)),
        },
        ("details > summary",),
    ),
    "tariff-propose": Sample("tariff_propose.html", {"shell": _SHELL, "view": _PROPOSE}),
    "tariff-faults": Sample(
        "tariff_propose.html",
        {
            "shell": _SHELL,
            "view": replace(
                _PROPOSE,
                error="Ce tarif ne peut pas être lu : des lignes sont à corriger.",
                faults=(
                    FaultRow(
                        5,
                        "decision: Délibération n° 2026-42",
                        "« decision » n’est pas connu ici. Vouliez-vous dire « décision » ?",
                    ),
                    FaultRow(15, "- {quotient: 402 à 700, montant: 1.75}", "Cette tranche doit commencer à 401."),
                ),
            ),
        },
        ('a[data-line="15"]',),
    ),
    "tariff-simulation": Sample("tariff_simulation.html", {"shell": _SHELL, "view": _TRIED}),
    "tariff-simulation-first": Sample(
        "tariff_simulation.html",
        {"shell": _SHELL, "view": replace(_TRIED, before=None, is_real=True, left_out_after=0, dearer=(), cheaper=())},
    ),
    "tariff-simulation-empty": Sample(
        "tariff_simulation.html", {"shell": _SHELL, "view": replace(_TRIED, uses=0, groups=(), left_out_after=0)}
    ),
    "tariff-adopt": Sample("tariff_adopt.html", {"shell": _SHELL, "view": _ADOPT}),
    "tariff-adopt-again": Sample("tariff_adopt.html", {"shell": _SHELL, "view": replace(_ADOPT, has_other_from=True)}),
}
