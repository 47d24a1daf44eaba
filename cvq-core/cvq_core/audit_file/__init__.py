"""A period of a cash office in one sealed file, which can be checked without the database and without this server."""
