"""A whole territory made up from a number: for the demonstration, the tests and the measurements."""
