"""Samples of doors: a pool in the afternoon, a question that was answered, one turnstile with who passes."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from cvq_advisor_console.views.access import (
    AccessNow,
    AccessPage,
    AreaRow,
    ConflictRow,
    Found,
    ModeChoice,
    PointPage,
    PointRow,
    Region,
    TapRow,
    TapsNow,
    Told,
    TryForm,
)
from cvq_advisor_console.views.access_settings import AreaForm, AreasPage, RightRow, RightsPage, SettingsPage
from cvq_advisor_console.views.books import Choice
from cvq_core.web.views import Act, NavItem
from tests.e2e.look.samples_moments import NOW, Sample, shell

_MANAGER = shell("Carole Petit", "Piscine", NavItem("Accès", "/acces", current=True))
_POINTS = (
    PointRow("/p/1", "Tourniquet 1", "Piscine Gâtinéo", "Selon les droits", "ok", "en liaison", "ok", 1_204, 31),
    PointRow(
        "/p/2",
        "Tourniquet 2",
        "Piscine Gâtinéo",
        "Fermé à tous",
        "alert",
        "Contrôleur muet : les portes décident seules",
        "sun",
        0,
        12,
    ),
    PointRow("/p/3", "Portillon", "Piscine de Saint-Aubin", "Selon les droits", "ok", "aucun lecteur", "off", 0, 0),
)
_NOW = AccessNow(
    region=Region("/now"),
    points=_POINTS,
    areas=(AreaRow("Bassins", 148, 180, 82), AreaRow("Hall", 12, None, None)),
    told=(
        Told(NOW - timedelta(minutes=2), "Tourniquet 2", "Lecteur sans la bonne clé : il n’est pas écouté", "alert"),
        Told(NOW - timedelta(minutes=4), "Piscine de Saint-Aubin, portillon", "Porte forcée", "alert"),
    ),
)
_TWICE = (
    Told(
        NOW - timedelta(hours=3),
        "carte de ROSE Madeleine à Piscine Gâtinéo à 14 h 02, puis à Piscine de Saint-Aubin",
        "Prêtée ou copiée ?",
        "sun",
    ),
)
_ASK = TryForm(
    url="/acces/essai",
    points=(Choice("1", "Piscine Gâtinéo, tourniquet 1", True), Choice("2", "Piscine de Saint-Aubin, portillon")),
)
_REFUSED = Found(
    allowed=False,
    person="Mme Jeanne Moreau",
    point="Tourniquet 1",
    at=NOW,
    display_short="Compte piscine vide",
    display_long="Le compte piscine n’est pas assez approvisionné. Il manque 1,10 €. Approvisionnez-le à l’accueil ou "
    "à votre mairie, puis présentez la carte de nouveau.",
    sentences=(
        "Carte de Mme Jeanne Moreau, valable jusqu’au 31 août 2029.",
        "Abonnement jusqu’au 31 août 2026, 23 h 59 : terminé.",
        "Compte piscine : 2,00 €.",
        "Un passage coûte 3,10 €.",
    ),
)
_CONFLICTS = (
    ConflictRow(
        "/e/1",
        (NOW - timedelta(days=1)).date(),
        NOW - timedelta(days=1),
        "Entré, et le compte s’est vidé entre-temps",
        "Tourniquet 1",
        "MOREAU Jeanne",
        "Famille Moreau",
        310,
        (("billed", "Facturer"), ("given_up", "Classer")),
    ),
    ConflictRow(
        "/e/2",
        (NOW - timedelta(days=100)).date(),
        None,
        "Entré avec une carte bloquée entre-temps",
        "",
        "carte inconnue",
        "",
        0,
        (("given_up", "Classer"),),
    ),
)
_PAGE = AccessPage(
    new_url="/acces/nouvelle-porte",
    areas_url="/acces/zones",
    url="/acces",
    services=(Choice("pool", "Piscine", True), Choice("squash", "Squash")),
    service="Piscine",
    now=_NOW,
    two_sites=_TWICE,
    ask=_ASK,
    conflicts=_CONFLICTS,
)
_TAPS = (
    TapRow(NOW, "Mme Jeanne Moreau", "Compte piscine vide", allowed=False, late=False),
    TapRow(NOW - timedelta(minutes=1), "Emma Moreau", "Entrez, abonnement", allowed=True, late=False),
    TapRow(NOW - timedelta(minutes=9), "carte inconnue", "Carte inconnue", allowed=False, late=False),
    TapRow(NOW - timedelta(minutes=40), "M. Paul Giraud", "Entrez : reste 4", allowed=True, late=True),
)
_POINT = PointPage(
    settings_url="/acces/points/1/reglages",
    rights_url="/acces/points/1/droits",
    label="Tourniquet 1",
    site="Piscine Gâtinéo",
    back_url="/acces",
    modes=(
        ModeChoice("normal", "Selon les droits", "Chacun passe s’il en a le droit.", True, None),
        ModeChoice("held_open", "Ouvert à tous", "Tout le monde passe ; rien n’est compté.", False, Act("/m")),
        ModeChoice("locked", "Fermé à tous", "Personne ne passe, même avec un droit.", False, Act("/m")),
        ModeChoice("emergency", "Secours", "Tout s’ouvre pour laisser sortir.", False, Act("/m")),
    ),
    mode_url="/m",
    facts=(
        ("Lecture de la carte", "le numéro de la puce suffit"),
        ("Sens", "entrée"),
        ("Liaison coupée trop longtemps", "ne laisse passer personne"),
        ("Anti-retour", "15 minutes entre deux entrées"),
        (
            "Carte bloquée, réservation annulée",
            "comptent dans la minute avec la liaison ; sans elle, à son retour, et au plus tard le 27 novembre 2026 à "
            "12 h 00",
        ),
        ("Délai mesuré", "0,3 s la dernière fois, 4 h au plus depuis hier"),
    ),
    taps=TapsNow(Region("/taps"), _TAPS),
)


_DO_NOT_FIT = "Ces réglages ne vont pas ensemble. Le comptage et l’anti-retour demandent un sens de passage."
_UNKNOWN_CARD = "Cette carte n’est pas connue ici. Vérifiez que c’est bien une carte de vie quotidienne."
_SETTINGS = SettingsPage(
    title="Tourniquet 1",
    site="Piscine Gâtinéo",
    back_url="/acces/points/1",
    save=Act("/acces/points/1/reglages"),
    values={
        "label": "Tourniquet 1",
        "site": "Piscine Gâtinéo",
        "assurance": "signed_id",
        "direction": "in",
        "passback_minutes": "20",
        "double_tap_s": "5",
        "guardian_age": "8",
        "guardian_minutes": "2",
        "clock_tolerance_s": "120",
    },
    choices={
        "kind": (Choice("door", "porte", True), Choice("turnstile", "tourniquet")),
        "assurance": (
            Choice("uid", "le numéro de la puce suffit"),
            Choice("signed_id", "un identifiant signé est demandé", True),
        ),
        "direction": (Choice("in", "entrée", True), Choice("out", "sortie"), Choice("both", "dans les deux sens")),
        "area_id": (Choice("1", "Bassins", True),),
        "price_code": (Choice("entry", "Entrée à l’unité"),),
        "offline_fallback": (
            Choice("fail_closed", "ne laisse passer personne", True),
            Choice("agents_only", "laisse passer les agents seulement"),
        ),
    },
    ticked=frozenset({"reserved_only"}),
    areas_url="/acces/zones",
    errors={"guardian_age": "Cette valeur n’est pas possible."},
)
_AREAS = AreasPage(
    service="Piscine",
    back_url="/acces",
    areas=(
        AreaForm("1", "Bassins", "180", "20:00", 148, "Tourniquet 1, Tourniquet 2", Act("/z/1"), Act("/z/1/compte")),
        AreaForm("2", "Solarium", "", "", 0, "", Act("/z/2"), Act("/z/2/compte")),
    ),
    make=Act("/acces/zones"),
    id="3",
)
_RIGHTS = RightsPage(
    label="Porte du dépôt",
    site="Services techniques",
    back_url="/acces/points/2",
    rows=(
        RightRow("BRÉMAUD Odile", "agent", "lu ma me je ve, de 07:00 à 19:00, sauf jours fériés", NOW, Act("/d/1/fin")),
        RightRow("MOREAU Jeanne", "réservation", "de 10 h 00 à 10 h 40", NOW, None),
    ),
    more=True,
    give=Act("/acces/points/2/droits"),
    id="4",
    kinds=(Choice("agent_schedule", "agent", True), Choice("lesson", "cours")),
    today="2026-11-24",
)


def _sample(template: str, view: object) -> Sample:
    return Sample(template, {"shell": _MANAGER, "view": view})


ACCESS = {
    "access": _sample("access.html", _PAGE),
    "access-refused": _sample("access.html", replace(_PAGE, ask=replace(_ASK, number="482 130 5779", found=_REFUSED))),
    "access-unknown": _sample(
        "access.html",
        replace(
            _PAGE,
            now=AccessNow(Region("/now")),
            conflicts=(),
            ask=replace(_ASK, number="12", error="Ce numéro de carte ne peut pas être juste : il en manque."),
        ),
    ),
    "access-settings": _sample("access_settings.html", _SETTINGS),
    "access-settings-new": _sample(
        "access_settings.html",
        replace(_SETTINGS, title="Nouvelle porte", id="1", values={"direction": "both"}, error=_DO_NOT_FIT),
    ),
    "access-areas": _sample("access_areas.html", _AREAS),
    "access-areas-none": _sample("access_areas.html", replace(_AREAS, areas=())),
    "access-rights": _sample("access_rights.html", _RIGHTS),
    "access-rights-refused": _sample("access_rights.html", replace(_RIGHTS, rows=(), error=_UNKNOWN_CARD)),
    "access-point": _sample("access_point.html", _POINT),
    "access-point-nobody": _sample("access_point.html", replace(_POINT, taps=TapsNow(Region("/taps")))),
}
