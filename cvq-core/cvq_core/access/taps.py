"""Taking taps: facts, decision and everything that follows from it, in one transaction.

A tap's id is its reader's. The same id again gets the first answer word for word; the same id with another content is
refused. What a tap writes is written once: its row, and where money or entries move, the ledger's rows, the wallet's
balance, the right's count and the attendance.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from cvq_core.access.reading import read_scene
from cvq_core.access.rules import decide
from cvq_core.access.scene import Scene, TapRequest
from cvq_core.access.statements import TAPS, statements_for
from cvq_core.access.words import say
from cvq_core.access.writing import Consequences, Row, fingerprint
from cvq_core.errors import N_, BadInput, Refusal
from cvq_core.staff.rules import Principal

BATCH_MAX = 500


class TapReused(Refusal):
    """The id of a tap came again, and what was presented is not the same."""

    slug = "tap-reused"
    message = N_("Ce passage a déjà été enregistré, pour une autre carte ou un autre lieu.")
    what_to_do = N_("C’est une erreur du lecteur : signalez-la à l’administrateur.")


class TooManyTaps(BadInput):
    """More taps at once than one transaction takes."""

    slug = "too-many-taps"
    message = N_("Trop de passages d’un coup : envoyez-les en plusieurs fois.")


@dataclass(frozen=True, slots=True)
class TapAnswer:
    """What a reader is told; the balance only where its point may show it."""

    id: UUID
    allowed: bool
    reason: str
    display_short: str
    display_long: str
    amount_cents: int
    balance_cents: int | None
    entries_left: int | None


async def take_tap(db: AsyncSession, request: TapRequest, *, now: datetime) -> TapAnswer:
    """Decide on one tap and write all that follows, in the caller's transaction.

    Raises:
        UnknownPoint: there is no such access point.
        TapReused: this id came before with another content.
        IntegrityError: a rival wrote the same tap or attendance meanwhile; run the transaction again.
    """
    [answer] = await take_taps(db, [request], now=now)
    if isinstance(answer, Refusal):
        raise answer
    return answer


class ReadersChanged(Exception):
    """A token is not, or no longer, that of the device for which a tap was asked; nothing was decided."""


async def take_taps(
    db: AsyncSession, requests: Sequence[TapRequest], *, now: datetime, readers: Mapping[str, Principal] | None = None
) -> list[TapAnswer | Refusal]:
    """Decide on some taps in the order given, as if each had come alone, in one transaction of the caller's.

    A tap whose id was used for something else is answered with its refusal and leaves the others alone. `readers` are
    the devices that the caller remembers of some tokens' digests: they are looked up again with everything else.

    Raises:
        ReadersChanged: one of them is not what it was.
        TooManyTaps: more than `BATCH_MAX`.
        UnknownPoint, IntegrityError: as for `take_tap`.
    """
    if len(requests) > BATCH_MAX:
        raise TooManyTaps
    asked = _first_of_each(requests)
    scene = await read_scene(db, asked, now, digests=list(readers or ()))
    if readers is not None and scene.readers != readers:
        raise ReadersChanged
    known = await known_taps(db, scene.known) if scene.known else {}
    fresh = [request for request in asked if request.id not in known]
    if fresh:
        following = _decided(scene, fresh)
        await following.write(db)
        known |= following.taps
    return [_answer(known[request.id], request) for request in requests]


def _first_of_each(requests: Sequence[TapRequest]) -> list[TapRequest]:
    found: dict[UUID, TapRequest] = {}
    for request in requests:
        found.setdefault(request.id, request)
    return list(found.values())


def _decided(scene: Scene, requests: Sequence[TapRequest]) -> Consequences:
    following = Consequences(scene)
    for request in requests:
        facts = scene.facts(request)
        decision = decide(facts)
        following.add(request, facts, decision, say(decision, facts))
    return following


async def known_taps(db: AsyncSession, ids: Collection[UUID]) -> dict[UUID, Row]:
    """Return the rows of those of some taps that are written already."""
    rows = await statements_for(db).known_taps.fetch(db, taps=list(ids))
    columns = TAPS.c.keys()
    return {row[0]: dict(zip(columns, row, strict=True)) for row in rows}


def _answer(row: Row, request: TapRequest) -> TapAnswer | Refusal:
    if row["fingerprint"] != fingerprint(request):
        return TapReused()
    return TapAnswer(
        id=row["id"],
        allowed=row["allowed"],
        reason=str(row["reason"]),
        display_short=row["display_short"],
        display_long=row["display_long"],
        amount_cents=row["amount_cents"],
        balance_cents=row["balance_cents"],
        entries_left=row["entries_left"],
    )
