"""Reserving over HTTP: searched, quoted, made, printed, given up; closed by its manager; and who may do which."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import time, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from aiohttp import ClientSession
from icalendar import Calendar
from sqlalchemy import select

from cvq_core.facilities.rules import Span, civil_span
from cvq_core.facilities.tables import Facility, FacilityPoint
from cvq_core.facilities.terms import kept_terms
from cvq_core.ids import new_id
from cvq_core.ledger.verify import verify
from cvq_core.services.rules import ServiceCode
from cvq_core.services.tables import Service
from cvq_core.staff.rules import Role
from tests.core_examples import TODAY, text_of_pdf
from tests.factories import make_staff, make_town_hall
from tests.integration.core.facilities.conftest import COURT_TERMS, Ground, add_person, make_ground, slot
from tests.served import Client, Site, served

API = "/api/v1"
IN_A_WEEK = TODAY + timedelta(days=7)
EIGHT = slot(IN_A_WEEK, time(8))


@dataclass(slots=True)
class Town:
    """A server with the court and the hall; Sylvie is a secretary, Benoît manages squash, Claire the halls."""

    site: Site
    ground: Ground
    sylvie: Client
    benoit: Client
    claire: Client

    def body(self, span: Span = EIGHT, **more: Any) -> dict[str, Any]:
        ids = self.ground.ids
        body = {
            "id": str(new_id()),
            "facility_id": str(ids["court"]),
            "starts_at": span.starts_at.isoformat(),
            "ends_at": span.ends_at.isoformat(),
            "person_id": str(ids["jeanne"]),
            "account_id": str(ids["family"]),
        }
        return body | more


@pytest.fixture
async def town(database_url: str, tmp_path: Path) -> AsyncIterator[Town]:
    async with served(database_url, tmp_path, smtp_url="smtp://127.0.0.1:9") as site:
        ground = Ground(site.database, site.services.settings)
        await make_ground(ground)
        ground.ids["jeanne"], ground.ids["family"] = await add_person(ground, "Jeanne", "F00001")
        async with site.database.write() as db:
            services: dict[ServiceCode, UUID] = {
                row.code: row.id for row in await db.execute(select(Service.code, Service.id))
            }
            town_hall = await make_town_hall(db)
            await make_staff(db, Role.SECRETARY, town_hall.id, "sylvie")
            await make_staff(db, Role.SERVICE_MANAGER, services[ServiceCode.SQUASH], "benoit")
            await make_staff(db, Role.SERVICE_MANAGER, services[ServiceCode.HALL], "claire")
        async with site.signed_in("sylvie") as s, site.signed_in("benoit") as b, site.signed_in("claire") as c:
            yield Town(site, ground, s, b, c)
        async with site.database.read() as db:
            assert await verify(db) == []


async def send(client: Client, path: str, body: Any = None, status: int = 200) -> Any:
    answer = await client.post(API + path, body)
    assert answer.status == status, await answer.text()
    return await answer.json()


async def read(client: Client, path: str, status: int = 200) -> Any:
    answer = await client.get(API + path)
    assert answer.status == status, await answer.text()
    return await answer.json()


async def test_a_secretary_finds_a_free_slot_knows_its_price_reserves_prints_and_cancels(town: Town) -> None:
    court = town.ground.ids["court"]
    items = (await read(town.sylvie, "/facilities"))["items"]
    assert [each["label"] for each in items] == ["Salle des fêtes", "Court 1"]
    [day] = (await read(town.sylvie, f"/facilities/{court}/days?from={IN_A_WEEK}&days=1"))["items"]
    assert (len(day["slots"]), day["slots"][0]["free"]) == (21, True)
    body = town.body()
    quote = await send(town.sylvie, "/reservations/quote", body)
    assert quote == {"booker_kind": "inhabitant", "price_cents": 700, "deposit_cents": 0, "why": ""}
    made = [await send(town.sylvie, "/reservations", body, 201) for _ in range(2)]
    assert made[0] == made[1]
    assert (made[0]["person"], made[0]["state"]) == ("MOREAU Jeanne", "booked")
    slip = await town.sylvie.get(f"{API}/reservations/{body['id']}/slip.pdf")
    text = text_of_pdf(await slip.read())
    assert "Mardi 10 mars 2026" in text
    assert "la porte s’ouvre de 7 h 50 à 8 h 50" in text
    assert "Moreau" not in text
    entry = Calendar.from_ical(await (await town.sylvie.get(f"{API}/reservations/{body['id']}/calendar.ics")).read())
    [event] = entry.walk("VEVENT")
    assert (event["SUMMARY"], event.decoded("DTSTART")) == ("Court 1", EIGHT.starts_at)
    [of_jeanne] = (await read(town.sylvie, f"/people/{body['person_id']}/reservations"))["items"]
    [of_court] = (await read(town.sylvie, f"/facilities/{court}/reservations?from={IN_A_WEEK}&days=1"))["items"]
    assert of_jeanne == of_court == made[0]
    cancelled = await send(town.sylvie, f"/reservations/{body['id']}/cancel", {})
    assert (cancelled["state"], cancelled["refunded_cents"]) == ("cancelled", 700)
    entry = Calendar.from_ical(await (await town.sylvie.get(f"{API}/reservations/{body['id']}/calendar.ics")).read())
    assert entry["METHOD"] == "CANCEL"


async def test_of_programs_that_ask_at_once_one_is_answered_with_the_slot(town: Town) -> None:
    bodies = [town.body() for _ in range(12)]
    answers = await asyncio.gather(*(town.sylvie.post(f"{API}/reservations", body) for body in bodies))
    assert sorted(answer.status for answer in answers) == [201] + [409] * 11
    slugs = {(await answer.json())["slug"] for answer in answers if answer.status == 409}
    assert slugs == {"facility-slot-taken"}


async def test_who_waits_is_offered_the_slot_and_takes_it(town: Town) -> None:
    body = town.body()
    await send(town.sylvie, "/reservations", body, 201)
    rose, account = await add_person(town.ground, "Rose", "F00003")
    wish = town.body(person_id=str(rose), account_id=str(account), wait=True)
    assert (await send(town.benoit, "/reservations", wish, 201))["state"] == "waiting"
    await send(town.sylvie, f"/reservations/{body['id']}/cancel", {})
    assert (await read(town.benoit, f"/reservations/{wish['id']}"))["state"] == "offered"
    assert (await send(town.benoit, f"/reservations/{wish['id']}/accept"))["price_cents"] == 700


async def test_who_waited_takes_the_slot_by_the_link_of_the_mail_once_and_for_whom_it_was_made(town: Town) -> None:
    rose, account = await add_person(town.ground, "Rose", "F00003", email="rose@example.org")
    links, wishes = [], []
    for hours in (8, 12):
        body = town.body(slot(IN_A_WEEK, time(hours)))
        await send(town.sylvie, "/reservations", body, 201)
        span = slot(IN_A_WEEK, time(hours))
        wishes.append(town.body(span, person_id=str(rose), account_id=str(account), wait=True))
        await send(town.sylvie, "/reservations", wishes[-1], 201)
        await send(town.sylvie, f"/reservations/{body['id']}/cancel", {})
        [mail] = [each for each in await town.ground.mails() if each["subject"].startswith("Une place")][len(links) :]
        [link] = re.findall(r"http\S+(/place/\S+)", mail["text"])
        links.append(link)
    headers = {"Accept": "text/html"}
    async with ClientSession(headers=headers) as nobody:
        shown = await (await nobody.get(town.site.url + links[0])).text()
        assert "7,00" in shown
        assert "Court 1" in shown
        assert not [name for name in ("Rose", "ROSE", "F00003", "Moreau", "MOREAU") if name in shown]
        for path in ("/prendre", "/laisser"):
            for forged in (links[0][:-1] + chr(ord(links[0][-1]) + 1), "/place/" + "A" * 54, "/place/x"):
                assert (await nobody.post(town.site.url + forged + path)).status == 404
        for _ in range(2):
            taken = await nobody.post(f"{town.site.url}{links[0]}/prendre")
            assert "La place est à vous" in await taken.text()
        assert (await read(town.sylvie, f"/reservations/{wishes[0]['id']}"))["state"] == "booked"
        assert (await nobody.post(f"{town.site.url}{links[0]}/laisser")).status == 409, "what is taken is not left"
        assert (await nobody.post(f"{town.site.url}{links[1]}/laisser")).status == 200
        assert (await read(town.sylvie, f"/reservations/{wishes[1]['id']}"))["state"] == "withdrawn"
        assert (await nobody.post(f"{town.site.url}{links[1]}/prendre")).status == 409


async def test_each_reserves_within_reach_and_only_managers_manage(town: Town) -> None:
    court, body = town.ground.ids["court"], town.body()
    await send(town.claire, "/reservations", body, 403)
    await read(town.claire, f"/facilities/{court}/days", 403)
    await send(town.benoit, "/reservations", body, 201)
    for client in (town.claire, town.sylvie):
        path = f"/reservations/{body['id']}/cancel"
        await send(client, path, {"by_house": True, "reason": "Travaux"}, 403)
        await read(client, f"/facilities/{court}", 403)
        await send(client, f"/facilities/{court}/calendar-link", status=403)
    assert [each["label"] for each in (await read(town.claire, "/facilities"))["items"]] == ["Salle des fêtes"]
    assert (await read(town.claire, f"/people/{body['person_id']}/reservations"))["items"] == []
    cancelled = await send(town.benoit, f"/reservations/{body['id']}/cancel", {"by_house": True, "reason": "Travaux"})
    assert cancelled["refunded_cents"] == 700


async def test_a_manager_closes_a_court_sees_before_what_it_takes_away_and_everybody_is_refunded(town: Town) -> None:
    court, body = town.ground.ids["court"], town.body()
    await send(town.sylvie, "/reservations", body, 201)
    day = civil_span(IN_A_WEEK, time(0), time(0))
    closure = {
        "id": str(new_id()),
        "starts_at": day.starts_at.isoformat(),
        "ends_at": day.ends_at.isoformat(),
        "reason": "Travaux du toit",
    }
    [concerned] = (await send(town.benoit, f"/facilities/{court}/closures/preview", closure))["items"]
    assert concerned["id"] == body["id"]
    await send(town.benoit, f"/facilities/{court}/closures", closure, 201)
    for _ in range(200):
        state = (await read(town.sylvie, f"/reservations/{body['id']}"))["state"]
        if state == "cancelled":
            break
        await asyncio.sleep(0.05)
    assert state == "cancelled"
    assert await town.ground.balance() == 10000
    [shown] = (await read(town.sylvie, f"/facilities/{court}/days?from={IN_A_WEEK}&days=1"))["items"]
    assert {slot["shut"] for slot in shown["slots"]} == {"Travaux du toit"}
    await send(town.benoit, f"/closures/{closure['id']}/lift")
    await send(town.sylvie, "/reservations", town.body(), 201)


async def test_a_manager_makes_a_court_sets_its_terms_and_its_doors(town: Town) -> None:
    terms = kept_terms(COURT_TERMS)
    body = {
        "id": str(new_id()),
        "terms_id": str(new_id()),
        "code": "court-2",
        "label": "Court 2",
        "service": "squash",
        "site": "Salle de squash",
        "point_ids": [str(town.ground.ids["squash"])],
        "terms": terms,
    }
    for _ in range(2):
        made = await send(town.benoit, "/facilities", body, 201)
    assert (made["terms"], made["point_ids"]) == (terms, body["point_ids"])
    await send(town.claire, "/facilities", body | {"id": str(new_id())}, 403)
    longer = kept_terms(replace(COURT_TERMS, slot_minutes=45))
    sent = {"id": str(new_id()), "valid_from": str(TODAY), "terms": longer}
    assert (await send(town.benoit, f"/facilities/{body['id']}/terms", sent))["terms"]["slot_minutes"] == 45
    past = sent | {"id": str(new_id()), "valid_from": str(TODAY - timedelta(days=1))}
    refused = await send(town.benoit, f"/facilities/{body['id']}/terms", past, 422)
    assert refused["slug"] == "past-facility-terms"
    wrong = sent | {"id": str(new_id()), "terms": longer | {"slot_minutes": 7}}
    refused = await send(town.benoit, f"/facilities/{body['id']}/terms", wrong, 422)
    assert list(refused["fields"]) == ["slot_minutes"]
    unknown = sent | {"id": str(new_id()), "terms": longer | {"colour": "blue"}}
    await send(town.benoit, f"/facilities/{body['id']}/terms", unknown, 422)


async def test_nobody_opens_a_door_of_a_service_that_they_do_not_manage_by_tying_it_to_their_place(town: Town) -> None:
    court, ids = town.ground.ids["court"], {name: str(town.ground.ids[name]) for name in ("squash", "salle")}
    made = await read(town.benoit, f"/facilities/{court}")
    new = {name: made[name] for name in ("label", "site", "terms")} | {"service": "squash", "terms_id": str(new_id())}
    new |= {"id": str(new_id()), "code": "court-2", "point_ids": [ids["salle"]]}
    await send(town.benoit, "/facilities", new, 403)

    async def set_doors(points: list[str]) -> int:
        url, headers = f"{town.site.url}{API}/facilities/{court}/doors", {"X-CSRF-Token": town.benoit.csrf_token}
        answer = await town.benoit.session.put(url, json={"point_ids": points}, headers=headers)
        return answer.status

    for wanted, status in (
        (list(ids.values()), 403),
        ([ids["squash"], str(new_id())], 422),
        ([ids["squash"]], 200),
    ):
        assert await set_doors(wanted) == status
    assert (await read(town.benoit, f"/facilities/{court}"))["point_ids"] == [ids["squash"]]
    async with town.site.database.write() as db:
        db.add(FacilityPoint(facility_id=court, point_id=town.ground.ids["salle"]))
    assert await set_doors(list(ids.values())) == 200, "a door that somebody else lent stays"


async def test_a_calendar_s_link_shows_times_and_nobody_and_dies_when_it_is_renewed(town: Town) -> None:
    court = town.ground.ids["court"]
    await send(town.sylvie, "/reservations", town.body(), 201)
    url = (await read(town.benoit, f"/facilities/{court}"))["calendar_url"]
    async with town.site.database.read() as db:
        token = (await db.get_one(Facility, court)).feed_token
    assert url.endswith(f"/agenda/{token}.ics")
    seen = await town.sylvie.session.get(f"{town.site.url}/agenda/{token}.ics")
    content = await seen.read()
    assert seen.content_type == "text/calendar"
    [event] = Calendar.from_ical(content).walk("VEVENT")
    assert (event["SUMMARY"], event.decoded("DTSTART")) == ("Réservé", EIGHT.starts_at)
    assert b"oreau" not in content
    await send(town.benoit, f"/facilities/{court}/calendar-link")
    assert (await town.sylvie.session.get(f"{town.site.url}/agenda/{token}.ics")).status == 404


async def test_addresses_that_ask_for_nonsense_are_answered(town: Town) -> None:
    path = f"/facilities/{town.ground.ids['court']}/days"
    for query in ("?from=hier", "?from=0001-01-01", "?days=" + "9" * 5000, "?days=²", "?from=9999-12-31&days=35"):
        await read(town.sylvie, path + query)
    assert (await read(town.sylvie, f"{path}?days=36", 422))["slug"] == "too-many-days"
    for first, last in (("9999-12-31T23:00Z", "9999-12-31T23:30Z"), ("0001-01-01T00:00Z", "2026-03-10T08:00Z")):
        for more in ("/quote", ""):
            await send(town.sylvie, f"/reservations{more}", town.body(starts_at=first, ends_at=last), 422)
    long = {"starts_at": "2026-03-10T08:00Z", "ends_at": "2126-03-10T08:00Z"}
    await send(town.sylvie, "/reservations/quote", town.body(facility_id=str(town.ground.ids["hall"]), **long), 422)
