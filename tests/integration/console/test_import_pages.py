"""The pages of imports, as a browser without modules uses them: pairs are decided, balances are taken over."""

from __future__ import annotations

import html
import re
import shutil
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from uuid import UUID

import pytest
from aiohttp import ClientResponse
from sqlalchemy import func, select

from cvq_core.ids import new_id
from cvq_core.imports.tables import ImportPair, OpeningSignOff, Verdict
from cvq_core.imports.verify import verify_imports
from cvq_core.journal.tables import AuditRecord
from cvq_core.ledger.tables import Wallet
from cvq_core.offices.rules import MandateTitle, Officer
from cvq_core.people.rules import FamilyRole
from cvq_core.people.tables import Commune, Person
from cvq_core.staff.rules import Role
from tests.core_examples import create_counter, create_family, create_member, create_services, text_of_pdf
from tests.factories import make_staff, make_town_hall
from tests.integration.core.imports.old_base import ROWS, bring, count, take_back, take_over
from tests.served import Client, Site, served

# Somebody who is in the file twice, a child whose day and month of birth may be swapped, and somebody without doubt.
DOUBTS = (
    *ROWS,
    "5;11;R;TEXIER;;Marc;01/01/1970;Les Brosses;;;;;;5,00;",
    "3;9;R;Moreau;;Claire;07/06/1985;;;;;;;;",
    "4;10;E;Dupont;;Léa;09/05/2017;Les Forges;;;;;;;",
)


@dataclass(frozen=True, slots=True)
class Town:
    """Sylvie is the secretary of Le Tallud, Irène of Parthenay, Alix the administrator, Odile the cash officer."""

    site: Site
    batch: UUID

    @property
    def url(self) -> str:
        """Where the pairs of the import are."""
        return f"/reprises/{self.batch}"

    @property
    def balances(self) -> str:
        """Where the canteen's balances are."""
        return f"/soldes-repris/{self.batch}/canteen"


@pytest.fixture
async def town(sqlite_template: Path, tmp_path: Path) -> AsyncIterator[Town]:
    file = tmp_path / "cvq.sqlite"
    shutil.copyfile(sqlite_template, file)
    async with served(f"sqlite:///{file}", tmp_path) as site:
        async with site.database.write() as db:
            db.add(Commune(insee="79322", name="Le Tallud", postcode="79200", in_territory=True))
            db.add(Commune(insee="79202", name="Parthenay", postcode="79200", in_territory=True))
            await create_services(db)
            odile = await make_staff(db, Role.CASH_OFFICER, new_id(), "odile", "Odile Brémaud")
            await create_counter(db, Officer(odile.id, odile.display_name), is_main=True, title=MandateTitle.OFFICER)
            tallud, parthenay = await make_town_hall(db), await make_town_hall(db, "Mairie de Parthenay")
            parthenay.commune_insee = "79202"
            await make_staff(db, Role.SECRETARY, tallud.id, "sylvie", "Sylvie Texier")
            await make_staff(db, Role.SECRETARY, parthenay.id, "irene", "Irène Faure")
            await make_staff(db, Role.ADMINISTRATOR, None, "alix", "Alix Petit")
            await make_staff(db, Role.CASH_OFFICER, new_id(), "paul", "Paul Roy")
        batch = await bring(site.database, DOUBTS)
        yield Town(site, batch.id)
        async with site.database.read() as db:
            assert await verify_imports(db) == []


async def text_of(client: Client, path: str) -> str:
    answer = await client.get(path)
    assert answer.status == 200, path
    return html.unescape(await answer.text())


def fields_of(page: str, action: str) -> dict[str, str]:
    """The hidden fields of the form that goes to `action`."""
    [form] = [part for part in page.split("<form") if f'action="{action}"' in part]
    found = re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)">', form)
    return {name: value for name, value in found if name != "csrf_token"}


async def answer(client: Client, town: Town, verdict: str, page: str = "") -> ClientResponse:
    """Press one of the three buttons of the page that is shown."""
    shown = page or await text_of(client, f"{town.url}/ressemblances")
    return await client.submit(f"{town.url}/decider", **fields_of(shown, f"{town.url}/decider"), verdict=verdict)


async def verdicts(town: Town) -> list[Verdict | None]:
    async with town.site.database.read() as db:
        return list(await db.scalars(select(ImportPair.verdict).order_by(ImportPair.certain.desc())))


