"""Staff lists from an employer's own directory: a real slapd, and real doors that close."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from cvq_core.agents.directory import PAGE, read_directory
from cvq_core.agents.directory_rules import StaffDirectory
from cvq_core.agents.rules import NobodyToLink
from cvq_core.agents.store import link_agent, list_of, runs_of
from cvq_core.agents.tables import StaffList
from cvq_core.agents.verify import verify_agents
from cvq_core.agents.watching import watch_directories
from cvq_core.journal.store import SYSTEM
from tests.core_examples import NOW
from tests.integration.core.agents.ground import Ground
from tests.slapd import BASE, PASSWORD, PEOPLE, READER, Slapd


@pytest.fixture
def slapd() -> Iterator[Slapd]:
    """A directory with our three agents."""
    with Slapd() as running:
        for number, family, given, group, born in (
            ("1", "Brémaud", "Odile", "Écoles", "19710402000000Z"),
            ("2", "Morin", "Paul", "Écoles", "19820503"),
            ("3", "Roy", "Renée", "Voirie", "19930604000000Z"),
        ):
            running.add(number, family, given, group)
            running.set_birth(number, born)
        yield running


@pytest.fixture
def directory(slapd: Slapd, tmp_path: Path) -> StaffDirectory:
    secret = tmp_path / "bind"
    secret.write_text(PASSWORD + "\n")
    return StaffDirectory(
        url=slapd.url,
        base=PEOPLE,
        bind_dn=READER,
        bind_password_file=secret,
        born="description",
        ca_file=slapd.folder / "ca.pem",
    )


async def ask(ground: Ground, directory: StaffDirectory, minutes: int = 0) -> StaffList:
    """Ask the directory as the server does, some minutes later; return what is known of the list then."""
    now = NOW + timedelta(minutes=minutes)
    await watch_directories(ground.database, {"pompaire": directory}, lambda: now, read_directory)
    async with ground.database.read() as db:
        return await list_of(db, "pompaire")


async def test_who_is_removed_from_the_directory_opens_no_door_and_who_cannot_be_asked_about_keeps_theirs(
    ground: Ground, slapd: Slapd, directory: StaffDirectory, tmp_path: Path
) -> None:
    known = await ask(ground, directory)
    assert [await ground.doors(who) for who in ("Odile", "Paul", "Renée")] == ["S", "S", "SD"]
    assert known.reading == {"listed": 3, "unknown": [], "without_doors": []}
    slapd.remove("3")
    slapd.add("4", "Inconnu", "Jean", "Voirie")
    known = await ask(ground, directory, 5)
    assert [await ground.doors(who, NOW + timedelta(minutes=5)) for who in ("Odile", "Renée")] == ["S", ""]
    assert known.reading == {"listed": 3, "unknown": ["4"], "without_doors": []}
    # Renée is known under the new number too, once somebody says so; her doors come with the next reading.
    async with ground.database.write() as db:
        await link_agent(db, "pompaire", "4", ground.people["Renée"], actor=SYSTEM, now=NOW)
        with pytest.raises(NobodyToLink):
            await link_agent(db, "pompaire", "4", ground.people["Paul"], actor=SYSTEM, now=NOW)
    known = await ask(ground, directory, 10)
    at = NOW + timedelta(minutes=10)
    assert (await ground.doors("Renée", at), known.reading["unknown"] if known.reading else 0) == ("SD", [])
    # None of these closes a door: a wrong password, none, nobody, half of them, a false certificate, no line.
    wrong = tmp_path / "wrong"
    wrong.write_text("nope")
    empty = tmp_path / "empty"
    empty.write_text("\n")
    for minutes, (slug, other) in enumerate(
        (
            ("wrong-password", replace(directory, bind_password_file=wrong)),
            ("no-password", replace(directory, bind_password_file=empty)),
            ("cut", replace(directory, bind_dn=f"cn=court,{BASE}")),
            ("no-answer", replace(directory, ca_file=slapd.folder / "other.pem")),
            ("no-answer", replace(directory, base=f"ou=nowhere,{BASE}")),
        ),
        start=15,
    ):
        assert (await ask(ground, other, minutes)).trouble == slug
        async with ground.database.read() as db:
            [told] = await verify_agents(db, NOW)
            assert slug in told
    assert (await ask(ground, directory, 30)).trouble is None
    await ask(ground, replace(directory, filter="(cn=personne)"), 35)
    async with ground.database.read() as db:
        [refused, *_] = await runs_of(db, known.id)
        assert (refused.outcome, refused.slug) == ("refused", "bad-staff-list")
        assert await verify_agents(db, NOW) != []
    await ask(ground, directory, 37)
    async with ground.database.read() as db:
        assert await verify_agents(db, NOW) == [], "the next answer is good"
    slapd.stop()
    late = NOW + timedelta(minutes=40)
    assert (await ask(ground, directory, 40)).trouble == "no-answer"
    assert [await ground.doors(who, late) for who in ("Odile", "Paul", "Renée")] == ["S", "S", "SD"]


def test_a_large_directory_comes_in_pages_and_whole(slapd: Slapd, directory: StaffDirectory) -> None:
    number = PAGE + 3
    slapd.add_many(number)
    plain = replace(directory, url=f"ldap://127.0.0.1:{slapd.port}", start_tls=True)
    for each in (directory, plain):
        lines = read_directory(each).decode().splitlines()
        assert len(lines) == 1 + 3 + number
        assert lines[1] == "1;Brémaud;Odile;02/04/1971;Écoles;;"


@pytest.mark.parametrize(
    "wrong",
    [
        {"url": "http://annuaire.example"},
        {"url": "ldap://annuaire.example"},
        {"filter": "cn=*"},
        {"number": "employeeNumber)(uid=*"},
        {"bind_dn": ""},
    ],
)
def test_a_directory_that_would_be_asked_in_clear_or_for_something_else_is_no_setting(
    tmp_path: Path, wrong: dict[str, str]
) -> None:
    good: dict[str, Any] = {
        "url": "ldaps://annuaire.example",
        "base": PEOPLE,
        "bind_dn": READER,
        "bind_password_file": tmp_path,
    }
    assert StaffDirectory(**good).host == "annuaire.example"
    with pytest.raises(ValueError, match=r"url|filter|attribute"):
        StaffDirectory(**{**good, **wrong})
