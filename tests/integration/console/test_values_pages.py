"""The pages of inactive values, as a browser without modules uses them."""

from __future__ import annotations

import re
import shutil
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

import pytest

from cvq_core.ids import new_id
from cvq_core.inactive_values.verify import verify_values
from cvq_core.ledger.verify import verify
from cvq_core.offices.rules import MandateTitle, Officer
from cvq_core.offices.store import appoint
from cvq_core.offices.verify import verify_offices
from cvq_core.staff.rules import Role
from tests.core_examples import TODAY, create_counter, create_family, create_services
from tests.factories import make_staff
from tests.served import Client, Site, served

URL = "/caisse/valeurs"


@dataclass(frozen=True, slots=True)
class Town:
    """A server with an office: Benoît is its officer, Odile collects at its counter, Paul at another office's."""

    site: Site
    place: UUID
    odile: UUID


@pytest.fixture
async def town(sqlite_template: Path, tmp_path: Path) -> AsyncIterator[Town]:
    file = tmp_path / "cvq.sqlite"
    shutil.copyfile(sqlite_template, file)
    async with served(f"sqlite:///{file}", tmp_path) as site:
        async with site.database.write() as db:
            await create_services(db)
            benoit = await make_staff(db, Role.CASH_OFFICER, new_id(), "benoit", "Benoît Rousseau")
            odile = await make_staff(db, Role.CASH_OFFICER, new_id(), "odile", "Odile Brémaud")
            paul = await make_staff(db, Role.CASH_OFFICER, new_id(), "paul", "Paul Roy")
            place = await create_counter(
                db, Officer(benoit.id, "Benoît Rousseau"), title=MandateTitle.OFFICER, is_main=True
            )
            await appoint(
                db,
                mandate_id=new_id(),
                staff_id=odile.id,
                sub_office_id=place.id,
                title=MandateTitle.MANDATARY,
                valid_from=TODAY,
            )
            await create_counter(db, Officer(paul.id, "Paul Roy"), code="TAL")
            await create_family(db)
        yield Town(site, place.id, odile.id)
        async with site.database.read() as db:
            assert [*await verify(db), *await verify_offices(db), *await verify_values(db)] == []


async def text_of(client: Client, path: str) -> str:
    answer = await client.get(path)
    assert answer.status == 200, path
    return await answer.text()


async def kind_in(client: Client, path: str) -> str:
    """The value of the first kind that a form offers."""
    found = re.search(r'<select id="kind".*?<option value="([0-9a-f-]+)"', await text_of(client, path), re.DOTALL)
    assert found is not None
    return found[1]


async def stock_up(town: Town, benoit: Client) -> str:
    """Let Benoît keep ticket books, receive a hundred, and hand ten to Odile."""
    form = {"key": str(new_id()), "code": "CARNET", "label": "Carnet de 10 entrées", "face": "25", "service": "pool"}
    assert (await benoit.submit(f"{URL}/sortes", **form)).status == 303
    kind = await kind_in(benoit, f"{URL}/mouvement")
    here, odile = f"place:{town.place}", f"person:{town.place}:{town.odile}"
    for numbers, source, target in (("1-100", "comptable", here), ("1-10", here, odile)):
        form = {"key": str(new_id()), "kind": kind, "numbers": numbers, "reason": "Bordereau 12"}
        answer = await benoit.submit(f"{URL}/mouvements", source=source, target=target, **form)
        assert answer.status == 303, await answer.text()
    return kind


async def test_values_are_received_handed_over_sold_taken_back_and_counted(town: Town) -> None:
    async with town.site.signed_in("benoit") as benoit, town.site.signed_in("odile") as odile:
        kind = await stock_up(town, benoit)
        assert "Ouvrez une caisse" in await text_of(odile, f"{URL}/vente")
        await odile.submit("/caisse/ouvrir", drawer_id=str(new_id()), float="20,00")
        form = {"key": str(new_id()), "kind": kind, "number": "2", "account": "f00001", "means": "cash"}
        sold = await odile.submit(f"{URL}/ventes", tendered="60", **form)
        assert sold.status == 303
        page = await text_of(odile, sold.headers["Location"])
        assert "50,00" in page
        page = await text_of(odile, URL)
        assert "1–2" in page
        [undo] = re.findall(r'action="(/caisse/valeurs/ventes/[^"]+)"', page)
        assert (await odile.submit(undo.replace("&amp;", "&"), reason="Mauvais carnet")).status == 303
        holder = f"person:{town.place}:{town.odile}"
        form = {"key": str(new_id()), "kind": kind, "holder": holder, "counted": "1-9"}
        refused = await odile.submit(f"{URL}/comptages", page=False, **form)
        assert (await refused.json())["slug"] == "value-reason-missing"
        counted = await odile.submit(f"{URL}/comptages", explanation="Carnet 10 mouillé", **form)
        page = await text_of(odile, counted.headers["Location"])
        assert "Le stock et les livres diffèrent." in page
        account = (await (await benoit.get(f"{URL}/compte.csv")).read()).decode("utf-8-sig").splitlines()
        assert account[1:] == [
            "Carnet de 10 entrées;25,00;en stock;Mairie de Pompaire;11–100;90;2250,00",
            "Carnet de 10 entrées;25,00;confié;Mairie de Pompaire, Odile Brémaud;1–9;9;225,00",
            "Carnet de 10 entrées;25,00;manquant;Mairie de Pompaire, Odile Brémaud;10;1;25,00",
        ]
        assert (await (await benoit.get(f"{URL}/compte.pdf")).read()).startswith(b"%PDF")


async def test_a_mandatary_neither_receives_nor_returns_and_another_office_sees_nothing(town: Town) -> None:
    async with (
        town.site.signed_in("benoit") as benoit,
        town.site.signed_in("odile") as odile,
        town.site.signed_in("paul") as paul,
    ):
        kind = await stock_up(town, benoit)
        here = f"place:{town.place}"
        form = {"kind": kind, "reason": "Pour moi"}
        for client, source, target, slug in (
            (odile, "comptable", here, "not-value-keeper"),
            (odile, here, "returned", "not-value-keeper"),
            (benoit, here, "destroyed", "bad-span"),
            (benoit, here, "nowhere", "bad-input"),
            (paul, here, here, "unknown-value"),
        ):
            sent = {"key": str(new_id()), "numbers": "20-21", "source": source, "target": target, **form}
            answer = await client.submit(f"{URL}/mouvements", page=False, **sent)
            assert (await answer.json())["slug"] == slug
        assert "Carnet" not in await text_of(paul, URL)
        assert "Inscrire une nouvelle sorte" not in await text_of(odile, URL)
