"""Samples of the account at the Treasury: cheques to bank, a slip, a bounced cheque, the statement, the unpaid list."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

from cvq_advisor_console.views.cash import SlipRow, StepLink
from cvq_advisor_console.views.treasury import (
    BankedRow,
    ChequeRow,
    ChequesView,
    ChequeView,
    DepositedRow,
    DepositView,
    ExpectedRow,
    FileRow,
    LineRow,
    MatchRow,
    ReadingRow,
    ReasonChoice,
    StatementView,
    TreasuryPage,
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
    "treasury-statement-done": _treasury(
        statement=replace(_STATEMENT, lines=(), items=(), lines_cents=0, items_cents=0, matches=(), files=())
    ),
}
