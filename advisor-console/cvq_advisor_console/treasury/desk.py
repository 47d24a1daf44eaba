"""Whose page of the Treasury it is, and what surrounds each of its steps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from aiohttp import web

from cvq_advisor_console.views.cash import StepLink
from cvq_advisor_console.views.treasury import TreasuryPage
from cvq_core.clock import local_day
from cvq_core.errors import N_, BadInput
from cvq_core.offices.rules import Officer
from cvq_core.offices.tables import CashOffice
from cvq_core.treasury.accounts import NotTreasuryOfficer, offices_of
from cvq_core.web import Context

URL = "/tresor"
STEPS = (
    (N_("Chèques"), f"{URL}/cheques", "h", "receipt"),
    (N_("Relevé du compte"), f"{URL}/releve", "l", "list-check"),
    (N_("Restes à recouvrer"), f"{URL}/restes", "u", "user-question"),
    (N_("Caisse"), "/caisse", "c", "cash"),
)


@dataclass(frozen=True, slots=True)
class TreasuryDesk:
    """An office whose officer asks."""

    context: Context
    office: CashOffice
    officer: Officer

    def say(self, sentence: str, **facts: object) -> str:
        """Return a sentence in the language of the person who asks."""
        return self.context._(sentence, **facts)

    def page(self, *, status: int = 200, **step: Any) -> web.Response:
        """Render the page with one step on it."""
        path = self.context.request.path
        links = tuple(
            StepLink(self.say(label), url, key, icon, path.startswith(url)) for label, url, key, icon in STEPS
        )
        view = TreasuryPage(office=self.office.label, links=links, **step)
        return self.context.page("treasury.html", view=view, status=status)


async def desk_of(context: Context) -> TreasuryDesk:
    """Return the office whose officer, or substitute, asks; `regie` in the address chooses among several.

    Raises:
        NotTreasuryOfficer: of none.
    """
    assert context.principal.id is not None
    offices = await offices_of(context.db, context.principal.id, local_day(context.now))
    if not offices:
        raise NotTreasuryOfficer
    wanted = context.request.query.get("regie")
    office = next((each for each in offices if str(each.id) == wanted), offices[0])
    context.place = office.label
    return TreasuryDesk(context, office, Officer(context.principal.id, context.principal.name))


def as_list(value: str | list[str] | None, most: int) -> list[str]:
    """Return a field that a form sends once, several times or not at all.

    Raises:
        BadInput: more often than `most`.
    """
    values = [] if value is None else [value] if isinstance(value, str) else value
    if len(values) > most:
        raise BadInput
    return values
