"""Visits: one resident at one booth with one advisor, from the call to the wiped booth."""
