"""A direct debit mandate in a visit: prepared, confirmed on screen 2, printed, signed by hand, scanned and filed."""
