"""A court that is booked, a mason at the waste centre, a child at the canteen: with the line to the core, and without.

One controller decides for the three doors; its readers speak HTTP. What each story costs stands in its own service's
books in the end, and what the doors did alone in the lists of those who manage them.
"""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from datetime import time, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from cvq_core.access.tables import Attendance, TapConflict
from cvq_core.ids import new_id
from cvq_core.ledger.tables import Wallet
from cvq_core.ledger.verify import verify
from cvq_core.services.rules import ServiceCode
from cvq_desk.check import look
from tests.core_examples import NOW, TODAY
from tests.e2e.cards.services_ground import (
    CANTEEN,
    COURT,
    GATE,
    JEANNE_UID,
    LUC_UID,
    MEAL_CENTS,
    Town,
    said,
    town_on,
)
from tests.integration.core.facilities.conftest import slot
from tests.integration.core.waste.ground import BOXES, RUBBLE
from tests.integration.reader.ground import settled, until

RUBBLE_M3_CENTS = 2250


@pytest.fixture
async def town(sqlite_template: Path, tmp_path: Path) -> AsyncIterator[Town]:
    shutil.copyfile(sqlite_template, tmp_path / "cvq.sqlite")
    async with town_on(tmp_path / "cvq.sqlite", tmp_path) as town:
        await until(town.machine.line_is_up, "the core is asked")
        yield town


async def test_doors_follow_bookings_deposits_and_meals_with_the_line_and_without_it(town: Town) -> None:
    await a_booked_court_opens_and_a_cancelled_one_does_not(town)
    await a_mason_passes_the_gate_and_pays_by_category_and_volume(town)
    await a_child_with_an_empty_wallet_is_served_and_owes(town)
    async with town.site.database.read() as db:
        assert await verify(db) == []


async def a_booked_court_opens_and_a_cancelled_one_does_not(town: Town) -> None:
    not_reserved = (False, "not-reserved", "Pas de réservation")
    reserved = (True, "reserved", "Entrez, réservé")
    assert await town.card(COURT, JEANNE_UID) == (*not_reserved, True)

    booked = await book(town)
    assert await town.card(COURT, JEANNE_UID) == (*reserved, True)
    await town.line.cut()
    assert await town.card(COURT, JEANNE_UID) == (*reserved, False)
    await mended(town)

    await cancel(town, booked)
    assert await town.card(COURT, JEANNE_UID) == (*not_reserved, True)
    await town.line.cut()
    assert await town.card(COURT, JEANNE_UID) == (*not_reserved, False)
    await mended(town)

    # What is cancelled while the line is cut counts there once it is back, and the door's page says how long that took.
    booked = await book(town)
    await town.line.cut()
    await cancel(town, booked, heard=False)
    assert await town.card(COURT, JEANNE_UID) == (*reserved, False)
    sequence = (await town.machine.status())["sequence"]
    await mended(town)
    await until(lambda: knows(town, sequence), "the cancellation arrives")
    assert await town.card(COURT, JEANNE_UID) == (*not_reserved, True)
    async with town.site.database.read() as db:
        [conflict] = await db.scalars(select(TapConflict))
        assert (conflict.kind, conflict.door_reason) == ("right-ended", "reserved")
    async with town.site.signed_in("paul") as paul:
        assert "Entré par un droit terminé ou annulé" in await said(paul, "/acces")

        async def measured() -> bool:
            page = await said(paul, f"/acces/points/{town.court.ids[COURT]}")
            return "comptent dans la minute avec la liaison" in page and "au plus depuis hier" in page

        await until(measured, "the delay is stated, and measured")
        assert (await paul.get("/api/v1/controllers")).status == 403
    async with town.site.signed_in("aline") as aline:
        [watched] = (await (await aline.get("/api/v1/controllers")).json())["items"]
    # The machine's own clock shows today, and the server's the day of the story.
    assert watched["faults"] == ["clock-off"]
    assert 0 <= watched["silent_seconds"] < watched["list_age_seconds"]
    async with town.site.signed_in("aline") as aline:
        metrics = await (await aline.get("/metrics")).text()
    assert 'cvq_controller_fault{controller="Site site",fault="clock-off"} 1.0' in metrics
    assert 'cvq_controller_change_delay_longest_seconds{controller="Site site"}' in metrics
    settings = town.site.services.settings
    assert any(each.what == "Site site" and "clock-off" in each.detail for each in await look(settings))
    delays = {point["code"]: point["block_delay"] for point in watched["points"]}
    assert delays.keys() == {COURT, GATE, CANTEEN}
    assert 0 < delays[COURT]["longest_of_a_day_seconds"] <= delays[COURT]["stated_seconds"] == 60


