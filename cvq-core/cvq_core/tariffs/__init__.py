"""Tariffs: what a unit of a service costs whom, since when, decided by whom, and why it is this price."""
