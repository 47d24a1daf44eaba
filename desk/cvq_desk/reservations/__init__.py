"""Reserving courts and halls in a visit: only what the resident agreed to, for them, from the account that is open."""
