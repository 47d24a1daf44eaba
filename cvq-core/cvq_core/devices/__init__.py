"""Booths and readers: they enrol with a one-time code, then hold a key of their own, and can be revoked."""
