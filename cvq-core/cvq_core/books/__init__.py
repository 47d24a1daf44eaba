"""The books of a cash office: its journal, its balance, closed months and numbered editions."""
