"""`cvq import`: read an old base, put it aside, look, take it over, take it back."""

from __future__ import annotations

import asyncio
import getpass
import os
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from cvq_core.imports.tables import Verdict

if TYPE_CHECKING:
    from datetime import date

    from rich.console import Console

    from cvq_core.clock import Clock
    from cvq_core.database import Database
    from cvq_core.imports.mapping import ImportMapping
    from cvq_core.imports.reading import OldBase, OldFile
    from cvq_core.imports.report import Summary
    from cvq_core.imports.sides import ToDecide

_Found = TypeVar("_Found")

HELP = """Reprendre la base d’une commune, dans l’ordre :

1. `check` lit les fichiers d’après la correspondance et dit ce qui ne va pas, ligne par ligne ;

2. `stage` les met de côté et cherche les personnes qui y sont deux fois, ou que l’on connaît déjà ;

3. `accept` tient pour une même personne chaque ressemblance certaine ; les douteuses se décident à la page Reprises, \
ou ici par `doubtful` et `decide` ;

4. `apply` reprend les familles dont tout est décidé ; interrompu, ou quand d’autres sont décidées, on le relance ;

5. chaque régisseur prend les soldes de ses services en compte à la page Soldes repris : jusque-là ils restent à part, \
et aucun compte ne les montre.

`report` dit à tout moment où l’on en est. `undo` défait tout ce qui n’a pas encore servi.

`sample` écrit des bases inventées avec leur correspondance, pour s’exercer et pour écrire la sienne.

Fin par 1 : des lignes sont refusées ou restent à décider ; par 2 : la correspondance ou un fichier ne se lit pas.
"""
app = typer.Typer(help=HELP, no_args_is_help=True, rich_markup_mode="markdown")

MappingFile = Annotated[
    Path, typer.Argument(exists=True, dir_okay=False, help="correspondance (YAML) : quelle colonne est quoi")
]
Files = Annotated[
    list[Path] | None,
    typer.Argument(exists=True, help="fichiers CSV ou XLSX, ou dossiers ; sans rien, ceux à côté de la correspondance"),
]
Base = Annotated[str, typer.Argument(help="nom de la base, tel que la correspondance le donne")]
SUFFIXES = (".csv", ".txt", ".tsv", ".xlsx")
FAULTS_SAID_MAX = 40


@app.command()
def check(mapping: MappingFile, files: Files = None) -> None:
    """Lire les fichiers et dire ce qui ne va pas ; la base n’est pas touchée."""
    read, _, base, _ = _read(mapping, files)
    console = _console()
    _print_faults(console, base)
    console.print(
        f"[b]{read.base}[/b] : {base.rows} lignes lues, {len(base.families)} familles, {base.persons} personnes ; "
        f"{len(base.refused)} familles refusées."
    )
    _print_totals(console, base)
    if base.refused or any(fault.refuses for fault in base.faults):
        raise typer.Exit(1)


@app.command()
def stage(mapping: MappingFile, files: Files = None) -> None:
    """Mettre les fichiers de côté et chercher les doublons ; familles et comptes ne sont pas touchés."""
    from cvq_core.imports.comparing import compare
    from cvq_core.imports.report import summary_of
    from cvq_core.imports.staging import stage as put_aside

    read, text, base, old = _read(mapping, files)

    async def work(database: Database, clock: Clock) -> Summary:
        async with database.write() as db:
            batch = await put_aside(db, read, text, base, old, by=_who(), now=clock())
            await compare(db, batch)
            return await summary_of(db, batch)

    console = _console()
    _print_faults(console, base)
    with console.status("mise de côté et recherche des doublons…"):
        summary = _run(work)
    _print_summary(console, summary)
    if base.refused:
        raise typer.Exit(1)


@app.command()
def report(
    base: Annotated[str | None, typer.Argument(help="nom de la base ; sans rien, la liste des imports")] = None,
    to: Annotated[Path | None, typer.Option("--to", help="écrire aussi un fichier .xlsx ou .csv")] = None,
) -> None:
    """Dire où en est un import : ce qui serait créé, relié, refusé, et pourquoi."""
    from cvq_core.imports.report import all_batches, export_recorded, sheets_of, summary_of
    from cvq_core.imports.staging import batch_of
    from cvq_core.journal.store import Actor
    from cvq_core.spreadsheets import Sheet, to_csv, to_xlsx

    if to is not None and to.suffix not in (".xlsx", ".csv"):
        raise SystemExit(f"{to} : le fichier doit finir par .xlsx ou .csv")

    async def one(database: Database, clock: Clock) -> tuple[Summary, list[Sheet]]:
        async with database.write() if to else database.read() as db:
            batch = await batch_of(db, base or "")
            if to is not None:
                export_recorded(db, batch, Actor("system", None, _who()), file=to.name, now=clock())
            return await summary_of(db, batch), await sheets_of(db, batch, _say) if to else []

    async def every(database: Database, clock: Clock) -> list[Summary]:
        del clock
        async with database.read() as db:
            return [await summary_of(db, batch) for batch in await all_batches(db)]

    console = _console()
    if base is None:
        _print_list(console, _run(every))
        return
    summary, sheets = _run(one)
    _print_summary(console, summary)
    if to is not None:
        _write_private(to, to_xlsx(sheets) if to.suffix == ".xlsx" else to_csv(sheets))
        console.print(f"écrit, lisible par vous seul : {to}")


