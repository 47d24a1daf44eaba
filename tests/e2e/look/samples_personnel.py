"""Samples of staff lists: one that is well, one whose directory does not answer, and none."""

from __future__ import annotations

from datetime import timedelta

from cvq_advisor_console.views.personnel import ListView, PersonnelPage, RunRow
from cvq_core.web.views import Act, NavItem
from tests.e2e.look.samples_moments import NOW, Sample, shell

_ADMINISTRATOR = shell("Adèle Morin", "Communauté de communes", NavItem("Personnel", "/personnel", current=True))
_RUNS = (
    RunRow(
        NOW - timedelta(hours=2),
        "Refusée, rien n’a changé (trop de personnes y manquent à la fois)",
        "alert",
        "annuaire.pompaire.fr",
        0,
        0,
        (),
        0,
        0,
    ),
    RunRow(
        NOW - timedelta(days=1),
        "Appliquée",
        "ok",
        "annuaire.pompaire.fr",
        2,
        1,
        ("BRÉMAUD Odile", "DE LA ROCHEFOUCAULD-MONTBEL Marie-Antoinette"),
        6,
        11,
        more=3,
    ),
)
_LISTS = (
    ListView(
        "pompaire",
        "Mairie de Pompaire",
        "annuaire annuaire.pompaire.fr",
        "l’annuaire ne répond pas : les portes restent comme elles sont",
        "alert",
        NOW - timedelta(hours=3),
        312,
        Act("/personnel/pompaire/rattacher"),
        unknown=("4711", "4712"),
        unknown_more=9,
        without_doors=("Vie scolaire", "Espaces verts"),
        runs=_RUNS,
        error="Cette carte n’est pas connue ici. Vérifiez que c’est bien une carte de vie quotidienne.",
        error_number="4711",
    ),
    ListView(
        "parthenay",
        "Ville de Parthenay",
        "fichier déposé",
        "à jour",
        "ok",
        NOW - timedelta(minutes=4),
        450,
        Act("/personnel/parthenay/rattacher"),
    ),
)
PERSONNEL: dict[str, Sample] = {
    "personnel": Sample("personnel.html", {"shell": _ADMINISTRATOR, "view": PersonnelPage(_LISTS)}),
    "personnel-none": Sample("personnel.html", {"shell": _ADMINISTRATOR, "view": PersonnelPage(())}),
}
