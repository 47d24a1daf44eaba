"""Reservations in words."""

from __future__ import annotations

from cvq_core.clock import local_day
from cvq_core.errors import N_
from cvq_core.facilities.rules import ReservationState, Span
from cvq_core.facilities.terms import BookerKind
from cvq_core.tariffs.words import Say
from cvq_core.text import hour, long_date

STATE_WORDS = {
    ReservationState.WAITING: N_("sur la liste d’attente"),
    ReservationState.OFFERED: N_("proposée"),
    ReservationState.BOOKED: N_("réservé"),
    ReservationState.CANCELLED: N_("annulée"),
    ReservationState.LAPSED: N_("proposée, sans réponse"),
    ReservationState.WITHDRAWN: N_("retirée"),
}
TONES = {
    ReservationState.WAITING: "sun",
    ReservationState.OFFERED: "sun",
    ReservationState.BOOKED: "ok",
}
BOOKER_WORDS = {
    BookerKind.SUBSCRIBER: N_("Abonnés"),
    BookerKind.ASSOCIATION: N_("Associations"),
    BookerKind.COMPANY: N_("Entreprises"),
    BookerKind.PUBLIC_BODY: N_("Organismes publics"),
    BookerKind.INHABITANT: N_("Habitants du territoire"),
    BookerKind.OUTSIDER: N_("Habitants d’ailleurs"),
}


def span_words(span: Span, say: Say, language: str) -> str:
    """Return a time in words: its day once where it ends on the same."""
    first, last = local_day(span.starts_at), local_day(span.ends_at)
    facts = {
        "day": long_date(first, language, with_year=False),
        "begins": hour(span.starts_at, language),
        "last": long_date(last, language, with_year=False),
        "ends": hour(span.ends_at, language),
    }
    if first == last:
        return say(N_("{day}, de {begins} à {ends}"), **facts)
    return say(N_("du {day}, {begins}, au {last}, {ends}"), **facts)
