"""Invoices on paper: what is printed, copies, short addresses to pay online, the tobacconists' code, a whole month."""
