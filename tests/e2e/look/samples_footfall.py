"""Samples of a service's figures: a busy month of the pool, a year, and a month in which nobody came."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

from cvq_advisor_console.footfall.pages import chart
from cvq_advisor_console.views.books import Choice
from cvq_advisor_console.views.footfall import FootfallPage, PointLine, Share
from cvq_core.footfall.rules import Bar
from cvq_core.web.views import NavItem
from tests.e2e.look.samples_moments import Sample, shell

_MANAGER = shell("Carole Petit", "Piscine", NavItem("Fréquentation", "/frequentation", current=True))
_DAYS = [
    Bar(date(2026, 11, 1) + timedelta(days=day), None, 0 if day % 7 == 1 else 180 + 61 * day % 190, day * 5 % 23)
    for day in range(30)
]
_HOURS = [Bar(None, hour, 40 + 97 * hour % 320, hour % 5 * 4) for hour in range(9, 21)]
_MONTHS = [Bar(date(2026, month, 1), None, 6_000 + 911 * month % 5_000, 40 * month) for month in range(1, 12)]


def _sample(page: FootfallPage) -> Sample:
    return Sample("footfall.html", {"shell": _MANAGER, "view": page})


_PAGE = FootfallPage(
    url="/frequentation",
    services=(Choice("pool", "Piscine", True), Choice("squash", "Squash")),
    periods=(Choice("2026-11", "novembre 2026", True), Choice("2026-10", "octobre 2026"), Choice("2026", "2026")),
    service="Piscine",
    period="novembre 2026",
    allowed=7_412,
    refused=314,
    before="8 % de plus que l’année d’avant",
    days=chart(_DAYS, [str(bar.first.day) for bar in _DAYS if bar.first], [f"{bar.first}" for bar in _DAYS]),
    hours=chart(_HOURS, [f"{bar.hour} h" for bar in _HOURS], [f"de {bar.hour} h" for bar in _HOURS]),
    refusals=(
        Share("Compte vide", 171, 54),
        Share("Abonnement ou autorisation terminés", 88, 28),
        Share("Carte bloquée", 55, 18),
    ),
    points=(
        PointLine("Piscine Gâtinéo, tourniquet 1", 4_811, 201),
        PointLine("Piscine Gâtinéo, tourniquet 2", 2_102, 97),
        PointLine("Piscine de Saint-Aubin", 499, 16),
    ),
    exports=(("Tableur (XLSX)", "/x"), ("CSV", "/c")),
)

_NOBODY = replace(_PAGE, days=None, hours=None, refusals=(), points=(), before="")

FOOTFALL = {
    "footfall": _sample(_PAGE),
    "footfall-year": _sample(
        replace(
            _PAGE,
            period="2026",
            days=chart(_MONTHS, [f"{bar.first:%m}" for bar in _MONTHS], [f"{bar.first:%B}" for bar in _MONTHS]),
            before="",
        ),
    ),
    "footfall-none": _sample(replace(_NOBODY, allowed=0, refused=0)),
}
