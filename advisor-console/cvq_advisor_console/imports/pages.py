"""What the pages of imports show: the overview, a pair, a list of pairs."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date
from uuid import UUID

from sqlalchemy import select

from cvq_advisor_console.imports.reach import communes_of
from cvq_advisor_console.views.imports import (
    Counts,
    Head,
    HeldFamily,
    ImportRow,
    ImportsPage,
    LineView,
    PairPage,
    PairRow,
    PairsPage,
    PairView,
)
from cvq_core.clock import local_day
from cvq_core.errors import N_
from cvq_core.imports.beside import STANDING_WORDS, Line, Standing, Telling, compared
from cvq_core.imports.deciding import PAIRS_MAX, Wanted, decided_lately, pairs_in, progress_of
from cvq_core.imports.likeness import AGAINST, REASON_WORDS
from cvq_core.imports.report import STATE_WORDS, NextStep, Summary, all_batches, held_families, next_step, summary_of
from cvq_core.imports.sides import Side, ToDecide, names_of
from cvq_core.imports.tables import BatchState, FamilyState, ImportBatch, ImportPair, Verdict
from cvq_core.people.rules import FAMILY_ROLE_WORDS
from cvq_core.people.tables import Commune
from cvq_core.staff import Permission
from cvq_core.staff.tables import Staff
from cvq_core.text import hour, short_date
from cvq_core.web import Context

URL = "/reprises"
OPENINGS_URL = "/soldes-repris"
STATE_TONES = {
    BatchState.STAGED: "sun",
    BatchState.APPLYING: "sun",
    BatchState.APPLIED: "ok",
    BatchState.UNDOING: "alert",
    BatchState.UNDONE: "off",
}
NEXT_WORDS: dict[NextStep, str] = {
    NextStep.DECIDE: N_("Décider des ressemblances."),
    NextStep.APPLY: N_("Faire reprendre les familles par l’informatique (cvq import apply)."),
    NextStep.FINISH_UNDOING: N_("Faire finir de défaire par l’informatique (cvq import undo)."),
    NextStep.SIGN: N_("Les régisseurs prennent les soldes en compte."),
    NextStep.NOTHING: N_("Rien."),
}
STANDING_SIGNS: dict[Standing, tuple[str, str]] = {
    Standing.SAME: ("ok", "check"),
    Standing.NEAR: ("sun", "alert-triangle"),
    Standing.DIFFERENT: ("alert", "x"),
    Standing.MISSING: ("off", "circle-dashed"),
}
VERDICT_WORDS: dict[Verdict | None, tuple[str, str]] = {
    None: (N_("à décider"), "sun"),
    Verdict.LATER: (N_("plus tard"), "off"),
    Verdict.SAME: (N_("même personne"), "ok"),
    Verdict.DIFFERENT: (N_("deux personnes"), "ok"),
}
HIDDEN = N_("connue, non montrée")
BY_RULE = N_("la règle de l’informatique")
BY_COMMAND = N_("l’informatique")
DECIDED = N_("{what} : décidé par {who} le {day} à {hour}")
OURS = N_("Notre base")
GONE = N_("fiche effacée")
BALANCES = N_("{signed} sur {all}")


async def imports_page(context: Context) -> ImportsPage:
    """Return the imports that one decides, each with what to do next."""
    communes = await communes_of(context)
    batches = _shown(await all_batches(context.db, communes, undone=True))
    names = await _commune_names(context, {batch.commune_insee for batch in batches})
    rows = [
        import_row(context, await summary_of(context.db, batch), names.get(batch.commune_insee, ""))
        for batch in batches
    ]
    off = STATE_TONES[BatchState.UNDONE]
    rows.sort(key=lambda row: (row.tone == off, row.commune, row.base, -row.staged_at.timestamp()))
    may_sign = context.principal.may(Permission.COLLECT)
    return ImportsPage(tuple(rows), OPENINGS_URL if may_sign else "")


def _shown(batches: Sequence[ImportBatch]) -> list[ImportBatch]:
    """Return the imports that count: of a base that was read again, what was taken back is of no interest any more."""
    is_on = {batch.base for batch in batches if batch.state is not BatchState.UNDONE}
    latest = {batch.base: batch.id for batch in reversed(batches)}
    return [
        batch
        for batch in batches
        if batch.state is not BatchState.UNDONE or (batch.base not in is_on and latest[batch.base] == batch.id)
    ]


def import_row(context: Context, summary: Summary, commune: str) -> ImportRow:
    """Return an import as the overview shows it."""
    batch, waiting = summary.batch, summary.count(FamilyState.WAITING)
    brought = [each for each in summary.openings if each.brought.families]
    signed = sum(each.signed is not None for each in brought)
    is_gone = batch.state is BatchState.UNDONE
    base = f"{URL}/{batch.id}/ressemblances"
    return ImportRow(
        title=batch.title,
        base=batch.base,
        commune=commune,
        word=context._(STATE_WORDS[batch.state]),
        tone=STATE_TONES[batch.state],
        staged_at=batch.staged_at,
        ready=waiting - summary.held,
        held=summary.held,
        applied=summary.count(FamilyState.APPLIED) + summary.count(FamilyState.KNOWN),
        refused=summary.count(FamilyState.REFUSED),
        left=summary.pairs.open,
        balances=context._(BALANCES, signed=signed, all=len(brought)) if brought and not is_gone else "",
        next_words=context._(NEXT_WORDS[next_step(summary)]),
        decide_url=base if summary.pairs.open else "",
        list_url=f"{base}/liste" if summary.pairs.open or summary.pairs.decided else "",
    )


async def pair_page(context: Context, batch: ImportBatch, asked: ToDecide | None, **said: str) -> PairPage:
    """Return the page of a pair, or of none where all is decided; `said` is its `error` and `todo`."""
    base = f"{URL}/{batch.id}/ressemblances"
    lately = await decided_lately(context.db, [batch.id], by=context.principal.id)
    view = None
    if asked is not None:
        view = await pair_view(context, asked, await communes_of(context), f"{URL}/{batch.id}/decider")
    return PairPage(
        title=batch.title,
        base=batch.base,
        counts=await counts_of(context, batch),
        next_url=base,
        list_url=f"{base}/liste",
        back_url=URL,
        pair=view,
        lately=await pair_rows(context, batch, lately),
        **said,
    )


async def pairs_page(context: Context, batch: ImportBatch, wanted: Wanted, page: int) -> PairsPage:
    """Return the pairs of an import, the most alike first, or those that were decided, the latest first."""
    base = f"{URL}/{batch.id}/ressemblances"
    here = f"{base}/liste?voir={wanted.value}"
    pairs = await pairs_in(context.db, [batch.id], wanted, offset=(page - 1) * PAIRS_MAX, limit=PAIRS_MAX + 1)
    counts = await counts_of(context, batch)
    tabs = ((Wanted.OPEN, N_("À décider"), counts.left), (Wanted.DECIDED, N_("Décidées"), counts.decided))
    return PairsPage(
        title=batch.title,
        base=batch.base,
        counts=counts,
        next_url=base,
        back_url=URL,
        tabs=tuple(
            (f"{context._(word)} ({count})", f"{base}/liste?voir={each.value}", each is wanted)
            for each, word, count in tabs
        ),
        rows=await pair_rows(context, batch, pairs[:PAIRS_MAX]),
        held=tuple(
            HeldFamily(family.number, context._(family.why)) for family in await held_families(context.db, batch)
        ),
        earlier_url=f"{here}&page={page - 1}" if page > 1 else "",
        later_url=f"{here}&page={page + 1}" if len(pairs) > PAIRS_MAX else "",
    )


async def counts_of(context: Context, batch: ImportBatch) -> Counts:
    """Return how far deciding is."""
    progress = await progress_of(context.db, [batch.id])
    return Counts(progress.open, progress.later, progress.certain, progress.decided)


async def pair_rows(context: Context, batch: ImportBatch, pairs: Collection[ImportPair]) -> tuple[PairRow, ...]:
    """Return pairs as a list shows them: who they are, how alike, and what was decided."""
    names = await names_of(context.db, {each for pair in pairs for each in (pair.low, pair.high)})
    gone = context._(GONE)
    return tuple(
        PairRow(
            url=f"{URL}/{batch.id}/ressemblances/{pair.low}/{pair.high}",
            names=(names.get(pair.low, gone), names.get(pair.high, gone)),
            score=pair.score,
            word=context._(VERDICT_WORDS[pair.verdict][0]),
            tone=VERDICT_WORDS[pair.verdict][1],
            decided_at=pair.decided_at if pair.verdict in (Verdict.SAME, Verdict.DIFFERENT) else None,
        )
        for pair in pairs
    )


async def pair_view(context: Context, asked: ToDecide, communes: Collection[str] | None, url: str) -> PairView:
    """Return two records beside each other; an address only of the communes that one decides for."""
    first, second = asked.sides
    telling = Telling(day=lambda day: _day(context, day), hidden=context._(HIDDEN))
    whole = (_is_whole(first, communes), _is_whole(second, communes))
    lines = compared(first, second, asked.reasons, whole=whole, telling=telling)
    return PairView(
        url=url,
        low=str(asked.low),
        high=str(asked.high),
        seen=asked.verdict.value if asked.verdict else "",
        score=asked.score,
        certain=asked.certain,
        likeness=tuple(context._(REASON_WORDS[each]) for each in asked.reasons if each not in AGAINST),
        against=tuple(context._(REASON_WORDS[each]) for each in asked.reasons if each in AGAINST),
        heads=(_head(context, first), _head(context, second)),
        lines=tuple(_line_view(context, line) for line in lines),
        decided=await _decided_words(context, asked),
        put_off=asked.verdict is Verdict.LATER,
    )


def _is_whole(side: Side, communes: Collection[str] | None) -> bool:
    return communes is None or side.commune_insee in communes


def _day(context: Context, day: date) -> str:
    return short_date(day, context.language)


def _line_view(context: Context, line: Line) -> LineView:
    tone, icon = STANDING_SIGNS[line.standing]
    return LineView(context._(line.what), line.left, line.right, context._(STANDING_WORDS[line.standing]), tone, icon)


def _head(context: Context, side: Side) -> Head:
    if not side.base:
        return Head(context._(OURS), side.commune)
    role = context._(FAMILY_ROLE_WORDS[side.role]) if side.role else ""
    family = context._(N_("famille {number}"), number=side.family)
    return Head(side.title, ", ".join(each for each in (side.commune, family, role) if each))


async def _decided_words(context: Context, asked: ToDecide) -> str:
    """Return who decided what and when, "" while nobody has."""
    pair = await context.db.get_one(ImportPair, (asked.low, asked.high))
    if pair.verdict not in (Verdict.SAME, Verdict.DIFFERENT) or pair.decided_at is None:
        return ""
    who = context._(BY_RULE if pair.rule else BY_COMMAND)
    if pair.decided_by is not None:
        who = await context.db.scalar(select(Staff.display_name).where(Staff.id == pair.decided_by)) or who
    return context._(
        DECIDED,
        what=context._(VERDICT_WORDS[pair.verdict][0]),
        who=who,
        day=short_date(local_day(pair.decided_at), context.language),
        hour=hour(pair.decided_at, context.language),
    )


async def _commune_names(context: Context, communes: Iterable[str]) -> Mapping[str, str]:
    rows = await context.db.execute(select(Commune.insee, Commune.name).where(Commune.insee.in_(list(communes))))
    return {row[0]: row[1] for row in rows}


def looked_at(asked: ToDecide) -> list[UUID]:
    """Return the people of our own base whom a look at a pair shows."""
    return [side.identity for side in asked.sides if not side.base]
