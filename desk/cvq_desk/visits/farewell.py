"""Handing the summary over: printed at the booth, or by e-mail."""

from __future__ import annotations

import asyncio
from uuid import UUID

from pydantic import BaseModel, Field

from cvq_core.errors import N_, BadInput, NotFound
from cvq_core.mail import file_mail
from cvq_core.staff import Permission
from cvq_core.vault import Vault
from cvq_core.web import Context, Routes
from cvq_desk.dossiers.service import current_dossier, keep_pdf, print_document
from cvq_desk.forms.rules import looks_like_email
from cvq_desk.visits.acts import Act, own_visit, require_session, tell
from cvq_desk.visits.routes import CommandIdBody, CommandOut, act_of
from cvq_desk.visits.summary import summary_of, summary_pdf, summary_text
from cvq_desk.visits.tables import BoothCommand

routes = Routes("/api/v1", tag="visits")


class BadEmail(BadInput):
    """The e-mail address is not complete."""

    slug = "bad-email"
    message = N_("Cette adresse électronique n’est pas complète.")
    what_to_do = N_("Relisez-la avec la personne, lettre par lettre.")


class EmailBody(BaseModel):
    """Where the summary goes."""

    email: str = Field(min_length=3, max_length=254)


async def print_summary(act: Act, vault: Vault, visit_id: UUID, command_id: UUID) -> BoothCommand:
    """Make the summary as it stands now and print it at the booth; the same `command_id` twice prints once."""
    visit = await own_visit(act, visit_id)
    require_session(visit)
    known = await act.db.get(BoothCommand, command_id)
    if known is not None:
        if known.visit_id != visit.id:
            raise NotFound
        return known
    summary = await summary_of(act.db, visit, advisor=act.principal.name)
    pdf = await asyncio.to_thread(summary_pdf, summary)
    dossier = await current_dossier(act, visit)
    document = await keep_pdf(act, vault, visit, dossier, pdf, kind="summary", title="Résumé de l’entretien")
    return await print_document(act, visit_id, document.id, command_id=command_id)


async def mail_summary(act: Act, visit_id: UUID, email: str) -> None:
    """Send the summary by e-mail; the same address twice gets it once.

    Raises:
        BadEmail: the address cannot be one.
        NoMail: this installation sends none.
    """
    visit = await own_visit(act, visit_id)
    require_session(visit)
    address = email.strip()
    if not looks_like_email(address):
        raise BadEmail(fields={"email": BadEmail.message}, visit_id=visit.id)
    summary = await summary_of(act.db, visit, advisor=act.principal.name)
    await file_mail(
        act.db,
        act.settings,
        to=address,
        subject=f"Votre entretien au guichet, {visit.reference}",
        text=summary_text(summary),
        now=act.now,
        key=f"summary-{visit.id}-{address.lower()}",
    )
    act.journal("summary-mailed", visit, personal={"email": address})
    tell(act.db, visit)


@routes.post("/visits/{id}/summary/print", access=Permission.SERVE, body=CommandIdBody, answer=CommandOut, form=True)
async def print_it(context: Context, body: CommandIdBody) -> CommandOut:
    """Print the summary at the booth."""
    act = act_of(context)
    return CommandOut.of(await print_summary(act, context.services.vault, context.path_id(), body.command_id))


@routes.post("/visits/{id}/summary/mail", access=Permission.SERVE, body=EmailBody, form=True)
async def mail_it(context: Context, body: EmailBody) -> None:
    """Send the summary by e-mail."""
    await mail_summary(act_of(context), context.path_id(), body.email)
    context.services.jobs.wake()
