"""A family quotient asked for in a visit: once, under a consent of its own, and nothing of the civil status kept."""