async def test_pairs_come_one_after_the_other_the_most_alike_first_until_none_is_left(town: Town) -> None:
    async with town.site.signed_in("sylvie") as sylvie:
        assert "2 à décider" in re.sub(r"<[^>]+>", "", await text_of(sylvie, f"{town.url}/ressemblances"))
        page = await text_of(sylvie, f"{town.url}/ressemblances")
        assert "certaine" in page
        assert "même date de naissance" in page
        gone_on = await answer(sylvie, town, "same", page)
        assert (gone_on.status, gone_on.headers["Location"]) == (303, f"{town.url}/ressemblances")
        page = await text_of(sylvie, f"{town.url}/ressemblances")
        assert "jour et mois de naissance inversés" in page
        assert "<mark>" in page
        # Put off, it comes again: it is the only one that is left.
        await answer(sylvie, town, "later", page)
        page = await text_of(sylvie, f"{town.url}/ressemblances")
        assert "remises à plus tard" in page
        await answer(sylvie, town, "different", page)
        assert "Tout est décidé" in await text_of(sylvie, f"{town.url}/ressemblances")
        assert await verdicts(town) == [Verdict.SAME, Verdict.DIFFERENT]
        decided = await text_of(sylvie, f"{town.url}/ressemblances/liste?voir=decided")
        assert "même personne" in decided
        assert "deux personnes" in decided
    async with town.site.database.read() as db:
        written = await db.execute(
            select(AuditRecord.action, AuditRecord.actor_name).where(AuditRecord.action.like("import-pair-%"))
        )
        assert sorted((action, name) for action, name in written) == [
            ("import-pair-different", "Sylvie Texier"),
            ("import-pair-later", "Sylvie Texier"),
            ("import-pair-same", "Sylvie Texier"),
        ]


async def test_a_decision_is_taken_back_from_the_last_ones_until_the_families_are_taken_over(town: Town) -> None:
    async with town.site.signed_in("sylvie") as sylvie:
        await answer(sylvie, town, "same")
        page = await text_of(sylvie, f"{town.url}/ressemblances")
        [back] = re.findall(rf'href="({town.url}/ressemblances/[0-9a-f-]+/[0-9a-f-]+)"', page)
        page = await text_of(sylvie, back)
        assert "décidé par Sylvie Texier" in page
        assert "Reprendre la décision" in page
        await answer(sylvie, town, "later", page)
        assert Verdict.SAME not in await verdicts(town)
        for verdict in ("same", "different"):
            await answer(sylvie, town, verdict)
        stale = await text_of(sylvie, back)
        await take_over(town.site.database)
        late = await answer(sylvie, town, "same", stale)
        assert late.status == 409
        assert "déjà été reprises" in await late.text()
        assert (await sylvie.get(back)).status == 404


async def test_of_two_who_decide_at_once_the_second_is_told_and_may_change_it(town: Town) -> None:
    async with town.site.signed_in("sylvie") as sylvie, town.site.signed_in("alix") as alix:
        both = await text_of(sylvie, f"{town.url}/ressemblances"), await text_of(alix, f"{town.url}/ressemblances")
        assert (await answer(sylvie, town, "same", both[0])).status == 303
        # Sent twice, it is one decision.
        assert (await answer(sylvie, town, "same", both[0])).status == 303
        told = await answer(alix, town, "different", both[1])
        page = html.unescape(await told.text())
        assert told.status == 409
        assert "Quelqu’un d’autre a décidé" in page
        assert "décidé par Sylvie Texier" in page
        assert await verdicts(town) == [Verdict.SAME, None]
        assert (await answer(alix, town, "different", page)).status == 303
        assert await verdicts(town) == [Verdict.DIFFERENT, None]


