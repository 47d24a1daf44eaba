"""Booking: who comes, to see whom, for what, when; and how the day at the town hall goes on."""
