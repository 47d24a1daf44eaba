"""What happens between a card at a reader and a door that opens: written down, asked, decided, written down again."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

import structlog

from cvq_core.access.facts import Assurance, Point, PointMode, Reason
from cvq_core.access.words import DISPLAY_CHARACTERS
from cvq_core.card_keys.signed import read_signed_id
from cvq_core.clock import local_day
from cvq_core.controllers.wire import Welcome
from cvq_core.devices.identity import from_base64url
from cvq_core.devices.line import ServerRefused, ServerUnreachable
from cvq_core.ids import new_id
from cvq_reader.core import Core, TapAnswer
from cvq_reader.deciding import NOTHING, Decided, Presented, Since, decide_here
from cvq_reader.held import HeldList
from cvq_reader.queue import QueuedTap, State, TapQueue
from cvq_reader.steady import SteadyClock

log = structlog.get_logger(__name__)

ANSWERS_KEPT = 1000
LOOKED_BACK = timedelta(hours=24)
_NO_LIST = ("Voir l’accueil", "Ce lecteur n’a pas encore de liste. Adressez-vous à l’accueil ou à votre mairie.")


@dataclass(frozen=True, slots=True)
class Answer:
    """What a reader does and shows; `online` says who decided."""

    id: UUID
    allowed: bool
    reason: str
    display_short: str
    display_long: str
    online: bool


class Doors:
    """All points of the site. `present` may be called for many at once."""

    def __init__(self, core: Core, queue: TapQueue, clock: SteadyClock, welcome: Welcome) -> None:
        self._core = core
        self._queue = queue
        self._clock = clock
        self._salt = from_base64url(welcome.salt)
        self._answers: OrderedDict[UUID, tuple[tuple[object, ...], Answer]] = OrderedDict()
        self._under_way: dict[UUID, asyncio.Future[Answer]] = {}
        self.held: HeldList | None = None
        self.since = Since()
        self.on_decided: Callable[[], None] = lambda: None
        """Called when a tap waits to be sent, or its bearer's record to be fetched."""

    async def present(
        self,
        point_id: UUID,
        *,
        uid: str | None = None,
        person_id: UUID | None = None,
        tap_id: UUID | None = None,
        assurance: Assurance = Assurance.UID,
    ) -> Answer:
        """Decide on a card or a ticked person; the same `tap_id` again gets the first answer.

        `assurance` is what was verified of the card (`assurance_of`, or a reader that proves cards itself).

        The tap is on disk before anything is asked, and its decision before this returns, as far as the disk takes it.
        """
        tap_id = tap_id or new_id()
        what = (point_id, uid, person_id, assurance)
        if tap_id in self._answers:
            known, answer = self._answers[tap_id]
            return answer if known == what else replace(answer, allowed=False, reason="tap-reused")
        if tap_id in self._under_way:
            return await asyncio.shield(self._under_way[tap_id])
        future = self._under_way[tap_id] = asyncio.get_running_loop().create_future()
        try:
            answer = await self._decide(Presented(tap_id, point_id, self._clock.now(), uid, person_id, assurance))
        except BaseException:
            future.cancel()
            raise
        finally:
            del self._under_way[tap_id]
        future.set_result(answer)
        self._answers[tap_id] = (what, answer)
        if len(self._answers) > ANSWERS_KEPT:
            self._answers.popitem(last=False)
        return answer

    async def _decide(self, presented: Presented) -> Answer:
        tap = QueuedTap(
            presented.id,
            State.ASKED,
            presented.point_id,
            presented.at,
            not self._clock.is_doubtful,
            presented.uid,
            presented.person_id,
            presented.assurance,
        )
        await self._queue.put(tap)
        told = await self._ask(tap)
        # Decided here in any case, after the wait: who passed at another point meanwhile counts.
        own = decide_here(self.held, self._salt, self.since, presented) if self.held is not None else None
        if told is not None:
            done = _answered(tap, told, own)
            answer = Answer(tap.id, told.allowed, told.reason, told.display_short, told.display_long, online=True)
        else:
            done = self._decided(tap, own)
            short, long = (own.display.short, own.display.long) if own else _NO_LIST
            answer = Answer(tap.id, bool(done.allowed), done.reason or "", short, long, online=False)
        self.since.add(done.id, done.taken)
        await self._queue.put(done)
        self.on_decided()
        return answer

    async def _ask(self, tap: QueuedTap) -> TapAnswer | None:
        if not self._core.is_quick:
            return None
        try:
            return await self._core.tap(tap)
        except ServerUnreachable as error:
            log.warning("decided_here", reason=str(error))
        except ServerRefused as refusal:
            log.warning("decided_here", status=refusal.status, reason=str(refusal))
        return None

    def _decided(self, tap: QueuedTap, own: Decided | None) -> QueuedTap:
        """Return the tap as this machine decided it; without any list, nobody is let in."""
        if own is None:
            return replace(
                tap,
                state=State.DECIDED,
                allowed=False,
                reason=Reason.LIST_EXPIRED.value,
                display=_NO_LIST[0][:DISPLAY_CHARACTERS],
            )
        return replace(
            tap,
            state=State.DECIDED,
            allowed=own.decision.allowed,
            reason=own.decision.reason.value,
            display=own.display.short,
            list_made_at=own.list_made_at,
            taken=own.taken,
        )

    def assurance_of(self, uid: str, record: bytes | None) -> Assurance:
        """Return what the record that was read on a card proves of it: that we gave this number to this chip."""
        keys = self.held.signing_keys if self.held is not None else {}
        said = read_signed_id(record, keys) if record is not None else None
        return Assurance.SIGNED_ID if said is not None and said.uid == uid else Assurance.UID

    def now(self) -> datetime:
        """Return the hour that decisions are taken at."""
        return self._clock.now()

    def is_noted(self, person_id: UUID, point_id: UUID) -> bool:
        """Whether somebody is noted present today at a tablet's point."""
        held = self.held
        person = held.person(person_id) if held is not None else None
        if held is None or person is None:
            return False
        group, today = held.points[point_id].group, local_day(self.now())
        noted = any(each.group == group and each.noted_on == today for each in person.at)
        return noted or self.since.is_noted(person_id, group, today.isoformat())

    def is_open(self, point_id: UUID) -> bool:
        """Whether a point is open to all: its relay is held."""
        point = self.point(point_id)
        return point is not None and point.mode in (PointMode.HELD_OPEN, PointMode.EMERGENCY)

    def point(self, point_id: UUID) -> Point | None:
        """Return a point's settings of today."""
        known = self.held.points.get(point_id) if self.held is not None else None
        return known.days[0][1] if known is not None else None

    def point_named(self, code: str) -> UUID | None:
        """Return the point of a code, None where the list does not know it."""
        points = self.held.points.values() if self.held is not None else ()
        return next((point.id for point in points if point.code == code), None)

    def first_of_each_service(self) -> list[UUID]:
        """Return one point for each service that is served here: it speaks for this machine."""
        points = sorted(self.held.points.values(), key=lambda each: each.code) if self.held is not None else []
        first = {each.days[0][1].service: each.id for each in reversed(points)}
        return list(first.values())

    def forget_old(self) -> None:
        """Forget who passed long ago."""
        self.since.forget_before(self._clock.now() - LOOKED_BACK)


def _answered(tap: QueuedTap, told: TapAnswer, own: Decided | None) -> QueuedTap:
    """Return a tap that the core decided; what it took is what this machine's own rule says, where the two agree."""
    agrees = own is not None and own.decision.reason.value == told.reason
    taken = own.taken if own is not None else NOTHING
    if not agrees:
        taken = replace(NOTHING, person_id=taken.person_id)
    return replace(tap, state=State.ANSWERED, uid=None, allowed=told.allowed, reason=told.reason, taken=taken)
