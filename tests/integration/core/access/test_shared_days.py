"""A child of two families at the canteen: the account of the day pays, and a day of nobody is served and listed."""

from __future__ import annotations

from datetime import date, timedelta
from uuid import UUID

import pytest
from sqlalchemy import event, select

from cvq_core.access.scene import TapRequest
from cvq_core.access.tables import Attendance, Entitlement, UnclaimedCharge
from cvq_core.access.taps import TapAnswer, take_tap, take_taps
from cvq_core.access.unclaimed import NoShares, NotTheirChild, settle_unclaimed, unclaimed_charges
from cvq_core.ids import new_id
from cvq_core.ledger.rules import IdempotencyMismatch
from cvq_core.ledger.tables import Wallet
from cvq_core.ledger.verify import verify
from cvq_core.ledger.wallets import open_wallet
from cvq_core.people.arrangements import NewArrangement, add_exception, arrange
from cvq_core.people.custody import Part
from cvq_core.people.tables import FamilyAccount, Membership
from cvq_core.seed.heroes import LEA_UID
from cvq_core.services.rules import ServiceCode
from tests.integration.core.access.conftest import NOON, Village

CANTEEN, POOL = "cantine-tallud", "piscine-gatineo-1"
MEAL = 395
"""What a family pays whose quotient is not known."""
MOREAU_MEAL = 235
STAFF = UUID(int=7)
EVERY_DAY, NEVER = "aaaaaaa", "-------"


async def home(village: Village, label: str) -> UUID:
    async with village.database.read() as db:
        found = await db.scalar(select(FamilyAccount.id).where(FamilyAccount.label == f"Famille {label}"))
    assert found is not None
    return found


async def balance(village: Village, account_id: UUID, service: ServiceCode = ServiceCode.CANTEEN) -> int:
    async with village.database.read() as db:
        cents = await db.scalar(
            select(Wallet.balance_cents).where(Wallet.family_account_id == account_id, Wallet.service_code == service)
        )
    return cents or 0


async def share_emma(village: Village, first_week: str, second_week: str, shares: tuple[int, int] = (50, 50)) -> UUID:
    """Let Emma's days be shared from today on: "a" is Bonnin, "b" is Texier."""
    emma, arrangement_id = await village.person("Emma", "Texier"), new_id()
    parts = (Part(await home(village, "Bonnin"), shares[0]), Part(await home(village, "Texier"), shares[1]))
    async with village.database.write() as db:
        await arrange(
            db,
            NewArrangement(arrangement_id, emma, NOON.date(), parts, first_week, second_week),
            recorded_by=STAFF,
            now=NOON,
        )
    return arrangement_id


async def emma_taps(village: Village, point: str = CANTEEN, days_later: int = 0) -> TapAnswer:
    request = village.card_tap(point, await village.card_of("Emma", "Texier"))
    async with village.database.write() as db:
        return await take_tap(db, request, now=NOON + timedelta(days=days_later))


async def test_the_account_of_the_week_pays_whoever_enrolled_the_child(village: Village) -> None:
    await share_emma(village, EVERY_DAY, "bbbbbbb")
    bonnin, texier = await home(village, "Bonnin"), await home(village, "Texier")
    before = await balance(village, bonnin), await balance(village, texier)
    await emma_taps(village)
    assert (await balance(village, bonnin), await balance(village, texier)) == (before[0] - MEAL, before[1])
    next_week = await emma_taps(village, days_later=7)
    assert next_week.allowed
    async with village.database.read() as db:
        attendance = await db.get(
            Attendance, (await village.person("Emma", "Texier"), ServiceCode.CANTEEN, NOON.date() + timedelta(days=7))
        )
    assert attendance is not None
    assert await balance(village, bonnin) == before[0] - MEAL, "the other week is not hers to pay"


