"""An invoice on paper: A4, its addressee where the window of a French envelope is (DL and C5), black on white. French.

Of an A4 page folded into three (DL, 110 × 220 mm, window 35 × 100) or two (C5, 162 × 229, window 45 × 100) the window
shows 109 to 190 mm from the left and 57 to 79 mm from the top wherever the page slides; it may show anything of 90 to
209 by 43 to 102 mm, which therefore holds nothing else.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from io import BytesIO
from pathlib import Path
from xml.sax.saxutils import escape

import segno
from pystrich.datamatrix import DataMatrixData, DataMatrixEncoder
from reportlab.lib import colors
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import Flowable, Frame, Paragraph, Spacer, Table, TableStyle

from cvq_core.invoice_papers.paper import REMEDIES, Counter, InvoicePaper, PaperLine
from cvq_core.invoice_papers.proximity import CASH_CENTS_MAX
from cvq_core.paper import BOLD, FONT, register_fonts
from cvq_core.text import money, short_date, unbroken

HEIGHT = A4[1]
LEFT, RIGHT = 20 * mm, A4[0] - 20 * mm
WIDTH = RIGHT - LEFT
LEFT_COLUMN = 66 * mm
WINDOW_LEFT, WINDOW_TOP, WINDOW_WIDTH = 111 * mm, 57.5 * mm, 78 * mm
ADDRESS_HEIGHT, ADDRESS_LEADING_MAX = 21.5 * mm, 4.3 * mm
FIRST_TOP, NEXT_TOP, BOTTOM = 105 * mm, 24 * mm, 17 * mm

TEXT = ParagraphStyle("text", fontName=FONT, fontSize=9.5, leading=12.5)
SMALL = ParagraphStyle("small", TEXT, fontSize=8, leading=10.2)
WAY = ParagraphStyle("way", TEXT, fontSize=9, leading=11.5)
AMOUNT = ParagraphStyle("amount", TEXT, alignment=2)
HEADING = ParagraphStyle("heading", TEXT, fontName=BOLD, fontSize=11.5, leading=15, spaceBefore=6, spaceAfter=3)
DUE = ParagraphStyle("due", TEXT, fontName=BOLD, fontSize=13, leading=17)
DUE_AMOUNT = ParagraphStyle("due amount", DUE, alignment=2)
ISSUER_NAME = ParagraphStyle("issuer name", TEXT, fontSize=10.5, leading=13.5)
ISSUER = ParagraphStyle("issuer", TEXT, fontSize=8.5, leading=11)

PAGES_MAX = 60
PAID = "Cette facture est entièrement payée."
CANCELLED = "Cette facture a été annulée : il n’y a rien à payer."
QR_SIZE, MATRIX_SIZE, CODE_COLUMN = 25 * mm, 22 * mm, 29 * mm
RULE = colors.Color(0.6, 0.6, 0.6)
_WAYS = TableStyle(
    [
        ("VALIGN", (0, 0), (-1, -1), "MIDDLE"),
        ("LINEBELOW", (0, 0), (-1, -1), 0.4, RULE),
        ("LEFTPADDING", (0, 0), (-1, -1), 1),
        ("RIGHTPADDING", (0, 0), (-1, -1), 4),
        ("TOPPADDING", (0, 0), (-1, -1), 2),
        ("BOTTOMPADDING", (0, 0), (-1, -1), 3),
    ]
)


def invoice_pdf(paper: InvoicePaper) -> bytes:
    """Return the PDF of one invoice; the same paper gives the same bytes."""
    out = BytesIO()
    sheets = InvoiceSheets(out, f"Facture {paper.number}", paper.issuer.name)
    sheets.add(paper)
    sheets.close()
    return out.getvalue()


class InvoiceSheets:
    """A PDF into which invoices are written one after the other, each with its own page numbers."""

    def __init__(self, out: BytesIO | Path, title: str, author: str) -> None:
        register_fonts()
        target = str(out) if isinstance(out, Path) else out
        # No hour of printing inside.
        self._canvas = Canvas(target, pagesize=A4, pageCompression=1, invariant=1, lang="fr-FR")
        self._canvas.setTitle(title)
        self._canvas.setAuthor(author)
        self._written = 0

    def add(self, paper: InvoicePaper) -> int:
        """Write one invoice; return how many pages it took."""
        canvas, story, page = self._canvas, _story(paper), 0
        self._written += 1
        pages_form = f"pages{self._written}"
        while story or page == 0:
            page += 1
            top = FIRST_TOP if page == 1 else NEXT_TOP
            if page == 1:
                _head(canvas, paper)
            else:
                canvas.setFont(FONT, 9)
                canvas.drawString(LEFT, HEIGHT - 16 * mm, unbroken(f"Facture {paper.number}, suite"))
            _fill(Frame(LEFT, BOTTOM, WIDTH, HEIGHT - top - BOTTOM, 0, 0, 0, 0), story, canvas)
            assert page < PAGES_MAX, "a part of an invoice fits on no page"
            _foot(canvas, paper, page, pages_form)
            canvas.showPage()
        canvas.beginForm(pages_form)
        canvas.setFont(FONT, 8)
        canvas.drawString(0, 0, f" sur {page}")
        canvas.endForm()
        return page

    def close(self) -> None:
        """Write the file."""
        self._canvas.save()


def _fill(frame: Frame, story: list[Flowable], canvas: Canvas) -> None:
    """Take as much from the story as one page holds; what may be parted goes on on the next."""
    while story and frame.add(story[0], canvas):
        del story[0]
    if story and (parts := frame.split(story[0], canvas)):
        frame.add(parts[0], canvas)
        story[:1] = parts[1:]


def _head(canvas: Canvas, paper: InvoicePaper) -> None:
    """Draw what stands above the lines: issuer, number, days, and the addressee in the envelope's window."""
    issuer = [
        _bold(paper.issuer.name, ISSUER_NAME),
        *(_text(escape(line), ISSUER) for line in paper.issuer.lines()),
    ]
    below = HEIGHT - _column(canvas, issuer, LEFT, 13 * mm, LEFT_COLUMN)
    title = [
        _text("Facture", ParagraphStyle("title", HEADING, fontSize=17, leading=21)),
        _text(f"n° {paper.number}", ParagraphStyle("number", HEADING, fontSize=13, leading=18)),
        _text(f"Compte famille {escape(paper.account)}", TEXT),
        _text(f"Émise le {short_date(paper.issued_on)}", TEXT),
        _text(f'À payer avant le <font name="{BOLD}">{short_date(paper.due_on)}</font>', TEXT),
    ]
    _column(canvas, title, LEFT, max(56 * mm, below + 3 * mm), LEFT_COLUMN)
    leading = min(ADDRESS_LEADING_MAX, ADDRESS_HEIGHT / len(paper.addressee))
    for row, line in enumerate(paper.addressee):
        size = min(10, 10 * WINDOW_WIDTH / max(1.0, canvas.stringWidth(line, FONT, 10)))
        canvas.setFont(FONT, size)
        canvas.drawString(WINDOW_LEFT, HEIGHT - WINDOW_TOP - leading * (row + 0.8), line)
    right = RIGHT
    for mark in paper.marks:
        width = canvas.stringWidth(mark, BOLD, 12) + 10
        canvas.setLineWidth(1.4)
        canvas.rect(right - width, HEIGHT - 22 * mm, width, 8 * mm)
        canvas.setFont(BOLD, 12)
        canvas.drawString(right - width + 5, HEIGHT - 19.3 * mm, mark)
        right -= width + 6


