"""A family that leaves, and one that comes back."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from aiohttp import web
from pydantic import Field

from cvq_advisor_console.families.file import household_title
from cvq_advisor_console.families.steps import INCOMPLETE, StepForm, again, file_url, step
from cvq_advisor_console.views.families import FieldView, FormPage, SurePage
from cvq_core.errors import N_, Refusal
from cvq_core.families.departures import close_account, reopen_account, what_is_there
from cvq_core.families.rules import WHAT_WORDS, What
from cvq_core.ids import new_id
from cvq_core.people.store import family_account_by_id
from cvq_core.people.tables import FamilyAccount
from cvq_core.services.rules import SERVICE_LABELS, ServiceCode
from cvq_core.staff import Permission
from cvq_core.text import money
from cvq_core.web import Context, Routes

routes = Routes("/familles", tag="pages")


class ReasonForm(StepForm):
    """Something done to an account, and why."""

    reason: str = Field("", max_length=200)


@routes.get("/{id}/fermer", access=Permission.FAMILIES)
async def closing_page(context: Context) -> web.Response:
    """Show what a departure leaves behind, and ask why the account closes."""
    account = await family_account_by_id(context.db, context.path_id())
    return context.page("family_form.html", view=await _closing(context, account, ReasonForm(key=new_id())))


@routes.post("/{id}/fermer", access=Permission.FAMILIES, body=ReasonForm, form=True)
async def closing(context: Context, form: ReasonForm) -> web.Response:
    """Close the account of a family that leaves, once that is sure."""
    account = await family_account_by_id(context.db, context.path_id())
    page = await _closing(context, account, form)
    reason = " ".join(form.reason.split())
    if len(reason) < 3:
        return again(context, "family_form.html", page, INCOMPLETE)

    async def act() -> None:
        await close_account(
            context.db, form.key, account_id=account_id, reason=reason, by=context.principal.id, now=context.now
        )

    account_id, about = account.id, page.about
    outcome = await step(context, form, act)
    if isinstance(outcome, Refusal):
        return again(context, "family_form.html", page, outcome)
    if not form.sure:
        sure = SurePage(
            title=context._(N_("Fermer ce compte ?")),
            about=about,
            url=file_url(account_id, "/fermer"),
            back_url=file_url(account_id),
            button=context._(N_("Oui, fermer le compte")),
            said=(
                *page.said,
                context._(N_("Les rôles de chacun prennent fin aujourd’hui ; les cartes restent aux personnes.")),
                context._(N_("Motif : {reason}."), reason=reason.rstrip(".")),
            ),
            hidden=form.hidden,
        )
        return context.page("family_sure.html", view=sure)
    await context.journal_once("account-closed", form.key, subject=("account", account_id), account_id=account_id)
    return context.redirect(file_url(account_id))


@routes.get("/{id}/rouvrir", access=Permission.FAMILIES)
async def reopening_page(context: Context) -> web.Response:
    """Ask why a closed account reopens."""
    account = await family_account_by_id(context.db, context.path_id())
    return context.page("family_form.html", view=_reopening(context, account, ReasonForm(key=new_id())))


@routes.post("/{id}/rouvrir", access=Permission.FAMILIES, body=ReasonForm, form=True)
async def reopening(context: Context, form: ReasonForm) -> web.Response:
    """Let the account of a family that comes back go on, once that is sure."""
    account = await family_account_by_id(context.db, context.path_id())
    page, account_id = _reopening(context, account, form), account.id
    reason = " ".join(form.reason.split())
    if len(reason) < 3:
        return again(context, "family_form.html", page, INCOMPLETE)

    async def act() -> None:
        await reopen_account(
            context.db, form.key, account_id=account_id, reason=reason, by=context.principal.id, now=context.now
        )

    outcome = await step(context, form, act)
    if isinstance(outcome, Refusal):
        return again(context, "family_form.html", page, outcome)
    if not form.sure:
        sure = SurePage(
            title=context._(N_("Rouvrir ce compte ?")),
            about=page.about,
            url=page.url,
            back_url=page.back_url,
            button=context._(N_("Oui, rouvrir le compte")),
            said=(*page.said, context._(N_("Motif : {reason}."), reason=reason.rstrip("."))),
            hidden=form.hidden,
        )
        return context.page("family_sure.html", view=sure)
    await context.journal_once("account-reopened", form.key, subject=("account", account_id), account_id=account_id)
    return context.redirect(file_url(account_id))


def _reopening(context: Context, account: FamilyAccount, form: ReasonForm) -> FormPage:
    return FormPage(
        title=context._(N_("Rouvrir le compte d’une famille qui revient")),
        about=household_title(context, account),
        url=file_url(account.id, "/rouvrir"),
        back_url=file_url(account.id),
        button=context._(N_("Continuer")),
        fields=(
            FieldView(
                "reason",
                context._(N_("Pourquoi ?")),
                value=form.reason,
                hint=context._(N_("Par exemple « fermé par erreur ».")),
            ),
        ),
        hidden=(("key", str(form.key)),),
        said=(
            context._(N_("Reviennent ceux qui en faisaient partie, avec leurs rôles, à partir d’aujourd’hui.")),
            context._(N_("Un enfant entré depuis dans un autre compte y reste.")),
        ),
    )


async def _closing(context: Context, account: FamilyAccount, form: ReasonForm) -> FormPage:
    return FormPage(
        title=context._(N_("Fermer le compte d’une famille qui part")),
        about=household_title(context, account),
        url=file_url(account.id, "/fermer"),
        back_url=file_url(account.id),
        button=context._(N_("Continuer")),
        fields=(
            FieldView(
                "reason",
                context._(N_("Pourquoi ?")),
                value=form.reason,
                hint=context._(N_("Par exemple « déménagement ».")),
            ),
        ),
        hidden=(("key", str(form.key)),),
        said=await _what_is_left(context, account.id),
    )


async def _what_is_left(context: Context, account_id: UUID) -> tuple[str, ...]:
    """Return in words what the account holds and owes, and what becomes of it."""
    found = await what_is_there(context.db, account_id)
    if not found:
        return (context._(N_("Rien ne reste sur ce compte : ni argent, ni dette.")),)
    return (*_left_lines(context, found), *_left_meaning(context, found))


def _left_lines(context: Context, found: Sequence[tuple[ServiceCode | None, int, What]]) -> list[str]:
    return [
        context._(
            N_("{service} : {amount}, {what}."),
            service=context._(SERVICE_LABELS[service]) if service else context._(N_("Facture")),
            amount=money(cents, context.language),
            what=context._(WHAT_WORDS[what]),
        )
        for service, cents, what in found
    ]


def _left_meaning(context: Context, found: Sequence[tuple[ServiceCode | None, int, What]]) -> list[str]:
    said = [context._(N_("Fermer ne déplace aucun argent : ces sommes restent listées jusqu’à leur règlement."))]
    if any(service is None or what is What.DEBT for service, _, what in found):
        said.append(context._(N_("La famille peut encore payer ce qu’elle doit, au guichet ou en ligne.")))
    return said
