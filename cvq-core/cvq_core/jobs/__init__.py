"""Work that need not be done while somebody waits: e-mail, character recognition, sealing, purges."""

from cvq_core.jobs.runner import JobRunner, Periodic
from cvq_core.jobs.store import enqueue

__all__ = ["JobRunner", "Periodic", "enqueue"]
