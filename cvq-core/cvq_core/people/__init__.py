"""People and their families: who lives here, which family accounts they belong to and in which role, and since when."""
