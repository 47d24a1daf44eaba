"""A controller decides with the core while it can, and by its own list when it cannot: real processes, a real cut."""

from __future__ import annotations

from pathlib import Path
from uuid import UUID

from sqlalchemy import select

from cvq_core.access.facts import AttendanceStatus, Manner
from cvq_core.access.tables import AccessPoint, Attendance, Entitlement, Tap
from cvq_core.cards.life import By, block
from cvq_core.cards.rules import BlockedReason
from cvq_core.cards.store import find_card
from cvq_core.cards.tables import Card
from cvq_core.journal.store import SYSTEM
from cvq_core.ledger.tables import Wallet
from cvq_core.people.tables import Membership, Person
from cvq_core.seed.heroes import JEANNE_UID, STRANGER_UID
from cvq_core.services.rules import ServiceCode
from cvq_core.text import short_date
from tests.factories import make_card
from tests.integration.core.access.conftest import NOON, Village
from tests.integration.core.access.test_taps import top_up
from tests.integration.reader.ground import Line, controller, settled, until
from tests.served import Site


async def taps_of(site: Site) -> dict[str, Tap]:
    async with site.database.read() as db:
        return {str(tap.id): tap for tap in await db.scalars(select(Tap))}


async def jeannes_wallet(site: Site) -> Wallet:
    async with site.database.read() as db:
        wallet = await db.scalar(
            select(Wallet)
            .join(Membership, Membership.account_id == Wallet.family_account_id)
            .join(Card, Card.person_id == Membership.person_id)
            .where(Card.uid == JEANNE_UID, Wallet.service_code == ServiceCode.POOL)
        )
    assert wallet is not None
    return wallet


async def give_jeanne(site: Site, cents: int) -> None:
    await top_up(Village(site.database, {}), (await jeannes_wallet(site)).id, cents)


