"""What `cvq bench` measures, always beside its limit in the same run."""
