"""What an import would make, change and refuse, and why: for the command, and as files."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from cvq_core.errors import N_
from cvq_core.imports.deciding import Progress, progress_of
from cvq_core.imports.openings import ServiceOpening, openings_of
from cvq_core.imports.records import person_of
from cvq_core.imports.tables import (
    BatchState,
    FamilyState,
    ImportBatch,
    ImportFamily,
    ImportFault,
    ImportPair,
    ImportPerson,
    OpeningBalance,
    Verdict,
)
from cvq_core.journal.store import Actor, record
from cvq_core.people.names import folded, listed_name
from cvq_core.people.tables import Person
from cvq_core.services.rules import SERVICE_LABELS, ServiceCode
from cvq_core.spreadsheets import Money, Sheet
from cvq_core.tariffs.words import Say

FAULTS_SHOWN_MAX = 200
IDS_AT_ONCE = 500
BATCHES_MAX = 500

STATE_WORDS: dict[BatchState, str] = {
    BatchState.STAGED: N_("lu, rien n’est encore repris"),
    BatchState.APPLYING: N_("repris en partie"),
    BatchState.APPLIED: N_("repris"),
    BatchState.UNDOING: N_("en train d’être défait"),
    BatchState.UNDONE: N_("défait"),
}
FAMILY_WORDS: dict[FamilyState, str] = {
    FamilyState.WAITING: N_("à reprendre"),
    FamilyState.APPLIED: N_("reprise"),
    FamilyState.KNOWN: N_("reprise auparavant"),
    FamilyState.REFUSED: N_("refusée"),
    FamilyState.UNDONE: N_("défaite"),
}
_FIELDS: tuple[tuple[str, str], ...] = (
    ("family_name", N_("nom")),
    ("usual_name", N_("nom d’usage")),
    ("given_names", N_("prénoms")),
    ("birth_date", N_("date de naissance")),
    ("address", N_("adresse")),
    ("postcode", N_("code postal")),
    ("phone", N_("téléphone")),
    ("email", N_("courriel")),
)


@dataclass(frozen=True, slots=True)
class Summary:
    """An import in figures. `held` of the waiting families have somebody about whom something is to be decided."""

    batch: ImportBatch
    families: dict[FamilyState, int]
    held: int
    persons: int
    persons_made: int
    persons_linked: int
    refusing_faults: int
    other_faults: int
    pairs: Progress
    openings: list[ServiceOpening]

    def count(self, state: FamilyState) -> int:
        """Return how many families stand there."""
        return self.families.get(state, 0)


class NextStep(StrEnum):
    """What is to be done next about an import, and by whom."""

    DECIDE = "decide"
    APPLY = "apply"
    FINISH_UNDOING = "finish-undoing"
    SIGN = "sign"
    NOTHING = "nothing"


def next_step(summary: Summary) -> NextStep:
    """Return what is to be done next about an import."""
    state = summary.batch.state
    if state is BatchState.UNDOING:
        return NextStep.FINISH_UNDOING
    if state in (BatchState.STAGED, BatchState.APPLYING):
        return NextStep.DECIDE if summary.pairs.open else NextStep.APPLY
    if state is BatchState.APPLIED and any(each.totals.families and not each.signed for each in summary.openings):
        return NextStep.SIGN
    return NextStep.NOTHING


@dataclass(frozen=True, slots=True)
class Difference:
    """What a file says of somebody whom we know, and we say otherwise: nothing is changed for it."""

    family: str
    who: str
    what: str
    ours: str
    theirs: str


async def summary_of(db: AsyncSession, batch: ImportBatch) -> Summary:
    """Return an import in figures."""
    states = await db.execute(
        select(ImportFamily.state, func.count()).where(ImportFamily.batch_id == batch.id).group_by(ImportFamily.state)
    )
    persons = await db.execute(
        select(ImportPerson.person_made, ImportPerson.person_id.is_not(None), func.count())
        .join(ImportFamily, ImportFamily.id == ImportPerson.family_id)
        .where(ImportFamily.batch_id == batch.id)
        .group_by(ImportPerson.person_made, ImportPerson.person_id.is_not(None))
    )
    people = {(bool(made), bool(there)): count for made, there, count in persons}
    faults = await db.execute(
        select(ImportFault.refuses, func.count()).where(ImportFault.batch_id == batch.id).group_by(ImportFault.refuses)
    )
    by_weight = {bool(refuses): count for refuses, count in faults}
    return Summary(
        batch=batch,
        families={row[0]: row[1] for row in states},
        held=await _held(db, batch),
        persons=sum(people.values()),
        persons_made=people.get((True, True), 0),
        persons_linked=people.get((False, True), 0),
        refusing_faults=by_weight.get(True, 0),
        other_faults=by_weight.get(False, 0),
        pairs=await progress_of(db, [batch.id]),
        openings=await openings_of(db, batch),
    )


async def all_batches(
    db: AsyncSession, communes: Collection[str] | None = None, *, undone: bool = False
) -> list[ImportBatch]:
    """Return the imports of some communes, or of all, by base; with those that were taken back where `undone`."""
    wanted = select(ImportBatch).order_by(ImportBatch.base, ImportBatch.staged_at.desc()).limit(BATCHES_MAX)
    if communes is not None:
        wanted = wanted.where(ImportBatch.commune_insee.in_(communes))
    if not undone:
        wanted = wanted.where(ImportBatch.state != BatchState.UNDONE)
    return list(await db.scalars(wanted))


async def held_families(db: AsyncSession, batch: ImportBatch) -> list[ImportFamily]:
    """Return the families that a run looked at and left waiting; `why` says what holds each back."""
    rows = await db.scalars(
        select(ImportFamily)
        .where(ImportFamily.batch_id == batch.id, ImportFamily.state == FamilyState.WAITING, ImportFamily.why != "")
        .order_by(ImportFamily.why, ImportFamily.file, ImportFamily.line, ImportFamily.id)
        .limit(FAULTS_SHOWN_MAX)
    )
    return list(rows)


async def faults_of(db: AsyncSession, batch: ImportBatch, limit: int = FAULTS_SHOWN_MAX) -> list[ImportFault]:
    """Return what is wrong with a batch's files: what refuses a family first, then by file and line."""
    rows = await db.scalars(
        select(ImportFault)
        .where(ImportFault.batch_id == batch.id)
        .order_by(ImportFault.refuses.desc(), ImportFault.position)
        .limit(limit)
    )
    return list(rows)


