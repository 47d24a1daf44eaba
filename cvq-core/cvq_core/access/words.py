"""What a reader shows: at most 24 characters for its own display, and the same in full for a screen.

Readers speak French: they stand in public places and nobody has signed in to them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from cvq_core.access.facts import Decision, Facts, Reason
from cvq_core.cards.rules import standing, standing_date
from cvq_core.clock import local_day
from cvq_core.services.rules import SERVICE_LABELS
from cvq_core.text import hour, money, short_date

DISPLAY_CHARACTERS = 24
"""The width of the smallest display among common turnstiles and OSDP readers with text."""


@dataclass(frozen=True, slots=True)
class Display:
    """The two forms of one message."""

    short: str
    long: str


CONTACT = "votre mairie"
"""Whom the sentence of a card that does not work says to call."""

_CARD_SHORT: Mapping[Reason, str] = {
    Reason.CARD_REPLACED: "Carte remplacée",
    Reason.CARD_BLOCKED: "Carte bloquée",
    Reason.CARD_EXPIRED: "Carte périmée",
    Reason.CARD_NOT_YET_VALID: "Carte pas encore valable",
}

_FIXED: Mapping[Reason, Display] = {
    Reason.UNKNOWN_CARD: Display(
        "Carte inconnue",
        "Cette carte n’est pas connue. Adressez-vous à l’accueil ou à votre mairie.",
    ),
    # Whoever holds the card may be in mourning: the display does not say why.
    Reason.PERSON_DECEASED: Display(
        "Voir l’accueil",
        "Cette carte ne peut pas servir ici. Adressez-vous à l’accueil ou à votre mairie.",
    ),
    Reason.ASSURANCE_TOO_LOW: Display(
        "Lecture non sûre",
        "Ce passage demande une lecture sécurisée de la carte. Présentez-la de nouveau, bien à plat.",
    ),
    Reason.POINT_CLOSED: Display("Fermé", "Ce passage est fermé pour le moment."),
    Reason.PRICE_MISSING: Display(
        "Voir l’accueil",
        "Le tarif de ce passage n’est pas enregistré : rien n’a été débité. Adressez-vous à l’accueil.",
    ),
    # Who has the child when is nobody else's business: neither display says that a day has no account.
    Reason.UNCLAIMED_DAY: Display(
        "Voir l’accueil",
        "Rien n’a été débité. Adressez-vous à l’accueil ou à votre mairie.",
    ),
    Reason.SERVED_UNCLAIMED: Display("Présence notée", "La présence est notée."),
    Reason.OUTSIDE_HOURS: Display(
        "Hors horaires",
        "Cette carte ouvre ce passage, mais pas à cette heure.",
    ),
    Reason.RIGHT_ENDED: Display(
        "Abonnement terminé",
        "L’abonnement ou l’autorisation est terminé. Renouvelez-le à l’accueil ou à votre mairie.",
    ),
    Reason.NOT_ENTITLED: Display(
        "Accès non autorisé",
        "Cette carte n’ouvre pas ce passage. Adressez-vous à l’accueil ou à votre mairie.",
    ),
    Reason.ALREADY_COUNTED: Display(
        "Déjà noté aujourd’hui",
        "La présence est déjà notée aujourd’hui. Rien n’est compté une seconde fois.",
    ),
    Reason.ENTITLED: Display("Entrez", "Vous pouvez entrer."),
    Reason.NOT_RESERVED: Display(
        "Pas de réservation",
        "Ce lieu s’ouvre à l’heure réservée. Réservez à l’accueil ou à votre mairie.",
    ),
    Reason.LIST_EXPIRED: Display(
        "Voir l’accueil",
        "Ce lecteur est sans liaison depuis trop longtemps pour répondre. Adressez-vous à l’accueil ou à votre mairie.",
    ),
    Reason.GUARDIAN_MISSING: Display(
        "Après un responsable",
        "Un enfant entre juste après un de ses responsables, qui présente sa carte le premier.",
    ),
    Reason.PASSED_BACK: Display(
        "Carte déjà entrée",
        "Cette carte est déjà entrée ici. Elle rouvre ce passage après une sortie, ou au bout de quelques minutes.",
    ),
    Reason.AREA_FULL: Display(
        "Complet", "Il n’y a plus de place pour le moment. Présentez la carte dès que l’on sort."
    ),
    Reason.EMERGENCY: Display("Passage libre", "Le passage est libre pour tous. Suivez les consignes de sécurité."),
    Reason.HELD_OPEN: Display("Entrez", "Le passage est ouvert à tous. Rien n’est compté."),
    Reason.LEFT: Display("Au revoir", "Vous pouvez sortir."),
    Reason.LET_IN_UNCHECKED: Display("Entrez", "Vous pouvez entrer."),
}


def say(decision: Decision, facts: Facts) -> Display:
    """Return what the reader shows for `decision`; a balance is said only where the point may show it."""
    if decision.repeats is not None:
        return Display(decision.repeats.display_short, decision.repeats.display_long)
    if decision.reason in _CARD_SHORT:
        return _about_the_card(decision, facts)
    fixed = _FIXED.get(decision.reason)
    return fixed if fixed is not None else _counted(decision, facts)


def _about_the_card(decision: Decision, facts: Facts) -> Display:
    """Say of a card what is said of it everywhere: since when it does not work, and what to do."""
    assert facts.card is not None
    today = local_day(facts.at)
    found = standing(facts.card, today)
    places = {"date": short_date(standing_date(facts.card, today)), "contact": CONTACT}
    return Display(_CARD_SHORT[decision.reason], f"{found.message} {found.what_to_do}".format_map(places))


def _counted(decision: Decision, facts: Facts) -> Display:
    """Say what depends on money, entries or days."""
    service = SERVICE_LABELS[facts.point.service].lower()
    price = money(decision.amount_cents)
    match decision.reason:
        case Reason.SUBSCRIBED:
            until = decision.valid_until
            long = f"Abonnement valable jusqu’au {short_date(local_day(until))}." if until else "Abonnement valable."
            return Display("Entrez, abonnement", f"Vous pouvez entrer. {long}")
        case Reason.RESERVED:
            until = decision.valid_until
            long = f" La réservation ouvre ce passage jusqu’à {hour(until)}." if until else ""
            return Display("Entrez, réservé", f"Vous pouvez entrer.{long}")
        case Reason.ENTRY_COUNTED:
            left = decision.entries_left or 0
            words = f"{left} entrée{'s' if left > 1 else ''}"
            return Display(_fit(f"Entrez : reste {left}", "Entrez"), f"Une entrée est comptée. Il en reste : {words}.")
        case Reason.PAID:
            balance = _balance(decision, facts)
            short = _fit(f"Entrez. Reste {balance}", f"Reste {balance}", "Entrez") if balance else "Entrez"
            rest = f" Il reste {balance}." if balance else ""
            return Display(short, f"Vous pouvez entrer. {price} débités du compte {service}.{rest}")
        case Reason.SERVED:
            noted = f" {price} débités du compte {service}." if decision.amount_cents else ""
            return Display("Présence notée", f"La présence est notée.{noted}")
        case Reason.SERVED_AND_OWED:
            owed = money(decision.owed_cents)
            return Display(
                "Servi, à régler",
                f"La présence est notée et le service est rendu. {owed} restent à régler sur le compte {service}.",
            )
        case Reason.BILLED:
            return Display("Entrez, à facturer", f"Vous pouvez entrer. {price} seront facturés.")
        case Reason.WALLET_EMPTY:
            lacking = f" Il manque {money(decision.missing_cents)}." if facts.point.shows_balance else ""
            return Display(
                _fit(f"Compte {service} vide", "Compte vide"),
                f"Le compte {service} n’est pas assez approvisionné.{lacking} Approvisionnez-le à l’accueil ou à votre "
                "mairie, puis présentez la carte de nouveau.",
            )
        case Reason.WRONG_SERVICE:
            return Display(
                _fit(f"Carte non inscrite : {service}", "Carte non inscrite"),
                f"Cette carte n’est pas inscrite au service « {service} ». Inscrivez-vous à l’accueil ou à votre "
                "mairie.",
            )
        case other:
            raise AssertionError(f"no words for {other}")


def _balance(decision: Decision, facts: Facts) -> str | None:
    if not facts.point.shows_balance or decision.balance_cents is None:
        return None
    return money(decision.balance_cents)


def _fit(*candidates: str) -> str:
    """Return the first candidate that the display can hold; the last one always can."""
    return next((text for text in candidates if len(text) <= DISPLAY_CHARACTERS), candidates[-1])
