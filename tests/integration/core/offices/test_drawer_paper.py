"""The paper of a closed drawer: what it says, and to whom it is given."""

from __future__ import annotations

from pathlib import Path

import pypdfium2

from cvq_core.ids import new_id
from cvq_core.offices.drawers import close_drawer, open_drawer
from cvq_core.offices.rules import MandateTitle, Means, Officer
from cvq_core.offices.service import collect
from cvq_core.offices.store import appoint
from cvq_core.staff.rules import Role
from tests.core_examples import TODAY, create_counter, create_family, create_services, create_wallet, top_up
from tests.factories import make_staff
from tests.integration.desk_visits.ground import ground_on


async def test_it_is_signed_by_whoever_counted_and_given_to_them_and_the_officer_alone(
    database_url: str, tmp_path: Path
) -> None:
    drawer_id = new_id()
    async with ground_on(database_url, tmp_path) as ground:
        now = ground.hour()
        async with ground.database.write() as db:
            await create_services(db)
            wallet = await create_wallet(db, (await create_family(db, "F00009")).id)
            staff = {
                login: await make_staff(db, Role.CASH_OFFICER, new_id(), login, name)
                for login, name in (("odile", "Odile Brémaud"), ("benoit", "Benoît Rousseau"), ("paul", "Paul Roy"))
            }
            odile = Officer(staff["odile"].id, "Odile Brémaud")
            place = await create_counter(db, odile, more=[Officer(staff["paul"].id, "Paul Roy")], is_main=True)
            await appoint(
                db,
                mandate_id=new_id(),
                staff_id=staff["benoit"].id,
                sub_office_id=place.id,
                title=MandateTitle.OFFICER,
                valid_from=TODAY,
            )
            await open_drawer(db, drawer_id, sub_office_id=place.id, officer=odile, float_cents=2000, now=now)
            await collect(
                db,
                key=new_id(),
                drawer_id=drawer_id,
                payables=[top_up(wallet.id, 1550)],
                means=Means.CASH,
                tendered_cents=2000,
                officer=odile,
                now=now,
            )
            await close_drawer(db, drawer_id, counted={2000: 1, 1000: 1, 500: 1}, officer=odile, now=now)
        ground.staff.update({login: each.id for login, each in staff.items()})
        answers = {
            login: await (await ground.as_staff(login)).get(f"/caisse/arretes/{drawer_id}.pdf") for login in staff
        }
        page = await (await ground.as_staff("odile")).get(f"/caisse/arretes/{drawer_id}")
    assert {login: answer.status for login, answer in answers.items()} == {"odile": 200, "benoit": 200, "paul": 404}
    assert f"/caisse/arretes/{drawer_id}.pdf".encode() in page.body
    text = pypdfium2.PdfDocument(answers["odile"].body)[0].get_textpage().get_text_bounded()
    for said in (
        "Arrêté de caisse",
        "Caisse tenue par Odile Brémaud",
        "Quittances POM-000001 à POM-000001",
        "Il manque 0,50",
        "Compté par Odile Brémaud",
        "Vu par le régisseur, le",
    ):
        assert said in text.replace("\u00a0", " ").replace("\r\n", " "), said
