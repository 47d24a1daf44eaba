"""`cvq bench months`: three made-up months of a whole territory, closed to the cent."""
