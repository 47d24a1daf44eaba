"""Audit records: who did what, on whose account, under which visit and consent. Appended, sealed, never edited."""

from cvq_core.journal.store import Actor, record

__all__ = ["Actor", "record"]
