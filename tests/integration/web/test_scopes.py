"""Holding a permission somewhere is not holding it everywhere: each identifier of another place is refused."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import pytest_asyncio
from sqlalchemy import select

from cvq_core.ids import new_id
from cvq_core.offices.rules import Officer
from cvq_core.staff.rules import Role
from cvq_desk.booking.alerts import raise_alert
from cvq_desk.booking.tables import Alert, Booth
from cvq_desk.dossiers.tables import Document
from tests.core_examples import create_counter, create_services
from tests.factories import make_staff
from tests.integration.desk_visits.ground import API, Caller, Ground, ground_on

pytestmark = pytest.mark.asyncio(loop_scope="module")
SLUGS = {403: {"out-of-scope", "not-your-visit", "forbidden", "not-your-drawer", "no-mandate"}, 404: {"not-found"}}

VISIT_ROUTES = {
    "GET /api/v1/visits/{visit}": None,
    "GET /api/v1/visits/{visit}/commands": None,
    "GET /console/{visit}": None,
    "GET /dock/{visit}": None,
    "GET /console/{visit}/fragments/person": None,
    "GET /console/{visit}/resume.pdf": None,
    "GET /api/v1/documents/{document}/content": None,
    "POST /api/v1/visits/{visit}/call": None,
    "POST /api/v1/visits/{visit}/reservations/{nothing}/cancel": None,
    "POST /api/v1/visits/{visit}/reservations/{nothing}/accept": None,
    "POST /api/v1/visits/{visit}/release": None,
    "POST /api/v1/visits/{visit}/hang-up": None,
    "POST /api/v1/visits/{visit}/end": None,
    "POST /api/v1/visits/{visit}/go-back": None,
    "POST /api/v1/visits/{visit}/wipe": None,
    "POST /api/v1/visits/{visit}/identity": {"identity": "none"},
    "POST /api/v1/visits/{visit}/consents": {"account_id": "{nothing}", "scopes": ["cards"]},
    "POST /api/v1/visits/{visit}/consents/{nothing}/spoken": {"agreed": True},
    "POST /api/v1/visits/{visit}/alerts": {"kind": "help"},
    "POST /api/v1/visits/{visit}/without-card": None,
    "POST /api/v1/visits/{visit}/close-account": None,
    "POST /api/v1/visits/{visit}/show": {"page": "papers"},
    "POST /api/v1/visits/{visit}/curtain": {"drawn": True},
    "POST /api/v1/visits/{visit}/window": {"shared": True},
    "POST /api/v1/visits/{visit}/scan": {},
    "POST /api/v1/visits/{visit}/still": {},
    "POST /api/v1/visits/{visit}/commands/{nothing}/cancel": None,
    "POST /api/v1/visits/{visit}/forms": {"form": "cv"},
    "POST /api/v1/visits/{visit}/print": {"document_id": "{document}"},
    "POST /api/v1/visits/{visit}/summary/print": {},
    "POST /api/v1/visits/{visit}/summary/mail": {"email": "jeanne@example.org"},
    "POST /api/v1/dossiers/{dossier}/draft": {"field": "job", "values": ["x"], "revision": 1},
    "POST /api/v1/dossiers/{dossier}/sections": {"section": "experience", "by": 1},
    "POST /api/v1/dossiers/{dossier}/complete": None,
    "POST /api/v1/dossiers/{dossier}/reopen": None,
    "POST /console/{visit}/complete": None,
}
TOWN_HALL_ROUTES = {
    "GET /api/v1/town-halls/{town_hall}/appointments": None,
    "GET /api/v1/town-halls/{town_hall}/alerts": None,
    "GET /api/v1/town-halls/{town_hall}/slots?organisation_id={msa}&day=2026-03-04": None,
    "POST /api/v1/appointments/{appointment}/events": {"event": "arrive"},
    "POST /api/v1/appointments/{appointment}/move": {"starts_at": "2026-03-04T10:00:00+01:00"},
    "POST /api/v1/appointments/{appointment}/vouch": None,
    "POST /api/v1/alerts/{alert}/settle": None,
    "POST /mairie/{town_hall}/chercher": {"q": "moreau"},
    "POST /mairie/rendez-vous/{appointment}/atteste": None,
    "GET /mairie/rendez-vous/{appointment}/deplacer": None,
    "POST /mairie/rendez-vous/{appointment}/arrive": None,
    "GET /mairie/rendez-vous/{appointment}/bulletin.pdf": None,
    "POST /mairie/alertes/{alert}/vu": None,
    "GET /mairie/{town_hall}/fragments/jour": None,
}


@dataclass(frozen=True, slots=True)
class Places:
    """The ground, with a visit in call, its papers, an alert, and secretaries of two town halls."""

    ground: Ground
    ids: dict[str, str] = field(default_factory=dict)
    callers: dict[str, Caller] = field(default_factory=dict)

    async def ask(self, who: str, route: str, body: object) -> tuple[int, str]:
        method, path = route.split(" ", 1)
        filled = {
            name: value.format(**self.ids) if isinstance(value, str) else value
            for name, value in (body.items() if isinstance(body, dict) else ())
        }
        path = path.format(**self.ids)
        caller = self.callers[who]
        answer = await (caller.get(path) if method == "GET" else caller.post(path, None if body is None else filled))
        return answer.status, answer.slug


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def places(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Places]:
    folder = tmp_path_factory.mktemp("scopes")
    shutil.copyfile(sqlite_template, folder / "cvq.sqlite")
    async with ground_on(f"sqlite:///{folder}/cvq.sqlite", folder) as ground:
        places = Places(ground)
        async with ground.database.write() as db:
            elsewhere = await db.get_one(Booth, ground.other_booth)
            other = await make_staff(db, Role.SECRETARY, elsewhere.town_hall_id, "odile")
            ground.staff["odile"] = other.id
            await create_services(db)
            office = await create_counter(db, Officer(ground.staff["sylvie"], "Sylvie Martin"))
        for login in ("nadia", "hugo", "ines", "sylvie", "odile"):
            places.callers[login] = await ground.as_staff(login)
        nadia = places.callers["nadia"]
        visit = await ground.visit_in_call(nadia)
        dossier = (await nadia.post(f"{API}/visits/{visit}/forms", {"form": "cv"})).body["id"]
        await nadia.post(f"{API}/visits/{visit}/summary/print", {})
        drawer = new_id()
        opened = await places.callers["sylvie"].post(
            f"{API}/sub-offices/{office.id}/drawers", {"id": str(drawer), "float_cents": 2000}
        )
        assert opened.status == 201, opened
        async with ground.database.write() as db:
            document = (await db.scalars(select(Document))).one()
            await raise_alert(
                db,
                town_hall_id=ground.town_hall,
                booth_id=ground.booth,
                visit_id=None,
                kind="help",
                now=ground.hour(),
            )
            await db.flush()
            alert = (await db.scalars(select(Alert))).one()
        places.ids.update(
            visit=visit,
            dossier=dossier,
            document=str(document.id),
            alert=str(alert.id),
            town_hall=str(ground.town_hall),
            appointment=str(ground.appointment),
            msa=str(ground.msa),
            sub_office=str(office.id),
            drawer=str(drawer),
            nothing=str(new_id()),
        )
        yield places


@pytest.mark.parametrize("route", VISIT_ROUTES)
async def test_a_visit_obeys_the_advisor_who_leads_it_and_no_colleague(places: Places, route: str) -> None:
    assert await places.ask("hugo", route, VISIT_ROUTES[route]) == (403, "not-your-visit")
    assert await places.ask("ines", route, VISIT_ROUTES[route]) == (403, "out-of-scope")
    if route.startswith("GET"):
        assert (await places.ask("nadia", route, None))[0] == 200


@pytest.mark.parametrize("route", TOWN_HALL_ROUTES)
async def test_a_town_hall_obeys_its_own_secretary_and_no_other(places: Places, route: str) -> None:
    before = await places.ground.state_of_business()
    status, slug = await places.ask("odile", route, TOWN_HALL_ROUTES[route])
    assert slug in SLUGS.get(status, ()), (status, slug)
    assert await places.ground.state_of_business() == before
    if route.startswith("GET"):
        assert (await places.ask("sylvie", route, None))[0] == 200


async def test_nobody_is_taken_from_the_queue_of_another_organisation(places: Places) -> None:
    waiting = await places.ground.new_appointment()
    assert await places.ask("ines", f"POST /api/v1/appointments/{waiting}/take", None) == (403, "out-of-scope")
    assert (await places.callers["ines"].get(f"{API}/queue")).body == {"items": []}


@pytest.mark.parametrize(
    ("route", "body"),
    [
        ("POST /api/v1/sub-offices/{sub_office}/drawers", {"id": "{nothing}", "float_cents": 100}),
        ("GET /api/v1/drawers/{drawer}", None),
        ("POST /api/v1/drawers/{drawer}/close", {"counted": {}}),
    ],
)
async def test_a_sub_office_obeys_its_mandatary_alone(places: Places, route: str, body: object) -> None:
    before = await places.ground.state_of_business()
    status, _ = await places.ask("odile", route, body)
    assert status in (403, 404)
    assert await places.ground.state_of_business() == before


async def test_a_booth_gets_no_file_that_was_given_to_another_booth(places: Places) -> None:
    path = f"{API}/booth/files/{places.ids['document']}"
    assert (await (await places.ground.as_booth()).get(path)).status == 200
    assert (await (await places.ground.as_booth(places.ground.other_booth)).get(path)).status == 404
