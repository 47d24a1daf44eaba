"""Samples of the console and the dock: a visit at each of its moments, and what goes wrong with machines and lines."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

from cvq_advisor_console.views.console import ConsolePage, DockPage, VisitRegions
from cvq_advisor_console.views.visit import (
    CallTrouble,
    CallView,
    ConsentView,
    EndingState,
    EndingView,
    IdentityLevel,
    LaterRow,
    MachineRow,
    MachinesView,
    PersonView,
    QueueRow,
    QueueView,
    ScopeChoice,
    VisitBarView,
    WipedPart,
)
from cvq_advisor_console.views.work import (
    AccountView,
    FamilyView,
    FieldKind,
    FiledDocument,
    FormChoice,
    FormField,
    FormSection,
    FormView,
    HelpPage,
    MemberRow,
    Movement,
    NamedAct,
    Option,
    PapersView,
    PrintingView,
    PrintRow,
    PrintState,
    SaveState,
    ScanState,
    Trouble,
    WalletRow,
)
from cvq_core.web.views import Act, Explanation, NavItem
from cvq_desk.wire import CallState, CardState, ConsentState
from tests.e2e.look.samples_moments import NOW, Sample, at, region, shell

_SHELL = shell("Nadia Benali", "Communauté de communes")


def _act(name: str, why_not: str = "") -> Act:
    return Act(f"/acts/{name}", why_not)


_QUEUE = QueueView(
    region("queue"),
    "Communauté de communes",
    (
        QueueRow("1", "Mme Jeanne Moreau", "Le Tallud", "Cantine : inscrire un enfant", at(9, 58), mine=True),
        QueueRow(
            "2",
            "M. Alain Caillaud",
            "Saint-Aubin-le-Cloud",
            "Abonnement à la piscine",
            at(10, 8),
            seated=True,
            take=_act("take/2"),
        ),
        QueueRow("3", "Sans compte : M. Petit", "Pompaire", "Le dira au conseiller", at(10, 11), take=_act("take/3")),
        QueueRow("4", "Mme Odile Guérin", "Thénezay", "Cantine", at(10, 1), taken_by="Karim L."),
    ),
    (LaterRow(at(11), "Mme Roy", "Thénezay"), LaterRow(at(14), "M. Diallo", "Ménigoute")),
)
_BAR = VisitBarView(
    region("bar"),
    "Mme Jeanne Moreau",
    "Le Tallud",
    "Cantine",
    NOW - timedelta(minutes=12, seconds=40),
    ConsentState.GIVEN,
    at(10, 45),
    _act("close"),
    _act("end"),
)
_CALL = CallView(
    region("call"),
    "0193a4b2-0000-7000-8000-000000000009",
    CallState.LIVE,
    hang_up=_act("hang-up"),
    curtain=_act("curtain"),
)
_MACHINES = MachinesView(
    region("machines"),
    (
        MachineRow("Scanner", "prêt", icon="scan"),
        MachineRow(
            "Imprimante",
            "plus de papier",
            "alert",
            "printer",
            "« Il manque du papier, le secrétariat arrive. »",
            "La secrétaire est prévenue.",
        ),
        MachineRow("Lecteur de carte", "prêt", icon="credit-card"),
    ),
    call_secretary=_act("secretary"),
    say_faint=_act("faint"),
)
_FORM = FormView(
    region("form"),
    "0193a4b2-0000-7000-8000-00000000000f",
    "Inscription à la cantine",
    "/drafts/1",
    (
        FormSection(
            "L’enfant",
            (
                FormField("child_family_name", "Nom de l’enfant", values=("Moreau",), required=True),
                FormField("child_given_name", "Prénom de l’enfant", values=("Léa",), required=True),
                FormField("child_birth_date", "Date de naissance", FieldKind.DATE, ("2019-03-04",), required=True),
                FormField("school", "École", values=("Jules-Ferry, Le Tallud",), required=True),
            ),
        ),
        FormSection(
            "Les repas",
            (
                FormField(
                    "days",
                    "Jours de repas",
                    FieldKind.CHOICES,
                    ("monday", "tuesday"),
                    tuple(
                        Option(value, label)
                        for value, label in (
                            ("monday", "lundi"),
                            ("tuesday", "mardi"),
                            ("wednesday", "mercredi"),
                            ("thursday", "jeudi"),
                            ("friday", "vendredi"),
                        )
                    ),
                    required=True,
                    current=True,
                ),
                FormField(
                    "diet",
                    "Ce que l’enfant ne mange pas, ou une allergie",
                    FieldKind.PARAGRAPH,
                    hint="Une allergie demande un projet d’accueil individualisé (PAI), signé par le médecin.",
                ),
                FormField("has_pai", "Un projet d’accueil individualisé existe", FieldKind.YES_NO, ("no",)),
                FormField(
                    "custody",
                    "L’enfant vit",
                    FieldKind.CHOICE,
                    ("both",),
                    (
                        Option("both", "avec ses deux parents"),
                        Option("alternating", "en garde alternée"),
                        Option("one", "avec un seul parent"),
                    ),
                ),
            ),
        ),
        FormSection(
            "Le parent qui inscrit",
            (
                FormField("guardian_phone", "Téléphone", FieldKind.PHONE, ("05 49 00 00 00",), required=True),
                FormField("guardian_email", "Adresse électronique", FieldKind.EMAIL),
                FormField("family_quotient", "Quotient familial", FieldKind.NUMBER, ("742",)),
                FormField("share", "Part versée aujourd’hui", FieldKind.MONEY, ("12,50",)),
            ),
        ),
    ),
    ("Prix calculé : 2,35 € le repas (quotient 742, tranche 3, deuxième enfant)",),
    SaveState.SAVED,
    at(10, 12),
    read_back=_act("read-back"),
    print_form=_act("print-form"),
    complete=_act("complete"),
)
_PAPERS = PapersView(
    region("papers"),
    scan_feeder=_act("scan/feeder"),
    scan_flatbed=_act("scan/flatbed"),
    take_still=_act("still"),
    filed=(
        FiledDocument(
            "Justificatif de domicile",
            2,
            at(10, 5),
            "/documents/1.pdf",
            "justificatif-de-domicile.pdf",
            print_it=_act("print/1"),
        ),
        FiledDocument("Avis d’imposition", 4, at(10, 11), "/documents/2.pdf", "avis-d-imposition.pdf", ready=False),
    ),
    expected=("Justificatif de domicile", "Avis d’imposition", "Livret de famille"),
    file_url="/documents",
)
_JAM = Trouble(
    "Papier coincé dans le scanner.",
    "« Une feuille est coincée, ne tirez pas dessus, le secrétariat arrive. »",
    "La secrétaire est prévenue.",
)
_PRINTING = PrintingView(
    region("printing"),
    (
        PrintRow("1", "Attestation d’inscription", PrintState.DONE, at(10, 4)),
        PrintRow("2", "Formulaire de cantine", PrintState.PRINTING, at(10, 12), cancel=_act("cancel/2")),
    ),
    "/prints",
)
_FAMILY = FamilyView(
    "Moreau",
    "Le Tallud",
    (
        MemberRow(
            "Jeanne Moreau", "grand-mère, tiers autorisé", date(1941, 5, 12), "en service", "ok", "7 332", present=True
        ),
        MemberRow("Paul Moreau", "père", date(1984, 7, 2), "perdue le 3 mars", "alert", "1 204"),
        MemberRow("Léa Moreau", "enfant", date(2019, 3, 4), "en service", "ok", "9 881"),
    ),
    (
        WalletRow(
            "Cantine",
            -470,
            word="à régler",
            tone="sun",
            rule="L’enfant mange même si le compte est vide.",
            movements=(
                Movement(date(2026, 11, 23), "Repas de Léa", -235),
                Movement(date(2026, 11, 20), "Repas de Léa", -235),
                Movement(date(2026, 11, 2), "Versement à la mairie", 2000),
            ),
            can=(NamedAct("Demander un versement", _act("ask-payment/canteen"), "cash"),),
        ),
        WalletRow(
            "Piscine",
            0,
            rule="Sans argent sur le compte, on n’entre pas.",
            can=(NamedAct("Demander un versement", _act("ask-payment/pool"), "cash"),),
        ),
        WalletRow("Squash", tickets_left=3),
        WalletRow("Médiathèque", word="à jour", tone="ok", rule="Abonnement jusqu’au 31 août 2027."),
    ),
    masked="L’adresse et les moyens de paiement de l’autre parent ne sont pas montrés.",
)
_ACCOUNT = AccountView(region("account"), ConsentState.GIVEN, at(10, 45), (_FAMILY,))
_HELP = HelpPage(
    "Cantine : inscrire un enfant",
    "Communauté de communes",
    steps=("Vérifier l’école et la classe", "Choisir les jours de repas", "Relire, imprimer, classer"),
    to_bring=("livret de famille", "avis d’imposition ou attestation de la CAF", "justificatif de domicile"),
    say=(
        "« On remplit ensemble ; vous voyez tout sur l’écran de droite. »",
        "« Si le compte est vide, l’enfant mange quand même. »",
    ),
    silence="Sans réponse au bout de deux mois, l’inscription est acceptée.",
    contact="Service scolaire : 05 49 00 00 01, du lundi au vendredi, 9 h à 12 h.",
)
_PERSON = PersonView(
    region("person"),
    "Mme Jeanne Moreau",
    IdentityLevel.PAPER_SHOWN,
    "carte d’identité montrée à 10 h 01",
    card=CardState.PRESENT,
    card_holder="Jeanne Moreau, carte … 7 332",
)
_CONSENT = ConsentView(
    region("consent"),
    ConsentState.GIVEN,
    what=("Les personnes de votre famille", "Ce qu’il reste pour chaque service, et les derniers mouvements"),
    until=at(10, 45),
    manner="touché à l’écran à 10 h 03",
    withdraw=_act("withdraw"),
)
_ENDING = EndingView(region("ending"))
_VISIT = VisitRegions(_FORM, _PAPERS, _PRINTING, _ACCOUNT, _HELP, _PERSON, _CONSENT, _ENDING)
_PAGE = ConsolePage(_QUEUE, _BAR, _CALL, _MACHINES, _VISIT)
_DOCK = DockPage(_QUEUE, _BAR, _CALL, _MACHINES, _PAPERS, _PRINTING, _ENDING)

_NOBODY = ConsolePage(
    replace(
        _QUEUE,
        rows=tuple(
            replace(row, mine=False, take=_act("take/1"), seated=True) if row.mine else row for row in _QUEUE.rows
        ),
    ),
    VisitBarView(region("bar")),
    CallView(region("call")),
    None,
    None,
)
_ASK = ConsentView(
    region("consent"),
    scopes=(
        ScopeChoice("family", "Les personnes de la famille", chosen=True),
        ScopeChoice("cards", "Les cartes"),
        ScopeChoice("wallets", "Ce qu’il reste pour chaque service", chosen=True),
    ),
    ask=_act("ask"),
)
_BEFORE_CALL = CallView(region("call"), "0193a4b2-0000-7000-8000-000000000009", call=_act("call"))
_NOT_CHECKED = PersonView(
    region("person"),
    "Mme Jeanne Moreau",
    paper_shown=_act("identity/paper"),
    vouched=_act("identity/vouched"),
    not_checked=_act("identity/none"),
)
_CLOSED_BAR = replace(_BAR, consent=None, consent_until=None, close_account=None)
_END = EndingView(
    region("ending"),
    EndingState.OPEN,
    "GV-2026-004217",
    (
        "Inscription de Léa Moreau à la cantine, déposée",
        "Justificatif de domicile et avis d’imposition classés",
        "Formulaire imprimé au guichet",
    ),
    "/summaries/1.pdf",
    "jeanne.moreau@exemple.fr",
    print_summary=_act("print-summary"),
    send_summary=_act("send-summary"),
    finish=_act("finish"),
    back=_act("back"),
)
_WIPED = (
    WipedPart("Pages numérisées", done=True),
    WipedPart("Presse-papiers", done=True),
    WipedPart("Écrans", done=False),
    WipedPart("Accord", done=True),
)


def _console(presses: tuple[str, ...] = (), page: ConsolePage = _PAGE, **changes: Any) -> Sample:
    """Return the console with some regions changed: of the page by their name, of the visit likewise."""
    of_visit = {name: value for name, value in changes.items() if name in VisitRegions.__dataclass_fields__}
    of_page = {name: value for name, value in changes.items() if name not in of_visit}
    if of_visit:
        assert page.visit is not None
        of_page["visit"] = replace(page.visit, **of_visit)
    return Sample("console.html", {"shell": _SHELL, "view": replace(page, **of_page)}, presses)


def _dock(**changes: Any) -> Sample:
    return Sample("dock.html", {"shell": _SHELL, "view": replace(_DOCK, **changes)})


CONSOLE: dict[str, Sample] = {
    "console": _console(),
    "console-nobody": _console(page=_NOBODY),
    "console-empty": _console(page=_NOBODY, queue=QueueView(region("queue"), "Communauté de communes")),
    "console-refused": _console(
        page=_NOBODY,
        queue=replace(
            _NOBODY.queue,
            refused=Explanation("Karim L. a déjà pris Mme Guérin.", todo="Choisissez la personne suivante."),
            stale_since=at(10, 3),
        ),
    ),
    "console-before-call": _console(
        bar=_CLOSED_BAR,
        call=_BEFORE_CALL,
        person=_NOT_CHECKED,
        consent=_ASK,
        account=AccountView(region("account")),
        form=FormView(
            region("form"),
            choices=(
                FormChoice("Inscription à la cantine", _act("open/canteen")),
                FormChoice("Abonnement à la piscine", _act("open/pool")),
            ),
        ),
        printing=PrintingView(region("printing"), drop_url="/prints"),
    ),
    "console-ringing": _console(
        bar=_CLOSED_BAR,
        call=replace(_CALL, state=CallState.RINGING, ringing_until=NOW + timedelta(seconds=4)),
        person=_NOT_CHECKED,
        consent=replace(
            _ASK,
            state=ConsentState.ASKED,
            what=("Les personnes de votre famille",),
            note_yes=_act("yes"),
            note_no=_act("no"),
        ),
        account=AccountView(region("account"), ConsentState.ASKED),
    ),
    "console-form-errors": _console(
        form=replace(
            _FORM,
            error_count=2,
            save_state=SaveState.REFUSED,
            sections=(
                FormSection(
                    "Expérience 1",
                    (
                        FormField(
                            "experience.1.job", "Poste", error="Ce champ est nécessaire.", required=True, current=True
                        ),
                        FormField(
                            "experience.1.period", "Période", values=("2021 à 2023",), hint="par exemple : 2021 à 2023"
                        ),
                        FormField(
                            "number",
                            "Remarque",
                            values=("2 41 05 79 123 456 78",),
                            error="Ce numéro ressemble à un numéro de sécurité sociale : il n’a pas sa place ici.",
                            wide=True,
                        ),
                    ),
                    add=_act("add"),
                    remove=_act("remove"),
                ),
            ),
        )
    ),
    "console-papers": _console(("#tab-papers",)),
    "console-scanning": _console(
        ("#tab-papers",),
        papers=replace(
            _PAPERS,
            state=ScanState.RUNNING,
            page=2,
            cancel=_act("cancel"),
            scan_feeder=None,
            scan_flatbed=None,
            take_still=None,
        ),
    ),
    "console-jam": _console(
        ("#tab-papers",),
        papers=replace(_PAPERS, state=ScanState.TROUBLE, trouble=_JAM),
        printing=replace(
            _PRINTING,
            rows=(
                PrintRow(
                    "3",
                    "Formulaire de cantine",
                    PrintState.WAITING,
                    at(10, 12),
                    Trouble("L’imprimante n’a plus de papier.", "« Il manque du papier, le secrétariat arrive. »"),
                    _act("cancel/3"),
                    None,
                ),
                PrintRow("4", "Résumé", PrintState.FAILED, at(10, 9), again=_act("again/4")),
            ),
        ),
    ),
    "console-account": _console(("#tab-account",)),
    "console-account-refused": _console(
        ("#tab-account",),
        bar=replace(_CLOSED_BAR, consent=ConsentState.REFUSED),
        account=AccountView(region("account"), ConsentState.REFUSED),
        consent=replace(_ASK, state=ConsentState.REFUSED),
    ),
    "console-account-ended": _console(
        ("#tab-account",),
        bar=_CLOSED_BAR,
        account=AccountView(region("account"), ConsentState.ENDED, closed_because="La carte a été retirée à 10 h 09."),
        consent=replace(
            _ASK,
            state=ConsentState.ENDED,
            ask=_act("ask", "Vérifiez d’abord l’identité : une pièce devant la caméra, ou la mairie."),
        ),
    ),
    "console-help": _console(("#tab-help",)),
    "console-card-removed": _console(
        person=replace(
            _PERSON,
            card=CardState.REMOVED,
            removed_until=NOW + timedelta(seconds=24),
            go_on_without_card=_act("go-on"),
            close_account=_act("close"),
        ),
    ),
    "console-card-refused": _console(
        bar=_CLOSED_BAR,
        person=replace(
            _PERSON,
            card=CardState.REFUSED,
            card_holder="",
            card_message="Cette carte a été déclarée perdue le 3 mars. Gardez-la et appelez le 05 49 00 00 02.",
        ),
        consent=_ASK,
        account=AccountView(region("account")),
    ),
    "console-line-cut": _console(
        call=replace(_CALL, troubles=(CallTrouble.BOOTH_OFFLINE, CallTrouble.BOOTH_NO_CAMERA), curtain_drawn=True),
        machines=replace(
            _MACHINES,
            offline_since=at(10, 9),
            rows=(),
            secretary_called_at=at(10, 11),
            secretary_comes=True,
            call_secretary=None,
        ),
        form=replace(_FORM, save_state=SaveState.WAITING),
    ),
    "console-ending": _console(ending=_END, consent=None),
    "console-wiping": _console(ending=replace(_END, state=EndingState.WIPING, wiped=_WIPED)),
    "console-wipe-failed": _console(ending=replace(_END, state=EndingState.WIPE_FAILED, wiped=_WIPED)),
    "console-ended": _console(ending=replace(_END, state=EndingState.ENDED, next_url="/console")),
    "console-outside": _console(
        account=None,
        consent=None,
        bar=replace(_CLOSED_BAR, reason="Retraite"),
        call=replace(_CALL, state=CallState.HUNG_UP, call=_act("call"), hang_up=None),
        form=FormView(region("form")),
        papers=replace(
            _PAPERS,
            filed=(),
            expected=(),
            why_not="Le scanner est éteint.",
            scan_feeder=None,
            scan_flatbed=None,
            take_still=None,
        ),
        printing=PrintingView(region("printing"), why_not="L’imprimante est éteinte."),
    ),
    "dock": _dock(),
    "dock-nobody": _dock(
        queue=_NOBODY.queue,
        bar=VisitBarView(region("bar")),
        call=CallView(region("call")),
        machines=None,
        papers=None,
        printing=None,
        ending=None,
    ),
    "help": Sample(
        "help.html",
        {
            "shell": shell("Nadia Benali", "Communauté de communes", NavItem("Console", "/console"), live=False),
            "view": _HELP,
        },
    ),
}
