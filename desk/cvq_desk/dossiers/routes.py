"""What advisors' pages ask of dossiers, and how a booth fetches what it prints."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any
from uuid import UUID

from aiohttp import web
from pydantic import BaseModel, Field, ValidationError, field_validator
from sqlalchemy import select

from cvq_core.errors import N_, BadInput, NotFound
from cvq_core.ids import new_id
from cvq_core.staff import Permission
from cvq_core.web import Context, Routes
from cvq_core.web.problems import from_validation
from cvq_core.web.upload import Upload
from cvq_desk.dossiers import service
from cvq_desk.dossiers.service import ScannedPage, Turn
from cvq_desk.dossiers.tables import Document, Dossier
from cvq_desk.visits.acts import own_visit
from cvq_desk.visits.routes import CommandOut, act_of
from cvq_desk.visits.tables import BoothCommand

routes = Routes("/api/v1", tag="dossiers")


class OpenFormBody(BaseModel):
    """Which form."""

    form: str = Field(max_length=60)


class DossierOut(BaseModel):
    """A dossier."""

    id: UUID
    visit_id: UUID
    form_code: str
    title: str
    reference: str
    status: str

    @classmethod
    def of(cls, dossier: Dossier) -> DossierOut:
        """Return the page's picture of a dossier."""
        return cls.model_validate(dossier, from_attributes=True)


class DraftBody(BaseModel):
    """One answer as it is typed. `revision` grows with each key: a later one wins, whenever it arrives."""

    field: str = Field(max_length=60)
    values: list[str] = Field(max_length=20)
    revision: int = Field(ge=0, le=2**53)
    current: bool = True

    @field_validator("values", mode="before")
    @classmethod
    def _one_is_a_list(cls, value: Any) -> Any:
        return [value] if isinstance(value, str) else value


class DraftOut(BaseModel):
    """What was saved, and what is wrong with it so far."""

    field: str
    revision: int
    trouble: str
    saved_at: datetime


class RepeatBody(BaseModel):
    """One more standing of a section, or one less."""

    section: str = Field(max_length=40)
    by: int = Field(ge=-1, le=1)


class DocumentOut(BaseModel):
    """A paper of the visit."""

    id: UUID
    title: str
    kind: str
    state: str
    trouble: str
    page_count: int
    filed_at: datetime

    @classmethod
    def of(cls, document: Document) -> DocumentOut:
        """Return the page's picture of a document."""
        return cls.model_validate(document, from_attributes=True)


class PrintBody(BaseModel):
    """What to print. A page may make the `command_id`: sent twice, it prints once."""

    document_id: UUID
    command_id: UUID = Field(default_factory=new_id)


class PageEditBody(BaseModel):
    """What the advisor did to a page: quarter turns, and a crop in fractions of the page as it was scanned."""

    turn_degrees: Turn = 0
    crop: tuple[float, float, float, float] | None = None
    resolution_dpi: int = Field(default=200, ge=50, le=1200)

    @field_validator("crop")
    @classmethod
    def _inside(cls, value: tuple[float, float, float, float] | None) -> tuple[float, float, float, float] | None:
        if value is not None:
            left, top, right, bottom = value
            if not (0 <= left < right <= 1 and 0 <= top < bottom <= 1):
                raise ValueError("a crop lies inside the page")
        return value


@routes.post("/visits/{id}/forms", access=Permission.SERVE, body=OpenFormBody, answer=DossierOut, form=True)
async def open_form(context: Context, body: OpenFormBody) -> DossierOut:
    """Open a form that belongs to the reason."""
    return DossierOut.of(await service.open_form(act_of(context), context.path_id(), body.form))


@routes.post("/dossiers/{id}/draft", access=Permission.SERVE, body=DraftBody, answer=DraftOut, form=True)
async def save_draft(context: Context, body: DraftBody) -> DraftOut:
    """Save one answer as it is typed; screen 2 shows it."""
    trouble = await service.save_draft(
        act_of(context),
        context.path_id(),
        name=body.field,
        values=body.values,
        revision=body.revision,
        current=body.current,
    )
    return DraftOut(
        field=body.field, revision=body.revision, trouble=context._(trouble) if trouble else "", saved_at=context.now
    )


@routes.post("/dossiers/{id}/sections", access=Permission.SERVE, body=RepeatBody, form=True)
async def repeat_section(context: Context, body: RepeatBody) -> None:
    """Let a section that may repeat stand once more, or once less."""
    await service.repeat_section(act_of(context), context.path_id(), body.section, body.by)


