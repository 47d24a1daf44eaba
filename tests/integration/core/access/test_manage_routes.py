"""Doors over HTTP: what devices upload, and what the managers of a service see and set."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from aiohttp import ClientSession
from sqlalchemy import select

from cvq_core.access.changes import TOPIC
from cvq_core.access.facts import Assurance, Direction, PointKind, RightKind
from cvq_core.access.manage import create_area, create_point
from cvq_core.access.store import give_right
from cvq_core.access.tables import AccessPoint, PointEvent, Tap
from cvq_core.cards.store import add_card
from cvq_core.devices.tables import Device, DeviceToken
from cvq_core.ids import new_id
from cvq_core.journal.tables import AuditRecord
from cvq_core.live import events_since
from cvq_core.people.rules import FamilyRole
from cvq_core.services.rules import FundingPolicy, ServiceCode
from cvq_core.services.store import add_service
from cvq_core.services.tables import Service
from cvq_core.staff.rules import Role
from cvq_core.staff.store import digest
from tests.core_examples import LONG_AGO, create_family, create_member, create_services
from tests.factories import make_staff
from tests.served import Client, Site, served

API = "/api/v1"
UID, NUMBER = "04A1B2C3D4E5F6", "9999999990"
MINUTE = timedelta(minutes=1)
NO_HOURS = ("0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-12:00")


@dataclass(slots=True)
class Ground:
    """Two doors of one building, a pool's turnstile, Jeanne's card; Marc runs the building, Paule the pool."""

    site: Site
    person: UUID
    now: datetime
    points: dict[str, UUID] = field(default_factory=dict)

    async def reader(self, point: str) -> dict[str, str]:
        """The headers of a reader that stands at a point."""
        device_id = new_id()
        token = f"token-{device_id}"
        async with self.site.database.write() as db:
            db.add(
                Device(
                    id=device_id,
                    kind="reader",
                    subject_id=self.points[point],
                    name=point,
                    public_key=bytes(32),
                    enrolled_at=self.now,
                )
            )
            await db.flush()
            db.add(
                DeviceToken(token_digest=digest(token), device_id=device_id, expires_at=self.now + timedelta(hours=1))
            )
        return {"Authorization": f"Bearer {token}"}

    async def journal(self) -> list[str]:
        async with self.site.database.read() as db:
            wanted = select(AuditRecord.action).where(AuditRecord.actor_kind == "staff").order_by(AuditRecord.id)
            return [action for action in await db.scalars(wanted) if "access" in action or "right" in action]


@pytest.fixture
async def ground(database_url: str, tmp_path: Path) -> AsyncIterator[Ground]:
    async with served(database_url, tmp_path) as site:
        now = site.services.clock()
        async with site.database.write() as db:
            await create_services(db)
            await add_service(
                db,
                ServiceCode.BUILDING,
                service_id=new_id(),
                policy=FundingPolicy.SUBSCRIPTION,
                valid_from=LONG_AGO,
            )
            services = {row.code: row.id for row in await db.scalars(select(Service))}
            await make_staff(db, Role.SERVICE_MANAGER, services[ServiceCode.BUILDING], "marc")
            await make_staff(db, Role.SERVICE_MANAGER, services[ServiceCode.POOL], "paule")
            jeanne = await create_member(db, (await create_family(db)).id, "Jeanne", FamilyRole.GUARDIAN)
            await add_card(
                db,
                card_id=new_id(),
                person_id=jeanne.id,
                number=NUMBER,
                uid=UID,
                valid_from=LONG_AGO,
                valid_until=now.date() + timedelta(days=400),
                now=now,
            )
            found = Ground(site, jeanne.id, now)
            for code, service, place in (
                ("mairie", ServiceCode.BUILDING, "Hôtel de ville"),
                ("atelier", ServiceCode.BUILDING, "Centre technique"),
                ("piscine", ServiceCode.POOL, "Gâtinéo"),
            ):
                settings = {"label": code.capitalize(), "site": place, "assurance": Assurance.UID}
                point = await create_point(
                    db, new_id(), code=code, kind=PointKind.DOOR, service=service, settings=settings, now=now
                )
                found.points[code] = point.id
            await give_right(
                db,
                new_id(),
                kind=RightKind.AGENT_SCHEDULE,
                service=ServiceCode.BUILDING,
                person_id=jeanne.id,
                valid_from=now - timedelta(days=30),
                now=now,
            )
        yield found


@pytest.fixture
async def marc(ground: Ground) -> AsyncIterator[Client]:
    async with ground.site.signed_in("marc") as client:
        yield client


async def post(client: Client, path: str, body: dict[str, Any]) -> tuple[int, Any]:
    answer = await client.post(API + path, body)
    return answer.status, await answer.json()


async def get(client: Client, path: str) -> tuple[int, Any]:
    answer = await client.get(API + path)
    return answer.status, await answer.json()


async def put(client: Client, path: str, body: dict[str, Any]) -> tuple[int, Any]:
    headers = {"X-CSRF-Token": client.csrf_token}
    answer = await client.session.put(client.url + API + path, json=body, headers=headers)
    return answer.status, await answer.json()


def late(ground: Ground, point: str, minutes_ago: int, **more: Any) -> dict[str, Any]:
    return {
        "id": str(new_id()),
        "point_id": str(ground.points[point]),
        "card_uid": UID,
        "tapped_at": (ground.now - minutes_ago * MINUTE).isoformat(),
        "decided": {"allowed": True, "reason": "entitled", "display_short": "Entrez"},
        **more,
    }


async def upload(ground: Ground, point: str, path: str, body: dict[str, Any]) -> tuple[int, Any]:
    headers = await ground.reader(point)
    async with (
        ClientSession(headers=headers) as session,
        session.post(f"{ground.site.url}{API}{path}", json=body) as answer,
    ):
        return answer.status, await answer.json()


async def test_a_reader_uploads_what_it_decided_for_its_own_point_alone(ground: Ground) -> None:
    mine, other = late(ground, "mairie", 50), late(ground, "atelier", 40)
    claimed = late(ground, "mairie", 30, assurance="authenticated")
    status, answer = await upload(ground, "mairie", "/taps/batch", {"taps": [mine, other, claimed]})
    assert status == 200
    assert [(each["recorded"], each["refused"], each["conflicts"]) for each in answer["taps"]] == [
        (True, None, []),
        (False, "not-your-point", []),
        (True, None, []),
    ]
    async with ground.site.database.read() as db:
        row = await db.get_one(Tap, UUID(claimed["id"]))
        assert row.assurance is Assurance.UID, "a reader's word proves no card"


async def test_what_no_card_can_say_and_hours_before_christ_keep_no_other_tap_from_coming_in(ground: Ground) -> None:
    strange = [
        late(ground, "mairie", 50, card_uid="E0040150ABCDEF0102"),
        late(ground, "mairie", 50, card_uid="?"),
        *(late(ground, "mairie", 50, tapped_at=hour) for hour in NO_HOURS),
    ]
    good = late(ground, "mairie", 40)
    for _ in range(2):
        status, answer = await upload(ground, "mairie", "/taps/batch", {"taps": [*strange, good]})
        assert (status, [each["recorded"] for each in answer["taps"]]) == (200, [True] * 5)
    assert [each["conflicts"] for each in answer["taps"]] == [
        ["let-in-though-refused"],
        ["let-in-though-refused"],
        ["clock-wrong", "let-in-though-refused"],
        ["clock-wrong"],
        [],
    ]


@pytest.mark.parametrize(
    "wrong",
    [
        {"taps": []},
        {"taps": [{"id": "x"}]},
        {"taps": [{}] * 501},
    ],
)
async def test_a_batch_has_its_bounds(ground: Ground, wrong: dict[str, Any]) -> None:
    status, _ = await upload(ground, "mairie", "/taps/batch", wrong)
    assert status == 422


async def test_a_tap_whose_proof_is_nobody_s_rests_on_the_bare_number(ground: Ground, marc: Client) -> None:
    path = f"/access/points/{ground.points['mairie']}"
    assert (await put(marc, path, {"assurance": "authenticated"}))[0] == 200
    body = {"card_uid": UID, "proof": str(new_id())}
    # Whatever the reader's clock says.
    for tapped_at in (ground.now.isoformat(), *NO_HOURS):
        tap = body | {"id": str(new_id()), "tapped_at": tapped_at}
        status, answer = await upload(ground, "mairie", "/taps", tap)
        assert (status, answer["reason"]) == (200, "assurance-too-low")


async def test_doors_tell_what_happened_to_them_once_and_their_manager_reads_it(ground: Ground, marc: Client) -> None:
    event = {
        "id": str(new_id()),
        "point_id": str(ground.points["mairie"]),
        "kind": "forced",
        "happened_at": (ground.now + timedelta(days=900)).isoformat(),
    }
    other = event | {"id": str(new_id()), "point_id": str(ground.points["piscine"])}
    for hour in NO_HOURS:
        old = event | {"id": str(new_id()), "happened_at": hour, "point_id": str(ground.points["atelier"])}
        assert (await upload(ground, "atelier", "/point-events", {"events": [old]}))[0] == 200
    for _ in range(2):
        _, told = await upload(ground, "mairie", "/point-events", {"events": [event, other]})
    assert (told["recorded"], told["refused"]) == ([event["id"]], [other["id"]])
    _, listed = await get(marc, "/access/services/building/events")
    assert ("forced", "Mairie") in [(each["kind"], each["point"]) for each in listed["items"]]
    async with ground.site.database.read() as db:
        row = await db.get_one(PointEvent, UUID(event["id"]))
        assert row.happened_at <= row.received_at, "a clock that is ahead keeps nothing longer"


async def test_a_manager_sets_a_point_and_its_mode_and_the_sites_are_told(ground: Ground, marc: Client) -> None:
    point = str(ground.points["mairie"])
    async with ground.site.database.read() as db:
        before, _ = await events_since(db, TOPIC, 0)
    for _ in range(2):
        status, found = await put(marc, f"/access/points/{point}", {"double_tap_s": 2, "label": "Grande porte"})
    assert (status, found["double_tap_s"], found["label"], found["assurance"]) == (200, 2, "Grande porte", "uid")
    status, changed = await post(
        marc, "/access/modes", {"points": [point], "mode": "held_open", "reason": "Marché de Noël"}
    )
    assert (status, [each["mode"] for each in changed["items"]]) == (200, ["held_open"])
    async with ground.site.database.read() as db:
        after, _ = await events_since(db, TOPIC, before[-1].sequence if before else 0)
    assert [each.payload["points"] for each in after] == [[point], [point]]
    assert await ground.journal() == ["access-point-changed", "access-mode-set"]


async def test_a_manager_adds_a_point_an_area_and_a_right_once(ground: Ground, marc: Client) -> None:
    area = {"id": str(new_id()), "code": "archives", "label": "Archives", "capacity": 3}
    point = {
        "id": str(new_id()),
        "code": "archives-entree",
        "kind": "door",
        "service": "building",
        "label": "Archives",
        "site": "Hôtel de ville",
        "assurance": "uid",
        "direction": "in",
        "area_id": area["id"],
    }
    right = {
        "id": str(new_id()),
        "kind": "agent_schedule",
        "service": "building",
        "person_id": str(ground.person),
        "point_id": point["id"],
        "valid_from": ground.now.isoformat(),
    }
    for path, body in (("/access/areas", area), ("/access/points", point), ("/access/rights", right)):
        for _ in range(2):
            status, answer = await post(marc, path, body)
            assert status == 201, answer
    counted = await post(marc, f"/access/areas/{area['id']}/inside", {"inside": 2})
    assert (counted[0], counted[1]["inside"]) == (200, 2)
    _, gauges = await get(marc, "/access/services/building/gauges")
    assert [(each["label"], each["inside"], each["capacity"]) for each in gauges["items"]] == [("Archives", 2, 3)]
    ended = [(await post(marc, f"/access/rights/{right['id']}/end", {}))[1]["ended"] for _ in range(2)]
    assert ended == [True, False]
    assert sorted(await ground.journal()) == [
        "access-area-counted",
        "access-area-made",
        "access-point-made",
        "right-ended",
        "right-given",
    ]


async def test_a_manager_asks_why_and_that_is_written_down(ground: Ground, marc: Client) -> None:
    body = {"point_id": str(ground.points["mairie"]), "card_number": NUMBER}
    status, told = await post(marc, "/access/explain", body)
    assert (status, told["allowed"], told["reason"], told["person"]) == (200, True, "entitled", "Jeanne Moreau")
    assert any("vaut ici, à cette heure" in sentence for sentence in told["sentences"])
    assert await ground.journal() == ["access-explained"]
    for hour in NO_HOURS:
        assert (await post(marc, "/access/explain", body | {"at": hour}))[0] == 422
        right = {"kind": "subscription", "service": "building", "person_id": str(ground.person), "valid_from": hour}
        assert (await post(marc, "/access/rights", right | {"id": str(new_id())}))[0] == 422
    async with ground.site.database.read() as db:
        assert (await db.scalars(select(Tap))).first() is None


async def test_what_is_another_service_s_is_nobody_else_s(ground: Ground, marc: Client) -> None:
    pool = str(ground.points["piscine"])
    async with ground.site.database.write() as db:
        area = await create_area(db, new_id(), code="bassins", label="Bassins")
        point = await db.get_one(AccessPoint, UUID(pool))
        point.area_id, point.direction = area.id, Direction.IN
    into_it = {"area_id": str(area.id), "direction": "out", "label": "À moi", "site": "Ici", "assurance": "uid"}
    new = {"id": str(new_id()), "code": "a-moi", "kind": "door", "service": "building"}
    asked = [
        await put(marc, f"/access/points/{ground.points['mairie']}", into_it),
        await post(marc, "/access/points", into_it | new),
        await put(marc, f"/access/points/{pool}", {"label": "À moi"}),
        await post(marc, "/access/modes", {"points": [pool], "mode": "locked", "reason": "Par jeu"}),
        await post(marc, "/access/explain", {"point_id": pool, "card_uid": UID}),
        await get(marc, f"/access/points/{pool}/taps"),
        await get(marc, "/access/services/pool/points"),
        await get(marc, "/access/services/pool/conflicts"),
        await post(
            marc,
            "/access/rights",
            {
                "id": str(new_id()),
                "kind": "subscription",
                "service": "pool",
                "person_id": str(ground.person),
                "valid_from": ground.now.isoformat(),
            },
        ),
    ]
    assert {status for status, _ in asked} == {403}
    async with ground.site.database.read() as db:
        assert (await db.get_one(AccessPoint, UUID(pool))).label == "Piscine"


async def test_live_taps_of_a_point_are_listed_with_names(ground: Ground, marc: Client) -> None:
    await upload(ground, "mairie", "/taps/batch", {"taps": [late(ground, "mairie", 20), late(ground, "mairie", 10)]})
    _, listed = await get(marc, f"/access/points/{ground.points['mairie']}/taps")
    assert [(each["person"], each["allowed"], each["offline"]) for each in listed["items"]] == [
        ("Jeanne Moreau", True, True)
    ] * 2
    assert listed["items"][0]["tapped_at"] > listed["items"][1]["tapped_at"]
    assert await ground.journal() == ["access-taps-seen"]


async def test_a_card_at_two_sites_within_minutes_is_listed(ground: Ground, marc: Client) -> None:
    await upload(ground, "mairie", "/taps/batch", {"taps": [late(ground, "mairie", 60), late(ground, "mairie", 20)]})
    await upload(ground, "atelier", "/taps/batch", {"taps": [late(ground, "atelier", 15)]})
    _, listed = await get(marc, "/access/services/building/two-sites")
    assert [(each["person"], each["first_site"], each["second_site"]) for each in listed["items"]] == [
        ("MOREAU Jeanne", "Hôtel de ville", "Centre technique")
    ]
    assert await ground.journal() == ["access-taps-seen"]


async def test_a_conflict_is_listed_and_settled_with_its_reason(ground: Ground, marc: Client) -> None:
    stranger = late(ground, "mairie", 5, card_uid="04FFFFFFFFFFFF")
    await upload(ground, "mairie", "/taps/batch", {"taps": [stranger]})
    _, listed = await get(marc, "/access/services/building/conflicts")
    [conflict] = listed["items"]
    assert (conflict["kind"], conflict["person"], conflict["amount_cents"]) == ("let-in-though-refused", "", 0)
    for _ in range(2):
        status, settled = await post(
            marc, f"/access/conflicts/{conflict['id']}/settle", {"outcome": "given_up", "reason": "Essai du lecteur"}
        )
        assert (status, settled["outcome"]) == (200, "given_up")
    assert (await get(marc, "/access/services/building/conflicts"))[1]["items"] == []
