"""A town hall's counter in the middle of its day, over HTTP, for tests of what is refused and of what comes twice."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from sqlalchemy import func, select

from cvq_core.database import Base
from cvq_core.ids import new_id
from cvq_core.invoices.rules import Line
from cvq_core.invoices.store import issue_invoice
from cvq_core.journal.tables import AuditRecord
from cvq_core.ledger.tables import Posting, Receivable, Wallet
from cvq_core.offices.rules import MandateTitle, Means, Officer
from cvq_core.offices.store import appoint
from cvq_core.offices.tables import ReceiptSeries, RemittanceSeries
from cvq_core.seed.tariffs import tariff_text
from cvq_core.services.rules import FundingPolicy, ServiceCode
from cvq_core.services.store import add_service
from cvq_core.services.tables import Service
from cvq_core.staff.rules import Role
from tests.core_examples import (
    LONG_AGO,
    NOW,
    TODAY,
    create_counter,
    create_family,
    create_ledger_account,
    create_services,
    create_wallet,
    move,
)
from tests.factories import make_staff, make_town_hall
from tests.served import Client, Site, served

API = "/api/v1"
CEILING = 400_00
GROW = ("ledger_transaction", "posting", "receipt", "drawer", "remittance", "integration", "tariff_adoption")


@dataclass
class Town:
    """A counter in the middle of its day, and people who may and may not work there."""

    site: Site
    odile: Client
    sylvie: Client
    benoit: Client
    manager: Client
    main: UUID
    place: UUID
    ended: UUID
    pool: UUID
    canteen: UUID
    library: UUID
    neighbours: UUID
    family: UUID
    invoice: UUID
    revenue: UUID
    made: dict[str, Any] = field(default_factory=dict)
    asked: list[tuple[Client, str, Mapping[str, Any]]] = field(default_factory=list)
    """Everything that was done, in its order: who, where, and what was sent."""

    def body(self, cents: Any = 1000, **more: Any) -> dict[str, Any]:
        """A payment in cash for the pool, changed by what is said."""
        top_ups = [{"wallet_id": str(more.pop("wallet", self.pool)), "amount_cents": cents}]
        tendered = cents if isinstance(cents, int) else 1000
        return {"id": str(new_id()), "top_ups": top_ups, "means": "cash", "tendered_cents": tendered, **more}

    def invoice_body(self, cents: int) -> dict[str, Any]:
        invoices = [{"invoice_id": str(self.invoice), "amount_cents": cents}]
        return {"id": str(new_id()), "invoices": invoices, "means": "cash", "tendered_cents": cents}

    def move_body(self, cents: Any, **more: Any) -> dict[str, Any]:
        wallets = {"from_wallet_id": str(self.pool), "to_wallet_id": str(self.canteen)}
        return {"id": str(new_id()), "sub_office_id": str(self.place), **wallets, "amount_cents": cents, **more}

    async def done(self, who: Client, path: str, body: Mapping[str, Any]) -> Any:
        answer = await who.post(API + path, body)
        assert answer.status in (200, 201, 204), await answer.text()
        self.asked.append((who, path, body))
        return await answer.json() if answer.status != 204 else None

    async def replay(self) -> None:
        """Ask for everything again that was done, word for word."""
        for who, path, body in self.asked:
            answer = await who.post(API + path, body)
            assert answer.status in (200, 201, 204), (path, await answer.text())

    async def lead_in(self) -> None:
        """Live through the day up to the moment at which everything is refused."""
        made, odile = self.made, self.odile
        drawers = f"/sub-offices/{self.place}/drawers"
        made["open"] = {"id": str(new_id()), "float_cents": 1000}
        # A first drawer, closed, with a receipt and a slip that the officer has integrated; then the one of now.
        first = await self.done(odile, drawers, {"id": str(new_id()), "float_cents": 1000})
        made["closed"] = f"/drawers/{first['id']}"
        made["old"] = await self.done(odile, f"{made['closed']}/receipts", self.body(2000))
        await self.done(odile, f"{made['closed']}/close", {"counted": {"1000": 3}})
        made["slip_body"] = {"id": str(new_id()), "counted": {"1000": 1}}
        made["slip"] = await self.done(odile, f"/sub-offices/{self.place}/remittances", made["slip_body"])
        await self.done(self.benoit, f"/remittances/{made['slip']['id']}/integrate", {"counted_cents": 1000})
        made["back"] = await self.done(
            odile, f"/sub-offices/{self.place}/remittances", {"id": str(new_id()), "counted": {"100": 1}}
        )
        await self.done(odile, drawers, made["open"])
        made["drawer"] = f"/drawers/{made['open']['id']}"
        made["paid"] = self.body(1000)
        made["receipt"] = await self.done(odile, f"{made['drawer']}/receipts", made["paid"])
        made["void"] = await self.done(
            odile, f"/receipts/{made['receipt']['id']}/void", {"id": str(new_id()), "reason": "Erreur"}
        )
        made["spent"] = await self.done(odile, f"{made['drawer']}/receipts", self.body(1500))
        made["move"] = self.move_body(300)
        await self.done(odile, f"/accounts/{self.family}/wallet-moves", made["move"])
        async with self.site.database.write() as db:
            # The pool is all spent: nothing of it can be taken back.
            wallet = await db.get_one(Wallet, self.pool)
            await move(db, self.pool, -wallet.balance_cents, self.revenue)
        # Two large payments by cheque count nothing; in cash they fill the safe nearly to its ceiling.
        await self.done(odile, f"{made['drawer']}/receipts", self.body(300_00, wallet=self.canteen))
        key = {"Idempotency-Key": "une-cle"}
        answer = await odile.post(f"{API}{made['drawer']}/receipts", self.body(100), headers=key)
        assert answer.status == 201
        await self._propose_a_tariff()

    async def _propose_a_tariff(self) -> None:
        text = tariff_text(ServiceCode.CANTEEN)
        answer = await self.manager.submit("/tarifs/canteen/proposer", key=str(new_id()), text=text)
        assert answer.status == 303
        self.made["tariff"] = answer.headers["Location"]

    async def remains(self) -> dict[str, Any]:
        """Everything that a refusal must leave alone."""
        async with self.site.database.read() as db:
            sums = select(Posting.account_id, func.sum(Posting.amount_cents)).group_by(Posting.account_id)
            found: dict[str, Any] = {"sums": {row[0]: int(row[1]) for row in await db.execute(sums)}}
            for kind in (Wallet, Receivable):
                found[kind.__tablename__] = dict((await db.execute(select(kind.id, kind.balance_cents))).all())
            for name in GROW:
                found[name] = await db.scalar(select(func.count()).select_from(Base.metadata.tables[name]))
            for series in (ReceiptSeries, RemittanceSeries):
                found[series.__tablename__] = list(await db.scalars(select(series.last_number)))
        return found

    async def refused(self) -> list[tuple[str, UUID | None]]:
        """The slugs in the journal's refusals with who was refused, the oldest first."""
        async with self.site.database.read() as db:
            rows = await db.scalars(
                select(AuditRecord).where(AuditRecord.outcome == "refused").order_by(AuditRecord.at, AuditRecord.id)
            )
            return [(str((row.personal or {})["slug"]), row.actor_id) for row in rows]