@routes.post("/dossiers/{id}/complete", access=Permission.SERVE, answer=DocumentOut)
async def complete(context: Context) -> DocumentOut:
    """Finish a form and make its paper."""
    document = await service.complete(act_of(context), context.services.vault, context.path_id())
    return DocumentOut.of(document)


@routes.post("/dossiers/{id}/reopen", access=Permission.SERVE, answer=DossierOut)
async def reopen(context: Context) -> DossierOut:
    """Open a finished form again, to correct it."""
    return DossierOut.of(await service.reopen(act_of(context), context.path_id()))


@routes.post("/visits/{id}/documents", access=Permission.SERVE, upload=True, answer=DocumentOut, status=202)
async def file_pages(context: Context, upload: Upload) -> DocumentOut:
    """File scanned pages.

    `multipart/form-data`: `document_id` (made by the page), `title`, `edits` (JSON, one object a page) and then the
    pages' images, each named `page`, in their order.
    """
    fields, images = upload.fields, upload.files
    try:
        edits = [PageEditBody.model_validate(edit) for edit in json.loads(fields.get("edits", "[]"))]
        document_id = UUID(fields.get("document_id", ""))
    except ValidationError as error:
        raise from_validation(error) from None
    except (ValueError, TypeError, RecursionError):
        raise BadInput from None
    if len(edits) != len(images):
        raise BadInput(fields={"edits": N_("Chaque page doit avoir ses réglages.")})
    pages = [
        ScannedPage(image, edit.turn_degrees, edit.crop, edit.resolution_dpi)
        for image, edit in zip(images, edits, strict=True)
    ]
    document = await service.file_pages(
        act_of(context),
        context.services.vault,
        context.path_id(),
        document_id=document_id,
        title=fields.get("title", ""),
        pages=pages,
        pages_max=context.services.settings.scan_pages_max,
    )
    context.services.jobs.wake()
    return DocumentOut.of(document)


@routes.post("/visits/{id}/dropped", access=Permission.SERVE, upload=True, answer=DocumentOut, status=201)
async def drop_pdf(context: Context, upload: Upload) -> DocumentOut:
    """Take a PDF dropped on the console. `multipart/form-data`: `title`, and the file, named `page`."""
    if len(upload.files) != 1:
        raise service.BadPdf
    document = await service.drop_pdf(
        act_of(context),
        context.services.vault,
        context.path_id(),
        pdf=upload.files[0],
        title=upload.fields.get("title", ""),
    )
    return DocumentOut.of(document)


@routes.post("/visits/{id}/print", access=Permission.SERVE, body=PrintBody, answer=CommandOut, status=202, form=True)
async def print_document(context: Context, body: PrintBody) -> CommandOut:
    """Print a paper of the visit at the booth."""
    command = await service.print_document(
        act_of(context), context.path_id(), body.document_id, command_id=body.command_id
    )
    return CommandOut.of(command)


@routes.get("/documents/{id}/content", access=Permission.SERVE)
async def read_document(context: Context) -> web.Response:
    """Give a paper of a visit of one's own, as a file."""
    document = await context.db.get(Document, context.path_id())
    if document is None:
        raise NotFound
    visit = await own_visit(act_of(context), document.visit_id)
    if visit.state in ("ended", "released"):
        raise NotFound
    return _file(context, document)


@routes.get("/booth/files/{id}", access=Permission.BOOTH)
async def booth_file(context: Context) -> web.Response:
    """Give a booth the paper that it was asked to print, while that command is open."""
    document_id = context.path_id()
    commands = await context.db.scalars(
        select(BoothCommand).where(
            BoothCommand.booth_id == context.principal.subject_id,
            BoothCommand.kind == "print",
            BoothCommand.ended_at.is_(None),
        )
    )
    if not any(command.params.get("document_id") == str(document_id) for command in commands):
        raise NotFound
    document = await context.db.get_one(Document, document_id)
    return _file(context, document)


def _file(context: Context, document: Document) -> web.Response:
    content = service.content_of(context.services.vault, document)
    name = "".join(letter if letter.isalnum() and letter.isascii() else "-" for letter in document.title)[:60]
    return web.Response(
        body=content,
        content_type=document.media_type,
        headers={"Content-Disposition": f'attachment; filename="{name or "document"}.pdf"'},
    )
