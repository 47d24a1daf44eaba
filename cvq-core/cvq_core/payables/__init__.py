"""What a family can pay for at a counter or online: wallets to top up and invoices to settle, several at once."""
