"""Inactive values (valeurs inactives): blank cards and ticket books, each number of which is in one place."""