async def families_of(db: AsyncSession, batch: ImportBatch, *, only_told: bool = False) -> list[ImportFamily]:
    """Return a batch's families by file and line; `only_told`: those of which there is something to say."""
    wanted = select(ImportFamily).where(ImportFamily.batch_id == batch.id)
    if only_told:
        wanted = wanted.where(ImportFamily.why != "").limit(FAULTS_SHOWN_MAX)
    return list(await db.scalars(wanted.order_by(ImportFamily.file, ImportFamily.line, ImportFamily.id)))


async def differences_of(db: AsyncSession, batch: ImportBatch, say: Say) -> list[Difference]:
    """Return what the files say otherwise than our base, of people and balances that are known; nothing is changed."""
    return [*await _people_otherwise(db, batch, say), *await _balances_otherwise(db, batch, say)]


def export_recorded(db: AsyncSession, batch: ImportBatch, by: Actor, *, file: str, now: datetime) -> None:
    """Record that a whole report, which names people, was written to a file."""
    record(
        db,
        now=now,
        actor=by,
        action="import-report-exported",
        subject=("import", batch.id),
        personal={"base": batch.base, "file": file[:200]},
    )


async def sheets_of(db: AsyncSession, batch: ImportBatch, say: Say) -> list[Sheet]:
    """Return a whole report as the sheets of a file."""
    summary = await summary_of(db, batch)
    families = [
        (
            *(family.number, family.file, family.line, (family.content or {}).get("label", "")),
            *(say(FAMILY_WORDS[family.state]), say(family.why) if family.why else ""),
        )
        for family in await families_of(db, batch)
    ]
    differences = [
        (each.family, each.who, each.what, each.ours, each.theirs) for each in await differences_of(db, batch, say)
    ]
    faults = [
        (fault.file, fault.line, fault.column, fault.family, fault_weight(fault, say), fault_words(fault, say))
        for fault in await faults_of(db, batch, 100_000)
    ]
    openings = [
        (
            say(SERVICE_LABELS[each.service]),
            each.brought.families,
            Money(each.brought.credit_cents),
            Money(each.brought.debt_cents),
            Money(each.left_out.net_cents),
            each.signed.signed_name if each.signed else "",
        )
        for each in summary.openings
    ]
    family, file, line = say(N_("Famille")), say(N_("Fichier")), say(N_("Ligne"))
    return [
        Sheet(say(N_("Résumé")), (say(N_("Quoi")), say(N_("Combien"))), list(_figures(summary, say))),
        Sheet(
            say(N_("Familles")),
            (family, file, line, say(N_("Nom")), say(N_("État")), say(N_("Pourquoi"))),
            families,
        ),
        Sheet(
            say(N_("Différences")),
            (family, say(N_("Qui")), say(N_("Quoi")), say(N_("Notre base")), say(N_("Le fichier"))),
            differences,
        ),
        Sheet(
            say(N_("Défauts")),
            (file, line, say(N_("Colonne")), family, say(N_("Effet")), say(N_("Défaut"))),
            faults,
        ),
        Sheet(
            say(N_("Soldes")),
            (
                *(say(N_("Service")), say(N_("Familles")), say(N_("Avoirs (€)")), say(N_("Dettes (€)"))),
                *(say(N_("Laissés de côté (€)")), say(N_("Pris en compte par"))),
            ),
            openings,
        ),
    ]


