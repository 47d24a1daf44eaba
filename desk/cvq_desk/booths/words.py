"""What is said of cards and machines, to the resident and to the advisor, by stable slug."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from cvq_core.clock import local_day
from cvq_core.errors import N_
from cvq_core.text import hour, long_date

TAKE_ALONG = (N_("Votre carte"), N_("Vos papiers"), N_("Vos lunettes"), N_("Votre feuille"))

UNKNOWN_CARD = N_("Cette carte n’est pas connue ici. Ce n’est pas grave : on continue sans elle.")
STRANGERS_CARD = N_("Cette carte est celle de quelqu’un d’autre. Reprenez-la : on continue sans elle.")


@dataclass(frozen=True, slots=True)
class TroubleWords:
    """A machine's trouble: what it is, and what to say to the resident or do about it."""

    what: str
    say: str


_AGAIN = N_("Recommencez ; si cela se répète, prévenez le secrétariat.")

TROUBLES = {
    "paper_out": TroubleWords(N_("plus de papier"), N_("Dites : « Il manque du papier, le secrétariat arrive. »")),
    "paper_jam": TroubleWords(
        N_("papier coincé"), N_("Dites : « Une feuille est coincée, ne tirez pas dessus, le secrétariat arrive. »")
    ),
    "feeder_empty": TroubleWords(
        N_("chargeur vide"), N_("Dites : « Posez vos feuilles dans le chargeur, face imprimée vers le haut. »")
    ),
    "cover_open": TroubleWords(N_("capot ouvert"), N_("Dites : « Refermez doucement le capot de la machine. »")),
    "toner_empty": TroubleWords(N_("plus d’encre"), N_("Dites : « Il n’y a plus d’encre, le secrétariat arrive. »")),
    "off": TroubleWords(N_("éteint"), N_("Dites : « La machine est éteinte, le secrétariat va la rallumer. »")),
    "missing": TroubleWords(N_("absent"), N_("Continuez sans cette machine, et prévenez le secrétariat.")),
    "device_missing": TroubleWords(N_("absent"), N_("Continuez sans cette machine, et prévenez le secrétariat.")),
    "device_busy": TroubleWords(N_("occupé"), N_("Attendez quelques secondes, puis recommencez.")),
    "too_many_pages": TroubleWords(
        N_("trop de pages"), N_("Les pages déjà numérisées sont gardées. Classez-les, puis numérisez la suite.")
    ),
    "truncated": TroubleWords(N_("page incomplète"), N_("Dites : « Remettez cette feuille, elle n’est pas entière. »")),
    "failed": TroubleWords(N_("n’a pas répondu"), _AGAIN),
    "deadline": TroubleWords(N_("trop long"), _AGAIN),
    "interrupted": TroubleWords(
        N_("travail interrompu"), N_("La machine a été arrêtée en chemin. Regardez ce qui est sorti, puis recommencez.")
    ),
    "aborted": TroubleWords(N_("impression abandonnée"), _AGAIN),
    "refused": TroubleWords(N_("refusé par la machine"), _AGAIN),
    "busy": TroubleWords(N_("occupé"), N_("Attendez quelques secondes, puis recommencez.")),
    "held": TroubleWords(N_("en attente sur l’imprimante"), N_("Demandez au secrétariat de regarder l’imprimante.")),
    "other": TroubleWords(N_("arrêté"), N_("Demandez au secrétariat de regarder la machine.")),
    "no_file": TroubleWords(N_("document perdu en chemin"), _AGAIN),
    "wrong_file": TroubleWords(N_("document abîmé en chemin"), _AGAIN),
    "bad_document": TroubleWords(
        N_("document illisible"), N_("Ce document ne peut pas être imprimé. Refaites-le en PDF, puis recommencez.")
    ),
    "format_unsupported": TroubleWords(
        N_("imprimante sans PDF"), N_("Cette imprimante ne prend pas ce document. Prévenez le secrétariat.")
    ),
    "too_large": TroubleWords(N_("document trop lourd"), N_("Imprimez-le en plusieurs parties.")),
    "too_many_copies": TroubleWords(N_("trop d’exemplaires"), N_("Demandez moins d’exemplaires à la fois.")),
    "card_unreadable": TroubleWords(
        N_("carte illisible"), N_("Dites : « Reprenez la carte et reposez-la bien à plat ; sinon, on continue sans. »")
    ),
    "wipe_failed": TroubleWords(
        N_("guichet pas effacé"), N_("Appelez la mairie : personne ne doit s’asseoir avant que le guichet soit effacé.")
    ),
    "no_camera": TroubleWords(N_("pas de caméra"), N_("La personne vous voit et vous entend ; vous ne la voyez pas.")),
    "no_microphone": TroubleWords(N_("pas de micro"), N_("Demandez un signe de la main, ou appelez la mairie.")),
}


def opening_words(opening: datetime, now: datetime, language: str) -> str:
    """Return when it opens: the hour alone today, the day with it otherwise."""
    if local_day(opening) == local_day(now):
        return hour(opening, language)
    return f"{long_date(local_day(opening), language, with_year=False)}, {hour(opening, language)}"
