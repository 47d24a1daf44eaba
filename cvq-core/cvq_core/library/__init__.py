"""The card at the library: a SIP2 server that the library's own software asks about its readers."""