def fault_words(fault: ImportFault, say: Say) -> str:
    """Return what is wrong, in words."""
    return say(fault.sentence, **fault.facts)


def fault_weight(fault: ImportFault, say: Say) -> str:
    """Return what a fault leads to."""
    return say(N_("famille refusée")) if fault.refuses else say(N_("laissé de côté"))


def _figures(summary: Summary, say: Say) -> Iterable[tuple[str, str | int]]:
    waiting = summary.count(FamilyState.WAITING)
    yield say(N_("Base")), summary.batch.base
    yield say(N_("État")), say(STATE_WORDS[summary.batch.state])
    yield say(N_("Familles qui seraient reprises maintenant")), waiting - summary.held
    yield say(N_("Familles qui attendent une décision")), summary.held
    yield say(N_("Familles reprises")), summary.count(FamilyState.APPLIED)
    yield say(N_("Familles reprises auparavant")), summary.count(FamilyState.KNOWN)
    yield say(N_("Familles refusées")), summary.count(FamilyState.REFUSED)
    yield say(N_("Personnes")), summary.persons
    yield say(N_("Personnes créées")), summary.persons_made
    yield say(N_("Personnes reliées à une fiche qui existait")), summary.persons_linked
    yield say(N_("Ressemblances à décider")), summary.pairs.open
    yield say(N_("Ressemblances décidées")), summary.pairs.decided
    yield say(N_("Défauts qui refusent une famille")), summary.refusing_faults
    yield say(N_("Autres défauts")), summary.other_faults


async def _held(db: AsyncSession, batch: ImportBatch) -> int:
    """Return how many waiting families have somebody about whom something is still to be decided."""
    open_pairs = (
        select(ImportPair.low)
        .where(
            or_(ImportPair.low == ImportPerson.identity, ImportPair.high == ImportPerson.identity),
            or_(ImportPair.verdict.is_(None), ImportPair.verdict == Verdict.LATER),
        )
        .exists()
    )
    held = (
        select(func.count(func.distinct(ImportFamily.id)))
        .join(ImportPerson, ImportPerson.family_id == ImportFamily.id)
        .where(
            ImportFamily.batch_id == batch.id,
            ImportFamily.state == FamilyState.WAITING,
            ImportPerson.person_id.is_(None),
            open_pairs,
        )
    )
    return int(await db.scalar(held) or 0)


async def _people_otherwise(db: AsyncSession, batch: ImportBatch, say: Say) -> list[Difference]:
    rows = await db.execute(
        select(ImportFamily.number, ImportPerson, Person)
        .join(ImportFamily, ImportFamily.id == ImportPerson.family_id)
        .join(Person, Person.id == ImportPerson.person_id)
        .where(ImportFamily.batch_id == batch.id, ImportPerson.content.is_not(None), ~ImportPerson.person_made)
        .order_by(ImportFamily.file, ImportPerson.line, ImportPerson.id)
    )
    found = []
    for number, row, person in rows:
        old = person_of(row.key, row.role, row.content or {})
        who = listed_name(person.family_name, person.usual_name, person.given_names)
        for name, word in _FIELDS:
            theirs, ours = getattr(old, name), getattr(person, name)
            if theirs and _plain(theirs) != _plain(ours):
                found.append(Difference(number, who, say(word), _text(ours), _text(theirs)))
    return found


async def _balances_otherwise(db: AsyncSession, batch: ImportBatch, say: Say) -> list[Difference]:
    """Return the balances of a later file that are not taken over, since an earlier import did."""
    taken: dict[tuple[UUID, ServiceCode], int] = {}
    rows = await db.execute(
        select(ImportFamily.account_id, OpeningBalance.service_code, OpeningBalance.amount_cents)
        .join(OpeningBalance, OpeningBalance.family_id == ImportFamily.id)
        .join(ImportBatch, ImportBatch.id == ImportFamily.batch_id)
        .where(ImportBatch.base == batch.base, ImportBatch.id != batch.id, ImportFamily.state == FamilyState.APPLIED)
    )
    for account_id, service, cents in rows:
        if account_id is not None:
            taken[account_id, service] = cents
    found = []
    for family in await families_of(db, batch) if taken else []:
        for word, cents in (family.content or {}).get("all_balances", {}).items():
            ours = taken.get((family.account_id, ServiceCode(word))) if family.account_id else None
            if ours is not None and ours != cents:
                what = say(N_("solde {service}, déjà repris"), service=say(SERVICE_LABELS[ServiceCode(word)]).lower())
                label = (family.content or {}).get("label", "")
                found.append(Difference(family.number, label, what, _euros(ours), _euros(cents)))
    return found


def _plain(value: Any) -> str:
    return folded(_text(value)).replace("-", " ").replace("’", "'")


def _text(value: Any) -> str:
    return "" if value is None else str(value)


def _euros(cents: int) -> str:
    sign = "-" if cents < 0 else ""
    return f"{sign}{abs(cents) // 100},{abs(cents) % 100:02d}"
