"""How the papers for the Treasury begin: who issues them, what they are, their number; and what marks them. French."""

from __future__ import annotations

from typing import Any
from xml.sax.saxutils import escape

from reportlab.lib.units import mm
from reportlab.platypus import Flowable, Spacer

from cvq_core.offices.paper_parts import MARK, SMALL, TEXT, TITLE, text


def heading(printed: dict[str, Any], title: str, number: str, made: str) -> list[Flowable]:
    """Return who issues a paper, what it is, its number, and when and for whom it was made."""
    return [
        text(f"<b>{escape(printed['office'])}</b>", TEXT),
        text(escape(printed["founding_act"]), SMALL),
        text(escape(" · ".join(part for part in (printed["address"], printed["phone"]) if part)), SMALL),
        Spacer(0, 5 * mm),
        text(title, TITLE),
        text(f"n° {number}", TITLE),
        text(escape(made), TEXT),
    ]


def marked(words: str) -> list[Flowable]:
    """Return a sentence in a frame, such as that the paper is cancelled."""
    return [Spacer(0, 3 * mm), text(escape(words), MARK)]
