"""Samples of imports: the overview, a pair to decide and one that was decided, the list, balances to take over."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

from cvq_advisor_console.views.imports import (
    BalanceRow,
    ComparedTotal,
    ComparingView,
    Counts,
    Head,
    HeldFamily,
    ImportRow,
    ImportsPage,
    LineView,
    OpeningPage,
    OpeningRow,
    OpeningsPage,
    PairPage,
    PairRow,
    PairsPage,
    PairView,
    SignedView,
    StatingView,
    TotalsView,
)
from cvq_core.imports.beside import Piece
from cvq_core.web.views import NavItem
from tests.e2e.look.samples_moments import Sample, at, shell

_SHELL = shell("Sylvie Texier", "Mairie du Tallud", NavItem("Reprises", "/reprises", current=True), live=False)
_OFFICER = shell("Benoît Rousseau", "", NavItem("Caisse", "/caisse"), live=False)
_ROWS = (
    ImportRow(
        title="Mairie du Tallud, Cantine 2000",
        base="tallud-cantine",
        commune="Le Tallud",
        word="lu, rien n’est encore repris",
        tone="sun",
        staged_at=at(8, 30, days=-2),
        ready=118,
        held=14,
        applied=0,
        refused=3,
        left=21,
        balances="",
        next_words="Décider des ressemblances.",
        decide_url="/reprises/1/ressemblances",
        list_url="/reprises/1/ressemblances/liste",
    ),
    ImportRow(
        title="Pompaire, garderie et centre de loisirs",
        base="pompaire-garderie",
        commune="Pompaire",
        word="repris",
        tone="ok",
        staged_at=at(9, days=-9),
        ready=0,
        held=0,
        applied=203,
        refused=1,
        left=0,
        balances="1 sur 2",
        next_words="Les régisseurs prennent les soldes en compte.",
    ),
    ImportRow(
        title="Parthenay, piscine",
        base="parthenay-piscine",
        commune="Parthenay",
        word="défait",
        tone="off",
        staged_at=at(9, days=-30),
        ready=0,
        held=0,
        applied=0,
        refused=0,
        left=0,
        balances="",
        next_words="Rien.",
    ),
)


def _plain(text: str) -> tuple[Piece, ...]:
    return (Piece(text),) if text else ()


_LINES = (
    LineView("Nom", _plain("MOREAU"), _plain("Moreau"), "identique", "ok", "check"),
    LineView("Nom de naissance", _plain("BRÉMAUD"), (), "manque", "off", "circle-dashed"),
    LineView(
        "Prénoms",
        (Piece("Madeleine Ros"), Piece("e", differs=True)),
        (Piece("Madeleine Ros"), Piece("a", differs=True)),
        "proche",
        "sun",
        "alert-triangle",
    ),
    LineView(
        "Naissance",
        (Piece("7", differs=True), Piece(" juin 1985")),
        (Piece("6", differs=True), Piece(" juin 1985")),
        "proche",
        "sun",
        "alert-triangle",
    ),
    LineView(
        "Adresse",
        _plain("1 rue de la Gare"),
        _plain("connue, non montrée"),
        "différent",
        "alert",
        "x",
    ),
    LineView("Commune", _plain("79200 Le Tallud"), _plain("79200 Pompaire"), "différent", "alert", "x"),
    LineView("Téléphone", _plain("•• 34"), _plain("•• 34"), "identique", "ok", "check"),
    LineView("Courriel", _plain("m•••@orange.fr"), (), "manque", "off", "circle-dashed"),
    LineView("Dans la famille", _plain("Lucas, Anne-Charlotte"), _plain("Lucas"), "proche", "sun", "alert-triangle"),
)
_PAIR = PairView(
    url="/reprises/1/decider",
    low="1",
    high="2",
    seen="",
    score=87,
    certain=False,
    likeness=("même nom", "prénoms à une ou deux lettres près", "dates de naissance à un chiffre ou une partie près"),
    against=("lieux de naissance différents",),
    heads=(Head("Cantine 2000", "Le Tallud, famille 12, responsable"), Head("Notre base", "Pompaire")),
    lines=_LINES,
)
_LATELY = (
    PairRow("/p/1", ("GIRAUD Paul", "GIRAUD Paul Marie"), 96, "même personne", "ok", at(10, 2)),
    PairRow("/p/2", ("ROY Emma", "ROY Anna"), 41, "deux personnes", "ok", at(10)),
)
_PAGE = PairPage(
    title="Mairie du Tallud, Cantine 2000",
    base="tallud-cantine",
    counts=Counts(left=21, later=3, certain=6, decided=40),
    next_url="/n",
    list_url="/l",
    back_url="/reprises",
    pair=_PAIR,
    lately=_LATELY,
)
_LIST = PairsPage(
    title="Mairie du Tallud, Cantine 2000",
    base="tallud-cantine",
    counts=Counts(left=21, later=3, certain=6, decided=40),
    next_url="/n",
    back_url="/reprises",
    tabs=(("À décider (21)", "/o", True), ("Décidées (40)", "/d", False)),
    rows=(
        PairRow("/p/3", ("MOREAU Madeleine Rose (BRÉMAUD)", "MOREAU Madeleine Rosa"), 87, "à décider", "sun"),
        PairRow("/p/4", ("DUPONT Léa", "DUPOND Léa"), 64, "plus tard", "off"),
        PairRow("/p/1", ("GIRAUD Paul", "GIRAUD Paul Marie"), 96, "même personne", "ok", at(10, 2)),
    ),
    held=(HeldFamily("204", "Les décisions sur ces personnes se contredisent."),),
    later_url="/o2",
)
_COMPARED = (
    ComparedTotal("Avoirs des familles", 412550, 415050),
    ComparedTotal("Dettes des familles", 98720, 98720),
    ComparedTotal("Avoirs moins dettes", 313830, 316330),
)
_OPENING = OpeningPage(
    title="Mairie du Tallud, Cantine 2000",
    service="Cantine",
    on=date(2026, 8, 31),
    totals=TotalsView(132, 412550, 98720),
    waiting=TotalsView(0, 0, 0),
    left_out=TotalsView(1, 2500, 0),
    rows=(
        BalanceRow("0000412", "Famille Moreau", "12", 1250, 0),
        BalanceRow("0000413", "Famille Giraud-Dupont de la Chapelle-Bertrand", "13-B", 0, 720),
        BalanceRow("0000414", "Famille Roy", "204", 30000, 0),
    ),
    more_rows=129,
    back_url="/soldes-repris",
    csv_url="/c",
    xlsx_url="/x",
    stating=StatingView("/comparer"),
)
_COMPARING = ComparingView(
    url="/signer",
    fields={"key": "1"},
    rows=_COMPARED,
    back_url="/b",
    error="Il y a une différence de 25,00 € avec les totaux de l’ancienne base.",
)
_SIGNED = SignedView(at(9, 41), "Benoît Rousseau", _COMPARED, "Famille partie, soldée le 2 septembre.", "/pdf")
_OPENINGS = OpeningsPage(
    (
        OpeningRow("Cantine 2000", "Cantine", 132, 412550, 98720, "à prendre en compte", "sun", "/o/1"),
        OpeningRow("Cantine 2000", "Piscine", 12, 30000, 0, "pris en compte le 24 novembre 2026", "ok", "/o/2"),
        OpeningRow("Pompaire, garderie", "Cantine", 84, 120000, 2000, "attend encore 4 familles", "off", "/o/3"),
    )
)

IMPORTS: dict[str, Sample] = {
    "imports": Sample("imports.html", {"view": ImportsPage(_ROWS, "/soldes-repris"), "shell": _SHELL}),
    "imports-none": Sample("imports.html", {"view": ImportsPage(()), "shell": _SHELL}),
    "import-pair": Sample("import_pair.html", {"view": _PAGE, "shell": _SHELL}),
    "import-pair-decided": Sample(
        "import_pair.html",
        {
            "view": replace(
                _PAGE,
                pair=replace(
                    _PAIR,
                    seen="same",
                    certain=True,
                    decided="même personne : décidé par Nina Petit le 24 novembre 2026 à 10 h 02",
                ),
                error="Quelqu’un d’autre a décidé de ces deux fiches pendant que vous les regardiez.",
                todo="Votre réponse n’est pas enregistrée. Si la sienne est fausse, changez-la ici.",
            ),
            "shell": _SHELL,
        },
    ),
    "import-pair-none": Sample(
        "import_pair.html", {"view": replace(_PAGE, pair=None, counts=Counts(0, 0, 0, 61)), "shell": _SHELL}
    ),
    "import-pairs": Sample("import_pairs.html", {"view": _LIST, "shell": _SHELL}),
    "openings": Sample("openings.html", {"view": _OPENINGS, "shell": _OFFICER}),
    "opening-stating": Sample(
        "opening.html",
        {
            "view": replace(
                _OPENING, stating=StatingView("/comparer", "douze", "", {"credit": "Écrivez le montant comme 12,50."})
            ),
            "shell": _OFFICER,
        },
    ),
    "opening-comparing": Sample(
        "opening.html", {"view": replace(_OPENING, stating=None, comparing=_COMPARING), "shell": _OFFICER}
    ),
    "opening-signed": Sample(
        "opening.html", {"view": replace(_OPENING, stating=None, signed=_SIGNED), "shell": _OFFICER}
    ),
    "opening-waits": Sample(
        "opening.html",
        {
            "view": replace(
                _OPENING,
                stating=None,
                waiting=TotalsView(4, 5250, 1220),
                why_not="Il reste 4 familles à reprendre dans cet import.",
            ),
            "shell": _OFFICER,
        },
    ),
}
