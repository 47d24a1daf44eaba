"""The keys of cards: where they are kept, how a card proves itself with one, and what a decision may rest on then."""
