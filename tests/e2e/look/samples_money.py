"""Samples of a family's wallets at a counter and in a visit, and of the cash officer's direct debits."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

from cvq_advisor_console.views.cash import PayerSearch
from cvq_advisor_console.views.debits import (
    DebitRow,
    DebitsPage,
    ItemRow,
    MandateRow,
    MandatesPage,
    ReasonOption,
    ReturnRow,
    ReturnsView,
    RunPage,
    RunRow,
)
from cvq_advisor_console.views.money import (
    DebitView,
    MandateCard,
    MoneyPage,
    MoneyView,
    MoveView,
    OfficeOption,
    PlaceOption,
    QuotientView,
    ReservedLine,
    ReservingView,
    ScanChoice,
    SettingLine,
    SettingsView,
    SlotButton,
    SlotsView,
    WalletOption,
    Wish,
)
from cvq_core.web.views import Act, NavItem
from tests.e2e.look.samples_moments import Sample, at, region, shell

_SHELL = shell(
    "Odile Brémaud",
    "Régie de Parthenay",
    NavItem("Caisse", "/caisse"),
    NavItem("Comptes de service", "/comptes-de-service", current=True),
    NavItem("Prélèvements", "/prelevements"),
    live=False,
)
_OFFICE = "Régie de recettes de Parthenay-Gâtine"
_WALLETS = (
    WalletOption("1", "Restauration scolaire", "−4,70 €"),
    WalletOption("2", "Piscine", "23,00 €"),
    WalletOption("3", "Centre de loisirs", "112,50 €"),
)
_SETTINGS = SettingsView(
    (
        SettingLine(
            "Restauration scolaire : en dessous de 5,00 €, ajouter 20,00 € pris sur Centre de loisirs, "
            "au plus 60,00 € par mois.",
            "1",
            "11",
            Act("/end"),
        ),
    ),
    (SettingLine("Piscine : un courriel dès qu’il y a moins de 4,00 €.", "2", "12", Act("/end")),),
    Act("/top-up"),
    Act("/notice"),
    "13",
    "14",
    email=True,
)
_SIGNED = MandateCard(
    "CVQ-M000042",
    "signé",
    "ok",
    "Jeanne Moreau-Lefèvre",
    "FR14 •••• 2606",
    _OFFICE,
    one_off=False,
    signed_on=date(2026, 3, 3),
    last_used_on=date(2026, 11, 6),
    paper_url="/m.pdf",
    revoke=Act("/revoke"),
)
_TO_SIGN = replace(
    _SIGNED,
    word="à signer",
    tone="sun",
    signed_on=None,
    last_used_on=None,
    step="Imprimez-le, faites-le signer, puis joignez la page signée (PDF).",
    upload=Act("/signed"),
)
_OFFICES = (OfficeOption("1", _OFFICE),)
_COUNTER = MoneyView(
    region("money"),
    _WALLETS,
    MoveView(Act("/move"), "1"),
    _SETTINGS,
    DebitView((_TO_SIGN,), Act("/prepare"), "2", _OFFICES, today=date(2026, 11, 24)),
)
_PAGE = MoneyPage("Mairie du Tallud", family="Moreau", number="F00042", back_url="/comptes-de-service", money=_COUNTER)

MONEY_IN_VISIT = MoneyView(
    region("money"),
    _WALLETS,
    MoveView(Act("/move"), "1"),
    None,
    DebitView(
        (
            replace(
                _TO_SIGN,
                step="Une fois signé, numérisez-le (onglet Papiers), puis classez-le ici.",
                upload=None,
                paper_url="",
                print_it=Act("/print"),
                file_signed=Act("/file"),
                scans=(ScanChoice("Mandat signé", "7"),),
            ),
        ),
        None,
        "2",
        _OFFICES,
    ),
    reserving=ReservingView(
        (
            ReservedLine(
                "Court 1, jeudi 26 novembre, de 18 h 00 à 18 h 40",
                "réservé",
                "ok",
                Act("/api/v1/visits/1/reservations/1/cancel"),
            ),
            ReservedLine(
                "Court 2, vendredi 27 novembre, de 18 h 00 à 18 h 40",
                "proposée",
                "sun",
                Act("/api/v1/visits/1/reservations/2/cancel"),
                Act("/api/v1/visits/1/reservations/2/accept"),
            ),
        ),
        Act("/api/v1/visits/1/reservations"),
        (
            SlotsView(
                "Court 1, Salle de squash",
                (
                    SlotButton("mercredi 25 novembre, de 8 h 00 à 8 h 40", {"id": "k7"}),
                    SlotButton("mercredi 25 novembre, de 8 h 40 à 9 h 20", {"id": "k8"}),
                ),
            ),
        ),
        (PlaceOption("1", "Salle des fêtes, Le Tallud"),),
        Act("/console/1/reserver"),
        "k9",
        date(2026, 11, 24),
    ),
    quotient=QuotientView(
        "742 € (CAF), depuis novembre 2026, valable jusqu’au 1ᵉʳ novembre 2027.",
        told="La CAF et la MSA ne répondent pas. Recommencez plus tard, ou notez le quotient de l’attestation.",
        tone="sun",
        ask=Act("/quotient"),
        id="3",
        country="99100",
    ),
    allowed=(
        "Voir ce qu’il reste pour chaque service, et les derniers mouvements",
        "Déplacer de l’argent d’un de vos services à un autre",
        "Préparer une autorisation de prélèvement sur votre compte bancaire",
    ),
    wishes=(
        Wish(
            "Régler l’approvisionnement automatique et l’avertissement de solde bas",
            ("wallets", "choices"),
            Act("/consents"),
        ),
    ),
)


def _row(family: str, holder: str, invoice: str, cents: int, **more: str) -> DebitRow:
    return DebitRow(family, holder, invoice, f"CVQ-M0000{family[-2:]}", "FR76 •••• 0185", cents, **more)


_ITEMS = (
    _row("F00042", "Jeanne Moreau-Lefèvre", "2026-000412", 4725, told="annoncé pour le 4 décembre 2026"),
    _row("F00107", "Paul Roy", "2026-000413", 12850, told="annoncé pour le 4 décembre 2026"),
)
_BACK = (
    _row("F00211", "Anna Petit", "2026-000420", 3290, why="la famille n’est pas encore prévenue"),
    _row("F00312", "Hugo Blanc", "2026-000421", 890, why="le mandat n’est pas signé"),
    _row(
        "F00313",
        "Inès Grand",
        "2026-000422",
        2210,
        why="la famille a été prévenue pour un jour plus tardif",
        told="annoncé pour le 9 décembre 2026",
    ),
)
_RUNS = (
    RunRow("/r/3", "CVQ-0003", date(2026, 11, 6), 214, 1_845_230, "à envoyer à la banque", "sun"),
    RunRow("/r/2", "CVQ-0002", date(2026, 10, 6), 209, 1_790_012, "envoyé à la banque", "ok", 3, 9870),
    RunRow("/r/1", "CVQ-0001", date(2026, 9, 4), 3, 9870, "abandonné", "off", 3, 9870),
)
_TAKEN = ReturnsView(
    "/prelevements/retours",
    (
        ReturnRow(
            "0193a4b20000700080000000000000a9",
            "provision insuffisante (AM04)",
            4725,
            "repris : la facture est de nouveau à payer",
            "ok",
        ),
        ReturnRow(
            "NOTPROVIDED", "autre motif (ZZ99)", 100, "aucun prélèvement de cette régie n’a cette référence", "alert"
        ),
    ),
    taken=True,
    taken_cents=4725,
)
_DEBITS = DebitsPage(
    "/prelevements",
    "Parthenay",
    _OFFICE,
    day=date(2026, 12, 4),
    first_day=date(2026, 11, 26),
    items=_ITEMS,
    total_cents=17575,
    kept_back=_BACK,
    kept_back_cents=6390,
    to_tell=1,
    make=Act("/make"),
    make_id="1",
    tell=Act("/tell"),
    tell_id="2",
    letters_url="/letters.pdf",
    runs=_RUNS,
    returns=_TAKEN,
    mandates_url="/prelevements/mandats",
)
_REASONS = (
    ReasonOption("AM04", "provision insuffisante (AM04)"),
    ReasonOption("AG01", "prélèvement interdit sur ce compte, un livret par exemple (AG01)"),
)
_RUN = RunPage(
    "CVQ-0002",
    "Parthenay",
    date(2026, 11, 6),
    at(9, 12),
    "Odile Brémaud",
    "envoyé à la banque",
    "ok",
    (
        ItemRow(
            "F00042",
            "Jeanne Moreau-Lefèvre",
            "2026-000412",
            "CVQ-M000042",
            4725,
            "provision insuffisante",
            fee_cents=76,
        ),
        ItemRow("F00107", "Paul Roy", "2026-000413", "CVQ-M000107", 12850, take_back=Act("/back")),
    ),
    17575,
    4725,
    76,
    "/sepa.xml",
    "/prelevements",
    reasons=_REASONS,
)
_MANDATES = MandatesPage(
    "/prelevements/mandats",
    "Parthenay",
    "/prelevements",
    "moreau",
    (
        MandateRow(
            "/f",
            "CVQ-M000042",
            "F00042",
            "Jeanne Moreau-Lefèvre",
            "FR14 •••• 2606",
            "signé",
            "ok",
            date(2026, 3, 3),
            date(2026, 11, 6),
        ),
        MandateRow(
            "/f",
            "CVQ-M000012",
            "F00042",
            "Jeanne Moreau-Lefèvre",
            "FR76 •••• 0185",
            "révoqué",
            "off",
            date(2024, 3, 3),
            None,
            "change de banque",
        ),
    ),
)
_REFUSED = DebitsPage(
    "/prelevements",
    "",
    "",
    refused="Seul le régisseur, ou son suppléant, s’occupe des prélèvements.",
    refused_todo="Demandez-lui de le faire.",
    mandates_url="/prelevements/mandats",
)


def _sample(template: str, view: object, *presses: str) -> Sample:
    return Sample(template, {"shell": _SHELL, "view": view}, presses)


MONEY: dict[str, Sample] = {
    "money-search": _sample(
        "money.html", MoneyPage("Mairie du Tallud", search=PayerSearch("/chercher", "/fragments/familles"))
    ),
    "money-family": _sample(
        "money.html", _PAGE, "section[aria-labelledby=settings-title] details:nth-of-type(1) > summary"
    ),
    "money-family-signed": _sample(
        "money.html",
        replace(_PAGE, money=replace(_COUNTER, settings=None, debit=DebitView((_SIGNED,), None, "2", _OFFICES))),
        ".mandate details > summary",
    ),
    "money-prepare": _sample(
        "money.html",
        replace(
            _PAGE, money=replace(_COUNTER, move=None, settings=None, debit=DebitView((), Act("/p"), "2", _OFFICES))
        ),
        "section[aria-labelledby=debit-title] details > summary",
    ),
    "debits": _sample("debits.html", _DEBITS),
    "debits-empty": _sample(
        "debits.html",
        replace(
            _DEBITS, items=(), kept_back=(), runs=(), make=None, tell=None, returns=ReturnsView("/r"), letters_url=""
        ),
    ),
    "debits-refused": _sample("debits.html", _REFUSED),
    "debit-run": _sample("debit_run.html", _RUN, "tbody details > summary"),
    "debit-mandates": _sample("debit_mandates.html", _MANDATES),
}
