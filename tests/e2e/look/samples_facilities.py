"""Samples of reservations: weeks of a court and a hall, one to be made, one that is made, a manager's settings."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta

from cvq_advisor_console.views.books import Choice
from cvq_advisor_console.views.cash import PayerFound, PayerSearch
from cvq_advisor_console.views.facilities import (
    CalendarPage,
    CellView,
    ClosingView,
    ClosureRow,
    ConcernedRow,
    DayView,
    DepositView,
    FacilityChoice,
    FacilityPage,
    NewPlacePage,
    NewReservationPage,
    OpeningRow,
    PayerChoice,
    ReservationPage,
    RuleRow,
    TermsView,
    WaitingRow,
    WeekRow,
    WeekView,
)
from cvq_core.facilities.offers import OfferPage
from cvq_core.web.views import Act, NavItem, Region
from tests.e2e.look.samples_moments import NOW, Sample, shell

_SHELL = shell("Odile Brémaud", "Mairie du Tallud", NavItem("Réservations", "/reservations", current=True), live=False)
_MONDAY = date(2026, 11, 23)
_WHO = {2: "MOREAU Jeanne", 5: "RENAUD Luc", 9: "DELAUNAY-BERTHONNEAU Marie-Christine"}


def _at(day: date, hour: int, minute: int = 0) -> datetime:
    return datetime.combine(day, time(hour, minute), UTC) - timedelta(hours=1)


def _cell(day: date, number: int) -> CellView:
    begins = _at(day, 8) + timedelta(minutes=40 * number)
    ends = begins + timedelta(minutes=40)
    if day == _MONDAY and number < 4:
        return CellView(begins, ends, "past", "")
    if day == _MONDAY + timedelta(days=6):
        return CellView(begins, ends, "shut", "Tournoi")
    who = _WHO.get((number + day.day) % 12)
    if who is None:
        return CellView(begins, ends, "free", "libre", "/reservations/1/nouvelle")
    state, words = ("offered", "proposée") if number == 5 else ("booked", "réservé")
    return CellView(begins, ends, state, words, "/reservations/fiche/1", who)


_DAYS = tuple(_MONDAY + timedelta(days=offset) for offset in range(7))
_COLUMNS = tuple(DayView(day, tuple(_cell(day, number) for number in range(12))) for day in _DAYS)
_ROWS = tuple(
    WeekRow(_COLUMNS[0].cells[number].starts_at, tuple(column.cells[number] for column in _COLUMNS))
    for number in range(12)
)
_COURT = WeekView(
    Region("/reservations/fragments/semaine", ("facility:1",)),
    "Court 1",
    "Salle de squash",
    _COLUMNS,
    _ROWS,
    "/reservations?semaine=1",
    "/reservations?semaine=2",
    "/reservations",
    (WaitingRow(_at(_DAYS[2], 18), "GUILLOT Paul", "sur la liste d’attente", "/reservations/fiche/2"),),
)
_TAKEN = CellView(_at(_DAYS[5], 10), _at(_DAYS[6], 3), "booked", "réservé", "/reservations/fiche/1", "MOREAU Jeanne")
_SHUT = CellView(_at(_DAYS[1], 8), _at(_DAYS[1], 18), "shut", "Ménage d’automne")
_HALL = replace(
    _COURT,
    label="Salle des fêtes",
    site="Le Tallud, 2 rue du Stade",
    days=tuple(
        DayView(
            day,
            (_TAKEN,) if day == _DAYS[5] else (_SHUT,) if day == _DAYS[1] else (),
            "8 h 00 – 4 h 00",
            "/reservations/2/nouvelle" if day > _DAYS[0] else "",
        )
        for day in _DAYS
    ),
    rows=(),
    waiting=(),
)
_CHOICES = (
    FacilityChoice("Court 1", "Salle de squash", "/reservations?lieu=1", current=True),
    FacilityChoice("Court 2", "Salle de squash", "/reservations?lieu=2"),
    FacilityChoice("Salle des fêtes", "Le Tallud", "/reservations?lieu=3"),
)
_NEW = NewReservationPage("Court 1", "Salle de squash", "/reservations", _at(_DAYS[2], 18), _at(_DAYS[2], 18, 40))
_PAYERS = (
    PayerChoice("1", "Moreau (F00001)", "7,00 €", "habitant du territoire", deposit="300,00 €"),
    PayerChoice("2", "Moreau et Petit (F00104)", "", why_not="Il n’y a pas assez d’argent sur ce compte."),
)
_SENT = (("debut", "2026-11-25T17:00:00+00:00"),)
_CHOOSE = replace(
    _NEW,
    person="MOREAU Jeanne",
    other_url="/reservations/1/nouvelle",
    payers=_PAYERS,
    id="k1",
    reserve=Act("/reservations/1/reserver"),
    sent=_SENT,
)
_FOUND = PayerSearch(
    "/reservations/1/chercher",
    "/reservations/1/fragments/personnes",
    "moreau",
    (
        PayerFound("MOREAU Jeanne", "/reservations/1/nouvelle?personne=1", "", date(1941, 5, 12), "Le Tallud", "0017"),
        PayerFound("MOREAU Léa", "/reservations/1/nouvelle?personne=2", "", date(2018, 2, 3), "Pompaire"),
    ),
    searched=True,
)
_FICHE = ReservationPage(
    label="Salle des fêtes",
    site="Le Tallud",
    address="2 rue du Stade, 79200 Le Tallud",
    back_url="/reservations",
    starts_at=_at(_DAYS[5], 10),
    ends_at=_at(_DAYS[6], 3),
    person="MOREAU Jeanne",
    state="réservé",
    tone="ok",
    price_cents=18000,
    refunded_cents=0,
    why="habitant du territoire",
    slip_url="/slip.pdf",
    calendar_url="/calendar.ics",
    cancel=Act("/reservations/fiche/1/annuler"),
    cancel_words="Annuler maintenant rend 90,00 €, et la caution de 300,00 €.",
    take_away=Act("/reservations/fiche/1/retirer"),
    deposit=DepositView(30000, "Gardée jusqu’à la fin."),
)
_OVER = replace(
    _FICHE,
    cancel=None,
    cancel_words="",
    take_away=None,
    deposit=DepositView(30000, "Gardée jusqu’à la fin.", Act("/reservations/fiche/1/caution")),
)
_OFFERED = replace(
    _FICHE,
    label="Court 1",
    state="proposée",
    tone="sun",
    price_cents=0,
    why="",
    told="Proposée jusqu’à 14 h 00, mardi 24 novembre. Sans réponse, elle va à la personne suivante.",
    slip_url="",
    calendar_url="",
    accept=Act("/reservations/fiche/1/prendre"),
    cancel_words="",
    take_away=None,
    deposit=None,
)
_RULES = (
    RuleRow("subscriber", "Abonnés", True, 30, 4, 24, 0, "", ""),
    RuleRow("association", "Associations", False, 30, 4, 24, 0, "", ""),
    RuleRow("inhabitant", "Habitants du territoire", True, 14, 2, 24, 50, "slot", "300,00"),
    RuleRow("outsider", "Habitants d’ailleurs", False, 30, 4, 24, 0, "", ""),
)
_TERMS = TermsView(
    save=Act("/reservations/1/regles"),
    id="k2",
    valid_from=_MONDAY,
    slot_minutes="40",
    minutes_min=60,
    minutes_max=1440,
    minutes_before=10,
    minutes_after=10,
    closed_on_holidays=True,
    offer_hours=4,
    reminder_hours=24,
    how_to_enter="Entrée par la cour.",
    openings=(
        OpeningRow(0, frozenset(range(5)), "08:00", "22:00"),
        OpeningRow(1, frozenset((5, 6)), "09:00", "20:00", "05-01", "09-30"),
        OpeningRow(2),
    ),
    rules=_RULES,
    items=(("slot", "Créneau de 40 minutes"),),
)
_FACILITY = FacilityPage(
    "Court 1",
    "Salle de squash",
    "/reservations",
    (ClosureRow("mardi 24 novembre, de 8 h 00 à 18 h 00", "Ménage", Act("/reservations/fermetures/1/lever")),),
    "/reservations/1/fermer",
    "https://guichet.example.org/agenda/Kx2vJ0pX7rM3nQ8tB5yW1zC4dF6gH9jL_aSeUiOqRtP.ics",
    Act("/reservations/1/lien"),
    terms=_TERMS,
    today="2026-11-23",
    doors=(Choice("1", "Salle de squash, porte", True), Choice("2", "Salle de squash, vestiaires")),
    save_doors=Act("/reservations/1/portes"),
)
_CLOSING = replace(
    _FACILITY,
    terms=replace(_TERMS, errors={"slot_minutes": "La durée d’un créneau est un multiple de cinq minutes."}),
    closing=ClosingView(
        "du samedi 28 novembre, 0 h 00, au dimanche 29 novembre, 23 h 55",
        "Travaux du toit",
        (ConcernedRow("samedi 28 novembre, de 8 h 00 à 8 h 40", "MOREAU Jeanne", "/reservations/fiche/1"),),
        Act("/reservations/1/fermer/oui"),
        (("first", "2026-11-28"),),
    ),
)


_OFFER_MAILED = OfferPage(
    territory="Parthenay-Gâtine",
    place="Salle des fêtes",
    site="Le Tallud, 2 rue du Stade",
    starts_at=NOW + timedelta(days=3),
    ends_at=NOW + timedelta(days=3, hours=4),
    taken=False,
    price_cents=18000,
    deposit_cents=30000,
    until=NOW + timedelta(hours=4),
    take_url="/place/x/prendre",
    leave_url="/place/x/laisser",
)


def _sample(template: str, view: object) -> Sample:
    return Sample(template, {"shell": _SHELL, "view": view})


FACILITIES = {
    "reservations": _sample("reservations.html", CalendarPage(_CHOICES, _COURT, "/reservations/1/reglages")),
    "reservations-hall": _sample("reservations.html", CalendarPage(_CHOICES, _HALL)),
    "reservations-none": _sample("reservations.html", CalendarPage((), None)),
    "reservation-hours": _sample(
        "reservation_new.html",
        replace(_NEW, starts_at=None, ends_at=None, hours_url="/reservations/1/nouvelle", day="2026-11-25"),
    ),
    "reservation-who": _sample("reservation_new.html", replace(_NEW, search=_FOUND)),
    "reservation-payer": _sample("reservation_new.html", _CHOOSE),
    "reservation-wait": _sample(
        "reservation_new.html", replace(_CHOOSE, reserve=None, wait=Act("/reservations/1/attendre"))
    ),
    "reservation": _sample("reservation.html", _FICHE),
    "reservation-over": _sample("reservation.html", _OVER),
    "offer": Sample("offer.html", {"view": _OFFER_MAILED}),
    "offer-taken": Sample("offer.html", {"view": replace(_OFFER_MAILED, taken=True, take_url="", leave_url="")}),
    "offer-why-not": Sample(
        "offer.html", {"view": replace(_OFFER_MAILED, why_not="Ce compte n’est pas un de ceux de cette personne.")}
    ),
    "offer-left": Sample("offer_left.html", {"territory": "Parthenay-Gâtine"}),
    "reservation-offered": _sample("reservation.html", _OFFERED),
    "facility-new": _sample(
        "facility_new.html",
        NewPlacePage("/n", "/reservations", "1", "2", (Choice("squash", "Squash"), Choice("hall", "Salles"))),
    ),
    "facility": _sample("facility.html", _FACILITY),
    "facility-closing": _sample("facility.html", _CLOSING),
}
