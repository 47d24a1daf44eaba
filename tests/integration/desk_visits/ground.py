"""A served village where two advisors of one organisation and one of another work, at an hour that the test moves."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from aiohttp import ClientResponse, ClientSession, DummyCookieJar, FormData, web
from sqlalchemy import func, select

from cvq_advisor_console.app import make_app
from cvq_core.database import Base, Database
from cvq_core.devices.tables import Device, DeviceToken
from cvq_core.ids import new_id
from cvq_core.journal.tables import AuditRecord
from cvq_core.people.rules import FamilyRole
from cvq_core.people.tables import FamilyAccount, Person
from cvq_core.settings import Settings
from cvq_core.staff.rules import Principal, Role
from cvq_core.staff.store import digest, open_session
from cvq_core.web import Services, services_of
from cvq_core.web.context import SESSION_COOKIE, csrf_token_of
from cvq_desk.booking.rules import AppointmentStatus
from cvq_desk.booking.tables import Appointment
from cvq_desk.booths.service import BoothDesk
from cvq_desk.visits.tables import Visit
from cvq_desk.wire import CallReport
from tests.core_examples import NOW, create_family, create_member
from tests.factories import (
    make_appointment,
    make_booth,
    make_card,
    make_organisation,
    make_reason,
    make_staff,
    make_town_hall,
)

API = "/api/v1"
CARD_UID = "04A2241AC35E80"
# What any request writes beside the thing that it is about.
BESIDE = {"audit_record", "audit_seal", "live_event", "live_topic", "login_session", "remembered_answer"}


class Hour:
    """A clock that stands until the test moves it."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now

    def forward(self, **by: float) -> None:
        self.now += timedelta(**by)


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: the status and the JSON, or the bytes."""

    status: int
    body: Any

    @property
    def slug(self) -> str:
        return str(self.body.get("slug", "")) if isinstance(self.body, dict) else ""


@dataclass(frozen=True, slots=True)
class Caller:
    """Somebody who calls the server: staff in their session, or a device."""

    site_url: str
    session: ClientSession
    headers: dict[str, str]

    async def get(self, path: str) -> Answer:
        async with self.session.get(self.site_url + path, headers=self.headers) as answer:
            return await _answer(answer)

    async def post(self, path: str, body: Any = None, **headers: str) -> Answer:
        sent = self.headers | {name.replace("_", "-"): value for name, value in headers.items()}
        # A route that takes nothing gets nothing.
        options: dict[str, Any] = {"json": body} if body is not None else {}
        async with self.session.post(self.site_url + path, headers=sent, **options) as answer:
            return await _answer(answer)

    async def upload(self, path: str, files: list[bytes], **fields: str) -> Answer:
        form = FormData()
        for name, value in fields.items():
            form.add_field(name, value)
        for number, file in enumerate(files):
            form.add_field("page", file, filename=f"{number}.bin", content_type="application/octet-stream")
        async with self.session.post(self.site_url + path, data=form, headers=self.headers) as answer:
            return await _answer(answer)


async def _answer(answer: ClientResponse) -> Answer:
    raw = await answer.read()
    return Answer(answer.status, json.loads(raw) if raw and "json" in answer.content_type else raw)


@dataclass(frozen=True, slots=True)
class Ground:
    """The server and who is there. Jeanne has an account and a card; she is seated at the booth."""

    url: str
    services: Services
    session: ClientSession
    hour: Hour
    town_hall: UUID
    booth: UUID
    other_booth: UUID
    msa: UUID
    mission: UUID
    appointment: UUID
    family: FamilyAccount
    strangers_family: FamilyAccount
    jeanne: Person
    staff: dict[str, UUID]

    @property
    def database(self) -> Database:
        return self.services.database

    async def as_staff(self, login: str) -> Caller:
        """`nadia` and `hugo` (advisors, MSA), `ines` (advisor, Mission locale), `sylvie` (secretary)."""
        async with self.database.write() as db:
            token = await open_session(db, self.staff[login], now=self.hour(), hours_max=12)
        headers = {"Cookie": f"{SESSION_COOKIE}={token}", "X-CSRF-Token": csrf_token_of(token)}
        return Caller(self.url, self.session, headers)

    async def as_booth(self, booth: UUID | None = None) -> Caller:
        """The machine of a booth."""
        token = f"token {new_id()}"
        async with self.database.write() as db:
            subject = booth or self.booth
            device = Device(
                id=new_id(), kind="booth", subject_id=subject, name="booth", public_key=bytes(32), enrolled_at=NOW
            )
            db.add(device)
            await db.flush()
            until = self.hour() + timedelta(hours=1)
            db.add(DeviceToken(token_digest=digest(token), device_id=device.id, expires_at=until))
        return Caller(self.url, self.session, {"Authorization": f"Bearer {token}"})

    @asynccontextmanager
    async def desk(self) -> AsyncIterator[BoothDesk]:
        """What takes the booth's messages, in a transaction."""
        principal = Principal("booth", new_id(), "Guichet", subject_id=self.booth)
        async with self.database.write() as db:
            yield BoothDesk(db, principal, self.hour(), self.services.settings)

    async def tell_desk(self, kind: str, message: Any) -> None:
        """Send a booth's message."""
        async with self.desk() as desk:
            await getattr(desk, kind)(message)

    async def visit(self, visit_id: str) -> Visit:
        async with self.database.read() as db:
            return await db.get_one(Visit, UUID(visit_id))

    async def visit_in_call(self, caller: Caller, *, identified: bool = True) -> str:
        """Take Jeanne, call her, let the ring be over: the face-to-face begins."""
        visit_id = str((await caller.post(f"{API}/appointments/{self.appointment}/take")).body["id"])
        assert (await caller.post(f"{API}/visits/{visit_id}/call")).status == 200
        self.hour.forward(seconds=6)
        await self.tell_desk("call_report", CallReport(visit_id=UUID(visit_id), state="answered"))
        if identified:
            body = {"identity": "paper_shown"}
            assert (await caller.post(f"{API}/visits/{visit_id}/identity", body)).status == 200
        return visit_id

    async def new_appointment(
        self, name: str = "Paul Roy", status: AppointmentStatus = AppointmentStatus.SEATED, booth: UUID | None = None
    ) -> UUID:
        async with self.database.write() as db:
            appointment = Appointment(
                id=new_id(),
                booth_id=booth or self.booth,
                organisation_id=self.msa,
                resident_name=name,
                starts_at=self.hour(),
                minutes=30,
                walk_in=True,
                status=status.value,
                booked_by=self.staff["sylvie"],
                booked_at=NOW,
                arrived_at=NOW,
            )
            db.add(appointment)
        return appointment.id

    async def state_of_business(self) -> dict[str, list[str]]:
        """Every row of every table that a request is about; two of them are compared."""
        async with self.database.read() as db:
            return {
                table.name: sorted(repr(tuple(row)) for row in await db.execute(select(table)))
                for table in Base.metadata.sorted_tables
                if table.name not in BESIDE
            }

    async def refusals(self, slug: str) -> int:
        """How many refusals with this slug the journal has."""
        async with self.database.read() as db:
            rows = await db.scalars(select(AuditRecord).where(AuditRecord.outcome == "refused"))
            return sum(1 for row in rows if (row.personal or {}).get("slug") == slug)

    async def count(self, table: type[Any], *where: Any) -> int:
        async with self.database.read() as db:
            return await db.scalar(select(func.count()).select_from(table).where(*where)) or 0