@asynccontextmanager
async def town_on(database_url: str, folder: Path) -> AsyncIterator[Town]:
    async with AsyncExitStack() as stack:
        site = await stack.enter_async_context(served(database_url, folder))
        async with site.database.write() as db:
            await create_services(db)
            await add_service(
                db, ServiceCode.LIBRARY, service_id=new_id(), policy=FundingPolicy.REFUSE, valid_from=LONG_AGO
            )
            town_hall = await make_town_hall(db)
            odile = await make_staff(db, Role.SECRETARY, town_hall.id, "odile", "Odile Brémaud")
            benoit = await make_staff(db, Role.SECRETARY, town_hall.id, "benoit", "Benoît Rousseau")
            await make_staff(db, Role.SECRETARY, town_hall.id, "sylvie")
            canteen = await db.scalar(select(Service.id).where(Service.code == ServiceCode.CANTEEN))
            await make_staff(db, Role.SERVICE_MANAGER, canteen, "laurence")
            officer = Officer(benoit.id, benoit.display_name)
            main = await create_counter(db, officer, title=MandateTitle.OFFICER, is_main=True)
            place = await _school(db, main.office_id, odile.id, benoit.id)
            ended = await create_counter(db, officer, code="PIS")
            await appoint(
                db,
                mandate_id=new_id(),
                staff_id=odile.id,
                sub_office_id=ended.id,
                title=MandateTitle.MANDATARY,
                valid_from=LONG_AGO,
                valid_until=TODAY - timedelta(days=1),
            )
            family, others = await create_family(db), await create_family(db, "F00002", "Bonnin")
            invoice = await issue_invoice(
                db,
                new_id(),
                family_account_id=family.id,
                label="Mars",
                lines=[Line(ServiceCode.CANTEEN, "Repas", 4, 500)],
                due_on=TODAY,
                now=NOW,
            )
            made = {
                "main": main.id,
                "place": place,
                "ended": ended.id,
                "pool": (await create_wallet(db, family.id)).id,
                "canteen": (await create_wallet(db, family.id, ServiceCode.CANTEEN)).id,
                "library": (await create_wallet(db, family.id, ServiceCode.LIBRARY)).id,
                "neighbours": (await create_wallet(db, others.id)).id,
                "family": family.id,
                "invoice": invoice.id,
                "revenue": await create_ledger_account(db),
            }
        people = [
            await stack.enter_async_context(site.signed_in(name)) for name in ("odile", "sylvie", "benoit", "laurence")
        ]
        town = Town(site, *people, **made)
        await town.lead_in()
        yield town


async def _school(db: Any, office_id: UUID, *staff_ids: UUID) -> UUID:
    from cvq_core.offices.store import create_sub_office

    place = await create_sub_office(
        db,
        sub_office_id=new_id(),
        office_id=office_id,
        code="POM-ECOLE",
        label="École de Pompaire",
        float_cents=5000,
        services=[ServiceCode.POOL, ServiceCode.CANTEEN],
        means=[Means.CASH, Means.CHEQUE, Means.ANCV, Means.PAYFIP],
        now=NOW,
    )
    place.ceiling_cents, place.ceiling_refuses = CEILING, True
    for staff_id in staff_ids:
        await appoint(
            db,
            mandate_id=new_id(),
            staff_id=staff_id,
            sub_office_id=place.id,
            title=MandateTitle.MANDATARY,
            valid_from=LONG_AGO,
        )
    return place.id
