"""Why somebody did not pass, as those who manage a service say it."""

from __future__ import annotations

from collections.abc import Mapping

from cvq_core.access.facts import Reason
from cvq_core.errors import N_

REFUSAL_WORDS: Mapping[Reason, str] = {
    Reason.UNKNOWN_CARD: N_("Carte inconnue"),
    Reason.CARD_REPLACED: N_("Carte remplacée par une plus récente"),
    Reason.CARD_BLOCKED: N_("Carte bloquée"),
    Reason.CARD_EXPIRED: N_("Carte périmée"),
    Reason.CARD_NOT_YET_VALID: N_("Carte pas encore valable"),
    Reason.PERSON_DECEASED: N_("Personne décédée"),
    Reason.ASSURANCE_TOO_LOW: N_("Lecture de la carte pas assez sûre"),
    Reason.PRICE_MISSING: N_("Tarif non enregistré"),
    Reason.WALLET_EMPTY: N_("Compte vide"),
    Reason.OUTSIDE_HOURS: N_("Hors horaires"),
    Reason.RIGHT_ENDED: N_("Abonnement ou autorisation terminés"),
    Reason.UNCLAIMED_DAY: N_("Jour qui n’est à aucun compte"),
    Reason.WRONG_SERVICE: N_("Pas inscrit au service"),
    Reason.NOT_RESERVED: N_("Pas de réservation à cette heure"),
    Reason.NOT_ENTITLED: N_("Accès non autorisé"),
    Reason.POINT_CLOSED: N_("Lieu fermé"),
    Reason.LIST_EXPIRED: N_("Lecteur sans liaison depuis trop longtemps"),
    Reason.GUARDIAN_MISSING: N_("Enfant sans responsable"),
    Reason.PASSED_BACK: N_("Carte déjà entrée"),
    Reason.AREA_FULL: N_("Complet"),
}
"""By the reason of a refusal."""
BY_THE_DOOR = N_("Refusé par la porte, sans liaison")
"""What a door refused by itself, that did not know yet what the core knew."""


def refusal_words(reason: Reason | None) -> str:
    """Return why somebody did not pass; None is a door that the core would have opened."""
    return BY_THE_DOOR if reason is None else REFUSAL_WORDS[reason]
