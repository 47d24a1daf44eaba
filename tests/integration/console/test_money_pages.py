"""A family's wallets at a counter and in a visit: moved, set, and a mandate from its paper to its signed page."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select

from cvq_core.clock import local_day
from cvq_core.debits.mandates import set_creditor
from cvq_core.debits.rules import checked_iban
from cvq_core.debits.tables import DebitMandate
from cvq_core.ids import new_id
from cvq_core.journal.tables import AuditRecord
from cvq_core.ledger.tables import Wallet
from cvq_core.offices.rules import Means, Officer
from cvq_core.people.tables import FamilyAccount
from cvq_core.services.rules import ServiceCode
from cvq_core.staff.rules import Role
from cvq_core.wallets.settings import notices_in_force, top_ups_in_force
from tests.core_examples import blank_pdf, create_counter, create_services, create_wallet, text_of_pdf
from tests.factories import make_staff
from tests.integration.desk_visits.ground import Caller, Ground, ground_on
from tests.integration.desk_visits.test_wallet_moves import agreed

IBAN = "FR14 2004 1010 0505 0001 3M02 606"


@dataclass(frozen=True, slots=True)
class Place:
    """A counter that debits, its mandatary, and Jeanne's two wallets with 20 euros for the pool."""

    ground: Ground
    odile: Caller
    pool: UUID
    canteen: UUID

    @property
    def base(self) -> str:
        return f"/comptes-de-service/{self.ground.family.id}"

    async def page(self, path: str = "", caller: Caller | None = None) -> str:
        answer = await (caller or self.odile).get(path or self.base)
        assert answer.status == 200, answer.body
        return str(answer.body.decode())

    async def send(self, path: str, caller: Caller | None = None, **form: Any) -> tuple[int, str]:
        who = caller or self.odile
        headers = {**who.headers, "Accept": "application/json"}
        sent = {"id": str(new_id()), **form}
        async with self.ground.session.post(
            self.ground.url + path, data=sent, headers=headers, allow_redirects=False
        ) as answer:
            return answer.status, (await answer.json())["slug"] if answer.status >= 400 else ""

    async def held(self) -> list[int]:
        async with self.ground.database.read() as db:
            return [(await db.get_one(Wallet, each)).balance_cents for each in (self.pool, self.canteen)]


@pytest.fixture
async def place(database_url: str, tmp_path: Path) -> AsyncIterator[Place]:
    async with ground_on(database_url, tmp_path) as ground:
        async with ground.database.write() as db:
            await create_services(db)
            odile = await make_staff(db, Role.CASH_OFFICER, new_id(), "odile", "Odile Brémaud")
            counter = await create_counter(
                db, Officer(odile.id, "Odile Brémaud"), means=(Means.CASH, Means.DIRECT_DEBIT), is_main=True
            )
            await set_creditor(
                db,
                counter.office_id,
                creditor_number="FR46ZZZ123456",
                iban=checked_iban(IBAN),
                bic="PSSTFRPPLIL",
                notice_days=14,
            )
            pool = await create_wallet(db, ground.family.id, cents=2000)
            canteen = await create_wallet(db, ground.family.id, ServiceCode.CANTEEN)
            (await db.get_one(FamilyAccount, ground.family.id)).email = "jeanne@aulnay.fr"
        ground.staff["odile"] = odile.id
        yield Place(ground, await ground.as_staff("odile"), pool.id, canteen.id)


async def test_at_a_counter_money_moves_once_and_only_what_is_there(place: Place) -> None:
    page = await place.page()
    assert "Déplacer de l’argent" in page
    form = {"source": place.pool, "target": place.canteen, "amount": "5,50", "id": str(new_id())}
    for _ in range(2):
        assert await place.send(f"{place.base}/deplacer", **form) == (303, "")
    assert await place.held() == [1450, 550]
    assert await place.send(f"{place.base}/deplacer", **form | {"id": str(new_id()), "amount": "20"}) == (
        409,
        "not-enough-to-move",
    )
    assert (await place.send(f"{place.base}/deplacer", **form | {"amount": "dix"}))[0] == 422
    assert await place.held() == [1450, 550]


async def test_what_a_family_chooses_stands_as_a_sentence_and_is_ended_by_a_button(place: Place) -> None:
    top_up = {"wallet": place.canteen, "source": place.pool, "threshold": "5", "top_up": "10", "month_max": "40"}
    assert await place.send(f"{place.base}/approvisionner", **top_up) == (303, "")
    assert await place.send(f"{place.base}/avertir", wallet=place.pool, below="−5,50") == (303, "")
    page = (await place.page()).replace("\u00a0", " ")
    assert "Cantine : en dessous de 5,00 €, ajouter 10,00 € pris sur Piscine, au plus 40,00 €" in page
    assert "Piscine : un courriel dès qu’il y a moins de −5,50 €" in page
    assert await place.send(f"{place.base}/approvisionner", wallet=place.canteen) == (303, "")
    assert await place.send(f"{place.base}/avertir", wallet=place.pool) == (303, "")
    async with place.ground.database.read() as db:
        today = local_day(place.ground.hour())
        assert not await top_ups_in_force(db, today, family_account_id=place.ground.family.id)
        assert not await notices_in_force(db, today, family_account_id=place.ground.family.id)
    assert "Rien n’est réglé" in await place.page()


