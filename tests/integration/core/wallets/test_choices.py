"""What a family chose for its wallets, and what comes of it by itself: top-ups and notices, each once."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import func, select
from sqlalchemy.exc import DBAPIError

from cvq_core.clock import local_day
from cvq_core.ids import new_id
from cvq_core.jobs.tables import Job
from cvq_core.journal.store import SYSTEM
from cvq_core.journal.tables import AuditRecord
from cvq_core.ledger.rules import IdempotencyMismatch
from cvq_core.ledger.statements import latest_movements
from cvq_core.people.store import AccountClosed
from cvq_core.people.tables import FamilyAccount
from cvq_core.settings import Settings
from cvq_core.wallets.jobs import run_notices, run_top_ups
from cvq_core.wallets.rules import (
    BadTopUpSetting,
    NoFamilyEmail,
    TopUpInACircle,
    TopUpSetting,
    WalletsOfTwoFamilies,
)
from cvq_core.wallets.settings import choose_notice, choose_top_up, notices_in_force, top_ups_in_force
from cvq_core.wallets.tables import AutomaticTopUp, TopUpChoice
from tests.core_examples import NOW
from tests.integration.core.wallets.conftest import Purse

CANTEEN_FROM_POOL = TopUpSetting(threshold_cents=500, amount_cents=800, month_max_cents=2000)
LATER = NOW + timedelta(minutes=5)


async def choose(purse: Purse, setting: TopUpSetting | None, key: UUID | None = None, **more: Any) -> None:
    asked = {
        "family_account_id": purse.family,
        "wallet_id": purse.canteen,
        "source_wallet_id": purse.pool,
        "now": NOW,
        **more,
    }
    async with purse.database.write() as db:
        await choose_top_up(db, key or new_id(), setting=setting, actor=SYSTEM, **asked)


async def be_told(purse: Purse, threshold: int | None, key: UUID | None = None, **more: Any) -> None:
    asked = {"family_account_id": purse.family, "wallet_id": purse.canteen, "now": NOW, **more}
    async with purse.database.write() as db:
        await choose_notice(db, key or new_id(), threshold_cents=threshold, actor=SYSTEM, **asked)


async def look(purse: Purse, now: datetime = LATER) -> int:
    return await run_top_ups(purse.database, lambda: now)


class TestTopUps:
    async def test_below_the_threshold_the_other_wallet_fills_it_once(self, purse: Purse) -> None:
        await choose(purse, CANTEEN_FROM_POOL)
        assert await look(purse) == 0
        await purse.spend(purse.canteen, 501)
        assert await look(purse) == 1
        assert await purse.balances() == (2200, 1299)
        assert await look(purse) == 0
        async with purse.database.read() as db:
            [newest, *_] = (await latest_movements(db, [purse.canteen], each=5))[purse.canteen]
            recorded = await db.scalar(
                select(func.count()).where(
                    AuditRecord.action == "topped-up-automatically", AuditRecord.account_id == purse.family
                )
            )
        assert newest.label == "Approvisionnement automatique\u00a0: de Piscine vers Cantine"
        assert recorded == 1

    async def test_servers_that_look_at_once_top_up_once(self, purse: Purse) -> None:
        await choose(purse, CANTEEN_FROM_POOL)
        await purse.spend(purse.canteen, 600)
        made = await asyncio.gather(*(look(purse) for _ in range(5)))
        assert sum(made) == 1
        assert await purse.balances() == (2200, 1200)

    async def test_the_months_ceiling_holds_through_a_change_and_begins_anew_with_the_month(self, purse: Purse) -> None:
        await choose(purse, CANTEEN_FROM_POOL)
        await purse.spend(purse.canteen, 3000)
        assert [await look(purse) for _ in range(4)] == [1, 1, 1, 0]
        assert await purse.balances() == (1000, 0)
        await choose(purse, TopUpSetting(500, 800, 2100), now=LATER)
        assert [await look(purse) for _ in range(2)] == [1, 0]
        assert await purse.balances() == (900, 100)
        assert await look(purse, NOW + timedelta(days=31)) == 1
        assert await purse.balances() == (100, 900)

    async def test_what_the_source_does_not_hold_is_not_moved(self, purse: Purse) -> None:
        await choose(purse, CANTEEN_FROM_POOL)
        await purse.spend(purse.pool, 2700)
        await purse.spend(purse.canteen, 1100)
        assert [await look(purse) for _ in range(2)] == [1, 0]
        assert await purse.balances() == (0, 200)

    async def test_a_choice_that_was_ended_does_nothing_more_and_the_past_stays(self, purse: Purse) -> None:
        await choose(purse, CANTEEN_FROM_POOL)
        await choose(purse, None, source_wallet_id=None, now=LATER)
        await purse.spend(purse.canteen, 900)
        assert await look(purse, LATER + timedelta(minutes=1)) == 0
        async with purse.database.read() as db:
            assert await top_ups_in_force(db, local_day(NOW), family_account_id=purse.family) == []
            assert await db.scalar(select(func.count()).select_from(TopUpChoice)) == 2

    async def test_a_newer_choice_stands_from_its_day_on(self, purse: Purse) -> None:
        await choose(purse, CANTEEN_FROM_POOL)
        tomorrow = NOW + timedelta(days=1)
        await choose(purse, TopUpSetting(100, 100, 100), now=tomorrow)
        async with purse.database.read() as db:
            thresholds = [
                [each.threshold_cents for each in await top_ups_in_force(db, local_day(at))] for at in (NOW, tomorrow)
            ]
            assert await top_ups_in_force(db, local_day(NOW - timedelta(days=1))) == []
            assert await top_ups_in_force(db, local_day(NOW), family_account_id=purse.strangers) == []
        assert thresholds == [[500], [100]]

    async def test_one_familys_money_never_fills_anothers_wallet(self, purse: Purse) -> None:
        with pytest.raises(WalletsOfTwoFamilies):
            await choose(purse, CANTEEN_FROM_POOL, source_wallet_id=purse.strangers_pool)
        with pytest.raises(WalletsOfTwoFamilies):
            await choose(purse, CANTEEN_FROM_POOL, family_account_id=purse.strangers)

    async def test_two_wallets_do_not_fill_each_other_for_ever(self, purse: Purse) -> None:
        await choose(purse, CANTEEN_FROM_POOL)
        with pytest.raises(TopUpInACircle):
            await choose(purse, CANTEEN_FROM_POOL, wallet_id=purse.pool, source_wallet_id=purse.canteen)

    async def test_a_setting_without_a_source_or_beyond_the_bounds_is_refused(self, purse: Purse) -> None:
        with pytest.raises(BadTopUpSetting):
            await choose(purse, CANTEEN_FROM_POOL, source_wallet_id=None)
        with pytest.raises(BadTopUpSetting):
            await choose(purse, TopUpSetting(0, 0, 0))

    async def test_the_same_choice_asked_again_is_one_and_another_under_its_id_is_refused(self, purse: Purse) -> None:
        key = new_id()
        for _ in range(2):
            await choose(purse, CANTEEN_FROM_POOL, key)
        with pytest.raises(IdempotencyMismatch):
            await choose(purse, TopUpSetting(501, 800, 2000), key)
        async with purse.database.read() as db:
            assert await db.scalar(select(func.count()).select_from(TopUpChoice)) == 1

    async def test_what_was_chosen_and_made_is_never_changed(self, purse: Purse) -> None:
        await choose(purse, CANTEEN_FROM_POOL)
        await purse.spend(purse.canteen, 900)
        await look(purse)
        for table in (TopUpChoice, AutomaticTopUp):
            with pytest.raises(DBAPIError):
                async with purse.database.write() as db:
                    (await db.scalars(select(table))).one().amount_cents = 1


@pytest.fixture
def with_mail(tmp_path: Path) -> Settings:
    return Settings(data_dir=tmp_path, smtp_url="smtp://127.0.0.1:9")


async def tell(purse: Purse, settings: Settings) -> int:
    return await run_notices(purse.database, settings, lambda: LATER)


async def mails(purse: Purse) -> list[dict[str, Any]]:
    async with purse.database.read() as db:
        return [job.payload for job in await db.scalars(select(Job).order_by(Job.created_at, Job.id))]


class TestNotices:
    async def test_a_family_gets_one_e_mail_for_each_crossing(self, purse: Purse, with_mail: Settings) -> None:
        await be_told(purse, 500)
        assert await tell(purse, with_mail) == 0
        await purse.spend(purse.canteen, 501)
        assert [await tell(purse, with_mail) for _ in range(3)] == [1, 0, 0]
        await purse.spend(purse.canteen, 100)
        assert await tell(purse, with_mail) == 0
        await purse.spend(purse.canteen, -1000)
        assert await tell(purse, with_mail) == 0
        await purse.spend(purse.canteen, 1000)
        assert [await tell(purse, with_mail) for _ in range(2)] == [1, 0]
        first, second = await mails(purse)
        assert first["to"] == second["to"] == "moreau@example.org"
        assert first["subject"] == "Le compte Cantine de votre famille baisse"
        assert "4,99" in first["text"]
        assert "F00001" in first["text"]
        assert "Moreau" not in first["text"]

    async def test_servers_that_look_at_once_send_one_e_mail(self, purse: Purse, with_mail: Settings) -> None:
        await be_told(purse, 500)
        await purse.spend(purse.canteen, 600)
        assert sum(await asyncio.gather(*(tell(purse, with_mail) for _ in range(5)))) == 1
        assert len(await mails(purse)) == 1

    async def test_without_a_mail_server_nothing_is_noted_and_the_notice_comes_later(
        self, purse: Purse, with_mail: Settings, tmp_path: Path
    ) -> None:
        await be_told(purse, 500)
        await purse.spend(purse.canteen, 600)
        assert await tell(purse, Settings(data_dir=tmp_path)) == 0
        assert await tell(purse, with_mail) == 1

    async def test_a_notice_that_was_ended_sends_nothing(self, purse: Purse, with_mail: Settings) -> None:
        await be_told(purse, 500)
        await be_told(purse, None, now=LATER)
        await purse.spend(purse.canteen, 600)
        assert await tell(purse, with_mail) == 0
        async with purse.database.read() as db:
            assert await notices_in_force(db, local_day(NOW)) == []

    async def test_a_family_without_an_address_is_told_so_at_once(self, purse: Purse) -> None:
        with pytest.raises(NoFamilyEmail):
            await be_told(purse, 500, family_account_id=purse.strangers, wallet_id=purse.strangers_pool)

    async def test_an_address_that_was_taken_away_sends_nothing(self, purse: Purse, with_mail: Settings) -> None:
        await be_told(purse, 500)
        async with purse.database.write() as db:
            (await db.get_one(FamilyAccount, purse.family)).email = None
        await purse.spend(purse.canteen, 600)
        assert await tell(purse, with_mail) == 0
        assert await mails(purse) == []

    async def test_nobody_is_told_of_another_familys_wallet(self, purse: Purse) -> None:
        with pytest.raises(WalletsOfTwoFamilies):
            await be_told(purse, 500, wallet_id=purse.strangers_pool)


async def test_nothing_begins_on_a_closed_account_and_what_is_in_force_may_end(purse: Purse) -> None:
    before = new_id()
    await choose(purse, CANTEEN_FROM_POOL, key=before)
    await be_told(purse, 300)
    async with purse.database.write() as db:
        (await db.get_one(FamilyAccount, purse.family)).closed_on = NOW.date()
    with pytest.raises(AccountClosed):
        await choose(purse, replace(CANTEEN_FROM_POOL, amount_cents=900))
    with pytest.raises(AccountClosed):
        await be_told(purse, 400)
    await choose(purse, CANTEEN_FROM_POOL, key=before)
    async with purse.database.read() as db:
        [top_up] = await top_ups_in_force(db, NOW.date(), family_account_id=purse.family)
        [notice] = await notices_in_force(db, NOW.date(), family_account_id=purse.family)
        assert (top_up.amount_cents, notice.threshold_cents) == (CANTEEN_FROM_POOL.amount_cents, 300)
    later = NOW + timedelta(seconds=1)
    await choose(purse, None, source_wallet_id=None, now=later)
    await be_told(purse, None, now=later)
    async with purse.database.read() as db:
        assert not await top_ups_in_force(db, NOW.date(), family_account_id=purse.family)
        assert not await notices_in_force(db, NOW.date(), family_account_id=purse.family)
