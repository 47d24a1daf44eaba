"""`kill -9` of the server at every named point of what moves money: nothing is lost, and nothing done twice.

The server is a process of its own, `cvq serve`, reached over HTTP. Whoever got no answer asks again after the restart,
with the same id, as the pages do. After each death the books are compared with plain arithmetic, and with PayFiP's.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from email import message_from_bytes
from pathlib import Path
from random import Random
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

import pytest

from cvq_core.ids import new_id
from cvq_core.payments.virtual import Fault, Result
from cvq_core.settings import Settings
from cvq_desk.check import look
from tests.integration.power_cut.dying_server import AT_THE_COUNTER, ONLINE, POINTS
from tests.integration.power_cut.town import PATIENCE_S, RIVALS, Asked, Died, Forking, Person, Town, town_on
from tests.rounds import POWER_CUTS

FLOAT = 2000
ONLINE_CENTS = 1234
LINGER_S = 0.3


@pytest.fixture
async def town(database_url: str, tmp_path: Path, forking: Forking) -> AsyncIterator[Town]:
    async with town_on(database_url, tmp_path, forking) as town:
        yield town


# What people do at a counter.


def opening(town: Town, drawer: UUID) -> Asked:
    body = {"id": str(drawer), "float_cents": FLOAT}
    return Asked(town.odile, f"/sub-offices/{town.place}/drawers", body, {"drawers": 1, "transactions": 1})


async def collecting(town: Town, *, who: Person | None = None, drawer: UUID | None = None) -> Asked:
    """15 euros for the wallet and 7 on an invoice, with a note of fifty."""
    invoice = await town.invoice(700)
    body = {
        "id": str(new_id()),
        "top_ups": [{"wallet_id": str(town.wallet), "amount_cents": 1500}],
        "invoices": [{"invoice_id": str(invoice), "amount_cents": 700}],
        "means": "cash",
        "tendered_cents": 5000,
    }
    return Asked(
        who or town.odile,
        f"/drawers/{drawer or town.drawer}/receipts",
        body,
        {"receipts": 1, "transactions": 1},
        wallet_cents=1500,
        cash_cents=2200,
    )


async def a_drawer(town: Town) -> UUID:
    if town.drawer is None:
        drawer = new_id()
        await town.done_once(opening(town, drawer), answers=1)
        town.drawer = drawer
    return town.drawer


async def a_closed_drawer(town: Town) -> None:
    """One payment in cash, and the drawer closed on its count."""
    asked = await closing(town)
    await town.done_once(asked, answers=1)
    town.drawer = None


async def closing(town: Town) -> Asked:
    """A drawer with a payment more, counted a cent too low."""
    drawer = await a_drawer(town)
    await town.done_once(await collecting(town), answers=1)
    there = await (await town.odile.session.get(f"{town.server.url}/api/v1/drawers/{drawer}")).json()
    counted = {"1": there["expected_cents"] % 10_000 - 1, "10000": there["expected_cents"] // 10_000}
    return Asked(town.odile, f"/drawers/{drawer}/close", {"counted": counted}, {"transactions": 1}, cash_cents=-1)


async def remitting(town: Town) -> Asked:
    await a_closed_drawer(town)
    path = f"{town.server.url}/api/v1/sub-offices/{town.place}/to-remit"
    cents = (await (await town.odile.session.get(path)).json())["cash_max_cents"]
    body = {"id": str(new_id()), "counted": {"1": cents % 10_000, "10000": cents // 10_000}}
    path = f"/sub-offices/{town.place}/remittances"
    return Asked(town.odile, path, body, {"slips": 1, "transactions": 1}, cash_cents=-cents)


async def integrating(town: Town) -> Asked:
    slip = await town.done_once(await remitting(town), answers=1)
    path = f"/remittances/{slip['id']}/integrate"
    return Asked(town.benoit, path, {"counted_cents": slip["cash_cents"]}, {"decisions": 1, "transactions": 1})


async def sending_back(town: Town) -> Asked:
    slip = await town.done_once(await remitting(town), answers=1)
    body = {"id": str(new_id()), "reason": "Une pièce manque"}
    rows = {"decisions": 1, "slips": 1, "transactions": 1}
    return Asked(town.benoit, f"/remittances/{slip['id']}/send-back", body, rows, cash_cents=slip["cash_cents"])


async def voiding(town: Town) -> Asked:
    await a_drawer(town)
    receipt = await town.done_once(await collecting(town), answers=1)
    return Asked(
        town.odile,
        f"/receipts/{receipt['id']}/void",
        {"id": str(new_id()), "reason": "Erreur de compte"},
        {"receipts": 1, "transactions": 1},
        wallet_cents=-1500,
        cash_cents=-2200,
    )


async def opening_anew(town: Town) -> Asked:
    if town.drawer is not None:
        await a_closed_drawer(town)
    town.drawer = new_id()
    return opening(town, town.drawer)


async def collecting_in_a_drawer(town: Town) -> Asked:
    await a_drawer(town)
    return await collecting(town)


ACTS: dict[str, Callable[[Town], Awaitable[Asked]]] = {
    "open": opening_anew,
    "collect": collecting_in_a_drawer,
    "void": voiding,
    "close": closing,
    "remit": remitting,
    "integrate": integrating,
    "send-back": sending_back,
}


async def die_at_the_counter(town: Town, name: str) -> None:
    act = name.partition(":")[0]
    asked = await ACTS[act](town)
    with pytest.raises(Died):
        await asked.who.post(asked.path, asked.body, die_at=name)
    await town.server.died()
    await town.server.live()
    await town.done_once(asked)
    if act == "close":
        town.drawer = None


# What people do on their telephones.


async def start(town: Town, path: str, *, die_at: str | None = None) -> str:
    """Press the button that leads to PayFiP, and return the operation to which it leads."""
    answer = await town.public("POST", f"{path}/payer", data={}, die_at=die_at)
    assert answer.status == 303, answer.status
    return parse_qs(urlsplit(answer.headers["Location"]).query)["idop"][0]


async def until_settled(town: Town, path: str) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not await town.is_settled(path):
            await asyncio.sleep(0.05)


async def begin_to_pay(town: Town, path: str, name: str) -> None:
    with pytest.raises(Died):
        await start(town, path, die_at=name)
    await revived(town)
    town.virtual.end(await start(town, path), Result.PAID_BY_CARD)
    assert (await town.public("GET", f"{path}/retour")).status == 200


async def come_back(town: Town, path: str, name: str) -> None:
    town.virtual.end(await start(town, path), Result.PAID_BY_CARD)
    with pytest.raises(Died):
        await town.public("GET", f"{path}/retour", die_at=name)
    await revived(town)
    for _ in range(2):
        assert (await town.public("GET", f"{path}/retour")).status == 200


async def hear_a_notice(town: Town, path: str, name: str) -> None:
    idop = await start(town, path)
    town.virtual.end(idop, Result.PAID_BY_CARD)
    await notify(town, idop, name)


async def hear_of_an_unknown_operation(town: Town, path: str, name: str) -> None:
    """PayFiP made the operation, and its answer never reached us: only its notification tells of it."""
    known = set(town.virtual.operations)
    town.virtual.faults.append(Fault.CREATION_LOST)
    assert (await town.public("POST", f"{path}/payer", data={})).status == 503
    (idop,) = set(town.virtual.operations) - known
    town.virtual.end(idop, Result.PAID_BY_CARD)
    await notify(town, idop, name)
    await town.public("POST", "/api/v1/payfip/notification", data={"idop": idop})


async def notify(town: Town, idop: str, name: str) -> None:
    # The server may die while it answers, or in the work that follows.
    with suppress(Died):
        await town.public("POST", "/api/v1/payfip/notification", data={"idop": idop}, die_at=name)
    await revived(town)


async def revived(town: Town) -> None:
    await town.server.died()
    await town.server.live()


def online_act(name: str) -> Callable[[Town, str, str], Awaitable[None]]:
    if name.startswith(("pay-begun", "pay-identified")):
        return begin_to_pay
    if name.startswith("pay-credited"):
        return come_back
    return hear_of_an_unknown_operation if name.startswith("notice-job") else hear_a_notice


async def die_online(town: Town, name: str) -> None:
    path = await town.cart(ONLINE_CENTS)
    await online_act(name)(town, path, name)
    await until_settled(town, path)
    town.books.wallet_cents += ONLINE_CENTS
    town.books.online_cents += ONLINE_CENTS
    town.books.rows["transactions"] += 1


async def each_payment_is_acknowledged(town: Town, payments: int) -> None:
    """Whoever paid gets the e-mail; one that was cut short and sent again keeps its number."""

    def numbers() -> set[str]:
        return {str(message_from_bytes(message)["Message-ID"]) for message in town.mailbox.messages()}

    async with asyncio.timeout(PATIENCE_S):
        while len(numbers()) < payments:
            await asyncio.sleep(0.1)
    assert len(numbers()) == payments


async def assert_the_check_is_sound(database_url: str, folder: Path) -> None:
    """Assert that `cvq check` finds nothing."""
    findings = await look(Settings(database_url=database_url, data_dir=folder / "data"))
    assert [finding for finding in findings if not finding.sound] == []


async def test_a_server_that_dies_at_any_point_of_the_counter_loses_and_doubles_nothing(
    town: Town, database_url: str, tmp_path: Path
) -> None:
    for name in AT_THE_COUNTER:
        await die_at_the_counter(town, name)
        await town.assert_sound()
    await assert_the_check_is_sound(database_url, tmp_path)


async def test_a_server_that_dies_at_any_point_of_an_online_payment_credits_it_once(
    town: Town, database_url: str, tmp_path: Path
) -> None:
    for name in ONLINE:
        await die_online(town, name)
        await town.assert_sound()
    await each_payment_is_acknowledged(town, len(ONLINE))
    await assert_the_check_is_sound(database_url, tmp_path)


# By night: anywhere, with others at work.


async def rival_at_work(town: Town, work: list[Asked]) -> list[Asked]:
    """Collect one after the other until nobody answers; return what was not answered."""
    while work:
        try:
            await work[0].who.post(work[0].path, work[0].body)
        except Died:
            break
        town.books.add(work.pop(0))
    return work


async def one_night_round(town: Town, chance: Random) -> int:
    """Let the server die at a point drawn by chance, or at any instant, while rivals collect; all ask again."""
    work = [
        [await collecting(town, who=person, drawer=drawer) for _ in range(8)] for drawer, person in town.rivals.items()
    ]
    rivals = [asyncio.create_task(rival_at_work(town, mine)) for mine in work]
    paid = 0
    if chance.random() < 0.3:
        await asyncio.sleep(chance.random() * LINGER_S)
        await town.server.kill()
        await town.server.live()
    else:
        name = chance.choice(sorted(POINTS))
        if name in AT_THE_COUNTER:
            await die_at_the_counter(town, name)
        else:
            await die_online(town, name)
            paid = 1
    for rival in rivals:
        for asked in await rival:
            await town.done_once(asked)
    return paid


@pytest.mark.nightly
@pytest.mark.timeout(7200)
async def test_hundreds_of_deaths_while_others_collect_lose_and_double_nothing(
    town: Town, database_url: str, tmp_path: Path
) -> None:
    chance, paid = Random(20261122), 0
    for number in range(RIVALS):
        person, drawer = await Person.sign_in(town.server, f"rival-{number}"), new_id()
        body = {"id": str(drawer), "float_cents": 0}
        await town.done_once(Asked(person, f"/sub-offices/{town.place}/drawers", body, {"drawers": 1}))
        town.rivals[drawer] = person
    for _ in range(POWER_CUTS.night):
        paid += await one_night_round(town, chance)
        await town.assert_sound()
    for person in town.rivals.values():
        await person.session.close()
    await each_payment_is_acknowledged(town, paid)
    await assert_the_check_is_sound(database_url, tmp_path)
