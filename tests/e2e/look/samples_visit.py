"""What the console's samples are made of: one visit, region by region, as it stands in the middle of an interview."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

from cvq_advisor_console.views.console import ConsolePage, DockPage, VisitRegions
from cvq_advisor_console.views.visit import (
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
    AttendedRow,
    BilledRow,
    FamilyView,
    FieldKind,
    FiledDocument,
    FormField,
    FormSection,
    FormView,
    HelpPage,
    LookAtAccount,
    MemberRow,
    Movement,
    NamedAct,
    Option,
    PapersView,
    PriceLine,
    PrintingView,
    PrintRow,
    PrintState,
    SaveState,
    SharedChildView,
    Trouble,
    WalletRow,
)
from cvq_core.web.views import Act
from cvq_desk.wire import CallState, CardState, ConsentState
from tests.e2e.look.samples_invoices import ROWS
from tests.e2e.look.samples_moments import NOW, at, region, shell

SHELL = shell("Nadia Benali", "Communauté de communes")


def act(name: str, why_not: str = "") -> Act:
    return Act(f"/acts/{name}", why_not)


QUEUE = QueueView(
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
            take=act("take/2"),
        ),
        QueueRow("3", "Sans compte : M. Petit", "Pompaire", "Le dira au conseiller", at(10, 11), take=act("take/3")),
        QueueRow("4", "Mme Odile Guérin", "Thénezay", "Cantine", at(10, 1), taken_by="Karim L."),
    ),
    (LaterRow(at(11), "Mme Roy", "Thénezay"), LaterRow(at(14), "M. Diallo", "Ménigoute")),
)
BAR = VisitBarView(
    region("bar"),
    "Mme Jeanne Moreau",
    "Le Tallud",
    "Cantine",
    NOW - timedelta(minutes=12, seconds=40),
    ConsentState.GIVEN,
    at(10, 45),
    act("close"),
    act("end"),
)
CALL = CallView(
    region("call"),
    "0193a4b2-0000-7000-8000-000000000009",
    CallState.LIVE,
    hang_up=act("hang-up"),
    curtain=act("curtain"),
)
MACHINES = MachinesView(
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
    call_secretary=act("secretary"),
    say_faint=act("faint"),
)
FORM = FormView(
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
    read_back=act("read-back"),
    print_form=act("print-form"),
    complete=act("complete"),
)
PAPERS = PapersView(
    region("papers"),
    scan_feeder=act("scan/feeder"),
    scan_flatbed=act("scan/flatbed"),
    take_still=act("still"),
    filed=(
        FiledDocument(
            "Justificatif de domicile",
            2,
            at(10, 5),
            "/documents/1.pdf",
            "justificatif-de-domicile.pdf",
            print_it=act("print/1"),
        ),
        FiledDocument("Avis d’imposition", 4, at(10, 11), "/documents/2.pdf", "avis-d-imposition.pdf", ready=False),
    ),
    expected=("Justificatif de domicile", "Avis d’imposition", "Livret de famille"),
    file_url="/documents",
)
JAM = Trouble(
    "Papier coincé dans le scanner.",
    "« Une feuille est coincée, ne tirez pas dessus, le secrétariat arrive. »",
    "La secrétaire est prévenue.",
)
PRINTING = PrintingView(
    region("printing"),
    (
        PrintRow("1", "Attestation d’inscription", PrintState.DONE, at(10, 4)),
        PrintRow("2", "Formulaire de cantine", PrintState.PRINTING, at(10, 12), cancel=act("cancel/2")),
    ),
    "/prints",
)
FAMILY = FamilyView(
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
            can=(NamedAct("Demander un versement", act("ask-payment/canteen"), "cash"),),
        ),
        WalletRow(
            "Piscine",
            0,
            rule="Sans argent sur le compte, on n’entre pas.",
            can=(NamedAct("Demander un versement", act("ask-payment/pool"), "cash"),),
        ),
        WalletRow("Squash", tickets_left=3),
        WalletRow("Médiathèque", word="à jour", tone="ok", rule="Abonnement jusqu’au 31 août 2027."),
    ),
    masked="L’adresse et les moyens de paiement de l’autre parent ne sont pas montrés.",
    invoices=ROWS[:1],
    quotient="742 € (CAF), depuis novembre 2026, valable jusqu’au 1ᵉʳ novembre 2027.",
    prices=(
        PriceLine(
            "Cantine", "Repas enfant", "Léa", "habitant du territoire, QF 742, tranche 3, deuxième enfant : 2,34 €"
        ),
        PriceLine("Centre de loisirs", "Journée avec repas", "Léa", "quotient familial périmé, plafond : 16,00 €"),
    ),
)
ACCOUNT = AccountView(region("account"), ConsentState.GIVEN, at(10, 45), (FAMILY,))
SHARED_ACCOUNT = AccountView(
    region("account"),
    ConsentState.GIVEN,
    at(10, 45),
    (
        FamilyView(
            "Bonnin",
            "Le Tallud",
            (
                MemberRow(
                    "Élodie Bonnin", "responsable", date(1989, 8, 30), "carte valable", "ok", "5 510", present=True
                ),
                MemberRow("Emma Texier", "enfant", date(2017, 6, 14), "carte valable", "ok", "5 512"),
            ),
            (WalletRow("Cantine", 1240, rule="L’enfant mange même si le compte est vide."),),
            statement_url="/console/1/releve",
            shared=(
                SharedChildView(
                    "Emma Texier",
                    "Julien Texier",
                    "De l’autre compte de l’enfant ne sont montrés que le nom de l’autre responsable, les présences de "
                    "l’enfant et ce qui est facturé pour lui.",
                    "Aujourd’hui est un jour de l’autre compte.",
                    (
                        AttendedRow(date(2026, 11, 23), "Cantine", True, 235),
                        AttendedRow(date(2026, 11, 20), "Accueil périscolaire", False),
                    ),
                    (BilledRow(date(2026, 11, 2), "2026-000112", "Repas d’Emma, octobre", 9400),),
                ),
            ),
            looks=(
                LookAtAccount(at(10, 12), "Karim Lefèvre", "Compte famille consulté"),
                LookAtAccount(at(9, 2, -4), "Sylvie Bernard", "Relevé de compte consulté"),
            ),
        ),
    ),
)
HELP = HelpPage(
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
PERSON = PersonView(
    region("person"),
    "Mme Jeanne Moreau",
    IdentityLevel.PAPER_SHOWN,
    "carte d’identité montrée à 10 h 01",
    card=CardState.PRESENT,
    card_holder="Jeanne Moreau, carte … 7 332",
)
CONSENT = ConsentView(
    region("consent"),
    ConsentState.GIVEN,
    what=("Voir les personnes de votre famille", "Voir ce qu’il reste pour chaque service, et les derniers mouvements"),
    until=at(10, 45),
    manner="touché à l’écran à 10 h 03",
    withdraw=act("withdraw"),
)
ENDING = EndingView(region("ending"))
VISIT = VisitRegions(FORM, PAPERS, PRINTING, ACCOUNT, HELP, PERSON, CONSENT, ENDING)
PAGE = ConsolePage(QUEUE, BAR, CALL, MACHINES, VISIT)
DOCK = DockPage(QUEUE, BAR, CALL, MACHINES, PAPERS, PRINTING, ENDING)

NOBODY = ConsolePage(
    replace(
        QUEUE,
        rows=tuple(
            replace(row, mine=False, take=act("take/1"), seated=True) if row.mine else row for row in QUEUE.rows
        ),
    ),
    VisitBarView(region("bar")),
    CallView(region("call")),
    None,
    None,
)
ASK = ConsentView(
    region("consent"),
    scopes=(
        ScopeChoice("family", "Les personnes de la famille", chosen=True),
        ScopeChoice("cards", "Les cartes"),
        ScopeChoice("wallets", "Voir ce qu’il reste pour chaque service", chosen=True),
    ),
    ask=act("ask"),
)
BEFORE_CALL = CallView(region("call"), "0193a4b2-0000-7000-8000-000000000009", call=act("call"))
NOT_CHECKED = PersonView(
    region("person"),
    "Mme Jeanne Moreau",
    paper_shown=act("identity/paper"),
    vouched=act("identity/vouched"),
    not_checked=act("identity/none"),
)
CLOSED_BAR = replace(BAR, consent=None, consent_until=None, close_account=None)
END = EndingView(
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
    print_summary=act("print-summary"),
    send_summary=act("send-summary"),
    finish=act("finish"),
    back=act("back"),
)
WIPED = (
    WipedPart("Pages numérisées", done=True),
    WipedPart("Presse-papiers", done=True),
    WipedPart("Écrans", done=False),
    WipedPart("Accord", done=True),
)
