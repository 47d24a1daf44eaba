"""Samples of the secretary's page: an ordinary morning, an empty one, and all that can go wrong."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

from cvq_advisor_console.views.secretary import (
    AlertKind,
    BookedView,
    BookingView,
    BoothAlert,
    BoothHealthView,
    BoothState,
    FoundView,
    MachineState,
    NowChoice,
    OrganisationChoice,
    PersonFound,
    ReasonChoice,
    RowState,
    SecretaryPage,
    Slot,
    SlotDay,
    TodayRow,
    TodayView,
    WhenView,
)
from cvq_core.web.views import Act, NavItem
from tests.e2e.look.samples_moments import Sample, at, region, shell

_NAV = (NavItem("Accueil", "/secretary", current=True), NavItem("Qui a regardé ?", "/visits-log"))
_SHELL = shell("Sylvie Bernard", "Mairie du Tallud", *_NAV)

_PEOPLE = (
    PersonFound("p1", "Jeanne Moreau", date(1941, 5, 12), "Le Tallud", "7 332", chosen=True),
    PersonFound("p2", "Jeanne Moreau", date(1988, 3, 1), "Pompaire", "4 018", "carte déclarée perdue le 3 mars"),
    PersonFound("p3", "Jean Moreau", date(1939, 11, 30), "Le Tallud"),
)
_ORGANISATIONS = (
    OrganisationChoice("msa", "Mutualité sociale agricole (MSA)", chosen=True),
    OrganisationChoice("caf", "Caisse d’allocations familiales (CAF)"),
    OrganisationChoice("ml", "Mission locale (emploi des jeunes)"),
    OrganisationChoice("cc", "Communauté de communes"),
)
_REASONS = (
    ReasonChoice(
        "r1",
        "msa",
        "Retraite : une question, un dossier",
        ("carte d’identité", "dernier relevé de retraite"),
        chosen=True,
    ),
    ReasonChoice("r2", "msa", "Une lettre que je ne comprends pas", ("la lettre",)),
    ReasonChoice("r3", "cc", "Cantine : inscrire un enfant", ("livret de famille", "avis d’imposition")),
    ReasonChoice("r4", "ml", "Faire mon CV"),
)


def _slots(days: int, *hours: tuple[int, int]) -> tuple[Slot, ...]:
    return tuple(Slot(at(*hour, days=days).isoformat(), at(*hour, days=days)) for hour in hours)


_WHEN = WhenView(
    "/secretary/when",
    NowChoice(wait_minutes=5, waiting_count=1),
    (
        SlotDay(at(0).date(), _slots(0, (10, 30), (11, 0), (11, 30)), today=True),
        SlotDay(at(0, days=1).date(), _slots(1, (9, 0), (9, 30), (10, 0), (11, 30), (14, 0))),
        SlotDay(at(0, days=2).date(), _slots(2, (9, 0), (10, 30))),
    ),
)
_BOOKING = BookingView(
    "/secretary/book",
    "0193a4b2-0000-7000-8000-000000000001",
    FoundView("/secretary/found", "moreau 12 05 1941", _PEOPLE, searched=True),
    _WHEN,
    _ORGANISATIONS,
    _REASONS,
)


def _acts(name: str) -> dict[str, Act]:
    return {key: Act(f"/appointments/{name}/{key}") for key in ("expect", "arrive", "seat", "mark_absent", "vouch")}


_TODAY = TodayView(
    region("today"),
    "Le Tallud",
    (
        TodayRow("1", at(9), "M. Alain Caillaud", "A. C.", "Mission locale", RowState.SERVED),
        TodayRow("2", at(9, 30), "Mme Monique Roy", "M. R.", "Sous-préfecture", RowState.IN_VISIT, at(9, 58)),
        TodayRow(
            "3",
            at(10, 15),
            "Mme Jeanne Moreau",
            "J. M.",
            "MSA",
            RowState.ARRIVED,
            at(10, 5),
            slip_url="/slips/3.pdf",
            **_acts("3"),
        ),
        TodayRow(
            "4",
            at(11),
            "M. Amadou Diallo",
            "A. D.",
            "CAF",
            RowState.EXPECTED,
            slip_url="/slips/4.pdf",
            **_acts("4"),
        ),
        TodayRow("5", at(8, 30), "Mme Odile Guérin", "O. G.", "CAF", RowState.ABSENT),
    ),
    closes_at=at(12),
)
_BOOTH = BoothHealthView(
    region("booth"),
    BoothState.BUSY,
    since=at(9, 58),
    advisor_organisation="Sous-préfecture",
    checked_at=at(8, 2),
    machines=(
        MachineState("Scanner", "prêt"),
        MachineState("Imprimante", "prête"),
        MachineState("Carte", "prêt"),
        MachineState("Son et image", "essayés"),
    ),
)
_PAGE = SecretaryPage("Le Tallud", _BOOKING, _TODAY, _BOOTH, cash_url="/cash")

_HELP = BoothAlert(
    "a1",
    AlertKind.HELP,
    "On vous appelle au guichet.",
    "Allez voir la personne ; l’entretien continue.",
    at(10, 11),
    Act("/alerts/a1"),
)
_ALERTS = (
    BoothAlert(
        "a0",
        AlertKind.FAINT,
        "Malaise : la personne au guichet ne va pas bien.",
        "Allez-y tout de suite. Le 15 si elle ne répond pas.",
        at(10, 12),
        Act("/alerts/a0"),
    ),
    _HELP,
    BoothAlert(
        "a2",
        AlertKind.PAPER_OUT,
        "L’imprimante du guichet n’a plus de papier.",
        "Remettez des feuilles dans le bac du bas.",
        at(10, 9),
    ),
    BoothAlert(
        "a3",
        AlertKind.CARD_FORGOTTEN,
        "Une carte est restée sur le lecteur.",
        "Rendez-la à la personne qui sort, ou gardez-la à l’accueil.",
        at(10, 10),
        Act("/alerts/a3"),
    ),
    BoothAlert(
        "a4",
        AlertKind.CLOSING_SOON,
        "La mairie ferme dans 15 minutes.",
        "L’entretien en cours en est prévenu.",
        at(11, 45),
    ),
)

_EMPTY_BOOKING = BookingView(
    "/secretary/book",
    "0193a4b2-0000-7000-8000-000000000002",
    FoundView("/secretary/found"),
    WhenView("/secretary/when", waiting_for="Choisissez d’abord l’organisme : les heures libres en dépendent."),
    tuple(replace(choice, chosen=False) for choice in _ORGANISATIONS),
    tuple(replace(choice, chosen=False) for choice in _REASONS),
)


def _page(**changes: Any) -> Sample:
    return Sample("secretary.html", {"shell": _SHELL, "view": replace(_PAGE, **changes)})


SECRETARY: dict[str, Sample] = {
    "secretary": _page(),
    "secretary-empty": _page(
        booking=_EMPTY_BOOKING,
        today=TodayView(region("today"), "Le Tallud"),
        booth=BoothHealthView(region("booth"), BoothState.READY, checked_at=at(8, 2)),
        cash_url="",
    ),
    "secretary-booked": _page(
        booking=_EMPTY_BOOKING,
        booked=BookedView(
            "3",
            "Mme Jeanne Moreau",
            "Mutualité sociale agricole (MSA)",
            at(11),
            "/slips/3.pdf",
            to_bring=("carte d’identité", "dernier relevé de retraite"),
            cancel=Act("/appointments/3/cancel"),
        ),
    ),
    "secretary-alerts": _page(booth=replace(_BOOTH, alerts=_ALERTS, since=at(9, 58))),
    "secretary-help": _page(booth=replace(_BOOTH, alerts=(_HELP,))),
    "secretary-offline": _page(
        booth=BoothHealthView(region("booth"), BoothState.OFFLINE, since=at(10, 3)),
        today=replace(_TODAY, stale_since=at(10, 3)),
    ),
    "secretary-refused": _page(
        booking=replace(
            _BOOKING,
            found=FoundView("/secretary/found", "04 999 999", searched=True, card_read=True),
            when=replace(
                _WHEN,
                now=NowChoice(why_not="La mairie ferme à 12 h 00 : il ne reste pas assez de temps.", chosen=False),
            ),
            errors={
                "person_id": "Dites qui vient, ou choisissez « Sans compte ».",
                "when": "Cette heure vient d’être prise. Choisissez-en une autre.",
            },
        )
    ),
    "secretary-written": _page(
        booking=replace(
            _BOOKING,
            found=FoundView("/secretary/found", "zzz", searched=True, written=True),
            written_name="Monsieur Petit",
            errors={"written_birth_date": "Une date est attendue, par exemple 12 05 1941."},
        )
    ),
}