async def test_an_exception_of_the_holidays_moves_the_charge(village: Village) -> None:
    arrangement_id = await share_emma(village, EVERY_DAY, EVERY_DAY)
    bonnin, texier = await home(village, "Bonnin"), await home(village, "Texier")
    async with village.database.write() as db:
        await open_wallet(db, new_id(), family_account_id=texier, service=ServiceCode.CANTEEN, now=NOON)
        await add_exception(
            db,
            new_id(),
            arrangement_id=arrangement_id,
            first=NOON.date(),
            last=NOON.date(),
            account_id=texier,
            reason="Échange de jour",
            recorded_by=STAFF,
            now=NOON,
        )
    before = await balance(village, bonnin)
    await emma_taps(village)
    assert (await balance(village, bonnin), await balance(village, texier)) == (before, -MEAL)


async def test_a_day_of_nobody_is_served_charged_to_nobody_and_listed(village: Village) -> None:
    await share_emma(village, NEVER, EVERY_DAY)
    bonnin, texier = await home(village, "Bonnin"), await home(village, "Texier")
    before = await balance(village, bonnin), await balance(village, texier)
    answer = await emma_taps(village)
    assert (answer.allowed, answer.reason, answer.amount_cents) == (True, "served-unclaimed", MEAL)
    assert answer.display_long == "La présence est notée.", "the tablet does not tell the family's affairs"
    assert (await emma_taps(village)).reason == "already-counted"
    assert (await balance(village, bonnin), await balance(village, texier)) == before
    async with village.database.read() as db:
        [waiting] = await unclaimed_charges(db, ServiceCode.CANTEEN)
        assert await verify(db) == []
    assert (waiting.child, waiting.day, waiting.amount_cents) == ("TEXIER Emma", NOON.date(), MEAL)
    assert "n’est à personne" in waiting.because
    assert {each.label: each.share_percent for each in waiting.accounts} == {"Famille Bonnin": 50, "Famille Texier": 50}


@pytest.mark.parametrize("shares", [(50, 50), (70, 30), (100, 0)])
async def test_the_manager_shares_it_out_and_the_list_is_empty(village: Village, shares: tuple[int, int]) -> None:
    await share_emma(village, NEVER, NEVER, shares)
    bonnin, texier = await home(village, "Bonnin"), await home(village, "Texier")
    before = await balance(village, bonnin), await balance(village, texier)
    await emma_taps(village)
    async with village.database.write() as db:
        [waiting] = await unclaimed_charges(db, ServiceCode.CANTEEN)
        first = await settle_unclaimed(db, waiting.id, account_id=None, staff_id=STAFF, now=NOON)
    async with village.database.write() as db:
        again = await settle_unclaimed(db, waiting.id, account_id=None, staff_id=STAFF, now=NOON)
        with pytest.raises(IdempotencyMismatch):
            await settle_unclaimed(db, waiting.id, account_id=texier, staff_id=STAFF, now=NOON)
        assert await unclaimed_charges(db, ServiceCode.CANTEEN) == []
        assert await verify(db) == []
        attendance = await db.get(Attendance, (waiting.child_id, ServiceCode.CANTEEN, NOON.date()))
    assert (first.transaction_id, again.replayed) == (again.transaction_id, True)
    assert attendance is not None
    assert attendance.transaction_id == first.transaction_id
    borne = before[0] - await balance(village, bonnin), before[1] - await balance(village, texier)
    assert sum(borne) == MEAL
    assert abs(borne[0] - MEAL * shares[0] / 100) < 1


async def test_it_is_not_charged_to_a_family_that_is_not_the_child_s(village: Village) -> None:
    await share_emma(village, NEVER, NEVER)
    await emma_taps(village)
    async with village.database.write() as db:
        [waiting] = await unclaimed_charges(db, ServiceCode.CANTEEN)
        with pytest.raises(NotTheirChild):
            await settle_unclaimed(db, waiting.id, account_id=await home(village, "Moreau"), staff_id=STAFF, now=NOON)


