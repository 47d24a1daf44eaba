"""Each refusal of public money over HTTP: its words in French and in English, its record, and no cent moved.

The counter is set up once; each case is then sent once in either language. What it leaves behind is compared with what
was there before: every account's sum, every balance, and how many papers and entries there are.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from sqlalchemy import func, select

from cvq_core.database import Base
from cvq_core.errors import Refusal, all_refusals
from cvq_core.ids import new_id
from cvq_core.invoices.rules import Line
from cvq_core.invoices.store import issue_invoice
from cvq_core.journal.tables import AuditRecord
from cvq_core.ledger.tables import Posting, Receivable, Wallet
from cvq_core.ledger.verify import verify
from cvq_core.offices.rules import MandateTitle, Means, Officer
from cvq_core.offices.store import appoint
from cvq_core.offices.tables import ReceiptSeries, RemittanceSeries
from cvq_core.offices.verify import verify_offices
from cvq_core.seed.tariffs import tariff_text
from cvq_core.services.rules import FundingPolicy, ServiceCode
from cvq_core.services.store import add_service
from cvq_core.services.tables import Service
from cvq_core.staff.rules import Role
from cvq_core.text import translator
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


@dataclass(frozen=True, slots=True)
class Case:
    """One request that is refused: who sends it, where, what, and under which slug it is refused."""

    who: Client
    path: str
    body: Mapping[str, Any]
    slug: str
    headers: Mapping[str, str] = field(default_factory=dict)
    is_form: bool = False


@dataclass
class Town:
    """A counter in the middle of its day, and people who may and may not work there."""

    site: Site
    odile: Client
    sylvie: Client
    benoit: Client
    manager: Client
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
        assert answer.status in (200, 201), await answer.text()
        return await answer.json()

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


def cases(town: Town) -> dict[str, Case]:
    """Everything that is refused, by its name."""
    made, odile, sylvie, benoit = town.made, town.odile, town.sylvie, town.benoit
    collect, place = f"{made['drawer']}/receipts", f"/sub-offices/{town.place}"
    moves = f"/accounts/{town.family}/wallet-moves"
    slip, back = f"/remittances/{made['slip']['id']}", f"/remittances/{made['back']['id']}"
    reason = {"id": str(new_id()), "reason": "parce que"}
    cheque = {"cheque": {"number": "1", "bank": "Banque", "drawer_name": "Moreau"}}
    library = {"from_wallet_id": str(town.library)}
    yesterday = {"valid_from": str(TODAY - timedelta(days=1))}
    return {
        # Not in the act.
        "a service that the act does not name": Case(
            odile, collect, town.body(500, wallet=town.library), "service-not-in-act"
        ),
        "a means that the act does not name": Case(odile, collect, town.body(means="card"), "means-not-in-act"),
        "a means that nobody hands over": Case(odile, collect, town.body(means="payfip"), "means-not-at-counter"),
        "vouchers for a service that they do not pay": Case(
            odile,
            collect,
            town.body(1000, wallet=town.canteen, means="ancv", vouchers=[{"face_cents": 1000, "number": 1}]),
            "voucher-not-for-service",
        ),
        "a move of what the act does not name": Case(odile, moves, town.move_body(1, **library), "service-not-in-act"),
        # Over a ceiling or a bound.
        "above the ceiling": Case(odile, collect, town.body(95_00, wallet=town.canteen), "ceiling-reached"),
        "more than one payment in cash": Case(
            odile, collect, town.body(300_01, wallet=town.canteen), "cash-payment-too-large"
        ),
        "more than one top-up": Case(odile, collect, town.body(1000_01), "amount-above-limit"),
        "more than is due": Case(odile, collect, town.invoice_body(2001), "more-than-due"),
        "more float than the place was given": Case(
            benoit, f"{place}/drawers", {"id": str(new_id()), "float_cents": 5001}, "float-out-of-bounds"
        ),
        "more than the safe holds": Case(
            odile, f"{place}/remittances", {"id": str(new_id()), "counted": {"50000": 9}}, "remitted-too-much"
        ),
        "nothing to remit": Case(
            odile, f"{place}/remittances", {"id": str(new_id()), "counted": {}}, "nothing-to-remit"
        ),
        "more than a wallet holds": Case(odile, moves, town.move_body(10_000), "not-enough-to-move"),
        # Closed.
        "a payment into a closed drawer": Case(odile, f"{made['closed']}/receipts", town.body(), "drawer-closed"),
        "another count of a closed drawer": Case(
            odile, f"{made['closed']}/close", {"counted": {"1000": 2}}, "drawer-closed"
        ),
        "a void in a closed drawer": Case(
            odile, f"/receipts/{made['old']['id']}/void", reason, "receipt-drawer-closed"
        ),
        "a second drawer": Case(
            odile, f"{place}/drawers", {"id": str(new_id()), "float_cents": 0}, "drawer-already-open"
        ),
        # The wrong person.
        "somebody else's drawer": Case(sylvie, collect, town.body(), "not-your-drawer"),
        "the count of somebody else's drawer": Case(
            sylvie, f"{made['drawer']}/close", {"counted": {}}, "not-your-drawer"
        ),
        "a drawer where one is no mandatary": Case(
            sylvie, f"{place}/drawers", {"id": str(new_id()), "float_cents": 0}, "not-mandatary"
        ),
        "a drawer where one's mandate is over": Case(
            odile, f"/sub-offices/{town.ended}/drawers", {"id": str(new_id()), "float_cents": 0}, "not-mandatary"
        ),
        "a void by whoever is no mandatary": Case(
            sylvie, f"/receipts/{made['spent']['id']}/void", reason, "not-your-drawer"
        ),
        "a remittance by whoever is no mandatary": Case(
            sylvie, f"{place}/remittances", {"id": str(new_id()), "counted": {}}, "not-mandatary"
        ),
        "a move by whoever is no mandatary": Case(sylvie, moves, town.move_body(1), "not-mandatary"),
        "an integration by a mandatary": Case(odile, f"{back}/integrate", {"counted_cents": 100}, "not-cash-officer"),
        "a manager at the counter": Case(town.manager, collect, town.body(), "forbidden"),
        # The same request with another content.
        "another amount under one id": Case(
            odile, collect, town.body(1100, id=made["paid"]["id"]), "idempotency-mismatch"
        ),
        "another means under one id": Case(
            odile, collect, made["paid"] | {"means": "cheque", **cheque}, "idempotency-mismatch"
        ),
        "another float under one id": Case(
            odile, f"{place}/drawers", made["open"] | {"float_cents": 900}, "idempotency-mismatch"
        ),
        "another void under one id": Case(
            odile,
            f"/receipts/{made['spent']['id']}/void",
            {"id": made["void"]["id"], "reason": "Erreur"},
            "idempotency-mismatch",
        ),
        "another count under one id": Case(
            odile, f"{place}/remittances", made["slip_body"] | {"counted": {"100": 9}}, "idempotency-mismatch"
        ),
        "another move under one id": Case(odile, moves, made["move"] | {"amount_cents": 301}, "idempotency-mismatch"),
        "another body under one key": Case(
            odile, collect, town.body(200), "idempotency-mismatch", {"Idempotency-Key": "une-cle"}
        ),
        # Negative, foreign, impossible.
        "a negative amount": Case(odile, collect, town.body(-500, tendered_cents=0), "amount-out-of-bounds"),
        "no amount": Case(odile, collect, town.body(0), "amount-out-of-bounds"),
        "a negative amount tendered": Case(odile, collect, town.body(tendered_cents=-1), "amount-out-of-bounds"),
        "half a cent": Case(odile, collect, town.body(12.5), "bad-input"),
        "an amount in words": Case(odile, collect, town.body("10 £"), "bad-input"),
        "true as an amount": Case(odile, collect, town.body(True, tendered_cents=1), "bad-input"),
        "another currency": Case(odile, collect, town.body(currency="CHF"), "bad-input"),
        "a foreign coin in the count": Case(odile, f"{made['drawer']}/close", {"counted": {"25": 4}}, "bad-count"),
        "a negative count": Case(odile, f"{made['drawer']}/close", {"counted": {"100": -1}}, "bad-count"),
        "a foreign coin in a remittance": Case(
            odile, f"{place}/remittances", {"id": str(new_id()), "counted": {"250": 1}}, "bad-count"
        ),
        "a negative move": Case(odile, moves, town.move_body(-1), "amount-out-of-bounds"),
        "a negative float": Case(
            benoit, f"{place}/drawers", {"id": str(new_id()), "float_cents": -1}, "float-out-of-bounds"
        ),
        "less given than is asked": Case(odile, collect, town.body(1000, tendered_cents=999), "tendered-too-little"),
        "a cheque of another amount": Case(
            odile, collect, town.body(1000, means="cheque", tendered_cents=1001, **cheque), "tendered-differs"
        ),
        "vouchers of another sum": Case(
            odile,
            collect,
            town.body(1000, means="ancv", vouchers=[{"face_cents": 1000, "number": 2}]),
            "vouchers-give-no-change",
        ),
        "a wallet of another family": Case(
            odile, moves, town.move_body(1, to_wallet_id=str(town.neighbours)), "wallets-of-two-families"
        ),
        "an invoice that does not exist": Case(
            odile,
            collect,
            town.body(top_ups=[], invoices=[{"invoice_id": str(new_id()), "amount_cents": 1}]),
            "unknown-invoice",
        ),
        # What is over and done.
        "what was spent": Case(odile, f"/receipts/{made['spent']['id']}/void", reason, "insufficient-funds"),
        "what was voided": Case(odile, f"/receipts/{made['receipt']['id']}/void", reason, "receipt-not-voidable"),
        "what was integrated": Case(odile, f"{slip}/cancel", reason, "remittance-decided"),
        "another count than the slip's": Case(benoit, f"{back}/integrate", {"counted_cents": 99}, "count-differs"),
        "a past tariff": Case(town.manager, f"{made['tariff']}/adopter", yesterday, "past-tariff", is_form=True),
        "a tariff from today": Case(
            town.manager, f"{made['tariff']}/adopter", {"valid_from": str(TODAY)}, "past-tariff", is_form=True
        ),
    }


async def ask(case: Case, language: str) -> tuple[int, Any]:
    headers = {"X-CSRF-Token": case.who.csrf_token, "Accept-Language": language, **case.headers}
    if case.is_form:
        answer = await case.who.session.post(
            case.who.url + case.path, data=case.body, headers={**headers, "Accept": "application/json"}
        )
    else:
        answer = await case.who.session.post(case.who.url + API + case.path, json=case.body, headers=headers)
    return answer.status, await answer.json()


def wrong_words(problem: Any, kind: type[Refusal], french: Any) -> list[str]:
    """Return what is wrong with the words of a refusal; `french` is what was said in French, for the other language."""
    wrong = []
    as_printed = translator("fr").gettext
    for sentence, key in ((as_printed(kind.message), "title"), (as_printed(kind.what_to_do), "detail")):
        said = problem.get(key, "")
        if (not said and sentence) or "…" in said or "{" in said:
            wrong.append(f"{key}: {said!r}")
        elif french is None and not re.fullmatch(re.sub(r"\\{\w+\\}", ".+", re.escape(sentence)), said):
            wrong.append(f"{key} is {said!r}, not {sentence!r}")
        elif french is not None and sentence and said == french[key]:
            wrong.append(f"{key} has no English: {said!r}")
    return wrong


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


async def test_whatever_is_refused_has_its_words_and_its_record_and_moves_nothing(
    database_url: str, tmp_path: Path
) -> None:
    kinds: dict[str, list[type[Refusal]]] = {}
    for each in all_refusals():
        kinds.setdefault(each.slug, []).append(each)
    wrong: dict[str, list[str]] = {}
    async with town_on(database_url, tmp_path) as town:
        before, recorded = await town.remains(), len(await town.refused())
        for name, case in cases(town).items():
            status, french = await ask(case, "fr")
            # One slug may be said in two ways: an id that came before, and a key that came before.
            alike = kinds[case.slug]
            kind = next((each for each in alike if not wrong_words(french, each, None)), alike[0])
            found = [] if french.get("slug") == case.slug else [f"refused as {french.get('slug')}: {french}"]
            found += [] if status == kind.status or found else [f"answered with {status}"]
            if not found:
                _, english = await ask(case, "en")
                found = wrong_words(french, kind, None) + wrong_words(english, kind, french)
                told = await town.refused()
                if [slug for slug, _ in told[recorded:]] != [case.slug] * 2 or None in {who for _, who in told}:
                    found.append(f"the journal has {told[recorded:]}")
            recorded = len(await town.refused())
            if await town.remains() != before:
                found.append("something moved")
                before = await town.remains()
            if found:
                wrong[name] = found
        async with town.site.database.read() as db:
            assert [*await verify(db), *await verify_offices(db)] == []
    assert wrong == {}
