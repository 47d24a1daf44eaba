"""Is this installation sound: what `cvq check` looks at."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from sqlalchemy import inspect, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession

from cvq_core.advances.verify import verify_advances
from cvq_core.agents.verify import verify_agents
from cvq_core.books.verify import verify_books
from cvq_core.card_keys.custody import CardKeysUnavailable, custody_of
from cvq_core.card_keys.keys import troubles as card_key_troubles
from cvq_core.cards.verify import verify_cards
from cvq_core.clock import local, shifted
from cvq_core.controllers.store import states
from cvq_core.database import Base, Database
from cvq_core.debits.verify import verify_debits
from cvq_core.facilities.verify import verify_reservations
from cvq_core.families.verify import verify_families
from cvq_core.imports.verify import verify_imports
from cvq_core.inactive_values.verify import verify_values
from cvq_core.jobs.store import count_failed
from cvq_core.journal.store import verify_chain
from cvq_core.ledger.verify import verify as verify_ledger
from cvq_core.minutes.verify import verify_minutes
from cvq_core.offices.verify import verify_offices
from cvq_core.payments.verify import verify_payments
from cvq_core.settings import Settings
from cvq_core.treasury.verify import verify_treasury
from cvq_core.vault import VaultError, load_master_key
from cvq_desk import tables
from cvq_desk.booking.tables import Booth
from cvq_desk.booths.tables import BoothStatus

SAID_MAX = 3
SILENT_AFTER = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at."""

    what: str
    sound: bool
    detail: str


async def look(settings: Settings) -> list[Finding]:
    """Look at everything; what cannot be looked at is not sound."""
    database = Database(settings.database_url)
    try:
        findings = [_key(settings), await _tables(database)]
        if not findings[-1].sound:
            return findings
        async with database.read() as db:
            findings.append(await _verified("grand livre", verify_ledger, db))
            findings.append(await _verified("régies et quittances", verify_offices, db))
            findings.append(await _verified("avances", verify_advances, db))
            findings.append(await _verified("valeurs inactives", verify_values, db))
            findings.append(await _verified("compte au Trésor", verify_treasury, db))
            findings.append(await _verified("procès-verbaux", verify_minutes, db))
            findings.append(await _verified("paiements en ligne", verify_payments, db))
            findings.append(await _verified("prélèvements", verify_debits, db))
            findings.append(await _verified("livres des régies", verify_books, db))
            findings.append(await _verified("familles", verify_families, db))
            findings.append(await _verified("reprises", verify_imports, db))
            findings.append(await _verified("réservations", partial(verify_reservations, now=_now(settings)), db))
            findings.append(await _verified("listes du personnel", partial(verify_agents, now=_now(settings)), db))
            findings.append(await _verified("journal", verify_chain, db))
            findings.append(await _verified("cartes", verify_cards, db))
            findings.append(await _card_keys(db, settings))
            findings.append(_failed_jobs(await count_failed(db)))
            findings += await _booths(db, settings)
            findings += await _controllers(db, settings)
        return findings
    except (SQLAlchemyError, OSError) as error:
        return [Finding("base de données", False, f"ne répond pas : {error}".splitlines()[0])]
    finally:
        await database.close()


def _now(settings: Settings) -> datetime:
    return shifted(settings.clock_offset_s)()


def _key(settings: Settings) -> Finding:
    file = settings.master_key_file or settings.data_dir / "master.key"
    if not file.exists():
        return Finding("clé des documents", True, "sera faite au premier démarrage")
    try:
        load_master_key(file)
    except (VaultError, OSError) as error:
        return Finding("clé des documents", False, str(error))
    return Finding("clé des documents", file.stat().st_mode & 0o077 == 0, str(file))


async def _tables(database: Database) -> Finding:
    """Look whether every table is there; at which revision they are is looked at by the command itself."""
    assert tables.core
    async with database.engine.connect() as connection:
        there = await connection.run_sync(lambda sync: set(inspect(sync).get_table_names()))
    missing = sorted(set(Base.metadata.tables) - there)
    detail = f"il manque {', '.join(missing[:SAID_MAX])} : lancez `cvq migrate`" if missing else "à jour"
    return Finding("base de données", not missing, detail)


async def _verified(what: str, verify: Callable[[AsyncSession], Awaitable[list[str]]], db: AsyncSession) -> Finding:
    troubles = await verify(db)
    more = f" (et {len(troubles) - SAID_MAX} autres)" if len(troubles) > SAID_MAX else ""
    return Finding(what, not troubles, "; ".join(troubles[:SAID_MAX]) + more if troubles else "juste")


async def _card_keys(db: AsyncSession, settings: Settings) -> Finding:
    """Look whether cards can prove themselves; without an HSM they cannot, which is a choice and no fault."""
    what = "clés des cartes"
    try:
        custody = custody_of(settings)
    except CardKeysUnavailable:
        return Finding(what, False, f"le fichier du code ne se lit pas : {settings.pkcs11_pin_file}")
    troubles = await card_key_troubles(db, custody)
    if troubles:
        return Finding(what, False, "; ".join(troubles[:SAID_MAX]))
    return Finding(what, True, "dans le coffre" if custody else "aucun coffre : les cartes valent par leur numéro seul")


def _failed_jobs(failed: dict[str, int]) -> Finding:
    said = "; ".join(f"{kind} : {count}" for kind, count in sorted(failed.items()))
    return Finding("tâches de fond", not failed, f"abandonnées depuis 30 jours : {said}" if failed else "faites")


async def _controllers(db: AsyncSession, settings: Settings) -> list[Finding]:
    """Look how each site's controller is; `docs/reader.md` says what each fault means."""
    findings = []
    for state in await states(db, now=_now(settings)):
        report, name = state.report, state.controller.name
        if report is None:
            findings.append(Finding(name, True, "pas encore installé"))
            continue
        told = f"vu le {local(report.reported_at):%d/%m à %H:%M}, passages en attente : {report.queued}"
        findings.append(Finding(name, not state.faults, "; ".join([told, *state.faults])))
    return findings


async def _booths(db: AsyncSession, settings: Settings) -> list[Finding]:
    now = _now(settings)
    rows = await db.execute(
        select(Booth.name, BoothStatus).outerjoin(BoothStatus, BoothStatus.booth_id == Booth.id).order_by(Booth.name)
    )
    findings = []
    for row in rows:
        name: str = row[0]
        status: BoothStatus | None = row[1]
        if status is None:
            findings.append(Finding(name, True, "pas encore installé"))
            continue
        connected = status.connected_at is not None
        seen = f"vu le {local(status.last_seen_at):%d/%m à %H:%M}" if status.last_seen_at else "jamais vu"
        silent = not connected and (status.last_seen_at is None or now - status.last_seen_at > SILENT_AFTER)
        broken = [device["device"] for device in status.devices.values() if device.get("state") == "trouble"]
        troubles = f" ; panne : {', '.join(broken)}" if broken else ""
        detail = ("en ligne" if connected else seen) + troubles
        findings.append(Finding(name, not silent and not broken, detail))
    return findings
