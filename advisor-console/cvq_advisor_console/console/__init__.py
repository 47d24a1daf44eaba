"""The advisor's console and its dock: what each region shows, and the pages' own routes."""
