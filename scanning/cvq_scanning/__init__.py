"""From a SANE device to a filed, searchable PDF/A.

`acquire` scans on the booth's machine, `clean` looks at a page and gives advice, `pdf` makes the filed document on
the server, `virtual` sets up scanners without hardware for the demonstration and the tests.
"""