@asynccontextmanager
async def ground_on(database_url: str, data_dir: Path, *, port: int = 0, **settings: Any) -> AsyncIterator[Ground]:
    """The ground, served from an empty database with its tables; on a free port, where none is wanted."""
    hour = Hour()
    app = make_app(Settings(database_url=database_url, data_dir=data_dir, **settings), clock=hour)
    runner = web.AppRunner(app, shutdown_timeout=1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", port).start()
        host, port = runner.addresses[0][:2]
        async with ClientSession(cookie_jar=DummyCookieJar()) as session:
            yield await _people(f"http://{host}:{port}", services_of(app), session, hour)
    finally:
        await runner.cleanup()


async def _people(url: str, services: Services, session: ClientSession, hour: Hour) -> Ground:
    async with services.database.write() as db:
        town_hall = await make_town_hall(db)
        booth = await make_booth(db, town_hall)
        elsewhere = await make_booth(db, await make_town_hall(db, "Mairie de Pompaire"), "Guichet de Pompaire")
        msa = await make_organisation(db)
        mission = await make_organisation(db, "mission-locale", "Mission locale", "Mission locale")
        reason = await make_reason(db, msa, forms=("cv",))
        sylvie = await make_staff(db, Role.SECRETARY, town_hall.id, "sylvie")
        nadia = await make_staff(db, Role.ADVISOR, msa.id, "nadia", "Nadia Roche")
        hugo = await make_staff(db, Role.ADVISOR, msa.id, "hugo", "Hugo Blanc")
        ines = await make_staff(db, Role.ADVISOR, mission.id, "ines", "Inès Petit")
        family = await create_family(db)
        jeanne = await create_member(db, family.id, "Jeanne", FamilyRole.GUARDIAN)
        await make_card(db, jeanne, uid=CARD_UID)
        strangers_family = await create_family(db, "F00002", "Roy")
        appointment = await make_appointment(
            db, booth, msa, sylvie, person=jeanne, reason=reason, status=AppointmentStatus.SEATED
        )
    return Ground(
        url=url,
        services=services,
        session=session,
        hour=hour,
        town_hall=town_hall.id,
        booth=booth.id,
        other_booth=elsewhere.id,
        msa=msa.id,
        mission=mission.id,
        appointment=appointment.id,
        family=family,
        strangers_family=strangers_family,
        jeanne=jeanne,
        staff={"sylvie": sylvie.id, "nadia": nadia.id, "hugo": hugo.id, "ines": ines.id},
    )
