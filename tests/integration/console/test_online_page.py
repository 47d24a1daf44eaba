"""The cash officer's page of online payments: the list, the bank's day, the file, and what is decided."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest

from cvq_core.ids import new_id
from cvq_core.ledger.tables import Wallet
from cvq_core.offices.rules import Means, Officer
from cvq_core.payables.rules import Payable, PayableKind
from cvq_core.payments.carts import make_cart
from cvq_core.payments.rules import AttemptState
from cvq_core.payments.store import begin, hear, identified
from cvq_core.staff.rules import Role
from tests.core_examples import create_counter, create_family, create_services, create_wallet
from tests.factories import make_staff
from tests.integration.desk_visits.ground import Caller, Ground, ground_on

SETTINGS = {"payfip_client": "012345", "payfip_office": "POM-MAIRIE", "payfip_url": "http://127.0.0.1:9/tpa"}


@dataclass(frozen=True, slots=True)
class Office:
    """The place that collects online, its mandatary, somebody who is none, and a payment that stays unknown."""

    ground: Ground
    odile: Caller
    stranger: Caller
    wallet: UUID
    attempt: UUID
    refdet: str

    async def upload(self, text: str) -> int:
        headers = {**self.odile.headers, "X-File-Name": "jour.csv", "Content-Type": "text/csv"}
        async with self.ground.session.post(
            f"{self.ground.url}/en-ligne/banque", data=text.encode(), headers=headers
        ) as answer:
            return answer.status

    async def page(self, path: str = "/en-ligne?day=2026-03-03") -> str:
        answer = await self.odile.get(path)
        assert answer.status == 200
        return str(answer.body.decode("utf-8-sig"))

    async def decide(self, decision: str) -> tuple[int, str]:
        form = {"id": str(new_id()), "decision": decision, "reason": "Vu avec la banque"}
        url = f"{self.ground.url}/en-ligne/{self.attempt}/decision"
        async with self.ground.session.post(
            url, data=form, headers={**self.odile.headers, "Accept": "application/json"}, allow_redirects=False
        ) as answer:
            return answer.status, (await answer.json())["slug"] if answer.status >= 400 else ""


@pytest.fixture
async def office(database_url: str, tmp_path: Path) -> AsyncIterator[Office]:
    async with ground_on(database_url, tmp_path, **SETTINGS) as ground:
        async with ground.database.write() as db:
            await create_services(db)
            odile = await make_staff(db, Role.CASH_OFFICER, new_id(), "odile", "Odile Brémaud")
            paul = await make_staff(db, Role.CASH_OFFICER, new_id(), "paul", "Paul Roy")
            place = await create_counter(db, Officer(odile.id, "Odile Brémaud"), means=(Means.PAYFIP,))
            wallet = await create_wallet(db, (await create_family(db, "F00009")).id)
            cart = await make_cart(
                db,
                new_id(),
                [Payable(PayableKind.WALLET, wallet.id, 1500)],
                place_code=place.code,
                email="jeanne@aulnay.fr",
                acknowledged=False,
                actor_kind="staff",
                actor_id=None,
                now=ground.hour(),
            )
            attempt = await begin(db, cart.id, new_id(), now=ground.hour())
            await identified(db, attempt.id, "12345678-unknown")
            ground.hour.forward(hours=3)
            await hear(db, attempt.id, None, now=ground.hour() + timedelta(seconds=1))
            assert attempt.state is AttemptState.UNKNOWN
        ground.staff.update(odile=odile.id, paul=paul.id)
        yield Office(
            ground, await ground.as_staff("odile"), await ground.as_staff("paul"), wallet.id, attempt.id, attempt.refdet
        )


async def test_the_officer_sees_the_list_takes_in_the_banks_file_and_credits(office: Office) -> None:
    page = await office.page()
    assert office.refdet in page
    assert "Aucune ligne pour ce jour" in page
    assert "Créditer d’après la banque" not in page
    assert await office.decide("credited") == (409, "not-in-the-bank")
    assert await office.upload(f"Date;Référence;Montant\n03/03/2026;{office.refdet};15,00\n") == 204
    page = await office.page()
    assert "Créditer d’après la banque" in page
    assert "payé, pas crédité" in page
    assert (await office.decide("credited"))[0] == 303
    async with office.ground.database.read() as db:
        assert (await db.get_one(Wallet, office.wallet)).balance_cents == 1500
    page = await office.page()
    assert "Rien à rapprocher" in page
    assert "crédité" in page


async def test_the_list_goes_home_as_a_file_for_a_spreadsheet(office: Office) -> None:
    answer = await office.odile.get("/en-ligne/liste.csv")
    assert answer.body.startswith(b"\xef\xbb\xbf")
    header, line = answer.body.decode("utf-8-sig").splitlines()
    assert header.split(";")[:3] == ["Demandé le", "Référence", "Montant demandé"]
    assert line.split(";")[:3] == ["2026-03-03 10:30:00", office.refdet, "15,00"]


async def test_a_bad_file_and_a_stranger_are_refused(office: Office) -> None:
    assert await office.upload("Date;Montant\n") == 422
    assert (await office.stranger.get("/en-ligne")).status == 403
    assert (await office.stranger.get("/en-ligne/liste.csv")).status == 403
    assert office.refdet in await office.page()
