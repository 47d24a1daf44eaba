"""Samples of cards: a search, an active and a lost card, a batch under way, cards to renew."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

from cvq_advisor_console.views.advances import Choice
from cvq_advisor_console.views.cards import (
    BatchPage,
    BatchRow,
    CardPage,
    CardRow,
    CardsPage,
    Count,
    HolderRow,
    LifeRow,
    MakeCardsPage,
    OrderRow,
    ToMake,
)
from cvq_core.web.views import NavItem
from tests.e2e.look.samples_moments import Sample, shell

_SHELL = shell("Sylvie Martin", "Mairie du Tallud", NavItem("Cartes", "/cartes", current=True), live=False)
_WHEN = datetime(2026, 11, 23, 9, 12, tzinfo=UTC)
_RECOGNISED = (
    Choice("paper_shown", "pièce d’identité vue"),
    Choice("vouched", "personne connue de l’agent"),
    Choice("guardian", "responsable légal de l’enfant, pièce vue"),
)
_COUNTS = (Count("à imprimer", 2), Count("à encoder", 11), Count("à remettre", 6), Count("chez leur titulaire", 5))
_BATCHES = (
    BatchRow("Rentrée du collège", "/s/1", "Mairie du Tallud", _WHEN, _COUNTS, 19),
    BatchRow("Jeanne Moreau", "/s/2", "Mairie du Tallud", _WHEN, (Count("chez leur titulaire", 1),), 0),
)
_FOUND = (
    HolderRow(
        "MOREAU Jeanne",
        date(1941, 5, 12),
        "Le Tallud",
        (
            CardRow("482 130 5779", "/c/1", "en service", "ok", date(2031, 1, 1)),
            CardRow("117 204 3381", "/c/2", "remplacée", "off", date(2024, 1, 1)),
        ),
        "/c/make/1",
    ),
    HolderRow("MOREAU-DELACROIX Marie-Antoinette", date(1988, 12, 30), "Parthenay", (), "/c/make/2"),
)
_LIST = CardsPage("", False, (), False, _BATCHES, 14, "/cartes/a-renouveler")
_CARD = CardPage(
    number="482 130 5779",
    name="MOREAU Jeanne",
    born=date(1941, 5, 12),
    state="en service",
    tone="ok",
    said="",
    valid_from=date(2019, 1, 2),
    valid_until=date(2031, 1, 1),
    chip="prouve qui elle est, clé 1",
    life=(
        LifeRow(_WHEN, "Remise", "à l’accueil, pièce d’identité vue", "Sylvie Martin", ""),
        LifeRow(_WHEN, "Encodée", "à l’encodeur", "Encodeur du Tallud", ""),
        LifeRow(_WHEN, "Imprimée", "à l’accueil", "Sylvie Martin", ""),
    ),
    back_url="/cartes",
    block_url="/c/1/bloquer",
    make_url="/c/make/1",
    reasons=(Choice("lost", "perdue"), Choice("stolen", "volée")),
    channels=(Choice("counter", "à l’accueil"), Choice("phone", "par téléphone")),
    identities=(*_RECOGNISED, Choice("answers", "réponses au téléphone")),
    recognised=_RECOGNISED,
)
_LOST = replace(
    _CARD,
    state="bloquée",
    tone="alert",
    said="Cette carte a été déclarée perdue le 23 novembre 2026. Gardez-la et appelez votre mairie : on vous dira "
    "comment la remettre en service.",
    block_url="",
    found_url="/c/1/retrouvee",
    unblock_url="/c/1/en-service",
    life=(
        LifeRow(_WHEN, "Retrouvée", "à l’accueil", "Sylvie Martin", "sous un banc de la piscine"),
        LifeRow(_WHEN, "Bloquée", "par téléphone, réponses au téléphone", "Sylvie Martin", "perdue au marché"),
        *_CARD.life,
    ),
)
_MADE = replace(
    _CARD,
    state="faite, à remettre",
    tone="sun",
    said="Cette carte n’a pas encore été remise à son titulaire. Appelez votre mairie pour la recevoir.",
    block_url="",
    make_url="",
    order_url="/s/1",
    hand_over_url="/c/1/remettre",
    life=_CARD.life[1:],
)
_BATCH = BatchPage(
    label="Rentrée du collège",
    place="Mairie du Tallud",
    made_at=_WHEN,
    counts=_COUNTS,
    rows=(
        OrderRow(1, "BRÉMAUD Anne-Charlotte", "482 130 5779", "remise", "ok", card_url="/c/1"),
        OrderRow(
            2, "MOREAU Paul", "117 204 3381", "à remettre", "sun", "/c/2", hand_over_url="/o/2/r", scrap_url="/o/2/x"
        ),
        OrderRow(3, "PETIT Nicole", "904 551 2204", "imprimée, à encoder", "", scrap_url="/o/3/x", chip_url="/o/3/p"),
        OrderRow(4, "TEXIER Julien", "221 870 3347", "à imprimer", "", cancel_url="/o/4/a"),
        OrderRow(5, "TEXIER Emma", "663 201 4410", "mise au rebut", "off"),
    ),
    back_url="/cartes",
    faces_url="/s/1/faces.pdf",
    sheet_url="/s/1/planche.pdf",
    printed_url="/s/1/imprimees",
    to_print=2,
    to_encode=11,
    recognised=_RECOGNISED,
)
_STOCKS = (Choice("1:2", "Mairie du Tallud, sur le stock « Carte vierge »"),)
_RENEWAL = MakeCardsPage(
    title="Cartes à renouveler",
    about="Elles arrivent à leur terme dans les trois mois, ou viennent d’y arriver, et leur titulaire n’en a pas "
    "d’autre.",
    url="/cartes/series",
    key="k",
    label="Renouvellement",
    people=tuple(
        ToMake(str(number), name, date(1970 + number, 3, 1), "482 130 5779", date(2026, 12, number + 1))
        for number, name in enumerate(("BRÉMAUD Odile", "MOREAU Paul", "PETIT Nicole"))
    ),
    stocks=_STOCKS,
    back_url="/cartes",
)


def _page(template: str, view: Any) -> Sample:
    return Sample(template, {"shell": _SHELL, "view": view})


CARDS: dict[str, Sample] = {
    "cards": _page("cards.html", _LIST),
    "cards-found": _page("cards.html", replace(_LIST, query="moreau", searched=True, found=_FOUND, more=True)),
    "cards-none": _page("cards.html", replace(_LIST, query="xyz", searched=True, batches=())),
    "card": _page("card.html", _CARD),
    "card-lost": _page("card.html", _LOST),
    "card-made": _page("card.html", _MADE),
    "card-batch": _page("card_batch.html", _BATCH),
    "cards-renew": _page("cards_make.html", _RENEWAL),
    "cards-make-one": _page("cards_make.html", replace(_RENEWAL, title="Faire une carte", people=_RENEWAL.people[:1])),
    "cards-make-nowhere": _page("cards_make.html", replace(_RENEWAL, stocks=())),
}
