"""Refusals on their way out: RFC 9457 problem JSON for programs, a page for people."""

from __future__ import annotations

import gettext
from typing import Any

from aiohttp import web
from pydantic import ValidationError

from cvq_core.errors import N_, BadInput, Forbidden, NotFound, Refusal, TooLarge
from cvq_core.text import choose_language, translator
from cvq_core.web.context import LANGUAGE, SERVICES


class MethodUnknown(Refusal):
    """The address exists, but not for this verb."""

    slug = "method-not-allowed"
    status = 405
    message = N_("Cette adresse ne s’utilise pas ainsi.")


class NotJson(BadInput):
    """The body is not the JSON that was announced."""

    slug = "not-json"
    status = 400
    message = N_("Ce qui a été envoyé n’est pas du JSON lisible.")
    what_to_do = ""


class WrongContentType(Refusal):
    """The body's type is not the one that the route takes."""

    slug = "wrong-content-type"
    status = 415
    message = N_("Ce type de contenu n’est pas accepté ici.")


class CrossSite(Forbidden):
    """The request did not come from our own pages."""

    slug = "cross-site"
    message = N_("Cette demande ne vient pas d’une page de ce service.")
    what_to_do = N_("Ouvrez la page depuis son adresse habituelle, puis recommencez.")


class InternalTrouble(Refusal):
    """A fault of ours."""

    slug = "internal-error"
    status = 500
    message = N_("Une panne est survenue de notre côté.")
    what_to_do = N_("Rien n’a été enregistré. Recommencez ; si cela se répète, prévenez l’administrateur.")


BADLY_WRITTEN = N_("Cette valeur est mal écrite.")
FIELD_SENTENCES = {
    "missing": N_("Ce champ est nécessaire."),
    "string_too_short": N_("Ce champ est nécessaire."),
    "string_too_long": N_("Ce texte est trop long."),
    "int_parsing": N_("Un nombre entier est attendu."),
    "int_type": N_("Un nombre entier est attendu."),
    "date_from_datetime_parsing": N_("Une date est attendue, par exemple 12/05/1941."),
    "date_parsing": N_("Une date est attendue, par exemple 12/05/1941."),
    "uuid_parsing": N_("Ce choix n’existe pas ou n’existe plus."),
    "enum": N_("Ce choix n’existe pas ou n’existe plus."),
    "literal_error": N_("Ce choix n’existe pas ou n’existe plus."),
    "greater_than": N_("Cette valeur est trop petite."),
    "greater_than_equal": N_("Cette valeur est trop petite."),
    "less_than": N_("Cette valeur est trop grande."),
    "less_than_equal": N_("Cette valeur est trop grande."),
}


def from_validation(error: ValidationError) -> BadInput:
    """Turn pydantic's findings into a refusal that names the fields."""
    fields = {
        ".".join(str(part) for part in place["loc"]): FIELD_SENTENCES.get(
            place["type"], N_("Cette valeur est mal écrite.")
        )
        for place in error.errors(include_url=False, include_input=False)
    }
    return BadInput(fields=fields)


def from_http(error: web.HTTPException) -> Refusal:
    """Turn aiohttp's own errors into refusals."""
    known: dict[int, type[Refusal]] = {403: Forbidden, 404: NotFound, 405: MethodUnknown, 413: TooLarge}
    return known.get(error.status, BadInput)()


def describe(refusal: Refusal, words: gettext.NullTranslations) -> dict[str, Any]:
    """Return the problem object: `type`, `title`, `status`, `slug`, `detail` and, for input, `fields`."""

    def say(sentence: str) -> str:
        return words.gettext(sentence).format_map(_Facts(refusal.facts)) if sentence else ""

    problem: dict[str, Any] = {
        "type": f"/problems/{refusal.slug}",
        "title": say(refusal.message),
        "status": refusal.status,
        "slug": refusal.slug,
        "detail": say(refusal.what_to_do),
    }
    if fields := refusal.facts.get("fields"):
        problem["fields"] = {name: say(sentence) for name, sentence in fields.items()}
    return problem


class _Facts(dict[str, Any]):
    def __missing__(self, key: str) -> str:
        return "…"


def wants_page(request: web.Request) -> bool:
    """Whether a person's browser asks for a page, rather than a program or one of our modules."""
    return not request.path.startswith("/api/") and "text/html" in request.headers.get("Accept", "")


def answer(request: web.Request, refusal: Refusal) -> web.Response:
    """Return the response for a refusal."""
    language = request.get(LANGUAGE) or choose_language(request.headers.get("Accept-Language"))
    problem = describe(refusal, translator(language))
    headers = {"Retry-After": str(refusal.facts["retry_after_s"])} if "retry_after_s" in refusal.facts else {}
    if wants_page(request):
        services = request.app[SERVICES]
        html = services.templates.render(
            "problem.html", language, problem=problem, path=request.path_qs, now=services.clock()
        )
        return web.Response(text=html, content_type="text/html", status=refusal.status, headers=headers)
    return web.json_response(problem, status=refusal.status, content_type="application/problem+json", headers=headers)
