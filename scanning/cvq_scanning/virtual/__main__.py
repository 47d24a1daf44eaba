"""`python -m cvq_scanning.virtual`, see `cli`."""

from cvq_scanning.virtual.cli import main

main()
