"""The administrator's page of staff lists: how each is, whose doors closed and why, and who was not found."""

from __future__ import annotations

import re
import shutil
from datetime import timedelta
from pathlib import Path

from cvq_core.agents.rules import RunOutcome
from cvq_core.agents.store import list_of
from cvq_core.staff.rules import Role
from tests.core_examples import NOW
from tests.factories import make_staff
from tests.integration.core.agents.ground import ODILE, PAUL, RENEE, ground_on
from tests.served import served

JEAN = "4;Inconnu;Jean;;Voirie"
LATER = NOW + timedelta(minutes=5)


async def test_an_administrator_sees_who_left_what_was_refused_and_says_whose_a_number_is(
    sqlite_template: Path, tmp_path: Path
) -> None:
    shutil.copyfile(sqlite_template, tmp_path / "cvq.sqlite")
    async with served(f"sqlite:///{tmp_path}/cvq.sqlite", tmp_path) as site, ground_on(site.database) as ground:
        async with site.database.write() as db:
            await make_staff(db, Role.ADMINISTRATOR, None, "adele")
        await ground.drop(ODILE, PAUL, RENEE)
        await ground.drop(PAUL, RENEE, JEAN, now=LATER)
        refused = await ground.drop("2;Morin;Paul;jamais;Écoles", now=LATER + timedelta(minutes=5))
        assert refused.run is not None
        assert refused.run.outcome is RunOutcome.REFUSED
        async with site.signed_in("adele") as adele:
            shown = await (await adele.get("/personnel")).text()
            [link] = set(re.findall(r'action="(/personnel/[^"]+)"', shown))
            assert "Mairie de Pompaire" in shown
            assert "BRÉMAUD Odile" in shown, "who left"
            assert "MORIN Paul" not in shown, "and nobody else"
            assert "une ligne ne se lit pas" in shown
            assert "Matricule 4" in shown
            wrong = await adele.submit(link, number="4", carte="1234567890")
            assert wrong.status == 422
            assert 'aria-invalid="true"' in await wrong.text()
            linked = await adele.submit(link, number="4", carte=ground.uids["Odile"])
            assert linked.status == 303
            again = await adele.submit(link, number="4", carte=ground.uids["Paul"])
            assert again.status == 422
            journal = await (await adele.get("/personnel")).text()
            assert "Matricule 4" not in journal
        await ground.drop(PAUL, RENEE, JEAN, now=LATER + timedelta(minutes=10))
        assert await ground.doors("Odile", LATER + timedelta(minutes=10)) == "SD", "the doors of the number's group"
        async with site.database.read() as db:
            assert (await list_of(db, "pompaire")).reading == {"listed": 3, "unknown": [], "without_doors": []}
