"""What advisors do with dossiers: open a form, write it, complete it, file papers, print."""

from __future__ import annotations

import asyncio
import hashlib
import io
import json
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal
from uuid import UUID, uuid5

import pikepdf
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from cvq_core.clock import local_day
from cvq_core.errors import N_, BadInput, NotFound, Refusal, TooLarge
from cvq_core.ids import new_id
from cvq_core.jobs import enqueue
from cvq_core.vault import Stored, Vault
from cvq_desk.booking.tables import Appointment, Booth, Reason, TownHall
from cvq_desk.dossiers.store import answers_of, dossier_by_id, dossiers_of
from cvq_desk.dossiers.tables import Document, Dossier, DraftField
from cvq_desk.forms.catalogue import form_by_code
from cvq_desk.forms.paper import PaperFacts, form_pdf
from cvq_desk.forms.rules import FormDefinition, FormIncomplete, check_complete, check_draft, find_place, standings
from cvq_desk.visits import service as visits
from cvq_desk.visits.acts import Act, own_visit, require_session, tell
from cvq_desk.visits.tables import BoothCommand, Visit
from cvq_desk.wire import CommandKind

PDF_PAGES_MAX = 40
PDF_BYTES_MAX = 20 * 1024**2
TITLE_LENGTH_MAX = 160
MAKE_PDF = "make-searchable-pdf"
Turn = Literal[0, 90, 180, 270]


class FormNotForReason(Refusal):
    """The form does not belong to what the resident came for."""

    slug = "form-not-for-reason"
    message = N_("Ce formulaire n’appartient pas à ce motif.")
    what_to_do = N_("Choisissez l’un des formulaires proposés.")


class DossierComplete(Refusal):
    """The form is complete; it must be opened again before it is changed."""

    slug = "dossier-complete"
    message = N_("Ce formulaire est terminé.")
    what_to_do = N_("Rouvrez-le pour le corriger.")


class BadPdf(BadInput):
    """The file is no PDF, is protected, or is too long."""

    slug = "bad-pdf"
    message = N_("Ce fichier n’est pas un PDF que l’on peut imprimer.")
    what_to_do = N_("Un PDF sans mot de passe, de quarante pages au plus, est attendu.")


class TooManyPages(TooLarge):
    """More pages than one document may have."""

    slug = "too-many-pages"
    message = N_("Un document a {pages_max} pages au plus.")
    what_to_do = N_("Classez les premières pages, puis numérisez la suite.")


class NotReady(Refusal):
    """The document is still being made."""

    slug = "document-not-ready"
    message = N_("Ce document est encore en préparation.")
    what_to_do = N_("Il sera prêt dans quelques secondes.")


class NeverReady(Refusal):
    """No PDF could be made of the document's pages."""

    slug = "document-failed"
    message = N_("Ce document n’a pas pu être préparé.")
    what_to_do = N_("Numérisez-le de nouveau.")


@dataclass(frozen=True, slots=True)
class ScannedPage:
    """A page as the console sends it to be filed: the image, and what the advisor did to it."""

    image: bytes
    turn_degrees: Turn
    crop: tuple[float, float, float, float] | None
    resolution_dpi: int


async def own_dossier(act: Act, dossier_id: UUID) -> tuple[Dossier, Visit]:
    """Return a dossier of a visit that the principal leads, and the visit."""
    dossier = await dossier_by_id(act.db, dossier_id)
    return dossier, await own_visit(act, dossier.visit_id)


async def forms_for(act: Act, visit: Visit) -> list[FormDefinition]:
    """Return the forms that belong to what the resident came for; all of the organisation's when they did not say."""
    appointment = await act.db.get_one(Appointment, visit.appointment_id)
    if appointment.reason_id is not None:
        reason = await act.db.get_one(Reason, appointment.reason_id)
        return [form_by_code(code) for code in reason.forms]
    reasons = await act.db.scalars(select(Reason).where(Reason.organisation_id == visit.organisation_id))
    codes = sorted({code for reason in reasons for code in reason.forms})
    return [form_by_code(code) for code in codes]


