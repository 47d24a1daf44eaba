"""Modes, settings and troubles of doors, in the words of those who manage them."""

from __future__ import annotations

from collections.abc import Mapping

from cvq_core.access.facts import Assurance, Direction, Fallback, PointEventKind, PointKind, PointMode, RightKind
from cvq_core.access.late_rules import ConflictOutcome
from cvq_core.errors import N_

MODE_WORDS: Mapping[PointMode, tuple[str, str, str]] = {
    PointMode.NORMAL: (N_("Selon les droits"), N_("Chacun passe s’il en a le droit."), "ok"),
    PointMode.HELD_OPEN: (N_("Ouvert à tous"), N_("Tout le monde passe ; rien n’est compté ni débité."), "sun"),
    PointMode.LOCKED: (N_("Fermé à tous"), N_("Personne ne passe, même avec un droit."), "alert"),
    PointMode.EMERGENCY: (
        N_("Secours"),
        N_("Tout s’ouvre pour laisser sortir. À lever une fois le danger passé."),
        "alert",
    ),
}
"""By mode: its name, what it does, and its colour."""

EVENT_WORDS: Mapping[PointEventKind, tuple[str, str]] = {
    PointEventKind.FORCED: (N_("Porte forcée"), "alert"),
    PointEventKind.HELD_TOO_LONG: (N_("Porte restée ouverte"), "sun"),
    PointEventKind.TAMPER: (N_("Lecteur ouvert ou arraché"), "alert"),
    PointEventKind.READER_OFFLINE: (N_("Lecteur muet"), "sun"),
    PointEventKind.READER_ONLINE: (N_("Lecteur de retour"), "ok"),
    PointEventKind.WRONG_KEY: (N_("Lecteur sans la bonne clé : il n’est pas écouté"), "alert"),
    PointEventKind.CLOCK_WRONG: (N_("Horloge fausse"), "sun"),
    PointEventKind.DISK_FULL: (N_("Disque du contrôleur plein"), "alert"),
}
"""By what a door says of itself: the words and the colour."""

ASSURANCE_WORDS: Mapping[Assurance, str] = {
    Assurance.UID: N_("le numéro de la puce suffit"),
    Assurance.SIGNED_ID: N_("un identifiant signé est demandé"),
    Assurance.AUTHENTICATED: N_("la carte doit prouver sa clé"),
}
DIRECTION_WORDS: Mapping[Direction, str] = {
    Direction.IN: N_("entrée"),
    Direction.OUT: N_("sortie"),
    Direction.BOTH: N_("dans les deux sens"),
}
FALLBACK_WORDS: Mapping[Fallback, str] = {
    Fallback.FAIL_OPEN: N_("laisse passer tout le monde"),
    Fallback.FAIL_CLOSED: N_("ne laisse passer personne"),
    Fallback.AGENTS_ONLY: N_("laisse passer les agents seulement"),
}
KIND_WORDS: Mapping[PointKind, str] = {
    PointKind.DOOR: N_("porte"),
    PointKind.TURNSTILE: N_("tourniquet"),
    PointKind.GATE: N_("barrière"),
    PointKind.TABLET: N_("tablette"),
}
RIGHT_WORDS: Mapping[RightKind, str] = {
    RightKind.AGENT_SCHEDULE: N_("agent"),
    RightKind.SUBSCRIPTION: N_("abonnement"),
    RightKind.LESSON: N_("cours"),
    RightKind.RESERVATION: N_("réservation"),
    RightKind.HOUSEHOLD: N_("foyer"),
    RightKind.PROFESSIONAL: N_("professionnel"),
    RightKind.ENROLMENT: N_("inscription"),
}
OUTCOME_WORDS: Mapping[ConflictOutcome, str] = {
    ConflictOutcome.BILLED: N_("Facturer"),
    ConflictOutcome.GIVEN_UP: N_("Classer"),
    ConflictOutcome.REFUNDED: N_("Rembourser"),
}
CONTROLLER_WORDS: Mapping[str, str] = {
    "never-seen": N_("Contrôleur jamais connecté"),
    "silent": N_("Contrôleur muet : les portes décident seules"),
    "late": N_("Contrôleur en retard : il ne connaît pas encore les derniers changements"),
    "clock-off": N_("L’horloge du contrôleur n’est pas juste"),
    "list-expired": N_("La liste du contrôleur est périmée"),
    "twins": N_("Deux contrôleurs se servent de la même clé"),
    "clock-jumped": N_("L’horloge du contrôleur n’est pas juste"),
    "clock-behind": N_("L’horloge du contrôleur n’est pas juste"),
    "disk-full": N_("Le disque du contrôleur est plein"),
    "disk-failed": N_("Le disque du contrôleur ne répond pas"),
    "list-not-on-disk": N_("Le disque du contrôleur ne répond pas"),
    "list-refused": N_("Le contrôleur ne croit pas la liste qu’il reçoit : elle n’est pas signée par ce serveur"),
    "tap-refused": N_("Des passages de ce contrôleur n’ont pas été pris"),
}
OTHER_TROUBLE = N_("Le contrôleur signale une panne ({slug})")