async def book(town: Town) -> str:
    """Have the secretary book the court that begins in ten minutes; return the reservation once the site knows it."""
    sequence = (await town.machine.status())["sequence"]
    span = slot(TODAY, time(10, 40))
    body = {
        "id": str(new_id()),
        "facility_id": str(town.court.ids["court"]),
        "person_id": str(town.court.ids["jeanne"]),
        "account_id": str(town.court.ids["family"]),
        "starts_at": span.starts_at.isoformat(),
        "ends_at": span.ends_at.isoformat(),
    }
    async with town.site.signed_in("sylvie") as sylvie:
        answer = await sylvie.post("/api/v1/reservations", body)
        assert answer.status == 201, await answer.text()
    await until(lambda: knows(town, sequence), "the booking arrives")
    return str(body["id"])


async def cancel(town: Town, reservation: str, *, heard: bool = True) -> None:
    sequence = (await town.machine.status())["sequence"]
    async with town.site.signed_in("sylvie") as sylvie:
        answer = await sylvie.post(f"/api/v1/reservations/{reservation}/cancel", {})
        assert answer.status == 200, await answer.text()
    if heard:
        await until(lambda: knows(town, sequence), "the cancellation arrives")


async def a_mason_passes_the_gate_and_pays_by_category_and_volume(town: Town) -> None:
    opened = (True, "billed", "Entrez, à facturer")
    assert await town.card(GATE, LUC_UID) == (*opened, True)
    await town.deposit(load(RUBBLE, 1000, BOXES, 500))
    await town.line.cut()
    assert await town.card(GATE, LUC_UID) == (*opened, False)
    assert (await town.card(GATE, JEANNE_UID))[:2] == (False, "not-entitled")
    kept = load(RUBBLE, 2000) | {"who": "Toitures Roy", "said_cents": 2 * RUBBLE_M3_CENTS}
    await mended(town)
    # The tablet sends what it kept as often as it likes.
    answers = [await town.deposit(kept, late=True) for _ in range(2)]
    assert answers[0] == answers[1]
    assert answers[0]["refused"] is None
    async with town.site.signed_in("denis") as denis:
        bill = {
            "id": str(new_id()),
            "account_id": str(town.waste["company"]),
            "until": TODAY.isoformat(),
            "due_on": (TODAY + timedelta(days=30)).isoformat(),
        }
        answer = await (await denis.post("/api/v1/waste/invoices", bill)).json()
    assert answer["amount_cents"] == 3 * RUBBLE_M3_CENTS


def load(*what: Any) -> dict[str, Any]:
    """A deposit of some litres of some categories, by the mason's card."""
    loads = [{"category": category, "litres": litres} for category, litres in zip(what[::2], what[1::2], strict=True)]
    return {"id": str(new_id()), "card_uid": LUC_UID, "occurred_at": NOW.isoformat(), "loads": loads}


async def a_child_with_an_empty_wallet_is_served_and_owes(town: Town) -> None:
    served = (True, "served-and-owed", "Servi, à régler")
    lina, tom = town.children
    assert await town.tick(lina) == (*served, True)
    await town.line.cut()
    assert await town.tick(tom) == (*served, False)
    # The list's balance is less what passed here: nobody is asked twice on one day.
    assert (await town.tick(lina))[:2] == (True, "already-counted")
    await mended(town)
    async with town.site.database.read() as db:
        balance = await db.scalar(
            select(Wallet.balance_cents).where(
                Wallet.family_account_id == town.canteen_account, Wallet.service_code == ServiceCode.CANTEEN
            )
        )
        noted = list(await db.scalars(select(Attendance)))
    assert balance == -2 * MEAL_CENTS
    assert {row.person_id: row.owed_cents for row in noted} == {lina: MEAL_CENTS, tom: MEAL_CENTS}


async def mended(town: Town) -> None:
    """Mend the line, and wait until the core has all taps."""
    await town.line.mend()
    await until(lambda: settled(town.machine), "the taps arrive")


async def knows(town: Town, sequence: int) -> bool:
    return bool((await town.machine.status())["sequence"] > sequence)
