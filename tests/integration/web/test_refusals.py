"""How the server says no: a slug that stays, a sentence for a person, the same thing as JSON and as a page."""

from __future__ import annotations

import importlib
import pkgutil
import re
from collections import Counter

import pytest

import cvq_advisor_console
import cvq_core
import cvq_desk
from cvq_core.errors import Refusal, all_refusals
from cvq_core.text import translator, unbroken
from cvq_core.web.problems import describe
from tests.integration.desk_visits.ground import API, Ground


def every_refusal() -> list[type[Refusal]]:
    """Every refusal of the server's components; their modules are imported first."""
    for component in (cvq_core, cvq_desk, cvq_advisor_console):
        for module in pkgutil.walk_packages(component.__path__, f"{component.__name__}."):
            if ".locale" not in module.name and not module.name.endswith("__main__"):
                importlib.import_module(module.name)
    server = ("cvq_core.", "cvq_desk.", "cvq_advisor_console.")
    return sorted({kind for kind in all_refusals() if kind.__module__.startswith(server)}, key=lambda kind: kind.slug)


REFUSALS = every_refusal()


@pytest.mark.parametrize("kind", REFUSALS, ids=lambda kind: kind.slug)
def test_a_refusal_has_a_slug_a_status_and_a_french_sentence(kind: type[Refusal]) -> None:
    assert re.fullmatch(r"[a-z][a-z0-9]*(-[a-z0-9]+)*", kind.slug)
    assert 400 <= kind.status < 600
    problem = describe(kind(), translator("fr"))
    assert problem["title"] == unbroken(kind.message).format_map(Places())
    assert problem["title"][0].isupper() or problem["title"].startswith("…")
    assert problem["title"].endswith((".", "!", "?"))
    assert {"type": f"/problems/{kind.slug}", "status": kind.status, "slug": kind.slug}.items() <= problem.items()


class Places(dict[str, str]):
    def __missing__(self, key: str) -> str:
        return "…"


def test_no_two_refusals_share_a_slug() -> None:
    # Save one: the key of a request and the identifier of a transaction say the same thing, at two depths.
    shared = {slug for slug, count in Counter(kind.slug for kind in REFUSALS).items() if count > 1}
    assert shared == {"idempotency-mismatch"}


async def test_a_program_gets_problem_json_and_a_person_gets_a_page(ground: Ground) -> None:
    nadia = await ground.as_staff("nadia")
    path = f"{ground.url}/console/{ground.appointment}"
    async with ground.session.get(path, headers=nadia.headers) as answer:
        assert (answer.status, answer.content_type) == (404, "application/problem+json")
        assert set(await answer.json()) == {"type", "title", "status", "slug", "detail"}
    async with ground.session.get(path, headers={**nadia.headers, "Accept": "text/html"}) as answer:
        page = await answer.text()
        assert (answer.status, answer.content_type) == (404, "text/html")
    assert "Cette page ou cette fiche n’existe pas" in page
    assert "404" not in re.sub(r"<[^>]*>", "", page)


async def test_a_wrong_field_is_named_with_a_sentence(ground: Ground) -> None:
    nadia = await ground.as_staff("nadia")
    visit = await ground.visit_in_call(nadia)
    answer = await nadia.post(f"{API}/visits/{visit}/show", {"page": "the moon"})
    assert (answer.status, answer.slug) == (422, "bad-input")
    assert answer.body["fields"] == {"page": "Ce choix n’existe pas ou n’existe plus."}


async def test_a_verb_that_an_address_does_not_know_is_said_so(ground: Ground) -> None:
    async with ground.session.delete(f"{ground.url}/livez") as answer:
        assert (answer.status, (await answer.json())["slug"]) == (405, "method-not-allowed")
