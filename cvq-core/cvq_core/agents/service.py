"""Applying a staff list, whole or not at all, and taking the last one back.

A list is read again and again and compared with what is: only what differs is written, and a list that changes nothing
leaves no trace. The list's row is locked first, then rights one by one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from typing import Any
from uuid import UUID, uuid5

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from cvq_core.access.facts import RightKind
from cvq_core.access.store import end_right, give_right
from cvq_core.access.tables import Entitlement
from cvq_core.agents.reading import read_staff_list
from cvq_core.agents.rules import (
    BadStaffList,
    KnownAgent,
    ListRow,
    RunOutcome,
    Schedule,
    StaffListTooShort,
    UnknownStaffRun,
    changes,
    check_leavers,
    doors_to_change,
)
from cvq_core.agents.store import (
    agent_rights_of,
    agents_by_number,
    groups_of,
    known_agents,
    latest_run,
    list_of,
    matched_people,
    rights_given,
    services_of,
)
from cvq_core.agents.tables import Agent, AgentRight, StaffList, StaffRun
from cvq_core.bank_table import one_line
from cvq_core.clock import local_day
from cvq_core.errors import Refusal
from cvq_core.ids import new_id
from cvq_core.journal.store import Actor, record

Groups = Mapping[str, tuple[Schedule, frozenset[UUID]]]


@dataclass(frozen=True, slots=True)
class Step:
    """What a list changes for one agent; `group` None when they leave, `before` None when they come."""

    agent_id: UUID
    number: str
    person_id: UUID
    group: str | None
    before: str | None
    schedule: Schedule | None = None
    ending: tuple[UUID, ...] = ()
    opening: tuple[UUID, ...] = ()


@dataclass(slots=True)
class Report:
    """What a list changes, and who on it is left aside; people by their numbers with the employer."""

    steps: list[Step] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)
    """Not in our base under this name and birth date, or twice: no door opens for them yet."""

    without_doors: list[str] = field(default_factory=list)
    """Groups to which nobody has given doors; who was in another one keeps theirs until somebody has."""

    def numbers(self, what: str) -> list[str]:
        """Return who `joined`, `moved` or `left`."""
        return [step.number for step in self.steps if _kind(step) == what]

    @property
    def doors(self) -> tuple[int, int]:
        """How many doors open for somebody, and how many close."""
        return sum(len(step.opening) for step in self.steps), sum(len(step.ending) for step in self.steps)

    def kept(self) -> dict[str, Any]:
        """Return what is kept of it: enough to tell, and to take it back."""
        opened, closed = self.doors
        return {
            "joined": self.numbers("joined"),
            "moved": self.numbers("moved"),
            "left": self.numbers("left"),
            "unknown": self.unknown,
            "without_doors": self.without_doors,
            "opened": opened,
            "closed": closed,
            "steps": [[str(step.agent_id), str(step.person_id), step.before] for step in self.steps if _kind(step)],
        }


@dataclass(frozen=True, slots=True)
class Applied:
    """A list that was read: `run` None when it changed nothing, was settled before, or was only tried.

    `settled` is how this very file ended before: refused or undone, so that nothing was done with it now.
    """

    report: Report
    run: StaffRun | None = None
    refusal: Refusal | None = None
    settled: StaffRun | None = None


async def apply_list(
    db: AsyncSession,
    code: str,
    *,
    file_name: str,
    content: bytes,
    actor: Actor,
    now: datetime,
    even_so: bool = False,
    dry: bool = False,
) -> Applied:
    """Apply a staff list; one that cannot be read or is too short is noted as refused, once, and changes nothing.

    `even_so` believes a short list; `dry` writes nothing and only tells. A file that was refused or undone is not tried
    again by itself.

    Raises:
        UnknownStaffList
    """
    found = await list_of(db, code, locked=not dry)
    run = StaffRun(
        id=new_id(),
        list_id=found.id,
        at=now,
        file_name=one_line(file_name, 120),
        digest=sha256(content).hexdigest(),
        outcome=RunOutcome.APPLIED,
        slug="",
        actor_kind=actor.kind,
        actor_id=actor.id,
    )
    # Of this very file, whatever was done with others since: they do not make a bad one good.
    before = await latest_run(db, found.id, digest=run.digest)
    if before is not None and before.outcome is not RunOutcome.APPLIED and not (even_so or dry):
        return Applied(Report(), settled=before)
    try:
        rows = read_staff_list(content, today=local_day(now))
        report = await _compared(db, found, rows, now, even_so=even_so)
    except (BadStaffList, StaffListTooShort) as refusal:
        run.outcome, run.slug, run.report = RunOutcome.REFUSED, refusal.slug, dict(refusal.facts)
        return Applied(Report(), None if dry else await _write_run(db, run, actor), refusal)
    if dry:
        return Applied(report)
    _note_reading(found, len(rows), report, now)
    if not report.steps:
        return Applied(report)
    run.report = report.kept()
    await _write_run(db, run, actor)
    for step in report.steps:
        await _carry_out(db, run, step, actor, now)
    return Applied(report, run)


def _note_reading(found: StaffList, listed: int, report: Report, now: datetime) -> None:
    """Note on the list when it was believed, and what it says that changes nothing."""
    said = {"listed": listed, "unknown": report.unknown, "without_doors": report.without_doors}
    if found.reading != said:
        found.reading = said
    found.read_at, found.trouble, found.trouble_at = now, None, None


async def undo_run(db: AsyncSession, code: str, run_id: UUID, *, actor: Actor, now: datetime) -> StaffRun:
    """Take back what the last list changed: leavers come back with their doors, who came loses theirs.

    Its file is not applied again; the next one that differs is.

    Raises:
        UnknownStaffList
        UnknownStaffRun: it is not the last that was done with this list, or no list that was applied.
    """
    found = await list_of(db, code, locked=True)
    run = await latest_run(db, found.id)
    if run is None or run.id != run_id or run.outcome is not RunOutcome.APPLIED:
        raise UnknownStaffRun
    undoing = StaffRun(
        id=new_id(),
        list_id=found.id,
        at=now,
        file_name=run.file_name,
        digest=run.digest,
        outcome=RunOutcome.UNDOING,
        slug="",
        undoes_id=run.id,
        report={},
        actor_kind=actor.kind,
        actor_id=actor.id,
    )
    await _write_run(db, undoing, actor)
    # Backwards: a number may have left one person and come to another.
    for agent_id, person_id, before in reversed(run.report["steps"]):
        agent = await db.get_one(Agent, UUID(agent_id))
        agent.person_id, agent.left_at = UUID(person_id), now if before is None else None
        agent.group_name = agent.group_name if before is None else before
    touched = (AgentRight.given_by == run.id) | (AgentRight.ended_by == run.id)
    for row in list(await db.scalars(select(AgentRight).where(touched).order_by(AgentRight.right_id))):
        if row.ended_by == run.id:
            await _give_back(db, row, undoing, now)
        elif row.ended_by is None:
            await end_right(db, row.right_id, now=now)
            row.ended_by = undoing.id
    await db.flush()
    return undoing


async def _compared(
    db: AsyncSession, found: StaffList, rows: Sequence[ListRow], now: datetime, *, even_so: bool
) -> Report:
    """Return what a list changes.

    Raises:
        StaffListTooShort: unless `even_so`.
    """
    known = await known_agents(db, found.id)
    changed = changes(rows, known)
    if not even_so:
        check_leavers(len(changed.left), len(known), found.leavers_percent_max)
    groups, held = await groups_of(db, found.id), await rights_given(db, found.id)
    report = Report()
    leaving, ended = {agent.id for agent in changed.left}, set[UUID]()
    for agent in changed.left:
        # Somebody with two numbers leaves twice, and each of their rights ends once.
        ending = [right.id for right in await agent_rights_of(db, agent, leaving, now) if right.id not in ended]
        ended.update(ending)
        report.steps.append(Step(agent.id, agent.number, agent.person_id, None, agent.group, ending=tuple(ending)))
    gone = {agent.number for agent in changed.left}
    listed = {row.number: row for row in rows}
    for agent in sorted(known, key=lambda each: each.number):
        if agent.number not in gone:
            step = _staying(agent, listed[agent.number], groups, held.get(agent.id, {}))
            if _kind(step) or step.ending or step.opening:
                report.steps.append(step)
    await _note_new(db, found, changed.new, groups, report)
    wanted = {row.group_key: row.group for row in rows if row.group_key not in groups}
    report.without_doors = sorted(wanted.values())
    return report


def _staying(agent: KnownAgent, row: ListRow, groups: Groups, held: Mapping[UUID, tuple[UUID, Schedule]]) -> Step:
    """Return what changes for somebody who stays; a group without doors leaves them those that they have."""
    name = row.group_key
    if name not in groups:
        return Step(agent.id, agent.number, agent.person_id, name, agent.group)
    schedule, points = groups[name]
    ending, opening = doors_to_change(held, points, schedule)
    return Step(agent.id, agent.number, agent.person_id, name, agent.group, schedule, tuple(ending), tuple(opening))


async def _note_new(db: AsyncSession, found: StaffList, new: Sequence[ListRow], groups: Groups, report: Report) -> None:
    """Add who is new and known in our base; who comes back under their old number keeps that row."""
    people = await matched_people(db, new)
    once = await agents_by_number(db, found.id, {row.number for row in new})
    for row in new:
        if len(people[row.number]) != 1:
            report.unknown.append(row.number)
            continue
        schedule, points = groups.get(row.group_key, (None, frozenset()))
        agent_id = once[row.number].id if row.number in once else new_id()
        report.steps.append(
            Step(
                agent_id,
                row.number,
                people[row.number][0],
                row.group_key,
                None,
                schedule,
                opening=tuple(sorted(points)),
            )
        )


async def _carry_out(db: AsyncSession, run: StaffRun, step: Step, actor: Actor, now: datetime) -> None:
    agent = await db.get(Agent, step.agent_id)
    if agent is None:
        agent = Agent(id=step.agent_id, list_id=run.list_id, number=step.number, joined_at=now)
        db.add(agent)
    agent.person_id, agent.left_at = step.person_id, now if step.group is None else None
    agent.group_name = step.group if step.group is not None else agent.group_name
    await db.flush()
    for right_id in step.ending:
        await _end(db, run, agent, right_id, now)
    services = await services_of(db, step.opening) if step.opening else {}
    for point_id in step.opening:
        assert step.schedule is not None, "doors come from a group"
        right_id = uuid5(run.id, f"{agent.id} {point_id}")
        await give_right(
            db,
            right_id,
            kind=RightKind.AGENT_SCHEDULE,
            service=services[point_id],
            person_id=agent.person_id,
            point_id=point_id,
            valid_from=now,
            weekdays=step.schedule.weekdays,
            opens_at=step.schedule.opens_at,
            closes_at=step.schedule.closes_at,
            now=now,
        )
        db.add(AgentRight(right_id=right_id, agent_id=agent.id, point_id=point_id, given_by=run.id))
    await db.flush()
    kind = _kind(step)
    if kind:
        record(db, now=now, actor=actor, action=f"agent-{kind}", subject=("person", agent.person_id))


async def _end(db: AsyncSession, run: StaffRun, agent: Agent, right_id: UUID, now: datetime) -> None:
    right = await db.get(Entitlement, right_id, populate_existing=True)
    if right is None:
        return
    row = await db.get(AgentRight, right_id)
    if row is None:
        row = AgentRight(right_id=right_id, agent_id=agent.id, point_id=right.point_id)
        db.add(row)
    row.valid_until, row.ended_by = right.valid_until, run.id
    await end_right(db, right_id, now=now)


async def _give_back(db: AsyncSession, row: AgentRight, undoing: StaffRun, now: datetime) -> None:
    """Give a right again that a list ended, to the day that it had; one that never began had nothing to give."""
    right = await db.get(Entitlement, row.right_id)
    if right is None or (row.valid_until is not None and row.valid_until <= now):
        return
    right_id = uuid5(undoing.id, str(row.right_id))
    await give_right(
        db,
        right_id,
        kind=right.kind,
        service=right.service_code,
        person_id=right.person_id,
        point_id=right.point_id,
        payer_account_id=right.payer_account_id,
        entries_left=right.entries_left,
        valid_from=now,
        valid_until=row.valid_until,
        weekdays=right.weekdays,
        opens_at=right.opens_at,
        closes_at=right.closes_at,
        site=right.site,
        on_holidays=right.on_holidays,
        now=now,
    )
    if row.given_by is not None:
        db.add(AgentRight(right_id=right_id, agent_id=row.agent_id, point_id=row.point_id, given_by=undoing.id))


async def _write_run(db: AsyncSession, run: StaffRun, actor: Actor) -> StaffRun:
    db.add(run)
    await db.flush()
    counts = {name: len(found) for name, found in run.report.items() if isinstance(found, list) and name != "steps"}
    record(
        db,
        now=run.at,
        actor=actor,
        action=f"staff-list-{run.outcome}",
        outcome="refused" if run.outcome is RunOutcome.REFUSED else "done",
        subject=("staff_list", run.list_id),
        personal={"file": run.file_name, "slug": run.slug} | counts,
    )
    return run


def _kind(step: Step) -> str:
    """Return what becomes of an agent in one word, "" where only their doors change."""
    if step.group is None:
        return "left"
    if step.before is None:
        return "joined"
    return "moved" if step.group != step.before else ""
