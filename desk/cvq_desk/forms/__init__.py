"""Forms: definitions in YAML, the rules for their answers, and the paper that comes of them."""