@app.command()
def accept(base: Base) -> None:
    """Accepter les ressemblances certaines : mêmes nom et prénom, même date de naissance ou même carte."""
    from cvq_core.imports.deciding import accept_certain
    from cvq_core.imports.staging import batch_of
    from cvq_core.journal.store import Actor

    async def work(database: Database, clock: Clock) -> int:
        async with database.write() as db:
            batch = await batch_of(db, base)
            actor = Actor("system", None, _who())
            return await accept_certain(db, batch, rule="cvq import accept", actor=actor, now=clock())

    _console().print(f"{_run(work)} ressemblances certaines acceptées.")


@app.command()
def doubtful(
    base: Base,
    number: Annotated[int, typer.Option("--number", min=1, max=500, help="combien en montrer")] = 20,
) -> None:
    """Montrer les ressemblances à décider, les plus fortes d’abord, chacune avec sa référence."""
    from cvq_core.imports.deciding import Wanted, pairs_in, progress_of
    from cvq_core.imports.sides import beside
    from cvq_core.imports.staging import batch_of

    async def work(database: Database, clock: Clock) -> tuple[list[ToDecide], int]:
        del clock
        async with database.read() as db:
            mine = [(await batch_of(db, base)).id]
            found = await pairs_in(db, mine, Wanted.OPEN, limit=number)
            return [await beside(db, pair, mine) for pair in found], (await progress_of(db, mine)).open

    pairs, left = _run(work)
    _print_pairs(_console(), pairs)
    _console().print(f"{left} ressemblances à décider : `cvq import decide {base} RÉFÉRENCE same|different|later`")
    if left:
        raise typer.Exit(1)


@app.command()
def decide(
    base: Base,
    reference: Annotated[str, typer.Argument(help="référence de la ressemblance, telle que `doubtful` la donne")],
    verdict: Annotated[Verdict, typer.Argument(help="une même personne, deux personnes, ou plus tard")],
) -> None:
    """Décider d’une ressemblance ; cela se change tant que les familles ne sont pas reprises."""
    from cvq_core.imports.deciding import decide as say_so
    from cvq_core.imports.deciding import pair_by_reference
    from cvq_core.imports.staging import batch_of
    from cvq_core.journal.store import Actor

    async def work(database: Database, clock: Clock) -> None:
        async with database.write() as db:
            mine = [(await batch_of(db, base)).id]
            pair = await pair_by_reference(db, reference, mine)
            actor = Actor("system", None, _who())
            await say_so(db, pair.low, pair.high, verdict, batches=mine, by=actor, now=clock(), seen=pair.verdict)

    _run(work)
    _console().print("décidé.")


