"""A request that comes again, without any key of its own, gives the first answer and writes no second record."""

from __future__ import annotations

import asyncio
from collections import Counter
from pathlib import Path
from uuid import UUID

from sqlalchemy import select

from cvq_core.ids import new_id
from cvq_core.journal.store import Actor, record_once
from cvq_core.journal.tables import AuditRecord
from cvq_core.staff.rules import Role
from tests.core_examples import NOW, TODAY
from tests.factories import make_staff
from tests.integration.web.money_town import API, Town, town_on

RECORDED = {
    "drawer-opened",
    "collected",
    "receipt-voided",
    "drawer-closed",
    "remitted",
    "remittance-integrated",
    "remittance-cancelled",
    "remittance-sent-back",
    "money-moved",
    "top-up-chosen",
    "notice-chosen",
    "advance-terms-set",
    "advance-granted",
    "advance-paid",
    "advance-expense-cancelled",
    "advance-stated",
    "debit-mandate-prepared",
    "debit-mandate-revoked",
    "account-opened",
    "account-closed",
    "accounts-merged",
    "merge-undone",
}


async def recorded(town: Town) -> Counter[str]:
    async with town.site.database.read() as db:
        return Counter(await db.scalars(select(AuditRecord.action).where(AuditRecord.outcome == "done")))


async def twice(town: Town, path: str, **fields: str) -> str:
    """Send a form twice, and return where both led."""
    answers = [await town.odile.submit(path, **fields) for _ in range(2)]
    assert [answer.status for answer in answers] == [303, 303], await answers[0].text()
    [address] = {answer.headers["Location"] for answer in answers}
    return address


async def spend_the_advance(town: Town) -> None:
    """The act grants an advance; an expense is paid, one is taken back, and the rest is stated."""
    async with town.site.database.write() as db:
        await make_staff(db, Role.ADMINISTRATOR, None, "alix")
    place = f"/sub-offices/{town.main}"
    terms = {"granted_cents": 500_00, "payment_max_cents": 100_00, "purposes": ["postage"], "paid_by": ["cash"]}
    async with town.site.signed_in("alix") as alix:
        body = {"id": str(new_id()), "valid_from": str(TODAY), "act": "Arrêté du 3 mars 2026", **terms}
        await town.done(alix, f"{place}/advance-terms", body)
        await town.replay()
        town.asked.clear()
    granted = {"id": str(new_id()), "kind": "granted", "place": "cash", "amount_cents": 500_00}
    await town.done(town.benoit, f"{place}/advance-movements", granted)
    paid = []
    for cents in (450, 900):
        expense = {"purpose": "postage", "paid_by": "cash", "payee": "La Poste", "document": "Timbres"}
        body = {"id": str(new_id()), "amount_cents": cents, **expense}
        paid.append(await town.done(town.benoit, f"{place}/advance-expenses", body))
    again = {"id": str(new_id()), "reason": "Rapporté"}
    await town.done(town.benoit, f"/advance-expenses/{paid[0]['id']}/cancel", again)
    await town.done(town.benoit, f"{place}/advance-statements", {"id": str(new_id())})


async def choose(town: Town) -> None:
    """A family chooses a top-up and has its mandate written; two others open, merge, part again and leave."""
    setting = {"threshold_cents": 500, "amount_cents": 300, "month_max_cents": 900}
    chosen = {"id": str(new_id()), "wallet_id": str(town.canteen), "source_wallet_id": str(town.pool)}
    await town.done(town.odile, f"/accounts/{town.family}/top-ups", {**chosen, "setting": setting})
    await town.done(
        town.odile, f"/accounts/{town.family}/notices", {"id": str(new_id()), "wallet_id": str(town.canteen)}
    )
    accounts = []
    for label in ("Bobin", "Bobin-Roy"):
        opened = {"id": str(new_id()), "label": label}
        accounts.append((await town.done(town.odile, "/family-accounts", opened))["id"])
    reason = {"reason": "Ouvert deux fois"}
    merge = {"id": str(new_id()), "kept_id": accounts[1], **reason}
    await town.done(town.odile, f"/family-accounts/{accounts[0]}/merge", merge)
    await town.done(town.odile, f"/merges/{merge['id']}/undo", {"id": str(new_id()), **reason})
    await town.done(town.odile, f"/family-accounts/{accounts[0]}/close", {"id": str(new_id()), **reason})


