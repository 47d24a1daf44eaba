"""Booths as the desk knows them: their line, their machines, and the one view that each is sent."""
