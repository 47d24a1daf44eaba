"""The account shows what the family pays today and why, where the consent opens it, and no quotient."""

from __future__ import annotations

import re
import shutil
from datetime import date, timedelta
from pathlib import Path

import pytest

from cvq_core.access.facts import RightKind
from cvq_core.access.tables import Entitlement
from cvq_core.ids import new_id
from cvq_core.people.rules import FamilyRole, QuotientSource
from cvq_core.seed.rights import midnight
from cvq_core.seed.tariffs import tariff_text
from cvq_core.services.rules import ServiceCode
from cvq_core.tariffs.family import family_prices
from cvq_core.tariffs.quotients import record_quotient
from cvq_core.tariffs.store import Official, adopt, propose
from tests.core_examples import LONG_AGO, NOW, TODAY, create_family, create_member, create_services
from tests.factories import make_commune
from tests.integration.desk_visits.ground import API, Ground, ground_on

CANTEEN = ServiceCode.CANTEEN


async def _canteen_for(ground: Ground) -> None:
    """Jeanne's account pays for the meals of two children, another account for those of a third."""
    async with ground.database.write() as db:
        await create_services(db)
        commune = await make_commune(db)
        version = await propose(
            db, new_id(), service=CANTEEN, text=tariff_text(CANTEEN), by=Official(None, "x"), now=NOW
        )
        before = NOW - timedelta(days=60)
        await adopt(db, version.id, valid_from=TODAY - timedelta(days=30), by=Official(None, "x"), now=before)
        other = await create_family(db, "F00777", "Texier")
        for name, born, payer in (
            ("Hugo", date(2014, 5, 12), ground.family.id),
            ("Léa", date(2017, 3, 4), ground.family.id),
            ("Emma", date(2018, 6, 1), other.id),
        ):
            child = await create_member(db, ground.family.id, name, FamilyRole.CHILD, born=born)
            child.commune_insee = commune.insee
            db.add(
                Entitlement(
                    id=new_id(),
                    kind=RightKind.ENROLMENT,
                    service_code=CANTEEN,
                    person_id=child.id,
                    payer_account_id=payer,
                    valid_from=midnight(LONG_AGO),
                )
            )
        await record_quotient(
            db,
            new_id(),
            account_id=ground.family.id,
            value_euros=742,
            source=QuotientSource.CAF,
            valid_from=date(2026, 1, 1),
            now=NOW,
        )


async def test_each_child_has_its_price_and_nothing_is_told_of_what_another_account_pays(
    database_url: str, tmp_path: Path
) -> None:
    async with ground_on(database_url, tmp_path) as ground:
        await _canteen_for(ground)
        async with ground.database.read() as db:
            told = await family_prices(db, ground.family.id, TODAY)
            assert await family_prices(db, ground.family.id, TODAY, services=[ServiceCode.POOL]) == []
    assert [(each.names, each.priced.amount_cents) for each in told] == [(("Hugo",), 235), (("Léa",), 212)]


@pytest.mark.parametrize(
    ("scopes", "shown"), [(["family", "wallets"], True), (["family"], False), (["wallets"], False)]
)
async def test_the_prices_stand_on_the_account_where_the_consent_opens_them(
    sqlite_template: Path, tmp_path: Path, scopes: list[str], *, shown: bool
) -> None:
    shutil.copyfile(sqlite_template, tmp_path / "cvq.sqlite")
    async with ground_on(f"sqlite:///{tmp_path}/cvq.sqlite", tmp_path) as ground:
        await _canteen_for(ground)
        nadia = await ground.as_staff("nadia")
        visit = await ground.visit_in_call(nadia)
        consent = await nadia.post(
            f"{API}/visits/{visit}/consents", {"account_id": str(ground.family.id), "scopes": scopes}
        )
        await nadia.post(f"{API}/visits/{visit}/consents/{consent.body['id']}/spoken", {"agreed": True})
        page = (await nadia.get(f"/console/{visit}/fragments/account")).body.decode().replace("\u00a0", " ")
    assert ("habitant du territoire, tranche 3, deuxième enfant : 2,12 €" in page) is shown
    assert not re.search(r"\b742\b", page)
