"""A small old base for tests: a line for each person, and what is done with it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select

from cvq_core.clock import local_day
from cvq_core.database import Base, Database
from cvq_core.ids import new_id
from cvq_core.imports.applying import Applied, apply
from cvq_core.imports.comparing import compare
from cvq_core.imports.deciding import decide, progress_of
from cvq_core.imports.mapping import read_mapping
from cvq_core.imports.openings import sign_off
from cvq_core.imports.reading import OldFile, read_base
from cvq_core.imports.staging import batch_of, stage
from cvq_core.imports.tables import ImportBatch, ImportPair, OpeningSignOff, Verdict
from cvq_core.imports.undoing import Undone, undo
from cvq_core.offices.rules import MandateTitle, Officer
from cvq_core.people.tables import Commune
from cvq_core.services.rules import ServiceCode
from cvq_core.staff.rules import Principal
from tests.core_examples import NOW, create_counter, create_officer, create_services

BASE = "tallud-cantine"
TITLES = "famille;personne;type;nom;usage;prénom;né;adresse;tél;carte;puce;inscrit;cantine;piscine;qf"
MAPPING = """
base: {base}
commune: "79322"
logiciel: Cantine 2000
soldes au: 31/08/2025
mêmes responsables: {unites}
fichiers:
  - nom: "*.csv"
    dates: JJ/MM/AAAA
    famille:
      numéro: famille
      adresse: adresse
    personnes:
      - rôle: {{colonne: type, valeurs: {{R: responsable, E: enfant}}}}
        numéro: personne
        nom: nom
        nom d’usage: usage
        prénoms: prénom
        naissance: né
        téléphone: tél
        carte: carte
        puce: puce
        inscriptions:
          cantine: inscrit
    quotient:
      valeur: qf
      date: {{constante: 01/01/2026}}
      source: {{constante: caf}}
    soldes:
      cantine: cantine
      piscine: piscine
"""
# Two families: a child in the first has a card and is enrolled; the second owes at the canteen and has pool money.
ROWS = (
    "1;1;R;MOREAU;;Claire;07/06/1985;1 rue de la Gare;0536491234;;;;12,50;;742",
    "1;2;E;MOREAU;;Lucas;04/03/2016;;;4821305773;04A2241AC35E80;oui;;;",
    "2;3;R;GIRAUD;DUPONT;Anne;01/02/1980;Les Forges;;;;;-7,20;30,00;",
    "2;4;E;DUPONT;;Léa;05/09/2017;;;;;;;;",
)
ADMINISTRATOR = Principal("staff", new_id(), "Informatique")


def csv(rows: Iterable[str] = ROWS) -> bytes:
    return "\n".join([TITLES, *rows]).encode()


async def prepare(database: Database) -> Officer:
    """The commune, two services, and an office with its officer, who is given back."""
    async with database.write() as db:
        db.add(Commune(insee="79322", name="Le Tallud", postcode="79200", in_territory=True))
        await create_services(db)
        officer = await create_officer(db)
        await create_counter(db, officer, is_main=True, title=MandateTitle.OFFICER)
    return officer


async def bring(
    database: Database,
    rows: Iterable[str] = ROWS,
    *,
    base: str = BASE,
    unites: str = "deux comptes",
    now: datetime = NOW,
) -> ImportBatch:
    """Stage a base and look for duplicates, as the command does."""
    text = MAPPING.format(base=base, unites=unites)
    mapping = read_mapping(text)
    files = [OldFile("base.csv", csv(rows))]
    read = read_base(mapping, files, today=local_day(now))
    async with database.write() as db:
        batch = await stage(db, mapping, text, read, files, by="test", now=now)
        await compare(db, batch)
    return batch


async def take_over(database: Database, base: str = BASE, now: datetime = NOW) -> Applied:
    return await apply(database, base, by="test", clock=lambda: now)


async def take_back(database: Database, base: str = BASE, now: datetime = NOW) -> Undone:
    return await undo(database, base, by="test", clock=lambda: now)


async def pairs(database: Database) -> list[ImportPair]:
    async with database.read() as db:
        return list(await db.scalars(select(ImportPair).order_by(ImportPair.low, ImportPair.high)))


async def decide_all(database: Database, verdict: Verdict, base: str = BASE) -> int:
    """Decide everything that is open in a base, and return how much it was."""
    async with database.write() as db:
        batch = await batch_of(db, base)
        open_pairs = list(
            await db.scalars(select(ImportPair).where(ImportPair.verdict.is_(None)).order_by(ImportPair.low))
        )
        for pair in open_pairs:
            await decide(db, pair.low, pair.high, verdict, batches=[batch.id], by=ADMINISTRATOR.actor, now=NOW)
        assert (await progress_of(db, [batch.id])).open == 0
    return len(open_pairs)


async def sign(
    database: Database,
    officer: Officer,
    service: ServiceCode,
    credit_cents: int,
    debt_cents: int = 0,
    *,
    explanation: str = "",
    sign_off_id: UUID | None = None,
    base: str = BASE,
) -> OpeningSignOff:
    async with database.write() as db:
        batch = await batch_of(db, base)
        return await sign_off(
            db,
            sign_off_id or new_id(),
            batch_id=batch.id,
            service=service,
            stated_credit_cents=credit_cents,
            stated_debt_cents=debt_cents,
            explanation=explanation,
            officer=officer,
            now=NOW,
        )


async def count(database: Database, table: type[Base]) -> int:
    async with database.read() as db:
        return int(await db.scalar(select(func.count()).select_from(table)) or 0)
