"""The forms that this installation has: those of the package, read once."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

import yaml

from cvq_core.errors import N_, NotFound
from cvq_desk.forms.rules import FormDefinition


class UnknownForm(NotFound):
    """No form bears this code."""

    slug = "unknown-form"
    message = N_("Ce formulaire n’existe pas ici.")


@cache
def all_forms() -> dict[str, FormDefinition]:
    """Return every form by its code; a definition that is wrong stops the start with its file's name."""
    found = {}
    for entry in sorted((files("cvq_desk.forms") / "definitions").iterdir(), key=lambda entry: entry.name):
        if entry.name.endswith(".yaml"):
            try:
                form = FormDefinition.model_validate(yaml.safe_load(entry.read_text("utf-8")))
            except ValueError as error:
                raise RuntimeError(f"the form in {entry.name} is wrong: {error}") from error
            found[form.code] = form
    return found


def form_by_code(code: str) -> FormDefinition:
    """Return a form.

    Raises:
        UnknownForm: there is none.
    """
    try:
        return all_forms()[code]
    except KeyError:
        raise UnknownForm from None
