"""Doors, areas and rights set on pages: by whoever manages the service, with what is wrong said beside its field."""

from __future__ import annotations

import re
from datetime import time

from sqlalchemy import func, select

from cvq_core.access.facts import Assurance, Direction, Fallback, RightKind
from cvq_core.access.tables import AccessArea, AccessPoint, Entitlement
from cvq_core.ids import new_id
from cvq_core.journal.tables import AuditRecord
from tests.integration.console.test_access_pages import NUMBER, UID, Pool, paul, pool, read
from tests.served import Client

__all__ = ["paul", "pool"]

SETTINGS = {
    "label": "Tourniquet 1",
    "site": "Piscine",
    "assurance": "signed_id",
    "direction": "in",
    "passback_minutes": "20",
    "double_tap_s": "5",
    "guardian_age": "8",
    "guardian_minutes": "2",
    "clock_tolerance_s": "120",
    "offline_fallback": "agents_only",
    "reserved_only": "1",
}


async def point_of(pool: Pool) -> AccessPoint:
    async with pool.site.database.read() as db:
        return await db.get_one(AccessPoint, pool.point)


async def test_a_manager_sets_an_area_and_a_door_that_leads_to_it(pool: Pool, paul: Client) -> None:
    fields = {"id": str(new_id()), "label": "Bassins", "capacity": "180", "closes_at": "20:00"}
    for _ in range(2):
        assert (await paul.submit("/acces/zones?service=pool", **fields)).status == 303
    async with pool.site.database.read() as db:
        area = (await db.scalars(select(AccessArea))).one()
    assert (area.code, area.capacity, area.closes_at) == ("pool-bassins", 180, time(20))
    url = f"/acces/points/{pool.point}/reglages"
    form = await read(paul, url)
    assert "Bassins" in form
    for _ in range(2):
        assert (await paul.submit(url, **SETTINGS, area_id=str(area.id))).status == 303
    point = await point_of(pool)
    assert (point.assurance, point.direction, point.area_id) == (Assurance.SIGNED_ID, Direction.IN, area.id)
    assert (point.passback_minutes, point.double_tap_s, point.guardian_age, point.guardian_minutes) == (20, 5, 8, 2)
    assert (point.clock_tolerance_s, point.offline_fallback) == (120, Fallback.AGENTS_ONLY)
    assert point.reserved_only
    assert await pool.count(AuditRecord.action == "access-point-changed") == 1, "the second time nothing differs"
    # What an empty field may take away goes; what was ticked and is not any more too.
    less = {name: value for name, value in SETTINGS.items() if name not in ("guardian_age", "reserved_only")}
    assert (await paul.submit(url, **less)).status == 303
    point = await point_of(pool)
    assert (point.area_id, point.guardian_age, point.reserved_only) == (None, None, False)
    for wrong in (
        {"direction": "both"},
        {"passback_minutes": "9999"},
        {"assurance": "hope"},
        {"clock_tolerance_s": ""},
    ):
        answer = await paul.submit(url, **{**less, "label": "Autre nom", **wrong})
        page = await answer.text()
        assert (answer.status == 422) is (wrong != {"clock_tolerance_s": ""}), wrong
        assert answer.status == 303 or "Autre nom" in page, "what was typed stays"
    assert (await point_of(pool)).direction is Direction.IN
    assert (await paul.submit(f"/acces/zones/{area.id}", label="Bassin", capacity="0")).status == 422
    assert (await paul.submit(f"/acces/zones/{area.id}", label="Bassin")).status == 303
    assert (await paul.submit(f"/acces/zones/{area.id}/compte", inside="12")).status == 303
    async with pool.site.database.read() as db:
        area = (await db.scalars(select(AccessArea))).one()
    assert (area.label, area.capacity, area.inside) == ("Bassin", None, 12)


async def test_a_new_door_says_what_it_accepts_and_others_doors_and_areas_are_out_of_reach(
    pool: Pool, paul: Client
) -> None:
    fields = {**SETTINGS, "id": str(new_id()), "code": "piscine-2", "kind": "turnstile"}
    refused = await paul.submit("/acces/nouvelle-porte?service=pool", **{**fields, "assurance": ""})
    assert refused.status == 422
    assert "piscine-2" in await refused.text()
    made = await paul.submit("/acces/nouvelle-porte?service=pool", **fields)
    assert made.status == 303
    taken = await paul.submit("/acces/nouvelle-porte?service=pool", **{**fields, "id": str(new_id())})
    assert taken.status == 422, "the code is taken"
    assert (await paul.submit(f"/acces/points/{pool.canteen}/reglages", **SETTINGS)).status == 403
    assert (await paul.submit("/acces/nouvelle-porte?service=canteen", **fields)).status == 404
    async with pool.site.database.write() as db:
        theirs = AccessArea(id=new_id(), code="canteen", label="Réfectoire", inside=0)
        db.add(theirs)
        await db.flush()
        (await db.get_one(AccessPoint, pool.canteen)).area_id = theirs.id
    assert (await paul.submit(f"/acces/zones/{theirs.id}", label="À moi")).status == 403
    answer = await paul.submit(f"/acces/points/{pool.point}/reglages", **SETTINGS, area_id=str(theirs.id))
    assert answer.status == 422
    assert "Réfectoire" not in await read(paul, "/acces/zones?service=pool")


async def test_a_right_is_given_by_a_card_for_days_and_hours_and_ended(pool: Pool, paul: Client) -> None:
    url = f"/acces/points/{pool.point}/droits"
    fields = {"id": str(new_id()), "kind": "agent_schedule", "first": "2026-03-01", "opens": "07:00", "closes": "19:00"}
    assert (await paul.submit(url, **fields, carte=NUMBER)).status == 422, "on no day"
    assert (await paul.submit(url, **fields, carte="1", days="0")).status == 422
    for last in ("2026-02-01", "9999-12-31"):
        assert (await paul.submit(url, **fields, carte=UID, days="0", last=last)).status == 422
    assert (await paul.submit(url, **{**fields, "kind": "reservation"}, carte=UID, days="0")).status == 422
    for _ in range(2):
        assert (await paul.submit(url, **fields, carte=NUMBER, days="1")).status == 303
    async with pool.site.database.read() as db:
        right = (await db.scalars(select(Entitlement))).one()
    assert (right.kind, right.person_id, right.weekdays) == (RightKind.AGENT_SCHEDULE, pool.jeanne, 2)
    page = await read(paul, url)
    assert "ma, de 07:00 à 19:00, sauf jours fériés" in page
    [end] = re.findall(r'action="(/acces/droits/[^"]+)"', page)
    for status in (303, 303):
        assert (await paul.submit(end)).status == status
    async with pool.site.database.read() as db:
        told = await db.scalar(
            select(func.count()).select_from(AuditRecord).where(AuditRecord.action.in_(["right-given", "right-ended"]))
        )
    assert told == 2
    assert "Personne" in await read(paul, url)
