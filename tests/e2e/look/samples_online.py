"""Samples of payment online: the public page in each state, the officer's list, the advisor's cart."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

from cvq_advisor_console.views.online import BankLineRow, OnlineList, OnlinePage, ToReconcile
from cvq_advisor_console.views.paying import CartView, PayChoice, PayingLine, PayingView
from cvq_core.payments.rules import CartState
from cvq_core.payments.views import PayLine, PayPage
from cvq_core.web.views import Act, NavItem
from cvq_desk.carts.service import qr_code
from tests.e2e.look.samples_moments import Sample, at, region, shell

_PAY = PayPage(
    "Parthenay-Gâtine",
    CartState.OPEN,
    (PayLine("Facture 2026-000412", 4725), PayLine("Piscine", 2000), PayLine("Restauration scolaire", 1500)),
    8225,
    "/p/k3m7xq29ab/payer",
)
_REFERENCE = "CVQAGUADZ3QAB2SZKC5KE3NOTEPXQ"


def _pay(state: CartState, **more: Any) -> Sample:
    return Sample("pay.html", {"view": replace(_PAY, state=state, **more)})


def _row(reference: str, why: str, **more: Any) -> ToReconcile:
    row = ToReconcile(reference, at(8, 12), 3250, why, 0, "7", Act("/en-ligne/1/decision"))
    return replace(row, **more)


_LIST = OnlineList(
    region("online"),
    (
        _row(_REFERENCE, "Deux heures après, PayFiP ne sait toujours pas si c’est payé."),
        _row(
            "CVQAGUADZ3QAB2SZKC5KE3NOTEPXR",
            "La banque dit que c’est payé ; PayFiP ne nous l’a pas dit.",
            credit=Act("/en-ligne/2/decision"),
            bank_cents=3250,
            bank_day=date(2026, 11, 23),
        ),
        _row(
            "CVQAGUADZ3QAB2SZKC5KE3NOTEPXS",
            "Ce panier était déjà payé : ce second paiement est au compte d’attente.",
            waiting_cents=3250,
        ),
    ),
    date(2026, 11, 23),
    (
        BankLineRow("CVQAGUADZ3QAB2SZKC5KE3NOTEPXR", 3250, "payé, pas crédité", "alert"),
        BankLineRow("CVQAGUADZ3QAB2SZKC5KE3NOTEPXT", 1500, "crédité", "ok"),
    ),
    4750,
    (BankLineRow("CVQAGUADZ3QAB2SZKC5KE3NOTEPXU", 2000, "pas encore à la banque", "sun"),),
    "/en-ligne/banque",
)
_PAGE = OnlinePage("/en-ligne", "Régie de Parthenay", _LIST, "/en-ligne/liste.csv")
_SHELL = shell(
    "Odile Brémaud",
    "Régie de Parthenay",
    NavItem("Caisse", "/cash"),
    NavItem("En ligne", "/en-ligne", current=True),
    live=False,
)

PAYING = PayingView(
    region("paying"),
    choices=(
        PayChoice("invoice-1", "Facture 2026-000412", "47,25 € à payer avant le mardi 15 décembre 2026", "47,25"),
        PayChoice("wallet-2", "Piscine", "il reste 3,00 €"),
        PayChoice("wallet-3", "Restauration scolaire", "il reste −4,70 €"),
    ),
    cart=CartView(
        "en train de payer",
        "sun",
        "hourglass",
        (PayingLine("Facture 2026-000412", 4725), PayingLine("Piscine", 2000)),
        6725,
        "https://guichet.parthenay-gatine.fr/p/k3m7xq29ab",
        "guichet.parthenay-gatine.fr/p/k3m7xq29ab",
        qr_code("https://guichet.parthenay-gatine.fr/p/k3m7xq29ab"),
        payable=True,
    ),
    make=Act("/console/1/panier"),
    hide=Act("/api/v1/visits/1/show?page=welcome"),
    cart_id="8",
)

ONLINE: dict[str, Sample] = {
    "pay": _pay(CartState.OPEN),
    "pay-refused": _pay(CartState.REFUSED),
    "pay-checking": _pay(CartState.SENT, look_url="/p/k3m7xq29ab/retour"),
    "pay-unknown": _pay(CartState.UNKNOWN),
    "pay-paid": _pay(CartState.PAID, paid_cents=8225, paid_at=at(10, 4), reference=_REFERENCE),
    "online-list": Sample("online.html", {"shell": _SHELL, "view": _PAGE}),
    "online-list-empty": Sample(
        "online.html",
        {"shell": _SHELL, "view": replace(_PAGE, list=replace(_LIST, rows=(), bank=(), missing=()))},
    ),
}
