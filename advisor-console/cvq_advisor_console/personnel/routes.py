"""The page of staff lists, and saying whose number one is."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from uuid import UUID

from aiohttp import web
from pydantic import BaseModel, Field
from sqlalchemy import select

from cvq_advisor_console.personnel.words import REFUSAL_WORDS, RUN_WORDS, TROUBLE_WORDS
from cvq_advisor_console.views.personnel import ListView, PersonnelPage, RunRow
from cvq_core.agents.rules import UnknownStaffList
from cvq_core.agents.store import link_agent, lists, refused_since, runs_of
from cvq_core.agents.tables import Agent, StaffList, StaffRun
from cvq_core.cards.rules import looks_like_card_number
from cvq_core.cards.store import find_card
from cvq_core.errors import N_, Refusal
from cvq_core.people.names import listed_name
from cvq_core.people.tables import Person
from cvq_core.staff import Permission
from cvq_core.web import Context, Routes
from cvq_core.web.problems import describe
from cvq_core.web.views import Act

URL = "/personnel"
RUNS_SHOWN, NAMES_SHOWN, UNKNOWN_SHOWN = 20, 12, 40
routes = Routes(URL, tag="pages")


class LinkForm(BaseModel):
    """A number that nobody was found for, and the card of whoever it is."""

    number: str = Field(max_length=40)
    carte: str = Field(max_length=60)


@routes.get("", access=Permission.ADMINISTER)
async def personnel(context: Context) -> web.Response:
    """Show every staff list; that one looked is written down."""
    async with context.acting() as writing:
        writing.journal("staff-lists-seen")
    return context.page("personnel.html", view=await _page(context))


@routes.post("/{id}/rattacher", access=Permission.ADMINISTER, body=LinkForm, form=True)
async def link(context: Context, form: LinkForm) -> web.Response:
    """Say whose card somebody on a list has whom nobody was found for; the next reading opens their doors."""
    found = await context.db.get(StaffList, context.path_id())
    if found is None:
        raise UnknownStaffList
    code = found.code
    try:
        by_number = looks_like_card_number(form.carte)
        card = await find_card(context.db, **{"number" if by_number else "uid": form.carte})
        await link_agent(context.db, code, form.number, card.person_id, actor=context.principal.actor, now=context.now)
    except Refusal as refusal:
        problem = describe(refusal, context.words)
        said = f"{problem['title']} {problem['detail']}".strip()
        view = await _page(context)
        shown = tuple(
            replace(each, error=said, error_number=form.number) if each.code == code else each for each in view.lists
        )
        return context.page("personnel.html", view=replace(view, lists=shown), status=422)
    return context.redirect(f"{URL}#{code}")


async def _page(context: Context) -> PersonnelPage:
    return PersonnelPage(tuple([await _list(context, each) for each in await lists(context.db)]))


async def _list(context: Context, found: StaffList) -> ListView:
    runs = await runs_of(context.db, found.id, RUNS_SHOWN)
    names = await _leavers(context, runs)
    said = found.reading or {}
    unknown = said.get("unknown", [])
    directory = context.services.settings.staff_directories.get(found.code)
    if found.trouble:
        state, tone = context._(TROUBLE_WORDS.get(found.trouble, TROUBLE_WORDS["no-answer"])), "alert"
    elif await refused_since(context.db, found) is not None:
        state, tone = context._(N_("refusée : les portes restent comme elles sont")), "alert"
    elif found.read_at is None:
        state, tone = context._(N_("pas encore lue")), "sun"
    else:
        state, tone = context._(N_("à jour")), "ok"
    return ListView(
        code=found.code,
        label=found.label,
        source=context._(N_("annuaire {host}"), host=directory.host) if directory else context._(N_("fichier déposé")),
        state=state,
        tone=tone,
        since=found.read_at,
        listed=said.get("listed", 0),
        link=Act(f"{URL}/{found.id}/rattacher"),
        unknown=tuple(unknown[:UNKNOWN_SHOWN]),
        unknown_more=max(0, len(unknown) - UNKNOWN_SHOWN),
        without_doors=tuple(said.get("without_doors", ())),
        runs=tuple(_run(context, run, names) for run in runs),
    )


def _run(context: Context, run: StaffRun, names: Mapping[tuple[UUID, str], str]) -> RunRow:
    report = run.report
    words, tone = RUN_WORDS[run.outcome]
    why = context._(REFUSAL_WORDS[run.slug]) if run.slug in REFUSAL_WORDS else ""
    left = [names.get((run.id, number), number) for number in report.get("left", ())]
    return RunRow(
        at=run.at,
        words=f"{context._(words)}{f' ({why})' if why else ''}",
        tone=tone,
        source=run.file_name,
        joined=len(report.get("joined", ())),
        moved=len(report.get("moved", ())),
        left=tuple(left[:NAMES_SHOWN]),
        more=max(0, len(left) - NAMES_SHOWN),
        opened=report.get("opened", 0),
        closed=report.get("closed", 0),
    )


async def _leavers(context: Context, runs: Collection[StaffRun]) -> dict[tuple[UUID, str], str]:
    """Return the names of those whom some lists no longer had, by the list and their number on it."""
    steps = {(run.id, UUID(agent)): UUID(person) for run in runs for agent, person, _ in run.report.get("steps", ())}
    wanted = {agent for _, agent in list(steps)[:_AT_ONCE]}
    rows = await context.db.execute(select(Agent.id, Agent.number).where(Agent.id.in_(wanted)))
    numbers = {row.id: row.number for row in rows}
    people = await context.db.scalars(
        select(Person).where(Person.id.in_({steps[key] for key in steps if key[1] in numbers}))
    )
    named = {each.id: listed_name(each.family_name, each.usual_name, each.given_names) for each in people}
    return {
        (run_id, numbers[agent]): named[person]
        for (run_id, agent), person in steps.items()
        if agent in numbers and person in named
    }


_AT_ONCE = 500
