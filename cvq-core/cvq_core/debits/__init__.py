"""Direct debits: a family's signed mandate, the file for the bank, and what the bank sends back."""
