"""Staff lists and their groups, who is on them, and whom of our base a row means."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from datetime import datetime, time
from uuid import UUID

from sqlalchemy import delete, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from cvq_core.access.facts import EVERY_DAY, RightKind
from cvq_core.access.tables import AccessPoint, Entitlement
from cvq_core.agents.rules import (
    BadStaffGroup,
    KnownAgent,
    ListRow,
    NobodyToLink,
    RunOutcome,
    Schedule,
    UnknownStaffList,
    same_person,
)
from cvq_core.agents.tables import Agent, AgentGroup, AgentGroupPoint, AgentRight, StaffList, StaffRun
from cvq_core.bank_table import one_line, plain
from cvq_core.ids import new_id
from cvq_core.journal.store import Actor, record
from cvq_core.people.tables import Person
from cvq_core.services.rules import ServiceCode

POINTS_MAX = 200
_AT_ONCE = 500


async def add_list(
    db: AsyncSession, code: str, *, label: str, leavers_percent_max: int = 10, actor: Actor, now: datetime
) -> StaffList:
    """Add an employer whose list comes as a file; the same code again changes its label and its bound.

    Raises:
        BadStaffGroup: the code, the label or the bound cannot be right.
    """
    if plain(code).replace(" ", "-") != code or not 1 <= len(code) <= 40 or not 0 <= leavers_percent_max <= 100:
        raise BadStaffGroup
    found: StaffList | None = await db.scalar(select(StaffList).where(StaffList.code == code).with_for_update())
    if found is None:
        found = StaffList(id=new_id(), code=code, made_at=now)
        db.add(found)
    found.label, found.leavers_percent_max = one_line(label, 120) or code, leavers_percent_max
    await db.flush()
    personal = {"code": code, "leavers_percent_max": leavers_percent_max}
    record(db, now=now, actor=actor, action="staff-list-set", subject=("staff_list", found.id), personal=personal)
    return found


async def set_group(
    db: AsyncSession,
    code: str,
    label: str,
    *,
    point_codes: Collection[str],
    weekdays: int = EVERY_DAY,
    opens_at: time | None = None,
    closes_at: time | None = None,
    actor: Actor,
    now: datetime,
) -> None:
    """Say which doors a group opens and when; the next reading of the list gives and ends what differs.

    Raises:
        UnknownStaffList
        BadStaffGroup: no name, no day, too many doors, or one that is not known.
    """
    found = await list_of(db, code)
    name = plain(label)[:80]
    points = list(await db.scalars(select(AccessPoint.id).where(AccessPoint.code.in_(point_codes))))
    if not name or not 1 <= weekdays <= EVERY_DAY or len(points) > POINTS_MAX or len(points) != len(set(point_codes)):
        raise BadStaffGroup
    group = await db.get(AgentGroup, (found.id, name))
    if group is None:
        group = AgentGroup(list_id=found.id, name=name)
        db.add(group)
    group.label, group.weekdays, group.opens_at, group.closes_at = one_line(label, 80), weekdays, opens_at, closes_at
    await db.flush()
    await db.execute(delete(AgentGroupPoint).where(AgentGroupPoint.list_id == found.id, AgentGroupPoint.name == name))
    db.add_all(AgentGroupPoint(list_id=found.id, name=name, point_id=point_id) for point_id in points)
    await db.flush()
    personal = {"group": group.label, "points": sorted(point_codes), "weekdays": weekdays}
    record(db, now=now, actor=actor, action="agent-group-set", subject=("staff_list", found.id), personal=personal)


async def list_of(db: AsyncSession, code: str, *, locked: bool = False) -> StaffList:
    """Return a staff list; `locked` until the end of the transaction: one file at a time.

    Raises:
        UnknownStaffList
    """
    wanted = select(StaffList).where(StaffList.code == code)
    found: StaffList | None = await db.scalar(wanted.with_for_update() if locked else wanted)
    if found is None:
        raise UnknownStaffList
    return found


async def lists(db: AsyncSession) -> list[StaffList]:
    """Return every staff list, by code."""
    return list(await db.scalars(select(StaffList).order_by(StaffList.code).limit(200)))


async def known_agents(db: AsyncSession, list_id: UUID) -> list[KnownAgent]:
    """Return who was on a list when it was last applied."""
    rows = await db.execute(
        select(Agent, Person.birth_date)
        .join(Person, Person.id == Agent.person_id)
        .where(Agent.list_id == list_id, Agent.left_at.is_(None))
    )
    return [KnownAgent(row.id, row.number, row.person_id, row.group_name, born) for row, born in rows]


async def groups_of(db: AsyncSession, list_id: UUID) -> dict[str, tuple[Schedule, frozenset[UUID]]]:
    """Return the groups of a list by name: when, and which points."""
    points: dict[str, set[UUID]] = defaultdict(set)
    for row in await db.scalars(select(AgentGroupPoint).where(AgentGroupPoint.list_id == list_id)):
        points[row.name].add(row.point_id)
    groups = await db.scalars(select(AgentGroup).where(AgentGroup.list_id == list_id))
    return {
        row.name: (Schedule(row.weekdays, row.opens_at, row.closes_at), frozenset(points[row.name])) for row in groups
    }


async def matched_people(db: AsyncSession, rows: Sequence[ListRow]) -> dict[str, list[UUID]]:
    """Return whom of our base each row can mean, by its number: of the same birth date, with the same names."""
    born = sorted({row.born for row in rows if row.born is not None})
    people: dict[object, list[Person]] = defaultdict(list)
    for first in range(0, len(born), _AT_ONCE):
        found = await db.scalars(
            select(Person).where(Person.birth_date.in_(born[first : first + _AT_ONCE]), Person.deceased_on.is_(None))
        )
        for person in found:
            people[person.birth_date].append(person)
    return {
        row.number: [
            person.id
            for person in people.get(row.born, [])
            if same_person(row, (person.family_name, person.usual_name), person.given_names)
        ]
        for row in rows
    }


async def agents_by_number(db: AsyncSession, list_id: UUID, numbers: Collection[str]) -> dict[str, Agent]:
    """Return who ever had some numbers on a list."""
    wanted = sorted(numbers)
    found: dict[str, Agent] = {}
    for first in range(0, len(wanted), _AT_ONCE):
        rows = await db.scalars(
            select(Agent).where(Agent.list_id == list_id, Agent.number.in_(wanted[first : first + _AT_ONCE]))
        )
        found |= {row.number: row for row in rows}
    return found


async def rights_given(db: AsyncSession, list_id: UUID) -> dict[UUID, dict[UUID, tuple[UUID, Schedule]]]:
    """Return by agent what their list gave them and has not ended, by point; also what somebody ended by hand."""
    rows = await db.execute(
        select(AgentRight.agent_id, Entitlement)
        .join(Entitlement, Entitlement.id == AgentRight.right_id)
        .join(Agent, Agent.id == AgentRight.agent_id)
        .where(Agent.list_id == list_id, AgentRight.given_by.is_not(None), AgentRight.ended_by.is_(None))
    )
    found: dict[UUID, dict[UUID, tuple[UUID, Schedule]]] = defaultdict(dict)
    for agent_id, right in rows:
        when = Schedule(right.weekdays, right.opens_at, right.closes_at)
        assert right.point_id is not None, "a list opens doors one by one"
        found[agent_id][right.point_id] = (right.id, when)
    return found


async def agent_rights_of(
    db: AsyncSession, agent: KnownAgent, leaving: Collection[UUID], now: datetime
) -> list[Entitlement]:
    """Return every schedule of an agent that holds or will: all of them, unless they work for another employer too.

    Then only what this list gave them: whose the others are is not known. `leaving` are the agents who leave with them,
    they themselves under another number perhaps: those are no other employer.
    """
    wanted = select(Entitlement).where(
        Entitlement.person_id == agent.person_id,
        Entitlement.kind == RightKind.AGENT_SCHEDULE,
        or_(Entitlement.valid_until.is_(None), Entitlement.valid_until > now),
    )
    working = await db.scalars(select(Agent.id).where(Agent.person_id == agent.person_id, Agent.left_at.is_(None)))
    if set(working) - {agent.id, *leaving}:
        wanted = wanted.where(Entitlement.id.in_(select(AgentRight.right_id).where(AgentRight.agent_id == agent.id)))
    return list(await db.scalars(wanted.order_by(Entitlement.id)))


async def services_of(db: AsyncSession, points: Collection[UUID]) -> dict[UUID, ServiceCode]:
    """Return the service of each of some points."""
    rows = await db.execute(select(AccessPoint.id, AccessPoint.service_code).where(AccessPoint.id.in_(points)))
    return {row.id: row.service_code for row in rows}


async def note_trouble(db: AsyncSession, code: str, slug: str, *, now: datetime) -> bool:
    """Note why a directory gave no list; return whether that is new. A directory without a list is none."""
    found: StaffList | None = await db.scalar(select(StaffList).where(StaffList.code == code).with_for_update())
    if found is None or found.trouble == slug:
        return False
    found.trouble, found.trouble_at = slug, now
    await db.flush()
    return True


async def link_agent(db: AsyncSession, code: str, number: str, person_id: UUID, *, actor: Actor, now: datetime) -> None:
    """Say who of our base has a number that a list names and nobody was found for; the next reading opens their doors.

    Raises:
        UnknownStaffList
        NobodyToLink: the last list does not name this number, or its bearer was found meanwhile.
    """
    found = await list_of(db, code, locked=True)
    said = found.reading or {}
    if number not in said.get("unknown", ()):
        raise NobodyToLink
    agent = await db.scalar(select(Agent).where(Agent.list_id == found.id, Agent.number == number))
    if agent is None:
        agent = Agent(id=new_id(), list_id=found.id, number=number, joined_at=now)
        db.add(agent)
    agent.person_id, agent.group_name, agent.left_at = person_id, "", None
    found.reading = {**said, "unknown": [each for each in said["unknown"] if each != number]}
    await db.flush()
    personal = {"list": code, "number": number}
    record(db, now=now, actor=actor, action="agent-linked", subject=("person", person_id), personal=personal)


async def latest_run(db: AsyncSession, list_id: UUID, *, digest: str | None = None) -> StaffRun | None:
    """Return what was done last with a list, or with one file of it."""
    wanted = select(StaffRun).where(StaffRun.list_id == list_id)
    if digest is not None:
        wanted = wanted.where(StaffRun.digest == digest)
    found: StaffRun | None = await db.scalar(wanted.order_by(StaffRun.at.desc(), StaffRun.id.desc()).limit(1))
    return found


async def refused_since(db: AsyncSession, found: StaffList) -> StaffRun | None:
    """Return why a list is not believed now: what was refused last, and not read as good since."""
    run = await latest_run(db, found.id)
    if run is None or run.outcome is not RunOutcome.REFUSED or (found.read_at is not None and found.read_at > run.at):
        return None
    return run


async def runs_of(db: AsyncSession, list_id: UUID, limit: int = 50) -> list[StaffRun]:
    """Return what was done with a list, the latest first."""
    rows = await db.scalars(
        select(StaffRun)
        .where(StaffRun.list_id == list_id)
        .order_by(StaffRun.at.desc(), StaffRun.id.desc())
        .limit(limit)
    )
    return list(rows)
