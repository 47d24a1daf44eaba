"""Samples of the account at the Treasury: cheques to bank, a slip, a bounced cheque, the statement, the unpaid list."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

from cvq_advisor_console.views.cash import SlipRow, StepLink
from cvq_advisor_console.views.treasury import (
    AgeRow,
    BankedRow,
    ChequeRow,
    ChequesView,
    ChequeView,
    DebtRow,
    DepositedRow,
    DepositView,
    ExpectedRow,
    FamilyRow,
    FileRow,
    HandedRow,
    LineRow,
    MatchRow,
    ReadingRow,
    ReasonChoice,
    RuleView,
    StatementView,
    TreasuryPage,
    UnpaidStateView,
    UnpaidView,
)
from cvq_core.web.views import Act, NavItem
from tests.e2e.look.samples_moments import Sample, at, region, shell

_SHELL = shell("Benoît Rousseau", "Régie de Parthenay", NavItem("Caisse", "/cash", current=True), live=False)
_LINKS = (
    StepLink("Chèques", "/tresor/cheques", "h", "receipt", current=True),
    StepLink("Relevé du compte", "/tresor/releve", "l", "list-check"),
    StepLink("Restes à recouvrer", "/tresor/restes", "u", "user-question"),
    StepLink("Caisse", "/caisse", "c", "cash"),
)
_PAGE = TreasuryPage("Régie de recettes et d’avances de la communauté de communes", _LINKS)
_DAY = date(2026, 11, 23)
_SLIPS = (
    SlipRow("CVQ-C-000012", at(12, 5, days=-1), 184550, "/tresor/remises/12", "remise à la banque", "ok"),
    SlipRow("CVQ-C-000011", at(12, 1, days=-7), -98000, "/tresor/remises/11", "annulation", "off"),
)
_BANKED = BankedRow("/tresor/cheques/1", "4217001", "Jeanne Moreau", "CVQ-000042", "CVQ-C-000009", 4550, "à la banque")
_CHEQUES = ChequesView(
    "/tresor/cheques/remettre",
    "k1",
    (
        ChequeRow(
            "1", "4217001", "Crédit agricole", "Jeanne Moreau", "CVQ-000042", "Moreau", "Mairie du Tallud", _DAY, 4550
        ),
        ChequeRow(
            "2",
            "0098123",
            "La Banque postale",
            "Aminata Diallo et Pierre-Emmanuel Roy de la Villardière",
            "CVQ-000043",
            "Diallo",
            "Siège de la communauté de communes",
            date(2026, 11, 18),
            123450,
            late=True,
        ),
    ),
    128000,
    _SLIPS,
    (replace(_BANKED, state="rejeté", tone="alert"),),
    "/tresor/cheques/chercher",
)
_DEPOSIT = DepositView(
    "12",
    "Remise de chèques",
    "CVQ-C-000012",
    at(12, 5),
    (
        DepositedRow("4217001", "Crédit agricole", "Jeanne Moreau", "CVQ-000042", 4550),
        DepositedRow("0098123", "La Banque postale", "Aminata Diallo", "CVQ-000043", 180000),
    ),
    184550,
    "/tresor/remises/12.pdf",
    "/tresor/cheques",
    "remise à la banque",
    "ok",
    cancel=Act("/tresor/remises/12/annuler"),
)
_CHEQUE = ChequeView(
    "4217001",
    "Crédit agricole",
    "Jeanne Moreau",
    "CVQ-000042",
    "Moreau",
    (("Facture 2026-000042", 3550), ("Piscine", 1000)),
    4550,
    "CVQ-C-000009",
    "/tresor/remises/9",
    date(2026, 11, 12),
    date(2026, 11, 24),
    "/tresor/cheques",
    bounce=Act("/tresor/cheques/1/rejeter"),
    key="k2",
    reasons=(
        ReasonChoice("insufficient", "provision insuffisante"),
        ReasonChoice("closed", "compte clos"),
        ReasonChoice("irregular", "chèque irrégulier : signature, montant ou date"),
    ),
)
_LINES = (
    LineRow(
        "1",
        "k3",
        date(2026, 11, 20),
        "VIR SEPA RECU TPE MAIRIE DU TALLUD 191126",
        15400,
        4,
        (
            ReadingRow(("card:1",), ("Carte bancaire, Mairie du Tallud, 19 novembre 2026",), "même montant", 15400),
            ReadingRow(("card:2",), ("Carte bancaire, École, 19 novembre 2026",), "même montant", 15400),
        ),
    ),
    LineRow(
        "2",
        "k4",
        date(2026, 11, 21),
        "REMISE CHEQUES CVQC000011",
        97000,
        3,
        (ReadingRow((), ("Remise CVQ-C-000011, 7 chèques",), "référence retrouvée, autre montant", 98000, -1000),),
    ),
    LineRow("3", "k5", date(2026, 10, 2), "COMMISSIONS ET FRAIS DIVERS", -1250, 53),
)
_STATEMENT = StatementView(
    region("statement"),
    _LINES,
    111150,
    (
        ExpectedRow("card:1", date(2026, 11, 19), "terminal de carte bancaire", "Carte bancaire, Mairie", 15400, 5),
        ExpectedRow("deposit:1", date(2026, 11, 17), "remise de chèques", "Remise CVQ-C-000011, 7 chèques", 98000, 7),
        ExpectedRow("bounce:1", date(2026, 11, 22), "chèque rejeté", "Chèque 4217001 rejeté, CVQ-000042", -4550, 2),
    ),
    108850,
    (
        MatchRow(
            ("18 novembre 2026, VERSEMENT ESPECES CVQV000007",),
            ("Versement CVQ-V-000007",),
            124000,
            "même montant, référence retrouvée, jour proche",
            "",
            at(9, 2),
            "rapproché sans demander",
            "ok",
            Act("/tresor/releve/1/defaire"),
        ),
        MatchRow(
            ("2 novembre 2026, VIREMENT AU COMPTABLE",),
            (),
            -600000,
            "Dégagement vers le comptable",
            "Benoît Rousseau",
            at(9, 4),
            "classé",
            "",
            Act("/tresor/releve/2/defaire"),
        ),
    ),
    (FileRow("releve-novembre.csv", date(2026, 11, 1), date(2026, 11, 23), at(9, 2), 42, 12),),
    "/tresor/releve/fichier",
    "/tresor/releve/decider",
    "k6",
    Act("/tresor/releve/rapprocher"),
    "/tresor/releve/ecarts.csv",
    "/tresor/releve/ecarts.xlsx",
)


_UNPAID = UnpaidView(
    "/tresor/restes",
    date(2026, 11, 24),
    (
        FamilyRow(
            "1",
            "0004217",
            "Famille Moreau",
            (
                DebtRow("Facture 2026-000017", date(2026, 7, 10), 137, 4750, 0),
                DebtRow("Restauration scolaire", date(2026, 9, 4), 81, 1230, 0),
            ),
            5980,
            0,
            5980,
            "à transmettre",
            "sun",
        ),
        FamilyRow(
            "2",
            "0000812",
            "Foyer Diallo-Roy de la Villardière",
            (DebtRow("Facture 2026-000042", date(2026, 8, 1), 115, 12000, 5000),),
            7000,
            5000,
            7000,
            "à transmettre",
            "sun",
        ),
        FamilyRow(
            "3",
            "0000911",
            "Famille Petit",
            (DebtRow("Restauration scolaire", date(2026, 9, 30), 55, 940, 0),),
            940,
            0,
            0,
            "cumulé : 9,40 € sur 15,00 €",
            "",
        ),
        FamilyRow(
            "4",
            "0001001",
            "Famille Roy",
            (DebtRow("Facture 2026-000044", date(2026, 10, 1), 54, 3300, 3300),),
            0,
            3300,
            0,
            "transmis au comptable",
            "ok",
        ),
    ),
    22220,
    8300,
    12980,
    2,
    (
        AgeRow("30 jours au plus", 0),
        AgeRow("31 à 60 jours", 4240),
        AgeRow("61 à 90 jours", 1230),
        AgeRow("91 à 365 jours", 16750),
        AgeRow("plus de 365 jours", 0),
    ),
    (SlipRow("CVQ-R-000003", at(9, 5, days=-30), 8300, "/tresor/restes/etats/3", "chez le comptable", "ok"),),
    RuleView(
        "/tresor/restes/seuil",
        "k7",
        "À partir de 15,00 € par famille, 30 jours après l’échéance (CGCT, articles L1611-5 et D1611-1).",
        "15,00",
        "30",
        "CGCT, articles L1611-5 et D1611-1",
        date(2026, 11, 24),
    ),
    "k8",
    "/tresor/restes/liste.csv",
    "/tresor/restes/liste.xlsx",
    hand_over=Act("/tresor/restes/transmettre"),
)
_STATE = UnpaidStateView(
    "3",
    "État des restes à recouvrer",
    "CVQ-R-000003",
    at(9, 5),
    (
        HandedRow("0001001", "ROY Paul", "Facture 2026-000044", date(2026, 10, 1), 3300, 1000, 0, 2300),
        HandedRow("0000812", "DIALLO Aminata", "Facture 2026-000042", date(2026, 8, 1), 5000, 0, 5000, 0),
    ),
    2,
    8300,
    1000,
    5000,
    2300,
    "/tresor/restes/etats/3/etat.pdf",
    "/tresor/restes/etats/3/etat.csv",
    "/tresor/restes/etats/3/etat.xlsx",
    "/tresor/restes",
    "chez le comptable",
    "ok",
    withdraw=Act("/tresor/restes/etats/3/retirer"),
)


def _treasury(presses: tuple[str, ...] = (), **step: Any) -> Sample:
    return Sample("treasury.html", {"shell": _SHELL, "view": replace(_PAGE, **step)}, presses)


TREASURY: dict[str, Sample] = {
    "treasury-cheques": _treasury(cheques=_CHEQUES),
    "treasury-cheques-none": _treasury(
        cheques=replace(_CHEQUES, cheques=(), total_cents=0, deposits=(), bounced=(), query="4217001", searched=True)
    ),
    "treasury-cheques-found": _treasury(
        cheques=replace(_CHEQUES, query="moreau", searched=True, found=(replace(_BANKED, tone="ok"),))
    ),
    "treasury-deposit": _treasury(("summary",), deposit=_DEPOSIT),
    "treasury-cheque": _treasury(cheque=_CHEQUE),
    "treasury-cheque-errors": _treasury(
        cheque=replace(
            _CHEQUE,
            fees="1250",
            errors={"fees": "Les frais de la banque vont de zéro à 100,00 €.", "bounced_on": "Écrivez le jour."},
        )
    ),
    "treasury-cheque-bounced": _treasury(
        cheque=replace(
            _CHEQUE, bounce=None, bounced_on=date(2026, 11, 20), reason="provision insuffisante", fees_cents=1250
        )
    ),
    "treasury-statement": _treasury(("#line-1", "#item-2"), statement=_STATEMENT),
    "treasury-unpaid": _treasury(("#keep-2",), unpaid=_UNPAID),
    "treasury-unpaid-no-rule": _treasury(
        unpaid=replace(
            _UNPAID,
            families=(),
            claimable=0,
            claimable_cents=0,
            states=(),
            hand_over=None,
            rule=replace(_UNPAID.rule, words="", errors={"threshold": "Écrivez le montant comme 12,50."}),
        )
    ),
    "treasury-state": _treasury(("summary",), unpaid_state=_STATE),
    "treasury-statement-done": _treasury(
        statement=replace(_STATEMENT, lines=(), items=(), lines_cents=0, items_cents=0, matches=(), files=())
    ),
}
