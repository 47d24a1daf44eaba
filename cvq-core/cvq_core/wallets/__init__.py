"""What a family does with its wallets: moving money between them, automatic top-ups, notices of a low balance."""
