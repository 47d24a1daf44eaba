"""What `cvq seed` does: read the settings, fill the database with a progress bar, say what was made."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

from cvq_core.clock import local_day, utc_now
from cvq_core.database import Database
from cvq_core.errors import Refusal
from cvq_core.seed.service import More, Seeded, school_year_of, seed_territory
from cvq_core.settings import Settings


@dataclass(frozen=True, slots=True)
class SeedOptions:
    """What was asked for on the command line."""

    preset: str
    seed: int
    school_year: int | None
    database_url: str | None
    force: bool
    with_digest: bool


def run(options: SeedOptions, more: More | None = None) -> None:
    """Fill the database of the settings, or the one named.

    Raises:
        SystemExit: it was refused; the message says why and what to do.
    """
    url = options.database_url or Settings.load().database_url
    console = Console()
    try:
        seeded = asyncio.run(_fill(url, options, more, console))
    except Refusal as refusal:
        raise SystemExit(f"{refusal.message.format(**refusal.facts)}\n{refusal.what_to_do}") from None
    console.print(
        f"Territoire « {options.preset} », année scolaire {seeded.school_year}-{seeded.school_year + 1} : "
        f"{seeded.rows} lignes en {seeded.seconds:.1f} s."
    )
    if seeded.digest is not None:
        console.print(f"Empreinte : {seeded.digest}")


async def _fill(url: str, options: SeedOptions, more: More | None, console: Console) -> Seeded:
    school_year = options.school_year
    if school_year is None:
        school_year = school_year_of(local_day(utc_now()))
    database = Database(url)
    columns = (TextColumn("{task.description:<20}"), BarColumn(), TaskProgressColumn(), TimeElapsedColumn())
    try:
        with Progress(*columns, console=console) as bar:
            task = bar.add_task("préparation", total=None)
            return await seed_territory(
                database,
                options.preset,
                seed=options.seed,
                school_year=school_year,
                force=options.force,
                with_digest=options.with_digest,
                more=more,
                progress=lambda table, done, total: bar.update(task, description=table, completed=done, total=total),
            )
    finally:
        await database.close()
