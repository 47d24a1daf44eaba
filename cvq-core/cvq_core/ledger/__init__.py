"""The double-entry ledger and the families' wallets in it. Nothing here is ever edited: a correction is a reversal."""
