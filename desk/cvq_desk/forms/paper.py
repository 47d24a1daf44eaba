"""The completed form as a paper: plain, or as a curriculum vitae."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from itertools import groupby
from typing import Any
from xml.sax.saxutils import escape

from reportlab.lib.colors import HexColor
from reportlab.lib.units import mm
from reportlab.platypus import HRFlowable, KeepTogether, Paragraph, Spacer, Table, TableStyle

from cvq_core.paper import FONT
from cvq_core.text import long_date
from cvq_desk import papers
from cvq_desk.forms.rules import Answers, FieldKind, FormDefinition, Place, places, spoken

RULE = HexColor("#444444")


@dataclass(frozen=True, slots=True)
class PaperFacts:
    """What stands on the paper besides the answers."""

    reference: str
    day: date
    place: str
    advisor: str


def form_pdf(form: FormDefinition, answers: Answers, facts: PaperFacts) -> bytes:
    """Return the form, filled, as a PDF of A4 pages."""
    if form.paper == "cv":
        return papers.build(
            list(_cv(form, answers)), title=_written(answers, "full_name") or form.title, author="", foot=""
        )
    foot = f"{form.title} · {facts.reference}"
    return papers.build(list(_plain(form, answers, facts)), title=form.title, author=form.organisation, foot=foot)


def _plain(form: FormDefinition, answers: Answers, facts: PaperFacts) -> Iterator[Any]:
    yield Paragraph(escape(form.organisation), papers.style(12))
    yield Paragraph(escape(form.title), papers.style(22, bold=True, after=2))
    yield Paragraph(f"Référence {escape(facts.reference)}", papers.style(12, after=8))
    for title, standing, group in _sections(form, answers):
        heading = f"{title} {standing}" if standing else title
        rows = [
            [
                Paragraph(escape(place.field.label), papers.style(11)),
                Paragraph(
                    _lines(spoken(place.field, answers.get(place.name, ()))) or "—", papers.style(12.5, bold=True)
                ),
            ]
            for place in group
        ]
        table = Table(rows, colWidths=[62 * mm, 112 * mm], hAlign="LEFT")
        table.setStyle(
            TableStyle(
                [
                    ("VALIGN", (0, 0), (-1, -1), "TOP"),
                    ("LINEBELOW", (0, 0), (-1, -1), 0.4, RULE),
                    ("LEFTPADDING", (0, 0), (0, -1), 0),
                    ("TOPPADDING", (0, 0), (-1, -1), 2.5),
                    # The label is smaller than its answer: both stand on one line.
                    ("TOPPADDING", (0, 0), (0, -1), 4),
                    ("BOTTOMPADDING", (0, 0), (-1, -1), 3.5),
                ]
            )
        )
        yield KeepTogether([Paragraph(escape(heading), papers.style(14, bold=True, before=10, after=3)), table])
    yield Spacer(1, 5 * mm)
    made = f"Fait au guichet, {facts.place}, le {long_date(facts.day)}, avec {facts.advisor}."
    box = Table([["Signature"]], colWidths=[80 * mm], rowHeights=[24 * mm], hAlign="LEFT")
    box.setStyle(
        TableStyle(
            [
                ("BOX", (0, 0), (-1, -1), 0.8, RULE),
                ("FONT", (0, 0), (-1, -1), FONT, 10),
                ("VALIGN", (0, 0), (-1, -1), "TOP"),
            ]
        )
    )
    yield KeepTogether([Paragraph(escape(made), papers.style(11, after=6)), box])


def _cv(form: FormDefinition, answers: Answers) -> Iterator[Any]:
    yield Paragraph(escape(_written(answers, "full_name")), papers.style(26, bold=True))
    yield Paragraph(escape(_written(answers, "headline")), papers.style(16, after=4))
    head = form.sections[0]
    contact = [
        spoken(field, answers.get(field.name, ()))
        for field in head.fields
        if field.name not in ("full_name", "headline") and answers.get(field.name)
    ]
    yield Paragraph(escape(" · ".join(part for part in contact if part)), papers.style(11.5, after=6))
    for title, group in groupby(_sections(form, answers), key=lambda section: section[0]):
        if title == head.title:
            continue
        entries = [entry for _, _, fields in group for entry in _cv_entries(fields, answers)]
        if not entries:
            continue
        heading = [
            HRFlowable(width="100%", thickness=0.8, color=RULE, spaceBefore=6, spaceAfter=2),
            Paragraph(escape(title), papers.style(15, bold=True, after=3)),
        ]
        # A heading never stands alone at the foot of a page.
        yield KeepTogether([*heading, *entries[0]])
        yield from map(KeepTogether, entries[1:])


def _cv_entries(fields: list[Place], answers: Answers) -> Iterator[list[Any]]:
    """Yield one job or training, or each skill: what stays together on a page."""
    told = list(_cv_entry(fields, answers))
    if fields[0].section.repeat == 1:
        yield from ([skill] for skill in told)
    elif told:
        yield told


def _cv_entry(fields: list[Place], answers: Answers) -> Iterator[Any]:
    """One job, one training or one block of skills: the first answer bold, short ones beside, long ones below."""
    told = [(place, spoken(place.field, answers.get(place.name, ()))) for place in fields]
    told = [(place, words) for place, words in told if words]
    short = [words for place, words in told if place.field.kind is not FieldKind.PARAGRAPH]
    long = [(place, words) for place, words in told if place.field.kind is FieldKind.PARAGRAPH]
    if fields[0].section.repeat > 1:
        if short:
            yield Paragraph(f"<b>{escape(short[0])}</b>", papers.style(12.5, before=4))
            if short[1:]:
                yield Paragraph(escape(" · ".join(short[1:])), papers.style(11))
        for _, words in long:
            yield Paragraph(_lines(words), papers.style(11, before=1))
        return
    for place, words in told:
        yield Paragraph(f"<b>{escape(place.field.label)}</b> : {_lines(words)}", papers.style(11.5, before=3))


def _sections(form: FormDefinition, answers: Answers) -> Iterator[tuple[str, int, list[Place]]]:
    """Yield each standing of each section: its title, its number where it stands several times, its fields."""
    grouped = groupby(places(form, answers), key=lambda place: (place.section.title, place.standing))
    for (title, standing), group in grouped:
        fields = list(group)
        yield title, standing if fields[0].section.repeat > 1 else 0, fields


def _written(answers: Answers, name: str) -> str:
    return next(iter(answers.get(name, ())), "").strip()


def _lines(text: str) -> str:
    return escape(text).replace("\n", "<br/>")
