"""Samples of the founding acts: the offices, one with all that was decided of it, a change, its last question."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

from cvq_advisor_console.views.acts import (
    ActConfirmPage,
    ActFormPage,
    AppointmentRow,
    ChangeRow,
    DiffLine,
    Fact,
    FormField,
    OfficeLine,
    OfficePage,
    OfficesPage,
    Option,
    PlaceCard,
)
from cvq_core.web.views import NavItem
from tests.e2e.look.samples_moments import Sample, at, shell

_SHELL = shell("Alain Texier", "", NavItem("Régies", "/regies", current=True), live=False)
_READER = shell("Martine Bonnet", "Mairie de Pompaire", NavItem("Régies", "/regies", current=True), live=False)
_ORDER = "Arrêté n° 2026-41"
_PLACE = PlaceCard(
    "Mairie de Pompaire",
    "CVQ-POMPAIRE",
    False,
    ("Cantine", "Accueil périscolaire", "Piscine"),
    ("espèces", "chèque", "CESU préfinancé"),
    (Fact("CESU préfinancé : pour", "Accueil périscolaire"),),
    (Fact("Fonds de caisse", "50,00 €"), Fact("Plafond d’encaisse", "600,00 €"), Fact("Au plafond", "on refuse")),
    (date(2027, 1, 1),),
    "/regies/lieux/2/acte",
    "/regies/lieux/2/limites",
)
_CLOSED = replace(
    _PLACE, label="Mairie d’Amailloux", code="CVQ-AMAILLOUX", services=(), means=(), vouchers=(), planned=()
)
_MAIN = replace(_PLACE, label="Régie de Parthenay-Gâtine", code="CVQ", is_main=True, planned=())
_MARTINE = AppointmentRow(
    "Martine Bonnet", "mandataire", "Mairie de Pompaire", date(2026, 1, 5), date(2027, 1, 4), "now", "/regies/n/1"
)
_DIFF = (
    DiffLine("Services", "Cantine, Piscine", "Cantine, Accueil périscolaire, Piscine"),
    DiffLine("Moyens de paiement", "espèces, chèque", "espèces, chèque, CESU préfinancé"),
    DiffLine("CESU préfinancé : pour", "aucun", "Accueil périscolaire"),
)
_OFFICE = OfficePage(
    "Régie de recettes et d’avances de Parthenay-Gâtine",
    "CVQ",
    "Décision n° 2025-118 du 3 décembre 2025, avis conforme du comptable du 28 novembre 2025",
    (
        Fact("Un paiement en espèces", "au plus 300,00 €"),
        Fact("Un approvisionnement", "au plus 1 000,00 €"),
        Fact("Plafond d’encaisse", "12 000,00 €"),
        Fact("Au plafond", "on prévient"),
        Fact("Le plafond compte, avec les espèces", "les chèques, les titres (CESU, ANCV)"),
        Fact("Versement", "au moins tous les 30 jours"),
    ),
    (_MAIN, _PLACE, _CLOSED),
    (
        AppointmentRow(
            "Odile Brémaud", "régisseur", "Régie de Parthenay-Gâtine", date(2026, 1, 1), None, "now", "/regies/n/2"
        ),
        _MARTINE,
        replace(_MARTINE, name="Noémie Airault", valid_from=date(2026, 12, 1), valid_until=None, state="planned"),
    ),
    (replace(_MARTINE, name="Jean-Paul Guérin", title="mandataire suppléant", state="over"),),
    (
        ChangeRow(
            "Ce qui s’encaisse, et comment",
            "Mairie de Pompaire",
            date(2027, 1, 1),
            _ORDER,
            date(2026, 11, 20),
            "Alain Texier",
            at(9, 12),
            _DIFF,
        ),
        ChangeRow(
            "Nomination",
            "Mairie de Pompaire",
            date(2026, 12, 1),
            _ORDER,
            date(2026, 11, 20),
            "Alain Texier",
            at(9, 5),
            (DiffLine("Personne", "", "Noémie Airault"), DiffLine("Qualité", "", "mandataire")),
        ),
    ),
    True,
    "/regies/1/limites",
    "/regies/1/nommer",
)
_SERVICES = ("Cantine", "Accueil périscolaire", "Crèche", "Accueil de loisirs", "Piscine", "Squash", "Médiathèque")
_ORDER_FIELDS = (
    FormField("order", "Arrêté", value=_ORDER, hint="Comme sur le document signé, par exemple « Arrêté n° 2026-41 »."),
    FormField("signed_on", "Signé le", "date", "2026-11-20"),
)
_FORM = ActFormPage(
    "Ce qui s’encaisse, et comment",
    "Mairie de Pompaire",
    "/regies/lieux/2/acte",
    "/regies/1",
    "k1",
    (
        FormField("holds_from", "À partir du", "date", "2027-01-01"),
        FormField(
            "s", "Services", "several", options=tuple(Option(f"s_{each}", each, each < "D") for each in _SERVICES)
        ),
        FormField(
            "m",
            "Moyens de paiement",
            "several",
            options=tuple(
                Option(f"m_{each}", each, each == "espèces") for each in ("espèces", "chèque", "carte bancaire")
            ),
        ),
        *_ORDER_FIELDS,
    ),
)
_LIMITS = replace(
    _FORM,
    title="Fonds et plafond du lieu",
    fields=(
        FormField(
            "float",
            "Fonds de caisse",
            "amount",
            "dix",
            "Ce qui s’ajoute est remis au coffre.",
            "Écrivez le montant comme 12,50.",
        ),
        FormField("ceiling", "Plafond d’encaisse", "amount", "600,00", "Vide : pas de plafond.", required=False),
        *_ORDER_FIELDS,
    ),
    refused="Une information est manquante ou mal écrite.",
    refused_todo="Corrigez les champs signalés, puis validez de nouveau.",
)
_TITLES = ("régisseur", "mandataire suppléant", "mandataire")
_APPOINT = replace(
    _FORM,
    title="Nomination",
    about="Régie de Parthenay-Gâtine",
    fields=(
        FormField(
            "login",
            "Qui ?",
            value="martine",
            hint="L’identifiant avec lequel elle se connecte.",
            suggestions=(Option("martine", "Martine Bonnet"),),
        ),
        FormField(
            "title", "Qualité", "one", options=tuple(Option(each, each, each == "mandataire") for each in _TITLES)
        ),
        FormField("valid_from", "À partir du", "date", "2026-12-01"),
        *_ORDER_FIELDS,
    ),
)
_CONFIRM = ActConfirmPage(
    "Ce qui s’encaisse, et comment",
    "Mairie de Pompaire",
    "/regies/lieux/2/acte",
    date(2027, 1, 1),
    _ORDER,
    date(2026, 11, 20),
    _DIFF,
    {"key": "k1"},
)

ACTS: dict[str, Sample] = {
    "acts": Sample(
        "acts.html", {"shell": _SHELL, "view": OfficesPage((OfficeLine("/regies/1", _OFFICE.label, "CVQ", 12),))}
    ),
    "acts-none": Sample("acts.html", {"shell": _SHELL, "view": OfficesPage(())}),
    "act": Sample("act.html", {"shell": _SHELL, "view": _OFFICE}, ("details > summary",)),
    "act-read": Sample(
        "act.html",
        {"shell": _READER, "view": replace(_OFFICE, may_change=False, appointments=(), past=(), changes=())},
    ),
    "act-form": Sample("act_form.html", {"shell": _SHELL, "view": _FORM}),
    "act-form-refused": Sample("act_form.html", {"shell": _SHELL, "view": _LIMITS}),
    "act-appoint": Sample("act_form.html", {"shell": _SHELL, "view": _APPOINT}),
    "act-confirm": Sample("act_confirm.html", {"shell": _SHELL, "view": _CONFIRM}),
    "act-confirm-nothing": Sample("act_confirm.html", {"shell": _SHELL, "view": replace(_CONFIRM, lines=())}),
}
