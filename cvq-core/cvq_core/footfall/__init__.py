"""How many passed, when and why not: figures without anybody's name, which stay when the taps themselves are purged."""
