"""The pages of reservations, as a secretary and a manager walk through them without any module."""

from __future__ import annotations

import re
import shutil
from collections.abc import AsyncIterator
from datetime import date, time, timedelta
from html import unescape
from pathlib import Path
from urllib.parse import urlencode
from uuid import UUID

import pytest
from sqlalchemy import select

from cvq_core.facilities.refusals import MayNotReserve
from cvq_core.facilities.rules import ReservationState, civil_span
from cvq_core.facilities.service import reserve, wait
from cvq_core.facilities.store import facility_by_id, points_of, terms_on
from cvq_core.facilities.tables import FacilityClosure, Reservation
from cvq_core.ids import new_id
from cvq_core.services.rules import ServiceCode
from cvq_core.services.tables import Service
from cvq_core.staff.rules import Role
from tests.core_examples import TODAY
from tests.factories import make_staff, make_town_hall
from tests.integration.core.facilities.conftest import Ground, add_person, make_ground, slot
from tests.served import Client, Site, served

IN_A_WEEK = TODAY + timedelta(days=7)
EIGHT = slot(IN_A_WEEK, time(8))
MONDAY = IN_A_WEEK - timedelta(days=IN_A_WEEK.weekday())


@pytest.fixture
async def site(sqlite_template: Path, tmp_path: Path) -> AsyncIterator[Site]:
    shutil.copyfile(sqlite_template, tmp_path / "cvq.sqlite")
    async with served(f"sqlite:///{tmp_path}/cvq.sqlite", tmp_path) as running:
        yield running


@pytest.fixture
async def ground(site: Site) -> Ground:
    ground = Ground(site.database, site.services.settings)
    await make_ground(ground)
    ground.ids["jeanne"], ground.ids["family"] = await add_person(ground, "Jeanne", "F00001")
    async with site.database.write() as db:
        squash = (await db.scalars(select(Service.id).where(Service.code == ServiceCode.SQUASH))).one()
        hall = (await db.scalars(select(Service.id).where(Service.code == ServiceCode.HALL))).one()
        town_hall = await make_town_hall(db)
        await make_staff(db, Role.SECRETARY, town_hall.id, "sylvie")
        await make_staff(db, Role.SERVICE_MANAGER, squash, "benoit")
        await make_staff(db, Role.SERVICE_MANAGER, hall, "claire")
    return ground


async def page(client: Client, path: str, status: int = 200) -> str:
    answer = await client.get(path, headers={"Accept": "text/html"})
    text = await answer.text()
    assert answer.status == status, text
    return unescape(text)


async def sent(client: Client, path: str, **fields: str) -> str:
    """Send a form, and return where it leads."""
    answer = await client.submit(path, **fields)
    assert answer.status == 303, await answer.text()
    return answer.headers["Location"]


def hidden(html: str) -> dict[str, str]:
    return dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', html))


async def test_a_secretary_clicks_a_free_slot_finds_jeanne_and_reserves_it_for_her(site: Site, ground: Ground) -> None:
    court = ground.ids["court"]
    async with site.signed_in("sylvie") as sylvie:
        week = await page(sylvie, f"/reservations?lieu={court}&semaine={IN_A_WEEK}")
        [free] = [
            url
            for url in re.findall(r'href="(/reservations/[^"]*nouvelle[^"]*)"', week)
            if EIGHT.starts_at.strftime("%Y-%m-%dT%H") in url and "T07%3A00" in url
        ]
        assert "Pour qui" in await page(sylvie, free)
        found = await sylvie.submit(free.replace("nouvelle", "chercher"), q="moreau jeanne")
        [chosen] = re.findall(r'href="([^"]*personne=[^"]*)"', unescape(await found.text()))
        form = await page(sylvie, chosen)
        assert "7,00" in form
        fields = {name: value for name, value in hidden(form).items() if name != "csrf_token"}
        fiche = await sent(sylvie, f"/reservations/{court}/reserver", compte=str(ground.ids["family"]), **fields)
        shown = await page(sylvie, fiche)
        assert "MOREAU Jeanne" in shown
        assert "Imprimer le billet" in shown
        assert "Le lieu n’est plus disponible" not in shown, "she manages nothing"
        assert "MOREAU Jeanne" in await page(sylvie, f"/reservations?lieu={court}&semaine={IN_A_WEEK}")
        waiting = await page(sylvie, chosen)
        assert "Ce créneau est pris" in waiting
        await sent(sylvie, f"{fiche}/annuler")
        assert "annulée" in await page(sylvie, fiche)
    assert await ground.balance() == 10000