async def test_a_mandate_at_a_counter_is_printed_signed_and_kept_and_shows_no_whole_account(place: Place) -> None:
    office = re.search(r'name="office_id" value="([0-9a-f-]+)"', await place.page())
    assert office is not None
    form = {"office_id": office[1], "holder": "Jeanne Moreau", "address": "12, rue du Moulin", "iban": IBAN}
    assert await place.send(f"{place.base}/mandats", **form) == (303, "")
    page = await place.page()
    assert "à signer" in page
    assert "FR14 •••• 2606" in page
    assert "3M02" not in page
    async with place.ground.database.read() as db:
        (mandate,) = await db.scalars(select(DebitMandate))
    unsigned = await place.odile.get(f"{place.base}/mandats/{mandate.id}.pdf")
    assert IBAN in text_of_pdf(unsigned.body)
    async with place.ground.database.read() as db:
        assert await db.scalar(select(AuditRecord.actor_name).where(AuditRecord.action == "debit-mandate-read"))
    headers = {**place.odile.headers, "Content-Type": "application/pdf"}
    async with place.ground.session.post(
        f"{place.ground.url}{place.base}/mandats/{mandate.id}/signe",
        data=blank_pdf(),
        headers=headers,
        allow_redirects=False,
    ) as answer:
        assert answer.status == 303
    assert (await place.odile.get(f"{place.base}/mandats/{mandate.id}.pdf")).body == blank_pdf()
    page = await place.page()
    assert "Signé le 3 mars 2026" in page
    assert "Préparer un mandat" not in page
    listed = await place.page("/prelevements/mandats?q=moreau")
    assert mandate.reference in listed
    assert "3M02" not in listed
    assert await place.send(f"{place.base}/mandats/{mandate.id}/revoquer", why="change de banque") == (303, "")
    assert "Préparer un mandat" in await place.page()


async def test_whoever_is_no_mandatary_sees_and_moves_nothing(place: Place) -> None:
    sylvie = await place.ground.as_staff("sylvie")
    assert (await sylvie.get(place.base)).status == 403
    form = {"source": place.pool, "target": place.canteen, "amount": "5"}
    assert await place.send(f"{place.base}/deplacer", sylvie, **form) == (403, "not-mandatary")
    assert await place.send(f"{place.base}/avertir", sylvie, wallet=place.pool, below="5") == (403, "not-mandatary")
    assert await place.held() == [2000, 0]


async def test_in_a_visit_the_panel_says_what_the_agreement_allows_and_what_another_one_would(place: Place) -> None:
    nadia = await place.ground.as_staff("nadia")
    visit = await agreed(place.ground, nadia, "wallets")
    panel = await place.page(f"/console/{visit}/fragments/money", nadia)
    assert "Voir ce qu’il reste pour chaque service" in panel
    assert panel.count("Demander aussi") == 5
    for closed in ("Déplacer</button>", "Réglages de la famille", "Préparer le mandat"):
        assert closed not in panel
    form = {"source": place.pool, "target": place.canteen, "amount": "5"}
    assert await place.send(f"/console/{visit}/deplacer", nadia, **form) == (403, "no-consent")
    assert await place.send(f"/console/{visit}/avertir", nadia, wallet=place.pool, below="5") == (403, "no-consent")
    assert await place.held() == [2000, 0]


async def test_in_a_visit_with_the_agreement_money_moves_and_settings_are_made(place: Place) -> None:
    nadia = await place.ground.as_staff("nadia")
    every = ("wallets", "moves", "choices", "mandate", "reservations", "cards", "block")
    visit = await agreed(place.ground, nadia, *every)
    panel = await place.page(f"/console/{visit}/fragments/money", nadia)
    assert "Demander aussi" not in panel
    assert "Préparer le mandat" in panel
    form = {"source": place.pool, "target": place.canteen, "amount": "5"}
    assert await place.send(f"/console/{visit}/deplacer", nadia, **form) == (303, "")
    assert await place.send(f"/console/{visit}/avertir", nadia, wallet=place.pool, below="5") == (303, "")
    assert await place.held() == [1500, 500]
    assert "un courriel dès" in await place.page(f"/console/{visit}/fragments/money", nadia)


async def test_asked_for_more_one_may_say_no_and_keep_what_was_agreed(place: Place) -> None:
    nadia = await place.ground.as_staff("nadia")
    visit = await agreed(place.ground, nadia, "wallets")
    more = {"account_id": str(place.ground.family.id), "scopes": ["wallets", "moves"]}
    asked = await nadia.post(f"/api/v1/visits/{visit}/consents", more)
    spoken = f"/api/v1/visits/{visit}/consents/{asked.body['id']}/spoken"
    assert (await nadia.post(spoken, {"agreed": False})).status == 200
    panel = await place.page(f"/console/{visit}/fragments/money", nadia)
    assert "Voir ce qu’il reste" in panel
    assert "Déplacer</button>" not in panel
    asked = await nadia.post(f"/api/v1/visits/{visit}/consents", more)
    await nadia.post(f"/api/v1/visits/{visit}/consents/{asked.body['id']}/spoken", {"agreed": True})
    panel = await place.page(f"/console/{visit}/fragments/money", nadia)
    assert "Déplacer</button>" in panel