async def test_who_decides_sees_no_more_than_tells_people_apart(town: Town) -> None:
    async with town.site.database.write() as db:
        account = await create_family(db)
        known = await create_member(db, account.id, "Anne", FamilyRole.GUARDIAN, born=date(1980, 2, 1))
        person = await db.get_one(Person, known.id)
        person.family_name, person.usual_name, person.commune_insee = "Giraud", "Dupont", "79202"
        person.address, person.phone, person.email = "7 rue Secrète", "05 49 64 99 12", "anne@example.org"
    await bring(town.site.database, [ROWS[2].replace("Les Forges;", "Les Forges;0549641234")], base="autre-base")
    async with town.site.database.read() as db:
        [pair] = list(
            await db.scalars(select(ImportPair).where(ImportPair.low.in_([known.id]) | (ImportPair.high == known.id)))
        )
    async with town.site.signed_in("sylvie") as sylvie, town.site.signed_in("alix") as alix:
        overview = await text_of(sylvie, "/reprises")
        [url] = {
            each for each in re.findall(r"/reprises/[0-9a-f-]+/ressemblances(?=\")", overview) if town.url not in each
        }
        shown = await text_of(sylvie, url)
        assert "connue, non montrée" in shown
        assert "Secrète" not in shown
        assert "Les Forges" in shown
        assert "•• 12" in shown
        assert "99 12" not in shown
        assert "a•••@example.org" in shown
        assert "7 rue Secrète" in await text_of(alix, url)
    async with town.site.database.read() as db:
        looks = await db.scalars(
            select(AuditRecord.actor_name).where(
                AuditRecord.action == "import-pair-looked-at", AuditRecord.subject_id == known.id
            )
        )
        assert sorted(looks) == ["Alix Petit", "Sylvie Texier"]
        assert pair.verdict is None


async def test_a_secretary_decides_for_the_communes_of_her_town_halls_only(town: Town) -> None:
    async with town.site.signed_in("irene") as irene:
        assert "tallud-cantine" not in await text_of(irene, "/reprises")
        pair = {"low": str(new_id()), "high": str(new_id()), "verdict": "same"}
        for asked in (
            await irene.get(f"{town.url}/ressemblances"),
            await irene.get(f"{town.url}/ressemblances/liste"),
            await irene.submit(f"{town.url}/decider", page=False, **pair),
        ):
            assert asked.status == 403
    async with town.site.signed_in("sylvie") as sylvie:
        assert (await sylvie.submit(f"{town.url}/decider", page=False, **pair)).status == 404
        assert (await sylvie.get(f"/reprises/{new_id()}/ressemblances")).status == 404


async def test_what_nobody_s_browser_sends_is_refused_or_read_as_the_first_page(town: Town) -> None:
    async with town.site.signed_in("sylvie") as sylvie, town.site.signed_in("odile") as odile:
        listed = f"{town.url}/ressemblances/liste"
        for page in ("0", "-1", "9" * 30, "deux", "1%00"):
            assert (await sylvie.get(f"{listed}?page={page}&voir=tout")).status == 200, page
        assert (await sylvie.get(f"{listed}?page=99999")).status == 200
        for path in ("/reprises/x/ressemblances", f"{town.url}/ressemblances/x/y"):
            assert (await sylvie.get(path)).status == 404, path
        for path in (f"/soldes-repris/{town.batch}/lune", f"{town.balances}/soldes.exe", "/soldes-repris/x/canteen"):
            assert (await odile.get(path)).status == 404, path
        many = {"credit": "9" * 8, "debt": "-1"}
        assert (await odile.submit(f"{town.balances}/comparer", page=False, **many)).status == 422


async def test_the_overview_says_what_is_to_be_done_next(town: Town) -> None:
    async with town.site.signed_in("sylvie") as sylvie:
        page = await text_of(sylvie, "/reprises")
        assert "Décider des ressemblances." in page
        for verdict in ("same", "different"):
            await answer(sylvie, town, verdict)
        assert "cvq import apply" in await text_of(sylvie, "/reprises")
        await take_over(town.site.database)
        page = await text_of(sylvie, "/reprises")
        assert "Les régisseurs prennent les soldes en compte." in page
        assert "0 sur 2" in page
        await take_back(town.site.database)
        assert "défait" in await text_of(sylvie, "/reprises")
        # Read again, what was taken back before is of no interest any more.
        await bring(town.site.database, DOUBTS)
        page = await text_of(sylvie, "/reprises")
        assert (page.count("tallud-cantine"), "défait" in page) == (1, False)


async def ready(town: Town) -> None:
    """Everything is decided, and the families are taken over."""
    async with town.site.signed_in("sylvie") as sylvie:
        for verdict in ("same", "different"):
            await answer(sylvie, town, verdict)
    await take_over(town.site.database)


