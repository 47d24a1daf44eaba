"""Live events: what changed, in a sequence per topic, so that a page that lost its line is told what it missed."""

from cvq_core.live.hub import LiveHub
from cvq_core.live.store import Event, events_since, flush_events, publish

__all__ = ["Event", "LiveHub", "events_since", "flush_events", "publish"]