async def open_form(act: Act, visit_id: UUID, code: str) -> Dossier:
    """Open a form: begun once in a visit, found again afterwards.

    Raises:
        FormNotForReason: it does not belong to the reason.
    """
    visit = await own_visit(act, visit_id)
    require_session(visit)
    form = form_by_code(code)
    if code not in {allowed.code for allowed in await forms_for(act, visit)}:
        raise FormNotForReason(visit_id=visit.id)
    dossier = await _dossier(act, visit, form_code=code, title=form.title, version=form.version)
    visit.current_dossier_id, visit.shown, visit.current_field = dossier.id, "form", ""
    tell(act.db, visit)
    return dossier


async def save_draft(
    act: Act, dossier_id: UUID, *, name: str, values: Sequence[str], revision: int, current: bool
) -> str:
    """Save one answer as it is typed and show it on screen 2; return what is wrong with it so far, "" when nothing.

    A save that arrives after a newer one changes nothing.

    Raises:
        UnknownField, NirRefused: it is not kept.
        DossierComplete: the form is finished.
    """
    dossier, visit = await own_dossier(act, dossier_id)
    require_session(visit)
    if dossier.status == "complete":
        raise DossierComplete(visit_id=visit.id)
    form = form_by_code(dossier.form_code)
    place = find_place(form, await answers_of(act.db, dossier.id), name)
    kept = [value[: place.field.length_max + 1] for value in values[:20]]
    trouble = check_draft(form, place.field, kept, local_day(act.now))
    if await _write(act, dossier.id, name, kept, revision):
        if current:
            visit.current_field = name
        tell(act.db, visit, "field", {"dossier_id": str(dossier.id), "field": name, "revision": revision})
    return trouble


async def repeat_section(act: Act, dossier_id: UUID, section_name: str, by: int) -> None:
    """Let a section that may repeat stand once more, or once less."""
    dossier, visit = await own_dossier(act, dossier_id)
    require_session(visit)
    if dossier.status == "complete":
        raise DossierComplete(visit_id=visit.id)
    form = form_by_code(dossier.form_code)
    section = next((section for section in form.sections if section.name == section_name and section.repeat > 1), None)
    if section is None:
        raise NotFound
    count = standings(section, await answers_of(act.db, dossier.id)) + by
    count = min(max(count, 1), section.repeat)
    stamp = int(act.now.timestamp() * 1000)
    await _write(act, dossier.id, f"{section_name}.count", [str(count)], stamp)
    tell(act.db, visit, "form")


async def _write(act: Act, dossier_id: UUID, name: str, values: list[str], revision: int) -> bool:
    """Write an answer and return True; return False, and change nothing, where a newer one is there."""
    upsert = postgresql_insert if act.db.get_bind().dialect.name == "postgresql" else sqlite_insert
    row = {"dossier_id": dossier_id, "name": name, "values": values, "revision": revision, "saved_at": act.now}
    statement = upsert(DraftField).values(row)
    newer = {column: statement.excluded[column] for column in ("values", "revision", "saved_at")}
    written = await act.db.execute(
        statement.on_conflict_do_update(
            index_elements=[DraftField.dossier_id, DraftField.name],
            set_=newer,
            where=DraftField.revision < statement.excluded.revision,
        ).returning(DraftField.revision)
    )
    return written.first() is not None


async def complete(act: Act, vault: Vault, dossier_id: UUID) -> Document:
    """Finish a form: every answer is there and can be right; the paper is made and kept.

    Raises:
        FormIncomplete: naming the fields.
        DossierComplete: it is finished already; its paper is made once.
    """
    dossier, visit = await own_dossier(act, dossier_id)
    require_session(visit)
    if dossier.status == "complete":
        raise DossierComplete(visit_id=visit.id)
    form = form_by_code(dossier.form_code)
    answers = await answers_of(act.db, dossier.id)
    if troubles := check_complete(form, answers, local_day(act.now)):
        raise FormIncomplete(fields=troubles, visit_id=visit.id)
    facts = PaperFacts(
        reference=dossier.reference,
        day=local_day(act.now),
        place=await _place(act, visit),
        advisor=act.principal.name,
    )
    pdf = await asyncio.to_thread(form_pdf, form, answers, facts)
    document = await keep_pdf(act, vault, visit, dossier, pdf, kind="form", title=form.title)
    dossier.status, dossier.completed_at = "complete", act.now
    visit.current_field = ""
    act.journal("form-completed", visit, subject=("dossier", dossier.id))
    tell(act.db, visit, "form")
    return document


