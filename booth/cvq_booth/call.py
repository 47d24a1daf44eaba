"""When the booth's camera may open: never before the ring was seen for its whole time. Plain rules, without a clock."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

from cvq_desk.wire import CallState, VisitView

RESUME_WITHIN_S = 60.0
"""After a restart of the agent, a call that was open so recently goes on without another ring."""

RING_MAX = timedelta(seconds=30)


@dataclass(frozen=True, slots=True)
class Conduct:
    """Where the booth is with the call of one visit.

    `ring` tells one ring from the next (the desk's hour of its end). `ends_at` is set once a page shows the ring, on
    this machine's clock; `open` once it was seen to its end.
    """

    visit_id: UUID | None = None
    ring: datetime | None = None
    ends_at: datetime | None = None
    open: bool = False

    @property
    def rings(self) -> bool:
        """Whether a call is wanted and not open yet."""
        return self.visit_id is not None and not self.open


NO_CALL = Conduct()


def follow(conduct: Conduct, visit: VisitView | None, *, open_age_s: float | None) -> Conduct:
    """Return what becomes of the call with a new view.

    `open_age_s` is how long ago an earlier start of the agent knew the camera of this visit to be open, or None.
    """
    if visit is None or visit.call not in {CallState.RINGING, CallState.LIVE}:
        return NO_CALL
    same_visit = conduct.visit_id == visit.id
    if visit.call is CallState.LIVE:
        if same_visit:
            return conduct
        # Nobody rang here. Either this agent was started in the middle of a call, or the desk skips the ring.
        return Conduct(visit.id, open=open_age_s is not None and open_age_s < RESUME_WITHIN_S)
    if same_visit and conduct.ring == visit.ringing_until:
        return conduct
    return Conduct(visit.id, ring=visit.ringing_until)


def shown(conduct: Conduct, visit_id: UUID, *, now: datetime, ring_s: float, desk_ahead: timedelta) -> Conduct:
    """Start to count: the ring stands on screen 1, from now on for `ring_s`, or longer where the desk's own is.

    `desk_ahead` is what the desk's clock is ahead of this machine's.
    """
    if not conduct.rings or conduct.visit_id != visit_id or conduct.ends_at is not None:
        return conduct
    ends_at = now + timedelta(seconds=ring_s)
    if conduct.ring is not None:
        ends_at = max(ends_at, min(conduct.ring - desk_ahead, now + RING_MAX))
    return replace(conduct, ends_at=ends_at)


def hidden(conduct: Conduct) -> Conduct:
    """Stop counting: nobody could see the ring any more. It begins anew."""
    return replace(conduct, ends_at=None) if conduct.rings else conduct


def tick(conduct: Conduct, *, now: datetime, curtain: bool) -> Conduct:
    """Open the call when the ring is over; behind a curtain it waits."""
    if conduct.rings and conduct.ends_at is not None and now >= conduct.ends_at and not curtain:
        return replace(conduct, open=True)
    return conduct