async def test_a_hall_is_asked_for_its_hours_first_and_shows_what_an_account_pays(site: Site, ground: Ground) -> None:
    hall = ground.ids["hall"]
    rose, account = await add_person(ground, "Rose", "F00003", cents=50000)
    in_ten_months = civil_span(TODAY + timedelta(days=300), time(10), time(18))
    async with site.database.write() as db:
        doing = ground.doing(db, site.services.clock())
        await reserve(doing, ground.wish(in_ten_months, facility_id=hall, person_id=rose, account_id=account))
        await wait(doing, ground.wish(in_ten_months, facility_id=hall))
    async with site.signed_in("sylvie") as sylvie:
        week = await page(sylvie, f"/reservations?lieu={hall}&semaine={IN_A_WEEK}")
        assert "MOREAU Jeanne" in week, "who waits is shown, however far ahead"
        assert f"/reservations/{hall}/nouvelle?jour={IN_A_WEEK}" in week
        assert "Quand" in await page(sylvie, f"/reservations/{hall}/nouvelle?jour={IN_A_WEEK}")
        asked = urlencode({"jour": IN_A_WEEK, "de": "20:00", "a": "02:00", "personne": ground.ids["jeanne"]})
        form = await page(sylvie, f"/reservations/{hall}/nouvelle?{asked}")
        assert "180,00" in form
        assert "300,00" in form
        for day, begins, ends in ((IN_A_WEEK, "08:00+01:00", "10:00"), ("9999-12-31", "20:00", "02:00")):
            odd = urlencode({"jour": day, "de": begins, "a": ends})
            await page(sylvie, f"/reservations/{hall}/nouvelle?{odd}", 422 if day == IN_A_WEEK else 200)
        never = {"debut": "9999-12-31T23:00Z", "fin": "9999-12-31T23:30Z", "personne": str(ground.ids["jeanne"])}
        for act in ("reserver", "attendre"):
            answer = await sylvie.submit(f"/reservations/{hall}/{act}", id=str(new_id()), **never)
            assert answer.status == 422, act
        closed = urlencode({"jour": IN_A_WEEK, "de": "05:00", "a": "07:00", "personne": ground.ids["jeanne"]})
        assert "Le lieu n’ouvre pas" in await page(sylvie, f"/reservations/{hall}/nouvelle?{closed}")


async def test_a_manager_sees_what_a_closure_takes_away_before_it_is_made(site: Site, ground: Ground) -> None:
    court = ground.ids["court"]
    made = await ground.reserve(ground.wish(EIGHT), site.services.clock())
    closure = {"first": str(IN_A_WEEK), "begins": "00:00", "last": str(IN_A_WEEK), "ends": "23:55"}
    async with site.signed_in("benoit") as benoit:
        settings = f"/reservations/{court}/reglages"
        assert "Comment on réserve" in await page(benoit, settings)
        for odd in ({"begins": "00:00+01:00"}, {"first": "9999-12-31", "last": "9999-12-31"}, {"first": "0001-01-01"}):
            for act in ("fermer", "fermer/oui"):
                answer = await benoit.submit(f"/reservations/{court}/{act}", reason="x", **(closure | odd))
                assert answer.status == 422, odd
        asked = await benoit.submit(f"/reservations/{court}/fermer", reason="Travaux", **closure)
        text = unescape(await asked.text())
        assert "1 réservation est annulée" in text
        fields = {name: value for name, value in hidden(text).items() if name in {"id", "reason", *closure}}
        assert await sent(benoit, f"/reservations/{court}/fermer/oui", **fields) == settings
        assert "Travaux" in await page(benoit, settings)
        async with site.database.read() as db:
            closure_id = (await db.scalars(select(FacilityClosure.id))).one()
        await sent(benoit, f"/reservations/fermetures/{closure_id}/lever")
        assert "Travaux" not in await page(benoit, settings)
    async with site.signed_in("claire") as claire:
        await page(claire, settings, 403)
        await page(claire, f"/reservations/fiche/{made.id}", 403)
        assert (await claire.submit(f"/reservations/fermetures/{closure_id}/lever")).status == 403