def _column(canvas: Canvas, parts: Iterable[Paragraph], left: float, top: float, width: float) -> float:
    """Draw paragraphs below one another; return where the last one ends."""
    y: float = HEIGHT - top
    for part in parts:
        _, height = part.wrapOn(canvas, width, 60 * mm)
        y -= height
        part.drawOn(canvas, left, y)
    return y


def _foot(canvas: Canvas, paper: InvoicePaper, page: int, pages_form: str) -> None:
    canvas.setFont(FONT, 8)
    canvas.drawString(LEFT, 10 * mm, f"Facture {paper.number} · compte {paper.account}")
    canvas.drawRightString(RIGHT - 10 * mm, 10 * mm, f"Page {page}")
    canvas.saveState()
    canvas.translate(RIGHT - 10 * mm, 10 * mm)
    canvas.doForm(pages_form)
    canvas.restoreState()


def _story(paper: InvoicePaper) -> list[Flowable]:
    parts: list[Flowable] = [_text(escape(paper.label), HEADING), _lines(paper.lines), _totals(paper)]
    parts += [_text(escape(note), TEXT) for note in paper.notes]
    if paper.due_cents:
        parts.append(_together([_text("Comment payer", HEADING), *_ways(paper)]))
    else:
        parts += [Spacer(0, 3 * mm), _text(CANCELLED if paper.is_cancelled else PAID, TEXT)]
    legal = [_text(escape(paper.issuer.legal), SMALL)] if paper.issuer.legal else []
    parts.append(_together([_text("Question, erreur, recours", HEADING), _text(REMEDIES, SMALL), Spacer(0, 4), *legal]))
    return parts


