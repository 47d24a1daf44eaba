"""The territory's services, and what an empty wallet means for each."""
