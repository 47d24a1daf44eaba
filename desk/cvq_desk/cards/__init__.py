"""Cards in a visit: a lost or stolen one is blocked from the booth, with no card in hand."""