async def test_an_officer_compares_explains_and_signs_all_or_none_and_prints_it(town: Town) -> None:
    async with town.site.signed_in("odile") as odile:
        assert "/soldes-repris" not in await text_of(odile, "/caisse")
    await ready(town)
    async with town.site.signed_in("odile") as odile:
        assert 'href="/soldes-repris"' in await text_of(odile, "/caisse")
        page = await text_of(odile, "/soldes-repris")
        assert page.count("à prendre en compte") == 2
        page = await text_of(odile, town.balances)
        assert "12,50" in page
        assert "7,20" in page
        assert (await odile.get(f"{town.balances}/soldes.pdf")).status == 404
        wrong = await odile.submit(f"{town.balances}/comparer", credit="douze", debt="")
        assert (wrong.status, "12,50." in await wrong.text()) == (422, True)
        compared = await odile.submit(f"{town.balances}/comparer", credit="13,00", debt="7,20")
        page = html.unescape(await compared.text())
        assert "−0,50" in page
        fields = fields_of(page, f"{town.balances}/signer")
        unexplained = await odile.submit(f"{town.balances}/signer", **fields)
        assert unexplained.status == 422
        assert "différence de 0,50" in await unexplained.text()
        assert await count(town.site.database, OpeningSignOff) == 0
        why = "Famille partie, soldée le 2 septembre"
        signed = [await odile.submit(f"{town.balances}/signer", **fields, explanation=why) for _ in range(2)]
        assert {each.status for each in signed} == {303}
        page = await text_of(odile, town.balances)
        assert why in page
        assert "Pris en compte le" in page
        assert 'action="' + town.balances not in page
        paper = text_of_pdf(await (await odile.get(f"{town.balances}/soldes.pdf")).read())
        for words in ("Reprise des soldes : Cantine", "Famille Moreau", "13,00 €", "12,50 €", why, "Odile Brémaud"):
            assert words in paper
        assert "2 familles" in paper
        for kind, start in (("csv", b"\xef\xbb\xbf"), ("xlsx", b"PK")):
            assert (await (await odile.get(f"{town.balances}/soldes.{kind}")).read()).startswith(start)
    async with town.site.database.read() as db:
        balances = list(await db.scalars(select(Wallet.balance_cents).order_by(Wallet.balance_cents)))
        assert balances == [-720, 1250]
        rows = await db.execute(
            select(AuditRecord.action, func.count())
            .where(AuditRecord.action.like("opening-%"))
            .group_by(AuditRecord.action)
        )
        assert {row[0]: row[1] for row in rows} == {
            "opening-signed-off": 1,
            "opening-balances-exported": 3,
        }


async def test_only_the_service_s_officer_sees_balances_and_none_while_families_wait(town: Town) -> None:
    async with town.site.signed_in("paul") as paul:
        assert "Aucun solde" in await text_of(paul, "/soldes-repris")
        refused = await paul.get(town.balances)
        assert (refused.status, (await refused.json())["slug"]) == (403, "not-this-services-officer")
        assert (await paul.get(f"{town.balances}/soldes.csv")).status == 403
    async with town.site.signed_in("odile") as odile:
        # What is only staged is seen beforehand: whoever finds a wrong total now spares an undoing.
        page = await text_of(odile, town.balances)
        assert "2 familles qui attendent" in page
    await take_over(town.site.database)
    async with town.site.signed_in("odile") as odile:
        assert "attend encore 4 familles" in await text_of(odile, "/soldes-repris")
        pool = town.balances.replace("canteen", "pool")
        page = await text_of(odile, pool)
        assert "Il reste 4 familles à reprendre" in page
        assert "1 famille qui attend n’est pas encore dans ces totaux." in page
        assert "30,00 €" in page.replace("\u00a0", " ").replace("\u202f", " ")
        early = await odile.submit(f"{pool}/comparer", page=False, credit="5", debt="0")
        assert (await early.json())["slug"] == "import-families-wait"


async def test_totals_that_changed_since_they_were_compared_are_not_signed(town: Town) -> None:
    await ready(town)
    async with town.site.signed_in("odile") as odile:
        compared = await odile.submit(f"{town.balances}/comparer", credit="12,50", debt="7,20")
        fields = fields_of(html.unescape(await compared.text()), f"{town.balances}/signer")
        stale = {**fields, "our_debt": "0"}
        moved = await odile.submit(f"{town.balances}/signer", page=False, **stale)
        assert (await moved.json())["slug"] == "openings-moved"
        assert (await odile.submit(f"{town.balances}/signer", **fields)).status == 303
        other = {**fields, "credit": "12,49"}
        changed = await odile.submit(f"{town.balances}/signer", page=False, **other, explanation="Un centime de moins")
        assert (await changed.json())["slug"] == "idempotency-mismatch"
