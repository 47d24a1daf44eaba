"""Samples of the families: search, file, last questions, a shared child's month, a merger laid side by side."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from uuid import UUID

from cvq_advisor_console.views.families import (
    AttendedRow,
    BilledRow,
    ChildPage,
    DayView,
    EventRow,
    FamiliesPage,
    FamilyPage,
    FamilyRow,
    FieldView,
    FormPage,
    HeldCardRow,
    LeftPage,
    LeftRow,
    LinkRow,
    MemberPage,
    MemberRow,
    MergePage,
    MoneyRow,
    MonthView,
    Option,
    OrderRow,
    PersonOption,
    RhythmPage,
    SharedRow,
    SideView,
    SurePage,
    WaitingRow,
    WeekdayField,
    WeekView,
    Whose,
)
from cvq_core.web.views import NavItem
from tests.e2e.look.samples_invoices import ROWS
from tests.e2e.look.samples_moments import Sample, shell

_SHELL = shell("Sylvie Martin", "Mairie du Tallud", NavItem("Familles", "/familles", current=True), live=False)
_ABOUT = "Famille Moreau, compte 0000123"
_TODAY = date(2026, 11, 24)
_KEY = (("key", str(UUID(int=7))),)
_MASKED = (
    "De l’autre compte de l’enfant ne sont montrés que le nom de l’autre responsable, les présences de l’enfant et ce "
    "qui est facturé pour lui."
)

_FOUND = (
    FamilyRow("Moreau", "0000123", "Anna Moreau, Emma Moreau, Tom Moreau", "/f/1"),
    FamilyRow("Moreau-Delacroix", "0004711", "Marie-Antoinette Rousseau-Delacroix, Jean Moreau", "/f/2"),
    FamilyRow("Moreau", "0000124", "Tom Moreau", "/f/3", "réuni à un autre"),
)
_MEMBERS = (
    MemberRow("MOREAU Anna", "responsable", date(2020, 9, 1), None, date(1985, 2, 3), None, "/f/1/end", "/f/1/d"),
    MemberRow("MOREAU Emma", "enfant", date(2020, 9, 1), None, date(2017, 6, 1), None, "/f/1/end", "/f/1/d", "/f/1/c"),
    MemberRow("MOREAU Tom", "enfant", date(2022, 9, 1), None, date(2019, 1, 9), None, "/f/1/end", "/f/1/d", "/f/1/c"),
    MemberRow("PETIT Nicole", "paie pour la famille", date(2026, 10, 3), None, date(1955, 4, 2), None, "/f/1/e", "/d"),
)
_GONE = (
    MemberRow("MOREAU Pierre", "responsable", date(2020, 9, 1), date(2024, 3, 2), date(1983, 8, 8), date(2024, 3, 2)),
)
_SHARED = SharedRow(
    "Emma Moreau",
    "Julien Texier",
    "mardi 24 novembre 2026, semaine paire (48) : compte Famille Moreau.",
    _MASKED,
    "/f/1/c",
    tuple(AttendedRow(_TODAY - timedelta(days=n), "Cantine", n != 4, 0 if n == 4 else 235) for n in (1, 4, 5)),
    (
        BilledRow(date(2026, 11, 2), "Accueil périscolaire, octobre 2026, Emma : 60 % de 47,35 €", "2026-000431", 2841),
        BilledRow(date(2026, 11, 2), "Accueil périscolaire, octobre 2026, Emma : 40 % de 47,35 €", "2026-000432", 1894),
    ),
)
_FAMILY = FamilyPage(
    label="Famille Moreau",
    number="0000123",
    opened_on=date(2020, 9, 1),
    back_url="/familles",
    invoices=ROWS,
    today=_TODAY,
    members=_MEMBERS,
    gone=_GONE,
    shared=(_SHARED,),
    money=(
        MoneyRow("Cantine", -470),
        MoneyRow("Piscine", 1240),
        MoneyRow("Facture 2026-000431", 2841, is_due=True),
    ),
    total_cents=770,
    due_cents=2841,
    history=(
        EventRow(date(2026, 10, 3), "Nicole Petit entre dans le compte : paie pour la famille."),
        EventRow(date(2026, 9, 1), "Calendrier de garde pour Emma Moreau ; part de ce compte : 60 %."),
        EventRow(date(2024, 3, 2), "Décès : Pierre Moreau."),
        EventRow(date(2022, 1, 14), "Le compte 0000124 est réuni à celui-ci : ouvert deux fois."),
        EventRow(date(2020, 9, 1), "Le compte est ouvert."),
    ),
    actions=(
        LinkRow("Ajouter une personne", "/f/1/p", "plus"),
        LinkRow("Réunir avec un autre compte", "/f/1/m", "files"),
        LinkRow("Fermer le compte", "/f/1/x", "lock"),
    ),
    papers=(LinkRow("Relevé de compte", "/f/1/r", "file-text"), LinkRow("Comptes de service", "/f/1/w", "wallet")),
    merges=(LinkRow("Réunion avec 0000124", "/f/m/1", "files"),),
    quotient="742 € (CAF), depuis novembre 2026, valable jusqu’au 1ᵉʳ novembre 2027.",
    quotient_url="/f/1/q",
)


def _month(title: str, first: date, *, here_even: bool = True) -> MonthView:
    """A month of alternating weeks, a half of the holidays with the other, Sundays of even weeks nobody's."""
    after = (first.replace(day=28) + timedelta(days=4)).replace(day=1)
    monday = first - timedelta(days=first.weekday())
    weeks = []
    while monday < after:
        number = monday.isocalendar().week
        days: list[DayView | None] = []
        for day in (monday + timedelta(days=offset) for offset in range(7)):
            if not first <= day < after:
                days.append(None)
                continue
            whose: Whose = "here" if (number % 2 == 0) is here_even else "other"
            is_exception = 16 <= day.day <= 18
            if day.weekday() == 6 and whose == "here":
                whose = "nobody"
            if is_exception:
                whose = "other"
            word = {"here": "Ici", "other": "Julien", "nobody": "Personne", "none": "—"}[whose]
            days.append(DayView(day, word, whose, is_exception, day == _TODAY))
        weeks.append(WeekView(number, number % 2 == 0, tuple(days)))
        monday += timedelta(days=7)
    reason = "anniversaire des jumeaux, du 16 novembre 2026 au 18 novembre 2026 : compte de Julien Texier."
    return MonthView(title, tuple(weeks), (reason,), here=11, others=17, nobody=2)


