"""Samples of the waste centres' page: a busy year, and one in which nothing was amiss."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from cvq_advisor_console.views.waste import LateRow, OverrunRow, PlateForm, VehicleRow, WastePage
from cvq_core.web.views import Act, NavItem
from tests.e2e.look.samples_moments import Sample, shell

_MANAGER = shell("Denis Roy", "Déchèterie", NavItem("Accès", "/acces", current=True))
_AT = datetime(2026, 11, 20, 9, 12, tzinfo=UTC)
_FORM = PlateForm(
    "/decheterie/vehicules",
    standings=(("household", "Particulier", True), ("professional", "Professionnel", False)),
)
_PAGE = WastePage(
    year=2026,
    visits_a_year=24,
    overruns=(
        OverrunRow(_AT, "Déchèterie de Secondigny", "MOREAU Jeanne", 26, 24),
        OverrunRow(_AT - timedelta(days=2), "Déchèterie de Parthenay", "MOREAU Jeanne", 25, 24),
    ),
    late=(
        LateRow(_AT, "Déchèterie de Thénezay", "Carte …5E80", "Carte que personne ne connaît", "bois 0,5 m³", 0, None),
        LateRow(
            _AT,
            "Déchèterie de Thénezay",
            "ROY Luc, Maçonnerie Roy",
            "Prix annoncé différent",
            "gravats 1,5 m³, cartons 0,3 m³",
            3375,
            3525,
        ),
    ),
    vehicles=(
        VehicleRow("AB123CD", "ROY Luc", "professionnel", Act("/x")),
        VehicleRow("EF456GH", "MOREAU Jeanne", "particulier", Act("/x")),
    ),
    form=_FORM,
)

WASTE = {
    "waste": Sample("waste.html", {"shell": _MANAGER, "view": _PAGE}),
    "waste-none": Sample(
        "waste.html",
        {
            "shell": _MANAGER,
            "view": replace(
                _PAGE,
                overruns=(),
                late=(),
                vehicles=(),
                form=replace(
                    _FORM,
                    plate="A",
                    card="4821305773",
                    error="Cette plaque d’immatriculation ne peut pas être juste.",
                ),
            ),
        },
    ),
}
