"""What happens to families: arrivals, departures, deaths, and two accounts that turn out to be one household's."""