async def test_with_the_line_the_core_decides_and_without_it_the_list_and_all_taps_arrive(
    site: Site, line: Line, tmp_path: Path
) -> None:
    await give_jeanne(site, 1000)
    before = (await jeannes_wallet(site)).balance_cents
    async with controller(site, tmp_path / "pool", line) as machine:
        await machine.start()
        await until(machine.line_is_up, "the core is asked")
        on_line = await machine.tap(JEANNE_UID)
        assert (on_line["allowed"], on_line["online"], on_line["reason"]) == (True, True, "paid")
        price = (await taps_of(site))[on_line["id"]].amount_cents
        await line.cut()
        cut_off = [await machine.tap(JEANNE_UID) for _ in range(4)]
        assert {answer["online"] for answer in cut_off} == {False}
        # The list's balance less what has passed here since: ten euros are so many entries and no more.
        paid = [answer for answer in (on_line, *cut_off) if answer["allowed"]]
        assert 1 < len(paid) == min(5, before // price)
        stranger = await machine.tap(STRANGER_UID)
        assert (stranger["allowed"], stranger["reason"]) == (False, "unknown-card")
        assert (await machine.status())["queued"] == 5
        await line.mend()
        await until(lambda: settled(machine), "the taps arrive")
        known = await taps_of(site)
        for answer in cut_off:
            tap = known[answer["id"]]
            assert (tap.offline, tap.allowed) == (True, answer["allowed"])
        assert (await jeannes_wallet(site)).balance_cents == before - price * len(paid)


async def test_a_blocked_card_is_refused_within_seconds_and_stays_so_when_the_line_is_cut(
    site: Site, line: Line, tmp_path: Path
) -> None:
    await give_jeanne(site, 10_000)
    async with controller(site, tmp_path / "pool", line) as machine:
        await machine.start()
        sequence = (await machine.status())["sequence"]
        async with site.database.write() as db:
            card = await find_card(db, uid=JEANNE_UID)
            await block(db, card.id, BlockedReason.LOST, By(SYSTEM, NOON))

        async def heard() -> bool:
            return bool((await machine.status())["sequence"] > sequence)

        await until(heard, "the block arrives")
        await line.cut()
        answer = await machine.tap(JEANNE_UID)
        assert (answer["allowed"], answer["reason"], answer["online"]) == (False, "card-blocked", False)


async def test_a_line_that_goes_silent_makes_one_person_wait_for_less_than_a_second_and_the_others_not(
    site: Site, line: Line, tmp_path: Path
) -> None:
    await give_jeanne(site, 10_000)
    async with controller(site, tmp_path / "pool", line, online_ms=300) as machine:
        await machine.start()
        await until(machine.line_is_up, "the core is asked")
        line.silent = True
        answers = [await machine.tap(JEANNE_UID) for _ in range(3)]
        assert [(answer["allowed"], answer["online"]) for answer in answers] == [(True, False)] * 3
        line.silent = False
        await until(lambda: settled(machine), "the taps arrive")
        # The core may have taken the first one on line, after its time was up: it counts once.
        known = await taps_of(site)
        assert {answer["id"] for answer in answers} <= known.keys()
        price = known[answers[1]["id"]].amount_cents
        assert sum(known[answer["id"]].amount_cents for answer in answers) == 3 * price


async def test_without_the_core_a_controller_that_was_killed_starts_again_with_its_list_and_its_taps(
    site: Site, line: Line, tmp_path: Path
) -> None:
    await give_jeanne(site, 1000)
    async with controller(site, tmp_path / "pool", line) as machine:
        await machine.start()
        await line.cut()
        first = await machine.tap(JEANNE_UID)
        assert first["allowed"]
        await machine.kill()
        await machine.start()
        status = await machine.status()
        assert (status["queued"], status["line"]) == (1, False)
        again = [await machine.tap(JEANNE_UID) for _ in range(8)]
        paid = 1 + sum(answer["allowed"] for answer in again)
        await line.mend()
        await until(lambda: settled(machine), "the taps arrive")
        known = await taps_of(site)
        assert {first["id"], *(answer["id"] for answer in again)} <= known.keys()
        price = known[first["id"]].amount_cents
        assert paid == 1000 // price
        assert 0 <= (await jeannes_wallet(site)).balance_cents < price


async def test_a_canteen_s_tablet_behind_a_controller_calls_the_roll_with_the_line_cut(
    site: Site, line: Line, tmp_path: Path
) -> None:
    async with site.database.write() as db:
        at_table = select(Entitlement.person_id).join(AccessPoint, AccessPoint.id == Entitlement.point_id)
        children = await db.scalars(
            select(Person).where(Person.id.in_(at_table.where(AccessPoint.code == "cantine-tallud")))
        )
        named = {child.given_names: child for child in children}
        lea = named.pop("Léa")
        owing = await db.scalar(
            select(Wallet.balance_cents)
            .join(Membership, Membership.account_id == Wallet.family_account_id)
            .where(Membership.person_id == lea.id, Wallet.service_code == ServiceCode.CANTEEN)
        )
        one, other = list(named.values())[:2]
        for child in (one, other):
            child.given_names, child.family_name, child.usual_name = "Anna", "Guignard", None
        await make_card(db, other, uid="04A1B2C3D4E5F6", digits="482130588")
        lea_id, twins = str(lea.id), {str(one.id): one.birth_date, str(other.id): other.birth_date}
    assert owing is not None
    assert owing < 0, "her wallet is empty"
    async with controller(site, tmp_path / "canteen", line, "cantine-tallud") as machine:
        await machine.start()
        await line.cut()
        listed = {each["person_id"]: each for each in (await machine.expected())["expected"]}
        assert {listed[each]["told_apart"] for each in twins} == {short_date(born) for born in twins.values() if born}
        assert listed[lea_id]["told_apart"] == ""
        ticked = await machine.tap(person_id=UUID(lea_id))
        tapped = await machine.tap("04A1B2C3D4E5F6")
        assert (ticked["reason"], ticked["allowed"], ticked["online"]) == ("served-and-owed", True, False)
        assert (tapped["allowed"], tapped["online"]) == (True, False)
        present = {each["person_id"] for each in (await machine.expected())["expected"] if each["status"]}
        assert present == {lea_id, str(other.id)}
        await line.mend()
        await until(lambda: settled(machine), "all taps arrive")
    async with site.database.read() as db:
        noted = {str(row.person_id): (row.status, row.manner) for row in await db.scalars(select(Attendance))}
    assert noted == {
        lea_id: (AttendanceStatus.PRESENT, Manner.TICK),
        str(other.id): (AttendanceStatus.PRESENT, Manner.CARD),
    }
