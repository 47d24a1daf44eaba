"""A building with two doors, an employer with a group, and three agents in our base."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import date, datetime, time
from uuid import UUID

from sqlalchemy import select

from cvq_core.access.facts import Assurance, PointKind, Reason
from cvq_core.access.scene import TapRequest
from cvq_core.access.tables import AccessPoint
from cvq_core.access.taps import take_tap
from cvq_core.agents.service import Applied, apply_list
from cvq_core.agents.store import add_list, set_group
from cvq_core.agents.tables import Agent
from cvq_core.cards.rules import check_digit
from cvq_core.cards.store import add_card
from cvq_core.database import Database
from cvq_core.ids import new_id
from cvq_core.journal.store import SYSTEM
from cvq_core.live.store import flush_events
from cvq_core.people.store import add_person
from cvq_core.people.tables import Person
from cvq_core.services.rules import FundingPolicy, ServiceCode
from cvq_core.services.store import add_service
from tests.core_examples import LONG_AGO, NOW

HEAD = "matricule;nom;prénom;date de naissance;groupe\n"
ODILE, PAUL, RENEE = (
    "1;Brémaud;Odile;02/04/1971;Écoles",
    "2;Morin;Paul;03/05/1982;Écoles",
    "3;Roy;Renée;04/06/1993;Voirie",
)


@dataclass(slots=True)
class Ground:
    database: Database
    school: UUID
    depot: UUID
    people: dict[str, UUID]
    uids: dict[str, str]

    async def drop(
        self, *lines: str, now: datetime = NOW, even_so: bool = False, dry: bool = False, head: str = HEAD
    ) -> Applied:
        """Apply a list of these lines."""
        content = (head + "\n".join(lines) + "\n").encode()
        async with self.database.write() as db:
            return await apply_list(
                db,
                "pompaire",
                file_name="liste.csv",
                content=content,
                actor=SYSTEM,
                now=now,
                even_so=even_so,
                dry=dry,
            )

    async def passes(self, who: str, point_id: UUID, now: datetime = NOW) -> bool:
        """Whether somebody's card opens a door."""
        async with self.database.write() as db:
            answer = await take_tap(db, TapRequest(new_id(), point_id, now, card_uid=self.uids[who]), now=now)
        return Reason(answer.reason).allows

    async def doors(self, who: str, now: datetime = NOW) -> str:
        """The doors that somebody opens: "S" the school's, "D" the depot's."""
        points = (("S", self.school), ("D", self.depot))
        return "".join([letter for letter, point in points if await self.passes(who, point, now)])

    async def agents(self) -> Sequence[Agent]:
        async with self.database.read() as db:
            return list(await db.scalars(select(Agent).order_by(Agent.number)))


@asynccontextmanager
async def ground_on(database: Database) -> AsyncIterator[Ground]:
    database.before_commit.append(flush_events)
    people: dict[str, UUID] = {}
    uids: dict[str, str] = {}
    points = {"ecole": new_id(), "depot": new_id()}
    async with database.write() as db:
        await add_service(
            db, ServiceCode.BUILDING, service_id=new_id(), policy=FundingPolicy.SUBSCRIPTION, valid_from=LONG_AGO
        )
        for code, point_id in points.items():
            db.add(
                AccessPoint(
                    id=point_id,
                    code=code,
                    label=code,
                    site=code,
                    kind=PointKind.DOOR,
                    service_code=ServiceCode.BUILDING,
                    assurance=Assurance.UID,
                )
            )
        for place, (given, family, born) in enumerate(
            (
                ("Odile", "Brémaud", date(1971, 4, 2)),
                ("Paul", "Morin", date(1982, 5, 3)),
                ("Renée", "Roy", date(1993, 6, 4)),
            )
        ):
            person = Person(id=new_id(), family_name=family, given_names=given, birth_date=born)
            await add_person(db, person)
            people[given], uids[given] = person.id, f"04A1B2C3D4E5{place:02X}"
            nine = f"48213057{place}"
            await add_card(
                db,
                card_id=new_id(),
                person_id=person.id,
                number=nine + check_digit(nine),
                uid=uids[given],
                valid_from=LONG_AGO,
                valid_until=date(2030, 1, 1),
                now=NOW,
            )
        await add_list(db, "pompaire", label="Mairie de Pompaire", actor=SYSTEM, now=NOW)
        await set_group(
            db,
            "pompaire",
            "Écoles",
            point_codes=["ecole"],
            weekdays=31,
            opens_at=time(7),
            closes_at=time(19),
            actor=SYSTEM,
            now=NOW,
        )
        await set_group(db, "pompaire", "Voirie", point_codes=["ecole", "depot"], actor=SYSTEM, now=NOW)
    yield Ground(database, points["ecole"], points["depot"], people, uids)
