"""Controllers of sites: the list of whom their points let in, what changed in it, and how they are."""