def _lines(lines: Sequence[PaperLine]) -> Table:
    rows = [[_bold("Prestation"), _bold("Quantité", AMOUNT), _bold("Prix", AMOUNT), _bold("Montant", AMOUNT)]]
    service = ""
    for line in lines:
        said = escape(line.label)
        if line.service != service and line.service.casefold() not in line.label.casefold():
            said = f'<font name="{BOLD}">{escape(line.service)}</font><br/>{said}'
        service = line.service
        cell: list[Flowable] = [_text(said, TEXT)]
        if line.why:
            cell.append(_text(escape(line.why), SMALL))
        amounts = (str(line.quantity), money(line.unit_cents), money(line.amount_cents))
        rows.append([cell, *(_text(amount, AMOUNT) for amount in amounts)])
    style = [
        ("VALIGN", (0, 0), (-1, -1), "TOP"),
        ("LINEBELOW", (0, 0), (-1, 0), 0.9, colors.black),
        ("LINEBELOW", (0, 1), (-1, -1), 0.4, RULE),
        ("TOPPADDING", (0, 0), (-1, -1), 2),
        ("BOTTOMPADDING", (0, 0), (-1, -1), 3),
        ("LEFTPADDING", (0, 0), (-1, -1), 1),
        ("RIGHTPADDING", (0, 0), (-1, -1), 1),
    ]
    widths = [WIDTH - 68 * mm, 20 * mm, 23 * mm, 25 * mm]
    return Table(rows, colWidths=widths, repeatRows=1, style=TableStyle(style))


def _totals(paper: InvoicePaper) -> Flowable:
    rows = [[_text("Total de la facture", AMOUNT), _text(money(paper.total_cents), AMOUNT)]]
    if paper.paid_cents:
        said = f"Déjà payé au {short_date(paper.as_of)}"
        rows.append([_text(said, AMOUNT), _text(money(-paper.paid_cents), AMOUNT)])
    rows.append([_text("Reste à payer", DUE_AMOUNT), _text(money(paper.due_cents), DUE_AMOUNT)])
    style = [
        ("TOPPADDING", (0, 0), (-1, -1), 2),
        ("BOTTOMPADDING", (0, 0), (-1, -1), 2),
        ("RIGHTPADDING", (0, 0), (-1, -1), 1),
        ("LINEABOVE", (1, -1), (1, -1), 0.9, colors.black),
    ]
    table = Table(rows, colWidths=[WIDTH - 38 * mm, 38 * mm], style=TableStyle(style))
    return _together([table])


def _ways(paper: InvoicePaper) -> list[Flowable]:
    """Return every way to pay that is open: those with a code side by side, the others below."""
    coded, plain = _coded_ways(paper), _plain_ways(paper)
    if not coded and not plain:
        return [_text("Adressez-vous à qui envoie cette facture.", TEXT)]
    parts: list[Flowable] = []
    if coded:
        wide = WIDTH / len(coded)
        cells = [[_way(title, said), code] for title, said, code in coded]
        widths = [width for _ in coded for width in (wide - CODE_COLUMN, CODE_COLUMN)]
        parts.append(Table([[cell for pair in cells for cell in pair]], colWidths=widths, style=_WAYS))
    if plain:
        parts.append(Table([[_way(title, said)] for title, said in plain], colWidths=[WIDTH], style=_WAYS))
    return parts


