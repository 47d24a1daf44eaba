"""Facilities that people reserve: squash courts, halls, rooms; a reservation is what opens the door."""
