"""A whole installation on one machine, virtual machines included: for the demonstration, the tests and the benches."""
