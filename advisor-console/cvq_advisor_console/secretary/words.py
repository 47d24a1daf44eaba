"""What the secretary reads of an alert: what happened, and what to do."""

from __future__ import annotations

from dataclasses import dataclass

from cvq_advisor_console.views.secretary import AlertKind as Sound
from cvq_core.errors import N_
from cvq_desk.booking.alerts import AlertKind


@dataclass(frozen=True, slots=True)
class AlertWords:
    """An alert in two sentences, and how it sounds."""

    sound: Sound
    title: str
    todo: str


ALERT_WORDS = {
    AlertKind.HELP: AlertWords(
        Sound.HELP, N_("On vous demande au guichet."), N_("Passez voir la personne dès que vous le pouvez.")
    ),
    AlertKind.FAINTNESS: AlertWords(
        Sound.FAINT, N_("Malaise au guichet."), N_("Allez-y tout de suite. Urgences : 15, ou 112.")
    ),
    AlertKind.PAPER_OUT: AlertWords(
        Sound.PAPER_OUT,
        N_("L’imprimante du guichet n’a plus de papier."),
        N_("Remettez du papier : l’impression reprendra d’elle-même."),
    ),
    AlertKind.PAPER_JAM: AlertWords(
        Sound.MACHINE,
        N_("Une feuille est coincée dans l’imprimante du guichet."),
        N_("Ouvrez le capot et retirez-la doucement, sans la déchirer."),
    ),
    AlertKind.CARD_FORGOTTEN: AlertWords(
        Sound.CARD_FORGOTTEN,
        N_("Une carte est restée sur le lecteur du guichet."),
        N_("Rattrapez la personne, ou gardez sa carte à l’accueil."),
    ),
    AlertKind.CLOSING_SOON: AlertWords(
        Sound.CLOSING_SOON,
        N_("La mairie va fermer, et quelqu’un est encore au guichet ou attend."),
        N_("Prévenez la personne et le conseiller."),
    ),
    AlertKind.BOOTH_OFFLINE: AlertWords(
        Sound.MACHINE,
        N_("Le guichet ne répond plus."),
        N_("Vérifiez qu’il est allumé et branché. L’entretien reprendra seul au retour de la ligne."),
    ),
}
CLOSING_AT = N_("La mairie ferme à {hour}, et quelqu’un est encore au guichet ou attend.")
