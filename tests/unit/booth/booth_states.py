"""Every state that the booth's screens know, by a name: for the tests that look at pages, and for a look by eye."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from cvq_booth.screens.state import Activity, BoothState, CallAtBooth
from cvq_desk.visits.rules import SCOPE_WORDS
from cvq_desk.wire import (
    BookingState,
    BookingView,
    BoothView,
    CallState,
    CardState,
    CardView,
    ConsentQuestion,
    ConsentState,
    FieldView,
    FormView,
    GoodbyeView,
    MandateView,
    PaymentState,
    PaymentView,
    Phase,
    VisitView,
)

NOW = datetime(2026, 11, 24, 9, 32, tzinfo=UTC)
VISIT = UUID("01930000-0000-7000-8000-000000000001")
CONSENT = UUID("01930000-0000-7000-8000-000000000002")
COMMAND = UUID("01930000-0000-7000-8000-000000000003")
MSA = "Mutualité sociale agricole (MSA)"


def view(phase: Phase = Phase.IDLE, visit: VisitView | None = None, **fields: Any) -> BoothView:
    """Return the view of a booth in Le Tallud on a Tuesday morning."""
    facts: dict[str, Any] = {
        "sequence": 1,
        "booth_name": "Guichet du Tallud",
        "town_hall": "Mairie du Tallud",
        "phase": phase,
        "next_hour": "10:30",
        "closes_at": "12:00",
        "help_phone": "05 49 00 00 00",
        "organisations": [
            MSA,
            "Caisse d’allocations familiales (CAF)",
            "Mission locale, pour les 16-25 ans",
            "Sous-préfecture",
            "Communauté de communes",
        ],
        "visit": visit,
    }
    return BoothView(**facts | fields)


def visit(**fields: Any) -> VisitView:
    """Return a visit in a live call with Nadia of the MSA."""
    facts: dict[str, Any] = {
        "id": VISIT,
        "advisor": "Nadia",
        "organisation": MSA,
        "call": CallState.LIVE,
        "card": CardView(state=CardState.ABSENT),
    }
    return VisitView(**facts | fields)


def state(phase: Phase = Phase.IDLE, seen: VisitView | None = None, **fields: Any) -> BoothState:
    """Return what the screens are drawn from; with a visit, its call is open and connected."""
    call = CallAtBooth(open=seen is not None, connected=seen is not None)
    facts: dict[str, Any] = {"now": NOW, "line": "up", "view": view(phase, seen), "call": call}
    return BoothState(**facts | fields)


def question(consent_state: ConsentState = ConsentState.ASKED) -> ConsentQuestion:
    """Return what Nadia asks to see."""
    return ConsentQuestion(
        id=CONSENT,
        state=consent_state,
        what=[
            "Voir les personnes de votre famille",
            "Voir ce qu’il reste pour chaque service, et les derniers mouvements",
        ],
        for_whom=MSA,
        until=NOW + timedelta(minutes=45),
    )


ANSWERS = [
    ("L’enfant", "Léa Moreau"),
    ("Née le", "4 mars 2019"),
    ("École", "Jules-Ferry, Le Tallud"),
    ("Classe", "CE1"),
    ("Jours de repas", "lundi, mardi, jeu"),
    ("Ce qu’elle ne mange pas", ""),
    ("Personnes qui peuvent venir la chercher", ""),
    ("Téléphone", ""),
    ("Adresse", "12, rue du Moulin-à-Vent, 79200 Le Tallud"),
]


def form(current: int | None = 4, *, complete: bool = False, value: str | None = None) -> FormView:
    """Return the canteen's form, being written at the field `current`."""
    fields = [
        FieldView(
            name=f"f{index}",
            label=label,
            value=value if value is not None and index == current else answer,
            current=index == current,
        )
        for index, (label, answer) in enumerate(ANSWERS)
    ]
    return FormView(title="Inscription à la cantine", fields=fields, complete=complete)


def _card(card_state: CardState, message: str = "", removed_until: datetime | None = None) -> VisitView:
    return visit(card=CardView(state=card_state, message=message, removed_until=removed_until))


def _papers(**fields: Any) -> BoothState:
    return state(Phase.PAPERS, visit(), activity=Activity(command_id=COMMAND, **fields))


GOODBYE = GoodbyeView(
    reference="261124-K7M2QX", take_along=["Votre carte", "Vos papiers", "Vos lunettes", "Votre feuille"]
)
LONG = (
    "Conduite de tracteurs et de machines agricoles, entretien du matériel, traite de 60 vaches matin et soir, "
    "préparation des commandes et vente sur les marchés de Parthenay et de Thouars le mercredi et le samedi"
)
RINGING = visit(call=CallState.RINGING, ringing_until=NOW + timedelta(seconds=5))

LONG_NAMES: dict[str, Any] = {
    "advisor": "Marie-Emmanuelle Desrosiers-Lacroix",
    "organisation": "Communauté de communes de Parthenay-Gâtine, service des écoles et de la petite enfance",
}
LONG_QUESTION = question().model_copy(
    update={
        "for_whom": LONG_NAMES["organisation"],
        "what": [
            "Voir vos cartes",
            "Voir les personnes de votre famille",
            "Voir ce qu’il reste pour chaque service, et les derniers mouvements",
        ],
    }
)
EVERYTHING = LONG_QUESTION.model_copy(update={"what": list(SCOPE_WORDS.values())})
"""All that can be agreed to at once, for the organisation with the longest name."""