def _coded_ways(paper: InvoicePaper) -> list[tuple[str, list[str], Flowable]]:
    ways: list[tuple[str, list[str], Flowable]] = []
    if paper.online_url:
        said = f"Par carte bancaire, sur PayFiP, le site des finances publiques :{_address(paper.online_url)}"
        ways.append(("En ligne", [said], Modules(_qr(paper.online_url), QR_SIZE, quiet=4)))
    if paper.proximity_code:
        said = (
            f"Payable auprès d’un buraliste agréé : en espèces jusqu’à {CASH_CENTS_MAX // 100} €, ou par carte "
            "bancaire. Présentez ce code et gardez le reçu."
        )
        ways.append(("Chez un buraliste", [said], Modules(_data_matrix(paper.proximity_code), MATRIX_SIZE, quiet=2)))
    return ways


def _plain_ways(paper: InvoicePaper) -> list[tuple[str, list[str]]]:
    ways: list[tuple[str, list[str]]] = []
    if paper.is_debited:
        said = "Vous avez signé une autorisation : rien à faire. Vous serez prévenu du jour avant chaque prélèvement."
        ways.append(("Par prélèvement", [said]))
    if paper.counters:
        more = f"et {paper.more_counters} autre{'s' if paper.more_counters > 1 else ''} lieu"
        more += "x" if paper.more_counters > 1 else ""
        said_of_each = [_counter_words(each) for each in paper.counters]
        ways.append(("À un guichet", said_of_each + ([more] if paper.more_counters else [])))
    if paper.may_be_debited and not paper.is_debited:
        ways.append(("Par prélèvement", ["Demandez l’autorisation à signer à la régie ou à votre mairie."]))
    return ways


def _way(title: str, said: Sequence[str]) -> list[Paragraph]:
    return [_bold(title), *(_text(line, WAY) for line in said)]


def _counter_words(each: Counter) -> str:
    where = f", {escape(each.where)}" if each.where else ""
    return f"{escape(each.label)}{where} : {', '.join(escape(means) for means in each.means)}"


def _address(url: str) -> str:
    """Return an address as one types it, in bold: a line for the host, one for what follows."""
    host, _, path = url.partition("://")[2].partition("/")
    return f'<br/><font name="{BOLD}">{escape(host)}<br/>/{escape(path)}</font>'


def _qr(address: str) -> list[list[bool]]:
    return [[bool(dark) for dark in row] for row in segno.make(address, error="m", micro=False).matrix]


def _data_matrix(content: str) -> list[list[bool]]:
    """Return the modules of a Data Matrix. reportlab's own adds a sign to a text of such a length (docs/adr/0035)."""
    renderer = DataMatrixEncoder(DataMatrixData(content, encoding="ascii")).init_renderer()
    return [[bool(dark) for dark in row] for row in renderer.matrix]


class Modules(Flowable):  # type: ignore[misc]  # reportlab has no types
    """A code of black squares, as lines and not as a picture, so that any printer keeps its edges."""

    def __init__(self, modules: list[list[bool]], size: float, *, quiet: int) -> None:
        super().__init__()
        self._modules, self._quiet = modules, quiet
        self.width = self.height = size

    def draw(self) -> None:
        """Draw each run of black squares of a row as one bar."""
        side = self.width / (len(self._modules) + 2 * self._quiet)
        path = self.canv.beginPath()
        for row, modules in enumerate(self._modules):
            y = self.height - (row + 1 + self._quiet) * side
            for start, end in _runs(modules):
                path.rect((start + self._quiet) * side, y, (end - start) * side, side)
        self.canv.drawPath(path, stroke=0, fill=1)


def _runs(modules: Sequence[bool]) -> Iterable[tuple[int, int]]:
    """Return where runs of black begin and end."""
    start: int | None = None
    for at, dark in enumerate([*modules, False]):
        if dark and start is None:
            start = at
        elif not dark and start is not None:
            yield start, at
            start = None


def _together(parts: list[Flowable]) -> Table:
    """Return parts that stay on one page: a table of one cell, which a frame does not split."""
    style = [(f"{side}PADDING", (0, 0), (0, 0), 0) for side in ("LEFT", "RIGHT", "TOP", "BOTTOM")]
    return Table([[parts]], colWidths=[WIDTH], style=TableStyle(style))


def _bold(words: str, style: ParagraphStyle = TEXT) -> Paragraph:
    return _text(f'<font name="{BOLD}">{escape(words)}</font>', style)


def _text(words: str, style: ParagraphStyle) -> Paragraph:
    return Paragraph(unbroken(words), style)
