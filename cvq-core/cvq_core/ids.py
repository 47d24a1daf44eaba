"""Identifiers, made by whoever first knows a thing."""

from uuid import UUID

import uuid_utils.compat


def new_id() -> UUID:
    """Return a UUIDv7 (RFC 9562): unique without asking anybody, and in order of time, which keeps indexes compact."""
    return uuid_utils.compat.uuid7()