@app.command()
def apply(base: Base) -> None:
    """Reprendre les familles dont tout est décidé, par portions ; interrompu, on le relance."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    from cvq_core.imports.applying import Applied
    from cvq_core.imports.applying import apply as take_over

    console = _console()
    columns = (TextColumn("familles"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console) as bar:
        task = bar.add_task("familles", total=None)

        async def work(database: Database, clock: Clock) -> Applied:
            return await take_over(
                database,
                base,
                by=_who(),
                clock=clock,
                told=lambda done, total: bar.update(task, completed=done, total=total),
            )

        done = _run(work)
    console.print(
        f"{done.families} familles reprises : {done.persons_made} personnes créées, {done.persons_linked} reliées à "
        f"une fiche qui existait."
    )
    if done.waiting:
        console.print(
            f"{done.waiting} familles attendent une décision : `cvq import accept` prend les ressemblances certaines, "
            "les autres se décident à la page Reprises ou par `cvq import doubtful`."
        )
        raise typer.Exit(1)


@app.command()
def undo(base: Base) -> None:
    """Défaire le dernier import d’une base : tout ce qui n’a pas servi s’en va, le reste est dit avec son motif."""
    from cvq_core.imports.undoing import Undone
    from cvq_core.imports.undoing import undo as take_back

    async def work(database: Database, clock: Clock) -> Undone:
        return await take_back(database, base, by=_who(), clock=clock)

    console = _console()
    with console.status("on défait…"):
        done = _run(work)
    console.print(f"{done.families} familles défaites, {done.persons} personnes effacées.")
    for kept in done.kept[:FAULTS_SAID_MAX]:
        console.print(f"  famille {kept.number} gardée : {', '.join(kept.why)}")
    if done.kept:
        console.print(f"{len(done.kept)} familles ont servi depuis et restent.")
        raise typer.Exit(1)


@app.command()
def sample(
    folder: Annotated[Path, typer.Argument(help="dossier à écrire", file_okay=False)],
    preset: Annotated[str, typer.Option(help="demo : une commune ; parthenay : les 38")] = "demo",
    number: Annotated[int, typer.Option("--seed", help="le même nombre donne les mêmes fichiers")] = 1,
) -> None:
    """Écrire les fichiers de communes inventées, avec leur correspondance, pour s’exercer."""
    from cvq_core.seed.old_bases import write_old_bases
    from cvq_core.seed.presets import PRESETS

    if preset not in PRESETS:
        raise SystemExit(f"« {preset} » n’existe pas. Il y a : {', '.join(PRESETS)}")
    made = write_old_bases(folder, preset, seed=number)
    _console().print(
        f"{len(made.folders)} bases, {made.families} familles, {made.people} personnes, dont {made.true_people} "
        f"différentes : {folder}"
    )


def _read(mapping_file: Path, paths: list[Path] | None) -> tuple[ImportMapping, str, OldBase, list[OldFile]]:
    """Return the mapping, its text, what the files say, and the files; what cannot be read ends with 2."""
    from cvq_core.clock import local_day, utc_now
    from cvq_core.imports.mapping import UnreadableMapping, read_mapping
    from cvq_core.imports.reading import read_base
    from cvq_core.imports.sources import UnreadableFile

    console = _console()
    today: date = local_day(utc_now())
    try:
        text = mapping_file.read_text(encoding="utf-8-sig")
        mapping = read_mapping(text)
        files = list(_files(mapping_file, paths))
        with console.status("lecture des fichiers…"):
            return mapping, text, read_base(mapping, files, today=today), files
    except UnreadableMapping as error:
        for fault in error.faults:
            console.print(f"{mapping_file}:{fault.line} : {_say(fault.sentence, **fault.facts)}", style="red")
    except UnreadableFile as error:
        console.print(f"{_say(error.message, **error.facts)} {error.facts['why']}", style="red")
    except UnicodeDecodeError:
        console.print(f"{mapping_file} : la correspondance n’est pas en UTF-8.", style="red")
    raise typer.Exit(2)


def _files(mapping_file: Path, paths: list[Path] | None) -> list[OldFile]:
    from cvq_core.imports.reading import OldFile
    from cvq_core.imports.sources import FILE_BYTES_MAX, UnreadableFile

    found: list[Path] = []
    for path in paths or [mapping_file.parent]:
        inside = sorted(each for each in path.iterdir() if each.suffix.lower() in SUFFIXES) if path.is_dir() else [path]
        found += inside
    for path in found:
        if path.stat().st_size > FILE_BYTES_MAX:
            raise UnreadableFile(file=path.name, why=f"Il dépasse {FILE_BYTES_MAX // 1024**2} Mo.")
    return [OldFile(path.name, path.read_bytes()) for path in found]


def _run(work: Callable[[Database, Clock], Awaitable[_Found]]) -> _Found:
    """Do some work on the database of the settings; a refusal ends the command with its words."""
    import cvq_core.tables  # noqa: F401 - foreign keys lead to tables of every room
    from cvq_core.clock import shifted
    from cvq_core.database import Database
    from cvq_core.errors import Refusal
    from cvq_core.settings import Settings
    from cvq_core.settings_file import SettingsError

    async def go() -> _Found:
        settings = Settings.load()
        database = Database(settings.database_url)
        try:
            return await work(database, shifted(settings.clock_offset_s))
        finally:
            await database.close()

    try:
        return asyncio.run(go())
    except SettingsError as error:
        raise SystemExit(str(error)) from None
    except Refusal as refusal:
        raise SystemExit(f"{_say(refusal.message, **refusal.facts)} {_say(refusal.what_to_do)}".strip()) from None


def _write_private(file: Path, content: bytes) -> None:
    """Write a file that its owner alone may read, also over one that others could."""
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as out:
        os.fchmod(out.fileno(), 0o600)
        out.write(content)


def _console() -> Console:
    from rich.console import Console

    return Console()


def _say(sentence: str, /, **facts: Any) -> str:
    from cvq_core.text import translator

    text = translator("fr").gettext(sentence) if sentence else ""
    return text.format_map(facts) if facts else text


def _who() -> str:
    """Return who runs the command, for the journal."""
    return f"cvq import ({getpass.getuser()})"[:120]


def _print_faults(console: Console, base: OldBase) -> None:
    from rich.table import Table

    if not base.faults:
        return
    table = Table("fichier", "ligne", "colonne", "famille", "défaut", "effet")
    for fault in sorted(base.faults, key=lambda each: not each.refuses)[:FAULTS_SAID_MAX]:
        effect = "[red]refusée[/red]" if fault.refuses else "laissé de côté"
        words = _say(fault.sentence, **fault.facts).replace("[", "\\[")
        table.add_row(fault.file, str(fault.line), fault.column, fault.family, words, effect)
    console.print(table)
    if len(base.faults) > FAULTS_SAID_MAX:
        console.print(f"… et {len(base.faults) - FAULTS_SAID_MAX} autres : `cvq import report BASE --to FICHIER.xlsx`")


def _print_totals(console: Console, base: OldBase) -> None:
    from cvq_core.services.rules import SERVICE_LABELS
    from cvq_core.text import money

    for service, cents in base.totals().items():
        console.print(f"  {SERVICE_LABELS[service]} : {money(cents)} au total")


def _print_summary(console: Console, summary: Summary) -> None:
    from cvq_core.imports.report import STATE_WORDS
    from cvq_core.imports.tables import FamilyState
    from cvq_core.services.rules import SERVICE_LABELS
    from cvq_core.text import money

    waiting = summary.count(FamilyState.WAITING)
    console.print(f"[b]{summary.batch.base}[/b] ({summary.batch.title}) : {_say(STATE_WORDS[summary.batch.state])}")
    console.print(
        f"  familles : {waiting - summary.held} à reprendre maintenant, {summary.held} attendent une décision, "
        f"{summary.count(FamilyState.APPLIED)} reprises, {summary.count(FamilyState.KNOWN)} reprises auparavant, "
        f"{summary.count(FamilyState.REFUSED)} refusées"
    )
    console.print(
        f"  ressemblances : {summary.pairs.open} à décider, dont {summary.pairs.certain} certaines ; "
        f"{summary.pairs.decided} décidées"
    )
    for each in summary.openings:
        signed = f"pris en compte par {each.signed.signed_name}" if each.signed else "pas encore pris en compte"
        console.print(
            f"  soldes {SERVICE_LABELS[each.service].lower()} : {money(each.brought.credit_cents)} d’avoirs, "
            f"{money(each.brought.debt_cents)} de dettes, {signed}"
        )


def _print_pairs(console: Console, pairs: list[ToDecide]) -> None:
    from rich.table import Table

    from cvq_core.imports.beside import STANDING_WORDS, Telling, compared
    from cvq_core.imports.deciding import reference_of
    from cvq_core.imports.likeness import REASON_WORDS
    from cvq_core.text import short_date

    telling = Telling(day=short_date, hidden="")
    for pair in pairs:
        first, second = pair.sides
        reasons = ", ".join(_say(REASON_WORDS[each]) for each in pair.reasons)
        heads = (f"{side.title}, {side.family}" if side.base else "notre base" for side in pair.sides)
        title = f"{reference_of(pair.low, pair.high)}, {pair.score} sur 100 : {reasons}"
        table = Table("", *heads, "", title=title.replace("[", "\\["), title_justify="left")
        for line in compared(first, second, pair.reasons, whole=(True, True), telling=telling):
            values = ("".join(piece.text for piece in pieces).replace("[", "\\[") for pieces in (line.left, line.right))
            table.add_row(_say(line.what), *values, _say(STANDING_WORDS[line.standing]))
        console.print(table)


def _print_list(console: Console, summaries: list[Summary]) -> None:
    from rich.table import Table

    from cvq_core.imports.report import STATE_WORDS
    from cvq_core.imports.tables import FamilyState

    table = Table("base", "état", "à reprendre", "reprises", "refusées", "à décider")
    for each in summaries:
        table.add_row(
            each.batch.base,
            _say(STATE_WORDS[each.batch.state]),
            str(each.count(FamilyState.WAITING)),
            str(each.count(FamilyState.APPLIED)),
            str(each.count(FamilyState.REFUSED)),
            str(each.pairs.open),
        )
    console.print(table)
