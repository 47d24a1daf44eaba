"""A form's draft: each answer is kept as it is typed, the newest one wins, and nothing else is kept."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from aiohttp import ClientSession

from cvq_core.live.tables import LiveEvent
from cvq_desk.booths.view import booth_view
from cvq_desk.dossiers.store import answers_of
from cvq_desk.dossiers.tables import DraftField
from cvq_desk.forms.rules import TOO_LONG
from tests.integration.desk_visits.ground import API, Answer, Caller, Ground, ground_on
from tests.served import served

NIR = "2 41 05 79 195 123 45"


@pytest.fixture
async def dossier(nadia: Caller, visit: str) -> str:
    return await open_form(nadia, visit)


async def open_form(caller: Caller, visit: str) -> str:
    return str((await caller.post(f"{API}/visits/{visit}/forms", {"form": "cv"})).body["id"])


async def save(caller: Caller, dossier: str, field: str, values: Any, revision: int = 1) -> Answer:
    body = {"field": field, "values": values, "revision": revision}
    return await caller.post(f"{API}/dossiers/{dossier}/draft", body)


async def answers(ground: Ground, dossier: str) -> dict[str, list[str]]:
    async with ground.database.read() as db:
        return await answers_of(db, UUID(dossier))


async def form_region(caller: Caller, visit: str) -> str:
    """The form as a page that was reloaded shows it."""
    return str((await caller.get(f"/console/{visit}/fragments/form")).body.decode())


async def test_answers_saved_field_by_field_are_there_after_a_reload(nadia: Caller, visit: str, dossier: str) -> None:
    assert (await save(nadia, dossier, "full_name", "Jeanne Moreau")).body["trouble"] == ""
    await save(nadia, dossier, "driving", ["car"])
    await save(nadia, dossier, "skills", "Tenir une ferme\net des comptes")
    assert await open_form(nadia, visit) == dossier
    page = await form_region(nadia, visit)
    assert 'value="Jeanne Moreau"' in page
    assert "Tenir une ferme\net des comptes" in page


async def test_a_draft_outlives_the_server_that_took_it(database_url: str, tmp_path: Path) -> None:
    async with ground_on(database_url, tmp_path) as ground:
        nadia = await ground.as_staff("nadia")
        visit = await ground.visit_in_call(nadia)
        dossier = await open_form(nadia, visit)
        await save(nadia, dossier, "full_name", "Jeanne Moreau", 7)
    async with served(database_url, tmp_path, now=ground.hour()) as site, ClientSession() as session:
        again = replace(nadia, site_url=site.url, session=session)
        assert 'value="Jeanne Moreau"' in await form_region(again, visit)
        await save(again, dossier, "full_name", "Jeanne Mor", 6)
        await save(again, dossier, "headline", "Comptable", 8)
        page = await form_region(again, visit)
    assert 'value="Jeanne Moreau"' in page
    assert 'value="Comptable"' in page


async def test_an_older_version_that_arrives_late_changes_nothing(
    ground: Ground, nadia: Caller, visit: str, dossier: str
) -> None:
    await save(nadia, dossier, "full_name", "Jeanne Moreau", 5)
    await save(nadia, dossier, "headline", "Compta", 6)
    before, told = await ground.state_of_business(), await ground.count(LiveEvent, LiveEvent.kind == "field")
    for revision in (4, 5):
        assert (await save(nadia, dossier, "full_name", "Jeanne", revision)).status == 200
    assert await ground.state_of_business() == before
    assert await ground.count(LiveEvent, LiveEvent.kind == "field") == told
    assert (await ground.visit(visit)).current_field == "headline"


async def test_keys_that_arrive_all_at_once_leave_the_last_one(ground: Ground, nadia: Caller, dossier: str) -> None:
    typed = {revision: "Jeanne Moreau"[:revision] for revision in range(1, 14)}
    late_first = sorted(typed, key=lambda revision: (revision * 5) % 13)
    saved = await asyncio.gather(*(save(nadia, dossier, "full_name", typed[each], each) for each in late_first))
    assert {answer.status for answer in saved} == {200}
    assert await answers(ground, dossier) == {"full_name": ["Jeanne Moreau"]}


async def test_what_is_typed_is_on_screen_2_with_its_field_marked(
    ground: Ground, nadia: Caller, visit: str, dossier: str
) -> None:
    await save(nadia, dossier, "full_name", "Jeanne Moreau")
    await save(nadia, dossier, "headline", "Comp")
    async with ground.database.read() as db:
        view = await booth_view(db, ground.booth, now=ground.hour(), settings=ground.services.settings)
    assert view.visit is not None
    assert view.visit.form is not None
    shown = [(field.name, field.value, field.current) for field in view.visit.form.fields]
    assert shown == [("full_name", "Jeanne Moreau", False), ("headline", "Comp", True)]


@pytest.mark.parametrize("field", ["salary", "experience.2.job", "experience.count", "", "é"])
async def test_a_field_that_the_form_does_not_have_is_refused(
    ground: Ground, nadia: Caller, dossier: str, field: str
) -> None:
    before = await ground.state_of_business()
    answer = await save(nadia, dossier, field, "x")
    assert (answer.status, answer.slug) == (422, "unknown-field")
    assert await ground.state_of_business() == before
    assert await ground.refusals("unknown-field") == 1


async def test_a_section_that_stands_once_more_has_fields_of_its_own(
    ground: Ground, nadia: Caller, dossier: str
) -> None:
    assert (await nadia.post(f"{API}/dossiers/{dossier}/sections", {"section": "experience", "by": 1})).status == 204
    assert (await save(nadia, dossier, "experience.2.job", "Vachère")).status == 200
    assert (await save(nadia, dossier, "experience.3.job", "Vachère")).slug == "unknown-field"
    assert (await answers(ground, dossier))["experience.2.job"] == ["Vachère"]


async def test_too_long_an_answer_is_said_so_cut_and_never_finished(
    ground: Ground, nadia: Caller, dossier: str
) -> None:
    assert (await save(nadia, dossier, "full_name", "a" * 100_000)).body["trouble"] == TOO_LONG
    assert len((await answers(ground, dossier))["full_name"][0]) == 121
    refused = await nadia.post(f"{API}/dossiers/{dossier}/complete")
    assert (refused.slug, refused.body["fields"]["full_name"]) == ("form-incomplete", TOO_LONG)


@pytest.mark.parametrize(
    "wrong", [{"values": ["x"] * 21}, {"values": [None]}, {"revision": -1}, {"revision": 2**60}, {"field": "x" * 61}]
)
async def test_a_save_out_of_bounds_is_refused(
    ground: Ground, nadia: Caller, dossier: str, wrong: dict[str, Any]
) -> None:
    body = {"field": "full_name", "values": ["x"], "revision": 1, **wrong}
    answer = await nadia.post(f"{API}/dossiers/{dossier}/draft", body)
    assert (answer.status, answer.slug) == (422, "bad-input")
    assert [field.split(".")[0] for field in answer.body["fields"]] == list(wrong)
    assert await answers(ground, dossier) == {}


async def test_a_social_security_number_is_written_down_nowhere(ground: Ground, nadia: Caller, dossier: str) -> None:
    answer = await save(nadia, dossier, "skills", f"Mon numéro : {NIR}")
    assert (answer.status, answer.slug) == (422, "nir-refused")
    assert NIR not in repr(answer.body)
    assert await ground.count(DraftField) == 0
    assert await ground.refusals("nir-refused") == 1


async def test_a_finished_form_takes_no_answer_until_it_is_opened_again(
    ground: Ground, nadia: Caller, dossier: str
) -> None:
    for field, value in (("full_name", "Jeanne Moreau"), ("headline", "Comptable"), ("phone", "05 49 64 00 00")):
        await save(nadia, dossier, field, value)
    assert (await nadia.post(f"{API}/dossiers/{dossier}/complete")).status == 200
    assert (await save(nadia, dossier, "headline", "Vachère", 2)).slug == "dossier-complete"
    assert (await answers(ground, dossier))["headline"] == ["Comptable"]
    assert (await nadia.post(f"{API}/dossiers/{dossier}/reopen")).status == 200
    assert (await save(nadia, dossier, "headline", "Vachère", 2)).status == 200


async def test_nothing_is_written_once_the_visit_is_over(
    ground: Ground, nadia: Caller, visit: str, dossier: str
) -> None:
    await nadia.post(f"{API}/visits/{visit}/end")
    assert (await save(nadia, dossier, "full_name", "Jeanne Moreau")).status == 200
    await nadia.post(f"{API}/visits/{visit}/wipe")
    before = await ground.state_of_business()
    assert (await save(nadia, dossier, "full_name", "Jeanne", 2)).slug == "visit-state"
    assert (await nadia.post(f"{API}/visits/{visit}/forms", {"form": "cv"})).slug == "visit-state"
    assert await ground.state_of_business() == before
