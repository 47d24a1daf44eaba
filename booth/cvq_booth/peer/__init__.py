"""The booth's own connection to the advisor's page, on aiortc: scanned pages and stills go straight to the console."""

from cvq_booth.peer.device import DevicePeer, PeerState
from cvq_booth.peer.pace import PaceLimits
from cvq_booth.peer.papers import PageSource

__all__ = ["DevicePeer", "PaceLimits", "PageSource", "PeerState"]