async def reopen(act: Act, dossier_id: UUID) -> Dossier:
    """Open a finished form again, to correct it; its earlier paper is kept."""
    dossier, visit = await own_dossier(act, dossier_id)
    require_session(visit)
    dossier.status, dossier.completed_at = "draft", None
    act.journal("form-reopened", visit, subject=("dossier", dossier.id))
    tell(act.db, visit, "form")
    return dossier


async def keep_pdf(
    act: Act,
    vault: Vault,
    visit: Visit,
    dossier: Dossier,
    pdf: bytes,
    *,
    kind: str,
    title: str,
    document_id: UUID | None = None,
) -> Document:
    """Put a finished PDF into the vault and the dossier."""
    document_id = document_id or new_id()
    stored = await asyncio.to_thread(vault.put, document_id, pdf)
    assert act.principal.id is not None
    document = Document(
        id=document_id,
        dossier_id=dossier.id,
        visit_id=visit.id,
        kind=kind,
        title=title[:TITLE_LENGTH_MAX],
        state="ready",
        media_type="application/pdf",
        page_count=await asyncio.to_thread(_page_count, pdf),
        size_bytes=len(pdf),
        sha256=hashlib.sha256(pdf).hexdigest(),
        key_id=stored.key_id,
        wrapped_key=stored.wrapped_key,
        filed_by=act.principal.id,
        filed_at=act.now,
    )
    act.db.add(document)
    await act.db.flush()
    return document


async def file_pages(
    act: Act,
    vault: Vault,
    visit_id: UUID,
    *,
    document_id: UUID,
    title: str,
    pages: Sequence[ScannedPage],
    pages_max: int,
) -> Document:
    """File scanned pages: kept as they came, and a job makes the searchable PDF/A of them.

    The page makes `document_id`: sent twice, it is filed once.

    Raises:
        TooManyPages: more than one document may have.
    """
    visit = await own_visit(act, visit_id)
    require_session(visit)
    known = await act.db.get(Document, document_id)
    if known is not None:
        if known.visit_id != visit.id:
            raise NotFound
        return known
    if not pages:
        raise BadInput(fields={"pages": N_("Aucune page à classer.")}, visit_id=visit.id)
    if len(pages) > pages_max:
        raise TooManyPages(pages_max=pages_max, visit_id=visit.id)
    dossier = await current_dossier(act, visit)
    source_id = new_id()
    source = await asyncio.to_thread(pack_pages, pages)
    stored = await asyncio.to_thread(vault.put, source_id, source)
    assert act.principal.id is not None
    document = Document(
        id=document_id,
        dossier_id=dossier.id,
        visit_id=visit.id,
        kind="scan",
        title=(title.strip() or "Document")[:TITLE_LENGTH_MAX],
        state="filing",
        media_type="application/pdf",
        page_count=len(pages),
        source_id=source_id,
        source_key_id=stored.key_id,
        source_wrapped_key=stored.wrapped_key,
        filed_by=act.principal.id,
        filed_at=act.now,
    )
    act.db.add(document)
    await enqueue(act.db, MAKE_PDF, {"document_id": str(document_id)}, now=act.now, unique_key=f"pdf:{document_id}")
    act.journal("pages-filed", visit, subject=("document", document.id), personal={"pages": len(pages)})
    tell(act.db, visit, "papers")
    return document


async def drop_pdf(act: Act, vault: Vault, visit_id: UUID, *, pdf: bytes, title: str, key: str = "") -> Document:
    """Take a PDF that the advisor dropped on the console, to be printed at the booth.

    The same `key` twice is one document.

    Raises:
        BadPdf: it is none, is protected or has too many pages.
    """
    visit = await own_visit(act, visit_id)
    require_session(visit)
    document_id = uuid5(visit.id, key) if key else new_id()
    known = await act.db.get(Document, document_id)
    if known is not None:
        return known
    if len(pdf) > PDF_BYTES_MAX:
        raise TooLarge(visit_id=visit.id)
    pages = await asyncio.to_thread(_page_count, pdf)
    if not 1 <= pages <= PDF_PAGES_MAX:
        raise BadPdf(visit_id=visit.id)
    dossier = await current_dossier(act, visit)
    document = await keep_pdf(
        act, vault, visit, dossier, pdf, kind="dropped", title=title or "Document", document_id=document_id
    )
    act.journal("pdf-dropped", visit, subject=("document", document.id))
    tell(act.db, visit, "papers")
    return document


