"""What to say to a resident when a machine is in trouble: what happens, and what to do with one's hands."""

from __future__ import annotations

from dataclasses import dataclass


def N_(message: str) -> str:  # noqa: N802 - gettext's own name for "to be translated where it is shown"
    """Mark a French sentence for the catalogue."""
    return message


STEPS = (
    ("welcome", N_("Bonjour")),
    ("card", N_("Votre carte")),
    ("form", N_("Le formulaire")),
    ("papers", N_("Vos papiers")),
    ("goodbye", N_("C’est fini")),
)
"""Where one is, in five words; the names are those of `cvq_desk.wire.Phase`."""


@dataclass(frozen=True, slots=True)
class Advice:
    """Two sentences for the resident, and the picture beside them."""

    what: str
    hands: str
    picture: str = "alert-triangle"


SCAN_TROUBLES = {
    "paper_jam": Advice(
        N_("La feuille est coincée."),
        N_("Ne tirez pas dessus. La mairie est prévenue, quelqu’un vient."),
    ),
    "feeder_empty": Advice(
        N_("La machine n’a pas trouvé de feuille."),
        N_("Posez vos feuilles dans le bac du dessus, puis dites-le à {advisor}."),
        "file-text",
    ),
    "cover_open": Advice(
        N_("Le couvercle est ouvert."),
        N_("Refermez-le doucement, puis dites-le à {advisor}."),
    ),
    "device_missing": Advice(
        N_("La machine à copier ne répond pas."),
        N_("Ce n’est pas votre faute. Gardez votre feuille, {advisor} vous dit comment continuer."),
    ),
    "device_busy": Advice(
        N_("La machine à copier est déjà occupée."),
        N_("Gardez votre feuille et attendez un instant."),
        "clock",
    ),
    "too_many_pages": Advice(
        N_("Il y a trop de feuilles pour une seule fois."),
        N_("Les premières sont gardées. {advisor} vous dit comment continuer."),
        "files",
    ),
    "cancelled": Advice(N_("C’est arrêté."), N_("Reprenez votre feuille."), "hand-stop"),
    "other": Advice(
        N_("La copie n’a pas marché."),
        N_("Ce n’est pas votre faute. Gardez votre feuille, {advisor} vous dit comment continuer."),
    ),
}

PRINT_TROUBLES = {
    "paper_out": Advice(
        N_("Il n’y a plus de papier dans l’imprimante."),
        N_("Restez à votre place. La mairie est prévenue, quelqu’un vient en remettre."),
        "printer",
    ),
    "paper_jam": Advice(
        N_("Une feuille est coincée dans l’imprimante."),
        N_("Ne tirez pas dessus. La mairie est prévenue, quelqu’un vient."),
    ),
    "cover_open": Advice(
        N_("Le capot de l’imprimante est ouvert."),
        N_("Restez à votre place. La mairie est prévenue, quelqu’un vient le refermer."),
    ),
    "toner_empty": Advice(
        N_("Il n’y a plus d’encre dans l’imprimante."),
        N_("Restez à votre place. La mairie est prévenue."),
        "printer",
    ),
    "off": Advice(
        N_("L’imprimante est éteinte."),
        N_("Restez à votre place. La mairie est prévenue, quelqu’un vient la rallumer."),
        "printer",
    ),
    "cancelled": Advice(N_("C’est arrêté."), N_("Rien ne sortira de l’imprimante."), "hand-stop"),
    "other": Advice(
        N_("L’impression n’a pas marché."),
        N_("Ce n’est pas votre faute. {advisor} vous dit comment continuer."),
        "printer",
    ),
}

TAKE_ALONG_PICTURES = (
    ("carte", "credit-card"),
    ("papiers", "files"),
    ("lunettes", "glasses"),
    ("feuille", "file-text"),
    ("card", "credit-card"),
    ("papers", "files"),
    ("glasses", "glasses"),
    ("sheet", "file-text"),
)
"""Which picture stands beside a thing to take home, by a word of its name in either language."""

WRONG_ADDRESS = N_(
    "Cette adresse n’ouvre pas l’écran du guichet : elle a changé. Prenez celle que le guichet a donnée."
)
