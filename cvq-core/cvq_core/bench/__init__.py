"""Measurements against the limit of the machine they run on, taken in the same minutes."""
