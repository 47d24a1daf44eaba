"""Tariffs proposed, adopted and in force, in the caller's transaction."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from cvq_core.access.changes import note_change
from cvq_core.clock import local_day
from cvq_core.errors import N_, BadInput, NotFound, Refusal
from cvq_core.ledger.rules import IdempotencyMismatch
from cvq_core.services.rules import ServiceCode
from cvq_core.services.store import UnknownService
from cvq_core.services.tables import Service
from cvq_core.tariffs.reading import read_tariff
from cvq_core.tariffs.rules import Tariff
from cvq_core.tariffs.tables import TariffAdoption, TariffVersion

DAYS_AHEAD_MAX = 730
VERSIONS_MAX = 200


class UnknownTariff(NotFound):
    """No version has this id, or none was in force on that day."""

    slug = "unknown-tariff"
    message = N_("Ce tarif n’existe pas, ou aucun n’était en vigueur ce jour-là.")
    what_to_do = N_("Choisissez un tarif dans la liste, ou une autre date.")


class OtherService(BadInput):
    """The file is for another service than the one that it was proposed for."""

    slug = "tariff-of-another-service"
    message = N_("Ce fichier est le tarif d’un autre service.")
    what_to_do = N_("Vérifiez sa ligne « service », ou proposez-le depuis la page de l’autre service.")


class PastTariff(Refusal):
    """A tariff cannot begin on a day for which prices may already have been asked."""

    slug = "past-tariff"
    message = N_("Un tarif s’applique au plus tôt demain : ce qui a déjà été compté ne change plus.")
    what_to_do = N_("Choisissez une date à venir.")


class TooFarAhead(BadInput):
    """A tariff that begins in years is a slip of the hand."""

    slug = "tariff-too-far-ahead"
    message = N_("Un tarif s’adopte au plus deux ans à l’avance.")
    what_to_do = N_("Vérifiez l’année.")


class AlreadyAdopted(Refusal):
    """This version was adopted from another day."""

    slug = "tariff-already-adopted"
    message = N_("Ce tarif est déjà adopté : sa date ne se change plus.")
    what_to_do = N_("Proposez de nouveau le même texte, puis adoptez-le à la bonne date.")


@dataclass(frozen=True, slots=True)
class Official:
    """Who proposes or adopts; no id for the installation itself."""

    id: UUID | None
    name: str


@dataclass(frozen=True, slots=True)
class Version:
    """A version as it was proposed, what it says, and its adoption where there is one."""

    row: TariffVersion
    adoption: TariffAdoption | None

    @property
    def tariff(self) -> Tariff:
        """What its file says."""
        return read_tariff(self.row.text)


async def propose(
    db: AsyncSession, version_id: UUID, *, service: ServiceCode, text: str, by: Official, now: datetime
) -> TariffVersion:
    """Keep a version as it is proposed; the same id and text again give the first answer.

    Raises:
        UnreadableTariff: with the faults of its lines.
        OtherService: it is another service's.
        UnknownService: the territory does not have this service.
        IdempotencyMismatch: this id came with another text.
    """
    text = text.replace("\r\n", "\n")
    tariff = read_tariff(text)
    if tariff.service is not service:
        raise OtherService
    known = await db.get(TariffVersion, version_id)
    if known is None:
        await _locked(db, service)
        known = await db.get(TariffVersion, version_id)
    if known is not None:
        if (known.service_code, known.text) != (service, text):
            raise IdempotencyMismatch
        return known
    last = await db.scalar(select(func.max(TariffVersion.number)).where(TariffVersion.service_code == service))
    version = TariffVersion(
        id=version_id,
        service_code=service,
        number=(last or 0) + 1,
        title=tariff.title,
        text=text,
        proposed_by=by.id,
        proposed_by_name=by.name,
        proposed_at=now,
    )
    db.add(version)
    await db.flush()
    return version


async def adopt(db: AsyncSession, version_id: UUID, *, valid_from: date, by: Official, now: datetime) -> TariffAdoption:
    """Let a version hold from a day on; asked again with the same day, the first answer.

    Of two versions adopted from the same day, the one adopted last holds.

    Raises:
        UnknownTariff: there is no such version.
        PastTariff: from today or earlier.
        TooFarAhead: in more than two years.
        AlreadyAdopted: it holds from another day.
    """
    version = await version_by_id(db, version_id)
    service = version.row.service_code
    await _locked(db, service)
    adoption = await db.get(TariffAdoption, version_id, populate_existing=True)
    if adoption is not None:
        if adoption.valid_from != valid_from:
            raise AlreadyAdopted
        return adoption
    check_first_day(valid_from, local_day(now))
    adoption = TariffAdoption(
        version_id=version_id,
        service_code=service,
        valid_from=valid_from,
        adopted_by=by.id,
        adopted_by_name=by.name,
        adopted_at=now,
    )
    db.add(adoption)
    await db.flush()
    note_change(db, now=now, services=[adoption.service_code])
    return adoption


def check_first_day(valid_from: date, today: date) -> None:
    """Refuse a day from which no tariff can be adopted any more, or not yet.

    Raises:
        PastTariff: today or earlier.
        TooFarAhead: in more than two years.
    """
    if valid_from <= today:
        raise PastTariff
    if valid_from > today + timedelta(days=DAYS_AHEAD_MAX):
        raise TooFarAhead


async def version_by_id(db: AsyncSession, version_id: UUID) -> Version:
    """Return a version.

    Raises:
        UnknownTariff: there is none.
    """
    row = await db.get(TariffVersion, version_id)
    if row is None:
        raise UnknownTariff
    return Version(row, await db.get(TariffAdoption, version_id))


async def versions_of(db: AsyncSession, services: Collection[ServiceCode]) -> dict[ServiceCode, list[Version]]:
    """Return the versions of services, the newest first."""
    rows = await db.execute(
        select(TariffVersion, TariffAdoption)
        .outerjoin(TariffAdoption, TariffAdoption.version_id == TariffVersion.id)
        .where(TariffVersion.service_code.in_(services))
        .order_by(TariffVersion.service_code, TariffVersion.number.desc())
        .limit(VERSIONS_MAX * max(1, len(services)))
    )
    found: dict[ServiceCode, list[Version]] = {service: [] for service in services}
    for row, adoption in rows:
        found[row.service_code].append(Version(row, adoption))
    return found


async def tariff_in_force(db: AsyncSession, service: ServiceCode, on: date) -> Version:
    """Return the version that holds on a day, past or to come.

    Raises:
        UnknownTariff: none does.
    """
    found = (await tariffs_in_force(db, [service], on)).get(service)
    if found is None:
        raise UnknownTariff
    return found


async def tariffs_in_force(db: AsyncSession, services: Collection[ServiceCode], on: date) -> dict[ServiceCode, Version]:
    """Return, of those services that have one, the version that holds on a day."""
    rows = await db.execute(
        select(TariffVersion, TariffAdoption)
        .join(TariffAdoption, TariffAdoption.version_id == TariffVersion.id)
        .where(TariffAdoption.service_code.in_(services), TariffAdoption.valid_from <= on)
        # The last of a service stands: it began last, and of two that began together it was adopted last.
        .order_by(TariffAdoption.valid_from, TariffAdoption.adopted_at, TariffVersion.number)
    )
    return {row.service_code: Version(row, adoption) for row, adoption in rows}


async def _locked(db: AsyncSession, service: ServiceCode) -> None:
    """Let nobody else number or adopt a tariff of this service before the transaction ends."""
    if await db.scalar(select(Service.code).where(Service.code == service).with_for_update()) is None:
        raise UnknownService
