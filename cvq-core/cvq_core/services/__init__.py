"""The territory's services, what an empty wallet means for each, and the provisional price list."""