async def test_without_a_calendar_and_without_a_payer_the_day_is_nobody_s_and_has_no_shares(village: Village) -> None:
    emma = await village.person("Emma", "Texier")
    async with village.database.write() as db:
        for right in await db.scalars(select(Entitlement).where(Entitlement.person_id == emma)):
            right.payer_account_id = None
    answer = await emma_taps(village)
    assert answer.reason == "served-unclaimed"
    async with village.database.write() as db:
        [waiting] = await unclaimed_charges(db, ServiceCode.CANTEEN)
        assert "aucun calendrier" in waiting.because
        with pytest.raises(NoShares):
            await settle_unclaimed(db, waiting.id, account_id=None, staff_id=STAFF, now=NOON)
        texier = await home(village, "Texier")
        await settle_unclaimed(db, waiting.id, account_id=texier, staff_id=STAFF, now=NOON)
    assert await balance(village, texier) == -MEAL


async def test_a_grandparent_whom_the_enrolment_names_pays_whatever_the_day(village: Village) -> None:
    await share_emma(village, NEVER, EVERY_DAY)
    emma, moreau = await village.person("Emma", "Texier"), await home(village, "Moreau")
    async with village.database.write() as db:
        for right in await db.scalars(select(Entitlement).where(Entitlement.person_id == emma)):
            right.payer_account_id = moreau
    before = await balance(village, moreau)
    answer = await emma_taps(village)
    assert (answer.allowed, answer.amount_cents) == (True, MOREAU_MEAL)
    assert await balance(village, moreau) == before - MOREAU_MEAL


async def test_a_turnstile_lets_nobody_in_on_a_day_that_is_arranged_to_be_nobody_s(village: Village) -> None:
    await share_emma(village, NEVER, EVERY_DAY)
    answer = await emma_taps(village, POOL)
    assert (answer.allowed, answer.reason, answer.display_short) == (False, "unclaimed-day", "Voir l’accueil")


async def test_children_of_one_account_cost_no_query_more(village: Village) -> None:
    asked: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        asked.append(statement)

    event.listen(village.database.engine.sync_engine, "before_cursor_execute", note)
    async with village.database.write() as db:
        await take_taps(db, [village.card_tap(CANTEEN, LEA_UID), village.card_tap(CANTEEN, LEA_UID)], now=NOON)
    assert asked
    assert not [statement for statement in asked if "custody" in statement or "closed_on, membership" in statement]


async def test_several_children_in_one_batch_are_each_charged_to_the_account_of_the_day(village: Village) -> None:
    await share_emma(village, NEVER, NEVER)
    emma = await village.person("Emma", "Texier")
    requests: list[TapRequest] = [
        village.card_tap(CANTEEN, LEA_UID),
        village.card_tap(CANTEEN, await village.card_of("Emma", "Texier")),
    ]
    async with village.database.write() as db:
        lea_answer, emma_answer = await take_taps(db, requests, now=NOON)
        rows = list(await db.scalars(select(UnclaimedCharge)))
    assert not isinstance(lea_answer, Exception)
    assert not isinstance(emma_answer, Exception)
    assert (lea_answer.reason, emma_answer.reason) == ("served-and-owed", "served-unclaimed")
    assert [row.person_id for row in rows] == [emma]


async def test_a_merged_account_pays_as_the_one_that_goes_on(village: Village) -> None:
    await share_emma(village, "bbbbbbb", EVERY_DAY)
    moreau, texier = await home(village, "Moreau"), await home(village, "Texier")
    emma = await village.person("Emma", "Texier")
    async with village.database.write() as db:
        merged = await db.get_one(FamilyAccount, texier)
        merged.merged_into_id, merged.closed_on = moreau, NOON.date()
        [membership] = await db.scalars(
            select(Membership).where(Membership.account_id == texier, Membership.person_id == emma)
        )
        db.add(
            Membership(
                id=new_id(), account_id=moreau, person_id=emma, role=membership.role, valid_from=date(2026, 11, 24)
            )
        )
    before = await balance(village, moreau)
    await emma_taps(village)
    assert await balance(village, moreau) == before - MOREAU_MEAL
