"""Invoices: numbered, with their lines, what is due on each and what was paid."""