_CHILD = ChildPage(
    name="Emma Moreau",
    about=_ABOUT,
    back_url="/f/1",
    month=_month("novembre 2026", date(2026, 11, 1)),
    before_url="/f/1/c?mois=2026-10",
    after_url="/f/1/c?mois=2026-12",
    today_url="/f/1/c",
    rhythm=(
        "Calendrier depuis le 1ᵉʳ septembre 2026.",
        "Compte Famille Moreau : 60 % de ce qui se partage.",
        "Compte de Julien Texier : 40 % de ce qui se partage.",
        "Semaines paires : Ici lundi, mardi, mercredi, jeudi, vendredi, samedi ; Personne dimanche.",
        "Semaines impaires : Julien tous les jours.",
    ),
    orders=(
        OrderRow(
            "Tribunal judiciaire de Niort",
            "RG 26/00123",
            date(2026, 6, 12),
            date(2026, 9, 1),
            "Résidence alternée, vacances par moitié.",
            date(2026, 6, 20),
        ),
    ),
    authority=("Marc Ribot n’a plus l’autorité parentale : présences et factures de l’enfant lui sont fermées.",),
    waiting=(WaitingRow(date(2026, 11, 22), "Cantine", 235),),
    is_shared=True,
    actions=(
        LinkRow("Nouveau calendrier", "/f/1/c/n", "calendar"),
        LinkRow("Vacances ou exception", "/f/1/c/e", "pencil"),
        LinkRow("Décision de justice", "/f/1/c/o", "file-text"),
    ),
    others="de Julien Texier",
)
_DAYS = ("lundi", "mardi", "mercredi", "jeudi", "vendredi", "samedi", "dimanche")
_RHYTHM = RhythmPage(
    child="Emma Moreau",
    about=_ABOUT,
    url="/f/1/c/n",
    back_url="/f/1/c",
    key=str(UUID(int=8)),
    valid_from="2026-11-24",
    rhythms=(
        Option("even", "Une semaine sur deux : ici les semaines paires"),
        Option("odd", "Une semaine sur deux : ici les semaines impaires"),
        Option("mostly", "Ici, sauf le mercredi et un week-end sur deux"),
        Option("here", "Toujours ici"),
        Option("days", "Jour par jour, dans les deux semaines ci-dessous"),
    ),
    rhythm="even",
    shares=(
        FieldView("share", "Part du compte Famille Moreau", "number", "60"),
        FieldView("share", "Part du compte de Julien Texier", "number", "40"),
    ),
    letters=(Option("a", "Ici"), Option("b", "Julien"), Option("-", "Personne")),
    first_week=tuple(WeekdayField(day, "a") for day in _DAYS),
    second_week=tuple(WeekdayField(day, "b") for day in _DAYS),
    orders=(Option("o", "Tribunal judiciaire de Niort, RG 26/00123, 12 juin 2026"),),
)
_MERGE = MergePage(
    about="Famille Moreau, compte 0000124",
    url="/f/3/m",
    back_url="/f/3",
    merged=SideView(
        "Celui qui se ferme",
        "Moreau",
        "0000124",
        date(2026, 9, 3),
        ("Tom Moreau, enfant",),
        (MoneyRow("Cantine", 500), MoneyRow("Piscine", 300), MoneyRow("Facture 2026-000440", 940, is_due=True)),
        800,
    ),
    kept=SideView(
        "Celui qui continue",
        "Moreau",
        "0000123",
        date(2020, 9, 1),
        ("Anna Moreau, responsable", "Emma Moreau, enfant"),
        (MoneyRow("Cantine", -470),),
        -470,
    ),
    swap_url="/f/1/m?avec=0000124",
    after=(MoneyRow("Cantine", 30), MoneyRow("Piscine", 300)),
    moves=(
        "Rejoignent le compte gardé : Tom Moreau.",
        "1 carte suit sa personne.",
        "1 facture suit.",
        "1 quotient familial suit ; de deux valables, le plus récent compte.",
        "1 panier à payer en ligne reste payable : ce qui est payé ira au compte gardé.",
        "Qui a regardé l’ancien compte se lira dans le journal du compte gardé.",
        "Un accord donné pendant un entretien ne suit pas : il sera demandé de nouveau.",
    ),
    stays=("L’approvisionnement automatique du compte cantine s’arrête : le compte gardé a déjà le sien.",),
    hidden=_KEY,
    do_url="/f/3/m",
)
_FORM = FormPage(
    title="Fermer le compte d’une famille qui part",
    about=_ABOUT,
    url="/f/1/x",
    back_url="/f/1",
    button="Continuer",
    fields=(FieldView("reason", "Pourquoi ?", hint="Par exemple « déménagement »."),),
    hidden=_KEY,
    said=(
        "Piscine : 12,40 €, à rembourser à la famille par la régie.",
        "Cantine : 4,70 €, à réclamer : figure sur la liste des impayés.",
        "Fermer ne déplace aucun argent : ces sommes restent listées jusqu’à leur règlement.",
    ),
)
_CONTACT = FormPage(
    title="Coordonnées de la famille",
    about=_ABOUT,
    url="/f/1/k",
    back_url="/f/1",
    button="Enregistrer",
    fields=(
        FieldView("label", "Nom de la famille", value="Famille Moreau"),
        FieldView(
            "email",
            "Adresse électronique",
            "email",
            "anna.moreau@exemple.fr",
            "Vide : la famille ne reçoit aucun courriel, ni avis de solde bas.",
            required=False,
        ),
        FieldView("address", "Adresse", value="12, rue du Moulin", required=False),
        FieldView("postcode", "Code postal", value="79200", required=False),
        FieldView(
            "commune",
            "Commune",
            "select",
            "79195",
            required=False,
            options=(Option("", "pas connue"), Option("79195", "Parthenay (79200)")),
        ),
    ),
    hidden=_KEY,
    said=("L’adresse est celle de : MOREAU Anna, MOREAU Tom.", "Un enfant de deux foyers garde la sienne."),
)
_EXCEPTION = FormPage(
    title="Des jours qui sortent du rythme",
    about=f"Emma Moreau · {_ABOUT}",
    url="/f/1/c/e",
    back_url="/f/1/c",
    button="Enregistrer ces jours",
    fields=(
        FieldView("first", "Premier jour", "date", "2026-11-20"),
        FieldView("last", "Dernier jour", "date", "2026-11-22"),
        FieldView(
            "whose",
            "À qui sont ces jours ?",
            "radio",
            "1",
            options=(
                Option("0", "Jours du compte Famille Moreau"),
                Option("1", "Jours du compte de Julien Texier"),
                Option("nobody", "Jours de personne"),
                Option("rhythm", "De nouveau selon le rythme : une exception est retirée"),
            ),
        ),
        FieldView("reason", "Pourquoi ?", value="week-end de la fête", max_length=120),
    ),
    hidden=_KEY,
    error="Un calendrier de garde commence aujourd’hui au plus tôt : les jours passés ne changent pas.",
    todo="Ce qui a été débité d’un compte à tort se corrige par une écriture, à la régie.",
)
_SURE = SurePage(
    title="Noter ce décès ?",
    about=_ABOUT,
    url="/f/1/d",
    back_url="/f/1",
    button="Oui, noter le décès",
    said=(
        "MOREAU Anna : décès le 23 novembre 2026.",
        "Ses rôles prennent fin dans toutes ses familles ; le compte et l’argent restent.",
        "Une carte est bloquée, partout.",
        "Ce compte n’aura plus de responsable pour ses enfants : il faudra en ajouter.",
    ),
    hidden=_KEY,
    lasting="Cela ne s’efface pas : une erreur se corrige par un autre enregistrement, et l’historique garde les deux.",
)
_SURE_CALENDAR = replace(
    _SURE,
    title="Ce calendrier est-il le bon ?",
    button="Oui, enregistrer ce calendrier",
    said=_CHILD.rhythm,
    lasting="Il vaut jusqu’au prochain. Le passé ne change pas : une erreur se corrige par un autre calendrier.",
    months=(_CHILD.month, _month("décembre 2026", date(2026, 12, 1))),
)
_MEMBER = MemberPage(
    about=_ABOUT,
    url="/f/1/p",
    back_url="/f/1",
    key=str(UUID(int=9)),
    query="petit nicole",
    searched=True,
    people=(
        PersonOption("1", "PETIT Nicole", date(1955, 4, 2), "Le Tallud"),
        PersonOption("2", "PETIT Nicole Marie-Antoinette", date(1961, 9, 30), "Parthenay"),
    ),
    more=True,
    roles=(
        Option("guardian", "Responsable", "Parent ou tuteur : répond des enfants, voit le compte et le paie."),
        Option("child", "Enfant", "Vit dans ce foyer, tout le temps ou certains jours."),
        Option("payer", "Paie pour la famille", "Paie sans répondre des enfants : une grand-mère, un service social."),
    ),
    new_url="/f/1/p/n",
)
_LEFT = LeftPage(
    "/familles",
    (
        LeftRow("0000098", "/f/98", "à rembourser à la famille par la régie", 1240, "Piscine"),
        LeftRow("0000124", "/f/124", "à réclamer : figure sur la liste des impayés", 470, "Cantine", "0000123"),
    ),
)
_SEARCH = FamiliesPage(
    "/familles", "/familles/nouvelle", "/familles/restes", "/familles/attestations", "/familles/organisme"
)


