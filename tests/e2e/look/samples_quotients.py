"""Samples of family quotients: a family's history, a round under way and one that is over."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

from cvq_advisor_console.views.families import LinkRow
from cvq_advisor_console.views.quotients import (
    ByHandRow,
    InquiryRow,
    OutcomeRow,
    QuotientPage,
    QuotientRow,
    RoundPage,
    RoundView,
    WordRow,
)
from cvq_core.web.views import Act, NavItem
from tests.e2e.look.samples_moments import NOW, Sample, region, shell

_SECRETARY = shell("Sylvie Martin", "Mairie du Tallud", NavItem("Familles", "/familles", current=True), live=False)
_MANAGER = shell("Carole Petit", "Cantine", NavItem("Tarifs", "/tarifs"), NavItem("Quotients", "/quotients", True))
_BEFORE = NOW - timedelta(days=300)

_ROWS = (
    QuotientRow(
        "742 €", date(2026, 11, 1), date(2027, 11, 1), "CAF", "API Particulier", NOW, "", "compte aujourd’hui", "ok"
    ),
    QuotientRow(
        "1\u202f042 €",
        date(2026, 2, 1),
        date(2027, 2, 1),
        "MSA",
        "attestation MSA du 28 janvier 2026, apportée par la grand-mère",
        _BEFORE,
        "Sylvie Martin",
        "remplacé",
        "off",
    ),
    QuotientRow(
        "800 €", date(2024, 9, 1), date(2025, 8, 31), "dit par la famille", "", _BEFORE, "", "plus valable", "off"
    ),
)
_PAGE = QuotientPage(
    about="Famille Moreau, compte 0000123",
    back_url="/f/1",
    known="742 € (CAF), depuis novembre 2026, valable jusqu’au 1ᵉʳ novembre 2027.",
    accord="MOREAU Anna est d’accord pour que la CAF ou la MSA soit interrogée.",
    rows=_ROWS,
    inquiries=(
        InquiryRow(NOW, "Sylvie Martin", "Quotient reçu.", "ok"),
        InquiryRow(
            _BEFORE,
            "mise à jour de toutes les familles",
            "Ni la CAF ni la MSA ne connaît cette personne sous cette identité. Vérifiez l’état civil, ou notez le "
            "quotient de l’attestation.",
            "sun",
        ),
    ),
    words=(
        WordRow(NOW, "MOREAU Anna a donné son accord au guichet."),
        WordRow(_BEFORE, "L’accord de MOREAU Pierre a pris fin."),
    ),
    ask=Act("/f/1/q/ask"),
    key="1",
    paper=LinkRow("Noter une attestation", "/f/1/q/paper", "file-text"),
    agree=LinkRow("Noter l’accord de la famille", "/f/1/q/agree", "check"),
    end=LinkRow("La famille retire son accord", "/f/1/q/end", "x"),
)
_BY_HAND = (
    ByHandRow("0000123", "Famille Moreau", "Ni la CAF ni la MSA ne la connaît sous cet état civil."),
    ByHandRow(
        "0004711",
        "Rousseau-Delacroix",
        "L’état civil noté est incomplet ou refusé : vérifiez les prénoms et le lieu de naissance.",
    ),
)
_RUNNING = RoundView(
    region("quotient_round"),
    title="novembre 2026",
    state="en cours depuis le mardi 24 novembre 2026, 10 h 02",
    tone="sun",
    todo="Elle continue en arrière-plan : cette page peut être fermée.",
    done=1210,
    families=3104,
    is_running=True,
    outcomes=(
        OutcomeRow("quotient nouveau", 1003, "ok"),
        OutcomeRow("sans changement", 180, "ok"),
        OutcomeRow("inconnue de la CAF et de la MSA", 26, "sun"),
        OutcomeRow("état civil refusé", 1, "sun"),
        OutcomeRow("à redemander", 4),
    ),
    by_hand=_BY_HAND,
    by_hand_count=27,
    stop=Act("/quotients/tour/1/arret"),
)
_OVER = replace(
    _RUNNING,
    state="terminée le mardi 24 novembre 2026, 10 h 41",
    tone="ok",
    todo="",
    done=3104,
    is_running=False,
    start=Act("/quotients/tour"),
    stop=None,
)
_LAPSED = tuple(
    ByHandRow(
        f"000{number}",
        "Famille Petit",
        "Plus de quotient valable depuis le 31 août 2026, et pas d’accord pour le demander.",
        f"/f/{number}",
    )
    for number in (881, 882)
)
_ROUND = RoundPage(
    _RUNNING,
    agreeing=3104,
    lapsed=tuple(replace(row, url="") for row in _LAPSED),
    lapsed_count=412,
    csv_url="/q.csv",
    xlsx_url="/q.xlsx",
    rhythm="Une mise à jour part toute seule en janvier.",
)


def _sample(template: str, view: object, *presses: str, whose: object = _SECRETARY) -> Sample:
    return Sample(template, {"view": view, "shell": whose}, presses)


QUOTIENTS: dict[str, Sample] = {
    "family-quotient": _sample("family_quotient.html", _PAGE, "details > summary"),
    "family-quotient-none": _sample(
        "family_quotient.html",
        replace(
            _PAGE,
            known="Aucun quotient n’est connu : la famille paie le prix le plus haut.",
            accord="La famille n’a pas donné son accord : ni la CAF ni la MSA ne sont interrogées.",
            rows=(),
            inquiries=(),
            words=(),
            ask=None,
            end=None,
            why_not="Pour interroger la CAF ou la MSA, notez d’abord l’accord de la famille.",
        ),
    ),
    "quotients": _sample("quotients.html", _ROUND, whose=_MANAGER),
    "quotients-over": _sample("quotients.html", replace(_ROUND, round=_OVER), whose=_MANAGER),
    "quotients-none": _sample(
        "quotients.html",
        replace(
            _ROUND,
            round=RoundView(
                region("quotient_round"), why_not="Cette installation ne peut pas interroger la CAF et la MSA."
            ),
            lapsed=(),
            lapsed_count=0,
            agreeing=0,
        ),
        whose=_MANAGER,
    ),
    "quotients-certificates": _sample(
        "quotients.html",
        replace(
            _ROUND,
            round=replace(_OVER, start=None, by_hand=tuple(replace(row, url="/f/1") for row in _BY_HAND)),
            lapsed=_LAPSED,
            back_url="/familles",
        ),
    ),
}
