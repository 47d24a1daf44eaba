"""The old bases of the communes, taken over: read by a mapping, staged, compared, decided, applied, and undone."""