async def print_document(act: Act, visit_id: UUID, document_id: UUID, *, command_id: UUID) -> BoothCommand:
    """Print a paper of the visit at the booth; the same `command_id` twice prints once.

    Raises:
        NotReady, NeverReady: it is still being made, or could not be.
    """
    visit = await own_visit(act, visit_id)
    require_session(visit)
    document = await act.db.get(Document, document_id)
    if document is None or document.visit_id != visit.id:
        raise NotFound
    _require_ready(document)
    params: dict[str, Any] = {
        "url": f"/api/v1/booth/files/{document.id}",
        "document_id": str(document.id),
        # Printers keep and show titles: the reference says enough.
        "title": f"Guichet {visit.reference}",
        "label": document.title,
        "sha256": document.sha256,
        "copies": 1,
    }
    return await visits.command(act, visit, CommandKind.PRINT, params, command_id=command_id)


def content_of(vault: Vault, document: Document) -> bytes:
    """Return a document's PDF.

    Raises:
        NotReady, NeverReady: it is still being made, or could not be.
    """
    _require_ready(document)
    assert document.wrapped_key is not None
    return vault.get(document.id, Stored(document.key_id, document.wrapped_key))


def _require_ready(document: Document) -> None:
    if document.state == "failed":
        raise NeverReady(visit_id=document.visit_id)
    if document.state != "ready":
        raise NotReady(visit_id=document.visit_id)


def pack_pages(pages: Sequence[ScannedPage]) -> bytes:
    """Return pages and what was done to them as one file, the images untouched."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as bundle:
        edits = [
            {"turn_degrees": page.turn_degrees, "crop": page.crop, "resolution_dpi": page.resolution_dpi}
            for page in pages
        ]
        bundle.writestr("edits.json", json.dumps(edits))
        for number, page in enumerate(pages):
            bundle.writestr(f"{number:03d}", page.image)
    return out.getvalue()


def unpack_pages(source: bytes) -> list[ScannedPage]:
    """Return the pages of `pack_pages`."""
    with zipfile.ZipFile(io.BytesIO(source)) as bundle:
        edits: list[Mapping[str, Any]] = json.loads(bundle.read("edits.json"))
        return [
            ScannedPage(
                image=bundle.read(f"{number:03d}"),
                turn_degrees=edit["turn_degrees"],
                crop=tuple(edit["crop"]) if edit["crop"] else None,
                resolution_dpi=edit["resolution_dpi"],
            )
            for number, edit in enumerate(edits)
        ]


async def current_dossier(act: Act, visit: Visit) -> Dossier:
    """Return the dossier that papers go to: the open form's, or one for papers alone."""
    if visit.current_dossier_id is not None:
        return await act.db.get_one(Dossier, visit.current_dossier_id)
    dossier = await _dossier(act, visit, form_code="", title="Papiers", version=1)
    visit.current_dossier_id = dossier.id
    return dossier


async def _dossier(act: Act, visit: Visit, *, form_code: str, title: str, version: int) -> Dossier:
    for known in await dossiers_of(act.db, visit.id):
        if known.form_code == form_code:
            return known
    dossier = Dossier(
        id=new_id(),
        visit_id=visit.id,
        organisation_id=visit.organisation_id,
        person_id=visit.person_id,
        form_code=form_code,
        form_version=version,
        title=title,
        reference=f"{visit.reference}-{len(await dossiers_of(act.db, visit.id)) + 1}",
        status="draft",
        opened_at=act.now,
    )
    act.db.add(dossier)
    await act.db.flush()
    act.journal("dossier-opened", visit, subject=("dossier", dossier.id))
    return dossier


async def _place(act: Act, visit: Visit) -> str:
    booth = await act.db.get_one(Booth, visit.booth_id)
    return (await act.db.get_one(TownHall, booth.town_hall_id)).name


def _page_count(pdf: bytes) -> int:
    try:
        with pikepdf.open(io.BytesIO(pdf)) as document:
            return len(document.pages)
    except (pikepdf.PdfError, pikepdf.PasswordError, ValueError):
        raise BadPdf from None
