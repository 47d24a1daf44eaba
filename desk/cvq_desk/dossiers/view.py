"""The form as it grows on screen 2."""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncSession

from cvq_desk.dossiers.store import answers_of
from cvq_desk.dossiers.tables import Dossier
from cvq_desk.forms.catalogue import form_by_code
from cvq_desk.forms.rules import places, spoken
from cvq_desk.visits.tables import Visit
from cvq_desk.wire import FieldView, FormView


async def form_view(db: AsyncSession, visit: Visit, *, language: str) -> FormView | None:
    """Return the form that is open in a visit: what was answered, and the field being written even if still empty."""
    if visit.current_dossier_id is None:
        return None
    dossier = await db.get_one(Dossier, visit.current_dossier_id)
    if not dossier.form_code:
        return None
    form = form_by_code(dossier.form_code)
    answers = await answers_of(db, dossier.id)
    fields = []
    for place in places(form, answers):
        value = spoken(place.field, answers.get(place.name, ()), language)
        current = place.name == visit.current_field
        if value or current:
            fields.append(FieldView(name=place.name, label=place.field.label, value=value, current=current))
    return FormView(title=form.title, fields=fields, complete=dossier.status == "complete")
