"""What the pages of a round of quotients show: how far it is, and whose certificate is to be asked for, and why."""

from __future__ import annotations

from datetime import date
from uuid import UUID

from sqlalchemy import select

from cvq_advisor_console.views.quotients import ByHandRow, OutcomeRow, RoundPage, RoundView
from cvq_core.clock import local_day
from cvq_core.errors import N_
from cvq_core.ids import new_id
from cvq_core.particulier.rounds import (
    TOPIC,
    WRITTEN_MAX,
    RefreshReport,
    lapsed_families,
    latest_refresh,
)
from cvq_core.particulier.rules import OUTCOME_WORDS, NoParticulier, Outcome
from cvq_core.particulier.service import QUOTIENT_INQUIRIES
from cvq_core.particulier.store import agreeing_accounts
from cvq_core.people.tables import FamilyAccount
from cvq_core.spreadsheets import Sheet
from cvq_core.staff import Permission
from cvq_core.staff.tables import Staff
from cvq_core.text import hour, long_date, month_name, short_date
from cvq_core.web import Context
from cvq_core.web.views import Act, Region

NOTHING = Region(url="", topics=())
SHORT_WORDS = {
    Outcome.FOUND: (N_("quotient nouveau"), "ok"),
    Outcome.UNCHANGED: (N_("sans changement"), "ok"),
    Outcome.NOT_FOUND: (N_("inconnue de la CAF et de la MSA"), "sun"),
    Outcome.BAD_IDENTITY: (N_("état civil refusé"), "sun"),
    Outcome.BUSY: (N_("à redemander"), ""),
    Outcome.SILENT: (N_("sans réponse"), ""),
    Outcome.REFUSED: (N_("accès refusé"), "alert"),
}
WHY_WORDS = {
    Outcome.NOT_FOUND: N_("Ni la CAF ni la MSA ne la connaît sous cet état civil."),
    Outcome.BAD_IDENTITY: N_(
        "L’état civil noté est incomplet ou refusé : vérifiez les prénoms et le lieu de naissance."
    ),
    Outcome.BUSY: N_("La CAF et la MSA n’ont pas répondu."),
    Outcome.SILENT: N_("La CAF et la MSA n’ont pas répondu."),
}
RHYTHMS = {
    "never": N_("Rien ne part tout seul : une mise à jour se lance ici."),
    "yearly": N_("Une mise à jour part toute seule en janvier."),
    "quarterly": N_("Une mise à jour part toute seule chaque trimestre, en janvier, avril, juillet et octobre."),
}


async def round_page(context: Context, url: str, *, back_url: str = "") -> RoundPage:
    """Return the latest round, and the families that no round asks about and whose quotient holds no longer."""
    today = local_day(context.now)
    lapsed, lapsed_count = await lapsed_families(context.db, today)
    return RoundPage(
        round=await round_view(context),
        agreeing=len(await agreeing_accounts(context.db, today)),
        lapsed=tuple(_by_hand(context, account, _lapsed_words(context, until)) for account, until in lapsed),
        lapsed_count=lapsed_count,
        csv_url=f"{url}.csv",
        xlsx_url=f"{url}.xlsx",
        rhythm=context._(RHYTHMS[context.services.settings.particulier_refresh]),
        back_url=back_url,
    )


async def round_view(context: Context) -> RoundView:
    """Return how far the latest round is; whoever does not manage tariffs can neither start nor stop one."""
    report = await latest_refresh(context.db)
    may = context.principal.may(Permission.MANAGE_TARIFFS)
    offered = context.request.app[QUOTIENT_INQUIRIES].offered
    region = Region(url="/quotients/fragments/tour", topics=(f"{TOPIC}:round",)) if may else NOTHING
    is_running = report is not None and report.refresh.finished_at is None
    start = Act("/quotients/tour") if may and offered and not is_running else None
    why_not = "" if offered else context._(NoParticulier.message)
    if report is None:
        return RoundView(region, start=start, start_id=str(new_id()), why_not=why_not)
    state, tone, todo = await _state(context, report)
    return RoundView(
        region,
        title=month_name(report.refresh.month, context.language),
        state=state,
        tone=tone,
        todo=todo,
        done=min(report.done, report.refresh.families),
        families=report.refresh.families,
        is_running=is_running,
        outcomes=tuple(
            OutcomeRow(context._(word), report.counts[outcome], tone)
            for outcome, (word, tone) in SHORT_WORDS.items()
            if outcome in report.counts
        ),
        by_hand=tuple(
            _by_hand(context, account, context._(WHY_WORDS[outcome])) for account, outcome in report.unanswered
        ),
        by_hand_count=report.unanswered_count,
        start=start,
        start_id=str(new_id()),
        stop=Act(f"/quotients/tour/{report.refresh.id}/arret") if may and is_running else None,
        why_not=why_not,
    )


async def by_hand_sheet(context: Context) -> Sheet:
    """Return every family whose certificate is to be asked for, with the reason."""
    report = await latest_refresh(context.db, limit=WRITTEN_MAX)
    lapsed, _ = await lapsed_families(context.db, local_day(context.now), limit=WRITTEN_MAX)
    rows: list[tuple[str, str, str]] = []
    for account, outcome in report.unanswered if report else ():
        rows.append((account.number, account.label, context._(WHY_WORDS[outcome])))
    rows += [(account.number, account.label, _lapsed_words(context, until)) for account, until in lapsed]
    columns = [context._(word) for word in (N_("Compte"), N_("Famille"), N_("Pourquoi"))]
    return Sheet(context._(N_("Attestations à demander")), columns, sorted(rows))


async def _state(context: Context, report: RefreshReport) -> tuple[str, str, str]:
    """Return where a round stands, the tone of that, and what to do about it."""
    row = report.refresh
    if row.finished_at is None:
        begun = context._(
            N_("en cours depuis le {day}, {hour}"),
            day=long_date(local_day(row.started_at), context.language),
            hour=hour(row.started_at, context.language),
        )
        return begun, "sun", context._(N_("Elle continue en arrière-plan : cette page peut être fermée."))
    facts = {
        "day": long_date(local_day(row.finished_at), context.language),
        "hour": hour(row.finished_at, context.language),
        "name": await _name(context, row.stopped_by),
    }
    if row.stopped_by is not None:
        return (
            context._(N_("arrêtée le {day}, {hour}, par {name}"), **facts),
            "off",
            context._(N_("Ce qui a été reçu reste. Une nouvelle mise à jour redemande tout.")),
        )
    if row.stopped is not None:
        return context._(N_("interrompue le {day}, {hour}"), **facts), "alert", context._(OUTCOME_WORDS[row.stopped])
    return context._(N_("terminée le {day}, {hour}"), **facts), "ok", ""


async def _name(context: Context, staff_id: UUID | None) -> str:
    return await context.db.scalar(select(Staff.display_name).where(Staff.id == staff_id)) or ""


def _by_hand(context: Context, account: FamilyAccount, why: str) -> ByHandRow:
    opens = context.principal.may(Permission.RECORD_QUOTIENT)
    return ByHandRow(account.number, account.label, why, f"/familles/{account.id}/quotient" if opens else "")


def _lapsed_words(context: Context, until: date) -> str:
    day = short_date(until, context.language)
    return context._(N_("Plus de quotient valable depuis le {day}, et pas d’accord pour le demander."), day=day)
