"""An advisor reserves for a resident only what they agreed to, for them, from the account that is open."""

from __future__ import annotations

from datetime import time, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select

from cvq_core.clock import local_day
from cvq_core.facilities.tables import Reservation
from cvq_core.ids import new_id
from cvq_core.journal.tables import AuditRecord
from cvq_core.people.tables import Person
from cvq_core.services.rules import ServiceCode
from cvq_desk.reservations.view import booking_view
from cvq_desk.visits.tables import Visit
from cvq_desk.wire import BookingState, BookingView, CardGone
from tests.core_examples import create_wallet
from tests.integration.core.facilities.conftest import Ground as Courts
from tests.integration.core.facilities.conftest import add_person, make_ground, slot
from tests.integration.desk_visits.ground import API, Answer, Caller, Ground
from tests.integration.desk_visits.test_wallet_moves import agreed


@pytest.fixture
async def courts(ground: Ground) -> Courts:
    courts = Courts(ground.database, ground.services.settings)
    await make_ground(courts)
    async with ground.database.write() as db:
        await create_wallet(db, ground.family.id, ServiceCode.SQUASH, cents=2000)
        (await db.get_one(Person, ground.jeanne.id)).commune_insee = "79322"
    courts.ids["family"], courts.ids["jeanne"] = ground.family.id, ground.jeanne.id
    return courts


def wish(ground: Ground, courts: Courts, hour: int = 8, **more: Any) -> dict[str, Any]:
    span = slot(local_day(ground.hour()) + timedelta(days=2), time(hour))
    body = {
        "id": str(new_id()),
        "facility_id": str(courts.ids["court"]),
        "starts_at": span.starts_at.isoformat(),
        "ends_at": span.ends_at.isoformat(),
    }
    return body | more


async def reserve(nadia: Caller, visit: str, body: dict[str, Any]) -> Answer:
    return await nadia.post(f"{API}/visits/{visit}/reservations", body)


async def booked_on_screen(ground: Ground) -> BookingView:
    async with ground.database.read() as db:
        visit = (await db.scalars(select(Visit))).one()
        view = await booking_view(db, visit, language="fr")
    assert view is not None
    return view


async def test_with_the_residents_agreement_a_court_is_reserved_for_them_and_given_up_again(
    ground: Ground, nadia: Caller, courts: Courts
) -> None:
    visit = await agreed(ground, nadia, "reservations")
    body = wish(ground, courts)
    items = (await nadia.get(f"{API}/visits/{visit}/facilities")).body["items"]
    assert {each["label"] for each in items} == {"Court 1", "Salle des fêtes"}
    days = await nadia.get(f"{API}/visits/{visit}/facilities/{body['facility_id']}/days?days=3")
    assert len(days.body["items"]) == 3
    for _ in range(2):
        made = await reserve(nadia, visit, body)
        assert (made.status, made.body["price_cents"], made.body["person_id"]) == (201, 700, str(ground.jeanne.id))
    listed = (await nadia.get(f"{API}/visits/{visit}/reservations")).body["items"]
    assert [each["id"] for each in listed] == [body["id"]]
    async with ground.database.read() as db:
        records = list(await db.scalars(select(AuditRecord).where(AuditRecord.action == "reserved")))
        kept = await db.get_one(Reservation, UUID(body["id"]))
    assert [(str(each.visit_id), each.consent_id is not None) for each in records] == [(visit, True)]
    assert str(kept.visit_id) == visit
    page = await nadia.get(f"/console/{visit}")
    assert page.status == 200
    shown = page.body.decode()
    assert "Court 1, jeudi 5 mars" in shown
    told = await booked_on_screen(ground)
    assert (told.state, told.place, told.price) == (BookingState.BOOKED, "Court 1", "7,00\u00a0€")
    assert "Moreau" not in told.model_dump_json(), "nobody's name"
    cancelled = await nadia.post(f"{API}/visits/{visit}/reservations/{body['id']}/cancel")
    assert (await booked_on_screen(ground)).state is BookingState.GIVEN_UP
    assert cancelled.body["state"] == "cancelled"
    assert await courts.balance() == 2000


async def test_without_that_agreement_or_with_the_card_away_nothing_is_seen_or_reserved(
    ground: Ground, nadia: Caller, courts: Courts
) -> None:
    visit = await agreed(ground, nadia, "wallets", "moves", with_card=True)
    body = wish(ground, courts)
    for answer in (
        await reserve(nadia, visit, body),
        await nadia.get(f"{API}/visits/{visit}/reservations"),
        await nadia.get(f"{API}/visits/{visit}/facilities"),
        await nadia.post(f"{API}/visits/{visit}/reservations/{new_id()}/cancel"),
    ):
        assert (answer.status, answer.slug) == (403, "no-consent")
    wider = await nadia.post(
        f"{API}/visits/{visit}/consents", {"account_id": str(ground.family.id), "scopes": ["reservations"]}
    )
    assert wider.status in (200, 201)
    answer = await reserve(nadia, visit, body)
    assert answer.slug == "no-consent", "asked is not agreed"
    await ground.tell_desk("card_gone", CardGone(at=ground.hour()))
    assert await courts.balance() == 2000


async def test_somebody_else_s_reservation_is_neither_seen_nor_cancelled(
    ground: Ground, nadia: Caller, courts: Courts
) -> None:
    visit = await agreed(ground, nadia, "reservations")
    rose, account = await add_person(courts, "Rose", "F00003")
    other = courts.wish(slot(local_day(ground.hour()) + timedelta(days=3), time(8)), person_id=rose, account_id=account)
    await courts.reserve(other, ground.hour())
    assert (await nadia.get(f"{API}/visits/{visit}/reservations")).body["items"] == []
    for what in ("cancel", "accept"):
        answer = await nadia.post(f"{API}/visits/{visit}/reservations/{other.id}/{what}")
        assert (answer.status, answer.slug) == (404, "unknown-reservation")


async def test_a_hall_is_reserved_by_its_hours_on_the_console(ground: Ground, nadia: Caller, courts: Courts) -> None:
    visit = await agreed(ground, nadia, "reservations")
    async with ground.database.write() as db:
        await create_wallet(db, ground.family.id, ServiceCode.HALL, cents=40000)
    day = local_day(ground.hour()) + timedelta(days=60)
    body = {"id": str(new_id()), "facility_id": str(courts.ids["hall"]), "jour": str(day), "de": "20:00", "a": "02:00"}
    answer = await nadia.post(f"/console/{visit}/reserver", body)
    assert answer.status in (200, 303), answer.body
    async with ground.database.read() as db:
        made = await db.get_one(Reservation, UUID(body["id"]))
    assert (made.price_cents, made.deposit_cents, made.ends_at - made.starts_at) == (18000, 30000, timedelta(hours=6))