BOOKING = BookingView(
    state=BookingState.BOOKED,
    place="Court 1",
    site="Salle de squash",
    day="vendredi 27 novembre",
    begins="18 h 00",
    ends="18 h 40",
    price="7,00 €",
)
LONG_BOOKING = BOOKING.model_copy(
    update={
        "place": "Grande salle polyvalente intercommunale Marie-Madeleine-Fourcade",
        "site": "Maison des associations et de la jeunesse de Saint-Aubin-le-Cloud",
        "price": "1 260,00 €",
    }
)
PAYMENT = PaymentView(
    state=PaymentState.TO_PAY,
    amount="67,25\u00a0€",
    address="guichet.parthenay-gatine.fr/p/k3m7xq29ab",
    url="https://guichet.parthenay-gatine.fr/p/k3m7xq29ab",
    # As dense as a code of this length is; what it says is of no matter here.
    code=[
        "".join("01"[(7 * row * row + 3 * column + row * column) % 5 < 2] for column in range(33)) for row in range(33)
    ],
)
LONG_PAYMENT = PAYMENT.model_copy(
    update={
        "amount": "12\u202f345,67\u00a0€",
        "address": "guichet-numerique.communaute-de-communes-parthenay-gatine.example/p/k3m7xq29ab",
    }
)

MANDATE = MandateView(
    id=UUID("01930000-0000-7000-8000-000000000004"),
    state="asked",
    holder="Jeanne Moreau-Lefèvre",
    account="FR14 2004 1010 0505 0001 3M02 606",
    creditor="Régie de recettes et d’avances de Parthenay-Gâtine",
)

