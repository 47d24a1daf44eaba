"""Booking over HTTP: what a secretary's programs are answered, and who is not."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import select

from cvq_core.ids import new_id
from cvq_core.journal.tables import AuditRecord
from cvq_core.staff.rules import Role
from cvq_desk.booking.alerts import raise_alert
from tests.core_examples import NOW
from tests.factories import (
    make_booth,
    make_card,
    make_commune,
    make_organisation,
    make_person,
    make_reason,
    make_staff,
    make_town_hall,
)
from tests.served import Client, Site, served

API = "/api/v1"


@dataclass(frozen=True, slots=True)
class Desk:
    """A server with two town halls, and the ids that tests ask for."""

    site: Site
    town_hall: UUID
    other_town_hall: UUID
    booth: UUID
    msa: UUID
    pension: UUID
    jeanne: UUID

    def booking(self, **choices: object) -> dict[str, object]:
        """A booking of half an hour for an hour from now."""
        starts_at = (NOW + timedelta(hours=1)).isoformat()
        return {
            "id": str(new_id()),
            "town_hall_id": str(self.town_hall),
            "organisation_id": str(self.msa),
            "name": "Alain Caillaud",
            "starts_at": starts_at,
            **choices,
        }


@pytest.fixture
async def desk(database_url: str, tmp_path: Path) -> AsyncIterator[Desk]:
    async with served(database_url, tmp_path) as site:
        async with site.database.write() as db:
            town_hall = await make_town_hall(db)
            other = await make_town_hall(db, "Mairie de Pompaire")
            booth = await make_booth(db, town_hall)
            await make_booth(db, other, "Guichet de Pompaire")
            msa = await make_organisation(db)
            pension = await make_reason(db, msa)
            tallud = await make_commune(db, "79322", "Le Tallud")
            jeanne = await make_person(db, commune=tallud)
            await make_card(db, jeanne)
            await make_person(db, born=NOW.date().replace(year=1988))
            await make_staff(db, Role.SECRETARY, town_hall.id, "sylvie")
            await make_staff(db, Role.SECRETARY, other.id, "odile", "Odile Roy")
            await make_staff(db, Role.ADVISOR, msa.id, "nadia", "Nadia Benali")
        yield Desk(site, town_hall.id, other.id, booth.id, msa.id, pension.id, jeanne.id)


@pytest.fixture
async def sylvie(desk: Desk) -> AsyncIterator[Client]:
    async with desk.site.signed_in("sylvie") as client:
        yield client


async def actions(desk: Desk) -> list[tuple[str, str]]:
    async with desk.site.database.read() as db:
        rows = await db.execute(
            select(AuditRecord.action, AuditRecord.outcome)
            .where(AuditRecord.action != "sign-in")
            .order_by(AuditRecord.at, AuditRecord.id)
        )
        return [(action, outcome) for action, outcome in rows]


async def test_homonyms_are_told_apart_and_the_look_is_written_down(desk: Desk, sylvie: Client) -> None:
    answer = await sylvie.post(f"{API}/people/search", {"query": "jeanne moreau"})
    people = (await answer.json())["people"]
    assert {(one["birth_date"], one["commune"], one["card_digits"]) for one in people} == {
        ("1941-05-12", "Le Tallud", "5773"),
        ("1988-03-03", "", ""),
    }
    async with desk.site.database.read() as db:
        record = (await db.scalars(select(AuditRecord).where(AuditRecord.action == "people-searched"))).one()
    assert record.personal is not None
    assert record.personal["query"] == "jeanne moreau"
    assert str(desk.jeanne) in record.personal["found"]


async def test_a_card_names_its_holder_by_its_number_or_by_what_a_reader_sees(desk: Desk, sylvie: Client) -> None:
    for typed in ("4821305773", "482 130 5773", "04A2241AC35E80", "04a2241ac35e80"):
        found = await (await sylvie.post(f"{API}/people/search", {"query": typed})).json()
        assert found["card_read"], typed
        assert [one["person_id"] for one in found["people"]] == [str(desk.jeanne)], typed


async def test_a_number_that_no_card_has_finds_nobody_and_a_date_is_no_card(desk: Desk, sylvie: Client) -> None:
    found = await (await sylvie.post(f"{API}/people/search", {"query": "4821305779"})).json()
    assert (found["card_read"], found["people"]) == (True, [])
    found = await (await sylvie.post(f"{API}/people/search", {"query": "12051941"})).json()
    assert (found["card_read"], [one["person_id"] for one in found["people"]]) == (False, [str(desk.jeanne)])


async def test_organisations_come_with_their_reasons_and_what_to_bring(desk: Desk, sylvie: Client) -> None:
    (msa,) = (await (await sylvie.get(f"{API}/organisations")).json())["items"]
    assert (msa["short_name"], [reason["label"] for reason in msa["reasons"]]) == ("MSA", ["Retraite agricole"])
    assert msa["reasons"][0]["bring"][0] == "Une pièce d’identité"


async def test_a_slot_that_is_offered_is_booked_and_offered_no_more(desk: Desk, sylvie: Client) -> None:
    slots_url = f"{API}/town-halls/{desk.town_hall}/slots?reason={desk.pension}"
    before = await (await sylvie.get(slots_url)).json()
    assert (before["now_possible"], before["waiting_count"]) == (True, 0)
    slot = before["slots"][1]["starts_at"]
    answer = await sylvie.post(f"{API}/appointments", desk.booking(starts_at=slot))
    assert answer.status == 201
    assert (await answer.json())["status"] == "expected"
    after = await (await sylvie.get(slots_url)).json()
    assert slot not in [one["starts_at"] for one in after["slots"]]


async def test_the_second_for_a_slot_is_told_which_one_is_gone(desk: Desk, sylvie: Client) -> None:
    await sylvie.post(f"{API}/appointments", desk.booking())
    answer = await sylvie.post(f"{API}/appointments", desk.booking())
    problem = await answer.json()
    assert (answer.status, problem["slug"]) == (409, "slot-taken")
    assert "mardi 3 mars à 11\u00a0h\u00a030" in problem["title"]
    assert await actions(desk) == [("appointment-booked", "done"), (f"POST {API}/appointments", "refused")]


async def test_the_same_request_twice_books_once(desk: Desk, sylvie: Client) -> None:
    body, key = desk.booking(), {"Idempotency-Key": "billet-1"}
    first = await sylvie.post(f"{API}/appointments", body, headers=key)
    second = await sylvie.post(f"{API}/appointments", body, headers=key)
    assert (first.status, await first.json()) == (second.status, await second.json())
    third = await sylvie.post(f"{API}/appointments", body)
    assert third.status == 201
    assert await actions(desk) == [("appointment-booked", "done")]


async def test_the_day_goes_on_by_events_and_the_list_follows(desk: Desk, sylvie: Client) -> None:
    appointment = await (await sylvie.post(f"{API}/appointments", desk.booking())).json()
    url = f"{API}/appointments/{appointment['id']}"
    for event, status in (("arrive", "arrived"), ("seat", "seated"), ("arrive", "arrived"), ("expect", "expected")):
        assert (await (await sylvie.post(f"{url}/events", {"event": event})).json())["status"] == status
    assert (await (await sylvie.post(f"{url}/vouch")).json())["vouched"] is True
    moved = await sylvie.post(f"{url}/move", {"starts_at": (NOW + timedelta(hours=4)).isoformat()})
    assert moved.status == 200
    day = await (await sylvie.get(f"{API}/town-halls/{desk.town_hall}/appointments")).json()
    assert [(one["name"], one["status"]) for one in day["items"]] == [("Alain Caillaud", "expected")]
    assert datetime.fromisoformat(day["items"][0]["starts_at"]) == NOW + timedelta(hours=4)


async def test_only_an_advisors_visit_ends_in_served(desk: Desk, sylvie: Client) -> None:
    appointment = await (await sylvie.post(f"{API}/appointments", desk.booking())).json()
    await sylvie.post(f"{API}/appointments/{appointment['id']}/events", {"event": "seat"})
    answer = await sylvie.post(f"{API}/appointments/{appointment['id']}/events", {"event": "serve"})
    assert answer.status == 422


async def test_an_alert_is_read_and_settled(desk: Desk, sylvie: Client) -> None:
    async with desk.site.database.write() as db:
        await raise_alert(db, town_hall_id=desk.town_hall, booth_id=desk.booth, kind="help", now=NOW)
    (alert,) = (await (await sylvie.get(f"{API}/town-halls/{desk.town_hall}/alerts")).json())["items"]
    assert alert["kind"] == "help"
    settled = await (await sylvie.post(f"{API}/alerts/{alert['id']}/settle")).json()
    assert settled["settled_at"] is not None
    assert (await (await sylvie.get(f"{API}/town-halls/{desk.town_hall}/alerts")).json())["items"] == []


async def test_what_cannot_be_right_is_named(desk: Desk, sylvie: Client) -> None:
    wrong: list[tuple[dict[str, object], str]] = [
        ({"town_hall_id": "pompaire"}, "town_hall_id"),
        ({"starts_at": "2026-03-03T11:30:00"}, "starts_at"),  # an hour without its zone
        ({"name": ""}, "written_name"),
        ({"name": "x" * 200}, "name"),
        ({"reason_id": str(new_id())}, "reason"),
    ]
    for body, field in wrong:
        answer = await sylvie.post(f"{API}/appointments", desk.booking(**body))
        assert (answer.status, list((await answer.json())["fields"])) == (422, [field])


async def test_another_town_halls_secretary_is_kept_out_of_everything(desk: Desk, sylvie: Client) -> None:
    appointment = await (await sylvie.post(f"{API}/appointments", desk.booking())).json()
    async with desk.site.database.write() as db:
        await raise_alert(db, town_hall_id=desk.town_hall, booth_id=desk.booth, kind="help", now=NOW)
    (alert,) = (await (await sylvie.get(f"{API}/town-halls/{desk.town_hall}/alerts")).json())["items"]
    async with desk.site.signed_in("odile") as odile:
        for path in ("slots", "appointments", "alerts"):
            assert (await odile.get(f"{API}/town-halls/{desk.town_hall}/{path}")).status == 403
        for path, body in (
            ("appointments", desk.booking(starts_at=None)),
            (f"appointments/{appointment['id']}/events", {"event": "arrive"}),
            (f"appointments/{appointment['id']}/move", {"starts_at": (NOW + timedelta(hours=4)).isoformat()}),
            (f"appointments/{appointment['id']}/vouch", None),
            (f"alerts/{alert['id']}/settle", None),
        ):
            assert (await odile.post(f"{API}/{path}", body)).status == 403, path
        for path in (f"/mairie?lieu={desk.town_hall}", f"/mairie/rendez-vous/{appointment['id']}/bulletin.pdf"):
            assert (await odile.get(path)).status == 403, path


async def test_an_advisor_neither_searches_people_nor_books(desk: Desk) -> None:
    async with desk.site.signed_in("nadia") as nadia:
        assert (await nadia.post(f"{API}/people/search", {"query": "moreau"})).status == 403
        assert (await nadia.post(f"{API}/appointments", desk.booking())).status == 403
        assert (await nadia.get("/mairie")).status == 403
