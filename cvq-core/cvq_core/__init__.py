"""The common core: accounts, cards, money, access, staff, and what every page and process stands on."""
