"""What the forms of families share: a thing is tried and taken back, the last question is asked, then it is done."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import date
from typing import Literal, TypeVar
from uuid import UUID

from aiohttp import web
from pydantic import BaseModel

from cvq_advisor_console.views.families import FormPage, RhythmPage
from cvq_core.errors import N_, Refusal
from cvq_core.text import short_date
from cvq_core.web import Context
from cvq_core.web.problems import describe

T = TypeVar("T")
Page = TypeVar("Page", FormPage, RhythmPage)

LASTING = N_(
    "Cela ne s’efface pas : une erreur se corrige par un autre enregistrement, et l’historique garde les deux."
)
INCOMPLETE = N_("Il manque une réponse : remplissez chaque champ, puis continuez.")


class StepForm(BaseModel):
    """A form that asks once more: `sure` comes from the last question. `key` was made with the form."""

    key: UUID
    sure: Literal["oui", ""] = ""

    @property
    def hidden(self) -> tuple[tuple[str, str], ...]:
        """What the last question sends along: everything that was answered."""
        sent = self.model_dump(mode="json", exclude={"sure"}, exclude_none=True)
        pairs = [
            (name, each) for name, value in sent.items() for each in (value if isinstance(value, list) else [value])
        ]
        return (*((name, str(value)) for name, value in pairs), ("sure", "oui"))


async def step(context: Context, form: StepForm, act: Callable[[], Awaitable[T]]) -> T | Refusal:
    """Do something once it is sure; before that try it, take it back, and return what it would have answered.

    A refusal is returned, to be said on the form. What `act` returns must not be rows: they are taken back too.

    Raises:
        Refusal: it was sure, and meanwhile it is not possible any more.
    """
    if form.sure:
        return await act()
    try:
        async with context.db.begin_nested() as savepoint:
            result = await act()
            await savepoint.rollback()
    except Refusal as refusal:
        return refusal
    return result


def again(context: Context, template: str, page: Page, refusal: Refusal | str) -> web.Response:
    """Show a form again with what is wrong, what was typed still in it."""
    if isinstance(refusal, str):
        shown = replace(page, error=context._(refusal))
    else:
        problem = describe(refusal, context.words)
        shown = replace(page, error=problem["title"], todo=problem["detail"])
    return context.page(template, status=422, view=shown)


def day_words(context: Context, day: date) -> str:
    """Return a day as the pages say it."""
    return short_date(day, context.language)


def file_url(account_id: UUID, more: str = "") -> str:
    """Return the address of a family's file, or of something about it."""
    return f"/familles/{account_id}{more}"
