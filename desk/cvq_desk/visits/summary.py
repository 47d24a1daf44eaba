"""The summary of a visit: what was done, under which reference, in words for the resident to take home."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from xml.sax.saxutils import escape

from reportlab.platypus import HRFlowable, KeepTogether, Paragraph
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from cvq_core.clock import local_day
from cvq_core.payments.carts import payments_of_visit
from cvq_core.text import NO_BREAK_SPACE, hour, long_date, money
from cvq_desk import papers
from cvq_desk.booking.tables import Booth, Organisation, TownHall
from cvq_desk.dossiers.store import documents_of, dossiers_of
from cvq_desk.visits.rules import SCOPE_WORDS, ConsentScope
from cvq_desk.visits.tables import Consent, Visit

MANNERS = {"touch": "en touchant l’écran", "key": "avec une touche", "spoken": "de vive voix"}


@dataclass(frozen=True, slots=True)
class Summary:
    """What a summary says."""

    reference: str
    day: date
    began_at: datetime
    place: str
    place_phone: str
    advisor: str
    organisation: str
    organisation_contact: str
    lines: tuple[str, ...]


async def summary_of(db: AsyncSession, visit: Visit, *, advisor: str) -> Summary:
    """Return the summary of a visit."""
    booth = await db.get_one(Booth, visit.booth_id)
    town_hall = await db.get_one(TownHall, booth.town_hall_id)
    organisation = await db.get_one(Organisation, visit.organisation_id)
    contact = " · ".join(part for part in (organisation.address, organisation.phone, organisation.email) if part)
    return Summary(
        reference=visit.reference,
        day=local_day(visit.taken_at),
        began_at=visit.answered_at or visit.taken_at,
        place=town_hall.name,
        place_phone=town_hall.phone,
        advisor=advisor,
        organisation=organisation.name,
        organisation_contact=contact,
        lines=tuple(await _lines(db, visit)),
    )


async def _lines(db: AsyncSession, visit: Visit) -> list[str]:
    lines = []
    for dossier in await dossiers_of(db, visit.id):
        if dossier.form_code:
            state = "terminé" if dossier.status == "complete" else "commencé, à finir"
            lines.append(f"Formulaire « {dossier.title} » {state}. Référence {dossier.reference}.")
    for document in reversed(await documents_of(db, visit.id)):
        if document.kind == "scan" and document.state != "failed":
            pages = "1 page" if document.page_count == 1 else f"{document.page_count} pages"
            lines.append(f"Papier classé : « {document.title} », {pages}.")
    lines += [
        f"Paiement en ligne de {money(payment.received_cents)} reçu le {long_date(local_day(payment.credited_at))} "
        f"à {hour(payment.credited_at)}, par {payment.office}. Référence {payment.reference}."
        for payment in await payments_of_visit(db, visit.id)
    ]
    consents = await db.scalars(select(Consent).where(Consent.visit_id == visit.id, Consent.answered_at.is_not(None)))
    for consent in consents:
        assert consent.answered_at is not None
        what = ", ".join(_within(SCOPE_WORDS[ConsentScope(scope)]) for scope in consent.scopes)
        if consent.manner and consent.state != "refused":
            manner = MANNERS.get(consent.manner, "")
            lines.append(
                f"À {hour(consent.answered_at)}, vous avez accepté {manner} que l’on ouvre : {what}. "
                "Cet accord a pris fin avec l’entretien."
            )
        elif consent.state == "refused":
            lines.append(f"À {hour(consent.answered_at)}, vous n’avez pas voulu que l’on ouvre : {what}.")
    return lines or ["Un échange, sans formulaire ni papier."]


def _within(words: str) -> str:
    """Return words as they stand within a sentence: « CAF » stays as it is."""
    return words[:1].lower() + words[1:]


def summary_pdf(summary: Summary) -> bytes:
    """Return the summary as a large-print A4 page."""
    story = [
        Paragraph("Votre entretien au guichet", papers.style(24, bold=True, after=4)),
        Paragraph(
            f"{long_date(summary.day).capitalize()}, {hour(summary.began_at)}, {escape(summary.place)}",
            papers.style(15),
        ),
        Paragraph(f"Avec {escape(summary.advisor)}, {escape(summary.organisation)}", papers.style(15, after=8)),
        Paragraph(f"Référence : <b>{escape(summary.reference)}</b>", papers.style(17, after=8)),
        HRFlowable(width="100%", thickness=1, color="black", spaceAfter=6),
        Paragraph("Ce qui a été fait", papers.style(17, bold=True, after=2, keep=True)),
        *(Paragraph(escape(line), papers.style(15, before=4, hang=18), bulletText="•") for line in summary.lines),
        KeepTogether(
            [
                HRFlowable(width="100%", thickness=1, color="black", spaceBefore=12, spaceAfter=6),
                Paragraph("Une question\u202f?", papers.style(17, bold=True)),
                Paragraph("Donnez la référence.", papers.style(15, before=3, after=4)),
                *(Paragraph(escape(line), papers.style(15)) for line in _whom_to_ask(summary)),
            ]
        ),
    ]
    return papers.build(story, title="Votre entretien au guichet", author=summary.organisation, foot=summary.reference)


def _whom_to_ask(summary: Summary) -> Sequence[str]:
    """Return the organisation, each way to reach it, and the town hall, in a line of their own."""
    hall = f"Ou la {summary.place}, {summary.place_phone.replace(' ', NO_BREAK_SPACE)}." if summary.place_phone else ""
    return [line for line in (summary.organisation, *summary.organisation_contact.split(" · "), hall) if line]


def summary_text(summary: Summary) -> str:
    """Return the summary as the text of an e-mail."""
    lines: Sequence[str] = [
        "Votre entretien au guichet",
        f"{long_date(summary.day)}, {hour(summary.began_at)}, {summary.place}",
        f"Avec {summary.advisor}, {summary.organisation}",
        f"Référence : {summary.reference}",
        "",
        "Ce qui a été fait :",
        *(f"- {line}" for line in summary.lines),
        "",
        "Une question ? Donnez la référence.",
        f"{summary.organisation} : {summary.organisation_contact}".rstrip(" :"),
        f"{summary.place} : {summary.place_phone}".rstrip(" :"),
    ]
    return "\n".join(lines) + "\n"