async def debit(town: Town) -> None:
    """A mandate is prepared and given up."""
    async with town.site.signed_in("alix") as alix:
        creditor = {"creditor_number": "FR46ZZZ123456", "bic": "PSSTFRPPLIL", "notice_days": 14}
        sent = {**creditor, "iban": "FR1420041010050500013M02606"}
        headers = {"X-CSRF-Token": alix.csrf_token}
        url = f"{alix.url}{API}/sub-offices/{town.main}/debit-creditor"
        async with alix.session.put(url, json=sent, headers=headers) as answer:
            assert answer.status == 204, await answer.text()
    place = f"/sub-offices/{town.main}/debit-mandates"
    holder = {"holder": "Jeanne Moreau", "address": "12, rue du Moulin", "iban": sent["iban"]}
    body = {"id": str(new_id()), "family_account_id": str(town.family), **holder}
    await town.done(town.benoit, place, body)
    await town.done(town.benoit, f"{place}/{body['id']}/revoke", {"why": "La famille renonce"})


async def test_whatever_comes_again_is_recorded_once(database_url: str, tmp_path: Path) -> None:
    async with town_on(database_url, tmp_path) as town:
        reason = {"id": str(new_id()), "reason": "Mal compté"}
        await town.done(town.odile, f"/remittances/{town.made['back']['id']}/cancel", reason)
        slips = f"/sub-offices/{town.place}/remittances"
        slip = await town.done(town.odile, slips, {"id": str(new_id()), "counted": {"100": 1}})
        await town.done(town.benoit, f"/remittances/{slip['id']}/send-back", {**reason, "id": str(new_id())})
        await choose(town)
        await spend_the_advance(town)
        await debit(town)
        before = await recorded(town)
        assert before.keys() >= RECORDED
        await town.replay()
        assert await recorded(town) == before


async def test_a_form_that_is_sent_twice_is_recorded_once(database_url: str, tmp_path: Path) -> None:
    async with town_on(database_url, tmp_path) as town:
        before = await recorded(town)
        collect = {"account_id": str(town.family), "key": str(new_id()), "means": "cash", f"w{town.canteen}": "12,00"}
        void = {"key": str(new_id()), "reason": "Erreur de famille"}
        receipt = await twice(town, "/caisse/encaisser", **collect, tendered="12,00")
        await twice(town, f"{receipt}/annuler", **void)
        slip = await twice(town, "/caisse/verser", key=str(new_id()), d100="1")
        await twice(town, f"{slip}/annuler", key=str(new_id()), reason="Mal compté")
        found = await recorded(town) - before
        assert found == Counter(["collected", "receipt-voided", "remitted", "remittance-cancelled"])


async def test_of_rivals_one_writes_the_record_and_each_account_has_its_own(database_url: str, tmp_path: Path) -> None:
    async with town_on(database_url, tmp_path) as town:
        act, database = new_id(), town.site.database
        who = Actor("staff", new_id(), "Odile Brémaud")

        async def write(account: UUID) -> bool:
            async with database.write() as db:
                return await record_once(
                    db,
                    act,
                    now=NOW,
                    actor=who,
                    action="accounts-merged",
                    subject=("merge", act),
                    account_id=account,
                    personal={"why": "twice"},
                )

        one, other = new_id(), new_id()
        assert sum(await asyncio.gather(*(write(account) for account in (one, one, other, one)))) == 2