STATES: dict[str, BoothState] = {
    "starting": BoothState(now=NOW),
    "idle": state(),
    "idle_nobody_today": state(view=view(next_hour=None, organisations=[])),
    "idle_help_asked": state(help_asked=True),
    "card_forgotten": state(card_forgotten=True),
    "closed": state(view=view(Phase.CLOSED, opens_at="mercredi 25 novembre, 9 h 00")),
    "offline": state(line="lost"),
    "ringing": state(Phase.RINGING, RINGING, call=CallAtBooth(ring_ends_at=datetime.now(UTC) + timedelta(seconds=5))),
    "connecting": state(Phase.WELCOME, visit(), call=CallAtBooth(open=True)),
    "welcome": state(Phase.WELCOME, visit()),
    "interrupted": state(Phase.WELCOME, visit(), call=CallAtBooth(open=True, interrupted=True)),
    "no_camera": state(Phase.WELCOME, visit(), call=CallAtBooth(open=True, connected=True, no_camera=True)),
    "no_microphone": state(Phase.WELCOME, visit(), call=CallAtBooth(open=True, connected=True, no_microphone=True)),
    "no_devices": state(
        Phase.WELCOME,
        visit(),
        call=CallAtBooth(open=True, connected=True, no_camera=True, no_microphone=True),
    ),
    "line_lost_in_call": state(Phase.WELCOME, visit(), line="lost"),
    "paused": state(Phase.FORM, visit(call=CallState.HUNG_UP, form=form()), call=CallAtBooth()),
    "curtain_here": state(Phase.FORM, visit(form=form()), curtain_here=True),
    "curtain_by_advisor": state(Phase.FORM, visit(form=form(), curtain=True)),
    "card_wanted": state(Phase.CARD, visit()),
    "card_laid": state(Phase.CARD, _card(CardState.PRESENT)),
    "card_removed": state(
        Phase.CARD, _card(CardState.REMOVED, removed_until=datetime.now(UTC) + timedelta(seconds=20))
    ),
    "card_unknown": state(
        Phase.CARD,
        _card(CardState.UNKNOWN, "Cette carte n’est pas connue ici. Ce n’est pas grave : on continue sans elle."),
    ),
    "card_refused": state(
        Phase.CARD,
        _card(
            CardState.REFUSED,
            "Cette carte a été déclarée perdue le 3 mars. Gardez-la et appelez le 05 49 00 00 01.",
        ),
    ),
    "card_unreadable": state(Phase.WELCOME, visit(), card_unreadable=True),
    "consent": state(Phase.CARD, visit(consent=question(), card=CardView(state=CardState.PRESENT))),
    "consent_yes": state(Phase.CARD, visit(consent=question()), answered_consent=CONSENT, answered_yes=True),
    "consent_no": state(Phase.CARD, visit(consent=question()), answered_consent=CONSENT),
    "consent_long": state(
        Phase.CARD, visit(**LONG_NAMES, consent=LONG_QUESTION, card=CardView(state=CardState.PRESENT))
    ),
    "consent_everything": state(
        Phase.CARD, visit(**LONG_NAMES, consent=EVERYTHING, card=CardView(state=CardState.PRESENT))
    ),
    "ringing_long": state(
        Phase.RINGING,
        visit(**LONG_NAMES, call=CallState.RINGING),
        call=CallAtBooth(ring_ends_at=datetime.now(UTC) + timedelta(seconds=5)),
    ),
    "call_long": state(Phase.WELCOME, visit(**LONG_NAMES)),
    "form_long_names": state(
        Phase.FORM,
        visit(
            **LONG_NAMES,
            form=form(6, value=LONG),
            consent=question(ConsentState.GIVEN),
            card=CardView(state=CardState.PRESENT),
        ),
    ),
    "print_long": state(
        Phase.PAPERS,
        visit(**LONG_NAMES),
        activity=Activity(command_id=COMMAND, work="scan", state="failed", trouble="device_missing"),
    ),
    "form": state(
        Phase.FORM,
        visit(form=form(), consent=question(ConsentState.GIVEN), card=CardView(state=CardState.PRESENT)),
    ),
    "form_card_removed": state(
        Phase.FORM,
        visit(
            form=form(),
            consent=question(ConsentState.GIVEN),
            card=CardView(state=CardState.REMOVED, removed_until=datetime.now(UTC) + timedelta(seconds=20)),
        ),
    ),
    "form_nothing_yet": state(Phase.FORM, visit(form=form(5))),
    "form_long": state(Phase.FORM, visit(form=form(6, value=LONG))),
    "form_read": state(Phase.FORM, visit(form=form(None, complete=True))),
    "papers": state(Phase.PAPERS, visit()),
    "scan_starting": _papers(work="scan", state="starting", page=1),
    "scan_running": _papers(work="scan", state="running", page=1),
    "scan_feeder": _papers(work="scan", state="running", page=3, source="feeder"),
    "scan_done": _papers(work="scan", state="done", page=1),
    "scan_jam": _papers(work="scan", state="failed", page=2, trouble="paper_jam"),
    "scan_empty": _papers(work="scan", state="failed", page=1, trouble="feeder_empty"),
    "scan_cover": _papers(work="scan", state="failed", page=1, trouble="cover_open"),
    "scan_missing": _papers(work="scan", state="failed", page=1, trouble="device_missing"),
    "scan_too_many": _papers(work="scan", state="failed", page=20, trouble="too_many_pages"),
    "scan_stopped": _papers(work="scan", state="cancelled", page=1),
    "scan_failed": _papers(work="scan", state="failed", page=1, trouble="truncated"),
    "still": _papers(work="still", state="running"),
    "still_done": _papers(work="still", state="done"),
    "print_queued": _papers(work="print", state="starting", title="Votre inscription à la cantine"),
    "print_running": _papers(work="print", state="running", title="Votre inscription à la cantine"),
    "print_paper_out": _papers(work="print", state="waiting", trouble="paper_out"),
    "print_jam": _papers(work="print", state="waiting", trouble="paper_jam"),
    "print_off": _papers(work="print", state="failed", trouble="off"),
    "print_done": _papers(work="print", state="done", title="Votre inscription à la cantine"),
    "payment_touch": state(Phase.WELCOME, visit(payment=PAYMENT), touch=True),
    "paying": state(
        Phase.WELCOME, visit(payment=PAYMENT), touch=True, paying_until=datetime(2026, 11, 24, 9, 45, tzinfo=UTC)
    ),
    "mandate": state(Phase.WELCOME, visit(mandate=MANDATE)),
    "mandate_answered": state(Phase.WELCOME, visit(mandate=MANDATE), answered_mandate=MANDATE.id),
    "booking": state(Phase.WELCOME, visit(booking=BOOKING, card=CardView(state=CardState.PRESENT))),
    "booking_long": state(
        Phase.WELCOME, visit(**LONG_NAMES, booking=LONG_BOOKING, consent=question(ConsentState.GIVEN))
    ),
    "booking_waiting": state(Phase.WELCOME, visit(booking=BOOKING.model_copy(update={"state": BookingState.WAITING}))),
    "booking_given_up": state(
        Phase.WELCOME, visit(booking=BOOKING.model_copy(update={"state": BookingState.GIVEN_UP}))
    ),
    "payment": state(Phase.WELCOME, visit(payment=PAYMENT, card=CardView(state=CardState.PRESENT))),
    "payment_long": state(
        Phase.WELCOME, visit(**LONG_NAMES, payment=LONG_PAYMENT, consent=question(ConsentState.GIVEN))
    ),
    "payment_checked": state(Phase.WELCOME, visit(payment=PAYMENT.model_copy(update={"state": PaymentState.CHECKED}))),
    "payment_paid": state(Phase.WELCOME, visit(payment=PAYMENT.model_copy(update={"state": PaymentState.PAID}))),
    "window": state(Phase.FORM, visit(window_shared=True)),
    "goodbye": state(Phase.GOODBYE, visit(goodbye=GOODBYE)),
    "farewell": state(Phase.GOODBYE, visit(goodbye=GOODBYE, call=CallState.NONE), call=CallAtBooth()),
    "wiped": replace(state(Phase.GOODBYE, visit(goodbye=GOODBYE)), wiped_visit=VISIT, call=CallAtBooth()),
}
