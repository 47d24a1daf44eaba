"""Samples of the sub-office: each step at the counter, drawers that balance or do not, and the log of looks."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

from cvq_advisor_console.views.cash import (
    CashPage,
    CeilingView,
    CollectingView,
    ConfirmLine,
    ConfirmView,
    CountedView,
    CountLine,
    CountView,
    DrawerRow,
    DrawerView,
    HeldView,
    InvoiceLine,
    LookupView,
    MeansChoice,
    MeansTotal,
    OpeningView,
    PayerFound,
    PayerSearch,
    PendingView,
    PlaceChoice,
    PriceChoice,
    ReceiptDone,
    ReceiptRow,
    RemitView,
    SlipRow,
    SlipView,
    StepLink,
    WalletLine,
)
from cvq_advisor_console.views.visits_log import LookRow, VisitsLogPage
from cvq_core.web.views import Act, NavItem
from tests.e2e.look.samples_moments import Sample, at, shell

_NAV = (
    NavItem("Accueil", "/secretary"),
    NavItem("Caisse", "/cash", current=True),
    NavItem("Qui a regardé ?", "/visits-log"),
)
_SHELL = shell("Sylvie Bernard", "Mairie du Tallud", *_NAV, live=False)

_TOTALS = (MeansTotal("espèces", 2, 3000), MeansTotal("chèque", 1, 4550))
_DRAWER = DrawerView(
    at(9, 2),
    5000,
    8000,
    _TOTALS,
    (
        ReceiptRow("TAL-000043", at(10, 2), "famille Roy", "chèque", 4550, "/receipts/43.pdf"),
        ReceiptRow("TAL-000042", at(9, 40), "famille Diallo", "espèces", 2000, "/receipts/42.pdf"),
        ReceiptRow("TAL-000041", at(9, 15), "famille Petit", "espèces", 1000, "/receipts/41.pdf", voided=True),
    ),
    "/cash/count",
    (CeilingView("Mairie du Tallud", 124000, 150000, 82, warned=True), CeilingView("Régie", 400000, 1200000, 33)),
)
_LINKS = (
    StepLink("Encaisser", "/cash", "c", "cash", current=True),
    StepLink("Verser", "/cash/remit", "v", "building"),
    StepLink("Intégrer", "/cash/integrate", "n", "list-check"),
    StepLink("Retrouver une quittance", "/cash/receipts", "t", "search"),
)
_PAGE = CashPage("Sous-régie du Tallud", "Régie de la communauté de communes", _DRAWER, links=_LINKS)
_HELD = HeldView(
    124000,
    (MeansTotal("chèque", 0, 4550), MeansTotal("CESU préfinancé", 0, 6000)),
    134550,
    (CeilingView("Mairie du Tallud", 151000, 150000, 100, warned=True, reached=True),),
    "Le plafond est atteint : versez aujourd’hui.",
)
_SEARCH = PayerSearch("/cash", "/cash/payers")
_FOUND = (
    PayerFound("Jeanne Moreau", "/cash?account=1", "Moreau", date(1941, 5, 12), "Le Tallud", "7 332"),
    PayerFound("Jeanne Moreau", "/cash?account=2", "Moreau-Roy", date(1988, 3, 1), "Pompaire", "4 018"),
)
_MEANS = (
    MeansChoice("cash", "espèces", chosen=True),
    MeansChoice("cheque", "chèque"),
    MeansChoice("card", "carte bancaire"),
    MeansChoice("cesu", "CESU préfinancé"),
    MeansChoice("ancv", "chèque-vacances ANCV"),
)
_COLLECTING = CollectingView(
    "/cash/confirm",
    "1",
    "Moreau",
    "Jeanne Moreau",
    (
        WalletLine("amount-1", "Cantine", -470, "4,70"),
        WalletLine(
            "amount-2",
            "Piscine",
            0,
            "10",
            prices=(
                PriceChoice("Entrée", "Léa, Tom", 210, "4 à 17 ans, habitant du territoire"),
                PriceChoice("Entrée", "Jeanne", 310, "habitant du territoire"),
                PriceChoice("Abonnement d’un an", "Jeanne, Léa, Tom", 15500, "prix unique"),
            ),
        ),
        WalletLine("amount-3", "Squash", 1250, why_not="pas encaissé ici : régie du gymnase"),
    ),
    _MEANS,
    "20",
    limit_words="Un paiement en espèces ne dépasse pas 300,00 €.",
    change_payer_url="/cash",
    invoices=(
        InvoiceLine("invoice-1", "Facture 2026-000042", date(2026, 12, 10), 6350, paper_url="/caisse/factures/1.pdf"),
        InvoiceLine("invoice-2", "Facture 2026-000017", date(2026, 11, 10), 2200, why_not="ne s’encaisse pas ici"),
    ),
)
_CONFIRM = ConfirmView(
    "Moreau",
    (ConfirmLine("Cantine", 470, 0), ConfirmLine("Piscine", 1000, 1000)),
    1470,
    "espèces",
    2000,
    530,
    {"account_id": "1", "amount-1": "4,70", "amount-2": "10", "means": "cash", "tendered": "20"},
    Act("/cash/collect"),
    "/cash",
)
_COUNT = CountView(
    "/cash/close",
    tuple(CountLine(cents) for cents in (10000, 5000, 2000, 1000, 500)),
    tuple(CountLine(cents) for cents in (200, 100, 50, 20, 10, 5, 2, 1)),
    back_url="/cash",
)
_SLIPS = (
    SlipRow("CVQ-V-000012", at(12, 5), 134550, "/cash/slips/12", "à intégrer par le régisseur", "sun"),
    SlipRow("CVQ-V-000011", at(12, 1, days=-7), -98000, "/cash/slips/11", "annulation", "off"),
)
_REMIT = RemitView(
    "/cash/remit", "k1", "au régisseur", "Les chèques partent tous avec.", _HELD, _COUNT.notes, _COUNT.coins, _SLIPS
)
_SLIP = SlipView(
    "12",
    "Versement",
    "CVQ-V-000012",
    "Mairie du Tallud",
    at(12, 5),
    (MeansTotal("espèces", 0, 124000), *_HELD.others),
    134550,
    124000,
    (DrawerRow(at(9, 2), "CVQ-000041 – CVQ-000052", (MeansTotal("espèces", 0, 124000), *_HELD.others), -250),),
    "/slips/12.pdf",
    "/cash",
    "à intégrer par le régisseur",
    "sun",
    cancel=Act("/slips/12/cancel"),
)
_LOOKUP = LookupView("/cash/receipts", family="Diallo", receipts=_DRAWER.receipts[1:2], total_cents=2000, searched=True)
_COUNTED = CountedView(at(11, 58), 8000, 8000, 0, _TOTALS, 5000, "/cash/minute.pdf", "/secretary")


def _cash(presses: tuple[str, ...] = (), **changes: Any) -> Sample:
    return Sample("cash.html", {"shell": _SHELL, "view": replace(_PAGE, **changes)}, presses)


_LOG = VisitsLogPage(
    "/visits-log",
    "Jeanne Moreau, 12 mai 1941",
    from_day=date(2026, 10, 24),
    until_day=date(2026, 11, 24),
    rows=(
        LookRow(
            at(10, 4),
            "Nadia Benali",
            "Communauté de communes",
            "Le compte famille : personnes, comptes de service",
            "GV-2026-004217",
            "accord touché à l’écran à 10 h 03, jusqu’à 10 h 45",
        ),
        LookRow(
            at(9, 58, days=-12),
            "Karim Lopez",
            "Mission locale",
            "Le compte famille a été demandé",
            "GV-2026-003980",
            "accord refusé",
            refused=True,
        ),
    ),
    export_url="/visits-log.csv",
    older_url="/visits-log?before=1",
    sealed_until=at(9, 0),
)

CASH: dict[str, Sample] = {
    "cash-opening": _cash(
        drawer=None,
        opening=OpeningView(
            "/cash/open",
            "d1",
            5000,
            "60",
            "Le fonds de caisse de ce lieu ne dépasse pas 50,00 €. Comptez-le de nouveau.",
        ),
    ),
    "cash-two-places": _cash(
        places=(PlaceChoice("1", "Mairie de Pompaire", True), PlaceChoice("2", "Mairie d’Amailloux", False)),
        drawer=None,
        opening=OpeningView(
            "/cash/open",
            "d1",
            5000,
            "60",
            "Le fonds de caisse de ce lieu ne dépasse pas 50,00 €. Comptez-le de nouveau.",
        ),
    ),
    "cash-search": _cash(search=replace(_SEARCH, query="moreau", found=_FOUND, searched=True)),
    "cash-search-empty": _cash(
        drawer=replace(_DRAWER, receipts=(), by_means=()), search=replace(_SEARCH, query="zzz", searched=True)
    ),
    "cash-collecting": _cash(collecting=_COLLECTING),
    "cash-collecting-prices": _cash(("details.fold summary",), collecting=_COLLECTING),
    "cash-collecting-errors": _cash(
        collecting=replace(
            _COLLECTING,
            wallets=(
                replace(
                    _COLLECTING.wallets[1],
                    value="2000",
                    error="On n’approvisionne pas un compte de plus de 1 000,00 € à la fois.",
                ),
            ),
            tendered_value="15",
            errors={
                "tendered": "Il manque 1 985,00 € pour faire le compte.",
                "means": "L’acte de cette régie ne permet pas ce moyen de paiement.",
            },
        )
    ),
    "cash-collecting-cheque": _cash(
        ('input[value="cheque"]',),
        collecting=replace(_COLLECTING, errors={"cheque_bank": "À écrire, pour le bordereau de remise."}),
    ),
    "cash-collecting-vouchers": _cash(('input[value="cesu"]',), collecting=_COLLECTING),
    "cash-remit": _cash(drawer=None, remit=_REMIT),
    "cash-slip": _cash(drawer=None, slip=_SLIP),
    "cash-slip-to-integrate": _cash(
        drawer=None,
        held=_HELD,
        slip=replace(_SLIP, cancel=None, accept=Act("/slips/12/accept"), send_back=Act("/slips/12/send-back")),
    ),
    "cash-pending": _cash(drawer=None, held=_HELD, pending=PendingView(_SLIPS[:1])),
    "cash-pending-none": _cash(drawer=None, pending=PendingView(())),
    "cash-lookup": _cash(lookup=_LOOKUP),
    "cash-confirm": _cash(confirm=_CONFIRM),
    "cash-done": _cash(
        done=ReceiptDone(
            "44", "TAL-000044", "famille Moreau", 1470, 530, "/receipts/44.pdf", "/cash", Act("/receipts/44/void")
        )
    ),
    "cash-count": _cash(count=_COUNT),
    "cash-counted": _cash(drawer=None, counted=_COUNTED),
    "cash-counted-missing": _cash(drawer=None, counted=replace(_COUNTED, counted_cents=7750, difference_cents=-250)),
    "cash-refused": _cash(
        drawer=None,
        refused="Vous n’êtes pas mandataire de cette régie aujourd’hui.",
        refused_todo="Adressez la personne au régisseur ou à un mandataire.",
    ),
    "visits-log": Sample("visits_log.html", {"shell": _SHELL, "view": _LOG}),
    "visits-log-empty": Sample(
        "visits_log.html", {"shell": _SHELL, "view": replace(_LOG, about="", rows=(), sealed_until=None)}
    ),
}
