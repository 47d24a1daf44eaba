"""CVQ cards: their numbers, their states, and what is said to the person who holds one."""
