"""The advance of a cash office (régie d'avances): small expenses and refunds, and what the comptable gives back."""
