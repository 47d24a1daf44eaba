"""The town hall that a secretary's page shows, and where its parts are."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import exists, select

from cvq_core.staff import Permission, Scope
from cvq_core.web import Context
from cvq_core.web.views import NavItem, Region
from cvq_desk.booking.store import UnknownTownHall, booth_of, town_hall_by_id
from cvq_desk.booking.tables import Booth, TownHall

PLACES_MAX = 40


@dataclass(frozen=True, slots=True)
class Place:
    """A town hall with its booth, for the person who asks."""

    context: Context
    town_hall: TownHall
    booth: Booth

    @property
    def page_url(self) -> str:
        """The page of this town hall."""
        return f"/mairie?lieu={self.town_hall.id}"

    def url(self, rest: str) -> str:
        """Return the address of a part of this town hall's page."""
        return f"/mairie/{self.town_hall.id}/{rest}"

    def region(self, name: str) -> Region:
        """Return a live region of this town hall's page."""
        return Region(self.url(f"fragments/{name}"), (f"town_hall:{self.town_hall.id}",))

    def say(self, sentence: str, **facts: object) -> str:
        """Return a sentence in the language of the person who asks."""
        return self.context._(sentence, **facts)


async def place_of(context: Context, town_hall_id: UUID, permission: Permission = Permission.SEE_TOWN_HALL) -> Place:
    """Return a town hall of the person who asks.

    Raises:
        OutOfScope: it is another's.
        UnknownTownHall: it has no booth.
    """
    context.require(permission, Scope("town_hall", town_hall_id))
    town_hall = await town_hall_by_id(context.db, town_hall_id)
    context.place = town_hall.name
    return Place(context, town_hall, await booth_of(context.db, town_hall_id))


async def place_wanted(context: Context) -> Place:
    """Return the town hall that the address names (`lieu`), or the person's first one."""
    wanted = context.request.query.get("lieu", "")
    if wanted:
        try:
            return await place_of(context, UUID(wanted))
        except ValueError:
            raise UnknownTownHall from None
    own = await _town_halls(context)
    if not own:
        raise UnknownTownHall
    return await place_of(context, own[0].id)


async def places(place: Place) -> tuple[NavItem, ...]:
    """Return the pages of all town halls where the person works."""
    return tuple(
        NavItem(town_hall.name, f"/mairie?lieu={town_hall.id}", current=town_hall.id == place.town_hall.id)
        for town_hall in await _town_halls(place.context)
    )


async def _town_halls(context: Context) -> list[TownHall]:
    own = context.principal.scope_ids(Permission.SEE_TOWN_HALL)
    rows = await context.db.scalars(
        select(TownHall)
        .where(TownHall.id.in_(own), exists().where(Booth.town_hall_id == TownHall.id))
        .order_by(TownHall.name, TownHall.id)
        .limit(PLACES_MAX)
    )
    return list(rows)
