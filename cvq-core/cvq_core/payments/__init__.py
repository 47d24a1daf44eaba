"""Payment online, through PayFiP: carts, attempts to pay them, and what stays to be reconciled with the bank."""