def _sample(template: str, view: object) -> Sample:
    return Sample(template, {"shell": _SHELL, "view": view})


FAMILIES: dict[str, Sample] = {
    "families": _sample("families.html", replace(_SEARCH, query="moreau", searched=True, rows=_FOUND, more=True)),
    "families-none": _sample("families.html", replace(_SEARCH, query="zyx", searched=True)),
    "families-left": _sample("families_left.html", _LEFT),
    "family": _sample("family.html", _FAMILY),
    "family-closed": _sample(
        "family.html",
        replace(
            _FAMILY,
            members=(),
            shared=(),
            actions=(),
            state="Ce compte a été réuni le 14 janvier 2022 au compte 0000123, qui continue.",
            state_link=LinkRow("Ouvrir le compte 0000123", "/f/1", "arrow-right"),
        ),
    ),
    "family-entity": _sample(
        "family.html",
        replace(
            _FAMILY,
            label="Maçonnerie Roy et fils",
            entity="Entreprise, SIRET 73282932000074",
            members=(
                MemberRow("ROY Luc", "répond de l’organisme", date(2024, 1, 8), end_url="/familles/1/roles/1/fin"),
                MemberRow(
                    "MORIN Paul", "porte la carte de l’organisme", date(2025, 3, 3), end_url="/familles/1/roles/2/fin"
                ),
            ),
            shared=(),
            quotient="",
            quotient_url="",
            cards=(
                HeldCardRow("ROY Luc", "482 130 5779", "", date(2028, 1, 7)),
                HeldCardRow("MORIN Paul", "482 130 5787", "ne marche pas", date(2028, 3, 2)),
            ),
            card_url="/familles/1/cartes/nouvelle",
        ),
    ),
    "family-gone": _sample(
        "family.html",
        replace(
            _FAMILY,
            members=(),
            shared=(),
            actions=(LinkRow("Rouvrir le compte", "/f/1/o", "lock-open"),),
            state="Ce compte est fermé depuis le 14 janvier 2022. Il se lit toujours, et ne change plus.",
        ),
    ),
    "family-warning": _sample(
        "family.html",
        replace(
            _FAMILY,
            warnings=("Des enfants sont dans ce compte et personne n’en est responsable : ajoutez qui en répond.",),
        ),
    ),
    "family-form": _sample("family_form.html", _FORM),
    "family-contact": _sample("family_form.html", _CONTACT),
    "family-form-refused": _sample("family_form.html", _EXCEPTION),
    "family-sure": _sample("family_sure.html", _SURE),
    "family-sure-calendar": _sample("family_sure.html", _SURE_CALENDAR),
    "family-member": _sample("family_member.html", _MEMBER),
    "family-child": _sample("family_child.html", _CHILD),
    "family-child-alone": _sample(
        "family_child.html",
        replace(_CHILD, is_shared=False, rhythm=(), orders=(), authority=(), waiting=(), actions=_CHILD.actions[-1:]),
    ),
    "family-child-without": _sample("family_child.html", replace(_CHILD, rhythm=(), orders=(), authority=())),
    "family-rhythm": _sample("family_rhythm.html", _RHYTHM),
    "family-rhythm-days": _sample(
        "family_rhythm.html",
        replace(
            _RHYTHM,
            rhythm="days",
            error="Les parts des comptes doivent faire cent pour cent au total, chaque compte une seule fois.",
        ),
    ),
    "family-merge": _sample("family_merge.html", _MERGE),
    "family-merge-search": _sample(
        "family_merge.html",
        MergePage(_MERGE.about, "/f/3/m", "/f/3", query="moreau", searched=True, rows=_FOUND[:2]),
    ),
    "family-merge-prevented": _sample(
        "family_merge.html",
        replace(
            _MERGE,
            after=(),
            moves=(),
            stays=(),
            do_url="",
            prevented=(
                "Un calendrier de garde partage un enfant (Emma Moreau) entre ces deux comptes : ce sont deux foyers, "
                "et chacun a le sien. Si c’est une erreur, enregistrez d’abord un calendrier sans l’un des deux.",
            ),
        ),
    ),
}
