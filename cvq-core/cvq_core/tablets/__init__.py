"""The pages of tablets (a canteen's roll call, a waste centre's attendant), and what keeps them without a network."""
