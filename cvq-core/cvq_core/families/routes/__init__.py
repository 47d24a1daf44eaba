"""Families over HTTP, a module for each subject."""

from cvq_core.families.routes import custody, departures, merges, statements, unclaimed

ROOMS = (custody, departures, merges, statements, unclaimed)

__all__ = ["ROOMS"]
