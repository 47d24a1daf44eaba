"""The papers of direct debit: the mandate that a family signs, and the letter that tells of a debit. French, A4.

The mandate's words are those of the SEPA core scheme (EPC131-08, French form): they are not to be bettered.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from typing import Any
from xml.sax.saxutils import escape

from reportlab.lib.colors import black, white
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.platypus import (
    Flowable,
    KeepTogether,
    PageBreak,
    Paragraph,
    SimpleDocTemplate,
    Spacer,
    Table,
    TableStyle,
)

from cvq_core.debits.notices import FamilyNotice
from cvq_core.debits.rules import bic_of, masked_iban, spelled_iban
from cvq_core.debits.tables import DebitCreditor, DebitMandate
from cvq_core.offices.tables import CashOffice
from cvq_core.paper import BOLD, FONT, counted, register_fonts
from cvq_core.text import long_date, money, unbroken

MARGIN = 18 * mm
PADDING = 6
WIDTH = A4[0] - 2 * MARGIN - 2 * PADDING
TEXT = ParagraphStyle("text", fontName=FONT, fontSize=10, leading=14)
WORDS = ParagraphStyle("words", TEXT, spaceBefore=4)
SMALL = ParagraphStyle("small", TEXT, fontSize=8.5, leading=11.5)
STRONG = ParagraphStyle("strong", TEXT, fontName=BOLD, fontSize=12, leading=16)
TITLE = ParagraphStyle("title", TEXT, fontName=BOLD, fontSize=19, leading=25)
SECTION = ParagraphStyle("section", TEXT, fontName=BOLD, fontSize=12, leading=16, spaceBefore=7, spaceAfter=3)
WITHOUT_BIC = "(facultatif)"
AUTHORISATION = (
    "En signant ce formulaire de mandat, vous autorisez {creditor} à envoyer des instructions à votre banque pour "
    "débiter votre compte, et votre banque à débiter votre compte conformément aux instructions de {creditor}.",
    "Vous bénéficiez du droit d’être remboursé par votre banque selon les conditions décrites dans la convention que "
    "vous avez passée avec elle. Une demande de remboursement doit être présentée dans les 8 semaines suivant la date "
    "de débit de votre compte pour un prélèvement autorisé.",
)
RIGHTS = (
    "Vos droits concernant ce mandat sont expliqués dans un document que vous pouvez obtenir auprès de votre banque."
)
NOTICE = (
    "Vous serez prévenu de chaque prélèvement, de sa date et de son montant, au moins {days} jours avant. Ce mandat "
    "s’éteint si rien n’est prélevé pendant trente-six mois. Vous pouvez le révoquer à tout moment auprès de la régie."
)
PRIVACY = (
    "Ces informations servent seulement à gérer vos prélèvements (intérêt public). Elles sont gardées dix ans avec la "
    "comptabilité. Pour les voir ou les faire corriger, adressez-vous à la régie."
)


@dataclass(frozen=True, slots=True)
class MandatePaper:
    """All that stands on a mandate. `place` is where it is signed, as far as that is known."""

    mandate: DebitMandate
    creditor: DebitCreditor
    office: CashOffice
    family_number: str
    place: str = ""


def mandate_pdf(paper: MandatePaper) -> bytes:
    """Return the mandate to be signed: one page, the same bytes each time."""
    register_fonts()
    mandate, office = paper.mandate, paper.office
    name = escape(office.label)
    story: list[Flowable] = [
        Paragraph("Mandat de prélèvement SEPA", TITLE),
        _facts(
            ("Référence unique du mandat (RUM)", mandate.reference),
            ("Compte famille", paper.family_number),
        ),
        Spacer(1, 2 * mm),
        *(Paragraph(unbroken(sentence.format(creditor=name)), WORDS) for sentence in AUTHORISATION),
        Paragraph("Votre nom et votre compte", SECTION),
        _facts(
            ("Nom du débiteur", mandate.holder),
            ("Adresse", mandate.address),
            ("Numéro de compte (IBAN)", spelled_iban(mandate.iban)),
            ("Code de la banque (BIC)", bic_of(mandate.iban) or WITHOUT_BIC),
        ),
        Paragraph("Le créancier", SECTION),
        _facts(
            ("Nom", office.label),
            ("Identifiant créancier SEPA (ICS)", paper.creditor.creditor_number),
            ("Adresse", office.address or "—"),
        ),
        Paragraph("Type de paiement", SECTION),
        _boxes(("Paiement récurrent ou répétitif", not mandate.one_off), ("Paiement ponctuel", mandate.one_off)),
        Spacer(1, 2 * mm),
        Paragraph(unbroken(NOTICE.format(days=mandate.notice_days)), TEXT),
        Spacer(1, 3 * mm),
        KeepTogether(_signature(paper.place)),
        Spacer(1, 3 * mm),
        Paragraph(unbroken(f"Note : {RIGHTS} {PRIVACY}"), SMALL),
    ]
    return _built(story, title=f"Mandat de prélèvement {mandate.reference}", author=office.label)


def letters_pdf(letters: Sequence[FamilyNotice], office: CashOffice, creditor: DebitCreditor) -> bytes:
    """Return the letters to those who have no e-mail, a page each."""
    register_fonts()
    story: list[Flowable] = []
    for letter in letters:
        if story:
            story.append(PageBreak())
        story += _letter(letter, office, creditor)
    return _built(story, title="Annonce de prélèvement", author=office.label)


def _letter(letter: FamilyNotice, office: CashOffice, creditor: DebitCreditor) -> list[Flowable]:
    mandate = letter.mandate
    to = Table(
        [["", Paragraph(f"{escape(mandate.holder)}<br/>{escape(mandate.address)}", STRONG)]],
        colWidths=[WIDTH * 0.5, WIDTH * 0.5],
    )
    lines = _facts(*((label, money(cents)) for label, cents in letter.lines), ("En tout", money(letter.total_cents)))
    return [
        Paragraph(f"<b>{escape(office.label)}</b><br/>{escape(office.address)}<br/>{escape(office.phone)}", TEXT),
        Spacer(1, 14 * mm),
        to,
        Spacer(1, 18 * mm),
        Paragraph(unbroken(f"Votre prélèvement du {long_date(letter.day)}"), TITLE),
        Spacer(1, 3 * mm),
        Paragraph("Bonjour,", TEXT),
        Paragraph(
            unbroken(
                f"Ce jour-là, {money(letter.total_cents)} seront prélevés sur votre compte "
                f"{masked_iban(mandate.iban)}, si rien n’est réglé avant :"
            ),
            TEXT,
        ),
        Spacer(1, 2 * mm),
        lines,
        Spacer(1, 4 * mm),
        _facts(
            ("Référence du mandat (RUM)", mandate.reference),
            ("Identifiant créancier SEPA (ICS)", creditor.creditor_number),
        ),
        Spacer(1, 4 * mm),
        Paragraph(
            "Si cette somme vous semble fausse, ou si vous avez changé de compte bancaire, prévenez-nous avant ce "
            "jour.",
            TEXT,
        ),
    ]


def _facts(*rows: tuple[str, str]) -> Table:
    """Return labels and what stands beside them, ruled and large enough to be read aloud from."""
    table = Table(
        [[Paragraph(escape(label), TEXT), Paragraph(escape(unbroken(value)), STRONG)] for label, value in rows],
        colWidths=[62 * mm, WIDTH - 62 * mm],
        hAlign="LEFT",
    )
    table.setStyle(
        TableStyle(
            [
                ("LINEBELOW", (0, 0), (-1, -1), 0.5, black),
                ("VALIGN", (0, 0), (-1, -1), "MIDDLE"),
                ("LEFTPADDING", (0, 0), (-1, -1), 0),
                ("TOPPADDING", (0, 0), (-1, -1), 2),
                ("BOTTOMPADDING", (0, 0), (-1, -1), 3),
            ]
        )
    )
    return table


def _boxes(*choices: tuple[str, bool]) -> Table:
    row: list[Any] = []
    for label, chosen in choices:
        row += [_Box(chosen), Paragraph(escape(label), STRONG if chosen else TEXT)]
    table = Table([row], colWidths=[8 * mm, WIDTH / 2 - 8 * mm] * len(choices), hAlign="LEFT")
    table.setStyle(TableStyle([("VALIGN", (0, 0), (-1, -1), "MIDDLE"), ("LEFTPADDING", (0, 0), (-1, -1), 0)]))
    return table


class _Box(Flowable):  # type: ignore[misc]  # reportlab has no types
    """A box to tick, ticked or not: drawn, since not every font has one."""

    def __init__(self, chosen: bool) -> None:
        super().__init__()
        self.width = self.height = 4 * mm
        self._chosen = chosen

    def draw(self) -> None:
        """Draw the box, and its cross."""
        side = self.width
        self.canv.setStrokeColor(black)
        self.canv.setFillColor(white)
        self.canv.setLineWidth(1)
        self.canv.rect(0, 0, side, side, stroke=1, fill=1)
        if self._chosen:
            self.canv.setLineWidth(1.6)
            self.canv.line(1.5, 1.5, side - 1.5, side - 1.5)
            self.canv.line(1.5, side - 1.5, side - 1.5, 1.5)


def _signature(place: str) -> Table:
    """Return where it is signed, when, and the room for a hand that trembles."""
    table = Table(
        [
            [Paragraph(unbroken("Signé à :"), TEXT), Paragraph("Signature du titulaire du compte", TEXT)],
            [Paragraph(escape(place), STRONG), ""],
            [Paragraph(unbroken("Le (jour, mois, année) :"), TEXT), ""],
            ["", ""],
        ],
        colWidths=[WIDTH * 0.42, WIDTH * 0.58],
        rowHeights=[7 * mm, 9 * mm, 7 * mm, 20 * mm],
    )
    table.setStyle(
        TableStyle(
            [
                ("BOX", (0, 0), (0, -1), 0.8, black),
                ("BOX", (1, 0), (1, -1), 1.4, black),
                ("VALIGN", (0, 0), (-1, -1), "TOP"),
            ]
        )
    )
    return table


def _built(story: list[Flowable], *, title: str, author: str) -> bytes:
    out = BytesIO()
    document = SimpleDocTemplate(
        out,
        pagesize=A4,
        leftMargin=MARGIN,
        rightMargin=MARGIN,
        topMargin=16 * mm,
        bottomMargin=16 * mm,
        title=title,
        author=author,
        lang="fr-FR",
        # The same paper gives the same bytes: no hour of printing inside.
        invariant=1,
    )
    document.build(story, canvasmaker=counted("", margin=MARGIN + PADDING, size=8.5))
    return out.getvalue()
