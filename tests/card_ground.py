"""A place that makes cards: its officer, its stock of blanks, and somebody who carries messages to virtual chips."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from cvq_booth.virtual.desfire import VirtualDesfire
from cvq_core.card_keys.dialogues import goes_on
from cvq_core.card_keys.keys import make_key
from cvq_core.card_keys.store import Step
from cvq_core.card_keys.tables import KeyPurpose
from cvq_core.cards.encoding import Encoder, continue_encoding, start_encoding
from cvq_core.cards.life import By
from cvq_core.cards.making import NewBatch, mark_printed, orders_of, plan_batch
from cvq_core.cards.making_rules import Channel, IdentityCheck, Wanted
from cvq_core.cards.tables import CardOrder
from cvq_core.database import Database
from cvq_core.devices.tables import Device
from cvq_core.ids import new_id
from cvq_core.inactive_values.rules import Holder, Span, Whereabouts, quantity
from cvq_core.inactive_values.service import create_kind, receive
from cvq_core.inactive_values.store import spans_with
from cvq_core.journal.store import Actor
from cvq_core.offices.rules import MandateTitle, Officer
from cvq_core.offices.tables import CashOffice, SubOffice
from tests.core_examples import NOW, create_counter, create_officer, create_services
from tests.hsm import hsm

BLANKS = 20


@dataclass(frozen=True, slots=True)
class Workshop:
    """Where cards are made."""

    database: Database
    officer: Officer
    place: SubOffice
    kind_id: UUID
    encoder: Encoder

    def by(self, identity: IdentityCheck | None = None, now: datetime = NOW) -> By:
        return By(Actor("staff", self.officer.staff_id, self.officer.name), now, Channel.COUNTER, identity)

    async def plan(self, people: Sequence[UUID], batch_id: UUID | None = None, label: str = "Rentrée") -> UUID:
        """Plan and print cards for some people."""
        batch_id = batch_id or new_id()
        wanted = tuple(Wanted(person_id) for person_id in people)
        async with self.database.write() as db:
            new = NewBatch(batch_id, self.place.id, self.kind_id, label, wanted)
            await plan_batch(db, new, self.officer, self.by())
            await mark_printed(db, batch_id, self.officer, self.by(), up_to=len(people))
        return batch_id

    async def orders(self, batch_id: UUID) -> list[CardOrder]:
        async with self.database.read() as db:
            return [order for order, _ in await orders_of(db, batch_id)]

    async def left(self, where: Whereabouts = Whereabouts.PLACE) -> int:
        """How many blanks are somewhere."""
        holder = Holder(where, self.place.id) if where in (Whereabouts.PLACE, Whereabouts.SPOILED) else Holder(where)
        async with self.database.read() as db:
            return quantity(await spans_with(db, self.kind_id, holder))

    async def encode(
        self, number: str, chip: VirtualDesfire, *, pulled_after: int | None = None, now: datetime = NOW
    ) -> Step | None:
        """Carry an encoding to a chip; None when it is pulled away after so many commands."""
        chip.reset()
        dialogue_id = new_id()
        async with self.database.write() as db:
            step = await start_encoding(
                db, hsm(), dialogue_id, number=number, uid=chip.uid.hex(), encoder=self.encoder, now=now
            )
        sent = 0
        while step.commands:
            answers = []
            for command in step.commands:
                if pulled_after is not None and sent >= pulled_after:
                    return None
                answers.append(chip.answer(command).hex().upper())
                sent += 1
                if not goes_on(bytes.fromhex(answers[-1])):
                    break
            async with self.database.write() as db:
                step = await continue_encoding(
                    db,
                    hsm(),
                    dialogue_id,
                    number=step.number + 1,
                    answers=answers,
                    encoder=self.encoder,
                    now=now,
                )
        return step


async def open_workshop(database: Database, *, keys: bool = True) -> Workshop:
    """Make a place with blanks, an encoder, and keys in the HSM."""
    async with database.write() as db:
        await create_services(db)
        officer = await create_officer(db)
        place = await create_counter(db, officer, title=MandateTitle.OFFICER, is_main=True)
        kind_id = await stock_blanks(db, place, officer)
        device = Device(
            id=new_id(), kind="encoder", subject_id=place.id, name="Encodeur", public_key=b"0" * 32, enrolled_at=NOW
        )
        db.add(device)
        if keys:
            await make_key(db, hsm(), KeyPurpose.CARD, now=NOW)
            await make_key(db, hsm(), KeyPurpose.SIGNATURE, now=NOW)
    return Workshop(database, officer, place, kind_id, Encoder(Actor("encoder", device.id, device.name), place.id))


async def stock_blanks(db: AsyncSession, place: SubOffice, officer: Officer, count: int = BLANKS) -> UUID:
    """Put blank cards into a place's stock."""
    office = await db.get_one(CashOffice, place.office_id)
    kind = await create_kind(
        db,
        new_id(),
        office=office,
        code="CARTE",
        label="Carte vierge",
        face_cents=100,
        service=None,
        officer=officer,
        now=NOW,
    )
    await receive(
        db,
        key=new_id(),
        kind_id=kind.id,
        span=Span(1, count),
        place_id=place.id,
        reason="Bordereau 1",
        officer=officer,
        now=NOW,
    )
    return kind.id