async def test_the_form_of_the_rules_gives_back_what_it_shows_and_says_what_is_wrong(
    site: Site, ground: Ground
) -> None:
    court = ground.ids["court"]
    async with site.signed_in("benoit") as benoit:
        shown = await page(benoit, f"/reservations/{court}/reglages")
        form = shown[shown.index('class="card stack terms"') :]
        form = form[: form.index("</form>")]
        fields = dict(re.findall(r'name="(\w+)"[^>]*?value="([^"]*)"', form))
        ticked = re.findall(r'name="(\w+)" value="\d" checked', form)
        fields = {name: value for name, value in fields.items() if value and not re.match(r"days_\d|may_", name)}
        fields = {name: value for name, value in fields.items() if name not in ("csrf_token", "closed_on_holidays")}
        fields |= {name: "1" for name in ticked if not re.match(r"days_\d", name)} | {"days_0": "0"}
        fields |= {"price_item_inhabitant": "slot", "slot_minutes": "45"}
        rules = f"/reservations/{court}/regles"
        assert await sent(benoit, rules, **fields) == f"/reservations/{court}/reglages"
        async with site.database.read() as db:
            terms = (await terms_on(db, court, TODAY)).terms
        assert (terms.slot_minutes, terms.openings[0].weekdays, terms.minutes_before) == (45, 1, 10)
        assert [rule.who for rule in terms.rules] == ["subscriber", "inhabitant"]
        assert terms.rules[1].price_item == "slot"
        wrong = await benoit.submit(
            f"/reservations/{court}/regles", **(fields | {"id": str(new_id()), "slot_minutes": "7"})
        )
        assert wrong.status == 422
        assert "multiple de cinq minutes" in await wrong.text()
        for name, value in (("minutes_min", "x"), ("opens_0", "25:00"), ("deposit_inhabitant", "beaucoup")):
            wrong = await benoit.submit(
                f"/reservations/{court}/regles", **(fields | {"id": str(new_id()), name: value})
            )
            assert wrong.status == 422, name


async def test_a_deposit_is_settled_on_the_page_once_the_time_is_over(site: Site, ground: Ground) -> None:
    person_id, account_id = await add_person(ground, "Rose", "F00003", cents=50000)
    span = civil_span(date(2026, 2, 20), time(10), time(18))
    wish = ground.wish(span, facility_id=ground.ids["hall"], person_id=person_id, account_id=account_id)
    async with site.database.write() as db:
        await reserve(ground.doing(db, span.starts_at - timedelta(days=20)), wish)
    async with site.signed_in("claire") as claire:
        fiche = f"/reservations/fiche/{wish.id}"
        assert "Régler la caution" in await page(claire, fiche)
        assert (await claire.submit(f"{fiche}/caution", kept="50,00")).status == 422
        await sent(claire, f"{fiche}/caution", kept="50,00", reason="Une vitre cassée")
        assert "Une vitre cassée" in await page(claire, fiche)
    async with site.database.read() as db:
        made = await db.get_one(Reservation, wish.id)
    assert (made.state, made.deposit_kept_cents) == (ReservationState.BOOKED, 5000)


async def test_a_manager_makes_a_place_gives_it_its_doors_and_nobody_reserves_before_it_has_rules(
    site: Site, ground: Ground
) -> None:
    async with site.signed_in("benoit") as benoit, site.signed_in("claire") as claire:
        assert "/reservations/nouveau-lieu" in await page(benoit, "/reservations")
        form = hidden(await page(benoit, "/reservations/nouveau-lieu"))
        fields = {**form, "service": "squash", "label": "Court 1", "site": "Salle de squash"}
        where = {await sent(benoit, "/reservations/nouveau-lieu", **fields) for _ in range(2)}
        [settings] = where
        shown = await page(benoit, settings)
        assert "Salle de squash, Porte" in shown
        place = settings.split("/")[2]
        doors = f"/reservations/{place}/portes"
        await sent(benoit, doors, portes=str(ground.ids["squash"]))
        assert (await benoit.submit(doors, portes=str(ground.ids["salle"]))).status == 403, "another service's door"
        assert (await claire.submit(doors, portes=str(ground.ids["salle"]))).status == 403
        assert (await claire.submit("/reservations/nouveau-lieu", **{**fields, "id": str(new_id())})).status == 403
        async with site.database.read() as db:
            made = await facility_by_id(db, UUID(place))
            assert [point.id for point in await points_of(db, made.id)] == [ground.ids["squash"]]
            assert made.code.startswith("court-1")
        with pytest.raises(MayNotReserve):
            await ground.reserve(ground.wish(slot(IN_A_WEEK, time(8), 60), facility_id=made.id))
